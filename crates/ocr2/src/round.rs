//! One round, step by step: query, observe, report, finalize; leader and follower of a step in one file (OCR2 spec 6).

pub(crate) mod finalize;
pub(crate) mod observe;
pub(crate) mod query;
pub(crate) mod report;

use alloc::sync::Arc;

use machine::{Mono, Ticket, Time};

use crate::{
    message::Final,
    oracle::{Oracle, Waiting},
    protocol::Effects,
    round_id::{Epoch, Round, RoundId},
};
use observe::{Collecting, Observing};
use report::{Reporting, Tallying};

/// The leader's side of an epoch.
#[derive(Debug)]
pub(crate) struct Leader {
    /// The round that we lead, or have led last.
    pub round: Round,
    /// Before this time no further round begins; `None` once it has passed.
    pub next_round_from: Option<Mono>,
    pub phase: LeaderPhase,
    /// The last report that we made final, which comes back to us.
    pub sent_final: Option<Arc<Final>>,
}

/// Where the leader's round is.
#[derive(Debug)]
pub(crate) enum LeaderPhase {
    /// The plugin makes the query.
    Querying(Waiting),
    /// Observations come in.
    Collecting(Collecting),
    /// Reports come in.
    Tallying(Tallying),
    /// A quorum reported or skipped: the next round begins as soon as DeltaRound allows.
    Decided,
    /// The round cannot complete, and only another epoch helps: the reference's leaders stay idle here, too.
    Dead,
}

/// The follower's side of an epoch; every oracle has one, the leader also.
#[derive(Debug)]
pub(crate) struct Follower {
    /// The round we are in: the latest of which we took the ObserveReq.
    pub round: Round,
    pub observing: Observing,
    pub reporting: Reporting,
    /// Whether the round is complete: we skipped it, or have its report with a quorum.
    pub completed: bool,
    /// Whether we have seen a valid ReportReq of the round.
    pub requested: bool,
}

impl Leader {
    pub fn waits_for(&self, ticket: Ticket) -> bool {
        matches!(&self.phase, LeaderPhase::Querying(waiting) if waiting.ticket == ticket)
    }

    pub fn deadline(&self) -> Option<Mono> {
        let phase = match &self.phase {
            LeaderPhase::Querying(waiting) => Some(waiting.overdue_at),
            LeaderPhase::Collecting(collecting) => collecting.grace_until,
            LeaderPhase::Tallying(_) | LeaderPhase::Decided | LeaderPhase::Dead => None,
        };
        [phase, self.next_round_from].into_iter().flatten().min()
    }

    pub fn stop(&mut self, out: &mut Effects) {
        if let LeaderPhase::Querying(waiting) = &self.phase {
            waiting.forget(out);
        }
    }
}

impl Follower {
    /// The follower of an epoch that begins, or that we have been in before a restart: then nothing is said in the round
    /// that we had entered.
    pub fn recovered(epoch: Epoch, entered: RoundId) -> Self {
        let again = entered.epoch == epoch;
        Self {
            round: if again { entered.round } else { Round::NONE },
            observing: Observing::Idle,
            reporting: if again { Reporting::Abstaining } else { Reporting::Open },
            completed: false,
            requested: false,
        }
    }

    pub fn deadline(&self) -> Option<Mono> {
        [self.observing.waiting(), self.reporting.waiting()].into_iter().flatten().map(|w| w.overdue_at).min()
    }

    pub fn stop(&mut self, out: &mut Effects) {
        for waiting in [self.observing.waiting(), self.reporting.waiting()].into_iter().flatten() {
            waiting.forget(out);
        }
    }
}

impl Oracle {
    /// The round that our follower is in.
    pub(crate) fn follower_at(&self) -> RoundId {
        RoundId { epoch: self.pacemaker.epoch(), round: self.follower.round }
    }

    /// The round that our leader is in.
    pub(crate) fn leader_at(&self) -> RoundId {
        let round = self.leader.as_ref().map_or(Round::NONE, |leader| leader.round);
        RoundId { epoch: self.pacemaker.epoch(), round }
    }

    /// The follower's round is complete; counts once.
    pub(crate) fn complete_round(&mut self, now: Time) {
        if !self.follower.completed {
            self.follower.completed = true;
            self.on_progress(now);
        }
    }

    pub(crate) fn on_time_in_round(&mut self, now: Time, out: &mut Effects) {
        self.on_time_in_query(now, out);
        self.on_time_in_observe(now, out);
        self.on_time_in_report(now, out);
    }
}
