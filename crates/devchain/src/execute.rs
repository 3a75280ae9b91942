//! One transaction or call on the EVM.

use alloy_consensus::{Header, Transaction as _};
use alloy_primitives::U256;
use revm::{
    Context, Database, Journal,
    context::{BlockEnv, CfgEnv, Evm, FrameStack, LocalContext, TxEnv},
    context_interface::{JournalTr, block::BlobExcessGasAndPrice},
    handler::{EthFrame, EthPrecompiles, MainnetContext, instructions::EthInstructions},
    interpreter::interpreter::EthInterpreter,
};

use crate::{
    block::Transaction,
    config::Config,
    limits::CALL_MEMORY_BYTES_MAX,
    recover::{FORK, precompiles},
};

/// The EVM of a mainnet node, over our own state.
pub(crate) type OurEvm<DB> = Evm<
    MainnetContext<DB>,
    (),
    EthInstructions<EthInterpreter, MainnetContext<DB>>,
    EthPrecompiles,
    EthFrame<EthInterpreter>,
>;

/// The rules for transactions.
pub(crate) fn rules(config: &Config) -> CfgEnv {
    let mut rules = CfgEnv::new_with_spec(FORK).with_chain_id(config.chain_id);
    rules.set_spec_and_mainnet_gas_params(FORK);
    rules
}

/// The rules for calls: they need no nonce, and without a price no balance; a contract may seem to send them.
pub(crate) fn call_rules(rules: &CfgEnv) -> CfgEnv {
    let mut rules = rules.clone();
    rules.disable_nonce_check = true;
    rules.disable_eip3607 = true;
    rules.disable_block_gas_limit = true;
    rules.tx_chain_id_check = false;
    rules.memory_limit = CALL_MEMORY_BYTES_MAX;
    rules
}

pub(crate) fn evm<DB: Database>(db: DB, rules: CfgEnv, block: BlockEnv, config: &Config) -> OurEvm<DB> {
    let mut journal = Journal::new(db);
    journal.set_spec_id(FORK);
    let context = Context {
        block,
        tx: TxEnv::default(),
        cfg: rules,
        journaled_state: journal,
        chain: (),
        local: LocalContext::default(),
        error: Ok(()),
    };
    Evm {
        ctx: context,
        inspector: (),
        instruction: EthInstructions::new_mainnet_with_spec(FORK),
        precompiles: precompiles(config.recover),
        // Frames come as calls nest; most stay flat, and eight that wait would cost as much as a small transaction.
        frame_stack: FrameStack::new(),
    }
}

/// What contracts see of a block.
pub(crate) fn block_env(header: &Header) -> BlockEnv {
    BlockEnv {
        number: U256::from(header.number),
        beneficiary: header.beneficiary,
        timestamp: U256::from(header.timestamp),
        gas_limit: header.gas_limit,
        basefee: header.base_fee_per_gas.unwrap_or_default(),
        difficulty: U256::ZERO,
        prevrandao: Some(header.mix_hash),
        blob_excess_gas_and_price: Some(BlobExcessGasAndPrice { excess_blob_gas: 0, blob_gasprice: 1 }),
        slot_num: 0,
    }
}

pub(crate) fn tx_env(transaction: &Transaction) -> TxEnv {
    let envelope = &transaction.envelope;
    TxEnv {
        tx_type: transaction.type_number(),
        caller: transaction.sender,
        gas_limit: envelope.gas_limit(),
        gas_price: envelope.max_fee_per_gas(),
        kind: envelope.kind(),
        value: envelope.value(),
        data: envelope.input().clone(),
        nonce: envelope.nonce(),
        chain_id: envelope.chain_id(),
        access_list: envelope.access_list().cloned().unwrap_or_default(),
        gas_priority_fee: envelope.max_priority_fee_per_gas(),
        blob_hashes: Vec::new(),
        max_fee_per_blob_gas: 0,
        authorization_list: Vec::new(),
    }
}
