//! It runs twice with one identity: both hear everything, both speak, and neither knows what the other has signed.

use crate::Oracle;
use machine::{Effect, Effects, Event, Machine, Mono, Ticket, Time};
use ocr2::protocol::{Ocr2, Order};

pub struct Twins {
    twins: [Oracle; 2],
    out: Effects<Ocr2>,
}

impl Twins {
    pub fn new(one: Oracle, other: Oracle) -> Self {
        Twins { twins: [one, other], out: Effects::default() }
    }

    fn hand(&mut self, index: usize, now: Time, event: Event<Ocr2>, out: &mut Effects<Ocr2>) {
        self.twins[index].handle(now, event, &mut self.out);
        // Each twin has every second ticket. Only the first one's records are kept: there is one disk.
        let ticket_of = |ticket: Ticket| Ticket(ticket.0 * 2 + index as u64);
        for effect in self.out.drain() {
            match effect {
                Effect::Ask { ticket, ask } => out.ask(ticket_of(ticket), ask),
                Effect::Forget(ticket) => out.forget(ticket_of(ticket)),
                Effect::Persist(_) if index == 1 => {}
                other @ (Effect::Persist(_) | Effect::Send { .. } | Effect::Emit(_)) => out.push(other),
            }
        }
    }
}

impl Machine for Twins {
    type Protocol = Ocr2;

    fn handle(&mut self, now: Time, event: Event<Ocr2>, out: &mut Effects<Ocr2>) {
        match event {
            Event::Answered { ticket, answer } => {
                let (index, ticket) = ((ticket.0 % 2) as usize, Ticket(ticket.0 / 2));
                self.hand(index, now, Event::Answered { ticket, answer }, out);
            }
            Event::Woke => {
                self.hand(0, now, Event::Woke, out);
                self.hand(1, now, Event::Woke, out);
            }
            Event::Received { from, message, verdicts } => {
                let again = Event::Received { from, message: message.clone(), verdicts: verdicts.clone() };
                self.hand(0, now, again, out);
                self.hand(1, now, Event::Received { from, message, verdicts }, out);
            }
            Event::Told(Order::Configure(config)) => {
                self.hand(0, now, Event::Told(Order::Configure(config.clone())), out);
                self.hand(1, now, Event::Told(Order::Configure(config)), out);
            }
        }
    }

    fn deadline(&self) -> Option<Mono> {
        let [one, other] = [self.twins[0].deadline(), self.twins[1].deadline()];
        match (one, other) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }
}
