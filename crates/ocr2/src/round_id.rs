//! Which epoch, which round: numbers of different types, so that none is taken for another.

use core::fmt;

use ocr::ConfigDigest;

/// The reign of one leader. Numbered from 1; 0 is before all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u32);

impl Epoch {
    /// The first epoch of a configuration.
    pub const FIRST: Self = Self(1);
    /// The epoch after which there is none.
    pub const LAST: Self = Self(u32::MAX);
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// One attempt of a leader at a report. Numbered from 1 within an epoch; 0 is before all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Round(pub u8);

impl Round {
    /// Before the first round of an epoch.
    pub const NONE: Self = Self(0);
}

impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A round and the epoch it belongs to, in the order of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoundId {
    pub epoch: Epoch,
    pub round: Round,
}

impl RoundId {
    /// `round` of `epoch`.
    pub fn new(epoch: u32, round: u8) -> Self {
        Self { epoch: Epoch(epoch), round: Round(round) }
    }
}

/// `epoch/round`.
impl fmt::Display for RoundId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.epoch, self.round)
    }
}

/// A round of one configuration: what a plugin is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReportTimestamp {
    pub config_digest: ConfigDigest,
    pub at: RoundId,
}
