//! One world: n oracles, their network, disks and sources, and a chain, in one thread and from one seed.

mod perform;

use crate::chain::{CHAIN_ID, DEPLOYED, FeedChain, GENESIS};
use crate::checks::{Checks, Config, Deed, Roles, Violation};
use crate::committee::Committee;
use crate::endpoint::{self, Health};
use crate::network::Network;
use crate::plan::{Fault, Plan, SECOND, WORLD_LENGTH};
use crate::queue::Queue;
use crate::rng::Rng;
use crate::seat::{Keys, Process, Seat};
use crate::signatures::Scheme;
use crate::source::Source;
use alloy_primitives::{Address, B256};
use evm_proto::{tracker, transactions};
use machine::{Event, Machine, Mono, Ticket, Time, Wall};
use ocr::{ConfigDigest, OracleId};
use ocr2::message::Message;
use ocr2::protocol::{Answer, Ocr2};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Nanoseconds between blocks.
const BLOCK_TIME: u64 = SECOND;

/// So many things may be underway in the world for each pair of oracles, whoever lies. More is an avalanche.
const UNDERWAY_MAX: usize = 2_000;

/// What one oracle does within an instant comes to an end after fewer events.
const INSTANT_MAX: usize = 10_000;

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
    /// How often honest oracles refused liars' messages, by the name of the reason; only if that is noted.
    pub refusals: BTreeMap<String, u64>,
}

/// A world that lives.
pub struct World {
    now: u64,
    queue: Queue<Happening>,
    rng: Rng,
    plan: Plan,
    next_fault: usize,
    network: Network,
    source: Source,
    feed: FeedChain,
    committee: Committee,
    /// Every configuration that was named so far.
    configs: Vec<ConfigDigest>,
    seats: Vec<Seat>,
    checks: Checks,
    tally: Tally,
    notes_refusals: bool,
    scheme: Scheme,
    /// Events that happen to one oracle now, in order. Kept for its memory.
    local: VecDeque<Local>,
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
    // Boxed, because they are large and rare.
    Tracker(Box<Event<tracker::Tracking>>),
    Transactions(Box<Event<transactions::Sending>>),
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
            let lie = plan.liars.iter().find(|(liar, _)| *liar == index).map(|(_, lie)| *lie);
            Seat { wall_ahead: rng.between(0, plan.skew_max), ..Seat::new(keys, lie) }
        });
        let seats: Vec<Seat> = seats.collect();
        let lies = seats.iter().map(|seat| seat.lie.is_some()).collect();
        World {
            now: 0,
            queue: Queue::default(),
            next_fault: 0,
            network: Network::new(n, rng.fork()),
            source: Source::new(n, WORLD_LENGTH, &mut rng),
            committee,
            configs: Vec::new(),
            seats,
            checks: Checks::new(&Roles { n, f: plan.f(), lies, calm_from: plan.mended_at }),
            tally: Tally::default(),
            notes_refusals: false,
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

    /// Notes why honest oracles refuse what liars say.
    pub fn noting_refusals(self) -> Self {
        World { notes_refusals: true, ..self }
    }

    /// Lets the world live to its end, or to the first property that does not hold.
    pub fn live(mut self) -> Result<Tally, Violation> {
        self.mine()?;
        self.queue.push(BLOCK_TIME, Happening::Mine);
        for seat in 0..self.seats.len() {
            self.start(seat)?;
        }
        let underway_max = UNDERWAY_MAX * self.seats.len() * self.seats.len();
        loop {
            let next = self.queue.next_at().unwrap_or(WORLD_LENGTH);
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
            if self.queue.len() > underway_max {
                let what = format!("{} messages and wakes are underway", self.queue.len());
                return Err(Violation { property: "bounded traffic", at: self.now, what });
            }
            if let Some((at, happening)) = self.queue.pop() {
                self.now = at;
                self.happen(happening)?;
            }
        }
        self.end()
    }

    fn end(mut self) -> Result<Tally, Violation> {
        let height = self.feed.chain.height();
        let current = endpoint::look_for_config(&mut self.feed, height).digest;
        for seat in 0..self.seats.len() {
            let running = self.seats[seat].process.as_ref().and_then(|process| process.endpoint);
            self.see(seat, Deed::Ended { oracle: seat, runs_current: running == Some(current) })?;
        }
        self.checks.end(WORLD_LENGTH)?;
        let blocks = (0..=height).filter_map(|number| self.feed.chain.block(number));
        let landed = blocks.flat_map(|block| self.feed.landed(block));
        self.tally.transmitted = landed.filter(|landed| landed.answer.is_some()).count() as u64;
        self.tally.head = self.feed.chain.head().hash;
        Ok(self.tally)
    }

    /// The seat's clocks.
    fn time(&self, seat: usize) -> Time {
        let Seat { mono_ahead, wall_ahead, .. } = self.seats[seat];
        Time { mono: Mono(self.now + mono_ahead), wall: Wall(GENESIS * SECOND + 10 * SECOND + self.now + wall_ahead) }
    }

    /// The short name of a configuration.
    fn config(&mut self, digest: ConfigDigest) -> Config {
        // The latest are named most.
        if let Some(index) = self.configs.iter().rposition(|known| *known == digest) {
            return index as Config;
        }
        self.configs.push(digest);
        self.configs.len() as Config - 1
    }

    /// Judges a deed; what liars do is their own affair.
    fn see(&mut self, seat: usize, deed: Deed<'_>) -> Result<(), Violation> {
        if self.seats[seat].lie.is_some() {
            return Ok(());
        }
        self.checks.see(self.now, &deed)
    }

    fn happen(&mut self, what: Happening) -> Result<(), Violation> {
        match what {
            Happening::Mine => {
                self.queue.push(self.now + BLOCK_TIME, Happening::Mine);
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
                let now = self.time(seat).mono;
                let Some(process) = &mut self.seats[seat].process else { return Ok(()) };
                let armed = match part {
                    Part::Ocr2 => &mut process.ocr2.armed,
                    Part::Tracker => &mut process.tracker.armed,
                    Part::Transactions => &mut process.transactions.armed,
                };
                // A wake that an earlier one has made needless.
                if *armed != Some(now) {
                    return Ok(());
                }
                *armed = None;
                let woke = match part {
                    Part::Ocr2 => Local::Ocr2(Event::Woke),
                    Part::Tracker => Local::Tracker(Event::Woke.into()),
                    Part::Transactions => Local::Transactions(Event::Woke.into()),
                };
                self.run(seat, woke)
            }
        }
    }

    fn start(&mut self, seat: usize) -> Result<(), Violation> {
        self.seats[seat].start(self.feed.aggregator, CHAIN_ID, &mut self.rng);
        self.local.push_back(Local::Ocr2(Event::Woke));
        self.local.push_back(Local::Transactions(Event::Woke.into()));
        self.run(seat, Local::Tracker(Event::Woke.into()))
    }

    /// Hands an event to an oracle, and then everything that follows from it within the same instant.
    fn run(&mut self, seat: usize, event: Local) -> Result<(), Violation> {
        let now = self.time(seat);
        let mut events = 0;
        // What was queued before comes before; mostly nothing was.
        let mut next = match self.local.pop_front() {
            None => Some(event),
            earlier => {
                self.local.push_back(event);
                earlier
            }
        };
        while let Some(event) = next {
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
                    process.tracker.machine.handle(now, *event, &mut process.tracker.out);
                    self.perform_tracker(seat);
                }
                Local::Transactions(event) => {
                    process.transactions.machine.handle(now, *event, &mut process.transactions.out);
                    self.perform_transactions(seat)?;
                }
            }
            next = self.local.pop_front();
            events += 1;
            if events > INSTANT_MAX {
                let what = format!("oracle {seat} finds no end");
                return Err(Violation { property: "bounded traffic", at: self.now, what });
            }
        }
        self.rearm(seat);
        Ok(())
    }

    fn rearm(&mut self, seat: usize) {
        let now = self.now;
        let Seat { process: Some(process), life, mono_ahead, .. } = &mut self.seats[seat] else { return };
        let Process { ocr2, tracker, transactions, .. } = process;
        let wakes = [
            (Part::Ocr2, ocr2.rearm(Mono(now + *mono_ahead))),
            (Part::Tracker, tracker.rearm(Mono(now + *mono_ahead))),
            (Part::Transactions, transactions.rearm(Mono(now + *mono_ahead))),
        ];
        for (part, armed) in wakes {
            if let Some(Mono(at)) = armed {
                self.queue.push(at.saturating_sub(*mono_ahead), Happening::Wake { seat, life: *life, part });
            }
        }
    }

    fn die(&mut self, seat: usize) {
        self.local.clear();
        self.seats[seat].die();
    }

    /// The head as the seat's endpoint shows it; no endpoint lags to before the contract.
    fn height_for(&self, seat: usize) -> u64 {
        let lag = match self.seats[seat].endpoint {
            Health::Lags(blocks) => blocks,
            Health::Well | Health::Fails | Health::Lies => 0,
        };
        self.feed.chain.height().saturating_sub(lag).max(DEPLOYED)
    }

    fn mine(&mut self) -> Result<(), Violation> {
        let block = self.feed.chain.mine(GENESIS + 10 + self.now / SECOND).expect("a second after the last");
        self.judge(&block)?;
        for seat in 0..self.seats.len() {
            if self.seats[seat].process.is_some() && self.seats[seat].endpoint == Health::Well {
                self.local.push_back(Local::Tracker(Event::Told(tracker::Order::NewHead).into()));
                self.run(seat, Local::Transactions(Event::Told(transactions::Order::NewHead).into()))?;
            }
        }
        Ok(())
    }

    /// Looks at what became of transmissions, in a block that was just mined on the head.
    fn judge(&mut self, block: &devchain::Block) -> Result<(), Violation> {
        for landed in self.feed.landed(block) {
            let round = (self.config(landed.digest), landed.at);
            match landed.answer {
                Some(answer) => self.checks.see(self.now, &Deed::Accepted { round, answer })?,
                None => {
                    let seat = self.seats.iter().position(|seat| seat.keys.transmitter == landed.transmitter);
                    let oracle = seat.expect("only oracles transmit");
                    // Within a configuration the contract's rounds only grow.
                    let view = self.feed.view(block.number());
                    let late = view.digest != landed.digest.0 || view.at() >= landed.at;
                    self.see(oracle, Deed::Reverted { oracle, round, late })?;
                }
            }
        }
        Ok(())
    }

    fn go_wrong(&mut self, fault: Fault) -> Result<(), Violation> {
        match fault {
            Fault::Weather(weather) => self.network.set_weather(weather),
            Fault::Split(side) => self.network.split(&side),
            Fault::Cut { from, to } => self.network.cut(from, to),
            Fault::Heal => self.network.heal(),
            Fault::Crash { oracle, after, from } => self.seats[oracle].will_die(from, after),
            Fault::Restart { oracle } => {
                // A crash that was to come between two effects of which the second never came.
                self.die(oracle);
                self.tally.restarts += 1;
                self.start(oracle)?;
            }
            Fault::DiskFails { oracle } => self.seats[oracle].disks.set_failing(true),
            Fault::DiskMended { oracle } => self.seats[oracle].disks.set_failing(false),
            Fault::Endpoint { oracle, health } => self.seats[oracle].endpoint = health,
            Fault::Source { oracle, percent } => self.source.set_percent(oracle, percent),
            Fault::SourceDelay { oracle, delay } => self.seats[oracle].source_delay = delay,
            Fault::KeyDelay { oracle, delay } => self.seats[oracle].key_delay = delay,
            Fault::Reorg { depth, reconfigures } => self.reorganise(depth, reconfigures)?,
            Fault::Configure => {
                let config = self.committee.next_config();
                self.feed.set_config(config);
            }
        }
        Ok(())
    }

    /// Takes blocks back and mines others at the same times, each with a part of what waits.
    fn reorganise(&mut self, depth: u64, reconfigures: bool) -> Result<(), Violation> {
        // The contract and its first configuration are older than any fork.
        let depth = depth.min(self.feed.chain.height().saturating_sub(4));
        let dropped = self.feed.chain.reorg(depth).expect("not below the genesis block");
        if reconfigures {
            self.feed.withdraw_config();
            let config = self.committee.next_config();
            self.feed.set_config(config);
        }
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
