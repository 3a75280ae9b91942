//! It shows different peers different things: as leader other observations to one half of the committee than to the other,
//! and its final report to one half only.

use crate::Oracle;
use machine::{Effect, Effects, Event, Machine, Mono, Time};
use ocr::OracleSet;
use ocr2::message::Message;
use ocr2::protocol::Ocr2;

pub struct TwoFaced {
    honest: Oracle,
    out: Effects<Ocr2>,
}

impl TwoFaced {
    pub fn new(honest: Oracle) -> Self {
        TwoFaced { honest, out: Effects::default() }
    }
}

impl Machine for TwoFaced {
    type Protocol = Ocr2;

    fn handle(&mut self, now: Time, event: Event<Ocr2>, out: &mut Effects<Ocr2>) {
        self.honest.handle(now, event, &mut self.out);
        for effect in self.out.drain() {
            let Effect::Send { to, message } = &effect else {
                out.push(effect);
                continue;
            };
            let (left, right): (OracleSet, OracleSet) = halves(*to);
            match &**message {
                Message::ReportReq(request) => {
                    let mut other = (**request).clone();
                    // One observation less if there are enough, or at least in another order.
                    other.observations.reverse();
                    if other.observations.len() * 3 > to.len() * 2 + 3 {
                        other.observations.pop();
                    }
                    out.send(left, message.clone());
                    out.send(right, Message::ReportReq(other.into()));
                }
                Message::Final(_) => out.send(left, message.clone()),
                Message::NewEpoch(_)
                | Message::ObserveReq(_)
                | Message::Observe(_)
                | Message::Report(_)
                | Message::FinalEcho(_) => out.push(effect),
            }
        }
    }

    fn deadline(&self) -> Option<Mono> {
        self.honest.deadline()
    }
}

fn halves(all: OracleSet) -> (OracleSet, OracleSet) {
    let half = all.len() / 2;
    (all.iter().take(half).collect(), all.iter().skip(half).collect())
}
