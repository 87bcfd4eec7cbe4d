// `mamba4j serve` as a child process, for the scripts beside this file.
import { execFileSync, spawn } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { Agent, request as httpRequest } from "node:http";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const mamba4j = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "mamba4j");

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The value behind an option of the command line. */
export function option(name, otherwise) {
  const at = process.argv.indexOf(name);
  return at < 0 ? otherwise : process.argv[at + 1];
}

/** Starts a server at a free port; `stop` ends it in peace, `kill` does not. */
export async function start(model, options = [], environment = {}) {
  const child = spawn(mamba4j, ["serve", "-m", model, "--port", "0", ...options], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, ...environment },
  });
  const lines = createInterface({ input: child.stderr });
  const port = await new Promise((resolve, reject) => {
    let said = "";
    lines.on("line", (line) => {
      said += line + "\n";
      const found = line.match(/ at http:\/\/[^ ]+:(\d+)/);
      if (found) resolve(Number(found[1]));
    });
    child.on("exit", () => reject(new Error("the server did not start: " + said)));
  });
  const ended = new Promise((resolve) => child.on("exit", resolve));
  const end = (signal) => {
    child.kill(signal);
    return ended;
  };
  return { port, pid: child.pid, stop: () => end("SIGTERM"), kill: () => end("SIGKILL") };
}

/** A request; resolves to status, headers and text. `onText` gets pieces as they come and may return false to hang up. */
export function ask(port, method, path, body, { agent, onText, signal } = {}) {
  return new Promise((resolve, reject) => {
    const bytes = body === undefined ? undefined : Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
    const headers = bytes ? { "Content-Type": "application/json", "Content-Length": bytes.length } : {};
    const request = httpRequest({ host: "127.0.0.1", port, method, path, headers, agent, signal }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (piece) => {
        text += piece;
        if (onText && onText(text) === false) {
          request.destroy();
          resolve({ status: 0, headers: {}, text });
        }
      });
      response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, text }));
      response.on("error", reject);
    });
    request.on("error", reject);
    request.end(bytes);
  });
}

export const keepAlive = (sockets) => new Agent({ keepAlive: true, maxSockets: sockets });

/** The metrics as numbers by name. */
export async function metrics(port) {
  const { text } = await ask(port, "GET", "/metrics");
  const lines = text.split("\n").filter((line) => line && !line.startsWith("#"));
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ")))]));
}

/** What the process holds: live heap after a collection, resident memory, open files; sizes in MiB. */
export function footprint(pid) {
  const java = readlinkSync(`/proc/${pid}/exe`);
  const jcmd = join(dirname(java), "jcmd");
  execFileSync(jcmd, [String(pid), "GC.run"]);
  const heap = execFileSync(jcmd, [String(pid), "GC.heap_info"], { encoding: "utf8" });
  const used = [...heap.matchAll(/total \d+K, used (\d+)K/g)].reduce((sum, found) => sum + Number(found[1]), 0);
  const resident = Number(readFileSync(`/proc/${pid}/status`, "utf8").match(/VmRSS:\s+(\d+)/)[1]);
  return { heap: used / 1024, resident: resident / 1024, files: readdirSync(`/proc/${pid}/fd`).length };
}

/** Numbers that look random and are the same each time. */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
