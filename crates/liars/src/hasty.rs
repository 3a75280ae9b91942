//! It wants later epochs all the time, from the next one to the last there is.

use crate::{Chance, Oracle};
use core::time::Duration;
use machine::{Effect, Effects, Event, Machine, Mono, Time};
use ocr::OracleSet;
use ocr2::message::Message;
use ocr2::protocol::Ocr2;
use ocr2::round_id::Epoch;

const PAUSE: Duration = Duration::from_millis(150);

pub struct Hasty {
    honest: Oracle,
    chance: Chance,
    /// Whom a broadcast goes to, learned from the honest ones.
    everyone: OracleSet,
    epoch: u32,
    next: Mono,
}

impl Hasty {
    pub fn new(honest: Oracle, chance: Chance) -> Self {
        Hasty { honest, chance, everyone: OracleSet::EMPTY, epoch: 1, next: Mono(0) }
    }
}

impl Machine for Hasty {
    type Protocol = Ocr2;

    fn handle(&mut self, now: Time, event: Event<Ocr2>, out: &mut Effects<Ocr2>) {
        let begin = out.as_slice().len();
        self.honest.handle(now, event, out);
        for effect in &out.as_slice()[begin..] {
            if let Effect::Send { to, message } = effect
                && let Message::NewEpoch(epoch) = **message
            {
                self.everyone = *to;
                self.epoch = self.epoch.max(epoch.0);
            }
        }
        if self.next <= now.mono {
            self.next = now.mono + PAUSE;
            let wish = match self.chance.below(4) {
                0 => self.epoch.saturating_add(self.chance.below(1000) as u32),
                1 => u32::MAX - self.chance.below(3) as u32,
                _ => self.epoch.saturating_add(1),
            };
            out.send(self.everyone, Message::NewEpoch(Epoch(wish)));
        }
    }

    fn deadline(&self) -> Option<Mono> {
        Some(self.honest.deadline().map_or(self.next, |deadline| deadline.min(self.next)))
    }
}
