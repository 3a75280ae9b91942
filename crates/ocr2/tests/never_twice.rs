//! Whatever comes in, whatever fails and whenever it crashes: an oracle says and signs one thing in one round at most, keeps
//! before it speaks, and answers every message or refuses it by name.

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bytes::Bytes;
use ocr2::{
    Epoch, Message, RoundId, Work,
    message::{AttributedSignature, Final, Observe, ObserveReq, Report, ReportReq},
    signing::ReportContext,
};
use proptest::prelude::*;
use support::*;

/// One thing that happens to the oracle.
#[derive(Clone, Debug)]
enum Step {
    /// From another oracle.
    Receive(u8, Draft),
    /// What only a leader sends, from the leader.
    Led(Draft),
    /// All outstanding asks are answered, well or not.
    Answer(bool),
    /// Milliseconds go by.
    Pass(u64),
    LoopBack,
    Crash,
}

/// A message to be made when its time comes, for the round that the oracle is in, with good signatures.
#[derive(Clone, Debug)]
enum Draft {
    NewEpoch { ahead: u32 },
    ObserveReq { epoch_ahead: u32, ahead: u8, query: u8 },
    Observe,
    ReportReq { query: u8, missing: Option<u8> },
    Report { skip: bool },
    Final { signers: BTreeSet<u8>, echo: bool },
}

fn step() -> impl Strategy<Value = Step> {
    // Most queries are those of the round's first request: others are what a liar sends.
    let query = || prop_oneof![6 => Just(b'q'), 3 => Just(b'r'), 1 => Just(b's'), 1 => Just(b'e')];
    let led = prop_oneof![
        (0..10_u32, 0..2_u8, query()).prop_map(|(epoch_ahead, ahead, query)| {
            Draft::ObserveReq { epoch_ahead: epoch_ahead / 9, ahead, query }
        }),
        (query(), prop::option::of(0..4_u8)).prop_map(|(query, missing)| Draft::ReportReq { query, missing }),
    ];
    let signers = prop::collection::btree_set(0..4_u8, 1..=3);
    let message = prop_oneof![
        2 => (0..3_u32).prop_map(|ahead| Draft::NewEpoch { ahead }),
        8 => Just(Draft::Observe),
        8 => any::<bool>().prop_map(|skip| Draft::Report { skip }),
        2 => (signers, any::<bool>()).prop_map(|(signers, echo)| Draft::Final { signers, echo }),
    ];
    prop_oneof![
        10 => (0..4_u8, message).prop_map(|(from, message)| Step::Receive(from, message)),
        10 => led.prop_map(Step::Led),
        15 => prop::bool::weighted(0.9).prop_map(Step::Answer),
        2 => (1..200_u64).prop_map(Step::Pass),
        4 => Just(Step::LoopBack),
        2 => Just(Step::Crash),
    ]
}

impl Draft {
    fn make(&self, from: u8, script: &Script, asked: &Option<Arc<ReportReq>>) -> Option<Message> {
        let epoch = script.oracle.epoch().0;
        let entered = script.oracle.memory().entered;
        // The round that the oracle is in, or the first.
        let round = if entered.epoch == epoch { entered.round.0.max(1) } else { 1 };
        let at = RoundId::new(epoch.0, round);
        Some(match self {
            Draft::NewEpoch { ahead } => Message::NewEpoch(Epoch(epoch.0 + ahead)),
            Draft::ObserveReq { epoch_ahead, ahead, query } => Message::ObserveReq(ObserveReq {
                at: RoundId::new(epoch.0 + epoch_ahead, round + ahead),
                query: Bytes::from(vec![*query]),
            }),
            Draft::Observe => {
                let signed = signed(oracle(4, from), at, b"q", &[b'o', from]);
                Message::Observe(Observe { at, signed })
            }
            Draft::ReportReq { query, missing } => {
                let oracles = committee(4).oracles().filter(|oracle| Some(oracle.byte()) != *missing);
                let observations = observations(oracles, at, &[*query]);
                Message::ReportReq(Arc::new(ReportReq { at, query: Bytes::from(vec![*query]), observations }))
            }
            Draft::Report { skip: true } => {
                let at = asked.as_ref()?.at;
                Message::Report(Report { at, skip: true, report: Bytes::new(), signature: Bytes::new() })
            }
            Draft::Report { skip: false } => {
                let request = asked.as_ref()?;
                let report: Bytes = request.observations.iter().map(|entry| entry.observer).collect();
                let context = ReportContext {
                    config_digest: DIGEST,
                    epoch: request.at.epoch.0,
                    round: request.at.round.0,
                    extra_hash: hash_of(&request.query, &request.observations),
                };
                let signature = sign_report(oracle(4, from), context.report_digest(&report));
                Message::Report(Report { at: request.at, skip: false, report, signature })
            }
            Draft::Final { signers, echo } => {
                let (report, extra_hash) = (Bytes::from_static(b"report"), [5; 32]);
                let context = ReportContext { config_digest: DIGEST, epoch: epoch.0, round, extra_hash };
                let digest = context.report_digest(&report);
                let signature = |signer: &u8| AttributedSignature {
                    signature: sign_report(oracle(4, *signer), digest),
                    signer: *signer,
                };
                let signatures = signers.iter().map(signature).collect();
                let report = Arc::new(Final { at, extra_hash, report, signatures });
                if *echo { Message::FinalEcho(report) } else { Message::Final(report) }
            }
        })
    }
}

/// What was said and signed, over all lives of the oracle.
#[derive(Default)]
struct Said {
    observe_req: BTreeMap<RoundId, Message>,
    observe: BTreeMap<RoundId, Message>,
    report_req: BTreeMap<RoundId, Arc<ReportReq>>,
    report: BTreeMap<RoundId, Message>,
    observation_signed: BTreeMap<RoundId, [u8; 32]>,
    report_signed: BTreeMap<RoundId, [u8; 32]>,
    seen: usize,
    last_epoch: Epoch,
}

impl Said {
    fn once<T: PartialEq + std::fmt::Debug>(map: &mut BTreeMap<RoundId, T>, at: RoundId, thing: T) {
        if let Some(first) = map.get(&at) {
            assert_eq!(first, &thing, "two different things in {at}");
        }
        map.insert(at, thing);
    }

    fn look(&mut self, script: &Script) {
        let entered = ocr2::RecordKey::Entered(DIGEST);
        let entered = match script.records.get(&entered) {
            Some(ocr2::Record::Entered { at, .. }) => *at,
            _ => RoundId::default(),
        };
        let sent = match script.records.get(&ocr2::RecordKey::Epoch(DIGEST)) {
            Some(ocr2::Record::Epoch { highest_sent, .. }) => *highest_sent,
            _ => Epoch(0),
        };
        for (_, message) in &script.sent[self.seen..] {
            if let Some(at) = message.at()
                && !matches!(**message, Message::FinalEcho(_) | Message::Final(_) | Message::ReportReq(_))
            {
                assert!(at <= entered, "{} before it is stored", shown(message));
            }
            match &**message {
                Message::NewEpoch(epoch) => assert!(*epoch <= sent, "a wish before it is stored"),
                Message::ObserveReq(m) => Self::once(&mut self.observe_req, m.at, (**message).clone()),
                Message::Observe(m) => Self::once(&mut self.observe, m.at, (**message).clone()),
                Message::ReportReq(m) => Self::once(&mut self.report_req, m.at, m.clone()),
                Message::Report(m) => Self::once(&mut self.report, m.at, (**message).clone()),
                Message::Final(_) | Message::FinalEcho(_) => {}
            }
        }
        self.seen = script.sent.len();
        for (_, ask) in &script.asks {
            match &ask.work {
                Work::SignObservation { at, digest } => Self::once(&mut self.observation_signed, *at, *digest),
                Work::SignReport { context, digest, .. } => {
                    Self::once(&mut self.report_signed, RoundId::new(context.epoch, context.round), *digest);
                }
                _ => {}
            }
        }
        let epoch = script.oracle.epoch().0;
        assert!(epoch >= self.last_epoch, "epochs only grow, over crashes too");
        self.last_epoch = epoch;
        assert!(script.asks.len() <= 5 + ocr2::limits::ACCEPTING_MAX + ocr2::limits::PENDING_MAX);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn in_one_round_an_oracle_says_and_signs_one_thing(me in 1..3_u8, steps in prop::collection::vec(step(), 1..120)) {
        let mut script = Script::new(4, me, Toy::default(), parameters(), []);
        let mut said = Said::default();
        let mut asked = None;
        for step in steps {
            match step {
                // What it said to itself comes back from itself alone.
                Step::Receive(from, _) if from == me => {}
                Step::Receive(from, message) => {
                    if let Some(message) = message.make(from, &script, &asked) {
                        script.receive(from, message);
                    }
                }
                Step::Led(message) => {
                    let leader = script.oracle.epoch().1.byte();
                    if leader != me && let Some(message) = message.make(leader, &script, &asked) {
                        script.receive(leader, message);
                    }
                }
                Step::Answer(good) => {
                    for (ticket, ask) in core::mem::take(&mut script.asks) {
                        let answer = good.then(|| good_answer(&ask.work, script.me, at(0, 0)));
                        script.hand(ocr2::Event::Answered { ticket, answer });
                    }
                }
                Step::Pass(millis) => drop(script.pass(millis)),
                Step::LoopBack => {
                    said.look(&script);
                    said.seen = 0;
                    script.loop_back();
                }
                Step::Crash => {
                    said.look(&script);
                    said.seen = 0;
                    script = script.restart();
                }
            }
            said.look(&script);
            asked = said.report_req.values().next_back().cloned().or(asked);
        }
    }
}
