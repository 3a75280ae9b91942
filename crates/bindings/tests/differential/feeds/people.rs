//! Who acts.

use super::{
    Feeds, Protocol,
    surroundings::{Validator, mapping, reader},
};
use crate::chain::{address, committee::Committee};
use alloy_primitives::{Address, U256};
use std::sync::LazyLock;

/// From which committees are drawn; three more than a committee can have.
pub const POOL: usize = 34;

pub static ORACLES: LazyLock<Committee> = LazyLock::new(|| Committee::new(POOL, 0));

/// A committee of people of the pool; a signer who is not of it has somebody's key.
pub fn seated(signers: Vec<Address>, transmitters: Vec<Address>, f: u8) -> Committee {
    let key = |signer: &Address| {
        let oracle = ORACLES.signers.iter().position(|one| one == signer);
        ORACLES.keys[oracle.unwrap_or(POOL - 1)].clone()
    };
    Committee { keys: signers.iter().map(key).collect(), signers, transmitters, payees: vec![], f }
}

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
    Signer(usize),
    /// The one that the first `setPayees` names.
    Payee(usize),
    /// Whoever is the payee of this transmitter now, or has been proposed.
    PayeeOf(usize),
    ProposedPayeeOf(usize),
    Reader,
    /// The one that reads.
    Validator,
    Feed,
    Token,
    Nobody,
}

impl<P: Protocol> Feeds<P> {
    pub fn who(&mut self, who: Who) -> Address {
        match who {
            Who::Owner => self.word_of_theirs(U256::ZERO),
            Who::Heir => self.word_of_theirs(U256::from(1)),
            Who::BillingAdmin => address("billing admin", 0),
            Who::Requester => address("requester", 0),
            Who::Stranger => address("stranger", 0),
            Who::Transmitter(oracle) => ORACLES.transmitters[oracle],
            Who::Signer(oracle) => ORACLES.signers[oracle],
            Who::Payee(oracle) => ORACLES.payees[oracle],
            Who::PayeeOf(oracle) => self.payee(ORACLES.transmitters[oracle]),
            Who::ProposedPayeeOf(oracle) => {
                self.word_of_theirs(mapping(ORACLES.transmitters[oracle], P::THEIRS.proposed_payees))
            }
            Who::Reader => reader(),
            Who::Validator => Validator::Reads.address(),
            Who::Feed => self.feed,
            Who::Token => self.token(),
            Who::Nobody => Address::ZERO,
        }
    }

    pub fn payee(&mut self, transmitter: Address) -> Address {
        self.word_of_theirs(mapping(transmitter, P::THEIRS.payees))
    }

    fn word_of_theirs(&mut self, slot: U256) -> Address {
        Address::from_word(self.theirs.storage(self.feed, slot).into())
    }
}
