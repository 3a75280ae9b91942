//! The committed artifacts belong to the committed sources. Whether they are what a compiler makes of them is judged by
//! `contracts/tools/artifacts.mjs --check`, which needs a compiler; this needs none.

use alloy_primitives::Bytes;
use sha2::{Digest, Sha256};
use std::{fs, path::PathBuf};

fn contracts() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../contracts")
}

fn artifacts() -> Vec<(String, serde_json::Value)> {
    let mut found: Vec<_> = fs::read_dir(contracts().join("artifacts"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap())
        })
        .collect();
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    found
}

#[test]
fn every_artifact_carries_the_hash_of_its_sources() {
    let artifacts = artifacts();
    assert!(!artifacts.is_empty());
    for (name, artifact) in artifacts {
        let mut hash = Sha256::new();
        for source in artifact["sources"].as_array().unwrap() {
            let path = source.as_str().unwrap();
            hash.update(path);
            hash.update([0]);
            hash.update(fs::read(contracts().join(path)).unwrap());
            hash.update([0]);
        }
        assert_eq!(
            artifact["sourceHash"].as_str().unwrap(),
            hex::encode(hash.finalize()),
            "the sources of {name} have changed: run `node tools/artifacts.mjs` in contracts/"
        );
    }
}

#[test]
fn every_artifact_is_bound_with_its_own_bytecode() {
    let bound: &[(&str, &Bytes)] = &[
        ("AccessControlledOCR2Aggregator", &bindings::access_controlled_ocr2_aggregator::BYTECODE),
        ("AccessControlledOffchainAggregator", &bindings::access_controlled_offchain_aggregator::BYTECODE),
        ("ExampleLending", &bindings::example_lending::BYTECODE),
        ("FeedProxy", &bindings::feed_proxy::BYTECODE),
        ("LinkToken", &bindings::link_token::BYTECODE),
        ("OCR2Aggregator", &bindings::ocr2_aggregator::BYTECODE),
        ("OCR3DynamicallyDispatchedECDSAAttestationVerifierLib", &bindings::ocr3_ecdsa_library::BYTECODE),
        ("OCR3Verifier", &bindings::ocr3_verifier::BYTECODE),
        ("OCRConfigurationStoreEVMSimple", &bindings::ocr_configuration_store::BYTECODE),
        ("OffchainAggregator", &bindings::offchain_aggregator::BYTECODE),
        ("SimpleReadAccessController", &bindings::simple_read_access_controller::BYTECODE),
        ("SimpleWriteAccessController", &bindings::simple_write_access_controller::BYTECODE),
        ("ThresholdAggregator", &bindings::threshold_aggregator::BYTECODE),
        ("ThresholdBatch", &bindings::threshold_batch::BYTECODE),
        ("ThresholdFeed", &bindings::threshold_feed::BYTECODE),
    ];
    let artifacts = artifacts();
    assert_eq!(artifacts.len(), bound.len());
    for ((name, artifact), (bound_name, bytecode)) in artifacts.iter().zip(bound) {
        assert_eq!(name, *bound_name);
        assert_eq!(artifact["bytecode"]["object"].as_str().unwrap(), format!("0x{}", hex::encode(bytecode)), "{name}");
    }
}
