//! One remote peer: what all its connections, its dialer and the endpoints share.

use crate::counters::PeerCounters;
use crate::inbox::SharedInbox;
use crate::shared::Shared;
use crate::tls::Pinned;
use bytes::Bytes;
use p2p_proto::Mono;
use p2p_proto::bucket::{INCOMING_CONNECTIONS_CAPACITY, Overdraft, TokenBucket, incoming_connections_rate};
use p2p_proto::links::{LinkId, Links};
use p2p_proto::{Class, Event, Outgoing, Peer, PeerId, Refusal, SendError, StreamConfig, StreamError, StreamId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;

/// Known while a stream to it is open.
#[derive(Debug)]
pub(crate) struct Remote {
    pub id: PeerId,
    pub tls: Pinned,
    pub counters: PeerCounters,
    /// TLS handshakes that it has going with us as listener.
    pub handshakes: AtomicUsize,
    /// Where it may be dialed.
    pub addresses: watch::Sender<Arc<[String]>>,
    /// Whether it is connected.
    pub up: watch::Sender<bool>,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(crate) struct State {
    pub peer: Peer,
    pub links: Links,
    wakers: BTreeMap<LinkId, Arc<Notify>>,
    sinks: BTreeMap<StreamId, Sink>,
    /// Streams on which messages flow on the current connection.
    enabled: BTreeSet<StreamId>,
    /// The connection on which discovery was last told that its messages flow.
    discovery_told: Option<LinkId>,
    incoming: TokenBucket,
    /// Whether the peer has spoken on the connection that was current last.
    pub proved: bool,
    /// No stream is open any more: the last connection is going, no new one may come.
    pub gone: bool,
    dialer: Option<AbortHandle>,
}

/// Where messages of a stream go.
#[derive(Clone, Debug)]
pub(crate) enum Sink {
    Endpoint { inbox: Arc<SharedInbox<usize>>, position: usize },
    Discovery,
}

impl Remote {
    pub fn new(shared: &Shared, id: PeerId) -> Self {
        let now = shared.now();
        let rate = incoming_connections_rate(shared.dial_period);
        let state = State {
            peer: Peer::new(shared.me, id, shared.rules, now),
            links: Links::new(shared.me, id),
            wakers: BTreeMap::new(),
            sinks: BTreeMap::new(),
            enabled: BTreeSet::new(),
            discovery_told: None,
            incoming: TokenBucket::new(rate, INCOMING_CONNECTIONS_CAPACITY, true, now),
            proved: false,
            gone: false,
            dialer: None,
        };
        Self {
            id,
            tls: shared.identity.facing(id),
            counters: PeerCounters::default(),
            handshakes: AtomicUsize::new(0),
            addresses: watch::Sender::new(Arc::new([])),
            up: watch::Sender::new(false),
            state: Mutex::new(state),
        }
    }

    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn set_dialer(&self, dialer: AbortHandle) {
        self.lock().dialer = Some(dialer);
    }

    /// Opens a stream whose messages go to `sink`.
    pub fn open(&self, shared: &Shared, config: StreamConfig, sink: Sink) -> Result<StreamId, StreamError> {
        let mut state = self.lock();
        let stream = state.peer.open(shared.now(), config)?;
        state.sinks.insert(stream, sink);
        state.wake();
        Ok(stream)
    }

    /// Closes a stream; returns whether it was the last.
    pub fn close(&self, shared: &Shared, stream: StreamId) -> bool {
        let mut state = self.lock();
        state.peer.close(shared.now(), stream);
        state.sinks.remove(&stream);
        state.enabled.remove(&stream);
        if state.peer.is_empty() {
            state.shut_down();
        }
        state.wake();
        state.gone
    }

    /// Ends all connections, and allows no more.
    pub fn shut_down(&self) {
        self.lock().shut_down();
    }

    /// Queues a message.
    pub fn send(&self, stream: StreamId, message: Outgoing) -> Result<usize, SendError> {
        let mut state = self.lock();
        let displaced = state.peer.send(stream, message)?;
        // Without a connection, or before the peer has the stream open, there is nobody to wake.
        if state.enabled.contains(&stream) {
            state.wake();
        }
        Ok(displaced)
    }

    pub fn is_enabled(&self, stream: StreamId) -> bool {
        self.lock().enabled.contains(&stream)
    }

    /// The peer has brought another connection to the end of its handshake.
    pub fn admit_connection(&self, shared: &Shared) -> bool {
        self.lock().incoming.take(shared.now(), 1, Overdraft::Keeps)
    }
}

impl State {
    /// Tells the connection that is written to that there is something to do.
    pub fn wake(&self) {
        if let Some(waker) = self.links.current().and_then(|id| self.wakers.get(&id)) {
            waker.notify_one();
        }
    }

    /// Tells all, for one of them may have to end.
    pub fn wake_all(&self) {
        self.wakers.values().for_each(|waker| waker.notify_one());
    }

    /// A connection is there; it may replace another.
    pub fn on_established(&mut self, now: Mono, id: LinkId, dialed: bool, waker: Arc<Notify>) {
        self.links.on_established(now, id, dialed);
        self.wakers.insert(id, waker);
        if self.links.current() == Some(id) {
            self.enabled.clear();
        }
        self.wake_all();
    }

    /// A connection has ended: if it was current, nothing flows until the next one says so.
    pub fn on_ended(&mut self, id: LinkId) {
        if self.links.current() == Some(id) {
            self.enabled.clear();
        }
        self.wakers.remove(&id);
        self.links.on_ended(id);
    }

    fn shut_down(&mut self) {
        self.gone = true;
        self.links.clear();
        self.enabled.clear();
        self.wake_all();
        if let Some(dialer) = self.dialer.take() {
            dialer.abort();
        }
    }

    /// Hands on what a connection has told.
    pub fn deliver(&mut self, shared: &Shared, remote: &Remote, id: LinkId, events: &mut Vec<Event>) {
        let counters = &shared.counters;
        for event in events.drain(..) {
            match event {
                Event::Opened { .. } => {}
                Event::Closed { stream } => {
                    if self.links.current() == Some(id) {
                        self.enabled.remove(&stream);
                    }
                }
                Event::Enabled { stream } => {
                    if self.links.current() == Some(id) {
                        self.enabled.insert(stream);
                        // Once a connection: closing the stream and opening it again is as cheap as it is pointless.
                        if let Some(Sink::Discovery) = self.sinks.get(&stream)
                            && self.discovery_told.replace(id) != Some(id)
                        {
                            shared.tell_discovery(crate::gossip::Told::Enabled(remote.id));
                        }
                    }
                }
                Event::Received { stream, class: Class::Plain, payload } => {
                    self.receive(shared, remote, stream, payload)
                }
                Event::Received { class: Class::Request(_) | Class::Response(_), .. } => counters.refused_class.one(),
                Event::Refused { stream, length, refusal } => {
                    counters.bytes_skipped.add(u64::from(length));
                    remote.counters.bytes_skipped.add(u64::from(length));
                    tracing::trace!(peer = %remote.id, ?stream, %refusal, "message refused");
                    match refusal {
                        Refusal::UnknownStream => counters.refused_unknown_stream.one(),
                        Refusal::MessageTooLong { .. } => counters.refused_message_too_long.one(),
                        Refusal::MessagesOverLimit => counters.refused_messages_over_limit.one(),
                        Refusal::BytesOverLimit => counters.refused_bytes_over_limit.one(),
                        Refusal::ResponseUnasked
                        | Refusal::ResponseOnOtherStream
                        | Refusal::ResponseLate
                        | Refusal::ResponseTooLong { .. } => counters.refused_response.one(),
                    }
                }
            }
        }
    }

    fn receive(&self, shared: &Shared, remote: &Remote, stream: StreamId, payload: Bytes) {
        match self.sinks.get(&stream) {
            Some(Sink::Endpoint { inbox, position }) => {
                shared.counters.received_messages.one();
                shared.counters.displaced_incoming.add(inbox.push(*position, payload) as u64);
            }
            Some(Sink::Discovery) => {
                shared.counters.discovery_messages.one();
                shared.counters.displaced_discovery.add(shared.discovery_inbox.push(remote.id, payload) as u64);
            }
            // Closed while the message was on its way in.
            None => shared.counters.refused_unknown_stream.one(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use p2p_proto::discovery::DiscoveryConfig;
    use p2p_proto::{Keyring, ReceiveRules};
    use std::time::Duration;

    #[tokio::test]
    async fn a_peer_that_opens_and_closes_its_discovery_stream_is_one_event_a_connection() {
        // The queue of these events is shared by all peers, and what does not fit is lost.
        let key = |seed| Arc::new(crypto::ed25519::SecretKey::from_seed(&[seed; 32]));
        let (shared, mut ends) = Shared::new(key(1), ReceiveRules::default(), Duration::from_secs(1), 2);
        let remote = Remote::new(&shared, key(2).peer_id());
        let stream = remote.open(&shared, DiscoveryConfig::default().stream(), Sink::Discovery).unwrap();
        for link in [1, 2] {
            let mut state = remote.lock();
            state.on_established(shared.now(), link, false, Arc::default());
            let toggle = |_| [Event::Enabled { stream }, Event::Closed { stream }];
            let mut events = (0..100).flat_map(toggle).collect();
            state.deliver(&shared, &remote, link, &mut events);
        }
        let mut told = 0;
        while ends.discovery.try_recv().is_ok() {
            told += 1;
        }
        assert_eq!(told, 2);
    }
}
