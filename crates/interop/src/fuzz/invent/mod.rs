//! Questions made from nothing: valid ones, and those at the edges that changes to valid ones hardly reach.

mod config;
mod median;
mod message;
mod peers;
mod script;
mod signatures;

pub use config::{leaders, offchain_config, offchain_config_oracle, schedule, shared_secret};
pub use median::{
    median_decode, median_deviates, median_observation, median_onchain_config, median_order, median_report,
    median_value,
};
pub use message::message;
pub use peers::{announcement, announcement_address, certificate, discovery, frame, knock, peer_id};
pub use script::script;
pub use signatures::{attested_many, attested_one, ed25519, observation_signature, report_signature, secp256k1};
