//! Transactions that wait: who may enter, in which order they leave.

use std::{
    collections::{BTreeMap, BinaryHeap},
    sync::Arc,
};

use alloy_consensus::Transaction as _;
use alloy_primitives::{Address, B256, U256, map::B256Map};

use crate::{
    block::Transaction,
    limits::{POOL_TRANSACTIONS_MAX, POOL_TRANSACTIONS_PER_SENDER_MAX, REPLACEMENT_BUMP_PERCENT},
};

/// Why the chain did not take a transaction; the texts are geth's, which transaction managers recognise.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    #[error("rlp: {0}")]
    Undecodable(String),
    #[error("oversized data: transaction size {got}, limit {limit}")]
    Oversized { got: usize, limit: usize },
    #[error("transaction type not supported: {0}")]
    TypeNotSupported(u8),
    #[error("max initcode size exceeded: code size {got} limit {limit}")]
    InitCodeTooLarge { got: usize, limit: usize },
    #[error("exceeds block gas limit: gas {got}, limit {limit}")]
    ExceedsBlockGasLimit { got: u64, limit: u64 },
    #[error("max priority fee per gas higher than max fee per gas: maxPriorityFeePerGas: {tip}, maxFeePerGas: {fee}")]
    TipAboveFee { tip: u128, fee: u128 },
    #[error("invalid sender: invalid chain id for signer: have {got} want {wanted}")]
    WrongChainId { got: u64, wanted: u64 },
    #[error("invalid sender: invalid transaction v, r, s values")]
    InvalidSignature,
    #[error("nonce has max value: nonce: {0}")]
    NonceMax(u64),
    #[error("intrinsic gas too low: gas {got}, minimum needed {wanted}")]
    IntrinsicGas { got: u64, wanted: u64 },
    #[error("insufficient gas for floor data gas cost: gas {got}, minimum needed {wanted}")]
    FloorDataGas { got: u64, wanted: u64 },
    #[error("transaction underpriced: gas tip cap {got}, minimum needed {wanted}")]
    Underpriced { got: u128, wanted: u128 },
    #[error("nonce too low: next nonce {next}, tx nonce {got}")]
    NonceTooLow { got: u64, next: u64 },
    #[error("insufficient funds for gas * price + value: balance {balance}, tx cost {cost}, overshot {}", cost.saturating_sub(*balance))]
    InsufficientFunds { balance: U256, cost: U256 },
    #[error("insufficient funds for gas * price + value: balance {balance}, queued cost {queued}, tx cost {cost}, overshot {}", queued.saturating_add(*cost).saturating_sub(*balance))]
    InsufficientFundsWithQueue { balance: U256, queued: U256, cost: U256 },
    #[error("sender not an eoa: address {0}")]
    SenderHasCode(Address),
    #[error("already known")]
    AlreadyKnown,
    #[error("replacement transaction underpriced")]
    ReplacementUnderpriced,
    #[error("account limit exceeded: {0} transactions waiting")]
    SenderFull(usize),
    #[error("txpool is full")]
    PoolFull,
}

/// What a transaction may cost at most: gas at its highest price, and the value. Saturates, so it is never too cheap.
fn cost(transaction: &Transaction) -> U256 {
    let envelope = &transaction.envelope;
    (U256::from(envelope.gas_limit()) * U256::from(envelope.max_fee_per_gas())).saturating_add(envelope.value())
}

/// The waiting transactions of all senders, by nonce.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pool {
    senders: BTreeMap<Address, BTreeMap<u64, Arc<Transaction>>>,
    by_hash: B256Map<Arc<Transaction>>,
}

impl Pool {
    /// Takes a transaction whose own form is in order, if its sender can pay for it and for those before it, and if it
    /// pays enough more than one that it replaces (which is returned).
    pub(crate) fn admit(
        &mut self,
        transaction: Arc<Transaction>,
        next_nonce: u64,
        balance: U256,
    ) -> Result<Option<Arc<Transaction>>, Rejected> {
        if self.by_hash.contains_key(&transaction.hash) {
            return Err(Rejected::AlreadyKnown);
        }
        let nonce = transaction.nonce();
        if nonce < next_nonce {
            return Err(Rejected::NonceTooLow { got: nonce, next: next_nonce });
        }
        let cost = cost(&transaction);
        if balance < cost {
            return Err(Rejected::InsufficientFunds { balance, cost });
        }
        let waiting = self.senders.get(&transaction.sender);
        let old = waiting.and_then(|waiting| waiting.get(&nonce));
        let queued = waiting.into_iter().flatten().filter(|(queued, _)| **queued != nonce);
        let queued = queued.fold(U256::ZERO, |sum, (_, queued)| sum.saturating_add(self::cost(queued)));
        if balance < queued.saturating_add(cost) {
            return Err(Rejected::InsufficientFundsWithQueue { balance, queued, cost });
        }
        match old {
            Some(old) => {
                if !outbids(&transaction, old) {
                    return Err(Rejected::ReplacementUnderpriced);
                }
            }
            None => {
                let count = waiting.map_or(0, BTreeMap::len);
                if count >= POOL_TRANSACTIONS_PER_SENDER_MAX {
                    return Err(Rejected::SenderFull(count));
                }
                if self.by_hash.len() >= POOL_TRANSACTIONS_MAX {
                    return Err(Rejected::PoolFull);
                }
            }
        }
        Ok(self.insert(transaction))
    }

    fn insert(&mut self, transaction: Arc<Transaction>) -> Option<Arc<Transaction>> {
        self.by_hash.insert(transaction.hash, transaction.clone());
        let waiting = self.senders.entry(transaction.sender).or_default();
        let replaced = waiting.insert(transaction.nonce(), transaction);
        if let Some(replaced) = &replaced {
            self.by_hash.remove(&replaced.hash);
        }
        replaced
    }

    /// Brings back what a block held, unless something newer waits in its place.
    pub(crate) fn restore(&mut self, transaction: Arc<Transaction>) {
        let occupied =
            self.senders.get(&transaction.sender).is_some_and(|waiting| waiting.contains_key(&transaction.nonce()));
        if !occupied {
            self.insert(transaction);
        }
    }

    pub(crate) fn get(&self, hash: &B256) -> Option<&Arc<Transaction>> {
        self.by_hash.get(hash)
    }

    pub(crate) fn remove(&mut self, hash: &B256) -> Option<Arc<Transaction>> {
        let transaction = self.by_hash.remove(hash)?;
        if let Some(waiting) = self.senders.get_mut(&transaction.sender) {
            waiting.remove(&transaction.nonce());
            if waiting.is_empty() {
                self.senders.remove(&transaction.sender);
            }
        }
        Some(transaction)
    }

    /// Forgets what the sender can no longer use: its account is at `next_nonce` now.
    pub(crate) fn settle(&mut self, sender: Address, next_nonce: u64) {
        let Some(waiting) = self.senders.get_mut(&sender) else { return };
        while let Some(first) = waiting.first_entry().filter(|first| *first.key() < next_nonce) {
            self.by_hash.remove(&first.remove().hash);
        }
        if waiting.is_empty() {
            self.senders.remove(&sender);
        }
    }

    /// The nonce after the unbroken run of waiting ones.
    pub(crate) fn next_nonce(&self, sender: &Address, account_nonce: u64) -> u64 {
        let Some(waiting) = self.senders.get(sender) else { return account_nonce };
        (account_nonce..)
            .zip(waiting.range(account_nonce..))
            .take_while(|(wanted, (nonce, _))| wanted == *nonce)
            .count() as u64
            + account_nonce
    }

    /// Waiting transactions by sender and nonce.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Transaction>> {
        self.senders.values().flat_map(BTreeMap::values)
    }

    pub(crate) fn len(&self) -> usize {
        self.by_hash.len()
    }

    /// A queue of what can go into a block with this base fee; `nonce_of` says where each account stands.
    pub(crate) fn queue(&self, base_fee: u64, nonce_of: impl Fn(&Address) -> u64) -> Queue {
        let mut queue = Queue { base_fee, heads: BinaryHeap::new() };
        for (sender, waiting) in &self.senders {
            if let Some(first) = waiting.get(&nonce_of(sender)) {
                queue.push(first.clone());
            }
        }
        queue
    }

    pub(crate) fn after(&self, transaction: &Transaction) -> Option<Arc<Transaction>> {
        self.senders.get(&transaction.sender)?.get(&(transaction.nonce() + 1)).cloned()
    }
}

/// geth's price bump: both fee fields higher, and by at least so many per cent.
fn outbids(new: &Transaction, old: &Transaction) -> bool {
    let fields = |transaction: &Transaction| {
        let envelope = &transaction.envelope;
        [envelope.max_fee_per_gas(), envelope.priority_fee_or_price()]
    };
    fields(new).into_iter().zip(fields(old)).all(|(new, old)| {
        let wanted = U256::from(old) * U256::from(100 + REPLACEMENT_BUMP_PERCENT) / U256::from(100);
        new > old && U256::from(new) >= wanted
    })
}

/// The next transaction of each sender, best tip first, then first come.
pub(crate) struct Queue {
    base_fee: u64,
    heads: BinaryHeap<Head>,
}

struct Head {
    tip: u128,
    transaction: Arc<Transaction>,
}

impl Queue {
    /// One that does not pay the base fee waits, and so do its sender's next ones.
    pub(crate) fn push(&mut self, transaction: Arc<Transaction>) {
        if let Some(tip) = transaction.tip_at(self.base_fee) {
            self.heads.push(Head { tip, transaction });
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.heads.is_empty()
    }

    pub(crate) fn pop(&mut self) -> Option<Arc<Transaction>> {
        self.heads.pop().map(|head| head.transaction)
    }
}

impl Head {
    fn rank(&self) -> (u128, std::cmp::Reverse<u64>) {
        (self.tip, std::cmp::Reverse(self.transaction.arrival))
    }
}

impl Ord for Head {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.rank() == other.rank()
    }
}

impl Eq for Head {}
