//! What the machine tells its host.

use alloc::{string::String, sync::Arc};
use ocr::{ConfigDigest, ConfigDigestPrefix, ContractConfig};

use crate::{chain::Block, limits};

/// What the machine tells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Output {
    /// This is the configuration from now on; recorded already. Told on every change, and once after a recovery.
    Configured { config: Arc<ContractConfig>, source: Source },
    /// The contract has no configuration any more: a reorganisation removed it.
    Unconfigured,
    /// What was not acted on.
    Refused(Refusal),
}

/// Where a configuration is from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// An earlier life of the machine; the chain may have moved on.
    Record,
    /// The chain, set in this block.
    Chain { block: u64 },
}

/// What was not acted on, and why.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    #[error("the contract has no configuration yet")]
    NotConfigured,
    #[error("configuration {digest} has {depth} of {wanted} confirmations")]
    AwaitingConfirmations { digest: ConfigDigest, depth: u64, wanted: u64 },
    #[error("the contract has lost its configuration; {depth} of {wanted} confirmations")]
    AwaitingRemoval { depth: u64, wanted: u64 },
    #[error("an endpoint lags behind: head {}, was {best} before", got.number)]
    StaleHead { got: Block, best: u64 },
    #[error("block {block} has no event for configuration {digest}")]
    NoEvent { digest: ConfigDigest, block: u64 },
    #[error("an event of block {} came for block {wanted}", got.number)]
    WrongBlock { got: Block, wanted: u64 },
    #[error("{got} events for one block, at most {} are read", limits::LOGS_MAX)]
    TooManyLogs { got: usize },
    #[error("an event of {got} bytes, at most {} are read", limits::CONFIG_SET_MAX)]
    EventTooLong { got: usize },
    #[error("event {index} of the block is no ConfigSet: {why}")]
    MalformedEvent { index: u64, why: String },
    #[error("the event is of configuration {got}, the contract names {wanted}")]
    OtherDigest { got: ConfigDigest, wanted: ConfigDigest },
    #[error("the contract's digest has prefix {got}, wanted {}", ConfigDigestPrefix::EVM_SIMPLE)]
    OtherPrefix { got: ConfigDigestPrefix },
    #[error("the contract names digest {got}, but its configuration gives {computed}: wrong contract or chain id?")]
    DigestMismatch { got: ConfigDigest, computed: ConfigDigest },
    #[error("the {step} took longer than a poll may take")]
    Overdue { step: Step },
}

/// Which part of a poll.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Step {
    #[error("look at the head")]
    Look,
    #[error("search for the event")]
    Logs,
}
