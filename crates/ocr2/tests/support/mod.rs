//! A committee in a value: real oracles, a toy plugin, signatures that are their own proof, a contract of two numbers.
#![allow(dead_code)]

use std::{cell::Cell, collections::BTreeMap, collections::VecDeque, sync::Arc, time::Duration};

use bytes::Bytes;
use crypto::{ed25519, secp256k1};
use machine::{Claim, Effect, Machine, Mono, Record as _, Ticket, Tickets, Time, Verdicts, Wall};
use ocr::{Committee, ConfigDigest, OracleId, OracleSet, PerOracle, SharedSecret};
use ocr2::{
    Answer, Ask, Effects, Epoch, Event, LocalConfig, Memory, Message, Oracle, Output, Plugin, Record, RecordKey,
    Refusal, ReportTimestamp, RoundId, Setup, View, Work,
    config::{OracleIdentity, Parameters, PublicConfig, ResourceChecks},
    message::{AttributedObservation, SignedObservation},
    plugin::{PluginError, PluginInfo},
    signing::{extra_hash, observation_digest},
    transport::PluginLimits,
};

pub const DIGEST: ConfigDigest = ConfigDigest([7; 32]);
pub const MS: Duration = Duration::from_millis(1);

pub fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// `count` milliseconds after the origin of both clocks.
pub fn time(count: u64) -> Time {
    Time { mono: Mono(count * 1_000_000), wall: Wall(1_700_000_000_000_000_000 + count * 1_000_000) }
}

pub fn at(epoch: u32, round: u8) -> RoundId {
    RoundId::new(epoch, round)
}

// Signatures that are their own proof: digest and key.

pub fn offchain_key(oracle: OracleId) -> ed25519::PublicKey {
    ed25519::PublicKey([oracle.byte() + 1; 32])
}

pub fn signer(oracle: OracleId) -> secp256k1::Address {
    secp256k1::Address([oracle.byte() + 1; 20])
}

pub fn sign_observation(oracle: OracleId, digest: [u8; 32]) -> Bytes {
    [digest, offchain_key(oracle).0].concat().into()
}

pub fn sign_report(oracle: OracleId, digest: [u8; 32]) -> Bytes {
    [&digest[..], &signer(oracle).0, &[0; 13]].concat().into()
}

thread_local! {
    pub static JUDGED: Cell<usize> = const { Cell::new(0) };
}

pub fn judge(claim: &Claim) -> bool {
    JUDGED.set(JUDGED.get() + 1);
    match claim {
        Claim::Ed25519 { key, digest, signature } => signature[..] == [digest, &key.0[..]].concat(),
        Claim::Secp256k1 { address, digest, signature } => {
            signature[..] == [&digest[..], &address.0, &[0; 13]].concat()
        }
    }
}

pub fn verdicts() -> Verdicts {
    Verdicts::by(judge)
}

/// An observation of `oracle` with a good signature.
pub fn signed(oracle: OracleId, at: RoundId, query: &[u8], observation: &[u8]) -> SignedObservation {
    let digest = observation_digest(DIGEST, at.epoch.0, at.round.0, query, observation);
    SignedObservation { observation: Bytes::copy_from_slice(observation), signature: sign_observation(oracle, digest) }
}

/// The observations of some oracles, with good signatures.
pub fn observations(
    oracles: impl IntoIterator<Item = OracleId>,
    at: RoundId,
    query: &[u8],
) -> Vec<AttributedObservation> {
    let entry = |oracle: OracleId| AttributedObservation {
        signed: signed(oracle, at, query, &[b'o', oracle.byte()]),
        observer: oracle.byte(),
    };
    oracles.into_iter().map(entry).collect()
}

pub fn hash_of(query: &[u8], observations: &[AttributedObservation]) -> [u8; 32] {
    extra_hash(query, observations.iter().map(|entry| (&entry.signed.observation[..], entry.observer)))
}

// The toy plugin

/// A report lists who observed. The first byte of a query says what the plugin does: `s` skips, `e` fails.
#[derive(Debug)]
pub struct Toy {
    pub limits: PluginLimits,
    pub skip_rounds: Vec<u8>,
}

impl Default for Toy {
    fn default() -> Self {
        let limits = PluginLimits { query_bytes_max: 10, observation_bytes_max: 10, report_bytes_max: 40 };
        Self { limits, skip_rounds: Vec::new() }
    }
}

/// What the toy's contract says: the latest report.
pub fn view(latest: RoundId) -> View {
    View { bytes: Bytes::from(vec![latest.epoch.0 as u8, latest.round.0]), read_at: Wall(0) }
}

fn latest(view: &View) -> Result<RoundId, PluginError> {
    match view.bytes[..] {
        [epoch, round] => Ok(RoundId::new(epoch.into(), round)),
        _ => Err(PluginError::new("no view")),
    }
}

impl Plugin for Toy {
    fn info(&self) -> PluginInfo {
        PluginInfo { name: "toy", unique_reports: false, limits: self.limits }
    }

    fn report(
        &mut self,
        timestamp: ReportTimestamp,
        query: &Bytes,
        observations: &[AttributedObservation],
        _: &View,
        _: Wall,
    ) -> Result<Option<Bytes>, PluginError> {
        match query.first() {
            Some(b's') => Ok(None),
            Some(b'e') => Err(PluginError::new("told so")),
            Some(b'l') => Ok(Some(vec![0; 41].into())),
            Some(_) | None if self.skip_rounds.contains(&timestamp.at.round.0) => Ok(None),
            Some(_) | None => Ok(Some(observations.iter().map(|entry| entry.observer).collect())),
        }
    }

    fn should_accept(
        &mut self,
        timestamp: ReportTimestamp,
        _: &Bytes,
        view: &View,
        _: Wall,
    ) -> Result<bool, PluginError> {
        Ok(timestamp.at > latest(view)?)
    }

    fn should_transmit(
        &mut self,
        timestamp: ReportTimestamp,
        _: &Bytes,
        view: &View,
        _: Wall,
    ) -> Result<bool, PluginError> {
        Ok(timestamp.at > latest(view)?)
    }
}

// Configuration

pub fn committee(n: usize) -> Committee {
    Committee::new(n, (n - 1) / 3).unwrap()
}

pub fn oracle(n: usize, index: u8) -> OracleId {
    committee(n).oracle(index).unwrap()
}

/// RMax 3, DeltaRound 100 ms, DeltaGrace 20 ms, DeltaStage 100 ms: those of OCR2 spec, appendix C.
pub fn parameters() -> Parameters {
    Parameters {
        delta_progress: ms(1000),
        delta_resend: ms(400),
        delta_round: ms(100),
        delta_grace: ms(20),
        delta_stage: ms(100),
        r_max: 3,
        s: vec![1, 1, 2],
        reporting_plugin_config: Vec::new(),
        max_duration_initialization: None,
        max_duration_query: ms(50),
        max_duration_observation: ms(50),
        max_duration_report: ms(50),
        max_duration_should_accept: ms(50),
        max_duration_should_transmit: ms(50),
    }
}

/// With the secret of OCR2 spec, appendix A: four oracles are led by 2 in epochs 1 and 2, by 1 in epoch 3, by 0 in 4 to 6.
pub fn setup(n: usize, me: OracleId, parameters: Parameters) -> Setup {
    let identity = |oracle: OracleId| OracleIdentity {
        offchain_key: offchain_key(oracle),
        signer: signer(oracle).0.to_vec(),
        peer_id: String::new(),
        transmitter: String::new(),
    };
    let secret = SharedSecret::new(core::array::from_fn(|i| 0x10 + i as u8));
    Setup {
        config: Arc::new(PublicConfig {
            config_digest: DIGEST,
            committee: committee(n),
            oracles: PerOracle::new(committee(n), identity),
            onchain_config: Vec::new(),
            parameters,
        }),
        me,
        leader_selection_key: secret.leader_selection_key(),
        transmission_order_key: secret.transmission_order_key(),
    }
}

pub fn local() -> LocalConfig {
    LocalConfig {
        contract_timeout: ms(50),
        transmit_timeout: ms(50),
        query_duration_min: Duration::ZERO,
        transmit_retry_after: ms(500),
        resource_checks: ResourceChecks::On,
    }
}

// One oracle, by hand

/// One oracle of four and everything it did since it was last looked at, in order, as text.
pub struct Script {
    pub oracle: Oracle,
    pub me: OracleId,
    pub n: usize,
    pub now: u64,
    pub asks: VecDeque<(Ticket, Ask)>,
    pub forgotten: Vec<Ticket>,
    pub sent: Vec<(OracleSet, Arc<Message>)>,
    pub refused: Vec<Refusal>,
    pub records: BTreeMap<RecordKey, Record>,
    log: Vec<String>,
}

impl Script {
    /// Oracle 1 of four, which follows; epoch 1 and 2 are led by oracle 2.
    pub fn follower() -> Self {
        Self::new(4, 1, Toy::default(), parameters(), [])
    }

    /// Oracle 2 of four, which leads epochs 1 and 2.
    pub fn leader() -> Self {
        Self::new(4, 2, Toy::default(), parameters(), [])
    }

    pub fn new(n: usize, me: u8, toy: Toy, parameters: Parameters, records: impl IntoIterator<Item = Record>) -> Self {
        let me = oracle(n, me);
        let records: BTreeMap<_, _> = records.into_iter().map(|record| (record.key(), record)).collect();
        let oracle = Oracle::new(
            setup(n, me, parameters),
            Box::new(toy),
            local(),
            memory(records.values().cloned()),
            Tickets::default(),
        );
        let mut script = Self {
            oracle: oracle.unwrap(),
            me,
            n,
            now: 0,
            asks: VecDeque::new(),
            forgotten: Vec::new(),
            sent: Vec::new(),
            refused: Vec::new(),
            records,
            log: Vec::new(),
        };
        script.hand(Event::Woke);
        script
    }

    /// The same oracle after a crash: what it stored, and nothing else.
    pub fn restart(self) -> Self {
        let mut again = Self::new(
            self.n,
            self.me.byte(),
            Toy::default(),
            parameters(),
            self.records.into_values().collect::<Vec<_>>(),
        );
        again.now = self.now;
        again
    }

    pub fn id(&self, index: u8) -> OracleId {
        oracle(self.n, index)
    }

    pub fn hand(&mut self, event: Event) {
        let mut out = Effects::default();
        self.oracle.handle(time(self.now), event, &mut out);
        for effect in out.drain() {
            match effect {
                Effect::Persist(record) => {
                    self.log.push(format!("store {}", shown_record(&record)));
                    // Through its bytes, as a store would.
                    let mut bytes = Vec::new();
                    record.encode(&mut bytes);
                    assert_eq!(Record::decode(&bytes).as_ref(), Ok(&record));
                    if record.erases() {
                        self.records.remove(&record.key());
                    } else {
                        self.records.insert(record.key(), record);
                    }
                }
                Effect::Send { to, message } => {
                    self.log.push(format!("send {} to {}", shown(&message), shown_set(to, self.n, self.me)));
                    self.sent.push((to, message));
                }
                Effect::Ask { ticket, ask } => {
                    self.log.push(format!("ask {}", shown_work(&ask.work)));
                    self.asks.push_back((ticket, ask));
                }
                Effect::Forget(ticket) => {
                    self.log.push("forget".into());
                    self.asks.retain(|(asked, _)| *asked != ticket);
                    self.forgotten.push(ticket);
                }
                Effect::Emit(Output::Refused { refusal, .. }) => {
                    self.log.push(format!("refuse: {refusal}"));
                    self.refused.push(refusal);
                }
                Effect::Emit(output) => self.log.push(format!("tell {}", shown_output(&output))),
            }
        }
    }

    /// What happened since the last call.
    pub fn log(&mut self) -> Vec<String> {
        core::mem::take(&mut self.log)
    }

    /// Hands in a message of another oracle, and returns what happened.
    pub fn receive(&mut self, from: u8, message: Message) -> Vec<String> {
        let from = self.id(from);
        self.hand(Event::Received { from, message: Arc::new(message), verdicts: verdicts() });
        self.log()
    }

    /// Hands in a message and returns its refusal.
    pub fn refuses(&mut self, from: u8, message: Message) -> Refusal {
        self.refused.clear();
        let log = self.receive(from, message);
        assert_eq!((self.refused.len(), log.len()), (1, 1), "{log:?}");
        self.refused[0]
    }

    /// Brings everything that the oracle sent to itself back to it, first to last.
    pub fn loop_back(&mut self) {
        for (to, message) in core::mem::take(&mut self.sent) {
            if to.contains(self.me) {
                self.hand(Event::Received { from: self.me, message, verdicts: verdicts() });
            }
        }
    }

    /// Answers the first outstanding ask, which must be of this kind, well.
    pub fn answer(&mut self, kind: &str) -> Vec<String> {
        let (ticket, ask) = self.asks.pop_front().expect("an ask");
        let text = shown_work(&ask.work);
        assert!(text.starts_with(kind), "{text} instead of {kind}");
        let answer = good_answer(&ask.work, self.me, at(0, 0));
        self.hand(Event::Answered { ticket, answer: Some(answer) });
        self.log()
    }

    /// Answers the first outstanding ask, which must be of this kind, like this.
    pub fn answer_with(&mut self, kind: &str, answer: Option<Answer>) -> Vec<String> {
        let (ticket, ask) = self.asks.pop_front().expect("an ask");
        let text = shown_work(&ask.work);
        assert!(text.starts_with(kind), "{text} instead of {kind}");
        self.hand(Event::Answered { ticket, answer });
        self.log()
    }

    /// Lets time pass, waking the oracle whenever it wants.
    pub fn pass(&mut self, millis: u64) -> Vec<String> {
        let until = self.now + millis;
        while let Some(deadline) = self.oracle.deadline().filter(|deadline| *deadline <= time(until).mono) {
            self.now = self.now.max(deadline.0.div_ceil(1_000_000));
            self.hand(Event::Woke);
        }
        self.now = until;
        self.log()
    }
}

/// What is remembered under [`DIGEST`].
pub fn memory(records: impl IntoIterator<Item = Record>) -> Memory {
    let mut memory = Memory::default();
    for record in records {
        match record {
            Record::Epoch { epoch, highest_sent, .. } => (memory.epoch, memory.highest_sent) = (epoch, highest_sent),
            Record::Entered { at, .. } => memory.entered = at,
            Record::Pending { transmission, .. } => {
                memory.pending.insert(transmission.report.at, transmission);
            }
            Record::Config { .. } | Record::Erased(_) => {}
        }
    }
    memory
}

/// What a host without faults answers.
pub fn good_answer(work: &Work, me: OracleId, latest: RoundId) -> Answer {
    match work {
        Work::Query { .. } => Answer::Query(Bytes::from_static(b"q")),
        Work::Observe { .. } => Answer::Observation(Bytes::from(vec![b'o', me.byte()])),
        Work::View { .. } => Answer::View(view(latest)),
        Work::SignObservation { digest, .. } => Answer::Signature(sign_observation(me, *digest)),
        Work::SignReport { digest, .. } => Answer::Signature(sign_report(me, *digest)),
        Work::ContractEpoch => Answer::ContractEpoch { config_digest: DIGEST, epoch: Epoch(0) },
        Work::Transmit { .. } => Answer::Transmitted,
    }
}

// As text

pub fn shown(message: &Message) -> String {
    match message {
        Message::NewEpoch(epoch) => format!("NewEpoch({epoch})"),
        Message::ReportReq(m) => {
            let observers: Vec<_> = m.observations.iter().map(|entry| entry.observer).collect();
            format!("ReportReq({}) {observers:?}", m.at)
        }
        Message::Report(m) if m.skip => format!("Report({}) skip", m.at),
        Message::Final(m) | Message::FinalEcho(m) => {
            let signers: Vec<_> = m.signatures.iter().map(|entry| entry.signer).collect();
            format!("{:?}({}) {signers:?}", message.kind(), m.at)
        }
        Message::ObserveReq(_) | Message::Observe(_) | Message::Report(_) => {
            format!("{:?}({})", message.kind(), message.at().unwrap())
        }
    }
}

pub fn shown_set(set: OracleSet, n: usize, me: OracleId) -> String {
    let everyone = committee(n).everyone();
    if set == everyone {
        "all".into()
    } else if set == everyone.difference(me.into()) {
        "others".into()
    } else {
        format!("{set:?}")
    }
}

pub fn shown_work(work: &Work) -> String {
    match work {
        Work::Query { at } => format!("query {at}"),
        Work::Observe { at, .. } => format!("observe {at}"),
        Work::View { at, decision } => format!("view {at} {decision:?}"),
        Work::SignObservation { at, .. } => format!("sign observation {at}"),
        Work::SignReport { context, .. } => format!("sign report {}/{}", context.epoch, context.round),
        Work::ContractEpoch => "contract epoch".into(),
        Work::Transmit { context, .. } => format!("transmit {}/{}", context.epoch, context.round),
    }
}

fn shown_record(record: &Record) -> String {
    match record {
        Record::Config { current, .. } => format!("config {:?}", current.config_digest),
        Record::Epoch { epoch, highest_sent, .. } => format!("epoch {epoch}, sent {highest_sent}"),
        Record::Entered { at, .. } => format!("entered {at}"),
        Record::Pending { transmission, .. } => format!("pending {}", transmission.report.at),
        Record::Erased(RecordKey::Pending(_, at)) => format!("no longer pending {at}"),
        Record::Erased(key) => format!("nothing under {key:?}"),
    }
}

fn shown_output(output: &Output) -> String {
    match output {
        Output::EpochStarted { epoch, leader } => format!("epoch {epoch} led by {leader}"),
        Output::RoundStarted { at, .. } => format!("round {at}"),
        Output::ReportRequested { request } => format!("observations {}", request.observations.len()),
        Output::Finalized { report } => format!("final {}", report.at),
        Output::AskFailed { work, failure, .. } => format!("{work:?} failed: {failure}"),
        Output::Open(_)
        | Output::Close(_)
        | Output::ConfigRefused { .. }
        | Output::Reported { .. }
        | Output::Skipped { .. }
        | Output::RoundCompleted { .. }
        | Output::ReportReqTooLong { .. }
        | Output::Accepted { .. }
        | Output::Transmitted { .. }
        | Output::TransmissionEnded { .. }
        | Output::Refused { .. } => format!("{output:?}"),
    }
}
