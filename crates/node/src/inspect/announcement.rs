//! A message of the discovery stream, or one announcement as it is stored, taken apart.

use super::input::Input;
use crate::bad_input::BadInput;
use p2p_proto::announcement::{Announcement, Fields, Message};
use serde_json::{Value, json};

/// `{"message": "announcement" | "reconcile" | "bare", "announcements": [{…, "ok": whether its
/// signature is right}]}`.
pub fn explain(input: &Input) -> Result<Value, BadInput> {
    let bytes = input.bytes()?;
    // A message has none of the fields that a bare announcement needs, so at most one of the two readings succeeds.
    if let Ok(bare) = Announcement::decode(&bytes) {
        return Ok(json!({ "message": "bare", "announcements": [shown(&bare)] }));
    }
    let message = Message::decode(&bytes).map_err(|error| BadInput::new(error.to_string()))?;
    let (kind, fields) = match message {
        Message::Announcement(fields) => ("announcement", vec![fields]),
        Message::Reconcile(list) => ("reconcile", list),
    };
    let announcements: Vec<Value> = fields.iter().map(judged).collect();
    Ok(json!({ "message": kind, "announcements": announcements }))
}

/// One that is not well-formed is shown as it came, with the reason.
fn judged(fields: &Fields) -> Value {
    match fields.check() {
        Ok(announcement) => shown(&announcement),
        Err(problem) => json!({
            "public_key": hex::encode(&fields.public_key),
            "addrs": fields.addresses.iter().map(|address| String::from_utf8_lossy(address)).collect::<Vec<_>>(),
            "counter": fields.counter.to_string(),
            "sig": hex::encode(&fields.signature),
            "ok": false,
            "problem": problem.to_string(),
        }),
    }
}

fn shown(announcement: &Announcement) -> Value {
    json!({
        "peer_id": announcement.peer.to_string(),
        "public_key": hex::encode(announcement.peer.0),
        "addrs": announcement.addresses,
        "counter": announcement.counter.to_string(),
        "digest": hex::encode(announcement.digest()),
        "sig": hex::encode(&announcement.signature),
        "ok": announcement.verify(),
    })
}
