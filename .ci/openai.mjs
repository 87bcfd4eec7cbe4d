// Starts `mamba4j serve` and asks it with OpenAI's client for Node, then has openai.py do the same with the one for Python. What
// comes back is held against `mamba4j generate` and `tokenize` on the same file.
// usage: node .ci/openai.mjs MODEL.gguf HOME, where HOME/node_modules has openai and HOME/python is a venv that has it too
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { start } from "../bench/serve/server.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const [model, home] = process.argv.slice(2).map((path) => resolve(path));
const { OpenAI } = createRequire(join(home, "package.json"))("openai");
const KEY = "sk-of-the-test";
const PROMPT = "Once upon a time, there was a little dog";
const TOKENS = 24;
const MESSAGES = [{ role: "system", content: "A child asks." }, { role: "user", content: "Tell me of a dog." }];

const mamba4j = (...args) => execFileSync(join(here, "..", "mamba4j"), args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
const greedy = (prompt) => JSON.parse(
  mamba4j("generate", "-m", model, "-p", prompt, "-n", String(TOKENS), "--temp", "0", "--ignore-eos", "--json"));

/** What the server must say; the Python side gets the same. */
function expectations() {
  const plain = "A child asks.\n\nUser: Tell me of a dog.\nAssistant:"; // the format of a model without a template
  return { model: "small", key: KEY, prompt: PROMPT, tokens: TOKENS, messages: MESSAGES, text: greedy(PROMPT).text, chat: greedy(plain).text.trimStart() };
}

const collect = async (stream) => {
  const events = [];
  for await (const event of stream) events.push(event);
  return events;
};

async function completions(client, expected) {
  const base = { model: expected.model, prompt: PROMPT, max_tokens: TOKENS, temperature: 0, ignore_eos: true };
  const ask = (more) => client.completions.create({ ...base, ...more });

  const plain = await ask({});
  assert.equal(plain.choices[0].text, expected.text);
  assert.equal(plain.choices[0].finish_reason, "length");
  assert.equal(plain.usage.completion_tokens, TOKENS);
  assert.equal(plain.usage.total_tokens, plain.usage.prompt_tokens + TOKENS);

  const echo = await ask({ echo: true, logprobs: 2 });
  const { tokens, token_logprobs, top_logprobs, text_offset } = echo.choices[0].logprobs;
  assert.equal(echo.choices[0].text, PROMPT + expected.text);
  assert.equal(tokens.join(""), PROMPT + expected.text);
  assert.equal(tokens.length, plain.usage.total_tokens);
  assert.equal(token_logprobs[0], null);
  for (let i = 1; i < tokens.length; i++) {
    assert.ok(token_logprobs[i] < 0);
    assert.equal(text_offset[i], text_offset[i - 1] + tokens[i - 1].length);
    assert.equal(top_logprobs[i][tokens[i]], token_logprobs[i]);
    if (i >= plain.usage.prompt_tokens) assert.equal(token_logprobs[i], Math.max(...Object.values(top_logprobs[i])), "the most probable");
  }

  const several = await ask({ n: 3, temperature: 1, seed: 11 });
  const again = await ask({ n: 3, temperature: 1, seed: 11 });
  assert.equal(new Set(several.choices.map((choice) => choice.text)).size, 3);
  assert.deepEqual(several.choices, again.choices);
  assert.notDeepEqual((await ask({ n: 3, temperature: 1, seed: 12 })).choices, several.choices);

  const word = expected.text.trim().split(" ")[4];
  const stopped = await ask({ stop: [" " + word] });
  assert.equal(stopped.choices[0].text, expected.text.slice(0, expected.text.indexOf(" " + word)));
  assert.equal(stopped.choices[0].finish_reason, "stop");

  const events = await collect(await ask({ stream: true, stream_options: { include_usage: true } }));
  assert.equal(events.flatMap((event) => event.choices).map((choice) => choice.text).join(""), expected.text);
  assert.ok(events.length > TOKENS / 2, "it comes in pieces");
  assert.deepEqual(events.at(-1).choices, []);
  assert.equal(events.at(-1).usage.completion_tokens, TOKENS);
}

async function chat(client, expected) {
  const base = { model: expected.model, messages: MESSAGES, max_completion_tokens: TOKENS, temperature: 0, ignore_eos: true };
  const ask = (more) => client.chat.completions.create({ ...base, ...more });

  const whole = await ask({ logprobs: true, top_logprobs: 2 });
  const { message, logprobs, finish_reason } = whole.choices[0];
  assert.equal(message.role, "assistant");
  assert.equal(message.content, expected.chat);
  assert.equal(finish_reason, "length");
  assert.equal(logprobs.content.map((each) => each.token).join("").trimStart(), expected.chat);
  for (const each of logprobs.content) {
    assert.equal(Buffer.from(each.bytes).toString(), each.token);
    assert.deepEqual([each.top_logprobs.length, each.top_logprobs[0].token, each.top_logprobs[0].logprob], [2, each.token, each.logprob]);
  }

  const events = await collect(await ask({ stream: true, stream_options: { include_usage: true } }));
  const deltas = events.flatMap((event) => event.choices);
  assert.equal(deltas[0].delta.role, "assistant");
  assert.equal(deltas.map((choice) => choice.delta.content ?? "").join(""), expected.chat);
  assert.equal(deltas.at(-1).finish_reason, "length");
  assert.deepEqual(events.at(-1).usage, { ...whole.usage, prompt_tokens_details: events.at(-1).usage.prompt_tokens_details });

  const word = " " + expected.chat.split(" ")[3];
  const stopped = await ask({ stop: word });
  assert.equal(stopped.choices[0].message.content, expected.chat.slice(0, expected.chat.indexOf(word)));
  assert.equal(stopped.choices[0].finish_reason, "stop");

  // The client's own gathering of a stream.
  const runner = client.chat.completions.stream({ ...base });
  assert.equal(await runner.finalContent(), expected.chat);

  const hungUp = await ask({ stream: true, max_completion_tokens: 4000 });
  for await (const event of hungUp) if (event.choices[0].delta.content) break; // closes the connection
}

async function errors(client, url, expected) {
  const ask = (more, by = client) => by.chat.completions.create({ model: expected.model, messages: MESSAGES, max_tokens: 4, ...more });
  const refused = async (promise, kind, status, words) => {
    const error = await promise.then(() => assert.fail("not refused: " + words), (e) => e);
    assert.ok(error instanceof kind, `${kind.name}, not ${error}`);
    assert.equal(error.status, status);
    assert.match(error.message, words);
  };
  const tools = [{ type: "function", function: { name: "f", parameters: { type: "object", properties: {} } } }];
  await refused(ask({ tools }), OpenAI.BadRequestError, 400, /tools is not supported/);
  await refused(ask({ temperature: -1 }), OpenAI.BadRequestError, 400, /temperature must be/);
  await refused(ask({ messages: [] }), OpenAI.BadRequestError, 400, /messages must be/);
  await refused(client.models.retrieve("other"), OpenAI.NotFoundError, 404, /no model "other"/);
  const stranger = new OpenAI({ baseURL: url + "/v1", apiKey: "wrong", maxRetries: 0 });
  await refused(ask({}, stranger), OpenAI.AuthenticationError, 401, /valid API key/);
}

const expected = expectations();
const server = await start(model, ["--alias", expected.model, "--api-key", KEY]);
try {
  const url = `http://127.0.0.1:${server.port}`;
  const client = new OpenAI({ baseURL: url + "/v1", apiKey: KEY, maxRetries: 0 });
  const models = await collect(client.models.list());
  assert.deepEqual(models.map((each) => each.id), [expected.model]);
  assert.equal((await client.models.retrieve(expected.model)).object, "model");
  await completions(client, expected);
  await chat(client, expected);
  await errors(client, url, expected);
  console.log("OpenAI's client for Node: models, completions, chat, streams and errors as they should be");
  const python = join(home, "python", "bin", "python");
  process.exitCode = spawnSync(python, [join(here, "openai.py"), url, JSON.stringify(expected)], { stdio: "inherit" }).status ?? 1;
} finally {
  await server.stop();
}
