//! Differential fuzzing: the reference, through the codec server of `interop/go`, and our crates are asked the same
//! questions, and any difference in what they accept or in the bytes they give is a failure with a small example.
//!
//! A question is a line of JSON that the server understands (`interop/go/README.md`). It is made from nothing
//! ([`invent`]) or from a case of `spec/vectors`, changed ([`mutate`]), answered by both ([`reference`], [`ours`]) and
//! compared ([`compare`]); differences that are meant have names ([`exceptions`]), others are made small ([`shrink`]).

pub mod compare;
mod dice;
pub mod exceptions;
mod invent;
mod mutate;
pub mod ours;
pub mod reference;
mod request;
mod shrink;
pub mod target;

use compare::{Outcome, outcome};
use reference::Reference;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use target::{Corpus, TARGETS};

/// Cases of each target where neither time nor number is said: seconds, for every change.
pub const SHORT_CASES: u64 = 400;
/// Examples that are made small for one target; further failures are counted.
const EXAMPLES_MAX: u64 = 3;

/// What shall be done.
#[derive(Clone, Debug)]
pub struct Wishes {
    /// The program `codec`.
    pub codec: PathBuf,
    /// The folder `spec/vectors`.
    pub vectors: PathBuf,
    pub seed: u64,
    /// Targets with this in their names.
    pub only: String,
    pub until: Until,
    /// Where questions that fail are written to, for a replay.
    pub keep: PathBuf,
}

/// When it is enough.
#[derive(Clone, Copy, Debug)]
pub enum Until {
    /// So many cases of each target: the same seed asks the same questions.
    Cases(u64),
    Elapsed(Duration),
}

/// What came of one target.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    pub cases: u64,
    pub accepted: u64,
    pub refused: u64,
    /// Differences that are meant, by name.
    pub explained: BTreeMap<&'static str, u64>,
    pub failures: u64,
    /// Questions that were none, and why the first was not.
    pub no_case: u64,
    pub no_case_why: Option<String>,
    /// Different answers, told apart by their reasons.
    pub kinds: u64,
}

/// A failure, made small.
#[derive(Clone, PartialEq, Debug)]
pub struct Example {
    pub target: &'static str,
    /// The how-manieth case of its target it came from.
    pub case: u64,
    pub request: Value,
    pub theirs: Value,
    pub ours: Value,
    /// Holds the request.
    pub file: PathBuf,
}

/// What came of it all.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub tallies: Vec<(&'static str, Tally)>,
    pub examples: Vec<Example>,
    pub elapsed: Duration,
}

impl Report {
    /// All targets together.
    pub fn total(&self) -> Tally {
        let mut total = Tally::default();
        for (_, tally) in &self.tallies {
            total.cases += tally.cases;
            total.accepted += tally.accepted;
            total.refused += tally.refused;
            total.failures += tally.failures;
            total.no_case += tally.no_case;
            total.kinds += tally.kinds;
            tally.explained.iter().for_each(|(name, count)| *total.explained.entry(name).or_default() += count);
        }
        total
    }

    /// For machines.
    pub fn to_json(&self) -> Value {
        let tally = |tally: &Tally| {
            json!({
                "cases": tally.cases, "accepted": tally.accepted, "refused": tally.refused,
                "explained": tally.explained, "failures": tally.failures, "no_case": tally.no_case, "no_case_why": tally.no_case_why, "kinds": tally.kinds,
            })
        };
        let targets: serde_json::Map<String, Value> =
            self.tallies.iter().map(|(name, one)| ((*name).to_owned(), tally(one))).collect();
        let examples: Vec<Value> = (self.examples.iter())
            .map(|example| {
                json!({
                    "target": example.target, "case": example.case, "request": example.request, "theirs": example.theirs,
                    "ours": example.ours, "file": example.file,
                })
            })
            .collect();
        json!({
            "targets": targets, "total": tally(&self.total()), "examples": examples,
            "seconds": self.elapsed.as_secs_f64(),
        })
    }
}

/// One target while it runs.
struct Running {
    name: &'static str,
    lot: usize,
    corpus: Corpus,
    tally: Tally,
    seen: BTreeSet<String>,
}

/// Asks until it is enough. `found` hears of each example at once.
pub fn run(wishes: &Wishes, mut found: impl FnMut(&Example)) -> Result<Report, String> {
    let begun = Instant::now();
    let mut reference = Reference::start(&wishes.codec)?;
    let mut running = Vec::new();
    for target in TARGETS.iter().filter(|target| target.name.contains(&wishes.only)) {
        running.push(Running {
            name: target.name,
            lot: target.lot,
            corpus: Corpus::load(*target, &wishes.vectors, wishes.seed)?,
            tally: Tally::default(),
            seen: BTreeSet::new(),
        });
    }
    if running.is_empty() {
        return Err(format!("no target has {:?} in its name", wishes.only));
    }
    let mut report = Report::default();
    loop {
        let mut asked = 0;
        for one in &mut running {
            let lot = match wishes.until {
                Until::Cases(cases) => one.lot.min(cases.saturating_sub(one.tally.cases) as usize),
                Until::Elapsed(limit) if begun.elapsed() >= limit => 0,
                Until::Elapsed(_) => one.lot,
            };
            asked += lot;
            let requests: Vec<Value> = (0..lot).map(|_| one.corpus.next_case()).collect();
            reference.ask(&requests);
            let answers: Vec<Value> = requests.iter().map(ours::answer).collect();
            let mut failing = Vec::new();
            for (request, ours) in requests.into_iter().zip(answers) {
                let theirs = reference.answer()?;
                if let Some(request) = one.count(request, &theirs, &ours) {
                    failing.push((one.tally.cases, request));
                }
            }
            // Not before the lot is through: shrinking asks, too.
            for (case, request) in failing {
                let number = report.examples.iter().filter(|example| example.target == one.name).count() as u64;
                if number < EXAMPLES_MAX {
                    let file = wishes.keep.join(format!("{}-{number}.json", one.name));
                    let example = example(&mut reference, one.name, case, request, file)?;
                    found(&example);
                    report.examples.push(example);
                }
            }
        }
        if asked == 0 {
            break;
        }
    }
    report.tallies = running.into_iter().map(|one| (one.name, one.tally)).collect();
    report.elapsed = begun.elapsed();
    Ok(report)
}

impl Running {
    /// Counts a case, and gives its question back if it failed.
    fn count(&mut self, request: Value, theirs: &Value, ours: &Value) -> Option<Value> {
        let tally = &mut self.tally;
        tally.cases += 1;
        let outcome = outcome(&request, theirs, ours);
        match outcome {
            Outcome::Accepted => tally.accepted += 1,
            Outcome::Refused => tally.refused += 1,
            Outcome::Explained(name) => *tally.explained.entry(name).or_default() += 1,
            Outcome::NoCase => {
                tally.no_case += 1;
                let why = [theirs, ours].into_iter().find_map(|answer| answer.get("bad_request")?.as_str());
                tally.no_case_why.get_or_insert_with(|| why.unwrap_or_default().to_owned());
            }
            Outcome::Differs => {
                tally.failures += 1;
                return Some(request);
            }
        }
        let kinds = if outcome == Outcome::NoCase { Vec::new() } else { kinds_of(&request, theirs, ours) };
        let before = self.seen.len();
        self.seen.extend(kinds);
        tally.kinds = self.seen.len() as u64;
        if self.seen.len() > before {
            self.corpus.keep(request);
        }
        None
    }
}

/// What tells answers apart: the reasons of both, without what differs from case to case; in scripts also the kinds of
/// messages that a message of some kind made an oracle send.
fn kinds_of(request: &Value, theirs: &Value, ours: &Value) -> Vec<String> {
    let mut kind = String::new();
    for answer in [theirs, ours] {
        let why = answer.get("why").and_then(Value::as_str).unwrap_or_default();
        let words = why.split(|character: char| !character.is_ascii_alphabetic());
        kind.extend(words.filter(|word| word.len() < 20).take(12).map(|word| format!("{word} ")));
        kind.push('|');
    }
    let list = |value: &Value, name| value[name].as_array().cloned().unwrap_or_default();
    // The first field's tag says of which kind a message is.
    let tag = |message: &Value| message["bytes"].as_str().and_then(|bytes| bytes.get(..2)).unwrap_or("--").to_owned();
    let mut kinds = vec![kind];
    for (asked, answered) in list(request, "steps").iter().zip(list(theirs, "steps")) {
        let sent: String = list(&answered, "out").iter().map(tag).collect();
        let entered = list(&answered, "entered").len();
        kinds.push(format!("{} {entered} {sent}", if answered["refused"].is_null() { tag(asked) } else { "".into() }));
    }
    kinds
}

fn example(
    reference: &mut Reference,
    target: &'static str,
    case: u64,
    failing: Value,
    file: PathBuf,
) -> Result<Example, String> {
    let write = |request: &Value| {
        let written = file.parent().map_or(Ok(()), std::fs::create_dir_all);
        let written = written.and_then(|()| std::fs::write(&file, format!("{request}\n")));
        written.map_err(|error| format!("{}: {error}", file.display()))
    };
    // As it is, in case that nobody waits for it to be small.
    write(&failing)?;
    let (request, theirs, ours) = shrink::shrink(reference, failing)?;
    write(&request)?;
    Ok(Example { target, case, request, theirs, ours, file })
}
