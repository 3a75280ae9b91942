//! The worlds of the two machines that look at the chain, and what an oracle reads from its contract.

use crate::bad_input::BadInput;
use crate::cli::Failure;
use crate::config::{Evm, EvmNode};
use crate::health::{Health, Trouble, Weight};
use crate::metrics::{ChainMetrics, JobMetrics, Metrics};
use crate::oracle::Clock;
use crate::plan::{Oracle, Service};
use alloy::primitives::Address;
use bindings::ocr2_aggregator::decimalsCall;
use bytes::Bytes;
use evm::{
    Aggregator, EndpointConfig, EndpointHealth, EndpointState, Endpoints, Settings, TrackerAsks, TransactionAsks,
    Transmitter,
};
use evm_proto::tracker::{self, Tracking};
use evm_proto::transactions::{self, FeePolicy, Outcome, Progress, Sending, Submission, SubmissionId};
use machine::Time;
use median::MedianView;
use ocr::{ConfigDigest, ContractConfig};
use ocr2::View;
use ocr2::message::Final;
use ocr2::protocol::Answer;
use ocr2::round_id::{Epoch, RoundId};
use ocr2::signing::ReportContext;
use ports::{CannotPersist, Input, World};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::{mpsc, watch};

/// A transaction is watched to this depth at most: a slot is taken until then, and there are 16 for each sender.
const CONFIRMATIONS_MAX: u64 = 8;
/// Transmissions that wait for the transaction manager.
pub const TRANSMISSIONS_MAX: usize = 64;
/// How long a node waits at its start for a chain that does not answer, before it goes on without.
const READY_WITHIN: Duration = Duration::from_secs(10);
/// How often the endpoints' health is looked at (node spec 14.4).
const HEALTH_PERIOD: Duration = Duration::from_secs(15);
/// Until a contract that did not say its decimals is asked for them again.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(10);
/// A report that is not in the chain after this time is not worth its gas any more.
const TRANSMISSION_AGE_MAX: Duration = Duration::from_secs(600);

/// The chains that the services of a plan look at, by id: each is watched once, however many services it has.
pub type Chains = BTreeMap<u64, Arc<Endpoints>>;

/// Starts to watch them.
pub async fn connect(services: &[Service], metrics: &Metrics) -> Result<Chains, Failure> {
    let mut chains = Chains::new();
    for service in services {
        let Evm { chain_id, .. } = service.chain;
        if chains.contains_key(&chain_id) {
            continue;
        }
        // As often as the most eager service wants, and as patient as the most patient.
        let times = || services.iter().filter(|other| other.chain.chain_id == chain_id).map(|other| other.times);
        let head_poll = times().map(|times| times.poll_interval).fold(service.chain.log_poll_interval, Duration::min);
        let calls = metrics.chain(chain_id);
        let mut settings = Settings::new(chain_id, head_poll);
        settings.call_timeout = times().map(|times| times.blockchain_timeout).fold(Duration::ZERO, Duration::max);
        settings.on_call = Some(Arc::new(move |call| calls.call(call.endpoint, call.elapsed, call.ok)));
        let endpoints = Endpoints::start(settings, endpoint_configs(&service.chain))
            .map_err(|error| BadInput::new(error.to_string()).at("EVM.Nodes"))?;
        let (watched, seen) = (Arc::downgrade(&endpoints), metrics.chain(chain_id));
        metrics.before_scrape(move || {
            if let Some(endpoints) = watched.upgrade() {
                seen.endpoints(endpoints.health().iter().map(|health| health.state));
            }
        });
        chains.insert(chain_id, endpoints);
    }
    let ready = chains.values().map(|endpoints| async {
        if let Err(error) = endpoints.ready(READY_WITHIN).await {
            // An oracle with a stored configuration works without a chain, and the chain may come back.
            let chain = endpoints.chain_id();
            tracing::error!(chain, %error, "the chain does not answer; going on without it for now");
        }
    });
    futures::future::join_all(ready).await;
    Ok(chains)
}

/// Keeps the health of the node in step with that of its endpoints. A chain may have others, so the node stays ready.
pub async fn watch(chains: &Chains, health: &Health) -> Infallible {
    let mut ticks = tokio::time::interval(HEALTH_PERIOD);
    loop {
        ticks.tick().await;
        for (chain_id, endpoints) in chains {
            for endpoint in endpoints.health() {
                let check = format!("EVM.{chain_id}.Node.{}", endpoint.name);
                match trouble(&endpoint) {
                    None => health.passing(&check, Weight::Helpful),
                    Some(trouble) => health.failing(&check, Weight::Helpful, trouble),
                }
            }
        }
    }
}

fn trouble(endpoint: &EndpointHealth) -> Option<Trouble> {
    let url = &endpoint.url;
    let (code, output, hint) = match endpoint.state {
        EndpointState::Undialed | EndpointState::Alive => return None,
        EndpointState::Lagging { blocks } => {
            let output = format!("{url} is {blocks} blocks behind the best endpoint");
            ("lagging", output, "wait until it has caught up, or put another into EVM.Nodes")
        }
        EndpointState::Unreachable => {
            let error = endpoint.last_error.as_ref();
            let output = error.map_or_else(|| format!("{url} does not answer"), ToString::to_string);
            ("unreachable", output, "start the node there, or put another into EVM.Nodes")
        }
        EndpointState::InvalidChainId { got } => {
            ("wrong_chain", format!("{url} serves chain {got}"), "correct EVM.ChainID, or the URL in EVM.Nodes")
        }
    };
    Some(Trouble { code, output, hint: hint.into() })
}

/// What a job wants in its chain.
#[derive(Debug)]
pub struct Transmission {
    id: SubmissionId,
    submission: Submission,
    job: JobMetrics,
}

/// The contract of one service, and the way to it.
#[derive(Clone, Debug)]
pub struct Contract {
    endpoints: Arc<Endpoints>,
    aggregator: Aggregator,
    transmitter: Transmitter,
    transmissions: mpsc::Sender<Transmission>,
    job: JobMetrics,
    /// How far back a request for a new round still counts.
    lookback: Duration,
    /// Places of the feed's answer, once the contract has said.
    decimals: Arc<OnceLock<u8>>,
}

impl Contract {
    /// What the account `from` shall bring into the chain is handed to `transmissions`, as this job's.
    pub fn new(
        service: &Service,
        endpoints: Arc<Endpoints>,
        from: Address,
        transmissions: mpsc::Sender<Transmission>,
        job: JobMetrics,
    ) -> Contract {
        let address = Address::from(service.contract.0);
        Contract {
            aggregator: Aggregator::new(endpoints.clone(), address),
            transmitter: Transmitter { from, contract: address, gas_limit: service.chain.gas_estimator.limit_max },
            transmissions,
            job,
            lookback: Duration::from_secs(24 * 3600),
            decimals: Arc::default(),
            endpoints,
        }
    }

    /// Places of the feed's answer; 8, as nearly all feeds have, until the contract has said.
    pub fn decimals(&self) -> u8 {
        self.decimals.get().copied().unwrap_or(8)
    }

    /// Asks the contract until it has said its decimals. They never change.
    pub async fn learn_decimals(&self) {
        loop {
            match self.aggregator.read(decimalsCall {}).await {
                Ok((decimals, _)) => {
                    self.decimals.get_or_init(|| decimals);
                    return;
                }
                // The endpoints' health tells it.
                Err(_) => tokio::time::sleep(ASK_AGAIN_AFTER).await,
            }
        }
    }

    /// What the contract says now, for the median plugin.
    pub async fn view(&self, clock: Clock) -> Result<View, String> {
        let (latest, requested) = tokio::join!(
            self.aggregator.latest_transmission_details(),
            self.aggregator.latest_round_requested(self.lookback)
        );
        let latest = latest.map_err(|error| error.to_string())?;
        let requested = requested.map_err(|error| error.to_string())?;
        let view = MedianView {
            digest: latest.digest,
            at: RoundId::new(latest.epoch, latest.round),
            answer: latest.answer,
            timestamp: latest.timestamp,
            requested_digest: requested.as_ref().map_or(ConfigDigest::ZERO, |requested| requested.digest),
            requested: requested.map_or(RoundId::default(), |requested| RoundId::new(requested.epoch, requested.round)),
        };
        Ok(View { bytes: Bytes::copy_from_slice(&view.encode()), read_at: clock.now().wall })
    }

    /// The contract's latest epoch.
    pub async fn epoch(&self) -> Result<Answer, String> {
        let latest = self.aggregator.latest_config_digest_and_epoch().await.map_err(|error| error.to_string())?;
        Ok(Answer::ContractEpoch { config_digest: latest.digest, epoch: Epoch(latest.epoch) })
    }

    /// Hands a report to the transaction manager. The same report again is the same submission.
    pub async fn transmit(&self, context: &ReportContext, report: &Final, clock: Clock) -> Result<(), String> {
        let expires = clock.now().wall + TRANSMISSION_AGE_MAX;
        let signatures = report.signatures.iter().map(|entry| &entry.signature[..]);
        let (id, submission) = self
            .transmitter
            .submission(context.words(), &report.report, signatures, Some(expires))
            .ok_or("a signature of the report is not one of the EVM")?;
        let transmission = Transmission { id, submission, job: self.job.clone() };
        self.transmissions.send(transmission).await.map_err(|_| "the transaction manager has stopped".to_owned())
    }
}

fn endpoint_configs(chain: &Evm) -> Vec<EndpointConfig> {
    let config = |node: &EvmNode| EndpointConfig {
        name: node.name.clone(),
        http_url: node.http_url.clone(),
        ws_url: node.ws_url.clone(),
        send_only: node.send_only,
        order: node.order,
    };
    chain.nodes.iter().map(config).collect()
}

/// How a service's tracker is run.
pub fn tracker_config(service: &Service) -> tracker::Config {
    tracker::Config {
        chain_id: service.chain.chain_id,
        contract: Address::from(service.config_contract.0),
        confirmations: service.times.confirmations.into(),
        poll_interval: service.times.poll_interval,
        load_timeout: service.times.blockchain_timeout * 3,
    }
}

/// How a service's transaction manager is run.
pub fn sending_config(service: &Service, seat: &Oracle) -> transactions::Config {
    let gas = &service.chain.gas_estimator;
    transactions::Config {
        chain_id: service.chain.chain_id,
        senders: vec![Address::from(seat.keys.transmitter.address().0)],
        // As deep as a configuration must lie: a block that is taken back sooner brings its transactions back.
        confirmations: u64::from(service.times.confirmations).clamp(1, CONFIRMATIONS_MAX),
        poll_interval: service.times.poll_interval,
        answer_within: service.times.blockchain_timeout,
        resend_after: service.chain.transactions.resend_after,
        in_flight_max: service.chain.transactions.in_flight_max as usize,
        fees: FeePolicy {
            tip_min: gas.tip_cap_min,
            fee_cap_max: gas.price_max,
            headroom_percent: 200,
            bump_after_blocks: gas.bump_threshold.into(),
            bump_percent: gas.bump_percent,
            bump_min: gas.bump_min,
        },
    }
}

/// Waits for a new head and tells its number; pending for ever when the chain is not watched any more.
async fn new_head(heads: &mut watch::Receiver<Option<evm_proto::chain::Block>>) -> Option<u64> {
    if heads.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
    heads.borrow_and_update().as_ref().map(|head| head.number)
}

/// The newest configuration of a contract, once there is one: whoever runs it needs none of those before.
pub type Configs = watch::Receiver<Option<Arc<ContractConfig>>>;

/// The next configuration that was not taken yet, or `None` if nobody looks any more. Dropping the future loses nothing.
pub async fn next_config(configs: &mut Configs) -> Option<Arc<ContractConfig>> {
    loop {
        configs.changed().await.ok()?;
        if let Some(config) = configs.borrow_and_update().clone() {
            return Some(config);
        }
    }
}

/// The world of a tracker.
pub struct TrackerWorld {
    name: String,
    asks: Arc<TrackerAsks>,
    heads: watch::Receiver<Option<evm_proto::chain::Block>>,
    space: store::Space,
    clock: Clock,
    chain_metrics: ChainMetrics,
    configs: watch::Sender<Option<Arc<ContractConfig>>>,
}

impl TrackerWorld {
    /// Tells what it finds through the receiver.
    pub fn new(
        service: &Service,
        endpoints: &Arc<Endpoints>,
        space: store::Space,
        metrics: &Metrics,
    ) -> (Self, Configs) {
        let config_contract = Address::from(service.config_contract.0);
        let (configs, newest) = watch::channel(None);
        let world = TrackerWorld {
            name: service.name.clone(),
            asks: Arc::new(TrackerAsks::new(endpoints.clone(), config_contract)),
            chain_metrics: metrics.chain(service.chain.chain_id),
            heads: endpoints.heads(),
            space,
            clock: Clock::start(),
            configs,
        };
        (world, newest)
    }
}

impl World<Tracking> for TrackerWorld {
    fn now(&self) -> Time {
        self.clock.now()
    }

    async fn receive(&mut self) -> Input<Tracking> {
        if let Some(number) = new_head(&mut self.heads).await {
            self.chain_metrics.head(number);
        }
        Input::Order(tracker::Order::NewHead)
    }

    async fn persist(&mut self, records: Vec<tracker::Record>) -> Result<(), CannotPersist> {
        self.space.persist(records).await.map_err(|error| CannotPersist(error.into()))
    }

    fn send(&mut self, to: &Infallible, _: &Arc<Infallible>) -> Option<Infallible> {
        match *to {}
    }

    fn perform(&mut self, ask: tracker::Ask) -> impl Future<Output = Option<tracker::Answer>> + Send + 'static {
        let asks = self.asks.clone();
        async move { asks.perform(ask).await }
    }

    fn emit(&mut self, output: tracker::Output) {
        match output {
            tracker::Output::Configured { config, source } => {
                tracing::info!(service = self.name, digest = %config.config_digest, ?source, "configuration");
                self.configs.send_replace(Some(config));
            }
            tracker::Output::Unconfigured => {
                tracing::warn!(service = self.name, "the contract has no configuration any more");
            }
            tracker::Output::Refused(refusal) => match refusal {
                tracker::Refusal::NotConfigured | tracker::Refusal::AwaitingConfirmations { .. } => {
                    tracing::debug!(service = self.name, %refusal, "no new configuration");
                }
                refusal => tracing::warn!(service = self.name, %refusal, "no new configuration"),
            },
        }
    }
}

/// The world of a transaction manager.
pub struct SendingWorld {
    name: String,
    asks: Arc<TransactionAsks>,
    transmissions: mpsc::Receiver<Transmission>,
    heads: watch::Receiver<Option<evm_proto::chain::Block>>,
    space: store::Space,
    clock: Clock,
    counted: Counted,
}

/// What a transaction manager does, as operators watch it.
struct Counted {
    sender: String,
    /// What was submitted or sent, until its outcome.
    underway: BTreeMap<SubmissionId, Underway>,
    chain: ChainMetrics,
}

#[derive(Default)]
struct Underway {
    /// That it was sent under last.
    nonce: Option<u64>,
    /// Whose it is; unknown of what was submitted before this start.
    job: Option<JobMetrics>,
}

impl Counted {
    fn submitted(&mut self, id: SubmissionId, job: JobMetrics) {
        self.underway.entry(id).or_default().job = Some(job);
    }

    /// The metrics that the output moves.
    fn count(&mut self, output: &transactions::Output) {
        let metrics = &self.chain;
        match output {
            transactions::Output::Outcome { id, outcome } => {
                let job = self.underway.remove(id).and_then(|underway| underway.job);
                if let Outcome::Included { receipt, .. } = outcome {
                    metrics.confirmed.inc();
                    if let Some(job) = job
                        && receipt.success
                    {
                        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                        job.transmitted_at.set(now.as_secs_f64());
                    }
                }
            }
            transactions::Output::Progress(Progress::Sent { id: Some(id), nonce, .. }) => {
                metrics.broadcasted.inc();
                if self.underway.entry(*id).or_default().nonce.replace(*nonce) == Some(*nonce) {
                    metrics.gas_bumps.inc();
                }
            }
            transactions::Output::Progress(Progress::Sent { id: None, .. }) => {
                metrics.broadcasted.inc();
            }
            transactions::Output::Progress(_) => {}
            transactions::Output::Refused(refusal) => {
                metrics.attempt_error(&self.sender, "refused");
                if let transactions::Refusal::BaseFeeAboveMax { .. } = refusal {
                    metrics.gas_bump_exceeds_limit.inc();
                }
            }
        }
        metrics.unconfirmed.set(i64::try_from(self.underway.len()).unwrap_or(i64::MAX));
    }
}

impl SendingWorld {
    /// Brings `transmissions` into the chain with the transmitter's key.
    pub fn new(
        service: &Service,
        seat: &Oracle,
        contract: &Contract,
        transmissions: mpsc::Receiver<Transmission>,
        space: store::Space,
        metrics: &Metrics,
    ) -> Self {
        let key = seat.keys.transmitter.clone();
        SendingWorld {
            name: service.name.clone(),
            counted: Counted {
                sender: key.address().to_string(),
                underway: BTreeMap::new(),
                chain: metrics.chain(service.chain.chain_id),
            },
            asks: Arc::new(TransactionAsks::new(contract.endpoints.clone(), vec![key])),
            transmissions,
            heads: contract.endpoints.heads(),
            space,
            clock: Clock::start(),
        }
    }
}

impl World<Sending> for SendingWorld {
    fn now(&self) -> Time {
        self.clock.now()
    }

    async fn receive(&mut self) -> Input<Sending> {
        tokio::select! {
            biased;
            transmission = self.transmissions.recv() => match transmission {
                Some(Transmission { id, submission, job }) => {
                    self.counted.submitted(id, job);
                    Input::Order(transactions::Order::Submit { id, submission })
                }
                None => Input::Stop,
            },
            _ = new_head(&mut self.heads) => Input::Order(transactions::Order::NewHead),
        }
    }

    async fn persist(&mut self, records: Vec<transactions::Record>) -> Result<(), CannotPersist> {
        self.space.persist(records).await.map_err(|error| CannotPersist(error.into()))
    }

    fn send(&mut self, to: &Infallible, _: &Arc<Infallible>) -> Option<Infallible> {
        match *to {}
    }

    fn perform(
        &mut self,
        ask: transactions::Ask,
    ) -> impl Future<Output = Option<transactions::Answer>> + Send + 'static {
        let (asks, metrics, sender) = (self.asks.clone(), self.counted.chain.clone(), self.counted.sender.clone());
        async move {
            let answer = asks.perform(ask).await;
            if let Some(transactions::Answer::Looked(look)) = &answer {
                // Eighteen places, of which a gauge shows as many as it can.
                metrics.balance(&sender, f64::from(look.balance) / 1e18);
            }
            answer
        }
    }

    fn emit(&mut self, output: transactions::Output) {
        self.counted.count(&output);
        let name = &self.name;
        match output {
            transactions::Output::Outcome { id, outcome } => match outcome {
                Outcome::Included { receipt, .. } => {
                    let (tx, block, success) = (receipt.transaction, receipt.block.number, receipt.success);
                    tracing::info!(service = name, %id, %tx, block, success, "transmission included");
                }
                Outcome::Replaced { why, .. } => tracing::info!(service = name, %id, %why, "transmission replaced"),
                Outcome::Failed(failure) => tracing::info!(service = name, %id, %failure, "transmission not sent"),
            },
            transactions::Output::Progress(progress) => tracing::debug!(service = name, ?progress, "transactions"),
            transactions::Output::Refused(refusal) => tracing::warn!(service = name, %refusal, "transactions"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::B256;
    use evm_proto::chain::{Block, Receipt};
    use evm_proto::transactions::Failure;

    #[test]
    fn an_endpoint_that_is_not_used_is_told_with_a_code_and_one_that_works_is_not() {
        let told = |state| {
            let (name, url) = ("main".into(), "http://127.0.0.1:8545".into());
            trouble(&EndpointHealth { name, url, state, head: None, last_error: None })
                .map(|told| (told.code, told.output))
        };
        assert_eq!(told(EndpointState::Alive), None);
        let behind = "http://127.0.0.1:8545 is 7 blocks behind the best endpoint";
        assert_eq!(told(EndpointState::Lagging { blocks: 7 }), Some(("lagging", behind.into())));
        let silent = "http://127.0.0.1:8545 does not answer";
        assert_eq!(told(EndpointState::Unreachable), Some(("unreachable", silent.into())));
        let other = "http://127.0.0.1:8545 serves chain 5";
        assert_eq!(told(EndpointState::InvalidChainId { got: 5 }), Some(("wrong_chain", other.into())));
    }

    fn counted(metrics: &Metrics) -> Counted {
        Counted { sender: "0xAb".into(), underway: BTreeMap::new(), chain: metrics.chain(1337) }
    }

    #[test]
    fn of_two_jobs_with_one_sender_the_one_whose_transmission_is_included_has_transmitted() {
        let metrics = Metrics::new();
        let mut counted = counted(&metrics);
        let [bitcoin, ether] = [metrics.job("1", "btc"), metrics.job("2", "eth")];
        counted.submitted(SubmissionId([1; 32]), bitcoin.clone());
        counted.submitted(SubmissionId([2; 32]), ether.clone());
        let block = Block { number: 5, hash: B256::ZERO };
        let receipt = Receipt { transaction: B256::ZERO, block, gas_used: 1, gas_price: 1, success: true };
        let outcome = Outcome::Included { sender: Address::ZERO, nonce: 7, receipt };
        counted.count(&transactions::Output::Outcome { id: SubmissionId([2; 32]), outcome });
        assert_eq!(bitcoin.transmitted_at.get(), 0.0);
        assert!(ether.transmitted_at.get() > 0.0);
    }

    #[test]
    fn a_second_bid_for_the_same_nonce_is_a_bump_and_an_outcome_ends_what_is_unconfirmed() {
        let metrics = Metrics::new();
        let mut counted = counted(&metrics);
        let id = SubmissionId([1; 32]);
        let sent = |nonce| {
            let (sender, hash) = (Address::ZERO, B256::ZERO);
            let sent = Progress::Sent { id: Some(id), sender, nonce, hash, tip: 1, fee_cap: 2, no_op: false };
            transactions::Output::Progress(sent)
        };
        counted.submitted(id, metrics.job("1", "btc"));
        // The last is under another nonce, because someone else took the first.
        for nonce in [7, 7, 8] {
            counted.count(&sent(nonce));
        }
        let text = metrics.encode(&Health::new());
        for line in
            ["tx_manager_num_broadcasted", "tx_manager_num_gas_bumps", "unconfirmed_transactions"].iter().zip([3, 1, 1])
        {
            let line = format!("{}{{chainID=\"1337\"}} {}", line.0, line.1);
            assert!(text.lines().any(|got| got == line), "{line}\n{text}");
        }
        counted.count(&transactions::Output::Outcome { id, outcome: Outcome::Failed(Failure::Expired) });
        assert_eq!(counted.chain.unconfirmed.get(), 0);
    }
}
