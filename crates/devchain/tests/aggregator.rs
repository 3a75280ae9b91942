//! The real aggregator's bytecode on both kinds of chain.

#[path = "world/aggregator.rs"]
mod aggregator;

use aggregator::{Aggregator, Committee};
use alloy::sol_types::SolEvent;
use alloy_primitives::aliases::I192;
use devchain::{Headers, Recover};

#[test]
fn a_committee_transmits_with_real_and_with_simulated_signatures() {
    for recover in [Recover::Secp256k1, Recover::KeyedHash] {
        let mut committee = Committee::new(4, recover, Headers::Complete);
        for (round, answer) in [(1, 2_000), (2, 3_000)] {
            let transmission = committee.transmission(u64::from(round) - 1, 1, round, answer);
            let hash = committee.chain.submit_from(committee.transmitters[0], transmission.into()).unwrap();
            let block = committee.chain.mine(1 + u64::from(round)).unwrap();
            let receipt = committee.chain.receipt(&hash).unwrap();
            assert!(receipt.success, "{recover:?}");
            assert!(receipt.logs.iter().any(|log| log.topics()[0] == Aggregator::NewTransmission::SIGNATURE_HASH));
            assert!(block.header.gas_used > 60_000);
            let latest = committee.latest();
            assert_eq!((latest.epoch, latest.round, latest.answer), (1, round, I192::try_from(answer).unwrap()));
        }
        committee.chain.reorg(1).unwrap();
        assert_eq!(committee.latest().round, 1);
    }
}

#[test]
fn a_report_that_was_changed_after_signing_is_reverted() {
    for recover in [Recover::Secp256k1, Recover::KeyedHash] {
        let mut committee = Committee::new(4, recover, Headers::Bare);
        let mut transmission = committee.transmission(0, 1, 1, 2_000);
        let mut input = transmission.input.to_vec();
        // The last byte of the first observation.
        input[4 + 32 * 8 + 32 * 5 + 31] ^= 1;
        transmission.input = input.into();
        let hash = committee.chain.submit_from(committee.transmitters[0], transmission.into()).unwrap();
        committee.chain.mine(2).unwrap();
        assert!(!committee.chain.receipt(&hash).unwrap().success, "{recover:?}");
    }
}
