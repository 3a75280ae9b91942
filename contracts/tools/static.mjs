// Slither over src/: `node tools/static.mjs`. Needs Python with venv; it is installed into cache/slither, pinned.
//
// Each finding, by detector and file, must have a row in docs/StaticAnalysis.md with the reason why it is no fault, or the
// run fails; so does a row of which Slither no longer says anything. `--again` reads the last report.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const SLITHER = "slither-analyzer==0.11.6";
const contracts = join(dirname(fileURLToPath(import.meta.url)), "..");
const python = join(contracts, "cache/slither");
const built = "cache/slither-out";
const report = join(contracts, "cache/slither.json");
const cpu = { x64: "amd64", arm64: "arm64" }[process.arch];
const forge = join(contracts, "node_modules/@foundry-rs", `forge-${process.platform}-${cpu}`, "bin");

function run(program, words, allowed = [0]) {
  const environment = { ...process.env, PATH: `${forge}${delimiter}${process.env.PATH}` };
  const ended = spawnSync(program, words, { cwd: contracts, env: environment, encoding: "utf8" });
  if (ended.error || !allowed.includes(ended.status)) {
    console.error(`${program} ${words.join(" ")}\n${ended.error ?? ended.stdout + ended.stderr}`);
    process.exit(2);
  }
}

if (!process.argv.includes("--again")) analyse();

function analyse() {
  if (!existsSync(join(python, "bin/slither"))) {
    run("python3", ["-m", "venv", python]);
    run(join(python, "bin/pip"), ["install", "--quiet", SLITHER]);
  }
  // All anew: Slither reads what the compiler said of every file.
  rmSync(join(contracts, built), { recursive: true, force: true });
  rmSync(report, { force: true });
  run("node", ["tools/forge.mjs", "build", "--force", "--build-info", "--skip", "test", "--out", built, "--cache-path", `${built}/cache`]);
  // It ends with 255 if it has found anything.
  const words = [".", "--ignore-compile", "--foundry-out-directory", built, "--filter-paths", "test/", "--json", report];
  run(join(python, "bin/slither"), words, [0, 255]);
}

// By detector and file; a row whose file is * is about a detector everywhere.
const findings = new Map();
for (const { check, impact, confidence, elements } of JSON.parse(readFileSync(report, "utf8")).results.detectors) {
  const [{ name, source_mapping: place }] = elements;
  const file = place.filename_relative.replace("src/", "");
  const known = findings.get(`${check} ${file}`);
  findings.set(`${check} ${file}`, { check, file, weight: `${impact}, ${confidence}`, names: [...(known?.names ?? []), name] });
}
const page = readFileSync(join(contracts, "docs/StaticAnalysis.md"), "utf8");
const rows = [...page.matchAll(/^\| ([a-z0-9-]+) \| (\S+) \|/gm)].map(([, check, file]) => ({ check, file })).slice(1); // after the head
const matches = (row, finding) => row.check === finding.check && (row.file === "*" || row.file === finding.file);
const all = [...findings.values()];
const unexplained = all.filter((finding) => !rows.some((row) => matches(row, finding)));
const gone = rows.filter((row) => !all.some((finding) => matches(row, finding)));
for (const { check, file, weight, names } of unexplained) console.error(`not explained: ${check} in ${file} (${weight}): ${names.join(", ")}`);
for (const { check, file } of gone) console.error(`no longer found: ${check} in ${file}`);
console.log(`${all.length} findings by detector and file, ${all.length - unexplained.length} of them explained in docs/StaticAnalysis.md`);
process.exit(unexplained.length + gone.length > 0 ? 1 : 0);
