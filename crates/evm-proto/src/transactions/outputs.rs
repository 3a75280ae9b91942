//! What the machine tells its host.

use alloy_primitives::{Address, B256, Bytes, U256};

use super::words::{SubmissionId, Verdict};
use crate::chain::{Block, Receipt};
use crate::limits;

/// What the machine tells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Output {
    /// How a submission ended, once for every [`super::Order::Submit`] of it that was not refused.
    Outcome { id: SubmissionId, outcome: Outcome },
    /// How it is going.
    Progress(Progress),
    /// What was not acted on.
    Refused(Refusal),
}

impl From<Progress> for Output {
    fn from(progress: Progress) -> Self {
        Output::Progress(progress)
    }
}

impl From<Refusal> for Output {
    fn from(refusal: Refusal) -> Self {
        Output::Refused(refusal)
    }
}

/// How a submission ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The call is in the chain, confirmed; whether it succeeded or reverted stands in the receipt.
    Included { sender: Address, nonce: u64, receipt: Receipt },
    /// The call was sent, and something else has its nonce for good: usually our own transfer of nothing (`by`), in rare
    /// cases another user of the key.
    Replaced { sender: Address, nonce: u64, why: Ending, by: Option<Receipt> },
    /// The call was never sent.
    Failed(Failure),
}

/// Why a call that was sent is no longer wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Ending {
    #[error("abandoned")]
    Abandoned,
    #[error("expired")]
    Expired,
    #[error("no endpoint takes it: {0}")]
    Rejected(Verdict),
}

/// Why a call was never sent.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Failure {
    #[error("abandoned before it was sent")]
    Abandoned,
    #[error("expired before it was sent")]
    Expired,
    #[error("{} submissions wait already", limits::QUEUED_MAX)]
    QueueFull,
    #[error("the call's input has {got} bytes, at most {} get into a pool", limits::INPUT_MAX)]
    InputTooLong { got: usize },
    #[error("{sender} is none of the configured senders")]
    UnknownSender { sender: Address },
    #[error("the call would revert and return {data}")]
    WouldRevert { data: Bytes },
    #[error("the call would use {gas} gas (margin included), allowed are {limit_max}")]
    GasAboveLimit { gas: u64, limit_max: u64 },
}

/// A step on the way to an outcome. `id` is `None` for a transaction that only fills a nonce.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Progress {
    /// An attempt is recorded and goes to the endpoints.
    Sent { id: Option<SubmissionId>, sender: Address, nonce: u64, hash: B256, tip: u128, fee_cap: u128, no_op: bool },
    /// An attempt is in a block, or in another block than before.
    Mined { id: Option<SubmissionId>, receipt: Receipt },
    /// The block that an attempt was in is no longer part of the chain; it is sent again.
    ReorgedOut { id: Option<SubmissionId>, was: Receipt },
    /// Someone else has used the nonce; the call is sent again under another.
    NonceTaken { id: Option<SubmissionId>, sender: Address, nonce: u64 },
    /// The chain knows transactions of the sender that are not ours.
    ForeignUse { sender: Address, ours: u64, chain: u64 },
    /// The chain lacks these nonces, and nothing of ours is underway to fill them: they are filled with transfers of nothing.
    GapFilled { sender: Address, from: u64, to: u64 },
}

/// What was not acted on, and why.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    #[error("submission {id} is underway already")]
    AlreadySubmitted { id: SubmissionId },
    #[error("submission {id} was given before with another content")]
    IdReused { id: SubmissionId },
    #[error("submission {id} is not known")]
    Unknown { id: SubmissionId },
    #[error("submission {id} is ending already: {why}")]
    AlreadyEnding { id: SubmissionId, why: Ending },
    #[error("submission {id} has its outcome already")]
    AlreadyFinished { id: SubmissionId },
    #[error("an endpoint lags behind: head {}, was {best} before", got.number)]
    StaleHead { sender: Address, got: Block, best: u64 },
    #[error("an endpoint knows {got} transactions of {sender}, which nobody has ever sent")]
    NonceOutOfRange { sender: Address, got: u64 },
    #[error("the endpoints did not take {hash} (nonce {nonce} of {sender}): {verdict}")]
    NotTaken { sender: Address, nonce: u64, hash: B256, verdict: Verdict },
    #[error("{sender} has {balance} wei and needs {wanted}: send it funds")]
    InsufficientFunds { sender: Address, balance: U256, wanted: U256 },
    #[error("the base fee of {base_fee} wei is above the most that may be paid, {fee_cap_max}")]
    BaseFeeAboveMax { sender: Address, base_fee: u128, fee_cap_max: u128 },
    #[error("nonce {nonce} of {sender} cannot be bid higher: the most that may be paid is reached")]
    FeeMaxReached { sender: Address, nonce: u64 },
    #[error("nonce {nonce} of {sender} was bid {} times: no more attempts", limits::ATTEMPTS_MAX)]
    AttemptsExhausted { sender: Address, nonce: u64 },
    #[error(
        "the chain knows {chain} transactions of {sender}, our records {ours}: another chain, or one set back; \
         nothing is sent until it catches up (for a chain that was reset, remove this chain's records)"
    )]
    NonceAhead { sender: Address, ours: u64, chain: u64 },
    #[error("{ask} for {sender} was not answered in time")]
    Overdue { sender: Address, ask: AskKind },
}

/// Which of the asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AskKind {
    #[error("a look")]
    Look,
    #[error("an estimate")]
    Estimate,
    #[error("a signature")]
    Sign,
    #[error("a broadcast")]
    Broadcast,
}
