//! Four oracles, a network of one millisecond, a contract: rounds as in OCR2 spec, appendix C, and the law of effects.

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use machine::{Effect, Machine, Tickets};
use ocr2::{Answer, Effects, Event, Memory, Message, Oracle, Output, Record, RoundId, Work, config::Parameters};
use support::*;

/// What happened, when, and to whom.
struct World {
    oracles: Vec<Oracle>,
    now: u64,
    /// By time in milliseconds, then by order.
    queue: BTreeMap<(u64, u64), (usize, Event)>,
    order: u64,
    contract: RoundId,
    transmitted: Vec<(usize, RoundId)>,
    trace: Vec<String>,
    /// Entered, highest epoch sent, pending: what is stored of each oracle.
    stored: Vec<Memory>,
    refused: usize,
    listed: usize,
    /// Messages that are lost: (from, to, text).
    lost: Vec<(usize, usize, &'static str)>,
}

impl World {
    /// Four oracles of which one transmits first, then another, then the last two.
    fn new(skip_rounds: &[u8]) -> Self {
        Self::of(4, &[1, 1, 2], skip_rounds)
    }

    fn of(n: usize, s: &[u8], skip_rounds: &[u8]) -> Self {
        let oracles = committee(n).oracles().map(|me| {
            let toy = Toy { skip_rounds: skip_rounds.to_vec(), ..Toy::default() };
            let setup = setup(n, me, Parameters { s: s.to_vec(), ..parameters() });
            Oracle::new(setup, Box::new(toy), local(), Memory::default(), Tickets::default()).unwrap()
        });
        let mut world = World {
            oracles: oracles.collect(),
            now: 0,
            queue: BTreeMap::new(),
            order: 0,
            contract: RoundId::default(),
            transmitted: Vec::new(),
            trace: Vec::new(),
            stored: vec![Memory::default(); n],
            refused: 0,
            listed: 0,
            lost: Vec::new(),
        };
        (0..n).for_each(|index| world.push(0, index, Event::Woke));
        world
    }

    fn push(&mut self, at: u64, index: usize, event: Event) {
        self.order += 1;
        self.queue.insert((at, self.order), (index, event));
    }

    fn run(&mut self, until: u64) {
        loop {
            let wake = (0..self.oracles.len())
                .filter_map(|index| Some((self.oracles[index].deadline()?.0.div_ceil(1_000_000), index)))
                .min();
            let queued = self.queue.keys().next().copied();
            match (queued, wake) {
                (Some((at, _)), Some((due, index))) if due < at => self.wake(due, index, until),
                (Some(key), _) if key.0 <= until => {
                    self.now = key.0;
                    let (index, event) = self.queue.remove(&key).unwrap();
                    self.handle(index, event);
                    continue;
                }
                (None, Some((due, index))) => self.wake(due, index, until),
                (Some(_), _) | (None, None) => {}
            }
            if queued.is_none_or(|(at, _)| at > until) && wake.is_none_or(|(due, _)| due > until) {
                return;
            }
        }
    }

    fn wake(&mut self, due: u64, index: usize, until: u64) {
        if due <= until {
            self.now = self.now.max(due);
            self.handle(index, Event::Woke);
        }
    }

    fn handle(&mut self, index: usize, event: Event) {
        let now = time(self.now);
        if let Event::Received { from, message, .. } = &event {
            let mut claims = Vec::new();
            self.oracles[index].claims(*from, message, &mut claims);
            self.listed += claims.len();
        }
        let mut out = Effects::default();
        self.oracles[index].handle(now, event, &mut out);
        for effect in out.drain() {
            match effect {
                Effect::Persist(record) => self.store(index, record),
                Effect::Send { to, message } => {
                    self.check_stored(index, &message);
                    let text = shown(&message);
                    let whom = match *message {
                        Message::FinalEcho(_) => {
                            shown_set(to, self.oracles.len(), oracle(self.oracles.len(), index as u8))
                        }
                        _ if to.len() > 1 => "all".into(),
                        _ => "leader".into(),
                    };
                    self.trace.push(format!("{:4} {index} => {whom} {text}", self.now));
                    for peer in to.iter() {
                        if self
                            .lost
                            .iter()
                            .any(|(from, to, kind)| (*from, *to) == (index, peer.index()) && text.starts_with(kind))
                        {
                            continue;
                        }
                        // To oneself at once.
                        let delay = u64::from(peer.index() != index);
                        let from = oracle(self.oracles.len(), index as u8);
                        let event = Event::Received { from, message: message.clone(), verdicts: verdicts() };
                        self.push(self.now + delay, peer.index(), event);
                    }
                }
                Effect::Ask { ticket, ask } => {
                    if let Work::Transmit { context, .. } = &ask.work {
                        let at = RoundId::new(context.epoch, context.round);
                        assert!(self.stored[index].pending.contains_key(&at), "transmits only what is stored");
                        self.transmitted.push((index, at));
                        self.contract = self.contract.max(at);
                    }
                    let me = oracle(self.oracles.len(), index as u8);
                    let answer: Option<Answer> = Some(good_answer(&ask.work, me, self.contract));
                    self.push(self.now, index, Event::Answered { ticket, answer });
                }
                Effect::Emit(Output::Refused { .. }) => self.refused += 1,
                Effect::Emit(_) | Effect::Forget(_) => {}
            }
        }
    }

    fn store(&mut self, index: usize, record: Record) {
        let stored = &mut self.stored[index];
        match record {
            Record::Epoch { epoch, highest_sent, .. } => {
                assert!(epoch >= stored.epoch && highest_sent >= stored.highest_sent, "wishes only grow");
                (stored.epoch, stored.highest_sent) = (epoch, highest_sent);
            }
            Record::Entered { at, .. } => {
                assert!(at > stored.entered, "a round is entered once");
                stored.entered = at;
            }
            Record::Pending { transmission, .. } => {
                stored.pending.insert(transmission.report.at, transmission);
            }
            Record::Erased(ocr2::RecordKey::Pending(_, at)) => {
                assert!(stored.pending.remove(&at).is_some());
            }
            Record::Config { .. } | Record::Erased(_) => panic!("not of an oracle"),
        }
    }

    /// Keep, then speak.
    fn check_stored(&self, index: usize, message: &Arc<Message>) {
        let stored = &self.stored[index];
        match &**message {
            Message::NewEpoch(epoch) => assert!(stored.highest_sent >= *epoch),
            Message::ObserveReq(_) | Message::Observe(_) | Message::Report(_) => {
                assert!(stored.entered >= message.at().unwrap());
            }
            Message::ReportReq(_) | Message::Final(_) | Message::FinalEcho(_) => {}
        }
    }

    /// Everything but the repetition of wishes.
    fn trace(&self, from: u64, to: u64) -> Vec<&str> {
        let time = |line: &str| line[..4].trim().parse::<u64>().unwrap();
        self.trace.iter().map(|line| &line[..]).filter(|line| (from..to).contains(&time(line))).collect()
    }
}

#[test]
fn rounds_go_as_in_appendix_c_but_without_waiting_when_everyone_has_observed() {
    let mut world = World::new(&[2]);
    world.run(310);
    let lines = |wanted: &str| -> Vec<String> { wanted.lines().map(|line| line.trim_start().into()).collect() };
    let got =
        |from, to| -> Vec<String> { world.trace(from, to).into_iter().map(|line| line.trim_start().into()).collect() };
    assert_eq!(
        got(0, 10),
        lines(
            "0 0 => all NewEpoch(1)
            0 1 => all NewEpoch(1)
            0 2 => all NewEpoch(1)
            0 2 => all ObserveReq(1/1)
            0 3 => all NewEpoch(1)
            0 2 => leader Observe(1/1)
            1 0 => leader Observe(1/1)
            1 1 => leader Observe(1/1)
            1 3 => leader Observe(1/1)
            2 2 => all ReportReq(1/1) [0, 1, 2, 3]
            2 2 => leader Report(1/1)
            3 0 => leader Report(1/1)
            3 1 => leader Report(1/1)
            3 3 => leader Report(1/1)
            4 2 => all Final(1/1) [0, 2]
            5 3 => {#0, #1} FinalEcho(1/1) [0, 2]
            5 2 => others FinalEcho(1/1) [0, 2]
            6 0 => {#1} FinalEcho(1/1) [0, 2]
            6 1 => {#0} FinalEcho(1/1) [0, 2]"
        ),
        "3 repeats first, and nobody to whom it came from"
    );
    assert_eq!(
        got(100, 110),
        lines(
            "100 2 => all ObserveReq(1/2)
            100 2 => leader Observe(1/2)
            101 0 => leader Observe(1/2)
            101 1 => leader Observe(1/2)
            101 3 => leader Observe(1/2)
            102 2 => all ReportReq(1/2) [0, 1, 2, 3]
            102 2 => leader Report(1/2) skip
            103 0 => leader Report(1/2) skip
            103 1 => leader Report(1/2) skip
            103 3 => leader Report(1/2) skip"
        ),
        "a skip has no Final"
    );
    assert_eq!(
        got(300, 303),
        lines(
            "300 2 => all ObserveReq(1/4)
            300 2 => all NewEpoch(2)
            301 0 => all NewEpoch(2)
            301 1 => all NewEpoch(2)
            301 3 => all NewEpoch(2)
            302 2 => all ObserveReq(2/1)
            302 2 => leader Observe(2/1)"
        ),
        "the round after RMax ends the epoch"
    );
    assert_eq!(world.oracles[0].epoch().0, ocr2::Epoch(2));
    let transmitted: Vec<_> = world.transmitted.iter().map(|(_, at)| *at).collect();
    assert_eq!(transmitted, [at(1, 1), at(1, 3), at(2, 1)], "one oracle each: the others see that it is done");
}

#[test]
fn a_report_is_transmitted_in_the_order_of_the_schedule() {
    let mut world = World::new(&[]);
    world.run(99);
    // OCR2 spec A.4 is of another digest; what counts is that it is the schedule's first.
    let schedule = setup(4, oracle(4, 0), parameters()).transmission_order_key.schedule(
        committee(4),
        DIGEST,
        1,
        1,
        &parameters().s,
    );
    let first = committee(4).oracles().find(|oracle| schedule.stage(*oracle) == Some(0)).unwrap();
    assert_eq!(world.transmitted, [(first.index(), at(1, 1))]);
    assert_eq!(world.stored.iter().filter(|stored| stored.pending.contains_key(&at(1, 1))).count(), 4);
    world.run(3000);
    let left: BTreeSet<_> = world.stored.iter().flat_map(|stored| stored.pending.keys()).collect();
    let last = world.contract;
    assert!(left.iter().all(|at| at.epoch.0 + 1 >= last.epoch.0), "settled ones are erased: {left:?} of {last}");
    assert!(world.transmitted.len() > 15);
}

#[test]
fn every_signature_is_checked_once_and_none_of_ones_own() {
    JUDGED.set(0);
    let mut world = World::new(&[]);
    world.run(99);
    // The leader: three observations, and one report besides its own. Each follower: three observations besides its own,
    // and the two signatures of the Final, but oracle 0, which gave one of them, only the other.
    let wanted = 3 + 1 + 3 * 3 + 2 + 2 + 1;
    assert_eq!(JUDGED.get(), wanted);
    assert_eq!(world.listed, wanted, "what is checked is what `claims` lists");
}

#[test]
fn committees_of_one_and_of_the_largest_size_bring_every_report_to_the_contract() {
    for n in [1, 5, 31] {
        let mut world = World::of(n, &[1], &[]);
        world.run(1000);
        let rounds: BTreeSet<_> = world.transmitted.iter().map(|(_, at)| *at).collect();
        // Three rounds of each epoch, and a fourth that ends it.
        let wanted: BTreeSet<_> = (0..9).map(|i| at(1 + i / 3, 1 + (i % 3) as u8)).collect();
        assert!(rounds.is_superset(&wanted), "n = {n}: {rounds:?}");
    }
}

#[test]
fn an_oracle_that_misses_a_final_learns_it_from_the_others() {
    let mut world = World::new(&[]);
    world.lost.push((2, 0, "Final"));
    world.lost.push((2, 1, "Final("));
    world.run(99);
    let trace = world.trace(0, 99);
    for index in [0, 1] {
        assert!(
            trace.iter().any(|line| line.contains(&format!(" {index} => ")) && line.ends_with("FinalEcho(1/1) [0, 2]")),
            "{trace:#?}"
        );
    }
}

#[test]
fn a_silent_leader_is_replaced_after_delta_progress() {
    let mut world = World::new(&[]);
    for kind in ["ObserveReq", "ReportReq", "Final"] {
        (0..4).for_each(|peer| world.lost.push((2, peer, kind)));
    }
    world.run(2003);
    // Oracle 2 leads epochs 1 and 2; each ends after a second.
    assert_eq!(world.oracles[0].epoch(), (ocr2::Epoch(3), oracle(4, 1)));
    world.run(3000);
    assert!(world.contract >= at(3, 1), "under oracle 1 there are reports again");
}
