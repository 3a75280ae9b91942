//! The command line of `dodona`. Exit codes: 0 done, 1 a run that failed, 2 bad input.

use crate::bad_input::BadInput;
use crate::config_tool::ConfigCommand;
use crate::devnet_options::DevnetArgs;
use crate::inspect::InspectCommand;
use crate::keys_tool::KeysCommand;
use crate::run::NodeArgs;
use clap::{Parser, Subcommand};
use std::fmt::Display;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// An oracle network that speaks Chainlink's Offchain Reporting (OCR) byte for byte.
#[derive(Debug, Parser)]
#[command(name = "dodona", version, max_term_width = 120, arg_required_else_help = true)]
#[command(after_help = "Exit codes: 0 done, 1 a run that failed, 2 bad input.")]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a whole network on this machine: chain, market, contracts, oracles, and a live feed
    Devnet(Box<DevnetArgs>),

    /// Run one node
    Node(NodeArgs),

    /// Make and show the keys of a node
    #[command(subcommand)]
    Keys(KeysCommand),

    /// Tools of the OCR2 protocol
    #[command(subcommand)]
    Ocr2(Ocr2Command),

    /// Take protocol bytes apart, or compute what the protocol computes: JSON out
    #[command(subcommand)]
    Inspect(InspectCommand),

    /// Run test vector files through the code that the node runs
    ///
    /// Prints for each file how many cases passed and failed, with the first differing field of each failure.
    /// A file's kind follows from its folder and name (ocr2/leaders.json).
    /// Exit code 1: a case failed. 2: a file or a field is not known.
    Conformance {
        /// Vector files, or folders of them
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
enum Ocr2Command {
    /// Build, explain and send the configuration of a network
    #[command(subcommand)]
    Config(ConfigCommand),
}

/// Why a command did not do what it was asked to.
#[derive(Debug)]
pub enum Failure {
    /// Exit code 2: what it was given is wrong.
    BadInput(Vec<BadInput>),
    /// Exit code 1: it was given the right thing, and it did not work out.
    Failed(String),
}

impl From<BadInput> for Failure {
    fn from(problem: BadInput) -> Self {
        Failure::BadInput(vec![problem])
    }
}

impl From<Vec<BadInput>> for Failure {
    fn from(problems: Vec<BadInput>) -> Self {
        Failure::BadInput(problems)
    }
}

impl Failure {
    /// Exit code 1 with this reason.
    pub fn failed(reason: impl Display) -> Self {
        Failure::Failed(reason.to_string())
    }
}

/// A line for each thing that is wrong.
impl Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::BadInput(problems) => {
                let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
                f.write_str(&lines.join("\n"))
            }
            Failure::Failed(reason) => f.write_str(reason),
        }
    }
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    // Every TLS user of this process takes the one provider of cryptography that is linked; a second call changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match run(Cli::parse().command) {
        Ok(code) => code,
        Err(Failure::BadInput(problems)) => {
            for problem in problems {
                complain(&problem);
            }
            ExitCode::from(2)
        }
        Err(Failure::Failed(reason)) => {
            complain(&reason);
            ExitCode::from(1)
        }
    }
}

fn run(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Devnet(args) => devnet(*args)?,
        Command::Node(args) => crate::run::node(args)?,
        Command::Keys(command) => crate::keys_tool::run(command)?,
        Command::Ocr2(Ocr2Command::Config(command)) => crate::config_tool::run(command)?,
        Command::Inspect(command) => crate::inspect::run(command)?,
        Command::Conformance { paths } => return conformance(&paths),
    }
    Ok(ExitCode::SUCCESS)
}

fn devnet(args: DevnetArgs) -> Result<(), Failure> {
    let options = args.check()?;
    for warning in options.warnings() {
        complain(&format_args!("warning: {warning}"));
    }
    crate::devnet::run(options)
}

fn conformance(paths: &[PathBuf]) -> Result<ExitCode, Failure> {
    let mut worst = 0;
    for path in paths {
        let report = conformance::run_path(path);
        print(&report)?;
        worst = match (worst, report.exit_code()) {
            (1, _) | (_, 1) => 1,
            (before, code) => before.max(code),
        };
    }
    Ok(ExitCode::from(worst))
}

/// Writes to stdout. A reader that has gone away ends the command quietly.
pub(crate) fn print(text: &impl Display) -> Result<(), Failure> {
    match write!(io::stdout().lock(), "{text}") {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => Err(Failure::failed(format!("cannot write to stdout: {error}"))),
    }
}

/// Writes JSON to stdout, indented, and ends the line.
pub(crate) fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(Failure::failed)?;
    print(&format_args!("{text}\n"))
}

fn complain(text: &dyn Display) {
    // Without stderr there is nobody left to tell.
    let _ = writeln!(io::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
