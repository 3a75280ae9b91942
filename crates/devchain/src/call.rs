//! Calls that change nothing: eth_call, eth_estimateGas, eth_createAccessList.

use std::collections::BTreeMap;

use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_primitives::{Address, B256, Bytes, Log, TxKind, U256};
use revm::{
    ExecuteEvm,
    context::{
        BlockEnv, TxEnv,
        result::{EVMError, ExecutionResult, HaltReason, InvalidTransaction, OutOfGasError},
    },
    state::EvmState,
};

use crate::{
    chain::Chain,
    execute::{self, block_env},
    limits::CALL_GAS_MAX,
    recover::precompiles,
    world::Override,
};

/// A transaction that is only tried. Without a price it costs nothing and its sender needs no balance beyond `value`.
#[derive(Clone, Debug)]
pub struct Call {
    pub from: Address,
    pub to: TxKind,
    /// At most [`CALL_GAS_MAX`], which is also what `None` means.
    pub gas: Option<u64>,
    /// Wei per gas: the price of a legacy transaction, or the most that is paid with the base fee.
    pub price: Option<u128>,
    /// Wei per gas for the miner; its presence makes `price` a maximum.
    pub tip: Option<u128>,
    pub value: U256,
    pub data: Bytes,
    pub access_list: AccessList,
    /// What the call pretends of accounts; empty but for debugging.
    pub overrides: BTreeMap<Address, Override>,
}

impl Call {
    /// Reads a contract: no sender, no value.
    pub fn read(to: Address, data: impl Into<Bytes>) -> Self {
        Call { to: TxKind::Call(to), data: data.into(), ..Call::default() }
    }
}

impl Default for Call {
    fn default() -> Self {
        Call {
            from: Address::ZERO,
            to: TxKind::Create,
            gas: None,
            price: None,
            tip: None,
            value: U256::ZERO,
            data: Bytes::new(),
            access_list: AccessList::default(),
            overrides: BTreeMap::new(),
        }
    }
}

/// The state and the block that a call sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// The state after this block, as if the call were its last transaction.
    Block(u64),
    /// The newest state, as if the call were the first transaction of a next block with this timestamp.
    Next { timestamp: u64 },
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Returned {
        output: Bytes,
        gas_used: u64,
        logs: Vec<Log>,
    },
    /// The contract said no; `output` is its reason, ABI-encoded.
    Reverted {
        output: Bytes,
        gas_used: u64,
    },
    /// The EVM said no, and all gas is gone.
    Halted {
        reason: Halt,
        gas_used: u64,
    },
}

/// Why the EVM stopped, in geth's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Halt {
    #[error("out of gas")]
    OutOfGas,
    #[error("invalid opcode")]
    InvalidOpcode,
    #[error("invalid jump destination")]
    InvalidJump,
    #[error("write protection")]
    WriteProtection,
    #[error("insufficient balance for transfer")]
    InsufficientBalance,
    #[error("contract address collision")]
    Collision,
    #[error("max code size exceeded")]
    CodeTooLarge,
    #[error("max call depth exceeded")]
    CallDepth,
    #[error("{0}")]
    Other(String),
}

/// Why a call could not even begin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    #[error("insufficient funds for gas * price + value: address {address} have {have} want {want}")]
    InsufficientFunds { address: Address, have: U256, want: U256 },
    #[error("max fee per gas less than block base fee: address {address}, maxFeePerGas: {price}, baseFee: {base_fee}")]
    FeeBelowBase { address: Address, price: u128, base_fee: u64 },
    #[error("max priority fee per gas higher than max fee per gas: maxPriorityFeePerGas: {tip}, maxFeePerGas: {price}")]
    TipAboveFee { tip: u128, price: u128 },
    #[error("intrinsic gas too low: have {have}, want {want}")]
    IntrinsicGas { have: u64, want: u64 },
    #[error("{0}")]
    Other(String),
}

/// Why there is no estimate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EstimateError {
    #[error("execution reverted")]
    Reverted(Bytes),
    #[error("{0}")]
    Halted(Halt),
    /// No gas that the sender can pay for, or that a block holds, is enough.
    #[error("gas required exceeds allowance ({0})")]
    ExceedsAllowance(u64),
    #[error(transparent)]
    Call(#[from] CallError),
}

impl Chain {
    /// Tries a transaction on the state that `at` names.
    pub fn call(&self, call: &Call, at: At) -> Result<Outcome, CallError> {
        self.run(call, at).map(|(outcome, _)| outcome)
    }

    /// The accounts and slots that the transaction looks at (EIP-2930), and how it ends if it announces them.
    pub fn access_list(&self, call: &Call, at: At) -> Result<(AccessList, Outcome), CallError> {
        let (_, state) = self.run(call, at)?;
        let precompiles = precompiles(self.config.recover);
        let beneficiary = self.scene(at).0.beneficiary;
        let created = call.from.create(self.nonce(&call.from, self.scene(at).1));
        // These are known to be needed without a list, unless for their slots.
        let is_warm = |address: &Address| {
            [call.from, beneficiary, call.to.to().copied().unwrap_or(created)].contains(address)
                || precompiles.contains(address)
        };
        let mut items: Vec<AccessListItem> = state
            .into_iter()
            .map(|(address, account)| {
                let mut storage_keys: Vec<B256> = account.storage.into_keys().map(B256::from).collect();
                storage_keys.sort_unstable();
                AccessListItem { address, storage_keys }
            })
            .filter(|item| !item.storage_keys.is_empty() || !is_warm(&item.address))
            .collect();
        items.sort_unstable_by_key(|item| item.address);
        let list = AccessList(items);
        let outcome = self.call(&Call { access_list: list.clone(), ..call.clone() }, at)?;
        Ok((list, outcome))
    }

    fn run(&self, call: &Call, at: At) -> Result<(Outcome, EvmState), CallError> {
        let (block, height) = self.scene(at);
        let mut rules = execute::call_rules(&self.rules);
        rules.disable_base_fee = call.price.unwrap_or(0) == 0 && call.tip.unwrap_or(0) == 0;
        let base_fee = block.basefee;
        let mut evm = execute::evm(self.view(height, &call.overrides), rules, block, &self.config);
        let gas = call.gas.unwrap_or(CALL_GAS_MAX).min(CALL_GAS_MAX);
        match evm.transact(transaction(call, gas, self.config.chain_id)) {
            Ok(done) => Ok((outcome(done.result), done.state)),
            Err(EVMError::Transaction(invalid)) => Err(refusal(invalid, call, base_fee)),
            Err(error) => Err(CallError::Other(error.to_string())),
        }
    }

    /// The least gas limit with which the transaction succeeds.
    pub fn estimate_gas(&self, call: &Call, at: At) -> Result<u64, EstimateError> {
        let (block, height) = self.scene(at);
        let mut most = call.gas.unwrap_or(block.gas_limit).min(block.gas_limit).min(CALL_GAS_MAX);
        if let Some(price) = call.price.filter(|price| *price > 0) {
            let have = self.balance(&call.from, height);
            let spare = have.checked_sub(call.value).ok_or(CallError::InsufficientFunds {
                address: call.from,
                have,
                want: call.value,
            })?;
            most = most.min((spare / U256::from(price)).saturating_to());
        }
        let attempt = |gas| self.call(&Call { gas: Some(gas), ..call.clone() }, at);
        let used = match attempt(most) {
            Ok(Outcome::Returned { gas_used, .. }) => gas_used,
            Ok(Outcome::Reverted { output, .. }) => return Err(EstimateError::Reverted(output)),
            Ok(Outcome::Halted { reason: Halt::OutOfGas, .. }) | Err(CallError::IntrinsicGas { .. }) => {
                return Err(EstimateError::ExceedsAllowance(most));
            }
            Ok(Outcome::Halted { reason, .. }) => return Err(EstimateError::Halted(reason)),
            Err(error) => return Err(error.into()),
        };
        // What was used after refunds is never enough less one; what is kept back from inner calls (1/64) often suffices.
        let (mut too_little, mut enough) = (used.saturating_sub(1), most);
        let guess = used.saturating_add(used / 63).saturating_add(2_300);
        let mut next = guess;
        while too_little + 1 < enough {
            if next <= too_little || next >= enough {
                next = too_little + (enough - too_little) / 2;
            }
            match attempt(next) {
                Ok(Outcome::Returned { .. }) => enough = next,
                Ok(Outcome::Reverted { .. } | Outcome::Halted { .. }) | Err(CallError::IntrinsicGas { .. }) => {
                    too_little = next;
                }
                Err(error) => return Err(error.into()),
            }
            next = too_little + (enough - too_little) / 2;
        }
        Ok(enough)
    }

    fn scene(&self, at: At) -> (BlockEnv, u64) {
        match at {
            At::Block(number) => {
                let block = self.block(number).unwrap_or(self.head());
                (block_env(&block.header), block.number())
            }
            At::Next { timestamp } => (block_env(&self.next_header(timestamp)), self.height()),
        }
    }
}

fn transaction(call: &Call, gas: u64, chain_id: u64) -> TxEnv {
    TxEnv {
        tx_type: match (call.tip, call.access_list.0.is_empty()) {
            (Some(_), _) => 2,
            (None, false) => 1,
            (None, true) => 0,
        },
        caller: call.from,
        gas_limit: gas,
        gas_price: call.price.or(call.tip).unwrap_or(0),
        kind: call.to,
        value: call.value,
        data: call.data.clone(),
        nonce: 0,
        chain_id: Some(chain_id),
        access_list: call.access_list.clone(),
        gas_priority_fee: call.tip,
        blob_hashes: Vec::new(),
        max_fee_per_blob_gas: 0,
        authorization_list: Vec::new(),
    }
}

fn outcome(result: ExecutionResult) -> Outcome {
    let gas_used = result.tx_gas_used();
    match result {
        ExecutionResult::Success { output, logs, .. } => {
            Outcome::Returned { output: output.into_data(), gas_used, logs }
        }
        ExecutionResult::Revert { output, .. } => Outcome::Reverted { output, gas_used },
        ExecutionResult::Halt { reason, .. } => Outcome::Halted { reason: halt(reason), gas_used },
    }
}

fn halt(reason: HaltReason) -> Halt {
    match reason {
        // The limit of memory is ours, the price of memory the protocol's: both are a lack of gas to the caller.
        HaltReason::OutOfGas(OutOfGasError::Precompile) => Halt::OutOfGas,
        HaltReason::OutOfGas(_) => Halt::OutOfGas,
        HaltReason::OpcodeNotFound | HaltReason::InvalidFEOpcode => Halt::InvalidOpcode,
        HaltReason::InvalidJump => Halt::InvalidJump,
        HaltReason::StateChangeDuringStaticCall | HaltReason::CallNotAllowedInsideStatic => Halt::WriteProtection,
        HaltReason::OutOfFunds => Halt::InsufficientBalance,
        HaltReason::CreateCollision => Halt::Collision,
        HaltReason::CreateContractSizeLimit => Halt::CodeTooLarge,
        HaltReason::CallTooDeep => Halt::CallDepth,
        other => Halt::Other(format!("{other:?}")),
    }
}

fn refusal(invalid: InvalidTransaction, call: &Call, base_fee: u64) -> CallError {
    let price = call.price.unwrap_or(0);
    match invalid {
        InvalidTransaction::LackOfFundForMaxFee { fee, balance } => {
            CallError::InsufficientFunds { address: call.from, have: *balance, want: *fee }
        }
        InvalidTransaction::GasPriceLessThanBasefee => CallError::FeeBelowBase { address: call.from, price, base_fee },
        InvalidTransaction::PriorityFeeGreaterThanMaxFee => {
            CallError::TipAboveFee { tip: call.tip.unwrap_or(0), price }
        }
        InvalidTransaction::CallGasCostMoreThanGasLimit { initial_gas: want, gas_limit: have }
        | InvalidTransaction::GasFloorMoreThanGasLimit { gas_floor: want, gas_limit: have } => {
            CallError::IntrinsicGas { have, want }
        }
        other => CallError::Other(other.to_string()),
    }
}
