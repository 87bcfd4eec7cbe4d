// mamba4j and llama.cpp in turn on the same file: A B A B ..., and the ratio pair by pair.
// usage: PEER_HOME=FOLDER bench/side-by-side MODEL.gguf [-t THREADS] [-p PROMPT] [-n DECODED] [-r PAIRS] [--min-bandwidth GB_S] [--tries N]
// PEER_HOME: npm install --prefix FOLDER --omit=optional --ignore-scripts node-llama-cpp@3.22.1 @node-llama-cpp/linux-x64@3.22.1
// Read bandwidth is measured before and after each run of either program. With --min-bandwidth, a pair is repeated until memory gave at
// least that around both of its runs: at most --tries times (10), waiting up to a minute each time for memory to give it. A pair that
// never had it is not counted.
// Nothing else may run on the machine.
import { execFileSync } from "node:child_process";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { readBandwidth } from "./bandwidth.mjs";

const USAGE = "usage: PEER_HOME=FOLDER bench/side-by-side MODEL.gguf " +
  "[-t THREADS] [-p PROMPT] [-n DECODED] [-r PAIRS] [--min-bandwidth GB_S] [--tries N]";
const WAIT_SECONDS = 60;
const LOOK_SECONDS = 3;

const here = dirname(fileURLToPath(import.meta.url));
const [file, ...rest] = process.argv.slice(2);
const options = { "-t": 2, "-p": 0, "-n": 32, "-r": 5, "--min-bandwidth": 0, "--tries": 10 };
function refuse(reason) {
  console.error(reason + "\n" + USAGE);
  process.exit(2);
}
if (!file || !process.env.PEER_HOME) refuse(file ? "PEER_HOME is not set" : "no model given");
for (let i = 0; i < rest.length; i += 2) {
  const value = Number(rest[i + 1]);
  if (!(rest[i] in options)) refuse(`no option ${rest[i]}`);
  if (rest[i + 1] === undefined || !(value >= 0)) refuse(`${rest[i]} takes a number, given ${rest[i + 1] ?? "nothing"}`);
  options[rest[i]] = value;
}
const [threads, prompt, decoded, pairs, minimum, tries] = Object.values(options);

const run = (command, args) =>
  JSON.parse(execFileSync(command, args.map(String), { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }));
function ours() {
  const r = run(join(here, "..", "mamba4j"), ["bench", "-m", file, "-t", threads, "-p", prompt, "-n", decoded, "-r", 1, "--json"]);
  return { ...Object.fromEntries(r.tests.map((t) => [t.test, t.tokens_per_second])), ...r };
}
const peer = () => run("node", [join(here, "llamacpp.mjs"), file, threads, prompt, decoded]);
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)];
const round = (x) => x.toFixed(2);
const around = (from, to) => `${from.toFixed(1)} before and ${to.toFixed(1)} after`;

/** What memory gives now, or as soon as it gives enough. */
async function bandwidthToBegin() {
  let now = await readBandwidth(threads);
  for (const end = Date.now() + 1000 * WAIT_SECONDS; now < minimum && Date.now() < end; ) {
    await sleep(1000 * LOOK_SECONDS);
    now = await readBandwidth(threads);
  }
  return now;
}

/** A run of each, and the bandwidth around them: {a, b, memory: [before, between, after]}; undefined where it fell below the minimum. */
async function pair() {
  const memory = [await bandwidthToBegin()];
  const enough = () => memory.at(-1) >= minimum;
  const results = [];
  for (const program of [ours, peer]) {
    if (!enough()) break;
    results.push(program());
    memory.push(await readBandwidth(threads));
  }
  if (enough()) return { a: results[0], b: results[1], memory };
  console.log(`  not counted: memory gave ${memory.map((x) => x.toFixed(1)).join(", ")} GB/s`);
  return undefined;
}

const tests = [...(prompt > 0 ? ["pp" + prompt] : []), ...(decoded > 0 ? ["tg" + decoded] : [])];
const counted = [];
for (let i = 1; i <= pairs; i++) {
  let measured;
  for (let t = 0; t < tries && !measured; t++) measured = await pair();
  if (!measured) {
    console.log(`pair ${i}: given up, memory never gave ${minimum} GB/s around both runs`);
    continue;
  }
  const { a, b, memory } = measured;
  counted.push(measured);
  for (const t of tests) {
    console.log(`pair ${i} ${t}: mamba4j ${round(a[t])}, llama.cpp ${round(b[t])} tokens/s, ratio ${round(a[t] / b[t])}`);
  }
  console.log(`  read bandwidth, GB/s: mamba4j ${around(memory[0], memory[1])}, llama.cpp ${around(memory[1], memory[2])}`);
  console.log(`  of the bandwidth bound (${round(a.bandwidth_gb_s)} GB/s): ${Math.round(100 * (a.efficiency ?? 0))} %; ` +
    `peak memory ${Math.round(a.peak_rss_mib)} and ${Math.round(b.peak_rss_mib)} MiB`);
}
if (counted.length === 0) process.exit(1);
for (const t of tests) {
  console.log(`median ${t}: mamba4j ${round(median(counted.map(({ a }) => a[t])))}, llama.cpp ${round(median(counted.map(({ b }) => b[t])))}, ` +
    `ratio ${round(median(counted.map(({ a, b }) => a[t] / b[t])))}`);
}
if (decoded > 0) console.log(`median share of the bound: ${Math.round(100 * median(counted.map(({ a }) => a.efficiency ?? 0)))} %`);
