//! The reference, asked through the codec server of `interop/go`: many questions at once, answers in their order.

use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// How long the answer to one question may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The server, as a process that ends with us.
#[derive(Debug)]
pub struct Reference {
    program: PathBuf,
    server: Server,
    /// Questions without an answer yet.
    open: VecDeque<String>,
}

#[derive(Debug)]
struct Server {
    child: Child,
    /// Reading and writing have threads of their own: who does both in turn would wait for a server that waits for him.
    questions: Sender<Vec<u8>>,
    answers: Receiver<std::io::Result<String>>,
}

impl Server {
    fn start(program: &Path) -> Result<Self, String> {
        let mut child = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{}: {error}", program.display()))?;
        let mut stdin = child.stdin.take().expect("stdin is piped");
        let stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let (questions, asked) = channel::<Vec<u8>>();
        let (answered, answers) = channel();
        // Whoever is gone at the other end is found when answers are missing.
        std::thread::spawn(move || asked.iter().try_for_each(|lines| stdin.write_all(&lines)));
        std::thread::spawn(move || stdout.lines().try_for_each(|line| answered.send(line)));
        Ok(Self { child, questions, answers })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Reference {
    /// Starts the program `codec`.
    pub fn start(program: &Path) -> Result<Self, String> {
        Ok(Self { program: program.into(), server: Server::start(program)?, open: VecDeque::new() })
    }

    /// Asks without waiting; each question must be fetched with [`Reference::answer`], in the same order.
    pub fn ask<'q>(&mut self, requests: impl IntoIterator<Item = &'q Value>) {
        let from = self.open.len();
        self.open.extend(requests.into_iter().map(|request| format!("{request}\n")));
        self.send(from);
    }

    fn send(&self, from: usize) {
        let lines: String = self.open.range(from..).map(String::as_str).collect();
        // See the threads.
        let _ = self.server.questions.send(lines.into_bytes());
    }

    /// The next answer. Where the server stands still, it is started anew, and the answer is that it gave none.
    pub fn answer(&mut self) -> Result<Value, String> {
        match self.server.answers.recv_timeout(PATIENCE) {
            Ok(line) => {
                let line = line.map_err(|error| error.to_string())?;
                self.open.pop_front();
                serde_json::from_str(&line).map_err(|error| format!("the codec server said {line:?}: {error}"))
            }
            Err(RecvTimeoutError::Timeout) => {
                self.server = Server::start(&self.program)?;
                self.open.pop_front();
                self.send(0);
                Ok(json!({"ok": false, "panic": format!("no answer within {} s", PATIENCE.as_secs())}))
            }
            Err(RecvTimeoutError::Disconnected) => Err("the codec server ended".into()),
        }
    }

    /// Asks and waits.
    pub fn answers(&mut self, requests: &[Value]) -> Result<Vec<Value>, String> {
        self.ask(requests);
        requests.iter().map(|_| self.answer()).collect()
    }
}
