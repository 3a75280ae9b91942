//! What the tests share: people with money, small contracts in bytecode, transactions.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use alloy_consensus::{TxEip1559, TypedTransaction};
use alloy_primitives::{Address, Bytes, TxKind, U256, bytes};
use devchain::{Chain, Config};

pub const ETHER: u128 = 1_000_000_000_000_000_000;
pub const GWEI: u128 = 1_000_000_000;
pub const ALICE: Address = Address::with_last_byte(0xa1);
pub const BOB: Address = Address::with_last_byte(0xb0);

/// Calldata (slot, value): stores the value and logs it under the slot as topic. Calldata (slot): returns the value.
pub const STORE: Bytes = bytes!(
    "602a600c600039602a6000f336602014601d576020356000355560203560005260003560206000a1005b6000355460005260206000f3"
);
/// Reverts with its calldata.
pub const REVERT: Bytes = bytes!("600a600c600039600a6000f3366000600037366000fd");
/// Passes 128 bytes of calldata to the precompile at address 1 and returns what that returns.
pub const RECOVER: Bytes = bytes!("6018600c60003960186000f360806000600037602060806080600060015afa503d6080f3");

pub fn config() -> Config {
    Config { balances: vec![(ALICE, U256::from(1_000 * ETHER)), (BOB, U256::from(1_000 * ETHER))], ..Config::default() }
}

pub fn transaction(nonce: u64, to: TxKind, input: impl Into<Bytes>) -> TxEip1559 {
    TxEip1559 {
        chain_id: 1337,
        nonce,
        gas_limit: 200_000,
        max_fee_per_gas: 100 * GWEI,
        max_priority_fee_per_gas: GWEI,
        to,
        value: U256::ZERO,
        access_list: Default::default(),
        input: input.into(),
    }
}

pub fn payment(nonce: u64, to: Address, value: u128) -> TypedTransaction {
    TxEip1559 { gas_limit: 21_000, value: U256::from(value), ..transaction(nonce, TxKind::Call(to), Bytes::new()) }
        .into()
}

/// Calldata of 32-byte words.
pub fn words<const N: usize>(words: [u64; N]) -> Bytes {
    words.iter().flat_map(|word| U256::from(*word).to_be_bytes::<32>()).collect()
}

/// Alice makes a contract in a block of its own.
pub fn deploy(chain: &mut Chain, code: Bytes) -> Address {
    let nonce = chain.pending_nonce(&ALICE);
    chain.submit_from(ALICE, transaction(nonce, TxKind::Create, code).into()).expect("a valid transaction");
    mine(chain);
    let contract = ALICE.create(nonce);
    assert!(!chain.code(&contract, chain.height()).is_empty(), "the contract was not made");
    contract
}

/// Mines a block one second after the head.
pub fn mine(chain: &mut Chain) -> std::sync::Arc<devchain::Block> {
    chain.mine(chain.head().timestamp() + 1).expect("a later timestamp")
}
