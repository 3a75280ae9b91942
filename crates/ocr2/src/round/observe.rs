//! Everyone observes and signs; the leader collects (OCR2 spec 6.3, 6.4).

use bytes::Bytes;
use crypto::ed25519;
use machine::{Claim, Mono, Ticket, Time, Verdicts};
use ocr::{OracleId, PerOracle};

use crate::{
    message::{Message, Observe, SignedObservation, observation_fits},
    oracle::{Judge, Oracle, Waiting},
    protocol::{Answer, AskFailure, Effects, Work},
    refusal::{Early, Fault, Refusal, Stale},
    round::{Leader, LeaderPhase},
    round_id::{Round, RoundId},
    signing::observation_digest,
};

/// Where our observation of the round is.
#[derive(Debug)]
pub(crate) enum Observing {
    /// It is not asked for, or failed.
    Idle,
    /// The plugin makes it.
    Asked { waiting: Waiting, query: Bytes },
    /// The off-chain key signs it.
    Signing { waiting: Waiting, query: Bytes, observation: Bytes },
    /// It is sent.
    Sent { query: Bytes, signed: SignedObservation },
}

impl Observing {
    pub fn waiting(&self) -> Option<&Waiting> {
        match self {
            Self::Asked { waiting, .. } | Self::Signing { waiting, .. } => Some(waiting),
            Self::Idle | Self::Sent { .. } => None,
        }
    }

    pub fn waits_for(&self, ticket: Ticket) -> bool {
        self.waiting().is_some_and(|waiting| waiting.ticket == ticket)
    }
}

/// The leader's observations of the round, each verified.
#[derive(Debug)]
pub(crate) struct Collecting {
    pub query: Bytes,
    pub observations: PerOracle<Option<SignedObservation>>,
    pub count: usize,
    /// Until when late ones may come; `None` while there are not enough.
    pub grace_until: Option<Mono>,
}

impl Oracle {
    /// Asks the plugin for our observation. That we entered the round is stored meanwhile.
    pub(crate) fn observe(&mut self, now: Time, at: RoundId, query: &Bytes, out: &mut Effects) {
        let duration_max = self.setup.config.parameters.max_duration_observation;
        let waiting = self.asks.ask(now, duration_max, Work::Observe { at, query: query.clone() }, out);
        self.follower.observing = Observing::Asked { waiting, query: query.clone() };
        self.enter(at, out);
    }

    /// The plugin observed, or the key signed.
    pub(crate) fn on_observation(&mut self, now: Time, answer: Option<Answer>, out: &mut Effects) {
        let at = self.follower_at();
        let idle = core::mem::replace(&mut self.follower.observing, Observing::Idle);
        let (waiting, outcome) = match (idle, answer) {
            (Observing::Asked { waiting, query }, Some(Answer::Observation(observation))) => {
                let outcome = self.sign_observation(now, at, query, observation, out);
                (waiting, outcome)
            }
            (Observing::Signing { query, observation, .. }, Some(Answer::Signature(signature)))
                if signature.len() == ed25519::SIGNATURE_LEN =>
            {
                let signed = SignedObservation { observation, signature };
                self.follower.observing = Observing::Sent { query, signed: signed.clone() };
                out.send(self.pacemaker.leader().into(), Message::Observe(Observe { at, signed }));
                return;
            }
            (Observing::Asked { waiting, .. } | Observing::Signing { waiting, .. }, Some(_)) => {
                (waiting, Err(AskFailure::WrongKind))
            }
            (Observing::Asked { waiting, .. } | Observing::Signing { waiting, .. }, None) => {
                (waiting, Err(AskFailure::Failed))
            }
            (state @ (Observing::Idle | Observing::Sent { .. }), _) => {
                self.follower.observing = state;
                return;
            }
        };
        if let Err(failure) = outcome {
            waiting.failed(Some(at), failure, out);
        }
    }

    fn sign_observation(
        &mut self,
        now: Time,
        at: RoundId,
        query: Bytes,
        observation: Bytes,
        out: &mut Effects,
    ) -> Result<(), AskFailure> {
        observation_fits(&observation, &self.rules.plugin.limits)?;
        let digest = observation_digest(self.rules.config_digest, at.epoch.0, at.round.0, &query, &observation);
        // A signature is of use as long as the epoch can be.
        let duration_max = self.setup.config.parameters.delta_progress;
        let waiting = self.asks.ask(now, duration_max, Work::SignObservation { at, digest }, out);
        self.follower.observing = Observing::Signing { waiting, query, observation };
        Ok(())
    }

    pub(crate) fn on_time_in_observe(&mut self, now: Time, out: &mut Effects) {
        if let Some(waiting) = self.follower.observing.waiting()
            && waiting.is_overdue(now)
        {
            waiting.give_up(Some(self.follower_at()), out);
            self.follower.observing = Observing::Idle;
        }
        if let Some(Leader { phase: LeaderPhase::Collecting(collecting), .. }) = &self.leader
            && collecting.grace_until.is_some_and(|until| until <= now.mono)
        {
            self.request_reports(out);
        }
    }

    /// An observation for the leader.
    pub(crate) fn on_observe(
        &mut self,
        now: Time,
        from: OracleId,
        m: &Observe,
        verdicts: &Verdicts,
        out: &mut Effects,
    ) -> Result<(), Refusal> {
        self.judge_observe(from, m, &mut |_, claim| verdicts.holds(&claim))?;
        let committee = self.rules.committee;
        let Some(Leader { phase: LeaderPhase::Collecting(collecting), .. }) = &mut self.leader else { return Ok(()) };
        collecting.observations[from] = Some(m.signed.clone());
        collecting.count += 1;
        if collecting.count == committee.n() {
            // Nobody is left to wait for.
            self.request_reports(out);
        } else if collecting.grace_until.is_none() && collecting.count >= committee.honest_majority() {
            collecting.grace_until = Some(now.mono + self.setup.config.parameters.delta_grace);
        }
        Ok(())
    }

    pub(crate) fn judge_observe(&self, from: OracleId, m: &Observe, judge: &mut Judge<'_>) -> Result<(), Refusal> {
        self.check_epoch(m.at)?;
        let leader = self.check_leading()?;
        Self::check_round(m.at.round, leader.round)?;
        let collecting = match &leader.phase {
            LeaderPhase::Collecting(collecting) => collecting,
            LeaderPhase::Querying(_) => {
                let (got, current) = (m.at.round, Round(leader.round.0 - 1));
                return Err(Early::FutureRound { got, current }.into());
            }
            LeaderPhase::Tallying(_) | LeaderPhase::Decided | LeaderPhase::Dead => {
                return Err(Stale::ObservationsClosed.into());
            }
        };
        if collecting.observations[from].is_some() {
            return Err(Stale::ObservedBefore.into());
        }
        if from == self.setup.me && self.is_own_observation(m.at, &collecting.query, &m.signed) {
            return Ok(());
        }
        let claim = self.observation_claim(m.at, &collecting.query, from, &m.signed);
        if claim.is_some_and(|claim| judge(from, claim)) { Ok(()) } else { Err(Fault::ObservationSignature.into()) }
    }

    /// Whether it is what we signed and sent in this round.
    pub(crate) fn is_own_observation(&self, at: RoundId, query: &Bytes, signed: &SignedObservation) -> bool {
        let is_sent = |observing: &Observing| match observing {
            Observing::Sent { query: sent_query, signed: sent } => sent_query == query && sent == signed,
            Observing::Idle | Observing::Asked { .. } | Observing::Signing { .. } => false,
        };
        at == self.follower_at() && is_sent(&self.follower.observing)
    }

    /// What `signed` asks one to believe if it is `observer`'s; `None` if its length shows that it is not.
    pub(crate) fn observation_claim(
        &self,
        at: RoundId,
        query: &[u8],
        observer: OracleId,
        signed: &SignedObservation,
    ) -> Option<Claim> {
        let digest = observation_digest(self.rules.config_digest, at.epoch.0, at.round.0, query, &signed.observation);
        Claim::ed25519(self.setup.config.oracles[observer].offchain_key, digest, &signed.signature)
    }
}
