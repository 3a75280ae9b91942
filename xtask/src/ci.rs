//! What must be green before a change lands, step by step, each with its time.

use crate::gas;
use crate::interop;
use crate::run::{Failure, cargo, finish, output, program, root, say};
use crate::tidy;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

type Step = (&'static str, &'static str, fn() -> Result<(), Failure>);

/// Cheap and telling first.
const STEPS: &[Step] = &[
    ("fmt", "rustfmt finds nothing to change", || cargo(["fmt", "--all", "--check"], &[])),
    ("tidy", "the shape of the tree", tidy::run),
    ("clippy", "no warnings", || {
        cargo(["clippy", "--workspace", "--all-targets", "--locked", "--quiet", "--", "-D", "warnings"], &[])
    }),
    ("test", "the README's test command", || cargo(["test", "--workspace"], &[])),
    ("bare", "what stands above the line builds without an operating system", bare),
    ("contracts", "artifacts reproduce from their sources; the contracts' own tests", contracts),
    ("gas", "the gas table, ours beside the original", || gas::run(&[])),
    ("deny", "licences, sources, duplicate native libraries", deny),
    ("release", "the optimised binaries", || {
        cargo(["build", "--release", "--locked", "-p", "dodona-node", "-p", "dodona-sim"], &[])
    }),
    ("differential", "500 random sequences on each feed and its reference or model", differential),
    ("conformance", "every public vector through the binary", || dodona(&["conformance", "spec/vectors"])),
    ("sim", "1,000 seeds of the simulator", || release("sim", &["--seeds", "1000"])),
    ("mutate", "the simulator can fail: three of the mutations", || release("mutate", &["3"])),
    ("devnet", "four oracles, five rounds", || dodona(&["devnet", "--rounds", "5", "--json"])),
    ("processes", "the same with a process for each oracle", || {
        dodona(&["devnet", "--rounds", "5", "--json", "--processes"])
    }),
    ("anvil", "the same on a chain that is not ours", anvil),
    ("interop", "committees of Dodona's oracles and the reference's, ten of them", interop::short),
    ("fuzz", "the reference and our crates asked the same questions, 400 of each kind", || interop::fuzz(&[])),
];

/// Runs all steps, or the named ones.
pub fn run(names: &[String]) -> Result<(), Failure> {
    if names.first().is_some_and(|name| name == "--list") {
        for (name, what, _) in STEPS {
            say(&format!("{name:<12} {what}\n"));
        }
        return Ok(());
    }
    if let Some(stranger) = names.iter().find(|name| STEPS.iter().all(|(step, ..)| step != name)) {
        return Err(Failure(format!("no step {stranger:?}; `cargo xtask ci --list` names them")));
    }
    let mut times = Vec::new();
    for (name, what, step) in STEPS.iter().filter(|(name, ..)| names.is_empty() || names.iter().any(|n| n == name)) {
        say(&format!("\n== {name}: {what}\n"));
        let begun = Instant::now();
        step().map_err(|Failure(why)| Failure(format!("step {name} failed: {why}")))?;
        times.push(format!("{name} {:.0}s", begun.elapsed().as_secs_f32()));
    }
    say(&format!("\nci: all green ({})\n", times.join(", ")));
    Ok(())
}

fn bare() -> Result<(), Failure> {
    let packages: Vec<String> =
        tidy::above_the_line().flat_map(|name| ["-p".into(), format!("dodona-{name}")]).collect();
    cargo(["check", "--quiet", "--locked", "--target", "aarch64-unknown-none"], &packages)
}

fn contracts() -> Result<(), Failure> {
    program("contracts", "npm", &["ci", "--no-audit", "--no-fund", "--loglevel=error"])?;
    program("contracts", "node", &["tools/artifacts.mjs", "--check"])?;
    // With Go at hand the abstract suites also run on the reference's bytecode, so that each claim is proved there first.
    if output("go", &["version"]).is_ok() {
        program("contracts", "node", &["tools/reference.mjs"])?;
    }
    program("contracts", "node", &["tools/forge.mjs", "test"])
}

/// After `release`, which has built what this needs.
fn differential() -> Result<(), Failure> {
    crate::contracts::differential(&["--sequences".to_owned(), "500".to_owned()])
}

fn deny() -> Result<(), Failure> {
    if output("cargo", &["deny", "--version"]).is_err() {
        cargo(["install", "cargo-deny", "--locked", "--debug", "--quiet"], &[])?;
    }
    // The advisory database lies outside of the package registries, so it cannot be asked on every machine.
    cargo(["deny", "--log-level", "error", "check", "licenses", "bans", "sources"], &[])
}

fn release(binary: &str, arguments: &[&str]) -> Result<(), Failure> {
    let folder = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), Into::into);
    let mut command = Command::new(folder.join("release").join(binary));
    command.args(arguments).current_dir(root());
    finish(command)
}

fn dodona(arguments: &[&str]) -> Result<(), Failure> {
    release("dodona", arguments)
}

/// anvil comes from npm; its own file is started, because the npm wrapper would leave it running.
fn anvil() -> Result<(), Failure> {
    let file = root().join("contracts/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil");
    let mut anvil = Command::new(&file)
        .args(["--port", "0", "--block-time", "1"])
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| Failure(format!("{}: {error}; run the step `contracts` first", file.display())))?;
    let mut lines = BufReader::new(anvil.stdout.take().expect("stdout is piped")).lines().map_while(Result::ok);
    let address = lines.find_map(|line| line.strip_prefix("Listening on ").map(str::to_owned));
    // It prints every call, and stops when nobody reads.
    std::thread::spawn(move || lines.for_each(drop));
    let outcome = match address {
        Some(address) => dodona(&["devnet", "--rounds", "5", "--json", "--chain-url", &format!("http://{address}")]),
        None => Err(Failure("anvil ended before it listened".into())),
    };
    // It has nothing to lose; a failure to stop it is the next run's problem at most.
    let _ = anvil.kill().and_then(|()| anvil.wait());
    outcome
}
