//! What both machines read from a chain.

use alloc::vec::Vec;
use alloy_primitives::{B256, Bytes};

/// One block, by height and by content.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Block {
    pub number: u64,
    pub hash: B256,
}

/// One event of a contract.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Log {
    pub block: Block,
    /// Position within the block.
    pub index: u64,
    pub topics: Vec<B256>,
    pub data: Bytes,
}

/// A transaction is in a block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Receipt {
    pub transaction: B256,
    pub block: Block,
    pub gas_used: u64,
    /// Wei per gas that was paid.
    pub gas_price: u128,
    /// False: it reverted, and cost its gas all the same.
    pub success: bool,
}
