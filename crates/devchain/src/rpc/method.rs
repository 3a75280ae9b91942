//! Every method, by name.

use alloy_consensus::{TxEip1559, TxEip2930, TxLegacy, TypedTransaction};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, U256, keccak256};
use serde_json::{Value, json};

use super::{
    answer,
    error::RpcError,
    host::State,
    params::{BlockId, LogQuery, Params, Request, Tag},
    watch::Topic,
};
use crate::{
    block::Block,
    call::{At, Call, Outcome},
    limits::{
        FEE_HISTORY_BLOCKS_MAX, FEE_HISTORY_PERCENTILES_MAX, LOG_RANGE_BLOCKS_MAX, LOG_RESULTS_MAX, MINE_BLOCKS_MAX,
        PROOF_KEYS_MAX,
    },
};

type Answer = Result<Value, RpcError>;

/// What `eth_subscribe` asked for; only a WebSocket connection can grant it.
pub(super) fn subscription(params: Option<Value>) -> Result<Topic, RpcError> {
    let mut params = Params::new(params)?;
    let topic = match params.text("subscription")?.as_str() {
        "newHeads" => Topic::Heads,
        "logs" => Topic::Logs(params.log_query_or_all()?.filter),
        "newPendingTransactions" => Topic::Transactions { full: params.flag("full")? },
        other => return Err(RpcError::params(format!("no {other:?} subscription in eth namespace"))),
    };
    params.end()?;
    Ok(topic)
}

/// The id that `eth_unsubscribe` names.
pub(super) fn unsubscription(params: Option<Value>) -> Result<u64, RpcError> {
    let mut params = Params::new(params)?;
    let id = params.quantity("subscription")?;
    params.end()?;
    Ok(id)
}

impl State {
    /// Reads the parameters of a method, does what it says, and answers.
    pub(super) fn answer(&mut self, method: &str, params: Option<Value>) -> Answer {
        let mut params = Params::new(params)?;
        /// Reads parameters in order, refuses more, then goes on.
        macro_rules! with {
            (($($name:ident = $read:expr),* $(,)?) $body:expr) => {{
                $(let $name = $read?;)*
                params.end()?;
                $body
            }};
        }
        match method {
            "web3_clientVersion" => {
                with!(() Ok(concat!("dodona-devchain/v", env!("CARGO_PKG_VERSION"), "/revm").into()))
            }
            "web3_sha3" => with!((bytes = params.bytes("data")) Ok(answer::data(keccak256(bytes)))),
            "net_version" => with!(() Ok(self.chain.config().chain_id.to_string().into())),
            "net_listening" => with!(() Ok(true.into())),
            "net_peerCount" => with!(() Ok(answer::quantity(0))),

            "eth_chainId" => with!(() Ok(answer::quantity(self.chain.config().chain_id))),
            "eth_syncing" => with!(() Ok(false.into())),
            "eth_accounts" => {
                with!(() Ok(self.accounts.iter().map(|account| answer::data(account.address())).collect()))
            }
            "eth_blockNumber" => with!(() Ok(answer::quantity(self.chain.height()))),

            "eth_getBalance" => with!((address = params.address("address"), block = params.block())
                Ok(answer::quantity(self.chain.balance(&address, self.state_at(block)?)))),
            "eth_getTransactionCount" => with!((address = params.address("address"), block = params.block())
            Ok(answer::quantity(match block {
                BlockId::Tag(Tag::Pending) => self.chain.pending_nonce(&address),
                BlockId::Number(_) | BlockId::Hash(_) | BlockId::Tag(_) => self.chain.nonce(&address, self.state_at(block)?),
            }))),
            "eth_getCode" => with!((address = params.address("address"), block = params.block())
                Ok(answer::data(self.chain.code(&address, self.state_at(block)?)))),
            "eth_getStorageAt" => {
                with!((address = params.address("address"), slot = params.slot("slot"), block = params.block())
                Ok(answer::data(self.chain.storage(&address, slot, self.state_at(block)?).to_be_bytes::<32>())))
            }
            "eth_getProof" => {
                with!((address = params.address("address"), slots = params.slots("storageKeys"), block = params.block())
                self.proof(address, &slots, block))
            }

            "eth_call" => {
                with!((transaction = params.transaction(), block = params.block(), overrides = params.overrides())
                self.call(&Call { overrides, ..transaction.call() }, block))
            }
            "eth_estimateGas" => {
                with!((transaction = params.transaction(), block = params.block(), overrides = params.overrides()) {
                    let call = Call { overrides, ..transaction.call() };
                    Ok(answer::quantity(self.chain.estimate_gas(&call, self.scene(block)?)?))
                })
            }
            "eth_createAccessList" => with!((transaction = params.transaction(), block = params.block())
                self.access_list(&transaction.call(), block)),
            "eth_gasPrice" => with!(()
                Ok(answer::quantity(u128::from(self.chain.next_base_fee()) + self.suggested_tip()))),
            "eth_maxPriorityFeePerGas" => with!(() Ok(answer::quantity(self.suggested_tip()))),
            "eth_blobBaseFee" => with!(() Ok(answer::quantity(1))),
            "eth_feeHistory" => with!((count = params.number("blockCount"), newest = params.required_block(),
                percentiles = params.percentiles("rewardPercentiles")) self.fee_history(count, newest, &percentiles)),

            "eth_sendRawTransaction" => {
                with!((raw = params.bytes("transaction")) Ok(answer::data(self.chain.submit_raw(&raw)?)))
            }
            "eth_sendTransaction" => with!((transaction = params.transaction()) self.send(transaction)),

            "eth_getBlockByNumber" => with!((block = params.required_block(), full = params.flag("full"))
            Ok(match block {
                BlockId::Tag(Tag::Pending) => answer::pending_block(&self.chain.next_header(self.timestamp())),
                BlockId::Number(_) | BlockId::Hash(_) | BlockId::Tag(_) => self.find(block).map_or(Value::Null, |block| answer::block(block, full)),
            })),
            "eth_getBlockByHash" => with!((hash = params.hash("hash"), full = params.flag("full"))
                Ok(self.find(BlockId::Hash(hash)).map_or(Value::Null, |block| answer::block(block, full)))),
            "eth_getHeaderByNumber" => with!((block = params.required_block())
                Ok(self.find(block).map_or(Value::Null, |block| answer::header(Some(block.hash), &block.header)))),
            "eth_getHeaderByHash" => with!((hash = params.hash("hash"))
                Ok(self.find(BlockId::Hash(hash)).map_or(Value::Null, |block| answer::header(Some(block.hash), &block.header)))),
            "eth_getBlockTransactionCountByNumber" => with!((block = params.required_block())
                Ok(self.find(block).map_or(Value::Null, |block| answer::quantity(block.transactions.len())))),
            "eth_getBlockTransactionCountByHash" => with!((hash = params.hash("hash"))
                Ok(self.find(BlockId::Hash(hash)).map_or(Value::Null, |block| answer::quantity(block.transactions.len())))),
            "eth_getUncleCountByBlockNumber" => with!((block = params.required_block())
                Ok(self.find(block).map_or(Value::Null, |_| answer::quantity(0)))),
            "eth_getUncleCountByBlockHash" => with!((hash = params.hash("hash"))
                Ok(self.find(BlockId::Hash(hash)).map_or(Value::Null, |_| answer::quantity(0)))),
            "eth_getBlockReceipts" => with!((block = params.required_block())
            Ok(self.find(block).map_or(Value::Null, |block| {
                (0..block.receipts.len()).map(|index| answer::receipt(block, index)).collect()
            }))),

            "eth_getTransactionByHash" => with!((hash = params.hash("hash"))
            Ok(match (self.chain.find(&hash), self.chain.waiting(&hash)) {
                (Some((block, index)), _) => answer::mined(block, index),
                (None, Some(transaction)) => answer::waiting(transaction),
                (None, None) => Value::Null,
            })),
            "eth_getRawTransactionByHash" => with!((hash = params.hash("hash"))
            Ok(match (self.chain.find(&hash), self.chain.waiting(&hash)) {
                (Some((block, index)), _) => answer::raw(&block.transactions[index]),
                (None, Some(transaction)) => answer::raw(transaction),
                (None, None) => Value::Null,
            })),
            "eth_getTransactionByBlockNumberAndIndex" => {
                with!((block = params.required_block(), index = params.quantity("index"))
                Ok(self.find(block).map_or(Value::Null, |block| nth(block, index))))
            }
            "eth_getTransactionByBlockHashAndIndex" => {
                with!((hash = params.hash("hash"), index = params.quantity("index"))
                Ok(self.find(BlockId::Hash(hash)).map_or(Value::Null, |block| nth(block, index))))
            }
            "eth_getTransactionReceipt" => with!((hash = params.hash("hash"))
                Ok(self.chain.find(&hash).map_or(Value::Null, |(block, index)| answer::receipt(block, index)))),

            "eth_getLogs" => with!((query = params.log_query()) self.logs(&query)),
            "eth_newFilter" => with!((query = params.log_query())
                Ok(answer::quantity(self.watchers.poll_for(Topic::Logs(query.filter.clone()), Some(query))?))),
            "eth_newBlockFilter" => with!(() Ok(answer::quantity(self.watchers.poll_for(Topic::Heads, None)?))),
            "eth_newPendingTransactionFilter" => with!((full = params.flag("full"))
                Ok(answer::quantity(self.watchers.poll_for(Topic::Transactions { full }, None)?))),
            "eth_getFilterChanges" => with!((id = params.quantity("filter"))
                self.watchers.poll(id).map(Value::from).ok_or_else(no_filter)),
            "eth_getFilterLogs" => with!((id = params.quantity("filter")) {
                let query = self.watchers.query(id).ok_or_else(no_filter)?.clone();
                self.logs(&query)
            }),
            "eth_uninstallFilter" => with!((id = params.quantity("filter")) Ok(self.watchers.stop_polling(id).into())),

            "txpool_status" => with!(() {
                let (pending, queued) = self.pool();
                Ok(json!({ "pending": answer::quantity(pending.len()), "queued": answer::quantity(queued.len()) }))
            }),
            "txpool_content" => with!(() {
                let (pending, queued) = self.pool();
                Ok(json!({ "pending": by_sender(&pending), "queued": by_sender(&queued) }))
            }),

            "evm_mine" => with!((options = params.mine_options()) self.mine_blocks(options)),
            "evm_increaseTime" => with!((seconds = params.number("seconds")) {
                self.clock_offset = self.clock_offset.saturating_add(seconds);
                Ok(self.clock_offset.into())
            }),
            "evm_setNextBlockTimestamp" => with!((timestamp = params.number("timestamp")) {
                let parent = self.chain.head().timestamp();
                if timestamp < parent {
                    return Err(crate::chain::TimestampTooOld { got: timestamp, parent }.into());
                }
                // As with other development chains, time goes on from there.
                self.clock_offset = self.clock_offset.saturating_add(timestamp.saturating_sub(self.now()));
                self.next_timestamp = Some(timestamp);
                Ok(Value::Null)
            }),
            "evm_snapshot" => with!(() Ok(answer::quantity(self.snapshot()))),
            "evm_revert" => with!((id = params.quantity("snapshot")) Ok(self.restore(id).into())),
            "dodona_reorg" => with!((depth = params.number("depth"))
                Ok(self.chain.reorg(depth)?.iter().map(|block| answer::data(block.hash)).collect())),

            "eth_subscribe" | "eth_unsubscribe" => {
                Err(RpcError { code: -32601, message: "notifications not supported".into(), data: None })
            }
            _ => Err(RpcError::no_method(method)),
        }
    }

    fn number(&self, tag: Tag) -> u64 {
        match tag {
            Tag::Earliest => 0,
            Tag::Finalized | Tag::Safe => self.chain.height().saturating_sub(self.finality_depth),
            Tag::Latest | Tag::Pending => self.chain.height(),
        }
    }

    fn find(&self, block: BlockId) -> Option<&Block> {
        Some(match block {
            BlockId::Number(number) => self.chain.block(number)?,
            BlockId::Hash(hash) => self.chain.block_by_hash(&hash)?,
            BlockId::Tag(tag) => self.chain.block(self.number(tag))?,
        })
    }

    /// The height whose state is asked for.
    fn state_at(&self, block: BlockId) -> Result<u64, RpcError> {
        self.find(block).map(Block::number).ok_or_else(|| RpcError::server("header not found"))
    }

    fn scene(&self, block: BlockId) -> Result<At, RpcError> {
        Ok(match block {
            BlockId::Tag(Tag::Pending) => At::Next { timestamp: self.timestamp() },
            BlockId::Number(_) | BlockId::Hash(_) | BlockId::Tag(_) => At::Block(self.state_at(block)?),
        })
    }

    fn call(&self, call: &Call, block: BlockId) -> Answer {
        match self.chain.call(call, self.scene(block)?)? {
            Outcome::Returned { output, .. } => Ok(answer::data(output)),
            Outcome::Reverted { output, .. } => Err(RpcError::reverted(&output)),
            Outcome::Halted { reason, .. } => Err(reason.into()),
        }
    }

    fn access_list(&self, call: &Call, block: BlockId) -> Answer {
        let (list, outcome) = self.chain.access_list(call, self.scene(block)?)?;
        let (gas_used, error) = match outcome {
            Outcome::Returned { gas_used, .. } => (gas_used, None),
            Outcome::Reverted { gas_used, .. } => (gas_used, Some("execution reverted".to_owned())),
            Outcome::Halted { gas_used, reason } => (gas_used, Some(reason.to_string())),
        };
        let mut answer = json!({ "accessList": answer::access_list(&list), "gasUsed": answer::quantity(gas_used) });
        if let Some(error) = error {
            answer["error"] = error.into();
        }
        Ok(answer)
    }

    /// Signs for one of the unlocked accounts, and fills in what the request leaves out.
    fn send(&mut self, request: Request) -> Answer {
        let from = request.from.ok_or_else(|| RpcError::params("missing \"from\" in transaction"))?;
        let account = self.accounts.iter().find(|account| account.address() == from);
        let account = account.ok_or_else(|| RpcError::server("unknown account"))?.clone();
        let chain_id = self.chain.config().chain_id;
        if let Some(got) = request.chain_id.filter(|got| *got != chain_id) {
            return Err(RpcError::params(format!("chainId does not match node's (have={got}, want={chain_id})")));
        }
        let gas_limit = match request.gas {
            Some(gas) => gas,
            None => self.chain.estimate_gas(&request.call(), At::Next { timestamp: self.timestamp() })?,
        };
        let nonce = request.nonce.unwrap_or_else(|| self.chain.pending_nonce(&from));
        let (to, value, input) = (request.kind(), request.value, request.input.clone());
        let access_list = request.access_list.unwrap_or_default();
        let transaction: TypedTransaction = match request.gas_price {
            Some(gas_price) if access_list.is_empty() => {
                TxLegacy { chain_id: Some(chain_id), nonce, gas_price, gas_limit, to, value, input }.into()
            }
            Some(gas_price) => {
                TxEip2930 { chain_id, nonce, gas_price, gas_limit, to, value, access_list, input }.into()
            }
            None => {
                let tip = request.tip.unwrap_or_else(|| self.suggested_tip().min(request.fee_max.unwrap_or(u128::MAX)));
                // Twice the base fee lasts for six full blocks.
                let fee = request.fee_max.unwrap_or_else(|| tip + 2 * u128::from(self.chain.next_base_fee()));
                TxEip1559 {
                    chain_id,
                    nonce,
                    gas_limit,
                    max_fee_per_gas: fee,
                    max_priority_fee_per_gas: tip,
                    to,
                    value,
                    access_list,
                    input,
                }
                .into()
            }
        };
        Ok(answer::data(self.chain.submit_raw(&account.sign(transaction).encoded_2718())?))
    }

    /// A constant: blocks here have room for everybody, so there is no market, and a suggestion made from what was paid
    /// lately would only grow with those who pay more than they are told.
    fn suggested_tip(&self) -> u128 {
        self.chain.config().tip_min.max(1_000_000_000)
    }

    fn fee_history(&self, count: u64, newest: BlockId, percentiles: &[f64]) -> Answer {
        if percentiles.len() > FEE_HISTORY_PERCENTILES_MAX {
            return Err(RpcError::params(format!("over the query limit {FEE_HISTORY_PERCENTILES_MAX}")));
        }
        let rising = percentiles.windows(2).all(|pair| pair[0] < pair[1]);
        if !rising || percentiles.iter().any(|percentile| !(0.0..=100.0).contains(percentile)) {
            return Err(RpcError::params("invalid reward percentile: want rising values from 0 to 100"));
        }
        let head = self.chain.height();
        let newest = match newest {
            BlockId::Number(number) if number > head => {
                return Err(RpcError::server(format!("request beyond head block: requested {number}, head {head}")));
            }
            block => self.state_at(block)?,
        };
        let count = count.min(FEE_HISTORY_BLOCKS_MAX).min(newest + 1);
        let oldest = newest + 1 - count;
        let blocks: Vec<&Block> =
            (oldest..oldest + count).filter_map(|number| self.chain.block(number)).map(AsRef::as_ref).collect();
        let after = self.chain.block(newest + 1).map_or(self.chain.next_base_fee(), |block| block.base_fee());
        let mut answer = json!({
            "oldestBlock": answer::quantity(oldest),
            "baseFeePerGas": blocks.iter().map(|block| block.base_fee()).chain([after]).map(answer::quantity).collect::<Vec<_>>(),
            "gasUsedRatio": blocks.iter().map(|block| block.header.gas_used as f64 / block.header.gas_limit as f64).collect::<Vec<_>>(),
            "baseFeePerBlobGas": vec![answer::quantity(1); blocks.len() + 1],
            "blobGasUsedRatio": vec![0; blocks.len()],
        });
        if !percentiles.is_empty() {
            answer["reward"] = blocks.iter().map(|block| Value::from(rewards(block, percentiles))).collect();
        }
        Ok(answer)
    }

    fn proof(&mut self, address: Address, slots: &[U256], block: BlockId) -> Answer {
        if slots.len() > PROOF_KEYS_MAX {
            return Err(RpcError::params(format!("too many keys (max {PROOF_KEYS_MAX})")));
        }
        let height = self.state_at(block)?;
        if height != self.chain.height() {
            return Err(RpcError::server("this chain proves the newest state only"));
        }
        let values: Vec<U256> = slots.iter().map(|slot| self.chain.storage(&address, *slot, height)).collect();
        let proof =
            self.chain.prove(address, slots).ok_or_else(|| RpcError::server("this chain has no state roots"))?;
        let nodes = |nodes: &[alloy_primitives::Bytes]| nodes.iter().map(answer::data).collect::<Vec<_>>();
        let storage = slots.iter().zip(values).zip(&proof.storage).map(|((slot, value), path)| {
            json!({ "key": answer::quantity(*slot), "value": answer::quantity(value), "proof": nodes(path) })
        });
        Ok(json!({
            "address": answer::data(address),
            "accountProof": nodes(&proof.account),
            "balance": answer::quantity(proof.balance),
            "codeHash": answer::data(proof.code_hash),
            "nonce": answer::quantity(proof.nonce),
            "storageHash": answer::data(proof.storage_root),
            "storageProof": storage.collect::<Vec<_>>(),
        }))
    }

    fn logs(&self, query: &LogQuery) -> Answer {
        let (first, last) = match query.block_hash {
            Some(hash) => {
                let block = self.chain.block_by_hash(&hash).ok_or_else(|| RpcError::server("unknown block"))?;
                (block.number(), block.number())
            }
            None => {
                let number = |block: Option<BlockId>| match block {
                    Some(BlockId::Number(number)) => number,
                    Some(BlockId::Tag(tag)) => self.number(tag),
                    // A query names no other; without one, geth looks at the newest block.
                    Some(BlockId::Hash(_)) | None => self.chain.height(),
                };
                (number(query.from), number(query.to))
            }
        };
        if first > last {
            return Err(RpcError::params(format!("invalid block range params: from {first}, to {last}")));
        }
        let last = last.min(self.chain.height());
        if last.saturating_sub(first) >= LOG_RANGE_BLOCKS_MAX {
            return Err(RpcError::limit(format!(
                "block range {first} to {last} is more than {LOG_RANGE_BLOCKS_MAX} blocks"
            )));
        }
        let logs: Vec<Value> = self
            .chain
            .logs(first..=last, &query.filter)
            .take(LOG_RESULTS_MAX + 1)
            .map(|placed| answer::log(&placed, false))
            .collect();
        if logs.len() > LOG_RESULTS_MAX {
            return Err(RpcError::limit(format!("query returned more than {LOG_RESULTS_MAX} results")));
        }
        Ok(logs.into())
    }

    fn mine_blocks(&mut self, (timestamp, blocks): (Option<u64>, u64)) -> Answer {
        if blocks > MINE_BLOCKS_MAX {
            return Err(RpcError::limit(format!("more than {MINE_BLOCKS_MAX} blocks at once")));
        }
        if let Some(timestamp) = timestamp {
            let parent = self.chain.head().timestamp();
            if timestamp < parent {
                return Err(crate::chain::TimestampTooOld { got: timestamp, parent }.into());
            }
            self.next_timestamp = Some(timestamp);
        }
        for _ in 0..blocks {
            self.mine();
        }
        Ok(answer::quantity(0))
    }

    /// Waiting transactions: those that could be mined, and those behind a gap.
    fn pool(&self) -> (Vec<&crate::Transaction>, Vec<&crate::Transaction>) {
        self.chain
            .pool()
            .map(AsRef::as_ref)
            .partition(|transaction| transaction.nonce() < self.chain.pending_nonce(&transaction.sender))
    }
}

fn no_filter() -> RpcError {
    RpcError::server("filter not found")
}

fn nth(block: &Block, index: u64) -> Value {
    usize::try_from(index)
        .ok()
        .filter(|index| *index < block.transactions.len())
        .map_or(Value::Null, |index| answer::mined(block, index))
}

fn tip(block: &Block, effective_gas_price: u128) -> u128 {
    effective_gas_price.saturating_sub(block.base_fee().into())
}

/// Tips at these percentiles of the block's gas.
fn rewards(block: &Block, percentiles: &[f64]) -> Vec<Value> {
    let mut tips: Vec<(u128, u64)> =
        block.receipts.iter().map(|receipt| (tip(block, receipt.effective_gas_price), receipt.gas_used)).collect();
    tips.sort_unstable();
    let at = |percentile: &f64| {
        let wanted = (block.header.gas_used as f64 * percentile / 100.0) as u64;
        let mut gas = 0;
        let reached = tips.iter().find(|(_, gas_used)| {
            gas += gas_used;
            gas >= wanted
        });
        answer::quantity(reached.map_or(0, |(tip, _)| *tip))
    };
    percentiles.iter().map(at).collect()
}

fn by_sender(transactions: &[&crate::Transaction]) -> Value {
    let mut answer = json!({});
    for transaction in transactions {
        answer[transaction.sender.to_checksum(None)][transaction.nonce().to_string()] = answer::waiting(transaction);
    }
    answer
}
