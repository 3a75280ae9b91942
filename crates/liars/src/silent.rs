//! As leader it says nothing: no query, no request for reports, no final report.

use crate::Oracle;
use machine::{Effect, Effects, Event, Machine, Mono, Time};
use ocr2::message::Message;
use ocr2::protocol::Ocr2;

pub struct Silent {
    honest: Oracle,
    out: Effects<Ocr2>,
}

impl Silent {
    pub fn new(honest: Oracle) -> Self {
        Silent { honest, out: Effects::default() }
    }
}

impl Machine for Silent {
    type Protocol = Ocr2;

    fn handle(&mut self, now: Time, event: Event<Ocr2>, out: &mut Effects<Ocr2>) {
        self.honest.handle(now, event, &mut self.out);
        for effect in self.out.drain() {
            match &effect {
                Effect::Send { message, .. } => match **message {
                    Message::ObserveReq(_) | Message::ReportReq(_) | Message::Final(_) => {}
                    Message::NewEpoch(_) | Message::Observe(_) | Message::Report(_) | Message::FinalEcho(_) => {
                        out.push(effect);
                    }
                },
                Effect::Persist(_) | Effect::Ask { .. } | Effect::Forget(_) | Effect::Emit(_) => out.push(effect),
            }
        }
    }

    fn deadline(&self) -> Option<Mono> {
        self.honest.deadline()
    }
}
