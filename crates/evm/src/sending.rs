//! Performs what the transaction machine asks for: looks, estimates, signatures, broadcasts.

use alloy::consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy::eips::eip2718::Encodable2718;
use alloy::primitives::{Address, B256, Bytes, Signature, TxKind, U64, U256};
use crypto::secp256k1::SecretKey;
use evm_proto::transactions::{Answer, Ask, Estimate, Look, LookAsk, Signed, Transaction, Verdict};
use futures::future::try_join_all;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::endpoints::Endpoints;
use crate::error::{Failure, ReadError};
use crate::json_rpc::{CallRequest, RawReceipt};
use crate::tracking;

/// The world of one transaction machine.
#[derive(Clone, Debug)]
pub struct TransactionAsks {
    endpoints: Arc<Endpoints>,
    keys: Arc<BTreeMap<Address, SecretKey>>,
}

impl TransactionAsks {
    /// With the keys of all senders.
    pub fn new(endpoints: Arc<Endpoints>, keys: impl IntoIterator<Item = SecretKey>) -> Self {
        let keys = keys.into_iter().map(|key| (address(&key), key)).collect();
        TransactionAsks { endpoints, keys: Arc::new(keys) }
    }

    /// The accounts that can send.
    pub fn senders(&self) -> impl Iterator<Item = Address> + '_ {
        self.keys.keys().copied()
    }

    /// The answer to an ask; `None` if there is none to rely on, which has been logged.
    pub async fn perform(&self, ask: Ask) -> Option<Answer> {
        match ask {
            Ask::Look(look) => {
                let sender = look.sender;
                let looked = self.look(look).await;
                let looked = looked.inspect_err(|error| tracing::warn!(%sender, %error, "sender not looked up"));
                looked.ok().map(Answer::Looked)
            }
            Ask::Estimate { sender, to, value, input } => {
                let call = CallRequest { from: Some(sender), to: Some(to), value: Some(value), data: input, gas: None };
                match self.estimate(call).await {
                    Ok(gas) => Some(Answer::Estimated(Estimate::Gas(gas))),
                    Err(ReadError::Reverted { data, .. }) => Some(Answer::Estimated(Estimate::Reverts(data))),
                    Err(error) => {
                        tracing::warn!(%sender, %to, %error, "gas not estimated");
                        None
                    }
                }
            }
            Ask::Sign(transaction) => {
                let Some(key) = self.keys.get(&transaction.sender) else {
                    tracing::error!(sender = %transaction.sender, "no key: unlock or import the key of this account");
                    return None;
                };
                Some(Answer::Signed(sign(&transaction, key)))
            }
            Ask::Broadcast { transaction, signed } => {
                let (verdict, errors) = self.endpoints.broadcast(signed.raw).await;
                let Transaction { sender, nonce, .. } = transaction;
                for error in errors {
                    match verdict {
                        Some(Verdict::Accepted | Verdict::AlreadyKnown) => {
                            tracing::debug!(%sender, nonce, hash = %signed.hash, %error, "transaction not taken by one");
                        }
                        Some(_) | None => {
                            tracing::warn!(%sender, nonce, hash = %signed.hash, %error, "transaction not taken");
                        }
                    }
                }
                verdict.map(Answer::Broadcast)
            }
        }
    }

    /// How a sender stands, all of it from one endpoint and as of one head.
    pub async fn look(&self, ask: LookAsk) -> Result<Look, ReadError> {
        let endpoints = self.endpoints.clone();
        let ask = Arc::new(ask);
        self.endpoints
            .read(move |endpoint| {
                let (endpoints, ask) = (endpoints.clone(), ask.clone());
                Box::pin(async move {
                    let header = tracking::head(&endpoints, &endpoint).await?;
                    let Some(base_fee) = header.next_base_fee() else {
                        let why = "the chain has no base fee; only chains with EIP-1559 are supported";
                        return Err(endpoint.error("eth_getBlockByNumber", Failure::Malformed(why.into())));
                    };
                    let head = header.block();
                    let sender = ask.sender;
                    let count = "eth_getTransactionCount";
                    let nonce_at = |at: Option<u64>| {
                        let endpoint = endpoint.clone();
                        async move {
                            match at {
                                Some(number) => endpoint.call::<U64>(count, (sender, U64::from(number))).await,
                                None => Ok(U64::ZERO),
                            }
                        }
                    };
                    let confirmed = head.number.saturating_add(1).checked_sub(ask.confirmations);
                    let (nonce, nonce_confirmed, nonce_pending, balance, tip) = futures::join!(
                        nonce_at(Some(head.number)),
                        nonce_at(confirmed),
                        endpoint.call::<U64>(count, (sender, "pending")),
                        endpoint.call::<U256>("eth_getBalance", (sender, header.number)),
                        endpoint.call::<U256>("eth_maxPriorityFeePerGas", ()),
                    );
                    let nonce: u64 = nonce?.to();
                    let wanted = ask.attempts.iter().filter(|(of, _)| *of < nonce);
                    let receipts = wanted
                        .map(|(_, hash)| endpoint.call::<Option<RawReceipt>>("eth_getTransactionReceipt", (*hash,)));
                    let receipts = try_join_all(receipts).await?;
                    let receipts = receipts.into_iter().flatten().filter_map(|receipt| receipt.receipt());
                    Ok(Look {
                        head,
                        nonce,
                        // Not every endpoint has a view of a pool.
                        nonce_pending: nonce_pending.map_or(nonce, |pending| pending.to::<u64>().max(nonce)),
                        nonce_confirmed: nonce_confirmed?.to(),
                        balance: balance?,
                        base_fee,
                        // Not every endpoint gives advice; the policy has a least tip.
                        tip: tip.map_or(0, |tip| u128::try_from(tip).unwrap_or(u128::MAX)),
                        // A block above the head was mined after it was read: the next look has it.
                        receipts: receipts.filter(|receipt| receipt.block.number <= head.number).collect(),
                    })
                })
            })
            .await
    }

    async fn estimate(&self, call: CallRequest) -> Result<u64, ReadError> {
        let estimate = self.endpoints.read(move |endpoint| {
            let call = call.clone();
            Box::pin(async move { endpoint.call::<U64>("eth_estimateGas", (call,)).await })
        });
        Ok(estimate.await?.to())
    }
}

/// The account of a key.
pub fn address(key: &SecretKey) -> Address {
    Address::new(key.address().0)
}

/// The transaction with its signature, as it goes over the wire (EIP-1559, EIP-2718).
pub fn sign(transaction: &Transaction, key: &SecretKey) -> Signed {
    let Transaction { chain_id, nonce, tip, fee_cap, gas_limit, to, value, ref input, .. } = *transaction;
    sign_raw(
        TxEip1559 {
            chain_id,
            nonce,
            gas_limit,
            max_fee_per_gas: fee_cap,
            max_priority_fee_per_gas: tip,
            to: TxKind::Call(to),
            value,
            access_list: Default::default(),
            input: input.clone(),
        },
        key,
    )
}

pub(crate) fn sign_raw(transaction: TxEip1559, key: &SecretKey) -> Signed {
    let signature = key.sign(&transaction.signature_hash().0);
    let (rs, v) = signature.split_at(64);
    let (r, s) = (U256::from_be_slice(&rs[..32]), U256::from_be_slice(&rs[32..]));
    let envelope: TxEnvelope = transaction.into_signed(Signature::new(r, s, v[0] == 1)).into();
    let hash: B256 = *envelope.tx_hash();
    Signed { hash, raw: Bytes::from(envelope.encoded_2718()) }
}
