//! Deploying contracts and calling them directly, one after the other, with an outcome at once: for tools that a person
//! runs. Oracles bring their reports through the transaction machine.

use alloy::consensus::TxEip1559;
use alloy::primitives::{Address, B256, Bytes, TxKind, U64, U256};
use crypto::secp256k1::SecretKey;
use evm_proto::chain::Receipt;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

use crate::endpoint::Endpoint;
use crate::endpoints::Endpoints;
use crate::error::{CallError, Failure, ReadError, revert_reason};
use crate::json_rpc::{CallRequest, RawReceipt};
use crate::sending::{address, sign_raw};
use crate::tracking;

/// Who pays and signs.
#[derive(Clone)]
pub enum Account {
    /// A key in our hands.
    Key(SecretKey),
    /// An account that the endpoint signs for, as development nodes do.
    Unlocked(Address),
}

impl Account {
    pub fn address(&self) -> Address {
        match self {
            Account::Key(key) => address(key),
            Account::Unlocked(address) => *address,
        }
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Account::Key(_) => write!(f, "Account::Key(of {})", self.address()),
            Account::Unlocked(address) => write!(f, "Account::Unlocked({address})"),
        }
    }
}

/// A transaction could not be brought into the chain, or failed there.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SendError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("{what} would revert: {reason}")]
    WouldRevert { what: String, reason: String },
    #[error("{what} was not accepted: {error}")]
    NotAccepted { what: String, error: CallError },
    #[error("{what} reverted in block {block} (transaction {transaction})")]
    Reverted { what: String, block: u64, transaction: B256 },
    #[error(
        "{what} is in no block after {after:?} (transaction {transaction}); does the chain make blocks, and does {from} pay enough?"
    )]
    NotMined { what: String, transaction: B256, from: Address, after: Duration },
    #[error("{from} has {balance} wei and {what} needs {wanted}: send it funds")]
    InsufficientFunds { what: String, from: Address, balance: U256, wanted: U256 },
    #[error("the endpoint has no unlocked account: give a key (file:PATH or env:NAME), or start a development node")]
    NoUnlockedAccount,
    #[error("the endpoint reports no address for the deployed {what}")]
    NoAddress { what: String },
}

/// Sends from one account. Several calls may be underway at once: nonces are given out here, in order.
#[derive(Debug)]
pub struct Sender {
    endpoints: Arc<Endpoints>,
    account: Account,
    /// How long to wait for a transaction to be in a block.
    pub mined_within: Duration,
    next_nonce: Mutex<Option<u64>>,
}

/// Gas is estimated and raised by this, because the state may change until the transaction is in a block.
const GAS_MARGIN_PERCENT: u64 = 20;

impl Sender {
    pub fn new(endpoints: Arc<Endpoints>, account: Account) -> Self {
        Sender { endpoints, account, mined_within: Duration::from_secs(120), next_nonce: Mutex::new(None) }
    }

    /// From the first account that the endpoint signs for.
    pub async fn unlocked(endpoints: Arc<Endpoints>) -> Result<Self, SendError> {
        let accounts = endpoints
            .read(|endpoint| Box::pin(async move { endpoint.call::<Vec<Address>>("eth_accounts", ()).await }))
            .await?;
        let account = accounts.into_iter().next().ok_or(SendError::NoUnlockedAccount)?;
        Ok(Sender::new(endpoints, Account::Unlocked(account)))
    }

    pub fn address(&self) -> Address {
        self.account.address()
    }

    /// The chain that it sends to.
    pub fn endpoints(&self) -> &Arc<Endpoints> {
        &self.endpoints
    }

    /// Wei that an account has.
    pub async fn balance_of(&self, account: Address) -> Result<U256, ReadError> {
        self.endpoints
            .read(move |endpoint| {
                Box::pin(async move { endpoint.call::<U256>("eth_getBalance", (account, "latest")).await })
            })
            .await
    }

    /// Deploys creation code and waits for it; `what` names it in errors.
    pub async fn deploy(&self, what: &str, creation: Vec<u8>) -> Result<(Address, Receipt), SendError> {
        let transaction = self.send(what, None, creation.into(), U256::ZERO).await?;
        let (raw, receipt) = self.mined(what, transaction).await?;
        let deployed = raw.contract_address.ok_or_else(|| SendError::NoAddress { what: what.into() })?;
        Ok((deployed, receipt))
    }

    /// Calls a contract, or sends value to an account, and waits for it.
    pub async fn call(&self, what: &str, to: Address, input: Vec<u8>, value: U256) -> Result<Receipt, SendError> {
        let transaction = self.send(what, Some(to), input.into(), value).await?;
        self.wait(what, transaction).await
    }

    /// Sends without waiting; [`Sender::wait`] waits. `to` is `None` for creation code.
    pub async fn send(&self, what: &str, to: Option<Address>, input: Bytes, value: U256) -> Result<B256, SendError> {
        let from = self.account.address();
        let call = CallRequest { from: Some(from), to, gas: None, value: Some(value), data: input };
        // One at a time until it is in the pool, so that nonces are used in order and estimates see what came before.
        let mut next_nonce = self.next_nonce.lock().await;
        let endpoint = self.endpoints.preferred()?;
        let not_accepted = |error: CallError| match error.failure.reverted() {
            Some(data) => SendError::WouldRevert { what: what.into(), reason: revert_reason(&data) },
            None => SendError::NotAccepted { what: what.into(), error },
        };
        let gas: u64 = endpoint.call::<U64>("eth_estimateGas", (call.clone(),)).await.map_err(not_accepted)?.to();
        let gas = gas.saturating_add(gas / 100 * GAS_MARGIN_PERCENT);
        match &self.account {
            Account::Unlocked(_) => {
                let call = CallRequest { gas: Some(U64::from(gas)), ..call };
                endpoint.call("eth_sendTransaction", (call,)).await.map_err(not_accepted)
            }
            Account::Key(key) => {
                let nonce = match *next_nonce {
                    Some(nonce) => nonce,
                    None => {
                        let pending = endpoint.call::<U64>("eth_getTransactionCount", (from, "pending"));
                        pending.await.map_err(not_accepted)?.to()
                    }
                };
                let transaction = self.transaction(&endpoint, what, nonce, gas, call).await?;
                let signed = sign_raw(transaction, key);
                let sent = endpoint.call::<B256>("eth_sendRawTransaction", (signed.raw,)).await;
                // After a failure the chain is asked again.
                *next_nonce = sent.is_ok().then_some(nonce.saturating_add(1));
                sent.map_err(not_accepted)?;
                Ok(signed.hash)
            }
        }
    }

    async fn transaction(
        &self,
        endpoint: &Endpoint,
        what: &str,
        nonce: u64,
        gas_limit: u64,
        call: CallRequest,
    ) -> Result<TxEip1559, SendError> {
        let not_accepted = |error: CallError| SendError::NotAccepted { what: what.into(), error };
        let head = tracking::head(&self.endpoints, endpoint).await.map_err(not_accepted)?;
        let base_fee = head.next_base_fee().ok_or_else(|| {
            let why = "the chain has no base fee; only chains with EIP-1559 are supported";
            not_accepted(endpoint.error("eth_getBlockByNumber", Failure::Malformed(why.into())))
        })?;
        let tip = endpoint.call::<U256>("eth_maxPriorityFeePerGas", ()).await;
        let tip = tip.map_or(1_000_000_000, |tip| u128::try_from(tip).unwrap_or(u128::MAX));
        let fee_cap = (base_fee * 2).saturating_add(tip);
        let value = call.value.unwrap_or_default();
        let from = self.account.address();
        let wanted = (U256::from(fee_cap) * U256::from(gas_limit)).saturating_add(value);
        let balance: U256 = endpoint.call("eth_getBalance", (from, "latest")).await.map_err(not_accepted)?;
        if balance < wanted {
            return Err(SendError::InsufficientFunds { what: what.into(), from, balance, wanted });
        }
        Ok(TxEip1559 {
            chain_id: self.endpoints.chain_id(),
            nonce,
            gas_limit,
            max_fee_per_gas: fee_cap,
            max_priority_fee_per_gas: tip,
            to: call.to.map_or(TxKind::Create, TxKind::Call),
            value,
            access_list: Default::default(),
            input: call.data,
        })
    }

    /// Waits until a transaction is in a block and has succeeded.
    pub async fn wait(&self, what: &str, transaction: B256) -> Result<Receipt, SendError> {
        Ok(self.mined(what, transaction).await?.1)
    }

    async fn mined(&self, what: &str, transaction: B256) -> Result<(RawReceipt, Receipt), SendError> {
        let begun = Instant::now();
        let mut heads = self.endpoints.heads();
        loop {
            let receipt = self.endpoints.read(move |endpoint| {
                Box::pin(async move {
                    endpoint.call::<Option<RawReceipt>>("eth_getTransactionReceipt", (transaction,)).await
                })
            });
            // Endpoints that fail for a moment are asked again; the time is bounded below.
            if let Ok(Some(raw)) = receipt.await
                && let Some(receipt) = raw.receipt()
            {
                return match receipt.success {
                    true => Ok((raw, receipt)),
                    false => Err(SendError::Reverted { what: what.into(), block: receipt.block.number, transaction }),
                };
            }
            if begun.elapsed() >= self.mined_within {
                let (from, after) = (self.account.address(), self.mined_within);
                return Err(SendError::NotMined { what: what.into(), transaction, from, after });
            }
            // With each new head, and now and then without one: an endpoint may mine on demand and be polled rarely.
            let pause = self.endpoints.head_poll().min(Duration::from_millis(100));
            tokio::time::timeout(pause, heads.changed()).await.ok();
        }
    }
}
