// llama.cpp's files as read here, with inputs rounded to 8 bits (fast) and as they are (float), beside the figures of llama-perplexity.
// usage: node bench/compress/llamacpp.mjs F32.gguf TEXT LLAMACPP FIGURES.json OUT
// LLAMACPP holds the files of llama-quantize, FIGURES their ppl, mean_kld and same_top_percent by name. What is in OUT is kept.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { base, divergence, markdown } from "./measure.mjs";

const [original, text, peer, figures, out] = process.argv.slice(2);
if (!out) {
  console.error("usage: node bench/compress/llamacpp.mjs F32.gguf TEXT LLAMACPP FIGURES.json OUT");
  process.exit(2);
}
const kl = base(original, text, out);
const rows = Object.entries(JSON.parse(readFileSync(figures, "utf8"))).map(([name, theirs]) => {
  const file = name === "F32" ? original : join(peer, name + ".gguf");
  const of = (precision) => divergence(file, kl, join(out, `of-${name}.gguf`), precision);
  return { name, theirs, fast: of("fast"), float: of("float") };
});
const against = (value, theirs) => `${value >= theirs ? "+" : ""}${(100 * (value / theirs - 1)).toFixed(3)} %`;
const columns = [
  ["file", (r) => r.name],
  ["perplexity, llama-perplexity", (r) => r.theirs.ppl.toFixed(4)],
  ["fast", (r) => r.fast.ppl.toFixed(4)],
  ["", (r) => against(r.fast.ppl, r.theirs.ppl)],
  ["float", (r) => r.float.ppl.toFixed(4)],
  ["", (r) => against(r.float.ppl, r.theirs.ppl)],
  ["divergence, llama-perplexity", (r) => r.theirs.mean_kld.toFixed(6)],
  ["fast", (r) => r.fast.mean_kld.toFixed(6)],
  ["float", (r) => r.float.mean_kld.toFixed(6)],
  ["same top, llama-perplexity", (r) => r.theirs.same_top_percent.toFixed(2) + " %"],
  ["fast", (r) => (100 * r.fast.same_top).toFixed(2) + " %"],
  ["float", (r) => (100 * r.float.same_top).toFixed(2) + " %"],
];
writeFileSync(join(out, "llamacpp.md"), markdown(columns, rows));
