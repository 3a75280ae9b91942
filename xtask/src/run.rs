//! Running programs, with an error that says which one failed.

use std::ffi::OsStr;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

/// Why a command of ours failed, in a sentence for a person.
#[derive(Debug)]
pub struct Failure(pub String);

/// The root of the checkout.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the root").to_owned()
}

/// Prints to stdout at once.
pub fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    // Nobody reads any more when this fails.
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}

/// Runs cargo in the root with `first` and then `rest` as arguments.
pub fn cargo<const N: usize>(first: [&str; N], rest: &[String]) -> Result<(), Failure> {
    let mut command = Command::new(env!("CARGO"));
    command.args(first).args(rest).current_dir(root());
    finish(command)
}

/// Runs a program in `folder` (relative to the root).
pub fn program<S: AsRef<OsStr>>(folder: &str, name: &str, arguments: &[S]) -> Result<(), Failure> {
    let mut command = Command::new(name);
    command.args(arguments).current_dir(root().join(folder));
    finish(command)
}

/// Runs a prepared command to its end; its output goes where ours goes.
pub fn finish(mut command: Command) -> Result<(), Failure> {
    let shown = shown(&command);
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure(format!("`{shown}` ended with {status}"))),
        Err(error) => Err(Failure(format!("`{shown}` could not be started: {error}"))),
    }
}

/// Runs a program in the root and gives its stdout.
pub fn output(name: &str, arguments: &[&str]) -> Result<String, Failure> {
    let mut command = Command::new(name);
    command.args(arguments).current_dir(root());
    let shown = shown(&command);
    let output = command.output().map_err(|error| Failure(format!("`{shown}` could not be started: {error}")))?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        return Err(Failure(format!("`{shown}` ended with {}: {stderr}", output.status)));
    }
    String::from_utf8(output.stdout).map_err(|_| Failure(format!("`{shown}` printed bytes that are not UTF-8")))
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}
