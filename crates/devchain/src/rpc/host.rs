//! The chain while others use it: one lock, a clock, and everybody told of what happened.

use std::{
    collections::BTreeMap,
    ops::{Deref, DerefMut},
    sync::{Mutex, MutexGuard},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::{accounts::DevAccount, watch::Watchers};
use crate::{
    chain::{Chain, Event, Snapshot},
    limits::SNAPSHOTS_MAX,
};

/// When blocks are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mining {
    /// At this interval, with or without transactions. Timestamps are wall seconds, so below a second they repeat; from a
    /// second on, and with the other kinds of mining, every block has a later one than its parent.
    Every(Duration),
    /// At once for each transaction.
    OnTransaction,
    /// Only when somebody calls `evm_mine` or [`Chain::mine`].
    OnDemand,
}

/// A chain that a [`Server`](super::Server) serves.
#[derive(Debug)]
pub struct Host {
    state: Mutex<State>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) chain: Chain,
    pub(super) watchers: Watchers,
    pub(super) accounts: Vec<DevAccount>,
    pub(super) mining: Mining,
    /// Blocks behind the head that count as final.
    pub(super) finality_depth: u64,
    /// Seconds that this chain's clock is ahead of the wall's.
    pub(super) clock_offset: u64,
    pub(super) next_timestamp: Option<u64>,
    snapshots: BTreeMap<u64, (Snapshot, u64)>,
    snapshot_ids: u64,
}

impl Host {
    pub(super) fn new(mut chain: Chain, accounts: Vec<DevAccount>, mining: Mining, finality_depth: u64) -> Self {
        chain.watch();
        Host {
            state: Mutex::new(State {
                chain,
                watchers: Watchers::default(),
                accounts,
                mining,
                finality_depth,
                clock_offset: 0,
                next_timestamp: None,
                snapshots: BTreeMap::new(),
                snapshot_ids: 0,
            }),
        }
    }

    /// The chain, for as long as the guard lives. When it goes, subscribers hear what was done to the chain.
    pub fn chain(&self) -> ChainGuard<'_> {
        ChainGuard(self.lock())
    }

    /// Mines a block, stamped with wall time if its parent's timestamp allows that.
    pub fn mine(&self) {
        let mut state = self.lock();
        state.mine();
        state.publish();
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // Whoever panicked may have left the chain half changed.
        self.state.lock().expect("no one panics with the chain in hand")
    }
}

impl State {
    /// Seconds, on the chain's clock.
    pub(super) fn now(&self) -> u64 {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        wall.saturating_add(self.clock_offset)
    }

    /// What the next block's timestamp would be.
    pub(super) fn timestamp(&self) -> u64 {
        let repeat = matches!(self.mining, Mining::Every(interval) if interval < Duration::from_secs(1));
        let earliest = self.chain.head().timestamp().saturating_add(u64::from(!repeat));
        self.next_timestamp.unwrap_or_else(|| self.now()).max(earliest)
    }

    pub(super) fn mine(&mut self) {
        let timestamp = self.timestamp();
        self.next_timestamp = None;
        self.chain.mine(timestamp).expect("the timestamp is not before the parent's");
    }

    /// Tells everybody what happened since the last time; mines first if transactions came that do not wait.
    pub(super) fn publish(&mut self) {
        let mut events = self.chain.take_events();
        if self.mining == Mining::OnTransaction && events.iter().any(|event| matches!(event, Event::Pooled(_))) {
            self.mine();
            events.append(&mut self.chain.take_events());
        }
        for event in &events {
            if let Event::Refused { transaction, reason } = event {
                tracing::warn!(hash = %transaction.hash, reason, "the pool gave up a transaction");
            }
            self.watchers.publish(event);
        }
    }

    pub(super) fn snapshot(&mut self) -> u64 {
        self.snapshot_ids += 1;
        self.snapshots.insert(self.snapshot_ids, (self.chain.snapshot(), self.clock_offset));
        if self.snapshots.len() > SNAPSHOTS_MAX {
            self.snapshots.pop_first();
        }
        self.snapshot_ids
    }

    /// A snapshot serves once, and those taken after it go with it.
    pub(super) fn restore(&mut self, id: u64) -> bool {
        let Some((snapshot, clock_offset)) = self.snapshots.get(&id) else { return false };
        let restored = self.chain.restore(snapshot).is_some();
        if restored {
            self.clock_offset = *clock_offset;
        }
        self.snapshots.split_off(&id);
        restored
    }
}

/// The chain, locked. See [`Host::chain`].
#[derive(Debug)]
pub struct ChainGuard<'a>(MutexGuard<'a, State>);

impl Deref for ChainGuard<'_> {
    type Target = Chain;

    fn deref(&self) -> &Chain {
        &self.0.chain
    }
}

impl DerefMut for ChainGuard<'_> {
    fn deref_mut(&mut self) -> &mut Chain {
        &mut self.0.chain
    }
}

impl Drop for ChainGuard<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.0.publish();
        }
    }
}
