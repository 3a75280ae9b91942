//! What all tasks of a host share.

use crate::counters::Counters;
use crate::gossip::Told;
use crate::host::{PeerEvent, Stopped};
use crate::inbox::SharedInbox;
use crate::limits::{DISCOVERY_EVENTS_MAX, PEER_EVENTS_MAX};
use crate::remote::{Remote, Sink};
use crate::tls::Identity;
use p2p_proto::Mono;
use p2p_proto::limits::PEERS_MAX;
use p2p_proto::links::LinkId;
use p2p_proto::{ConfigDigest, Keyring, PeerId, ReceiveRules, StreamConfig, StreamError, StreamId};
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::Instant;

#[derive(Debug)]
pub(crate) struct Shared {
    pub me: PeerId,
    pub keyring: Arc<dyn Keyring>,
    pub identity: Identity,
    pub rules: ReceiveRules,
    pub dial_period: Duration,
    pub counters: Arc<Counters>,
    /// Discovery messages of all peers.
    pub discovery_inbox: SharedInbox<PeerId>,
    discovery: mpsc::Sender<Told>,
    peer_events: broadcast::Sender<PeerEvent>,
    peers: Mutex<BTreeMap<PeerId, Arc<Remote>>>,
    /// What ends for its reader when the host does.
    inboxes: Mutex<Vec<Weak<SharedInbox<usize>>>>,
    stopped: watch::Sender<Option<Stopped>>,
    /// Every task holds a clone; when all are gone, so are the tasks. `None` once the host is closing.
    alive: Mutex<Option<mpsc::Sender<()>>>,
    links: AtomicU64,
    origin: Instant,
}

/// Why a peer cannot be reached.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum ReachError {
    #[error("{PEERS_MAX} peers are known already")]
    TooManyPeers,
    #[error(transparent)]
    Stream(#[from] StreamError),
    #[error("the host is closed")]
    Closed,
}

/// The ends that the host keeps of what tasks are told through.
pub(crate) struct Ends {
    pub discovery: mpsc::Receiver<Told>,
    pub alive: mpsc::Receiver<()>,
}

impl Shared {
    pub fn new(
        keyring: Arc<dyn Keyring>,
        rules: ReceiveRules,
        dial_period: Duration,
        discovery_messages_max: usize,
    ) -> (Arc<Self>, Ends) {
        let (discovery, told) = mpsc::channel(DISCOVERY_EVENTS_MAX);
        let (alive, all_gone) = mpsc::channel(1);
        let shared = Self {
            me: keyring.peer_id(),
            identity: Identity::new(keyring.clone()),
            keyring,
            rules,
            dial_period,
            counters: Arc::default(),
            discovery_inbox: SharedInbox::new(discovery_messages_max, usize::MAX),
            discovery,
            peer_events: broadcast::Sender::new(PEER_EVENTS_MAX),
            peers: Mutex::default(),
            inboxes: Mutex::default(),
            stopped: watch::Sender::new(None),
            alive: Mutex::new(Some(alive)),
            links: AtomicU64::new(0),
            origin: Instant::now(),
        };
        (Arc::new(shared), Ends { discovery: told, alive: all_gone })
    }

    pub fn now(&self) -> Mono {
        Mono(u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    /// The runtime's name for an instant.
    pub fn instant(&self, at: Mono) -> Instant {
        // A deadline beyond the runtime's clock is as good as in a century.
        let century = Duration::from_secs(100 * 365 * 24 * 3600);
        self.origin + Duration::from_nanos(at.0).min(century)
    }

    pub fn next_link(&self) -> LinkId {
        self.links.fetch_add(1, Relaxed)
    }

    /// Runs a task that the end of the host waits for.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> Option<AbortHandle> {
        let alive = self.alive.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        let running = tokio::spawn(async move {
            task.await;
            drop(alive);
        });
        Some(running.abort_handle())
    }

    /// Runs a task that the end of the host cuts off.
    pub fn spawn_until_stopped(&self, task: impl Future<Output = ()> + Send + 'static) -> Option<AbortHandle> {
        let mut stopped = self.stopped.subscribe();
        self.spawn(async move {
            tokio::select! {
                _ = stopped.wait_for(Option::is_some) => {}
                () = task => {}
            }
        })
    }

    pub fn remote(&self, peer: PeerId) -> Option<Arc<Remote>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner).get(&peer).cloned()
    }

    pub fn remotes(&self) -> Vec<Arc<Remote>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Opens a stream to a peer, who becomes known with the first.
    pub fn open(
        self: &Arc<Self>,
        peer: PeerId,
        config: StreamConfig,
        sink: Sink,
    ) -> Result<(Arc<Remote>, StreamId), ReachError> {
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(remote) = peers.get(&peer) {
            let stream = remote.open(self, config, sink)?;
            return Ok((remote.clone(), stream));
        }
        if peers.len() == PEERS_MAX {
            return Err(ReachError::TooManyPeers);
        }
        let remote = Arc::new(Remote::new(self, peer));
        let stream = remote.open(self, config, sink)?;
        let dialer = self.spawn_until_stopped(crate::dial::keep_connected(self.clone(), remote.clone()));
        remote.set_dialer(dialer.ok_or(ReachError::Closed)?);
        peers.insert(peer, remote.clone());
        Ok((remote, stream))
    }

    /// Closes a stream; with the last the peer becomes unknown.
    pub fn close(&self, remote: &Remote, stream: StreamId) {
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        if remote.close(self, stream) {
            peers.remove(&remote.id);
        }
    }

    pub fn tell_discovery(&self, told: Told) {
        if self.discovery.try_send(told).is_err() {
            self.counters.displaced_discovery.one();
        }
    }

    /// Has discovery leave a group, however busy it is: one that it does not leave could never be joined again.
    pub fn leave(&self, digest: ConfigDigest) {
        let told = Told::Leave { digest, answer: None };
        // Outside of a runtime the host is coming down, and its groups with it.
        if let Err(mpsc::error::TrySendError::Full(told)) = self.discovery.try_send(told)
            && Handle::try_current().is_ok()
        {
            let discovery = self.discovery.clone();
            self.spawn_until_stopped(async move {
                let _ = discovery.send(told).await;
            });
        }
    }

    /// Asks discovery for something, however busy it is; `false`: it is gone.
    pub async fn ask_discovery(&self, told: Told) -> bool {
        self.discovery.send(told).await.is_ok()
    }

    pub fn tell_peer_event(&self, peer: PeerId, connected: bool) {
        // Nobody has to listen.
        let _ = self.peer_events.send(PeerEvent { peer, connected });
    }

    pub fn peer_events(&self) -> broadcast::Receiver<PeerEvent> {
        self.peer_events.subscribe()
    }

    /// Has the inbox closed when the host stops.
    pub fn end_with_host(&self, inbox: &Arc<SharedInbox<usize>>) {
        let mut inboxes = self.inboxes.lock().unwrap_or_else(PoisonError::into_inner);
        inboxes.retain(|inbox| inbox.strong_count() > 0);
        inboxes.push(Arc::downgrade(inbox));
        if self.stopped.borrow().is_some() {
            inbox.close();
        }
    }

    /// Waits for the end of the host.
    pub async fn stopped(&self) -> Stopped {
        let mut stopped = self.stopped.subscribe();
        let why = stopped.wait_for(Option::is_some).await.ok().and_then(|why| why.clone());
        why.unwrap_or(Stopped::Closed)
    }

    /// Ends everything that runs; the first reason counts.
    pub fn stop(&self, why: Stopped) {
        self.stopped.send_if_modified(|stopped| {
            let first = stopped.is_none();
            stopped.get_or_insert(why);
            first
        });
        self.alive.lock().unwrap_or_else(PoisonError::into_inner).take();
        for remote in self.remotes() {
            remote.shut_down();
        }
        for inbox in self.inboxes.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            if let Some(inbox) = inbox.upgrade() {
                inbox.close();
            }
        }
    }
}
