//! Getting calls into the chain exactly once: nonces, bids, replacement, reorganisations, crashes.
//!
//! A submission waits in its sender's queue, is given a **slot** (a nonce, recorded before anything bearing it leaves),
//! and ends when the chain has used that nonce for good. Everything that a slot does is decided at a **look**: one
//! consistent answer of one endpoint to "how does this sender stand". Between looks nothing is known, so nothing is done.
//!
//! What holds, also when the machine is recovered from its records at any moment:
//! - A nonce is never given to the payloads of two submissions. Only a transfer of nothing to oneself ever competes with
//!   a payload for its nonce, on purpose.
//! - A payload gets a second nonce only after something else has used up its first one, confirmed.
//! - Every transaction that may be in the world is recorded with its hash, so its receipt is found.
//! - Every submission ends in one outcome.
//!
//! Endpoints may fail, lag and drop transactions. They are not supposed to invent heads, nonces or receipts.

mod fees;
mod open;
mod outputs;
mod record;
mod slot;
mod words;

pub use fees::FeePolicy;
pub use outputs::{AskKind, Ending, Failure, Outcome, Output, Progress, Refusal};
pub use record::{Key, Record, StoredSlot};
pub use words::{
    Answer, Ask, Estimate, Gas, Look, LookAsk, Order, Signed, Submission, SubmissionId, Transaction, Verdict,
};

use alloc::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    vec::Vec,
};
use alloy_primitives::{Address, B256};
use core::{convert::Infallible, time::Duration};
use machine::{Effects, Event, Machine, Mono, Protocol, Ticket, Tickets, Time};

use crate::limits;
use slot::Slot;

/// The words of the machine. It has no peers.
#[derive(Debug)]
pub struct Sending;

impl Protocol for Sending {
    type Peer = Infallible;
    type Audience = Infallible;
    type Message = Infallible;
    type Record = Record;
    type Ask = Ask;
    type Answer = Answer;
    type Order = Order;
    type Output = Output;
}

type Out = Effects<Sending>;

/// What the machine is run with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Config {
    pub chain_id: u64,
    /// The accounts that send, at least one. An account must have no other user: two managers of one key would give the
    /// same nonces away.
    pub senders: Vec<Address>,
    /// Depth at which a transaction counts as in the chain for good; its own block is the first. 1 to
    /// [`limits::CONFIRMATIONS_MAX`].
    pub confirmations: u64,
    /// How often to look while there is something to look for.
    pub poll_interval: Duration,
    /// When an ask is given up.
    pub answer_within: Duration,
    /// When a transaction that is still not in a block is handed to the endpoints again.
    pub resend_after: Duration,
    /// Unconfirmed transactions of one sender, 1 to [`limits::IN_FLIGHT_MAX`].
    pub in_flight_max: usize,
    pub fees: FeePolicy,
}

/// What is wrong with a [`Config`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("no sender is given")]
    NoSender,
    #[error("confirmations are {got}, wanted 1 to {}", limits::CONFIRMATIONS_MAX)]
    Confirmations { got: u64 },
    #[error("transactions in flight are {got}, wanted 1 to {}", limits::IN_FLIGHT_MAX)]
    InFlight { got: usize },
    #[error(
        "a fee is raised by {got} %, wanted at least {} or no endpoint replaces a transaction",
        limits::REPLACEMENT_PERCENT
    )]
    BumpPercent { got: u32 },
    #[error("the headroom is {got} % of the base fee, wanted at least 100")]
    Headroom { got: u32 },
    #[error("the least tip, {tip_min} wei, is above the most that may be paid, {fee_cap_max}")]
    TipAboveMax { tip_min: u128, fee_cap_max: u128 },
}

impl Config {
    fn check(&self) -> Result<(), ConfigError> {
        let fees = &self.fees;
        if self.senders.is_empty() {
            return Err(ConfigError::NoSender);
        }
        if !(1..=limits::CONFIRMATIONS_MAX).contains(&self.confirmations) {
            return Err(ConfigError::Confirmations { got: self.confirmations });
        }
        if !(1..=limits::IN_FLIGHT_MAX).contains(&self.in_flight_max) {
            return Err(ConfigError::InFlight { got: self.in_flight_max });
        }
        if u128::from(fees.bump_percent) < limits::REPLACEMENT_PERCENT {
            return Err(ConfigError::BumpPercent { got: fees.bump_percent });
        }
        if fees.headroom_percent < 100 {
            return Err(ConfigError::Headroom { got: fees.headroom_percent });
        }
        if fees.tip_min > fees.fee_cap_max {
            return Err(ConfigError::TipAboveMax { tip_min: fees.tip_min, fee_cap_max: fees.fee_cap_max });
        }
        Ok(())
    }
}

/// The transaction manager of one chain.
#[derive(Debug)]
pub struct Transactions {
    config: Config,
    tickets: Tickets,
    asked: BTreeMap<Ticket, Asked>,
    /// The configured ones, and those of former configurations that still have something underway.
    senders: BTreeMap<Address, Sender>,
    /// All without outcome: queued, being opened, or in a slot.
    live: BTreeMap<SubmissionId, Live>,
    finished: BTreeMap<SubmissionId, (u64, Outcome)>,
    /// The next place in the order of arrival and of ending.
    order: u64,
}

#[derive(Debug)]
struct Asked {
    overdue: Mono,
    sender: Address,
    what: What,
}

/// An ask as long as its answer counts.
#[derive(Debug)]
enum What {
    Look,
    Estimate(SubmissionId),
    /// The first transaction under a new nonce.
    SignFirst(Option<SubmissionId>, Transaction),
    /// A further transaction under a nonce in use; a transfer of nothing if `no_op`.
    SignAgain {
        transaction: Transaction,
        no_op: bool,
    },
    Broadcast {
        nonce: u64,
        hash: B256,
    },
}

impl What {
    fn kind(&self) -> AskKind {
        match self {
            What::Look => AskKind::Look,
            What::Estimate(_) => AskKind::Estimate,
            What::SignFirst(..) | What::SignAgain { .. } => AskKind::Sign,
            What::Broadcast { .. } => AskKind::Broadcast,
        }
    }
}

#[derive(Debug)]
struct Live {
    order: u64,
    sender: Address,
    submission: Submission,
}

#[derive(Debug, Default)]
struct Sender {
    /// The lowest nonce that was never given to a transaction that left us.
    next: u64,
    /// A crash came between the record of a slot and that of `next`: it is stored first of all.
    next_unstored: bool,
    slots: BTreeMap<u64, Slot>,
    queue: VecDeque<SubmissionId>,
    /// The one transaction that is about to get a nonce. One at a time, so that giving up never leaves a gap.
    opening: Option<Ticket>,
    /// Nothing is opened until the next look: what stood in the way will not change before.
    held: bool,
    looking: Option<Ticket>,
    look_at: Mono,
    seen: Option<Seen>,
    stale_looks: u32,
    gap_looks: u32,
    /// Nonces that the chain lacks and nobody will send, ascending.
    gap: VecDeque<u64>,
}

#[derive(Debug)]
struct Seen {
    at: Mono,
    look: Look,
}

impl Machine for Transactions {
    type Protocol = Sending;

    fn handle(&mut self, now: Time, event: Event<Sending>, out: &mut Out) {
        for (address, sender) in &mut self.senders {
            if core::mem::take(&mut sender.next_unstored) {
                out.persist(Record::Next { sender: *address, nonce: sender.next });
            }
        }
        match event {
            Event::Woke => {}
            Event::Received { message, .. } => match *message {},
            Event::Answered { ticket, answer } => {
                if let Some(asked) = self.asked.remove(&ticket) {
                    self.on_answer(now, ticket, asked, answer, out);
                }
            }
            Event::Told(Order::Submit { id, submission }) => self.on_submit(now, id, submission, out),
            Event::Told(Order::Abandon { id }) => self.on_abandon(now, id, out),
            Event::Told(Order::NewHead) => {
                self.senders.values_mut().for_each(|sender| sender.look_at = sender.look_at.min(now.mono));
            }
        }
        self.give_up_overdue(now, out);
        let senders: Vec<Address> = self.senders.keys().copied().collect();
        for sender in senders {
            self.look_if_due(now, sender, out);
            self.open_next(now, sender, out);
        }
    }

    fn deadline(&self) -> Option<Mono> {
        let overdue = self.asked.values().map(|asked| asked.overdue);
        let look = self.senders.values().filter(|s| s.looking.is_none() && s.wants_look()).map(|s| s.look_at);
        overdue.chain(look).min()
    }
}

impl Sender {
    fn wants_look(&self) -> bool {
        !self.slots.is_empty() || !self.queue.is_empty() || self.opening.is_some()
    }

    /// What was seen, if it is recent enough to bid by.
    fn market(&self, now: Time, config: &Config) -> Option<&Look> {
        let seen = self.seen.as_ref()?;
        (now.mono - seen.at <= config.poll_interval * 2).then_some(&seen.look)
    }
}

// Beginning: configuration, recovery, orders.
impl Transactions {
    /// The machine with what survived of its earlier life; with no records, a new one.
    pub fn recover(config: Config, records: impl IntoIterator<Item = Record>) -> Result<Self, ConfigError> {
        config.check()?;
        let senders = config.senders.iter().map(|sender| (*sender, Sender::default())).collect();
        let mut machine = Transactions {
            config,
            tickets: Tickets::default(),
            asked: BTreeMap::new(),
            senders,
            live: BTreeMap::new(),
            finished: BTreeMap::new(),
            order: 0,
        };
        let mut stored_next: BTreeMap<Address, u64> = BTreeMap::new();
        for record in records {
            match record {
                Record::Next { sender, nonce } => {
                    stored_next.insert(sender, nonce);
                    let sender = machine.senders.entry(sender).or_default();
                    sender.next = sender.next.max(nonce);
                }
                Record::Slot { sender, nonce, slot } => {
                    let StoredSlot { id, ending, attempts } = slot;
                    let sender = machine.senders.entry(sender).or_default();
                    sender.next = sender.next.max(nonce + 1);
                    let slot = Slot {
                        id,
                        ending,
                        attempts,
                        busy: None,
                        mined: None,
                        foreign_looks: 0,
                        bid_at: None,
                        too_low: false,
                        resend_at: Mono(0),
                    };
                    sender.slots.insert(nonce, slot);
                }
                Record::Queued { id, order, sender, submission } => {
                    machine.order = machine.order.max(order + 1);
                    machine.live.insert(id, Live { order, sender, submission });
                }
                Record::Finished { id, order, outcome } => {
                    machine.order = machine.order.max(order + 1);
                    machine.finished.insert(id, (order, outcome));
                }
                Record::SlotClosed { .. } | Record::Forgotten { .. } => {}
            }
        }
        for (address, sender) in &mut machine.senders {
            sender.next_unstored = sender.next > stored_next.get(address).copied().unwrap_or_default();
        }
        // A crash between a submission's outcome and the closing of its slot: the nonce is only watched to its end.
        for slot in machine.senders.values_mut().flat_map(|sender| sender.slots.values_mut()) {
            slot.id = slot.id.filter(|id| machine.live.contains_key(id));
        }
        let in_slots: BTreeSet<SubmissionId> =
            machine.senders.values().flat_map(|sender| sender.slots.values()).filter_map(|slot| slot.id).collect();
        let mut waiting: Vec<(u64, Address, SubmissionId)> = machine
            .live
            .iter()
            .filter(|(id, _)| !in_slots.contains(*id))
            .map(|(id, live)| (live.order, live.sender, *id))
            .collect();
        waiting.sort_unstable();
        for (_, sender, id) in waiting {
            machine.senders.entry(sender).or_default().queue.push_back(id);
        }
        Ok(machine)
    }

    /// What the sender has underway, for telling people: (queued, in slots).
    pub fn underway(&self, sender: Address) -> (usize, usize) {
        self.senders.get(&sender).map_or((0, 0), |s| (s.queue.len() + usize::from(s.opening.is_some()), s.slots.len()))
    }

    fn on_submit(&mut self, now: Time, id: SubmissionId, submission: Submission, out: &mut Out) {
        if let Some((_, outcome)) = self.finished.get(&id) {
            return out.emit(Output::Outcome { id, outcome: outcome.clone() });
        }
        if let Some(live) = self.live.get(&id) {
            // Asked again later it may be worth sending for longer; what was asked first holds.
            let same = live.submission == Submission { expires: live.submission.expires, ..submission };
            return out.emit(match same {
                true => Refusal::AlreadySubmitted { id },
                false => Refusal::IdReused { id },
            });
        }
        let sender = match self.sender_for(&submission) {
            Ok(sender) => sender,
            // Not remembered: what is wrong may be mended, and the same submission be given again.
            Err(failure) => return out.emit(Output::Outcome { id, outcome: Outcome::Failed(failure) }),
        };
        let order = self.next_order();
        out.persist(Record::Queued { id, order, sender, submission: submission.clone() });
        self.live.insert(id, Live { order, sender, submission });
        let config = &self.config;
        let sender = self.senders.get_mut(&sender).expect("chosen from the table");
        if sender.market(now, config).is_none() {
            sender.look_at = sender.look_at.min(now.mono);
        }
        sender.queue.push_back(id);
    }

    fn sender_for(&self, submission: &Submission) -> Result<Address, Failure> {
        if submission.input.len() > limits::INPUT_MAX {
            return Err(Failure::InputTooLong { got: submission.input.len() });
        }
        if let Some(sender) = submission.from
            && !self.config.senders.contains(&sender)
        {
            return Err(Failure::UnknownSender { sender });
        }
        let queued: usize = self.senders.values().map(|sender| sender.queue.len()).sum();
        if queued >= limits::QUEUED_MAX {
            return Err(Failure::QueueFull);
        }
        match submission.from {
            Some(sender) => Ok(sender),
            None => {
                let load = |sender: &&Address| {
                    let (queued, in_slots) = self.underway(**sender);
                    queued + in_slots
                };
                Ok(*self.config.senders.iter().min_by_key(load).expect("a config has a sender"))
            }
        }
    }

    fn on_abandon(&mut self, now: Time, id: SubmissionId, out: &mut Out) {
        let Some(live) = self.live.get(&id) else {
            return out.emit(match self.finished.contains_key(&id) {
                true => Refusal::AlreadyFinished { id },
                false => Refusal::Unknown { id },
            });
        };
        let address = live.sender;
        let sender = self.senders.get_mut(&address).expect("a live submission has a sender");
        if let Some((nonce, slot)) = sender.slots.iter_mut().find(|(_, slot)| slot.id == Some(id)) {
            if let Some(why) = slot.ending {
                return out.emit(Refusal::AlreadyEnding { id, why });
            }
            slot.ending = Some(Ending::Abandoned);
            out.persist(Record::Slot { sender: address, nonce: *nonce, slot: slot.stored() });
            sender.look_at = sender.look_at.min(now.mono);
            return;
        }
        self.fail_unsent(address, id, Failure::Abandoned, out);
    }

    /// Ends a submission that has no slot: it is queued, or being opened.
    fn fail_unsent(&mut self, sender: Address, id: SubmissionId, failure: Failure, out: &mut Out) {
        let sender = self.senders.get_mut(&sender).expect("a live submission has a sender");
        sender.queue.retain(|queued| *queued != id);
        if let Some(ticket) = sender.opening
            && let Some(asked) = self.asked.get(&ticket)
            && let What::Estimate(opening) | What::SignFirst(Some(opening), _) = &asked.what
            && *opening == id
        {
            sender.opening = None;
            self.asked.remove(&ticket);
            out.forget(ticket);
        }
        self.finish(id, Outcome::Failed(failure), out);
    }

    fn next_order(&mut self) -> u64 {
        self.order += 1;
        self.order - 1
    }
}

// Asking.
impl Transactions {
    fn ask(&mut self, now: Time, sender: Address, what: What, ask: Ask, out: &mut Out) -> Ticket {
        let ticket = self.tickets.issue();
        self.asked.insert(ticket, Asked { overdue: now.mono + self.config.answer_within, sender, what });
        out.ask(ticket, ask);
        ticket
    }

    fn give_up_overdue(&mut self, now: Time, out: &mut Out) {
        let overdue: Vec<Ticket> =
            self.asked.iter().filter(|(_, asked)| asked.overdue <= now.mono).map(|(ticket, _)| *ticket).collect();
        for ticket in overdue {
            let asked = self.asked.remove(&ticket).expect("found above");
            out.forget(ticket);
            out.emit(Refusal::Overdue { sender: asked.sender, ask: asked.what.kind() });
            self.on_answer(now, ticket, asked, None, out);
        }
    }

    fn on_answer(&mut self, now: Time, ticket: Ticket, asked: Asked, answer: Option<Answer>, out: &mut Out) {
        let address = asked.sender;
        match (asked.what, answer) {
            (What::Look, Some(Answer::Looked(look))) => self.on_look(now, address, look, out),
            (What::Look, None) => {
                let poll = self.config.poll_interval;
                let sender = self.sender(address);
                sender.looking = None;
                sender.look_at = now.mono + poll;
            }
            (What::Estimate(id), Some(Answer::Estimated(estimate))) => {
                self.on_estimate(now, address, id, estimate, out)
            }
            (What::SignFirst(id, transaction), Some(Answer::Signed(signed))) => {
                self.on_first_signed(now, address, id, transaction, signed, out);
            }
            (What::Estimate(id), None) | (What::SignFirst(Some(id), _), None) => {
                let sender = self.sender(address);
                sender.opening = None;
                sender.held = true;
                sender.queue.push_front(id);
            }
            // A nonce that fills a gap is found missing again.
            (What::SignFirst(None, _), None) => {
                let sender = self.sender(address);
                sender.opening = None;
                sender.held = true;
            }
            (What::SignAgain { transaction, no_op }, Some(Answer::Signed(signed))) => {
                self.on_signed_again(now, address, transaction, signed, no_op, out);
            }
            (What::SignAgain { transaction, .. }, None) => self.idle(address, transaction.nonce, ticket, now.mono),
            (What::Broadcast { nonce, hash }, Some(Answer::Broadcast(verdict))) => {
                self.on_verdict(now, address, nonce, hash, ticket, verdict, out);
            }
            // It may have arrived or not. The next look tells, or it is handed over again.
            (What::Broadcast { nonce, .. }, None) => self.idle(address, nonce, ticket, now.mono),
            (
                What::Look | What::Estimate(_) | What::SignFirst(..) | What::SignAgain { .. } | What::Broadcast { .. },
                Some(Answer::Looked(_) | Answer::Estimated(_) | Answer::Signed(_) | Answer::Broadcast(_)),
            ) => panic!("the host answered an ask with the answer of another kind"),
        }
    }

    fn idle(&mut self, sender: Address, nonce: u64, ticket: Ticket, resend_at: Mono) {
        if let Some(slot) = self.sender(sender).slots.get_mut(&nonce)
            && slot.busy == Some(ticket)
        {
            slot.busy = None;
            slot.resend_at = resend_at;
        }
    }

    fn sender(&mut self, address: Address) -> &mut Sender {
        self.senders.get_mut(&address).expect("senders are never removed")
    }

    fn look_if_due(&mut self, now: Time, address: Address, out: &mut Out) {
        let confirmations = self.config.confirmations;
        let sender = self.sender(address);
        if sender.looking.is_some() || sender.look_at > now.mono || !sender.wants_look() {
            return;
        }
        let attempts =
            sender.slots.iter().flat_map(|(nonce, slot)| slot.attempts.iter().map(|attempt| (*nonce, attempt.hash)));
        let look = LookAsk { sender: address, confirmations, attempts: attempts.collect() };
        let ticket = self.ask(now, address, What::Look, Ask::Look(look), out);
        self.sender(address).looking = Some(ticket);
    }
}
