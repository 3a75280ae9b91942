//! It keeps what it heard and said, and sends it to everyone again later.

use crate::{Chance, Oracle};
use alloc::sync::Arc;
use alloc::vec::Vec;
use machine::{Effect, Effects, Event, Machine, Mono, Time};
use ocr::OracleSet;
use ocr2::message::Message;
use ocr2::protocol::Ocr2;

const KEPT: usize = 256;

pub struct Replaying {
    honest: Oracle,
    chance: Chance,
    kept: Vec<Arc<Message>>,
    everyone: OracleSet,
}

impl Replaying {
    pub fn new(honest: Oracle, chance: Chance) -> Self {
        Replaying { honest, chance, kept: Vec::new(), everyone: OracleSet::EMPTY }
    }

    fn keep(&mut self, message: Arc<Message>) {
        if self.kept.len() < KEPT {
            self.kept.push(message);
        } else {
            let place = self.chance.below(KEPT);
            self.kept[place] = message;
        }
    }
}

impl Machine for Replaying {
    type Protocol = Ocr2;

    fn handle(&mut self, now: Time, event: Event<Ocr2>, out: &mut Effects<Ocr2>) {
        if let Event::Received { message, .. } = &event {
            self.keep(message.clone());
        }
        let begin = out.as_slice().len();
        self.honest.handle(now, event, out);
        let mut said = Vec::new();
        for effect in &out.as_slice()[begin..] {
            if let Effect::Send { to, message } = effect {
                self.everyone = self.everyone.union(*to);
                said.push(message.clone());
            }
        }
        said.into_iter().for_each(|message| self.keep(message));
        if !self.kept.is_empty() && self.chance.once_in(4) {
            let again = self.kept[self.chance.below(self.kept.len())].clone();
            // Not to itself: a machine's own messages come back through its host.
            out.send(self.everyone, again);
        }
    }

    fn deadline(&self) -> Option<Mono> {
        self.honest.deadline()
    }
}
