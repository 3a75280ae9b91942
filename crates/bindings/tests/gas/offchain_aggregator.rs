//! The OCR1 price feed.

use crate::{
    chain::{
        Chain, GWEI, address,
        committee::{Committee, Signatures, offchain_config},
    },
    feed::{self, Goals, Protocol, Round, SIZES},
    table::Section,
};
use alloy_primitives::{Address, B256, U256, aliases::I192, keccak256};
use alloy_sol_types::{SolCall, SolValue};
use bindings::{access_controlled_offchain_aggregator as access_controlled, offchain_aggregator as ocr1};

/// In millionths of LINK per ether, a rate like the OCR2 bench's.
const MICRO_LINK_PER_ETH: u32 = 215_123_456;
const REASONABLE_GAS_PRICE: u32 = 50;

enum Ocr1 {}

type Bench = feed::Bench<Ocr1>;

impl Protocol for Ocr1 {
    type Constructor = ocr1::constructorCall;
    const EXTRA_HASH: bool = false;

    fn constructor(token: Address) -> ocr1::constructorCall {
        ocr1::constructorCall {
            maximumGasPrice: 2000,
            reasonableGasPrice: REASONABLE_GAS_PRICE,
            microLinkPerEth: MICRO_LINK_PER_ETH,
            linkGweiPerObservation: 400_000,
            linkGweiPerTransmission: 1_000_000,
            link: token,
            minAnswer_: I192::ONE,
            maxAnswer_: I192::MAX >> 1,
            billingAccessController_: address("billing", 0),
            requesterAccessController_: address("requester", 0),
            decimals_: 8,
            description_: "ETH / USD".into(),
        }
    }

    fn prices() -> Option<Vec<u8>> {
        None
    }

    fn set_config(committee: &Committee) -> Vec<u8> {
        let call = ocr1::setConfigCall {
            signers: committee.signers.clone(),
            transmitters_: committee.transmitters.clone(),
            threshold: committee.f,
            encodedConfigVersion: 1,
            encoded: offchain_config(committee.n()),
        };
        call.abi_encode()
    }

    fn digest(chain: &mut Chain, feed: Address) -> B256 {
        let digest = chain.read(feed, &ocr1::latestConfigDetailsCall {}).configDigest;
        B256::right_padding_from(digest.as_slice())
    }

    fn transmit(committee: &Committee, digest: B256, round: &Round) -> Vec<u8> {
        let epoch_and_round = U256::from((u64::from(round.epoch()) << 8) | u64::from(round.round()));
        // 11 zero bytes, the digest, epoch and round.
        let context = (U256::from_be_bytes(digest.0) >> 88) | epoch_and_round;
        let observers = B256::right_padding_from(&round.observers);
        let report = (B256::from(context), observers, round.observations.clone()).abi_encode_params();
        let by = committee.quorum(round.number as usize);
        let Signatures { rs, ss, vs } = committee.sign(keccak256(&report), &by);
        ocr1::transmitCall { report: report.into(), rs, ss, rawVs: vs }.abi_encode()
    }
}

pub fn section() -> Section {
    let method = "As above; this protocol has no extraHash.";
    let goals = Goals {
        transmit: [Some(105_000), None, None, Some(190_000)],
        bounded: [None; SIZES.len()],
        latest_round_data: None,
    };
    feed::section::<Ocr1>("OffchainAggregator (OCR1)", method, "OffchainAggregator", &ocr1::BYTECODE, goals)
}

/// The gas of one transmission, and for how much gas it pays its transmitter.
fn paid_gas(bench: &mut Bench) -> (u64, u64) {
    let (feed, transmitter) = (bench.feed, bench.committee.transmitters[0]);
    let owed = |chain: &mut Chain| chain.read(feed, &ocr1::owedPaymentCall { transmitter });
    let before = owed(&mut bench.chain);
    let used = bench.transmit(B256::ZERO);
    let earned = owed(&mut bench.chain) - before - U256::from((400_000 + 1_000_000) * GWEI);
    // An offered price of less than the reasonable one keeps half of what it saves.
    let offered = bench.chain.gas_price / GWEI;
    let price = offered + (u128::from(REASONABLE_GAS_PRICE) - offered) / 2;
    let juels_per_gas = U256::from(price * GWEI) * U256::from(MICRO_LINK_PER_ETH) / U256::from(1_000_000);
    (used, (earned / juels_per_gas).to())
}

/// The original pays for another number. The access-controlled form finds its functions in another order.
#[test]
fn a_transmission_is_paid_for_the_gas_of_its_receipt() {
    for (bytecode, off_by) in [(&ocr1::BYTECODE, 0), (&access_controlled::BYTECODE, 100)] {
        for n in SIZES {
            let mut bench = Bench::new(bytecode, n, 0);
            for _ in 0..5 {
                bench.transmit(B256::ZERO);
            }
            for _ in 0..8 {
                let (used, paid) = paid_gas(&mut bench);
                assert!(used.abs_diff(paid) <= off_by, "n = {n}: used {used}, paid for {paid}");
            }
        }
    }
}
