//! Every bound of this crate, with its reason.

/// Oracles of a committee: what the reference and its contracts allow (OCR2 spec 3.3, check 7); it also lets a set of
/// oracles be one word.
pub const ORACLES_MAX: usize = 31;

/// Stages of a transmission schedule: a config with more entries in S is refused (OCR2 spec 3.3, check 12), and a stage
/// fits 16 bits.
pub const STAGES_MAX: usize = 999;
