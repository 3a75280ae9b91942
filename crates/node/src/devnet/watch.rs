//! What the contract accepts, as a reader of the chain sees it.

use super::deploy::DECIMALS;
use super::event::Event;
use crate::telling::decimal;
use evm::{Aggregator, Transmission};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;

/// How often the chain is looked at.
const PERIOD: Duration = Duration::from_millis(200);

/// Tells every transmission accepted from block `next` on, until nobody listens any more. `height` is kept at the newest block.
pub async fn transmissions(
    aggregator: Aggregator,
    mut next: u64,
    height: Arc<AtomicU64>,
    told: mpsc::UnboundedSender<Event>,
) {
    while !told.is_closed() {
        match aggregator.transmissions(next).await {
            Ok((looked_at, transmissions)) => {
                height.store(looked_at, Ordering::Relaxed);
                next = next.max(looked_at + 1);
                for Transmission { event, transaction, block, gas_used } in transmissions {
                    let transmission = Event::Transmission {
                        round_id: event.aggregatorRoundId,
                        answer: decimal(&event.answer.to_string(), DECIMALS),
                        transmitter: event.transmitter.to_checksum(None),
                        tx: transaction.to_string(),
                        gas_used,
                        block,
                    };
                    // Nobody listens any more: the loop ends in a moment.
                    let _ = told.send(transmission);
                }
            }
            // The node is asked again in a moment; that is all that can be done.
            Err(error) => tracing::warn!(%error, "cannot look at the chain"),
        }
        tokio::time::sleep(PERIOD).await;
    }
}
