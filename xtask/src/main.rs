//! Every command that CI runs, and `tidy`. `cargo xtask` alone lists them.

mod bench;
mod ci;
mod contracts;
mod gas;
mod interop;
mod run;
mod tidy;

use run::Failure;
use std::process::ExitCode;

const HELP: &str = "\
cargo xtask COMMAND

  ci            everything that must be green before a change lands, with the time of each step
  ci STEP...    only these steps; `ci --list` names them
  tidy          the shape of the tree: who names whom, forbidden words, links
  sim ARGS...   the simulator: --seeds N [--from S] [--n 4..31] [--signatures real|keyed]; replays with --seeds 1 --from S
  mutate [N]    apply each patch of mutations/ to a copy of the sources; every one must be caught by some seed
  gas [--json]  what the contracts cost, beside the original where Go is there to fetch it
  bench         one committee measured: [--n 4,16,31] [--seconds S] [--repeat R] [--only rust,store] [--calm] [--json FILE]
  bench go      the same beside the Go reference, alternating, then mixed; needs Go
  contracts ... the judges of the contracts: differential, mutate, coverage, static
  interop       committees of Go and Dodona oracles: [--dodona FILE] [--anvil FILE] [--keep DIR] [--only TEXT]; needs Go and npm
  interop long  larger ones, with faults and liars: also [--most TRANSMISSIONS] [--chain geth]
  interop fuzz  our crates and the reference asked the same: [--minutes M | --cases N] [--seed S] [--only TEXT] [--json]; needs Go
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rest = arguments.get(1..).unwrap_or_default();
    let outcome = match arguments.first().map(String::as_str) {
        Some("ci") => ci::run(rest),
        Some("tidy") => tidy::run(),
        Some("contracts") => contracts::run(rest),
        Some("gas") => gas::run(rest),
        Some("interop") => interop::run(rest),
        Some("bench") => bench::run(rest),
        Some("sim") => run::cargo(["run", "--release", "-p", "dodona-sim", "--bin", "sim", "--"], rest),
        Some("mutate") => run::cargo(["run", "--release", "-p", "dodona-sim", "--bin", "mutate", "--"], rest),
        None | Some("help" | "--help" | "-h") => {
            run::say(HELP);
            Ok(())
        }
        Some(other) => Err(Failure(format!("no command {other:?}; `cargo xtask` lists them"))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(why)) => {
            eprintln!("xtask: {why}");
            ExitCode::FAILURE
        }
    }
}
