//! One world: n oracles, their network, disks and sources, and a chain, in one thread and from one seed.

use crate::chain::{CHAIN_ID, DEPLOYED, FeedChain, GENESIS};
use crate::checks::{Checks, Deed, Signed, Violation};
use crate::committee::Committee;
use crate::endpoint;
use crate::network::Network;
use crate::plan::{Fault, Plan, SECOND, WORLD_LENGTH};
use crate::rng::Rng;
use crate::seat::{Keys, Process, Seat};
use crate::signatures::Scheme;
use crate::source::Source;
use alloy_primitives::{Address, B256, U256};
use bytes::Bytes;
use evm_proto::transactions::{Gas, Submission, SubmissionId};
use evm_proto::{tracker, transactions};
use machine::{Effect, Event, Machine, Mono, Ticket, Time, Wall};
use median::{MedianView, Observation, Value};
use ocr::{ConfigDigest, OracleId};
use ocr2::message::{Final, Message};
use ocr2::plugin::View;
use ocr2::protocol::{Answer, Ask, Ocr2, Order, Output, Work};
use ocr2::round_id::RoundId;
use ocr2::signing::ReportContext;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

/// Nanoseconds between blocks.
const BLOCK_TIME: u64 = SECOND;

/// What became of a world.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Reports that the canonical chain holds at the end.
    pub transmitted: u64,
    /// Messages that were carried.
    pub messages: u64,
    /// Processes that were started again.
    pub restarts: u64,
    /// The hash of the last block: the same for the same seed.
    pub head: B256,
}

/// A world that lives.
pub struct World {
    now: u64,
    queue: BinaryHeap<Reverse<Entry>>,
    sequence: u64,
    rng: Rng,
    plan: Plan,
    next_fault: usize,
    network: Network,
    source: Source,
    feed: FeedChain,
    committee: Committee,
    seats: Vec<Seat>,
    checks: Checks,
    tally: Tally,
    scheme: Scheme,
    /// Events that happen to one oracle now, in order. Kept for its memory.
    local: VecDeque<Local>,
}

#[derive(Debug)]
struct Entry {
    at: u64,
    sequence: u64,
    what: Happening,
}

#[derive(Debug)]
enum Happening {
    Deliver { to: usize, from: OracleId, digest: ConfigDigest, message: Arc<Message> },
    Wake { seat: usize, life: u32, part: Part },
    Answer { seat: usize, life: u32, ticket: Ticket, answer: Option<Answer> },
    Mine,
}

/// Which machine of an oracle.
#[derive(Clone, Copy, Debug)]
enum Part {
    Ocr2,
    Tracker,
    Transactions,
}

/// An event for a machine of the oracle at hand.
#[derive(Debug)]
enum Local {
    Ocr2(Event<Ocr2>),
    Tracker(Event<tracker::Tracking>),
    Transactions(Event<transactions::Sending>),
}

/// The call that brings a report to the contract (OCR2 spec 8.3).
fn calldata(context: &ReportContext, report: &Final) -> Vec<u8> {
    let signatures = report.signatures.iter().map(|entry| &entry.signature[..]);
    bindings::transmit(context.words(), &report.report, signatures)
        .expect("an attested report has signatures of 65 bytes")
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.sequence) == (other.at, other.sequence)
    }
}
impl Eq for Entry {}
impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.sequence).cmp(&(other.at, other.sequence))
    }
}

// The machines of honest oracles and liars alike show nothing of themselves.
impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").field("now", &self.now).field("plan", &self.plan).finish_non_exhaustive()
    }
}

impl World {
    /// The world of a seed.
    pub fn new(seed: u64, n: usize, scheme: Scheme) -> Self {
        let mut rng = Rng::new(seed);
        let plan = Plan::draw(n, &mut rng.fork());
        World::with_plan(plan, rng, scheme)
    }

    /// A world with chosen misfortunes.
    pub fn with_plan(plan: Plan, mut rng: Rng, scheme: Scheme) -> Self {
        let n = plan.n;
        let keys: Vec<Keys> = (0..n).map(|_| Keys::draw(&mut rng)).collect();
        let transmitters: Vec<Address> = keys.iter().map(|keys| keys.transmitter).collect();
        let mut feed = FeedChain::new(&transmitters, scheme.recover());
        let mut committee = Committee::new(&keys, rng.fork());
        feed.set_config(committee.next_config());
        let seats = keys.into_iter().enumerate().map(|(index, keys)| {
            Seat::new(keys, plan.liars.iter().find(|(liar, _)| *liar == index).map(|(_, lie)| *lie))
        });
        World {
            now: 0,
            queue: BinaryHeap::new(),
            sequence: 0,
            next_fault: 0,
            network: Network::new(n, rng.fork()),
            source: Source::new(n, WORLD_LENGTH, &mut rng),
            committee,
            seats: seats.collect(),
            checks: Checks::new(!plan.liars.is_empty(), plan.mended_at),
            tally: Tally::default(),
            local: VecDeque::new(),
            scheme,
            feed,
            plan,
            rng,
        }
    }

    /// What will go wrong.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Lets the world live to its end, or to the first property that does not hold.
    pub fn live(mut self) -> Result<Tally, Violation> {
        self.mine()?;
        self.schedule(BLOCK_TIME, Happening::Mine);
        for seat in 0..self.seats.len() {
            self.start(seat)?;
        }
        loop {
            let next = self.queue.peek().map_or(WORLD_LENGTH, |Reverse(entry)| entry.at);
            if let Some((at, fault)) = self.plan.faults.get(self.next_fault).filter(|(at, _)| *at <= next) {
                self.now = *at;
                let fault = fault.clone();
                self.next_fault += 1;
                self.go_wrong(fault)?;
                continue;
            }
            if next >= WORLD_LENGTH {
                break;
            }
            let Reverse(entry) = self.queue.pop().expect("it was peeked at");
            self.now = entry.at;
            self.happen(entry.what)?;
        }
        self.checks.end(WORLD_LENGTH)?;
        let blocks = (0..=self.feed.chain.height()).filter_map(|number| self.feed.chain.block(number));
        self.tally.transmitted = blocks.map(|block| self.feed.accepted(block).len() as u64).sum();
        self.tally.head = self.feed.chain.head().hash;
        Ok(self.tally)
    }

    fn schedule(&mut self, at: u64, what: Happening) {
        self.sequence += 1;
        self.queue.push(Reverse(Entry { at, sequence: self.sequence, what }));
    }

    fn time(&self) -> Time {
        Time { mono: Mono(self.now), wall: Wall(GENESIS * SECOND + 10 * SECOND + self.now) }
    }

    fn happen(&mut self, what: Happening) -> Result<(), Violation> {
        match what {
            Happening::Mine => {
                self.schedule(self.now + BLOCK_TIME, Happening::Mine);
                self.mine()
            }
            Happening::Deliver { to, from, digest, message } => {
                let open = self.seats[to].process.as_ref().and_then(|process| process.endpoint);
                if open != Some(digest) {
                    return Ok(());
                }
                self.tally.messages += 1;
                let verdicts = self.scheme.verdicts();
                self.run(to, Local::Ocr2(Event::Received { from, message, verdicts }))
            }
            Happening::Answer { seat, life, ticket, answer } => {
                if self.seats[seat].life != life {
                    return Ok(());
                }
                self.run(seat, Local::Ocr2(Event::Answered { ticket, answer }))
            }
            Happening::Wake { seat, life, part } => {
                if self.seats[seat].life != life {
                    return Ok(());
                }
                let Some(process) = &mut self.seats[seat].process else { return Ok(()) };
                let armed = match part {
                    Part::Ocr2 => &mut process.ocr2.armed,
                    Part::Tracker => &mut process.tracker.armed,
                    Part::Transactions => &mut process.transactions.armed,
                };
                // A wake that an earlier one has made needless.
                if *armed != Some(Mono(self.now)) {
                    return Ok(());
                }
                *armed = None;
                self.run(
                    seat,
                    match part {
                        Part::Ocr2 => Local::Ocr2(Event::Woke),
                        Part::Tracker => Local::Tracker(Event::Woke),
                        Part::Transactions => Local::Transactions(Event::Woke),
                    },
                )
            }
        }
    }

    fn start(&mut self, seat: usize) -> Result<(), Violation> {
        let liar_seed = self.rng.bits();
        self.seats[seat].start(self.feed.aggregator, CHAIN_ID, liar_seed);
        self.local.push_back(Local::Ocr2(Event::Woke));
        self.local.push_back(Local::Transactions(Event::Woke));
        self.run(seat, Local::Tracker(Event::Woke))
    }

    /// Hands an event to an oracle, and then everything that follows from it within the same instant.
    fn run(&mut self, seat: usize, event: Local) -> Result<(), Violation> {
        self.local.push_back(event);
        while let Some(event) = self.local.pop_front() {
            let now = self.time();
            let Some(process) = &mut self.seats[seat].process else {
                self.local.clear();
                return Ok(());
            };
            match event {
                Local::Ocr2(event) => {
                    process.ocr2.machine.handle(now, event, &mut process.ocr2.out);
                    self.perform_ocr2(seat)?;
                }
                Local::Tracker(event) => {
                    process.tracker.machine.handle(now, event, &mut process.tracker.out);
                    self.perform_tracker(seat);
                }
                Local::Transactions(event) => {
                    process.transactions.machine.handle(now, event, &mut process.transactions.out);
                    self.perform_transactions(seat);
                }
            }
        }
        self.rearm(seat);
        Ok(())
    }

    fn rearm(&mut self, seat: usize) {
        let Seat { process: Some(process), life, .. } = &mut self.seats[seat] else { return };
        let life = *life;
        let Process { ocr2, tracker, transactions, .. } = process;
        let wakes =
            [(Part::Ocr2, ocr2.rearm()), (Part::Tracker, tracker.rearm()), (Part::Transactions, transactions.rearm())];
        for (part, deadline) in wakes {
            let Some(deadline) = deadline else { continue };
            // A deadline in the past means at once; time itself stands still within an instant.
            let at = deadline.0.max(self.now);
            let process = self.seats[seat].process.as_mut().expect("it is there");
            match part {
                Part::Ocr2 => process.ocr2.armed = Some(Mono(at)),
                Part::Tracker => process.tracker.armed = Some(Mono(at)),
                Part::Transactions => process.transactions.armed = Some(Mono(at)),
            }
            self.schedule(at, Happening::Wake { seat, life, part });
        }
    }

    fn perform_ocr2(&mut self, seat: usize) -> Result<(), Violation> {
        let process = self.seats[seat].process.as_mut().expect("it has just run");
        let mut out = std::mem::take(&mut process.ocr2.out);
        for effect in out.drain() {
            if self.seats[seat].dies_now() {
                self.die(seat);
                return Ok(());
            }
            match effect {
                Effect::Persist(record) => {
                    if !self.seats[seat].disks.ocr2.persist(record) {
                        self.die(seat);
                        return Ok(());
                    }
                }
                Effect::Send { to, message } => self.send(seat, to, message),
                Effect::Ask { ticket, ask } => self.answer(seat, ticket, ask)?,
                Effect::Forget(_) => {}
                Effect::Emit(output) => {
                    let process = self.seats[seat].process.as_mut().expect("it runs");
                    match output {
                        Output::Open(spec) => process.endpoint = Some(spec.config_digest),
                        Output::Close(_) => process.endpoint = None,
                        // Refusals and the like are for people; what matters here is what oracles say and sign.
                        _ => {}
                    }
                }
            }
        }
        if let Some(process) = &mut self.seats[seat].process {
            process.ocr2.out = out;
        }
        let records = self.seats[seat].disks.count();
        self.see(Deed::Stored { oracle: seat, records }, seat)
    }

    fn send(&mut self, seat: usize, to: ocr::OracleSet, message: Arc<Message>) {
        let Some(digest) = self.seats[seat].process.as_ref().and_then(|process| process.endpoint) else { return };
        let from = self.committee.id(seat);
        for oracle in to.iter() {
            let to = oracle.index();
            if to == seat {
                let verdicts = self.scheme.verdicts();
                let message = message.clone();
                self.local.push_back(Local::Ocr2(Event::Received { from, message, verdicts }));
            } else if let Some(at) = self.network.carry(self.now, seat, to) {
                self.schedule(at, Happening::Deliver { to, from, digest, message: message.clone() });
            }
        }
    }

    /// Does the work of an ask. What only computes is answered at once; sources take their time.
    fn answer(&mut self, seat: usize, ticket: Ticket, ask: Ask) -> Result<(), Violation> {
        let digest = ask.config_digest;
        let answer = match ask.work {
            Work::Query { .. } => Some(Answer::Query(Bytes::new())),
            Work::Observe { at, query: _ } => {
                let value = self.source.price(seat, self.now);
                if let Some(value) = value {
                    self.see(Deed::Observed { oracle: seat, round: (digest, at), value }, seat)?;
                }
                let answer = value.map(|value| Answer::Observation(self.observation(value)));
                let life = self.seats[seat].life;
                let at = self.now + self.rng.between(1_000_000, 20_000_000);
                self.schedule(at, Happening::Answer { seat, life, ticket, answer });
                return Ok(());
            }
            Work::View { .. } => Some(Answer::View(self.view(seat))),
            Work::SignObservation { at, digest: signed } => {
                let what = Signed::Observation;
                self.see(Deed::Signed { oracle: seat, round: (digest, at), what, digest: signed }, seat)?;
                let signature = self.scheme.sign_offchain(&self.seats[seat].keys, &signed);
                Some(Answer::Signature(Bytes::copy_from_slice(&signature)))
            }
            Work::SignReport { context, report, digest: signed } => {
                if let Ok(median) = median::report::median(&report) {
                    let round = (digest, RoundId::new(context.epoch, context.round));
                    let what = Signed::Report { median };
                    self.see(Deed::Signed { oracle: seat, round, what, digest: signed }, seat)?;
                }
                let signature = self.scheme.sign_onchain(&self.seats[seat].keys, &signed);
                Some(Answer::Signature(Bytes::copy_from_slice(&signature)))
            }
            Work::ContractEpoch => {
                let view = self.feed.view(self.height_for(seat));
                let config_digest = ConfigDigest(view.digest);
                Some(Answer::ContractEpoch { config_digest, epoch: ocr2::round_id::Epoch(view.epoch) })
            }
            Work::Transmit { context, report } => {
                let id = SubmissionId(crypto::keccak256(&context.words().concat()));
                let submission = Submission {
                    from: None,
                    to: self.feed.aggregator,
                    value: U256::ZERO,
                    input: calldata(&context, &report).into(),
                    gas: Gas::Limit(500_000),
                    expires: Some(self.time().wall + std::time::Duration::from_secs(30)),
                };
                self.local.push_back(Local::Transactions(Event::Told(transactions::Order::Submit { id, submission })));
                Some(Answer::Transmitted)
            }
        };
        self.local.push_back(Local::Ocr2(Event::Answered { ticket, answer }));
        Ok(())
    }

    fn observation(&self, value: Value) -> Bytes {
        let observation = Observation {
            timestamp: self.time().wall.unix_seconds() as u32,
            value,
            juels_per_fee_coin: Value::try_from(200_000_000_000_000_000_000_i128).expect("fits"),
            gas_price_subunits: Value::ZERO,
        };
        observation.encode(false).into()
    }

    fn view(&mut self, seat: usize) -> View {
        let contract = self.feed.view(self.height_for(seat));
        let view = MedianView {
            digest: ConfigDigest(contract.digest),
            at: RoundId::new(contract.epoch, contract.round),
            answer: contract.answer,
            timestamp: contract.timestamp,
            requested_digest: ConfigDigest::ZERO,
            requested: RoundId::default(),
        };
        View { bytes: Bytes::copy_from_slice(&view.encode()), read_at: self.time().wall }
    }

    /// The head as the seat's endpoint shows it; no endpoint lags to before the contract.
    fn height_for(&self, seat: usize) -> u64 {
        self.feed.chain.height().saturating_sub(self.seats[seat].endpoint_lag).max(DEPLOYED)
    }

    fn perform_tracker(&mut self, seat: usize) {
        let process = self.seats[seat].process.as_mut().expect("it has just run");
        let mut out = std::mem::take(&mut process.tracker.out);
        for effect in out.drain() {
            if self.seats[seat].dies_now() {
                return self.die(seat);
            }
            match effect {
                Effect::Persist(record) => {
                    if !self.seats[seat].disks.tracker.persist(record) {
                        return self.die(seat);
                    }
                }
                Effect::Send { to, .. } => match to {},
                Effect::Ask { ticket, ask } => {
                    let answer = match ask {
                        tracker::Ask::Look => {
                            tracker::Answer::Looked(endpoint::look_for_config(&self.feed, self.height_for(seat)))
                        }
                        tracker::Ask::Logs { block } => tracker::Answer::Logs(endpoint::config_logs(&self.feed, block)),
                    };
                    self.local.push_back(Local::Tracker(Event::Answered { ticket, answer: Some(answer) }));
                }
                Effect::Forget(_) => {}
                Effect::Emit(output) => match output {
                    tracker::Output::Configured { config, .. } => {
                        self.local.push_back(Local::Ocr2(Event::Told(Order::Configure(config))));
                    }
                    tracker::Output::Unconfigured | tracker::Output::Refused(_) => {}
                },
            }
        }
        if let Some(process) = &mut self.seats[seat].process {
            process.tracker.out = out;
        }
    }

    fn perform_transactions(&mut self, seat: usize) {
        let process = self.seats[seat].process.as_mut().expect("it has just run");
        let mut out = std::mem::take(&mut process.transactions.out);
        for effect in out.drain() {
            if self.seats[seat].dies_now() {
                return self.die(seat);
            }
            match effect {
                Effect::Persist(record) => {
                    if !self.seats[seat].disks.transactions.persist(record) {
                        return self.die(seat);
                    }
                }
                Effect::Send { to, .. } => match to {},
                Effect::Ask { ticket, ask } => {
                    let answer = self.answer_sending(seat, ask);
                    self.local.push_back(Local::Transactions(Event::Answered { ticket, answer: Some(answer) }));
                }
                Effect::Forget(_) => {}
                Effect::Emit(_) => {}
            }
        }
        if let Some(process) = &mut self.seats[seat].process {
            process.transactions.out = out;
        }
    }

    fn answer_sending(&mut self, seat: usize, ask: transactions::Ask) -> transactions::Answer {
        match ask {
            transactions::Ask::Look(ask) => {
                transactions::Answer::Looked(endpoint::look_at_sender(&self.feed, self.height_for(seat), &ask))
            }
            transactions::Ask::Estimate { .. } => transactions::Answer::Estimated(transactions::Estimate::Gas(500_000)),
            transactions::Ask::Sign(transaction) => {
                let hash = endpoint::hash(&transaction);
                transactions::Answer::Signed(transactions::Signed { hash, raw: Default::default() })
            }
            transactions::Ask::Broadcast { transaction, .. } => {
                let outcome = self.feed.chain.submit_from(transaction.sender, endpoint::typed(&transaction));
                transactions::Answer::Broadcast(endpoint::verdict(outcome))
            }
        }
    }

    fn die(&mut self, seat: usize) {
        self.local.clear();
        self.seats[seat].die();
    }

    /// Judges a deed; what liars do is their own affair.
    fn see(&mut self, deed: Deed, seat: usize) -> Result<(), Violation> {
        if self.seats[seat].lie.is_some() {
            return Ok(());
        }
        self.checks.see(self.now, &deed)
    }

    fn mine(&mut self) -> Result<(), Violation> {
        let block = self.feed.chain.mine(GENESIS + 10 + self.now / SECOND).expect("a second after the last");
        self.judge(&block)?;
        for seat in 0..self.seats.len() {
            if self.seats[seat].process.is_some() && self.seats[seat].endpoint_lag == 0 {
                self.local.push_back(Local::Tracker(Event::Told(tracker::Order::NewHead)));
                self.run(seat, Local::Transactions(Event::Told(transactions::Order::NewHead)))?;
            }
        }
        Ok(())
    }

    fn judge(&mut self, block: &devchain::Block) -> Result<(), Violation> {
        for accepted in self.feed.accepted(block) {
            self.checks.see(self.now, &Deed::Accepted(accepted))?;
        }
        Ok(())
    }

    fn go_wrong(&mut self, fault: Fault) -> Result<(), Violation> {
        match fault {
            Fault::Weather(weather) => self.network.set_weather(weather),
            Fault::Split(side) => self.network.split(&side),
            Fault::Cut { from, to } => self.network.cut(from, to),
            Fault::Heal => self.network.heal(),
            Fault::Crash { oracle, after } => self.seats[oracle].dies_after = Some(after),
            Fault::Restart { oracle } => {
                // A crash that was to come between two effects of which the second never came.
                self.die(oracle);
                self.tally.restarts += 1;
                self.start(oracle)?;
            }
            Fault::DiskFails { oracle } => self.seats[oracle].disks.set_failing(true),
            Fault::DiskMended { oracle } => self.seats[oracle].disks.set_failing(false),
            Fault::EndpointLag { oracle, blocks } => self.seats[oracle].endpoint_lag = blocks,
            Fault::Source { oracle, percent } => self.source.set_percent(oracle, percent),
            Fault::Reorg { depth } => self.reorganise(depth)?,
            Fault::Configure => {
                let config = self.committee.next_config();
                self.feed.set_config(config);
            }
        }
        Ok(())
    }

    /// Takes blocks back and mines others at the same times, each with a part of what waits.
    fn reorganise(&mut self, depth: u64) -> Result<(), Violation> {
        // The contract and its first configuration are older than any fork.
        let depth = depth.min(self.feed.chain.height().saturating_sub(4));
        let dropped = self.feed.chain.reorg(depth).expect("not below the genesis block");
        for old in dropped {
            let rng = &mut self.rng;
            let block = self
                .feed
                .chain
                .mine_where(old.timestamp(), |_| rng.chance(700_000))
                .expect("the same time as the block it replaces");
            self.judge(&block)?;
        }
        Ok(())
    }
}
