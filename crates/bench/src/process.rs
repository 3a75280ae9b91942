//! One oracle as a process: started, asked for its counters, and looked at through the operating system.

use crate::words::Word;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// Which implementation an oracle is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Go,
    Rust,
}

/// A running oracle. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    child: Child,
    /// `None` once it was told to end.
    stdin: Option<ChildStdin>,
    words: Receiver<Word>,
}

/// What the operating system says of a process so far.
#[derive(Clone, Copy, Debug)]
pub struct Used {
    /// User and system time of all its threads, to the nanosecond that the scheduler counts.
    pub cpu: Duration,
    /// Largest resident set, pages of the program's file that all oracles share included.
    pub memory_bytes: u64,
    /// What of it is its own now.
    pub private_bytes: u64,
}

impl Process {
    /// Starts `program` with these arguments. Its stderr is ours.
    pub fn start(program: &Path, arguments: &[&str]) -> io::Result<Self> {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let (said, words) = mpsc::channel();
        let stdout = child.stdout.take().expect("piped");
        std::thread::spawn(move || read_words(stdout, &said));
        Ok(Process { stdin: child.stdin.take(), child, words })
    }

    /// For whoever wants to look at it with a profiler.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next thing that it says.
    pub fn word(&self, until: Instant) -> io::Result<Word> {
        self.words.recv_timeout(until.saturating_duration_since(Instant::now())).map_err(|error| {
            io::Error::other(match error {
                RecvTimeoutError::Timeout => format!("process {} says nothing", self.pid()),
                RecvTimeoutError::Disconnected => format!("process {} has ended", self.pid()),
            })
        })
    }

    /// Asks for its counters.
    pub fn mark(&mut self) -> io::Result<()> {
        self.stdin.as_mut().map_or(Ok(()), |stdin| stdin.write_all(b"mark\n"))
    }

    /// What it has used so far, from `/proc`.
    pub fn used(&self) -> io::Result<Used> {
        let folder = format!("/proc/{}", self.pid());
        let wrong = |what| io::Error::other(format!("{folder} does not tell {what}"));
        let mut nanoseconds = 0;
        for thread in std::fs::read_dir(format!("{folder}/task"))? {
            // One that has just ended is not there any more; those of an oracle do not end.
            let Ok(stat) = std::fs::read_to_string(thread?.path().join("schedstat")) else { continue };
            let on_processor = stat.split_ascii_whitespace().next().and_then(|text| text.parse::<u64>().ok());
            nanoseconds += on_processor.ok_or_else(|| wrong("its time"))?;
        }
        let status = std::fs::read_to_string(format!("{folder}/status"))?;
        let bytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kilobytes = line.and_then(|rest| rest.trim().strip_suffix(" kB")?.parse::<u64>().ok());
            kilobytes.map(|count| count * 1024).ok_or_else(|| wrong("its memory"))
        };
        Ok(Used {
            cpu: Duration::from_nanos(nanoseconds),
            memory_bytes: bytes("VmHWM:")?,
            private_bytes: bytes("RssAnon:")?,
        })
    }

    /// Ends it in good order, or after a while in none.
    pub fn end(mut self) -> io::Result<()> {
        self.stdin.take();
        let until = Instant::now() + Duration::from_secs(3);
        while Instant::now() < until {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_words(stdout: ChildStdout, said: &mpsc::Sender<Word>) {
    for line in BufReader::new(stdout).lines().map_while(Result::ok) {
        match serde_json::from_str(&line) {
            Ok(word) => {
                if said.send(word).is_err() {
                    return;
                }
            }
            Err(error) => eprintln!("not understood ({error}): {line}"),
        }
    }
}
