//! ECDSA attestations of OCR3 (spec 17.2), made by the keys that sign for our oracles and judged by the contract.
//!
//! `contracts/test/vectors/ocr3_attestation.json` comes from the reference, `ocr3_attestation_rust.json` is written here with
//! `VECTORS=write`. The Solidity suites read both, on our verifiers and on the reference's.

mod chain;

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::{SolCall, SolError};
use bindings::ocr3_verifier::{self as verifier, trustConfigCall, verifyCall};
use chain::{Chain, address};
use crypto::secp256k1::SecretKey;
use serde_json::{Value, json};
use std::{fs, path::PathBuf};

/// The order of the group, to turn a signature that recovers with v = 28 into the one that recovers with v = 27.
const ORDER: U256 = U256::from_be_bytes([
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xba, 0xae, 0xdc,
    0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
]);

fn report_hash(digest: B256, seq_nr: u64, report: &[u8]) -> B256 {
    keccak256([digest.as_slice(), &U256::from(seq_nr).to_be_bytes::<32>(), keccak256(report).as_slice()].concat())
}

fn signature(key: &SecretKey, hash: B256) -> Vec<u8> {
    let signature = key.sign(&hash);
    let s = U256::from_be_slice(&signature[32..64]);
    let s = if signature[64] == 0 { s } else { ORDER - s };
    [&signature[..32], &s.to_be_bytes::<32>()].concat()
}

/// The bits of the signers, then their signatures in ascending order.
fn attest(keys: &[SecretKey], signers: &[usize], hash: B256) -> Vec<u8> {
    let bits = signers.iter().fold(0u32, |bits, signer| bits | 1 << signer);
    let signatures = signers.iter().flat_map(|signer| signature(&keys[*signer], hash));
    bits.to_be_bytes().into_iter().chain(signatures).collect()
}

fn key(index: usize) -> SecretKey {
    SecretKey::from_bytes(&keccak256(format!("attesting key {index}"))).expect("a scalar")
}

fn addresses(keys: &[SecretKey]) -> Vec<u8> {
    keys.iter().flat_map(|key| key.address().0).collect()
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../contracts/test/vectors").join(name)
}

fn cases(name: &str) -> Vec<Value> {
    let text = fs::read_to_string(path(name)).expect("the vectors");
    let file: Value = serde_json::from_str(&text).expect("a JSON file");
    let cases = file["cases"].as_array().expect("cases").clone();
    assert_eq!(file["count"], cases.len());
    cases
}

fn bytes(case: &Value, field: &str) -> Bytes {
    case[field].as_str().expect("a string").parse().expect("hex")
}

fn number(case: &Value, field: &str) -> u64 {
    match &case[field] {
        Value::String(text) => text.parse().expect("a number"),
        value => value.as_u64().expect("a number"),
    }
}

fn attestations(cases: &[Value]) -> impl Iterator<Item = &Value> {
    cases.iter().filter(|case| case["type"] == "attestation")
}

#[test]
fn our_signatures_make_the_references_attestations_to_the_byte() {
    let cases = cases("ocr3_attestation.json");
    let mut made = 0;
    for case in attestations(&cases).filter(|case| case["accept"] == true) {
        let hash = report_hash(
            B256::from_slice(&bytes(case, "config_digest")),
            number(case, "seq_nr"),
            &bytes(case, "report"),
        );
        assert_eq!(hash.as_slice(), bytes(case, "report_hash").as_ref());
        let signers: Vec<usize> = case["signers"]
            .as_array()
            .expect("signers")
            .iter()
            .map(|id| id.as_u64().expect("an id") as usize)
            .collect();
        let secrets = case["secret_keys"].as_array().expect("keys");
        let mut signatures = Vec::new();
        for (signer, secret) in signers.iter().zip(secrets) {
            let secret: B256 = secret.as_str().expect("a key").parse().expect("hex");
            let key = SecretKey::from_bytes(&secret).expect("a scalar");
            assert_eq!(key.address().0, bytes(case, "keys")[20 * signer..20 * signer + 20]);
            signatures.extend(signature(&key, hash));
        }
        let attestation = bytes(case, "attestation");
        assert_eq!(attestation[4..], signatures, "{}", case["name"]);
        assert_eq!(attestation[..4], signers.iter().fold(0u32, |bits, signer| bits | 1 << signer).to_be_bytes());
        made += 1;
    }
    assert_eq!(made, 6);
}

/// What the contract says to a case, the configuration trusted before: nothing, or the revert's data.
fn judge(case: &Value) -> Vec<u8> {
    let mut chain = Chain::new();
    let owner = address("owner", 0);
    let (at, _) = chain.deploy(owner, verifier::BYTECODE.to_vec());
    let digest = B256::from_slice(&bytes(case, "config_digest"));
    let config = trustConfigCall {
        configDigest: digest,
        n: number(case, "n") as u8,
        f: number(case, "f") as u8,
        keys: bytes(case, "keys"),
    };
    chain.send_call(owner, at, &config).success();
    let call = verifyCall {
        configDigest: digest,
        seqNr: number(case, "seq_nr"),
        report: bytes(case, "report"),
        attestation: bytes(case, "attestation"),
    };
    let outcome = chain.view(Address::ZERO, at, call.abi_encode());
    assert!(outcome.ok || !outcome.output.is_empty(), "ran out of gas");
    outcome.output.to_vec()
}

#[test]
fn the_verifier_agrees_with_every_vector_whose_committee_it_can_trust() {
    let mut judged = 0;
    for name in ["ocr3_attestation.json", "ocr3_attestation_rust.json"] {
        for case in attestations(&cases(name)) {
            let (n, f) = (number(case, "n"), number(case, "f"));
            if f == 0 || 3 * f >= n {
                continue; // OCR3Verifier asks for a committee with faults to tolerate; the libraries do not
            }
            assert_eq!(judge(case), bytes(case, "revert").as_ref(), "{name}: {}", case["name"]);
            judged += 1;
        }
    }
    assert!(judged > 40, "{judged}");
}

fn rust_made() -> Vec<Value> {
    let mut cases = Vec::new();
    for (n, f, quorums) in [
        (4, 1, vec![vec![0, 1], vec![2, 3], vec![0, 3]]),
        (7, 2, vec![vec![0, 1, 2], vec![4, 5, 6], vec![1, 3, 6]]),
        (16, 5, vec![(0..6).collect(), (10..16).collect(), vec![1, 2, 4, 8, 9, 15]]),
        (31, 10, vec![(0..11).collect(), (20..31).collect(), (0..31).step_by(3).collect()]),
        (32, 10, vec![(21..32).collect(), vec![0, 1, 2, 4, 8, 16, 20, 24, 28, 30, 31]]),
    ] {
        let keys: Vec<_> = (0..n).map(key).collect();
        for (round, signers) in quorums.iter().enumerate() {
            let digest = keccak256(format!("config {n}"));
            let seq_nr = [1, u64::from(u32::MAX) + 7, u64::MAX][round];
            let report = vec![0x5a; [0, 64, 391][round]];
            let hash = report_hash(digest, seq_nr, &report);
            let good = attest(&keys, signers, hash);
            let mut case = |name: &str, attestation: Vec<u8>, revert: &[u8]| {
                cases.push(json!({
                    "type": "attestation",
                    "name": format!("{name}, n = {n}, round {round}"),
                    "n": n,
                    "f": f,
                    "keys": Bytes::from(addresses(&keys)),
                    "config_digest": digest,
                    "seq_nr": seq_nr.to_string(),
                    "report": Bytes::from(report.clone()),
                    "report_hash": hash,
                    "attestation": Bytes::from(attestation),
                    "accept": revert.is_empty(),
                    "revert": Bytes::copy_from_slice(revert),
                }));
            };
            let too_few = verifier::InvalidAttestationNumberOfSignatures::SELECTOR;
            let wrong_bits = verifier::InvalidAttestationAttributionBitmask::SELECTOR;
            let wrong_length = verifier::InvalidAttestationLength::SELECTOR;
            case("good", good.clone(), &[]);
            case(
                "signed for another sequence number",
                attest(&keys, signers, report_hash(digest, 2, &report)),
                &too_few,
            );
            case("one signature too many", [good.clone(), good[4..68].to_vec()].concat(), &wrong_length);
            case("one signature too few", good[..good.len() - 64].to_vec(), &wrong_length);
            let stranger = [&good[..good.len() - 64], &signature(&key(99), hash)].concat();
            case("the last signature is a stranger's", stranger, &too_few);
            let twice = [&good[..good.len() - 64], &good[4..68]].concat();
            case("the first signature once more instead of the last", twice, &too_few);
            let last = signers[signers.len() - 1];
            if last + 1 < n {
                let mut more = good.clone();
                let bits = u32::from_be_bytes([good[0], good[1], good[2], good[3]]) | 1 << (last + 1);
                more[..4].copy_from_slice(&bits.to_be_bytes());
                case("one bit too many", more, &wrong_bits);
            }
        }
    }
    cases
}

#[test]
fn the_committed_vectors_are_the_ones_made_here() {
    let cases = rust_made();
    let about = "ECDSA attestations of OCR3, spec 17.2, made by crates/bindings/tests/attestation.rs with Dodona's own keys and \
                 signatures; the reference's verifiers are asked the same by contracts/test/Attestation.t.sol.";
    let lines: Vec<String> = cases.iter().map(|case| format!("  {case}")).collect();
    let text = format!(
        "{{\n \"about\": {},\n \"count\": {},\n \"cases\": [\n{}\n ]\n}}\n",
        json!(about),
        cases.len(),
        lines.join(",\n")
    );
    let path = path("ocr3_attestation_rust.json");
    if std::env::var("VECTORS").is_ok_and(|value| value == "write") {
        fs::write(&path, &text).expect("the vectors can be written");
        return;
    }
    assert_eq!(
        fs::read_to_string(&path).expect("the vectors"),
        text,
        "run with VECTORS=write and review the difference"
    );
}
