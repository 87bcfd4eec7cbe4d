// Requests that make no sense, thousands of them: each must be answered with 4xx and a reason, and /health within 100 ms all the while.
// usage: node bench/serve/malformed.mjs MODEL.gguf [--requests 10000] [--seed 1]
import { once } from "node:events";
import { connect } from "node:net";
import { Worker } from "node:worker_threads";
import { ask, metrics, option, random, start } from "./server.mjs";

const model = process.argv[2];
const requests = Number(option("--requests", 10000));
const next = random(Number(option("--seed", 1)));
const int = (n) => Math.floor(next() * n);
const pick = (list) => list[int(list.length)];

const post = (path, body, more = "") =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(body, "latin1")}\r\n${more}\r\n${body}`;
const get = (path, method = "GET") => `${method} ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;
const paths = ["/v1/completions", "/v1/chat/completions", "/tokenize", "/detokenize", "/v1/states"];
const valid = {
  "/v1/completions": { prompt: "a", max_tokens: 1, temperature: 0.5, stop: ["x"], n: 1, logprobs: 1, seed: 3, echo: false, logit_bias: {} },
  "/v1/chat/completions": { messages: [{ role: "user", content: "a" }], max_tokens: 1, top_p: 0.5, stream: false, top_logprobs: 1 },
  "/tokenize": { prompt: "a", add_special_tokens: false },
  "/detokenize": { tokens: [1, 2] },
  "/v1/states": { prompt: "a" },
};
// What no value of a field may be, by field; a string stands in the text as it is.
const numbers = ['"5"', "[]", "{}", "true", "1e400", "-1e400", "99999999999999999999", "-99999999999999999999", "NaN", "-Infinity"];
const flags = ['"yes"', "1", "[]", "{}"];
const wrong = {
  prompt: ["null", "{}", "true", "1.5", "[]", "[1,\"a\"]", "[-1]", "[999999999]", "[1e400]", "[[1],[null]]", "[[[1]]]", "[99999999999999999999]"],
  messages: ["null", "[]", "{}", '"a"', "[1]", "[null]", '[{"role":"user"}]', '[{"role":"king","content":"a"}]', '[{"role":"user","content":5}]'],
  tokens: ["null", "{}", '"a"', "[-1]", "[1.5]", "[999999999]", "[null]", "[[1]]"],
  max_tokens: [...numbers, "-1", "1.5"], temperature: [...numbers, "-0.1", "101"], top_p: [...numbers, "-0.1", "1.1"],
  n: [...numbers, "0", "-1", "65", "1.5"], logprobs: [...numbers, "-7", "101"], top_logprobs: [...numbers, "-7", "21"],
  seed: ['"5"', "[]", "{}", "true", "1.5"], stop: ["5", "{}", "true", '[""]', "[5]", `[${'"a",'.repeat(99)}"a"]`],
  echo: flags, stream: flags, add_special_tokens: flags,
  logit_bias: ["5", '"a"', "[1]", '{"x":1}', '{"1":1e9}', '{"1":"a"}', '{"99999999":1}', '{"-1":1}'],
  best_of: ["5", '"5"', "-1"], suffix: ['"b"'], state: ['"none"', "5", "{}"], tools: ['[{"type":"function"}]'],
  stream_options: ["5", '"a"', '{"include_usage":5}'], response_format: ["5", '{"type":"json_object"}', "{\"type\":5}"],
};
const fieldsOf = { "/v1/completions": ["best_of", "suffix", "state", "stream_options"], "/v1/chat/completions": ["tools", "stream_options", "response_format"], "/v1/states": ["state"] };

function wrongField() {
  const path = pick(paths);
  const field = pick([...Object.keys(valid[path]).filter((name) => wrong[name]), ...(fieldsOf[path] ?? [])]);
  const rest = Object.entries(valid[path]).filter(([name]) => name !== field).map(([name, value]) => `"${name}":${JSON.stringify(value)}`);
  return post(path, `{${[...rest, `"${field}":${pick(wrong[field])}`].join(",")}}`);
}
function brokenJson() {
  const path = pick(paths);
  const body = JSON.stringify(valid[path]);
  const at = int(body.length - 1);
  return post(path, pick([body.slice(0, at), body + "}", body + ",{}", "\u0000" + body, body.replaceAll('"', "'"), body.replace(":", ""), "\xff\xfe" + body,
    body.slice(0, -1) + ',"x":"\xc3\x28"}', body.slice(0, -1) + ',"x":"\\ud83"}', "[" + body + "]", JSON.stringify(body), String(at), "", "\r\n", "{]"]));
}
const depth = () => 65 + int(60000);
const nesting = () => {
  const n = depth();
  return post(pick(paths), pick(["[".repeat(n), '{"a":'.repeat(n), '{"prompt":' + "[".repeat(n) + "]".repeat(n) + "}", '{"a":[' .repeat(n)]));
};
const repeated = () => post("/v1/completions", '{"prompt":"a","max_tokens":1,"prompt":"b"}');
const headers = () => `GET / HTTP/1.1\r\nHost: a\r\n${`X-${int(1e9)}: ${"0".repeat(int(200))}\r\n`.repeat(3000)}\r\n`;
const longHeader = () => `GET / HTTP/1.1\r\nHost: a\r\nX-Long: ${"0".repeat(33000 + int(100000))}\r\n\r\n`;
const longLine = () => `GET /${"a".repeat(9000 + int(100000))} HTTP/1.1\r\nHost: a\r\n\r\n`;
const wrongPath = () => get(pick(["/nothing", "/v1", "/v1/", "/v1/models/../../etc/passwd", "/../../../etc/passwd", "/assets/../pom.xml", "/assets/%2e%2e/x",
  "/%00", "/%zz", "//", "/v1/states/" + int(1e9), "/v1/states/../x", "/v1/models/%F0%28", "/" + String.fromCharCode(1 + int(31) === 10 ? 9 : 33) + "x"]));
const wrongMethod = () => pick([get("/v1/completions"), get("/metrics", "PUT"), get("/health", "DELETE"), get("/", "PATCH"), get("/v1/models", "TRACE"),
  get("/v1/models", "BREW"), post("/health", "{}"), post("/v1/models", "{}"), get("/v1/states", "DELETE"), get("/tokenize")]);
const noHttp = () => pick(["\r\n\r\nHELLO\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET / HTTP/2.0\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
  `${"\x01".repeat(1 + int(50))}\r\n\r\n`, "GET / FTP/1.1\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]);
const lengths = () => {
  const head = "POST /v1/completions HTTP/1.1\r\nHost: a\r\n";
  return head + pick(["Content-Length: -5\r\n\r\n", "Content-Length: x\r\n\r\n", "Content-Length: 99999999999999999999\r\n\r\n{", "Content-Length: 999999999\r\n\r\n{",
    "Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}", "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
    "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nfffffffffffffffff\r\n", "Expect: 100-continue\r\nContent-Length: 999999999\r\n\r\n", "Expect: cake\r\nContent-Length: 2\r\n\r\n{}"]);
};
const tooMuch = () => pick([() => post("/v1/completions", `{"prompt":[${"1,".repeat(140000)}1]}`), () => post("/v1/completions", `{"prompt":[${'"a",'.repeat(5000)}"a"]}`),
  () => post("/v1/completions", `{"prompt":"a","n":64}`), () => post("/tokenize", " ".repeat(9 << 20))])();
// Kinds by how often they come.
const kinds = { wrongField: [40, wrongField], brokenJson: [25, brokenJson], nesting: [6, nesting], repeated: [1, repeated], headers: [3, headers], longHeader: [2, longHeader],
  longLine: [3, longLine], wrongPath: [7, wrongPath], wrongMethod: [5, wrongMethod], noHttp: [4, noHttp], lengths: [3.5, lengths], tooMuch: [0.5, tooMuch] };
const total = Object.values(kinds).reduce((sum, [often]) => sum + often, 0);
function kind() {
  let left = next() * total;
  return Object.entries(kinds).find(([, [often]]) => (left -= often) < 0) ?? ["wrongField", kinds.wrongField];
}

/** Sends bytes and resolves to all that comes back until the server closes. `slowly` are sent one byte a second after that. */
function exchange(port, bytes, slowly = "") {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes, "latin1"));
    let got = "";
    let at = 0;
    const drip = slowly && setInterval(() => at < slowly.length && socket.write(slowly[at++], "latin1"), 1000);
    socket.setTimeout(60000, () => socket.destroy());
    socket.on("data", (data) => (got += data.toString("latin1")));
    socket.on("error", () => {}); // closed while we still sent; what it said before counts
    socket.on("close", () => {
      clearInterval(drip);
      resolve(got);
    });
  });
}

const server = await start(model, ["--parallel", "4"]);
const { port } = server;
const statuses = {};
const bad = [];
function judge(kindName, sent, got) {
  const status = Number(got.match(/^HTTP\/1\.1 (\d+)/)?.[1] ?? 0);
  statuses[kindName] ??= {};
  statuses[kindName][status] = (statuses[kindName][status] ?? 0) + 1;
  const reason = got.match(/"message":"(.+?)"/)?.[1];
  if (status < 400 || status > 499 || !reason || reason.includes("Exception")) bad.push([kindName, sent.slice(0, 300), got.slice(0, 400)]);
}

await ask(port, "POST", "/v1/completions", valid["/v1/completions"]);
const watcher = new Worker(new URL("health.mjs", import.meta.url), { workerData: { port } });
// Those that send slowly, all the time that the others take and longer.
const head = "POST /v1/completions HTTP/1.1\r\nHost: a\r\n";
const slow = Array.from({ length: 60 }, (_, i) => i % 2 ? [head + "Content-Length: 500\r\n\r\n{", '"prompt":"a",'.repeat(90)] : [head, "X-Slow: 1\r\n".repeat(90)])
  .map(async ([first, rest]) => judge("slow", first, await exchange(port, first, rest)));
let left = requests - slow.length;
await Promise.all(Array.from({ length: 8 }, async () => {
  while (left-- > 0) {
    const [name, [, make]] = kind();
    const sent = make();
    judge(name, sent, await exchange(port, sent));
  }
}));
await Promise.all(slow);
watcher.postMessage("stop");
const [[health, failed]] = await once(watcher, "message");
if (failed) bad.push(["health", "", `${failed} failed`]);
const { status } = await ask(port, "POST", "/v1/completions", valid["/v1/completions"]);
const responses = Object.fromEntries(Object.entries(await metrics(port)).filter(([name]) => name.includes("responses")));
await server.stop();

for (const [name, counts] of Object.entries(statuses)) console.log(name.padEnd(12), JSON.stringify(counts));
health.sort((a, b) => a - b);
console.log(`/health: ${health.length} times, ${health[health.length >> 1].toFixed(1)} ms in the middle, ${health.at(-1).toFixed(1)} ms at most`);
console.log(JSON.stringify(responses));
for (const [name, sent, got] of bad.slice(0, 20)) console.log(`BAD ${name}\n  sent ${JSON.stringify(sent)}\n  got  ${JSON.stringify(got)}`);
if (bad.length > 0 || status !== 200 || health.at(-1) > 100) {
  console.error(`${bad.length} of ${requests} were not answered well`);
  process.exit(1);
}
