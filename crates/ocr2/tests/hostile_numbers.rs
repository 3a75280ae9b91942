//! Numbers and lengths at the ends of their ranges, from anyone, with signatures that all hold: nothing panics, everything is
//! bounded, and what is stored can be read again.

mod support;

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use machine::{Effect, Machine as _, Mono, Record as _, Tickets, Time, Verdicts, Wall};
use ocr2::{
    Answer, Effects, Epoch, Event, Memory, Message, Oracle, Record, RoundId, View, Work,
    limits::PENDING_MAX,
    message::{
        AttributedObservation, AttributedSignature, Final, Observe, ObserveReq, Report, ReportReq, SignedObservation,
    },
};
use proptest::prelude::*;
use support::{Toy, committee, local, memory, parameters, setup};

fn epoch() -> impl Strategy<Value = u32> {
    prop_oneof![0..4_u32, (0..4_u32).prop_map(|below| u32::MAX - below)]
}

fn at() -> impl Strategy<Value = RoundId> {
    let round = prop_oneof![0..3_u8, 253..=255_u8];
    (epoch(), round).prop_map(|(epoch, round)| RoundId::new(epoch, round))
}

fn bytes() -> impl Strategy<Value = Bytes> {
    prop::sample::select(vec![0, 1, 10, 40, 41, 64, 65]).prop_map(|length| Bytes::from(vec![7; length]))
}

fn signature(length: usize) -> impl Strategy<Value = Bytes> {
    prop_oneof![8 => Just(length), 1 => Just(0), 1 => Just(length + 1)].prop_map(|length| Bytes::from(vec![1; length]))
}

fn number() -> impl Strategy<Value = u8> {
    prop_oneof![0..4_u8, 30..=32_u8, Just(255)]
}

fn last() -> impl Strategy<Value = Arc<Final>> {
    let entry = (signature(65), number()).prop_map(|(signature, signer)| AttributedSignature { signature, signer });
    (at(), bytes(), prop::collection::vec(entry, 0..4))
        .prop_map(|(at, report, signatures)| Arc::new(Final { at, extra_hash: [0; 32], report, signatures }))
}

fn message() -> impl Strategy<Value = Message> {
    let observation =
        || (bytes(), signature(64)).prop_map(|(observation, signature)| SignedObservation { observation, signature });
    let entry = (observation(), number()).prop_map(|(signed, observer)| AttributedObservation { signed, observer });
    prop_oneof![
        3 => epoch().prop_map(|epoch| Message::NewEpoch(Epoch(epoch))),
        2 => (at(), bytes()).prop_map(|(at, query)| Message::ObserveReq(ObserveReq { at, query })),
        1 => (at(), observation()).prop_map(|(at, signed)| Message::Observe(Observe { at, signed })),
        2 => (at(), bytes(), prop::collection::vec(entry, 0..33)).prop_map(|(at, query, observations)| {
            Message::ReportReq(Arc::new(ReportReq { at, query, observations }))
        }),
        1 => (at(), any::<bool>(), bytes(), signature(65)).prop_map(|(at, skip, report, signature)| {
            Message::Report(Report { at, skip, report, signature })
        }),
        2 => last().prop_map(Message::Final),
        2 => last().prop_map(Message::FinalEcho),
    ]
}

#[derive(Clone, Debug)]
enum Step {
    Receive(u8, Message),
    /// The first ask that is open, with an answer of this length, or the contract's epoch.
    Answer(usize, u32),
    Fail,
    /// Both clocks; the wall's may go back.
    Clock(u64, u64),
    Woke,
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    let clock = prop_oneof![0..2_000_000_000_u64, Just(u64::MAX)];
    let wall = prop_oneof![0..2_000_000_000_u64, any::<u64>(), Just(u64::MAX)];
    prop_oneof![
        30 => (0..31_u8, message()).prop_map(|(from, message)| Step::Receive(from, message)),
        10 => (prop::sample::select(vec![0, 1, 2, 10, 11, 64, 65]), epoch())
            .prop_map(|(length, epoch)| Step::Answer(length, epoch)),
        1 => Just(Step::Fail),
        3 => (clock, wall).prop_map(|(mono, wall)| Step::Clock(mono, wall)),
        5 => Just(Step::Woke),
        1 => Just(Step::Crash),
    ]
}

fn born(n: usize, me: u8, r_max: u8, memory: Memory) -> Oracle {
    let parameters = ocr2::config::Parameters { r_max, ..parameters() };
    let setup = setup(n, committee(n).oracle(me % n as u8).unwrap(), parameters);
    Oracle::new(setup, Box::new(Toy::default()), local(), memory, Tickets::default()).unwrap()
}

proptest! {
    #[test]
    fn no_number_and_no_length_stops_an_oracle_or_spoils_its_memory(
        n in prop::sample::select(vec![1, 4, 31]), me: u8, r_max in prop::sample::select(vec![1, 254]),
        first in prop::sample::select(vec![1, 2, u32::MAX - 1, u32::MAX]),
        steps in prop::collection::vec(step(), 0..200)
    ) {
        let started = Memory { epoch: Epoch(first), highest_sent: Epoch(first), ..Memory::default() };
        let mut oracle = born(n, me, r_max, started.clone());
        let mut now = Time { mono: Mono(0), wall: Wall(0) };
        let mut records = BTreeMap::new();
        let mut asks = Vec::new();
        let mut own: Vec<Arc<Message>> = Vec::new();
        let from = |number: u8| committee(n).oracle(number % n as u8).unwrap();
        for step in steps {
            let event = match step {
                Step::Receive(number, message) => {
                    let message = Arc::new(message);
                    let mut claims = Vec::new();
                    oracle.claims(from(number), &message, &mut claims);
                    prop_assert!(claims.len() <= n);
                    Event::Received { from: from(number), message, verdicts: Verdicts::by(|_| true) }
                }
                Step::Answer(length, epoch) if !asks.is_empty() => {
                    let (ticket, work) = asks.remove(0);
                    let bytes = Bytes::from(vec![b'o'; length]);
                    let answer = match work {
                        Work::Query { .. } => Answer::Query(bytes),
                        Work::Observe { .. } => Answer::Observation(bytes),
                        Work::View { .. } => Answer::View(View { bytes, read_at: now.wall }),
                        Work::SignObservation { .. } | Work::SignReport { .. } => Answer::Signature(bytes),
                        Work::ContractEpoch => {
                            Answer::ContractEpoch { config_digest: support::DIGEST, epoch: Epoch(epoch) }
                        }
                        Work::Transmit { .. } => Answer::Transmitted,
                    };
                    Event::Answered { ticket, answer: Some(answer) }
                }
                Step::Fail if !asks.is_empty() => Event::Answered { ticket: asks.remove(0).0, answer: None },
                Step::Clock(mono, wall) => {
                    now = Time { mono: Mono(now.mono.0.saturating_add(mono)), wall: Wall(wall) };
                    Event::Woke
                }
                Step::Crash => {
                    let read = |bytes: &Vec<u8>| Record::decode(bytes).expect("what was stored can be read");
                    let mut remembered = memory(records.values().map(read));
                    if !records.keys().any(|key| matches!(key, ocr2::RecordKey::Epoch(_))) {
                        (remembered.epoch, remembered.highest_sent) = (started.epoch, started.highest_sent);
                    }
                    oracle = born(n, me, r_max, remembered);
                    asks.clear();
                    own.clear();
                    Event::Woke
                }
                Step::Woke | Step::Answer(..) | Step::Fail => match own.pop() {
                    Some(message) => Event::Received { from: from(me), message, verdicts: Verdicts::by(|_| true) },
                    None => Event::Woke,
                },
            };
            let mut out = Effects::default();
            oracle.handle(now, event, &mut out);
            for effect in out.drain() {
                match effect {
                    Effect::Persist(record) => {
                        let mut bytes = Vec::new();
                        record.encode(&mut bytes);
                        if record.erases() {
                            records.remove(&record.key());
                        } else {
                            records.insert(record.key(), bytes);
                        }
                    }
                    Effect::Send { to, message } => {
                        if to.contains(from(me)) {
                            own.push(message.clone());
                        }
                        prop_assert!(Message::decode(&message.encode().into()).as_ref() == Ok(&*message));
                    }
                    Effect::Ask { ticket, ask } => asks.push((ticket, ask.work)),
                    Effect::Forget(ticket) => asks.retain(|(asked, _)| *asked != ticket),
                    Effect::Emit(_) => {}
                }
            }
            prop_assert!(records.len() <= PENDING_MAX + 2);
        }
    }
}
