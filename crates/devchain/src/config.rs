//! What a chain starts with.

use alloy_primitives::{Address, U256, address};

use crate::recover::Recover;

/// Everything that decides a chain, before its first transaction.
#[derive(Clone, Debug)]
pub struct Config {
    pub chain_id: u64,
    /// Seconds; no later block's timestamp may be smaller.
    pub genesis_timestamp: u64,
    /// Gas of each block.
    pub gas_limit: u64,
    /// Base fee of the genesis block, wei per gas. EIP-1559 moves it from there, not below 7 wei.
    pub base_fee: u64,
    /// The least tip that the pool takes, wei per gas (geth: 1).
    pub tip_min: u128,
    /// Where tips go.
    pub beneficiary: Address,
    /// Balances at genesis, wei.
    pub balances: Vec<(Address, U256)>,
    /// Who signed what.
    pub recover: Recover,
    /// How much of its header a block works out.
    pub headers: Headers,
}

/// Roots and blooms are hashing, and nothing inside the EVM sees them: a simulation may go without.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Headers {
    /// Every field is what a client would recompute.
    #[default]
    Complete,
    /// As complete, but the state root is zero.
    NoStateRoot,
    /// State and receipts roots are zero, the transactions root is the hash of the transactions' hashes, and every bit of the
    /// bloom is set (it rules nothing out). Block hashes still differ where blocks do.
    Bare,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            chain_id: 1337,
            genesis_timestamp: 0,
            gas_limit: 30_000_000,
            base_fee: 1_000_000_000,
            tip_min: 1,
            beneficiary: address!("d0d0000000000000000000000000000000000000"),
            balances: Vec::new(),
            recover: Recover::Secp256k1,
            headers: Headers::Complete,
        }
    }
}
