// Changes the contracts in one place at a time, and sees whether a judge notices.
//
//   node tools/mutate.mjs --differential FILE [N] [--of CONTRACT,...] [--file TEXT] [--sequences S] [--seed X]
//
// N mutants are drawn (all without N; the same ones for the same seed), each in three steps, the cheapest first:
//   1. compile it; one that does not compile, or gives the same bytecode as the original, is none
//   2. the differential test (FILE is its program) on S sequences against the reference
//   3. forge's tests, in a copy of this folder
// What nobody notices has survived. Results go to cache/mutations.jsonl and are not made again; `--page` writes
// docs/Mutations.md from them. Each survivor must be explained in test/mutations/survivors.json, or the run fails.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, posix, relative } from "node:path";
import { fileURLToPath } from "node:url";

const contracts = join(dirname(fileURLToPath(import.meta.url)), "..");
const solc = createRequire(import.meta.url)("solc");
const results = join(contracts, "cache/mutations.jsonl");
const copy = join(contracts, "cache/mutant");
const explanations = join(contracts, "test/mutations/survivors.json");
const page = join(contracts, "docs/Mutations.md");

// -- what can be changed: [name, pattern, replacement]; the pattern is looked for in code without comments and strings

const swap = (a, b) => [[a, b], [b, a]];
const REPLACEMENTS = [
  ...swap(" < ", " <= ").concat(swap(" > ", " >= "), swap(" == ", " != ")).map((pair) => ["comparison", ...pair]),
  ...swap("lt(", "gt(").map((pair) => ["comparison", ...pair]),
  ...swap(" && ", " || ").concat(swap("or(", "and(")).map((pair) => ["logic", ...pair]),
  ["logic", "xor(", "or("],
  ...swap(" + ", " - ").concat(swap(" += ", " -= "), swap("add(", "sub("), swap("shl(", "shr(")).map((pair) => ["arithmetic", ...pair]),
  ["arithmetic", " * ", " + "],
  ["arithmetic", " / ", " * "],
  ["arithmetic", "mul(", "add("],
  ["arithmetic", "mod(", "div("],
  ["arithmetic", " << ", " >> "],
  ["arithmetic", " >> ", " << "],
  ["guard", " onlyOwner ", " "],
  ["guard", " onlyOwnerOrBillingAdmin ", " "],
  ["guard", "        checkAccess\n", ""],
  ["guard", " checkAccess ", " "],
  ["guard", "        forReaders\n", ""],
  ["guard", " forReaders ", " "],
];

function* mutantsOf(path) {
  const text = readFileSync(join(contracts, path), "utf8");
  const blank = (match) => match.replace(/[^\n]/g, "\u0001");
  const code = text.replace(/\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:[^"\\]|\\.)*"|^(pragma|import)[\s\S]*?;/gm, blank);
  const at = (index, length, into, operator) => ({ path, operator, index, from: text.slice(index, index + length), into });
  for (const [operator, from, into] of REPLACEMENTS) {
    for (let index = code.indexOf(from); index >= 0; index = code.indexOf(from, index + 1)) {
      // `or(` is also the end of `xor(`.
      if (/^\w/.test(from) && /\w/.test(code[index - 1])) continue;
      yield at(index, from.length, into, operator);
    }
  }
  const drop = function* (pattern, operator) {
    for (const match of code.matchAll(pattern)) {
      const start = match.index + match[0].length - match[0].trimStart().length;
      yield at(start, match.index + match[0].length - start, "", operator);
    }
  };
  yield* drop(/^ +if \([^{};]*\) revert [^;]*;/gm, "check dropped");
  yield* drop(/^ +(emit [^;]*|_require\w*\([^;]*\));/gm, "statement dropped");
  yield* drop(/^ +(sstore|mstore|log[0-4]|calldatacopy)\(.*\)$/gm, "statement dropped");
  yield* drop(/^ +[\w.[\]()]+ (=|\+=|-=|\|=|:=) [^;\n]*;?$/gm, "statement dropped");
  yield* drop(/^ +(_settle|_unseat|_seat|_transfer|_fillTable|_setAddress|setWord|ConfigData\.setWord)\([^;]*\);/gm, "statement dropped");
  yield* drop(/ (continue|break);/gm, "statement dropped");
  // A number that is no width of a type and no part of a name.
  for (const match of code.matchAll(/(?<![\w.])(0x[0-9a-f]+|\d+)(?![\w.])/g)) {
    const number = match[1];
    const next = BigInt(number) + 1n;
    yield at(match.index, number.length, number.startsWith("0x") ? `0x${next.toString(16).padStart(number.length - 2, "0")}` : `${next}`, "constant");
  }
  // The first two arguments of a call, if they are names or numbers and their order matters.
  for (const match of code.matchAll(/(?<=\b(?!(?:add|mul|or|and|xor|eq)\()\w+\()([\w.]+), ([\w.]+)(?=[,)])/g)) {
    if (!match[0].includes("\u0001") && match[1] !== match[2]) {
      yield at(match.index, match[0].length, `${match[2]}, ${match[1]}`, "arguments swapped");
    }
  }
}

// The same change keeps its name when other lines move.
function named(mutants) {
  const seen = new Map();
  return mutants.map((mutant) => {
    const text = readFileSync(join(contracts, mutant.path), "utf8");
    const line = text.slice(0, mutant.index).split("\n").length;
    const shown = text.split("\n")[line - 1].trim();
    const what = [mutant.path, mutant.operator, shown, mutant.from, mutant.into].join("\0");
    const count = (seen.get(what) ?? 0) + 1;
    seen.set(what, count);
    return { ...mutant, line, shown, id: createHash("sha256").update(`${what}\0${count}`).digest("hex").slice(0, 12) };
  });
}

// -- building

const SETTINGS = {
  optimizer: { enabled: true, runs: 100000 },
  evmVersion: "prague",
  metadata: { bytecodeHash: "none", appendCBOR: false },
};
const { ENTRIES, sourcesOf } = entries();

// The contracts of artifacts/, and which files each is made of.
function entries() {
  const folder = join(contracts, "artifacts");
  const files = readdirSync(folder).filter((file) => file.endsWith(".json"));
  const artifacts = files.map((file) => JSON.parse(readFileSync(join(folder, file), "utf8")));
  const sourcesOf = new Map(artifacts.map((artifact) => [artifact.contractName, artifact.sources]));
  return { ENTRIES: artifacts.map(({ contractName, source }) => [contractName, source]), sourcesOf };
}

function build(names, changed) {
  const paths = new Set(names.flatMap(([name]) => sourcesOf.get(name)));
  const content = (path) => changed?.[path] ?? readFileSync(join(contracts, path), "utf8");
  const sources = Object.fromEntries([...paths].map((path) => [path, { content: content(path) }]));
  const outputSelection = Object.fromEntries(names.map(([name, source]) => [source, { [name]: ["evm.bytecode.object"] }]));
  const output = JSON.parse(solc.compile(JSON.stringify({ language: "Solidity", sources, settings: { ...SETTINGS, outputSelection } })));
  if ((output.errors ?? []).some((error) => error.severity === "error")) return undefined;
  return new Map(names.map(([name, source]) => [name, output.contracts[source][name].evm.bytecode.object]));
}

// -- judging

const option = (name, otherwise) => {
  const index = process.argv.indexOf(name);
  return index < 0 ? otherwise : process.argv.splice(index, 2)[1];
};
const flag = (name) => {
  const index = process.argv.indexOf(name);
  return index >= 0 && process.argv.splice(index, 1).length > 0;
};

const originals = new Map();
function original(names) {
  const key = names.join();
  if (!originals.has(key)) originals.set(key, build(names));
  return originals.get(key);
}

const mutated = (mutant) => {
  const text = readFileSync(join(contracts, mutant.path), "utf8");
  return text.slice(0, mutant.index) + mutant.into + text.slice(mutant.index + mutant.from.length);
};

// What the compiler and the differential test say; undefined if they have nothing against it.
function judgedBesideTheReference(mutant, differential, sequences, of) {
  const concerned = ENTRIES.filter(([name]) => of.includes(name) && sourcesOf.get(name).includes(mutant.path));
  const changed = build(concerned, { [mutant.path]: mutated(mutant) });
  if (changed === undefined) return ["does not compile"];
  if ([...changed].every(([name, code]) => original(concerned).get(name) === code)) return ["same code"];

  const folder = join(copy, "ours");
  rmSync(folder, { recursive: true, force: true });
  cpSync(join(contracts, "artifacts"), folder, { recursive: true });
  for (const [name, code] of changed) {
    const path = join(folder, `${name}.json`);
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, "utf8")), bytecode: { object: `0x${code}` } }));
  }
  const environment = { ...process.env, OURS: folder, OF: [...changed.keys()].join(), SEQUENCES: sequences, SHORTEN: "no", RUST_BACKTRACE: "0" };
  const sides = spawnSync(differential, ["_does_what_", "--test-threads", "1"], { env: environment, encoding: "utf8", timeout: 300_000 });
  if (sides.error && sides.error.code !== "ETIMEDOUT") throw sides.error;
  if (sides.status === 0) return undefined;
  return ["caught", "differential", /differ: ([^\n]*)/.exec(sides.stdout)?.[1]?.slice(0, 80) ?? "cannot be deployed"];
}

function judgedByForge(mutant) {
  for (const part of ["test", "tools", "foundry.toml", "cache/reference"]) {
    cpSync(join(contracts, part), join(copy, part), { recursive: true });
  }
  rmSync(join(copy, "src"), { recursive: true, force: true });
  cpSync(join(contracts, "src"), join(copy, "src"), { recursive: true });
  if (!existsSync(join(copy, "node_modules"))) symlinkSync(join(contracts, "node_modules"), join(copy, "node_modules"));
  writeFileSync(join(copy, mutant.path), mutated(mutant));
  // The reference's own tests do not depend on our sources.
  const arguments_ = ["tools/forge.mjs", "test", "--fail-fast", "--no-match-contract", "^Reference"];
  const forge = spawnSync("node", arguments_, { cwd: copy, encoding: "utf8", timeout: 1_800_000 });
  if (forge.status === 0) return ["survived"];
  if (!forge.stdout.includes("[FAIL")) throw new Error(`forge did not judge: ${forge.stdout.slice(-400)}${forge.stderr.slice(-400)}`);
  return ["caught", "forge", /\[FAIL.*\] (\w+)\(/.exec(forge.stdout)?.[1] ?? "an invariant"];
}

// -- the page

const known = () => existsSync(results) ? readFileSync(results, "utf8").trim().split("\n").filter(Boolean).map((line) => JSON.parse(line)) : [];
const outcomes = () => new Map(known().map(({ id, outcome }) => [id, outcome]));
const explained = () => new Map(JSON.parse(readFileSync(explanations, "utf8")).map((survivor) => [survivor.id, survivor]));

function write(mutants) {
  const outcome = outcomes();
  const judged = mutants.filter(({ id }) => outcome.has(id));
  const kinds = ["same code", "does not compile", "differential", "forge", "survived", "open"];
  const kindOf = ({ id }) => outcome.get(id)[0] === "caught" ? outcome.get(id)[1] : outcome.get(id)[0];
  const row = (name, all) => {
    const counts = kinds.map((kind) => all.filter((mutant) => kindOf(mutant) === kind).length);
    return `| ${name} | ${mutants.filter(({ path }) => name === "all" || path === name).length} | ${all.length} | ${counts.join(" | ")} |`;
  };
  const paths = [...new Set(mutants.map(({ path }) => path))];
  const why = explained();
  const survivors = judged.filter((mutant) => kindOf(mutant) === "survived");
  const cell = (text) => `\`${text.replaceAll("|", "\\|")}\``;
  const line = (mutant) => {
    const change = mutant.into === "" ? `${cell(mutant.shown)} dropped` : `${cell(mutant.shown)}: ${cell(mutant.from.trim())} → ${cell(mutant.into.trim() || "nothing")}`;
    return `| ${mutant.path.replace("src/", "")} | ${change} | ${why.get(mutant.id)?.why ?? (kindOf(mutant) === "open" ? "-" : "**not explained**")} |`;
  };
  const open = judged.filter((mutant) => kindOf(mutant) === "open");
  writeFileSync(page, `# Mutations of the contracts

The sources are changed in one place at a time: a comparison, an operator, a constant, a dropped check, statement, event or guard, swapped
arguments. Each mutant is compiled, then runs some hundred sequences of the differential test beside the reference, and, if it survives
these, forge's tests. \`cargo xtask contracts mutate [N]\` draws N of them and judges those that have not been judged yet;
\`cargo xtask contracts mutate --page\` writes this page. A survivor that is not explained in \`test/mutations/survivors.json\` is an error.

| file | mutants | judged | same bytecode | do not compile | caught by differential | caught by forge | survived | passed by the differential, not yet seen by forge |
|---|---:|---:|---:|---:|---:|---:|---:|---:|
${paths.map((path) => row(path, judged.filter((mutant) => mutant.path === path))).join("\n")}
${row("all", judged)}

## Survivors, and why

| file | change | why nobody notices |
|---|---|---|
${survivors.map(line).join("\n")}

## Passed by the differential test, not yet seen by forge

| file | change | what is known |
|---|---|---|
${open.map(line).join("\n")}
`);
  return survivors.filter(({ id }) => !why.has(id));
}

// -- the run

const differential = option("--differential");
const only = option("--file", "");
const of = option("--of", [...sourcesOf.keys()].join()).split(",");
const sequences = option("--sequences", "150");
const seed = option("--seed", "1");
const again = flag("--again");
const pageOnly = flag("--page");
const count = process.argv[2] === undefined ? Infinity : Number(process.argv[2]);
if (Number.isNaN(count) || (!pageOnly && !differential)) {
  console.error("usage: node tools/mutate.mjs --differential FILE [N] [--of CONTRACT,...] [--file TEXT] [--sequences S] [--seed X] [--again] | --page");
  process.exit(2);
}
const sources = [...new Set([...sourcesOf.values()].flat())].filter((path) => !path.startsWith("src/interfaces/")).sort();
const mutants = named(sources.flatMap((path) => [...mutantsOf(path)]));
if (!pageOnly) {
  const done = again ? new Map() : outcomes();
  const order = (mutant) => createHash("sha256").update(`${seed} ${mutant.id}`).digest("hex");
  const theirs = new Set(of.flatMap((name) => sourcesOf.get(name)));
  const drawn = mutants
    .filter(({ path }) => theirs.has(path) && path.includes(only))
    .sort((a, b) => (order(a) < order(b) ? -1 : 1))
    .slice(0, count);
  mkdirSync(copy, { recursive: true });
  const tally = {};
  const judge = (mutant, outcomeOf) => {
    const begun = Date.now();
    const outcome = outcomeOf(mutant);
    const change = mutant.into === "" ? `without ${mutant.from.split("\n")[0]}` : `${mutant.from.trim()} -> ${mutant.into.trim()}`;
    const seconds = Math.round((Date.now() - begun) / 100) / 10;
    console.log(`${mutant.id} ${mutant.path}:${mutant.line} ${mutant.operator}: ${change}   [${mutant.shown}]\n  ${outcome?.join(", ") ?? "open"} (${seconds} s)`);
    appendFileSync(results, `${JSON.stringify({ id: mutant.id, outcome: outcome ?? ["open"] })}\n`);
    if (outcome === undefined) return true;
    const kind = outcome.slice(0, 2).join(" by ");
    tally[kind] = (tally[kind] ?? 0) + 1;
    return false;
  };
  // The cheap judge sees all of them before the dear one sees the rest.
  const open = drawn.filter((mutant) => {
    if (done.has(mutant.id)) return done.get(mutant.id)[0] === "open";
    return judge(mutant, () => judgedBesideTheReference(mutant, differential, sequences, of));
  });
  for (const mutant of open) judge(mutant, judgedByForge);
  console.log(`${drawn.length} of ${mutants.length} mutants drawn; judged now:`, tally);
}
const survivors = pageOnly ? write(mutants) : mutants.filter(({ id }) => outcomes().get(id)?.[0] === "survived" && !explained().has(id));
for (const mutant of survivors) console.error(`not explained: ${mutant.id} ${mutant.path}:${mutant.line} ${mutant.shown}: ${mutant.from.trim()} -> ${mutant.into.trim()}`);
if (survivors.length > 0) process.exit(1);
