// How fast threads read memory that is in no cache, in GB/s, as ReadBandwidth of mamba4j measures it: two equal blocks are compared.
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";
import { fileURLToPath } from "node:url";

const CHUNK = 1 << 20;
const CHUNKS = 256;
const ROUNDS = 8;
// The first words of the shared memory: rounds begun, the next chunk, threads done.
const [ROUND, NEXT, DONE] = [0, 1, 2];
const HEAD = 4096;

function work({ memory, threads }) {
  const state = new Int32Array(memory, 0, 3);
  const block = (i) => Buffer.from(memory, HEAD + i * CHUNK, CHUNK);
  parentPort.postMessage("ready");
  for (let round = 0; round < ROUNDS; round++) {
    Atomics.wait(state, ROUND, round);
    for (let i = Atomics.add(state, NEXT, 1); i < CHUNKS; i = Atomics.add(state, NEXT, 1)) {
      if (block(i).compare(block(CHUNKS + i)) !== 0) throw new Error("equal memory is not equal");
    }
    if (Atomics.add(state, DONE, 1) === threads - 1) Atomics.notify(state, DONE);
  }
}

/** The best of some rounds over half a GiB. */
export async function readBandwidth(threads) {
  const memory = new SharedArrayBuffer(HEAD + 2 * CHUNK * CHUNKS);
  new Uint8Array(memory, HEAD).fill(1);
  const state = new Int32Array(memory, 0, 3);
  const workers = Array.from({ length: threads }, () => new Worker(fileURLToPath(import.meta.url), { workerData: { memory, threads } }));
  await Promise.all(workers.map((worker) => new Promise((ready, failed) => worker.once("message", ready).once("error", failed))));
  let best = 0;
  for (let round = 0; round < ROUNDS; round++) {
    Atomics.store(state, NEXT, 0);
    Atomics.store(state, DONE, 0);
    const start = performance.now();
    Atomics.add(state, ROUND, 1);
    Atomics.notify(state, ROUND);
    for (let done = 0; done < threads; done = Atomics.load(state, DONE)) Atomics.wait(state, DONE, done);
    best = Math.max(best, (2 * CHUNK * CHUNKS) / ((performance.now() - start) * 1e6));
  }
  await Promise.all(workers.map((worker) => worker.terminate()));
  return best;
}

if (!isMainThread) work(workerData);
