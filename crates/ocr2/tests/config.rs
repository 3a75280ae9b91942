//! The checks of a configuration: that each refuses under its own name, in the reference's order, and what warnings say.

use std::{collections::BTreeMap, time::Duration};

use crypto::{ed25519, x25519};
use ocr::{ContractConfig, PeerId, SharedSecret};
use ocr2::config::{
    ConfigError, OffchainConfig, OracleIdentity, Parameters, Proposal, PublicConfig, ResourceChecks, SharedConfig,
    Warning,
};
use serde_json::Value;

fn cases() -> Vec<Value> {
    let text = include_str!("../../../spec/vectors/ocr2/offchain_config.json");
    let file: Value = serde_json::from_str(text).unwrap();
    file["cases"].as_array().unwrap().clone()
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn input(case: &Value) -> (ContractConfig, ResourceChecks) {
    let input = &case["input"];
    let config = ContractConfig {
        signers: input["signers"].as_array().unwrap().iter().map(bytes).collect(),
        transmitters: input["transmitters"].as_array().unwrap().iter().map(|t| t.as_str().unwrap().into()).collect(),
        f: input["f"].as_u64().unwrap() as u8,
        onchain_config: bytes(&input["onchain_config"]),
        offchain_config_version: input["offchain_config_version"].as_str().unwrap().parse().unwrap(),
        offchain_config: bytes(&input["offchain_config"]),
        ..ContractConfig::default()
    };
    let skip = input["skip_resource_checks"].as_bool().unwrap();
    (config, if skip { ResourceChecks::Off } else { ResourceChecks::On })
}

/// The words by which the reference's refusal of a vector and ours must both be known.
const REFUSALS: &[(&str, &str)] = &[
    ("DeltaStage (-1ns) must be non-negative", "DeltaStage is negative"),
    ("DeltaRound (-1ns) must be", "DeltaRound is negative"),
    ("DeltaProgress (-1ns) must be", "DeltaProgress is negative"),
    ("DeltaResend (-", "DeltaResend is negative"),
    ("DeltaGrace (-", "DeltaGrace is negative"),
    ("MaxDurationQuery (-", "MaxDurationQuery is negative"),
    ("MaxDurationObservation (-", "MaxDurationObservation is negative"),
    ("MaxDurationReport (-", "MaxDurationReport is negative"),
    ("MaxDurationShouldAcceptFinalizedReport (-", "MaxDurationShouldAcceptFinalizedReport is negative"),
    ("MaxDurationShouldTransmitAcceptedReport (-", "MaxDurationShouldTransmitAcceptedReport is negative"),
    ("DeltaRound (1m3.475756463s) must be less than", "DeltaRound (63.475756463s) is not below"),
    ("sum of MaxDurationQuery/Observation/Report", "the sum of MaxDurationQuery"),
    ("RMax (", "RMax is "),
    ("S[1] (32)", "S[1] is 32"),
    ("S[0] (4294967295)", "S[0] is 4294967295"),
    ("len(S) (1000)", "S has 1000 entries"),
    ("DeltaProgress (199.999999ms) is set below", "DeltaProgress (199.999999ms) is below"),
    ("DeltaResend (199.999999ms) is set below", "DeltaResend (199.999999ms) is below"),
    ("duplicate PeerID", "peer ids 0 and"),
    ("duplicate OffchainPublicKey", "offchain public keys 0 and"),
    ("0-th and 2-th signer are identical", "signers 0 and 2 are the same"),
    ("duplicate transmitter", "transmitters 0 and"),
    ("F (2) must be", "4 oracles cannot bear f = 2"),
    ("F (1) must be", "3 oracles cannot bear f = 1"),
    ("N (32) must be", "32 oracles, allowed are 31"),
    ("unsuppported OffchainConfigVersion", "offchain config version"),
    ("peer ids list must have same length as onchain signers list: 4 ≠ 3", "4 peer ids for 3 signers"),
    ("peer ids list must have same length as onchain signers list: 4 ≠ 0", "4 peer ids for 0 signers"),
    ("peer ids list must have same length as onchain signers list: 3 ≠ 4", "3 peer ids for 4 signers"),
    ("transmitters list must have same length", "3 transmitters for 4 signers"),
    ("offchain public keys list must have same length as onchain signers list: 5", "5 offchain public keys for 4"),
    ("offchain public keys list must have same length as onchain signers list: 3", "3 offchain public keys for 4"),
    ("shared-secret encryptions list must have same length as onchain signers list: 3", "3 shared secret encryptions"),
    ("shared-secret encryptions list must have same length as onchain signers list: 5", "5 shared secret encryptions"),
    ("proto: cannot parse invalid wire-format data", "offchain config: malformed protobuf at byte"),
    ("string field contains invalid UTF-8", "is not UTF-8"),
    ("invalid offchain public key", "offchain public key"),
    ("DiffieHellmanPoint has wrong length. Expected 32 bytes, got 0", "Diffie-Hellman point has 0 bytes, wanted 32"),
    ("DiffieHellmanPoint has wrong length. Expected 32 bytes, got 31", "Diffie-Hellman point has 31 bytes, wanted 32"),
    ("sharedSecretHash has wrong length", "shared secret hash has 33 bytes, wanted 32"),
    ("Encryptions[3] has wrong length", "shared secret encryption 3 has 15 bytes, wanted 16"),
];

#[test]
fn each_refusal_has_the_name_and_the_place_in_the_order_that_the_reference_gives_it() {
    let mut unused: BTreeMap<_, _> = REFUSALS.iter().copied().collect();
    let refused = |case: &&Value| case["kind"] == "public" && case["accept"] == false;
    for case in cases().iter().filter(refused) {
        let (config, checks) = input(case);
        let why = case["why"].as_str().unwrap();
        let ours = PublicConfig::from_contract(&config, checks).unwrap_err().to_string();
        let (theirs, wanted) = REFUSALS.iter().find(|(theirs, _)| why.contains(theirs)).expect(why);
        assert!(ours.contains(wanted), "{}: {why}\n{ours}", case["name"]);
        unused.remove(theirs);
    }
    assert_eq!(unused, BTreeMap::new());
}

fn oracle(seed: u8) -> (OracleIdentity, x25519::PublicKey) {
    let key = ed25519::SecretKey::from_seed(&[seed; 32]).public_key();
    let identity = OracleIdentity {
        offchain_key: key,
        signer: vec![seed; 20],
        peer_id: PeerId::from(key).to_string(),
        transmitter: format!("0x{:040x}", seed),
    };
    (identity, encryption_key(seed).public_key())
}

fn encryption_key(seed: u8) -> x25519::SecretKey {
    x25519::SecretKey::from_bytes(&[seed; 32])
}

fn proposal() -> Proposal {
    Proposal {
        oracles: (1..=4).map(oracle).collect(),
        f: 1,
        onchain_config: vec![1, 2, 3],
        parameters: Parameters {
            delta_progress: Duration::from_secs(4),
            delta_resend: Duration::from_secs(1),
            delta_round: Duration::from_secs(1),
            delta_grace: Duration::from_millis(100),
            delta_stage: Duration::from_secs(2),
            r_max: 10,
            s: vec![1, 1, 1, 1],
            reporting_plugin_config: vec![9; 300],
            max_duration_initialization: None,
            max_duration_query: Duration::ZERO,
            max_duration_observation: Duration::from_secs(1),
            max_duration_report: Duration::from_secs(1),
            max_duration_should_accept: Duration::from_secs(1),
            max_duration_should_transmit: Duration::from_secs(1),
        },
    }
}

fn sealed(proposal: &Proposal) -> Result<ContractConfig, ConfigError> {
    proposal.seal(&SharedSecret::new([5; 16]), &x25519::SecretKey::from_bytes(&[6; 32]), ResourceChecks::On)
}

#[test]
fn every_oracle_reads_what_was_proposed() {
    let proposal = proposal();
    let config = sealed(&proposal).unwrap();
    for (index, (identity, _)) in proposal.oracles.iter().enumerate() {
        let key = encryption_key(index as u8 + 1);
        let shared = SharedConfig::from_contract(&config, ResourceChecks::On, identity, &key).unwrap();
        assert_eq!(shared.me.index(), index);
        assert_eq!(shared.secret, SharedSecret::new([5; 16]));
        assert_eq!(shared.public.parameters, proposal.parameters);
        assert_eq!(shared.public.onchain_config, proposal.onchain_config);
        assert_eq!(&shared.public.oracles[shared.me], identity);
        assert_eq!(shared.public.warnings(), []);
    }
}

#[test]
fn nothing_is_proposed_that_oracles_would_refuse() {
    let refused = |change: fn(&mut Proposal)| {
        let mut proposal = proposal();
        change(&mut proposal);
        sealed(&proposal).unwrap_err()
    };
    assert_eq!(refused(|p| p.parameters.r_max = 255), ConfigError::RMax { got: 255 });
    assert_eq!(
        refused(|p| p.oracles[2].0.peer_id = p.oracles[1].0.peer_id.clone()),
        ConfigError::Duplicate { list: "peer ids", first: 1, second: 2 }
    );
    assert!(
        matches!(refused(|p| p.oracles[3].1 = x25519::PublicKey([0; 32])), ConfigError::Seal(error) if error.index == 3)
    );
    assert!(matches!(
        refused(|p| p.parameters.delta_progress = Duration::MAX),
        ConfigError::DurationTooLong { what: "DeltaProgress", .. }
    ));
    assert!(matches!(
        refused(|p| p.parameters.reporting_plugin_config = vec![0; 2_000_000]),
        ConfigError::TooLong { got: 2_000_001.. }
    ));
}

#[test]
fn another_oracles_key_in_our_place_is_named() {
    let public = PublicConfig::from_contract(&sealed(&proposal()).unwrap(), ResourceChecks::On).unwrap();
    let (mut me, _) = oracle(2);
    assert_eq!(public.find(&me).unwrap().index(), 1);
    me.transmitter = me.transmitter.replace("2", "3");
    assert!(public.find(&me).unwrap_err().to_string().contains("its transmitter is 0x"));
    me.signer[0] ^= 1;
    assert_eq!(public.find(&me), Err(ConfigError::NotIncluded));
}

#[test]
fn foot_guns_are_warned_of() {
    let warnings = |change: fn(&mut Proposal)| {
        let mut proposal = proposal();
        change(&mut proposal);
        PublicConfig::from_contract(&sealed(&proposal).unwrap(), ResourceChecks::On).unwrap().warnings()
    };
    let longest = Duration::from_nanos(i64::MAX as u64);
    assert_eq!(warnings(|p| p.parameters.s = vec![0, 0]), [Warning::NobodyTransmits]);
    assert_eq!(warnings(|p| p.parameters.s = vec![1, 2]), [Warning::SomeNeverTransmit { transmitting: 3, n: 4 }]);
    assert_eq!(warnings(|p| p.parameters.s = vec![4, 2]), [Warning::ScheduleBeyondN { transmitting: 6, n: 4 }]);
    assert!(matches!(
        warnings(|p| p.parameters.delta_grace = p.parameters.delta_progress)[..],
        [Warning::GraceOutlastsProgress { .. }]
    ));
    assert_eq!(
        warnings(|p| p.parameters.max_duration_initialization = Some(-1)),
        [Warning::NoTimeToInitialize { nanoseconds: -1 }]
    );
    assert_eq!(
        warnings(|p| p.parameters.delta_round = Duration::ZERO),
        [Warning::UnlimitedRates { what: "DeltaRound" }]
    );
    assert!(
        matches!(warnings(|p| p.oracles[2].0.peer_id = "me".into())[..], [Warning::NoPeerId { oracle }] if oracle.index() == 2)
    );
    let mut overflowing = proposal();
    overflowing.parameters.max_duration_query = longest;
    let config = sealed(&overflowing).unwrap();
    assert_eq!(
        PublicConfig::from_contract(&config, ResourceChecks::On).unwrap().warnings(),
        [Warning::DurationSumOverflows]
    );
}

#[test]
fn no_change_of_a_byte_makes_decoding_panic_and_what_decodes_encodes_to_something_equal() {
    let bytes = sealed(&proposal()).unwrap().offchain_config;
    for at in 0..bytes.len() {
        for value in [0, 1, bytes[at] ^ 1, bytes[at] ^ 0x80, 0x7f, 0xff] {
            let mut changed = bytes.clone();
            changed[at] = value;
            if let Ok(config) = OffchainConfig::decode(&changed) {
                assert_eq!(OffchainConfig::decode(&config.encode().unwrap()).as_ref(), Ok(&config));
            }
            let _ = OffchainConfig::decode(&changed[..at]);
        }
    }
}
