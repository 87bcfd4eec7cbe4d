// How long the first token takes for a prompt that is new, one with the same beginning, and the same after a restart; and how many
// tokens a second one client gets, and several together. Nothing else may run on the machine.
// usage: node bench/serve/speed.mjs MODEL.gguf [--prefix 1000] [--prompts 3] [--clients 8] [--tokens 32]
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ask, keepAlive, option, random, start } from "./server.mjs";

const model = process.argv[2];
const [prefix, prompts, clients, tokens] =
  [["--prefix", 1000], ["--prompts", 3], ["--clients", 8], ["--tokens", 32]].map(([name, otherwise]) => Number(option(name, otherwise)));
const TAIL = 16;
const agent = keepAlive(1);
const folder = mkdtempSync(join(tmpdir(), "mamba4j-speed-"));
const ids = (seed, n) => {
  const next = random(seed);
  return Array.from({ length: n }, () => Math.floor(next() * 4000));
};
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const range = (n) => Array.from({ length: n }, (_, i) => i);

/** Milliseconds until the first token is here, and how many tokens of the prompt were remembered. */
async function firstToken(port, prompt) {
  const begin = performance.now();
  let first = 0;
  const onText = (text) => {
    first ||= text.includes("\n\n") ? performance.now() : 0;
  };
  const body = { prompt, max_tokens: 1, temperature: 0, ignore_eos: true, logprobs: 0, stream: true, stream_options: { include_usage: true } };
  const { text } = await ask(port, "POST", "/v1/completions", body, { agent, onText });
  return { ms: first - begin, cached: Number(text.match(/"cached_tokens":(\d+)/)[1]) };
}

async function tokensPerSecond(port, n) {
  const begin = performance.now();
  await Promise.all(range(n).map((i) => ask(port, "POST", "/v1/completions",
    { prompt: ids(900 + i, 8), max_tokens: tokens, temperature: 0, ignore_eos: true })));
  return (1000 * n * tokens) / (performance.now() - begin);
}

const options = ["--state-folder", folder, "--parallel", String(clients), "--state-disk", "16384"];
const times = { first: [], second: [], restarted: [] };
const cached = [];
const beginnings = range(prompts).map((i) => ids(100 + i, prefix));
let server = await start(model, options);
await firstToken(server.port, ids(1, 200)); // weights are in memory, code is compiled
for (const [i, beginning] of beginnings.entries()) {
  times.first.push((await firstToken(server.port, [...beginning, ...ids(300 + i, TAIL)])).ms);
  const second = await firstToken(server.port, [...beginning, ...ids(400 + i, TAIL)]);
  times.second.push(second.ms);
  cached.push(second.cached);
}
const speeds = [];
if (clients > 1) {
  for (const n of [1, clients, 1, clients]) speeds.push(await tokensPerSecond(server.port, n));
}
await server.stop();
server = await start(model, options);
await firstToken(server.port, ids(2, 200));
for (const [i, beginning] of beginnings.entries()) {
  const again = await firstToken(server.port, [...beginning, ...ids(500 + i, TAIL)]);
  times.restarted.push(again.ms);
  cached.push(again.cached);
}
await server.stop();
agent.destroy();
rmSync(folder, { recursive: true });

const [first, second, restarted] = [times.first, times.second, times.restarted].map(median);
console.log(`first token of ${prefix + TAIL} tokens: ${first.toFixed(1)} ms; with the same ${prefix} at the beginning ${second.toFixed(1)} ms ` +
  `(${((100 * second) / first).toFixed(1)} %), after a restart ${restarted.toFixed(1)} ms (${((100 * restarted) / first).toFixed(1)} %); ` +
  `remembered ${Math.min(...cached)} to ${Math.max(...cached)} tokens`);
if (clients > 1) {
  const one = Math.max(speeds[0], speeds[2]);
  const all = Math.max(speeds[1], speeds[3]);
  console.log(`1 client: ${one.toFixed(1)} tokens/s; ${clients} clients: ${all.toFixed(1)} tokens/s together, ${(all / one).toFixed(2)} times as many`);
}
