//! The OCR2 price feed.

use crate::{
    chain::{
        Chain, address,
        committee::{Committee, context, report},
    },
    feed::{self, Goals, Protocol, Round},
    table::Section,
};
use alloy_primitives::{
    Address, B256, I256,
    aliases::{I192, U24},
};
use alloy_sol_types::SolCall;
use bindings::ocr2_aggregator as ocr2;

pub enum Ocr2 {}

pub type Bench = feed::Bench<Ocr2>;

impl Protocol for Ocr2 {
    type Constructor = ocr2::constructorCall;
    const EXTRA_HASH: bool = true;

    fn constructor(token: Address) -> ocr2::constructorCall {
        ocr2::constructorCall {
            link: token,
            minAnswer_: I192::ONE,
            maxAnswer_: I192::MAX >> 1,
            billingAccessController: address("billing", 0),
            requesterAccessController: address("requester", 0),
            decimals_: 8,
            description_: "ETH / USD".into(),
        }
    }

    fn prices() -> Option<Vec<u8>> {
        let billing = ocr2::setBillingCall {
            maximumGasPriceGwei: 2000,
            reasonableGasPriceGwei: 50,
            observationPaymentGjuels: 400_000,
            transmissionPaymentGjuels: 1_000_000,
            accountingGas: U24::from(15_000),
        };
        Some(billing.abi_encode())
    }

    fn set_config(committee: &Committee) -> Vec<u8> {
        committee.set_config(1, I192::MAX >> 1).abi_encode()
    }

    fn digest(chain: &mut Chain, feed: Address) -> B256 {
        chain.read(feed, &ocr2::latestConfigDetailsCall {}).configDigest
    }

    fn transmit(committee: &Committee, digest: B256, round: &Round) -> Vec<u8> {
        let juels = I256::try_from(215_123_456_789_012_345_678u128).expect("a small number");
        let report = report(round.timestamp, &round.observers, &round.observations, juels);
        let context = context(digest, round.epoch(), round.round(), round.extra_hash);
        committee.transmit(context, report, &committee.quorum(round.number as usize)).abi_encode()
    }
}

pub fn section() -> Section {
    let method = "Offchain config of realistic size, all payees set, prices not zero, no validator, gas price below the \
                  reasonable one,\nextraHash zero except in the last two columns. A cold read is the difference of \
                  `gasleft()` around a Solidity contract's first call.";
    let goals = Goals {
        transmit: [80_000, 86_500, 105_000, 135_500].map(Some),
        bounded: [63_500, 69_500, 88_000, 118_500].map(Some),
        latest_round_data: Some(7_800),
    };
    feed::section::<Ocr2>("OCR2Aggregator", method, "OCR2Aggregator", &ocr2::BYTECODE, goals)
}
