//! How OCR2's feeds reimburse.

use super::{LESS_GAS, Ocr2, THEIR_ACCOUNTS};
use crate::{
    chain::Outcome,
    feeds::{
        Feeds,
        reimbursement::{self, Formula, GWEI, SUM_MASK, our_sum, price},
        steps::Transaction,
        surroundings::mapping,
    },
    sequence::Tally,
};
use alloy_primitives::{I256, U256, aliases::I192};
use alloy_sol_types::SolEvent;
use bindings::ocr2_aggregator as feed;
use std::ops::RangeInclusive;

/// Gas that the formula does not see is what comes before the first and after the second reading of `gasleft()`, above all
/// the write of the sum itself. It is one number for each contract; the higher one of the reference is its gated form.
/// Ours may move a little with the compiler's layout of the code.
const UNSEEN_OURS: RangeInclusive<u64> = 4_000..=4_200;
const UNSEEN_THEIRS: RangeInclusive<u64> = 4_690..=4_712;

pub fn level(
    feeds: &mut Feeds<Ocr2>,
    before: &mut Feeds<Ocr2>,
    transaction: &Transaction,
    ours: &Outcome,
    theirs: &Outcome,
    tally: &mut Tally,
) -> Result<(), String> {
    let transmission = ours.logs.iter().find_map(|log| feed::NewTransmission::decode_log(log).ok());
    let Some(transmission) = transmission else { return Err("a transmission without its event".into()) };
    let rate = widened(transmission.juelsPerFeeCoin);
    let at = feeds.feed;
    // Like in our accounts.
    let their_sum = (feeds.theirs.storage(at, mapping(transaction.from, THEIR_ACCOUNTS)) >> 16usize) & SUM_MASK;
    let old_sum = our_sum(before, transaction.from);
    let terms = before.theirs.read(at, &feed::getBillingCall {});
    let price = price(transaction, terms.reasonableGasPriceGwei, terms.maximumGasPriceGwei);

    // As in the specification of the payment, modulo 2^256.
    let sum = |gas: u64| -> U256 {
        let gas = gas + 16 * transaction.data.len() as u64 + terms.accountingGas.to::<u64>();
        let juels = U256::from(gas).wrapping_mul(price).wrapping_mul(rate.into_raw());
        let juels = juels / U256::from(10u64.pow(18)) + U256::from(terms.transmissionPaymentGjuels) * GWEI;
        let new = old_sum.wrapping_add(juels) & SUM_MASK;
        if rate.is_negative() || new < old_sum { old_sum } else { new }
    };
    let formula = |unseen| Formula { unseen, sum: &sum };
    let formulas = (formula(UNSEEN_OURS), formula(UNSEEN_THEIRS));
    reimbursement::level(feeds, transaction, (ours, theirs), their_sum, formulas, (tally, LESS_GAS))
}

fn widened(value: I192) -> I256 {
    let mut bytes = [if value.is_negative() { 0xff } else { 0 }; 32];
    bytes[8..].copy_from_slice(&value.to_be_bytes::<24>());
    I256::from_be_bytes(bytes)
}
