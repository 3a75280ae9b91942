//! The judges of the contracts.

use crate::gas::reference;
use crate::run::{Failure, finish, output, program, root};
use std::process::Command;

const HELP: &str = "usage: cargo xtask contracts COMMAND
  differential [--sequences N] [--seed S]   each feed beside the reference's or its model, on random sequences
  mutate [N] [--file TEXT] [--jobs J] [--long] [--differential]
                                            N mutants of the sources (all without N); each must be noticed
  mutate --page                             writes what came of them to docs/Mutations.md
  coverage                                  which lines and branches forge's tests reach
  static                                    what Slither says; needs Python";

pub fn run(arguments: &[String]) -> Result<(), Failure> {
    let rest = arguments.get(1..).unwrap_or_default();
    match arguments.first().map(String::as_str) {
        Some("differential") => differential(rest),
        Some("mutate") => mutate(rest),
        Some("coverage") => program("contracts", "node", &["tools/coverage.mjs"]),
        Some("static") => program("contracts", "node", &["tools/static.mjs"]),
        Some(_) | None => Err(Failure(HELP.into())),
    }
}

/// Optimised, because a sequence is some hundred transactions.
pub fn differential(arguments: &[String]) -> Result<(), Failure> {
    let mut command = Command::new(env!("CARGO"));
    command.args(["test", "--release", "-p", "dodona-bindings", "--test", "differential", "--", "--quiet"]);
    command.args(["--nocapture", "--test-threads", "2"]).current_dir(root());
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let variable = match word.as_str() {
            "--sequences" => "SEQUENCES",
            "--seed" => "SEED",
            _ => return Err(Failure(HELP.into())),
        };
        let value = words.next().filter(|value| value.parse::<u64>().is_ok());
        command.env(variable, value.ok_or_else(|| Failure(format!("{word} needs a number")))?);
    }
    reference()?;
    finish(command)
}

/// The differential test is a judge only when asked for, because its program is built optimised.
fn mutate(arguments: &[String]) -> Result<(), Failure> {
    let mut words = vec!["tools/mutate.mjs".to_owned()];
    if !arguments.iter().any(|word| word == "--page") {
        reference()?;
    }
    for word in arguments {
        words.push(word.clone());
        if word == "--differential" {
            let build = ["test", "--release", "-p", "dodona-bindings", "--test", "differential", "--no-run"];
            let told = output(env!("CARGO"), &[&build[..], &["--message-format", "json", "--quiet"]].concat())?;
            let program = told
                .lines()
                .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
                .find_map(|message| message["executable"].as_str().map(str::to_owned));
            words.push(program.ok_or_else(|| Failure("cargo names no program of the differential test".into()))?);
        }
    }
    program("contracts", "node", &words)
}
