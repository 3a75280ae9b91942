//! What a chain starts with.

use alloy_primitives::{Address, U256, address};

use crate::recover::Recover;

/// Everything that decides a chain, before its first transaction.
#[derive(Clone, Debug)]
pub struct Config {
    pub chain_id: u64,
    /// Seconds; every later block's timestamp must be greater.
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
    /// Whether headers carry a state root. It costs about a microsecond per changed account or slot and level of the trie;
    /// without it the field is zero and everything else is the same.
    pub state_root: bool,
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
            state_root: true,
        }
    }
}
