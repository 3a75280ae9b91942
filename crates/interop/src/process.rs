//! Programs that end with us.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

/// How long a program may take to end after it was asked to; long, because machines are busy.
const END_WITHIN: Duration = Duration::from_secs(60);
/// The same where nobody asks how it ended.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often it is looked whether it has.
const LOOK: Duration = Duration::from_millis(20);

/// A line that a program printed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// The program, by the name that it was started under.
    pub from: String,
    pub text: String,
}

/// A program that runs. Dropping it ends it, so that what it started itself ends too.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
}

impl Process {
    /// Starts `command`; each line of its stdout goes to `lines`, its stderr is appended to the file `errors`.
    pub fn start(name: &str, mut command: Command, lines: &Sender<Line>, errors: &Path) -> Result<Process, String> {
        let failed = |error: std::io::Error| format!("cannot start {name}: {error}");
        let errors: File = OpenOptions::new().create(true).append(true).open(errors).map_err(failed)?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors);
        let mut child = command.spawn().map_err(failed)?;
        let stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let (from, lines) = (name.to_owned(), lines.clone());
        std::thread::spawn(move || {
            for text in stdout.lines().map_while(Result::ok) {
                // Nobody listens any more, but a program whose stdout is full would stand still.
                let _ = lines.send(Line { from: from.clone(), text });
            }
        });
        Ok(Process { name: name.to_owned(), child })
    }

    /// Asks for the end with SIGTERM.
    pub fn signal(&self) -> Result<(), String> {
        self.send("-TERM")
    }

    /// Stops it in the middle of whatever it does; its connections stay open.
    pub fn freeze(&self) -> Result<(), String> {
        self.send("-STOP")
    }

    /// Lets it go on.
    pub fn thaw(&self) -> Result<(), String> {
        self.send("-CONT")
    }

    fn send(&self, signal: &str) -> Result<(), String> {
        let status = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        match status {
            Ok(status) if status.success() => Ok(()),
            other => Err(format!("{} had ended before it was asked to ({other:?})", self.name)),
        }
    }

    /// Kills it without a word.
    pub fn kill(mut self) {
        // It has ended already when this fails; dropping waits for it.
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }

    /// Waits for an end that was asked for; it must come soon, and with exit code 0.
    pub fn ended(mut self) -> Result<(), String> {
        let begun = Instant::now();
        while begun.elapsed() < END_WITHIN {
            match self.child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => return Err(format!("{} ended with {status}", self.name)),
                Ok(None) => std::thread::sleep(LOOK),
                Err(error) => return Err(format!("{}: {error}", self.name)),
            }
        }
        Err(format!("{} did not end within {} s of SIGTERM", self.name, END_WITHIN.as_secs()))
    }

    /// Whether it has ended, which nobody asked for.
    pub fn died(&mut self) -> Option<String> {
        let status = self.child.try_wait().ok().flatten()?;
        Some(format!("{} ended by itself with {status}", self.name))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) && self.signal().is_ok() {
            let begun = Instant::now();
            while begun.elapsed() < PATIENCE && matches!(self.child.try_wait(), Ok(None)) {
                std::thread::sleep(LOOK);
            }
        }
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
