// Runs the pinned forge. Its npm wrapper would start the program as a grandchild; this starts the program itself.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const contracts = join(dirname(fileURLToPath(import.meta.url)), "..");
const cpu = { x64: "amd64", arm64: "arm64" }[process.arch];
const forge = join(contracts, "node_modules/@foundry-rs", `forge-${process.platform}-${cpu}`, "bin/forge");
if (!existsSync(forge)) {
  console.error(`forge is not installed (${forge}): run \`npm ci\` in contracts/`);
  process.exit(2);
}
const run = spawnSync(forge, process.argv.slice(2), { cwd: contracts, stdio: "inherit" });
if (run.error) {
  console.error(`forge did not start: ${run.error.message}`);
  process.exit(2);
}
process.exit(run.status ?? 1);
