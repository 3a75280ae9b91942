// Changes the contracts in one place at a time (mutants.mjs says where), and sees whether a judge notices.
//
//   node tools/mutate.mjs [N] [--file TEXT] [--seed X] [--jobs J] [--again] [--long] [--differential PROGRAM [--sequences S]] | --page
//
// N mutants are drawn (all without N; the same ones for the same seed). The judges, the cheapest first:
//   1. "quick": up to three contracts with the change, one by one, compiled without the optimizer; the tests that reach it, few runs
//   2. "all": every contract and unit test with the change, likewise; if, compiled as deployed, the code is the original's, it is no mutant
//   3. "long", for survivors and if asked for: the same, compiled as deployed, with as many runs as CI makes
//   4. "differential", likewise: with its program given, S sequences beside the reference
// What nobody notices has survived. Results go to cache/mutations.jsonl and are not made again; `--page` writes
// docs/Mutations.md from them. Each survivor must be explained in test/mutations/survivors.json, or the run fails.
//
// A mutant costs seconds, because forge compiles nothing: cache/mutant is a copy of this folder whose tests are compiled once
// and deploy our contracts from files (`new X(a)` is `X(fromFile("ours/X.json", abi.encode(a)))` there). A mutant is such
// files, made by a compiler that stays in this process. With J jobs as many forges run at a time, each in its own copy.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { mutantsOf } from "./mutants.mjs";

const contracts = join(dirname(fileURLToPath(import.meta.url)), "..");
const solc = createRequire(import.meta.url)("solc");
const results = join(contracts, "cache/mutations.jsonl");
const copy = join(contracts, "cache/mutant");
const desk = (job) => (job === 0 ? copy : `${copy}-${job}`);
const explanations = join(contracts, "test/mutations/survivors.json");
const page = join(contracts, "docs/Mutations.md");
const read = (path) => readFileSync(join(contracts, path), "utf8");

// -- what is deployed, what has our code in it, and which files it is made of

const IMPORT = /^import\s[^;]*?"([^"]+)";/gms;
const importsOf = (path) => [...read(path).matchAll(IMPORT)].map(([, to]) => posix.join(posix.dirname(path), to));

function sourcesOf(path, found = new Set()) {
  if (!found.has(path)) {
    found.add(path);
    for (const to of importsOf(path)) sourcesOf(to, found);
  }
  return found;
}

const filesIn = (folder) => readdirSync(join(contracts, folder), { recursive: true }).filter((file) => file.endsWith(".sol")).map((file) => posix.join(folder, file)).sort();
const contract = (name, source, of) => ({ name, source, of, sources: sourcesOf(source) });
const artifacts = readdirSync(join(contracts, "artifacts")).map((file) => JSON.parse(read(`artifacts/${file}`)));
const DEPLOYED = [
  ...artifacts.map(({ contractName, source }) => contract(contractName, source, "ours")),
  contract("AttestationDemo", "test/support/AttestationDemo.sol", "ours"),
  contract("PriceReader", "test/CheckedPrice.t.sol", "ours"),
].sort((a, b) => a.sources.size - b.sources.size);
// Unit tests have the code that they test inside.
const UNITS = filesIn("test/unit").flatMap((path) =>
  [...read(path).matchAll(/^contract (\w+Test) /gm)].map(([, name]) => contract(name, path, `out/${posix.basename(path)}`)),
);

// -- building

const SETTINGS = { evmVersion: "prague", metadata: { bytecodeHash: "none", appendCBOR: false } };
const AS_DEPLOYED = { enabled: true, runs: 100000 };
const UNOPTIMIZED = { enabled: false };

// The creation code of each, or undefined if there is an error in one.
function build(targets, optimizer, changed = {}) {
  const sources = {};
  for (const path of targets.flatMap((target) => [...target.sources])) sources[path] = { content: changed[path] ?? read(path) };
  const outputSelection = {};
  for (const { name, source } of targets) (outputSelection[source] ??= {})[name] = ["evm.bytecode.object"];
  const input = { language: "Solidity", sources, settings: { ...SETTINGS, optimizer, outputSelection } };
  const output = JSON.parse(solc.compile(JSON.stringify(input)));
  if ((output.errors ?? []).some((error) => error.severity === "error")) return undefined;
  return new Map(targets.map((target) => [target, output.contracts[target.source][target.name].evm.bytecode.object]));
}

const originals = new Map();
function original(target, optimizer) {
  const key = `${target.source} ${target.name} ${optimizer.enabled}`;
  if (!originals.has(key)) originals.set(key, build([target], optimizer).get(target));
  return originals.get(key);
}
const isOriginal = (built, optimizer) => [...built].every(([target, code]) => code === original(target, optimizer));

// -- forge

const byFile = (code, name) => {
  const creation = new RegExp(`\\bnew ${name}\\(`, "g");
  for (let match; (match = creation.exec(code)); ) {
    let end = creation.lastIndex;
    for (let depth = 1; depth > 0; end++) depth += { "(": 1, ")": -1 }[code[end]] ?? 0;
    const given = code.slice(creation.lastIndex, end - 1);
    const made = `${name}(fromFile("ours/${name}.json", abi.encode(${given})))`;
    code = code.slice(0, match.index) + made + code.slice(end);
  }
  return code;
};

// Not vm.deployCode, after which vm.expectRevert is content without a revert.
const FROM_FILE = `
    function fromFile(string memory path, bytes memory arguments) internal returns (address made) {
        bytes memory creation = bytes.concat(vm.getCode(path), arguments);
        assembly {
            made := create(0, add(creation, 0x20), mload(creation))
            if iszero(made) {
                returndatacopy(0, 0, returndatasize())
                revert(0, returndatasize())
            }
        }
    }
`;

async function prepare() {
  mkdirSync(join(copy, "ours"), { recursive: true });
  for (const part of ["src", "test", "tools", "foundry.toml", "cache/reference"]) {
    rmSync(join(copy, part), { recursive: true, force: true });
    if (existsSync(join(contracts, part))) cpSync(join(contracts, part), join(copy, part), { recursive: true });
  }
  // Forge asks for the version before each run, and node takes longer to answer than most mutants to fail.
  const version = spawnSync("node", ["tools/solc", "--version"], { cwd: contracts, encoding: "utf8" }).stdout;
  cpSync(join(contracts, "tools/solc"), join(copy, "tools/solc.cjs"));
  writeFileSync(join(copy, "tools/solc"), `#!/bin/sh\n[ "$1" = --version ] && cat "\${0%solc}version" || exec node "$0.cjs" "$@"\n`);
  writeFileSync(join(copy, "tools/version"), version);
  if (!existsSync(join(copy, "node_modules"))) symlinkSync(join(contracts, "node_modules"), join(copy, "node_modules"));
  const settings = read("foundry.toml").replace(/^fs_permissions = \[/m, '$&{ access = "read", path = "./ours" }, ').replace("optimizer = true", "optimizer = false");
  writeFileSync(join(copy, "foundry.toml"), settings);
  for (const path of filesIn("test")) {
    let code = DEPLOYED.reduce((text, { name }) => byFile(text, name), read(path));
    code = code.replace("type(Library).creationCode", 'vm.getCode("ours/OCR3DynamicallyDispatchedECDSAAttestationVerifierLib.json")');
    code = code.replace(/^interface Vm \{$/m, "$&\n    function getCode(string calldata path) external view returns (bytes memory);");
    code = code.replace(/^abstract contract Check \{$/m, `$&${FROM_FILE}`);
    writeFileSync(join(copy, path), code);
  }
  for (const target of DEPLOYED) place(copy, target, original(target, AS_DEPLOYED));
  const built = await forge(copy, ["build"], {});
  if (built.status !== 0) throw new Error(`the tests do not compile: ${built.output}`);
  const everything = [...DEPLOYED, ...UNITS];
  const outcome = await judgedByForge(copy, everything, new Map(), QUICK);
  if (outcome !== undefined) throw new Error(`the originals fail: ${outcome}`);
  // Tests about gas fail without the optimizer, so they are for the other judges.
  const unoptimized = new Map(everything.map((target) => [target, original(target, UNOPTIMIZED)]));
  for (let fails; (fails = await judgedByForge(copy, everything, unoptimized, QUICK, UNOPTIMIZED)); ) {
    if (aboutGas.includes(fails)) throw new Error(`${fails} cannot be left out`);
    aboutGas.push(fails);
  }
  for (let job = 1; job < jobs; job++) {
    rmSync(desk(job), { recursive: true, force: true });
    cpSync(copy, desk(job), { recursive: true, verbatimSymlinks: true });
  }
  console.log(`the originals pass; about gas: ${aboutGas.join()}`);
}

const CPU = { x64: "amd64", arm64: "arm64" }[process.arch];
const FORGE = join(contracts, `node_modules/@foundry-rs/forge-${process.platform}-${CPU}/bin/forge`);
function forge(folder, arguments_, environment) {
  rmSync(join(folder, "cache/fuzz"), { recursive: true, force: true });
  rmSync(join(folder, "cache/invariant"), { recursive: true, force: true });
  const child = spawn(FORGE, arguments_, { cwd: folder, timeout: 1_800_000, env: { ...process.env, ...environment } });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (output += text));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status, signal) => resolve({ status, signal, output }));
  });
}

function place(folder, target, code) {
  const path = join(folder, target.of, `${target.name}.json`);
  const old = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : { abi: [] };
  writeFileSync(path, JSON.stringify({ ...old, bytecode: { ...old.bytecode, object: `0x${code}` } }));
}

const aboutGas = [];
const QUICK = { FOUNDRY_FUZZ_RUNS: "16", FOUNDRY_INVARIANT_RUNS: "2", FOUNDRY_INVARIANT_DEPTH: "32" };
const TESTS = filesIn("test").filter((path) => path.endsWith(".t.sol")).map((path) => ({ path, sources: sourcesOf(path) }));

// The tests that fail with this code, under the tests that reach one of the targets; undefined if none.
async function judgedByForge(folder, targets, built, runs, optimizer = AS_DEPLOYED) {
  const reach = TESTS.filter(({ sources }) => targets.some(({ source }) => sources.has(source))).map(({ path }) => path);
  for (const [target, code] of built) place(folder, target, code);
  // The reference's own tests do not depend on our sources, and gas is in Gas.md.
  const arguments_ = ["test", "--fail-fast", "--threads", "1", "--no-match-contract", "^Reference|^AttestationGas", "--match-path", `{${reach.join()},}`];
  if (optimizer === UNOPTIMIZED && aboutGas.length > 0) arguments_.push("--no-match-test", `^(${aboutGas.join("|")})\\b`);
  const run = await forge(folder, arguments_, runs);
  for (const [target] of built) place(folder, target, original(target, AS_DEPLOYED));
  if (run.status === 0) return undefined;
  if (run.output.includes("[FAIL")) return /\[FAIL.*\] (\w+)\(/.exec(run.output)?.[1] ?? "an invariant";
  if (run.signal) return "it does not end";
  throw new Error(`forge did not judge: ${run.output.slice(-800)}`);
}

// -- judging

async function judge(mutant, folder) {
  const changed = { [mutant.path]: mutant.text };
  const has = ({ sources }) => sources.has(mutant.path);
  // The gated feeds have all of the plain ones in them.
  for (const target of DEPLOYED.filter(has).filter(({ name }) => !name.startsWith("AccessControlled")).slice(0, 3)) {
    const built = build([target], UNOPTIMIZED, changed);
    if (built === undefined) return ["does not compile"];
    if (isOriginal(built, UNOPTIMIZED)) continue;
    const noticed = await judgedByForge(folder, [target], built, QUICK, UNOPTIMIZED);
    if (noticed) return ["quick", noticed];
  }
  const all = [...DEPLOYED, ...UNITS].filter(has);
  const built = build(all, UNOPTIMIZED, changed);
  if (built === undefined) return ["does not compile"];
  const noticed = await judgedByForge(folder, all, built, QUICK, UNOPTIMIZED);
  if (noticed) return ["all", noticed];
  return isOriginal(build(all, AS_DEPLOYED, changed), AS_DEPLOYED) ? ["same code"] : ["survived"];
}

async function judgeAtLength(mutant, folder) {
  const all = [...DEPLOYED, ...UNITS].filter(({ sources }) => sources.has(mutant.path));
  const built = build(all, AS_DEPLOYED, { [mutant.path]: mutant.text });
  const noticed = atLength && (await judgedByForge(folder, all, built, {}));
  if (noticed) return ["long", noticed];
  const differs = differential && judgedBesideTheReference(built);
  return differs ? ["differential", differs] : ["survived"];
}

function judgedBesideTheReference(built) {
  const folder = join(copy, "artifacts");
  cpSync(join(contracts, "artifacts"), folder, { recursive: true });
  for (const [{ name, of }, code] of built) {
    const path = join(folder, `${name}.json`);
    if (of === "ours" && existsSync(path)) writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, "utf8")), bytecode: { object: `0x${code}` } }));
  }
  const of = [...built.keys()].map(({ name }) => name).join();
  const environment = { ...process.env, OURS: folder, OF: of, SEQUENCES: sequences, SHORTEN: "no", RUST_BACKTRACE: "0" };
  const run = spawnSync(differential, ["_does_what_", "--test-threads", "1"], { env: environment, encoding: "utf8", timeout: 600_000 });
  if (run.error && run.error.code !== "ETIMEDOUT") throw run.error;
  if (run.status === 0) return undefined;
  return /differ: ([^\n]*)/.exec(run.stdout)?.[1]?.slice(0, 80) ?? "cannot be deployed";
}

// -- the page

const known = () => existsSync(results) ? readFileSync(results, "utf8").trim().split("\n").filter(Boolean).map((line) => JSON.parse(line)) : [];
const outcomes = () => new Map(known().map(({ id, outcome }) => [id, outcome]));
const explained = new Map(JSON.parse(readFileSync(explanations, "utf8")).map(({ id, why }) => [id, why]));

function write(mutants) {
  const outcome = outcomes();
  const kindOf = ({ id }) => outcome.get(id)?.[0] ?? "not judged";
  const kinds = ["does not compile", "same code", "quick", "all", "long", "differential", "survived", "not judged"].filter(
    (kind) => mutants.some((mutant) => kindOf(mutant) === kind) || kind === "survived",
  );
  const row = (name, all) => `| ${name} | ${all.length} | ${kinds.map((kind) => all.filter((mutant) => kindOf(mutant) === kind).length).join(" | ")} |`;
  const table = (of) => [...new Set(mutants.map(of))].map((name) => row(name, mutants.filter((mutant) => of(mutant) === name))).join("\n");
  const head = (first) => `| ${first} | mutants | ${kinds.join(" | ")} |\n|---|${"---:|".repeat(kinds.length + 1)}`;
  const cell = (text) => `\`${text.replaceAll("|", "\\|")}\``;
  const line = (mutant) => {
    const change = mutant.into === "" ? `${cell(mutant.shown)} dropped` : `${cell(mutant.shown)}: ${cell(mutant.from.trim())} → ${cell(mutant.into.trim() || "nothing")}`;
    return `| ${mutant.path.replace("src/", "")} | ${change} | ${explained.get(mutant.id) ?? "**not explained**"} |`;
  };
  const survivors = mutants.filter((mutant) => kindOf(mutant) === "survived");
  writeFileSync(page, `# Mutations of the contracts

The sources are changed in one place at a time, and the tests must notice. \`cargo xtask contracts mutate\` makes every change there is and
judges those that have not been judged yet; \`mutate N\` draws N of them; \`mutate --page\` writes this page. A survivor that is not
explained in \`test/mutations/survivors.json\` is an error.

The set (\`tools/mutants.mjs\`): every line of the sources in which one of these can be done, once for each that can be done in it. A
comparison gains or loses its boundary or is turned round; a logical or arithmetic operator becomes another one; a check, a statement, an
event or a guard goes. Not made is what another mutant stands for: whoever notices that a check has gone notices that its \`==\` became
\`!=\`. Numbers and the order of arguments are not changed.

Who judges, the cheapest first; a mutant is counted where it was noticed first:

| judge | what it runs |
|---|---|
| does not compile, same code | no mutants: the compiler refuses the change, or makes the same code of it |
| quick | up to three contracts with the change, compiled without the optimizer, each under the tests that reach it; 16 fuzz runs. Tests about gas are left out |
| all | all contracts and unit tests with the change, likewise |
| long | survivors, with \`--long\`: the same, compiled as they are deployed, with the fuzz and invariant runs of CI, and with the tests about gas |
| differential | survivors, with \`--differential\`: random sequences beside the reference's contracts |

${head("file")}
${table(({ path }) => path.replace("src/", ""))}
${row("all", mutants)}

${head("change")}
${table(({ operator }) => operator)}

## Survivors, and why

| file | change | why nobody notices |
|---|---|---|
${survivors.map(line).join("\n")}
`);
}

// -- the run

const option = (name, otherwise) => {
  const index = process.argv.indexOf(name);
  return index < 0 ? otherwise : process.argv.splice(index, 2)[1];
};
const flag = (name) => {
  const index = process.argv.indexOf(name);
  return index >= 0 && process.argv.splice(index, 1).length > 0;
};
const differential = option("--differential");
const only = option("--file", "");
const sequences = option("--sequences", "150");
const seed = option("--seed", "1");
const jobs = Number(option("--jobs", "1"));
const [again, atLength, pageOnly] = ["--again", "--long", "--page"].map(flag);
const count = process.argv[2] === undefined ? Infinity : Number(process.argv[2]);
if (!(count > 0)) {
  console.error("usage: node tools/mutate.mjs [N] [--file TEXT] [--seed X] [--jobs J] [--again] [--long] [--differential PROGRAM [--sequences S]] | --page");
  process.exit(2);
}

const paths = [...new Set(DEPLOYED.flatMap(({ sources }) => [...sources]))].filter((path) => /^src\/(?!interfaces\/)/.test(path));
const mutants = paths.sort().flatMap((path) => mutantsOf(path, read(path)));
if (pageOnly) write(mutants);
else {
  const order = ({ id }) => createHash("sha256").update(`${seed} ${id}`).digest("hex");
  const drawn = mutants.filter(({ path }) => path.includes(only)).sort((a, b) => (order(a) < order(b) ? -1 : 1)).slice(0, count);
  const tally = {};
  const judgeAll = async (open, judge) => {
    const work = async (job) => {
      for (let mutant; (mutant = open.shift()); ) {
        const outcome = await judge(mutant, desk(job));
        const change = mutant.into === "" ? `without ${mutant.from.split("\n")[0]}` : `${mutant.from.trim()} -> ${mutant.into.trim()}`;
        console.log(`${mutant.id} ${mutant.path}:${mutant.line} ${mutant.operator}: ${change}   [${mutant.shown}]\n  ${outcome.join(", ")}`);
        appendFileSync(results, `${JSON.stringify({ id: mutant.id, outcome })}\n`);
        tally[outcome[0]] = (tally[outcome[0]] ?? 0) + 1;
      }
    };
    await Promise.all([...Array(jobs).keys()].map(work));
  };
  await prepare();
  const done = again ? new Map() : outcomes();
  const toJudge = ({ id }) => !done.has(id) || (done.get(id)[0] === "survived" && !explained.has(id));
  await judgeAll(drawn.filter(toJudge), judge);
  if (atLength || differential) await judgeAll(drawn.filter(({ id }) => outcomes().get(id)[0] === "survived"), judgeAtLength);
  console.log(`${drawn.length} of ${mutants.length} mutants drawn; judged now:`, tally);
}
const outcome = outcomes();
const unexplained = mutants.filter(({ id }) => outcome.get(id)?.[0] === "survived" && !explained.has(id));
for (const mutant of unexplained) console.error(`not explained: ${mutant.id} ${mutant.path}:${mutant.line} ${mutant.shown}: ${mutant.from.trim()} -> ${mutant.into.trim()}`);
if (unexplained.length > 0) process.exit(1);
