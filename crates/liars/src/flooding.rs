//! It drowns its peers: messages of all kinds, for epochs and rounds of all kinds, most of them nonsense.

use crate::{Chance, Oracle};
use bytes::Bytes;
use machine::{Effect, Effects, Event, Machine, Mono, Time};
use ocr::OracleSet;
use ocr2::message::{Final, Message, ObserveReq, ReportReq};
use ocr2::protocol::Ocr2;
use ocr2::round_id::{Epoch, RoundId};

const AT_ONCE: usize = 4;

pub struct Flooding {
    honest: Oracle,
    chance: Chance,
    everyone: OracleSet,
    epoch: u32,
}

impl Flooding {
    pub fn new(honest: Oracle, chance: Chance) -> Self {
        Flooding { honest, chance, everyone: OracleSet::EMPTY, epoch: 1 }
    }

    fn nonsense(&mut self) -> Message {
        let epoch = self.epoch.saturating_add(self.chance.below(5) as u32).saturating_sub(1);
        let at = RoundId::new(epoch, self.chance.bits() as u8);
        let report = |chance: &mut Chance| Final {
            at,
            extra_hash: [chance.bits() as u8; 32],
            // Short enough for every committee.
            report: Bytes::from_static(&[1; 192]),
            signatures: alloc::vec::Vec::new(),
        };
        match self.chance.below(5) {
            0 => Message::NewEpoch(Epoch(epoch)),
            1 => Message::ObserveReq(ObserveReq { at, query: Bytes::new() }),
            2 => Message::ReportReq(ReportReq { at, query: Bytes::new(), observations: alloc::vec::Vec::new() }.into()),
            3 => Message::Final(report(&mut self.chance).into()),
            _ => Message::FinalEcho(report(&mut self.chance).into()),
        }
    }
}

impl Machine for Flooding {
    type Protocol = Ocr2;

    fn handle(&mut self, now: Time, event: Event<Ocr2>, out: &mut Effects<Ocr2>) {
        let woken = matches!(event, Event::Woke | Event::Answered { .. });
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
        // Not at every message: its own flood comes back to it.
        if woken {
            for _ in 0..AT_ONCE {
                let nonsense = self.nonsense();
                out.send(self.everyone, nonsense);
            }
        }
    }

    fn deadline(&self) -> Option<Mono> {
        self.honest.deadline()
    }
}
