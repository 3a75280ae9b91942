//! A round begins: the leader's plugin makes a query, and the leader asks everyone for observations (OCR2 spec 6.3, 6.4).

use machine::Time;
use ocr::{OracleId, PerOracle};

use crate::{
    message::{Message, ObserveReq, query_fits},
    oracle::Oracle,
    protocol::{Answer, AskFailure, Effects, Output, Work},
    refusal::{Fault, Refusal, Stale},
    round::{
        Leader, LeaderPhase,
        observe::{Collecting, Observing},
        report::Reporting,
    },
    round_id::{Round, RoundId},
};

impl Oracle {
    /// An epoch begins. Its leader starts the first round, or after a restart the one after that which it has `entered`:
    /// nobody would listen to an earlier one, and it must not say two things in one round.
    pub(crate) fn lead(&mut self, now: Time, entered: Option<Round>, out: &mut Effects) {
        self.leader = (self.pacemaker.leader() == self.setup.me).then(|| Leader {
            round: entered.unwrap_or(Round::NONE),
            next_round_from: None,
            phase: LeaderPhase::Decided,
            sent_final: None,
        });
        self.start_round_if_due(now, out);
    }

    /// Starts the next round once the last one is decided and DeltaRound has passed since it began. The round after RMax
    /// is only there to make everyone want the next epoch.
    pub(crate) fn start_round_if_due(&mut self, now: Time, out: &mut Effects) {
        let epoch = self.pacemaker.epoch();
        let Some(leader) = &mut self.leader else { return };
        let decided = matches!(leader.phase, LeaderPhase::Decided);
        if !decided || leader.next_round_from.is_some() || leader.round >= self.rules.last_round {
            return;
        }
        leader.round = Round(leader.round.0 + 1);
        let parameters = &self.setup.config.parameters;
        leader.next_round_from = Some(now.mono + parameters.delta_round);
        let at = RoundId { epoch, round: leader.round };
        let duration_max = parameters.max_duration_query.max(self.local.query_duration_min);
        leader.phase = LeaderPhase::Querying(self.asks.ask(now, duration_max, Work::Query { at }, out));
    }

    /// The leader has its query, or the round is dead.
    pub(crate) fn on_query(&mut self, answer: Option<Answer>, out: &mut Effects) {
        let at = self.leader_at();
        let Some(Leader { phase, .. }) = &mut self.leader else { return };
        let LeaderPhase::Querying(waiting) = phase else { return };
        let query = match answer {
            Some(Answer::Query(query)) => match query_fits(&query, &self.rules.plugin.limits) {
                Ok(()) => Ok(query),
                Err(too_large) => Err(too_large.into()),
            },
            Some(_) => Err(AskFailure::WrongKind),
            None => Err(AskFailure::Failed),
        };
        match query {
            Ok(query) => {
                *phase = LeaderPhase::Collecting(Collecting {
                    query: query.clone(),
                    observations: PerOracle::empty(self.rules.committee),
                    count: 0,
                    grace_until: None,
                });
                self.enter(at, out);
                out.send(self.rules.everyone, Message::ObserveReq(ObserveReq { at, query }));
            }
            Err(failure) => {
                waiting.failed(Some(at), failure, out);
                *phase = LeaderPhase::Dead;
            }
        }
    }

    pub(crate) fn on_time_in_query(&mut self, now: Time, out: &mut Effects) {
        let at = self.leader_at();
        let Some(leader) = &mut self.leader else { return };
        if let LeaderPhase::Querying(waiting) = &leader.phase
            && waiting.is_overdue(now)
        {
            waiting.give_up(Some(at), out);
            leader.phase = LeaderPhase::Dead;
        }
        if leader.next_round_from.is_some_and(|from| from <= now.mono) {
            leader.next_round_from = None;
            self.start_round_if_due(now, out);
        }
    }

    /// The leader wants observations.
    pub(crate) fn on_observe_req(
        &mut self,
        now: Time,
        from: OracleId,
        m: &ObserveReq,
        out: &mut Effects,
    ) -> Result<(), Refusal> {
        self.check_epoch(m.at)?;
        self.check_leader(from)?;
        let (got, last) = (m.at.round, self.rules.last_round);
        if got == Round::NONE || got > last {
            return Err(Fault::NoSuchRound { got, last }.into());
        }
        if got <= self.follower.round {
            return Err(Stale::PastRound { got, current: self.follower.round }.into());
        }
        self.follower.stop(out);
        self.follower.round = got;
        self.follower.observing = Observing::Idle;
        if got == last {
            // The leader's rounds are used up. The round before still says whether we may report.
            if self.follower.reporting.waiting().is_some() {
                self.follower.reporting = Reporting::Open;
            }
            self.change_leader(now, out);
            return Ok(());
        }
        self.follower.reporting = Reporting::Open;
        self.follower.completed = false;
        self.follower.requested = false;
        out.emit(Output::RoundStarted { at: m.at, leader: from });
        self.observe(now, m.at, &m.query, out);
        Ok(())
    }

    /// Only the leader of this epoch sends this.
    pub(crate) fn check_leader(&self, from: OracleId) -> Result<(), Refusal> {
        let leader = self.pacemaker.leader();
        if from == leader { Ok(()) } else { Err(Fault::NotLeader { epoch: self.pacemaker.epoch(), leader }.into()) }
    }

    /// This is for the leader of this epoch, and we are it.
    pub(crate) fn check_leading(&self) -> Result<&Leader, Refusal> {
        let (epoch, leader) = (self.pacemaker.epoch(), self.pacemaker.leader());
        self.leader.as_ref().ok_or(Fault::NotForUs { epoch, leader }.into())
    }
}
