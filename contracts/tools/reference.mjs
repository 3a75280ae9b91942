// Fetches the reference's creation bytecode for the tests that run on both contracts, into cache/reference/, which is
// never committed. The sources are the reference's own Go module and, for the proxy, its npm package, through the ordinary
// clients of Go and npm and pinned by their hashes.
//
// The tests that need it are skipped, and say so, while the files are not there.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const MODULE = "github.com/smartcontractkit/libocr";
const VERSION = "v0.0.0-20251212213002-0a5e2f907dda";
// The checksum database does not know this version, so its sums are stated here; go refuses anything else.
const SUMS = `${MODULE} ${VERSION} h1:OjM+79FRuVZlj0Qd4y+q8Xmz/tEn5y8npqmiQiMMj+w=
${MODULE} ${VERSION}/go.mod h1:oJkBKVn8zoBQm7Feah9CiuEHyCqAhnp1LJBzrvloQtM=
`;
const WRAPPERS = {
  OCR2Aggregator: "gethwrappers2/ocr2aggregator/ocr2aggregator.go",
  AccessControlledOCR2Aggregator: "gethwrappers2/accesscontrolledocr2aggregator/accesscontrolledocr2aggregator.go",
  OffchainAggregator: "gethwrappers/offchainaggregator/offchainaggregator.go",
  AccessControlledOffchainAggregator:
    "gethwrappers/accesscontrolledoffchainaggregator/accesscontrolledoffchainaggregator.go",
  LinkToken: "gethwrappers2/link_token_interface/link_token_interface.go",
  OCRConfigurationStoreEVMSimple: "gethwrappers2/ocrconfigurationstoreevmsimple/ocrconfigurationstoreevmsimple.go",
  DemoECDSAAttestationVerifier: "gethwrappers3/demoecdsaattestationverifier/demoecdsaattestationverifier.go",
  DemoBLSAttestationVerifier: "gethwrappers3/demoblsattestationverifier/demoblsattestationverifier.go",
  DemoDynamicallyDispatchedAttestationVerifier:
    "gethwrappers3/demodynamicallydispatchedattestationverifier/demodynamicallydispatchedattestationverifier.go",
  OCR3DynamicallyDispatchedECDSAAttestationVerifierLib:
    "gethwrappers3/ocr3dynamicallydispatchedecdsaattestationverifierlib/ocr3dynamicallydispatchedecdsaattestationverifierlib.go",
};

// The proxy is in none of the Go modules; its creation bytecode is in an old version of the project's npm package.
const PACKAGE = "@chainlink/contracts@0.1.9";
const INTEGRITY = "sha512-7UIqkdzarbK876YZAiGKeYj/ujG3FPVVxWLACxbdyacM+ryIAgcZMkaaavt5+NwVXJvVjwWmucWTDCTy0JP8ag==";
const FACTORIES = {
  EACAggregatorProxy: "package/ethers/v0.6/factories/EACAggregatorProxy__factory.js",
};

const contracts = join(dirname(fileURLToPath(import.meta.url)), "..");
const target = join(contracts, "cache/reference");
const scratch = mkdtempSync(join(tmpdir(), "reference-"));

function write(name, abi, code) {
  writeFileSync(join(target, `${name}.json`), `${JSON.stringify({ abi, bytecode: { object: code } })}\n`);
  console.log(`${name}: ${code.length / 2 - 1} bytes of creation code`);
}

function fromGo() {
  writeFileSync(join(scratch, "go.mod"), `module scratch\n\ngo 1.22\n\nrequire ${MODULE} ${VERSION}\n`);
  writeFileSync(join(scratch, "go.sum"), SUMS);
  const answer = execFileSync("go", ["mod", "download", "-json", `${MODULE}@${VERSION}`], { cwd: scratch });
  const { Dir } = JSON.parse(answer);
  for (const [name, path] of Object.entries(WRAPPERS)) {
    let text;
    try {
      text = readFileSync(join(Dir, path), "utf8");
    } catch {
      console.error(`${name}: no ${path} in the module`);
      process.exitCode = 1;
      continue;
    }
    // A wrapper has one record per contract of its source file (older ones: two variables), with ABI and bytecode as Go
    // string literals, which are JSON strings too.
    const record = text.slice(text.search(new RegExp(`(var ${name}MetaData|const ${name}ABI) = `)));
    const abi = /ABI(?::\s+| = )("(?:[^"\\]|\\.)*")/.exec(record);
    const bin = /Bin(?::\s+| = )"(0x[0-9a-f]+)"/.exec(record);
    write(name, JSON.parse(JSON.parse(abi[1])), bin[1]);
  }
}

function fromNpm() {
  const answer = execFileSync("npm", ["pack", "--json", "--ignore-scripts", PACKAGE], { cwd: scratch, stdio: "pipe" });
  const [{ filename }] = JSON.parse(answer);
  const archive = readFileSync(join(scratch, filename));
  const integrity = `sha512-${createHash("sha512").update(archive).digest("base64")}`;
  if (integrity !== INTEGRITY) throw new Error(`${PACKAGE} has ${integrity}, wanted ${INTEGRITY}`);
  execFileSync("tar", ["xzf", filename, ...Object.values(FACTORIES)], { cwd: scratch });
  for (const [name, path] of Object.entries(FACTORIES)) {
    const code = /_bytecode = "(0x[0-9a-f]+)"/.exec(readFileSync(join(scratch, path), "utf8"));
    write(name, [], code[1]);
  }
}

mkdirSync(target, { recursive: true });
try {
  fromGo();
  fromNpm();
} finally {
  rmSync(scratch, { recursive: true });
}
