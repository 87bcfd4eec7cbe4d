// One measurement of llama.cpp, through the library that the npm package node-llama-cpp carries (MIT).
// usage: PEER_HOME=FOLDER node bench/llamacpp.mjs MODEL.gguf THREADS PROMPT_TOKENS DECODED_TOKENS
// PEER_HOME holds node_modules/node-llama-cpp. Prints one JSON object: tokens per second of each test, peak memory.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [file, threads, prompt, decoded] = [process.argv[2], ...process.argv.slice(3).map(Number)];
const require = createRequire(process.env.PEER_HOME + "/package.json");
const { getLlama, LlamaLogLevel } = await import(pathToFileURL(require.resolve("node-llama-cpp")));
const llama = await getLlama({ gpu: false, build: "never", maxThreads: threads, logLevel: LlamaLogLevel.error });
const model = await llama.loadModel({ modelPath: file, useMmap: true });

// Spread over the vocabulary as mamba4j bench does it.
const token = (i) => (i * 7919) % 4000;
async function sequence() {
  const context = await model.createContext({ contextSize: 4096, batchSize: 512, threads, sequences: 1 });
  return context.getSequence();
}

const result = {};
if (prompt > 0) {
  for (let round = 0; round < 2; round++) { // the first warms up
    const s = await sequence();
    const start = performance.now();
    await s.evaluateWithoutGeneratingNewTokens(Array.from({ length: prompt }, (_, i) => token(i)));
    result["pp" + prompt] = (prompt * 1000) / (performance.now() - start);
    await s.context.dispose();
  }
}
if (decoded > 0) {
  const s = await sequence();
  let count = 0;
  let start = 0;
  for await (const _ of s.evaluate([token(1)], { temperature: 0, yieldEogTokens: true })) {
    if (count === 4) start = performance.now(); // the first tokens warm up
    if (count++ === decoded + 4) break;
  }
  result["tg" + decoded] = (decoded * 1000) / (performance.now() - start);
  await s.context.dispose();
}
result.peak_rss_mib = process.resourceUsage().maxRSS / 1024;
console.log(JSON.stringify(result));
process.exit(0);
