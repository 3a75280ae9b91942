//! Starting and killing the nodes of a development network: each in a runtime of its own, or in a process of its own.

use super::event::Event;
use super::files::Home;
use crate::cli::Failure;
use crate::plan::Plan;
use crate::run::{self, Hooks};
use liars::Lie;
use std::io;
use std::process::Stdio;
use std::time::Duration;
use store::Store;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

/// A node that runs. Dropping it kills it, with whatever it has not flushed.
#[derive(Debug)]
pub enum Node {
    Thread(Option<Runtime>),
    /// It is killed with its handle, and from then on nobody asks why it ended.
    Process {
        listening: AbortHandle,
        _child: Child,
    },
}

impl Drop for Node {
    fn drop(&mut self) {
        match self {
            Node::Thread(runtime) => {
                if let Some(runtime) = runtime.take() {
                    runtime.shutdown_background();
                }
            }
            Node::Process { listening, .. } => listening.abort(),
        }
    }
}

/// How nodes are started.
#[derive(Clone, Debug)]
pub struct Starter {
    pub processes: bool,
    pub told: mpsc::UnboundedSender<Event>,
}

/// How long a killed node may take to let go of its store.
const STORE_RELEASED_WITHIN: Duration = Duration::from_secs(10);

impl Starter {
    /// Starts the node whose files lie in `home`.
    pub async fn start(&self, name: String, home: &Home, lie: Option<Lie>) -> Result<Node, Failure> {
        if self.processes { self.process(name, home, lie) } else { self.thread(name, home, lie).await }
    }

    async fn thread(&self, name: String, home: &Home, lie: Option<Lie>) -> Result<Node, Failure> {
        let plan = Plan::from_config(&home.files())?;
        let store = open_when_free(&plan).await?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name(name.clone())
            .enable_all()
            .build()
            .map_err(|error| Failure::failed(format!("cannot start {name}: {error}")))?;
        let told = self.told.clone();
        let hooks = Hooks { told: Some(self.told.clone()), liar: lie.map(Into::into) };
        runtime.spawn(async move {
            if let Err(failure) = run::run_in_process(plan, store, hooks).await {
                tracing::error!(oracle = name, ?failure, "stopped");
                // Nobody listens any more when the network ends.
                let _ = told.send(Event::Fault { text: format!("{name} has stopped: {failure}") });
            }
        });
        Ok(Node::Thread(Some(runtime)))
    }

    fn process(&self, name: String, home: &Home, lie: Option<Lie>) -> Result<Node, Failure> {
        let failed = |error: io::Error| Failure::failed(format!("cannot start {name}: {error}"));
        // What it said before it was killed stays.
        let log =
            std::fs::OpenOptions::new().create(true).append(true).open(home.folder.join("log")).map_err(failed)?;
        let mut command = Command::new(std::env::current_exe().map_err(failed)?);
        command.args(["node", "--config"]).arg(home.files().config).arg("--events");
        if lie == Some(Lie::Silent) {
            command.args(["--lie", "silent"]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).kill_on_drop(true);
        let mut child = command.spawn().map_err(failed)?;
        let lines = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let told = self.told.clone();
        let log_file = home.folder.join("log");
        let listening = tokio::spawn(async move {
            let mut lines = lines.lines();
            while let Ok(Some(line)) = lines.next_line().await {
                match serde_json::from_str(&line) {
                    Ok(event) => {
                        if told.send(event).is_err() {
                            return;
                        }
                    }
                    Err(error) => tracing::warn!(node = name, line, %error, "printed what is no event"),
                }
            }
            // Nobody listens any more when the network ends.
            let _ = told.send(Event::Fault { text: format!("{name} has stopped; its log is {}", log_file.display()) });
        });
        Ok(Node::Process { listening: listening.abort_handle(), _child: child })
    }
}

/// The store of a node that was just killed is still locked for a moment.
async fn open_when_free(plan: &Plan) -> Result<Store, Failure> {
    let begun = tokio::time::Instant::now();
    loop {
        match run::open_store(plan) {
            Ok(store) => return Ok(store),
            Err(failure) if begun.elapsed() >= STORE_RELEASED_WITHIN => return Err(failure),
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}
