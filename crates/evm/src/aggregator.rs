//! What an OCR2 contract says now (OCR2 spec 8.3, 9.7): the reads behind a plugin's view and an oracle's start.

use alloy::primitives::{Address, B256, U64, aliases::I192};
use alloy::sol_types::{SolCall, SolEvent};
use bindings::ocr2_aggregator::{
    NewTransmission, RoundRequested, latestConfigDigestAndEpochCall, latestTransmissionDetailsCall,
};
use evm_proto::chain::Block;
use ocr::ConfigDigest;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::endpoint::Endpoint;
use crate::endpoints::Endpoints;
use crate::error::{CallError, Failure, ReadError};
use crate::json_rpc::{Header, RawReceipt};
use crate::limits::{LOG_LOOKBACK_MAX, LOG_RANGE_MAX, LOG_REORG_DEPTH, REQUESTS_KEPT_MAX};
use crate::tracking::{head, logs, placed_logs, read};

/// One OCR2 contract, read through all endpoints of its chain.
#[derive(Clone, Debug)]
pub struct Aggregator {
    endpoints: Arc<Endpoints>,
    address: Address,
    /// What was found of `RoundRequested`, so that each block is searched once.
    requests: Arc<Mutex<Requests>>,
}

/// `latestTransmissionDetails`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TransmissionDetails {
    pub digest: ConfigDigest,
    pub epoch: u32,
    pub round: u8,
    pub answer: I192,
    /// Unix seconds of the block; 0 before the first answer.
    pub timestamp: u64,
    /// The block that this was read at.
    pub at_block: u64,
}

/// The latest `RoundRequested` event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RoundRequest {
    pub digest: ConfigDigest,
    pub epoch: u32,
    pub round: u8,
    /// Unix seconds of its block.
    pub timestamp: u64,
}

/// `latestConfigDigestAndEpoch`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ConfigDigestAndEpoch {
    /// Whether the epoch stands in the events and not here; never for this contract.
    pub scan_logs: bool,
    pub digest: ConfigDigest,
    pub epoch: u32,
}

/// A report that the contract accepted.
#[derive(Clone, Debug)]
pub struct Transmission {
    pub event: NewTransmission,
    pub transaction: B256,
    pub block: u64,
    pub gas_used: u64,
}

impl Aggregator {
    pub fn new(endpoints: Arc<Endpoints>, address: Address) -> Self {
        Aggregator { endpoints, address, requests: Arc::default() }
    }

    pub fn address(&self) -> Address {
        self.address
    }

    /// The latest answer and the round that it is from.
    pub async fn latest_transmission_details(&self) -> Result<TransmissionDetails, ReadError> {
        let (details, at_block) = self.read(latestTransmissionDetailsCall {}).await?;
        Ok(TransmissionDetails {
            digest: ConfigDigest(details.configDigest.0),
            epoch: details.epoch,
            round: details.round,
            answer: details.latestAnswer_,
            timestamp: details.latestTimestamp_,
            at_block,
        })
    }

    /// Where the contract stands, for an oracle that starts.
    pub async fn latest_config_digest_and_epoch(&self) -> Result<ConfigDigestAndEpoch, ReadError> {
        let (latest, _) = self.read(latestConfigDigestAndEpochCall {}).await?;
        Ok(ConfigDigestAndEpoch {
            scan_logs: latest.scanLogs,
            digest: ConfigDigest(latest.configDigest.0),
            epoch: latest.epoch,
        })
    }

    /// The latest request for a round whose block is at most `lookback` older than the head; `None` if there is none.
    pub async fn latest_round_requested(&self, lookback: Duration) -> Result<Option<RoundRequest>, ReadError> {
        let this = self.clone();
        self.endpoints
            .read(move |endpoint| {
                let this = this.clone();
                Box::pin(async move { this.search_requests(&endpoint, lookback).await })
            })
            .await
    }

    /// Calls any reader of the contract; also yields the block that it was read at.
    pub async fn read<C>(&self, call: C) -> Result<(C::Return, u64), ReadError>
    where
        C: SolCall + Clone + Send + Sync + 'static,
        C::Return: Send,
    {
        let (contract, endpoints) = (self.address, self.endpoints.clone());
        self.endpoints
            .read(move |endpoint| {
                let (call, endpoints) = (call.clone(), endpoints.clone());
                Box::pin(async move {
                    let head = head(&endpoints, &endpoint).await?;
                    let returned = read(&endpoint, contract, call, head.number).await?;
                    Ok((returned, head.number.to()))
                })
            })
            .await
    }

    /// What the contract accepted from block `from` on, ascending; and the head up to which it was looked for.
    pub async fn transmissions(&self, from: u64) -> Result<(u64, Vec<Transmission>), ReadError> {
        let (contract, endpoints) = (self.address, self.endpoints.clone());
        self.endpoints
            .read(move |endpoint| {
                let endpoints = endpoints.clone();
                Box::pin(async move {
                    let head: u64 = head(&endpoints, &endpoint).await?.number.to();
                    let mut found = Vec::new();
                    // Asked for a piece at a time; whoever wants more asks again from where this ends.
                    let to = head.min(from.saturating_add(LOG_RANGE_MAX - 1));
                    if from > head {
                        return Ok((head, found));
                    }
                    let logs = placed_logs(&endpoint, contract, NewTransmission::SIGNATURE_HASH, from, to).await?;
                    for (transaction, log) in logs {
                        let event = NewTransmission::decode_raw_log_validate(log.topics.iter().copied(), &log.data);
                        let event = event.map_err(|error| {
                            endpoint.error("eth_getLogs", Failure::Malformed(format!("no NewTransmission: {error}")))
                        })?;
                        let method = "eth_getTransactionReceipt";
                        let receipt: Option<RawReceipt> = endpoint.call(method, (transaction,)).await?;
                        let gas_used = receipt.map_or(0, |receipt| receipt.gas_used.to());
                        found.push(Transmission { event, transaction, block: log.block.number, gas_used });
                    }
                    Ok((to, found))
                })
            })
            .await
    }

    async fn search_requests(
        &self,
        endpoint: &Endpoint,
        lookback: Duration,
    ) -> Result<Option<RoundRequest>, CallError> {
        let searched = self.requests.lock().expect("nothing panics while it holds this lock").clone();
        // Asked several times in each round: no block is searched twice while the head is known to be the same.
        if let Some((head, now)) = searched.head
            && self.endpoints.head() == Some(head)
            && let since = now.saturating_sub(lookback.as_secs())
            && searched.since_and_upto.is_some_and(|(before, _)| before <= since)
        {
            return Ok(searched.latest(since));
        }
        let head = head(&self.endpoints, endpoint).await?;
        let (number, now): (u64, u64) = (head.number.to(), head.timestamp.to());
        let since = now.saturating_sub(lookback.as_secs());
        let (from, searched_since) = match searched.since_and_upto {
            Some((before, upto)) if before <= since => (upto.min(number).saturating_sub(LOG_REORG_DEPTH), before),
            Some(_) | None => (first_block_since(endpoint, &head, since).await?, since),
        };
        // Whatever numbers endpoints give, the search has an end.
        let mut from = from.max(number.saturating_sub(LOG_LOOKBACK_MAX));
        let mut found: Vec<(u64, RoundRequest)> = searched.found.into_iter().filter(|(at, _)| *at < from).collect();
        while from <= number {
            let to = number.min(from.saturating_add(LOG_RANGE_MAX - 1));
            for log in logs(endpoint, self.address, RoundRequested::SIGNATURE_HASH, from, to).await? {
                let event = RoundRequested::decode_raw_log_validate(log.topics.iter().copied(), &log.data);
                let event = event.map_err(|error| {
                    endpoint.error("eth_getLogs", Failure::Malformed(format!("no RoundRequested: {error}")))
                })?;
                let timestamp = timestamp_of(endpoint, log.block.number).await?;
                let digest = ConfigDigest(event.configDigest.0);
                found.push((
                    log.block.number,
                    RoundRequest { digest, epoch: event.epoch, round: event.round, timestamp },
                ));
            }
            let Some(next) = to.checked_add(1) else { break };
            from = next;
        }
        let surplus = found.len().saturating_sub(REQUESTS_KEPT_MAX);
        found.drain(..surplus);
        let since_and_upto = Some((searched_since, number));
        let requests = Requests { head: Some((head.block(), now)), since_and_upto, found };
        let latest = requests.latest(since);
        *self.requests.lock().expect("nothing panics while it holds this lock") = requests;
        Ok(latest)
    }
}

#[derive(Clone, Default, Debug)]
struct Requests {
    /// The head of the last search, and its time.
    head: Option<(Block, u64)>,
    /// From which time on (unix seconds) all was searched, and the last block that was.
    since_and_upto: Option<(u64, u64)>,
    /// Block numbers and requests, ascending.
    found: Vec<(u64, RoundRequest)>,
}

impl Requests {
    fn latest(&self, since: u64) -> Option<RoundRequest> {
        self.found.last().map(|(_, request)| *request).filter(|request| request.timestamp >= since)
    }
}

/// A block that is not later than the first one of `since` (unix seconds), and not much earlier: found from the head in
/// growing steps, for the times of blocks are theirs to choose but do not go back.
async fn first_block_since(endpoint: &Endpoint, head: &Header, since: u64) -> Result<u64, CallError> {
    let number: u64 = head.number.to();
    let mut back = 64;
    loop {
        let at = number.saturating_sub(back);
        if at == 0 || back >= LOG_LOOKBACK_MAX || timestamp_of(endpoint, at).await? < since {
            return Ok(at);
        }
        back *= 4;
    }
}

async fn timestamp_of(endpoint: &Endpoint, number: u64) -> Result<u64, CallError> {
    let method = "eth_getBlockByNumber";
    let header: Option<Header> = endpoint.call(method, (U64::from(number), false)).await?;
    let header =
        header.ok_or_else(|| endpoint.error(method, Failure::Malformed(format!("there is no block {number}"))))?;
    Ok(header.timestamp.to())
}
