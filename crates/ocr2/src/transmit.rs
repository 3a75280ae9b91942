//! A final report on its way to the contract: accepted, scheduled, transmitted, and looked after until the contract has it
//! or a later one (OCR2 spec 7).
//!
//! The reference forgets a transmission before it tries; here it is remembered until it is settled, over restarts too
//! (OCR2 spec 13.15).

use alloc::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};
use core::time::Duration;

use machine::{Mono, Ticket, Time};

use crate::{
    limits::{ACCEPTING_MAX, PENDING_AGE_MAX, PENDING_MAX, RETRY_AFTER_MAX, TRANSMISSION_TRIES_MAX},
    message::Final,
    oracle::{Oracle, Waiting},
    plugin::View,
    protocol::{Answer, AskFailure, Decision, Effects, Output, TransmissionEnd, Work},
    record::{PendingTransmission, Record, RecordKey},
    round_id::RoundId,
};

/// All reports on their way.
#[derive(Debug)]
pub(crate) struct Transmissions {
    /// The plugin is about to decide whether to accept them. All waits are equally long, so the first is overdue first.
    accepting: VecDeque<Accepting>,
    pending: BTreeMap<RoundId, Pending>,
    /// When the first of `pending` wants attention.
    deadline: Option<Mono>,
}

#[derive(Debug)]
struct Accepting {
    waiting: Waiting,
    report: Arc<Final>,
}

/// An accepted report that we have to transmit. It is stored.
#[derive(Debug)]
struct Pending {
    transmission: PendingTransmission,
    /// How often it was handed over, or its fate looked up in vain.
    tries: u8,
    /// How often it was handed over.
    attempts: u8,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    /// Our turn is yet to come, or the contract has had no time to show it.
    Until(Mono),
    /// The plugin is about to decide whether it is still worth it.
    Viewing(Waiting),
    /// The host takes it over.
    Handing(Waiting),
}

impl Pending {
    fn deadline(&self) -> Mono {
        match &self.phase {
            Phase::Until(at) => *at,
            Phase::Viewing(waiting) | Phase::Handing(waiting) => waiting.overdue_at,
        }
    }

    fn waiting(&self) -> Option<&Waiting> {
        match &self.phase {
            Phase::Viewing(waiting) | Phase::Handing(waiting) => Some(waiting),
            Phase::Until(_) => None,
        }
    }
}

impl Transmissions {
    pub fn recovered(pending: BTreeMap<RoundId, PendingTransmission>) -> Self {
        let pending = pending.into_iter().map(|(at, transmission)| {
            (at, Pending { transmission, tries: 0, attempts: 0, phase: Phase::Until(Mono(0)) })
        });
        Self { accepting: VecDeque::new(), pending: pending.collect(), deadline: None }
    }

    pub fn memory(&self) -> BTreeMap<RoundId, PendingTransmission> {
        self.pending.iter().map(|(at, pending)| (*at, pending.transmission.clone())).collect()
    }

    pub fn deadline(&self) -> Option<Mono> {
        let accepting = self.accepting.front().map(|accepting| accepting.waiting.overdue_at);
        [accepting, self.deadline].into_iter().flatten().min()
    }

    pub fn stop(&mut self, out: &mut Effects) {
        self.accepting.iter().for_each(|accepting| accepting.waiting.forget(out));
        self.pending.values().filter_map(Pending::waiting).for_each(|waiting| waiting.forget(out));
    }

    fn refresh_deadline(&mut self) {
        self.deadline = self.pending.values().map(Pending::deadline).min();
    }
}

impl Oracle {
    /// What was pending before a restart keeps its time, and what is overdue is looked at again at once.
    pub(crate) fn start_transmissions(&mut self, now: Time, out: &mut Effects) {
        let pending = &mut self.transmissions.pending;
        let is_old = |pending: &Pending| pending.transmission.due + PENDING_AGE_MAX < now.wall;
        let old: alloc::vec::Vec<_> = pending.iter().filter(|(_, p)| is_old(p)).map(|(at, _)| *at).collect();
        for at in old {
            self.end_transmission(at, TransmissionEnd::Expired, out);
        }
        // Never longer than our turn was to wait: the wall clock may have been set back since.
        let turns: alloc::vec::Vec<_> = self.transmissions.pending.keys().map(|at| self.turn(*at)).collect();
        for (pending, turn) in self.transmissions.pending.values_mut().zip(turns) {
            let wait = (pending.transmission.due - now.wall).min(turn.unwrap_or_default());
            pending.phase = Phase::Until(now.mono + wait);
        }
        self.transmissions.refresh_deadline();
    }

    /// A report is final: the plugin decides whether it shall go to the contract.
    pub(crate) fn accept(&mut self, now: Time, report: &Arc<Final>, out: &mut Effects) {
        let duration_max = self.setup.config.parameters.max_duration_should_accept;
        let work = Work::View { at: report.at, decision: Decision::Accept };
        let waiting = self.asks.ask(now, duration_max, work, out);
        let accepting = &mut self.transmissions.accepting;
        accepting.push_back(Accepting { waiting, report: report.clone() });
        // The oldest round, not the first that came: a liar may replay old reports behind the newest.
        if accepting.len() > ACCEPTING_MAX
            && let Some(oldest) = (0..accepting.len()).min_by_key(|index| accepting[*index].report.at)
            && let Some(Accepting { waiting, report }) = accepting.remove(oldest)
        {
            waiting.forget(out);
            out.emit(Output::TransmissionEnded { at: report.at, end: TransmissionEnd::Displaced });
        }
    }

    /// Something that a transmission waits for has come, or an answer that nobody waits for.
    pub(crate) fn on_transmission_answer(
        &mut self,
        now: Time,
        ticket: Ticket,
        answer: Option<Answer>,
        out: &mut Effects,
    ) {
        let accepting = &mut self.transmissions.accepting;
        if let Some(index) = accepting.iter().position(|accepting| accepting.waiting.ticket == ticket) {
            if let Some(accepting) = accepting.remove(index) {
                self.on_accept_view(now, accepting, answer, out);
            }
            return;
        }
        let holds = |pending: &Pending| pending.waiting().is_some_and(|waiting| waiting.ticket == ticket);
        let at = self.transmissions.pending.iter().find(|(_, pending)| holds(pending)).map(|(at, _)| *at);
        if let Some(at) = at {
            self.on_pending_answer(now, at, answer, out);
            self.transmissions.refresh_deadline();
        }
    }

    fn on_accept_view(&mut self, now: Time, accepting: Accepting, answer: Option<Answer>, out: &mut Effects) {
        let Accepting { waiting, report } = accepting;
        let at = report.at;
        let outcome = match answer {
            Some(Answer::View(view)) => self
                .plugin
                .should_accept(self.timestamp(at), &report.report, &view, now.wall)
                .map(|accepted| (accepted, view))
                .map_err(AskFailure::from),
            Some(_) => Err(AskFailure::WrongKind),
            None => Err(AskFailure::Failed),
        };
        match outcome {
            Ok((true, view)) => self.schedule(now, report, &view, out),
            Ok((false, _)) => out.emit(Output::Accepted { at, accepted: false, delay: None }),
            Err(failure) => waiting.failed(Some(at), failure, out),
        }
    }

    /// How long after its acceptance a report is ours to transmit, if it ever is.
    fn turn(&self, at: RoundId) -> Option<Duration> {
        let parameters = &self.setup.config.parameters;
        let schedule = self.setup.transmission_order_key.schedule(
            self.rules.committee,
            self.rules.config_digest,
            at.epoch.0.into(),
            at.round.0.into(),
            &parameters.s,
        );
        schedule.delay(self.setup.me, parameters.delta_stage)
    }

    /// An accepted report waits for our turn, if we have one.
    fn schedule(&mut self, now: Time, report: Arc<Final>, view: &View, out: &mut Effects) {
        let at = report.at;
        let delay = self.turn(at);
        out.emit(Output::Accepted { at, accepted: true, delay });
        let Some(delay) = delay else { return };
        if self.transmissions.pending.contains_key(&at) {
            // From before a restart.
            return;
        }
        let transmission = PendingTransmission { due: now.wall + delay, report };
        let record = Record::Pending { config_digest: self.rules.config_digest, transmission: transmission.clone() };
        out.persist(record);
        let phase = Phase::Until(now.mono + delay);
        self.transmissions.pending.insert(at, Pending { transmission, tries: 0, attempts: 0, phase });
        if self.transmissions.pending.len() > PENDING_MAX
            && let Some(oldest) = self.transmissions.pending.keys().next().copied()
        {
            self.end_transmission(oldest, TransmissionEnd::Displaced, out);
        }
        if delay.is_zero() {
            // The view that made us accept is as new as one that we would ask for.
            self.decide_transmission(now, at, view, out);
        }
        self.transmissions.refresh_deadline();
    }

    /// It is our turn, or time to see whether the contract has the report.
    fn look(&mut self, now: Time, at: RoundId, out: &mut Effects) {
        let duration_max = self.setup.config.parameters.max_duration_should_transmit;
        let work = Work::View { at, decision: Decision::Transmit };
        let Some(pending) = self.transmissions.pending.get_mut(&at) else { return };
        pending.phase = Phase::Viewing(self.asks.ask(now, duration_max, work, out));
    }

    fn on_pending_answer(&mut self, now: Time, at: RoundId, answer: Option<Answer>, out: &mut Effects) {
        let Some(pending) = self.transmissions.pending.get_mut(&at) else { return };
        // Nothing is waited for any more, whatever follows.
        let phase = core::mem::replace(&mut pending.phase, Phase::Until(now.mono));
        let (waiting, failure) = match (phase, answer) {
            (Phase::Viewing(_), Some(Answer::View(view))) => return self.decide_transmission(now, at, &view, out),
            (Phase::Handing(_), Some(Answer::Transmitted)) => {
                pending.attempts += 1;
                out.emit(Output::Transmitted { at, attempt: pending.attempts });
                return self.try_later(now, at, out);
            }
            (Phase::Viewing(waiting) | Phase::Handing(waiting), Some(_)) => (waiting, AskFailure::WrongKind),
            (Phase::Viewing(waiting) | Phase::Handing(waiting), None) => (waiting, AskFailure::Failed),
            (Phase::Until(_), _) => return,
        };
        waiting.failed(Some(at), failure, out);
        self.try_later(now, at, out);
    }

    /// The plugin decides whether the report is still worth transmitting.
    fn decide_transmission(&mut self, now: Time, at: RoundId, view: &View, out: &mut Effects) {
        let timestamp = self.timestamp(at);
        let Some(pending) = self.transmissions.pending.get_mut(&at) else { return };
        let report = &pending.transmission.report;
        match self.plugin.should_transmit(timestamp, &report.report, view, now.wall) {
            Ok(true) => {
                let report = report.clone();
                let context = self.context(at, report.extra_hash);
                let work = Work::Transmit { context, report };
                let waiting = self.asks.ask(now, self.local.transmit_timeout, work, out);
                if let Some(pending) = self.transmissions.pending.get_mut(&at) {
                    pending.phase = Phase::Handing(waiting);
                }
            }
            Ok(false) => {
                let ours = pending.attempts > 0;
                self.end_transmission(at, TransmissionEnd::Settled { ours }, out);
            }
            Err(error) => {
                let work = crate::protocol::WorkKind::View(Decision::Transmit);
                out.emit(Output::AskFailed { at: Some(at), work, failure: error.into() });
                self.try_later(now, at, out);
            }
        }
    }

    /// Looks again after a while, which doubles from time to time.
    fn try_later(&mut self, now: Time, at: RoundId, out: &mut Effects) {
        let Some(pending) = self.transmissions.pending.get_mut(&at) else { return };
        pending.tries += 1;
        if pending.tries >= TRANSMISSION_TRIES_MAX {
            self.end_transmission(at, TransmissionEnd::GivenUp, out);
            return;
        }
        let wait = self.local.transmit_retry_after.saturating_mul(1 << (pending.tries - 1));
        pending.phase = Phase::Until(now.mono + wait.min(RETRY_AFTER_MAX.max(self.local.transmit_retry_after)));
    }

    fn end_transmission(&mut self, at: RoundId, end: TransmissionEnd, out: &mut Effects) {
        if let Some(pending) = self.transmissions.pending.remove(&at) {
            pending.waiting().into_iter().for_each(|waiting| waiting.forget(out));
            out.persist(Record::Erased(RecordKey::Pending(self.rules.config_digest, at)));
            out.emit(Output::TransmissionEnded { at, end });
        }
    }

    pub(crate) fn on_time_in_transmission(&mut self, now: Time, out: &mut Effects) {
        while let Some(Accepting { waiting, report }) = self.transmissions.accepting.front()
            && waiting.is_overdue(now)
        {
            waiting.give_up(Some(report.at), out);
            self.transmissions.accepting.pop_front();
        }
        if self.transmissions.deadline.is_none_or(|deadline| now.mono < deadline) {
            return;
        }
        let is_due = |pending: &Pending| pending.deadline() <= now.mono;
        let due: alloc::vec::Vec<_> =
            self.transmissions.pending.iter().filter(|(_, pending)| is_due(pending)).map(|(at, _)| *at).collect();
        for at in due {
            let Some(pending) = self.transmissions.pending.get_mut(&at) else { continue };
            match core::mem::replace(&mut pending.phase, Phase::Until(now.mono)) {
                Phase::Until(_) => self.look(now, at, out),
                Phase::Viewing(waiting) | Phase::Handing(waiting) => {
                    waiting.give_up(Some(at), out);
                    self.try_later(now, at, out);
                }
            }
        }
        self.transmissions.refresh_deadline();
    }
}
