//! What happens to a committee that works, and that it goes on working.

use crate::committee::{Change, Fault, Kind};
use crate::process::Line;
use crate::tail::Tail;
use crate::trial::{Trial, name};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

/// Transmissions that must come while an oracle is missing, and after a change of configuration.
const WITHOUT: u64 = 3;
/// Rounds that had begun when the committee was split may still end.
const SETTLES_WITHIN: Duration = Duration::from_secs(5);
/// How long it stays split after that.
const SPLIT_FOR: Duration = Duration::from_secs(20);

impl Trial<'_, '_> {
    /// Lets something happen, and looks that the committee bears it.
    pub(crate) fn bear(&mut self, fault: Fault) -> Result<(), String> {
        let told = |why| format!("{fault:?}: {why}");
        let begun = (Instant::now(), self.witness.transmissions);
        match fault {
            Fault::Kill(kind) => self.kill(self.last_of(kind)?),
            Fault::KillLeader(kind) => {
                let seats = self.committee.seats;
                let leads = |seat: u8| seats.get(usize::from(seat)) == Some(&kind);
                self.until("a leader of this kind", |witness| witness.leader_now().is_some_and(leads)).map_err(told)?;
                self.kill(self.witness.leader_now().ok_or("nobody leads")?)
            }
            Fault::Freeze(kind) => self.freeze(self.last_of(kind)?),
            Fault::CutOff => self.cut_off(),
            Fault::Split => self.split(),
            Fault::Configure(by, change) => self.configure(by, change),
        }
        .map_err(told)?;
        let (seconds, transmissions) = (begun.0.elapsed().as_secs(), self.witness.transmissions - begun.1);
        self.witness.borne.push(format!("{fault:?} ({transmissions} transmissions, {seconds} s)"));
        Ok(())
    }

    fn last_of(&self, kind: Kind) -> Result<u8, String> {
        self.committee.of(kind).last().ok_or_else(|| format!("nobody is {}", kind.name()))
    }

    /// Waits for some transmissions more.
    fn transmissions_without(&mut self, seat: u8) -> Result<(), String> {
        let enough = self.witness.transmissions + WITHOUT;
        self.until(&format!("transmissions without oracle {seat}"), |witness| witness.transmissions >= enough)
    }

    /// Waits until an oracle is of use again.
    fn is_back(&mut self, seat: u8) -> Result<(), String> {
        let (contributions, finals) = (self.witness.contributions(seat), self.witness.finals(seat));
        self.until(&format!("oracle {seat}, back, signing or leading"), |witness| {
            witness.finals(seat) > finals && witness.contributions(seat) > contributions
        })
    }

    fn kill(&mut self, seat: u8) -> Result<(), String> {
        if let Some(process) = self.running.remove(&name(self.places[usize::from(seat)])) {
            process.kill();
        }
        self.transmissions_without(seat)?;
        self.sit_down(seat)?;
        self.is_back(seat)
    }

    fn freeze(&mut self, seat: u8) -> Result<(), String> {
        let name = name(self.places[usize::from(seat)]);
        let process = self.running.get(&name).ok_or("it does not run")?;
        process.freeze()?;
        self.transmissions_without(seat)?;
        let process = self.running.get(&name).ok_or("it does not run")?;
        process.thaw()?;
        self.is_back(seat)
    }

    fn part(&self, seats: &[u8]) -> Result<(), String> {
        let oracles: Vec<u8> = seats.iter().map(|seat| self.places[usize::from(*seat)]).collect();
        self.relays.as_ref().ok_or("there are no relays")?.part(&oracles);
        Ok(())
    }

    fn cut_off(&mut self) -> Result<(), String> {
        let last = u8::try_from(self.committee.seats.len() - 1).map_err(|error| error.to_string())?;
        self.part(&[last])?;
        // What was on its way may still arrive.
        self.wait(SETTLES_WITHIN)?;
        let finals = self.witness.finals(last);
        self.transmissions_without(last)?;
        if self.witness.finals(last) != finals {
            return Err(format!("oracle {last} heard of rounds, cut off as it was"));
        }
        self.part(&[])?;
        self.is_back(last)
    }

    fn split(&mut self) -> Result<(), String> {
        let half = u8::try_from(self.committee.seats.len() / 2).map_err(|error| error.to_string())?;
        // Not by kind: the halves are mixed.
        let side: Vec<u8> = (0..half).map(|seat| seat * 2).collect();
        self.part(&side)?;
        self.wait(SETTLES_WITHIN)?;
        let finished = self.witness.finished();
        self.wait(SPLIT_FOR)?;
        if self.witness.finished() != finished {
            return Err("a round was finished by half of the committee".into());
        }
        self.part(&[])?;
        (0..).take(self.committee.seats.len()).try_for_each(|seat| self.is_back(seat))
    }

    fn wait(&mut self, time: Duration) -> Result<(), String> {
        let begun = Instant::now();
        while begun.elapsed() < time {
            self.listen()?;
        }
        Ok(())
    }

    fn configure(&mut self, by: Kind, change: Change) -> Result<(), String> {
        let mut leaves = None;
        let mut flags: Vec<String> = Vec::new();
        match change {
            // Every timer is another one, and so is the length of an epoch.
            Change::Timers => {
                let flag = |flags: &[&str]| flags.iter().map(|flag| (*flag).to_owned()).collect::<Vec<_>>();
                flags.extend(flag(&["--delta-round", "1300ms", "--delta-grace", "200ms", "--delta-progress", "12s"]));
                flags.extend(flag(&["--delta-resend", "2s", "--delta-stage", "3s", "--r-max", "3"]));
            }
            Change::Faulty(f) => flags.extend(["--f".to_owned(), f.to_string()]),
            Change::Swap(kind) => {
                let seat = self.last_of(kind)?;
                // Spares have the numbers after those of the first committee.
                let oracle = self.places.iter().max().map_or(0, |last| last + 1);
                leaves = Some((seat, std::mem::replace(&mut self.places[usize::from(seat)], oracle)));
            }
        }
        if let Some((_, oracle)) = leaves {
            self.witness.left.push(name(oracle));
        }
        match by {
            Kind::Go => self.configure_with_go(flags)?,
            Kind::Rust => self.configure_with_rust(flags)?,
        }
        let mut former = None;
        if let Some((seat, _)) = leaves {
            if self.committee.seats[usize::from(seat)] == Kind::Rust {
                let log = self.committee.log(self.folder, self.places[usize::from(seat)]);
                former = self.logs.insert(seat, Tail::of(log));
            }
            self.sit_down(seat)?;
        }
        self.until("everybody in the new configuration", |witness| witness.configured())?;
        if let Some((_, oracle)) = leaves {
            let process = self.running.remove(&name(oracle)).ok_or("who leaves does not run")?;
            process.signal()?;
            process.ended()?;
        }
        if let Some(mut log) = former {
            // It must have seen that it is out, and nothing else that is worth a warning.
            let worth = |line: &String| line.contains(" WARN ") || line.contains(" ERROR ");
            let said: Vec<String> = log.lines()?.into_iter().filter(worth).collect();
            if said.len() != 1 || !said[0].contains("the contract's configuration cannot be run") {
                return Err(format!("who left the committee said {said:?}"));
            }
        }
        let mixed = self.committee.mixed();
        self.until("leaders and transmissions of the new configuration", |witness| {
            let led = !mixed || (witness.led_under_present(Kind::Go) && witness.led_under_present(Kind::Rust));
            led && witness.under_present() >= WITHOUT
        })
    }

    /// The reference's helper. It says itself which digest it set.
    fn configure_with_go(&mut self, flags: Vec<String>) -> Result<(), String> {
        let places: Vec<String> = self.places.iter().map(u8::to_string).collect();
        let mut command = self.go("network");
        command.arg("configure").arg(self.folder.join("network")).args(["--committee", &places.join(",")]).args(flags);
        for text in self.done("network configure", command)?.lines() {
            self.witness.hear(&Line { from: "network configure".into(), text: text.into() });
        }
        Ok(())
    }

    /// Our tool, with the same owner's key.
    fn configure_with_rust(&mut self, flags: Vec<String>) -> Result<(), String> {
        let network = self.folder.join("network");
        let io = |error: std::io::Error| format!("{}: {error}", network.display());
        let read = |file: &str| -> Result<Value, String> {
            let text = fs::read_to_string(network.join(file)).map_err(io)?;
            serde_json::from_str(&text).map_err(|error| format!("{file}: {error}"))
        };
        let (plan, keys) = (read("network.json")?, read("keys.json")?);
        let text =
            |value: &Value| value.as_str().map(str::to_owned).ok_or("network.json or keys.json is of another form");
        let identities: Vec<&Value> =
            self.places.iter().map(|oracle| &plan["oracles"][usize::from(*oracle)]["identity"]).collect();
        let (owner, list, made) = (network.join("owner"), network.join("identities.json"), network.join("made.json"));
        fs::write(&list, Value::from_iter(identities.into_iter().cloned()).to_string()).map_err(io)?;
        fs::write(&owner, text(&keys["owner_secp256k1_secret"])?).map_err(io)?;
        fs::set_permissions(&owner, fs::Permissions::from_mode(0o600)).map_err(io)?;

        let mut command = self.dodona();
        command.args(["ocr2", "config", "make", "--identities"]).arg(&list);
        command.args(["--min-answer", &text(&plan["config"]["min_answer"])?]);
        command.args(["--max-answer", &text(&plan["config"]["max_answer"])?]);
        // What the network began with, where the change says nothing else.
        let has = |flag: &str| flags.iter().any(|known| known == flag);
        for (flag, value) in [("--delta-round", "1s"), ("--delta-progress", "10s"), ("--r-max", "2")] {
            if !has(flag) {
                command.args([flag, value]);
            }
        }
        command.args(flags);
        fs::write(&made, self.done("ocr2 config make", command)?).map_err(io)?;

        let mut command = self.dodona();
        command.args(["ocr2", "config", "set"]).arg(&made).args(["--rpc-url", &self.rpc]);
        command.args(["--contract", &text(&plan["chain"]["aggregator"])?]);
        command.arg("--key").arg(format!("file:{}", owner.display()));
        let answer = self.done("ocr2 config set", command)?;
        let answer: Value = serde_json::from_str(&answer).map_err(|error| format!("ocr2 config set: {error}"))?;
        self.witness.expect(answer["digest"].as_str().unwrap_or_default());
        Ok(())
    }
}
