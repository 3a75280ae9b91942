//! What must hold in every world, whatever goes wrong in it: one property a file.

mod agreement;
mod attested;
mod attribution;
mod blame;
mod decision;
mod following;
mod leadership;
mod memory;
mod no_contradiction;
mod nonces;
mod pace;
mod pending;
mod progress;
mod validity;
mod welcome;

use alloy_primitives::{Bytes, I256};
use median::Value;
use ocr::OracleId;
use ocr2::message::ReportReq;
use ocr2::refusal::Fault;
use ocr2::round_id::{Epoch, RoundId};
use std::any::Any;
use std::fmt;
use std::sync::Arc;

pub use agreement::Agreement;
pub use attested::Attested;
pub use attribution::Attribution;
pub use blame::Blame;
pub use decision::Decision;
pub use following::Following;
pub use leadership::Leadership;
pub use memory::Memory;
pub use no_contradiction::NoContradiction;
pub use nonces::Nonces;
pub use pace::Pace;
pub use pending::Pending;
pub use progress::Progress;
pub use validity::Validity;
pub use welcome::Welcome;

/// A property does not hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    pub property: &'static str,
    /// Nanoseconds from the start of the world.
    pub at: u64,
    pub what: String,
}

impl Violation {
    /// Code that panics has violated a property that it asserts itself.
    pub fn of_panic(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<String>().cloned();
        let what = text.or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Violation { property: "assertion", at: 0, what: what.unwrap_or_default() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} violated at {:.3}s: {}", self.property, self.at as f64 / 1e9, self.what)
    }
}

/// Something that an honest oracle did, or that the chain took.
#[derive(Clone, Debug)]
pub enum Deed<'a> {
    /// It is in this epoch now, and believes that this oracle leads it.
    Entered { oracle: usize, epoch: ConfigEpoch, leader: OracleId },
    /// It told everyone that it wants this epoch.
    Wished { oracle: usize, epoch: ConfigEpoch },
    /// It takes part in a round because this oracle asked it to.
    Led { oracle: usize, round: Round, leader: OracleId },
    /// Its source answered with this.
    Observed { oracle: usize, round: Round, value: Value },
    /// It is about to report on these observations.
    Requested { oracle: usize, config: Config, request: &'a Arc<ReportReq> },
    /// It signed an observation, for the first time or again.
    SignedObservation { oracle: usize, round: Round, digest: [u8; 32] },
    /// It signed a report with this median, for the first time or again.
    SignedReport { oracle: usize, round: Round, digest: [u8; 32], median: I256 },
    /// Its plugin could not decide, for this reason.
    Undecided { oracle: usize, why: &'a str },
    /// It called another oracle faulty.
    Blamed { oracle: usize, from: OracleId, fault: Fault },
    /// It hands a report to the keeper of its transactions. `stored`: its disk knows of it.
    Transmitting { oracle: usize, round: Round, stored: bool },
    /// It struck a report off those that it has to transmit, while it stored so many records. `settled`: its endpoint
    /// shows that the contract does not need it any more.
    Struck { oracle: usize, round: Round, settled: bool, records: usize },
    /// It handed a call to its endpoint, under this nonce.
    Broadcast { oracle: usize, nonce: u64, call: &'a Bytes },
    /// The contract took a report.
    Accepted { round: Round, answer: Value },
    /// The contract did not take what the oracle transmitted. `late`: it has that or later news already, or another
    /// configuration.
    Reverted { oracle: usize, round: Round, late: bool },
    /// So much is stored.
    Stored { oracle: usize, records: Records },
    /// At the end of the world, long after the last fault: whether it runs the contract's configuration.
    Ended { oracle: usize, runs_current: bool },
}

/// Which configuration of the world, in the order in which oracles or the chain first named them.
pub type Config = u16;

/// An epoch of one configuration.
pub type ConfigEpoch = (Config, Epoch);

/// A round of one configuration.
pub type Round = (Config, RoundId);

/// What an oracle stores, in records.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Records {
    pub ocr2: usize,
    pub tracker: usize,
    pub transactions: usize,
    /// Configurations that the world has seen.
    pub configs: usize,
}

/// Who is who in a world, for properties that tell the honest from the others.
#[derive(Clone, Debug)]
pub struct Roles {
    pub n: usize,
    pub f: usize,
    pub lies: Vec<bool>,
    /// From then on nothing goes wrong.
    pub calm_from: u64,
}

impl Roles {
    pub fn liars(&self) -> usize {
        self.lies.iter().filter(|lies| **lies).count()
    }
}

/// Watches one world.
#[derive(Debug)]
pub struct Checks {
    agreement: Agreement,
    attested: Attested,
    attribution: Attribution,
    blame: Blame,
    decision: Decision,
    following: Following,
    leadership: Leadership,
    memory: Memory,
    no_contradiction: NoContradiction,
    nonces: Nonces,
    pace: Pace,
    pending: Pending,
    progress: Progress,
    validity: Validity,
    welcome: Welcome,
}

impl Checks {
    pub fn new(roles: &Roles) -> Self {
        Checks {
            agreement: Agreement::new(roles.liars() > 0),
            attested: Attested::default(),
            attribution: Attribution::new(roles),
            blame: Blame::new(roles),
            decision: Decision,
            following: Following,
            leadership: Leadership::default(),
            memory: Memory,
            no_contradiction: NoContradiction::default(),
            nonces: Nonces::default(),
            pace: Pace::new(roles),
            pending: Pending,
            progress: Progress::new(roles.calm_from),
            validity: Validity::default(),
            welcome: Welcome,
        }
    }

    /// Takes a deed in; the property that it violates, if any.
    pub fn see(&mut self, now: u64, deed: &Deed<'_>) -> Result<(), Violation> {
        let of = |property| move |what| Violation { property, at: now, what };
        match *deed {
            Deed::Entered { oracle, epoch, leader } => {
                self.pace.entered(oracle, epoch).map_err(of(Pace::NAME))?;
                self.leadership.led(oracle, epoch, leader).map_err(of(Leadership::NAME))
            }
            Deed::Wished { oracle, epoch } => self.pace.wished(oracle, epoch).map_err(of(Pace::NAME)),
            Deed::Led { oracle, round: (config, at), leader } => {
                self.leadership.led(oracle, (config, at.epoch), leader).map_err(of(Leadership::NAME))
            }
            Deed::Observed { oracle, round, value } => {
                self.validity.observed(round, value);
                self.attribution.observed(oracle, round, value);
                Ok(())
            }
            Deed::Requested { oracle, config, request } => {
                self.attribution.requested(oracle, config, request).map_err(of(Attribution::NAME))
            }
            Deed::SignedObservation { oracle, round, digest } => {
                self.no_contradiction.observed(oracle, round, digest).map_err(of(NoContradiction::NAME))
            }
            Deed::SignedReport { oracle, round, digest, median } => {
                self.attested.reported(round, median);
                self.agreement.reported(oracle, round, digest).map_err(of(Agreement::NAME))?;
                self.no_contradiction.reported(oracle, round, digest).map_err(of(NoContradiction::NAME))
            }
            Deed::Undecided { oracle, why } => self.decision.undecided(oracle, why).map_err(of(Decision::NAME)),
            Deed::Blamed { oracle, from, fault } => self.blame.blamed(oracle, from, &fault).map_err(of(Blame::NAME)),
            Deed::Transmitting { oracle, round, stored } => {
                self.pending.transmitting(oracle, round, stored).map_err(of(Pending::NAME))
            }
            Deed::Struck { oracle, round, settled, records } => {
                self.pending.struck(oracle, round, settled, records).map_err(of(Pending::NAME))
            }
            Deed::Broadcast { oracle, nonce, call } => {
                self.nonces.broadcast(oracle, nonce, call).map_err(of(Nonces::NAME))
            }
            Deed::Accepted { round, answer } => {
                self.progress.accepted(now);
                self.attested.accepted(round, answer).map_err(of(Attested::NAME))?;
                self.validity.accepted(round, answer).map_err(of(Validity::NAME))
            }
            Deed::Reverted { oracle, round, late } => {
                self.welcome.refused(oracle, round, late).map_err(of(Welcome::NAME))
            }
            Deed::Stored { oracle, records } => self.memory.stored(oracle, records).map_err(of(Memory::NAME)),
            Deed::Ended { oracle, runs_current } => {
                self.following.ended(oracle, runs_current).map_err(of(Following::NAME))
            }
        }
    }

    /// The world is over.
    pub fn end(&self, now: u64) -> Result<(), Violation> {
        self.progress.end(now).map_err(|what| Violation { property: Progress::NAME, at: now, what })
    }
}
