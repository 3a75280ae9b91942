//! Keys, signatures, sealed secrets and hashes: every primitive the protocols name, and every domain tag in one file.
//!
//! Not here: entropy (seeds and scalars are passed in), the protocols that say what is signed, and the storage of keys.
#![no_std]
extern crate alloc;
#[cfg(any(test, feature = "libsecp256k1"))]
extern crate std;

pub mod aes;
pub mod claim;
pub mod domain;
pub mod ed25519;
pub mod hash;
pub mod peer_id;
pub mod secp256k1;
pub mod threshold;
pub mod x25519;

pub use claim::{Claim, Verdicts};
pub use hash::{Keccak256, Sha256, keccak256, sha256};
pub use peer_id::PeerId;
pub use zeroize::{Zeroize, Zeroizing};
