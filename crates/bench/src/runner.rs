//! One run: a committee started, warmed up, measured over a fixed time, and ended.

use crate::committee;
use crate::process::{Kind, Process, Used};
use crate::words::Word;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What to run.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The kind of each oracle.
    pub kinds: Vec<Kind>,
    pub delta_round: Duration,
    /// Zero: the least that both accept.
    pub delta_progress: Duration,
    pub measured: Duration,
    /// Our oracles keep their records in the node's store.
    pub with_store: bool,
}

/// The programs of both kinds.
#[derive(Clone, Debug)]
pub struct Programs {
    /// `interop/go/cmd/bench`.
    pub go: Option<PathBuf>,
    /// This crate's.
    pub rust: PathBuf,
}

/// What a run showed. All of it counts the measured time alone, but for memory, start and notes.
#[derive(Clone, Debug, Serialize)]
pub struct Shown {
    pub n: usize,
    /// Reports that at least half of the oracles accepted, per second.
    pub rounds_per_second: f64,
    /// User and system time over all oracles of a kind, divided by their number and by the rounds; milliseconds.
    pub cpu_ms: BTreeMap<&'static str, f64>,
    /// The largest peak of resident memory among the oracles of a kind; megabytes (10⁶ bytes).
    pub memory_mb: BTreeMap<&'static str, f64>,
    /// The most private memory among them at the end; megabytes. Pages of the program's file are left out: oracles share
    /// those.
    pub private_mb: BTreeMap<&'static str, f64>,
    /// Bytes that all oracles wrote to their TCP connections after the knock, TLS included, per round.
    pub wire_bytes: f64,
    /// From the leader's query to the accepted report at the same oracle, over all leaders; milliseconds.
    pub p50_ms: f64,
    pub p99_ms: f64,
    /// From the start of the first process until the slowest oracle has accepted a report; seconds.
    pub first_report_s: f64,
    /// What the oracles noted, added up since their start.
    pub notes: BTreeMap<String, u64>,
}

/// How long a committee has until everyone has accepted a report.
const START_WITHIN: Duration = Duration::from_secs(60);
/// Between the first reports and the measurement.
const WARM_UP: Duration = Duration::from_secs(2);
/// How long a busy oracle has to tell its counters.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// The counters of all oracles at one time.
struct Mark {
    at: Instant,
    oracles: Vec<Oracle>,
}

struct Oracle {
    cpu: Duration,
    memory_bytes: u64,
    private_bytes: u64,
    accepted: u64,
    wire_bytes: u64,
    latencies_us: Vec<u64>,
    notes: BTreeMap<String, u64>,
}

/// Runs a committee; `folder` is for its files.
pub fn run(trial: &Trial, programs: &Programs, folder: &Path, tell: &dyn Fn(&str)) -> io::Result<Shown> {
    let n = trial.kinds.len();
    let committee = committee::make(n, trial.delta_round, trial.delta_progress)?;
    let file = folder.join("committee.json");
    std::fs::write(&file, serde_json::to_string(&committee).expect("plain data"))?;
    let file = file.to_str().ok_or_else(|| io::Error::other("the folder's name is not UTF-8"))?;

    let begin = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut oracles = Vec::new();
    for (seat, kind) in trial.kinds.iter().enumerate() {
        let seat_text = seat.to_string();
        let store = folder.join(format!("store-{seat}"));
        let mut arguments = vec!["oracle", file, &seat_text];
        let program = match kind {
            Kind::Go => {
                arguments.remove(0);
                programs.go.as_deref().ok_or_else(|| io::Error::other("no program for Go oracles"))?
            }
            Kind::Rust => {
                if trial.with_store {
                    std::fs::create_dir_all(&store)?;
                    arguments.extend(store.to_str());
                }
                &programs.rust
            }
        };
        oracles.push(Process::start(program, &arguments)?);
    }
    let pids: Vec<String> = oracles.iter().map(|oracle| oracle.pid().to_string()).collect();
    tell(&format!("pids {}", pids.join(" ")));

    let until = Instant::now() + START_WITHIN;
    let mut first = Duration::ZERO;
    for oracle in &oracles {
        match oracle.word(until)? {
            Word::First { unix_ns } => first = first.max(Duration::from_nanos(unix_ns).saturating_sub(begin)),
            Word::Counters { .. } => return Err(io::Error::other("counters that nobody asked for")),
        }
    }
    std::thread::sleep(WARM_UP);
    let before = mark(&mut oracles)?;
    std::thread::sleep(trial.measured);
    let after = mark(&mut oracles)?;
    for oracle in oracles {
        oracle.end()?;
    }
    Ok(show(trial, first, &before, after))
}

fn mark(oracles: &mut [Process]) -> io::Result<Mark> {
    let at = Instant::now();
    for oracle in oracles.iter_mut() {
        oracle.mark()?;
    }
    let mut told = Vec::new();
    for oracle in oracles.iter() {
        let Word::Counters { accepted, wire_bytes, latencies_us, notes, .. } = oracle.word(at + ANSWER_WITHIN)? else {
            return Err(io::Error::other("a first report twice"));
        };
        let Used { cpu, memory_bytes, private_bytes } = oracle.used()?;
        told.push(Oracle { cpu, memory_bytes, private_bytes, accepted, wire_bytes, latencies_us, notes });
    }
    Ok(Mark { at, oracles: told })
}

fn show(trial: &Trial, first: Duration, before: &Mark, after: Mark) -> Shown {
    let seconds = (after.at - before.at).as_secs_f64();
    let pairs = || before.oracles.iter().zip(&after.oracles);
    let mut accepted: Vec<u64> = pairs().map(|(before, after)| after.accepted - before.accepted).collect();
    accepted.sort_unstable();
    // What the median oracle accepted, half of them have accepted at least.
    let rounds = accepted[accepted.len() / 2].max(1) as f64;
    let mut latencies: Vec<u64> = after.oracles.iter().flat_map(|oracle| oracle.latencies_us.iter().copied()).collect();
    latencies.sort_unstable();
    let percentile = |percent: usize| {
        let index = (latencies.len() * percent / 100).min(latencies.len().saturating_sub(1));
        latencies.get(index).map_or(f64::NAN, |us| *us as f64 / 1000.0)
    };
    let mut cpu_ms = BTreeMap::new();
    let mut memory_mb = BTreeMap::new();
    let mut private_mb = BTreeMap::new();
    for (kind, name) in [(Kind::Go, "go"), (Kind::Rust, "rust")] {
        let of_kind = || pairs().zip(&trial.kinds).filter(|(_, is)| **is == kind).map(|(pair, _)| pair);
        let count = of_kind().count();
        if count > 0 {
            let cpu: Duration = of_kind().map(|(before, after)| after.cpu - before.cpu).sum();
            cpu_ms.insert(name, cpu.as_secs_f64() * 1000.0 / count as f64 / rounds);
            let peak = of_kind().map(|(_, after)| after.memory_bytes).max().unwrap_or_default();
            memory_mb.insert(name, peak as f64 / 1e6);
            let private = of_kind().map(|(_, after)| after.private_bytes).max().unwrap_or_default();
            private_mb.insert(name, private as f64 / 1e6);
        }
    }
    let wire: u64 = pairs().map(|(before, after)| after.wire_bytes - before.wire_bytes).sum();
    let mut notes: BTreeMap<String, u64> = BTreeMap::new();
    for (name, count) in after.oracles.iter().flat_map(|oracle| &oracle.notes) {
        *notes.entry(name.clone()).or_default() += count;
    }
    Shown {
        n: trial.kinds.len(),
        rounds_per_second: rounds / seconds,
        cpu_ms,
        memory_mb,
        private_mb,
        wire_bytes: wire as f64 / rounds,
        p50_ms: percentile(50),
        p99_ms: percentile(99),
        first_report_s: first.as_secs_f64(),
        notes,
    }
}
