//! One authenticated connection: plaintext in, events out; queued messages in, plaintext out; one deadline.
//!
//! The host brings TLS and the clock. A connection holds what is true of it alone (what the other side has open, a
//! half-read frame); what outlives it is in [`Peer`].

use crate::bucket::{ConnectionBucket, Overhead};
use crate::frame::{HEADER_WITH_REQUEST_LEN, Header, Kind};
use crate::limits::{
    FRAME_STALL_MAX, MESSAGE_BYTES_MAX, NOTIFICATIONS_MAX, PAYLOAD_BYTES_UNSEEN_MAX, RECORD_BYTES_MAX, RECORD_OVERHEAD,
    REPEAT_OPENS_AFTER, SILENCE_AFTER_HANDSHAKE, STREAM_NAME_BYTES_MAX, TRANSMIT_BYTES_MAX, TRANSMIT_BYTES_MIN,
};
use crate::peer::{Next, OutgoingClass};
use crate::{Class, Generation, Peer, StreamId};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use bytes::Bytes;
use machine::Mono;

/// What a connection tells its host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// The peer has this stream open. The name is what it says; the id counts.
    Opened { stream: StreamId, name: Bytes },
    /// The peer has this stream open no longer.
    Closed { stream: StreamId },
    /// Both sides have this stream open now and know it: what is queued will flow.
    Enabled { stream: StreamId },
    /// A message within all limits.
    Received { stream: StreamId, class: Class, payload: Bytes },
    /// A message of so many bytes that is not let in. The connection lives on.
    Refused { stream: StreamId, length: u32, refusal: Refusal },
}

/// Why a message is not let in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    #[error("no such stream is open here")]
    UnknownStream,
    #[error("a message of {got} bytes, at most {max} are allowed")]
    MessageTooLong { got: u32, max: u32 },
    #[error("too many messages")]
    MessagesOverLimit,
    #[error("too many bytes")]
    BytesOverLimit,
    #[error("a response that nobody asked for, or the second to one request")]
    ResponseUnasked,
    #[error("a response on another stream than its request")]
    ResponseOnOtherStream,
    #[error("a response after its time")]
    ResponseLate,
    #[error("a response of {got} bytes, {max} were granted")]
    ResponseTooLong { got: u32, max: u32 },
}

/// Why a connection is closed from this side.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CloseReason {
    #[error("a frame of unknown type {got}")]
    FrameType { got: u8 },
    #[error("an open frame without a name")]
    NameEmpty,
    #[error("a stream name of {got} bytes, at most {STREAM_NAME_BYTES_MAX} are allowed")]
    NameTooLong { got: u32 },
    #[error("a close frame with {got} bytes of payload")]
    CloseWithPayload { got: u32 },
    #[error("a frame with {got} bytes of payload, at most {MESSAGE_BYTES_MAX} are allowed")]
    PayloadTooLong { got: u32 },
    #[error("a message of {got} bytes, at most {max} are allowed")]
    MessageTooLong { got: u32, max: u32 },
    #[error("more than {NOTIFICATIONS_MAX} open and close frames")]
    Notifications,
    #[error("{read} raw bytes at once are more than all streams are granted")]
    RawBytesOverLimit { read: u32 },
    #[error("less than half of what came is application data")]
    Overhead,
    #[error("a frame was begun and not continued")]
    Stalled,
    #[error("this side has used up its open and close frames on this connection")]
    OwnNotifications,
}

/// One connection's state.
#[derive(Debug)]
pub struct Connection {
    generation: Generation,
    reading: Reading,
    /// Bytes of frames consumed.
    consumed: u64,
    overhead: Overhead,
    /// Open and close frames received.
    notifications: u32,
    /// When bytes last came in.
    heard: Mono,

    /// What the peer has open.
    theirs: BTreeSet<StreamId>,
    /// What the peer has been told to be open here.
    ours: BTreeSet<StreamId>,
    /// The state of [`Peer::changes`] that `ours` reflects.
    ours_at: Option<u64>,
    notifications_sent: u32,
    /// Nothing is written before this.
    silent_until: Mono,
    repeat_opens_at: Option<Mono>,
    /// A payload whose header is written, and how much of it is.
    writing: Option<(Bytes, usize)>,
    /// What a receiver of the old generation lets in, as far as can be known here.
    budget: ConnectionBucket,
    /// Streams that count in `budget`.
    budgeted: BTreeMap<StreamId, crate::StreamLimits>,
    /// The peer is known to be of the new generation: `budget` does not apply.
    peer_is_new: bool,
}

#[derive(Debug)]
enum Reading {
    Header { bytes: [u8; HEADER_WITH_REQUEST_LEN], have: usize },
    Name { stream: StreamId, name: Vec<u8>, left: usize },
    Payload { stream: StreamId, class: Class, payload: Vec<u8>, left: usize },
    Skip { left: usize },
}

const NEXT_HEADER: Reading = Reading::Header { bytes: [0; HEADER_WITH_REQUEST_LEN], have: 0 };

impl Connection {
    /// A connection whose handshake has just succeeded and which is now the one that counts.
    pub fn new(now: Mono, peer: &mut Peer) -> Self {
        peer.on_connection();
        let mut budget = ConnectionBucket::new(now);
        budget.on_connection();
        Self {
            generation: peer.rules().generation,
            reading: NEXT_HEADER,
            consumed: 0,
            overhead: Overhead::default(),
            notifications: 0,
            heard: now,
            theirs: BTreeSet::new(),
            ours: BTreeSet::new(),
            ours_at: None,
            notifications_sent: 0,
            silent_until: now + SILENCE_AFTER_HANDSHAKE,
            repeat_opens_at: Some(now + REPEAT_OPENS_AFTER),
            writing: None,
            budget,
            budgeted: BTreeMap::new(),
            peer_is_new: false,
        }
    }

    /// Bytes of frames consumed so far.
    pub fn consumed(&self) -> u64 {
        self.consumed
    }

    /// Whether the peer has shown by a frame that it has accepted the connection.
    pub fn is_proved(&self) -> bool {
        self.consumed > 0
    }

    /// Whether messages on this stream flow.
    pub fn is_enabled(&self, stream: StreamId) -> bool {
        self.ours.contains(&stream) && self.theirs.contains(&stream)
    }

    /// `count` raw bytes have come over TCP since the handshake; call before handing in what they decrypt to.
    pub fn read_raw(&mut self, now: Mono, peer: &mut Peer, count: usize) -> Result<(), CloseReason> {
        match self.generation {
            Generation::Old => peer.read_raw(now, u32::try_from(count).unwrap_or(u32::MAX)),
            Generation::New => {
                self.overhead.on_raw(count as u64);
                if self.overhead.on_application(0) { Ok(()) } else { Err(CloseReason::Overhead) }
            }
        }
    }

    /// Takes plaintext and appends what it means to `events`. After an error the connection must be closed; the events
    /// before it count.
    pub fn read(
        &mut self,
        now: Mono,
        peer: &mut Peer,
        mut bytes: &[u8],
        events: &mut Vec<Event>,
    ) -> Result<(), CloseReason> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.heard = now;
        self.silent_until = now.min(self.silent_until);
        while !bytes.is_empty() {
            let count = self.step(now, peer, bytes, events)?;
            bytes = &bytes[count..];
        }
        Ok(())
    }

    /// Consumes at least one byte and at most one frame.
    fn step(
        &mut self,
        now: Mono,
        peer: &mut Peer,
        bytes: &[u8],
        events: &mut Vec<Event>,
    ) -> Result<usize, CloseReason> {
        let count = match &mut self.reading {
            Reading::Header { bytes: header, have } => {
                let first = if *have > 0 { Some(header[0]) } else { None };
                let wanted = Header::wanted(self.generation, first);
                let count = (wanted - *have).min(bytes.len());
                header[*have..*have + count].copy_from_slice(&bytes[..count]);
                *have += count;
                count
            }
            Reading::Name { name: part, left, .. } | Reading::Payload { payload: part, left, .. } => {
                let count = (*left).min(bytes.len());
                part.extend_from_slice(&bytes[..count]);
                *left -= count;
                count
            }
            Reading::Skip { left } => {
                let count = (*left).min(bytes.len());
                *left -= count;
                count
            }
        };
        self.count(count)?;
        if let Reading::Header { bytes, have } = &self.reading
            && let Some((header, _)) = Header::decode(self.generation, &bytes[..*have])?
        {
            header.judge(self.generation)?;
            self.reading = self.begin(now, peer, header, events)?;
        }
        self.finish(peer, now, events)?;
        Ok(count)
    }

    fn count(&mut self, count: usize) -> Result<(), CloseReason> {
        self.consumed += count as u64;
        if self.generation == Generation::New && !self.overhead.on_application(count as u64) {
            return Err(CloseReason::Overhead);
        }
        Ok(())
    }

    /// What follows a header.
    fn begin(
        &mut self,
        now: Mono,
        peer: &mut Peer,
        header: Header,
        events: &mut Vec<Event>,
    ) -> Result<Reading, CloseReason> {
        let Header { kind, stream, payload_length } = header;
        let left = payload_length as usize;
        Ok(match kind {
            Kind::Open => Reading::Name { stream, name: Vec::with_capacity(left), left },
            Kind::Close => {
                self.theirs.remove(&stream);
                if let Some(limits) = self.budgeted.remove(&stream) {
                    self.budget.remove_stream(now, &limits);
                }
                events.push(Event::Closed { stream });
                self.on_notification()?;
                NEXT_HEADER
            }
            Kind::Message(class) => match peer.admit(now, stream, class, payload_length)? {
                Ok(()) => {
                    let payload = Vec::with_capacity(left.min(PAYLOAD_BYTES_UNSEEN_MAX));
                    Reading::Payload { stream, class, payload, left }
                }
                Err(refusal) => {
                    events.push(Event::Refused { stream, length: payload_length, refusal });
                    Reading::Skip { left }
                }
            },
        })
    }

    /// Ends a frame whose payload is complete.
    fn finish(&mut self, peer: &Peer, now: Mono, events: &mut Vec<Event>) -> Result<(), CloseReason> {
        match &mut self.reading {
            Reading::Name { stream, name, left: 0 } => {
                let (stream, name) = (*stream, Bytes::from(core::mem::take(name)));
                self.reading = NEXT_HEADER;
                events.push(Event::Opened { stream, name });
                if self.theirs.insert(stream) && self.ours.contains(&stream) {
                    events.push(Event::Enabled { stream });
                }
                self.grant(now, peer, stream);
                self.on_notification()?;
            }
            Reading::Payload { stream, class, payload, left: 0 } => {
                let (stream, class, payload) = (*stream, *class, Bytes::from(core::mem::take(payload)));
                self.reading = NEXT_HEADER;
                events.push(Event::Received { stream, class, payload });
            }
            Reading::Skip { left: 0 } => self.reading = NEXT_HEADER,
            Reading::Header { .. } | Reading::Name { .. } | Reading::Payload { .. } | Reading::Skip { .. } => {}
        }
        Ok(())
    }

    fn on_notification(&mut self) -> Result<(), CloseReason> {
        self.notifications += 1;
        if self.notifications > NOTIFICATIONS_MAX { Err(CloseReason::Notifications) } else { Ok(()) }
    }

    /// Counts a stream that both sides have open into what the peer lets in over all streams.
    fn grant(&mut self, now: Mono, peer: &Peer, stream: StreamId) {
        let Some(config) = peer.config(stream) else { return };
        self.peer_is_new |= config.requests;
        if let alloc::collections::btree_map::Entry::Vacant(entry) = self.budgeted.entry(stream) {
            self.budget.add_stream(now, &config.limits);
            entry.insert(config.limits);
        }
    }

    /// Appends to `out` what is to be written now, at most about 64 KiB and at least as much as is worth a system call, and
    /// to `events` what this enables. Returns when to call again if nothing happens before.
    pub fn transmit(
        &mut self,
        now: Mono,
        peer: &mut Peer,
        out: &mut Vec<u8>,
        events: &mut Vec<Event>,
    ) -> Result<Option<Mono>, CloseReason> {
        if now < self.silent_until {
            return Ok(Some(self.silent_until));
        }
        let begin = out.len();
        self.announce(now, peer, out, events)?;
        let wait = self.write_messages(now, peer, out, begin);
        let written = out.len() - begin;
        if written > 0 {
            let records = written.div_ceil(RECORD_BYTES_MAX);
            self.budget.read(now, u32::try_from(written + records * RECORD_OVERHEAD).unwrap_or(u32::MAX));
        }
        let earliest = |a: Option<Mono>, b: Option<Mono>| a.into_iter().chain(b).min();
        Ok(earliest(wait, self.repeat_opens_at))
    }

    /// When the frame that is being read must have gone on, if one is.
    pub fn stalls_at(&self) -> Option<Mono> {
        match self.reading {
            Reading::Header { have: 0, .. } => None,
            Reading::Header { .. } | Reading::Name { .. } | Reading::Payload { .. } | Reading::Skip { .. } => {
                Some(self.heard + FRAME_STALL_MAX)
            }
        }
    }

    /// Whether that time is over.
    pub fn check_stall(&self, now: Mono) -> Result<(), CloseReason> {
        if self.stalls_at().is_some_and(|at| at <= now) { Err(CloseReason::Stalled) } else { Ok(()) }
    }

    /// Open and close frames for what has changed here since the last time, and once all opens again.
    fn announce(
        &mut self,
        now: Mono,
        peer: &Peer,
        out: &mut Vec<u8>,
        events: &mut Vec<Event>,
    ) -> Result<(), CloseReason> {
        // A frame inside a half-written payload would be read as payload.
        if self.writing.is_some() {
            return Ok(());
        }
        if self.ours_at != Some(peer.changes()) {
            let gone: Vec<_> = self.ours.iter().copied().filter(|id| !peer.has(*id)).collect();
            for stream in gone {
                self.ours.remove(&stream);
                if let Some(limits) = self.budgeted.remove(&stream) {
                    self.budget.remove_stream(now, &limits);
                }
                // The last stream takes the connection with it, so its end needs no frame.
                if !peer.is_empty() {
                    Header { kind: Kind::Close, stream, payload_length: 0 }.encode(out);
                    self.notifications_sent += 1;
                }
            }
            for (stream, config) in peer.streams() {
                if self.ours.insert(stream) {
                    self.write_open(stream, &config.name, out);
                    if self.theirs.contains(&stream) {
                        self.grant(now, peer, stream);
                        events.push(Event::Enabled { stream });
                    }
                }
            }
            self.ours_at = Some(peer.changes());
        }
        if self.repeat_opens_at.is_some_and(|at| at <= now) {
            self.repeat_opens_at = None;
            // Repeating must not use up what later changes need.
            if self.notifications_sent as usize + self.ours.len() <= NOTIFICATIONS_MAX as usize / 2 {
                for (stream, config) in peer.streams() {
                    self.write_open(stream, &config.name, out);
                }
            }
        }
        if self.notifications_sent > NOTIFICATIONS_MAX { Err(CloseReason::OwnNotifications) } else { Ok(()) }
    }

    fn write_open(&mut self, stream: StreamId, name: &str, out: &mut Vec<u8>) {
        Header { kind: Kind::Open, stream, payload_length: name.len() as u32 }.encode(out);
        out.extend_from_slice(name.as_bytes());
        self.notifications_sent += 1;
    }

    /// Messages, as many as fit; returns when more can go if that is a matter of time.
    fn write_messages(&mut self, now: Mono, peer: &mut Peer, out: &mut Vec<u8>, begin: usize) -> Option<Mono> {
        let budget = if self.peer_is_new { u32::MAX } else { self.budget.available(now) } as usize;
        loop {
            let written = out.len() - begin;
            if written >= TRANSMIT_BYTES_MAX {
                return Some(now);
            }
            // What is left to the peer's limit over all streams, kept an eighth of a batch away for TLS and for timing.
            let left = budget.saturating_sub(written + written / 8 + TRANSMIT_BYTES_MIN);
            if left < TRANSMIT_BYTES_MIN && (self.writing.is_some() || peer.has_outgoing()) {
                return Some(self.budget.when(now, 4 * TRANSMIT_BYTES_MIN as u32).max(now));
            }
            match self.writing.take() {
                Some((payload, from)) => {
                    let count = (payload.len() - from).min(TRANSMIT_BYTES_MAX - written).min(left);
                    out.extend_from_slice(&payload[from..from + count]);
                    if from + count < payload.len() {
                        self.writing = Some((payload, from + count));
                    }
                }
                None => {
                    let (ours, theirs) = (&self.ours, &self.theirs);
                    match peer.take(now, |id| ours.contains(&id) && theirs.contains(&id)) {
                        Next::Message(stream, message) => {
                            let class = match message.class {
                                OutgoingClass::Plain => Class::Plain,
                                OutgoingClass::Request(id, _) => Class::Request(id),
                                OutgoingClass::Response(id) => Class::Response(id),
                            };
                            let payload_length = message.payload.len() as u32;
                            Header { kind: Kind::Message(class), stream, payload_length }.encode(out);
                            if payload_length > 0 {
                                self.writing = Some((message.payload, 0));
                            }
                        }
                        Next::At(when) => return Some(when),
                        Next::Nothing => return None,
                    }
                }
            }
        }
    }
}
