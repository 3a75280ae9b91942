//! Ed25519 (RFC 8032, no prehash, no context), accepting exactly the signatures that Go's `crypto/ed25519` accepts.
//!
//! Where two oracles check one signature, a difference lets a liar split a committee. Go checks the equation without the
//! cofactor, compares R as bytes, refuses S ≥ L, and accepts public keys that are of small order or not canonically
//! encoded. dalek's `verify` does the same; `verify_strict` and batch verification do not (OCR2 spec 1.2).

use core::fmt;

use ed25519_dalek::{Signer as _, SigningKey, Verifier as _, VerifyingKey};
use zeroize::Zeroizing;

/// Bytes of a signature: R, then S.
pub const SIGNATURE_LEN: usize = 64;

/// A signing key; wiped on drop, never printed.
#[derive(Clone)]
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// The key with this RFC 8032 seed. Every seed is a key.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The seed, for whoever stores the key.
    pub fn to_seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// The public half.
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Signs `message` (deterministic).
    pub fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_LEN] {
        self.0.sign(message).to_bytes()
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ed25519::SecretKey(of {})", self.public_key())
    }
}

/// A public key as encoded, which need not be the encoding of a curve point: one that is not verifies nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey(pub [u8; 32]);

impl PublicKey {
    /// Whether `signature` is this key's over `message`, by Go's rules. A signature of another length than 64 is not.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        let Ok(signature) = ed25519_dalek::Signature::from_slice(signature) else { return false };
        VerifyingKey::from_bytes(&self.0).is_ok_and(|key| key.verify(message, &signature).is_ok())
    }
}

/// 64 lower-case hex digits.
impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SecretKey {
        SecretKey::from_seed(&core::array::from_fn(|i| i as u8 + 1))
    }

    #[test]
    fn signing_gives_the_signature_of_the_specification() {
        let digest = hex::decode("d10e21893b098095a59f03a24281fd65c901653bcf0a525f34f9330fd43c05f6").unwrap();
        assert_eq!(key().public_key().to_string(), "79b5562e8fe654f94078b112e8a98ba7901f853ae695bed7e0e3910bad049664");
        assert_eq!(
            hex::encode(key().sign(&digest)),
            "1f5032e8c16d22d3c97373bfb6f48ed7d3c022553114ebdbc0d6b3322b4fc9838751dc5f57500201da815ce8660e8d4fe21e9541b0207290fea1fc7680a9e305"
        );
    }

    #[test]
    fn a_signature_counts_for_its_message_and_length_only() {
        let signature = key().sign(b"yes");
        let public = key().public_key();
        assert!(public.verify(b"yes", &signature));
        assert!(!public.verify(b"no", &signature));
        assert!(!public.verify(b"yes", &signature[..63]));
        assert!(!public.verify(b"yes", &[&signature[..], &[0]].concat()));
        assert!(!public.verify(b"yes", &[]));
    }

    #[test]
    fn a_small_order_key_is_accepted_as_go_does() {
        // The identity as key, R = identity, S = 0: the equation holds for every message.
        let mut identity = [0; 32];
        identity[0] = 1;
        let mut signature = [0; 64];
        signature[0] = 1;
        assert!(PublicKey(identity).verify(b"anything", &signature));
    }

    #[test]
    fn debug_shows_no_seed() {
        let shown = std::format!("{:?}", key());
        assert!(shown.contains("79b5562e") && !shown.contains("01020304"), "{shown}");
    }

    use std::string::ToString as _;
}
