//! The one key of a host.

use crate::PeerId;
use core::fmt::Debug;
use crypto::ed25519::SecretKey;

/// Signs with a host's Ed25519 key, wherever it lives. Called inside TLS handshakes, so it must answer within milliseconds.
pub trait Keyring: Send + Sync + Debug {
    /// The public half.
    fn peer_id(&self) -> PeerId;

    /// A plain Ed25519 signature of `message` (RFC 8032, no prehash, no context).
    fn sign(&self, message: &[u8]) -> [u8; 64];
}

impl Keyring for SecretKey {
    fn peer_id(&self) -> PeerId {
        self.public_key().into()
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        SecretKey::sign(self, message)
    }
}
