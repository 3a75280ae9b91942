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
mod outputs;
mod record;
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
use alloy_primitives::{Address, B256, Bytes, U256};
use core::{convert::Infallible, time::Duration};
use machine::{Effects, Event, Machine, Mono, Protocol, Ticket, Tickets, Time};

use crate::{chain::Receipt, limits};
use fees::Fees;

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

/// A nonce in use: at least one attempt under it is recorded and may be in the world.
#[derive(Debug)]
struct Slot {
    id: Option<SubmissionId>,
    ending: Option<Ending>,
    /// Never empty; the last bids the most.
    attempts: Vec<Attempt>,
    /// A signature or broadcast that is underway.
    busy: Option<Ticket>,
    mined: Option<Receipt>,
    foreign_looks: u32,
    /// The head at which the last bid was made; `None` before the first look after a recovery.
    bid_at: Option<u64>,
    /// An endpoint finds the bid too low: raise it at the next look.
    too_low: bool,
    resend_at: Mono,
}

/// A transaction that may be in the world.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Attempt {
    hash: B256,
    fees: Fees,
    gas_limit: u64,
    /// A transfer of nothing to oneself, not the payload.
    no_op: bool,
    /// Not recorded: signed again after a recovery.
    raw: Option<Bytes>,
}

impl Slot {
    fn last(&self) -> &Attempt {
        self.attempts.last().expect("a slot begins with an attempt")
    }

    fn stored(&self) -> StoredSlot {
        StoredSlot { id: self.id, ending: self.ending, attempts: self.attempts.clone() }
    }
}

impl Machine for Transactions {
    type Protocol = Sending;

    fn handle(&mut self, now: Time, event: Event<Sending>, out: &mut Out) {
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
        for record in records {
            match record {
                Record::Next { sender, nonce } => {
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
            return out.emit(match live.submission == submission {
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
        let queued: usize = self.senders.values().map(|sender| sender.queue.len()).sum();
        if queued >= limits::QUEUED_MAX {
            return Err(Failure::QueueFull);
        }
        match submission.from {
            Some(sender) if self.config.senders.contains(&sender) => Ok(sender),
            Some(sender) => Err(Failure::UnknownSender { sender }),
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

// Opening: from the queue into a slot.
impl Transactions {
    fn open_next(&mut self, now: Time, address: Address, out: &mut Out) {
        loop {
            let config = &self.config;
            let sender = self.senders.get_mut(&address).expect("senders are never removed");
            if sender.opening.is_some() || sender.held || sender.slots.len() >= config.in_flight_max {
                return;
            }
            let Some(market) = sender.market(now, config).cloned() else { return };
            if let Some(nonce) = sender.gap.pop_front() {
                return self.open_no_op(now, address, nonce, &market, out);
            }
            let Some(id) = sender.queue.front().copied() else { return };
            let submission = &self.live.get(&id).expect("what is queued is live").submission;
            if submission.expires.is_some_and(|expires| expires <= now.wall) {
                self.fail_unsent(address, id, Failure::Expired, out);
                continue;
            }
            if !config.senders.contains(&address) {
                self.fail_unsent(address, id, Failure::UnknownSender { sender: address }, out);
                continue;
            }
            let estimate = match submission.gas {
                Gas::Limit(limit) => return self.open(now, address, id, limit, &market, out),
                Gas::Estimate { .. } => {
                    let Submission { to, value, ref input, .. } = *submission;
                    Ask::Estimate { sender: address, to, value, input: input.clone() }
                }
            };
            sender.queue.pop_front();
            let ticket = self.ask(now, address, What::Estimate(id), estimate, out);
            self.sender(address).opening = Some(ticket);
            return;
        }
    }

    fn on_estimate(&mut self, now: Time, address: Address, id: SubmissionId, estimate: Estimate, out: &mut Out) {
        let config = &self.config;
        let sender = self.senders.get_mut(&address).expect("senders are never removed");
        sender.opening = None;
        let Gas::Estimate { margin_percent, limit_max } = self.live[&id].submission.gas else {
            unreachable!("only asked for such")
        };
        let limit = match estimate {
            Estimate::Reverts(data) => {
                let data = data.slice(..data.len().min(limits::REVERT_MAX));
                return self.fail_unsent(address, id, Failure::WouldRevert { data }, out);
            }
            Estimate::Gas(gas) => {
                let with_margin = u128::from(gas) * (100 + u128::from(margin_percent)) / 100;
                u64::try_from(with_margin).unwrap_or(u64::MAX)
            }
        };
        if limit > limit_max {
            return self.fail_unsent(address, id, Failure::GasAboveLimit { gas: limit, limit_max }, out);
        }
        sender.queue.push_front(id);
        match sender.market(now, config).cloned() {
            Some(market) => self.open(now, address, id, limit, &market, out),
            None => sender.held = true,
        }
    }

    /// Takes the head of the queue out and asks for its first signature, if it can be paid for.
    fn open(&mut self, now: Time, address: Address, id: SubmissionId, gas_limit: u64, market: &Look, out: &mut Out) {
        let ours = self.sender(address).next;
        let lacking = self.sender(address).lacking(market);
        if lacking > 0 {
            if lacking > limits::GAP_MAX {
                out.emit(Refusal::NonceAhead { sender: address, ours, chain: market.nonce });
            }
            self.sender(address).held = true;
            return;
        }
        let Some(fees) = self.config.fees.bid(market) else {
            let (base_fee, fee_cap_max) = (market.base_fee, self.config.fees.fee_cap_max);
            out.emit(Refusal::BaseFeeAboveMax { sender: address, base_fee, fee_cap_max });
            self.sender(address).held = true;
            return;
        };
        let Submission { to, value, ref input, .. } = self.live[&id].submission;
        let input = input.clone();
        let transaction = self.transaction(address, ours, fees, gas_limit, to, value, input);
        if !self.can_pay(&transaction, market, out) {
            self.sender(address).held = true;
            return;
        }
        let ask = Ask::Sign(transaction.clone());
        let ticket = self.ask(now, address, What::SignFirst(Some(id), transaction), ask, out);
        let sender = self.sender(address);
        sender.queue.pop_front();
        sender.opening = Some(ticket);
    }

    fn open_no_op(&mut self, now: Time, address: Address, nonce: u64, market: &Look, out: &mut Out) {
        let Some(fees) = self.config.fees.bid(market) else {
            let (base_fee, fee_cap_max) = (market.base_fee, self.config.fees.fee_cap_max);
            out.emit(Refusal::BaseFeeAboveMax { sender: address, base_fee, fee_cap_max });
            self.sender(address).held = true;
            return;
        };
        let transaction = self.transaction(address, nonce, fees, limits::NO_OP_GAS, address, U256::ZERO, Bytes::new());
        let ask = Ask::Sign(transaction.clone());
        let ticket = self.ask(now, address, What::SignFirst(None, transaction), ask, out);
        self.sender(address).opening = Some(ticket);
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of a transaction")]
    fn transaction(
        &self,
        sender: Address,
        nonce: u64,
        fees: Fees,
        gas_limit: u64,
        to: Address,
        value: U256,
        input: Bytes,
    ) -> Transaction {
        let Fees { tip, cap: fee_cap } = fees;
        Transaction { chain_id: self.config.chain_id, sender, nonce, tip, fee_cap, gas_limit, to, value, input }
    }

    fn can_pay(&self, transaction: &Transaction, market: &Look, out: &mut Out) -> bool {
        let gas = U256::from(transaction.fee_cap) * U256::from(transaction.gas_limit);
        let wanted = gas.saturating_add(transaction.value);
        if market.balance < wanted {
            out.emit(Refusal::InsufficientFunds { sender: transaction.sender, balance: market.balance, wanted });
        }
        market.balance >= wanted
    }

    /// The nonce is given away here: recorded first, spoken after.
    fn on_first_signed(
        &mut self,
        now: Time,
        address: Address,
        id: Option<SubmissionId>,
        transaction: Transaction,
        signed: Signed,
        out: &mut Out,
    ) {
        let nonce = transaction.nonce;
        let sender = self.senders.get_mut(&address).expect("senders are never removed");
        sender.opening = None;
        // While the signature was made, a look may have shown that the chain knows the nonce already.
        if sender.seen.as_ref().is_some_and(|seen| seen.look.nonce > nonce) {
            if let Some(id) = id {
                sender.queue.push_front(id);
            }
            return;
        }
        let slot = Slot {
            id,
            ending: None,
            attempts: Vec::from([attempt(&transaction, &signed, id.is_none())]),
            busy: None,
            mined: None,
            foreign_looks: 0,
            bid_at: sender.seen.as_ref().map(|seen| seen.look.head.number),
            too_low: false,
            resend_at: now.mono,
        };
        out.persist(Record::Slot { sender: address, nonce, slot: slot.stored() });
        if nonce >= sender.next {
            sender.next = nonce + 1;
            out.persist(Record::Next { sender: address, nonce: sender.next });
        }
        sender.slots.insert(nonce, slot);
        self.send(now, address, transaction, signed, id.is_none(), out);
    }

    /// Hands a recorded attempt to the endpoints.
    fn send(
        &mut self,
        now: Time,
        address: Address,
        transaction: Transaction,
        signed: Signed,
        no_op: bool,
        out: &mut Out,
    ) {
        let Transaction { nonce, tip, fee_cap, .. } = transaction;
        let hash = signed.hash;
        let id = self.sender(address).slots[&nonce].id;
        out.emit(Progress::Sent { id, sender: address, nonce, hash, tip, fee_cap, no_op });
        let what = What::Broadcast { nonce, hash };
        let ticket = self.ask(now, address, what, Ask::Broadcast { transaction, signed }, out);
        self.sender(address).slots.get_mut(&nonce).expect("sent from a slot").busy = Some(ticket);
    }
}

fn attempt(transaction: &Transaction, signed: &Signed, no_op: bool) -> Attempt {
    let fees = Fees { tip: transaction.tip, cap: transaction.fee_cap };
    Attempt { hash: signed.hash, fees, gas_limit: transaction.gas_limit, no_op, raw: Some(signed.raw.clone()) }
}

// Looking: everything that happens to slots.
impl Transactions {
    fn on_look(&mut self, now: Time, address: Address, look: Look, out: &mut Out) {
        // Taken out and put back, so that asking and finishing can borrow the machine.
        let mut sender = core::mem::take(self.sender(address));
        sender.looking = None;
        sender.look_at = now.mono + self.config.poll_interval;
        let best = sender.seen.as_ref().map_or(0, |seen| seen.look.head.number);
        if look.head.number < best && sender.stale_looks < limits::STALE_LOOKS_MAX {
            sender.stale_looks += 1;
            out.emit(Refusal::StaleHead { sender: address, got: look.head, best });
        } else {
            sender.stale_looks = 0;
            sender.held = false;
            sender.learn_nonces(address, &look, out);
            let nonces: Vec<u64> = sender.slots.keys().copied().collect();
            for nonce in nonces {
                let slot = sender.slots.get_mut(&nonce).expect("closed one by one, below");
                match self.judge(now, address, nonce, slot, &look, out) {
                    Fate::Open => {}
                    Fate::Included(receipt) => {
                        let slot = sender.slots.remove(&nonce).expect("just judged");
                        self.close(address, nonce, slot, Some(receipt), out);
                    }
                    Fate::Taken => {
                        let slot = sender.slots.remove(&nonce).expect("just judged");
                        out.emit(Progress::NonceTaken { id: slot.id, sender: address, nonce });
                        match (slot.id, slot.ending) {
                            (Some(id), None) => {
                                out.persist(Record::SlotClosed { sender: address, nonce });
                                self.forget_busy(&slot, out);
                                sender.queue.push_front(id);
                            }
                            (_, Some(_)) | (None, _) => self.close(address, nonce, slot, None, out),
                        }
                    }
                }
            }
            sender.find_gap(address, &look, out);
            sender.seen = Some(Seen { at: now.mono, look });
        }
        *self.sender(address) = sender;
    }

    /// What a look says about one slot; and does what must be done to one that stays open.
    fn judge(&mut self, now: Time, address: Address, nonce: u64, slot: &mut Slot, look: &Look, out: &mut Out) -> Fate {
        let ours = |receipt: &&Receipt| slot.attempts.iter().any(|attempt| attempt.hash == receipt.transaction);
        if let Some(receipt) = look.receipts.iter().find(ours).copied() {
            slot.foreign_looks = 0;
            if slot.mined != Some(receipt) {
                slot.mined = Some(receipt);
                out.emit(Progress::Mined { id: slot.id, receipt });
            }
            let deep =
                look.head.number.saturating_add(1) >= receipt.block.number.saturating_add(self.config.confirmations);
            return if deep { Fate::Included(receipt) } else { Fate::Open };
        }
        if let Some(was) = slot.mined.take() {
            slot.resend_at = now.mono;
            out.emit(Progress::ReorgedOut { id: slot.id, was });
        }
        if look.nonce_confirmed > nonce {
            slot.foreign_looks += 1;
            return if slot.foreign_looks >= limits::FOREIGN_LOOKS { Fate::Taken } else { Fate::Open };
        }
        slot.foreign_looks = 0;
        // In a block that is not deep enough, as someone else's or with a receipt that lags: wait.
        if look.nonce <= nonce && slot.busy.is_none() {
            self.push(now, address, nonce, slot, look, out);
        }
        Fate::Open
    }

    /// A slot that is in no block: end it, bid more, or hand it over again.
    fn push(&mut self, now: Time, address: Address, nonce: u64, slot: &mut Slot, look: &Look, out: &mut Out) {
        let submission = slot.id.map(|id| &self.live.get(&id).expect("an open slot's submission is live").submission);
        let expired = submission.and_then(|s| s.expires).is_some_and(|expires| expires <= now.wall);
        if expired && slot.ending.is_none() {
            slot.ending = Some(Ending::Expired);
            out.persist(Record::Slot { sender: address, nonce, slot: slot.stored() });
        }
        let bid_at = *slot.bid_at.get_or_insert(look.head.number);
        let waited = look.head.number.saturating_sub(bid_at) >= self.config.fees.bump_after_blocks;
        let last = slot.last();
        let to_end = slot.ending.is_some() && !last.no_op;
        if to_end || slot.too_low || (waited && nonce < look.nonce + limits::BUMP_DEPTH) {
            slot.bid_at = Some(look.head.number);
            slot.too_low = false;
            if slot.attempts.len() >= limits::ATTEMPTS_MAX {
                out.emit(Refusal::AttemptsExhausted { sender: address, nonce });
            } else if let Some(fees) = self.config.fees.bump(slot.last().fees, look) {
                let no_op = to_end || slot.last().no_op;
                let gas_limit = slot.last().gas_limit;
                return self.sign_again(now, address, nonce, slot, fees, gas_limit, no_op, out);
            } else {
                out.emit(Refusal::FeeMaxReached { sender: address, nonce });
            }
        }
        if slot.resend_at <= now.mono {
            let Attempt { fees, gas_limit, no_op, .. } = *slot.last();
            self.sign_again(now, address, nonce, slot, fees, gas_limit, no_op, out);
        }
    }

    /// Asks for the signature of a further attempt, or of the last one again; broadcasts at once what is signed already.
    #[expect(clippy::too_many_arguments, reason = "a slot and a bid")]
    fn sign_again(
        &mut self,
        now: Time,
        address: Address,
        nonce: u64,
        slot: &mut Slot,
        fees: Fees,
        gas_limit: u64,
        no_op: bool,
        out: &mut Out,
    ) {
        let transaction = match slot.id {
            Some(id) if !no_op => {
                let Submission { to, value, ref input, .. } = self.live[&id].submission;
                let input = input.clone();
                self.transaction(address, nonce, fees, gas_limit, to, value, input)
            }
            Some(_) | None => {
                self.transaction(address, nonce, fees, limits::NO_OP_GAS, address, U256::ZERO, Bytes::new())
            }
        };
        let last = slot.last();
        let (what, ask) = match &last.raw {
            Some(raw) if last.fees == fees && last.no_op == no_op => {
                let signed = Signed { hash: last.hash, raw: raw.clone() };
                (What::Broadcast { nonce, hash: last.hash }, Ask::Broadcast { transaction, signed })
            }
            Some(_) | None => (What::SignAgain { transaction: transaction.clone(), no_op }, Ask::Sign(transaction)),
        };
        slot.busy = Some(self.ask(now, address, what, ask, out));
    }

    fn on_signed_again(
        &mut self,
        now: Time,
        address: Address,
        transaction: Transaction,
        signed: Signed,
        no_op: bool,
        out: &mut Out,
    ) {
        let nonce = transaction.nonce;
        let Some(slot) = self.sender(address).slots.get_mut(&nonce) else { return };
        slot.busy = None;
        if let Some(known) = slot.attempts.iter_mut().find(|attempt| attempt.hash == signed.hash) {
            // The same signature again, after a recovery: recorded already.
            known.raw = Some(signed.raw.clone());
        } else if slot.attempts.len() < limits::ATTEMPTS_MAX {
            slot.attempts.push(attempt(&transaction, &signed, no_op));
            let slot = slot.stored();
            out.persist(Record::Slot { sender: address, nonce, slot });
        } else {
            return out.emit(Refusal::AttemptsExhausted { sender: address, nonce });
        }
        self.send(now, address, transaction, signed, no_op, out);
    }

    #[expect(clippy::too_many_arguments, reason = "the broadcast and its verdict")]
    fn on_verdict(
        &mut self,
        now: Time,
        address: Address,
        nonce: u64,
        hash: B256,
        ticket: Ticket,
        verdict: Verdict,
        out: &mut Out,
    ) {
        self.idle(address, nonce, ticket, now.mono + self.config.resend_after);
        let sender = self.sender(address);
        let Some(slot) = sender.slots.get_mut(&nonce) else { return };
        match verdict {
            Verdict::Accepted | Verdict::AlreadyKnown => return,
            // In a block already; the look tells whose.
            Verdict::NonceTooLow => sender.look_at = now.mono,
            // Those before it go out again at the next look, and this one after them.
            Verdict::NonceTooHigh => {
                sender.slots.range_mut(..=nonce).for_each(|(_, slot)| slot.resend_at = now.mono);
            }
            Verdict::ReplacementUnderpriced | Verdict::Underpriced => slot.too_low = true,
            Verdict::InsufficientFunds => {}
            // With earlier attempts in the pools this one is merely not better than they. If it is the first, no
            // endpoint will ever take it, but the nonce is spoken for: end it with a transfer of nothing.
            Verdict::FeesAboveCap | Verdict::GasLimitOutOfRange | Verdict::Refused => {
                if slot.attempts.len() == 1 && slot.id.is_some() && slot.ending.is_none() {
                    slot.ending = Some(Ending::Rejected(verdict));
                    let slot = slot.stored();
                    out.persist(Record::Slot { sender: address, nonce, slot });
                }
            }
        }
        out.emit(Refusal::NotTaken { sender: address, nonce, hash, verdict });
    }

    fn forget_busy(&mut self, slot: &Slot, out: &mut Out) {
        if let Some(ticket) = slot.busy {
            self.asked.remove(&ticket);
            out.forget(ticket);
        }
    }

    /// The nonce is used up for good: by an attempt of ours if there is a receipt.
    fn close(&mut self, sender: Address, nonce: u64, slot: Slot, receipt: Option<Receipt>, out: &mut Out) {
        self.forget_busy(&slot, out);
        let payload = receipt.filter(|receipt| {
            slot.attempts.iter().any(|attempt| attempt.hash == receipt.transaction && !attempt.no_op)
        });
        if let Some(id) = slot.id {
            let outcome = match (payload, slot.ending) {
                (Some(receipt), _) => Outcome::Included { sender, nonce, receipt },
                (None, Some(why)) => Outcome::Replaced { sender, nonce, why, by: receipt },
                (None, None) => unreachable!("a no-op is sent only when the slot is ending"),
            };
            self.finish(id, outcome, out);
        }
        // After the outcome: a crash in between must not find a submission with neither, and send it again.
        out.persist(Record::SlotClosed { sender, nonce });
    }

    fn finish(&mut self, id: SubmissionId, outcome: Outcome, out: &mut Out) {
        self.live.remove(&id);
        let order = self.next_order();
        out.persist(Record::Finished { id, order, outcome: outcome.clone() });
        self.finished.insert(id, (order, outcome.clone()));
        if self.finished.len() > limits::FINISHED_MAX {
            let oldest = self.finished.iter().min_by_key(|(_, (order, _))| *order).map(|(id, _)| *id);
            let oldest = oldest.expect("more than the bound is not none");
            self.finished.remove(&oldest);
            out.persist(Record::Forgotten { id: oldest });
        }
        out.emit(Output::Outcome { id, outcome });
    }
}

/// What a look means for a slot.
enum Fate {
    Open,
    /// One of its attempts is in the chain for good.
    Included(Receipt),
    /// Something that is none of its attempts is.
    Taken,
}

impl Sender {
    fn learn_nonces(&mut self, address: Address, look: &Look, out: &mut Out) {
        if look.nonce > self.next {
            // What a new machine finds is the account's past, not another user.
            if self.seen.is_some() || self.next > 0 {
                out.emit(Progress::ForeignUse { sender: address, ours: self.next, chain: look.nonce });
            }
            self.next = look.nonce;
        }
        if self.slots.is_empty() && self.opening.is_none() {
            // What waits in a pool and is none of ours will take these nonces. Bounded, because the pool is hearsay.
            self.next = self.next.max(look.nonce_pending.min(look.nonce + limits::GAP_MAX));
        }
    }

    /// How many nonces below `next` are neither in the chain, nor in a pool, nor in a slot.
    fn lacking(&self, look: &Look) -> u64 {
        let known = look.nonce.max(look.nonce_pending);
        self.next.saturating_sub(known) - self.slots.range(known..).count() as u64
    }

    fn find_gap(&mut self, address: Address, look: &Look, out: &mut Out) {
        let known = look.nonce.max(look.nonce_pending);
        self.gap.clear();
        let lacking = self.lacking(look);
        if lacking == 0 || lacking > limits::GAP_MAX {
            self.gap_looks = 0;
            return;
        }
        self.gap_looks += 1;
        if self.gap_looks >= limits::GAP_LOOKS {
            self.gap = (known..self.next).filter(|nonce| !self.slots.contains_key(nonce)).collect();
            if let (Some(from), Some(to)) = (self.gap.front(), self.gap.back()) {
                out.emit(Progress::GapFilled { sender: address, from: *from, to: *to });
            }
        }
    }
}
