//! What the machine is told, what it asks, and what it is answered.

use alloc::vec::Vec;
use ocr::ConfigDigest;

use crate::chain::{Block, Log};

/// What the host tells the machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// There may be a new block: poll now.
    NewHead,
}

/// What the machine asks of the chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ask {
    /// The head, and `latestConfigDetails()` of the contract there. Answered by [`Answer::Looked`], all of it from one
    /// endpoint.
    Look,
    /// The `ConfigSet` events of the contract in this block of the canonical chain, ascending. Answered by
    /// [`Answer::Logs`].
    Logs { block: u64 },
}

/// What became of an ask.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    Looked(Look),
    Logs(Vec<Log>),
}

/// What the contract says at the head.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Look {
    pub head: Block,
    pub config_count: u32,
    /// The number of the block that the latest configuration was set in.
    pub changed_in: u64,
    /// Zero: the contract has no configuration.
    pub digest: ConfigDigest,
}
