//! What the machine is told, what it asks, and what it is answered.

use alloc::vec::Vec;
use alloy_primitives::{Address, B256, Bytes, U256};
use core::fmt;
use machine::Wall;

use crate::chain::{Block, Receipt};

/// Names a submission for good: the same id is never sent twice, across crashes too. Whoever submits derives it from
/// what makes the submission one (for a report: digest, epoch and round).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubmissionId(pub [u8; 32]);

impl fmt::Display for SubmissionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for SubmissionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A call that shall get into the chain once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Submission {
    /// Which of the configured senders; `None`: the one with the least to do.
    pub from: Option<Address>,
    pub to: Address,
    /// Wei.
    pub value: U256,
    pub input: Bytes,
    pub gas: Gas,
    /// From then on it is not worth sending any more, and one that is underway is replaced.
    pub expires: Option<Wall>,
}

/// How much gas a call may use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gas {
    /// So much; a call that would revert is sent and reverts.
    Limit(u64),
    /// What the chain estimates, raised by `margin_percent`, at most `limit_max`; a call that would revert is not sent.
    Estimate { margin_percent: u32, limit_max: u64 },
}

/// What the host tells the machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Order {
    /// Bring this into the chain. Once it has an outcome, the same id again only yields the outcome again, which is how
    /// a host learns it that crashed before it noted it.
    Submit { id: SubmissionId, submission: Submission },
    /// It is of no use any more. What was never sent is dropped; what was is replaced by a transfer of nothing to
    /// oneself under the same nonce: that costs 21,000 gas where a stale `transmit` costs three times as much to revert,
    /// and unlike waiting it ends.
    Abandon { id: SubmissionId },
    /// There may be a new block: look now, if there is anything to look for.
    NewHead,
}

/// What the machine asks of the chain and of the keys.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ask {
    /// Answered by [`Answer::Looked`].
    Look(LookAsk),
    /// How much gas this call would use now. Answered by [`Answer::Estimated`].
    Estimate { sender: Address, to: Address, value: U256, input: Bytes },
    /// The sender's signature, and the transaction's bytes with it. Answered by [`Answer::Signed`].
    Sign(Transaction),
    /// Hand the transaction to every endpoint. Answered by [`Answer::Broadcast`] with the best verdict of all; no answer
    /// if any endpoint may have taken it without saying so.
    Broadcast { transaction: Transaction, signed: Signed },
}

/// How a sender stands. All of the answer must come from one endpoint, or it contradicts itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LookAsk {
    pub sender: Address,
    /// At which depth [`Look::nonce_confirmed`] is read: at block head + 1 − confirmations.
    pub confirmations: u64,
    /// Transactions whose receipts are wanted, ascending by nonce. Those with a nonce not below [`Look::nonce`] cannot
    /// have one and need not be looked up.
    pub attempts: Vec<(u64, B256)>,
}

/// What a sender looks like from one endpoint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Look {
    pub head: Block,
    /// Transactions of the sender in the chain up to the head.
    pub nonce: u64,
    /// The same with what the endpoint's pool would add.
    pub nonce_pending: u64,
    /// Transactions of the sender in the chain up to the depth that counts as confirmed.
    pub nonce_confirmed: u64,
    /// Wei.
    pub balance: U256,
    /// Wei per gas that the next block will burn.
    pub base_fee: u128,
    /// Wei per gas beyond the base fee that the endpoint advises.
    pub tip: u128,
    /// Of the attempts asked for, those that are in a block, in any order.
    pub receipts: Vec<Receipt>,
}

/// A transaction of EIP-1559 before it is signed; its access list is empty.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transaction {
    pub chain_id: u64,
    pub sender: Address,
    pub nonce: u64,
    /// Wei per gas: max_priority_fee_per_gas.
    pub tip: u128,
    /// Wei per gas: max_fee_per_gas.
    pub fee_cap: u128,
    pub gas_limit: u64,
    pub to: Address,
    /// Wei.
    pub value: U256,
    pub input: Bytes,
}

/// A transaction as it goes over the wire.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signed {
    /// By which receipts name it.
    pub hash: B256,
    /// EIP-2718 bytes. A host without a wire (the simulator) may leave them empty.
    pub raw: Bytes,
}

/// What became of an ask.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    Looked(Look),
    Estimated(Estimate),
    Signed(Signed),
    Broadcast(Verdict),
}

/// What a call would do now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Estimate {
    Gas(u64),
    /// With what it returns.
    Reverts(Bytes),
}

/// What an endpoint says to a transaction, from the best to the worst.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, thiserror::Error)]
pub enum Verdict {
    #[error("accepted")]
    Accepted,
    #[error("already known")]
    AlreadyKnown,
    /// A transaction of this nonce is in a block already: this one, or another.
    #[error("nonce too low")]
    NonceTooLow,
    /// The endpoint does not know one of the transactions before.
    #[error("nonce too high")]
    NonceTooHigh,
    /// The pool holds one of this nonce that pays as much.
    #[error("replacement underpriced")]
    ReplacementUnderpriced,
    /// Pays less than the endpoint takes at all.
    #[error("underpriced")]
    Underpriced,
    #[error("insufficient funds")]
    InsufficientFunds,
    #[error("fees above what the endpoint lets pass")]
    FeesAboveCap,
    #[error("gas limit above what a block holds, or below what any such call costs")]
    GasLimitOutOfRange,
    #[error("refused for another reason")]
    Refused,
}
