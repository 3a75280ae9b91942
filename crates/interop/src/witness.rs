//! What everybody said, compared: the events of Go programs as they come, the logs of Dodona's oracles at the end.

use crate::committee::{Committee, Fault, Kind, Lie};
use crate::process::Line;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Transmissions beyond those wanted for a signature that comes by chance.
const CHANCES_MAX: u64 = 40;

/// A round of a configuration: digest, epoch, round.
type Round = (String, u64, u64);

/// Warnings of Dodona's node that an honest network gives, and why.
const USUAL: &[(&str, &str)] = &[
    ("a seat file holds unencrypted keys", "it says so whenever it reads one"),
    ("is for development chains", "the same of a network made by devnet"),
    ("an ask took too long", "the machine or the chain is slow: nobody's message is refused"),
    ("failure=it did not end in time", "the same"),
    ("no answer within", "the same of a call to the chain"),
    ("error=\"took longer than", "the same"),
    ("failure=it failed", "why is told beside it, and judged"),
];

/// Words by which the reference's log says that a message is not acted on.
const REFUSALS: &[&str] = &["dropping", "ignoring", "invalid", "wrong", "refus", "after grace phase"];

/// Refusals that an honest network of the reference's own shows too (`docs/interop.md`).
const SILENT: &[&str] = &[
    "ignoring EventFinal for already finalized epoch and round",
    "ignoring MessageFinalEcho for already finalized epoch and round",
    "oracle: dropping message for past epoch",
    "received MessageObserve after grace phase",
    "messageReport: dropping MessageReport due to not being in report phase",
    // Signatures and observations that come when the next round has begun.
    "messageReport: dropping MessageReport due to wrong round",
    "Got MessageObserve for wrong round",
    // The reference changes its epoch before the part of it that sorts messages by epoch hears of it.
    "messageObserveReq: dropping MessageObserveReq from wrong epoch",
    "messageReportReq from wrong epoch",
    "messageReport: dropping MessageReport due to wrong epoch",
    "Got MessageObserve for wrong epoch",
    "wrong epoch from MessageFinal",
    // The second half of a round, at an oracle that sat down in the middle of it.
    "messageReportReq from wrong round",
    "wrong round from MessageFinal",
    // Reports that were passed on by somebody who was slower still.
    "ignoring MessageFinalEcho for expired epoch and round",
    "ignoring EventFinal for expired epoch and round",
];

/// The same where somebody was killed: a leader counts its rounds anew, and a ping meets its answer on another connection.
const SILENT_AFTER_FAULTS: &[&str] = &[
    "messageObserveReq: dropping MessageObserveReq from earlier round",
    "invalid (conflicting) PONG received",
    "invalid (unexpected) PONG received",
];

/// What the reference says when it finds that it is in the committee no more.
const LEFT: &[&str] = &[
    "ManagedOCR2Oracle: error while updating config",
    "runWithContractConfig: function exited with non-retriable error. not retrying",
];

/// Everything that was said about one committee.
#[derive(Debug)]
pub struct Witness<'c> {
    committee: &'c Committee,
    /// The configuration that an oracle runs, by oracle.
    configs: BTreeMap<u8, String>,
    /// All that were named, by whom first.
    digests: BTreeMap<String, String>,
    /// All that were set, the present one last.
    set: Vec<String>,
    leaders: BTreeMap<(String, u64), (u64, String)>,
    /// When each oracle transmits the report of a round, in nanoseconds, as the first Go oracle said.
    orders: BTreeMap<Round, (BTreeMap<u64, u64>, String)>,
    /// What Dodona's oracles said about themselves.
    delays: Vec<(Round, u8, u64)>,
    answers: BTreeMap<Round, (u64, BTreeSet<u64>, String)>,
    /// Who saw how many rounds to their end.
    took_part: BTreeMap<u8, u64>,
    /// How many transmissions the contract must accept before anything else.
    pub wanted: u64,
    pub transmissions: u64,
    /// The same by configuration.
    accepted: BTreeMap<String, u64>,
    /// The epoch that was entered last, and its leader.
    latest: (u64, u64),
    transmitters: BTreeSet<String>,
    /// Refusals of Dodona's oracles that the protocol brings about by itself, by their text without numbers.
    pub stale: BTreeMap<String, u64>,
    /// The reference's own refusals of this kind.
    pub silent: BTreeMap<String, u64>,
    /// Warnings that the reference gives in an honest network of its own too.
    pub usual: BTreeMap<String, u64>,
    /// The same of Dodona's oracles.
    pub warned: BTreeMap<String, u64>,
    /// What honest oracles said of the liar.
    pub complaints: BTreeMap<String, u64>,
    /// How often the liar lied, if it says so.
    pub lies: u64,
    /// Accepted reports with an observation of the liar.
    pub believed: u64,
    /// Oracles that a new configuration left without a seat, by the names of their processes.
    pub left: Vec<String>,
    /// The faults that it has borne, in words.
    pub borne: Vec<String>,
    pub wrong: Vec<String>,
    /// What ends, warns: nothing is judged any more.
    frozen: bool,
}

impl<'c> Witness<'c> {
    /// Has heard nothing yet.
    pub fn of(committee: &'c Committee, transmissions_max: u64) -> Witness<'c> {
        Witness {
            committee,
            configs: BTreeMap::new(),
            digests: BTreeMap::new(),
            set: Vec::new(),
            wanted: committee.transmissions.min(transmissions_max),
            accepted: BTreeMap::new(),
            latest: (0, u64::MAX),
            complaints: BTreeMap::new(),
            borne: Vec::new(),
            left: Vec::new(),
            lies: 0,
            believed: 0,
            leaders: BTreeMap::new(),
            orders: BTreeMap::new(),
            delays: Vec::new(),
            answers: BTreeMap::new(),
            took_part: BTreeMap::new(),
            transmissions: 0,
            transmitters: BTreeSet::new(),
            stale: BTreeMap::new(),
            silent: BTreeMap::new(),
            usual: BTreeMap::new(),
            warned: BTreeMap::new(),
            wrong: Vec::new(),
            frozen: false,
        }
    }

    /// From now on everybody may complain.
    pub fn freeze(&mut self) {
        self.frozen = true;
    }

    /// How many rounds this oracle saw to their end.
    pub fn finals(&self, oracle: u8) -> u64 {
        self.took_part.get(&oracle).copied().unwrap_or_default()
    }

    /// How often this oracle's signature was under a report, or the report was its own as the leader.
    pub fn contributions(&self, oracle: u8) -> usize {
        let oracle = u64::from(oracle);
        self.answers.values().filter(|(leader, signers, _)| *leader == oracle || signers.contains(&oracle)).count()
    }

    /// Epochs with a finished round led by this kind.
    pub fn led(&self, kind: Kind) -> usize {
        let rounds = self.answers.iter().filter(|(_, (leader, ..))| self.kind(*leader) == Some(kind));
        rounds.map(|((digest, epoch, _), _)| (digest, epoch)).collect::<BTreeSet<_>>().len()
    }

    /// Signatures by oracles of one kind under finished reports of leaders of the other.
    pub fn signed(&self, signer: Kind, leader: Kind) -> usize {
        let reports = self.answers.values().filter(|(led_by, ..)| self.kind(*led_by) == Some(leader));
        reports.flat_map(|(_, signers, _)| signers).filter(|by| self.kind(**by) == Some(signer)).count()
    }

    /// What must still happen before the committee has shown what it shall; empty when it has.
    pub fn missing(&self) -> Vec<String> {
        let mut missing = Vec::new();
        let wanted = self.wanted;
        if self.transmissions < wanted {
            missing.push(format!("{} of {wanted} transmissions", self.transmissions));
        }
        if let Some((_, lie)) = self.committee.liar {
            if self.lies == 0 {
                missing.push("no lie".into());
            }
            if lie == Lie::WireType && self.believed == 0 {
                missing.push("no report with an observation of the liar".into());
            }
            for kind in [Kind::Go, Kind::Rust].into_iter().filter(|kind| self.committee.honest(*kind).next().is_some())
            {
                let told = |text: &str| self.complaints.keys().any(|complaint| complaint.contains(text));
                if let Some(text) = lie.complaint(kind).filter(|text| !told(text)) {
                    missing.push(format!("no complaint of {}: {text}", kind.name()));
                }
            }
        } else if self.committee.mixed() {
            for (kind, other) in [(Kind::Go, Kind::Rust), (Kind::Rust, Kind::Go)] {
                if self.led(kind) == 0 {
                    missing.push(format!("no epoch led by {}", kind.name()));
                }
                // Only the first f + 1 signatures count. Where a leader's own kind can give them all, the quicker kind may do so for
                // long, so the rest is waited for, but not for ever.
                let quorum = (self.committee.seats.len() - 1) / 3 + 1;
                let by_chance = self.committee.of(other).count() >= quorum;
                if self.signed(kind, other) == 0 && !(by_chance && self.transmissions >= wanted + CHANCES_MAX) {
                    missing.push(format!("no report signed by {} for {}", kind.name(), other.name()));
                }
            }
        }
        let seats = [Kind::Go, Kind::Rust].into_iter().flat_map(|kind| self.committee.honest(kind));
        for oracle in seats.filter(|oracle| self.finals(*oracle) == 0) {
            missing.push(format!("no report at oracle {oracle}"));
        }
        missing
    }

    /// Whether every honest oracle runs the present configuration.
    pub fn configured(&self) -> bool {
        let seats = [Kind::Go, Kind::Rust].into_iter().flat_map(|kind| self.committee.honest(kind));
        seats.map(|seat| self.configs.get(&seat)).all(|digest| digest == self.set.last())
    }

    /// The transmissions of the present configuration.
    pub fn under_present(&self) -> u64 {
        self.set.last().and_then(|digest| self.accepted.get(digest)).copied().unwrap_or_default()
    }

    /// Whether this kind has led a round of the present configuration to its end.
    pub fn led_under_present(&self, kind: Kind) -> bool {
        let mut rounds = self.answers.iter().filter(|((digest, ..), _)| Some(digest) == self.set.last());
        rounds.any(|(_, (leader, ..))| self.kind(*leader) == Some(kind))
    }

    /// The seat of the leader of the latest epoch.
    pub fn leader_now(&self) -> Option<u8> {
        u8::try_from(self.latest.1).ok()
    }

    /// Finished rounds.
    pub fn finished(&self) -> usize {
        self.answers.len()
    }

    /// A configuration was set.
    pub fn expect(&mut self, digest: &str) {
        self.set.push(digest.to_owned());
        self.latest = (0, u64::MAX);
    }

    fn kind(&self, oracle: u64) -> Option<Kind> {
        self.committee.seats.get(usize::try_from(oracle).ok()?).copied()
    }

    /// Hears one line of a program's stdout.
    pub fn hear(&mut self, line: &Line) {
        if self.frozen {
            self.last_words(line);
            return;
        }
        match serde_json::from_str::<Value>(&line.text) {
            Ok(event) => self.event(&line.from, &event),
            // anvil talks to people.
            Err(_) if line.from == "anvil" => {}
            Err(_) => self.wrong.push(format!("{} printed what is no event: {}", line.from, line.text)),
        }
    }

    /// The summary of a Go oracle counts what it logged; what it refuses without warning is only there.
    fn last_words(&mut self, line: &Line) {
        let Ok(event) = serde_json::from_str::<Value>(&line.text) else { return };
        if event["event"] != "summary" {
            return;
        }
        for (text, count) in event["logged"]["debug"].as_object().into_iter().flatten() {
            if !REFUSALS.iter().any(|word| text.contains(word)) {
                continue;
            }
            *self.silent.entry(text.clone()).or_default() += count.as_u64().unwrap_or(1);
            let faults: &[&str] = if self.committee.faults.is_empty() { &[] } else { SILENT_AFTER_FAULTS };
            if !SILENT.iter().chain(faults).any(|known| text.starts_with(known)) {
                self.wrong.push(format!("{} refused {count} times: {text}", line.from));
            }
        }
    }

    fn event(&mut self, from: &str, event: &Value) {
        let number = |field: &str| event[field].as_u64().unwrap_or(u64::MAX);
        let seat = event["seat"].as_u64().and_then(|seat| u8::try_from(seat).ok());
        let round = |witness: &Self| {
            let digest = seat.and_then(|seat| witness.configs.get(&seat)).cloned().unwrap_or_default();
            (digest, number("epoch"), number("round"))
        };
        match (event["event"].as_str().unwrap_or_default(), seat) {
            ("transmission", None) => {
                self.transmissions += 1;
                self.transmitters.extend(event["transmitter"].as_str().map(str::to_lowercase));
                if let Some(digest) = event["digest"].as_str() {
                    self.digests.entry(digest.to_owned()).or_insert_with(|| from.to_owned());
                    *self.accepted.entry(digest.to_owned()).or_default() += 1;
                }
                let liar = self.committee.liar.map(|(liar, _)| format!("{liar:02x}"));
                let observers = event["observers"].as_str().unwrap_or_default().as_bytes();
                self.believed +=
                    u64::from(liar.is_some_and(|liar| observers.chunks(2).any(|one| one == liar.as_bytes())));
            }
            ("lie", _) => self.lies += 1,
            // Who makes a network, or gives it another configuration, has no seat.
            ("config", None) => self.expect(event["digest"].as_str().unwrap_or_default()),
            ("config", Some(seat)) => {
                if let Some(error) = event["error"].as_str() {
                    self.wrong.push(format!("{from} cannot run the configuration: {error}"));
                }
                let digest = event["digest"].as_str().unwrap_or_default();
                self.digest(from, digest);
                self.configs.insert(seat, digest.to_owned());
            }
            ("epoch", Some(_)) => {
                let (digest, epoch, _) = round(self);
                self.leader(from, digest, epoch, number("leader"));
            }
            ("schedule", Some(_)) => {
                let pairs = event["delays_ns"].as_array().into_iter().flatten();
                let order = pairs.filter_map(|pair| Some((pair[0].as_u64()?, pair[1].as_u64()?))).collect();
                self.order(from, round(self), order);
            }
            ("led", Some(seat)) => {
                let (digest, epoch, _) = round(self);
                let leader = self.leaders.get(&(digest, epoch)).map(|(leader, _)| *leader);
                if leader != Some(u64::from(seat)) {
                    self.wrong.push(format!("{from} led epoch {epoch}, whose leader is {leader:?}"));
                }
            }
            ("final", Some(seat)) => {
                *self.took_part.entry(seat).or_default() += 1;
                let signers = event["signers"].as_array().into_iter().flatten().filter_map(Value::as_u64).collect();
                let answer = event["answer"].as_str().unwrap_or_default().to_owned();
                let (round, leader) = (round(self), number("leader"));
                let known = self.answers.entry(round.clone()).or_insert((leader, signers, answer.clone()));
                if (known.0, &known.2) != (leader, &answer) {
                    let (other, _, said) = known;
                    self.wrong
                        .push(format!("{from}: report {round:?} of {leader} is {answer}, others: {said} of {other}"));
                }
            }
            // Whoever lies may say of others what he likes.
            ("warning" | "refused", Some(seat)) if self.committee.lies(seat) => {}
            ("transmission_failed", _) if slow(event["error"].as_str()) => {
                *self.usual.entry("transmission_failed: the chain was slow".into()).or_default() += 1;
            }
            ("refused" | "transmission_failed" | "close_failed" | "unreadable_telemetry", _) => {
                self.wrong.push(format!("{from}: {event}"));
            }
            ("warning", Some(_))
                if self.has_left(from) && LEFT.contains(&event["message"].as_str().unwrap_or_default()) =>
            {
                *self.usual.entry("what says who is in the committee no more".into()).or_default() += 1;
            }
            ("warning", _) if self.was_frozen(event["message"].as_str()) => {
                *self.usual.entry("message limit exceeded, by what came while it was frozen".into()).or_default() += 1;
            }
            ("warning", Some(_)) if self.is_complaint(Kind::Go, event["message"].as_str()) => {
                let text = event["message"].as_str().unwrap_or_default();
                *self.complaints.entry(format!("Go: {text}")).or_default() += 1;
            }
            ("warning", _) if event["usual"].is_null() => self.wrong.push(format!("{from}: {event}")),
            ("warning", _) => {
                let most = self.usual.entry(event["message"].as_str().unwrap_or_default().to_owned()).or_default();
                *most = (*most).max(event["count"].as_u64().unwrap_or(1));
            }
            // What programs say beyond that is for people and for the log.
            _ => {}
        }
    }

    fn has_left(&self, from: &str) -> bool {
        self.left.iter().any(|left| left == from)
    }

    /// A process that was stopped reads in one moment what came in many, which is more than a peer may send in one.
    fn was_frozen(&self, message: Option<&str>) -> bool {
        self.committee.faults.contains(&Fault::Freeze(Kind::Go))
            && message == Some("authenticatedConnectionReadLoop: message limit exceeded, dropping message")
    }

    /// Whether honest oracles of this kind say this of the liar.
    fn is_complaint(&self, kind: Kind, text: Option<&str>) -> bool {
        let Some((_, lie)) = self.committee.liar else { return false };
        let expected = [lie.complaint(kind), lie.complaint_of_leader(kind)];
        expected.into_iter().flatten().any(|expected| text.is_some_and(|text| text.contains(expected)))
    }

    fn digest(&mut self, from: &str, digest: &str) {
        self.digests.entry(digest.to_owned()).or_insert_with(|| from.to_owned());
    }

    fn leader(&mut self, from: &str, digest: String, epoch: u64, leader: u64) {
        if self.set.last() == Some(&digest) && epoch > self.latest.0 {
            self.latest = (epoch, leader);
        }
        let (known, first) = self.leaders.entry((digest, epoch)).or_insert((leader, from.to_owned()));
        if *known != leader {
            self.wrong.push(format!("{from} says that {leader} leads epoch {epoch}, {first} said {known}"));
        }
    }

    fn order(&mut self, from: &str, round: Round, order: BTreeMap<u64, u64>) {
        let (known, first) = self.orders.entry(round.clone()).or_insert((order.clone(), from.to_owned()));
        if *known != order {
            self.wrong.push(format!("{from} says that {round:?} is transmitted as {order:?}, {first} said {known:?}"));
        }
    }

    /// Reads a line that one of Dodona's oracles wrote into its log (its node at level `trace`).
    pub fn read_log(&mut self, oracle: u8, line: &str) {
        let from = format!("oracle {oracle}");
        let line = Logged::of(line);
        let number = |field: &str| line.field(field).and_then(|value| value.parse::<u64>().ok());
        let digest = || self.configs.get(&oracle).cloned().unwrap_or_default();
        if line.text.contains("running a configuration") {
            let digest = line.field("digest").unwrap_or_default();
            self.configs.insert(oracle, digest.to_owned());
            self.digest(&from, digest);
            if number("me") != Some(u64::from(oracle)) {
                self.wrong.push(format!("{from} thinks it is {:?}", line.field("me")));
            }
        } else if line.text.contains("message not acted on") && line.level == "TRACE" {
            let why = line.text.split_once("refusal=").map_or("", |(_, why)| why);
            let why: String = why.chars().filter(|char| !char.is_ascii_digit()).collect();
            *self.stale.entry(why).or_default() += 1;
        } else if let (Some(epoch), Some(leader)) = (number("epoch"), number("leader")) {
            self.leader(&from, digest(), epoch, leader);
        } else if line.text.contains("final report judged") {
            *self.took_part.entry(oracle).or_default() += 1;
            let at = line.field("at").and_then(|at| at.split_once('/'));
            let at = at.and_then(|(epoch, round)| Some((epoch.parse().ok()?, round.parse().ok()?)));
            let delay = line.field("delay").and_then(|delay| delay.strip_prefix("Some(")?.strip_suffix(')'));
            if let (Some((epoch, round)), Some(delay)) = (at, delay.and_then(nanoseconds)) {
                self.delays.push(((digest(), epoch, round), oracle, delay));
            }
        }
        if matches!(line.level, "WARN" | "ERROR") {
            let liar = self.committee.liar.map(|(liar, _)| u64::from(liar));
            if liar.is_some() && number("from") == liar && self.is_complaint(Kind::Rust, Some(line.text)) {
                let what = line.text.split_once("fault=").map_or("undecodable", |(_, fault)| fault);
                *self.complaints.entry(format!("Rust: {what}")).or_default() += 1;
                return;
            }
            match USUAL.iter().find(|(text, _)| line.text.contains(text)) {
                Some((text, _)) => *self.warned.entry((*text).to_owned()).or_default() += 1,
                None => self.wrong.push(format!("{from}: {}", line.text)),
            }
        }
    }

    /// Compares what can only be compared in the end.
    pub fn judge(&mut self) {
        for (digest, from) in self.digests.iter().filter(|(digest, _)| !self.set.contains(digest)) {
            self.wrong.push(format!("{from} named configuration {digest}, but these were set: {:?}", self.set));
        }
        for (round, oracle, delay) in &self.delays {
            let Some((order, first)) = self.orders.get(round) else { continue };
            if order.get(&u64::from(*oracle)) != Some(delay) {
                self.wrong
                    .push(format!("oracle {oracle} transmits {round:?} after {delay} ns, {first} said {order:?}"));
            }
        }
    }

    /// How many transmission times of Dodona's oracles were compared with the reference's.
    pub fn delays_compared(&self) -> usize {
        self.delays.iter().filter(|(round, ..)| self.orders.contains_key(round)).count()
    }

    /// How many oracles transmitted.
    pub fn transmitters(&self) -> usize {
        self.transmitters.len()
    }
}

/// Whether an error of Go says that a deadline had passed.
fn slow(error: Option<&str>) -> bool {
    error.is_some_and(|error| error.contains("context deadline exceeded"))
}

/// A line of a node's log: time, level, where, text with fields.
struct Logged<'a> {
    level: &'a str,
    text: &'a str,
}

impl<'a> Logged<'a> {
    fn of(line: &'a str) -> Logged<'a> {
        let (_, rest) = line.trim_start().split_once(' ').unwrap_or_default();
        let (level, text) = rest.trim_start().split_once(' ').unwrap_or_default();
        Logged { level, text }
    }

    fn field(&self, name: &str) -> Option<&'a str> {
        let mut words = self.text.split(' ');
        words.find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    }
}

/// Reads a duration as Rust's `Debug` writes it.
fn nanoseconds(text: &str) -> Option<u64> {
    let units = [("ns", 1.0), ("µs", 1e3), ("ms", 1e6), ("s", 1e9)];
    let (number, unit) =
        units.iter().find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?.parse::<f64>().ok()?, unit)))?;
    Some((number * unit).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::committee::{Maker, SHORT};
    use Kind::{Go, Rust};

    const MIXED: Committee =
        Committee { name: "test", maker: Maker::Rust, seats: &[Go, Rust, Go, Rust], transmissions: 1, ..SHORT[0] };

    fn hear(witness: &mut Witness, from: &str, events: &[&str]) {
        for text in events {
            witness.hear(&Line { from: from.into(), text: (*text).into() });
        }
    }

    const CONFIG: &str = r#"{"event":"config","seat":0,"digest":"aa"}"#;

    #[test]
    fn a_committee_has_shown_all_when_both_kinds_led_and_signed_for_each_other() {
        let mut witness = Witness::of(&MIXED, u64::MAX);
        hear(&mut witness, "go", &[CONFIG, r#"{"event":"transmission","digest":"aa","transmitter":"0x1"}"#]);
        let by_go = r#"{"event":"final","seat":0,"epoch":1,"round":1,"leader":0,"signers":[0,1],"answer":"5"}"#;
        hear(&mut witness, "go", &[by_go]);
        assert_eq!(
            witness.missing(),
            [
                "no report signed by Go for Rust",
                "no epoch led by Rust",
                "no report at oracle 2",
                "no report at oracle 1",
                "no report at oracle 3"
            ]
        );
        let by_rust = r#"{"event":"final","seat":2,"epoch":2,"round":1,"leader":3,"signers":[2,3],"answer":"6"}"#;
        hear(&mut witness, "go", &[by_rust]);
        for oracle in [1, 3] {
            witness.read_log(oracle, "2026 DEBUG node::telling: final report judged at=2/1 accepted=false delay=None");
        }
        assert_eq!(witness.missing(), [""; 0]);
        assert_eq!((witness.led(Go), witness.led(Rust)), (1, 1));
        assert_eq!((witness.signed(Go, Rust), witness.signed(Rust, Go)), (1, 1));
    }

    #[test]
    fn a_signature_is_waited_for_without_end_only_where_a_leader_cannot_do_without() {
        let transmission = r#"{"event":"transmission","digest":"aa","transmitter":"0x1"}"#;
        let is_missing = |committee: &Committee| {
            let mut witness = Witness::of(committee, u64::MAX);
            hear(&mut witness, "go", &[CONFIG]);
            for _ in 0..witness.wanted + CHANCES_MAX {
                hear(&mut witness, "go", &[transmission]);
            }
            witness.missing().iter().any(|what| what == "no report signed by Go for Rust")
        };
        let alone = SHORT.iter().find(|committee| committee.of(Rust).count() == 1 && committee.mixed());
        assert!(!is_missing(&MIXED) && is_missing(alone.expect("three Go and one of ours")));
    }

    #[test]
    fn another_leader_another_answer_and_another_time_are_wrong() {
        let mut witness = Witness::of(&MIXED, u64::MAX);
        let said = [
            r#"{"event":"config","digest":"aa","n":4,"f":1}"#,
            CONFIG,
            r#"{"event":"epoch","seat":0,"epoch":1,"leader":0}"#,
            r#"{"event":"schedule","seat":0,"epoch":1,"round":1,"delays_ns":[[0,0],[1,2000000000]]}"#,
            r#"{"event":"final","seat":0,"epoch":1,"round":1,"leader":0,"signers":[0,1],"answer":"5"}"#,
            r#"{"event":"config","seat":2,"digest":"aa"}"#,
            r#"{"event":"final","seat":2,"epoch":1,"round":1,"leader":0,"signers":[0,1],"answer":"6"}"#,
        ];
        hear(&mut witness, "go", &said);
        let log = "2026  INFO node::telling: running a configuration oracle=\"seat 1\" digest=aa me=1 n=4 f=1\n\
                   2026  INFO node::telling: epoch oracle=\"seat 1\" epoch=1 leader=2\n\
                   2026 DEBUG node::telling: final report judged oracle=\"seat 1\" at=1/1 accepted=true delay=Some(4s)\n";
        log.lines().for_each(|line| witness.read_log(1, line));
        witness.judge();
        let found = |text: &str| witness.wrong.iter().filter(|wrong| wrong.contains(text)).count();
        assert_eq!(found("is 6, others: 5 of 0"), 1, "{:?}", witness.wrong);
        assert_eq!(found("oracle 1 says that 2 leads epoch 1, go said 0"), 1, "{:?}", witness.wrong);
        assert_eq!(found("after 4000000000 ns"), 1, "{:?}", witness.wrong);
        assert_eq!(witness.wrong.len(), 3, "{:?}", witness.wrong);
    }

    #[test]
    fn stale_messages_are_counted_and_faults_and_unknown_warnings_are_wrong() {
        let mut witness = Witness::of(&MIXED, u64::MAX);
        let log = "2026 TRACE node::telling: message not acted on oracle=\"seat 1\" from=0 refusal=stale: epoch 5, we are in 6\n\
                   2026 TRACE node::telling: message not acted on oracle=\"seat 1\" from=0 refusal=stale: epoch 6, we are in 7\n\
                   2026  WARN node::telling: a peer is faulty oracle=\"seat 1\" from=0 fault=not leader\n\
                   2026  WARN node::run: 1.json: a seat file holds unencrypted keys: it is for development chains\n";
        log.lines().for_each(|line| witness.read_log(1, line));
        assert_eq!(witness.stale, BTreeMap::from([("stale: epoch , we are in ".to_owned(), 2)]));
        assert_eq!(witness.wrong.len(), 1);
        assert!(witness.wrong[0].contains("a peer is faulty"));
    }

    #[test]
    fn a_go_warning_without_a_usual_reason_is_wrong_unless_everything_ends() {
        let mut witness = Witness::of(&MIXED, u64::MAX);
        let usual = r#"{"event":"warning","message":"m","count":2,"usual":"a peer is not up yet"}"#;
        let other = r#"{"event":"warning","message":"m","count":1}"#;
        hear(&mut witness, "go", &[usual, other]);
        assert_eq!((witness.usual["m"], witness.wrong.len()), (2, 1));
        witness.freeze();
        hear(&mut witness, "go", &[other]);
        assert_eq!(witness.wrong.len(), 1);
    }

    #[test]
    fn a_silent_refusal_that_honest_networks_do_not_show_is_wrong() {
        let mut witness = Witness::of(&MIXED, u64::MAX);
        witness.freeze();
        let counts = r#"{"Got MessageObserve for wrong round":2,"Dialing":5,"dropping invalid MessageX":1}"#;
        hear(&mut witness, "go", &[&format!(r#"{{"event":"summary","seat":0,"logged":{{"debug":{counts}}}}}"#)]);
        assert_eq!(witness.silent.values().sum::<u64>(), 3);
        assert_eq!(witness.wrong, ["go refused 1 times: dropping invalid MessageX"]);
    }

    #[test]
    fn a_configuration_that_nobody_set_is_wrong() {
        let mut witness = Witness::of(&MIXED, u64::MAX);
        hear(&mut witness, "maker", &[r#"{"event":"config","digest":"bb","n":4,"f":1}"#]);
        hear(&mut witness, "go", &[CONFIG]);
        assert!(!witness.configured());
        witness.judge();
        assert_eq!(witness.wrong, ["go named configuration aa, but these were set: [\"bb\"]"]);
    }

    #[test]
    fn what_is_said_of_a_liar_is_counted_and_what_is_said_of_others_is_wrong() {
        let lied_to = Committee { liar: Some((2, Lie::ObservationSignature)), ..MIXED };
        let mut witness = Witness::of(&lied_to, u64::MAX);
        let told = r#"{"event":"warning","seat":0,"message":"MessageObserve carries invalid SignedObservation"}"#;
        let by_liar = r#"{"event":"warning","seat":2,"message":"anything"}"#;
        hear(&mut witness, "go", &[told, by_liar, r#"{"event":"lie","seat":2,"kind":"observation-signature"}"#]);
        let fault = "fault=the signature of the observation does not hold";
        witness.read_log(1, &format!("2026 WARN node::telling: a peer is faulty from=2 {fault}"));
        assert_eq!((witness.complaints.len(), witness.lies, witness.wrong.len()), (2, 1, 0));
        witness.read_log(1, &format!("2026 WARN node::telling: a peer is faulty from=0 {fault}"));
        assert_eq!(witness.wrong.len(), 1);
    }

    #[test]
    fn durations_are_read_as_they_are_printed() {
        let cases = ["0ns", "1.5ms", "6s", "2.25s", "s", "6 s"].map(nanoseconds);
        assert_eq!(cases, [Some(0), Some(1_500_000), Some(6_000_000_000), Some(2_250_000_000), None, None]);
    }
}
