//! One oracle of the simulated committee: three machines, their disks, and a process that can die between two effects.

use crate::checks::Records;
use crate::disk::Disk;
use crate::endpoint::Health;
use crate::plan::Moment;
use crate::rng::Rng;
use alloy_primitives::Address;
use crypto::{ed25519, secp256k1, x25519};
use evm_proto::tracker::{self, Tracker};
use evm_proto::transactions::{self, FeePolicy, Transactions};
use liars::Lie;
use machine::{Effects, Machine, Mono};
use median::MedianFactory;
use ocr::ConfigDigest;
use ocr2::config::OracleIdentity;
use ocr2::{Contract, Identity, LocalConfig, Managed, Ocr2};
use std::time::Duration;

/// Who an oracle is, for its whole life.
#[derive(Clone, Debug)]
pub struct Keys {
    pub offchain: OffchainKey,
    pub onchain: OnchainKey,
    pub config: x25519::SecretKey,
    pub transmitter: Address,
    pub peer_id: String,
}

/// Signs observations.
#[derive(Clone, Debug)]
pub struct OffchainKey {
    pub secret: ed25519::SecretKey,
    pub public_key: ed25519::PublicKey,
}

/// Signs reports.
#[derive(Clone, Debug)]
pub struct OnchainKey {
    pub secret: secp256k1::SecretKey,
    pub address: secp256k1::Address,
}

impl Keys {
    /// A new identity.
    pub fn draw(rng: &mut Rng) -> Self {
        let offchain = ed25519::SecretKey::from_seed(&rng.bytes());
        let mut scalar: [u8; 32] = rng.bytes();
        // Below the order of the curve, and not zero.
        (scalar[0], scalar[31]) = (0, scalar[31] | 1);
        let onchain = secp256k1::SecretKey::from_bytes(&scalar).expect("a scalar below the order");
        Keys {
            offchain: OffchainKey { public_key: offchain.public_key(), secret: offchain },
            onchain: OnchainKey { address: onchain.address(), secret: onchain },
            config: x25519::SecretKey::from_bytes(&rng.bytes()),
            transmitter: Address::from(rng.bytes::<20>()),
            peer_id: crypto::PeerId(rng.bytes()).to_string(),
        }
    }

    /// How a configuration names the oracle.
    pub fn identity(&self) -> OracleIdentity {
        OracleIdentity {
            offchain_key: self.offchain.public_key,
            signer: self.onchain.address.0.to_vec(),
            peer_id: self.peer_id.clone(),
            transmitter: self.transmitter.to_checksum(None),
        }
    }
}

/// What survives the oracle's process.
#[derive(Debug, Default)]
pub struct Disks {
    pub ocr2: Disk<ocr2::record::Record>,
    pub tracker: Disk<tracker::Record>,
    pub transactions: Disk<transactions::Record>,
}

impl Disks {
    /// All writes fail from now on, or no longer.
    pub fn set_failing(&mut self, fails: bool) {
        self.ocr2.set_failing(fails);
        self.tracker.set_failing(fails);
        self.transactions.set_failing(fails);
    }

    /// How many records there are.
    pub fn count(&self, configs: usize) -> Records {
        Records {
            ocr2: self.ocr2.count(),
            tracker: self.tracker.count(),
            transactions: self.transactions.count(),
            configs,
        }
    }
}

/// A machine, the buffer of its effects, and when it will be woken.
pub struct Hosted<M: Machine + ?Sized> {
    pub out: Effects<M::Protocol>,
    /// The earliest wake that is underway.
    pub armed: Option<Mono>,
    pub machine: Box<M>,
}

impl<M: Machine + ?Sized> Hosted<M> {
    fn new(machine: Box<M>) -> Self {
        Hosted { out: Effects::default(), armed: None, machine }
    }

    /// The wake that has to be scheduled now, if none that is early enough is underway. A deadline in the past means at once.
    pub fn rearm(&mut self, now: Mono) -> Option<Mono> {
        let deadline = self.machine.deadline()?.max(now);
        if self.armed.is_some_and(|armed| armed <= deadline) {
            return None;
        }
        self.armed = Some(deadline);
        Some(deadline)
    }
}

/// The running process of an oracle.
pub struct Process {
    pub ocr2: Hosted<dyn Machine<Protocol = Ocr2> + Send>,
    pub tracker: Hosted<Tracker>,
    pub transactions: Hosted<Transactions>,
    /// The configuration whose endpoint is open.
    pub endpoint: Option<ConfigDigest>,
}

/// One seat of the committee.
pub struct Seat {
    pub keys: Keys,
    pub disks: Disks,
    pub process: Option<Process>,
    /// Counts processes: what was meant for an earlier one is lost.
    pub life: u32,
    /// The process dies before it performs so many more effects.
    pub dies_after: Option<u32>,
    /// The same, counted from a moment that is yet to come.
    pub dies_later: Option<(Moment, u32)>,
    pub lie: Option<Lie>,
    pub endpoint: Health,
    /// So much later than asked its source answers, nanoseconds.
    pub source_delay: u64,
    /// So much later than asked its keys sign, nanoseconds.
    pub key_delay: u64,
    /// Nanoseconds that its wall clock is ahead of the world's.
    pub wall_ahead: u64,
    /// Nanoseconds that the monotonic clock of its present process is ahead of the world's.
    pub mono_ahead: u64,
}

impl Seat {
    /// An oracle that was never started.
    pub fn new(keys: Keys, lie: Option<Lie>) -> Self {
        Seat {
            keys,
            disks: Disks::default(),
            process: None,
            life: 0,
            dies_after: None,
            dies_later: None,
            lie,
            endpoint: Health::Well,
            source_delay: 0,
            key_delay: 0,
            wall_ahead: 0,
            mono_ahead: 0,
        }
    }

    /// Starts a process with what survived the one before, and draws what is new in it.
    pub fn start(&mut self, contract: Address, chain_id: u64, rng: &mut Rng) {
        self.life += 1;
        self.mono_ahead = rng.below(1 << 50);
        let liar_seed = rng.bits();
        self.dies_after = None;
        let (oracle, config_key) = (self.keys.identity(), self.keys.config.clone());
        let honest = move |records| -> liars::Oracle {
            let identity = Identity { identity: oracle.clone(), config_key: config_key.clone() };
            let contract = Contract { chain_id, address: ocr::Address(contract.into_array()) };
            Box::new(Managed::recover(identity, contract, LocalConfig::default(), Box::new(MedianFactory), records))
        };
        let records = self.disks.ocr2.records();
        let ocr2 = match self.lie {
            None => honest(records),
            Some(lie) => lie.wrap(Box::new(honest), records, liar_seed),
        };
        let tracker = Tracker::recover(
            tracker::Config {
                chain_id,
                contract,
                confirmations: 1,
                poll_interval: Duration::from_secs(1),
                load_timeout: Duration::from_secs(5),
            },
            self.disks.tracker.records(),
        );
        let transactions = Transactions::recover(
            transactions::Config {
                chain_id,
                senders: vec![self.keys.transmitter],
                confirmations: 3,
                poll_interval: Duration::from_secs(1),
                answer_within: Duration::from_secs(5),
                resend_after: Duration::from_secs(10),
                in_flight_max: 16,
                fees: FeePolicy {
                    tip_min: 1,
                    fee_cap_max: 1_000_000_000_000,
                    headroom_percent: 200,
                    bump_after_blocks: 3,
                    bump_percent: 20,
                    bump_min: 1,
                },
            },
            self.disks.transactions.records(),
        )
        .expect("a configuration within its bounds");
        self.process = Some(Process {
            ocr2: Hosted::new(ocr2),
            tracker: Hosted::new(Box::new(tracker)),
            transactions: Hosted::new(Box::new(transactions)),
            endpoint: None,
        });
    }

    /// The process is gone, whatever it was doing.
    pub fn die(&mut self) {
        self.process = None;
        (self.dies_after, self.dies_later) = (None, None);
    }

    /// From this moment on the process dies before it performs so many more effects.
    pub fn will_die(&mut self, from: Moment, after: u32) {
        match from {
            Moment::Now => self.dies_after = Some(after),
            Moment::Signature | Moment::Transaction => self.dies_later = Some((from, after)),
        }
    }

    /// The moment is here.
    pub fn comes_to(&mut self, moment: Moment) {
        if let Some((_, after)) = self.dies_later.take_if(|(from, _)| *from == moment) {
            self.dies_after = Some(after);
        }
    }

    /// Whether the process dies instead of performing its next effect.
    pub fn dies_now(&mut self) -> bool {
        match &mut self.dies_after {
            None => false,
            Some(0) => true,
            Some(left) => {
                *left -= 1;
                false
            }
        }
    }
}
