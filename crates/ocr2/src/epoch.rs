//! Which epoch it is: everyone says which one they want, and enough wishes move everyone (OCR2 spec 5).

use alloc::vec::Vec;

use machine::{Mono, Ticket, Time};
use ocr::{OracleId, PerOracle, limits::ORACLES_MAX};

use crate::{
    limits::{CONTRACT_EPOCH_MAX, RESEND_PAUSE_MIN},
    message::Message,
    oracle::{Oracle, Setup, Waiting},
    protocol::{Answer, AskFailure, Effects, Output, Work},
    record::{Memory, Record},
    refusal::{Refusal, Stale},
    round::Follower,
    round_id::{Epoch, RoundId},
};

/// What is known about everyone's wishes, and the two timers.
#[derive(Debug)]
pub(crate) struct Pacemaker {
    epoch: Epoch,
    leader: OracleId,
    /// The highest epoch that we have sent a NewEpoch for, or will with the next.
    highest_sent: Epoch,
    /// `epoch` and `highest_sent` as they are stored.
    stored: (Epoch, Epoch),
    /// The highest epoch that each oracle has sent a NewEpoch for; ours when it came back to us.
    received: PerOracle<Epoch>,
    start: Start,
    /// When we repeat our wish.
    resend_at: Option<Mono>,
    /// When we wish for the next epoch if no round completes.
    progress_until: Option<Mono>,
}

/// At the start the contract may know that the committee is ahead of what we remember.
#[derive(Debug)]
enum Start {
    Before,
    ReadingContract(Waiting),
    Done,
}

impl Pacemaker {
    pub fn new(setup: &Setup, epoch: Epoch, memory: &Memory) -> Self {
        let committee = setup.config.committee;
        Self {
            epoch,
            leader: leader(setup, epoch),
            highest_sent: memory.highest_sent,
            stored: (epoch, memory.highest_sent),
            received: PerOracle::from_list(committee, memory.received.clone())
                .unwrap_or_else(|| PerOracle::empty(committee)),
            start: Start::Before,
            resend_at: None,
            progress_until: None,
        }
    }

    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    pub fn leader(&self) -> OracleId {
        self.leader
    }

    pub fn highest_sent(&self) -> Epoch {
        self.highest_sent
    }

    pub fn received(&self) -> Vec<Epoch> {
        self.received.as_slice().to_vec()
    }

    pub fn waits_for(&self, ticket: Ticket) -> bool {
        matches!(&self.start, Start::ReadingContract(waiting) if waiting.ticket == ticket)
    }

    pub fn deadline(&self) -> Option<Mono> {
        let reading = match &self.start {
            Start::ReadingContract(waiting) => Some(waiting.overdue_at),
            Start::Before | Start::Done => None,
        };
        [reading, self.resend_at, self.progress_until].into_iter().flatten().min()
    }

    pub fn stop(&mut self, out: &mut Effects) {
        if let Start::ReadingContract(waiting) = &self.start {
            waiting.forget(out);
        }
    }

    /// The `rank`-th largest of the received epochs above `floor`, if there are so many.
    fn nth_largest_above(&self, floor: Epoch, rank: usize) -> Option<Epoch> {
        let mut above = [Epoch(0); ORACLES_MAX];
        let mut count = 0;
        for epoch in self.received.as_slice().iter().filter(|epoch| **epoch > floor) {
            above[count] = *epoch;
            count += 1;
        }
        let above = &mut above[..count];
        above.sort_unstable();
        count.checked_sub(rank).map(|index| above[index])
    }
}

fn leader(setup: &Setup, epoch: Epoch) -> OracleId {
    setup.leader_selection_key.leader(epoch.0.into(), setup.config.committee)
}

impl Oracle {
    /// Rounds begin at once; our wish waits for the contract, which may know of later epochs (OCR2 spec 5.3).
    pub(crate) fn start_pacemaker(&mut self, now: Time, out: &mut Effects) {
        let waiting = self.asks.ask(now, self.local.contract_timeout, Work::ContractEpoch, out);
        self.pacemaker.start = Start::ReadingContract(waiting);
        self.begin_epoch(now, out);
    }

    pub(crate) fn on_contract_epoch(&mut self, now: Time, answer: Option<Answer>, out: &mut Effects) {
        let Start::ReadingContract(waiting) = &self.pacemaker.start else { return };
        match answer {
            Some(Answer::ContractEpoch { epoch, .. }) if epoch > CONTRACT_EPOCH_MAX => {
                waiting.failed(None, AskFailure::Implausible, out);
            }
            Some(Answer::ContractEpoch { config_digest, epoch }) => {
                let next = Epoch(epoch.0 + 1);
                if config_digest == self.rules.config_digest && self.pacemaker.highest_sent < next {
                    self.pacemaker.highest_sent = next;
                }
            }
            Some(_) => waiting.failed(None, AskFailure::WrongKind, out),
            None => waiting.failed(None, AskFailure::Failed, out),
        }
        self.pacemaker.start = Start::Done;
        self.send_new_epoch(now, self.pacemaker.highest_sent, out);
    }

    pub(crate) fn on_time_in_epoch(&mut self, now: Time, out: &mut Effects) {
        let is_due = |at: Option<Mono>| at.is_some_and(|at| at <= now.mono);
        if let Start::ReadingContract(waiting) = &self.pacemaker.start
            && waiting.is_overdue(now)
        {
            waiting.give_up(None, out);
            self.pacemaker.start = Start::Done;
            self.send_new_epoch(now, self.pacemaker.highest_sent, out);
        }
        if is_due(self.pacemaker.resend_at) {
            self.send_new_epoch(now, self.pacemaker.highest_sent, out);
        }
        if is_due(self.pacemaker.progress_until) {
            self.change_leader(now, out);
        }
    }

    /// No progress, or the leader's rounds are used up: we want the next epoch.
    pub(crate) fn change_leader(&mut self, now: Time, out: &mut Effects) {
        self.pacemaker.progress_until = None;
        // After the last epoch there is none: the committee goes on under its last leader, and needs a new configuration.
        if self.pacemaker.epoch < Epoch::LAST {
            let next = Epoch(self.pacemaker.epoch.0 + 1);
            self.send_new_epoch(now, self.pacemaker.highest_sent.max(next), out);
        }
    }

    /// A round of this epoch is complete.
    pub(crate) fn on_progress(&mut self, now: Time) {
        self.pacemaker.progress_until = Some(now.mono + self.setup.config.parameters.delta_progress);
    }

    /// Stores our wish, if it is new, and tells everyone.
    fn send_new_epoch(&mut self, now: Time, epoch: Epoch, out: &mut Effects) {
        self.pacemaker.highest_sent = epoch;
        self.store_epoch(out);
        out.send(self.rules.everyone, Message::NewEpoch(epoch));
        let pause = self.setup.config.parameters.delta_resend.max(RESEND_PAUSE_MIN);
        self.pacemaker.resend_at = Some(now.mono + pause);
    }

    fn store_epoch(&mut self, out: &mut Effects) {
        let Pacemaker { epoch, highest_sent, .. } = self.pacemaker;
        if self.pacemaker.stored != (epoch, highest_sent) {
            self.pacemaker.stored = (epoch, highest_sent);
            out.persist(Record::Epoch { config_digest: self.rules.config_digest, epoch, highest_sent });
        }
    }

    pub(crate) fn on_new_epoch(
        &mut self,
        now: Time,
        from: OracleId,
        epoch: Epoch,
        out: &mut Effects,
    ) -> Result<(), Refusal> {
        let known = &mut self.pacemaker.received[from];
        if epoch <= *known {
            return Err(Stale::EpochKnown { known: *known }.into());
        }
        *known = epoch;
        // More than f want a later epoch than we have asked for, so an honest one does: we join.
        let committee = self.rules.committee;
        if let Some(wish) = self.pacemaker.nth_largest_above(self.pacemaker.highest_sent, committee.one_honest()) {
            self.send_new_epoch(now, wish, out);
        }
        // More than 2f want a later epoch than this, so everyone will: we enter it.
        if let Some(epoch) = self.pacemaker.nth_largest_above(self.pacemaker.epoch, committee.honest_majority()) {
            self.enter_epoch(now, epoch, out);
        }
        Ok(())
    }

    fn enter_epoch(&mut self, now: Time, epoch: Epoch, out: &mut Effects) {
        if let Some(leader) = &mut self.leader {
            leader.stop(out);
        }
        self.follower.stop(out);
        self.pacemaker.epoch = epoch;
        self.pacemaker.leader = leader(&self.setup, epoch);
        self.pacemaker.highest_sent = self.pacemaker.highest_sent.max(epoch);
        self.store_epoch(out);
        self.follower = Follower::recovered(epoch, self.entered);
        self.begin_epoch(now, out);
        self.release_future(now, out);
    }

    /// The first of an epoch, or what is left of one after a restart.
    fn begin_epoch(&mut self, now: Time, out: &mut Effects) {
        let Pacemaker { epoch, leader, .. } = self.pacemaker;
        out.emit(Output::EpochStarted { epoch, leader });
        self.on_progress(now);
        let RoundId { epoch: entered, round } = self.entered;
        self.lead(now, if entered == epoch { Some(round) } else { None }, out);
    }
}
