// A crowd of clients for minutes, a third of whom hang up in the middle. Nothing but 200 and 429 may come back, every answer must be
// the one that is given when nobody else asks, and in the end the server must hold no more than at the start.
// usage: node bench/serve/soak.mjs MODEL.gguf [--clients 64] [--seconds 300] [-- more options of serve]
import { ask, footprint, keepAlive, metrics, option, random, sleep, start } from "./server.mjs";

const model = process.argv[2];
const clients = Number(option("--clients", 64));
const seconds = Number(option("--seconds", 300));
const split = process.argv.indexOf("--");
const more = split < 0 ? [] : process.argv.slice(split + 1);
const words = ("the old woman had a red cow and her son went to market with it one fine day where he met an odd man who asked " +
  "whether five beans were not worth more than any cow").split(" ");

/** A request that ends where it says, whoever sends it. */
function question(i) {
  const next = random(1000 + i);
  const text = Array.from({ length: 5 + Math.floor(next() * 120) }, () => words[Math.floor(next() * words.length)]).join(" ");
  const common = { temperature: 0, max_tokens: 8 + Math.floor(next() * 40) };
  return i % 2
    ? ["/v1/completions", { ...common, prompt: text }]
    : ["/v1/chat/completions", { ...common, messages: [{ role: "user", content: text }] }];
}

/** The text of an answer, streamed or whole. */
function text(answer) {
  const part = (choice) => choice?.text ?? choice?.message?.content ?? choice?.delta?.content ?? "";
  if (!answer.startsWith("data: ")) return part(JSON.parse(answer).choices[0]);
  const events = answer.split("\n\n").filter((event) => event.startsWith("data: {"));
  if (!answer.endsWith("data: [DONE]\n\n")) throw new Error("a stream that was cut off: " + answer.slice(-200));
  return events.map((event) => part(JSON.parse(event.slice(6)).choices[0])).join("");
}

const server = await start(model, ["--parallel", "8", "--queue", "40", "--state-memory", "64", ...more]);
const { port, pid } = server;
const questions = Array.from({ length: 120 }, (_, i) => question(i));
const alone = [];
for (const [path, body] of questions) alone.push(text((await ask(port, "POST", path, body)).text));

const mib = (x) => x.toFixed(1);
const seen = { same: 0, different: 0, hungUp: 0, full: 0, failed: 0 };
const tell = (what) => console.log(new Date().toISOString().slice(11, 19), what);
async function client(number, until) {
  const next = random(number);
  const agent = keepAlive(1);
  while (Date.now() < until) {
    const which = Math.floor(next() * questions.length);
    const [path, body] = questions[which];
    const stream = next() < 0.5;
    const leaves = next() < 1 / 3;
    const after = Math.floor(next() * 12);
    const leaving = new AbortController();
    const timer = leaves && !stream ? setTimeout(() => leaving.abort(), next() * 400) : undefined;
    const onText = leaves && stream ? (got) => got.split("\n\n").length <= after : undefined;
    try {
      const answer = await ask(port, "POST", path, { ...body, stream }, { agent, onText, signal: leaving.signal });
      if (answer.status === 429) {
        seen.full++;
        await sleep(1000 * Number(answer.headers["retry-after"]) * next());
      } else if (answer.status === 0) {
        seen.hungUp++;
      } else if (answer.status !== 200) {
        seen.failed++;
        tell(`${answer.status}: ${answer.text}`);
      } else if (text(answer.text) === alone[which]) {
        seen.same++;
      } else {
        seen.different++;
        if (seen.different <= 10) tell(`question ${which}:\n  alone ${JSON.stringify(alone[which])}\n  now   ${JSON.stringify(text(answer.text))}`);
      }
    } catch (e) {
      if (leaving.signal.aborted) {
        seen.hungUp++;
      } else {
        seen.failed++;
        tell(`${path}: ${e.message}`);
      }
    } finally {
      clearTimeout(timer);
    }
  }
  agent.destroy();
}

async function crowd(duration) {
  const until = Date.now() + 1000 * duration;
  await Promise.all(Array.from({ length: clients }, (_, i) => client(i + duration, until)));
  await sleep(3000); // the last to hang up are noticed
}

await crowd(Math.min(15, seconds / 4)); // whatever is made once, is made now
const before = { ...footprint(pid), ...(await metrics(port)) };
const minute = setInterval(() => {
  const { heap, resident, files } = footprint(pid);
  tell(`live heap ${mib(heap)} MiB, resident ${mib(resident)} MiB, ${files} open files`);
}, 60000);
await crowd(seconds);
clearInterval(minute);
const after = { ...footprint(pid), ...(await metrics(port)) };
for (const state of JSON.parse((await ask(port, "GET", "/v1/states")).text).data) await ask(port, "DELETE", "/v1/states/" + state.id);
const empty = await metrics(port);
await server.stop();

tell(`answers: ${JSON.stringify(seen)}`);
tell(`live heap ${mib(before.heap)} -> ${mib(after.heap)} MiB, resident ${mib(before.resident)} -> ${mib(after.resident)} MiB, ` +
  `open files ${before.files} -> ${after.files}, running ${after.mamba4j_running}, waiting ${after.mamba4j_waiting}, ` +
  `states ${before.mamba4j_states} -> ${after.mamba4j_states}, bytes of states once deleted ${empty.mamba4j_state_bytes}`);
const good = seen.failed + seen.different === 0 && after.heap - before.heap < 4 && after.resident - before.resident < 64
  && after.files - before.files <= 2 && after.mamba4j_running + after.mamba4j_waiting + empty.mamba4j_state_bytes + empty.mamba4j_states === 0;
if (!good) {
  console.error("the soak failed");
  process.exit(1);
}
