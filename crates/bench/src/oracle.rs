//! One oracle of ours under measurement: `ocr2::Managed` under `driver::run`, over a `p2p::Host`, as the node has it; with
//! a source, a chain and, unless a store is given, records in memory.

use crate::committee::{self, Committee, Keys};
use crate::words::Word;
use bytes::Bytes;
use futures::future::BoxFuture;
use machine::{Mono, Record as _, Time, Wall};
use median::{MedianFactory, MedianView, Observation, Value};
use ocr::{ConfigDigest, OracleId, OracleSet};
use ocr2::message::{Decoder, Message};
use ocr2::protocol::{Answer, Ask, EndpointSpec, Ocr2, Order, Output, Work};
use ocr2::record::{Record, RecordKey};
use ocr2::round_id::{Epoch, RoundId};
use ocr2::{Identity, LocalConfig, Managed, Refusal, View};
use p2p::{DiscoveryConfig, Endpoint, EndpointConfig, Host, HostConfig, Locator, MemoryStore, StreamLimits};
use ports::{CannotPersist, Input, World};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc;

/// Messages of one peer that wait for us, and of us that wait for one peer: what a node has by default.
const BUFFERED_MESSAGES: usize = 10;
/// Rounds whose query we made that may be open at a time; older ones have failed.
const OPEN_ROUNDS: usize = 8;

/// What one oracle is started with.
#[derive(Clone, Debug)]
pub struct Options {
    pub committee: Committee,
    pub seat: usize,
    /// Keep records in the node's store in this folder instead of in memory.
    pub store: Option<PathBuf>,
}

/// Runs until stdin ends.
pub async fn run(options: Options) -> Result<(), String> {
    let Options { committee, seat, store } = options;
    let keys = committee::keys(seat);
    let host = Arc::new(start_host(&committee, seat, &keys).await?);
    let peers = committee.oracles.iter().enumerate().filter(|(index, _)| *index != seat);
    let locators = peers.map(|(_, other)| {
        let peer = other.peer_id.parse().map_err(|error| format!("{:?}: {error}", other.peer_id))?;
        Ok(Locator { peer, addresses: vec![other.listen.clone()] })
    });
    let locators = locators.collect::<Result<Vec<_>, String>>()?;
    let (records, disk) = match store {
        None => (Vec::new(), Disk::Memory(BTreeMap::new())),
        Some(folder) => {
            let space = store::Store::open(folder).map_err(|error| error.to_string())?.space("ocr2");
            (space.load().map_err(|error| error.to_string())?, Disk::Store(space))
        }
    };
    let identity = Identity { identity: keys.identity(), config_key: keys.opening.clone() };
    let mut machine =
        Managed::recover(identity, committee.contract()?, LocalConfig::default(), Box::new(MedianFactory), records);
    let (heard, inputs) = mpsc::unbounded_channel();
    let configure = Order::Configure(Arc::new(committee.contract_config()?));
    // The receiver is below.
    let _ = heard.send(Heard::Input(Input::Order(configure)));
    std::thread::spawn(move || hear_stdin(&heard));
    let mut world = Bench {
        clock: Clock { origin: Instant::now() },
        host,
        locators,
        keys: Arc::new(keys),
        inputs,
        line: Line::Closed,
        decoder: Decoder::default(),
        disk,
        chain: Chain { config_digest: ConfigDigest::ZERO, latest: RoundId::default() },
        observed: 0,
        queried: Vec::new(),
        told: Told::default(),
    };
    driver::run(&mut machine, &mut world).await.map_err(|error| error.to_string())
}

async fn start_host(committee: &Committee, seat: usize, keys: &Keys) -> Result<Host, String> {
    let listen = vec![committee.oracles[seat].listen.clone()];
    let config = HostConfig {
        dial_period: Duration::from_millis(500),
        // Everybody's address is known from the start, so there is nothing to gossip about.
        discovery: DiscoveryConfig { reconcile_period: Duration::from_secs(60), ..Default::default() },
        ..HostConfig::new(Arc::new(keys.peer.clone()), listen, Arc::new(MemoryStore::default()))
    };
    Host::start(config).await.map_err(|error| error.to_string())
}

enum Heard {
    Input(Input<Ocr2>),
    Mark,
}

fn hear_stdin(heard: &mpsc::UnboundedSender<Heard>) {
    for _ in std::io::stdin().lines().map_while(Result::ok) {
        // Both fail only where the oracle has ended before.
        let _ = heard.send(Heard::Mark);
    }
    let _ = heard.send(Heard::Input(Input::Stop));
}

struct Clock {
    origin: Instant,
}

impl Clock {
    fn now(&self) -> Time {
        Time { mono: Mono(self.origin.elapsed().as_nanos() as u64), wall: Wall(unix_ns()) }
    }
}

fn unix_ns() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}

/// Where records go.
enum Disk {
    Memory(BTreeMap<RecordKey, Vec<u8>>),
    Store(store::Space),
}

/// A contract that takes every report at once; each oracle has its own.
struct Chain {
    config_digest: ConfigDigest,
    latest: RoundId,
}

/// The way to the others.
enum Line {
    Closed,
    Opening { spec: Arc<EndpointSpec>, opening: BoxFuture<'static, Endpoint>, unsent: Vec<(OracleSet, Bytes)> },
    Open { spec: Arc<EndpointSpec>, endpoint: Endpoint },
}

/// What is counted.
#[derive(Default)]
struct Told {
    accepted: u64,
    latencies_us: Vec<u64>,
    notes: BTreeMap<String, u64>,
}

impl Told {
    fn note(&mut self, name: &str) {
        match self.notes.get_mut(name) {
            Some(count) => *count += 1,
            None => {
                self.notes.insert(name.to_owned(), 1);
            }
        }
    }
}

/// The world of an oracle under measurement.
struct Bench {
    clock: Clock,
    host: Arc<Host>,
    locators: Vec<Locator>,
    keys: Arc<Keys>,
    inputs: mpsc::UnboundedReceiver<Heard>,
    line: Line,
    decoder: Decoder,
    disk: Disk,
    chain: Chain,
    /// How often the source was read: its value changes each time.
    observed: u32,
    /// Rounds that we lead, with the time of their query.
    queried: Vec<(RoundId, Instant)>,
    told: Told,
}

impl Bench {
    fn open(&mut self, spec: Arc<EndpointSpec>) {
        self.chain.config_digest = spec.config_digest;
        let limits = &spec.limits;
        let config = EndpointConfig {
            digest: spec.config_digest.0,
            peers: spec.peer_ids.iter().map(|(_, peer)| *peer).collect(),
            bootstrappers: self.locators.clone(),
            limits: StreamLimits {
                message_bytes_max: limits.message_bytes_max,
                messages_rate: limits.message_rate,
                messages_capacity: limits.message_capacity,
                bytes_rate: limits.byte_rate,
                bytes_capacity: limits.byte_capacity,
            },
            outgoing_messages_max: BUFFERED_MESSAGES,
            incoming_messages_max: BUFFERED_MESSAGES,
        };
        let host = self.host.clone();
        let opening = Box::pin(async move { host.open(config).await.expect("a fresh host opens its only endpoint") });
        self.line = Line::Opening { spec, opening, unsent: Vec::new() };
    }

    /// Decodes what a peer sent.
    fn message(&mut self, from: usize, payload: &Bytes) -> Option<Input<Ocr2>> {
        let Line::Open { spec, .. } = &self.line else { return None };
        let from = spec.config.committee.oracle(u8::try_from(from).ok()?)?;
        match self.decoder.decode(payload) {
            Ok(message) if message.check_size(&spec.plugin_limits).is_ok() => {
                return Some(Input::Message { from, message });
            }
            Ok(_) => self.told.note("too large"),
            Err(_) => self.told.note("undecodable"),
        }
        None
    }

    fn heard(&mut self, heard: Option<Heard>) -> Option<Input<Ocr2>> {
        match heard {
            Some(Heard::Input(input)) => Some(input),
            Some(Heard::Mark) => {
                self.tell_counters();
                None
            }
            None => Some(Input::Stop),
        }
    }

    fn tell_counters(&mut self) {
        let counters = self.host.counters();
        let mut notes = self.told.notes.clone();
        let lost = |(name, count): &(&str, u64)| {
            *count > 0 && (name.starts_with("refused") || name.starts_with("displaced") || name.starts_with("closed"))
        };
        notes.extend(counters.iter().filter(lost).map(|(name, count)| (name.to_owned(), count)));
        say(&Word::Counters {
            unix_ns: unix_ns(),
            accepted: self.told.accepted,
            wire_bytes: counters.raw_bytes_written.get(),
            latencies_us: std::mem::take(&mut self.told.latencies_us),
            notes,
        });
    }

    fn on_accepted(&mut self, at: RoundId) {
        self.told.accepted += 1;
        if self.told.accepted == 1 {
            say(&Word::First { unix_ns: unix_ns() });
        }
        if let Some(index) = self.queried.iter().position(|(queried, _)| *queried == at) {
            let (_, since) = self.queried.remove(index);
            self.told.latencies_us.push(since.elapsed().as_micros() as u64);
        }
    }

    fn view(&self) -> View {
        let view = MedianView {
            digest: self.chain.config_digest,
            at: self.chain.latest,
            answer: Value::ONE,
            timestamp: 0,
            requested_digest: ConfigDigest::ZERO,
            requested: RoundId::default(),
        };
        View { bytes: Bytes::copy_from_slice(&view.encode()), read_at: self.clock.now().wall }
    }

    fn observation(&mut self) -> Observation {
        self.observed += 1;
        Observation {
            timestamp: (unix_ns() / 1_000_000_000) as u32,
            value: Value::try_from(1_000_000_000 + u64::from(self.observed)).expect("far below 2^191"),
            juels_per_fee_coin: Value::ONE,
            gas_price_subunits: Value::ZERO,
        }
    }
}

fn say(word: &Word) {
    let line = serde_json::to_string(word).expect("plain data");
    let mut out = std::io::stdout().lock();
    // Nobody reads any more when this fails, and then stdin ends too.
    let _ = out.write_all(format!("{line}\n").as_bytes());
    let _ = out.flush();
}

impl World<Ocr2> for Bench {
    fn now(&self) -> Time {
        self.clock.now()
    }

    async fn receive(&mut self) -> Input<Ocr2> {
        loop {
            let (from, payload) = match &mut self.line {
                Line::Closed => {
                    let heard = self.inputs.recv().await;
                    match self.heard(heard) {
                        Some(input) => return input,
                        None => continue,
                    }
                }
                Line::Opening { opening, .. } => {
                    let endpoint = opening.await;
                    let Line::Opening { spec, unsent, .. } = std::mem::replace(&mut self.line, Line::Closed) else {
                        unreachable!("it was opening")
                    };
                    for (to, payload) in &unsent {
                        let _ = endpoint.send(to.iter().map(OracleId::index), payload);
                    }
                    self.line = Line::Open { spec, endpoint };
                    continue;
                }
                Line::Open { endpoint, .. } => tokio::select! {
                    biased;
                    heard = self.inputs.recv() => match self.heard(heard) {
                        Some(input) => return input,
                        None => continue,
                    },
                    received = endpoint.receive() => match received {
                        Some(received) => received,
                        None => return Input::Stop,
                    },
                },
            };
            if let Some(input) = self.message(from, &payload) {
                return input;
            }
        }
    }

    async fn persist(&mut self, records: Vec<Record>) -> Result<(), CannotPersist> {
        match &mut self.disk {
            Disk::Store(space) => space.persist(records).await.map_err(|error| CannotPersist(error.into())),
            Disk::Memory(kept) => {
                for record in records {
                    let key = record.key();
                    if record.erases() {
                        kept.remove(&key);
                    } else {
                        let bytes = kept.entry(key).or_default();
                        bytes.clear();
                        record.encode(bytes);
                    }
                }
                Ok(())
            }
        }
    }

    fn send(&mut self, to: &OracleSet, message: &Arc<Message>) -> Option<OracleId> {
        let me = match &self.line {
            Line::Closed => return None,
            Line::Opening { spec, .. } | Line::Open { spec, .. } => spec.me,
        };
        let mut others = *to;
        let to_me = others.remove(me);
        if !others.is_empty() {
            let payload = Bytes::from(message.encode());
            match &mut self.line {
                Line::Closed => {}
                Line::Opening { unsent, .. } => unsent.push((others, payload)),
                Line::Open { endpoint, .. } => {
                    if endpoint.send(others.iter().map(OracleId::index), &payload).is_err() {
                        self.told.note("unsendable");
                    }
                }
            }
        }
        to_me.then_some(me)
    }

    fn perform(&mut self, ask: Ask) -> impl Future<Output = Option<Answer>> + Send + 'static {
        let keys = self.keys.clone();
        let ready = match &ask.work {
            Work::Query { at } => {
                if self.queried.len() == OPEN_ROUNDS {
                    self.queried.remove(0);
                }
                self.queried.push((*at, Instant::now()));
                Some(Answer::Query(Bytes::new()))
            }
            Work::Observe { .. } => Some(Answer::Observation(self.observation().encode(false).into())),
            Work::View { .. } => Some(Answer::View(self.view())),
            Work::SignObservation { .. } | Work::SignReport { .. } => None,
            Work::ContractEpoch => {
                Some(Answer::ContractEpoch { config_digest: self.chain.config_digest, epoch: Epoch(0) })
            }
            Work::Transmit { report, .. } => {
                self.chain.latest = self.chain.latest.max(report.at);
                Some(Answer::Transmitted)
            }
        };
        async move {
            match ask.work {
                Work::SignObservation { digest, .. } => {
                    Some(Answer::Signature(Bytes::copy_from_slice(&keys.offchain.sign(&digest))))
                }
                Work::SignReport { digest, .. } => {
                    Some(Answer::Signature(Bytes::copy_from_slice(&keys.onchain.sign(&digest))))
                }
                Work::Query { .. }
                | Work::Observe { .. }
                | Work::View { .. }
                | Work::ContractEpoch
                | Work::Transmit { .. } => ready,
            }
        }
    }

    fn emit(&mut self, output: Output) {
        match output {
            Output::Open(spec) => self.open(spec),
            Output::Accepted { at, accepted: true, .. } => self.on_accepted(at),
            Output::Accepted { accepted: false, .. } => self.told.note("not accepted"),
            Output::ConfigRefused { reason, .. } => self.told.note(&reason.to_string()),
            Output::Skipped { .. } => self.told.note("skipped"),
            Output::AskFailed { failure, .. } => self.told.note(&failure.to_string()),
            Output::EpochStarted { .. } => self.told.note("epochs"),
            Output::Refused { refusal: Refusal::Fault(fault), .. } => self.told.note(&fault.to_string()),
            // Late and early messages are part of every round.
            Output::Refused { refusal: Refusal::Stale(_) | Refusal::Early(_), .. }
            | Output::Close(_)
            | Output::RoundStarted { .. }
            | Output::ReportRequested { .. }
            | Output::Reported { .. }
            | Output::RoundCompleted { .. }
            | Output::ReportReqTooLong { .. }
            | Output::Finalized { .. }
            | Output::Transmitted { .. }
            | Output::TransmissionEnded { .. } => {}
        }
    }
}
