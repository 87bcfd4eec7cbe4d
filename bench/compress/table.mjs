// Every method of quantize at every size, beside llama.cpp's files: bytes, perplexity, divergence, tasks; a table, JSON and a curve.
// usage: node bench/compress/table.mjs F32.gguf DATA LLAMACPP OUT
// DATA holds calibration.txt, valid.txt, hellaswag.jsonl and lambada.jsonl; LLAMACPP the files of llama-quantize, TYPE.gguf and
// TYPE.imatrix.gguf. What is in OUT is not made again: stopped, it goes on where it was.
import { existsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { base, divergence, kept, mamba4j, markdown } from "./measure.mjs";
import { chart } from "./chart.mjs";

const [original, data, peer, out] = process.argv.slice(2);
if (!out) {
  console.error("usage: node bench/compress/table.mjs F32.gguf DATA LLAMACPP OUT");
  process.exit(2);
}
const TYPES = ["Q8_0", "Q6_K", "Q5_K", "Q4_K", "Q4_0", "IQ4_NL", "IQ4_XS", "Q3_K", "Q2_K"];
const TASKS = ["hellaswag", "lambada_openai"];
const text = join(data, "calibration.txt");
const matrix = join(out, "imatrix.gguf");
const calibrated = ["--calibration", matrix];
const METHODS = [
  { name: "llama.cpp" },
  { name: "llama.cpp, importance", tasks: true },
  { name: "plain", type: ["--method", "plain"] },
  { name: "importance", type: calibrated },
  { name: "gptq", type: [...calibrated, "-f", text, "--method", "gptq"] },
  { name: "mix, importance", mix: [...calibrated, "-f", text, "--method", "importance"] },
  { name: "mix, gptq", mix: [...calibrated, "-f", text], tasks: true },
  { name: "mix, gptq, transforms", mix: [...calibrated, "-f", text, "--transforms", "all"] },
];

const theirs = (type, kind = "") => join(peer, `${type}${kind}.gguf`);
const importance = (type) => (existsSync(theirs(type, ".imatrix")) ? theirs(type, ".imatrix") : theirs(type));
const bytes = (file) => statSync(file).size;
/** Types whose files differ by some keys only share one mix, of the least size. */
const budget = (type) =>
  Math.min(...TYPES.flatMap((other) => [theirs(other), importance(other)]).map(bytes).filter((b) => Math.abs(b / bytes(importance(type)) - 1) < 1e-3));

function make(args, file) {
  if (!existsSync(file)) mamba4j("quantize", original, "-o", file, ...args, "--json");
  return file;
}

function fileOf(method, type) {
  const named = (size) => join(out, `${method.name.replaceAll(", ", "-")}-${size}.gguf`);
  if (method.type) return make(["--type", type, ...method.type], named(type));
  if (method.mix) return make(["--target-size", budget(type), ...method.mix], named(budget(type)));
  return method.tasks ? importance(type) : theirs(type);
}

const beside = (file) => join(out, "of-" + file.slice(file.lastIndexOf("/") + 1));

/** Metric to [value, standard error]; the log-likelihood of a lambada target is that of lm-eval's perplexity. */
function tasks(file) {
  const { results } = kept(beside(file) + ".tasks.json", () => mamba4j("eval", "-m", file, "--tasks", TASKS.join(","), "--data", data, "--json"));
  const { hellaswag, lambada_openai: lambada } = results;
  const perplexity = lambada["perplexity,none"];
  return {
    hellaswag: [hellaswag["acc_norm,none"], hellaswag["acc_norm_stderr,none"]],
    lambada: [-Math.log(perplexity), lambada["perplexity_stderr,none"] / perplexity],
  };
}

const kl = base(original, join(data, "valid.txt"), out);
if (!existsSync(matrix)) mamba4j("calibrate", "-m", original, "-f", text, "-o", matrix, "--chunks", 400);
const rows = [];
for (const method of METHODS) {
  for (const type of TYPES) {
    const file = fileOf(method, type);
    const d = divergence(file, kl, beside(file));
    const ofTheirs = divergence(importance(type), kl, beside(importance(type)));
    rows.push({
      type,
      method: method.name,
      bytes: bytes(file),
      perplexity: d.ppl,
      increase: [d.ppl_ratio - 1, d.ppl_ratio_stderr],
      divergence: [d.mean_kld, d.mean_kld_stderr],
      same_top: [d.same_top, d.same_top_stderr],
      ratio: d.mean_kld / ofTheirs.mean_kld,
      ...(method.tasks ? tasks(file) : {}),
    });
  }
}
rows.sort((a, b) => TYPES.indexOf(a.type) - TYPES.indexOf(b.type)); // stable: methods stay in order

const percent = ([value, error], digits) => `${(100 * value).toFixed(digits)} ± ${(100 * error).toFixed(digits)} %`;
const plusMinus = (pair, digits) => (pair ? `${pair[0].toFixed(digits)} ± ${pair[1].toFixed(digits)}` : "");
const columns = [
  ["size of", (r) => r.type],
  ["method", (r) => r.method],
  ["bytes", (r) => r.bytes],
  ["divergence, nats", (r) => plusMinus(r.divergence, 5)],
  ["ratio", (r) => r.ratio.toFixed(2)],
  ["perplexity", (r) => "+" + percent(r.increase, 2)],
  ["same top", (r) => percent(r.same_top, 1)],
];
const exact = { type: "F32", method: "", ...tasks(original) };
const answers = [...columns.slice(0, 2), ["hellaswag, acc_norm", (r) => plusMinus(r.hellaswag, 3)], ["lambada, nats", (r) => plusMinus(r.lambada, 3)]];
writeFileSync(join(out, "table.md"), markdown(columns, rows) + "\n" + markdown(answers, [exact, ...rows.filter((r) => r.hellaswag)]));
writeFileSync(join(out, "table.json"), JSON.stringify({ exact, rows }, null, 1) + "\n");
const megabytes = [1.8, 2, 2.5, 3, 3.5, 4].map((mb) => [1e6 * mb, String(mb)]);
const nats = [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1].map((value) => [value, String(value)]);
const series = METHODS.map(({ name }) => ({ name, points: rows.filter((r) => r.method === name).map((r) => [r.bytes, r.divergence[0]]) }));
writeFileSync(join(out, "curve.svg"), chart(series, { label: "size of the file, MB", ticks: megabytes }, { label: "mean divergence from F32, nats", ticks: nats }));
