//! What goes wrong in one world, and when: drawn from the seed before the world begins, so that it can be read.

use crate::endpoint::Health;
use crate::network::{CALM, Weather};
use crate::rng::Rng;
use liars::Lie;
use std::fmt;

/// Nanoseconds in a second.
pub const SECOND: u64 = 1_000_000_000;

/// How long a world lives.
pub const WORLD_LENGTH: u64 = 60 * SECOND;

/// From then on nothing goes wrong any more, and the feed must go on.
const MENDED_AT: u64 = 40 * SECOND;

/// A world's misfortunes.
#[derive(Clone, Debug)]
pub struct Plan {
    pub n: usize,
    /// Which oracles lie, and how; at most f.
    pub liars: Vec<(usize, Lie)>,
    /// In ascending order of time, nanoseconds from the start.
    pub faults: Vec<(u64, Fault)>,
    /// From then on nothing goes wrong.
    pub mended_at: u64,
    /// Wall clocks are so far apart at most, nanoseconds.
    pub skew_max: u64,
    /// Messages travel as bytes, through the codec, and not as values.
    pub bytes: bool,
}

/// One thing that goes wrong, or is mended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    Weather(Weather),
    Split(Vec<usize>),
    Cut {
        from: usize,
        to: usize,
    },
    Heal,
    /// The process dies between the effects `after` and `after + 1` that it performs from that moment on.
    Crash {
        oracle: usize,
        after: u32,
        from: Moment,
    },
    Restart {
        oracle: usize,
    },
    /// Writes fail from now on; the process must stop by itself.
    DiskFails {
        oracle: usize,
    },
    DiskMended {
        oracle: usize,
    },
    /// How the oracle's chain endpoint behaves from now on.
    Endpoint {
        oracle: usize,
        health: Health,
    },
    /// The oracle's source gives the true price times this, in per cent; zero: it does not answer.
    Source {
        oracle: usize,
        percent: u64,
    },
    /// The oracle's source answers so much later, nanoseconds.
    SourceDelay {
        oracle: usize,
        delay: u64,
    },
    /// The oracle's keys sign so much later, nanoseconds.
    KeyDelay {
        oracle: usize,
        delay: u64,
    },
    /// The newest blocks are taken back, and others come in their place.
    Reorg {
        depth: u64,
        /// The owner takes a configuration that is in them back as well, and sends another.
        reconfigures: bool,
    },
    /// The owner sends a new configuration: other timers, another secret.
    Configure,
}

/// From when on the effects before a crash are counted. Most is at stake where something is signed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Moment {
    Now,
    /// The next signature under an observation or a report.
    Signature,
    /// The next signature under a transaction.
    Transaction,
}

impl Plan {
    /// A world in which nothing goes wrong.
    pub fn calm(n: usize) -> Plan {
        Plan { n, liars: Vec::new(), faults: Vec::new(), mended_at: 0, skew_max: 0, bytes: false }
    }

    /// The misfortunes of a seed. Every eighth world is calm.
    pub fn draw(n: usize, rng: &mut Rng) -> Plan {
        let bytes = rng.below(8) == 0;
        if rng.below(8) == 0 {
            return Plan { bytes, ..Plan::calm(n) };
        }
        let skew_max = if rng.below(4) == 0 { rng.below(5 * SECOND) } else { 0 };
        let mut plan = Plan { mended_at: MENDED_AT, bytes, skew_max, ..Plan::calm(n) };
        let liars = if rng.below(4) == 0 { 0 } else { rng.between(1, plan.f() as u64) };
        for oracle in shuffled(n, rng).into_iter().take(liars as usize) {
            plan.liars.push((oracle, *rng.pick(&Lie::ALL)));
        }
        for _ in 0..rng.between(1, 8) {
            plan.draw_fault(rng);
        }
        // Who asks twice is a danger to those who forget.
        if plan.liars.iter().any(|(_, lie)| *lie == Lie::TwoFaced) {
            for _ in 0..6 {
                let (oracle, begin) = (rng.below(n as u64) as usize, rng.between(SECOND, MENDED_AT - SECOND));
                plan.draw_crash(oracle, begin, begin + SECOND, rng);
            }
        }
        plan.faults.push((MENDED_AT, Fault::Heal));
        plan.faults.push((MENDED_AT, Fault::Weather(CALM)));
        plan.faults.sort_by_key(|(at, _)| *at);
        plan
    }

    /// Adds one misfortune with its end.
    fn draw_fault(&mut self, rng: &mut Rng) {
        let begin = rng.between(SECOND, MENDED_AT - 10 * SECOND);
        let end = rng.between(begin + SECOND / 10, MENDED_AT);
        let oracle = rng.below(self.n as u64) as usize;
        match rng.below(17) {
            0 | 1 => {
                let weather = Weather {
                    delay_min: 1_000_000,
                    delay_max: rng.between(10, 800) * 1_000_000,
                    late_per_million: rng.below(200_000) as u32,
                    lost_per_million: rng.below(300_000) as u32,
                };
                self.during(begin, end, Fault::Weather(weather), Fault::Weather(CALM));
            }
            2 => {
                let side = shuffled(self.n, rng)[..rng.between(1, self.n as u64 - 1) as usize].to_vec();
                self.during(begin, end, Fault::Split(side), Fault::Heal);
            }
            3 => {
                let to = rng.below(self.n as u64) as usize;
                self.during(begin, end, Fault::Cut { from: oracle, to }, Fault::Heal);
            }
            4..=7 => self.draw_crash(oracle, begin, end, rng),
            8 => {
                self.during(begin, end, Fault::DiskFails { oracle }, Fault::DiskMended { oracle });
                self.faults.push((end, Fault::Restart { oracle }));
            }
            9 | 10 => {
                let health = match rng.below(4) {
                    0 => Health::Fails,
                    1 => {
                        // There must be something to lie about.
                        self.faults.push((begin + 1, Fault::Configure));
                        Health::Lies
                    }
                    _ => Health::Lags(rng.between(1, 20)),
                };
                let mended = Fault::Endpoint { oracle, health: Health::Well };
                self.during(begin, end, Fault::Endpoint { oracle, health }, mended);
                // What it remembers and what it is shown must not be mixed up.
                if rng.below(2) == 0 {
                    self.faults.push((rng.between(begin, end), Fault::Restart { oracle }));
                }
            }
            11 => {
                let percent = *rng.pick(&[0, 50, 90, 150, 300]);
                self.during(begin, end, Fault::Source { oracle, percent }, Fault::Source { oracle, percent: 100 });
            }
            12 => {
                let delay = rng.below(2 * SECOND);
                let mended = Fault::SourceDelay { oracle, delay: 0 };
                self.during(begin, end, Fault::SourceDelay { oracle, delay }, mended);
            }
            13 => {
                let delay = rng.below(SECOND);
                let mended = Fault::KeyDelay { oracle, delay: 0 };
                self.during(begin, end, Fault::KeyDelay { oracle, delay }, mended);
            }
            14 => self.faults.push((begin, Fault::Reorg { depth: rng.between(1, 4), reconfigures: false })),
            15 => {
                self.faults.push((begin, Fault::Configure));
                let at = begin + rng.between(SECOND, 3 * SECOND);
                self.faults.push((at, Fault::Reorg { depth: 4, reconfigures: true }));
            }
            _ => self.faults.push((begin, Fault::Configure)),
        }
    }

    fn draw_crash(&mut self, oracle: usize, begin: u64, end: u64, rng: &mut Rng) {
        let (from, after_max) = *rng.pick(&[(Moment::Now, 40), (Moment::Signature, 4), (Moment::Transaction, 4)]);
        let after = rng.below(after_max) as u32;
        // Most come back at once, into the round in which they died.
        let end = if rng.below(3) > 0 { begin + rng.between(1_000_000, 800_000_000) } else { end };
        self.during(begin, end, Fault::Crash { oracle, after, from }, Fault::Restart { oracle });
    }

    fn during(&mut self, begin: u64, end: u64, fault: Fault, mended: Fault) {
        self.faults.push((begin, fault));
        self.faults.push((end, mended));
    }

    /// How many oracles may lie or be wrong.
    pub fn f(&self) -> usize {
        (self.n - 1) / 3
    }
}

fn shuffled(n: usize, rng: &mut Rng) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    for i in (1..n).rev() {
        order.swap(i, rng.below(i as u64 + 1) as usize);
    }
    order
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let skew = self.skew_max as f64 / SECOND as f64;
        let form = if self.bytes { "bytes" } else { "values" };
        writeln!(f, "{} oracles, f = {}, clocks within {skew:.3} s, messages as {form}", self.n, self.f())?;
        for (oracle, lie) in &self.liars {
            writeln!(f, "  oracle {oracle} lies: {lie:?}")?;
        }
        for (at, fault) in &self.faults {
            writeln!(f, "  {:>8.3}s  {fault:?}", *at as f64 / SECOND as f64)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_stays_within_the_fault_bound_and_mends_everything_in_time() {
        for seed in 0..500 {
            let plan = Plan::draw(7, &mut Rng::new(seed));
            assert!(plan.liars.len() <= 2, "{plan}");
            assert!(plan.faults.is_sorted_by_key(|(at, _)| *at), "{plan}");
            assert!(plan.faults.iter().all(|(at, _)| *at <= MENDED_AT), "{plan}");
        }
    }

    #[test]
    fn every_kind_of_lie_and_fault_is_drawn_by_some_seed() {
        let plans: Vec<Plan> = (0..500).map(|seed| Plan::draw(4, &mut Rng::new(seed))).collect();
        for lie in Lie::ALL {
            assert!(plans.iter().any(|plan| plan.liars.iter().any(|(_, drawn)| *drawn == lie)), "{lie:?}");
        }
        let kinds: std::collections::HashSet<_> =
            plans.iter().flat_map(|plan| &plan.faults).map(|(_, fault)| std::mem::discriminant(fault)).collect();
        assert_eq!(kinds.len(), 14);
        assert!(plans.iter().filter(|plan| plan.faults.is_empty()).count() > 30);
    }
}
