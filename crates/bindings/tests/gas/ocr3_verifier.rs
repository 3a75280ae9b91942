//! Who verifies OCR3 attestations.

use crate::{
    chain::{Chain, address, committee::Committee, reference},
    table::{Row, Section},
};
use alloy_primitives::{B256, Bytes, U256, keccak256};
use alloy_sol_types::{SolCall, SolValue, sol};
use bindings::ocr3_verifier as verifier;

sol! {
    /// The original's demonstration contracts.
    contract Demo {
        function setConfig(uint32 configVersion, uint8 n, uint8 f, bytes keys);
        function transmit(bytes32 configDigest, uint64 seqNr, bytes report, bytes attestation);
    }
}

const SIZES: [usize; 4] = [4, 7, 16, 31];
/// The order of the group, to turn a signature that recovers with v = 28 into the one that recovers with v = 27.
const ORDER: &str = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";

fn order() -> U256 {
    U256::from_str_radix(ORDER, 16).expect("a number")
}

fn digest() -> B256 {
    keccak256("an OCR3 configuration")
}

/// A 64-byte report and the attestation of the f+1 oracles from `round` on.
fn attested(committee: &Committee, round: usize) -> (Bytes, Bytes) {
    let report = [keccak256([round as u8]), keccak256([round as u8, 1])].concat();
    let hash = keccak256((digest(), U256::from(round), keccak256(&report)).abi_encode());
    let mut signers = committee.quorum(round);
    signers.sort_unstable();
    let bits = signers.iter().fold(0u32, |bits, signer| bits | 1 << signer);
    let mut attestation = bits.to_be_bytes().to_vec();
    for signer in signers {
        let (signature, v) = committee.keys[signer].sign_prehash_recoverable(hash.as_slice()).expect("a signature");
        let s = U256::from_be_slice(&signature.s().to_bytes());
        attestation.extend(signature.r().to_bytes());
        attestation.extend((if v.to_byte() == 0 { s } else { order() - s }).to_be_bytes::<32>());
    }
    (report.into(), attestation.into())
}

fn keys(committee: &Committee) -> Bytes {
    committee.signers.iter().flat_map(|signer| signer.into_array()).collect()
}

/// Gas of the configuration, and the median of nine reports.
fn measure(mut chain: Chain, at: alloy_primitives::Address, n: usize, config: Vec<u8>, ours: bool) -> (u64, u64) {
    let committee = Committee::new(n, 0);
    let configured = chain.send(address("owner", 0), at, config).success().gas;
    let mut gas: Vec<u64> = (1..10)
        .map(|round| {
            let (report, attestation) = attested(&committee, round);
            let (digest, seq) = (digest(), round as u64);
            let data = if ours {
                verifier::verifyCall { configDigest: digest, seqNr: seq, report, attestation }.abi_encode()
            } else {
                Demo::transmitCall { configDigest: digest, seqNr: seq, report, attestation }.abi_encode()
            };
            chain.send(address("anyone", 0), at, data).success().gas
        })
        .collect();
    gas.sort_unstable();
    (configured, gas[4])
}

fn demo_config(n: usize) -> Vec<u8> {
    let committee = Committee::new(n, 0);
    Demo::setConfigCall { configVersion: 1, n: n as u8, f: committee.f, keys: keys(&committee) }.abi_encode()
}

/// The original's contract with the verifier inside.
fn original(bytecode: &Bytes, n: usize) -> (u64, u64) {
    let mut chain = Chain::new();
    let (at, _) = chain.deploy(address("owner", 0), bytecode.to_vec());
    measure(chain, at, n, demo_config(n), false)
}

fn ours(n: usize) -> (u64, u64) {
    let mut chain = Chain::new();
    let (at, _) = chain.deploy(address("owner", 0), verifier::BYTECODE.to_vec());
    let committee = Committee::new(n, 0);
    let config =
        verifier::trustConfigCall { configDigest: digest(), n: n as u8, f: committee.f, keys: keys(&committee) };
    measure(chain, at, n, config.abi_encode(), true)
}

pub fn section() -> Section {
    let demo = reference("DemoECDSAAttestationVerifier");
    let goals = [40_813, 47_276, 66_725, 99_100];
    let mut rows = Vec::new();
    for (n, goal) in SIZES.into_iter().zip(goals) {
        let theirs = demo.as_ref().map(|demo| original(demo, n).1);
        rows.push(Row::new(format!("a report of 64 bytes, n = {n}"), theirs, ours(n).1).goal(goal));
    }
    for n in SIZES {
        let theirs = demo.as_ref().map(|demo| original(demo, n).0);
        rows.push(Row::new(format!("the configuration, n = {n}"), theirs, ours(n).0));
    }
    let one_more = (ours(31).1 - ours(4).1) / 9;
    assert!((4_355..4_375).contains(&one_more), "{one_more}: the text below says 4,365");
    Section { title: "OCR3Verifier", method: METHOD, with_original: demo.is_some(), rows }
}

const METHOD: &str = "Signers rotate; a report has 64 bytes. The original is its demonstration contract with the verifier inside, ours is
OCR3Verifier: both read one slot and verify; the original then writes its slot with the same value (100 gas). As a
library behind the original's dispatcher ours takes 46,273 and 87,040 for n = 4 and 31, the original's 45,743 and 105,151: there the
data contract is found through one more slot, so two signatures are dearer by a little and more are cheaper.

**There is no BLS verifier, because it would cost more at every size that the format allows.** With Prague's precompiles
(EIP-2537), signatures in G1 and keys in G2, an attestation costs, whatever the number of signers: a pairing of two pairs,
2 * 32,600 + 37,700 = 102,900; mapping the report to the curve, 5,500; the signature in calldata, 96 bytes that are not zero and
32 that are, 1,664; four calls and the words between them, about 1,100; together 111,164. Each signer adds one point addition,
600, its call, 100, and the reading of 256 bytes of key, about 150; together 850. One more ECDSA signature costs 4,365 (the
difference of the rows for n = 31 and n = 4, by nine signatures): 3,100 for ecrecover, 1,024 for calldata, 241 for the rest. So
BLS is cheaper from 111,164 / (4,365 - 850) = 31.6 signers on, f + 1 = 32, which is n = 94; an attestation names at most 32 oracles,
11 signers, and there BLS costs some 72,000 more. Keys in G1 and signatures in G2 save 225 for each signer and add 18,300 for the
mapping and 1,664 of calldata: dearer still. The pairing alone costs more than all of an attestation by 11 signers
(`test/unit/AttestationGas.t.sol`). What BLS saves is data, 576 bytes of 708 at n = 31, so it would pay where a byte of calldata
costs more than 140 gas. The original's BLS verifier, on BN254, has no precompile to add keys, and needs 269,430 at n = 31.";
