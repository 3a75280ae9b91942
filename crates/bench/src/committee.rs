//! A committee as a file: its configuration and everybody's keys and address, read by the oracles of both kinds.

use crypto::{PeerId, Sha256, ed25519, secp256k1, x25519};
use ocr::{Address, ContractConfig, SharedSecret, evm_simple};
use ocr2::config::{OracleIdentity, Parameters, Proposal, ResourceChecks};
use serde::{Deserialize, Serialize};
use std::net::TcpListener;
use std::time::Duration;

/// What is in the file. Bytes are hex; keys are derived from the seat and worth nothing.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Committee {
    pub chain_id: u64,
    pub contract: String,
    pub config: Config,
    pub oracles: Vec<Seat>,
}

/// The configuration as the contract would give it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub digest: String,
    pub count: u64,
    pub signers: Vec<String>,
    pub transmitters: Vec<String>,
    pub f: u8,
    pub onchain: String,
    pub version: u64,
    pub offchain: String,
}

/// One oracle.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seat {
    pub listen: String,
    pub peer_id: String,
    pub transmitter: String,
    /// The four secrets that an oracle uses.
    pub peer: String,
    pub offchain: String,
    pub opening: String,
    pub onchain: String,
}

/// The four keys of a seat.
#[derive(Clone, Debug)]
pub struct Keys {
    /// Proves who speaks on a connection.
    pub peer: ed25519::SecretKey,
    /// Signs observations.
    pub offchain: ed25519::SecretKey,
    /// Opens the shared secret.
    pub opening: x25519::SecretKey,
    /// Signs reports.
    pub onchain: secp256k1::SecretKey,
}

const CHAIN_ID: u64 = 1337;
const CONTRACT: Address = secp256k1::Address([0xde; 20]);

/// DeltaProgress and DeltaResend: the least that both implementations accept outside of development mode.
const DELTA_SAFE: Duration = Duration::from_millis(200);

/// A committee of `n` oracles on free ports of this machine. `delta_round` zero: as fast as it goes.
/// `delta_progress` is raised to what both implementations accept.
pub fn make(n: usize, delta_round: Duration, delta_progress: Duration) -> std::io::Result<Committee> {
    // Held together, so that they differ; free again before the first oracle starts.
    let ports: Vec<TcpListener> = (0..n).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<_, _>>()?;
    let listen = ports.iter().map(|port| Ok(port.local_addr()?.to_string())).collect::<std::io::Result<Vec<_>>>()?;
    let keys: Vec<Keys> = (0..n).map(keys).collect();
    let proposal = Proposal {
        oracles: keys.iter().map(|keys| (keys.identity(), keys.opening.public_key())).collect(),
        f: u8::try_from((n - 1) / 3).expect("n is at most 31"),
        onchain_config: median::OnchainConfig { min: median::Value::MIN, max: median::Value::MAX }.encode(),
        parameters: parameters(delta_round, delta_progress),
    };
    let ephemeral = x25519::SecretKey::from_bytes(&secret("ephemeral", 0));
    let shared = SharedSecret::new(core::array::from_fn(|i| secret("shared", 0)[i]));
    let config = proposal
        .seal(&shared, &ephemeral, ResourceChecks::On)
        .map_err(|error| std::io::Error::other(format!("the committee's configuration: {error}")))?;
    let mut config = ContractConfig { config_count: 1, ..config };
    config.config_digest = evm_simple::config_digest(CHAIN_ID, CONTRACT, &config)
        .map_err(|error| std::io::Error::other(error.to_string()))?;
    let seats = keys.iter().zip(&listen).map(|(keys, listen)| Seat {
        listen: listen.clone(),
        peer_id: PeerId::from(keys.peer.public_key()).to_string(),
        transmitter: keys.transmitter(),
        peer: hex::encode(*keys.peer.to_seed()),
        offchain: hex::encode(*keys.offchain.to_seed()),
        opening: hex::encode(*keys.opening.to_bytes()),
        onchain: hex::encode(*keys.onchain.to_bytes()),
    });
    Ok(Committee {
        chain_id: CHAIN_ID,
        contract: CONTRACT.to_string(),
        oracles: seats.collect(),
        config: Config {
            digest: config.config_digest.to_string(),
            count: config.config_count,
            signers: config.signers.iter().map(hex::encode).collect(),
            transmitters: config.transmitters,
            f: config.f,
            onchain: hex::encode(config.onchain_config),
            version: config.offchain_config_version,
            offchain: hex::encode(config.offchain_config),
        },
    })
}

fn parameters(delta_round: Duration, delta_progress: Duration) -> Parameters {
    let call = Duration::from_millis(50);
    // Two rounds, so that a calm committee keeps its leader. What it wants of epochs is repeated no oftener than that: a round's
    // time would be full of it.
    let patience = DELTA_SAFE.max(delta_progress).max(delta_round * 2);
    Parameters {
        delta_progress: patience,
        delta_resend: patience,
        delta_round,
        delta_grace: Duration::ZERO,
        delta_stage: Duration::from_secs(1),
        r_max: 254,
        // One oracle brings each report to its chain. There are no stages for others, for every chain accepts at once.
        s: vec![1],
        // Every round gives a report, and every report is accepted.
        reporting_plugin_config: median::OffchainConfig {
            alpha_report_infinite: false,
            alpha_report_ppb: 0,
            alpha_accept_infinite: false,
            alpha_accept_ppb: 0,
            delta_c: Duration::ZERO,
        }
        .encode(),
        max_duration_initialization: None,
        max_duration_query: call,
        max_duration_observation: call,
        max_duration_report: call,
        max_duration_should_accept: call,
        max_duration_should_transmit: call,
    }
}

fn secret(what: &str, seat: usize) -> [u8; 32] {
    Sha256::new().chain(b"dodona bench").chain(what.as_bytes()).chain(&seat.to_be_bytes()).finish()
}

/// The keys of a seat, the same in every run.
pub fn keys(seat: usize) -> Keys {
    Keys {
        peer: ed25519::SecretKey::from_seed(&secret("peer", seat)),
        offchain: ed25519::SecretKey::from_seed(&secret("offchain", seat)),
        opening: x25519::SecretKey::from_bytes(&secret("opening", seat)),
        onchain: secp256k1::SecretKey::from_bytes(&secret("onchain", seat)).expect("a hash is a scalar but for 2⁻¹²⁷"),
    }
}

impl Keys {
    /// The account that it would transmit from.
    fn transmitter(&self) -> String {
        let mut account = self.onchain.address();
        account.0[0] ^= 0xff;
        account.to_string()
    }

    /// What the configuration says of it.
    pub fn identity(&self) -> OracleIdentity {
        OracleIdentity {
            offchain_key: self.offchain.public_key(),
            signer: self.onchain.address().0.to_vec(),
            peer_id: PeerId::from(self.peer.public_key()).to_string(),
            transmitter: self.transmitter(),
        }
    }
}

impl Committee {
    /// The configuration as our oracle takes it.
    pub fn contract_config(&self) -> Result<ContractConfig, String> {
        let bytes = |text: &String| hex::decode(text).map_err(|error| format!("{text:?}: {error}"));
        let Config { digest, count, signers, transmitters, f, onchain, version, offchain } = &self.config;
        Ok(ContractConfig {
            config_digest: digest.parse().map_err(|error| format!("{digest:?}: {error}"))?,
            config_count: *count,
            signers: signers.iter().map(bytes).collect::<Result<_, _>>()?,
            transmitters: transmitters.clone(),
            f: *f,
            onchain_config: bytes(onchain)?,
            offchain_config_version: *version,
            offchain_config: bytes(offchain)?,
        })
    }

    /// The contract as our oracle knows it.
    pub fn contract(&self) -> Result<ocr2::Contract, String> {
        let address = self.contract.parse().map_err(|error| format!("{:?}: {error}", self.contract))?;
        Ok(ocr2::Contract { chain_id: self.chain_id, address })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_oracle_finds_itself_in_the_committee_that_is_made() {
        let made = make(4, Duration::ZERO, Duration::ZERO).unwrap();
        let config = made.contract_config().unwrap();
        for seat in 0..4 {
            let keys = keys(seat);
            let shared =
                ocr2::config::SharedConfig::from_contract(&config, ResourceChecks::On, &keys.identity(), &keys.opening);
            assert_eq!(shared.unwrap().me.index(), seat);
        }
    }

    #[test]
    fn the_file_reads_back() {
        let made = make(4, Duration::from_millis(50), Duration::ZERO).unwrap();
        let read: Committee = serde_json::from_str(&serde_json::to_string(&made).unwrap()).unwrap();
        assert_eq!(read.contract_config().unwrap(), made.contract_config().unwrap());
    }
}
