//! A host: one key, its listeners, and everything that it keeps connected.

use crate::counters::{Counters, PeerCounters};
use crate::endpoint::{BootstrapGroup, Endpoint, Membership};
use crate::gate::{Gate, GateLimits};
use crate::gossip::{Gossip, GossipError, JoinError, Told};
use crate::inbox::SharedInbox;
use crate::remote::{Remote, Sink};
use crate::shared::{ReachError, Shared};
use crate::store::{AnnouncementStore, StoreError};
use p2p_proto::address::{self, AddressError, Locator};
use p2p_proto::announcement::AnnouncementError;
use p2p_proto::discovery::{DiscoveryConfig, Group};
use p2p_proto::{
    ConfigDigest, EndpointConfig, EndpointError, Generation, Keyring, Overdraft, PeerId, ReceiveRules, StreamError,
};
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{broadcast, mpsc, oneshot};

/// What a host is started with.
#[derive(Clone)]
pub struct HostConfig {
    pub keyring: Arc<dyn Keyring>,
    /// `ip:port` or `name:port`, at least one. Port 0: any free one.
    pub listen: Vec<String>,
    /// Literal `ip:port`; empty: what is listened on. An unspecified address stands for all of this machine's.
    pub announce: Vec<String>,
    /// How strictly this host receives. What it sends suits peers of both generations.
    pub generation: Generation,
    /// How often a peer that cannot be reached is dialed in the long run.
    pub dial_period: Duration,
    pub discovery: DiscoveryConfig,
    pub gate: GateLimits,
    pub store: Arc<dyn AnnouncementStore>,
}

impl HostConfig {
    /// The usual settings: what reference nodes use by default.
    pub fn new(keyring: Arc<dyn Keyring>, listen: Vec<String>, store: Arc<dyn AnnouncementStore>) -> Self {
        Self {
            keyring,
            listen,
            announce: Vec::new(),
            generation: Generation::Old,
            dial_period: Duration::from_secs(15),
            discovery: DiscoveryConfig::default(),
            gate: GateLimits::default(),
            store,
        }
    }
}

impl fmt::Debug for HostConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostConfig")
            .field("keyring", &self.keyring)
            .field("listen", &self.listen)
            .field("announce", &self.announce)
            .field("generation", &self.generation)
            .field("dial_period", &self.dial_period)
            .field("discovery", &self.discovery)
            .field("gate", &self.gate)
            .finish_non_exhaustive()
    }
}

/// Why a host cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("no address to listen on")]
    NoListenAddress,
    #[error("cannot listen on {address}: {source}")]
    Listen { address: String, source: io::Error },
    #[error("cannot announce {address}: {source}")]
    Address { address: String, source: AddressError },
    #[error("cannot announce this host: {0}")]
    Announcement(#[from] AnnouncementError),
    #[error("cannot load or store this host's announcement: {0}")]
    Store(StoreError),
}

/// Why an endpoint or group cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    #[error(transparent)]
    Stream(#[from] StreamError),
    #[error(transparent)]
    Reach(#[from] ReachError),
    #[error(transparent)]
    Join(#[from] JoinError),
}

/// Why a host has stopped.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Stopped {
    #[error("closed")]
    Closed,
    /// Its own announcement could not be made durable, so it must not speak on.
    #[error("cannot store this host's own announcement: {0}")]
    Store(Arc<StoreError>),
}

/// A peer has been connected, or is no longer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PeerEvent {
    pub peer: PeerId,
    pub connected: bool,
}

/// What is known of one peer.
#[derive(Clone, Debug)]
pub struct PeerStatus {
    pub peer: PeerId,
    pub connected: bool,
    /// Where it may be dialed.
    pub addresses: Arc<[String]>,
    remote: Arc<Remote>,
}

impl PeerStatus {
    /// Counted since the peer became known.
    pub fn counters(&self) -> &PeerCounters {
        &self.remote.counters
    }
}

/// A running host. Dropping it stops it; [`Host::close`] waits until it has stopped.
pub struct Host {
    shared: Arc<Shared>,
    listen: Vec<SocketAddr>,
    announce: Vec<String>,
    all_gone: mpsc::Receiver<()>,
}

impl Host {
    /// Listens, and begins to keep what will be opened connected.
    pub async fn start(config: HostConfig) -> Result<Self, StartError> {
        let mut listeners = Vec::new();
        for address in &config.listen {
            let failed = |source| StartError::Listen { address: address.clone(), source };
            let listener = TcpListener::bind(address).await.map_err(failed)?;
            listeners.push((listener.local_addr().map_err(failed)?, listener));
        }
        if listeners.is_empty() {
            return Err(StartError::NoListenAddress);
        }
        let listen: Vec<SocketAddr> = listeners.iter().map(|(address, _)| *address).collect();
        let announce = own_addresses(&config.announce, &listen)?;

        let rules = ReceiveRules { generation: config.generation, overdraft: Overdraft::Keeps };
        let discovery_messages_max = config.discovery.stream().incoming_messages_max;
        let (shared, ends) = Shared::new(config.keyring, rules, config.dial_period, discovery_messages_max);
        let gossip = Gossip::start(shared.clone(), config.store, config.discovery, announce.clone()).await?;
        shared.spawn_until_stopped(gossip.run(ends.discovery));
        let gate = Gate::new(config.gate);
        for (_, listener) in listeners {
            shared.spawn_until_stopped(crate::listen::accept(shared.clone(), listener, gate.clone()));
        }
        tracing::info!(peer = %shared.me, ?listen, ?announce, "listening");
        Ok(Self { shared, listen, announce, all_gone: ends.alive })
    }

    pub fn peer_id(&self) -> PeerId {
        self.shared.me
    }

    /// Where this host listens, with the ports it was given.
    pub fn listen_addresses(&self) -> &[SocketAddr] {
        &self.listen
    }

    /// Where it says that it listens.
    pub fn announced_addresses(&self) -> &[String] {
        &self.announce
    }

    pub fn counters(&self) -> &Arc<Counters> {
        &self.shared.counters
    }

    /// Everyone in a group of this host.
    pub fn peers(&self) -> Vec<PeerStatus> {
        let status = |remote: &Arc<Remote>| PeerStatus {
            peer: remote.id,
            connected: *remote.up.borrow(),
            addresses: remote.addresses.borrow().clone(),
            remote: remote.clone(),
        };
        self.shared.remotes().iter().map(status).collect()
    }

    /// Connections as they come and go from now on.
    pub fn peer_events(&self) -> broadcast::Receiver<PeerEvent> {
        self.shared.peer_events()
    }

    /// Opens a protocol instance's streams to all its other oracles. Its digest must not be open here already.
    pub async fn open(&self, config: EndpointConfig) -> Result<Endpoint, OpenError> {
        let shared = &self.shared;
        let position = config.position(shared.me)?;
        let stream = config.stream();
        // Before anything is joined: a stream that cannot be must not leave a trace.
        for peer in config.peers.iter().filter(|peer| **peer != shared.me) {
            stream.check(shared.me, *peer)?;
        }
        let membership = self.join(config.digest, config.group()).await?;
        // Each sender may fill its part up to what a burst within its limits brings.
        let bytes_max = config.limits.bytes_capacity.max(config.limits.message_bytes_max) as usize;
        let inbox = Arc::new(SharedInbox::new(config.incoming_messages_max, bytes_max));
        let peers = Vec::with_capacity(config.peers.len());
        // From here on dropping the endpoint undoes everything.
        let mut endpoint = Endpoint { shared: shared.clone(), membership, position, peers, inbox: inbox.clone() };
        for (position, peer) in config.peers.iter().enumerate() {
            endpoint.peers.push(if *peer == shared.me {
                None
            } else {
                let sink = Sink::Endpoint { inbox: inbox.clone(), position };
                Some(shared.open(*peer, stream.clone(), sink)?)
            });
        }
        shared.end_with_host(&inbox);
        Ok(endpoint)
    }

    /// Introduces the oracles of a group to each other, without being one of them.
    pub async fn register_bootstrap_group(
        &self,
        digest: ConfigDigest,
        oracles: impl IntoIterator<Item = PeerId>,
        bootstrappers: Vec<Locator>,
    ) -> Result<BootstrapGroup, OpenError> {
        self.join(digest, Group { oracles: oracles.into_iter().collect(), bootstrappers }).await.map(BootstrapGroup)
    }

    async fn join(&self, digest: ConfigDigest, group: Group) -> Result<Membership, OpenError> {
        let (answer, joined) = oneshot::channel();
        if !self.shared.ask_discovery(Told::Join { digest, group, answer }).await {
            return Err(ReachError::Closed.into());
        }
        Ok(joined.await.map_err(|_| ReachError::Closed)??)
    }

    /// Waits until the host stops by itself, and says why.
    pub async fn stopped(&self) -> Stopped {
        self.shared.stopped().await
    }

    /// Stores what was learned, ends all connections in good order, and waits until nothing runs any more.
    pub async fn close(mut self) {
        let (answer, saved) = oneshot::channel();
        if self.shared.ask_discovery(Told::Save { answer }).await {
            let _ = saved.await;
        }
        self.shared.stop(Stopped::Closed);
        while self.all_gone.recv().await.is_some() {}
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.shared.stop(Stopped::Closed);
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("peer", &self.shared.me).field("listen", &self.listen).finish()
    }
}

impl From<GossipError> for StartError {
    fn from(error: GossipError) -> Self {
        match error {
            GossipError::Announcement(error) => StartError::Announcement(error),
            GossipError::Store(error) => StartError::Store(error),
        }
    }
}

/// What to announce: as configured, else what is listened on.
fn own_addresses(configured: &[String], listen: &[SocketAddr]) -> Result<Vec<String>, StartError> {
    let listening: Vec<String>;
    let configured = if configured.is_empty() {
        listening = listen.iter().map(ToString::to_string).collect();
        &listening
    } else {
        configured
    };
    let interfaces: Option<Vec<IpAddr>> =
        if_addrs::get_if_addrs().ok().map(|all| all.into_iter().map(|interface| interface.ip()).collect());
    address::own(configured, interfaces.as_deref())
        .map_err(|source| StartError::Address { address: configured.join(", "), source })
}
