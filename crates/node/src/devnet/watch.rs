//! What the contract accepts, as a reader of the chain sees it.

use super::deploy::{Contracts, DECIMALS};
use super::event::Event;
use crate::telling::decimal;
use alloy::providers::{DynProvider, Provider};
use alloy::rpc::types::Filter;
use alloy::sol_types::SolEvent;
use bindings::ocr2_aggregator::NewTransmission;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;

/// How often the chain is looked at.
const PERIOD: Duration = Duration::from_millis(200);

/// Tells every accepted transmission, until nobody listens any more. `height` is kept at the newest block.
pub async fn transmissions(
    provider: DynProvider,
    contracts: Contracts,
    height: Arc<AtomicU64>,
    told: mpsc::UnboundedSender<Event>,
) {
    let mut next = contracts.deployed_block;
    loop {
        match look(&provider, &contracts, next, &told).await {
            Ok(head) => {
                height.store(head, Ordering::Relaxed);
                next = next.max(head + 1);
            }
            // The node is asked again in a moment; that is all that can be done.
            Err(error) => tracing::warn!(error, "cannot look at the chain"),
        }
        if told.is_closed() {
            return;
        }
        tokio::time::sleep(PERIOD).await;
    }
}

async fn look(
    provider: &DynProvider,
    contracts: &Contracts,
    next: u64,
    told: &mpsc::UnboundedSender<Event>,
) -> Result<u64, String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let head = provider.get_block_number().await.map_err(|error| text(&error))?;
    if head < next {
        return Ok(head);
    }
    let filter = Filter::new()
        .address(contracts.aggregator)
        .event_signature(NewTransmission::SIGNATURE_HASH)
        .from_block(next)
        .to_block(head);
    for log in provider.get_logs(&filter).await.map_err(|error| text(&error))? {
        let (Some(tx), Some(block)) = (log.transaction_hash, log.block_number) else { continue };
        let topics = log.topics().iter().copied();
        let event = NewTransmission::decode_raw_log(topics, &log.data().data).map_err(|error| text(&error))?;
        let receipt = provider.get_transaction_receipt(tx).await.map_err(|error| text(&error))?;
        let transmission = Event::Transmission {
            round_id: event.aggregatorRoundId,
            answer: decimal(&event.answer.to_string(), DECIMALS),
            transmitter: event.transmitter.to_checksum(None),
            tx: tx.to_string(),
            gas_used: receipt.map_or(0, |receipt| receipt.gas_used),
            block,
        };
        // Nobody listens any more: the loop ends in a moment.
        let _ = told.send(transmission);
    }
    Ok(head)
}
