//! Running one committee: a chain, a market, the network, its oracles, and an end.

use crate::committee::{Committee, Kind, Maker};
use crate::partition::Relays;
use crate::ports::Ports;
use crate::process::{Line, Process};
use crate::tail::Tail;
use crate::witness::Witness;
use market::{Market, Replay, Server};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// A committee that brings no report to the contract for so long will not do better. There is no bound on the whole: a
/// slow machine needs longer for everything.
const STALLED_AFTER: Duration = Duration::from_secs(180);
/// Leaders and the first signers come by chance: so many more transmissions than are wanted one may wait for them.
const EXTRA_MAX: u64 = 150;
/// How often it is looked whether everybody still runs, and what Dodona's oracles wrote.
const LOOK: Duration = Duration::from_millis(200);
/// Rounds of an epoch: few, so that leaders change.
const ROUNDS_MAX: &str = "2";
/// Long against anything but a dead leader: what takes longer than a timer allows is no fault of an oracle, but it would
/// hide one. The plugin's times are shares of it.
const DELTA_PROGRESS: &str = "10s";
/// How much longer Go's signatures take at most, where Go is half of the committee, and where one oracle of ours is to be
/// faster than several of Go.
const SIGNER_DELAY: &str = "12ms";
const SIGNER_DELAY_OF_MANY: &str = "40ms";
/// The recorded market runs so much faster than the wall's clock.
const SPEED: f64 = 60.0;
/// What Dodona's nodes log: every refusal, with the rest of what an oracle tells its host.
const LOG: &str = "info,node=trace";

/// The programs that are not ours to build here.
#[derive(Clone, Debug)]
pub struct Tools {
    pub dodona: PathBuf,
    pub anvil: PathBuf,
    /// The folder of `seat`, `bootstrap`, `network` and `bytecode` of `interop/go`.
    pub go: PathBuf,
    /// go-ethereum as the chain, in place of anvil.
    pub geth: Option<PathBuf>,
    /// The node that lies (`examples/liar.rs`), where a committee has one.
    pub liar: Option<PathBuf>,
    /// Nobody is asked for more transmissions than this.
    pub transmissions_max: u64,
}

/// Runs a committee until it has shown what it shall, and takes it down. What is wrong is in the witness.
pub fn run<'c>(committee: &'c Committee, tools: &Tools, folder: &Path) -> Witness<'c> {
    let mut witness = Witness::of(committee, tools.transmissions_max);
    if let Err(why) = Trial::live(committee, tools, folder, &mut witness) {
        witness.wrong.insert(0, why);
    }
    witness
}

pub(crate) struct Trial<'t, 'c> {
    pub committee: &'c Committee,
    pub tools: &'t Tools,
    pub folder: &'t Path,
    pub witness: &'t mut Witness<'c>,
    /// The chain's address.
    pub rpc: String,
    said: Sender<Line>,
    lines: Receiver<Line>,
    /// Every line as it came, for who wants to look.
    record: fs::File,
    /// Everything that runs, by name. The chain is not here: it ends last.
    pub running: BTreeMap<String, Process>,
    /// The ports of those who do not run yet.
    ports: Ports,
    /// Which oracle has which seat; those from `seats.len()` on are spare at first.
    pub places: Vec<u8>,
    /// What Dodona's honest oracles write, by seat.
    pub logs: BTreeMap<u8, Tail>,
    /// What stands between the oracles, where connections are to be cut.
    pub relays: Option<Relays>,
}

impl<'t, 'c> Trial<'t, 'c> {
    fn live(
        committee: &'c Committee,
        tools: &'t Tools,
        folder: &'t Path,
        witness: &'t mut Witness<'c>,
    ) -> Result<(), String> {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let file = folder.join("said.txt");
        let record = fs::File::create(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let (said, lines) = channel();
        let logs = committee.honest(Kind::Rust).map(|seat| (seat, Tail::of(committee.log(folder, seat)))).collect();
        // One more for the bootstrap node, and, if it must be geth, one for the chain.
        let count = u16::try_from(committee.seats.len() + committee.spares().count() + 2);
        let ports = Ports::hold(count.map_err(|error| error.to_string())?, std::process::id())?;
        let mut trial = Trial {
            committee,
            tools,
            folder,
            witness,
            rpc: String::new(),
            said,
            lines,
            record,
            running: BTreeMap::new(),
            ports,
            places: (0..).take(committee.seats.len()).collect(),
            logs,
            relays: None,
        };
        let _chain = match &tools.geth {
            Some(geth) => trial.geth(geth)?,
            None => trial.anvil()?,
        };
        let _market = match committee.maker {
            Maker::Go { generation } => {
                let (running, sources) = market()?;
                trial.network_of_go(generation, &sources)?;
                Some(running)
            }
            Maker::Rust => {
                trial.network_of_rust()?;
                None
            }
        };
        let begun = Instant::now();
        trial.until("what it shall show", |witness| witness.missing().is_empty())?;
        for fault in committee.faults {
            trial.bear(*fault)?;
        }
        // Who is asked for few transmissions is not asked for a long life either.
        let lives = if tools.transmissions_max == u64::MAX { committee.lives } else { Duration::ZERO };
        let again = committee.faults.iter().filter(|fault| fault.repeats());
        for fault in again.cycle().take_while(|_| begun.elapsed() < lives) {
            trial.bear(*fault)?;
        }
        trial.end()
    }

    pub fn start(&mut self, name: &str, command: Command) -> Result<(), String> {
        let errors = self.folder.join(format!("{name}.log"));
        let process = Process::start(name, command, &self.said, &errors)?;
        self.running.insert(name.to_owned(), process);
        Ok(())
    }

    /// anvil with blocks of a second.
    fn anvil(&mut self) -> Result<Process, String> {
        let mut command = Command::new(&self.tools.anvil);
        command.args(["--host", "127.0.0.1", "--port", "0", "--block-time", "1"]);
        let chain = Process::start("anvil", command, &self.said, &self.folder.join("anvil.log"))?;
        let begun = Instant::now();
        while let Ok(line) = self.lines.recv_timeout(STALLED_AFTER.saturating_sub(begun.elapsed())) {
            if let Some(address) = line.text.strip_prefix("Listening on ") {
                self.rpc = format!("http://{address}");
                return Ok(chain);
            }
        }
        Err("anvil does not listen".into())
    }

    /// geth in developer mode with blocks of a second.
    fn geth(&mut self, program: &Path) -> Result<Process, String> {
        let port = self.ports.last();
        self.ports.release(port);
        let mut command = Command::new(program);
        command.args([
            "--dev",
            "--dev.period",
            "1",
            "--ipcdisable",
            "--verbosity",
            "2",
            "--http",
            "--http.addr",
            "127.0.0.1",
        ]);
        command.args(["--http.port", &port.to_string(), "--datadir"]).arg(self.folder.join("geth"));
        let mut chain = Process::start("geth", command, &self.said, &self.folder.join("geth.log"))?;
        self.rpc = format!("http://127.0.0.1:{port}");
        let begun = Instant::now();
        while begun.elapsed() < STALLED_AFTER {
            if let Some(died) = chain.died() {
                return Err(died);
            }
            if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
                return Ok(chain);
            }
            std::thread::sleep(LOOK);
        }
        Err("geth does not listen".into())
    }

    pub fn go(&self, program: &str) -> Command {
        let mut command = Command::new(self.tools.go.join(program));
        // A committee on one machine needs no thread for every core in every process.
        command.env("GOMAXPROCS", "2");
        command
    }

    pub fn dodona(&self) -> Command {
        let mut command = Command::new(&self.tools.dodona);
        command.env("RUST_LOG", LOG).env("NO_COLOR", "1");
        command
    }

    /// Runs a program to its end; what it printed.
    pub fn done(&self, what: &str, mut command: Command) -> Result<String, String> {
        let output = command.output().map_err(|error| format!("{what}: {error}"))?;
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
            false => Err(format!("{what}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr))),
        }
    }

    fn network_of_go(&mut self, generation: &str, sources: &[String]) -> Result<(), String> {
        let network = self.folder.join("network");
        let n = self.committee.seats.len().to_string();
        let spares = self.committee.spares().count().to_string();
        let mut make = self.go("network");
        make.arg("make").arg(&network).args(["--rpc", &self.rpc, "--n", &n, "--spares", &spares]);
        make.args(["--generation", generation]);
        make.args(["--r-max", ROUNDS_MAX, "--alpha-accept-infinite", "--delta-progress", DELTA_PROGRESS]);
        make.args(["--base-port", &self.ports.first().to_string()]);
        for source in sources {
            make.args(["--source", source]);
        }
        // The later of two flags counts.
        make.args(self.committee.flags);
        for text in self.done("network make", make)?.lines() {
            self.hear(&Line { from: "network make".into(), text: text.into() });
        }
        if self.committee.relayed() {
            self.relays = Some(Relays::place(&network)?);
        }
        self.ports.release(self.ports.first());
        let mut bootstrap = self.go("bootstrap");
        bootstrap.arg("--until-stdin-closes").arg(network.join("bootstrap.json"));
        self.start("bootstrap", bootstrap)?;
        for seat in (0..).take(self.committee.seats.len()) {
            self.sit_down(seat)?;
        }
        let mut watch = self.go("network");
        watch.arg("watch").arg(&network).args(["--transmissions", "1000000", "--timeout", "1h"]);
        self.start("watch", watch)
    }

    fn network_of_rust(&mut self) -> Result<(), String> {
        let contract = self.folder.join("aggregator.json");
        let mut bytecode = self.go("bytecode");
        bytecode.arg(&contract);
        self.done("bytecode", bytecode)?;
        let foreign: Vec<String> = self.committee.of(Kind::Go).map(|seat| seat.to_string()).collect();
        let network = self.folder.join("network");
        let mut devnet = self.dodona();
        devnet.args(["devnet", "--json", "--processes", "--oracles", &self.committee.seats.len().to_string()]);
        devnet.args(["--r-max", ROUNDS_MAX, "--foreign", &foreign.join(",")]);
        // Everybody takes his port at once, or it is held by devnet until a seat file appears.
        let ports = std::mem::replace(&mut self.ports, Ports::none());
        devnet.args(["--peer-port", &ports.first().to_string()]);
        drop(ports);
        devnet.arg("--keep").arg(&network).arg("--contract").arg(&contract).args(["--chain-url", &self.rpc]);
        self.start("devnet", devnet)?;
        let files: Vec<PathBuf> =
            foreign.iter().map(|seat| network.join("foreign").join(format!("{seat}.json"))).collect();
        self.until("the seat files", |_| files.iter().all(|file| file.exists()))?;
        for seat in self.committee.of(Kind::Go) {
            self.sit_down(seat)?;
        }
        Ok(())
    }

    /// Starts the oracle that has this seat.
    pub fn sit_down(&mut self, seat: u8) -> Result<(), String> {
        let oracle = self.places[usize::from(seat)];
        let file = match self.committee.maker {
            Maker::Go { .. } => self.folder.join(format!("network/seats/{oracle}.json")),
            Maker::Rust => self.folder.join(format!("network/foreign/{oracle}.json")),
        };
        let lie = self.committee.liar.filter(|(liar, _)| *liar == seat).map(|(_, lie)| lie.name());
        let command = match self.committee.seats[usize::from(seat)] {
            Kind::Go => {
                let mut command = self.go("seat");
                command.args(["--until-stdin-closes", "--database", "file"]);
                // Only the first f+1 signatures count: with all on one machine, it would be the same ones again and again.
                let (go, rust) = (self.committee.of(Kind::Go).count(), self.committee.of(Kind::Rust).count());
                if go > 2 * rust {
                    command.args(["--signer-delay", SIGNER_DELAY_OF_MANY]);
                } else if 2 * go > rust {
                    command.args(["--signer-delay", SIGNER_DELAY]);
                }
                command.args(lie.map(|lie| format!("--lie={lie}"))).arg(file);
                command
            }
            Kind::Rust => match lie {
                None => {
                    let mut command = self.dodona();
                    command.args(["node", "--seat"]).arg(file);
                    command
                }
                Some(lie) => {
                    let liar = self.tools.liar.as_ref().ok_or("a committee with a liar wants --liar FILE")?;
                    let mut command = Command::new(liar);
                    command.env("RUST_LOG", LOG).env("NO_COLOR", "1").arg(lie).arg(file);
                    command
                }
            },
        };
        // The bootstrap node has the first.
        self.ports.release(self.ports.first() + 1 + u16::from(oracle));
        self.start(&name(oracle), command)
    }

    fn hear(&mut self, line: &Line) {
        // The record is for people; what is judged does not come from it.
        let _ = writeln!(self.record, "{} {}", line.from, line.text);
        self.witness.hear(line);
    }

    /// Hears what has been said and written until now, after waiting a little for more.
    pub fn listen(&mut self) -> Result<(), String> {
        if let Ok(line) = self.lines.recv_timeout(LOOK) {
            self.hear(&line);
        }
        while let Ok(line) = self.lines.try_recv() {
            self.hear(&line);
        }
        for (seat, log) in &mut self.logs {
            for line in log.lines()? {
                self.witness.read_log(*seat, &line);
            }
        }
        Ok(())
    }

    /// Listens until something is so; everybody must stay alive meanwhile, and reports must go on to come.
    pub fn until(&mut self, what: &str, so: impl Fn(&Witness) -> bool) -> Result<(), String> {
        let most = self.witness.transmissions + self.witness.wanted + EXTRA_MAX;
        let (mut transmissions, mut moved) = (self.witness.transmissions, Instant::now());
        while !so(self.witness) {
            self.listen()?;
            if let Some(died) = self.running.values_mut().find_map(Process::died) {
                return Err(format!("while waiting for {what}: {died}"));
            }
            if self.witness.transmissions > transmissions {
                (transmissions, moved) = (self.witness.transmissions, Instant::now());
            }
            let stalled = moved.elapsed() > STALLED_AFTER;
            if stalled || transmissions > most {
                let missing = self.witness.missing().join(", ");
                let why = match stalled {
                    true => format!("nothing was transmitted for {} s", STALLED_AFTER.as_secs()),
                    false => "it did not come".into(),
                };
                return Err(format!(
                    "waiting for {what}, after {transmissions} transmissions: {why}; still missing: {missing}"
                ));
            }
        }
        Ok(())
    }

    /// Judges, and takes everybody down.
    fn end(mut self) -> Result<(), String> {
        self.listen()?;
        self.witness.freeze();
        self.witness.judge();
        for process in self.running.values() {
            process.signal()?;
        }
        for (name, process) in std::mem::take(&mut self.running) {
            // Watching has no end of its own.
            if name != "watch" {
                process.ended()?;
            }
        }
        // The last that the Go oracles say is what they refused in silence.
        while let Ok(line) = self.lines.recv_timeout(LOOK) {
            self.hear(&line);
        }
        Ok(())
    }
}

/// What the process of an oracle is called.
pub(crate) fn name(oracle: u8) -> String {
    format!("oracle-{oracle}")
}

/// Serves the recorded market; the dollar markets of it as sources of a seat, where `{oracle}` stands for its index.
fn market() -> Result<((tokio::runtime::Runtime, Server), Vec<String>), String> {
    let recorded = Arc::new(Market::recorded());
    let replay = Replay::new(&recorded, Market::RECORDED_START, SPEED)?;
    let text = |error: std::io::Error| format!("the market: {error}");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(text)?;
    let opened = Instant::now();
    let server = runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        Server::start(recorded.clone(), listener, move || replay.time(opened.elapsed()))
    });
    let server = server.map_err(text)?;
    let dollars = recorded.sources().filter(|(name, _)| name.ends_with("_btcusd"));
    let sources = dollars.map(|(name, form)| {
        let steps = form.path(name);
        let path =
            steps.split(',').map(|step| step.parse::<u32>().map_or_else(|_| step.into(), serde_json::Value::from));
        let url = server.url(0, name).replace("/oracle/0/", "/oracle/{oracle}/");
        let path: Vec<serde_json::Value> = path.collect();
        serde_json::json!({"url": url, "path": path, "scale_digits": form.scale_digits()}).to_string()
    });
    let sources = sources.collect();
    Ok(((runtime, server), sources))
}
