//! The options of `dodona devnet`, and the faults that a person may order. What they do is in `devnet`.

use crate::bad_input::BadInput;
use crate::config::url_of;
use crate::key_source::KeySource;
use clap::Args;
use pipeline::{Decimal, format_duration, parse_duration};
use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;
use url::Url;

/// What a development network is made of and how long it runs, as given on the command line and checked by
/// [`DevnetArgs::check`].
#[derive(Clone, Debug)]
pub struct DevnetOptions {
    /// Committee size, 4 to 31.
    pub oracles: u8,
    /// How many of them may be faulty: (n-1)/3.
    pub f: u8,
    /// Stop after so many accepted transmissions, and after every scheduled fault.
    pub rounds: Option<u64>,
    /// How long `rounds` may take.
    pub timeout: Duration,
    /// One JSON object per line on stdout.
    pub json: bool,
    /// A recorded market file in place of the one inside.
    pub data: Option<PathBuf>,
    /// Replayed seconds per second.
    pub speed: f64,
    /// Unix seconds of the replay's first moment; the file's default if absent.
    pub start: Option<u64>,
    /// How often the embedded chain mines.
    pub block_time: Duration,
    /// The protocol's timers.
    pub timers: Timers,
    /// The chain: embedded or foreign.
    pub chain: ChainChoice,
    /// The aggregator to deploy.
    pub contract: ContractChoice,
    /// What shall go wrong.
    pub faults: Vec<Fault>,
    /// Seats that others take.
    pub foreign: BTreeSet<u8>,
    /// Where keys, stores, job files and logs are left.
    pub keep: Option<PathBuf>,
    /// Each oracle in a process of its own.
    pub processes: bool,
    /// Where the nodes listen: here and above, where ports are free.
    pub peer_port: u16,
}

/// The protocol's timers, all scaled with DeltaRound.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timers {
    pub delta_round: Duration,
    pub delta_grace: Duration,
    pub delta_progress: Duration,
    pub delta_resend: Duration,
    pub delta_stage: Duration,
    pub r_max: u8,
}

impl Timers {
    /// Grace is a tenth of a round, progress four, resend one, a stage two. Progress and resend keep the least that a
    /// configuration may have (OCR2 spec 3.3, rule 13).
    fn scaled(delta_round: Duration, r_max: u8) -> Timers {
        const LEAST: Duration = Duration::from_millis(200);
        Timers {
            delta_round,
            delta_grace: delta_round / 10,
            delta_progress: (delta_round * 4).max(LEAST),
            delta_resend: delta_round.max(LEAST),
            delta_stage: delta_round * 2,
            r_max,
        }
    }
}

/// Which chain the network lives on.
#[derive(Clone, Debug)]
pub enum ChainChoice {
    /// Made in this process.
    Embedded,
    /// A JSON-RPC node that runs already. Without a key, an account pays that the node has unlocked.
    Foreign { url: Url, deployer_key: Option<KeySource> },
}

/// Which aggregator is deployed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ContractChoice {
    /// The one of this project.
    Own,
    /// Creation bytecode and ABI from a Foundry-style JSON file.
    File(PathBuf),
}

/// Something that goes wrong on purpose.
#[derive(Clone, PartialEq, Debug)]
pub enum Fault {
    /// `1:stop@10s`: these oracles are killed.
    Stop { oracles: BTreeSet<u8>, at: Duration },
    /// `1:restart@10s`: these oracles start again, killed before if they run.
    Restart { oracles: BTreeSet<u8>, at: Duration },
    /// `2:price*1.5`: these oracles see wrong prices.
    Price { oracles: BTreeSet<u8>, factor: Decimal },
    /// `2:silent-leader`: these oracles are silent when they lead.
    SilentLeader { oracles: BTreeSet<u8> },
    /// `0-1/2-3:partition@10s..20s`: the two sides do not hear each other.
    Partition { left: BTreeSet<u8>, right: BTreeSet<u8>, from: Duration, until: Duration },
}

const FAULT_FORMS: &str =
    "wanted 1:stop@10s, 1:restart@10s, 2:price*1.5, 2:silent-leader or 0-1/2-3:partition@10s..20s";

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Fault, String> {
        let (who, what) = text.split_once(':').ok_or(FAULT_FORMS)?;
        if let Some(span) = what.strip_prefix("partition@") {
            let (left, right) = who.split_once('/').ok_or("a partition has two sides, such as 0-1/2-3")?;
            let (left, right) = (seats(left)?, seats(right)?);
            if let Some(both) = left.intersection(&right).next() {
                return Err(format!("oracle {both} is on both sides"));
            }
            let (from, until) = span.split_once("..").ok_or("a partition begins and ends, such as @10s..20s")?;
            let (from, until) = (parse_duration(from)?, parse_duration(until)?);
            if from >= until {
                return Err(format!("a partition ends after it begins, got {span}"));
            }
            return Ok(Fault::Partition { left, right, from, until });
        }
        let oracles = seats(who)?;
        if let Some(at) = what.strip_prefix("stop@") {
            return Ok(Fault::Stop { oracles, at: parse_duration(at)? });
        }
        if let Some(at) = what.strip_prefix("restart@") {
            return Ok(Fault::Restart { oracles, at: parse_duration(at)? });
        }
        if let Some(factor) = what.strip_prefix("price*") {
            let factor = factor.parse().map_err(|_| format!("{factor:?} is no number to multiply a price with"))?;
            return Ok(Fault::Price { oracles, factor });
        }
        if what == "silent-leader" {
            return Ok(Fault::SilentLeader { oracles });
        }
        Err(FAULT_FORMS.into())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |oracles: &BTreeSet<u8>| oracles.iter().map(u8::to_string).collect::<Vec<_>>().join(",");
        match self {
            Fault::Stop { oracles, at } => write!(f, "{}:stop@{}", list(oracles), format_duration(*at)),
            Fault::Restart { oracles, at } => write!(f, "{}:restart@{}", list(oracles), format_duration(*at)),
            Fault::Price { oracles, factor } => write!(f, "{}:price*{factor}", list(oracles)),
            Fault::SilentLeader { oracles } => write!(f, "{}:silent-leader", list(oracles)),
            Fault::Partition { left, right, from, until } => {
                let [from, until] = [from, until].map(|time| format_duration(*time));
                write!(f, "{}/{}:partition@{from}..{until}", list(left), list(right))
            }
        }
    }
}

impl Fault {
    /// Every oracle that it names.
    pub fn oracles(&self) -> BTreeSet<u8> {
        match self {
            Fault::Stop { oracles, .. }
            | Fault::Restart { oracles, .. }
            | Fault::Price { oracles, .. }
            | Fault::SilentLeader { oracles } => oracles.clone(),
            Fault::Partition { left, right, .. } => left | right,
        }
    }

    /// When it has happened altogether.
    pub fn over_at(&self) -> Duration {
        match self {
            Fault::Stop { at, .. } | Fault::Restart { at, .. } => *at,
            Fault::Price { .. } | Fault::SilentLeader { .. } => Duration::ZERO,
            Fault::Partition { until, .. } => *until,
        }
    }
}

/// Seat numbers: `2`, `0-1`, `0,2-4`.
fn seats(text: &str) -> Result<BTreeSet<u8>, String> {
    let number = |text: &str| text.parse::<u8>().map_err(|_| format!("{text:?} is no oracle's number"));
    let mut seats = BTreeSet::new();
    for part in text.split(',') {
        let (first, last) = match part.split_once('-') {
            Some((first, last)) => (number(first)?, number(last)?),
            None => (number(part)?, number(part)?),
        };
        if first > last {
            return Err(format!("{part} goes backwards"));
        }
        seats.extend(first..=last);
    }
    Ok(seats)
}

/// `dodona devnet` as clap reads it.
#[derive(Clone, Debug, Args)]
pub struct DevnetArgs {
    /// Committee size, 4 to 31; (N-1)/3 of them may be faulty
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(4..=31))]
    oracles: u8,

    /// Stop with exit code 0 after K transmissions accepted by the contract and every scheduled fault
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u64).range(1..))]
    rounds: Option<u64>,

    /// With --rounds: exit code 1 if they do not come within this time from the start of the oracles
    #[arg(long, value_name = "D", default_value = "120s", requires = "rounds", value_parser = positive)]
    timeout: Duration,

    /// One JSON object per line on stdout instead of the live view
    #[arg(long)]
    json: bool,

    /// Recorded market file (CSV) instead of the one inside
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,

    /// Replay the market at X times wall time
    #[arg(long, value_name = "X", default_value_t = 60.0, value_parser = speed)]
    speed: f64,

    /// Replay from T, RFC 3339 or unix seconds [default: 2023-03-11T07:00:00Z, or the first minute of --data]
    #[arg(long, value_name = "T", value_parser = market::parse_start)]
    start: Option<u64>,

    /// The embedded chain mines every D, also when there is nothing to mine
    #[arg(long, value_name = "D", default_value = "1s", value_parser = block_time)]
    block_time: Duration,

    /// The protocol's DeltaRound; its other timers scale with it
    #[arg(long, value_name = "D", default_value = "1s", value_parser = delta_round)]
    delta_round: Duration,

    /// Rounds per epoch
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u8).range(1..=254))]
    r_max: u8,

    /// Use this JSON-RPC node (anvil, geth) in place of the embedded chain
    #[arg(long, value_name = "URL")]
    chain_url: Option<String>,

    /// With --chain-url: whose funds to use, file:PATH or env:NAME of a private key [default: an unlocked account]
    #[arg(long, value_name = "file:PATH|env:NAME")]
    deployer_key: Option<String>,

    /// The aggregator to deploy: ours, or creation bytecode and ABI in a Foundry-style JSON file
    #[arg(long, value_name = "own|FILE", default_value = "own")]
    contract: String,

    /// Break something; may repeat: 1:stop@10s, 1:restart@10s, 2:price*1.5, 2:silent-leader, 0-1/2-3:partition@10s..20s
    #[arg(long = "fault", value_name = "SPEC")]
    faults: Vec<Fault>,

    /// Leave these seats (such as 2,3) empty for other implementations: a seat file for each in DIR/foreign (see --keep)
    #[arg(long, value_name = "SEATS", value_parser = seats)]
    foreign: Option<Seats>,

    /// Keep keys, stores, job files and logs in DIR, and print how each oracle is started again by hand
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,

    /// Each oracle as an operating-system process of its own
    #[arg(long)]
    processes: bool,

    /// The nodes listen for their peers on this port and above, where ports are free
    #[arg(long, value_name = "PORT", default_value_t = 6690, value_parser = clap::value_parser!(u16).range(1..))]
    peer_port: u16,
}

// clap takes a set for many values of one option unless it is named.
type Seats = BTreeSet<u8>;

fn positive(text: &str) -> Result<Duration, String> {
    match parse_duration(text)? {
        Duration::ZERO => Err("wanted more than nothing".into()),
        duration => Ok(duration),
    }
}

fn between(text: &str, low: Duration, high: Duration) -> Result<Duration, String> {
    let duration = parse_duration(text)?;
    if low <= duration && duration <= high {
        return Ok(duration);
    }
    Err(format!("wanted {} to {}", format_duration(low), format_duration(high)))
}

fn block_time(text: &str) -> Result<Duration, String> {
    between(text, Duration::from_millis(10), Duration::from_secs(600))
}

fn delta_round(text: &str) -> Result<Duration, String> {
    between(text, Duration::from_millis(10), Duration::from_secs(3600))
}

fn speed(text: &str) -> Result<f64, String> {
    let max = market::limits::SPEED_MAX;
    match text.parse::<f64>() {
        Ok(speed) if speed > 0.0 && speed <= max => Ok(speed),
        _ => Err(format!("wanted a number above 0, at most {max}")),
    }
}

impl DevnetArgs {
    /// Checks what one option alone does not show.
    pub fn check(self) -> Result<DevnetOptions, BadInput> {
        let n = self.oracles;
        for fault in &self.faults {
            if let Some(unknown) = fault.oracles().into_iter().find(|oracle| *oracle >= n) {
                let problem = format!("{fault} names oracle {unknown}, but there are only 0 to {}", n - 1);
                return Err(BadInput::new(problem).at("--fault").remedy("correct the number, or raise --oracles"));
            }
        }
        let foreign = self.foreign.unwrap_or_default();
        if let Some(unknown) = foreign.iter().find(|seat| **seat >= n) {
            let problem = format!("there is no seat {unknown}, only 0 to {}", n - 1);
            return Err(BadInput::new(problem).at("--foreign").remedy("correct the number, or raise --oracles"));
        }
        for fault in &self.faults {
            let Some(seat) = fault.oracles().intersection(&foreign).next().copied() else { continue };
            match fault {
                // What a foreign oracle sees and whom it hears is in our hands; what it does is not.
                Fault::Price { .. } | Fault::Partition { .. } => {}
                Fault::Stop { .. } | Fault::Restart { .. } | Fault::SilentLeader { .. } => {
                    let problem = format!("{fault} wants to control seat {seat}, which --foreign gives to others");
                    return Err(BadInput::new(problem).at("--fault").remedy("leave out one of the two"));
                }
            }
        }
        if !foreign.is_empty() && self.keep.is_none() {
            return Err(BadInput::new("seat files need a folder").at("--foreign").remedy("add --keep DIR"));
        }
        Ok(DevnetOptions {
            oracles: n,
            f: (n - 1) / 3,
            rounds: self.rounds,
            timeout: self.timeout,
            json: self.json,
            data: self.data,
            speed: self.speed,
            start: self.start,
            block_time: self.block_time,
            timers: Timers::scaled(self.delta_round, self.r_max),
            chain: chain_choice(self.chain_url.as_deref(), self.deployer_key.as_deref())?,
            contract: match &*self.contract {
                "own" => ContractChoice::Own,
                path => ContractChoice::File(path.into()),
            },
            faults: self.faults,
            foreign,
            keep: self.keep,
            processes: self.processes,
            peer_port: self.peer_port,
        })
    }
}

fn chain_choice(url: Option<&str>, deployer_key: Option<&str>) -> Result<ChainChoice, BadInput> {
    let deployer_key = deployer_key.map(str::parse::<KeySource>).transpose();
    let deployer_key = deployer_key.map_err(|problem| problem.at("--deployer-key"))?;
    let Some(url) = url else {
        return match deployer_key {
            None => Ok(ChainChoice::Embedded),
            Some(_) => {
                Err(BadInput::new("the embedded chain funds itself").at("--deployer-key").remedy("add --chain-url"))
            }
        };
    };
    let url = url_of(url, &["http", "https"]).map_err(|problem| {
        BadInput::new(problem)
            .at("--chain-url")
            .remedy("give the HTTP URL of a JSON-RPC node, such as http://127.0.0.1:8545")
    })?;
    Ok(ChainChoice::Foreign { url, deployer_key })
}

impl DevnetOptions {
    /// Moments at which more oracles are faulty than the committee bears, in words.
    pub fn warnings(&self) -> Vec<String> {
        let mut moments: Vec<Duration> = self.faults.iter().map(begins_at).collect();
        moments.sort();
        moments.dedup();
        let mut warnings = Vec::new();
        for moment in moments {
            let faulty = self.faulty_at(moment);
            if faulty.len() > usize::from(self.f) {
                let list: Vec<String> = faulty.iter().map(u8::to_string).collect();
                warnings.push(format!(
                    "from {} on oracles {} are faulty: {} of {}, more than f = {}, so nothing is promised",
                    format_duration(moment),
                    list.join(", "),
                    faulty.len(),
                    self.oracles,
                    self.f
                ));
            }
        }
        warnings
    }

    fn faulty_at(&self, moment: Duration) -> BTreeSet<u8> {
        let mut faulty = BTreeSet::new();
        // What stops or starts an oracle counts in the order of time, a restart after a stop at the same moment.
        let mut switches: Vec<(Duration, bool, &BTreeSet<u8>)> = Vec::new();
        for fault in &self.faults {
            match fault {
                Fault::Stop { oracles, at } => switches.push((*at, false, oracles)),
                Fault::Restart { oracles, at } => switches.push((*at, true, oracles)),
                Fault::Price { oracles, .. } | Fault::SilentLeader { oracles } => faulty.extend(oracles),
                Fault::Partition { left, right, from, until } if (*from..*until).contains(&moment) => {
                    faulty.extend(if left.len() < right.len() { left } else { right });
                }
                Fault::Partition { .. } => {}
            }
        }
        switches.sort_by_key(|(at, starts, _)| (*at, *starts));
        let mut stopped = BTreeSet::new();
        for (_, starts, oracles) in switches.into_iter().filter(|(at, ..)| *at <= moment) {
            for oracle in oracles {
                if starts {
                    stopped.remove(oracle)
                } else {
                    stopped.insert(*oracle)
                };
            }
        }
        faulty.extend(stopped);
        faulty
    }
}

fn begins_at(fault: &Fault) -> Duration {
    match fault {
        Fault::Stop { at, .. } | Fault::Restart { at, .. } => *at,
        Fault::Price { .. } | Fault::SilentLeader { .. } => Duration::ZERO,
        Fault::Partition { from, .. } => *from,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        devnet: DevnetArgs,
    }

    fn check(line: &str) -> Result<DevnetOptions, String> {
        let words = std::iter::once("devnet").chain(line.split_whitespace());
        let parsed = Line::try_parse_from(words).map_err(|error| error.to_string())?;
        parsed.devnet.check().map_err(|problem| problem.to_string())
    }

    #[test]
    fn the_defaults_are_those_of_the_manual() {
        let options = check("").unwrap();
        assert_eq!((options.oracles, options.f, options.rounds, options.timeout.as_secs()), (4, 1, None, 120));
        assert_eq!((options.speed, options.start, options.block_time.as_secs()), (60.0, None, 1));
        let ms = Duration::from_millis;
        let timers = Timers {
            delta_round: ms(1000),
            delta_grace: ms(100),
            delta_progress: ms(4000),
            delta_resend: ms(1000),
            delta_stage: ms(2000),
            r_max: 10,
        };
        assert_eq!(options.timers, timers);
        assert!(matches!(options.chain, ChainChoice::Embedded));
        assert_eq!(options.contract, ContractChoice::Own);
    }

    #[test]
    fn small_rounds_keep_timers_that_a_configuration_may_have() {
        let timers = check("--delta-round 40ms").unwrap().timers;
        assert_eq!(
            (timers.delta_progress, timers.delta_resend),
            (Duration::from_millis(200), Duration::from_millis(200))
        );
        assert_eq!(timers.delta_grace, Duration::from_millis(4));
    }

    #[test]
    fn every_option_is_read() {
        let options = check(
            "--oracles 7 --rounds 5 --timeout 30s --json --data d.csv --speed 1.5 --start 2023-03-11T07:00:00Z --block-time 250ms \
             --delta-round 500ms --r-max 3 --chain-url http://127.0.0.1:8545 --deployer-key env:KEY --contract c.json \
             --fault 1:stop@10s --fault 2:price*1.5 --foreign 3,5-6 --keep k --processes",
        )
        .unwrap();
        assert_eq!((options.oracles, options.f, options.rounds), (7, 2, Some(5)));
        assert_eq!((options.start, options.speed), (Some(1_678_518_000), 1.5));
        assert!(
            matches!(&options.chain, ChainChoice::Foreign { deployer_key: Some(KeySource::Environment(name)), .. } if name == "KEY")
        );
        assert_eq!(options.contract, ContractChoice::File("c.json".into()));
        assert_eq!(options.foreign, BTreeSet::from([3, 5, 6]));
        assert_eq!(options.faults.len(), 2);
        assert!(options.json && options.processes);
        assert_eq!(check("--start 1678518000").unwrap().start, Some(1_678_518_000));
        let file = check("--chain-url http://a --deployer-key file:k").unwrap();
        assert!(
            matches!(&file.chain, ChainChoice::Foreign { deployer_key: Some(KeySource::File(path)), .. } if path.as_os_str() == "k")
        );
    }

    #[test]
    fn every_fault_of_the_manual_is_read() {
        for text in ["1:stop@10s", "1:restart@10s", "2:price*1.5", "2:silent-leader", "0,1/2,3:partition@10s..20s"] {
            assert_eq!(text.parse::<Fault>().unwrap().to_string(), text);
        }
        let partition: Fault = "0-1/2-3:partition@10s..20s".parse().unwrap();
        assert_eq!(partition.to_string(), "0,1/2,3:partition@10s..20s");
        assert_eq!(partition.over_at(), Duration::from_secs(20));
        for bad in [
            "stop@10s",
            "x:stop@10s",
            "1:stop",
            "1:stop@",
            "1:stop@10",
            "1:price*x",
            "1:sleep",
            "0:partition@1s..2s",
            "0/1:partition@2s..1s",
            "0-1/1-2:partition@1s..2s",
            "3-1:silent-leader",
            "300:silent-leader",
            "",
        ] {
            assert!(bad.parse::<Fault>().is_err(), "{bad}");
        }
    }

    #[test]
    fn bad_options_are_refused_with_the_reason() {
        for (line, said) in [
            ("--oracles 3", "3 is not in 4..=31"),
            ("--oracles 32", "32 is not in 4..=31"),
            ("--speed 0", "wanted a number above 0"),
            ("--start yesterday", "is not a time"),
            ("--block-time 1", "a number with a unit"),
            ("--r-max 255", "255 is not in 1..=254"),
            ("--timeout 0s", "wanted more than nothing"),
            ("--timeout 9s", "--rounds <K>"),
            ("--fault 1:explode", "wanted 1:stop@10s"),
            ("--fault 4:stop@1s", "4:stop@1s names oracle 4, but there are only 0 to 3"),
            ("--foreign 4 --keep k", "there is no seat 4, only 0 to 3"),
            ("--foreign 3", "seat files need a folder; add --keep DIR"),
            ("--foreign 3 --keep k --fault 3:stop@1s", "wants to control seat 3"),
            ("--chain-url ws://x", "--chain-url: a URL with scheme \"ws\""),
            ("--deployer-key env:K", "add --chain-url"),
            ("--rounds 0", "0 is not in 1.."),
        ] {
            let error = check(line).unwrap_err();
            assert!(error.contains(said), "{line}: {error}");
        }
        let error = check("--chain-url http://a --deployer-key 0x4646464646").unwrap_err();
        assert!(error.contains("wanted file:PATH or env:NAME") && !error.contains("4646"), "{error}");
    }

    #[test]
    fn more_faults_than_the_committee_bears_are_warned_of() {
        assert!(check("--fault 1:stop@5s --fault 1:restart@9s --fault 2:stop@9s").unwrap().warnings().is_empty());
        let warnings = check("--fault 1:stop@5s --fault 2:price*2 --fault 1:restart@9s").unwrap().warnings();
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].starts_with("from 5s on oracles 1, 2 are faulty: 2 of 4, more than f = 1"), "{warnings:?}");
        assert_eq!(check("--fault 0-1/2-3:partition@10s..20s").unwrap().warnings().len(), 1);
        assert!(check("--fault 0/1-3:partition@10s..20s").unwrap().warnings().is_empty());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_fault_that_reads_back_or_none(text in "[0-9,/:@.*a-z-]{0,30}") {
            if let Ok(fault) = text.parse::<Fault>() {
                proptest::prop_assert_eq!(fault.to_string().parse::<Fault>(), Ok(fault));
            }
        }
    }
}
