//! What may happen to a threshold feed.

use super::GROUPS;
use crate::{
    chain::{
        address,
        group::{Group, ORDER},
    },
    garbling::Garbling,
    random::Random,
};
use alloy_primitives::U256;
use bindings::threshold::Place;

#[derive(Clone, Debug)]
pub enum Step<R> {
    Update {
        report: R,
        seal: Seal,
    },
    SetKey {
        by: Who,
        key: Key,
        proof: Proof,
    },
    RotateKey {
        key: Key,
        proof: Proof,
        consent: Seal,
    },
    TransferOwnership {
        by: Who,
        to: Who,
    },
    AcceptOwnership {
        by: Who,
    },
    /// A call that was accepted before.
    Again {
        which: usize,
    },
    /// Before the first round: so many rounds and keys have gone by.
    Age {
        rounds: u32,
        generations: u32,
    },
    Garbled {
        step: Box<Step<R>>,
        garbling: Garbling,
    },
    WithWei(Box<Step<R>>),
    Unknown {
        data: Vec<u8>,
    },
    Wait {
        seconds: u64,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Owner,
    Heir,
    Stranger,
}

/// A signature of the group.
#[derive(Clone, Copy, Debug)]
pub struct Seal {
    /// Otherwise this one's, which may be the present one by chance.
    pub by: Option<usize>,
    pub of: Meant,
    pub spoiled: Option<Spoiling>,
}

/// For where a signature is meant.
#[derive(Clone, Copy, Debug)]
pub enum Meant {
    Here,
    OtherChain,
    OtherContract,
    /// So many keys later.
    Generation(i32),
}

#[derive(Clone, Copy, Debug)]
pub enum Spoiling {
    /// This bit of s.
    S(usize),
    NegatedS,
    ZeroS,
    /// s is the order of the curve.
    OrderAsS,
    /// This bit of r, which has 160.
    R(usize),
    ZeroR,
}

/// The key of a group of the pool.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    pub group: usize,
    pub flaw: Option<KeyFlaw>,
}

#[derive(Clone, Copy, Debug)]
pub enum KeyFlaw {
    OtherParity,
    Parity(u8),
    Zero,
    Order,
    /// One more than the x of the key: with or without a point.
    NextX,
}

/// That a key can be signed with.
#[derive(Clone, Copy, Debug)]
pub struct Proof {
    /// Otherwise by the key's own group.
    pub by: Option<usize>,
    pub generation: Generation,
    pub of: Meant,
    pub spoiled: Option<Spoiling>,
}

#[derive(Clone, Copy, Debug)]
pub enum Generation {
    Next,
    Any,
    Present,
}

impl<R> Step<R> {
    /// One that needs no other; `report` is for an update.
    pub fn plain(report: R, random: &mut Random) -> Self {
        let owner = if random.one_in(6) { random.pick(&[Who::Heir, Who::Stranger]) } else { Who::Owner };
        match random.below(100) {
            0..62 => Self::Update { report, seal: Seal::random(random) },
            62..70 => Self::SetKey { by: owner, key: Key::random(random), proof: Proof::random(random) },
            70..78 => Self::RotateKey {
                key: Key::random(random),
                proof: Proof::random(random),
                consent: Seal::random(random),
            },
            78..82 => {
                let to = random.pick(&[Who::Heir, Who::Stranger, Who::Owner]);
                Self::TransferOwnership { by: owner, to }
            }
            82..86 => Self::AcceptOwnership { by: random.pick(&[Who::Heir, Who::Heir, Who::Stranger, Who::Owner]) },
            86..92 => Self::Again { which: random.next() as usize },
            92..94 => {
                let length = random.pick(&[0, 3, 4, 36]);
                Self::Unknown { data: (0..length).map(|_| random.next() as u8).collect() }
            }
            _ => Self::Wait { seconds: random.pick(&[1, 3600, 1 << 32]) },
        }
    }

    /// What it is called in the tally.
    pub fn kind(&self) -> String {
        match self {
            Self::Update { seal: Seal { by: None, of: Meant::Here, spoiled: None }, .. } => "Update".into(),
            Self::Update { .. } => "Update that is signed otherwise".into(),
            Self::SetKey { .. } => "SetKey".into(),
            Self::RotateKey { .. } => "RotateKey".into(),
            Self::TransferOwnership { .. } => "TransferOwnership".into(),
            Self::AcceptOwnership { .. } => "AcceptOwnership".into(),
            Self::Again { .. } => "Again".into(),
            Self::Age { .. } => "Age".into(),
            Self::Garbled { step, .. } => format!("Garbled {}", step.kind()),
            Self::WithWei(_) => "WithWei".into(),
            Self::Unknown { .. } => "Unknown".into(),
            Self::Wait { .. } => "Wait".into(),
        }
    }
}

impl Seal {
    pub fn random(random: &mut Random) -> Self {
        let good = Self { by: None, of: Meant::Here, spoiled: None };
        match random.below(20) {
            0 => Self { by: Some(random.below(GROUPS.len())), ..good },
            1 => Self { of: Meant::random(random), ..good },
            2 => Self { spoiled: Some(Spoiling::random(random)), ..good },
            _ => good,
        }
    }
}

impl Proof {
    pub const GOOD: Self = Self { by: None, generation: Generation::Next, of: Meant::Here, spoiled: None };

    pub fn random(random: &mut Random) -> Self {
        match random.below(12) {
            0 => Self { by: Some(random.below(GROUPS.len())), ..Self::GOOD },
            1 => Self { of: Meant::random(random), ..Self::GOOD },
            2 => Self { spoiled: Some(Spoiling::random(random)), ..Self::GOOD },
            3 | 4 => Self { generation: Generation::Any, ..Self::GOOD },
            5 => Self { generation: Generation::Present, ..Self::GOOD },
            _ => Self::GOOD,
        }
    }
}

impl Meant {
    pub fn random(random: &mut Random) -> Self {
        random.pick(&[Self::OtherChain, Self::OtherContract, Self::Generation(-1), Self::Generation(1)])
    }

    pub fn place(self, here: Place) -> Place {
        match self {
            Self::Here => here,
            Self::OtherChain => Place { chain_id: 1, ..here },
            Self::OtherContract => Place { contract: address("other contract", 0), ..here },
            Self::Generation(more) => Place { generation: here.generation.saturating_add_signed(more), ..here },
        }
    }
}

impl Spoiling {
    pub fn random(random: &mut Random) -> Self {
        match random.below(6) {
            0 => Self::S(random.below(256)),
            1 => Self::NegatedS,
            2 => Self::ZeroS,
            3 => Self::OrderAsS,
            4 => Self::R(random.pick(&[0, 80, 159, 160, 255])),
            _ => Self::ZeroR,
        }
    }
}

impl Key {
    pub fn random(random: &mut Random) -> Self {
        let flaws = [
            KeyFlaw::OtherParity,
            KeyFlaw::Parity(2),
            KeyFlaw::Parity(27),
            KeyFlaw::Zero,
            KeyFlaw::Order,
            KeyFlaw::NextX,
        ];
        Self { group: random.below(GROUPS.len()), flaw: random.one_in(6).then(|| random.pick(&flaws)) }
    }

    pub fn point(self) -> (U256, u8) {
        let Group { x, parity, .. } = GROUPS[self.group];
        match self.flaw {
            None => (x, parity),
            Some(KeyFlaw::OtherParity) => (x, 1 - parity),
            Some(KeyFlaw::Parity(wrong)) => (x, wrong),
            Some(KeyFlaw::Zero) => (U256::ZERO, parity),
            Some(KeyFlaw::Order) => (ORDER, parity),
            Some(KeyFlaw::NextX) => (x + U256::ONE, parity),
        }
    }
}
