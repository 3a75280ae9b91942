//! Who acts.

use super::{
    Feeds, THEIR_PAYEES, THEIR_PROPOSED_PAYEES,
    surroundings::{mapping, reader},
};
use crate::chain::{address, committee::Committee};
use alloy_primitives::{Address, U256};
use std::sync::LazyLock;

/// From which committees are drawn; three more than a committee can have.
pub const POOL: usize = 34;

pub static ORACLES: LazyLock<Committee> = LazyLock::new(|| Committee::new(POOL, 0));

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Whoever is the owner now.
    Owner,
    /// Whoever was proposed as the next owner.
    Heir,
    BillingAdmin,
    Requester,
    Stranger,
    Transmitter(usize),
    /// The one that the first `setPayees` names.
    Payee(usize),
    /// Whoever is the payee of this transmitter now, or has been proposed.
    PayeeOf(usize),
    ProposedPayeeOf(usize),
    Reader,
    Feed,
    Token,
    Nobody,
}

impl Feeds {
    pub fn who(&mut self, who: Who) -> Address {
        match who {
            Who::Owner => self.word_of_theirs(U256::ZERO),
            Who::Heir => self.word_of_theirs(U256::from(1)),
            Who::BillingAdmin => address("billing admin", 0),
            Who::Requester => address("requester", 0),
            Who::Stranger => address("stranger", 0),
            Who::Transmitter(oracle) => ORACLES.transmitters[oracle],
            Who::Payee(oracle) => ORACLES.payees[oracle],
            Who::PayeeOf(oracle) => self.word_of_theirs(mapping(ORACLES.transmitters[oracle], THEIR_PAYEES)),
            Who::ProposedPayeeOf(oracle) => {
                self.word_of_theirs(mapping(ORACLES.transmitters[oracle], THEIR_PROPOSED_PAYEES))
            }
            Who::Reader => reader(),
            Who::Feed => self.feed,
            Who::Token => self.token(),
            Who::Nobody => Address::ZERO,
        }
    }

    fn word_of_theirs(&mut self, slot: U256) -> Address {
        Address::from_word(self.theirs.storage(self.feed, slot).into())
    }
}
