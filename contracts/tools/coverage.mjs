// Which lines and branches of src/ forge's tests reach: `node tools/coverage.mjs`.
//
// Fails under 95 % of lines or of branches, and if a line that nobody reaches, or a branch of it, is not explained in
// docs/Coverage.md by its own text. forge compiles without the optimizer for this, so that code has places.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const WANTED = 95;
// The reference is not ours, and what gas costs is nothing without the optimizer.
const UNMEASURED = "^Reference|Gas(Test)?$";
const contracts = join(dirname(fileURLToPath(import.meta.url)), "..");
const report = join(contracts, "cache/lcov.info");

mkdirSync(dirname(report), { recursive: true });
const forge = ["tools/forge.mjs", "coverage", "--report", "lcov", "--report-file", report, "--no-match-contract", UNMEASURED];
const run = spawnSync("node", forge, { cwd: contracts, stdio: ["ignore", "ignore", "inherit"] });
if (run.status !== 0) process.exit(run.status ?? 1);

// LCOV: SF is a file, DA a line with its count, BRDA a branch (line, block, branch, count).
const files = [];
for (const line of readFileSync(report, "utf8").split("\n")) {
  const [key, value] = [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)];
  const fields = value.split(",");
  if (key === "SF") files.push({ path: value, lines: [], branches: [] });
  if (key === "DA") files.at(-1).lines.push({ line: Number(fields[0]), reached: fields[1] !== "0" });
  if (key === "BRDA") files.at(-1).branches.push({ line: Number(fields[0]), reached: !["0", "-"].includes(fields[3]) });
}

const sources = files.filter(({ path }) => path.startsWith("src/")).sort((a, b) => (a.path < b.path ? -1 : 1));
const share = (parts) => {
  const reached = parts.filter((part) => part.reached).length;
  return [parts.length === 0 ? 100 : (100 * reached) / parts.length, `${reached} of ${parts.length}`];
};
const row = (name, lines, branches) => {
  const [[l, lineCount], [b, branchCount]] = [share(lines), share(branches)];
  return `| ${name} | ${l.toFixed(1)} % (${lineCount}) | ${b.toFixed(1)} % (${branchCount}) |`;
};
console.log("| file | lines | branches |\n|---|---|---|");
for (const { path, lines, branches } of sources) console.log(row(path.replace("src/", ""), lines, branches));
const [lines, branches] = ["lines", "branches"].map((part) => sources.flatMap((file) => file[part]));
console.log(row("all", lines, branches));

let wrong = 0;
const page = readFileSync(join(contracts, "docs/Coverage.md"), "utf8");
for (const file of sources) {
  const text = readFileSync(join(contracts, file.path), "utf8").split("\n");
  for (const [what, parts] of [["line", file.lines], ["branch", file.branches]]) {
    for (const { line } of parts.filter(({ reached }) => !reached)) {
      const code = text[line - 1].trim();
      const known = page.includes(`| ${file.path.replace("src/", "")} | \`${code.replaceAll("|", "\\|")}\` |`);
      console.log(`${known ? "explained" : "NOT EXPLAINED"}: ${what} ${file.path}:${line} ${code}`);
      if (!known) wrong += 1;
    }
  }
}
if (share(lines)[0] < WANTED || share(branches)[0] < WANTED) {
  console.error(`less than ${WANTED} %`);
  wrong += 1;
}
process.exit(wrong > 0 ? 1 : 0);
