// Our files in llama.cpp: they load, and the greedy text is the same.
// usage: PEER_HOME=FOLDER node .ci/interop.mjs MAMBA4J F16.gguf QUANTIZED.gguf...
// PEER_HOME holds node_modules/node-llama-cpp (MIT), which carries llama.cpp.
import { createRequire } from "node:module";
import { execFileSync } from "node:child_process";
import { pathToFileURL } from "node:url";

const PROMPTS = [
  "Once upon a time",
  "The captain looked at the sea and",
  '"Where is my dog?" asked the little boy.',
  "It was a cold winter morning when",
  "The old king had three sons;",
];
const TOKENS = 64;
// Both round activations to 8 bits, and a last bit of difference before that may round the other way:
// tokens as near as this in log-probability may change places.
const NEAR_TIE = 0.15;

const require = createRequire(process.env.PEER_HOME + "/package.json");
const { getLlama, LlamaLogLevel } = await import(pathToFileURL(require.resolve("node-llama-cpp")));
const llama = await getLlama({ gpu: false, build: "never", maxThreads: 2, logLevel: LlamaLogLevel.error });
const [mamba4j, exactFile, ...quantizedFiles] = process.argv.slice(2);

function ours(file, prompt) {
  const args = ["generate", "-m", file, "-p", prompt, "-n", String(TOKENS), "--temp", "0", "--ignore-eos", "--json"];
  return JSON.parse(execFileSync(mamba4j, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })).tokens;
}

// For each of our tokens: how far below llama.cpp's best choice it is, given all before.
async function distances(model, prompt, tokens) {
  const context = await model.createContext({ contextSize: 1024, batchSize: 512, threads: 2 });
  const input = [...model.tokenize(prompt, false), ...tokens];
  const first = input.length - tokens.length;
  const asked = input.map((t, i) => (i >= first - 1 ? [t, { generateNext: { probabilities: true } }] : t));
  const result = await context.getSequence().controlledEvaluate(asked);
  const gaps = tokens.map((token, i) => {
    const probabilities = result[first - 1 + i].next.probabilities;
    return Math.log(Math.max(...probabilities.values())) - Math.log(probabilities.get(token) ?? 0);
  });
  await context.dispose();
  return gaps;
}

let failed = 0;
let passed = 0;
for (const [file, bound] of [[exactFile, 1e-3], ...quantizedFiles.map((file) => [file, NEAR_TIE])]) {
  const model = await llama.loadModel({ modelPath: file, useMmap: true });
  for (const prompt of PROMPTS) {
    const tokens = ours(file, prompt);
    const worst = Math.max(...(await distances(model, prompt, tokens)));
    const good = tokens.length === TOKENS && worst <= bound;
    good ? passed++ : failed++;
    console.log(`${good ? "ok" : "FAILED"} ${file} ${JSON.stringify(prompt)}: worst distance ${worst.toFixed(5)}, bound ${bound}`);
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
