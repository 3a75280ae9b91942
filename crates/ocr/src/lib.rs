//! What all versions of Offchain Reporting share: the committee, the contract's configuration and its digest, the shared
//! secret, and what is drawn from it: the order of leaders and the schedule of transmissions.
//!
//! Not here: any message or rule of one version, and anything that one version alone uses.
#![no_std]
extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod committee;
pub mod config_digest;
pub mod contract_config;
pub mod evm_simple;
pub mod leader;
pub mod limits;
pub mod schedule;
pub mod shared_secret;

pub use committee::{Committee, CommitteeError, OracleId, OracleSet, PerOracle};
pub use config_digest::{ConfigDigest, ConfigDigestPrefix};
pub use contract_config::ContractConfig;
pub use crypto::{PeerId, secp256k1::Address};
pub use leader::LeaderSelectionKey;
pub use schedule::{Schedule, TransmissionOrderKey};
pub use shared_secret::{SharedSecret, SharedSecretEncryptions};
