//! What one node will do, from a configuration with jobs or from a seat file: checked, complete, and the same thing from
//! here on, wherever it came from. Nothing is started yet.

use crate::bad_input::BadInput;
use crate::config::{Config, Evm, EvmNode, Generation, JobPipeline, Log};
use crate::identity::OracleKeys;
use crate::jobs::{self, LoadedJob};
use crate::keys_tool::NodeFiles;
use crate::keystore::Keystore;
use crate::seat::{Seat, SeatSource};
use crypto::ed25519;
use crypto::secp256k1::Address;
use p2p::Locator;
use pipeline::{Job, JobKind};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Everything that a node is started with.
#[derive(Debug)]
pub struct Plan {
    pub log: Log,
    /// Where the store is.
    pub store_folder: PathBuf,
    /// Where the HTTP side listens; port 0 takes a free one.
    pub web: SocketAddr,
    /// How long the end may take.
    pub shutdown_grace_period: Duration,
    pub network: Network,
    pub pipeline: JobPipeline,
    /// The oracles and bootstrap nodes to run, at least one.
    pub services: Vec<Service>,
    /// What an operator should hear at the start.
    pub warnings: Vec<String>,
}

/// Our own host among its peers.
#[derive(Debug)]
pub struct Network {
    pub key: ed25519::SecretKey,
    pub generation: Generation,
    /// At least one.
    pub listen: Vec<SocketAddr>,
    /// The listen addresses if empty.
    pub announce: Vec<String>,
    pub delta_dial: Duration,
    pub delta_reconcile: Duration,
    pub incoming_message_buffer_size: u32,
    pub outgoing_message_buffer_size: u32,
}

/// One thing that runs: it follows the configuration of one contract.
#[derive(Debug)]
pub struct Service {
    /// For people.
    pub name: String,
    /// Unique and stable: the store's spaces are named after it.
    pub id: String,
    pub chain: Evm,
    /// Where reports go.
    pub contract: Address,
    /// Where the configuration is read; nearly always the same contract.
    pub config_contract: Address,
    pub bootstrappers: Vec<Locator>,
    pub times: Times,
    pub role: Role,
}

/// Limits of following and using the contract (OCR2 spec 10.4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Times {
    pub confirmations: u16,
    pub poll_interval: Duration,
    pub blockchain_timeout: Duration,
    pub transmit_timeout: Duration,
}

/// What a service does.
#[derive(Debug)]
pub enum Role {
    /// Serves discovery to the members of a committee.
    Bootstrap,
    /// Sits in a committee.
    Oracle(Box<Oracle>),
}

/// One seat of a committee.
#[derive(Debug)]
pub struct Oracle {
    pub keys: OracleKeys,
    pub source: Source,
}

/// Where observations come from.
#[derive(Debug)]
pub enum Source {
    /// The graphs of a job with the median plugin.
    Job(Box<Job>),
    /// The sources of a seat.
    Seat(SeatSources),
}

/// The median of these, times ten to their digits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SeatSources {
    pub sources: Vec<SeatSource>,
    /// How many must answer.
    pub min_sources: usize,
    pub juels_per_fee_coin: u128,
    pub observation_timeout: Option<Duration>,
}

impl Plan {
    /// From a configuration, its jobs folder and its keystore; keys that are missing are made.
    pub fn from_config(files: &NodeFiles) -> Result<Plan, Vec<BadInput>> {
        let config = Config::read(&files.config)?;
        let jobs = jobs::load(&config.jobs_folder())?;
        let mut problems: Vec<BadInput> = jobs.iter().filter_map(|job| job.check(&config).err()).collect();
        if jobs.is_empty() {
            let problem = BadInput::new("there is no job").in_file(&config.jobs_folder());
            problems.push(problem.remedy("put a job file (*.toml) into this folder"));
        }
        if config.p2p.listen_addresses.is_empty() {
            let problem =
                BadInput::new("nowhere to listen for peers").in_file(&config.file).at("P2P.V2.ListenAddresses");
            problems.push(problem.remedy("add for example ListenAddresses = [\"0.0.0.0:6690\"] under [P2P.V2]"));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut keystore = files.open_keystore(&config)?;
        keystore.complete()?;
        let mut warnings: Vec<String> = Vec::new();
        if !config.ignored.is_empty() {
            warnings.push(format!("{}: without effect here: {}", config.file.display(), config.ignored.join(", ")));
        }
        for job in &jobs {
            warnings.extend(job.warnings.iter().map(|warning| format!("{}:{warning}", job.file.display())));
            let idle = job.without_effect();
            if !idle.is_empty() {
                warnings.push(format!("{}: without effect here: {}", job.file.display(), idle.join(", ")));
            }
        }
        let services = jobs.into_iter().map(|job| service(job, &config, &keystore)).collect::<Result<_, _>>()?;
        let p2p = config.p2p.clone();
        Ok(Plan {
            web: config.web_server.address(),
            store_folder: config.store_folder(),
            log: config.log,
            shutdown_grace_period: config.shutdown_grace_period,
            network: Network {
                key: keystore.peer(p2p.peer_id)?.clone(),
                generation: p2p.generation,
                listen: p2p.listen_addresses,
                announce: p2p.announce_addresses,
                delta_dial: p2p.delta_dial,
                delta_reconcile: p2p.delta_reconcile,
                incoming_message_buffer_size: p2p.incoming_message_buffer_size,
                outgoing_message_buffer_size: p2p.outgoing_message_buffer_size,
            },
            pipeline: config.job_pipeline,
            services,
            warnings,
        })
    }

    /// From a seat file: the store is `FILE.store/`, and the HTTP side takes a free port on loopback.
    pub fn from_seat(file: &Path) -> Result<Plan, BadInput> {
        let seat = Seat::read(file)?;
        let mut store_folder = file.as_os_str().to_owned();
        store_folder.push(".store");
        let defaults = Config::parse(file, "").map_err(|mut problems| problems.remove(0))?;
        let sources = SeatSources {
            min_sources: seat.min_sources(),
            juels_per_fee_coin: seat.juels_per_fee_coin,
            observation_timeout: seat.observation_timeout(),
            sources: seat.sources,
        };
        let ms = |given: Option<u64>, default| given.map_or(default, Duration::from_millis);
        let peer = seat.keys.peer.clone();
        let oracle = Oracle { keys: seat.keys, source: Source::Seat(sources) };
        let service = Service {
            name: format!("seat {}", seat.seat),
            id: format!("seat-{}-{}-{}", seat.chain.chain_id, seat.chain.aggregator, seat.seat),
            contract: seat.chain.aggregator,
            config_contract: seat.chain.aggregator,
            bootstrappers: seat.network.bootstrappers,
            times: Times {
                confirmations: seat.chain.confirmations,
                poll_interval: Duration::from_secs(1),
                blockchain_timeout: defaults.ocr2.blockchain_timeout,
                transmit_timeout: defaults.ocr2.contract_transmitter_transmit_timeout,
            },
            chain: seat_chain(seat.chain.chain_id, seat.chain.http_url, seat.chain.ws_url),
            role: Role::Oracle(Box::new(oracle)),
        };
        Ok(Plan {
            log: defaults.log,
            store_folder: store_folder.into(),
            web: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            shutdown_grace_period: defaults.shutdown_grace_period,
            network: Network {
                key: peer,
                generation: seat.network.generation,
                listen: vec![seat.network.listen],
                announce: vec![seat.network.announce.to_string()],
                delta_dial: ms(seat.network.delta_dial_ms, defaults.p2p.delta_dial),
                delta_reconcile: ms(seat.network.delta_reconcile_ms, defaults.p2p.delta_reconcile),
                incoming_message_buffer_size: defaults.p2p.incoming_message_buffer_size,
                outgoing_message_buffer_size: defaults.p2p.outgoing_message_buffer_size,
            },
            pipeline: defaults.job_pipeline,
            services: vec![service],
            warnings: vec![format!("{}: {}", file.display(), crate::seat::WARNING)],
        })
    }
}

fn service(job: LoadedJob, config: &Config, keystore: &Keystore) -> Result<Service, BadInput> {
    let bad = |problem: BadInput| problem.in_file(&job.file);
    let chain_id = job.chain_id();
    let chain =
        config.chain(chain_id).ok_or_else(|| bad(BadInput::new(format!("chain {chain_id} is not configured"))))?;
    let own = job.bootstrappers()?;
    let ocr2 = &config.ocr2;
    let times =
        |blockchain_timeout: Option<Duration>, poll_interval: Option<Duration>, confirmations: Option<u16>| Times {
            confirmations: confirmations.unwrap_or(ocr2.contract_confirmations),
            poll_interval: poll_interval.unwrap_or(ocr2.contract_poll_interval),
            blockchain_timeout: blockchain_timeout.unwrap_or(ocr2.blockchain_timeout),
            transmit_timeout: ocr2.contract_transmitter_transmit_timeout,
        };
    let (contract, relay, times, role) = match &job.job.kind {
        JobKind::Bootstrap(job) => (
            job.contract_id,
            &job.relay_config,
            times(job.blockchain_timeout, job.contract_config_tracker_poll_interval, job.contract_config_confirmations),
            Role::Bootstrap,
        ),
        JobKind::Offchainreporting2(spec) => {
            let bundle = spec.ocr_key_bundle_id.as_deref().or(ocr2.key_bundle_id.as_deref());
            let sender = spec.transmitter_id.or(spec.relay_config.sending_keys.first().copied());
            let keys = keystore.oracle(config.p2p.peer_id, bundle, sender).map_err(bad)?;
            let oracle = Oracle { keys, source: Source::Job(Box::new(job.job.clone())) };
            (
                spec.contract_id,
                &spec.relay_config,
                times(
                    spec.blockchain_timeout,
                    spec.contract_config_tracker_poll_interval,
                    spec.contract_config_confirmations,
                ),
                Role::Oracle(Box::new(oracle)),
            )
        }
    };
    Ok(Service {
        contract,
        config_contract: relay.config_contract_address.unwrap_or(contract),
        bootstrappers: if own.is_empty() { config.p2p.default_bootstrappers.clone() } else { own },
        chain: chain.clone(),
        name: job.name,
        id: job.id,
        times,
        role,
    })
}

/// The chain of a seat: one endpoint, everything else by default.
fn seat_chain(chain_id: u64, http_url: url::Url, ws_url: Option<url::Url>) -> Evm {
    Evm {
        chain_id,
        nodes: vec![EvmNode { name: "seat".into(), http_url, ws_url, send_only: false, order: 1 }],
        ..Evm::default()
    }
}
