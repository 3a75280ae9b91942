//! Who has a say in a threshold feed: its owner, and the group whose key it has. What they may do is told here again, from
//! section 14 of the specification of the contracts and the documentation of `IGroupKey` and `IOwned`.

use crate::chain::group::{self, ORDER};
use alloy_primitives::{Address, B256, LogData, U256, keccak256};
use alloy_sol_types::{SolCall, SolError, SolEvent};
use bindings::{
    threshold::{Message, Place},
    threshold_aggregator as contract,
};

pub const GENERATION_MAX: u32 = (1 << 23) - 1;

/// What a call does: the events of its success, or the data that it reverts with.
pub type Effect = Result<Vec<LogData>, Vec<u8>>;

/// A signature as it stands in calldata.
pub type Signature = (U256, U256);

#[derive(Clone, Debug)]
pub struct Office {
    pub at: Address,
    pub owner: Address,
    pub heir: Address,
    /// Zero before the first key.
    pub x: U256,
    pub parity: u8,
    pub generation: u32,
    /// Epoch times 256 plus round of the latest update under the present key.
    pub last: u64,
    /// Updates under all keys.
    pub rounds: u32,
}

impl Office {
    pub fn place(&self) -> Place {
        Place { chain_id: 1337, contract: self.at, generation: self.generation }
    }

    /// What the present key signs to hand over to this one; also of a parity that cannot be.
    pub fn rotation(&self, x: U256, parity: u8) -> B256 {
        with_parity(&self.place().rotation(x.into(), false), parity)
    }

    /// What this key signs to be the next.
    pub fn proof(&self, x: U256, parity: u8) -> B256 {
        with_parity(&self.place().proof(x.into(), false), parity)
    }

    pub fn has_signed(&self, message: &Message, signature: Signature) -> bool {
        group::is_valid(self.x, self.parity, message.hash(), signature)
    }

    /// What becomes of a call, if it is one of the key or the owner.
    pub fn call(&mut self, from: Address, data: &[u8]) -> Option<Effect> {
        let selector = *data.first_chunk::<4>()?;
        let words = words(data);
        Some(match selector {
            contract::setGroupKeyCall::SELECTOR => self.set_key(from, words.first_chunk::<4>()),
            contract::rotateGroupKeyCall::SELECTOR => self.rotate_key(words.first_chunk::<6>()),
            contract::transferOwnershipCall::SELECTOR => self.transfer(from, words.first_chunk::<1>()),
            contract::acceptOwnershipCall::SELECTOR => self.accept(from),
            _ => return None,
        })
    }

    fn set_key(&mut self, from: Address, words: Option<&[U256; 4]>) -> Effect {
        let [x, parity, r, s] = *words.ok_or_else(Vec::new)?;
        let parity = u8::try_from(parity).map_err(|_| Vec::new())?;
        self.require_owner(from)?;
        self.install(x, parity, (r, s), false)
    }

    fn rotate_key(&mut self, words: Option<&[U256; 6]>) -> Effect {
        let [x, parity, r, s, old_r, old_s] = *words.ok_or_else(Vec::new)?;
        let parity = u8::try_from(parity).map_err(|_| Vec::new())?;
        let message = self.rotation(x, parity);
        if !group::is_valid(self.x, self.parity, message, (old_r, old_s)) {
            return Err(contract::NoConsentOfGroup { generation: self.generation, message }.abi_encode());
        }
        self.install(x, parity, (r, s), true)
    }

    fn install(&mut self, x: U256, parity: u8, proof: Signature, by_group: bool) -> Effect {
        if x.is_zero() || x >= ORDER || parity > 1 {
            return Err(contract::InvalidGroupKey { x, parity }.abi_encode());
        }
        let next = self.proof(x, parity);
        let lasting = self.place().lasting_proof(x.into(), parity == 1).hash();
        let proved = |message: B256| group::is_valid(x, parity, message, proof);
        if !proved(next) && (by_group || !proved(lasting)) {
            return Err(contract::NoProofOfPossession { x, parity, message: next }.abi_encode());
        }
        // The last generation is for the owner.
        if self.generation >= if by_group { GENERATION_MAX - 1 } else { GENERATION_MAX } {
            return Err(contract::GenerationsExhausted {}.abi_encode());
        }
        (self.x, self.parity, self.generation, self.last) = (x, parity, self.generation + 1, 0);
        let event = contract::GroupKeySet { generation: self.generation, x, parity, byGroup: by_group };
        Ok(vec![event.encode_log_data()])
    }

    fn transfer(&mut self, from: Address, words: Option<&[U256; 1]>) -> Effect {
        let [to] = *words.ok_or_else(Vec::new)?;
        if to >> 160usize != U256::ZERO {
            return Err(Vec::new());
        }
        let to = Address::from_word(to.into());
        self.require_owner(from)?;
        if to == from {
            return Err(contract::CannotTransferToSelf { caller: from }.abi_encode());
        }
        self.heir = to;
        Ok(vec![contract::OwnershipTransferRequested { from, to }.encode_log_data()])
    }

    fn accept(&mut self, from: Address) -> Effect {
        if from != self.heir {
            return Err(contract::OnlyPendingOwner { caller: from, pendingOwner: self.heir }.abi_encode());
        }
        let event = contract::OwnershipTransferred { from: self.owner, to: from };
        (self.owner, self.heir) = (from, Address::ZERO);
        Ok(vec![event.encode_log_data()])
    }

    fn require_owner(&self, from: Address) -> Result<(), Vec<u8>> {
        if from == self.owner {
            return Ok(());
        }
        Err(contract::OnlyOwner { caller: from, owner: self.owner }.abi_encode())
    }

    /// What a report must fulfil before its signature is looked at.
    pub fn require_next(&self, report: U256, contributors: U256, attribution: bool) -> Result<(), Vec<u8>> {
        let own_bits = (low(32) << 96usize) | low(56);
        if report & own_bits != U256::ZERO {
            return Err(contract::MalformedReport { got: report }.abi_encode());
        }
        let got = epoch_and_round(report);
        if got <= self.last {
            let (got, latest) = (got.try_into().expect("40 bits"), self.last.try_into().expect("40 bits"));
            return Err(contract::StaleReport { got, latest }.abi_encode());
        }
        if contributors.is_zero() == attribution {
            return Err(contract::ContributorsMismatch { got: contributors, attribution }.abi_encode());
        }
        Ok(())
    }

    pub fn require_signed(&self, message: &Message, signature: Signature) -> Result<(), Vec<u8>> {
        if self.has_signed(message, signature) {
            return Ok(());
        }
        Err(contract::InvalidSignature { message: message.hash() }.abi_encode())
    }

    /// One more round, with this epoch and round; the last number is not given.
    pub fn go_on(&mut self, report: U256) -> Result<u32, Vec<u8>> {
        let round = self.rounds.checked_add(1).ok_or_else(|| contract::RoundsExhausted {}.abi_encode())?;
        (self.rounds, self.last) = (round, epoch_and_round(report));
        Ok(round)
    }
}

/// The whole words behind the selector.
pub fn words(data: &[u8]) -> Vec<U256> {
    data.get(4..).unwrap_or_default().chunks_exact(32).map(U256::from_be_slice).collect()
}

fn with_parity(message: &Message, parity: u8) -> B256 {
    let mut words = message.bytes();
    *words.last_mut().expect("words") = parity;
    keccak256(words)
}

fn low(bits: usize) -> U256 {
    (U256::ONE << bits) - U256::ONE
}

fn epoch_and_round(report: U256) -> u64 {
    ((report >> 56usize) & low(40)).to()
}
