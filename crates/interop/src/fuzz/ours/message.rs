//! The seven messages of OCR2.

use super::{Answer, found, hex};
use crate::fuzz::request::{Fields, refused};
use bytes::Bytes;
use ocr2::Message;
use ocr2::message::{Final, SignedObservation};
use ocr2::transport::PluginLimits;
use serde_json::{Value, json};

pub fn message(request: &Fields<'_>) -> Answer {
    let bytes = Bytes::from(request.bytes("bytes")?);
    let decoded = Message::decode(&bytes).map_err(refused)?;
    let reencoded = decoded.encode();
    let again = Message::decode(&Bytes::from(reencoded.clone())).map_err(refused)?;
    if again != decoded {
        return Err(refused("encoding changed it"));
    }
    let mut answer = found([
        ("decoded", describe(&decoded)),
        ("canonical", (reencoded == bytes).into()),
        ("reencoded", hex(reencoded)),
    ]);
    if request.optional("limits").is_some() {
        let limits = limits(&request.object("limits")?)?;
        answer.insert("size_ok".into(), decoded.check_size(&limits).is_ok().into());
    }
    Ok(answer)
}

/// The plugin's three limits.
pub fn limits(fields: &Fields<'_>) -> Result<PluginLimits, super::No> {
    Ok(PluginLimits {
        query_bytes_max: fields.number("max_query_length")?,
        observation_bytes_max: fields.number("max_observation_length")?,
        report_bytes_max: fields.number("max_report_length")?,
    })
}

fn describe(message: &Message) -> Value {
    let signed = |signed: &SignedObservation| (hex(&signed.observation), hex(&signed.signature));
    match message {
        Message::NewEpoch(epoch) => json!({"NewEpoch": {"epoch": epoch.0}}),
        Message::ObserveReq(m) => {
            json!({"ObserveReq": {"epoch": m.at.epoch.0, "round": m.at.round.0, "query": hex(&m.query)}})
        }
        Message::Observe(m) => {
            let (observation, signature) = signed(&m.signed);
            json!({"Observe": {
                "epoch": m.at.epoch.0, "round": m.at.round.0, "observation": observation, "signature": signature,
            }})
        }
        Message::ReportReq(m) => {
            let observations: Vec<Value> = (m.observations.iter())
                .map(|entry| {
                    let (observation, signature) = signed(&entry.signed);
                    json!({"observer": entry.observer, "observation": observation, "signature": signature})
                })
                .collect();
            json!({"ReportReq": {
                "epoch": m.at.epoch.0, "round": m.at.round.0, "query": hex(&m.query), "observations": observations,
            }})
        }
        Message::Report(m) => json!({"Report": {
            "epoch": m.at.epoch.0, "round": m.at.round.0, "skip": m.skip,
            "report": hex(&m.report), "signature": hex(&m.signature),
        }}),
        Message::Final(m) => json!({"Final": describe_final(m)}),
        Message::FinalEcho(m) => json!({"FinalEcho": describe_final(m)}),
    }
}

fn describe_final(m: &Final) -> Value {
    let signatures: Vec<Value> = (m.signatures.iter())
        .map(|entry| json!({"signer": entry.signer, "signature": hex(&entry.signature)}))
        .collect();
    json!({
        "epoch": m.at.epoch.0, "round": m.at.round.0, "h": hex(m.extra_hash), "report": hex(&m.report),
        "signatures": signatures,
    })
}
