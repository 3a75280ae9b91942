//! Blocks, the transactions in them, and what became of these.

use std::sync::Arc;

use alloy_consensus::{
    Eip658Value, Header, ReceiptEnvelope, ReceiptWithBloom, Transaction as _, TxEnvelope, TxType, Typed2718,
};
use alloy_primitives::{Address, B256, Bloom, Log};

/// A transaction that the chain accepted: its sender is known.
#[derive(Clone, Debug)]
pub struct Transaction {
    pub hash: B256,
    pub sender: Address,
    pub envelope: TxEnvelope,
    /// Order of arrival in the pool; decides between equal tips, and brings a dropped transaction back to its place.
    pub(crate) arrival: u64,
}

/// A block and everything that belongs to it.
#[derive(Clone, Debug)]
pub struct Block {
    pub hash: B256,
    pub header: Header,
    pub transactions: Vec<Arc<Transaction>>,
    /// One for each transaction.
    pub receipts: Vec<Receipt>,
}

/// What became of a transaction.
#[derive(Clone, Debug)]
pub struct Receipt {
    pub success: bool,
    pub gas_used: u64,
    /// Gas of the block up to and with this transaction.
    pub cumulative_gas_used: u64,
    /// Wei per gas that the sender paid.
    pub effective_gas_price: u128,
    /// The contract that the transaction made.
    pub contract: Option<Address>,
    pub logs: Vec<Log>,
    pub bloom: Bloom,
    /// Index in the block of the first log.
    pub first_log_index: u64,
}

impl Block {
    pub fn number(&self) -> u64 {
        self.header.number
    }

    pub fn timestamp(&self) -> u64 {
        self.header.timestamp
    }

    /// Wei per gas that is burned.
    pub fn base_fee(&self) -> u64 {
        self.header.base_fee_per_gas.unwrap_or_default()
    }
}

impl Receipt {
    /// The form that the receipts root is made of. `logs` are what the form carries: plain ones, or ones that know their block.
    pub fn envelope<T>(&self, kind: TxType, logs: Vec<T>) -> ReceiptEnvelope<T> {
        let receipt = ReceiptWithBloom {
            receipt: alloy_consensus::Receipt {
                status: Eip658Value::Eip658(self.success),
                cumulative_gas_used: self.cumulative_gas_used,
                logs,
            },
            logs_bloom: self.bloom,
        };
        match kind {
            TxType::Legacy => ReceiptEnvelope::Legacy(receipt),
            TxType::Eip2930 => ReceiptEnvelope::Eip2930(receipt),
            TxType::Eip1559 => ReceiptEnvelope::Eip1559(receipt),
            TxType::Eip4844 => ReceiptEnvelope::Eip4844(receipt),
            TxType::Eip7702 => ReceiptEnvelope::Eip7702(receipt),
        }
    }
}

impl Transaction {
    pub fn nonce(&self) -> u64 {
        self.envelope.nonce()
    }

    pub fn kind(&self) -> TxType {
        self.envelope.tx_type()
    }

    /// Wei per gas that the miner gets at this base fee; nothing if the transaction does not pay that.
    pub fn tip_at(&self, base_fee: u64) -> Option<u128> {
        self.envelope.effective_tip_per_gas(base_fee)
    }

    /// The number that stands before the payload (EIP-2718); 0 for a legacy transaction.
    pub fn type_number(&self) -> u8 {
        self.envelope.ty()
    }
}
