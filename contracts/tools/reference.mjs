// Fetches the reference's creation bytecode for the tests that run on both contracts, into cache/reference/, which is
// never committed. The source is the reference's own Go module, through the ordinary Go client and pinned by its hash.
//
// The tests that need it are skipped, and say so, while the files are not there.
import { execFileSync } from "node:child_process";
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
};

const contracts = join(dirname(fileURLToPath(import.meta.url)), "..");
const target = join(contracts, "cache/reference");
const scratch = mkdtempSync(join(tmpdir(), "reference-"));
try {
  writeFileSync(join(scratch, "go.mod"), `module scratch\n\ngo 1.22\n\nrequire ${MODULE} ${VERSION}\n`);
  writeFileSync(join(scratch, "go.sum"), SUMS);
  const answer = execFileSync("go", ["mod", "download", "-json", `${MODULE}@${VERSION}`], { cwd: scratch });
  const { Dir } = JSON.parse(answer);
  mkdirSync(target, { recursive: true });
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
    const artifact = { abi: JSON.parse(JSON.parse(abi[1])), bytecode: { object: bin[1] } };
    writeFileSync(join(target, `${name}.json`), `${JSON.stringify(artifact)}\n`);
    console.log(`${name}: ${bin[1].length / 2 - 1} bytes of creation code`);
  }
} finally {
  rmSync(scratch, { recursive: true });
}
