//! Following one contract's configuration (OCR2 spec 10.1) on a chain that reorganises.
//!
//! A poll is a look (what the contract says at the head) and, if that is news and deep enough, the `ConfigSet` event of
//! the block that the look names. The event counts only if its digest is the one the contract named and the one that its
//! contents give. What was found is recorded before it is told, so an oracle that restarts works before it has a chain.
//!
//! The digest says what is new, and nothing else does: a reorganisation that brings an older configuration back is
//! followed like any other change.

mod outputs;
mod record;
mod words;

pub use outputs::{Output, Refusal, Source, Step};
pub use record::Record;
pub use words::{Answer, Ask, Look, Order};

use alloc::{string::ToString, sync::Arc, vec::Vec};
use alloy_primitives::Address;
use alloy_sol_types::SolEvent as _;
use bindings::ocr2_aggregator::ConfigSet;
use core::{convert::Infallible, time::Duration};
use machine::{Effects, Event, Machine, Mono, Protocol, Ticket, Tickets, Time};
use ocr::{ConfigDigest, ConfigDigestPrefix, ContractConfig, evm_simple};

use crate::{chain::Log, limits};

/// The words of the machine. It has no peers.
#[derive(Debug)]
pub struct Tracking;

impl Protocol for Tracking {
    type Peer = Infallible;
    type Audience = Infallible;
    type Message = Infallible;
    type Record = Record;
    type Ask = Ask;
    type Answer = Answer;
    type Order = Order;
    type Output = Output;
}

type Out = Effects<Tracking>;

/// What the machine is run with (OCR2 spec 10.4).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Config {
    pub chain_id: u64,
    pub contract: Address,
    /// Depth at which a configuration counts; its own block is the first. 0 and 1 both take it from the head, which is
    /// what `SkipContractConfigConfirmations` means too.
    pub confirmations: u64,
    pub poll_interval: Duration,
    /// When a poll is given up, look and logs together.
    pub load_timeout: Duration,
}

/// While a configuration waits for confirmations the next poll comes after this time at the latest (OCR2 spec 10.1, 4).
const POLL_AWAITING: Duration = Duration::from_secs(15);

/// The follower of one contract.
#[derive(Debug)]
pub struct Tracker {
    config: Config,
    tickets: Tickets,
    /// What was told last.
    current: Option<Arc<ContractConfig>>,
    /// A restored configuration that is still to be told, at the first event.
    restored: bool,
    phase: Phase,
    /// A hint came while a poll was underway, which may have begun before what it hints at.
    hinted: bool,
    /// The highest head seen, and how many lower ones in a row came after it.
    best: u64,
    stale_looks: u32,
    /// The head at which the contract was first seen without the configuration that we follow.
    gone_at: Option<u64>,
}

#[derive(Debug)]
enum Phase {
    Resting { until: Mono },
    Looking { ticket: Ticket, overdue: Mono },
    Loading { ticket: Ticket, overdue: Mono, look: Look },
}

impl Tracker {
    /// The machine with what survived of its earlier life; with no records, a new one.
    pub fn recover(config: Config, records: impl IntoIterator<Item = Record>) -> Self {
        let current = records.into_iter().fold(None, |_, record| match record {
            Record::Configured(config) => Some(config),
            Record::Unconfigured => None,
        });
        Tracker {
            config,
            tickets: Tickets::default(),
            restored: current.is_some(),
            current,
            phase: Phase::Resting { until: Mono(0) },
            hinted: false,
            best: 0,
            stale_looks: 0,
            gone_at: None,
        }
    }

    /// The configuration that was told last.
    pub fn current(&self) -> Option<&Arc<ContractConfig>> {
        self.current.as_ref()
    }
}

impl Machine for Tracker {
    type Protocol = Tracking;

    fn handle(&mut self, now: Time, event: Event<Tracking>, out: &mut Out) {
        if core::mem::take(&mut self.restored)
            && let Some(config) = self.current.clone()
        {
            // Unverified, as it was verified before it was recorded.
            out.emit(Output::Configured { config, source: Source::Record });
        }
        match event {
            Event::Woke => {}
            Event::Received { message, .. } => match *message {},
            Event::Answered { ticket, answer } => self.on_answer(now, ticket, answer, out),
            Event::Told(Order::NewHead) => match &mut self.phase {
                Phase::Resting { until } => *until = now.mono,
                Phase::Looking { .. } | Phase::Loading { .. } => self.hinted = true,
            },
        }
        match &self.phase {
            Phase::Looking { ticket, overdue } if *overdue <= now.mono => {
                self.give_up(now, *ticket, Step::Look, out);
            }
            Phase::Loading { ticket, overdue, .. } if *overdue <= now.mono => {
                self.give_up(now, *ticket, Step::Logs, out);
            }
            Phase::Resting { .. } | Phase::Looking { .. } | Phase::Loading { .. } => {}
        }
        if matches!(self.phase, Phase::Resting { until } if until <= now.mono) {
            let ticket = self.tickets.issue();
            out.ask(ticket, Ask::Look);
            self.phase = Phase::Looking { ticket, overdue: now.mono + self.config.load_timeout };
        }
    }

    fn deadline(&self) -> Option<Mono> {
        Some(match self.phase {
            Phase::Resting { until } => until,
            Phase::Looking { overdue, .. } | Phase::Loading { overdue, .. } => overdue,
        })
    }
}

impl Tracker {
    fn on_answer(&mut self, now: Time, answered: Ticket, answer: Option<Answer>, out: &mut Out) {
        let resting = Phase::Resting { until: Mono(0) };
        match core::mem::replace(&mut self.phase, resting) {
            Phase::Looking { ticket, overdue } if ticket == answered => match answer {
                Some(Answer::Looked(look)) => self.on_look(now, overdue, look, out),
                None => self.rest(now, self.config.poll_interval),
                Some(Answer::Logs(_)) => panic!("the host answered a look with logs"),
            },
            Phase::Loading { ticket, look, .. } if ticket == answered => match answer {
                Some(Answer::Logs(logs)) => {
                    match load(self.config.chain_id, self.config.contract, &look, &logs) {
                        Ok(config) => self.configured(config, &look, out),
                        Err(refusal) => out.emit(Output::Refused(refusal)),
                    }
                    self.rest(now, self.config.poll_interval);
                }
                None => self.rest(now, self.config.poll_interval.min(POLL_AWAITING)),
                Some(Answer::Looked(_)) => panic!("the host answered a question for logs with a look"),
            },
            // The answer to a question that is given up.
            other => self.phase = other,
        }
    }

    fn on_look(&mut self, now: Time, overdue: Mono, look: Look, out: &mut Out) {
        let head = look.head.number;
        if head < self.best && self.stale_looks < limits::STALE_LOOKS_MAX {
            self.stale_looks += 1;
            out.emit(Output::Refused(Refusal::StaleHead { got: look.head, best: self.best }));
            return self.rest(now, self.config.poll_interval);
        }
        self.best = head;
        self.stale_looks = 0;

        if look.digest == ConfigDigest::ZERO {
            self.on_unconfigured(head, out);
            return self.rest(now, self.config.poll_interval);
        }
        self.gone_at = None;
        if self.current.as_ref().is_some_and(|current| current.config_digest == look.digest) {
            return self.rest(now, self.config.poll_interval);
        }
        // Depth counted without wrapping: the reference waits for ever when nothing is to be waited for (weakness 13.18).
        let depth = head.saturating_add(1).saturating_sub(look.changed_in);
        if depth < self.config.confirmations {
            let (digest, wanted) = (look.digest, self.config.confirmations);
            out.emit(Output::Refused(Refusal::AwaitingConfirmations { digest, depth, wanted }));
            return self.rest(now, self.config.poll_interval.min(POLL_AWAITING));
        }
        let ticket = self.tickets.issue();
        out.ask(ticket, Ask::Logs { block: look.changed_in });
        self.phase = Phase::Loading { ticket, overdue, look };
    }

    /// The contract has no configuration (any more). What we follow is given up when that is as deep as a new
    /// configuration would have to be; until then it may be one fork's opinion.
    fn on_unconfigured(&mut self, head: u64, out: &mut Out) {
        if self.current.is_none() {
            return out.emit(Output::Refused(Refusal::NotConfigured));
        }
        let gone_at = *self.gone_at.get_or_insert(head);
        let (depth, wanted) = (head.saturating_sub(gone_at).saturating_add(1), self.config.confirmations);
        if depth < wanted {
            return out.emit(Output::Refused(Refusal::AwaitingRemoval { depth, wanted }));
        }
        self.gone_at = None;
        self.current = None;
        out.persist(Record::Unconfigured);
        out.emit(Output::Unconfigured);
    }

    fn configured(&mut self, config: ContractConfig, look: &Look, out: &mut Out) {
        let config = Arc::new(config);
        self.current = Some(config.clone());
        out.persist(Record::Configured(config.clone()));
        out.emit(Output::Configured { config, source: Source::Chain { block: look.changed_in } });
    }

    fn give_up(&mut self, now: Time, ticket: Ticket, step: Step, out: &mut Out) {
        out.forget(ticket);
        out.emit(Output::Refused(Refusal::Overdue { step }));
        self.rest(now, self.config.poll_interval);
    }

    fn rest(&mut self, now: Time, pause: Duration) {
        let pause = if core::mem::take(&mut self.hinted) { Duration::ZERO } else { pause };
        self.phase = Phase::Resting { until: now.mono + pause };
    }
}

/// The configuration that `look` names, from the `ConfigSet` events of its block; believed only if its digest follows from
/// what it says.
pub fn load(chain_id: u64, contract: Address, look: &Look, logs: &[Log]) -> Result<ContractConfig, Refusal> {
    if logs.len() > limits::LOGS_MAX {
        return Err(Refusal::TooManyLogs { got: logs.len() });
    }
    // A contract may be configured several times in a block: what the look names is the last.
    let mut refusal = Refusal::NoEvent { digest: look.digest, block: look.changed_in };
    for log in logs.iter().rev() {
        match read(chain_id, contract, look, log) {
            Ok(config) => return Ok(config),
            Err(why) => refusal = why,
        }
    }
    Err(refusal)
}

fn read(chain_id: u64, contract: Address, look: &Look, log: &Log) -> Result<ContractConfig, Refusal> {
    if log.block.number != look.changed_in {
        return Err(Refusal::WrongBlock { got: log.block, wanted: look.changed_in });
    }
    if log.data.len() > limits::CONFIG_SET_MAX {
        return Err(Refusal::EventTooLong { got: log.data.len() });
    }
    let event = ConfigSet::decode_raw_log_validate(log.topics.iter().copied(), &log.data)
        .map_err(|error| Refusal::MalformedEvent { index: log.index, why: error.to_string() })?;
    let config = contract_config(event);
    if config.config_digest != look.digest {
        return Err(Refusal::OtherDigest { got: config.config_digest, wanted: look.digest });
    }
    if look.digest.prefix() != ConfigDigestPrefix::EVM_SIMPLE {
        return Err(Refusal::OtherPrefix { got: look.digest.prefix() });
    }
    let computed = evm_simple::config_digest(chain_id, ocr::Address(contract.into_array()), &config)
        .expect("signers and transmitters of an event are addresses");
    if computed != look.digest {
        return Err(Refusal::DigestMismatch { got: look.digest, computed });
    }
    Ok(config)
}

/// Signers as 20 bytes, transmitters as text with a checksum (OCR2 spec 3.1).
fn contract_config(event: ConfigSet) -> ContractConfig {
    ContractConfig {
        config_digest: ConfigDigest(event.configDigest.0),
        config_count: event.configCount,
        signers: event.signers.iter().map(|signer| signer.to_vec()).collect::<Vec<_>>(),
        transmitters: event.transmitters.iter().map(|account| account.to_checksum(None)).collect(),
        f: event.f,
        onchain_config: event.onchainConfig.to_vec(),
        offchain_config_version: event.offchainConfigVersion,
        offchain_config: event.offchainConfig.to_vec(),
    }
}
