//! Bidding: what a transaction offers per gas, and how far that is raised.

use core::cmp::max;

use super::words::Look;
use crate::limits::REPLACEMENT_PERCENT;

/// How to bid. All fees in wei per gas.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FeePolicy {
    /// The least tip, whatever an endpoint advises.
    pub tip_min: u128,
    /// The most that is ever paid, base fee and tip together.
    pub fee_cap_max: u128,
    /// The base fee that a first bid bears, in percent of the present one; a full block raises it by 12.5 %.
    pub headroom_percent: u32,
    /// Blocks without inclusion after which a bid is raised.
    pub bump_after_blocks: u64,
    /// By how much both fees rise, at least [`REPLACEMENT_PERCENT`].
    pub bump_percent: u32,
    /// By how much both fees rise at least.
    pub bump_min: u128,
}

/// A bid, in wei per gas.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Fees {
    pub tip: u128,
    pub cap: u128,
}

impl FeePolicy {
    /// The first bid; `None` if not even the base fee may be paid.
    pub(super) fn bid(&self, market: &Look) -> Option<Fees> {
        if market.base_fee > self.fee_cap_max {
            return None;
        }
        Some(self.capped(self.market(market)))
    }

    /// A bid that replaces `last` everywhere; `None` if that would be more than may be paid.
    pub(super) fn bump(&self, last: Fees, market: &Look) -> Option<Fees> {
        let asked = self.market(market);
        let bid = self.capped(Fees {
            tip: max(raised(last.tip, self.bump_percent.into(), self.bump_min), asked.tip),
            cap: max(raised(last.cap, self.bump_percent.into(), self.bump_min), asked.cap),
        });
        let replaces = |new: u128, old: u128| new >= raised(old, REPLACEMENT_PERCENT, 1);
        (replaces(bid.tip, last.tip) && replaces(bid.cap, last.cap)).then_some(bid)
    }

    fn market(&self, market: &Look) -> Fees {
        let tip = max(market.tip, self.tip_min);
        Fees { tip, cap: percent(market.base_fee, self.headroom_percent.into()).saturating_add(tip) }
    }

    fn capped(&self, bid: Fees) -> Fees {
        let cap = bid.cap.min(self.fee_cap_max);
        Fees { tip: bid.tip.min(cap), cap }
    }
}

/// `fee` and so many percent of it, rounded up, or at least `least` more.
fn raised(fee: u128, by_percent: u128, least: u128) -> u128 {
    fee.saturating_add(max(percent(fee, by_percent), least))
}

/// Rounded up.
fn percent(fee: u128, percent: u128) -> u128 {
    fee.saturating_mul(percent).div_ceil(100)
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::chain::Block;
    use alloc::vec::Vec;
    use alloy_primitives::{B256, U256};
    use proptest::prelude::*;

    const POLICY: FeePolicy = FeePolicy {
        tip_min: 2,
        fee_cap_max: 1_000,
        headroom_percent: 200,
        bump_after_blocks: 3,
        bump_percent: 20,
        bump_min: 5,
    };

    fn market(base_fee: u128, tip: u128) -> Look {
        let head = Block { number: 1, hash: B256::ZERO };
        Look {
            head,
            nonce: 0,
            nonce_pending: 0,
            nonce_confirmed: 0,
            balance: U256::ZERO,
            base_fee,
            tip,
            receipts: Vec::new(),
        }
    }

    #[test]
    fn a_first_bid_bears_twice_the_base_fee_and_the_advised_tip() {
        assert_eq!(POLICY.bid(&market(100, 7)), Some(Fees { tip: 7, cap: 207 }));
        assert_eq!(POLICY.bid(&market(100, 0)), Some(Fees { tip: 2, cap: 202 }));
    }

    #[test]
    fn no_bid_is_above_the_most_that_may_be_paid() {
        assert_eq!(POLICY.bid(&market(900, 7)), Some(Fees { tip: 7, cap: 1_000 }));
        assert_eq!(POLICY.bid(&market(0, 5_000)), Some(Fees { tip: 1_000, cap: 1_000 }));
        assert_eq!(POLICY.bid(&market(1_001, 7)), None);
    }

    #[test]
    fn a_bump_rises_by_the_larger_of_percent_and_minimum_and_follows_the_market() {
        let last = Fees { tip: 10, cap: 200 };
        assert_eq!(POLICY.bump(last, &market(10, 2)), Some(Fees { tip: 15, cap: 240 }));
        assert_eq!(POLICY.bump(last, &market(300, 40)), Some(Fees { tip: 40, cap: 640 }));
        assert_eq!(POLICY.bump(Fees { tip: 10, cap: 950 }, &market(300, 40)), None);
    }

    proptest! {
        #[test]
        fn a_bump_replaces_and_stays_within_the_most(tip in 0u128..2_000, extra in 0u128..2_000, base in 0u128..2_000, advice in 0u128..2_000) {
            let last = Fees { tip, cap: tip + extra };
            if let Some(bid) = POLICY.bump(last, &market(base, advice)) {
                prop_assert!(bid.cap <= POLICY.fee_cap_max && bid.tip <= bid.cap);
                prop_assert!(bid.tip * 10 >= last.tip * 11 && bid.cap * 10 >= last.cap * 11);
                prop_assert!(bid.tip > last.tip && bid.cap > last.cap);
            }
        }
    }
}
