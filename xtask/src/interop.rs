//! The tools of mixed committees (Go, anvil, a node of ours), and then the suite itself (`crates/interop`).

use crate::run::{Failure, cargo, finish, output, program, root, say};
use std::path::{Path, PathBuf};

/// What to do where Go is missing.
const GO: &str = "Go 1.24 or later with a C compiler builds the reference: install both with the system's package manager \
                  or from https://go.dev/dl. Nobody needs Go to build or run Dodona";
/// What to do where npm is missing.
const NPM: &str = "anvil comes with npm (Node.js 20 or later), or give one with --anvil FILE";

/// Runs the short suite, or with `long` the long one. `--dodona FILE` and `--anvil FILE` choose other programs, `--chain
/// geth` another chain; the rest goes to the suite.
pub fn run(arguments: &[String]) -> Result<(), Failure> {
    if let Some((first, rest)) = arguments.split_first()
        && first == "fuzz"
    {
        return fuzz(rest);
    }
    let mut given = arguments.iter();
    let (mut dodona, mut anvil, mut chain, mut rest) = (None, None, None, Vec::new());
    while let Some(argument) = given.next() {
        let chosen = match argument.as_str() {
            "--chain" => {
                chain = Some(given.next().ok_or_else(|| Failure("--chain wants anvil or geth".into()))?.as_str());
                continue;
            }
            "--dodona" => &mut dodona,
            "--anvil" => &mut anvil,
            _ => {
                rest.push(argument.clone());
                continue;
            }
        };
        let path = given.next().ok_or_else(|| Failure(format!("{argument} wants a file")))?;
        *chosen = Some(absolute(path)?);
    }
    let go = go_programs()?;
    let anvil = anvil.map_or_else(npm_anvil, Ok)?;
    let dodona = dodona.map_or_else(release_dodona, Ok)?;
    let mut suite: Vec<String> = Vec::new();
    for (flag, path) in [("--dodona", dodona), ("--anvil", anvil), ("--go", go)] {
        suite.extend([flag.to_owned(), path.display().to_string()]);
    }
    match chain {
        None | Some("anvil") => {}
        Some("geth") => suite.extend(["--geth".into(), go_ethereum()?.display().to_string()]),
        Some(other) => return Err(Failure(format!("no chain {other:?}: anvil or geth"))),
    }
    if rest.iter().any(|argument| argument == "long") {
        cargo(["build", "--locked", "-p", "dodona-interop", "--example", "liar"], &[])?;
        suite.extend(["--liar".into(), target().join("debug/examples/liar").display().to_string()]);
    }
    suite.extend(rest);
    cargo(["run", "--locked", "-p", "dodona-interop", "--bin", "interop", "--"], &suite)
}

/// Differential fuzzing against the codec server: `--minutes M`, `--cases N`, `--seed S`, `--only TEXT`, `--json`, or
/// `--replay FILE`; with none of them a short run that asks the same each time.
pub fn fuzz(arguments: &[String]) -> Result<(), Failure> {
    let codec = go_programs()?.join("codec").display().to_string();
    let first = ["run", "--locked", "-p", "dodona-interop", "--bin", "fuzz", "--", "--codec", &codec];
    cargo(first, arguments)
}

fn absolute(path: &str) -> Result<PathBuf, Failure> {
    Path::new(path).canonicalize().map_err(|error| Failure(format!("{path}: {error}")))
}

/// The step of CI: the short suite with the binary that CI has built.
pub fn short() -> Result<(), Failure> {
    let dodona = target().join("release/dodona");
    run(&["--dodona".into(), dodona.display().to_string()])
}

fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), Into::into)
}

/// Builds `interop/go`; the first time its module proxy is needed.
pub fn go_programs() -> Result<PathBuf, Failure> {
    let missing = |Failure(why)| Failure(format!("{why}\n{GO}"));
    let version = output("go", &["version"]).map_err(missing)?;
    // Without it Go would leave out what needs C, and say something else.
    let compiler = output("go", &["env", "CC"])?;
    let compiler = compiler.split_whitespace().next().unwrap_or("cc");
    output(compiler, &["--version"]).map_err(missing)?;
    let folder = target().join("interop");
    say(&format!("building interop/go with {} and {compiler}\n", version.trim()));
    // A slash at its end makes it a folder for all programs.
    let out = format!("{}/", folder.display());
    program("interop/go", "go", &["build", "-o", &out, "./cmd/..."]).map_err(|Failure(why)| {
        Failure(format!("{why}\nThe first build takes the reference from Go's module proxy (GOPROXY). {GO}"))
    })?;
    Ok(folder)
}

/// geth of the version that `interop/go` names, built where it is missing; its module proxy is needed then.
fn go_ethereum() -> Result<PathBuf, Failure> {
    const MODULE: &str = "github.com/ethereum/go-ethereum";
    let folder = target().join("interop");
    let file = folder.join("geth");
    if !file.exists() {
        let wanted = std::fs::read_to_string(root().join("interop/go/go.mod")).unwrap_or_default();
        let version = wanted.lines().find_map(|line| line.trim().strip_prefix(MODULE)?.split_whitespace().next());
        let version = version.ok_or_else(|| Failure("interop/go/go.mod names no go-ethereum".into()))?;
        say(&format!("building geth {version}\n"));
        let mut command = std::process::Command::new("go");
        command.args(["install", &format!("{MODULE}/cmd/geth@{version}")]).env("GOBIN", &folder);
        finish(command)?;
    }
    Ok(file)
}

/// The program that npm's package for this platform holds.
fn npm_anvil() -> Result<PathBuf, Failure> {
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let processor = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let file = root().join(format!("contracts/node_modules/@foundry-rs/anvil-{system}-{processor}/bin/anvil"));
    if !file.exists() {
        output("npm", &["--version"]).map_err(|Failure(why)| Failure(format!("{why}\n{NPM}")))?;
        program("contracts", "npm", &["ci", "--no-audit", "--no-fund", "--loglevel=error"])?;
    }
    match file.exists() {
        true => Ok(file),
        false => Err(Failure(format!("{} is not there after `npm ci`; {NPM}", file.display()))),
    }
}

fn release_dodona() -> Result<PathBuf, Failure> {
    cargo(["build", "--release", "--locked", "-p", "dodona-node"], &[])?;
    Ok(target().join("release/dodona"))
}
