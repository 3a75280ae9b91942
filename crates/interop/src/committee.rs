//! Which committees are tried, and what they must bear.

use std::path::{Path, PathBuf};
use std::time::Duration;

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

    /// The one beside it.
    pub fn other(self) -> Kind {
        match self {
            Kind::Go => Kind::Rust,
            Kind::Rust => Kind::Go,
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

/// Something that happens to a committee that works, which must then go on working.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// An oracle of this kind is killed without a word, and started again after some transmissions.
    Kill(Kind),
    /// The same of an oracle of this kind in the moment in which it becomes the leader.
    KillLeader(Kind),
    /// An oracle of this kind is stopped (SIGSTOP), so that its connections stay open, and goes on after some transmissions.
    Freeze(Kind),
    /// The last oracle and the others do not hear each other for some transmissions.
    CutOff,
    /// The two halves of the committee do not hear each other for a while, in which nothing can come about.
    Split,
    /// Another configuration is set by the tool of this kind.
    Configure(Kind, Change),
}

impl Fault {
    /// Whether it can happen to the same committee again: nobody has taken a seat that waited for him alone.
    pub fn repeats(self) -> bool {
        !matches!(self, Fault::Configure(_, Change::Swap(_)))
    }
}

/// What another configuration changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// The timers and the length of epochs.
    Timers,
    /// How many oracles may be faulty.
    Faulty(u8),
    /// The last oracle of this kind leaves, and another of the same kind comes.
    Swap(Kind),
}

/// How an oracle lies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lie {
    /// Its observations carry a broken signature.
    ObservationSignature,
    /// Its observations carry a signature with a component of small order, which verifies with the cofactor and only so.
    Torsion,
    /// Its reports carry a broken signature.
    ReportSignature,
    /// As the leader, it shows each oracle another selection of the observations.
    Equivocate,
    /// Its observations have a known field in another wire type, which a decoder must skip.
    WireType,
    /// A payload that is no message goes before each message.
    Garbage,
}

impl Lie {
    /// As the liars' programs call it.
    pub fn name(self) -> &'static str {
        match self {
            Lie::ObservationSignature => "observation-signature",
            Lie::Torsion => "torsion",
            Lie::ReportSignature => "report-signature",
            Lie::Equivocate => "equivocate",
            Lie::WireType => "wire-type",
            Lie::Garbage => "garbage",
        }
    }

    /// What honest oracles of this kind must complain of; `None`: the lie harms nobody but the liar.
    pub fn complaint(self, honest: Kind) -> Option<&'static str> {
        match (self, honest) {
            (Lie::ObservationSignature | Lie::Torsion, Kind::Go) => {
                Some("MessageObserve carries invalid SignedObservation")
            }
            (Lie::ObservationSignature | Lie::Torsion, Kind::Rust) => Some("signature of the observation"),
            (Lie::ReportSignature, Kind::Go) => Some("could not validate signature"),
            (Lie::ReportSignature, Kind::Rust) => Some("signature of the report"),
            (Lie::Garbage, Kind::Go) => Some("OCR2SerializingEndpoint: Failed to deserialize"),
            (Lie::Garbage, Kind::Rust) => Some("undecodable"),
            (Lie::Equivocate | Lie::WireType, _) => None,
        }
    }

    /// What they may complain of besides: the same lie, brought to everybody when the liar leads.
    pub fn complaint_of_leader(self, honest: Kind) -> Option<&'static str> {
        match (self, honest) {
            (Lie::Torsion, Kind::Go) => Some("messageReportReq: could not validate report sent by leader"),
            (Lie::Torsion, Kind::Rust) => Some("under its observation does not hold"),
            _ => None,
        }
    }
}

/// One committee and what it must bring about.
#[derive(Clone, Copy, Debug)]
pub struct Committee {
    pub name: &'static str,
    pub maker: Maker,
    /// Who sits in each seat.
    pub seats: &'static [Kind],
    pub transmissions: u64,
    /// What happens when it has shown everything, one after the other.
    pub faults: &'static [Fault],
    /// How long it lives at least: what can happen to it again happens again and again until then.
    pub lives: Duration,
    /// The one who lies, and how.
    pub liar: Option<(u8, Lie)>,
    /// Further flags for the maker (`network make`).
    pub flags: &'static [&'static str],
}

impl Committee {
    /// The seats of one kind.
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = u8> {
        (0..).zip(self.seats).filter(move |(_, seated)| **seated == kind).map(|(seat, _)| seat)
    }

    /// The same without the liar.
    pub fn honest(&self, kind: Kind) -> impl Iterator<Item = u8> {
        self.of(kind).filter(|seat| !self.lies(*seat))
    }

    /// Whether the one in this seat lies.
    pub fn lies(&self, seat: u8) -> bool {
        self.liar.is_some_and(|(liar, _)| liar == seat)
    }

    /// Who comes when others leave: kinds of the oracles that have keys but no seat at first.
    pub fn spares(&self) -> impl Iterator<Item = Kind> {
        self.faults.iter().filter_map(|fault| match fault {
            Fault::Configure(_, Change::Swap(kind)) => Some(*kind),
            _ => None,
        })
    }

    /// Whether some connections are to be cut.
    pub fn relayed(&self) -> bool {
        self.faults.iter().any(|fault| matches!(fault, Fault::CutOff | Fault::Split))
    }

    /// Where one of Dodona's oracles writes its log, in the folder of the committee.
    pub fn log(&self, folder: &Path, oracle: u8) -> PathBuf {
        match self.maker {
            Maker::Go { .. } => folder.join(format!("oracle-{oracle}.log")),
            Maker::Rust => folder.join(format!("network/oracle-{oracle}/log")),
        }
    }

    /// Whether both kinds sit in it.
    pub fn mixed(&self) -> bool {
        self.seats.contains(&Kind::Go) && self.seats.contains(&Kind::Rust)
    }
}

use Kind::{Go, Rust};

const OLD: Maker = Maker::Go { generation: "old" };
const NEW: Maker = Maker::Go { generation: "new" };
const BOTH: Maker = Maker::Go { generation: "alternate" };

const PLAIN: Committee = Committee {
    name: "",
    maker: OLD,
    seats: &[],
    transmissions: 0,
    faults: &[],
    lives: Duration::ZERO,
    liar: None,
    flags: &[],
};

/// The short suite, the most telling first.
pub const SHORT: &[Committee] = &[
    Committee { name: "2 Go + 2 Rust", seats: &[Go, Go, Rust, Rust], transmissions: 20, ..PLAIN },
    Committee { name: "1 Go + 3 Rust", seats: &[Rust, Go, Rust, Rust], transmissions: 10, ..PLAIN },
    Committee { name: "3 Go + 1 Rust", seats: &[Go, Rust, Go, Go], transmissions: 10, ..PLAIN },
    Committee { name: "3 Go + 4 Rust", seats: &[Rust, Go, Rust, Go, Rust, Go, Rust], transmissions: 10, ..PLAIN },
    Committee { name: "Go bootstrap, only Rust", seats: &[Rust; 4], transmissions: 5, ..PLAIN },
    Committee { name: "Rust bootstrap, only Go", maker: Maker::Rust, seats: &[Go; 4], transmissions: 5, ..PLAIN },
    Committee {
        name: "made by Rust, 2 + 2",
        maker: Maker::Rust,
        seats: &[Rust, Rust, Go, Go],
        transmissions: 10,
        ..PLAIN
    },
    Committee { name: "new ragep2p, 2 + 2", maker: NEW, seats: &[Go, Rust, Go, Rust], transmissions: 5, ..PLAIN },
    Committee {
        name: "old and new ragep2p, 2 + 2",
        maker: BOTH,
        seats: &[Go, Go, Rust, Rust],
        transmissions: 5,
        ..PLAIN
    },
    Committee {
        name: "killed and restarted, 2 + 2",
        seats: &[Go, Go, Rust, Rust],
        transmissions: 5,
        faults: &[Fault::Kill(Rust), Fault::Kill(Go)],
        ..PLAIN
    },
];

/// Go and Rust by turns, Go first.
const fn alternating<const N: usize>() -> [Kind; N] {
    let mut seats = [Go; N];
    let mut seat = 1;
    while seat < N {
        seats[seat] = Rust;
        seat += 2;
    }
    seats
}

/// One liar of one kind among three honest oracles of the other.
const fn lied_to(name: &'static str, honest: Kind, lie: Lie) -> Committee {
    let seats: &'static [Kind] = match honest {
        Go => &[Go, Go, Rust, Go],
        Rust => &[Rust, Rust, Go, Rust],
    };
    Committee { name, seats, transmissions: 8, liar: Some((2, lie)), ..PLAIN }
}

/// Committees that cost much: timers that two cores can keep, and addresses that need no discovery.
const LARGE: &[&str] = &["--know-all", "--delta-round", "3s", "--delta-grace", "500ms", "--delta-progress", "30s"];

/// The long suite.
pub const LONG: &[Committee] = &[
    Committee {
        name: "2 + 2, every fault",
        seats: &[Go, Go, Rust, Rust],
        transmissions: 20,
        faults: &[
            Fault::Kill(Rust),
            Fault::Kill(Go),
            Fault::KillLeader(Rust),
            Fault::KillLeader(Go),
            Fault::Freeze(Rust),
            Fault::Freeze(Go),
            Fault::CutOff,
            Fault::Split,
            Fault::Configure(Rust, Change::Timers),
            Fault::Configure(Go, Change::Timers),
            Fault::Configure(Go, Change::Swap(Rust)),
            Fault::Configure(Go, Change::Swap(Go)),
        ],
        lives: Duration::from_secs(600),
        ..PLAIN
    },
    Committee { name: "1 + 3, long", seats: &[Rust, Go, Rust, Rust], transmissions: 100, ..PLAIN },
    Committee { name: "3 + 1, long", seats: &[Go, Rust, Go, Go], transmissions: 100, ..PLAIN },
    Committee {
        name: "n = 7, f changes",
        seats: &alternating::<7>(),
        transmissions: 100,
        faults: &[
            Fault::Configure(Rust, Change::Faulty(1)),
            Fault::KillLeader(Rust),
            Fault::KillLeader(Go),
            Fault::Configure(Go, Change::Faulty(2)),
        ],
        ..PLAIN
    },
    Committee { name: "n = 16", seats: &alternating::<16>(), transmissions: 100, flags: LARGE, ..PLAIN },
    Committee { name: "n = 31", seats: &alternating::<31>(), transmissions: 100, flags: LARGE, ..PLAIN },
    Committee { name: "Go bootstrap, only Rust, long", seats: &[Rust; 4], transmissions: 20, ..PLAIN },
    Committee {
        name: "Rust bootstrap, only Go, long",
        maker: Maker::Rust,
        seats: &[Go; 4],
        transmissions: 20,
        ..PLAIN
    },
    Committee {
        name: "new ragep2p, long",
        maker: NEW,
        seats: &[Go, Rust, Go, Rust],
        transmissions: 20,
        faults: &[Fault::Kill(Rust), Fault::Kill(Go)],
        ..PLAIN
    },
    Committee {
        name: "old and new ragep2p, long",
        maker: BOTH,
        seats: &[Go, Go, Rust, Rust],
        transmissions: 20,
        ..PLAIN
    },
    Committee {
        name: "made by Rust, long",
        maker: Maker::Rust,
        seats: &[Rust, Rust, Go, Go],
        transmissions: 20,
        ..PLAIN
    },
    lied_to("3 Go, Rust lies: observation signature", Go, Lie::ObservationSignature),
    lied_to("3 Go, Rust lies: torsion", Go, Lie::Torsion),
    lied_to("3 Go, Rust lies: report signature", Go, Lie::ReportSignature),
    lied_to("3 Go, Rust lies: equivocates", Go, Lie::Equivocate),
    lied_to("3 Go, Rust lies: wire type", Go, Lie::WireType),
    lied_to("3 Rust, Go lies: observation signature", Rust, Lie::ObservationSignature),
    lied_to("3 Rust, Go lies: torsion", Rust, Lie::Torsion),
    lied_to("3 Rust, Go lies: report signature", Rust, Lie::ReportSignature),
    lied_to("3 Rust, Go lies: equivocates", Rust, Lie::Equivocate),
    lied_to("3 Rust, Go lies: wire type", Rust, Lie::WireType),
    lied_to("3 Rust, Go lies: garbage", Rust, Lie::Garbage),
    Committee {
        name: "an idle night",
        seats: &[Go, Rust, Go, Rust],
        transmissions: 6,
        // An epoch of one round, so that leaders of both kinds come before morning.
        flags: &["--delta-round", "40s", "--delta-progress", "60s", "--r-max", "1", "--delta-c", "1h"],
        ..PLAIN
    },
];
