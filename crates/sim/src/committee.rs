//! The owner of the feed: makes one configuration after the other for the same oracles.

use crate::rng::Rng;
use crate::seat::Keys;
use alloy_primitives::Address;
use bindings::ocr2_aggregator::setConfigCall;
use crypto::x25519;
use median::{OffchainConfig, OnchainConfig, Value};
use ocr::{OracleId, SharedSecret};
use ocr2::config::{OracleIdentity, Parameters, Proposal, ResourceChecks};
use std::time::Duration;

/// The oracles of a feed, and the one who configures it.
#[derive(Debug)]
pub struct Committee {
    members: ocr::Committee,
    oracles: Vec<(OracleIdentity, x25519::PublicKey)>,
    signers: Vec<Address>,
    transmitters: Vec<Address>,
    rng: Rng,
    made: u32,
}

impl Committee {
    /// Of these oracles, in this order.
    pub fn new(keys: &[Keys], rng: Rng) -> Self {
        let n = keys.len();
        Committee {
            members: ocr::Committee::new(n, (n - 1) / 3).expect("a committee within its bounds"),
            oracles: keys.iter().map(|keys| (keys.identity(), keys.config.public_key())).collect(),
            signers: keys.iter().map(|keys| Address::from(keys.onchain.address.0)).collect(),
            transmitters: keys.iter().map(|keys| keys.transmitter).collect(),
            rng,
            made: 0,
        }
    }

    /// The oracle in a seat.
    pub fn id(&self, seat: usize) -> OracleId {
        self.members.oracle(seat as u8).expect("every seat is a member")
    }

    /// A new configuration: other timers, a new secret.
    pub fn next_config(&mut self) -> setConfigCall {
        // The first is the default, so that a calm world is the same in every seed.
        let millis = if self.made == 0 { 500 } else { self.rng.between(200, 1000) };
        self.made += 1;
        let delta_round = Duration::from_millis(millis);
        let onchain = OnchainConfig { min: Value::ZERO, max: Value::try_from(i64::MAX).expect("fits") };
        let parameters = Parameters {
            delta_progress: delta_round * 4,
            delta_resend: Duration::from_secs(1),
            delta_round,
            delta_grace: Duration::from_millis(50),
            delta_stage: Duration::from_secs(2),
            r_max: self.rng.between(3, 20) as u8,
            s: vec![1; self.oracles.len()],
            reporting_plugin_config: OffchainConfig { delta_c: Duration::from_secs(10), ..Default::default() }.encode(),
            max_duration_initialization: None,
            max_duration_query: delta_round / 10,
            max_duration_observation: delta_round / 2,
            max_duration_report: delta_round / 2,
            max_duration_should_accept: delta_round / 2,
            max_duration_should_transmit: delta_round / 2,
        };
        let proposal = Proposal {
            oracles: self.oracles.clone(),
            f: self.members.f() as u8,
            onchain_config: onchain.encode(),
            parameters,
        };
        let secret = SharedSecret::new(self.rng.bytes());
        let ephemeral = x25519::SecretKey::from_bytes(&self.rng.bytes());
        let config = proposal.seal(&secret, &ephemeral, ResourceChecks::On).expect("a configuration that oracles take");
        setConfigCall {
            signers: self.signers.clone(),
            transmitters: self.transmitters.clone(),
            f: config.f,
            onchainConfig: config.onchain_config.into(),
            offchainConfigVersion: config.offchain_config_version,
            offchainConfig: config.offchain_config.into(),
        }
    }
}
