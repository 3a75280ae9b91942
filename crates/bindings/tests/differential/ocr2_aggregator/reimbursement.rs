//! What a transmitter is reimbursed for depends on the gas that was used, which is the point of our feed. So what each
//! contract has added to its books is checked against the formula with its own gas, and then ours is given the reference's
//! sum, so that everything after it can be compared to the last digit.

use super::{Feeds, THEIR_ACCOUNTS, mapping, steps::Transaction};
use crate::{chain::Outcome, sequence::Tally};
use alloy_primitives::{I256, U256, aliases::I192};
use alloy_sol_types::{SolCall, SolEvent};
use bindings::ocr2_aggregator as feed;
use std::ops::RangeInclusive;

/// Gas of a transmission, besides 21,000 and calldata, that its formula does not see: what comes before the first and
/// after the second reading of `gasleft()`, above all the write of the sum itself. It is one number for each contract; the
/// higher one of the reference is its gated form. Ours may move a little with the compiler's layout of the code.
const UNSEEN_OURS: RangeInclusive<u64> = 4_000..=4_200;
const UNSEEN_THEIRS: RangeInclusive<u64> = 4_690..=4_712;

/// An account has its sum in bits 16 to 111, in both contracts.
const SUM_AT: usize = 16;
const SUM_MASK: U256 = U256::from_limbs([u64::MAX, u32::MAX as u64, 0, 0]);

pub fn level(
    feeds: &mut Feeds,
    before: &mut Feeds,
    transaction: &Transaction,
    ours: &Outcome,
    theirs: &Outcome,
    tally: &mut Tally,
) -> Result<(), String> {
    if transaction.to != feeds.feed || !transaction.data.starts_with(&feed::transmitCall::SELECTOR) {
        return Ok(());
    }
    let transmission = ours.logs.iter().find_map(|log| feed::NewTransmission::decode_log(log).ok());
    let Some(transmission) = transmission else { return Err("a transmission without its event".into()) };
    let rate = widened(transmission.juelsPerFeeCoin);
    let slots = (mapping(transaction.from, feeds.our_accounts), mapping(transaction.from, THEIR_ACCOUNTS));
    let at = feeds.feed;
    let sum = |word: U256| (word >> SUM_AT) & SUM_MASK;
    let our_account = feeds.ours.storage(at, slots.0);
    let (our_sum, their_sum) = (sum(our_account), sum(feeds.theirs.storage(at, slots.1)));
    let old_sum = sum(before.ours.storage(at, slots.0));
    let terms = before.theirs.read(at, &feed::getBillingCall {});
    let length = transaction.data.len() as u64;
    let calldata: u64 = transaction.data.iter().map(|byte| if *byte == 0 { 4 } else { 16 }).sum();

    // As in the specification of the payment, modulo 2^256.
    let expected = |gas: u64| -> U256 {
        let mut price = transaction.price_gwei;
        let (reasonable, maximum) = (u64::from(terms.reasonableGasPriceGwei), u64::from(terms.maximumGasPriceGwei));
        if price < reasonable {
            price += (reasonable - price) / 2;
        }
        let price = U256::from(price.min(maximum));
        let gas = U256::from(gas + 16 * length + terms.accountingGas.to::<u64>());
        let gwei = U256::from(1_000_000_000u64);
        let juels = gas.wrapping_mul(price).wrapping_mul(gwei).wrapping_mul(rate.into_raw());
        let juels = juels / U256::from(10u64.pow(18)) + U256::from(terms.transmissionPaymentGjuels) * gwei;
        let new = old_sum.wrapping_add(juels) & SUM_MASK;
        if rate.is_negative() || new < old_sum { old_sum } else { new }
    };
    let check = |name: &str, outcome: &Outcome, unseen: RangeInclusive<u64>, got: U256| {
        let executed = outcome.gas - 21_000 - calldata;
        let found = unseen.into_iter().find(|unseen| expected(executed.saturating_sub(*unseen)) == got);
        found
            .map(drop)
            .ok_or_else(|| format!("{name} reimburses {old_sum} -> {got}, which {executed} gas do not explain"))
    };
    check("ours", ours, UNSEEN_OURS, our_sum)?;
    check("theirs", theirs, UNSEEN_THEIRS, their_sum)?;
    if our_sum != their_sum {
        tally.difference(super::differences::LESS_GAS);
        let rest = our_account & !(SUM_MASK << SUM_AT);
        feeds.ours.store(at, slots.0, rest | (their_sum << SUM_AT));
    }
    Ok(())
}

fn widened(value: I192) -> I256 {
    let mut bytes = [if value.is_negative() { 0xff } else { 0 }; 32];
    bytes[8..].copy_from_slice(&value.to_be_bytes::<24>());
    I256::from_be_bytes(bytes)
}
