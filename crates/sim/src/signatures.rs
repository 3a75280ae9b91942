//! Signatures as keyed hashes: in a simulated world nobody can compute another's, because nobody tries to. That buys
//! the factor of fifty between exploring worlds and waiting for curves. The chain's recovery precompile takes the same.

use crate::seat::Keys;
use alloy_primitives::{Address, B256};
use crypto::{Claim, Verdicts, ed25519, secp256k1};
use devchain::Recover;

/// What a signature is in a world.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scheme {
    /// A keyed hash.
    Keyed,
    /// Ed25519 and ECDSA, as in life.
    Real,
}

impl Scheme {
    /// Who judges claims.
    pub fn verdicts(self) -> Verdicts {
        match self {
            Scheme::Keyed => Verdicts::by(judge),
            Scheme::Real => Verdicts::none(),
        }
    }

    /// What the chain recovers.
    pub fn recover(self) -> Recover {
        match self {
            Scheme::Keyed => Recover::KeyedHash,
            Scheme::Real => Recover::Secp256k1,
        }
    }

    /// The oracle's signature under an observation.
    pub fn sign_offchain(self, keys: &Keys, digest: &[u8; 32]) -> [u8; 64] {
        match self {
            Scheme::Keyed => sign_offchain(&keys.offchain.public_key, digest),
            Scheme::Real => keys.offchain.secret.sign(digest),
        }
    }

    /// The oracle's signature under a report.
    pub fn sign_onchain(self, keys: &Keys, digest: &[u8; 32]) -> [u8; 65] {
        match self {
            Scheme::Keyed => sign_onchain(keys.onchain.address, digest),
            Scheme::Real => keys.onchain.secret.sign(digest),
        }
    }
}

/// The 64 bytes that stand for an Ed25519 signature of `digest` by the holder of `key`.
pub fn sign_offchain(key: &ed25519::PublicKey, digest: &[u8; 32]) -> [u8; 64] {
    let mut state = 0x243f_6a88_85a3_08d3_u64;
    for chunk in key.0.chunks(8).chain(digest.chunks(8)) {
        let word = u64::from_le_bytes(chunk.try_into().expect("keys and digests are 32 bytes"));
        state = (state ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        state ^= state >> 32;
    }
    let mut signature = [0; 64];
    for chunk in signature.chunks_mut(8) {
        state = state.wrapping_mul(0xd134_2543_de82_ef95).rotate_left(29) ^ 0x5851_f42d_4c95_7f2d;
        chunk.copy_from_slice(&state.to_le_bytes());
    }
    signature
}

/// The 65 bytes that stand for a recoverable ECDSA signature of `digest` by `address`, as the simulated chain checks it.
pub fn sign_onchain(address: secp256k1::Address, digest: &[u8; 32]) -> [u8; 65] {
    let (r, s) = devchain::keyed_signature(Address::from(address.0), B256::from(digest));
    let mut signature = [0; 65];
    signature[..32].copy_from_slice(r.as_slice());
    signature[32..64].copy_from_slice(s.as_slice());
    signature
}

/// Whether the claim holds among keyed hashes.
pub fn judge(claim: &Claim) -> bool {
    match claim {
        Claim::Ed25519 { key, digest, signature } => sign_offchain(key, digest) == *signature,
        Claim::Secp256k1 { address, digest, signature } => sign_onchain(*address, digest) == *signature,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyed_signature_is_good_for_its_key_and_digest_only() {
        let key = ed25519::PublicKey([1; 32]);
        let good = sign_offchain(&key, &[2; 32]);
        let claim = |key, digest, signature: [u8; 64]| Claim::ed25519(key, digest, &signature).unwrap();
        assert!(judge(&claim(key, [2; 32], good)));
        assert!(!judge(&claim(key, [3; 32], good)));
        assert!(!judge(&claim(ed25519::PublicKey([4; 32]), [2; 32], good)));
        let mut bent = good;
        bent[63] ^= 1;
        assert!(!judge(&claim(key, [2; 32], bent)));
    }

    #[test]
    fn an_onchain_signature_names_its_signer() {
        let claim = |address, digest| {
            Claim::secp256k1(address, digest, &sign_onchain(secp256k1::Address([7; 20]), &[2; 32])).unwrap()
        };
        assert!(judge(&claim(secp256k1::Address([7; 20]), [2; 32])));
        assert!(!judge(&claim(secp256k1::Address([8; 20]), [2; 32])));
        assert!(!judge(&claim(secp256k1::Address([7; 20]), [3; 32])));
    }
}
