//! Drives discovery: one task that hears what peers and endpoints say, and does what must be done, in order.

use crate::endpoint::Membership;
use crate::host::Stopped;
use crate::limits::SAVE_AFTER;
use crate::remote::{Remote, Sink};
use crate::shared::{ReachError, Shared};
use crate::store::{AnnouncementStore, StoreError};
use bytes::Bytes;
use p2p_proto::Mono;
use p2p_proto::announcement::AnnouncementError;
use p2p_proto::discovery::{Discovery, DiscoveryConfig, Effect, Group, GroupError};
use p2p_proto::{ConfigDigest, PeerId, StreamId};
use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep_until;

/// What the task is told.
#[derive(Debug)]
pub(crate) enum Told {
    /// Messages flow to this peer.
    Enabled(PeerId),
    /// They do no longer.
    Disabled(PeerId),
    Join {
        digest: ConfigDigest,
        group: Group,
        answer: oneshot::Sender<Result<Membership, JoinError>>,
    },
    Leave {
        digest: ConfigDigest,
        answer: Option<oneshot::Sender<()>>,
    },
    /// Store what is not stored yet.
    Save {
        answer: oneshot::Sender<()>,
    },
}

/// Why a group cannot be joined.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    #[error(transparent)]
    Group(#[from] GroupError),
    #[error("cannot load announcements: {0}")]
    Store(StoreError),
    #[error(transparent)]
    Reach(#[from] ReachError),
}

pub(crate) struct Gossip {
    shared: Arc<Shared>,
    store: Arc<dyn AnnouncementStore>,
    config: DiscoveryConfig,
    discovery: Discovery,
    /// The discovery streams that are open.
    streams: BTreeMap<PeerId, (Arc<Remote>, StreamId)>,
    /// Peers whose announcement is newer than the stored one, and when to store them.
    unsaved: BTreeSet<PeerId>,
    save_at: Option<Mono>,
}

impl Gossip {
    /// Loads what this host has last said of itself, and makes a new announcement durable if that no longer holds.
    pub async fn start(
        shared: Arc<Shared>,
        store: Arc<dyn AnnouncementStore>,
        config: DiscoveryConfig,
        own_addresses: Vec<String>,
    ) -> Result<Self, GossipError> {
        let stored = store.load(&[shared.me]).await.map_err(GossipError::Store)?;
        let mut effects = Vec::new();
        let stored = stored.first().map(Vec::as_slice);
        let discovery = Discovery::new(shared.keyring.clone(), own_addresses, config, stored, &mut effects)?;
        for effect in effects {
            if let Effect::Persist { peer, announcement } = effect {
                store.save(peer, &announcement).await.map_err(GossipError::Store)?;
            }
        }
        let (streams, unsaved) = (BTreeMap::new(), BTreeSet::new());
        Ok(Self { shared, store, config, discovery, streams, unsaved, save_at: None })
    }

    pub async fn run(mut self, mut told: mpsc::Receiver<Told>) {
        loop {
            let now = self.shared.now();
            let wake_at = self.discovery.deadline(now).into_iter().chain(self.save_at).min();
            let wake_at = wake_at.map(|at| self.shared.instant(at));
            let mut effects = Vec::new();
            let mut refused = Vec::new();
            tokio::select! {
                told = told.recv() => match told {
                    Some(told) => self.on_told(told, &mut effects, &mut refused).await,
                    None => return,
                },
                message = self.shared.discovery_inbox.pop() => match message {
                    Some((from, bytes)) => {
                        self.discovery.on_message(self.shared.now(), from, &bytes, &mut effects, &mut refused);
                    }
                    None => return,
                },
                () = async { match wake_at { Some(at) => sleep_until(at).await, None => pending().await } } => {
                    self.discovery.on_deadline(self.shared.now(), &mut effects);
                }
            }
            self.shared.counters.refused_announcements.add(refused.len() as u64);
            for error in refused {
                tracing::debug!(%error, "announcement refused");
            }
            self.apply_all(effects).await;
            if self.save_at.is_some_and(|at| at <= self.shared.now()) {
                self.save().await;
            }
            let (oracles, discovered) = self.discovery.oracles();
            self.shared.counters.oracles.set(oracles as u64);
            self.shared.counters.oracles_discovered.set(discovered as u64);
        }
    }

    async fn on_told(&mut self, told: Told, effects: &mut Vec<Effect>, refused: &mut Vec<AnnouncementError>) {
        match told {
            Told::Enabled(peer) => self.discovery.on_enabled(self.shared.now(), peer),
            Told::Disabled(peer) => self.discovery.on_disabled(peer),
            Told::Join { digest, group, answer } => {
                let joined = self.join(digest, group, refused).await;
                let joined = joined.map(|()| Membership::new(self.shared.clone(), digest));
                // Whoever asked may have given up. The group is left at once: who asks next may wait for its digest.
                if let Err(Ok(membership)) = answer.send(joined) {
                    membership.forget();
                    self.discovery.remove_group(&digest, effects);
                }
            }
            Told::Leave { digest, answer } => {
                self.discovery.remove_group(&digest, effects);
                self.apply_all(std::mem::take(effects)).await;
                if let Some(answer) = answer {
                    let _ = answer.send(());
                }
            }
            Told::Save { answer } => {
                self.save().await;
                let _ = answer.send(());
            }
        }
    }

    async fn join(
        &mut self,
        digest: ConfigDigest,
        group: Group,
        refused: &mut Vec<AnnouncementError>,
    ) -> Result<(), JoinError> {
        let oracles: Vec<PeerId> = group.oracles.iter().copied().collect();
        let stored = self.store.load(&oracles).await.map_err(JoinError::Store)?;
        let mut effects = Vec::new();
        self.discovery.add_group(self.shared.now(), digest, group, stored, &mut effects, refused)?;
        if let Err(error) = self.apply(effects).await {
            let mut effects = Vec::new();
            self.discovery.remove_group(&digest, &mut effects);
            self.apply_all(effects).await;
            return Err(error.into());
        }
        Ok(())
    }

    /// As [`Self::apply`], where no stream is opened.
    async fn apply_all(&mut self, effects: Vec<Effect>) {
        if let Err(error) = self.apply(effects).await {
            tracing::warn!(%error, "a discovery stream is not open");
        }
    }

    /// Does what discovery has decided, in its order. An error is the last one of opening a stream; all else goes on.
    async fn apply(&mut self, effects: Vec<Effect>) -> Result<(), ReachError> {
        let mut outcome = Ok(());
        for effect in effects {
            match effect {
                Effect::Persist { peer, announcement } => match self.store.save(peer, &announcement).await {
                    Ok(()) => {
                        self.unsaved.remove(&peer);
                    }
                    Err(error) if peer == self.shared.me => {
                        tracing::error!(%error, "cannot store this host's own announcement");
                        self.shared.stop(Stopped::Store(Arc::new(error)));
                        return outcome;
                    }
                    Err(error) => self.on_store_failure(&error),
                },
                Effect::Open(peer) => match self.shared.open(peer, self.config.stream(), Sink::Discovery) {
                    Ok(opened) => {
                        self.streams.insert(peer, opened);
                    }
                    Err(error) => outcome = Err(error),
                },
                Effect::Close(peer) => {
                    if let Some((remote, stream)) = self.streams.remove(&peer) {
                        self.shared.close(&remote, stream);
                    }
                }
                Effect::Send { to, message } => self.send(to, message),
                Effect::Addresses(peer) => {
                    self.on_addresses(peer);
                    if self.discovery.announcement(peer).is_some() {
                        self.unsaved.insert(peer);
                        self.save_at.get_or_insert(self.shared.now() + SAVE_AFTER);
                    }
                }
            }
        }
        outcome
    }

    fn send(&self, to: PeerId, message: Bytes) {
        let Some((remote, stream)) = self.streams.get(&to) else { return };
        match remote.send(*stream, message.into()) {
            Ok(displaced) => self.shared.counters.displaced_outgoing.add(displaced as u64),
            Err(error) => {
                self.shared.counters.refused_send.one();
                tracing::warn!(peer = %to, %error, "discovery message not sent");
            }
        }
    }

    fn on_addresses(&self, peer: PeerId) {
        let Some((remote, _)) = self.streams.get(&peer) else { return };
        let addresses: Arc<[String]> = self.discovery.addresses(peer).into();
        remote.addresses.send_if_modified(|known| {
            let changed = *known != addresses;
            *known = addresses;
            changed
        });
    }

    /// Stores what has been learned.
    async fn save(&mut self) {
        self.save_at = None;
        for peer in std::mem::take(&mut self.unsaved) {
            let Some(announcement) = self.discovery.announcement(peer) else { continue };
            if let Err(error) = self.store.save(peer, &announcement.encode()).await {
                self.on_store_failure(&error);
                self.unsaved.insert(peer);
                self.save_at = Some(self.shared.now() + SAVE_AFTER);
            }
        }
    }

    fn on_store_failure(&self, error: &StoreError) {
        self.shared.counters.store_failures.one();
        tracing::warn!(%error, "cannot store an announcement");
    }
}

/// Why discovery cannot start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GossipError {
    #[error("cannot announce this host: {0}")]
    Announcement(#[from] AnnouncementError),
    #[error("cannot load or store this host's announcement: {0}")]
    Store(StoreError),
}
