//! A chain for these tests: transactions in order on a database in memory, under Prague rules.
#![allow(dead_code)] // every test file is a program of its own and uses its part

pub mod committee;
pub mod group;
pub mod quorum;
pub mod reader;

use alloy_primitives::{Address, B256, Bytes, Log, TxKind, U256};
use alloy_sol_types::{SolCall, SolConstructor};
use revm::{
    Context, Database, ExecuteCommitEvm, ExecuteEvm, MainBuilder, MainContext,
    context::{BlockEnv, CfgEnv, TxEnv},
    context_interface::result::ExecutionResult,
    database::{CacheDB, EmptyDB},
    primitives::hardfork::SpecId,
    state::AccountInfo,
};
use std::path::PathBuf;

pub const GWEI: u128 = 1_000_000_000;

/// What became of a transaction or a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub ok: bool,
    pub gas: u64,
    pub logs: Vec<Log>,
    pub output: Bytes,
    pub created: Option<Address>,
}

impl Outcome {
    fn of(result: ExecutionResult) -> Self {
        Self {
            ok: result.is_success(),
            gas: result.tx_gas_used(),
            logs: result.logs().to_vec(),
            created: result.created_address(),
            output: result.into_output().unwrap_or_default(),
        }
    }

    #[track_caller]
    pub fn success(self) -> Self {
        assert!(self.ok, "reverted with {}", self.output);
        self
    }
}

#[derive(Clone)]
pub struct Chain {
    db: CacheDB<EmptyDB>,
    pub block: BlockEnv,
    pub gas_price: u128,
    pub gas_limit: u64,
}

impl Chain {
    pub fn new() -> Self {
        let block = BlockEnv {
            number: U256::from(1000),
            timestamp: U256::from(1_700_000_000u64),
            gas_limit: 1 << 40,
            basefee: 0,
            ..BlockEnv::default()
        };
        Self { db: CacheDB::new(EmptyDB::default()), block, gas_price: 20 * GWEI, gas_limit: 16_000_000 }
    }

    fn rules() -> CfgEnv {
        let mut rules = CfgEnv::new_with_spec(SpecId::PRAGUE).with_chain_id(1337);
        rules.set_spec_and_mainnet_gas_params(SpecId::PRAGUE);
        rules.disable_nonce_check = true;
        rules.disable_balance_check = true;
        rules.disable_eip3607 = true; // any address may send, also that of a contract
        rules.tx_gas_limit_cap = Some(u64::MAX);
        rules
    }

    fn transaction(&self, from: Address, kind: TxKind, data: Bytes) -> TxEnv {
        TxEnv::builder()
            .caller(from)
            .kind(kind)
            .data(data)
            .gas_limit(self.gas_limit)
            .gas_price(self.gas_price)
            .chain_id(Some(1337))
            .build()
            .expect("a plain transaction")
    }

    fn execute(&mut self, from: Address, kind: TxKind, data: Bytes) -> Outcome {
        self.execute_transaction(self.transaction(from, kind, data))
    }

    fn execute_transaction(&mut self, transaction: TxEnv) -> Outcome {
        self.block.number += U256::from(1);
        let block = self.block.clone();
        let mut evm =
            Context::mainnet().with_cfg(Self::rules()).with_block(block).with_db(&mut self.db).build_mainnet();
        Outcome::of(evm.transact_commit(transaction).expect("a valid transaction"))
    }

    /// A transaction in a block of its own.
    pub fn send(&mut self, from: Address, to: Address, data: impl Into<Bytes>) -> Outcome {
        self.execute(from, TxKind::Call(to), data.into())
    }

    /// A transaction with one wei of the chain's own coin.
    pub fn send_with_a_wei(&mut self, from: Address, to: Address, data: impl Into<Bytes>) -> Outcome {
        self.db.load_account(from).expect("a database in memory").info.balance = U256::from(1_000_000);
        let mut transaction = self.transaction(from, TxKind::Call(to), data.into());
        transaction.value = U256::from(1);
        self.execute_transaction(transaction)
    }

    pub fn send_call<C: SolCall>(&mut self, from: Address, to: Address, call: &C) -> Outcome {
        self.send(from, to, call.abi_encode())
    }

    /// A transaction that may make a contract.
    pub fn create(&mut self, from: Address, data: Vec<u8>) -> Outcome {
        self.execute(from, TxKind::Create, data.into())
    }

    pub fn deploy(&mut self, from: Address, data: Vec<u8>) -> (Address, u64) {
        let outcome = self.create(from, data).success();
        (outcome.created.expect("an address"), outcome.gas)
    }

    pub fn deploy_contract<C: SolConstructor>(
        &mut self,
        from: Address,
        bytecode: &Bytes,
        arguments: &C,
    ) -> (Address, u64) {
        self.deploy(from, bindings::creation(bytecode, arguments))
    }

    /// A call that changes nothing.
    pub fn view(&mut self, from: Address, to: Address, data: impl Into<Bytes>) -> Outcome {
        let transaction = self.transaction(from, TxKind::Call(to), data.into());
        let block = self.block.clone();
        let mut evm =
            Context::mainnet().with_cfg(Self::rules()).with_block(block).with_db(&mut self.db).build_mainnet();
        Outcome::of(evm.transact(transaction).expect("a valid call").result)
    }

    #[track_caller]
    pub fn read<C: SolCall>(&mut self, to: Address, call: &C) -> C::Return {
        let outcome = self.view(Address::ZERO, to, call.abi_encode()).success();
        C::abi_decode_returns(&outcome.output).expect("the return value")
    }

    /// Puts code at an address.
    pub fn place(&mut self, at: Address, code: Vec<u8>) {
        let code = revm::bytecode::Bytecode::new_raw(code.into());
        self.db.insert_account_info(at, AccountInfo::default().with_code(code));
    }
}

impl Chain {
    pub fn has_code(&mut self, at: Address) -> bool {
        self.db.load_account(at).is_ok_and(|account| !account.info.is_empty_code_hash())
    }

    pub fn storage(&mut self, at: Address, slot: U256) -> U256 {
        self.db.storage(at, slot).expect("a database in memory")
    }

    pub fn store(&mut self, at: Address, slot: U256, value: U256) {
        self.db.insert_account_storage(at, slot, value).expect("a database in memory");
    }
}

/// Where a contract of ours keeps a variable, from its artifact.
pub fn slot_of(name: &str, variable: &str) -> u64 {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../../contracts/artifacts/{name}.json"));
    let text = std::fs::read_to_string(path).expect("an artifact");
    let artifact: serde_json::Value = serde_json::from_str(&text).expect("a JSON file");
    let lines = artifact["storage"].as_array().expect("storage").iter().filter_map(|line| line.as_str());
    // "slot.byte: name, type"
    let places =
        lines.filter_map(|line| line.split_once(": ")).filter(|(_, rest)| rest.split(',').next() == Some(variable));
    let slots: Vec<u64> = places.filter_map(|(place, _)| place.split('.').next()?.parse().ok()).collect();
    assert_eq!(slots.len(), 1, "{name} has {variable} at {slots:?}");
    slots[0]
}

/// The creation bytecode of a contract of ours; of another build of it, if `OURS` names a folder of artifacts.
pub fn ours(name: &str) -> Bytes {
    let folder = std::env::var_os("OURS")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../contracts/artifacts"), PathBuf::from);
    let path = folder.join(format!("{name}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    creation_code(&text)
}

fn creation_code(text: &str) -> Bytes {
    let artifact: serde_json::Value = serde_json::from_str(text).expect("a JSON file");
    let hex = artifact["bytecode"]["object"].as_str().expect("bytecode.object").trim_start_matches("0x");
    hex::decode(hex).expect("hex").into()
}

/// The reference's creation bytecode, if `contracts/tools/reference.mjs` has fetched it.
pub fn reference(name: &str) -> Option<Bytes> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../../contracts/cache/reference/{name}.json"));
    Some(creation_code(&std::fs::read_to_string(path).ok()?))
}

pub fn address(name: &str, index: usize) -> Address {
    Address::from_slice(&alloy_primitives::keccak256(format!("{name} {index}"))[12..])
}

pub fn word(value: u64) -> B256 {
    B256::from(U256::from(value))
}
