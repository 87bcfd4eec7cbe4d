// How much of its speed decoding keeps while another process spins on one of the cores: quiet, busy, quiet, busy ...
// usage: bench/busy-neighbour MODEL.gguf [-t THREADS] [-n DECODED] [-r PAIRS]; with PEER_HOME set (see side-by-side.mjs) llama.cpp too.
import { execFileSync, spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const [file, ...options] = process.argv.slice(2);
const option = (name, otherwise) => {
  const at = options.indexOf(name);
  return at < 0 ? otherwise : Number(options[at + 1]);
};
if (!file) {
  console.error("usage: [PEER_HOME=FOLDER] bench/busy-neighbour MODEL.gguf [-t THREADS] [-n DECODED] [-r PAIRS]");
  process.exit(2);
}
const [threads, decoded, pairs] = [option("-t", 2), option("-n", 32), option("-r", 3)];

const run = (command, args) =>
  JSON.parse(execFileSync(command, args.map(String), { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }));
const speed = (result) => result.tests.find((t) => t.test === "tg" + decoded).tokens_per_second;
const programs = {
  mamba4j: () =>
    speed(run(join(here, "..", "mamba4j"), ["bench", "-m", file, "-t", threads, "-p", 0, "-n", decoded, "-r", 1, "--json"])),
};
if (process.env.PEER_HOME) {
  programs["llama.cpp"] = () => run("node", [join(here, "llamacpp.mjs"), file, threads, 0, decoded])["tg" + decoded];
}

function busy(measure) {
  const spinner = spawn("taskset", ["-c", String(availableParallelism() - 1), process.execPath, "-e", "for (;;) {}"], { stdio: "ignore" });
  try {
    return measure();
  } finally {
    spinner.kill("SIGKILL");
  }
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)];
for (const [name, measure] of Object.entries(programs)) {
  const kept = [];
  for (let i = 1; i <= pairs; i++) {
    const quiet = measure();
    const disturbed = busy(measure);
    kept.push(disturbed / quiet);
    console.log(`pair ${i}: ${name} ${quiet.toFixed(2)} tokens/s quiet, ${disturbed.toFixed(2)} beside a busy core, ratio ${(disturbed / quiet).toFixed(2)}`);
  }
  console.log(`median: ${name} keeps ${median(kept).toFixed(2)}`);
}
