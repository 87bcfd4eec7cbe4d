// A thread that asks for /health all the time, so that whatever else its program does delays no measurement: started with {port} as a
// Worker's data, it answers any message with [milliseconds of each request, how many failed] and ends.
import { parentPort, workerData } from "node:worker_threads";
import { ask, keepAlive, sleep } from "./server.mjs";

let over = false;
parentPort.once("message", () => (over = true));
const agent = keepAlive(1);
const times = [];
let failed = 0;
while (!over) {
  const begin = performance.now();
  const { status } = await ask(workerData.port, "GET", "/health", undefined, { agent });
  times.push(performance.now() - begin);
  if (status !== 200) failed++;
  await sleep(10);
}
agent.destroy();
parentPort.postMessage([times, failed]);
