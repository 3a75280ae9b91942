//! What must survive a restart: announcements, this host's own above all.

use p2p_proto::PeerId;
use std::collections::BTreeMap;
use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

/// A store's answer, in time.
pub type Stored<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Why a store cannot answer.
pub type StoreError = Box<dyn Error + Send + Sync>;

/// Keeps one announcement per peer, as opaque bytes.
pub trait AnnouncementStore: Send + Sync + 'static {
    /// The announcements of these peers, as far as there are any.
    fn load<'a>(&'a self, peers: &'a [PeerId]) -> Stored<'a, Vec<Vec<u8>>>;

    /// Keeps the announcement of a peer in place of an older one; resolves when it is durable. A host that cannot keep
    /// its own stops: it would forget which counter it has spoken with.
    fn save<'a>(&'a self, peer: PeerId, announcement: &'a [u8]) -> Stored<'a, ()>;
}

/// Keeps announcements as long as the process lives: enough for a host whose address never changes.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<BTreeMap<PeerId, Vec<u8>>>);

impl AnnouncementStore for MemoryStore {
    fn load<'a>(&'a self, peers: &'a [PeerId]) -> Stored<'a, Vec<Vec<u8>>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = peers.iter().filter_map(|peer| kept.get(peer).cloned()).collect();
        Box::pin(std::future::ready(Ok(found)))
    }

    fn save<'a>(&'a self, peer: PeerId, announcement: &'a [u8]) -> Stored<'a, ()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(peer, announcement.to_vec());
        Box::pin(std::future::ready(Ok(())))
    }
}
