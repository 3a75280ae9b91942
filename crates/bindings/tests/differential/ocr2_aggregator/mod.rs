//! OCR2Aggregator and AccessControlledOCR2Aggregator beside the reference's.

mod reimbursement;

use crate::{
    chain::{Chain, Outcome, committee, committee::Committee},
    feeds::{
        Feeds, Places, Protocol, answer_bounds, calls,
        differences::{
            CARRIED, Difference, SILENT_TOKEN, WRONG_TOKEN, ZERO_SIGNER, ZERO_TRANSMITTER, all_are_explained, decoded,
            refused_with,
        },
        people::seated,
        run,
        steps::{Config, Terms, Transaction},
        transmission::{Content, OFFSET_WORD},
    },
    sequence::Tally,
};
use alloy_primitives::{Address, B256, Bytes, Log, U256, aliases::U24};
use alloy_sol_types::{SolCall, SolEvent};
use bindings::{creation, ocr2_aggregator as feed};

const SIGNER_TRANSMITS: &str = "signer that transmits";
const OFFSET_ELSEWHERE: &str = "array offset elsewhere";
const LESS_GAS: &str = "less gas";

// Where the reference's contract keeps things.
const THEIR_ACCOUNTS: u64 = 2;
const THEIR_DIGEST: u64 = 10;
const THEIR_HOT: u64 = 11;

#[derive(Clone)]
struct Ocr2;

impl Protocol for Ocr2 {
    const THEIRS: Places = Places { link: 17, payees: 19, proposed_payees: 20 };
    const VALIDATOR_READS: [u8; 4] = feed::latestConfigDigestAndEpochCall::SELECTOR;
    const TRANSMIT: [u8; 4] = feed::transmitCall::SELECTOR;
    const CONFIG_SET: B256 = feed::ConfigSet::SIGNATURE_HASH;
    const BILLING_SET: B256 = feed::BillingSet::SIGNATURE_HASH;
    const COUNT_WORD: usize = 4;
    const DIFFERENCES: &[&str] = &[
        ZERO_SIGNER,
        ZERO_TRANSMITTER,
        SIGNER_TRANSMITS,
        OFFSET_ELSEWHERE,
        CARRIED,
        SILENT_TOKEN,
        WRONG_TOKEN,
        LESS_GAS,
    ];

    fn creation(bytecode: &Bytes, token: Address, requesters: Address) -> Vec<u8> {
        let (minimum, maximum) = answer_bounds();
        let arguments = feed::constructorCall {
            link: token,
            minAnswer_: minimum,
            maxAnswer_: maximum,
            billingAccessController: Address::ZERO,
            requesterAccessController: requesters,
            decimals_: 8,
            description_: "ETH / USD".into(),
        };
        creation(bytecode, &arguments)
    }

    fn digest(theirs: &mut Chain, feed: Address) -> B256 {
        theirs.storage(feed, U256::from(THEIR_DIGEST)).into()
    }

    fn epoch_and_round(theirs: &mut Chain, feed: Address) -> u64 {
        (theirs.storage(feed, U256::from(THEIR_HOT)) >> 8usize).wrapping_to::<u64>() & ((1 << 40) - 1)
    }

    fn latest_round(theirs: &mut Chain, feed: Address) -> u32 {
        (theirs.storage(feed, U256::from(THEIR_HOT)) >> 48usize).wrapping_to()
    }

    fn transmitters(theirs: &mut Chain, feed: Address) -> Vec<Address> {
        theirs.read(feed, &feed::getTransmittersCall {})
    }

    fn readers() -> Vec<(&'static str, Bytes)> {
        calls!(
            feed:
            ownerCall,
            latestConfigDetailsCall,
            getTransmittersCall,
            latestTransmissionDetailsCall,
            latestConfigDigestAndEpochCall,
            getRequesterAccessControllerCall,
            getValidatorConfigCall,
            getLinkTokenCall,
            getBillingAccessControllerCall,
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
            transmitters,
            f,
            onchainConfig: onchain,
            offchainConfigVersion: 2,
            offchainConfig: offchain,
        };
        call.abi_encode()
    }

    fn named_by_set_config(data: &[u8]) -> Option<(Vec<Address>, Vec<Address>)> {
        feed::setConfigCall::abi_decode(data).ok().map(|call| (call.signers, call.transmitters))
    }

    fn installed(log: &Log) -> Option<Committee> {
        decoded::<feed::ConfigSet>(log).map(|event| seated(event.signers, event.transmitters, event.f))
    }

    fn set_billing(terms: &Terms) -> Vec<u8> {
        let call = feed::setBillingCall {
            maximumGasPriceGwei: terms.maximum,
            reasonableGasPriceGwei: terms.reasonable,
            observationPaymentGjuels: terms.observation,
            transmissionPaymentGjuels: terms.transmission,
            accountingGas: U24::from(terms.accounting_gas),
        };
        call.abi_encode()
    }

    fn fewest_observations(f: usize) -> usize {
        f + 1
    }

    fn report(content: &Content) -> (Vec<B256>, Vec<u8>) {
        let context = committee::context(content.digest, content.epoch, content.round, content.extra_hash);
        let report = committee::report(content.timestamp, &content.observers, &content.observations, content.rate);
        (context.to_vec(), report)
    }

    fn signed_hash(context: &[B256], report: &[u8]) -> B256 {
        committee::signed_hash(context.try_into().expect("three words"), report)
    }

    /// To the rate, the observers or the timestamp, whose word is the count then.
    fn move_array(report: &mut Vec<u8>, k: usize, which: usize) {
        let mut set = |word: usize, value: U256| {
            report[32 * word..32 * word + 32].copy_from_slice(&value.to_be_bytes::<32>());
        };
        set(OFFSET_WORD, U256::from([0x60, 0x20, 0][which]));
        set([3, 1, 0][which], U256::from(k));
        // The count's word has become an observation, and so may the offset's.
        set(Self::COUNT_WORD, U256::from(1000));
    }

    fn explain(
        _: &mut Feeds<Self>,
        transaction: &Transaction,
        ours: &Outcome,
        theirs: &Outcome,
    ) -> Result<Option<Difference>, String> {
        if let Some((signers, transmitters)) = Self::named_by_set_config(&transaction.data)
            && refused_with::<feed::SignerIsTransmitter>(ours, theirs)
            && signers.iter().any(|signer| transmitters.contains(signer))
        {
            return Ok(Some(Difference::Undone(SIGNER_TRANSMITS)));
        }
        if let Ok(call) = feed::transmitCall::abi_decode(&transaction.data)
            && refused_with::<feed::MalformedReport>(ours, theirs)
        {
            let offset = call.report.get(32 * OFFSET_WORD..32 * OFFSET_WORD + 32).map(U256::from_be_slice);
            let elsewhere = [0x60, 0x20, 0].map(U256::from);
            return Ok(offset
                .is_some_and(|offset| elsewhere.contains(&offset))
                .then_some(Difference::Undone(OFFSET_ELSEWHERE)));
        }
        Ok(None)
    }

    fn level(
        feeds: &mut Feeds<Self>,
        before: &mut Feeds<Self>,
        transaction: &Transaction,
        ours: &Outcome,
        theirs: &Outcome,
        tally: &mut Tally,
    ) -> Result<(), String> {
        if transaction.to != feeds.feed || !transaction.data.starts_with(&Self::TRANSMIT) {
            return Ok(());
        }
        reimbursement::level(feeds, before, transaction, ours, theirs, tally)
    }
}

#[test]
fn the_feed_does_what_the_reference_does() {
    run::<Ocr2>("OCR2Aggregator");
}

#[test]
fn the_gated_feed_does_what_the_reference_does() {
    run::<Ocr2>("AccessControlledOCR2Aggregator");
}

#[test]
fn each_difference_is_explained_on_the_page() {
    all_are_explained::<Ocr2>();
}
