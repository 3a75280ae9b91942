//! It stores nothing and starts anew every few seconds, so it breaks every promise that it made before.

use crate::{Chance, MakeHonest, Oracle};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;
use machine::{Effect, Effects, Event, Machine, Mono, Ticket, Time};
use ocr::ContractConfig;
use ocr2::protocol::{Ocr2, Order};

pub struct Amnesiac {
    make: MakeHonest,
    now: Oracle,
    chance: Chance,
    /// What the chain would tell it again.
    config: Option<Arc<ContractConfig>>,
    next: Option<Mono>,
    /// Tickets of earlier selves must not be taken for those of this one.
    selves: u64,
    out: Effects<Ocr2>,
}

const SELF_BITS: u32 = 40;

impl Amnesiac {
    pub fn new(make: MakeHonest, chance: Chance) -> Self {
        let now = make(Vec::new());
        Amnesiac { make, now, chance, config: None, next: None, selves: 0, out: Effects::default() }
    }

    fn own(&self, ticket: Ticket) -> Option<Ticket> {
        (ticket.0 >> SELF_BITS == self.selves).then_some(Ticket(ticket.0 & ((1 << SELF_BITS) - 1)))
    }
}

impl Machine for Amnesiac {
    type Protocol = Ocr2;

    fn handle(&mut self, now: Time, event: Event<Ocr2>, out: &mut Effects<Ocr2>) {
        let mut said = core::mem::take(&mut self.out);
        let next = *self.next.get_or_insert(now.mono + Duration::from_secs(2));
        if next <= now.mono {
            self.next = Some(now.mono + Duration::from_millis(1000 + self.chance.below(5000) as u64));
            self.selves += 1;
            self.now = (self.make)(Vec::new());
            self.now.handle(now, Event::Woke, &mut said);
            if let Some(config) = &self.config {
                self.now.handle(now, Event::Told(Order::Configure(config.clone())), &mut said);
            }
        }
        match event {
            Event::Answered { ticket, answer } => {
                if let Some(ticket) = self.own(ticket) {
                    self.now.handle(now, Event::Answered { ticket, answer }, &mut said);
                }
            }
            Event::Told(Order::Configure(config)) => {
                self.config = Some(config.clone());
                self.now.handle(now, Event::Told(Order::Configure(config)), &mut said);
            }
            other => self.now.handle(now, other, &mut said),
        }
        for effect in said.drain() {
            match effect {
                Effect::Persist(_) => {}
                Effect::Ask { ticket, ask } => out.ask(Ticket(ticket.0 | self.selves << SELF_BITS), ask),
                Effect::Forget(ticket) => out.forget(Ticket(ticket.0 | self.selves << SELF_BITS)),
                other @ (Effect::Send { .. } | Effect::Emit(_)) => out.push(other),
            }
        }
        self.out = said;
    }

    fn deadline(&self) -> Option<Mono> {
        let deadline = self.now.deadline();
        match self.next {
            None => deadline,
            Some(next) => Some(deadline.map_or(next, |deadline| deadline.min(next))),
        }
    }
}
