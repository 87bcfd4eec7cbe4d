// What the scripts of this folder share: running mamba4j, and keeping what it has measured.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const MAMBA4J = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "mamba4j");
export const WINDOWS = 100;

/** Runs a command of mamba4j; what it prints. */
export function mamba4j(...args) {
  console.error("mamba4j " + args.join(" "));
  return execFileSync(MAMBA4J, args.map(String), { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], maxBuffer: 1 << 26 });
}

/** The JSON in a file; made and kept there first if it is missing. */
export function kept(file, make) {
  if (!existsSync(file)) {
    writeFileSync(file + ".new", make());
    renameSync(file + ".new", file);
  }
  return JSON.parse(readFileSync(file, "utf8"));
}

/** The predictions of a model on a text, for others to be compared with. */
export function base(model, text, folder) {
  const file = join(folder, "base");
  kept(join(folder, "base.json"), () =>
    mamba4j("perplexity", "-m", model, "-f", text, "--chunks", WINDOWS, "--kl-base", file, "--save", "--json"));
  return file;
}

/** Perplexity, divergence and same-top of a file. */
export const divergence = (model, base, name, precision = "fast") =>
  kept(`${name}.${precision}.json`, () => mamba4j("perplexity", "-m", model, "--kl-base", base, "--precision", precision, "--json"));

/** A table in Markdown; columns are [heading, row => cell]. */
export function markdown(columns, rows) {
  const line = (cells) => `| ${cells.join(" | ")} |\n`;
  return line(columns.map(([heading]) => heading)) + line(columns.map(() => "---")) +
    rows.map((row) => line(columns.map(([, cell]) => cell(row)))).join("");
}
