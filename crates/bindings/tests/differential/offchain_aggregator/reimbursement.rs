//! How OCR1's feeds reimburse.

use super::{Ocr1, THEIR_REIMBURSEMENTS, THEIR_SEATS, differences::GAS_OF_THE_RECEIPT};
use crate::{
    chain::Outcome,
    feeds::{
        Feeds,
        reimbursement::{self, Formula, GWEI, calldata_gas, our_sum, price},
        steps::Transaction,
        surroundings::mapping,
    },
    sequence::Tally,
};
use alloy_primitives::U256;
use bindings::offchain_aggregator as feed;
use std::ops::RangeInclusive;

/// Ours pays for the gas of the receipt, and for less than a hundredth more or less when its functions are found in another
/// order; what it does not see itself it knows, and adds.
const UNSEEN_OURS: RangeInclusive<u64> = 3_860..=4_060;
const KNOWN_OURS: u64 = 21_000 + 3_960;

/// The reference adds less than it does not see; the higher number is its gated form.
const UNSEEN_THEIRS: RangeInclusive<u64> = 6_166..=6_188;
const KNOWN_THEIRS: u64 = 6_035;

pub fn level(
    feeds: &mut Feeds<Ocr1>,
    before: &mut Feeds<Ocr1>,
    transaction: &Transaction,
    ours: &Outcome,
    theirs: &Outcome,
    tally: &mut Tally,
) -> Result<(), String> {
    let at = feeds.feed;
    let seat = feeds.theirs.storage(at, mapping(transaction.from, THEIR_SEATS)).wrapping_to::<u8>();
    // It is kept with one more.
    let their_sum = feeds.theirs.storage(at, U256::from(THEIR_REIMBURSEMENTS) + U256::from(seat)) - U256::ONE;
    let old_sum = our_sum(before, transaction.from);
    let terms = before.theirs.read(at, &feed::getBillingCall {});
    let price = price(transaction, terms.reasonableGasPrice, terms.maximumGasPrice);

    let earned = |gas: u64| {
        let juels = U256::from(gas) * price * U256::from(terms.microLinkPerEth) / U256::from(1_000_000);
        old_sum + juels + U256::from(terms.linkGweiPerTransmission) * GWEI
    };
    let calldata = calldata_gas(transaction);
    let ours_by = |gas: u64| earned(gas + KNOWN_OURS + calldata);
    let theirs_by = |gas: u64| earned(gas + KNOWN_THEIRS + 16 * transaction.data.len() as u64);
    let formulas = (Formula { unseen: UNSEEN_OURS, sum: &ours_by }, Formula { unseen: UNSEEN_THEIRS, sum: &theirs_by });
    reimbursement::level(feeds, transaction, (ours, theirs), their_sum, formulas, (tally, GAS_OF_THE_RECEIPT))
}
