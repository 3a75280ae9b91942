//! OffchainAggregator and AccessControlledOffchainAggregator (OCR1) beside the reference's.

mod differences;
mod reimbursement;

use crate::{
    chain::{Chain, Outcome, committee::Committee, slot_of},
    feeds::{
        Feeds, Places, Protocol, answer_bounds, calls,
        differences::{
            CARRIED, Difference, SILENT_TOKEN, WRONG_TOKEN, ZERO_SIGNER, ZERO_TRANSMITTER, all_are_explained, decoded,
        },
        people::seated,
        run,
        steps::{Config, Terms, Transaction},
        transmission::{Content, OFFSET_WORD},
    },
    sequence::Tally,
};
use alloy_primitives::{Address, B256, Bytes, Log, U256, keccak256};
use alloy_sol_types::{SolCall, SolEvent, SolValue};
use bindings::{creation, offchain_aggregator as feed};
use std::sync::LazyLock;

// Where the reference's contract keeps things.
const THEIR_COUNTS: u64 = 5;
const THEIR_REIMBURSEMENTS: u64 = 9;
const THEIR_SEATS: u64 = 40;
const THEIR_HOT: u64 = 43;

/// Where ours has its observations.
static OUR_COUNTS: LazyLock<u64> = LazyLock::new(|| slot_of("OffchainAggregator", "s_observationCounts"));

#[derive(Clone)]
struct Ocr1;

impl Protocol for Ocr1 {
    const THEIRS: Places = Places { link: 3, payees: 7, proposed_payees: 8 };
    const VALIDATOR_READS: [u8; 4] = feed::latestRoundCall::SELECTOR;
    const TRANSMIT: [u8; 4] = feed::transmitCall::SELECTOR;
    const CONFIG_SET: B256 = feed::ConfigSet::SIGNATURE_HASH;
    const BILLING_SET: B256 = feed::BillingSet::SIGNATURE_HASH;
    const COUNT_WORD: usize = 3;
    const DIFFERENCES: &[&str] = &[
        ZERO_SIGNER,
        ZERO_TRANSMITTER,
        CARRIED,
        SILENT_TOKEN,
        WRONG_TOKEN,
        differences::OWNER_TO_ITSELF,
        differences::NO_BOOLEAN,
        differences::TOKEN_OF_TWO,
        differences::WIDE_PAYEE,
        differences::BYTES_BEHIND,
        differences::ARRAY_ELSEWHERE,
        differences::WIDE_OBSERVATION,
        differences::NO_SEAT,
        differences::VALIDATOR_AFTER,
        differences::ORDER_OF_PAYMENTS,
        differences::SIGNERS_PAYEE,
        differences::FORMER_COUNTS,
        differences::DIGEST_OF_MORE,
        differences::GAS_OF_THE_RECEIPT,
    ];

    fn creation(bytecode: &Bytes, token: Address, requesters: Address) -> Vec<u8> {
        let (minimum, maximum) = answer_bounds();
        let arguments = feed::constructorCall {
            maximumGasPrice: 2000,
            reasonableGasPrice: 50,
            microLinkPerEth: 215_123_456,
            linkGweiPerObservation: 400_000,
            linkGweiPerTransmission: 1_000_000,
            link: token,
            minAnswer_: minimum,
            maxAnswer_: maximum,
            billingAccessController_: Address::ZERO,
            requesterAccessController_: requesters,
            decimals_: 8,
            description_: "ETH / USD".into(),
        };
        creation(bytecode, &arguments)
    }

    /// Sixteen bytes, and zeros.
    fn digest(theirs: &mut Chain, feed: Address) -> B256 {
        (theirs.storage(feed, U256::from(THEIR_HOT)) << 128usize).into()
    }

    fn epoch_and_round(theirs: &mut Chain, feed: Address) -> u64 {
        (theirs.storage(feed, U256::from(THEIR_HOT)) >> 128usize).wrapping_to::<u64>() & ((1 << 40) - 1)
    }

    fn latest_round(theirs: &mut Chain, feed: Address) -> u32 {
        (theirs.storage(feed, U256::from(THEIR_HOT)) >> 176usize).wrapping_to()
    }

    fn transmitters(theirs: &mut Chain, feed: Address) -> Vec<Address> {
        theirs.read(feed, &feed::transmittersCall {})
    }

    fn readers() -> Vec<(&'static str, Bytes)> {
        calls!(
            feed:
            ownerCall,
            latestConfigDetailsCall,
            transmittersCall,
            latestTransmissionDetailsCall,
            requesterAccessControllerCall,
            validatorConfigCall,
            getLinkTokenCall,
            billingAccessControllerCall,
            getBillingCall,
            linkAvailableForPaymentCall,
            minAnswerCall,
            maxAnswerCall,
            typeAndVersionCall
        )
    }

    fn set_config(config: Config) -> Vec<u8> {
        let Config { signers, transmitters, f, onchain, offchain } = config;
        let call = feed::setConfigCall {
            signers,
            transmitters_: transmitters,
            threshold: f,
            encodedConfigVersion: 1,
            encoded: [onchain, offchain].concat().into(),
        };
        call.abi_encode()
    }

    fn named_by_set_config(data: &[u8]) -> Option<(Vec<Address>, Vec<Address>)> {
        feed::setConfigCall::abi_decode(data).ok().map(|call| (call.signers, call.transmitters_))
    }

    fn installed(log: &Log) -> Option<Committee> {
        decoded::<feed::ConfigSet>(log).map(|event| seated(event.signers, event.transmitters, event.threshold))
    }

    fn set_billing(terms: &Terms) -> Vec<u8> {
        let call = feed::setBillingCall {
            maximumGasPrice: terms.maximum,
            reasonableGasPrice: terms.reasonable,
            microLinkPerEth: terms.micro_link_per_eth,
            linkGweiPerObservation: terms.observation,
            linkGweiPerTransmission: terms.transmission,
        };
        call.abi_encode()
    }

    fn fewest_observations(f: usize) -> usize {
        2 * f + 1
    }

    /// The context is the first word of the report: 11 zero bytes, the digest, epoch and round.
    fn report(content: &Content) -> (Vec<B256>, Vec<u8>) {
        let mut context = [0; 32];
        context[11..27].copy_from_slice(&content.digest[..16]);
        context[27..31].copy_from_slice(&content.epoch.to_be_bytes());
        context[31] = content.round;
        let mut observers = [0; 32];
        observers[..content.observers.len()].copy_from_slice(&content.observers);
        let report = (B256::from(context), B256::from(observers), content.observations.clone()).abi_encode_params();
        (Vec::new(), report)
    }

    fn signed_hash(_: &[B256], report: &[u8]) -> B256 {
        keccak256(report)
    }

    /// To one or two words later, or to its own offset, which is the count then.
    fn move_array(report: &mut Vec<u8>, _: usize, which: usize) {
        let count = 32 * Self::COUNT_WORD;
        for _ in 0..which {
            report.splice(count..count, [0x11; 32]);
        }
        let offset = U256::from(if which == 0 { 32 * OFFSET_WORD } else { count + 32 * which });
        report[32 * OFFSET_WORD..count].copy_from_slice(&offset.to_be_bytes::<32>());
    }

    /// Both keep sixteen counts a word, each with one more.
    fn age(feeds: &mut Feeds<Self>, seat: usize, observations: u16) {
        let shift = 16 * (seat % 16);
        let count = U256::from(observations.saturating_add(1)) << shift;
        let at = feeds.feed;
        for (chain, first) in [(&mut feeds.ours, *OUR_COUNTS), (&mut feeds.theirs, THEIR_COUNTS)] {
            let slot = U256::from(first) + U256::from(seat / 16);
            let rest = chain.storage(at, slot) & !(U256::from(u16::MAX) << shift);
            chain.store(at, slot, rest | count);
        }
    }

    fn explain(
        before: &mut Feeds<Self>,
        transaction: &Transaction,
        ours: &Outcome,
        theirs: &Outcome,
    ) -> Result<Option<Difference>, String> {
        differences::explain(before, transaction, ours, theirs)
    }

    fn level(
        feeds: &mut Feeds<Self>,
        before: &mut Feeds<Self>,
        transaction: &Transaction,
        ours: &Outcome,
        theirs: &Outcome,
        tally: &mut Tally,
    ) -> Result<(), String> {
        if transaction.to != feeds.feed {
            Ok(())
        } else if transaction.data.starts_with(&feed::transmitCall::SELECTOR) {
            reimbursement::level(feeds, before, transaction, ours, theirs, tally)
        } else if transaction.data.starts_with(&feed::setConfigCall::SELECTOR) {
            differences::digest_what_was_cut(feeds, transaction, ours, tally)?;
            differences::count_anew(feeds, before, tally)
        } else {
            Ok(())
        }
    }
}

#[test]
fn the_feed_does_what_the_reference_does() {
    run::<Ocr1>("OffchainAggregator");
}

#[test]
fn the_gated_feed_does_what_the_reference_does() {
    run::<Ocr1>("AccessControlledOffchainAggregator");
}

#[test]
fn each_difference_is_explained_on_the_page() {
    all_are_explained::<Ocr1>();
}
