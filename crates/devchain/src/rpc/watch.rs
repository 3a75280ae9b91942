//! Who is told of what: polled filters and WebSocket subscriptions.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::sync::{Notify, mpsc};

use super::{answer, error::RpcError, params::LogQuery};
use crate::{
    chain::Event,
    limits::{FILTER_CHANGES_MAX, FILTER_IDLE_SECONDS_MAX, FILTERS_MAX},
    logs::LogFilter,
};

/// What a watcher wants to hear of.
#[derive(Debug)]
pub(super) enum Topic {
    Heads,
    Logs(LogFilter),
    Transactions { full: bool },
}

/// A filter that its owner polls.
#[derive(Debug)]
struct Polled {
    topic: Topic,
    /// What `eth_getFilterLogs` asks for again.
    query: Option<LogQuery>,
    changes: Vec<Value>,
    polled_at: Instant,
}

/// A subscription of a WebSocket connection.
#[derive(Debug)]
pub(super) struct Subscription {
    pub(super) id: u64,
    pub(super) topic: Topic,
    pub(super) queue: mpsc::Sender<String>,
    /// Told when the peer reads too slowly to be told everything.
    pub(super) overflow: Arc<Notify>,
}

#[derive(Debug, Default)]
pub(super) struct Watchers {
    ids: u64,
    polled: BTreeMap<u64, Polled>,
    subscriptions: BTreeMap<u64, Subscription>,
}

impl Topic {
    /// What a polled filter hears: hashes of blocks and transactions, whole logs.
    fn changes(&self, event: &Event) -> Vec<Value> {
        match (self, event) {
            (Topic::Heads, Event::Mined(block)) => vec![answer::data(block.hash)],
            (Topic::Transactions { full: false }, Event::Pooled(transaction)) => vec![answer::data(transaction.hash)],
            (Topic::Transactions { full: true }, Event::Pooled(transaction)) => vec![answer::waiting(transaction)],
            (Topic::Logs(filter), Event::Mined(block)) => {
                block.logs_matching(filter).map(|placed| answer::log(&placed, false)).collect()
            }
            (Topic::Logs(filter), Event::Dropped(block)) => {
                block.logs_matching(filter).map(|placed| answer::log(&placed, true)).collect()
            }
            (Topic::Heads, Event::Dropped(_) | Event::Pooled(_) | Event::Refused { .. })
            | (Topic::Transactions { .. }, Event::Mined(_) | Event::Dropped(_) | Event::Refused { .. })
            | (Topic::Logs(_), Event::Pooled(_) | Event::Refused { .. }) => Vec::new(),
        }
    }

    /// What a subscription hears: whole headers in place of hashes.
    fn notifications(&self, event: &Event) -> Vec<Value> {
        match (self, event) {
            (Topic::Heads, Event::Mined(block)) => vec![answer::header(Some(block.hash), &block.header)],
            (
                Topic::Heads | Topic::Logs(_) | Topic::Transactions { .. },
                Event::Mined(_) | Event::Dropped(_) | Event::Pooled(_) | Event::Refused { .. },
            ) => self.changes(event),
        }
    }
}

impl Watchers {
    pub(super) fn next_id(&mut self) -> u64 {
        self.ids += 1;
        self.ids
    }

    pub(super) fn poll_for(&mut self, topic: Topic, query: Option<LogQuery>) -> Result<u64, RpcError> {
        let idle_max = Duration::from_secs(FILTER_IDLE_SECONDS_MAX);
        self.polled.retain(|_, polled| polled.polled_at.elapsed() < idle_max);
        if self.polled.len() >= FILTERS_MAX {
            return Err(RpcError::limit(format!("{FILTERS_MAX} filters exist already")));
        }
        let id = self.next_id();
        self.polled.insert(id, Polled { topic, query, changes: Vec::new(), polled_at: Instant::now() });
        Ok(id)
    }

    /// What happened since the last poll.
    pub(super) fn poll(&mut self, id: u64) -> Option<Vec<Value>> {
        let polled = self.polled.get_mut(&id)?;
        polled.polled_at = Instant::now();
        Some(std::mem::take(&mut polled.changes))
    }

    /// The query of a log filter.
    pub(super) fn query(&mut self, id: u64) -> Option<&LogQuery> {
        let polled = self.polled.get_mut(&id)?;
        polled.polled_at = Instant::now();
        polled.query.as_ref()
    }

    pub(super) fn stop_polling(&mut self, id: u64) -> bool {
        self.polled.remove(&id).is_some()
    }

    pub(super) fn subscribe(&mut self, subscription: Subscription) {
        self.subscriptions.insert(subscription.id, subscription);
    }

    pub(super) fn unsubscribe(&mut self, id: u64) {
        self.subscriptions.remove(&id);
    }

    pub(super) fn publish(&mut self, event: &Event) {
        self.polled.retain(|_, polled| {
            polled.changes.append(&mut polled.topic.changes(event));
            polled.changes.len() <= FILTER_CHANGES_MAX
        });
        self.subscriptions.retain(|id, Subscription { topic, queue, overflow, .. }| {
            topic.notifications(event).into_iter().all(|result| {
                let params = json!({ "subscription": answer::quantity(*id), "result": result });
                let notification = json!({ "jsonrpc": "2.0", "method": "eth_subscription", "params": params });
                let told = queue.try_send(notification.to_string()).is_ok();
                if !told {
                    overflow.notify_one();
                }
                told
            })
        });
    }
}
