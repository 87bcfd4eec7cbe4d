// Kills the server with SIGKILL while it saves states, again and again. What it said was saved must be there afterwards and give the
// answer that is given without it; nothing else may be left.
// usage: node bench/serve/crash.mjs MODEL.gguf [--kills 40]
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ask, option, random, sleep, start } from "./server.mjs";

const model = process.argv[2];
const kills = Number(option("--kills", 40));
const folder = mkdtempSync(join(tmpdir(), "mamba4j-crash-"));
const next = random(7);
// Little memory, so that states of prompts go to the disk too, and exact ones, so that answers can be compared.
const options = ["--state-folder", folder, "--state-memory", "2", "--state-packing", "float", "--parallel", "8", "--state-disk", "64"];
const words = "the old woman had a red cow and her son went to market with it one fine day".split(" ");
const prompt = (n) => Array.from({ length: 20 + n % 60 }, (_, i) => words[(n * (i + 7) + i * i) % words.length]).join(" ");

const saved = new Map(); // id to prompt, as the server confirmed
let begun = 0;
let listed = 0;
const problems = [];
const files = () => readdirSync(folder, { recursive: true }).map(String);
const partial = () => files().filter((name) => name.endsWith(".partial")).length;
let cutShort = 0;

for (let i = 0; i < kills; i++) {
  const server = await start(model, options);
  if (partial() > 0) problems.push(`round ${i}: ${partial()} partial files after the start`);
  const there = new Set(JSON.parse((await ask(server.port, "GET", "/v1/states")).text).data.map((state) => state.id));
  listed = there.size;
  for (const id of saved.keys()) if (!there.has(id)) problems.push(`round ${i}: ${id} was saved and is gone`);
  const saving = Array.from({ length: 12 }, async () => {
    const text = prompt(begun++);
    try {
      const { status, text: answer } = await ask(server.port, "POST", "/v1/states", { prompt: text });
      if (status === 200) saved.set(JSON.parse(answer).id, text);
    } catch {
      // killed meanwhile
    }
  });
  await sleep(next() * 700);
  await server.kill();
  await Promise.all(saving);
  cutShort += partial();
}

const server = await start(model, options);
const plain = await start(model, ["--state-memory", "0"]);
const text = async (port, body) =>
  JSON.parse((await ask(port, "POST", "/v1/completions", { ...body, max_tokens: 16, temperature: 0 })).text).choices?.[0].text;
let compared = 0;
for (const [id, begins] of saved) {
  const restored = await text(server.port, { state: id, prompt: " and so" });
  const tokens = async (what) => JSON.parse((await ask(plain.port, "POST", "/tokenize", { prompt: what })).text).tokens;
  const whole = await text(plain.port, { prompt: [...(await tokens(begins)), ...(await tokens(" and so"))] });
  compared++;
  if (restored !== whole) problems.push(`${id}: ${JSON.stringify(restored)} in place of ${JSON.stringify(whole)}`);
}
const left = partial();
await Promise.all([server.stop(), plain.stop()]);
rmSync(folder, { recursive: true });
console.log(`${kills} kills, ${begun} saves begun, ${saved.size} confirmed, ${cutShort} files cut short, ${left} of them left; ` +
  `${listed} states listed at last, ${compared} answers compared`);
problems.slice(0, 20).forEach((problem) => console.log(problem));
if (problems.length + left > 0) {
  console.error(`${problems.length} problems`);
  process.exit(1);
}
