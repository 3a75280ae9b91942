//! `contracts/test/vectors/ocr1.json`: OCR1 committees with their keys and configurations, and what they signed, for the
//! contracts' tests to play on our contract and on the reference's. The test makes the file anew and compares;
//! `VECTORS=write` writes it.

use alloy_primitives::{Address, B256, Bytes, I256, U256, hex, keccak256};
use alloy_sol_types::SolValue;
use bindings::transmit_ocr1;
use crypto::secp256k1::SecretKey;
use serde_json::{Map, Value, json};
use std::{env, fs, path::Path};

/// Deploys the aggregator with its first transaction, so that its address is known here.
const DEPLOYER: Address = Address::repeat_byte(0xd1);
const ENCODED_CONFIG_VERSION: u64 = 1;
const FILE: &str = "../../contracts/test/vectors/ocr1.json";

struct Oracle {
    signer: SecretKey,
    transmitter: SecretKey,
}

impl Oracle {
    fn number(index: usize) -> Self {
        let key = |what| {
            let scalar = keccak256(format!("dodona OCR1 vectors, {what} {index}"));
            SecretKey::from_bytes(&scalar).expect("below the order of the curve")
        };
        Self { signer: key("signer"), transmitter: key("transmitter") }
    }
}

fn address(key: &SecretKey) -> Address {
    Address::from(key.address().0)
}

/// OCR1 spec 5.
fn config_digest(
    contract: Address,
    config_count: u64,
    signers: Vec<Address>,
    transmitters: Vec<Address>,
    threshold: u8,
    encoded: Bytes,
) -> [u8; 16] {
    let [count, threshold, version] =
        [U256::from(config_count), U256::from(threshold), U256::from(ENCODED_CONFIG_VERSION)];
    let all = (contract, count, signers, transmitters, threshold, version, encoded).abi_encode_params();
    keccak256(all)[..16].try_into().expect("16 bytes")
}

/// OCR1 spec 8: 11 zero bytes, config digest, epoch, round; observers; observations in ascending order.
fn report(digest: [u8; 16], epoch: u32, round: u8, observed: &[(u8, i64)]) -> Vec<u8> {
    let mut context = B256::ZERO;
    context[11..27].copy_from_slice(&digest);
    context[27..31].copy_from_slice(&epoch.to_be_bytes());
    context[31] = round;
    let mut observers = B256::ZERO;
    for (place, (oracle, _)) in observed.iter().enumerate() {
        observers[place] = *oracle;
    }
    let observations: Vec<I256> = observed.iter().map(|(_, value)| I256::unchecked_from(*value)).collect();
    (context, observers, observations).abi_encode_params()
}

fn transmission(oracles: &[Oracle], f: usize, digest: [u8; 16], epoch: u32, round: u8, signatures: usize) -> Value {
    let n = oracles.len();
    // Ties and negative numbers are among them, and not everybody observed.
    let mut observed: Vec<(u8, i64)> = (0..n - f)
        .map(|oracle| (oracle as u8, [250_000, -5, 250_000, 7, 90_000_000][(oracle + usize::from(round)) % 5]))
        .collect();
    observed.sort_by_key(|(_, value)| *value);
    let report = report(digest, epoch, round, &observed);
    let hash = keccak256(&report);
    let signatures: Vec<_> =
        (0..signatures).map(|i| oracles[(i + usize::from(round)) % n].signer.sign(&hash.0)).collect();
    let call = transmit_ocr1(&report, signatures.iter().map(|signature| &signature[..]));
    let answer = I256::unchecked_from(observed[observed.len() / 2].1);
    json!({
        "transmitter": address(&oracles[usize::from(round) % n].transmitter),
        "report": hex::encode_prefixed(&report),
        "signatures": signatures.iter().map(hex::encode_prefixed).collect::<Vec<_>>(),
        "call": hex::encode_prefixed(call.expect("signatures have 65 bytes")),
        "epoch": epoch,
        "round": round,
        "answer": hex::encode_prefixed(answer.to_be_bytes::<32>()),
    })
}

fn committee(n: usize) -> Value {
    let oracles: Vec<_> = (0..n).map(Oracle::number).collect();
    let f = (n - 1) / 3;
    let contract = DEPLOYER.create(0);
    let encoded = Bytes::from(vec![n as u8; 10 + n]);
    let signers: Vec<_> = oracles.iter().map(|oracle| address(&oracle.signer)).collect();
    let transmitters: Vec<_> = oracles.iter().map(|oracle| address(&oracle.transmitter)).collect();
    let digest = config_digest(contract, 1, signers.clone(), transmitters.clone(), f as u8, encoded.clone());
    json!({
        "aggregator": contract,
        "keys": oracles.iter().map(|oracle| hex::encode_prefixed(*oracle.signer.to_bytes())).collect::<Vec<_>>(),
        "signers": signers,
        "transmitters": transmitters,
        "threshold": f,
        "encodedConfigVersion": ENCODED_CONFIG_VERSION,
        "encoded": encoded,
        "digest": hex::encode_prefixed(digest),
        "first": transmission(&oracles, f, digest, 1, 3, f + 1),
        "second": transmission(&oracles, f, digest, 2, 1, n),
    })
}

/// The first of the reference's vectors: four oracles, no encoded configuration.
#[test]
fn the_config_digest_is_the_references() {
    let list = |addresses: [[u8; 20]; 4]| addresses.map(Address::from).to_vec();
    let signers = list([
        hex!("78bd7b3019f778c579782a555481b769e97ececf"),
        hex!("4871dc97a9e3c1f52a6389ae48dea8a77450cb91"),
        hex!("14b589427b2ac676ae93b1c3fbd9aa34fa05eb03"),
        hex!("af81d9b3a4e9bfee705e7e088b0ecc5786b61be0"),
    ]);
    let transmitters = list([
        hex!("773f7786b8e982caf69b8b8cb03409f5ba2fdb4a"),
        hex!("5ad874f780a056a1fd229f07132a71aee4c2facd"),
        hex!("52db4b5975c6fe529ac9860e0300666f455c4e09"),
        hex!("c8bf6a5f0ee5be6f9b60bb2eb5cf413006abaa95"),
    ]);
    let contract = Address::from(hex!("adf646055c3b868dee8ff44e3073380000758d79"));
    let digest = config_digest(contract, 29_469, signers, transmitters, 1, Bytes::new());
    assert_eq!(digest, hex!("803182619c3fc570f437e8ec73f23634"));
}

#[test]
fn the_contracts_tests_read_what_an_ocr1_committee_signs_today() {
    let mut vectors = Map::new();
    vectors.insert("about".into(), "Made by crates/bindings/tests/ocr1_vectors.rs; read by contracts/test.".into());
    vectors.insert("deployer".into(), json!(DEPLOYER));
    for n in [4, 7, 16, 31] {
        vectors.insert(format!("n{n}"), committee(n));
    }
    let made = serde_json::to_string_pretty(&vectors).expect("plain data") + "\n";
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    if env::var("VECTORS").is_ok_and(|wish| wish == "write") {
        fs::write(&file, &made).expect("the file can be written");
    }
    let committed = fs::read_to_string(&file).expect("the file is committed");
    assert!(
        committed == made,
        "{FILE} is not what our code makes; VECTORS=write cargo test -p dodona-bindings --test ocr1_vectors rewrites it"
    );
}
