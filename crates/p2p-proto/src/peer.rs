//! One remote peer as this host knows it over all connections: its streams, what it may send, what waits for it.

use crate::bucket::{ConnectionBucket, OverLimit, Overdraft, Pace, StreamBuckets};
use crate::limits::{MESSAGE_BYTES_MAX, STREAMS_MAX};
use crate::response::OpenRequests;
use crate::ring::Ring;
use crate::{
    Class, CloseReason, Generation, PeerId, Priority, Refusal, RequestId, ResponsePolicy, StreamConfig, StreamError,
    StreamId,
};
use alloc::collections::{BTreeMap, BTreeSet};
use bytes::Bytes;
use machine::Mono;

/// How this host receives.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ReceiveRules {
    pub generation: Generation,
    pub overdraft: Overdraft,
}

/// The streams to one peer. Lives while any is open; connections come and go.
#[derive(Debug)]
pub struct Peer {
    me: PeerId,
    id: PeerId,
    rules: ReceiveRules,
    streams: BTreeMap<StreamId, Stream>,
    /// Streams with something to send.
    ready: BTreeSet<StreamId>,
    /// Counts openings and closings, so that a connection sees that it has some to tell.
    changes: u64,
    /// What this peer may make us read, in the old generation.
    raw: ConnectionBucket,
    requests: OpenRequests,
    /// Messages taken for sending, for the turns of the priorities.
    taken: u64,
    /// Where the fair queue stands: bytes served to the stream that was served last.
    served: u64,
}

#[derive(Debug)]
struct Stream {
    config: StreamConfig,
    incoming: StreamBuckets,
    pace: Pace,
    outgoing: Ring<Outgoing>,
    /// Bytes sent, as the fair queue counts them.
    served: u64,
}

/// A message on its way out.
#[derive(Clone, Debug)]
pub struct Outgoing {
    pub class: OutgoingClass,
    pub payload: Bytes,
}

/// What it is, and for a request what its response is granted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OutgoingClass {
    Plain,
    Request(RequestId, ResponsePolicy),
    Response(RequestId),
}

impl From<Bytes> for Outgoing {
    fn from(payload: Bytes) -> Self {
        Self { class: OutgoingClass::Plain, payload }
    }
}

/// Why a message is not sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SendError {
    #[error("no such stream is open")]
    NoStream,
    #[error("a message of {got} bytes, the receiver accepts {max}")]
    TooLong { got: usize, max: usize },
    #[error("requests and responses need a stream that is opened for them")]
    NoRequests,
}

/// What the writer may take next.
pub(crate) enum Next {
    Message(StreamId, Outgoing),
    /// Nothing before this instant, for the receiver's limits.
    At(Mono),
    /// Nothing until something is queued, opened or announced.
    Nothing,
}

impl Peer {
    /// A peer without streams.
    pub fn new(me: PeerId, id: PeerId, rules: ReceiveRules, now: Mono) -> Self {
        Self {
            me,
            id,
            rules,
            streams: BTreeMap::new(),
            ready: BTreeSet::new(),
            changes: 0,
            raw: ConnectionBucket::new(now),
            requests: OpenRequests::default(),
            taken: 0,
            served: 0,
        }
    }

    pub fn id(&self) -> PeerId {
        self.id
    }

    pub fn rules(&self) -> ReceiveRules {
        self.rules
    }

    /// Whether no stream is open: then the peer is unknown to the world, and its connection ends.
    pub fn is_empty(&self) -> bool {
        self.streams.is_empty()
    }

    /// Whether this stream is open here.
    pub fn has(&self, stream: StreamId) -> bool {
        self.streams.contains_key(&stream)
    }

    /// Opens a stream here.
    pub fn open(&mut self, now: Mono, config: StreamConfig) -> Result<StreamId, StreamError> {
        config.check(self.me, self.id)?;
        let id = StreamId::new(self.me, self.id, &config.name);
        if self.streams.contains_key(&id) {
            return Err(StreamError::Duplicate);
        }
        if self.streams.len() == STREAMS_MAX {
            return Err(StreamError::TooMany);
        }
        self.raw.add_stream(now, &config.limits);
        let stream = Stream {
            incoming: StreamBuckets::new(&config.limits, now),
            pace: Pace::new(&config.limits, now),
            outgoing: Ring::new(config.outgoing_messages_max, usize::MAX),
            served: self.served,
            config,
        };
        self.streams.insert(id, stream);
        self.changes += 1;
        Ok(id)
    }

    /// Closes a stream here, with what waits in it. Closing twice is closing once.
    pub fn close(&mut self, now: Mono, id: StreamId) {
        let Some(stream) = self.streams.remove(&id) else { return };
        self.raw.remove_stream(now, &stream.config.limits);
        self.ready.remove(&id);
        self.requests.forget(id);
        self.changes += 1;
    }

    /// Queues a message; returns how many older ones it displaced.
    pub fn send(&mut self, id: StreamId, message: Outgoing) -> Result<usize, SendError> {
        let stream = self.streams.get_mut(&id).ok_or(SendError::NoStream)?;
        let (kind_ok, max) = match message.class {
            OutgoingClass::Plain => (true, stream.config.limits.message_bytes_max),
            OutgoingClass::Request(..) => (stream.config.requests, stream.config.limits.message_bytes_max),
            OutgoingClass::Response(_) => (stream.config.requests, MESSAGE_BYTES_MAX),
        };
        if !kind_ok {
            return Err(SendError::NoRequests);
        }
        let limited = matches!(message.class, OutgoingClass::Plain | OutgoingClass::Request(..));
        // What no receiver would ever let in must not block the queue for ever.
        let max = if limited { max.min(stream.config.limits.bytes_capacity) } else { max } as usize;
        let got = message.payload.len();
        if got > max {
            return Err(SendError::TooLong { got, max });
        }
        if stream.outgoing.is_empty() {
            // A stream that was idle has saved up no turns.
            stream.served = stream.served.max(self.served);
            self.ready.insert(id);
        }
        Ok(stream.outgoing.push(message, got))
    }

    /// Grants one response to a request that leaves on this stream now. Sending a request does this by itself.
    pub fn expect_response(&mut self, now: Mono, stream: StreamId, request: RequestId, policy: ResponsePolicy) {
        self.requests.insert(now, request, stream, policy);
    }

    /// What is open here: name and id, in the order of the ids.
    pub(crate) fn streams(&self) -> impl Iterator<Item = (StreamId, &StreamConfig)> {
        self.streams.iter().map(|(id, stream)| (*id, &stream.config))
    }

    pub(crate) fn config(&self, id: StreamId) -> Option<&StreamConfig> {
        self.streams.get(&id).map(|stream| &stream.config)
    }

    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    /// Whether anything waits to be sent.
    pub(crate) fn has_outgoing(&self) -> bool {
        !self.ready.is_empty()
    }

    pub(crate) fn on_connection(&mut self) {
        self.raw.on_connection();
    }

    /// `count` raw bytes have been read on a connection of the old generation.
    pub(crate) fn read_raw(&mut self, now: Mono, count: u32) -> Result<(), CloseReason> {
        if self.raw.read(now, count) { Ok(()) } else { Err(CloseReason::RawBytesOverLimit { read: count }) }
    }

    /// Judges a message by its header, before its payload is read or stored.
    pub(crate) fn admit(
        &mut self,
        now: Mono,
        id: StreamId,
        class: Class,
        length: u32,
    ) -> Result<Result<(), Refusal>, CloseReason> {
        let Some(stream) = self.streams.get_mut(&id) else { return Ok(Err(Refusal::UnknownStream)) };
        if let Class::Response(request) = class {
            return Ok(self.requests.admit(now, request, id, length));
        }
        let max = stream.config.limits.message_bytes_max;
        if length > max {
            return match self.rules.generation {
                Generation::Old => Err(CloseReason::MessageTooLong { got: length, max }),
                Generation::New => Ok(Err(Refusal::MessageTooLong { got: length, max })),
            };
        }
        Ok(stream.incoming.admit(now, length, self.rules.overdraft).map_err(|over| match over {
            OverLimit::Messages => Refusal::MessagesOverLimit,
            OverLimit::Bytes => Refusal::BytesOverLimit,
        }))
    }

    /// The next message for a connection on which the streams in `enabled` may be written. Streams of one priority share
    /// the bytes; every eighth message is of low priority if there is one.
    pub(crate) fn take(&mut self, now: Mono, enabled: impl Fn(StreamId) -> bool) -> Next {
        let low_first = (self.taken + 1).is_multiple_of(8);
        let mut best: Option<(bool, u64, StreamId)> = None;
        let mut wait: Option<Mono> = None;
        for id in self.ready.iter().copied().filter(|id| enabled(*id)) {
            let stream = self.streams.get_mut(&id).expect("only open streams are ready");
            let message = stream.outgoing.front().expect("only streams with a message are ready");
            let when = match message.class {
                OutgoingClass::Plain | OutgoingClass::Request(..) => {
                    stream.pace.when(now, message.payload.len() as u32)
                }
                OutgoingClass::Response(_) => Some(now),
            };
            match when {
                Some(when) if when <= now => {
                    let second = (stream.config.priority == Priority::Low) != low_first;
                    let turn = (second, stream.served, id);
                    best = Some(best.map_or(turn, |best| best.min(turn)));
                }
                Some(when) => wait = Some(wait.map_or(when, |wait| wait.min(when))),
                // A rate of zero whose burst is spent: the message waits until it is displaced.
                None => {}
            }
        }
        let Some((_, _, id)) = best else { return wait.map_or(Next::Nothing, Next::At) };
        let stream = self.streams.get_mut(&id).expect("chosen above");
        let message = stream.outgoing.pop().expect("chosen for its message");
        if stream.outgoing.is_empty() {
            self.ready.remove(&id);
        }
        match message.class {
            OutgoingClass::Plain => stream.pace.spend(now, message.payload.len() as u32),
            OutgoingClass::Request(request, policy) => {
                stream.pace.spend(now, message.payload.len() as u32);
                self.requests.insert(now, request, id, policy);
            }
            OutgoingClass::Response(_) => {}
        }
        self.served = stream.served;
        // A message costs what its frame does at least, so that empty messages take turns too.
        stream.served = stream.served.saturating_add(crate::frame::HEADER_LEN as u64 + message.payload.len() as u64);
        self.taken += 1;
        Next::Message(id, message)
    }
}
