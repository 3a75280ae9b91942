//! Which committees are tried.

use std::path::{Path, PathBuf};

/// Whose program something runs in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    Go,
    Rust,
}

impl Kind {
    /// As people call it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Go => "Go",
            Kind::Rust => "Rust",
        }
    }
}

/// Who deploys the contract, sets the configuration, and runs the bootstrap node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Maker {
    /// The reference's helper, with this generation of ragep2p (`old`, `new`, `alternate`).
    Go { generation: &'static str },
    /// `dodona devnet --foreign`.
    Rust,
}

/// One committee and what it must bring about.
#[derive(Clone, Copy, Debug)]
pub struct Committee {
    pub name: &'static str,
    pub maker: Maker,
    /// Who sits in each seat.
    pub seats: &'static [Kind],
    pub transmissions: u64,
    /// Kill and restart an oracle of each kind on the way.
    pub faults: bool,
}

impl Committee {
    /// The seats of one kind.
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = u8> {
        (0..).zip(self.seats).filter(move |(_, seated)| **seated == kind).map(|(seat, _)| seat)
    }

    /// Where one of Dodona's oracles writes its log, in the folder of the committee.
    pub fn log(&self, folder: &Path, seat: u8) -> PathBuf {
        match self.maker {
            Maker::Go { .. } => folder.join(format!("oracle-{seat}.log")),
            Maker::Rust => folder.join(format!("network/oracle-{seat}/log")),
        }
    }

    /// Whether both kinds sit in it.
    pub fn mixed(&self) -> bool {
        self.seats.contains(&Kind::Go) && self.seats.contains(&Kind::Rust)
    }
}

use Kind::{Go, Rust};

const OLD: Maker = Maker::Go { generation: "old" };

/// The short suite, the most telling first.
pub const SHORT: &[Committee] = &[
    Committee { name: "2 Go + 2 Rust", maker: OLD, seats: &[Go, Go, Rust, Rust], transmissions: 20, faults: false },
    Committee { name: "1 Go + 3 Rust", maker: OLD, seats: &[Rust, Go, Rust, Rust], transmissions: 10, faults: false },
    Committee { name: "3 Go + 1 Rust", maker: OLD, seats: &[Go, Rust, Go, Go], transmissions: 10, faults: false },
    Committee {
        name: "3 Go + 4 Rust",
        maker: OLD,
        seats: &[Rust, Go, Rust, Go, Rust, Go, Rust],
        transmissions: 10,
        faults: false,
    },
    Committee {
        name: "Go bootstrap, only Rust",
        maker: OLD,
        seats: &[Rust, Rust, Rust, Rust],
        transmissions: 5,
        faults: false,
    },
    Committee {
        name: "Rust bootstrap, only Go",
        maker: Maker::Rust,
        seats: &[Go, Go, Go, Go],
        transmissions: 5,
        faults: false,
    },
    Committee {
        name: "made by Rust, 2 + 2",
        maker: Maker::Rust,
        seats: &[Rust, Rust, Go, Go],
        transmissions: 10,
        faults: false,
    },
    Committee {
        name: "new ragep2p, 2 + 2",
        maker: Maker::Go { generation: "new" },
        seats: &[Go, Rust, Go, Rust],
        transmissions: 5,
        faults: false,
    },
    Committee {
        name: "old and new ragep2p, 2 + 2",
        maker: Maker::Go { generation: "alternate" },
        seats: &[Go, Go, Rust, Rust],
        transmissions: 5,
        faults: false,
    },
    Committee {
        name: "killed and restarted, 2 + 2",
        maker: OLD,
        seats: &[Go, Go, Rust, Rust],
        transmissions: 5,
        faults: true,
    },
];
