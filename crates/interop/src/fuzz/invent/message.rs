//! Messages, and the limits of a plugin.

use crate::fuzz::dice::Dice;
use bytes::Bytes;
use ocr2::message::{
    AttributedObservation, AttributedSignature, Final, Observe, ObserveReq, Report, ReportReq, SignedObservation,
};
use ocr2::{Epoch, Message, RoundId};
use serde_json::{Value, json};
use std::sync::Arc;

pub fn message(dice: &mut Dice) -> Value {
    let message = any(dice);
    let limit = |dice: &mut Dice| dice.below(40);
    json!({
        "bytes": hex::encode(message.encode()),
        "limits": {
            "max_query_length": limit(dice), "max_observation_length": limit(dice), "max_report_length": limit(dice),
        },
    })
}

fn some(dice: &mut Dice) -> Bytes {
    let length = if dice.once_in(20) { dice.below(300) } else { dice.below(40) };
    dice.bytes(length).into()
}

fn any(dice: &mut Dice) -> Message {
    let at = RoundId::new(dice.number() as u32, dice.number() as u8);
    let count = if dice.once_in(10) { 29 + dice.below(6) } else { dice.below(5) };
    match dice.below(7) {
        0 => Message::NewEpoch(Epoch(dice.number() as u32)),
        1 => Message::ObserveReq(ObserveReq { at, query: some(dice) }),
        2 => Message::Observe(Observe { at, signed: signed(dice) }),
        3 => {
            let query = some(dice);
            let observation =
                |dice: &mut Dice| AttributedObservation { signed: signed(dice), observer: dice.number() as u8 };
            let observations = (0..count).map(|_| observation(dice)).collect();
            Message::ReportReq(Arc::new(ReportReq { at, query, observations }))
        }
        4 => {
            let skip = dice.once_in(2);
            Message::Report(Report { at, skip, report: some(dice), signature: some(dice) })
        }
        kind => {
            let report = some(dice);
            let extra_hash = dice.array();
            let signatures = (0..count)
                .map(|_| AttributedSignature { signature: some(dice), signer: dice.number() as u8 })
                .collect();
            let last = Arc::new(Final { at, extra_hash, report, signatures });
            if kind == 5 { Message::Final(last) } else { Message::FinalEcho(last) }
        }
    }
}

fn signed(dice: &mut Dice) -> SignedObservation {
    SignedObservation { observation: some(dice), signature: some(dice) }
}
