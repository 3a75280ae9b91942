//! Its source is wrong by a half, and as leader it sees to it that this counts: it shows its own observation several times,
//! or too few of the others', or puts its own in the others' mouths.

use crate::{Chance, Oracle};
use alloc::sync::Arc;
use bytes::Bytes;
use machine::{Effect, Effects, Event, Machine, Mono, Time};
use median::{Observation, Value};
use ocr2::message::{AttributedObservation, Message, ReportReq, SignedObservation};
use ocr2::protocol::{Answer, Ocr2};

pub struct Biased {
    honest: Oracle,
    chance: Chance,
    /// What it said last.
    own: Option<SignedObservation>,
    out: Effects<Ocr2>,
}

impl Biased {
    pub fn new(honest: Oracle, chance: Chance) -> Self {
        Biased { honest, chance, own: None, out: Effects::default() }
    }

    fn bent(&mut self, request: &ReportReq) -> Option<ReportReq> {
        let own = self.own.as_ref()?;
        let place = request.observations.iter().position(|entry| entry.signed == *own)?;
        let observations = &request.observations;
        let observations = match self.chance.below(4) {
            0 => observations.iter().map(|_| observations[place].clone()).collect(),
            // Its own and one other: too few for any f.
            1 => {
                let other = observations.iter().enumerate().find(|(index, _)| *index != place);
                core::iter::once(place)
                    .chain(other.map(|(index, _)| index))
                    .map(|at| observations[at].clone())
                    .collect()
            }
            2 => {
                let say =
                    |entry: &AttributedObservation| AttributedObservation { signed: own.clone(), ..entry.clone() };
                observations.iter().map(say).collect()
            }
            _ => return None,
        };
        Some(ReportReq { observations, ..request.clone() })
    }
}

/// Half as much again.
fn raised(observation: &Bytes) -> Bytes {
    let Ok(mut observed) = Observation::decode(observation) else { return observation.clone() };
    let half = observed.value / Value::try_from(2).expect("fits");
    observed.value = observed.value.saturating_add(half);
    observed.encode(false).into()
}

impl Machine for Biased {
    type Protocol = Ocr2;

    fn handle(&mut self, now: Time, event: Event<Ocr2>, out: &mut Effects<Ocr2>) {
        let event = match event {
            Event::Answered { ticket, answer: Some(Answer::Observation(observation)) } => {
                Event::Answered { ticket, answer: Some(Answer::Observation(raised(&observation))) }
            }
            honest => honest,
        };
        let mut said = core::mem::take(&mut self.out);
        self.honest.handle(now, event, &mut said);
        for effect in said.drain() {
            let Effect::Send { to, message } = effect else {
                out.push(effect);
                continue;
            };
            let bent = match &*message {
                Message::Observe(observe) => {
                    self.own = Some(observe.signed.clone());
                    None
                }
                Message::ReportReq(request) => self.bent(request),
                Message::NewEpoch(_)
                | Message::ObserveReq(_)
                | Message::Report(_)
                | Message::Final(_)
                | Message::FinalEcho(_) => None,
            };
            out.send(to, bent.map_or(message, |request| Arc::new(Message::ReportReq(request.into()))));
        }
        self.out = said;
    }

    fn deadline(&self) -> Option<Mono> {
        self.honest.deadline()
    }
}
