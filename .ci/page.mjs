// The page in headless Chromium, by keyboard alone: a chat is streamed, stopped, edited, forked, regenerated and reloaded; at the width
// of a desk and of a phone, in the light and in the dark. No error may be on the console.
// usage: node .ci/page.mjs MODEL.gguf [--pictures FOLDER]
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { option, sleep, start } from "../bench/serve/server.mjs";

const pictures = option("--pictures", null);
const profile = mkdtempSync(join(tmpdir(), "mamba4j-page-"));

/** Chromium with its DevTools protocol on two pipes. */
class Browser {
  #next = 1;
  #waiting = new Map();
  #process = spawn(process.env.CHROMIUM ?? "chromium",
    ["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", `--user-data-dir=${profile}`, "about:blank"],
    { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
  errors = [];

  async open(url) {
    let held = "";
    this.#process.stdio[4].setEncoding("utf8").on("data", (data) => {
      const messages = (held + data).split("\0");
      held = messages.pop();
      messages.forEach((message) => this.#receive(JSON.parse(message)));
    });
    const { targetId } = await this.send("Target.createTarget", { url: "about:blank" });
    ({ sessionId: this.session } = await this.send("Target.attachToTarget", { targetId, flatten: true }));
    for (const domain of ["Page", "Runtime", "Log"]) await this.send(domain + ".enable");
    await this.send("Page.navigate", { url });
  }

  #receive({ id, result, error, method, params }) {
    if (id) {
      const { resolve, reject } = this.#waiting.get(id);
      if (error) reject(new Error(error.message));
      else resolve(result);
    } else if (method === "Runtime.exceptionThrown") {
      this.errors.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
    } else if (method === "Log.entryAdded" && params.entry.level === "error") {
      this.errors.push(params.entry.text + " " + (params.entry.url ?? ""));
    } else if (method === "Runtime.consoleAPICalled" && params.type === "error") {
      this.errors.push(params.args.map((each) => each.value ?? each.description).join(" "));
    }
  }

  send(method, params = {}) {
    const id = this.#next++;
    this.#process.stdio[3].write(JSON.stringify({ id, method, params, sessionId: this.session }) + "\0");
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  /** The value of an expression in the page. */
  async value(expression) {
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", { expression, returnByValue: true, awaitPromise: true });
    if (exceptionDetails) throw new Error(expression + ": " + exceptionDetails.exception?.description);
    return result.value;
  }

  async until(expression, what = expression) {
    for (let i = 0; i < 400; i++) {
      if (await this.value(expression)) return;
      await sleep(25);
    }
    throw new Error("waited in vain: " + what);
  }

  async press(key, modifiers = 0) {
    const codes = { Tab: 9, Enter: 13, Escape: 27, ArrowRight: 39, a: 65 };
    const event = { key, code: key === "a" ? "KeyA" : key, windowsVirtualKeyCode: codes[key], modifiers };
    const commands = key === "a" ? ["selectAll"] : [];
    await this.send("Input.dispatchKeyEvent", { ...event, type: "rawKeyDown", commands });
    if (key === "Enter") await this.send("Input.dispatchKeyEvent", { ...event, type: "char", text: "\r" });
    await this.send("Input.dispatchKeyEvent", { ...event, type: "keyUp" });
  }

  /** Goes with Tab, or backwards, to the element for which an expression over `it` holds. */
  async tabTo(expression, backwards = false) {
    for (let i = 0; i < 80; i++) {
      if (await this.value(`((it) => ${expression})(document.activeElement)`)) return;
      await this.press("Tab", backwards ? 8 : 0);
    }
    throw new Error("Tab does not lead to: " + expression);
  }

  /** In place of what is there. */
  async type(text) {
    await this.press("a", 2);
    await this.send("Input.insertText", { text });
  }

  async size(width, height, dark) {
    await this.send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: width < 600 });
    await this.send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }] });
    await sleep(250);
  }

  async picture(name) {
    const { data } = await this.send("Page.captureScreenshot", { format: "png" });
    if (pictures) writeFileSync(join(pictures, name + ".png"), Buffer.from(data, "base64"));
  }

  async close() {
    this.send("Browser.close").catch(() => {});
    await new Promise((resolve) => this.#process.on("exit", resolve));
  }
}

function expect(holds, what) {
  if (!holds) throw new Error("expected: " + what);
}

const texts = "[...document.querySelectorAll('article .text')].map((each) => each.textContent)";
const idle = "document.querySelector('.writing') === null && document.getElementById('stop').hidden";
if (pictures) mkdirSync(pictures, { recursive: true });
// Slow enough to be stopped.
const server = await start(process.argv[2], ["--max-tokens", "100000"], { MAMBA4J_JAVA_OPTS: "-Dmamba4j.kernels=scalar", MAMBA4J_THREADS: "1" });
const browser = new Browser();
let step = "open";
try {
  await browser.open(`http://127.0.0.1:${server.port}/`);
  await browser.size(1280, 800, false);
  await browser.until("document.querySelectorAll('#facts dd').length === 5", "facts of the model");
  await browser.picture("empty-1280");

  step = "settings";
  await browser.tabTo("it.id === 'open-settings'", true);
  await browser.press("Enter");
  for (const [name, value] of [["max_tokens", "120"], ["seed", "5"]]) {
    await browser.tabTo(`it.name === '${name}'`);
    await browser.type(value);
  }
  await browser.picture("settings-1280");
  await browser.tabTo("it.textContent === 'Done'");
  await browser.press("Enter");
  await browser.until("!document.getElementById('settings').open");

  step = "stream";
  await browser.tabTo("it.id === 'input'");
  await browser.type("Tell me of a dog.");
  await browser.press("Enter");
  await browser.until("document.querySelector('.writing .text')?.textContent.length > 0", "the first words");
  const early = (await browser.value(texts))[1];
  await browser.until(idle);
  const first = await browser.value(texts);
  expect(first.length === 2 && first[1].startsWith(early) && first[1].length > early.length, "an answer that grows");
  expect(await browser.value("/tokens\\/s/.test(document.querySelector('.assistant .figures').textContent)"), "tokens per second");

  step = "stop";
  await browser.tabTo("it.id === 'open-settings'", true);
  await browser.press("Enter");
  await browser.tabTo("it.name === 'max_tokens'");
  await browser.type("50000");
  await browser.press("Enter");
  await browser.until("!document.getElementById('settings').open");
  await browser.tabTo("it.id === 'input'");
  await browser.type("And then?");
  await browser.press("Enter");
  await browser.until("[...document.querySelectorAll('.assistant .text')].at(-1).textContent.length > 40", "more words");
  await browser.press("Escape");
  await browser.until(idle);
  await browser.until("[...document.querySelectorAll('.figures')].at(-1).textContent === 'stopped'", "stopped");
  const stopped = await browser.value(texts);
  await sleep(300);
  expect((await browser.value(texts))[3] === stopped[3], "nothing after the stop");
  await browser.picture("chat-1280");

  step = "edit and fork";
  await browser.tabTo("it.matches('article.user .edit')", true);
  await browser.tabTo("it === document.querySelector('article.user .edit')", true);
  await browser.press("Enter");
  await browser.until("document.activeElement.matches('article textarea')", "a field to edit");
  await browser.type("Tell me of a cat.");
  await browser.press("Enter");
  await browser.until("document.querySelector('.writing .text')?.textContent.length > 20", "a new answer");
  await browser.press("Escape");
  await browser.until(idle);
  const forked = await browser.value(texts);
  expect(forked.length === 2 && forked[0] === "Tell me of a cat." && forked[1] !== first[1], "a fork with its own answer");
  expect(await browser.value("document.querySelector('.which').textContent") === "2/2", "the second of two versions");
  await browser.tabTo("it.matches('.previous')", true);
  await browser.press("Enter");
  expect(JSON.stringify(await browser.value(texts)) === JSON.stringify(stopped), "the first version, with all that follows");
  expect(await browser.value("document.activeElement.matches('.previous')"), "the focus stays");

  step = "regenerate";
  await browser.tabTo("it === [...document.querySelectorAll('.again')].at(-1)");
  await browser.press("Enter");
  await browser.until("document.querySelector('.writing .text')?.textContent.length > 20", "another answer");
  await browser.press("Escape");
  await browser.until(idle);
  expect(await browser.value("[...document.querySelectorAll('.which')].at(-1).textContent") === "2/2", "the second of two answers");

  step = "reload";
  const before = await browser.value(texts);
  await browser.send("Page.reload");
  await browser.until("document.querySelectorAll('#facts dd').length === 5", "the page again");
  expect(JSON.stringify(await browser.value(texts)) === JSON.stringify(before), "all turns after a reload");
  const wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth";
  await browser.size(1280, 800, true);
  await browser.picture("chat-1280-dark");

  step = "phone";
  for (const dark of [false, true]) {
    await browser.size(390, 844, dark);
    expect(!(await browser.value(wide)), "nothing wider than the phone");
    await browser.picture("chat-390" + (dark ? "-dark" : ""));
  }
  await browser.tabTo("it.id === 'toggle-side'", true);
  await browser.press("Enter");
  await sleep(300);
  await browser.picture("side-390-dark");
  await browser.press("Escape");
  expect(await browser.value("document.getElementById('toggle-side').getAttribute('aria-expanded')") === "false", "a closed side");
  await browser.size(390, 844, false);
  step = "console";
  expect(browser.errors.length === 0, "no error on the console: " + browser.errors.join("; "));
  console.log("the page: streamed, stopped, edited, forked, regenerated and reloaded, by keyboard, at 1280 and 390 px; no error on the console");
} catch (problem) {
  await browser.picture("failed").catch(() => {});
  console.error(`${step}: ${problem.message}; console: ${browser.errors.join("; ") || "nothing"}`);
  process.exitCode = 1;
} finally {
  await browser.close();
  await server.stop();
  rmSync(profile, { recursive: true, force: true });
}
