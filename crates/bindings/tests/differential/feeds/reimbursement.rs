//! What a transmitter is reimbursed for depends on the gas that was used, which is the point of our feeds. So what each
//! contract has added to its books is checked against its formula with its own gas, and then ours is given the reference's
//! sum, so that everything after it can be compared to the last digit.

use super::{Feeds, Protocol, steps::Transaction, surroundings::mapping};
use crate::{chain::Outcome, sequence::Tally};
use alloy_primitives::{Address, U256};
use std::ops::RangeInclusive;

/// An account of ours has its sum in bits 16 to 111.
const SUM_AT: usize = 16;
pub const SUM_MASK: U256 = U256::from_limbs([u64::MAX, u32::MAX as u64, 0, 0]);

pub const GWEI: U256 = U256::from_limbs([1_000_000_000, 0, 0, 0]);

/// How one contract comes from gas to a sum.
pub struct Formula<'a> {
    /// The part of the executed gas (what was used besides 21,000 and calldata) that it does not see.
    pub unseen: RangeInclusive<u64>,
    /// The new sum for the executed gas that it sees.
    pub sum: &'a dyn Fn(u64) -> U256,
}

/// # Errors
/// If one of the sums is not what its formula says.
pub fn level<P: Protocol>(
    feeds: &mut Feeds<P>,
    transaction: &Transaction,
    (ours, theirs): (&Outcome, &Outcome),
    their_sum: U256,
    (our_formula, their_formula): (Formula, Formula),
    (tally, name): (&mut Tally, &'static str),
) -> Result<(), String> {
    let our_sum = our_sum(feeds, transaction.from);
    check("ours", ours, transaction, &our_formula, our_sum)?;
    check("theirs", theirs, transaction, &their_formula, their_sum)?;
    if our_sum != their_sum {
        tally.meet(name);
        let (at, slot) = (feeds.feed, mapping(transaction.from, feeds.our_accounts));
        let rest = feeds.ours.storage(at, slot) & !(SUM_MASK << SUM_AT);
        feeds.ours.store(at, slot, rest | (their_sum << SUM_AT));
    }
    Ok(())
}

fn check(name: &str, outcome: &Outcome, transaction: &Transaction, formula: &Formula, got: U256) -> Result<(), String> {
    let executed = outcome.gas - 21_000 - calldata_gas(transaction);
    let explains = |unseen: u64| (formula.sum)(executed.saturating_sub(unseen)) == got;
    let found = formula.unseen.clone().find(|unseen| explains(*unseen));
    found.map(drop).ok_or_else(|| {
        // For who moves the range.
        let elsewhere = (0..20_000).find(|unseen| explains(*unseen));
        format!("{name} reimburses up to {got}, which {executed} gas do not explain (but for {elsewhere:?} unseen)")
    })
}

/// What transmissions of this one have earned by our books.
pub fn our_sum<P: Protocol>(feeds: &mut Feeds<P>, transmitter: Address) -> U256 {
    (feeds.ours.storage(feeds.feed, mapping(transmitter, feeds.our_accounts)) >> SUM_AT) & SUM_MASK
}

pub fn calldata_gas(transaction: &Transaction) -> u64 {
    transaction.data.iter().map(|byte| if *byte == 0 { 4 } else { 16 }).sum()
}

/// In wei: an offered price below the reasonable one keeps half of what it saves.
pub fn price(transaction: &Transaction, reasonable: u32, maximum: u32) -> U256 {
    let (mut price, reasonable) = (transaction.price_gwei, u64::from(reasonable));
    if price < reasonable {
        price += (reasonable - price) / 2;
    }
    U256::from(price.min(u64::from(maximum))) * GWEI
}
