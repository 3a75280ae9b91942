// Writes artifacts/<Name>.json, or with --check compiles again and compares byte for byte.
//
// An artifact is what other programs need of a contract, in the form that Foundry and alloy read:
//   abi, bytecode.object        the interface and the creation code
//   deployedLength              bytes on chain, of at most 24576
//   source, sources, sourceHash which files it was made from, and their hash (see below)
//   settings, compiler          how
//   storage                     "slot.byte: name, type" of each variable, so that a change of the layout is seen in review
//
// The source hash is sha256 over, for each file in `sources` in order: the path, a zero byte, the content, a zero byte.
// It lets a test without a compiler see that sources and artifacts belong together.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";

// What is deployed or called; abstract parts and libraries live inside of these.
const CONTRACTS = {
  OCR2Aggregator: "src/OCR2Aggregator.sol",
  AccessControlledOCR2Aggregator: "src/AccessControlledOCR2Aggregator.sol",
  OffchainAggregator: "src/OffchainAggregator.sol",
  AccessControlledOffchainAggregator: "src/AccessControlledOffchainAggregator.sol",
  SimpleReadAccessController: "src/access/SimpleReadAccessController.sol",
  SimpleWriteAccessController: "src/access/SimpleWriteAccessController.sol",
  LinkToken: "src/token/LinkToken.sol",
  ThresholdAggregator: "src/ThresholdAggregator.sol",
  ThresholdBatch: "src/ThresholdBatch.sol",
  ThresholdFeed: "src/ThresholdFeed.sol",
  OCR3Verifier: "src/OCR3Verifier.sol",
  OCR3DynamicallyDispatchedECDSAAttestationVerifierLib: "src/ocr3/OCR3DynamicallyDispatchedECDSAAttestationVerifierLib.sol",
  OCRConfigurationStoreEVMSimple: "src/OCRConfigurationStoreEVMSimple.sol",
  FeedProxy: "src/FeedProxy.sol",
  ExampleLending: "src/consumer/ExampleLending.sol",
};

// The same as in foundry.toml, where forge reads them.
const SETTINGS = {
  optimizer: { enabled: true, runs: 100000 },
  evmVersion: "prague",
  metadata: { bytecodeHash: "none", appendCBOR: false },
};
const CODE_SIZE_MAX = 24576; // EIP-170

const contracts = join(dirname(fileURLToPath(import.meta.url)), "..");
const solc = createRequire(import.meta.url)("solc");
const check = process.argv.includes("--check");
const unknown = process.argv.slice(2).filter((argument) => argument !== "--check");
if (unknown.length > 0) {
  console.error(`usage: node tools/artifacts.mjs [--check]; what is ${unknown[0]}?`);
  process.exit(2);
}

// A file's imports, as paths from contracts/, so that an artifact depends on its own sources only.
function importsOf(path) {
  const text = readFileSync(join(contracts, path), "utf8");
  const found = [...text.matchAll(/^import\s[^;]*?"([^"]+)";/gms)];
  return found.map(([, to]) => posix.join(posix.dirname(path), to));
}

function sourcesOf(entry) {
  const sources = new Set();
  const open = [entry];
  while (open.length > 0) {
    const path = open.pop();
    if (sources.has(path)) continue;
    sources.add(path);
    open.push(...importsOf(path));
  }
  return [...sources].sort();
}

function hashOf(paths) {
  const hash = createHash("sha256");
  for (const path of paths) hash.update(path).update("\0").update(readFileSync(join(contracts, path))).update("\0");
  return hash.digest("hex");
}

function compile() {
  const paths = new Set(Object.values(CONTRACTS).flatMap(sourcesOf));
  const sources = Object.fromEntries(
    [...paths].sort().map((path) => [path, { content: readFileSync(join(contracts, path), "utf8") }]),
  );
  const outputSelection = { "*": { "*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object", "storageLayout"] } };
  const input = { language: "Solidity", sources, settings: { ...SETTINGS, outputSelection } };
  const output = JSON.parse(solc.compile(JSON.stringify(input)));
  const errors = (output.errors ?? []).filter((e) => e.severity === "error");
  if (errors.length > 0) {
    for (const error of errors) console.error(error.formattedMessage);
    process.exit(1);
  }
  return output.contracts;
}

const typeOf = (variable, { types }) => types[variable.type].label;

// Indented, except for the entries of the ABI, which are one per line: a change of one function is a change of one line.
function render(artifact) {
  const { abi, ...rest } = artifact;
  const lines = abi.map((entry) => `    ${JSON.stringify(entry)}`).join(",\n");
  const body = JSON.stringify(rest, null, 2).slice(2);
  return `{\n  "abi": [\n${lines}\n  ],\n${body}\n`;
}

const compiled = compile();
const artifacts = join(contracts, "artifacts");
mkdirSync(artifacts, { recursive: true });
let wrong = 0;
const complain = (text) => {
  console.error(text);
  wrong += 1;
};

for (const [name, source] of Object.entries(CONTRACTS)) {
  const { abi, evm, storageLayout } = compiled[source][name];
  const length = evm.deployedBytecode.object.length / 2;
  if (length > CODE_SIZE_MAX) complain(`${name} is ${length} bytes, more than the ${CODE_SIZE_MAX} that a chain takes`);
  const sources = sourcesOf(source);
  const text = render({
    abi,
    contractName: name,
    bytecode: { object: `0x${evm.bytecode.object}` },
    deployedLength: length,
    storage: storageLayout.storage.map((v) => `${v.slot}.${v.offset}: ${v.label}, ${typeOf(v, storageLayout)}`),
    compiler: solc.version(),
    settings: SETTINGS,
    source,
    sources,
    sourceHash: hashOf(sources),
  });
  const path = join(artifacts, `${name}.json`);
  if (!check) {
    writeFileSync(path, text);
    console.log(`${name}: ${length} bytes`);
    continue;
  }
  let committed = "";
  try {
    committed = readFileSync(path, "utf8");
  } catch {
    complain(`artifacts/${name}.json is missing`);
    continue;
  }
  if (committed !== text) complain(`artifacts/${name}.json is not what ${source} compiles to`);
}

for (const file of readdirSync(artifacts)) {
  if (file.endsWith(".json") && !(file.slice(0, -5) in CONTRACTS)) {
    if (check) complain(`artifacts/${file} belongs to no contract`);
    else rmSync(join(artifacts, file));
  }
}
if (wrong > 0) {
  console.error("run `node tools/artifacts.mjs` in contracts/ and review the difference");
  process.exit(1);
}
if (check) console.log(`${Object.keys(CONTRACTS).length} artifacts are what the sources compile to`);
