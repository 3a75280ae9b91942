//! An OCR2 message, taken apart.

use super::input::Input;
use crate::bad_input::BadInput;
use ocr2::message::{Final, Message};
use serde_json::{Value, json};

/// `{"Kind": {fields}}`.
pub fn explain(input: &Input) -> Result<Value, BadInput> {
    let message = Message::decode(&input.bytes()?.into()).map_err(|error| BadInput::new(error.to_string()))?;
    Ok(match message {
        Message::NewEpoch(epoch) => json!({ "NewEpoch": { "epoch": epoch.0 } }),
        Message::ObserveReq(m) => json!({ "ObserveReq": {
            "epoch": m.at.epoch.0, "round": m.at.round.0, "query": hex::encode(&m.query),
        }}),
        Message::Observe(m) => json!({ "Observe": {
            "epoch": m.at.epoch.0, "round": m.at.round.0,
            "observation": hex::encode(&m.signed.observation), "signature": hex::encode(&m.signed.signature),
        }}),
        Message::ReportReq(m) => {
            let observations: Vec<Value> = m
                .observations
                .iter()
                .map(|entry| {
                    json!({
                        "observation": hex::encode(&entry.signed.observation),
                        "signature": hex::encode(&entry.signed.signature),
                        "observer": entry.observer,
                    })
                })
                .collect();
            json!({ "ReportReq": {
                "epoch": m.at.epoch.0, "round": m.at.round.0, "query": hex::encode(&m.query), "observations": observations,
            }})
        }
        Message::Report(m) => json!({ "Report": {
            "epoch": m.at.epoch.0, "round": m.at.round.0, "skip": m.skip,
            "report": hex::encode(&m.report), "signature": hex::encode(&m.signature),
        }}),
        Message::Final(m) => json!({ "Final": final_fields(&m) }),
        Message::FinalEcho(m) => json!({ "FinalEcho": final_fields(&m) }),
    })
}

fn final_fields(m: &Final) -> Value {
    let signatures: Vec<Value> = m
        .signatures
        .iter()
        .map(|entry| json!({ "signature": hex::encode(&entry.signature), "signer": entry.signer }))
        .collect();
    json!({
        "epoch": m.at.epoch.0, "round": m.at.round.0, "h": hex::encode(m.extra_hash),
        "report": hex::encode(&m.report), "signatures": signatures,
    })
}
