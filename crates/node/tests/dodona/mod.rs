//! Runs the real binary.

use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a run of `dodona` gave.
#[derive(Debug)]
pub struct Outcome {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    /// The JSON that a successful run printed.
    pub fn json(&self) -> Value {
        assert_eq!(self.code, Some(0), "{self:?}");
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }

    /// What a run that ended with exit code 2 complained about.
    pub fn refused(&self) -> &str {
        assert_eq!(self.code, Some(2), "{self:?}");
        assert_eq!(self.stdout, "");
        self.stderr.trim_end()
    }
}

/// Runs `dodona` with these arguments and this on stdin.
pub fn dodona_with(stdin: &str, arguments: &[&str]) -> Outcome {
    let mut child = Command::new(env!("CARGO_BIN_EXE_dodona"))
        .args(arguments)
        .env_remove("RUST_LOG")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary was built for this test");
    // A command that refuses its arguments reads nothing and may be gone already.
    let _ = child.stdin.take().expect("a pipe").write_all(stdin.as_bytes());
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Outcome { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Runs `dodona` with these arguments and nothing on stdin.
pub fn dodona(arguments: &[&str]) -> Outcome {
    dodona_with("", arguments)
}

/// A vector file of the project.
#[allow(dead_code, reason = "not every test file reads vectors")]
pub fn vector_path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec/vectors").join(name)
}

/// The cases of a vector file of the project.
#[allow(dead_code, reason = "not every test file reads vectors")]
pub fn vectors(name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(vector_path(name)).expect("the vectors lie in spec/vectors");
    let file: Value = serde_json::from_str(&text).expect("JSON");
    file["cases"].as_array().expect("cases").clone()
}
