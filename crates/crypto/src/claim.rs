//! Verification without waiting: what a message asks one to believe, as a value that any core may judge beforehand.

use alloc::vec::Vec;

use crate::{ed25519, secp256k1};

/// A signature of one key over one digest. Whether it holds is a pure function of the claim, so a pool, a cache and a
/// simulator give one and the same answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Claim {
    /// An Ed25519 signature over a 32-byte message (in OCR2 the SHA-256 digest of an observation).
    Ed25519 { key: ed25519::PublicKey, digest: [u8; 32], signature: [u8; ed25519::SIGNATURE_LEN] },
    /// A recoverable ECDSA signature whose signer must have this address.
    Secp256k1 { address: secp256k1::Address, digest: [u8; 32], signature: [u8; secp256k1::SIGNATURE_LEN] },
}

impl Claim {
    /// The claim that `signature` is `key`'s over `digest`; `None` if its length alone shows that it is not.
    pub fn ed25519(key: ed25519::PublicKey, digest: [u8; 32], signature: &[u8]) -> Option<Self> {
        Some(Self::Ed25519 { key, digest, signature: signature.try_into().ok()? })
    }

    /// The claim that `signature` is `address`'s over `digest`; `None` if its length alone shows that it is not.
    pub fn secp256k1(address: secp256k1::Address, digest: [u8; 32], signature: &[u8]) -> Option<Self> {
        Some(Self::Secp256k1 { address, digest, signature: signature.try_into().ok()? })
    }

    /// Checks the signature. Tens of microseconds.
    pub fn verdict(&self) -> bool {
        match self {
            Self::Ed25519 { key, digest, signature } => key.verify(digest, signature),
            Self::Secp256k1 { address, digest, signature } => secp256k1::recover(digest, signature) == Some(*address),
        }
    }
}

/// What the host brings to the judging of a message: verdicts it already has, and who judges the rest.
///
/// Verdicts are a hint that saves time and never changes an answer. The judge is [`Claim::verdict`] but in a simulation
/// whose signatures are keyed hashes: there it is the check of those.
#[derive(Clone, Debug)]
pub struct Verdicts {
    /// A list, because a message makes at most a few dozen claims.
    known: Vec<(Claim, bool)>,
    judge: fn(&Claim) -> bool,
}

impl Default for Verdicts {
    fn default() -> Self {
        Self::by(Claim::verdict)
    }
}

impl Verdicts {
    /// Nothing is known; signatures are what they seem.
    pub fn none() -> Self {
        Self::default()
    }

    /// Nothing is known, and `judge`, a pure function, decides.
    pub const fn by(judge: fn(&Claim) -> bool) -> Self {
        Self { known: Vec::new(), judge }
    }

    /// Checks every claim now.
    pub fn of(claims: impl IntoIterator<Item = Claim>) -> Self {
        claims.into_iter().map(|claim| (claim, claim.verdict())).collect()
    }

    /// Whether `claim` holds: looked up, else judged on the spot.
    pub fn holds(&self, claim: &Claim) -> bool {
        match self.known.iter().find(|(known, _)| known == claim) {
            Some((_, verdict)) => *verdict,
            None => (self.judge)(claim),
        }
    }
}

impl FromIterator<(Claim, bool)> for Verdicts {
    fn from_iter<I: IntoIterator<Item = (Claim, bool)>>(iter: I) -> Self {
        Self { known: iter.into_iter().collect(), ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim() -> Claim {
        let key = ed25519::SecretKey::from_seed(&[1; 32]);
        Claim::ed25519(key.public_key(), [2; 32], &key.sign(&[2; 32])).unwrap()
    }

    #[test]
    fn a_missing_verdict_is_computed() {
        assert!(Verdicts::none().holds(&claim()));
        assert!(Verdicts::of([claim()]).holds(&claim()));
    }

    #[test]
    fn a_known_verdict_is_taken_without_checking() {
        let verdicts: Verdicts = [(claim(), false)].into_iter().collect();
        assert!(!verdicts.holds(&claim()));
    }

    #[test]
    fn the_host_chooses_who_judges_what_is_not_known() {
        assert!(!Verdicts::by(|_| false).holds(&claim()));
        assert!(Verdicts::by(|claim| matches!(claim, Claim::Ed25519 { .. })).holds(&claim()));
    }

    #[test]
    fn a_signature_of_wrong_length_makes_no_claim() {
        let Claim::Ed25519 { key, digest, signature } = claim() else { unreachable!() };
        assert_eq!(Claim::ed25519(key, digest, &signature[..63]), None);
        assert_eq!(Claim::secp256k1(secp256k1::Address([0; 20]), digest, &signature), None);
    }
}
