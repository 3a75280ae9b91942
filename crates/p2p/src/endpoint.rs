//! What a protocol instance holds: its peers by position, messages out, messages in.

use crate::gossip::Told;
use crate::inbox::SharedInbox;
use crate::remote::Remote;
use crate::shared::Shared;
use bytes::Bytes;
use p2p_proto::{ConfigDigest, Outgoing, PeerId, StreamId};
use std::fmt;
use std::sync::Arc;
use tokio::sync::oneshot;

/// One protocol instance's streams to all its other oracles. Dropping it closes them.
pub struct Endpoint {
    pub(crate) shared: Arc<Shared>,
    /// Left after the streams are closed.
    pub(crate) membership: Membership,
    pub(crate) position: usize,
    /// By position; this host's own is empty.
    pub(crate) peers: Vec<Option<(Arc<Remote>, StreamId)>>,
    pub(crate) inbox: Arc<SharedInbox<usize>>,
}

/// Why a message is not sent to anybody.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SendError {
    #[error("peer {got} of {peers}")]
    NoSuchPeer { got: usize, peers: usize },
    #[error(transparent)]
    Refused(#[from] p2p_proto::SendError),
}

impl Endpoint {
    /// This host's own position among the peers.
    pub fn position(&self) -> usize {
        self.position
    }

    /// How many peers there are, this host included.
    pub fn peers(&self) -> usize {
        self.peers.len()
    }

    /// The name of the peer at a position, but for this host's own.
    pub fn peer(&self, position: usize) -> Option<PeerId> {
        Some(self.peers.get(position)?.as_ref()?.0.id)
    }

    /// Queues one message for each of these peers and never waits; where a queue is full, the oldest message goes. This
    /// host's own position is passed over. Returns how many queued messages were displaced.
    pub fn send(&self, to: impl IntoIterator<Item = usize>, payload: &Bytes) -> Result<usize, SendError> {
        let mut displaced = 0;
        for position in to {
            match self.peers.get(position) {
                Some(Some((remote, stream))) => match remote.send(*stream, Outgoing::from(payload.clone())) {
                    Ok(count) => {
                        self.shared.counters.sent_messages.one();
                        self.shared.counters.displaced_outgoing.add(count as u64);
                        displaced += count;
                    }
                    Err(error) => {
                        self.shared.counters.refused_send.one();
                        return Err(error.into());
                    }
                },
                Some(None) => {}
                None => return Err(SendError::NoSuchPeer { got: position, peers: self.peers.len() }),
            }
        }
        Ok(displaced)
    }

    /// The next message and the position of its sender; `None` once the host is closed. Dropping the future loses
    /// nothing. Senders take turns.
    pub async fn receive(&self) -> Option<(usize, Bytes)> {
        self.inbox.pop().await
    }

    /// The next message, if one is there.
    pub fn try_receive(&self) -> Option<(usize, Bytes)> {
        self.inbox.try_pop()
    }

    /// Whether there is a connection to the peer at a position; `true` for this host's own.
    pub fn is_connected(&self, position: usize) -> bool {
        match self.peers.get(position) {
            Some(Some((remote, _))) => *remote.up.borrow(),
            Some(None) => true,
            None => false,
        }
    }

    /// Whether messages flow to it: both sides have this endpoint's stream open and know it.
    pub fn is_open(&self, position: usize) -> bool {
        match self.peers.get(position) {
            Some(Some((remote, stream))) => remote.is_enabled(*stream),
            Some(None) => true,
            None => false,
        }
    }

    /// Closes the streams and leaves the group; then the digest may be used again.
    pub async fn close(mut self) {
        self.close_streams();
        self.membership.leave().await;
    }

    fn close_streams(&mut self) {
        self.inbox.close();
        for (remote, stream) in self.peers.drain(..).flatten() {
            self.shared.close(&remote, stream);
        }
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.close_streams();
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("position", &self.position).field("peers", &self.peers.len()).finish()
    }
}

/// A group that this host introduces to each other without being in it. Dropping it leaves the group.
pub struct BootstrapGroup(pub(crate) Membership);

impl BootstrapGroup {
    /// Leaves the group; then the digest may be used again.
    pub async fn close(mut self) {
        self.0.leave().await;
    }
}

impl fmt::Debug for BootstrapGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BootstrapGroup").field("digest", &self.0.digest).finish()
    }
}

/// Keeps this host in a group. It is the answer to joining, so that whoever gives up asking, at whatever moment, is not in.
#[derive(Debug)]
pub(crate) struct Membership {
    shared: Arc<Shared>,
    /// `None` once the group is left.
    digest: Option<ConfigDigest>,
}

impl Membership {
    pub fn new(shared: Arc<Shared>, digest: ConfigDigest) -> Self {
        Self { shared, digest: Some(digest) }
    }

    /// Lets go without leaving, where discovery itself removes the group.
    pub fn forget(mut self) {
        self.digest = None;
    }

    /// Leaves, and waits until the digest may be used again.
    pub async fn leave(&mut self) {
        let Some(digest) = self.digest.take() else { return };
        let (answer, left) = oneshot::channel();
        if self.shared.ask_discovery(Told::Leave { digest, answer: Some(answer) }).await {
            // A host that ends in the meantime has no groups any more.
            let _ = left.await;
        }
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        if let Some(digest) = self.digest.take() {
            self.shared.leave(digest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::DISCOVERY_EVENTS_MAX;
    use p2p_proto::{Keyring, ReceiveRules};
    use std::time::Duration;

    #[tokio::test]
    async fn a_group_is_left_however_many_discovery_events_wait() {
        // One that stays could never be joined again in this life of the host.
        let keyring = Arc::new(crypto::ed25519::SecretKey::from_seed(&[1; 32]));
        let (peer, digest) = (keyring.peer_id(), [7; 32]);
        let (shared, mut ends) = Shared::new(keyring, ReceiveRules::default(), Duration::from_secs(1), 2);
        for _ in 0..DISCOVERY_EVENTS_MAX {
            shared.tell_discovery(Told::Enabled(peer));
        }
        drop(BootstrapGroup(Membership::new(shared.clone(), digest)));
        for _ in 0..DISCOVERY_EVENTS_MAX {
            assert!(matches!(ends.discovery.recv().await, Some(Told::Enabled(_))));
            tokio::task::yield_now().await;
        }
        assert!(matches!(ends.discovery.try_recv(), Ok(Told::Leave { digest: left, .. }) if left == digest));
    }
}
