//! Two ends of a connection, without a socket: what they tell each other, what they refuse, and that a sender of ours never
//! exceeds what a receiver of the reference allows.

use bytes::Bytes;
use machine::Mono;
use p2p_proto::frame::{Header, Kind};
use p2p_proto::limits::{
    FRAME_STALL_MAX, NOTIFICATIONS_MAX, OVERHEAD_SLACK_BYTES, RECORD_BYTES_MAX, RECORD_OVERHEAD, REPEAT_OPENS_AFTER,
    SILENCE_AFTER_HANDSHAKE,
};
use p2p_proto::{
    Class, CloseReason, Connection, Event, Generation, Outgoing, OutgoingClass, Overdraft, Peer, PeerId, Priority,
    ReceiveRules, Refusal, RequestId, ResponsePolicy, SendError, StreamConfig, StreamError, StreamId, StreamLimits,
};
use proptest::prelude::*;
use std::time::Duration;

const A: PeerId = PeerId([1; 32]);
const B: PeerId = PeerId([2; 32]);
const START: Mono = Mono(1_000_000_000);

/// The strictest receiver there is.
const REFERENCE: ReceiveRules = ReceiveRules { generation: Generation::Old, overdraft: Overdraft::Empties };
const NEW: ReceiveRules = ReceiveRules { generation: Generation::New, overdraft: Overdraft::Empties };

fn stream(name: &str) -> StreamConfig {
    StreamConfig {
        name: name.into(),
        limits: StreamLimits {
            message_bytes_max: 100_000,
            messages_rate: 20.0,
            messages_capacity: 16,
            bytes_rate: 200_000.0,
            bytes_capacity: 1_000_000,
        },
        outgoing_messages_max: 1000,
        incoming_messages_max: 1000,
        priority: Priority::Default,
        requests: false,
    }
}

/// One end.
struct Side {
    peer: Peer,
    connection: Connection,
    events: Vec<Event>,
}

impl Side {
    fn new(me: PeerId, other: PeerId, rules: ReceiveRules, streams: &[StreamConfig]) -> Self {
        let mut peer = Peer::new(me, other, rules, START);
        for stream in streams {
            peer.open(START, stream.clone()).unwrap();
        }
        let connection = Connection::new(START, &mut peer);
        Self { peer, connection, events: Vec::new() }
    }

    fn transmit(&mut self, now: Mono) -> (Vec<u8>, Option<Mono>) {
        let mut out = Vec::new();
        let next = self.connection.transmit(now, &mut self.peer, &mut out, &mut self.events).unwrap();
        (out, next)
    }

    fn read(&mut self, now: Mono, bytes: &[u8]) -> Result<(), CloseReason> {
        if !bytes.is_empty() {
            let raw = bytes.len() + bytes.len().div_ceil(RECORD_BYTES_MAX) * RECORD_OVERHEAD;
            self.connection.read_raw(now, &mut self.peer, raw)?;
        }
        self.connection.read(now, &mut self.peer, bytes, &mut self.events)
    }

    fn received(&mut self) -> Vec<Bytes> {
        let payload = |event| match event {
            Event::Received { payload, .. } => Some(payload),
            Event::Opened { .. } | Event::Closed { .. } | Event::Enabled { .. } | Event::Refused { .. } => None,
        };
        self.events.drain(..).filter_map(payload).collect()
    }

    fn refused(&self) -> Vec<Refusal> {
        let refusal = |event: &Event| match event {
            Event::Refused { refusal, .. } => Some(*refusal),
            Event::Opened { .. } | Event::Closed { .. } | Event::Enabled { .. } | Event::Received { .. } => None,
        };
        self.events.iter().filter_map(refusal).collect()
    }
}

fn id(name: &str) -> StreamId {
    StreamId::new(A, B, name)
}

fn frame(kind: Kind, name: &str, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Header { kind, stream: id(name), payload_length: payload.len() as u32 }.encode(&mut out);
    out.extend_from_slice(payload);
    out
}

fn plain(name: &str, payload: &[u8]) -> Vec<u8> {
    frame(Kind::Message(Class::Plain), name, payload)
}

fn open(name: &str) -> Vec<u8> {
    frame(Kind::Open, name, name.as_bytes())
}

fn message(bytes: &'static [u8]) -> Outgoing {
    Bytes::from_static(bytes).into()
}

/// After the silence that follows a handshake.
fn later() -> Mono {
    START + SILENCE_AFTER_HANDSHAKE
}

#[test]
fn a_new_connection_is_silent_for_a_moment_then_opens_and_repeats_once() {
    let mut a = Side::new(A, B, NEW, &[stream("s")]);
    assert_eq!(a.transmit(START), (vec![], Some(later())));
    assert_eq!(a.transmit(later()), (open("s"), Some(START + REPEAT_OPENS_AFTER)));
    assert_eq!(a.transmit(START + REPEAT_OPENS_AFTER), (open("s"), None));
    assert_eq!(a.transmit(START + REPEAT_OPENS_AFTER * 2), (vec![], None));
}

#[test]
fn the_first_frame_of_the_peer_ends_the_silence() {
    let mut a = Side::new(A, B, NEW, &[stream("s")]);
    a.read(START, &open("t")).unwrap();
    assert_eq!(a.transmit(START).0, open("s"));
}

#[test]
fn messages_wait_until_the_peer_has_the_stream_open() {
    let mut a = Side::new(A, B, NEW, &[stream("s")]);
    a.peer.send(id("s"), message(b"m")).unwrap();
    assert_eq!(a.transmit(later()).0, open("s"));
    a.read(later(), &open("s")).unwrap();
    assert!(a.events.contains(&Event::Enabled { stream: id("s") }));
    assert_eq!(a.transmit(later()).0, plain("s", b"m"));
    // And no longer when it has closed it.
    a.read(later(), &frame(Kind::Close, "s", b"")).unwrap();
    a.peer.send(id("s"), message(b"n")).unwrap();
    assert_eq!(a.transmit(later()).0, b"");
}

#[test]
fn a_stream_that_the_peer_opened_before_us_is_enabled_by_our_own_open() {
    let mut a = Side::new(A, B, NEW, &[stream("s")]);
    a.read(later(), &open("late")).unwrap();
    a.transmit(later());
    a.peer.open(later(), stream("late")).unwrap();
    a.peer.send(id("late"), message(b"m")).unwrap();
    a.events.clear();
    assert_eq!(a.transmit(later()).0, [open("late"), plain("late", b"m")].concat());
    assert_eq!(a.events, [Event::Enabled { stream: id("late") }]);
}

#[test]
fn a_closed_stream_is_told_but_for_the_last() {
    let mut a = Side::new(A, B, NEW, &[stream("s"), stream("t")]);
    a.transmit(later());
    a.peer.close(later(), id("t"));
    assert_eq!(a.transmit(later()).0, frame(Kind::Close, "t", b""));
    a.peer.close(later(), id("s"));
    assert_eq!(a.transmit(later()).0, b"");
    assert!(a.peer.is_empty());
}

#[test]
fn frames_are_understood_however_they_are_cut() {
    let bytes = [open("s"), plain("s", b"one"), plain("s", b""), plain("x", b"unknown"), plain("s", b"two")].concat();
    let whole = {
        let mut b = Side::new(B, A, NEW, &[stream("s")]);
        b.connection.read(START, &mut b.peer, &bytes, &mut b.events).unwrap();
        b.events
    };
    for cut in 1..50 {
        let mut b = Side::new(B, A, NEW, &[stream("s")]);
        for part in bytes.chunks(cut) {
            b.connection.read(START, &mut b.peer, part, &mut b.events).unwrap();
        }
        assert_eq!(b.events, whole, "in pieces of {cut}");
    }
    assert_eq!(whole.len(), 5);
}

#[test]
fn a_frame_that_is_begun_and_not_continued_ends_the_connection() {
    let mut b = Side::new(B, A, NEW, &[stream("s")]);
    b.read(START, &plain("s", b"whole")).unwrap();
    assert_eq!(b.connection.stalls_at(), None);
    b.read(START, &plain("s", b"half")[..39]).unwrap();
    assert_eq!(b.connection.stalls_at(), Some(START + FRAME_STALL_MAX));
    assert_eq!(b.connection.check_stall(START + FRAME_STALL_MAX), Err(CloseReason::Stalled));
    b.read(START + Duration::from_secs(14), b"l").unwrap();
    assert_eq!(b.connection.check_stall(START + FRAME_STALL_MAX), Ok(()));
}

#[test]
fn an_oversized_message_costs_the_connection_in_old_and_itself_in_new() {
    let bytes = [plain("s", &vec![0; 100_001]), plain("s", b"next")].concat();
    let mut old = Side::new(B, A, REFERENCE, &[stream("s")]);
    let reason = CloseReason::MessageTooLong { got: 100_001, max: 100_000 };
    assert_eq!(old.connection.read(START, &mut old.peer, &bytes, &mut old.events), Err(reason));
    let mut new = Side::new(B, A, NEW, &[stream("s")]);
    new.connection.read(START, &mut new.peer, &bytes, &mut new.events).unwrap();
    assert_eq!(new.refused(), [Refusal::MessageTooLong { got: 100_001, max: 100_000 }]);
    assert_eq!(new.received(), ["next"]);
}

#[test]
fn an_overload_costs_what_is_above_the_rate_and_no_more_unless_told_to_be_the_reference() {
    for (overdraft, delivered) in [(Overdraft::Keeps, 16 + 19), (Overdraft::Empties, 16)] {
        let rules = ReceiveRules { generation: Generation::New, overdraft };
        let mut b = Side::new(B, A, rules, &[stream("s")]);
        // Twice the rate for a second after the burst is spent.
        for index in 0..(16 + 39) {
            let now = if index < 16 { START } else { START + Duration::from_millis((index - 15) * 25) };
            b.read(now, &plain("s", b"m")).unwrap();
        }
        assert_eq!(b.received().len(), delivered, "{overdraft:?}");
    }
}

#[test]
fn open_and_close_frames_are_bounded_and_what_they_remember_with_them() {
    let mut b = Side::new(B, A, NEW, &[stream("s")]);
    for index in 0..NOTIFICATIONS_MAX {
        b.read(START, &open(&index.to_string())).unwrap();
    }
    assert_eq!(b.read(START, &open("one more")), Err(CloseReason::Notifications));
}

#[test]
fn tiny_records_end_a_connection_of_the_new_generation() {
    let mut b = Side::new(B, A, NEW, &[stream("s")]);
    let bytes = plain("s", &vec![7; 50_000]);
    let mut raw = 0;
    let ended = bytes.iter().find_map(|byte| {
        raw += 23;
        b.connection
            .read_raw(START, &mut b.peer, 23)
            .and_then(|()| b.connection.read(START, &mut b.peer, &[*byte], &mut b.events))
            .err()
    });
    assert_eq!(ended, Some(CloseReason::Overhead));
    assert!((OVERHEAD_SLACK_BYTES..OVERHEAD_SLACK_BYTES * 2).contains(&raw), "{raw}");
}

#[test]
fn raw_bytes_above_all_limits_end_a_connection_of_the_old_generation() {
    let mut b = Side::new(B, A, REFERENCE, &[stream("s")]);
    assert_eq!(b.connection.read_raw(START, &mut b.peer, 586_000), Ok(()));
    let refused = b.connection.read_raw(START, &mut b.peer, 1);
    assert_eq!(refused, Err(CloseReason::RawBytesOverLimit { read: 1 }));
}

#[test]
fn responses_come_in_once_in_time_and_where_they_were_asked_for() {
    let talking = StreamConfig { requests: true, ..stream("s") };
    let mut a = Side::new(A, B, NEW, &[talking.clone(), StreamConfig { name: "t".into(), ..talking }]);
    a.read(START, &[open("s"), open("t")].concat()).unwrap();
    a.transmit(START);
    let policy = ResponsePolicy { bytes_max: 3, expiry: START + Duration::from_secs(1) };
    let ask = |a: &mut Side, id_byte: u8| {
        let request = RequestId([id_byte; 32]);
        let message = Outgoing { class: OutgoingClass::Request(request, policy), payload: Bytes::from_static(b"?") };
        a.peer.send(id("s"), message).unwrap();
        assert_eq!(a.transmit(START).0, frame(Kind::Message(Class::Request(request)), "s", b"?"));
        request
    };
    let answer = |request, name: &str, payload: &[u8]| frame(Kind::Message(Class::Response(request)), name, payload);
    let (first, second, third) = (ask(&mut a, 1), ask(&mut a, 2), ask(&mut a, 3));
    a.events.clear();
    a.read(START, &answer(first, "t", b"!")).unwrap();
    a.read(START, &answer(first, "s", b"!")).unwrap();
    a.read(START, &answer(first, "s", b"!")).unwrap();
    a.read(START, &answer(second, "s", b"long")).unwrap();
    a.read(START, &answer(second, "s", b"!")).unwrap();
    a.read(policy.expiry, &answer(third, "s", b"!")).unwrap();
    a.read(START, &answer(RequestId([9; 32]), "s", b"!")).unwrap();
    assert_eq!(
        a.refused(),
        [
            Refusal::ResponseOnOtherStream,
            Refusal::ResponseUnasked,
            Refusal::ResponseTooLong { got: 4, max: 3 },
            Refusal::ResponseUnasked,
            Refusal::ResponseLate,
            Refusal::ResponseUnasked,
        ]
    );
    assert_eq!(a.received(), ["!"]);
}

#[test]
fn requests_are_not_sent_where_an_old_peer_may_listen() {
    let mut a = Side::new(A, B, NEW, &[stream("s")]);
    let message = Outgoing { class: OutgoingClass::Response(RequestId([1; 32])), payload: Bytes::new() };
    assert_eq!(a.peer.send(id("s"), message), Err(SendError::NoRequests));
    let refused = a.peer.send(id("t"), Bytes::new().into());
    assert_eq!(refused, Err(SendError::NoStream));
}

#[test]
fn at_most_2000_streams_are_open_to_one_peer() {
    let mut peer = Peer::new(A, B, NEW, START);
    for index in 0..2000 {
        peer.open(START, stream(&index.to_string())).unwrap();
    }
    assert_eq!(peer.open(START, stream("one more")), Err(StreamError::TooMany));
    assert_eq!(peer.open(START, stream("7")), Err(StreamError::Duplicate));
}

#[test]
fn streams_share_the_bytes_and_low_priority_gets_every_eighth_turn() {
    let roomy = |name: &str, priority| StreamConfig {
        limits: StreamLimits { messages_capacity: 10_000, ..stream(name).limits },
        priority,
        ..stream(name)
    };
    let streams = [roomy("big", Priority::Default), roomy("small", Priority::Default), roomy("low", Priority::Low)];
    let mut a = Side::new(A, B, NEW, &streams);
    a.read(START, &[open("big"), open("small"), open("low")].concat()).unwrap();
    a.transmit(START);
    for _ in 0..16 {
        a.peer.send(id("big"), Bytes::from(vec![0; 963]).into()).unwrap();
        a.peer.send(id("low"), message(b"")).unwrap();
    }
    for _ in 0..500 {
        a.peer.send(id("small"), Bytes::from(vec![0; 63]).into()).unwrap();
    }
    let (mut out, _) = a.transmit(START);
    let mut counts = [0; 3];
    while let Some((header, length)) = Header::decode(Generation::New, &out).unwrap() {
        let position = ["big", "small", "low"].iter().position(|name| id(name) == header.stream).unwrap();
        counts[position] += 1;
        out.drain(..length + header.payload_length as usize);
        if counts[0] == 8 {
            break;
        }
    }
    // Frames of 1000 and of 100 bytes: ten small ones for a big one.
    assert!((70..=80).contains(&counts[1]), "{counts:?}");
    assert!((9..=13).contains(&counts[2]), "{counts:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is queued whenever, on however many streams: a receiver of the reference, with its buckets that empty and
    /// its byte bucket over the whole connection, takes everything and stays connected.
    #[test]
    fn a_sender_never_exceeds_what_a_reference_receiver_allows(
        queued in prop::collection::vec((0_u64..30, 0_usize..3, 0_usize..100_000), 1..120),
        latency in prop::collection::vec(0_u64..60, 64),
    ) {
        let names = ["s", "t", "u"];
        let streams = names.map(stream);
        let mut a = Side::new(A, B, REFERENCE, &streams);
        let mut b = Side::new(B, A, REFERENCE, &streams);
        a.read(START, &names.map(open).concat()).unwrap();
        let mut queued: Vec<_> = queued.into_iter().scan(0, |at, (gap, stream, length)| {
            *at += gap;
            Some((START + Duration::from_millis(*at), stream, length))
        }).collect();
        let total = queued.len();
        queued.reverse();
        let (mut now, mut arrived, mut delivered, mut round) = (START, START, 0, 0);
        while delivered < total {
            while let Some((_, stream, length)) = queued.pop_if(|(at, _, _)| *at <= now) {
                a.peer.send(id(names[stream]), Bytes::from(vec![stream as u8; length]).into()).unwrap();
            }
            let (out, next) = a.transmit(now);
            arrived = arrived.max(now + Duration::from_millis(latency[round % latency.len()]));
            round += 1;
            prop_assert_eq!(b.read(arrived, &out), Ok(()));
            prop_assert_eq!(b.refused(), []);
            delivered += b.received().len();
            let coming = queued.last().map(|(at, _, _)| *at);
            let Some(wake) = next.into_iter().chain(coming).min() else { break };
            now = wake.max(now + Duration::from_micros(1));
            prop_assert!(now < START + Duration::from_secs(3600), "{delivered} of {total}");
        }
        prop_assert_eq!(delivered, total);
    }

    /// No bytes make a connection panic, and none make it keep more than its bounds.
    #[test]
    fn any_bytes_are_frames_or_a_reason_to_close(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        first in 0_u8..8,
        new: bool,
    ) {
        let mut b = Side::new(B, A, if new { NEW } else { REFERENCE }, &[stream("s")]);
        let bytes = [&[first][..], &id("s").0, &bytes].concat();
        let _ = b.read(START, &bytes);
        prop_assert!(b.connection.consumed() <= bytes.len() as u64);
    }
}
