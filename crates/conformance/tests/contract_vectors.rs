//! What Dodona's oracles hand to an OCR2 contract, as a file that the contracts' own tests read: one configuration and two
//! transmissions for each size of committee. This test makes the file anew and compares; `VECTORS=write` rewrites it.

use alloy_primitives::{Address, hex, keccak256};
use crypto::secp256k1::SecretKey;
use crypto::{PeerId, Sha256, ed25519, x25519};
use median::{Observation, OffchainConfig, OnchainConfig, Value as Number};
use ocr::{ConfigDigest, ContractConfig, SharedSecret, evm_simple};
use ocr2::config::{OracleIdentity, Parameters, Proposal, ResourceChecks};
use ocr2::signing::{ReportContext, extra_hash};
use serde_json::{Map, Value, json};
use std::path::Path;
use std::time::Duration;

const CHAIN_ID: u64 = 1337;
/// Deploys the aggregator with its first transaction, so that its address is known here.
const DEPLOYER: Address = Address::repeat_byte(0xd0);
const FILE: &str = "../../contracts/test/vectors/ocr2.json";

/// The first contract that an account makes: the list of its address and nonce 0 in RLP, hashed.
fn first_contract(account: Address) -> Address {
    Address::from_word(keccak256([&[0xd6, 0x94], account.as_slice(), &[0x80]].concat()))
}

struct Oracle {
    peer: ed25519::SecretKey,
    offchain: ed25519::SecretKey,
    opening: x25519::SecretKey,
    onchain: SecretKey,
    transmitter: SecretKey,
}

fn secret(what: &str, index: usize) -> [u8; 32] {
    Sha256::new().chain(b"dodona contract vectors").chain(what.as_bytes()).chain(&index.to_be_bytes()).finish()
}

impl Oracle {
    fn number(index: usize) -> Self {
        let scalar = |what| SecretKey::from_bytes(&secret(what, index)).expect("below the order of the curve");
        Oracle {
            peer: ed25519::SecretKey::from_seed(&secret("peer", index)),
            offchain: ed25519::SecretKey::from_seed(&secret("offchain", index)),
            opening: x25519::SecretKey::from_bytes(&secret("opening", index)),
            onchain: scalar("onchain"),
            transmitter: scalar("transmitter"),
        }
    }

    fn identity(&self) -> OracleIdentity {
        OracleIdentity {
            offchain_key: self.offchain.public_key(),
            signer: self.onchain.address().0.to_vec(),
            peer_id: PeerId::from(self.peer.public_key()).to_string(),
            transmitter: self.transmitter.address().to_string(),
        }
    }
}

fn number(number: i64) -> Number {
    Number::try_from(number).expect("an i64 fits 192 bits")
}

/// The configuration of a committee as the contract at `contract` will have it.
fn configuration(oracles: &[Oracle], f: u8, contract: Address) -> ContractConfig {
    let seconds = Duration::from_secs;
    // The bounds of the feed that the contracts' tests deploy.
    let onchain_config = OnchainConfig { min: number(1), max: Number::MAX / number(2) }.encode();
    let proposal = Proposal {
        oracles: oracles.iter().map(|oracle| (oracle.identity(), oracle.opening.public_key())).collect(),
        f,
        onchain_config,
        parameters: Parameters {
            delta_progress: seconds(35),
            delta_resend: seconds(17),
            delta_round: seconds(30),
            delta_grace: seconds(12),
            delta_stage: seconds(60),
            r_max: 6,
            s: vec![1; oracles.len()],
            reporting_plugin_config: OffchainConfig::default().encode(),
            max_duration_initialization: None,
            max_duration_query: seconds(1),
            max_duration_observation: seconds(10),
            max_duration_report: seconds(10),
            max_duration_should_accept: seconds(10),
            max_duration_should_transmit: seconds(10),
        },
    };
    let shared = SharedSecret::new(core::array::from_fn(|i| secret("shared", 0)[i]));
    let ephemeral = x25519::SecretKey::from_bytes(&secret("ephemeral", 0));
    let config = proposal.seal(&shared, &ephemeral, ResourceChecks::On).expect("a valid configuration");
    let config = ContractConfig { config_count: 1, ..config };
    let address = ocr::Address(contract.into_array());
    let config_digest = evm_simple::config_digest(CHAIN_ID, address, &config).expect("addresses are addresses");
    ContractConfig { config_digest, ..config }
}

/// A round as the oracles of a committee leave it: the call of `transmit`, and what the contract must say after it.
fn transmission(oracles: &[Oracle], f: u8, digest: ConfigDigest, epoch: u32, round: u8) -> Value {
    let n = oracles.len();
    // Ties and negative numbers are among them, and not everybody observed.
    let observed: Vec<_> = (0..n - usize::from(f))
        .map(|oracle| {
            let value = number([250_000, -5, 250_000, 7, 90_000_000][(oracle + usize::from(round)) % 5]);
            let (timestamp, juels) = (1_700_000_000 + oracle as u32 % 3, number(200_000 + oracle as i64 % 2));
            let gas_price_subunits = Number::ZERO;
            (oracle as u8, Observation { timestamp, value, juels_per_fee_coin: juels, gas_price_subunits })
        })
        .collect();
    let signed: Vec<(Vec<u8>, u8)> = observed.iter().map(|(oracle, seen)| (seen.encode(false), *oracle)).collect();
    let extra_hash = extra_hash(b"", signed.iter().map(|(seen, oracle)| (&seen[..], *oracle)));
    let mut sorted = observed.clone();
    median::report::sort_by_value(&mut sorted);
    let report = median::report::build(sorted);
    let context = ReportContext { config_digest: digest, epoch, round, extra_hash };
    let signatures: Vec<_> = (0..=usize::from(f))
        .map(|i| oracles[(i * 2 + usize::from(round)) % n].onchain.sign(&context.report_digest(&report)))
        .collect();
    let call = bindings::transmit(context.words(), &report, signatures.iter().map(|signature| &signature[..]));
    let answer = median::report::median(&report).expect("a report has a median");
    json!({
        "transmitter": oracles[usize::from(round) % n].transmitter.address().to_string(),
        "call": hex::encode_prefixed(call.expect("signatures have 65 bytes")),
        "epoch": epoch,
        "round": round,
        "answer": hex::encode_prefixed(answer.to_be_bytes::<32>()),
        "signers": f + 1,
    })
}

fn committee(n: usize) -> Value {
    let oracles: Vec<_> = (0..n).map(Oracle::number).collect();
    let f = ((n - 1) / 3) as u8;
    let config = configuration(&oracles, f, first_contract(DEPLOYER));
    json!({
        "aggregator": first_contract(DEPLOYER).to_checksum(None),
        "signers": config.signers.iter().map(hex::encode_prefixed).collect::<Vec<_>>(),
        "transmitters": config.transmitters,
        "f": config.f,
        "onchainConfig": hex::encode_prefixed(&config.onchain_config),
        "offchainConfigVersion": config.offchain_config_version,
        "offchainConfig": hex::encode_prefixed(&config.offchain_config),
        "digest": hex::encode_prefixed(config.config_digest.0),
        "first": transmission(&oracles, f, config.config_digest, 1, 3),
        "second": transmission(&oracles, f, config.config_digest, 2, 1),
    })
}

#[test]
fn the_contracts_tests_read_what_our_oracles_would_send_today() {
    let mut vectors = Map::new();
    let about = "Made by Dodona's own code (crates/conformance/tests/contract_vectors.rs); read by contracts/test.";
    vectors.insert("about".into(), about.into());
    vectors.insert("chainId".into(), CHAIN_ID.into());
    vectors.insert("deployer".into(), DEPLOYER.to_checksum(None).into());
    for n in [4, 7, 16, 31] {
        vectors.insert(format!("n{n}"), committee(n));
    }
    let made = serde_json::to_string_pretty(&vectors).expect("plain data") + "\n";
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    if std::env::var("VECTORS").is_ok_and(|wish| wish == "write") {
        std::fs::write(&file, &made).expect("the file can be written");
    }
    let committed = std::fs::read_to_string(&file).expect("the file is committed");
    assert!(
        committed == made,
        "{FILE} is not what our code makes; VECTORS=write cargo test -p dodona-conformance rewrites it"
    );
}
