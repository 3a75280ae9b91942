//! The measured comparison (`crates/bench`) with its Go oracles, where they are wanted.

use crate::interop::go_programs;
use crate::run::{Failure, cargo};

/// `bench go ARGS`: both implementations; `bench ARGS`: ours alone, for which nothing but cargo is needed.
pub fn run(arguments: &[String]) -> Result<(), Failure> {
    let mut words: Vec<String> = Vec::new();
    let rest = match arguments {
        [word, rest @ ..] if word == "go" => {
            words.extend(["--go".to_owned(), go_programs()?.join("bench").display().to_string()]);
            rest
        }
        rest => rest,
    };
    words.extend_from_slice(rest);
    cargo(["run", "--release", "--locked", "-p", "dodona-bench", "--bin", "bench", "--"], &words)
}
