// mamba4j and llama.cpp in turn on the same file: A B A B ..., and the ratio pair by pair.
// usage: PEER_HOME=FOLDER bench/side-by-side MODEL.gguf [-t THREADS] [-p PROMPT] [-n DECODED] [-r PAIRS]
// PEER_HOME: npm install --prefix FOLDER --omit=optional --ignore-scripts node-llama-cpp@3.22.1 @node-llama-cpp/linux-x64@3.22.1
// Nothing else may run on the machine.
import { execFileSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const [file, ...options] = process.argv.slice(2);
const option = (name, otherwise) => {
  const at = options.indexOf(name);
  return at < 0 ? otherwise : Number(options[at + 1]);
};
if (!file || !process.env.PEER_HOME) {
  console.error("usage: PEER_HOME=FOLDER bench/side-by-side MODEL.gguf [-t THREADS] [-p PROMPT] [-n DECODED] [-r PAIRS]");
  process.exit(2);
}
const [threads, prompt, decoded, pairs] = [option("-t", 2), option("-p", 0), option("-n", 32), option("-r", 5)];

const run = (command, args) =>
  JSON.parse(execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }));
function ours() {
  const args = ["bench", "-m", file, "-t", threads, "-p", prompt, "-n", decoded, "-r", "1", "--json"];
  const r = run(join(here, "..", "mamba4j"), args.map(String));
  return { ...Object.fromEntries(r.tests.map((t) => [t.test, t.tokens_per_second])), ...r };
}
const peer = () => run("node", [join(here, "llamacpp.mjs"), file, threads, prompt, decoded].map(String));
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)];
const round = (x) => x.toFixed(2);

const tests = [...(prompt > 0 ? ["pp" + prompt] : []), ...(decoded > 0 ? ["tg" + decoded] : [])];
const seen = Object.fromEntries(tests.map((t) => [t, []]));
const efficiencies = [];
for (let i = 1; i <= pairs; i++) {
  const a = ours();
  const b = peer();
  efficiencies.push(a.efficiency ?? 0);
  for (const t of tests) {
    seen[t].push([a[t], b[t]]);
    console.log(`pair ${i} ${t}: mamba4j ${round(a[t])}, llama.cpp ${round(b[t])} tokens/s, ratio ${round(a[t] / b[t])}`);
  }
  console.log(`  of the bandwidth bound (${round(a.bandwidth_gb_s)} GB/s): ${Math.round(100 * (a.efficiency ?? 0))} %; ` +
    `peak memory ${Math.round(a.peak_rss_mib)} and ${Math.round(b.peak_rss_mib)} MiB`);
}
for (const t of tests) {
  console.log(`median ${t}: mamba4j ${round(median(seen[t].map((p) => p[0])))}, llama.cpp ${round(median(seen[t].map((p) => p[1])))}, ` +
    `ratio ${round(median(seen[t].map((p) => p[0] / p[1])))}`);
}
if (decoded > 0) console.log(`median share of the bound: ${Math.round(100 * median(efficiencies))} %`);
