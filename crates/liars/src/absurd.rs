//! Its source lies: values at the ends of the range, zero, the double and the half, and bytes that are no observation.

use crate::{Chance, Oracle};
use bytes::Bytes;
use machine::{Effects, Event, Machine, Mono, Time};
use median::{Observation, Value};
use ocr2::protocol::{Answer, Ocr2};

pub struct Absurd {
    honest: Oracle,
    chance: Chance,
}

impl Absurd {
    pub fn new(honest: Oracle, chance: Chance) -> Self {
        Absurd { honest, chance }
    }

    fn absurd(&mut self, observation: &Bytes) -> Bytes {
        let Ok(mut observed) = Observation::decode(observation) else { return observation.clone() };
        match self.chance.below(7) {
            0 => observed.value = Value::MAX,
            1 => observed.value = Value::MIN,
            2 => observed.value = Value::ZERO,
            // The value as a varint: a decoder that refuses instead of skipping splits the committee.
            3 => return Bytes::from_static(&[0x10, 0x07]),
            // Not so absurd that nobody would believe it.
            4 => observed.value = observed.value.saturating_add(observed.value),
            5 => observed.value /= Value::try_from(2).expect("fits"),
            _ => {
                observed.timestamp = u32::MAX;
                observed.juels_per_fee_coin = Value::MIN;
            }
        }
        observed.encode(false).into()
    }
}

impl Machine for Absurd {
    type Protocol = Ocr2;

    fn handle(&mut self, now: Time, event: Event<Ocr2>, out: &mut Effects<Ocr2>) {
        let event = match event {
            Event::Answered { ticket, answer: Some(Answer::Observation(observation)) } => {
                let answer = Some(Answer::Observation(self.absurd(&observation)));
                Event::Answered { ticket, answer }
            }
            honest => honest,
        };
        self.honest.handle(now, event, out);
    }

    fn deadline(&self) -> Option<Mono> {
        self.honest.deadline()
    }
}
