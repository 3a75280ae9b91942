//! What must hold in every world, whatever goes wrong in it: one property a file.

mod agreement;
mod attested;
mod memory;
mod no_contradiction;
mod progress;
mod validity;

use crate::chain::Accepted;
use median::Value;
use ocr::ConfigDigest;
use ocr2::round_id::RoundId;
use std::any::Any;
use std::fmt;

pub use agreement::Agreement;
pub use attested::Attested;
pub use memory::Memory;
pub use no_contradiction::NoContradiction;
pub use progress::Progress;
pub use validity::Validity;

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
pub enum Deed {
    /// Its source answered, and it is about to sign this.
    Observed { oracle: usize, round: Round, value: Value },
    /// It signed, for the first time or again.
    Signed { oracle: usize, round: Round, what: Signed, digest: [u8; 32] },
    /// The contract took a report.
    Accepted(Accepted),
    /// It stores so many records, in all of its machines.
    Stored { oracle: usize, records: usize },
}

/// A round of one configuration.
pub type Round = (ConfigDigest, RoundId);

/// What kind of statement was signed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Signed {
    Observation,
    /// With the median that the report carries.
    Report {
        median: alloy_primitives::I256,
    },
}

/// Watches one world.
#[derive(Debug)]
pub struct Checks {
    agreement: Agreement,
    attested: Attested,
    memory: Memory,
    no_contradiction: NoContradiction,
    progress: Progress,
    validity: Validity,
}

impl Checks {
    /// For a world that is calm from `calm_from` on, with or without liars.
    pub fn new(liars: bool, calm_from: u64) -> Self {
        Checks {
            agreement: Agreement::new(liars),
            attested: Attested::default(),
            memory: Memory,
            no_contradiction: NoContradiction::default(),
            progress: Progress::new(calm_from),
            validity: Validity::default(),
        }
    }

    /// Takes a deed in; the first property that it violates, if any.
    pub fn see(&mut self, now: u64, deed: &Deed) -> Result<(), Violation> {
        let checked = [
            (Agreement::NAME, self.agreement.see(deed)),
            (Attested::NAME, self.attested.see(deed)),
            (Memory::NAME, self.memory.see(deed)),
            (NoContradiction::NAME, self.no_contradiction.see(deed)),
            (Progress::NAME, self.progress.see(now, deed)),
            (Validity::NAME, self.validity.see(deed)),
        ];
        let violated = checked.into_iter().find_map(|(property, result)| Some((property, result.err()?)));
        violated.map_or(Ok(()), |(property, what)| Err(Violation { property, at: now, what }))
    }

    /// The world is over.
    pub fn end(&self, now: u64) -> Result<(), Violation> {
        self.progress.end(now).map_err(|what| Violation { property: Progress::NAME, at: now, what })
    }
}
