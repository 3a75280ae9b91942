//! Performs what the tracker of a configuration asks for.

use alloy::primitives::{Address, B256, U64};
use alloy::sol_types::{SolCall, SolEvent};
use bindings::ocr2_aggregator::{ConfigSet, latestConfigDetailsCall};
use evm_proto::chain::{Block, Log};
use evm_proto::tracker::{Answer, Ask, Look};
use ocr::ConfigDigest;
use serde::Serialize;
use std::sync::{Arc, Mutex, PoisonError};

use crate::endpoint::Endpoint;
use crate::endpoints::Endpoints;
use crate::error::{CallError, Failure, ReadError};
use crate::json_rpc::{CallRequest, Header, RawLog};

/// The world of one tracker.
#[derive(Clone, Debug)]
pub struct TrackerAsks {
    endpoints: Arc<Endpoints>,
    contract: Address,
    /// What the log said last; `None` after a good answer.
    told: Arc<Mutex<Option<ReadError>>>,
}

impl TrackerAsks {
    pub fn new(endpoints: Arc<Endpoints>, contract: Address) -> Self {
        TrackerAsks { endpoints, contract, told: Arc::default() }
    }

    /// The answer to an ask; `None` if no endpoint gave one, which has been logged.
    pub async fn perform(&self, ask: Ask) -> Option<Answer> {
        let answer = match ask {
            Ask::Look => self.look().await.map(Answer::Looked),
            Ask::Logs { block } => self.logs(block).await.map(Answer::Logs),
        };
        self.tell(answer.as_ref().err());
        answer.ok()
    }

    /// Logs what is new: the contract is asked every few seconds, and may stay silent for days.
    fn tell(&self, error: Option<&ReadError>) {
        let contract = self.contract;
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        match error {
            _ if told.as_ref() == error => return,
            Some(error) => tracing::warn!(%contract, %error, "configuration not read"),
            None => tracing::info!(%contract, "configuration read again"),
        }
        *told = error.cloned();
    }

    /// The head, and what the contract says of its configuration there.
    pub async fn look(&self) -> Result<Look, ReadError> {
        let contract = self.contract;
        let endpoints = self.endpoints.clone();
        self.endpoints
            .read(move |endpoint| {
                let endpoints = endpoints.clone();
                Box::pin(async move {
                    let head = head(&endpoints, &endpoint).await?;
                    // At the head's number, so that both belong together but for a reorganisation in between.
                    let details = read(&endpoint, contract, latestConfigDetailsCall {}, head.number).await?;
                    Ok(Look {
                        head: head.block(),
                        config_count: details.configCount,
                        changed_in: details.blockNumber.into(),
                        digest: ConfigDigest(details.configDigest.0),
                    })
                })
            })
            .await
    }

    /// The `ConfigSet` events of a block.
    pub async fn logs(&self, block: u64) -> Result<Vec<Log>, ReadError> {
        let contract = self.contract;
        self.endpoints
            .read(move |endpoint| {
                Box::pin(async move { logs(&endpoint, contract, ConfigSet::SIGNATURE_HASH, block, block).await })
            })
            .await
    }
}

/// The endpoint's head, unless it lags behind what others have.
pub(crate) async fn head(endpoints: &Endpoints, endpoint: &Endpoint) -> Result<Header, CallError> {
    let method = "eth_getBlockByNumber";
    let header: Option<Header> = endpoint.call(method, ("latest", false)).await?;
    let header = header.ok_or_else(|| endpoint.error(method, Failure::Malformed("there is no latest block".into())))?;
    endpoint.set_head(header.block());
    endpoints.check_lag(endpoint, method, header.number.to())?;
    Ok(header)
}

/// Calls a reader of a contract as of a block.
pub(crate) async fn read<C: SolCall>(
    endpoint: &Endpoint,
    contract: Address,
    call: C,
    at: U64,
) -> Result<C::Return, CallError> {
    let method = "eth_call";
    let request = CallRequest { to: Some(contract), data: call.abi_encode().into(), ..CallRequest::default() };
    let returned: alloy::primitives::Bytes = endpoint.call(method, (request, at)).await?;
    C::abi_decode_returns(&returned).map_err(|error| {
        // An account without code answers every call with nothing.
        let what = match returned.is_empty() {
            true => format!("there is no contract at {contract}, or it has no {}", C::SIGNATURE),
            false => format!("{contract} returns no result of {}: {error}", C::SIGNATURE),
        };
        endpoint.error(method, Failure::Malformed(what))
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Filter {
    address: Address,
    topics: [B256; 1],
    from_block: U64,
    to_block: U64,
}

/// A contract's events of one kind in a range of blocks, ascending. What an endpoint adds unasked is left out.
pub(crate) async fn logs(
    endpoint: &Endpoint,
    contract: Address,
    topic: B256,
    from: u64,
    to: u64,
) -> Result<Vec<Log>, CallError> {
    Ok(placed_logs(endpoint, contract, topic, from, to).await?.into_iter().map(|(_, log)| log).collect())
}

/// The same, each with the transaction that it is from.
pub(crate) async fn placed_logs(
    endpoint: &Endpoint,
    contract: Address,
    topic: B256,
    from: u64,
    to: u64,
) -> Result<Vec<(B256, Log)>, CallError> {
    let filter = Filter { address: contract, topics: [topic], from_block: U64::from(from), to_block: U64::from(to) };
    let raw: Vec<RawLog> = endpoint.call("eth_getLogs", (filter,)).await?;
    let wanted = |log: &RawLog| !log.removed && log.address == contract && log.topics.first() == Some(&topic);
    let placed = raw.into_iter().filter(wanted).filter_map(|log| {
        let block = Block { number: log.block_number?.to(), hash: log.block_hash? };
        let index = log.log_index?.to();
        Some((log.transaction_hash?, Log { block, index, topics: log.topics, data: log.data }))
    });
    let mut logs: Vec<_> = placed.filter(|(_, log)| (from..=to).contains(&log.block.number)).collect();
    logs.sort_by_key(|(_, log)| (log.block.number, log.index));
    Ok(logs)
}
