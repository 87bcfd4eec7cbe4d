// A report in headless Chromium, wide and narrow, light and dark: no message on the console, no request but for the file, nothing
// that is wider than the screen, axes in every chart, and every number that is marked is that of the JSON.
// usage: node .ci/report.mjs REPORT.html [FOLDER for screenshots]     (CHROMIUM names the browser, "chromium" by default)
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const page = resolve(process.argv[2]);
const pictures = process.argv[3];
const json = readFileSync(page.replace(/\.html?$/, ".json"), "utf8");
const profile = mkdtempSync(join(tmpdir(), "report-"));
const browser = spawn(process.env.CHROMIUM ?? "chromium",
  ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", `--user-data-dir=${profile}`, "about:blank"],
  { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });

// The DevTools protocol over two pipes: JSON texts, each ended by a zero byte.
const waiting = new Map();
const listeners = new Set();
let last = 0;
let text = "";
browser.stdio[4].setEncoding("utf8").on("data", (piece) => {
  text += piece;
  for (let end; (end = text.indexOf("\0")) >= 0; text = text.slice(end + 1)) {
    const message = JSON.parse(text.slice(0, end));
    if (message.id === undefined) {
      listeners.forEach((listener) => listener(message));
    } else {
      const { done, fail } = waiting.get(message.id);
      message.error ? fail(new Error(message.error.message)) : done(message.result);
    }
  }
});
function send(method, params = {}, sessionId = undefined) {
  const id = ++last;
  browser.stdio[3].write(JSON.stringify({ id, method, params, sessionId }) + "\0");
  return new Promise((done, fail) => waiting.set(id, { done, fail }));
}

// Runs in the page: what is wrong with it.
function faults(document, report) {
  const found = [];
  const at = (pointer) => pointer.split("/").slice(1).reduce((value, step) => value?.[step], report);
  let numbers = 0;
  for (const element of document.querySelectorAll("*")) {
    for (const { name, value: path } of element.attributes) {
      if (/^data-(x-|y-)?path$/.test(name)) {
        numbers++;
        if (at(path) !== Number(element.getAttribute(name.replace("path", "value")))) {
          found.push(`${path} is not that of the JSON`);
        }
      }
    }
  }
  if (numbers < 20) {
    found.push(`only ${numbers} numbers`);
  }
  for (const chart of document.querySelectorAll("svg")) {
    if (!chart.querySelector(".title") || !chart.querySelector(".tick")) {
      found.push(`${chart.getAttribute("aria-label")}: no axis`);
    }
    const frame = chart.getBoundingClientRect();
    for (const word of chart.querySelectorAll("text")) {
      const box = word.getBoundingClientRect();
      if (box.left < frame.left - 6 || box.right > frame.right + 10) {
        found.push(`${chart.getAttribute("aria-label")}: "${word.textContent}" leaves the chart`);
      }
    }
  }
  const wide = document.documentElement.scrollWidth;
  if (wide > window.innerWidth) {
    found.push(`${wide} pixels wide on a screen of ${window.innerWidth}`);
  }
  return { found, numbers };
}

async function look(width, scheme) {
  const { targetId } = await send("Target.createTarget", { url: "about:blank" });
  const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true });
  const call = (method, params) => send(method, params, sessionId);
  const wrong = [];
  let loaded;
  const ready = new Promise((done) => (loaded = done));
  const listener = ({ sessionId: whose, method, params }) => {
    if (whose !== sessionId) return;
    if (method === "Page.loadEventFired") loaded();
    if (method === "Runtime.consoleAPICalled" || method === "Runtime.exceptionThrown") wrong.push(`console: ${JSON.stringify(params)}`);
    if (method === "Log.entryAdded") wrong.push(`console: ${params.entry.text}`);
    if (method === "Network.requestWillBeSent" && !/^(file|data):/.test(params.request.url)) wrong.push(`asks for ${params.request.url}`);
  };
  listeners.add(listener);
  for (const domain of ["Page", "Runtime", "Log", "Network"]) await call(domain + ".enable");
  await call("Emulation.setDeviceMetricsOverride", { width, height: 900, deviceScaleFactor: 1, mobile: width < 700 });
  await call("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });
  await call("Page.navigate", { url: pathToFileURL(page).href });
  await ready;
  const { result, exceptionDetails } = await call("Runtime.evaluate",
    { expression: `(${faults})(document, ${json})`, returnByValue: true });
  if (exceptionDetails) throw new Error(exceptionDetails.exception.description);
  if (pictures) {
    const { data } = await call("Page.captureScreenshot", { captureBeyondViewport: true });
    writeFileSync(join(pictures, `report-${width}-${scheme}.png`), Buffer.from(data, "base64"));
  }
  listeners.delete(listener);
  await send("Target.closeTarget", { targetId });
  wrong.push(...result.value.found);
  console.log(`${width} ${scheme}: ${result.value.numbers} numbers, ${wrong.length ? wrong.join("; ") : "nothing wrong"}`);
  return wrong.length;
}

let wrong = 0;
try {
  for (const width of [1280, 390]) {
    for (const scheme of ["light", "dark"]) {
      wrong += await look(width, scheme);
    }
  }
} finally {
  browser.kill();
  await new Promise((done) => browser.once("exit", done));
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
}
process.exitCode = wrong ? 1 : 0;
