//! Running a plan's services: the host among peers, and for each oracle or bootstrap node the machines that it is made of,
//! each under `driver::run` in a task of its own.

use crate::bad_input::BadInput;
use crate::chain::{self, Chains, Configs, Contract, SendingWorld, TrackerWorld, Transmission, next_config};
use crate::cli::Failure;
use crate::config::Generation;
use crate::devnet::event::Event;
use crate::health::{Health, Trouble, Weight};
use crate::metrics::Metrics;
use crate::observer::Observer;
use crate::oracle::{OracleWorld, Shared};
use crate::plan::{Network, Oracle, Plan, Role, Service};
use crate::telling;
use alloy::primitives::Address;
use crypto::PeerId;
use fetch::{Client, Settings};
use liars::{Lie, MakeHonest};
use median::MedianFactory;
use ocr::ContractConfig;
use ocr2::config::{PublicConfig, ResourceChecks};
use ocr2::{Identity, LocalConfig, Managed};
use p2p::{AnnouncementStore, Host, HostConfig, StartError};
use ports::CannotPersist;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use store::Store;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// What a development network wants of a node beside its work.
#[derive(Clone, Debug, Default)]
pub struct Hooks {
    /// Hears of epochs and rounds.
    pub told: Option<mpsc::UnboundedSender<Event>>,
    /// The oracles of this node lie.
    pub liar: Option<Liar>,
}

/// Makes a dishonest oracle round an honest one, from what it remembers.
#[derive(Clone)]
pub struct Liar(Arc<dyn Fn(MakeHonest, Vec<ocr2::Record>) -> liars::Oracle + Send + Sync>);

impl Liar {
    /// Whoever writes a program of its own may lie as it likes.
    pub fn new(make: impl Fn(MakeHonest, Vec<ocr2::Record>) -> liars::Oracle + Send + Sync + 'static) -> Liar {
        Liar(Arc::new(make))
    }
}

impl From<Lie> for Liar {
    fn from(lie: Lie) -> Liar {
        Liar::new(move |honest, records| lie.wrap(honest, records, 0))
    }
}

impl std::fmt::Debug for Liar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Liar")
    }
}

/// Runs every service of the plan. Returns only when one of them cannot go on; dropping the future ends them all.
pub async fn run(plan: &Plan, store: &Store, health: &Health, metrics: &Metrics, hooks: &Hooks) -> Result<(), Failure> {
    let host = Arc::new(start_host(&plan.network, store).await?);
    health.passing("P2P", Weight::Essential);
    let client = Client::new(Settings {
        response_bytes_max: usize::try_from(plan.pipeline.http_response_bytes_max).unwrap_or(usize::MAX),
        ..Settings::default()
    })
    .map_err(Failure::failed)?;
    let client = Arc::new(client);
    let chains = chain::connect(&plan.services, metrics).await?;
    watch_host(&host, plan, metrics);
    let mut tasks = JoinSet::new();
    let mut senders = Senders::new();
    let context = Context { plan, store, health, metrics, hooks, host: &host, client: &client, chains: &chains };
    for service in &plan.services {
        match &service.role {
            Role::Bootstrap => bootstrap(service, context, &mut tasks)?,
            Role::Oracle(seat) => committee_member(service, seat, context, &mut senders, &mut tasks)?,
        }
    }
    let stopped = tokio::select! {
        Some(ended) = tasks.join_next() => match ended {
            Ok(Ok(())) => Failure::failed("a service ended by itself"),
            Ok(Err(failure)) => failure,
            Err(error) => Failure::failed(format!("a service panicked: {error}")),
        },
        never = chain::watch(&chains, health) => match never {},
        stopped = host.stopped() => Failure::failed(format!("the peer-to-peer host stopped: {stopped:?}")),
    };
    Err(stopped)
}

/// What services are made from.
#[derive(Clone, Copy)]
struct Context<'a> {
    plan: &'a Plan,
    store: &'a Store,
    health: &'a Health,
    metrics: &'a Metrics,
    hooks: &'a Hooks,
    host: &'a Arc<Host>,
    client: &'a Arc<Client>,
    chains: &'a Chains,
}

type Tasks = JoinSet<Result<(), Failure>>;
/// Where transmissions of an account of a chain go.
type Senders = BTreeMap<(u64, Address), mpsc::Sender<Transmission>>;

async fn start_host(network: &Network, store: &Store) -> Result<Host, Failure> {
    let listen = network.listen.iter().map(ToString::to_string).collect();
    let config = HostConfig {
        announce: network.announce.clone(),
        generation: match network.generation {
            Generation::Old => p2p::Generation::Old,
            Generation::New => p2p::Generation::New,
        },
        dial_period: network.delta_dial,
        discovery: p2p::DiscoveryConfig { reconcile_period: network.delta_reconcile, ..Default::default() },
        ..HostConfig::new(Arc::new(network.key.clone()), listen, Arc::new(Announcements::new(store)))
    };
    Host::start(config).await.map_err(|error| match &error {
        StartError::NoListenAddress | StartError::Listen { .. } => BadInput::new(error.to_string())
            .at("P2P.V2.ListenAddresses")
            .remedy("stop what uses the address, or choose another one")
            .into(),
        StartError::Address { .. } | StartError::Announcement(_) => {
            BadInput::new(error.to_string()).at("P2P.V2.AnnounceAddresses").into()
        }
        StartError::Store(_) => Failure::failed(error),
    })
}

/// What passes between us and our peers is counted there; a scrape reads it.
fn watch_host(host: &Arc<Host>, plan: &Plan, metrics: &Metrics) {
    let network = metrics.network(&host.peer_id().to_string());
    let bootstrappers: BTreeSet<_> = plan.services.iter().flat_map(|s| &s.bootstrappers).map(|b| b.peer).collect();
    network.bootstrappers.set(i64::try_from(bootstrappers.len()).unwrap_or(i64::MAX));
    let host = Arc::downgrade(host);
    metrics.before_scrape(move || {
        if let Some(host) = host.upgrade() {
            network.read(&host);
        }
    });
}

/// Announcements of peers in the node's store.
#[derive(Debug)]
struct Announcements(store::KeyValue);

impl Announcements {
    fn new(store: &Store) -> Self {
        Announcements(store.key_value("p2p announcements"))
    }
}

impl AnnouncementStore for Announcements {
    fn load<'a>(&'a self, peers: &'a [PeerId]) -> p2p::Stored<'a, Vec<Vec<u8>>> {
        let read = || {
            let found: Result<Vec<_>, _> = peers.iter().map(|peer| self.0.get(peer.0)).collect();
            Ok(found?.into_iter().flatten().collect())
        };
        Box::pin(std::future::ready(read()))
    }

    fn save<'a>(&'a self, peer: PeerId, announcement: &'a [u8]) -> p2p::Stored<'a, ()> {
        let write = self.0.put(peer.0, announcement);
        Box::pin(async move { Ok(write.await?) })
    }
}

/// A machine that could not persist ends its service, and with it the node.
fn ended(name: &str, outcome: Result<(), CannotPersist>) -> Result<(), Failure> {
    outcome.map_err(|error| Failure::failed(format!("{name}: {error}")))
}

/// Follows the contract's configuration.
fn follow(service: &Service, context: Context<'_>, tasks: &mut Tasks) -> Result<Configs, Failure> {
    let space = context.store.space(format!("{} config", service.id));
    let records = space.load().map_err(Failure::failed)?;
    let mut tracker = evm_proto::tracker::Tracker::recover(chain::tracker_config(service), records);
    let name = service.name.clone();
    let (mut world, configs) =
        TrackerWorld::new(service, &context.chains[&service.chain.chain_id], space, context.metrics);
    tasks.spawn(async move { ended(&name, driver::run(&mut tracker, &mut world).await) });
    Ok(configs)
}

fn bootstrap(service: &Service, context: Context<'_>, tasks: &mut Tasks) -> Result<(), Failure> {
    let mut configs = follow(service, context, tasks)?;
    let (host, name, locators) = (context.host.clone(), service.name.clone(), service.bootstrappers.clone());
    let (health, check) = (context.health.clone(), format!("Job.{}.Bootstrap", service.name));
    health.passing(&check, Weight::Essential);
    tasks.spawn(async move {
        let mut group = None;
        while let Some(config) = next_config(&mut configs).await {
            let digest = config.config_digest;
            let registered = match peers_of(&config) {
                Ok(peers) => {
                    // The old group goes first: both may name the same peers.
                    drop(group.take());
                    let registered = host.register_bootstrap_group(digest.0, peers, locators.clone()).await;
                    registered.map_err(|error| error.to_string())
                }
                Err(error) => Err(error),
            };
            let refused = match registered {
                Ok(registered) => {
                    tracing::info!(service = name, %digest, "introducing the oracles of a configuration");
                    group = Some(registered);
                    None
                }
                Err(error) => {
                    tracing::error!(service = name, %digest, error, "cannot serve this configuration");
                    Some(format!("configuration {digest}: {error}"))
                }
            };
            telling::configured(&health, &name, refused);
        }
        Ok(())
    });
    Ok(())
}

/// Whom a configuration names.
fn peers_of(config: &ContractConfig) -> Result<Vec<PeerId>, String> {
    let config = PublicConfig::from_contract(config, ResourceChecks::Off).map_err(|error| error.to_string())?;
    let peers = config.oracles.iter().map(|(_, oracle)| oracle.peer_id.parse::<PeerId>());
    peers.collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())
}

fn committee_member(
    service: &Service,
    seat: &Oracle,
    context: Context<'_>,
    senders: &mut Senders,
    tasks: &mut Tasks,
) -> Result<(), Failure> {
    let Context { plan, store, health, metrics, hooks, host, client, chains } = context;
    let name = service.name.clone();
    // One key has one transaction manager, however many services use it: two would give the same nonces away.
    let from = Address::from(seat.keys.transmitter.address().0);
    let known = senders.get(&(service.chain.chain_id, from)).cloned();
    let (transmissions, sending) = match known {
        Some(transmissions) => (transmissions, None),
        None => {
            let (transmissions, sending) = mpsc::channel(chain::TRANSMISSIONS_MAX);
            senders.insert((service.chain.chain_id, from), transmissions.clone());
            (transmissions, Some(sending))
        }
    };
    let job_metrics = metrics.job(&service.id, &service.name);
    let endpoints = chains[&service.chain.chain_id].clone();
    let contract = Contract::new(service, endpoints, from, transmissions, job_metrics.clone());
    if let Some(sending) = sending {
        let space = store.space(format!("{} transactions {from}", service.chain.chain_id));
        let records = space.load().map_err(Failure::failed)?;
        let config = chain::sending_config(service, seat);
        let mut transactions =
            evm_proto::transactions::Transactions::recover(config, records).map_err(Failure::failed)?;
        let mut world = SendingWorld::new(service, seat, &contract, sending, space, metrics);
        let task_name = name.clone();
        tasks.spawn(async move { ended(&task_name, driver::run(&mut transactions, &mut world).await) });
    }

    // Only what people read needs it, so nothing waits for it.
    let asking = contract.clone();
    tasks.spawn(async move {
        asking.learn_decimals().await;
        std::future::pending().await
    });

    // The oracle.
    let observer = Observer::new(&service.id, &seat.source, &plan.pipeline, client.clone(), job_metrics.clone())
        .map_err(Failure::failed)?;
    let shared = Arc::new(Shared {
        name: name.clone(),
        keys: seat.keys.clone(),
        contract: contract.clone(),
        observer,
        host: host.clone(),
        health: health.clone(),
        bootstrappers: service.bootstrappers.clone(),
        buffers: (
            plan.network.incoming_message_buffer_size as usize,
            plan.network.outgoing_message_buffer_size as usize,
        ),
        metrics: metrics.clone(),
        job_metrics,
    });
    let space = store.space(format!("{} ocr2", service.id));
    let records: Vec<ocr2::Record> = space.load().map_err(Failure::failed)?;
    let make = maker(service, seat);
    let mut machine: liars::Oracle = match &hooks.liar {
        None => make(records),
        Some(Liar(liar)) => {
            tracing::warn!(oracle = name, "this oracle lies, as it was told to");
            liar(Box::new(make), records)
        }
    };
    let configs = follow(service, context, tasks)?;
    let mut world = OracleWorld::new(shared, configs, space, hooks.told.clone());
    let check = format!("Job.{name}.OCR2");
    health.passing(&check, Weight::Essential);
    let (task_name, task_health) = (name.clone(), health.clone());
    tasks.spawn(async move {
        let outcome = ended(&task_name, driver::run(&mut machine, &mut world).await);
        let trouble = Trouble {
            code: "stopped",
            output: format!("{outcome:?}"),
            hint: "make room on the disk, or repair it, and start the node again".into(),
        };
        task_health.failing(&check, Weight::Essential, trouble);
        outcome
    });
    Ok(())
}

/// Makes the oracle of a seat from what it remembers.
fn maker(service: &Service, seat: &Oracle) -> impl Fn(Vec<ocr2::Record>) -> liars::Oracle + Send + use<> {
    let keys = &seat.keys;
    let (identity, _) = keys.identity().member();
    let identity = Identity { identity, config_key: keys.config.clone() };
    let contract =
        ocr2::Contract { chain_id: service.chain.chain_id, address: ocr::Address(service.config_contract.0) };
    let local = LocalConfig {
        contract_timeout: service.times.blockchain_timeout,
        transmit_timeout: service.times.transmit_timeout,
        ..LocalConfig::default()
    };
    move |records| -> liars::Oracle {
        Box::new(Managed::recover(identity.clone(), contract, local, Box::new(MedianFactory), records))
    }
}
