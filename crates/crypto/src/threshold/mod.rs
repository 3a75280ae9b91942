//! Threshold signatures: a committee holds one key that nobody knows, and any t of its n oracles sign with it as one.
//!
//! In the order in which things happen: [`dkg`] draws the key without a dealer (or a [`dealer`] hands it out, where one is
//! trusted); a [`key::KeyShare`] is what an oracle keeps; a [`signer::Signer`] answers for its share; a
//! [`session::Session`] asks signers until t of them have answered well, whatever f others do; [`key::GroupKey::verify`]
//! is the rule of the signature, which the contract checks with one `ecrecover`.
//!
//! The scheme is FROST (RFC 9591) over secp256k1 with the challenge of [`key`] in place of the RFC's; the coordinator's
//! part follows ROAST (Ruffing, Ronge, Jin, Schneider-Bensch, Schröder 2022). Bytes and rules: spec/threshold.md.
//!
//! Everything here is a value. Not here: entropy (an RNG is handed in), clocks (the caller decides that a silent oracle
//! has been silent for too long), transport (the caller says from whom bytes came, keeps a share from all eyes but its
//! recipient's, and makes the committee agree on how a key generation ended), and what is signed and why.

pub mod dealer;
pub mod dkg;
pub mod key;
pub mod limits;
mod polynomial;
pub mod session;
pub mod signer;
mod suite;
mod wire;

pub use frost_secp256k1::rand_core::{CryptoRng, RngCore};
pub use wire::Malformed;

use core::{fmt, num::NonZeroU16};

/// Which share of the key: the point, from 1 to [`limits::SIGNERS_MAX`], at which the secret polynomial is evaluated.
/// Oracle i of a committee has index i + 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Index(NonZeroU16);

impl Index {
    /// The index with this number; `None` for zero and for more than [`limits::SIGNERS_MAX`].
    pub fn new(number: u16) -> Option<Self> {
        (number <= limits::SIGNERS_MAX).then(|| NonZeroU16::new(number).map(Self)).flatten()
    }

    /// The number, from 1.
    pub fn get(self) -> u16 {
        self.0.get()
    }
}

impl fmt::Display for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}
