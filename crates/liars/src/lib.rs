//! Dishonest oracles, one behaviour a file: each wraps an honest machine and bends what it hears, says or remembers.
//! Not here: who is made to lie, and what must hold in spite of it; that is the simulator's and the devnet's business.
#![no_std]
extern crate alloc;

mod absurd;
mod amnesiac;
mod biased;
mod chance;
mod flooding;
mod forging;
mod hasty;
mod replaying;
mod silent;
mod twins;
mod two_faced;

use absurd::Absurd;
use amnesiac::Amnesiac;
use biased::Biased;
use flooding::Flooding;
use forging::Forging;
use hasty::Hasty;
use replaying::Replaying;
use silent::Silent;
use twins::Twins;
use two_faced::TwoFaced;

use alloc::boxed::Box;
use alloc::vec::Vec;
use chance::Chance;
use machine::Machine;
use ocr2::protocol::Ocr2;
use ocr2::record::Record;

/// An oracle, honest or not.
pub type Oracle = Box<dyn Machine<Protocol = Ocr2> + Send>;

/// Makes the honest oracle that a liar is wrapped round, from what it remembers.
pub type MakeHonest = Box<dyn Fn(Vec<Record>) -> Oracle + Send>;

/// How an oracle lies.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Lie {
    /// Says nothing as leader.
    Silent,
    /// Wants later epochs all the time.
    Hasty,
    /// Shows different peers different things.
    TwoFaced,
    /// Sends old messages again.
    Replaying,
    /// Signs with rubbish.
    Forging,
    /// Runs twice with one identity.
    Twins,
    /// Remembers nothing, and starts anew every few seconds.
    Amnesiac,
    /// Observes absurd values, and what is no observation.
    Absurd,
    /// Drowns its peers in messages.
    Flooding,
    /// Wants its own observation to be the answer.
    Biased,
}

impl Lie {
    /// All of them.
    pub const ALL: [Lie; 10] = [
        Lie::Silent,
        Lie::Hasty,
        Lie::TwoFaced,
        Lie::Replaying,
        Lie::Forging,
        Lie::Twins,
        Lie::Amnesiac,
        Lie::Absurd,
        Lie::Flooding,
        Lie::Biased,
    ];

    /// The liar round an honest oracle that remembers `records`. A liar's choices follow from `seed`.
    pub fn wrap(self, honest: MakeHonest, records: Vec<Record>, seed: u64) -> Oracle {
        let chance = Chance::new(seed);
        match self {
            Lie::Silent => Box::new(Silent::new(honest(records))),
            Lie::Hasty => Box::new(Hasty::new(honest(records), chance)),
            Lie::TwoFaced => Box::new(TwoFaced::new(honest(records))),
            Lie::Replaying => Box::new(Replaying::new(honest(records), chance)),
            Lie::Forging => Box::new(Forging::new(honest(records), chance)),
            Lie::Twins => Box::new(Twins::new(honest(records.clone()), honest(records))),
            Lie::Amnesiac => Box::new(Amnesiac::new(honest, chance)),
            Lie::Absurd => Box::new(Absurd::new(honest(records), chance)),
            Lie::Flooding => Box::new(Flooding::new(honest(records), chance)),
            Lie::Biased => Box::new(Biased::new(honest(records), chance)),
        }
    }
}
