//! What can be counted, under the names that operators of other node software already alert on (OCR2 spec 10.6, node
//! spec 16.2, networking spec 16), and a few of our own.
//!
//! The wiring takes a handle ([`OracleMetrics`], [`ChainMetrics`], …) once and updates it; a scrape only reads. Names of
//! the reference that are counters without `_total` are gauges here, because the format writes that suffix itself.

use evm::EndpointState;
use p2p::Host;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Metric, Registry};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::health::Health;

/// A gauge that holds seconds or other fractions.
pub type FloatGauge = Gauge<f64, AtomicU64>;
type Labels<const N: usize> = [(&'static str, String); N];

/// All metrics of the process; clones share them.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Mutex<Registry>,
    /// What brings metrics up to date that are counted elsewhere.
    readers: Mutex<Vec<Box<dyn Fn() + Send + Sync>>>,
    started: Instant,
    uptime_seconds: FloatGauge,
    resident_bytes: Gauge,
    cpu_seconds: Counter<f64, AtomicU64>,
    health: Family<Labels<1>, Gauge>,
    log_warn_count: Gauge,
    log_error_count: Gauge,
    oracle: OracleFamilies,
    chain: ChainFamilies,
    job: JobFamilies,
    network: NetworkFamilies,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics(…)")
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All metrics, at zero.
    pub fn new() -> Self {
        let mut registry = Registry::default();
        let registry_ref = &mut registry;
        let version: Family<Labels<1>, Gauge> = add(registry_ref, "version", "Version of the running software");
        version.get_or_create(&[("version", env!("CARGO_PKG_VERSION").to_owned())]).set(1);
        let inner = Inner {
            started: Instant::now(),
            uptime_seconds: add(registry_ref, "uptime_seconds", "Time since the process was started"),
            resident_bytes: add(registry_ref, "process_resident_memory_bytes", "Memory in use"),
            cpu_seconds: add(registry_ref, "process_cpu_seconds", "Processor time used"),
            health: add(registry_ref, "health", "1 where a service works"),
            log_warn_count: add(registry_ref, "log_warn_count", "Warnings logged"),
            log_error_count: add(registry_ref, "log_error_count", "Errors logged"),
            oracle: OracleFamilies::new(registry_ref),
            chain: ChainFamilies::new(registry_ref),
            job: JobFamilies::new(registry_ref),
            network: NetworkFamilies::new(registry_ref),
            registry: Mutex::new(registry),
            readers: Mutex::default(),
        };
        Metrics(Arc::new(inner))
    }

    /// The metrics of one oracle under one configuration; both names in hex.
    pub fn oracle(&self, config_digest: &str, offchain_public_key: &str) -> OracleMetrics {
        let families = &self.0.oracle;
        let labels =
            [("config_digest", config_digest.to_owned()), ("offchain_public_key", offchain_public_key.to_owned())];
        OracleMetrics {
            epoch: families.epoch.get_or_create_owned(&labels),
            leader: families.leader.get_or_create_owned(&labels),
            sent_observations: families.sent_observations.get_or_create_owned(&labels),
            included_observations: families.included_observations.get_or_create_owned(&labels),
            completed_rounds: families.completed_rounds.get_or_create_owned(&labels),
            led_completed_rounds: families.led_completed_rounds.get_or_create_owned(&labels),
            refusals: Arc::default(),
            labels,
            metrics: self.clone(),
        }
    }

    /// The metrics of one chain.
    pub fn chain(&self, chain_id: u64) -> ChainMetrics {
        let families = &self.0.chain;
        let labels = [("chainID", chain_id.to_string())];
        ChainMetrics {
            broadcasted: families.broadcasted.get_or_create_owned(&labels),
            gas_bumps: families.gas_bumps.get_or_create_owned(&labels),
            gas_bump_exceeds_limit: families.gas_bump_exceeds_limit.get_or_create_owned(&labels),
            confirmed: families.confirmed.get_or_create_owned(&labels),
            unconfirmed: families.unconfirmed.get_or_create_owned(&labels),
            current_head: families.current_head.get_or_create_owned(&labels),
            heads_received: families.heads_received.get_or_create_owned(&labels),
            chain_id: labels[0].1.clone(),
            metrics: self.clone(),
        }
    }

    /// The metrics of one job's pipelines.
    pub fn job(&self, id: &str, name: &str) -> JobMetrics {
        let families = &self.0.job;
        let labels = [("job_id", id.to_owned()), ("job_name", name.to_owned())];
        JobMetrics {
            run_errors: families.run_errors.get_or_create_owned(&labels),
            run_time: families.run_time.get_or_create_owned(&labels),
            run_seconds: families.run_seconds.get_or_create_owned(&labels),
            observed_at: families.observed_at.get_or_create_owned(&labels),
            transmitted_at: families.transmitted_at.get_or_create_owned(&labels),
            median: families.median.get_or_create_owned(&labels),
            labels,
            metrics: self.clone(),
        }
    }

    /// The metrics of our own host among its peers.
    pub fn network(&self, peer_id: &str) -> NetworkMetrics {
        let families = &self.0.network;
        let labels = [("peer_id", peer_id.to_owned())];
        NetworkMetrics {
            inbound_dials: families.inbound_dials.get_or_create_owned(&labels),
            registered_peers: families.registered_peers.get_or_create_owned(&labels),
            discovered_peers: families.discovered_peers.get_or_create_owned(&labels),
            bootstrappers: families.bootstrappers.get_or_create_owned(&labels),
            peer_id: labels[0].1.clone(),
            metrics: self.clone(),
        }
    }

    /// Has `read` called before each scrape, to bring up to date what is counted elsewhere.
    pub fn before_scrape(&self, read: impl Fn() + Send + Sync + 'static) {
        self.0.readers.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(read));
    }

    /// A warning was logged.
    pub fn on_warning(&self) {
        self.0.log_warn_count.inc();
    }

    /// An error was logged.
    pub fn on_error(&self) {
        self.0.log_error_count.inc();
    }

    /// Everything in the OpenMetrics text format.
    pub fn encode(&self, health: &Health) -> String {
        let inner = &self.0;
        inner.readers.lock().unwrap_or_else(PoisonError::into_inner).iter().for_each(|read| read());
        inner.uptime_seconds.set(inner.started.elapsed().as_secs_f64());
        if let Some(used) = process::used() {
            inner.resident_bytes.set(i64::try_from(used.resident_bytes).unwrap_or(i64::MAX));
            // A counter cannot be set, so it is given the rest.
            inner.cpu_seconds.inc_by((used.cpu.as_secs_f64() - inner.cpu_seconds.get()).max(0.0));
        }
        inner.health.clear();
        for check in health.checks() {
            inner.health.get_or_create(&[("service_id", check.name.clone())]).set(i64::from(check.is_passing()));
        }
        let mut text = String::new();
        let registry = inner.registry.lock().unwrap_or_else(PoisonError::into_inner);
        // Writing to a string does not fail.
        encode(&mut text, &registry).map(|()| text).unwrap_or_default()
    }
}

/// What an oracle of the OCR2 protocol does under one configuration.
#[derive(Clone, Debug)]
pub struct OracleMetrics {
    /// `ocr2_epoch`.
    pub epoch: Gauge,
    /// `ocr2_experimental_leader_oid`.
    pub leader: Gauge,
    /// `ocr2_sent_observations_total`.
    pub sent_observations: Counter,
    /// `ocr2_included_observations_total`.
    pub included_observations: Counter,
    /// `ocr2_completed_rounds_total`.
    pub completed_rounds: Counter,
    /// `ocr2_led_completed_rounds_total`.
    pub led_completed_rounds: Counter,
    /// By name and sender, those that were counted.
    refusals: Arc<Mutex<BTreeSet<(&'static str, u8)>>>,
    labels: Labels<2>,
    metrics: Metrics,
}

impl OracleMetrics {
    /// The configuration, under `ocr2_config_…`.
    pub fn configured(&self, config: &ConfigValues) {
        let families = &self.metrics.0.oracle;
        for ((_, read), family) in CONFIG_VALUES.iter().zip(&families.config) {
            family.get_or_create(&self.labels).set(read(config));
        }
    }

    /// A message was not acted on; `refusal` is the name of the reason.
    pub fn refused(&self, refusal: &'static str, sender: u8) {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner).insert((refusal, sender));
        self.metrics.0.oracle.refused.get_or_create(&self.refusal_labels(refusal, sender)).inc();
    }

    fn refusal_labels(&self, refusal: &str, sender: u8) -> Labels<4> {
        let [digest, key] = self.labels.clone();
        [digest, key, ("refusal", refusal.to_owned()), ("sender", sender.to_string())]
    }

    /// Removes everything of this configuration, which has been replaced.
    pub fn forget(&self) {
        let families = &self.metrics.0.oracle;
        families.epoch.remove(&self.labels);
        families.leader.remove(&self.labels);
        families.sent_observations.remove(&self.labels);
        families.included_observations.remove(&self.labels);
        families.completed_rounds.remove(&self.labels);
        families.led_completed_rounds.remove(&self.labels);
        families.config.iter().for_each(|family| {
            family.remove(&self.labels);
        });
        for (refusal, sender) in std::mem::take(&mut *self.refusals.lock().unwrap_or_else(PoisonError::into_inner)) {
            families.refused.remove(&self.refusal_labels(refusal, sender));
        }
    }
}

/// What [`OracleMetrics::configured`] shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ConfigValues {
    pub delta_progress: Duration,
    pub delta_resend: Duration,
    pub delta_round: Duration,
    pub delta_grace: Duration,
    pub delta_stage: Duration,
    pub r_max: u8,
    /// `None` shows as zero.
    pub max_duration_initialization: Option<Duration>,
    pub max_duration_query: Duration,
    pub max_duration_observation: Duration,
    pub max_duration_report: Duration,
    pub max_duration_should_accept_finalized_report: Duration,
    pub max_duration_should_transmit_accepted_report: Duration,
    pub n: usize,
    pub f: usize,
}

type ReadValue = fn(&ConfigValues) -> f64;

/// The names as the reference spells them: "finalize", not "finalized".
const CONFIG_VALUES: [(&str, ReadValue); 14] = [
    ("ocr2_config_delta_progress_seconds", |config| config.delta_progress.as_secs_f64()),
    ("ocr2_config_delta_resend_seconds", |config| config.delta_resend.as_secs_f64()),
    ("ocr2_config_delta_round_seconds", |config| config.delta_round.as_secs_f64()),
    ("ocr2_config_delta_grace_seconds", |config| config.delta_grace.as_secs_f64()),
    ("ocr2_config_delta_stage_seconds", |config| config.delta_stage.as_secs_f64()),
    ("ocr2_config_r_max", |config| config.r_max.into()),
    ("ocr2_config_max_duration_initialization_seconds", |config| {
        config.max_duration_initialization.unwrap_or_default().as_secs_f64()
    }),
    ("ocr2_config_max_duration_query_seconds", |config| config.max_duration_query.as_secs_f64()),
    ("ocr2_config_max_duration_observation_seconds", |config| config.max_duration_observation.as_secs_f64()),
    ("ocr2_config_max_duration_report_seconds", |config| config.max_duration_report.as_secs_f64()),
    ("ocr2_config_max_duration_should_accept_finalize_report_seconds", |config| {
        config.max_duration_should_accept_finalized_report.as_secs_f64()
    }),
    ("ocr2_config_max_duration_should_transmit_accepted_report_seconds", |config| {
        config.max_duration_should_transmit_accepted_report.as_secs_f64()
    }),
    ("ocr2_config_n", |config| config.n as f64),
    ("ocr2_config_f", |config| config.f as f64),
];

/// What happens with one chain.
#[derive(Clone, Debug)]
pub struct ChainMetrics {
    /// `tx_manager_num_broadcasted`.
    pub broadcasted: Gauge,
    /// `tx_manager_num_gas_bumps`.
    pub gas_bumps: Gauge,
    /// `tx_manager_gas_bump_exceeds_limit`.
    pub gas_bump_exceeds_limit: Gauge,
    /// `tx_manager_num_confirmed_transactions`.
    pub confirmed: Gauge,
    /// `unconfirmed_transactions`.
    pub unconfirmed: Gauge,
    /// `head_tracker_current_head`.
    pub current_head: Gauge,
    /// `head_tracker_heads_received`.
    pub heads_received: Gauge,
    chain_id: String,
    metrics: Metrics,
}

impl ChainMetrics {
    /// The chain has a new head. Every service of the chain may tell of it; it is counted once.
    pub fn head(&self, number: u64) {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        if self.current_head.set(number) < number {
            self.heads_received.inc();
        }
    }

    /// `eth_balance` of an account, in ether.
    pub fn balance(&self, account: &str, ether: f64) {
        let labels = [("account", account.to_owned()), ("evmChainID", self.chain_id.clone())];
        self.metrics.0.chain.balance.get_or_create(&labels).set(ether);
    }

    /// `tx_manager_attempt_error_total`: an endpoint did not take a transaction; `cause` is the name of the reason.
    pub fn attempt_error(&self, sender: &str, cause: &'static str) {
        let labels =
            [("chainID", self.chain_id.clone()), ("senderAddress", sender.to_owned()), ("cause", cause.to_owned())];
        self.metrics.0.chain.attempt_errors.get_or_create(&labels).inc();
    }

    /// `multi_node_states`: how many endpoints are in each state.
    pub fn endpoints(&self, states: impl IntoIterator<Item = EndpointState>) {
        let mut counts: BTreeMap<&str, i64> =
            ["Undialed", "Alive", "OutOfSync", "Unreachable", "InvalidChainID"].map(|state| (state, 0)).into();
        for state in states {
            let name = match state {
                EndpointState::Undialed => "Undialed",
                EndpointState::Alive => "Alive",
                EndpointState::Lagging { .. } => "OutOfSync",
                EndpointState::Unreachable => "Unreachable",
                EndpointState::InvalidChainId { .. } => "InvalidChainID",
            };
            *counts.entry(name).or_default() += 1;
        }
        for (state, count) in counts {
            let labels =
                [("network", "EVM".to_owned()), ("chainId", self.chain_id.clone()), ("state", state.to_owned())];
            self.metrics.0.chain.endpoint_states.get_or_create(&labels).set(count);
        }
    }

    /// `evm_pool_rpc_node_calls_total` and `…_success` or `…_failed`, and how long the call took.
    pub fn call(&self, endpoint: &str, took: Duration, success: bool) {
        let labels =
            [("network", "EVM".to_owned()), ("chainID", self.chain_id.clone()), ("nodeName", endpoint.to_owned())];
        let families = &self.metrics.0.chain;
        families.calls.get_or_create(&labels).inc();
        if success {
            families.calls_success.get_or_create(&labels).inc();
        } else {
            families.calls_failed.get_or_create(&labels).inc();
        }
        families.call_seconds.get_or_create(&labels).observe(took.as_secs_f64());
    }
}

/// What the pipelines of one job do.
#[derive(Clone, Debug)]
pub struct JobMetrics {
    /// `pipeline_run_errors`.
    pub run_errors: Gauge,
    run_time: FloatGauge,
    run_seconds: Histogram,
    /// `feed_observed_at_seconds`: unix time of the last successful observation.
    pub observed_at: FloatGauge,
    /// `feed_transmitted_at_seconds`: unix time of the last own transmission that was included.
    pub transmitted_at: FloatGauge,
    /// `ocr_median_values`: the median of the last report.
    pub median: FloatGauge,
    labels: Labels<2>,
    metrics: Metrics,
}

impl JobMetrics {
    /// A run has ended: `pipeline_run_total_time_to_completion` (nanoseconds, as the reference has it) and
    /// `pipeline_run_seconds`.
    pub fn run(&self, took: Duration) {
        self.run_time.set(took.as_nanos() as f64);
        self.run_seconds.observe(took.as_secs_f64());
    }

    /// A task has ended: `pipeline_task_execution_time` (nanoseconds), `pipeline_task_seconds` and
    /// `pipeline_tasks_total_finished`.
    pub fn task(&self, id: &str, task_type: &'static str, took: Duration, success: bool) {
        let families = &self.metrics.0.job;
        let [job_id, job_name] = self.labels.clone();
        let (task_id, task_type) = (("task_id", id.to_owned()), ("task_type", task_type.to_owned()));
        let labels = [job_id.clone(), job_name.clone(), task_id.clone(), task_type.clone()];
        families.task_time.get_or_create(&labels).set(took.as_nanos() as f64);
        families.task_seconds.get_or_create(&labels).observe(took.as_secs_f64());
        let status = ("status", if success { "completed" } else { "errored" }.to_owned());
        families.tasks_finished.get_or_create(&[job_id, job_name, task_id, task_type, status]).inc();
    }
}

/// What our host does among its peers.
#[derive(Clone, Debug)]
pub struct NetworkMetrics {
    /// `ragep2p_host_inbound_dials_total`: accepted connections, before the knock.
    pub inbound_dials: Counter,
    /// `ragedisco_registered_peers`.
    pub registered_peers: Gauge,
    /// `ragedisco_discovered_peers`.
    pub discovered_peers: Gauge,
    /// `ragedisco_bootstappers`, as the reference spells it.
    pub bootstrappers: Gauge,
    peer_id: String,
    metrics: Metrics,
}

impl NetworkMetrics {
    /// The metrics of one remote peer.
    pub fn peer(&self, remote_peer_id: &str) -> PeerMetrics {
        let families = &self.metrics.0.network;
        let labels = [("peer_id", self.peer_id.clone()), ("remote_peer_id", remote_peer_id.to_owned())];
        PeerMetrics {
            established: families.established.get_or_create_owned(&labels),
            established_inbound: families.established_inbound.get_or_create_owned(&labels),
            processed_bytes: families.processed_bytes.get_or_create_owned(&labels),
            skipped_bytes: families.skipped_bytes.get_or_create_owned(&labels),
            written_bytes: families.written_bytes.get_or_create_owned(&labels),
            raw_read_bytes: families.raw_read_bytes.get_or_create_owned(&labels),
            raw_written_bytes: families.raw_written_bytes.get_or_create_owned(&labels),
        }
    }

    /// Takes over what the host has counted.
    pub fn read(&self, host: &Host) {
        let counters = host.counters();
        raise(&self.inbound_dials, counters.accepted.get());
        let gauge = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        self.registered_peers.set(gauge(counters.oracles.get()));
        self.discovered_peers.set(gauge(counters.oracles_discovered.get()));
        for (name, count) in counters.iter() {
            if let Some(refusal) = name.strip_prefix("refused_") {
                let labels = [("peer_id", self.peer_id.clone()), ("refusal", refusal.to_owned())];
                raise(&self.metrics.0.network.refused.get_or_create(&labels), count);
            }
        }
        for status in host.peers() {
            let (peer, counters) = (self.peer(&status.peer.to_string()), status.counters());
            raise(&peer.established, counters.established.get());
            raise(&peer.established_inbound, counters.established_inbound.get());
            raise(&peer.processed_bytes, counters.bytes_read.get().saturating_sub(counters.bytes_skipped.get()));
            raise(&peer.skipped_bytes, counters.bytes_skipped.get());
            raise(&peer.written_bytes, counters.bytes_written.get());
            raise(&peer.raw_read_bytes, counters.raw_bytes_read.get());
            raise(&peer.raw_written_bytes, counters.raw_bytes_written.get());
        }
    }
}

/// A counter cannot be set, so it is given the rest.
fn raise(counter: &Counter, to: u64) {
    counter.inc_by(to.saturating_sub(counter.get()));
}

/// What passes between us and one peer: `ragep2p_peer_…`.
#[derive(Clone, Debug)]
pub struct PeerMetrics {
    /// `…_conn_established_total`.
    pub established: Counter,
    /// `…_conn_established_inbound_total`.
    pub established_inbound: Counter,
    /// `…_conn_read_processed_bytes_total`.
    pub processed_bytes: Counter,
    /// `…_conn_read_skipped_bytes_total`.
    pub skipped_bytes: Counter,
    /// `…_conn_written_bytes_total`.
    pub written_bytes: Counter,
    /// `…_rawconn_read_bytes_total`.
    pub raw_read_bytes: Counter,
    /// `…_rawconn_written_bytes_total`.
    pub raw_written_bytes: Counter,
}

struct OracleFamilies {
    epoch: Family<Labels<2>, Gauge>,
    leader: Family<Labels<2>, Gauge>,
    sent_observations: Family<Labels<2>, Counter>,
    included_observations: Family<Labels<2>, Counter>,
    completed_rounds: Family<Labels<2>, Counter>,
    led_completed_rounds: Family<Labels<2>, Counter>,
    refused: Family<Labels<4>, Counter>,
    config: Vec<Family<Labels<2>, FloatGauge>>,
}

impl OracleFamilies {
    fn new(to: &mut Registry) -> Self {
        OracleFamilies {
            epoch: add(to, "ocr2_epoch", "The current epoch"),
            leader: add(to, "ocr2_experimental_leader_oid", "The leader of the current epoch"),
            sent_observations: add(to, "ocr2_sent_observations", "Observations sent to a leader"),
            included_observations: add(
                to,
                "ocr2_included_observations",
                "Own observations in a leader's request for reports",
            ),
            completed_rounds: add(to, "ocr2_completed_rounds", "Rounds that ended with a final report"),
            led_completed_rounds: add(to, "ocr2_led_completed_rounds", "Such rounds that this oracle led"),
            refused: add(to, "ocr2_refused_messages", "Messages not acted on, by reason and sender"),
            config: CONFIG_VALUES.iter().map(|(name, _)| add(to, name, "From the contract's configuration")).collect(),
        }
    }
}

struct ChainFamilies {
    broadcasted: Family<Labels<1>, Gauge>,
    gas_bumps: Family<Labels<1>, Gauge>,
    gas_bump_exceeds_limit: Family<Labels<1>, Gauge>,
    confirmed: Family<Labels<1>, Gauge>,
    unconfirmed: Family<Labels<1>, Gauge>,
    current_head: Family<Labels<1>, Gauge>,
    heads_received: Family<Labels<1>, Gauge>,
    balance: Family<Labels<2>, FloatGauge>,
    attempt_errors: Family<Labels<3>, Counter>,
    endpoint_states: Family<Labels<3>, Gauge>,
    calls: Family<Labels<3>, Counter>,
    calls_success: Family<Labels<3>, Gauge>,
    calls_failed: Family<Labels<3>, Gauge>,
    call_seconds: Family<Labels<3>, Histogram, Buckets>,
}

impl ChainFamilies {
    fn new(to: &mut Registry) -> Self {
        ChainFamilies {
            broadcasted: add(to, "tx_manager_num_broadcasted", "Transactions sent"),
            gas_bumps: add(to, "tx_manager_num_gas_bumps", "Transactions sent again with a higher fee"),
            gas_bump_exceeds_limit: add(to, "tx_manager_gas_bump_exceeds_limit", "Higher fees that were not allowed"),
            confirmed: add(to, "tx_manager_num_confirmed_transactions", "Transactions included and confirmed"),
            unconfirmed: add(to, "unconfirmed_transactions", "Transactions sent and not confirmed"),
            current_head: add(to, "head_tracker_current_head", "Number of the newest block seen"),
            heads_received: add(to, "head_tracker_heads_received", "Blocks seen"),
            balance: add(to, "eth_balance", "Balance of an account in ether"),
            attempt_errors: add(to, "tx_manager_attempt_error", "Transactions that an endpoint did not take"),
            endpoint_states: add(to, "multi_node_states", "Endpoints by state"),
            calls: add(to, "evm_pool_rpc_node_calls", "Calls to an endpoint"),
            calls_success: add(to, "evm_pool_rpc_node_calls_success", "Calls that were answered"),
            calls_failed: add(to, "evm_pool_rpc_node_calls_failed", "Calls that were not"),
            call_seconds: add_histogram(to, "evm_pool_rpc_node_call_seconds", "Time that calls took"),
        }
    }
}

struct JobFamilies {
    run_errors: Family<Labels<2>, Gauge>,
    run_time: Family<Labels<2>, FloatGauge>,
    run_seconds: Family<Labels<2>, Histogram, Buckets>,
    task_time: Family<Labels<4>, FloatGauge>,
    task_seconds: Family<Labels<4>, Histogram, Buckets>,
    tasks_finished: Family<Labels<5>, Gauge>,
    observed_at: Family<Labels<2>, FloatGauge>,
    transmitted_at: Family<Labels<2>, FloatGauge>,
    median: Family<Labels<2>, FloatGauge>,
}

impl JobFamilies {
    fn new(to: &mut Registry) -> Self {
        JobFamilies {
            run_errors: add(to, "pipeline_run_errors", "Runs that failed"),
            run_time: add(to, "pipeline_run_total_time_to_completion", "Time of the last run in nanoseconds"),
            run_seconds: add_histogram(to, "pipeline_run_seconds", "Time that runs took"),
            task_time: add(to, "pipeline_task_execution_time", "Time of the last execution in nanoseconds"),
            task_seconds: add_histogram(to, "pipeline_task_seconds", "Time that tasks took"),
            tasks_finished: add(to, "pipeline_tasks_total_finished", "Tasks that ended"),
            observed_at: add(to, "feed_observed_at_seconds", "Unix time of the last successful observation"),
            transmitted_at: add(to, "feed_transmitted_at_seconds", "Unix time of the last included transmission"),
            median: add(to, "ocr_median_values", "Median of the last report"),
        }
    }
}

struct NetworkFamilies {
    inbound_dials: Family<Labels<1>, Counter>,
    registered_peers: Family<Labels<1>, Gauge>,
    discovered_peers: Family<Labels<1>, Gauge>,
    bootstrappers: Family<Labels<1>, Gauge>,
    refused: Family<Labels<2>, Counter>,
    established: Family<Labels<2>, Counter>,
    established_inbound: Family<Labels<2>, Counter>,
    processed_bytes: Family<Labels<2>, Counter>,
    skipped_bytes: Family<Labels<2>, Counter>,
    written_bytes: Family<Labels<2>, Counter>,
    raw_read_bytes: Family<Labels<2>, Counter>,
    raw_written_bytes: Family<Labels<2>, Counter>,
}

impl NetworkFamilies {
    fn new(to: &mut Registry) -> Self {
        let processed = "Application bytes received and handed on";
        NetworkFamilies {
            inbound_dials: add(to, "ragep2p_host_inbound_dials", "Connections accepted, before the knock"),
            registered_peers: add(to, "ragedisco_registered_peers", "Peers whose addresses are wanted"),
            discovered_peers: add(to, "ragedisco_discovered_peers", "Peers whose addresses are known"),
            bootstrappers: add(to, "ragedisco_bootstappers", "Configured bootstrap peers"),
            refused: add(to, "p2p_refused", "What strangers and peers sent and was not acted on, by reason"),
            established: add(to, "ragep2p_peer_conn_established", "Connections established"),
            established_inbound: add(to, "ragep2p_peer_conn_established_inbound", "Such that the peer began"),
            processed_bytes: add(to, "ragep2p_peer_conn_read_processed_bytes", processed),
            skipped_bytes: add(to, "ragep2p_peer_conn_read_skipped_bytes", "Application bytes received and dropped"),
            written_bytes: add(to, "ragep2p_peer_conn_written_bytes", "Application bytes sent"),
            raw_read_bytes: add(to, "ragep2p_peer_rawconn_read_bytes", "Bytes received after the knock"),
            raw_written_bytes: add(to, "ragep2p_peer_rawconn_written_bytes", "Bytes sent after the knock"),
        }
    }
}

/// From a millisecond to half a minute in steps of two.
#[derive(Clone)]
struct Buckets;

impl MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        Histogram::new(exponential_buckets(0.001, 2.0, 16))
    }
}

fn add<M: Metric + Clone + Default>(to: &mut Registry, name: &str, help: &str) -> M {
    let metric = M::default();
    to.register(name, help, metric.clone());
    metric
}

fn add_histogram<const N: usize>(to: &mut Registry, name: &str, help: &str) -> Family<Labels<N>, Histogram, Buckets> {
    let family = Family::new_with_constructor(Buckets);
    to.register(name, help, family.clone());
    family
}

/// What the process has used, where the system says so in `/proc` (Linux).
mod process {
    use std::time::Duration;

    pub struct Used {
        pub resident_bytes: u64,
        pub cpu: Duration,
    }

    pub fn used() -> Option<Used> {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kilobytes: u64 = resident.trim().strip_suffix("kB")?.trim().parse().ok()?;
        let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
        // After the name in parentheses come fields 3 and on; 14 and 15 are user and system time in hundredths.
        let (_, fields) = stat.rsplit_once(')')?;
        let ticks: u64 = fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
        Some(Used { resident_bytes: kilobytes * 1024, cpu: Duration::from_millis(ticks * 10) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::Weight;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn an_oracle_is_seen_under_the_names_of_the_reference() {
        let metrics = Metrics::new();
        let oracle = metrics.oracle("00aa", "11bb");
        oracle.epoch.set(7);
        oracle.leader.set(2);
        oracle.completed_rounds.inc();
        oracle.refused("Stale", 3);
        oracle.configured(&ConfigValues {
            delta_progress: 4 * SECOND,
            delta_resend: SECOND,
            delta_round: SECOND,
            delta_grace: SECOND / 10,
            delta_stage: 2 * SECOND,
            r_max: 10,
            max_duration_initialization: None,
            max_duration_query: SECOND,
            max_duration_observation: SECOND,
            max_duration_report: SECOND,
            max_duration_should_accept_finalized_report: SECOND,
            max_duration_should_transmit_accepted_report: SECOND,
            n: 4,
            f: 1,
        });
        let labels = "config_digest=\"00aa\",offchain_public_key=\"11bb\"";
        let text = metrics.encode(&Health::new());
        for line in [
            format!("ocr2_epoch{{{labels}}} 7"),
            format!("ocr2_experimental_leader_oid{{{labels}}} 2"),
            format!("ocr2_completed_rounds_total{{{labels}}} 1"),
            format!("ocr2_sent_observations_total{{{labels}}} 0"),
            format!("ocr2_refused_messages_total{{{labels},refusal=\"Stale\",sender=\"3\"}} 1"),
            format!("ocr2_config_delta_grace_seconds{{{labels}}} 0.1"),
            format!("ocr2_config_max_duration_should_accept_finalize_report_seconds{{{labels}}} 1.0"),
            format!("ocr2_config_n{{{labels}}} 4.0"),
        ] {
            assert!(text.lines().any(|got| got == line), "{line}\n{text}");
        }
        oracle.forget();
        let text = metrics.encode(&Health::new());
        assert!(!text.contains("ocr2_epoch{"));
        assert!(!text.contains("ocr2_refused_messages_total{"), "{text}");
    }

    #[test]
    fn chains_jobs_and_peers_are_seen_under_the_names_of_the_reference() {
        let metrics = Metrics::new();
        let chain = metrics.chain(1337);
        chain.broadcasted.inc();
        for head in [7, 7, 8, 6] {
            chain.head(head);
        }
        chain.balance("0xAb", 0.5);
        chain.attempt_error("0xAb", "NonceTooLow");
        chain.endpoints([EndpointState::Alive, EndpointState::Lagging { blocks: 3 }, EndpointState::Alive]);
        chain.call("main", SECOND, true);
        let job = metrics.job("1", "btc");
        job.run(SECOND);
        job.task("ds1", "http", SECOND, false);
        let network = metrics.network("12D3a");
        network.inbound_dials.inc();
        network.peer("12D3b").established.inc();
        let text = metrics.encode(&Health::new());
        for line in [
            "tx_manager_num_broadcasted{chainID=\"1337\"} 1",
            "head_tracker_current_head{chainID=\"1337\"} 6",
            "head_tracker_heads_received{chainID=\"1337\"} 2",
            "eth_balance{account=\"0xAb\",evmChainID=\"1337\"} 0.5",
            "tx_manager_attempt_error_total{chainID=\"1337\",senderAddress=\"0xAb\",cause=\"NonceTooLow\"} 1",
            "multi_node_states{network=\"EVM\",chainId=\"1337\",state=\"Alive\"} 2",
            "multi_node_states{network=\"EVM\",chainId=\"1337\",state=\"OutOfSync\"} 1",
            "multi_node_states{network=\"EVM\",chainId=\"1337\",state=\"Unreachable\"} 0",
            "evm_pool_rpc_node_calls_total{network=\"EVM\",chainID=\"1337\",nodeName=\"main\"} 1",
            "evm_pool_rpc_node_calls_success{network=\"EVM\",chainID=\"1337\",nodeName=\"main\"} 1",
            "pipeline_run_total_time_to_completion{job_id=\"1\",job_name=\"btc\"} 1000000000.0",
            "pipeline_tasks_total_finished{job_id=\"1\",job_name=\"btc\",task_id=\"ds1\",task_type=\"http\",status=\"errored\"} 1",
            "ragep2p_host_inbound_dials_total{peer_id=\"12D3a\"} 1",
            "ragep2p_peer_conn_established_total{peer_id=\"12D3a\",remote_peer_id=\"12D3b\"} 1",
        ] {
            assert!(text.lines().any(|got| got == line), "{line}\n{text}");
        }
    }

    #[test]
    fn the_process_and_its_health_are_seen() {
        let metrics = Metrics::new();
        let health = Health::new();
        health.passing("Store", Weight::Essential);
        let text = metrics.encode(&health);
        assert!(text.contains("health{service_id=\"Store\"} 1\n"), "{text}");
        assert!(text.contains("uptime_seconds 0."), "{text}");
        assert!(text.contains(&format!("version{{version=\"{}\"}} 1\n", env!("CARGO_PKG_VERSION"))), "{text}");
        assert!(text.ends_with("# EOF\n"), "{text}");
        health.forget("Store");
        assert!(!metrics.encode(&health).contains("service_id"));
    }
}
