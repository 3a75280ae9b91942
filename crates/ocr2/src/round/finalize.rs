//! A report with a quorum of signatures: the leader sends it, everyone repeats it once, and so all get it if one honest
//! oracle does (OCR2 spec 6.4, 6.6).
//!
//! The reference repeats it to everyone. Here it is not repeated to whoever is known to have it, for having sent the very
//! same to us: receivers make nothing of a second copy.

use alloc::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};
use core::time::Duration;

use bytes::Bytes;
use machine::{Mono, Time, Verdicts};
use ocr::{OracleId, OracleSet};

use crate::{
    attested::check_final,
    limits::{ECHO_STEP, ECHOES_MAX, FINALIZED_AGE, FINALIZED_ROUNDS, FINALS_KEPT},
    message::{Final, Message},
    oracle::{Judge, Oracle, Rules},
    protocol::{Effects, Output},
    refusal::{Fault, Refusal, Stale},
    round::{LeaderPhase, report::Reporting},
    round_id::RoundId,
};

/// Which reports are final already, over all epochs.
#[derive(Debug)]
pub(crate) struct Finalization {
    finalized: BTreeSet<RoundId>,
    latest: RoundId,
    /// The last of them, whose signatures need not be checked again.
    kept: VecDeque<Arc<Final>>,
    /// Those that we have yet to repeat.
    echoes: VecDeque<Echo>,
    r_max: u8,
    /// How many rounds a report stays known for.
    age: u64,
}

/// A report that we have yet to repeat.
#[derive(Debug)]
struct Echo {
    report: Arc<Final>,
    due: Mono,
    /// Who need not hear it from us: ourselves, and whoever has sent the very same.
    known_to: OracleSet,
}

impl Finalization {
    pub fn new(r_max: u8, delta_round: Duration) -> Self {
        let (least, most) = (*FINALIZED_ROUNDS.start(), *FINALIZED_ROUNDS.end());
        let age = match delta_round.as_nanos() {
            0 => most,
            nanoseconds => u64::try_from(FINALIZED_AGE.as_nanos().div_ceil(nanoseconds)).unwrap_or(most),
        };
        Self {
            finalized: BTreeSet::new(),
            latest: RoundId::default(),
            kept: VecDeque::new(),
            echoes: VecDeque::new(),
            r_max,
            age: age.clamp(least, most),
        }
    }

    /// Counts rounds over epochs.
    fn index(&self, at: RoundId) -> u64 {
        u64::from(self.r_max) * u64::from(at.epoch.0) + u64::from(at.round.0)
    }

    fn is_expired(&self, at: RoundId) -> bool {
        self.index(at) + self.age <= self.index(self.latest)
    }

    /// A new report, and not of a time long past.
    fn check_new(&self, at: RoundId) -> Result<(), Refusal> {
        if self.is_expired(at) {
            Err(Stale::Expired { at }.into())
        } else if self.finalized.contains(&at) {
            Err(Stale::Finalized { at }.into())
        } else {
            Ok(())
        }
    }

    /// When the first echo is due.
    pub fn deadline(&self) -> Option<Mono> {
        self.echoes.iter().map(|echo| echo.due).min()
    }

    /// `from` has this report, or one that is none.
    fn heard(&mut self, from: OracleId, m: &Arc<Final>) {
        if let Some(echo) = self.echoes.iter_mut().find(|echo| echo.report == *m) {
            echo.known_to.insert(from);
            // The next may be this very one, and then its bytes need not be compared.
            echo.report = m.clone();
        }
    }

    fn is_kept(&self, m: &Arc<Final>) -> bool {
        self.kept.iter().any(|kept| kept == m)
    }

    fn insert(&mut self, m: &Arc<Final>) {
        self.finalized.insert(m.at);
        self.latest = self.latest.max(m.at);
        self.kept.push_back(m.clone());
        if self.kept.len() > FINALS_KEPT {
            self.kept.pop_front();
        }
        if self.finalized.len() as u64 > 2 * self.age {
            let expired: alloc::vec::Vec<_> =
                self.finalized.iter().copied().filter(|at| self.is_expired(*at)).collect();
            expired.iter().for_each(|at| {
                self.finalized.remove(at);
            });
        }
    }
}

impl Oracle {
    /// A quorum said the same: the leader's round is decided, and its report, if there is one, final.
    pub(crate) fn decide_round(&mut self, now: Time, tally: usize, out: &mut Effects) {
        let at = self.leader_at();
        let Some(leader) = &mut self.leader else { return };
        let LeaderPhase::Tallying(mut tallying) = core::mem::replace(&mut leader.phase, LeaderPhase::Decided) else {
            return;
        };
        let tally = tallying.tallies.swap_remove(tally);
        out.emit(Output::RoundCompleted { at, skip: tally.report.is_none() });
        if let Some(report) = tally.report {
            let mut signatures = tally.signatures;
            signatures.sort_unstable_by_key(|entry| entry.signer);
            let last = Arc::new(Final { at, extra_hash: tallying.extra_hash, report, signatures });
            leader.sent_final = Some(last.clone());
            out.send(self.rules.everyone, Message::Final(last));
        }
        self.start_round_if_due(now, out);
    }

    /// The leader says that a report is final.
    pub(crate) fn on_final(
        &mut self,
        now: Time,
        from: OracleId,
        m: &Arc<Final>,
        verdicts: &Verdicts,
        out: &mut Effects,
    ) -> Result<(), Refusal> {
        self.finalization.heard(from, m);
        self.judge_final(from, m, &mut |_, claim| verdicts.holds(&claim))?;
        if let Some(waiting) = self.follower.reporting.waiting() {
            // Our report would come too late.
            waiting.forget(out);
            self.follower.reporting = self.follower.reporting.interrupted();
        }
        self.complete_round(now);
        self.finalization.check_new(m.at)?;
        self.finalize(now, from, m, out);
        Ok(())
    }

    pub(crate) fn judge_final(&self, from: OracleId, m: &Arc<Final>, judge: &mut Judge<'_>) -> Result<(), Refusal> {
        self.check_epoch(m.at)?;
        Self::check_round(m.at.round, self.follower.round)?;
        self.check_leader(from)?;
        if self.follower.completed {
            // All that a further copy could bring is a report that we do not know.
            self.finalization.check_new(m.at)?;
        }
        let own = || self.leader.as_ref().and_then(|leader| leader.sent_final.as_ref()) == Some(m);
        if own() || self.finalization.is_kept(m) {
            return Ok(());
        }
        self.judge_signatures(m, judge)
    }

    /// Anyone says that a report of any epoch is final.
    pub(crate) fn on_final_echo(
        &mut self,
        now: Time,
        from: OracleId,
        m: &Arc<Final>,
        verdicts: &Verdicts,
        out: &mut Effects,
    ) -> Result<(), Refusal> {
        self.finalization.heard(from, m);
        self.judge_final_echo(m, &mut |_, claim| verdicts.holds(&claim))?;
        self.finalize(now, from, m, out);
        Ok(())
    }

    pub(crate) fn judge_final_echo(&self, m: &Arc<Final>, judge: &mut Judge<'_>) -> Result<(), Refusal> {
        let (got, last) = (m.at.round, self.rules.last_round);
        if got >= last {
            return Err(Fault::NoSuchRound { got, last }.into());
        }
        self.finalization.check_new(m.at)?;
        self.judge_signatures(m, judge)
    }

    fn judge_signatures(&self, m: &Final, judge: &mut Judge<'_>) -> Result<(), Refusal> {
        let Rules { committee, signers, report_quorum, .. } = &self.rules;
        let (digest, ours) = match self.own_report(m) {
            Some((signature, digest)) => (digest, Some(signature)),
            None => (self.context(m.at, m.extra_hash).report_digest(&m.report), None),
        };
        let me = self.setup.me;
        let is_ours = |signer: OracleId| {
            signer == me && m.signatures.iter().any(|entry| entry.signer == me.byte() && Some(&entry.signature) == ours)
        };
        let holds = |signer, claim| is_ours(signer) || judge(signer, claim);
        Ok(check_final(m, digest, *committee, signers, *report_quorum, holds)?)
    }

    /// If we signed this very report in the round we are in: with which signature, and what it is over.
    fn own_report(&self, m: &Final) -> Option<(&Bytes, [u8; 32])> {
        match &self.follower.reporting {
            Reporting::Sent { message, extra_hash, digest } => {
                let is_same =
                    !message.skip && message.at == m.at && *extra_hash == m.extra_hash && message.report == m.report;
                is_same.then_some((&message.signature, *digest))
            }
            Reporting::Open | Reporting::Viewing { .. } | Reporting::Signing { .. } | Reporting::Abstaining => None,
        }
    }

    /// A report is final for us: it goes on its way to the contract, and everyone else hears of it once from us or another.
    fn finalize(&mut self, now: Time, from: OracleId, m: &Arc<Final>, out: &mut Effects) {
        self.finalization.insert(m);
        let me = self.setup.me;
        let turn = (me.index() + usize::from(m.at.round.0)) % self.rules.committee.n();
        let mut known_to = OracleSet::from(me);
        known_to.insert(from);
        let echo = Echo { report: m.clone(), due: now.mono + ECHO_STEP * turn as u32, known_to };
        let echoes = &mut self.finalization.echoes;
        if turn == 0 {
            self.repeat(echo, out);
        } else {
            echoes.push_back(echo);
            let displaced = if echoes.len() > ECHOES_MAX { echoes.pop_front() } else { None };
            displaced.into_iter().for_each(|echo| self.repeat(echo, out));
        }
        out.emit(Output::Finalized { report: m.clone() });
        self.accept(now, m, out);
    }

    /// Repeats the reports whose turn it is.
    pub(crate) fn repeat_due(&mut self, now: Time, out: &mut Effects) {
        while let Some(index) = self.finalization.echoes.iter().position(|echo| echo.due <= now.mono) {
            self.finalization.echoes.remove(index).into_iter().for_each(|echo| self.repeat(echo, out));
        }
    }

    /// Repeats all reports that wait, because nothing will be said any more.
    pub(crate) fn repeat_all(&mut self, out: &mut Effects) {
        for echo in core::mem::take(&mut self.finalization.echoes) {
            self.repeat(echo, out);
        }
    }

    fn repeat(&self, echo: Echo, out: &mut Effects) {
        let others = self.rules.everyone.difference(echo.known_to);
        out.send(others, Message::FinalEcho(echo.report));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_is_that_of_the_specification() {
        let age = |delta_round| Finalization::new(5, delta_round).age;
        assert_eq!(age(Duration::ZERO), 1000);
        assert_eq!(age(Duration::from_millis(100)), 1000);
        assert_eq!(age(Duration::from_secs(1)), 600);
        assert_eq!(age(Duration::from_secs(10)), 60);
        assert_eq!(age(Duration::from_secs(60)), 10);
        assert_eq!(age(Duration::MAX), 10);
    }
}
