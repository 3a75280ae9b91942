//! Networking: names, frames, knocks, certificates, discovery.

use super::{Answer, decimal, found, hex, verdict};
use crate::fuzz::request::{Fields, No, bytes, refused, wrong};
use crypto::ed25519::SecretKey;
use p2p_proto::announcement::{self, Message};
use p2p_proto::frame::{Header, Kind};
use p2p_proto::{Class, Generation, PeerId, StreamId, address, knock};
use serde_json::{Value, json};

fn peer(request: &Fields<'_>, name: &str) -> Result<PeerId, No> {
    request.array(name).map(PeerId)
}

pub fn peer_id(request: &Fields<'_>) -> Answer {
    let id = match (request.optional("text"), request.optional("public_key")) {
        (Some(_), None) => request.text("text")?.parse().map_err(refused)?,
        (None, Some(_)) => peer(request, "public_key")?,
        _ => return Err(wrong("text, public_key", "wanted one of them")),
    };
    Ok(found([("text", decimal(id)), ("public_key", hex(id.0)), ("binary", hex(id.to_binary()))]))
}

pub fn frame(request: &Fields<'_>) -> Answer {
    let generation = match request.text("generation")? {
        "old" => Generation::Old,
        "new" => Generation::New,
        _ => return Err(wrong("generation", "neither old nor new")),
    };
    let decoded = Header::decode(generation, &request.bytes("bytes")?).map_err(refused)?;
    let Some((header, length)) = decoded else { return Ok(found([("incomplete", true.into())])) };
    // Old's decoder judges the type only; its rules of length are in its reader.
    if generation == Generation::New {
        header.judge(generation).map_err(refused)?;
    }
    let (number, request_id) = match header.kind {
        Kind::Open => (1, None),
        Kind::Close => (2, None),
        Kind::Message(Class::Plain) => (3, None),
        Kind::Message(Class::Request(id)) => (4, Some(id)),
        Kind::Message(Class::Response(id)) => (5, Some(id)),
    };
    let mut reencoded = Vec::new();
    header.encode(&mut reencoded);
    let mut answer = found([
        ("type", number.into()),
        ("stream_id", hex(header.stream.0)),
        ("payload_length", header.payload_length.into()),
        ("header_length", length.into()),
        ("reencoded", hex(reencoded)),
    ]);
    if let Some(id) = request_id {
        answer.insert("request_id".into(), hex(id.0));
    }
    Ok(answer)
}

pub fn stream_id(request: &Fields<'_>) -> Answer {
    let id = StreamId::new(peer(request, "a")?, peer(request, "b")?, request.text("name")?);
    Ok(found([("stream_id", hex(id.0))]))
}

pub fn knock(request: &Fields<'_>) -> Answer {
    let dialer = knock::verify(&request.bytes("knock")?, peer(request, "listener_public_key")?).map_err(refused)?;
    Ok(found([("dialer_public_key", hex(dialer.0))]))
}

pub fn knock_build(request: &Fields<'_>) -> Answer {
    let dialer = SecretKey::from_seed(&request.array("dialer_seed")?);
    Ok(found([("knock", hex(knock::build(&dialer, peer(request, "listener_public_key")?)))]))
}

pub fn certificate(request: &Fields<'_>) -> Answer {
    let chain = request.each("chain", bytes)?;
    let expected = peer(request, "expected_public_key")?;
    verdict(p2p_proto::certificate::verify(chain.iter().map(Vec::as_slice), expected).map(drop))
}

pub fn discovery(request: &Fields<'_>) -> Answer {
    let message = Message::decode(&request.bytes("bytes")?).map_err(refused)?;
    let checked = message.check();
    let (kind, list) = match &message {
        Message::Announcement(fields) => ("announcement", std::slice::from_ref(fields)),
        Message::Reconcile(list) => ("reconcile", list.as_slice()),
    };
    let described: Vec<Value> = list.iter().map(describe).collect();
    let mut answer = found([("message", kind.into()), ("announcements", described.into())]);
    match (&message, checked) {
        (Message::Announcement(_), Ok(list)) => {
            answer.insert("reencoded".into(), hex(announcement::encode_announcement(&list[0])));
        }
        (Message::Reconcile(_), Ok(list)) => {
            answer.insert("reencoded".into(), hex(announcement::encode_reconcile(&list)));
        }
        // One announcement that is not well-formed is enough to ignore them all.
        (Message::Reconcile(_), Err(why)) => {
            answer.insert("not_well_formed".into(), why.to_string().into());
        }
        (Message::Announcement(_), Err(_)) => {}
    }
    Ok(answer)
}

fn describe(fields: &announcement::Fields) -> Value {
    let judged = judge(fields);
    let mut described = json!({
        "counter": decimal(fields.counter), "public_key": hex(&fields.public_key), "sig": hex(&fields.signature),
        "ok": judged.is_ok(),
    });
    let texts: Result<Vec<&str>, _> = fields.addresses.iter().map(|address| std::str::from_utf8(address)).collect();
    match texts {
        Ok(texts) => described["addrs"] = texts.into(),
        Err(_) => described["addrs_hex"] = fields.addresses.iter().map(hex).collect(),
    }
    described
}

fn judge(fields: &announcement::Fields) -> Result<(), String> {
    let announcement = fields.check().map_err(|error| error.to_string())?;
    if announcement.verify() { Ok(()) } else { Err("wrong signature".into()) }
}

pub fn announcement(request: &Fields<'_>) -> Answer {
    let fields = announcement::Fields {
        addresses: request.each("addrs", |text| Some(text.as_str()?.as_bytes().to_vec()))?,
        counter: request.number("counter")?,
        public_key: request.bytes("public_key")?,
        signature: if request.optional("sig").is_some() { request.bytes("sig")? } else { Vec::new() },
    };
    verdict(judge(&fields))
}

pub fn announcement_address(request: &Fields<'_>) -> Answer {
    Ok(found([("valid", address::announced(request.text("text")?).is_ok().into())]))
}
