//! The world round one OCR2 oracle: its endpoint, its store, its keys, its contract, its plugin's waiting half.
//! The oracle itself is `ocr2::Managed`; the loop that runs it is `driver::run`.

use crate::chain::{Configs, Contract, next_config};
use crate::devnet::event::{Event, Observed};
use crate::health::{Health, Trouble, Weight};
use crate::identity::OracleKeys;
use crate::metrics::{JobMetrics, Metrics, OracleMetrics};
use crate::observer::Observer;
use crate::telling;
use bytes::Bytes;
use futures::future::BoxFuture;
use machine::{Mono, Time, Wall};
use median::Observation;
use ocr::{OracleId, OracleSet};
use ocr2::message::{DecodeError, Decoder, Message};
use ocr2::protocol::{Answer, Ask, EndpointSpec, Ocr2, Order, Output, Work, WorkKind};
use ocr2::record::Record;
use p2p::{Endpoint, EndpointConfig, Host, Locator, StreamLimits};
use ports::{CannotPersist, Input, World};
use std::collections::VecDeque;
use std::fmt::Display;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc;

/// Messages that are said before the endpoint is open, newest kept. An oracle says little before it hears anything.
const UNSENT_MAX: usize = 64;
/// How long to wait before an endpoint that did not open is tried again; doubles, up to [`REOPEN_AFTER_MAX`].
const REOPEN_AFTER: Duration = Duration::from_secs(1);
const REOPEN_AFTER_MAX: Duration = Duration::from_secs(120);

/// What the parts of one oracle share.
#[derive(Debug)]
pub struct Shared {
    pub name: String,
    pub keys: OracleKeys,
    pub contract: Contract,
    pub observer: Observer,
    pub host: Arc<Host>,
    pub health: Health,
    pub bootstrappers: Vec<Locator>,
    /// Messages of one peer that wait for us, and of us that wait for one peer.
    pub buffers: (usize, usize),
    pub metrics: Metrics,
    pub job_metrics: JobMetrics,
}

impl Shared {
    /// An observation was made, or was not: the oracle without one still helps the others to a report.
    fn observed(&self, error: Option<&String>) {
        let check = format!("Job.{}.Observation", self.name);
        match error {
            None => self.health.passing(&check, Weight::Helpful),
            Some(error) => {
                let hint = "see which of the job's sources do not answer, or not in time".into();
                let trouble = Trouble { code: "no_observation", output: error.clone(), hint };
                self.health.failing(&check, Weight::Helpful, trouble);
            }
        }
    }
}

/// The world of one oracle.
#[derive(Debug)]
pub struct OracleWorld {
    shared: Arc<Shared>,
    configs: Configs,
    space: store::Space,
    clock: Clock,
    line: Line,
    /// With our number in the committee.
    metrics: Option<(OracleMetrics, u8)>,
    told: Option<mpsc::UnboundedSender<Event>>,
    /// The request for reports that was seen last, until it is known what came of it.
    requested: Option<(ocr2::RoundId, Vec<Observed>)>,
}

/// The way to the others.
enum Line {
    Closed,
    Opening { spec: Arc<EndpointSpec>, opening: BoxFuture<'static, Endpoint>, unsent: VecDeque<(OracleSet, Bytes)> },
    Open { spec: Arc<EndpointSpec>, endpoint: Endpoint, decoder: Decoder },
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Line::Closed => "closed",
            Line::Opening { .. } => "opening",
            Line::Open { .. } => "open",
        })
    }
}

/// Both clocks of this machine.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Instant,
}

impl Clock {
    /// The monotonic clock begins at its origin now.
    pub fn start() -> Self {
        Clock { origin: Instant::now() }
    }

    /// What both show.
    pub fn now(&self) -> Time {
        let nanos = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Time { mono: Mono(nanos(self.origin.elapsed())), wall: Wall(nanos(wall)) }
    }
}

impl OracleWorld {
    /// A world that hears of configurations and messages, and keeps its records in `space`.
    pub fn new(
        shared: Arc<Shared>,
        configs: Configs,
        space: store::Space,
        told: Option<mpsc::UnboundedSender<Event>>,
    ) -> Self {
        let (clock, line, metrics, requested) = (Clock::start(), Line::Closed, None, None);
        OracleWorld { shared, configs, space, clock, line, metrics, told, requested }
    }

    fn open(&mut self, spec: Arc<EndpointSpec>) {
        let (shared, wanted) = (self.shared.clone(), spec.clone());
        let opening = Box::pin(async move {
            let mut pause = REOPEN_AFTER;
            loop {
                match shared.host.open(endpoint_config(&shared, &wanted)).await {
                    Ok(endpoint) => return endpoint,
                    Err(error) => {
                        let retry = pause.as_secs();
                        tracing::error!(oracle = shared.name, %error, retry, "cannot open the endpoint, will try again");
                    }
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(REOPEN_AFTER_MAX);
            }
        });
        self.line = Line::Opening { spec, opening, unsent: VecDeque::new() };
    }

    /// What a peer sent, decoded. What is no message is counted and named, and changes nothing.
    fn message(
        &self,
        spec: &EndpointSpec,
        from: usize,
        decoded: Result<Arc<Message>, DecodeError>,
    ) -> Option<Input<Ocr2>> {
        let (from, _) = spec.peer_ids.iter().nth(from)?;
        let refused = |name: &'static str, why: &dyn Display| {
            tracing::warn!(oracle = self.shared.name, from = from.byte(), refusal = name, %why, "message not acted on");
            if let Some((metrics, _)) = &self.metrics {
                metrics.refused(name, from.byte());
            }
        };
        match decoded {
            Err(error) => refused("undecodable", &error),
            Ok(message) => match message.check_size(&spec.plugin_limits) {
                Err(error) => refused("too large", &error),
                Ok(()) => return Some(Input::Message { from, message }),
            },
        }
        None
    }

    fn tell(&self, event: Event) {
        if let Some(told) = &self.told {
            // Nobody listens any more: the network is being taken down.
            let _ = told.send(event);
        }
    }

    fn tell_round(&mut self, at: ocr2::RoundId, answer: Option<String>) {
        if let Some((requested, observations)) = self.requested.take_if(|(requested, _)| *requested == at) {
            let (epoch, round) = (requested.epoch.0, requested.round.0);
            self.tell(Event::Round { epoch, round, observations, answer });
        }
    }
}

fn endpoint_config(shared: &Shared, spec: &EndpointSpec) -> EndpointConfig {
    let limits = &spec.limits;
    EndpointConfig {
        digest: spec.config_digest.0,
        peers: spec.peer_ids.iter().map(|(_, peer)| *peer).collect(),
        bootstrappers: shared.bootstrappers.clone(),
        limits: StreamLimits {
            message_bytes_max: limits.message_bytes_max,
            messages_rate: limits.message_rate,
            messages_capacity: limits.message_capacity,
            bytes_rate: limits.byte_rate,
            bytes_capacity: limits.byte_capacity,
        },
        outgoing_messages_max: shared.buffers.1,
        incoming_messages_max: shared.buffers.0,
    }
}

/// The next configuration, or the end. Dropping the future loses nothing.
async fn configured(configs: &mut Configs) -> Input<Ocr2> {
    next_config(configs).await.map_or(Input::Stop, |config| Input::Order(Order::Configure(config)))
}

fn hand_over(endpoint: &Endpoint, me: OracleId, to: OracleSet, payload: &Bytes, name: &str) {
    let others = to.iter().filter(|oracle| *oracle != me).map(OracleId::index);
    if let Err(error) = endpoint.send(others, payload) {
        tracing::warn!(oracle = name, %error, bytes = payload.len(), "message not sent");
    }
}

impl World<Ocr2> for OracleWorld {
    fn now(&self) -> Time {
        self.clock.now()
    }

    async fn receive(&mut self) -> Input<Ocr2> {
        loop {
            // Configurations first: they are rare, and without the contract's follower it is the end.
            let (from, payload) = match &mut self.line {
                Line::Closed => return configured(&mut self.configs).await,
                Line::Opening { opening, .. } => tokio::select! {
                    biased;
                    input = configured(&mut self.configs) => return input,
                    endpoint = opening => {
                        let Line::Opening { spec, unsent, .. } = std::mem::replace(&mut self.line, Line::Closed) else {
                            unreachable!("it was opening")
                        };
                        for (to, payload) in &unsent {
                            hand_over(&endpoint, spec.me, *to, payload, &self.shared.name);
                        }
                        self.line = Line::Open { spec, endpoint, decoder: Decoder::default() };
                        continue;
                    }
                },
                Line::Open { endpoint, .. } => tokio::select! {
                    biased;
                    input = configured(&mut self.configs) => return input,
                    received = endpoint.receive() => match received {
                        Some(received) => received,
                        // The host is closing, and so is everything else.
                        None => return configured(&mut self.configs).await,
                    },
                },
            };
            let Line::Open { spec, decoder, .. } = &mut self.line else { unreachable!("it was open") };
            let (spec, decoded) = (spec.clone(), decoder.decode(&payload));
            if let Some(input) = self.message(&spec, from, decoded) {
                return input;
            }
        }
    }

    async fn persist(&mut self, records: Vec<Record>) -> Result<(), CannotPersist> {
        self.space.persist(records).await.map_err(|error| CannotPersist(error.into()))
    }

    fn send(&mut self, to: &OracleSet, message: &Arc<Message>) -> Option<OracleId> {
        let me = match &self.line {
            Line::Closed => return None,
            Line::Opening { spec, .. } | Line::Open { spec, .. } => spec.me,
        };
        if let (Message::Observe(_), Some((metrics, _))) = (&**message, &self.metrics) {
            metrics.sent_observations.inc();
        }
        let mut others = *to;
        let to_me = others.remove(me);
        if !others.is_empty() {
            let payload = Bytes::from(message.encode());
            match &mut self.line {
                Line::Closed => {}
                Line::Opening { unsent, .. } => {
                    if unsent.len() == UNSENT_MAX {
                        unsent.pop_front();
                    }
                    unsent.push_back((others, payload));
                }
                Line::Open { endpoint, .. } => hand_over(endpoint, me, others, &payload, &self.shared.name),
            }
        }
        to_me.then_some(me)
    }

    fn perform(&mut self, ask: Ask) -> impl Future<Output = Option<Answer>> + Send + 'static {
        let (shared, clock) = (self.shared.clone(), self.clock);
        async move {
            let time = ask.deadline - clock.now().mono;
            let kind = ask.work.kind();
            let outcome = tokio::time::timeout(time, perform(&shared, ask.work, time, clock)).await;
            let outcome = outcome.unwrap_or_else(|_| Err(format!("took longer than {time:?}")));
            if kind == WorkKind::Observe {
                shared.observed(outcome.as_ref().err());
            }
            outcome.inspect_err(|error| tracing::warn!(oracle = shared.name, work = ?kind, error, "an ask failed")).ok()
        }
    }

    fn emit(&mut self, output: Output) {
        telling::log(&self.shared.name, &output);
        match &output {
            Output::Open(spec) => {
                let key = hex::encode(self.shared.keys.offchain.public_key().0);
                let metrics = self.shared.metrics.oracle(&spec.config_digest.to_string(), &key);
                metrics.configured(&telling::config_values(&spec.config));
                self.metrics = Some((metrics, spec.me.byte()));
                telling::configured(&self.shared.health, &self.shared.name, None);
                self.open(spec.clone());
            }
            Output::ConfigRefused { config_digest, reason } => {
                let refused = format!("configuration {config_digest}: {reason}");
                telling::configured(&self.shared.health, &self.shared.name, Some(refused));
            }
            Output::Close(_) => {
                self.line = Line::Closed;
                if let Some((metrics, _)) = self.metrics.take() {
                    metrics.forget();
                }
            }
            Output::EpochStarted { epoch, leader } => {
                self.tell(Event::Epoch { epoch: epoch.0, leader: leader.byte() });
            }
            Output::ReportRequested { request } => {
                let observed = |entry: &ocr2::message::AttributedObservation| Observed {
                    oracle: entry.observer,
                    value: match Observation::decode(&entry.signed.observation) {
                        Ok(observation) => {
                            telling::decimal(&observation.value.to_string(), self.shared.contract.decimals())
                        }
                        Err(error) => error.to_string(),
                    },
                };
                self.requested = Some((request.at, request.observations.iter().map(observed).collect()));
            }
            Output::Reported { at, report } => {
                if let Ok(median) = median::report::median(report) {
                    let answer = telling::decimal(&median.to_string(), self.shared.contract.decimals());
                    self.shared.job_metrics.median.set(answer.parse().unwrap_or(f64::NAN));
                    self.tell_round(*at, Some(answer));
                }
            }
            Output::Skipped { at } => self.tell_round(*at, None),
            // Of others, before we were through with our own.
            Output::Finalized { report } => {
                let answer = median::report::median(&report.report).ok();
                let answer =
                    answer.map(|median| telling::decimal(&median.to_string(), self.shared.contract.decimals()));
                self.tell_round(report.at, answer);
            }
            Output::RoundStarted { .. }
            | Output::RoundCompleted { .. }
            | Output::ReportReqTooLong { .. }
            | Output::Accepted { .. }
            | Output::Transmitted { .. }
            | Output::TransmissionEnded { .. }
            | Output::AskFailed { .. }
            | Output::Refused { .. } => {}
        }
        if let Some((metrics, me)) = &self.metrics {
            telling::count(metrics, &output, *me);
        }
    }
}

/// Does the work of one ask.
async fn perform(shared: &Shared, work: Work, time: Duration, clock: Clock) -> Result<Answer, String> {
    let text = |error: &dyn Display| error.to_string();
    Ok(match work {
        Work::Query { .. } => Answer::Query(Bytes::new()),
        Work::Observe { .. } => {
            let observation = shared.observer.observe(time).await.map_err(|error| text(&error))?;
            Answer::Observation(observation.encode(shared.observer.with_gas_price()).into())
        }
        Work::View { .. } => Answer::View(shared.contract.view(clock).await?),
        Work::SignObservation { digest, .. } => {
            Answer::Signature(Bytes::copy_from_slice(&shared.keys.offchain.sign(&digest)))
        }
        Work::SignReport { digest, .. } => {
            Answer::Signature(Bytes::copy_from_slice(&shared.keys.onchain.sign(&digest)))
        }
        Work::ContractEpoch => shared.contract.epoch().await?,
        Work::Transmit { context, report } => {
            shared.contract.transmit(&context, &report, clock).await?;
            Answer::Transmitted
        }
    })
}
