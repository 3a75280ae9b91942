//! What it signs or passes on as signed is rubbish now and then: a bent byte, another length, somebody else's name.

use crate::{Chance, Oracle};
use alloc::sync::Arc;
use bytes::Bytes;
use machine::{Effect, Effects, Event, Machine, Mono, Time};
use ocr2::message::{Final, Message};
use ocr2::protocol::Ocr2;

pub struct Forging {
    honest: Oracle,
    chance: Chance,
    out: Effects<Ocr2>,
}

impl Forging {
    pub fn new(honest: Oracle, chance: Chance) -> Self {
        Forging { honest, chance, out: Effects::default() }
    }

    fn bend(&mut self, signature: &Bytes) -> Bytes {
        let mut bytes = signature.to_vec();
        match self.chance.below(3) {
            0 => bytes.push(0),
            1 => bytes.clear(),
            _ => {
                let at = self.chance.below(bytes.len().max(1));
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1;
                }
            }
        }
        bytes.into()
    }

    fn bend_final(&mut self, report: &Final) -> Arc<Final> {
        let mut bent = report.clone();
        match self.chance.below(4) {
            0 => bent.extra_hash[0] ^= 1,
            1 => bent.signatures.iter_mut().for_each(|entry| entry.signer = 0),
            // One good signature, as often as there must be any.
            2 => {
                if let Some(first) = bent.signatures.first().cloned() {
                    bent.signatures.fill(first);
                }
            }
            _ => {
                if let Some(entry) = bent.signatures.first_mut() {
                    entry.signature = self.bend(&entry.signature);
                }
            }
        }
        Arc::new(bent)
    }

    fn forged(&mut self, message: &Message) -> Message {
        let mut message = message.clone();
        match &mut message {
            Message::NewEpoch(_) | Message::ObserveReq(_) => {}
            Message::Observe(observe) => observe.signed.signature = self.bend(&observe.signed.signature),
            Message::ReportReq(request) => {
                let mut bent = (**request).clone();
                let at = self.chance.below(bent.observations.len().max(1));
                if let Some(entry) = bent.observations.get_mut(at) {
                    entry.signed.signature = self.bend(&entry.signed.signature);
                }
                *request = Arc::new(bent);
            }
            Message::Report(report) => report.signature = self.bend(&report.signature),
            Message::Final(report) | Message::FinalEcho(report) => *report = self.bend_final(report),
        }
        message
    }
}

impl Machine for Forging {
    type Protocol = Ocr2;

    fn handle(&mut self, now: Time, event: Event<Ocr2>, out: &mut Effects<Ocr2>) {
        let mut said = core::mem::take(&mut self.out);
        self.honest.handle(now, event, &mut said);
        for effect in said.drain() {
            match effect {
                Effect::Send { to, message } if self.chance.once_in(2) => out.send(to, self.forged(&message)),
                other => out.push(other),
            }
        }
        self.out = said;
    }

    fn deadline(&self) -> Option<Mono> {
        self.honest.deadline()
    }
}
