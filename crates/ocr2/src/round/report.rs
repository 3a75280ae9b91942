//! The leader shows everyone the observations; everyone makes and signs a report of them; the leader counts
//! (OCR2 spec 6.3, 6.4).

use alloc::{sync::Arc, vec::Vec};

use bytes::Bytes;
use crypto::secp256k1;
use machine::{Ticket, Time, Verdicts};
use ocr::{OracleId, OracleSet};

use crate::{
    attested::check_report,
    message::{AttributedObservation, AttributedSignature, Message, Report, ReportReq, report_fits},
    oracle::{Judge, Oracle, Waiting},
    plugin::View,
    protocol::{Answer, AskFailure, Decision, Effects, Output, Work},
    refusal::{Early, Fault, Refusal, Stale},
    round::{Leader, LeaderPhase, observe::Collecting, observe::Observing},
    signing::extra_hash,
};

/// Where our report of the round is.
#[derive(Debug)]
pub(crate) enum Reporting {
    /// No valid request came, or the plugin failed on one: another may come.
    Open,
    /// The plugin is about to decide and wants to see the contract.
    Viewing { waiting: Waiting, request: Arc<ReportReq> },
    /// The on-chain key signs the report.
    Signing { waiting: Waiting, extra_hash: [u8; 32], report: Bytes, digest: [u8; 32] },
    /// It is sent; `digest` is what was signed, zero for a skip.
    Sent { message: Report, extra_hash: [u8; 32], digest: [u8; 32] },
    /// We may have signed a report of this round: before a restart, or with a key that did not answer in time. No other is
    /// signed in it.
    Abstaining,
}

impl Reporting {
    pub fn waiting(&self) -> Option<&Waiting> {
        match self {
            Self::Viewing { waiting, .. } | Self::Signing { waiting, .. } => Some(waiting),
            Self::Open | Self::Sent { .. } | Self::Abstaining => None,
        }
    }

    /// What is left when it is not waited for any more.
    pub fn interrupted(&self) -> Self {
        match self {
            Self::Signing { .. } | Self::Abstaining => Self::Abstaining,
            Self::Open | Self::Viewing { .. } | Self::Sent { .. } => Self::Open,
        }
    }

    pub fn waits_for(&self, ticket: Ticket) -> bool {
        self.waiting().is_some_and(|waiting| waiting.ticket == ticket)
    }
}

/// The leader's count of reports, each verified.
#[derive(Debug)]
pub(crate) struct Tallying {
    pub request: Arc<ReportReq>,
    pub extra_hash: [u8; 32],
    pub reported: OracleSet,
    /// One for each different report: one is the rule, and the number of oracles bounds them.
    pub tallies: Vec<Tally>,
}

/// All who made the same report, or none.
#[derive(Debug)]
pub(crate) struct Tally {
    /// `None`: no report is due.
    pub report: Option<Bytes>,
    /// What the signatures are over; zero where there are none.
    pub digest: [u8; 32],
    pub signatures: Vec<AttributedSignature>,
}

impl Oracle {
    /// Grace is over, or all observations are in: everyone shall report on those that there are.
    pub(crate) fn request_reports(&mut self, out: &mut Effects) {
        let at = self.leader_at();
        let Some(leader) = &mut self.leader else { return };
        let LeaderPhase::Collecting(collecting) = core::mem::replace(&mut leader.phase, LeaderPhase::Dead) else {
            return;
        };
        let Collecting { query, observations, .. } = collecting;
        let observations = (observations.iter())
            .filter_map(|(observer, signed)| {
                Some(AttributedObservation { signed: signed.clone()?, observer: observer.byte() })
            })
            .collect();
        let mut request = ReportReq { at, query, observations };
        if self.rules.report_req_length.all_may_not_fit()
            && let Err((got, allowed)) = self.trim(&mut request)
        {
            out.emit(Output::ReportReqTooLong { at, got, allowed });
            return;
        }
        let request = Arc::new(request);
        leader_mut(&mut self.leader).phase = LeaderPhase::Tallying(Tallying {
            extra_hash: extra_hash_of(&request),
            request: request.clone(),
            reported: OracleSet::EMPTY,
            tallies: Vec::new(),
        });
        out.send(self.rules.everyone, Message::ReportReq(request));
    }

    /// Leaves out surplus observations, the longest first, until the message fits the transport: peers would close the
    /// connection on a longer one (OCR2 spec 13.5). Which of equals goes changes from round to round.
    fn trim(&self, request: &mut ReportReq) -> Result<(), (usize, usize)> {
        let allowed = self.rules.transport.message_bytes_max as usize;
        loop {
            let message = Message::ReportReq(Arc::new(request.clone()));
            let got = message.encode().len();
            if got <= allowed {
                return Ok(());
            }
            if request.observations.len() <= self.rules.committee.honest_majority() {
                return Err((got, allowed));
            }
            let turn = |observer: u8| (observer as usize + request.at.round.0 as usize) % self.rules.committee.n();
            let longest = (0..request.observations.len()).max_by_key(|index| {
                let AttributedObservation { signed, observer } = &request.observations[*index];
                (signed.observation.len() + signed.signature.len(), turn(*observer))
            });
            longest.map(|index| request.observations.remove(index));
        }
    }

    /// The leader wants a report.
    pub(crate) fn on_report_req(
        &mut self,
        now: Time,
        from: OracleId,
        m: &Arc<ReportReq>,
        verdicts: &Verdicts,
        out: &mut Effects,
    ) -> Result<(), Refusal> {
        self.judge_report_req(from, m, &mut |_, claim| verdicts.holds(&claim))?;
        if let Some(waiting) = self.follower.observing.waiting() {
            // The leader has all that it waits for.
            waiting.forget(out);
            self.follower.observing = Observing::Idle;
        }
        if !core::mem::replace(&mut self.follower.requested, true) {
            out.emit(Output::ReportRequested { request: m.clone() });
        }
        let duration_max = self.setup.config.parameters.max_duration_report;
        let work = Work::View { at: m.at, decision: Decision::Report };
        let waiting = self.asks.ask(now, duration_max, work, out);
        self.follower.reporting = Reporting::Viewing { waiting, request: m.clone() };
        // Entered with its ObserveReq, but for the round after RMax.
        self.enter(m.at, out);
        Ok(())
    }

    pub(crate) fn judge_report_req(
        &self,
        from: OracleId,
        m: &Arc<ReportReq>,
        judge: &mut Judge<'_>,
    ) -> Result<(), Refusal> {
        self.check_epoch(m.at)?;
        self.check_leader(from)?;
        Self::check_round(m.at.round, self.follower.round)?;
        match &self.follower.reporting {
            Reporting::Open => {}
            Reporting::Viewing { .. } | Reporting::Signing { .. } => return Err(Stale::Reporting.into()),
            Reporting::Sent { .. } => return Err(Stale::ReportSent.into()),
            Reporting::Abstaining => return Err(Stale::BeforeRestart.into()),
        }
        if self.follower.completed {
            return Err(Stale::RoundComplete.into());
        }
        if self.is_own_request(m) {
            return Ok(());
        }
        // What costs nothing comes first: a message with one flaw is refused as a whole.
        let committee = self.rules.committee;
        let mut seen = OracleSet::EMPTY;
        for AttributedObservation { observer, .. } in &m.observations {
            let no_such = Fault::NoSuchOracle { got: *observer, n: committee.n() };
            let oracle = committee.oracle(*observer).ok_or(no_such)?;
            if !seen.insert(oracle) {
                return Err(Fault::Twice { oracle }.into());
            }
        }
        let (got, twice_f) = (m.observations.len(), 2 * committee.f());
        if got <= twice_f {
            return Err(Fault::TooFewObservations { got, twice_f }.into());
        }
        for (observer, AttributedObservation { signed, .. }) in in_range(committee, &m.observations) {
            if observer == self.setup.me && self.is_own_observation(m.at, &m.query, signed) {
                continue;
            }
            let claim = self.observation_claim(m.at, &m.query, observer, signed);
            if !claim.is_some_and(|claim| judge(observer, claim)) {
                return Err(Fault::RelayedObservationSignature { observer }.into());
            }
        }
        Ok(())
    }

    /// Whether it is what our leader made, of observations that it verified when they came.
    fn is_own_request(&self, m: &Arc<ReportReq>) -> bool {
        match &self.leader {
            Some(Leader { phase: LeaderPhase::Tallying(tallying), .. }) => tallying.request == *m,
            Some(_) | None => false,
        }
    }

    /// The plugin can decide, or the key signed.
    pub(crate) fn on_report_made(&mut self, now: Time, answer: Option<Answer>, out: &mut Effects) {
        let at = self.follower_at();
        let open = core::mem::replace(&mut self.follower.reporting, Reporting::Open);
        let (waiting, outcome) = match (open, answer) {
            (Reporting::Viewing { waiting, request }, Some(Answer::View(view))) => {
                (waiting, self.make_report(now, &request, &view, out))
            }
            (Reporting::Signing { extra_hash, report, digest, .. }, Some(Answer::Signature(signature)))
                if signature.len() == secp256k1::SIGNATURE_LEN =>
            {
                out.emit(Output::Reported { at, report: report.clone() });
                self.send_report(Report { at, skip: false, report, signature }, extra_hash, digest, out);
                return;
            }
            (Reporting::Viewing { waiting, .. }, Some(_)) => (waiting, Err(AskFailure::WrongKind)),
            (Reporting::Viewing { waiting, .. }, None) => (waiting, Err(AskFailure::Failed)),
            (Reporting::Signing { waiting, .. }, unsigned) => {
                self.follower.reporting = Reporting::Abstaining;
                (waiting, Err(if unsigned.is_some() { AskFailure::WrongKind } else { AskFailure::Failed }))
            }
            (state @ (Reporting::Open | Reporting::Sent { .. } | Reporting::Abstaining), _) => {
                self.follower.reporting = state;
                return;
            }
        };
        if let Err(failure) = outcome {
            waiting.failed(Some(at), failure, out);
        }
    }

    fn make_report(
        &mut self,
        now: Time,
        request: &ReportReq,
        view: &View,
        out: &mut Effects,
    ) -> Result<(), AskFailure> {
        let ReportReq { at, query, observations } = request;
        let at = *at;
        let extra_hash = extra_hash_of(request);
        let decided = self.plugin.report(self.timestamp(at), query, observations, view, now.wall)?;
        match decided {
            Some(report) => {
                report_fits(&report, &self.rules.plugin.limits)?;
                let context = self.context(at, extra_hash);
                let digest = context.report_digest(&report);
                // A signature is of use as long as the epoch can be.
                let duration_max = self.setup.config.parameters.delta_progress;
                let work = Work::SignReport { context, report: report.clone(), digest };
                let waiting = self.asks.ask(now, duration_max, work, out);
                self.follower.reporting = Reporting::Signing { waiting, extra_hash, report, digest };
            }
            None => {
                self.complete_round(now);
                out.emit(Output::Skipped { at });
                let skip = Report { at, skip: true, report: Bytes::new(), signature: Bytes::new() };
                self.send_report(skip, extra_hash, [0; 32], out);
            }
        }
        Ok(())
    }

    fn send_report(&mut self, message: Report, extra_hash: [u8; 32], digest: [u8; 32], out: &mut Effects) {
        self.follower.reporting = Reporting::Sent { message: message.clone(), extra_hash, digest };
        out.send(self.pacemaker.leader().into(), Message::Report(message));
    }

    pub(crate) fn on_time_in_report(&mut self, now: Time, out: &mut Effects) {
        if let Some(waiting) = self.follower.reporting.waiting()
            && waiting.is_overdue(now)
        {
            waiting.give_up(Some(self.follower_at()), out);
            self.follower.reporting = self.follower.reporting.interrupted();
        }
    }

    /// A report for the leader.
    pub(crate) fn on_report(
        &mut self,
        now: Time,
        from: OracleId,
        m: &Report,
        verdicts: &Verdicts,
        out: &mut Effects,
    ) -> Result<(), Refusal> {
        let digest = self.judge_report(from, m, &mut |_, claim| verdicts.holds(&claim))?;
        let quorum = self.rules.report_quorum;
        let Some(Leader { phase: LeaderPhase::Tallying(tallying), .. }) = &mut self.leader else { return Ok(()) };
        tallying.reported.insert(from);
        let index = tallying.position(m).unwrap_or_else(|| {
            let report = (!m.skip).then(|| m.report.clone());
            tallying.tallies.push(Tally { report, digest, signatures: Vec::new() });
            tallying.tallies.len() - 1
        });
        let tally = &mut tallying.tallies[index];
        tally.signatures.push(AttributedSignature { signature: m.signature.clone(), signer: from.byte() });
        if tally.signatures.len() >= quorum {
            self.decide_round(now, index, out);
        }
        Ok(())
    }

    /// Returns what the signature is over.
    pub(crate) fn judge_report(&self, from: OracleId, m: &Report, judge: &mut Judge<'_>) -> Result<[u8; 32], Refusal> {
        self.check_epoch(m.at)?;
        let leader = self.check_leading()?;
        Self::check_round(m.at.round, leader.round)?;
        let tallying = match &leader.phase {
            LeaderPhase::Tallying(tallying) => tallying,
            LeaderPhase::Querying(_) | LeaderPhase::Collecting(_) => return Err(Early::ReportsNotAsked.into()),
            LeaderPhase::Decided | LeaderPhase::Dead => return Err(Stale::RoundDecided.into()),
        };
        if tallying.reported.contains(from) {
            return Err(Stale::ReportedBefore.into());
        }
        // Of equal reports, one was hashed already.
        let digest = match tallying.position(m) {
            Some(index) => tallying.tallies[index].digest,
            None if m.skip => [0; 32],
            None => self.context(m.at, tallying.extra_hash).report_digest(&m.report),
        };
        let is_own = from == self.setup.me && self.is_own_report(m, tallying.extra_hash);
        check_report(m, digest, self.rules.signers[from], |claim| is_own || judge(from, claim))?;
        Ok(digest)
    }

    /// Whether it is what we signed and sent for this request.
    fn is_own_report(&self, m: &Report, hash: [u8; 32]) -> bool {
        match &self.follower.reporting {
            Reporting::Sent { message, extra_hash, .. } => *extra_hash == hash && message == m,
            Reporting::Open | Reporting::Viewing { .. } | Reporting::Signing { .. } | Reporting::Abstaining => false,
        }
    }
}

impl Tallying {
    /// Where equal reports are counted.
    fn position(&self, m: &Report) -> Option<usize> {
        self.tallies.iter().position(|tally| match &tally.report {
            Some(report) => !m.skip && *report == m.report,
            None => m.skip,
        })
    }
}

/// The leader that is there.
fn leader_mut(leader: &mut Option<Leader>) -> &mut Leader {
    leader.as_mut().expect("only a leader's phase leads here")
}

/// Pairs each entry with its observer, where there is such an oracle.
fn in_range(
    committee: ocr::Committee,
    observations: &[AttributedObservation],
) -> impl Iterator<Item = (OracleId, &AttributedObservation)> {
    observations.iter().filter_map(move |entry| Some((committee.oracle(entry.observer)?, entry)))
}

fn extra_hash_of(request: &ReportReq) -> [u8; 32] {
    extra_hash(&request.query, request.observations.iter().map(|entry| (&entry.signed.observation[..], entry.observer)))
}
