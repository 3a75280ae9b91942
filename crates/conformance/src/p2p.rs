//! Networking vectors.

use std::{collections::BTreeMap, fmt::Display, net::IpAddr, sync::Arc, time::Duration};

use crypto::ed25519::SecretKey;
use machine::Mono;
use ocr2::transport::{PluginLimits, TransportLimits};
use p2p_proto::{
    Class, Connection, EndpointConfig, Event, Generation, Keyring, Overdraft, Peer, PeerId, Priority, ReceiveRules,
    RequestId, ResponsePolicy, StreamConfig, StreamId, StreamLimits,
    address::{self, Locator},
    allowance,
    announcement::{self, Announcement, Message},
    bucket::{self, ConnectionBucket, OverLimit, Overhead, StreamBuckets, TokenBucket},
    certificate,
    discovery::{Discovery, DiscoveryConfig, Effect, Group},
    frame::{Header, Kind},
    knock,
    limits::NOTIFICATIONS_MAX,
    ring::Ring,
};
use serde_json::Value;

use crate::{
    Verdict,
    case::{Checked, Fields, failed, hex_bytes, number, same, same_bytes, unknown, verdict},
    limits::RATE_TOLERANCE,
};

/// Judges one case of `p2p/<file>.json`.
pub fn run(file: &str, case: &Value) -> Verdict {
    verdict(Fields::new(case).and_then(|case| {
        judge(file, &case)?;
        case.end()
    }))
}

fn judge(file: &str, case: &Fields<'_>) -> Checked {
    if let "transcript_old" | "transcript_new" = file {
        return transcript(case);
    }
    let kind = case.text("kind")?;
    let judge: fn(&Fields<'_>) -> Checked = match (file, kind) {
        ("peer_id", "derive") => derive,
        ("peer_id", "parse") => parse,
        ("tls_cert", "own") => own_certificate,
        ("tls_cert", "config") => tls_config,
        ("tls_cert", "verify") => verify_certificate,
        ("knock", "build") => build_knock,
        ("knock", "verify") => verify_knock,
        ("frames", "stream_id") => stream_id,
        ("frames", "encode") => encode_header,
        ("frames", "decode") => decode_header,
        ("frames", "new_stream") => new_stream,
        ("frames", "receive") => receive,
        ("stream_names", "names") => names,
        ("stream_names", "ocr1") => ocr1,
        ("stream_names", "endpoint") => endpoint,
        ("stream_names", "endpoint_refused") => endpoint_refused,
        ("stream_names", "peer_group") => peer_group,
        ("announcement", "sign") => sign,
        ("announcement", "verify") => verify_announcement,
        ("announcement", "reconcile") => reconcile,
        ("announcement", "reconcile_count") => reconcile_count,
        ("announcement", "wire") => wire,
        ("announcement", "address") => one_address,
        ("announcement", "own_addresses") => own_addresses,
        ("announcement", "process") => process,
        ("token_bucket", "bucket") => token_bucket,
        ("token_bucket", "limits") => limits,
        ("token_bucket", "stream") => stream_buckets,
        ("token_bucket", "connection") => connection_bucket,
        ("token_bucket", "connection_constants") => connection_constants,
        ("token_bucket", "overhead") => overhead,
        ("token_bucket", "incoming_connections") => incoming_connections,
        _ => return Err(unknown(format!("kind {kind:?} of p2p/{file}.json"))),
    };
    judge(case)
}

/// Both must accept or both refuse. The reference's reason is information only.
fn same_acceptance<T, E: Display>(case: &Fields<'_>, got: Result<T, E>) -> Checked<Option<T>> {
    case.note("reason");
    case.note("what");
    match (case.flag("ok")?, got) {
        (true, Ok(value)) => Ok(Some(value)),
        (false, Err(_)) => Ok(None),
        (true, Err(error)) => Err(failed("ok", true, format!("refused: {error}"))),
        (false, Ok(_)) => Err(failed("ok", false, true)),
    }
}

fn key(case: &Fields<'_>, name: &str) -> Checked<SecretKey> {
    Ok(SecretKey::from_seed(&case.array(name)?))
}

fn peer(case: &Fields<'_>, name: &str) -> Checked<PeerId> {
    Ok(PeerId(case.array(name)?))
}

fn peer_of(value: &Value) -> Option<PeerId> {
    Some(PeerId(hex_bytes(value)?.try_into().ok()?))
}

fn text_of(value: &Value) -> Option<String> {
    value.as_str().map(String::from)
}

fn generation(case: &Fields<'_>) -> Checked<Generation> {
    match case.text("generation")? {
        "old" => Ok(Generation::Old),
        "new" => Ok(Generation::New),
        other => Err(case.wrong("generation", other)),
    }
}

fn derive(case: &Fields<'_>) -> Checked {
    let id = key(case, "seed")?.peer_id();
    same_bytes("public_key", case.bytes("public_key")?, id.0)?;
    same_bytes("binary", case.bytes("binary")?, id.to_binary())?;
    same("text", case.text("text")?, id)
}

fn parse(case: &Fields<'_>) -> Checked {
    let Some(id) = same_acceptance(case, case.text("text")?.parse::<PeerId>())? else { return Ok(()) };
    same_bytes("public_key", case.bytes("public_key")?, id.0)
}

fn own_certificate(case: &Fields<'_>) -> Checked {
    let key = key(case, "seed")?;
    let der = certificate::own(&key);
    same_bytes("der", case.bytes("der")?, &der)?;
    same("length", case.number::<usize>("length")?, der.len())?;
    same_bytes(
        "public_key",
        case.bytes("public_key")?,
        certificate::key(&der).map_err(|error| failed("der", "", error))?.0,
    )?;
    same_bytes("signature", case.bytes("signature")?, &der[der.len() - 64..])?;
    // What the equal bytes say when parsed: nothing that could differ any more.
    for parsed in [
        "extensions",
        "not_after",
        "not_before",
        "public_key_algorithm",
        "raw_issuer",
        "raw_subject",
        "serial",
        "signature_algorithm",
        "tbs_length",
        "x509_version",
    ] {
        case.note(parsed);
    }
    Ok(())
}

fn tls_config(case: &Fields<'_>) -> Checked {
    generation(case)?;
    let ours = certificate::TLS;
    same("alpn", case.number::<usize>("alpn")?, ours.alpn)?;
    same("certificates", case.number::<usize>("certificates")?, ours.certificates)?;
    let versions = format!("{:04x}", ours.version);
    same("min_version", case.text("min_version")?, &versions)?;
    same("max_version", case.text("max_version")?, &versions)?;
    same("client_auth", case.text("client_auth")? == "RequireAnyClientCert", ours.client_certificate_required)?;
    same("own_signature_schemes", case.text("own_signature_schemes")? == "[Ed25519]", ours.signs_ed25519_only)?;
    same("server_name", case.text("server_name")?.is_empty(), !ours.server_name_sent)?;
    // How the reference's library is told to do this; ours has other switches.
    for switch in [
        "cipher_suites_restricted",
        "groups_restricted",
        "has_connection_callback",
        "has_peer_certificate_callback",
        "skip_default_verification",
    ] {
        case.note(switch);
    }
    Ok(())
}

fn verify_certificate(case: &Fields<'_>) -> Checked {
    let chain = case.each("chain", hex_bytes)?;
    // The outcome of real handshakes of the reference with this chain.
    case.note("handshake");
    let chain = chain.iter().map(Vec::as_slice);
    same_acceptance(case, certificate::verify(chain, peer(case, "expected_public_key")?))?;
    Ok(())
}

fn build_knock(case: &Fields<'_>) -> Checked {
    let dialer = key(case, "dialer_seed")?;
    same_bytes("dialer_public_key", case.bytes("dialer_public_key")?, dialer.peer_id().0)?;
    same_bytes("knock", case.bytes("knock")?, knock::build(&dialer, peer(case, "listener_public_key")?))
}

fn verify_knock(case: &Fields<'_>) -> Checked {
    let got = knock::verify(&case.bytes("knock")?, peer(case, "listener_public_key")?);
    let Some(dialer) = same_acceptance(case, got)? else { return Ok(()) };
    same_bytes("dialer_public_key", case.bytes("dialer_public_key")?, dialer.0)
}

fn stream_id(case: &Fields<'_>) -> Checked {
    let id = StreamId::new(peer(case, "a")?, peer(case, "b")?, case.text("name")?);
    same_bytes("id", case.bytes("id")?, id.0)
}

/// A frame's kind by its number on the wire.
fn kind(case: &Fields<'_>) -> Checked<Kind> {
    let request = || Ok(RequestId(case.array("request_id")?));
    Ok(match case.number::<u8>("type")? {
        1 => Kind::Open,
        2 => Kind::Close,
        3 => Kind::Message(Class::Plain),
        4 => Kind::Message(Class::Request(request()?)),
        5 => Kind::Message(Class::Response(request()?)),
        other => return Err(case.wrong("type", other)),
    })
}

fn encode_header(case: &Fields<'_>) -> Checked {
    case.note("type_name");
    case.note("generations");
    let stream = StreamId(case.array("stream_id")?);
    let mut out = Vec::new();
    Header { kind: kind(case)?, stream, payload_length: case.number("payload_length")? }.encode(&mut out);
    same_bytes("bytes", case.bytes("bytes")?, out)
}

fn decode_header(case: &Fields<'_>) -> Checked {
    let (generation, bytes) = (generation(case)?, case.bytes("bytes")?);
    let got = Header::decode(generation, &bytes).and_then(|decoded| {
        // Old's decoder judges the type only; its rules of length are in its reader, see `receive`.
        if let (Generation::New, Some((header, _))) = (generation, &decoded) {
            header.judge(generation)?;
        }
        Ok(decoded)
    });
    if let Some(incomplete) = case.optional("incomplete") {
        case.note("what");
        return same("incomplete", incomplete, got.is_ok_and(|decoded| decoded.is_none()));
    }
    let Some(decoded) = same_acceptance(case, got)? else { return Ok(()) };
    let (header, length) = decoded.ok_or_else(|| failed("ok", true, "incomplete"))?;
    same("header_length", case.number::<usize>("header_length")?, length)?;
    same("payload_length", case.number::<u32>("payload_length")?, header.payload_length)?;
    same_bytes("stream_id", case.bytes("stream_id")?, header.stream.0)?;
    same("type", format!("{:?}", kind(case)?), format!("{:?}", header.kind))
}

fn new_stream(case: &Fields<'_>) -> Checked {
    generation(case)?;
    // A maximum below zero admits nothing, as ours of zero but for the empty message; the reference takes both.
    let longest: i64 = case.number("max_length")?;
    let config = StreamConfig {
        name: case.text("name")?.into(),
        limits: StreamLimits {
            message_bytes_max: u32::try_from(longest.max(0)).map_err(|error| case.wrong("max_length", error))?,
            messages_rate: case.number("messages_rate")?,
            messages_capacity: 1,
            bytes_rate: 1.0,
            bytes_capacity: 1,
        },
        outgoing_messages_max: case.number("outgoing_buffer")?,
        incoming_messages_max: case.number("incoming_buffer")?,
        priority: Priority::Default,
        requests: false,
    };
    let (me, other) = (peer(case, "self")?, peer(case, "other")?);
    let mut peer = Peer::new(me, other, ReceiveRules::default(), Mono(0));
    same_acceptance(case, peer.open(Mono(0), config))?;
    Ok(())
}

fn stream_limits(case: &Fields<'_>) -> Checked<StreamLimits> {
    Ok(StreamLimits {
        // Not given where buckets alone are at stake.
        message_bytes_max: if case.optional("max_length").is_some() { case.number("max_length")? } else { 0 },
        messages_rate: case.number("messages_rate")?,
        messages_capacity: case.number("messages_capacity")?,
        bytes_rate: case.number("bytes_rate")?,
        bytes_capacity: case.number("bytes_capacity")?,
    })
}

/// How a message or its beginning is written in the vectors.
fn payload_matches(wanted: &Value, got: &[u8]) -> bool {
    match wanted {
        Value::String(text) => hex::encode(got) == *text,
        Value::Object(long) => {
            long.get("length").and_then(number::<usize>) == Some(got.len())
                && long.get("first_8").and_then(hex_bytes).is_some_and(|first| got.starts_with(&first))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => false,
    }
}

/// An instant with room before it.
const NOW: Mono = Mono(10_000_000_000);

fn receive(case: &Fields<'_>) -> Checked {
    case.note("what");
    case.note("warnings");
    case.note("input_length");
    let rules = ReceiveRules { generation: generation(case)?, overdraft: Overdraft::Empties };
    let mut peer = Peer::new(peer(case, "self")?, self::peer(case, "remote")?, rules, NOW);
    let mut ids = BTreeMap::new();
    let mut inboxes = BTreeMap::new();
    for stream in case.objects("streams")? {
        let incoming_messages_max = stream.number("incoming_buffer")?;
        let name = stream.text("name")?;
        let config = StreamConfig {
            name: name.into(),
            limits: stream_limits(&stream)?,
            outgoing_messages_max: 1,
            incoming_messages_max,
            priority: Priority::Default,
            requests: false,
        };
        let id = peer.open(NOW, config).map_err(|error| failed("streams", name, error))?;
        same_bytes("streams.id", stream.bytes("id")?, id.0)?;
        ids.insert(name, id);
        inboxes.insert(id, Ring::new(incoming_messages_max, usize::MAX));
        stream.end()?;
    }
    let stream_named = |fields: &Fields<'_>| {
        let name = fields.text("stream")?;
        ids.get(name).copied().ok_or_else(|| fields.wrong("stream", name))
    };
    if case.optional("response_policies").is_some() {
        for policy in case.objects("response_policies")? {
            let after: i64 = policy.number("expires_in_ms")?;
            let expiry = Mono(NOW.0.saturating_add_signed(after * 1_000_000));
            let granted = ResponsePolicy { bytes_max: policy.number("max_size")?, expiry };
            peer.expect_response(NOW, stream_named(&policy)?, RequestId(policy.array("request_id")?), granted);
            policy.end()?;
        }
    }

    let mut connection = Connection::new(NOW, &mut peer);
    let mut events = Vec::new();
    let mut closed = false;
    'input: for part in case.objects("input")? {
        let bytes = part.bytes("bytes")?;
        for _ in 0..part.number::<usize>("times")? {
            if connection.read(NOW, &mut peer, &bytes, &mut events).is_err() {
                closed = true;
                part.note("times");
                break 'input;
            }
        }
        part.end()?;
    }

    same("connection", case.text("connection")?, if closed { "closed" } else { "open" })?;
    same("consumed", case.number::<u64>("consumed")?, connection.consumed())?;
    let mut notifications = Vec::new();
    for event in events {
        match event {
            Event::Opened { stream, name } => {
                notifications.push((true, hex::encode(stream.0), String::from_utf8_lossy(&name).into_owned()));
            }
            Event::Closed { stream } => notifications.push((false, hex::encode(stream.0), String::new())),
            Event::Received { stream, class, payload } => {
                let inbox: &mut Ring<_> = inboxes.get_mut(&stream).expect("only open streams receive");
                inbox.push((class, payload.clone()), payload.len());
            }
            Event::Enabled { .. } | Event::Refused { .. } => {}
        }
    }
    let notification = |fields: &Fields<'_>| -> Checked<(bool, String, String)> {
        Ok((fields.flag("open")?, fields.text("stream_id")?.into(), fields.text("name")?.into()))
    };
    if case.optional("notifications_count").is_some() {
        same("notifications_count", case.number::<usize>("notifications_count")?, notifications.len())?;
        let last = case.object("last_notification")?;
        same(
            "last_notification",
            format!("{:?}", Some(notification(&last)?)),
            format!("{:?}", notifications.last().cloned()),
        )?;
    } else {
        let wanted = case.objects("notifications")?.iter().map(notification).collect::<Checked<Vec<_>>>()?;
        same("notifications", format!("{wanted:?}"), format!("{notifications:?}"))?;
    }
    for (index, message) in case.objects("delivered")?.into_iter().enumerate() {
        let field = format!("delivered[{index}]");
        let stream = stream_named(&message)?;
        let (class, payload) = inboxes
            .get_mut(&stream)
            .and_then(Ring::pop)
            .ok_or_else(|| failed(&field, message.text("class").unwrap_or_default(), "nothing"))?;
        let (name, id) = match class {
            Class::Plain => ("plain", None),
            Class::Request(id) => ("request", Some(id)),
            Class::Response(_) => ("response", None),
        };
        same(&format!("{field}.class"), message.text("class")?, name)?;
        if let Some(id) = id {
            same_bytes(&format!("{field}.request_id"), message.bytes("request_id")?, id.0)?;
        }
        let wanted = message.value("payload")?;
        if !payload_matches(wanted, &payload) {
            return Err(failed(&format!("{field}.payload"), wanted, hex::encode(&payload)));
        }
        message.end()?;
    }
    let surplus: usize = inboxes.values().map(Ring::len).sum();
    same("delivered (more than listed)", 0, surplus)
}

fn names(case: &Fields<'_>) -> Checked {
    let digest = case.array("config_digest")?;
    let (a, b) = (peer(case, "peer_a")?, peer(case, "peer_b")?);
    let stream = p2p_proto::ocr_stream(&digest);
    let low = p2p_proto::ocr_low_priority_stream(&digest);
    for version in ["ocr2", "ocr3", "ocr3_1_default"] {
        same(version, case.text(version)?, &stream)?;
    }
    same("ocr3_1_low", case.text("ocr3_1_low")?, &low)?;
    same_bytes("ocr2_stream_id", case.bytes("ocr2_stream_id")?, StreamId::new(a, b, &stream).0)?;
    same_bytes("ocr3_1_low_stream_id", case.bytes("ocr3_1_low_stream_id")?, StreamId::new(b, a, &low).0)
}

fn ocr1(case: &Fields<'_>) -> Checked {
    let mapped = p2p_proto::ocr1_digest(&case.array("config_digest")?);
    same_bytes("mapped", case.bytes("mapped")?, mapped)?;
    same("stream", case.text("stream")?, p2p_proto::ocr_stream(&mapped))
}

fn endpoint_config(case: &Fields<'_>, digest: [u8; 32], limits: StreamLimits) -> Checked<EndpointConfig> {
    Ok(EndpointConfig {
        digest,
        peers: case.each("peer_ids", |text| text.as_str()?.parse().ok())?,
        bootstrappers: Vec::new(),
        limits,
        outgoing_messages_max: 1,
        incoming_messages_max: 1,
    })
}

fn endpoint(case: &Fields<'_>) -> Checked {
    let limits = case.object("limits")?;
    let mut config = endpoint_config(case, case.array("config_digest")?, stream_limits(&limits)?)?;
    config.outgoing_messages_max = case.number("outgoing_buffer")?;
    config.incoming_messages_max = case.number("incoming_buffer")?;
    limits.end()?;
    let index: usize = case.number("self_oracle_id")?;
    let me = *config.peers.get(index).ok_or_else(|| case.wrong("self_oracle_id", "out of range"))?;
    same("self_oracle_id", format!("Ok({index})"), format!("{:?}", config.position(me)))?;
    let mut opened = Vec::new();
    for other in config.peers.iter().filter(|peer| **peer != me) {
        let stream = config.stream();
        let mut peer = Peer::new(me, *other, ReceiveRules::default(), NOW);
        let name = stream.name.clone();
        let id = peer.open(NOW, stream).map_err(|error| failed("opens", "a stream", error))?;
        opened.push((hex::encode(id.0), hex::encode(other.0), name));
    }
    opened.sort();
    let wanted = case.objects("opens")?;
    same("opens", wanted.len(), opened.len())?;
    for (wanted, (id, other, name)) in wanted.into_iter().zip(opened) {
        same("opens.stream_id", wanted.text("stream_id")?, id)?;
        same("opens.other", wanted.text("other")?, other)?;
        same("opens.name", wanted.text("name")?, name)?;
        wanted.end()?;
    }
    Ok(())
}

fn endpoint_refused(case: &Fields<'_>) -> Checked {
    let nothing = StreamLimits {
        message_bytes_max: 0,
        messages_rate: 0.0,
        messages_capacity: 0,
        bytes_rate: 0.0,
        bytes_capacity: 0,
    };
    let me = case.text("self")?.parse().map_err(|error| case.wrong("self", error))?;
    same_acceptance(case, endpoint_config(case, [0; 32], nothing)?.position(me))?;
    Ok(())
}

fn peer_group(case: &Fields<'_>) -> Checked {
    let prefix = p2p_proto::peer_group_prefix(&case.array("config_digest")?).ok_or("no peer group");
    let Some(prefix) = same_acceptance(case, prefix)? else { return Ok(()) };
    same("prefix", case.text("prefix")?, prefix)
}

fn sign(case: &Fields<'_>) -> Checked {
    let (key, addresses) = (key(case, "seed")?, case.each("addrs", text_of)?);
    let signed = Announcement::sign(&key, addresses, case.number("counter")?)
        .map_err(|error| failed("sig", "an announcement", error))?;
    same_bytes("public_key", case.bytes("public_key")?, signed.peer.0)?;
    same_bytes("digest", case.bytes("digest")?, signed.digest())?;
    same_bytes("sig", case.bytes("sig")?, &signed.signature)?;
    same_bytes("bare", case.bytes("bare")?, signed.encode())?;
    same_bytes("wrapped", case.bytes("wrapped")?, announcement::encode_announcement(&signed))?;
    let read = Announcement::decode(&signed.encode()).map_err(|error| failed("bare", "decodes", error))?;
    same("bare (decoded)", format!("{signed:?}"), format!("{read:?}"))
}

/// An announcement field by field, well-formed or not.
fn announcement_fields(case: &Fields<'_>) -> Checked<announcement::Fields> {
    let addresses = match case.optional("addrs_hex") {
        Some(_) => case.each("addrs_hex", hex_bytes)?,
        None => case.each("addrs", |text| Some(text.as_str()?.as_bytes().to_vec()))?,
    };
    let signature = if case.optional("sig").is_some() { case.bytes("sig")? } else { Vec::new() };
    Ok(announcement::Fields {
        addresses,
        counter: case.number("counter")?,
        public_key: case.bytes("public_key")?,
        signature,
    })
}

fn checked(fields: &announcement::Fields) -> Result<Announcement, String> {
    let announcement = fields.check().map_err(|error| error.to_string())?;
    if announcement.verify() { Ok(announcement) } else { Err("wrong signature".into()) }
}

fn verify_announcement(case: &Fields<'_>) -> Checked {
    same_acceptance(case, checked(&announcement_fields(case)?))?;
    Ok(())
}

fn well_formed(case: &Fields<'_>) -> Checked<Announcement> {
    announcement_fields(case)?.check().map_err(|error| failed("announcement", "well-formed", error))
}

fn reconcile(case: &Fields<'_>) -> Checked {
    case.note("what");
    let announcements = case.objects("announcements")?.iter().map(well_formed).collect::<Checked<Vec<_>>>()?;
    same_bytes("wrapped", case.bytes("wrapped")?, announcement::encode_reconcile(&announcements))
}

fn reconcile_count(case: &Fields<'_>) -> Checked {
    case.note("what");
    let one = well_formed(&case.object("announcement")?)?;
    let wrapped = announcement::encode_reconcile(std::iter::repeat_n(&one, case.number("count")?));
    same("wrapped_length", case.number::<usize>("wrapped_length")?, wrapped.len())?;
    same_bytes("wrapped_sha256", case.bytes("wrapped_sha256")?, crypto::sha256(&wrapped))?;
    if case.optional("max_message_length").is_some() {
        let ours = DiscoveryConfig::default().stream().limits.message_bytes_max;
        same("max_message_length", case.number::<u32>("max_message_length")?, ours)?;
    }
    let message = Message::decode(&wrapped).map_err(|error| failed("wrapped", "decodes", error))?;
    same("well_formed", case.flag("well_formed")?, message.check().is_ok())
}

fn wire(case: &Fields<'_>) -> Checked {
    let Some(message) = same_acceptance(case, Message::decode(&case.bytes("bytes")?))? else { return Ok(()) };
    let (name, list, whole) = match &message {
        Message::Announcement(fields) => ("announcement", std::slice::from_ref(fields), true),
        Message::Reconcile(list) => ("reconcile", list.as_slice(), message.check().is_ok()),
    };
    same("message", case.text("message")?, name)?;
    same("announcement_count", case.number::<usize>("announcement_count")?, list.len())?;
    same("not_well_formed", case.optional("not_well_formed").is_some(), !whole)?;
    for (index, (wanted, got)) in case.objects("announcements")?.into_iter().zip(list).enumerate() {
        let wanted_fields = announcement_fields(&wanted)?;
        same(&format!("announcements[{index}]"), format!("{wanted_fields:?}"), format!("{got:?}"))?;
        same_acceptance(&wanted, checked(got))?;
        wanted.end()?;
    }
    Ok(())
}

fn one_address(case: &Fields<'_>) -> Checked {
    same_acceptance(case, address::announced(case.text("text")?))?;
    Ok(())
}

fn own_addresses(case: &Fields<'_>) -> Checked {
    // Interface addresses stand with the length of their network; one that does not parse is no address.
    let listed = if case.optional("interfaces").is_some() { case.each("interfaces", text_of)? } else { Vec::new() };
    let interfaces: Vec<IpAddr> = listed
        .iter()
        .filter_map(|text| text.split_once('/').map_or(text.as_str(), |(ip, _)| ip).parse().ok())
        .collect();
    let listable = !case.flag("autodetect_fails")?;
    let got = address::own(&case.each("configured", text_of)?, listable.then_some(&interfaces));
    let announced = case.each("announced", text_of)?;
    let Some(own) = same_acceptance(case, got)? else { return Ok(()) };
    same("announced", announced.join(" "), own.join(" "))
}

fn process(case: &Fields<'_>) -> Checked {
    case.note("what");
    let keyring = Arc::new(key(case, "self_seed")?);
    let mut bootstrappers = Vec::new();
    for bootstrapper in case.objects("bootstrappers")? {
        let addresses = bootstrapper.each("addrs", text_of)?;
        bootstrappers.push(Locator { peer: peer(&bootstrapper, "public_key")?, addresses });
        bootstrapper.end()?;
    }
    let group = Group { oracles: case.each("oracles", peer_of)?.into_iter().collect(), bootstrappers };
    let mut effects = Vec::new();
    let own = case.each("own_addrs", text_of)?;
    let me = keyring.peer_id();
    let failure = |field: &str, error: String| failed(field, "accepted", error);
    let mut discovery = Discovery::new(keyring, own, DiscoveryConfig::default(), None, &mut effects)
        .map_err(|error| failure("own_addrs", error.to_string()))?;
    discovery
        .add_group(NOW, [1; 32], group, [], &mut effects, &mut Vec::new())
        .map_err(|error| failure("oracles", error.to_string()))?;
    let subject = peer(case, "subject")?;
    for other in discovery.audience(me) {
        discovery.on_enabled(NOW, other);
    }

    for (index, step) in case.objects("steps")?.into_iter().enumerate() {
        step.note("what");
        let now = Mono(NOW.0 + index as u64 * 3_600_000_000_000);
        let fields = announcement_fields(&step.object("announcement")?)?;
        effects.clear();
        let taken = fields.check().and_then(|announcement| discovery.take(now, announcement, &mut effects));
        same(&format!("steps[{index}].error"), step.optional("error").is_some(), taken.is_err())?;
        let stored = discovery.announcement(subject).filter(|_| taken.is_ok() || step.optional("stored").is_some());
        match (step.optional("stored"), stored) {
            (None, None) => {}
            (Some(_), Some(stored)) => {
                let wanted = step.object("stored")?;
                same("stored.counter", wanted.number::<u64>("counter")?, stored.counter)?;
                same("stored.addrs", wanted.each("addrs", text_of)?.join(" "), stored.addresses.join(" "))?;
                wanted.end()?;
            }
            (wanted, got) => return Err(failed("stored", format!("{wanted:?}"), format!("{got:?}"))),
        }
        let sent = effects.iter().find_map(|effect| match effect {
            Effect::Send { message, .. } => Some(message),
            Effect::Persist { .. } | Effect::Open(_) | Effect::Close(_) | Effect::Addresses(_) => None,
        });
        match (step.optional("bump"), sent) {
            (None, None) => {}
            (Some(_), Some(message)) => {
                let bump = step.object("bump")?;
                let wanted = announcement::encode_announcement(&well_formed(&bump)?);
                same_bytes("bump", wanted, message)?;
                bump.end()?;
            }
            (wanted, got) => return Err(failed("bump", format!("{wanted:?}"), format!("{got:?}"))),
        }
        step.end()?;
    }
    if case.optional("announcement_may_go_to").is_some() {
        let mut wanted = case.each("announcement_may_go_to", peer_of)?;
        wanted.sort();
        same(
            "announcement_may_go_to",
            format!("{wanted:?}"),
            format!("{:?}", Vec::from_iter(discovery.audience(subject))),
        )?;
    }
    same("find_peer", case.each("find_peer", text_of)?.join(" "), discovery.addresses(subject).join(" "))
}

/// An instant of a vector whose clock starts at zero and may go below.
fn at(nanos: i64) -> Mono {
    Mono(NOW.0.saturating_add_signed(nanos))
}

/// The entries of a step `[…]`.
fn step<'a>(case: &Fields<'_>, step: &'a Value, wanted: usize) -> Checked<&'a [Value]> {
    let entries = step.as_array().map(Vec::as_slice).filter(|entries| entries.len() == wanted);
    entries.ok_or_else(|| case.wrong("steps", format!("a step is not a list of {wanted}")))
}

fn entry<T: std::str::FromStr>(case: &Fields<'_>, value: &Value) -> Checked<T> {
    number(value).ok_or_else(|| case.wrong("steps", format!("{value} is no number in range")))
}

fn token_bucket(case: &Fields<'_>) -> Checked {
    let created = at(case.number("last_update_ns")?);
    let mut bucket =
        TokenBucket::new(case.number("rate_millitokens")?, case.number("capacity")?, case.flag("full")?, created);
    for (index, values) in case.list("steps")?.iter().enumerate() {
        let [t, op, n, allowed, tokens] = step(case, values, 5)? else { unreachable!("five by `step`") };
        let t = at(entry(case, t)?);
        let got = match op.as_str() {
            Some("r") => bucket.take(t, entry(case, n)?, Overdraft::Empties),
            Some("a") => {
                bucket.add(entry(case, n)?);
                true
            }
            Some("s") => {
                bucket.set_rate(t, entry(case, n)?);
                true
            }
            _ => return Err(case.wrong("steps", op)),
        };
        same(&format!("steps[{index}].allowed"), allowed, got)?;
        same(&format!("steps[{index}].nanotokens"), entry::<u64>(case, tokens)?, bucket.nanotokens())?;
    }
    Ok(())
}

/// A duration in milliseconds.
fn millis(case: &Fields<'_>, name: &str) -> Checked<Duration> {
    Ok(Duration::from_millis(case.number(name)?))
}

fn same_rate(field: &str, wanted: f64, got: f64, tolerance: f64) -> Checked {
    // Equality first: infinities have no difference.
    if wanted == got || (wanted - got).abs() <= tolerance * wanted.abs() {
        Ok(())
    } else {
        Err(failed(field, wanted, got))
    }
}

fn same_limits(case: &Fields<'_>, name: &str, got: &StreamLimits) -> Checked {
    let object = case.object(name)?;
    let wanted = stream_limits(&object)?;
    same(&format!("{name}.max_length"), wanted.message_bytes_max, got.message_bytes_max)?;
    same(&format!("{name}.messages_capacity"), wanted.messages_capacity, got.messages_capacity)?;
    same(&format!("{name}.bytes_capacity"), wanted.bytes_capacity, got.bytes_capacity)?;
    let tolerance = RATE_TOLERANCE;
    same_rate(&format!("{name}.messages_rate"), wanted.messages_rate, got.messages_rate, tolerance)?;
    same_rate(&format!("{name}.bytes_rate"), wanted.bytes_rate, got.bytes_rate, tolerance)?;
    object.end()
}

fn limits(case: &Fields<'_>) -> Checked {
    match case.text("protocol")? {
        "ocr2" => ocr2_limits(case),
        "ocr3" => ocr3_limits(case),
        "ocr3_1" => ocr31_limits(case),
        other => Err(case.wrong("protocol", other)),
    }
}

fn ocr2_limits(case: &Fields<'_>) -> Checked {
    let plugin = PluginLimits {
        query_bytes_max: case.number("max_query")?,
        observation_bytes_max: case.number("max_observation")?,
        report_bytes_max: case.number("max_report")?,
    };
    let got = TransportLimits::new(
        case.number("n")?,
        millis(case, "delta_progress_ms")?,
        millis(case, "delta_resend_ms")?,
        millis(case, "delta_round_ms")?,
        plugin,
        case.number("max_signature")?,
    );
    let got = match (case.optional("refused"), got) {
        (Some(_), Err(_)) => return Ok(()),
        (Some(_), Ok(_)) => return Err(failed("refused", true, false)),
        (None, got) => got.map_err(|error| failed("refused", false, error))?,
    };
    if case.optional("infinite_rates").is_some() {
        same(
            "infinite_rates",
            case.flag("infinite_rates")?,
            got.message_rate.is_infinite() && got.byte_rate.is_infinite(),
        )?;
        let millitokens = bucket::millitokens(got.message_rate);
        return same(
            "bucket_rate_millitokens_on_amd64",
            case.number::<u64>("bucket_rate_millitokens_on_amd64")?,
            millitokens,
        );
    }
    let limits = StreamLimits {
        message_bytes_max: got.message_bytes_max,
        messages_rate: got.message_rate,
        messages_capacity: got.message_capacity,
        bytes_rate: got.byte_rate,
        bytes_capacity: got.byte_capacity,
    };
    same_limits(case, "limits", &limits)
}

fn ocr3_limits(case: &Fields<'_>) -> Checked {
    // Reports are bounded by their count and signatures here, not by their length.
    case.note("max_report");
    let got = allowance::Ocr3 {
        oracles: case.number("n")?,
        faulty: case.number("f")?,
        r_max: case.number("r_max")?,
        delta_resend: millis(case, "delta_resend_ms")?,
        delta_progress: millis(case, "delta_progress_ms")?,
        delta_initial: millis(case, "delta_initial_ms")?,
        delta_round: millis(case, "delta_round_ms")?,
        query_bytes_max: case.number("max_query")?,
        observation_bytes_max: case.number("max_observation")?,
        outcome_bytes_max: case.number("max_outcome")?,
        report_count_max: case.number("max_report_count")?,
        signature_bytes_max: case.number("max_signature")?,
    };
    same_limits(case, "limits", &got.limits().map_err(|error| failed("limits", "some", error))?)
}

fn ocr31_limits(case: &Fields<'_>) -> Checked {
    same("optional_intervals", case.text("optional_intervals")?, "all absent (defaults)")?;
    let got = allowance::Ocr31 {
        oracles: case.number("n")?,
        faulty: case.number("f")?,
        r_max: case.number("r_max")?,
        delta_progress: millis(case, "delta_progress_ms")?,
        delta_round: millis(case, "delta_round_ms")?,
        delta_grace: millis(case, "delta_grace_ms")?,
        query_bytes_max: case.number("max_query")?,
        observation_bytes_max: case.number("max_observation")?,
        report_count_max: case.number("max_report_count")?,
        reports_plus_precursor_bytes_max: case.number("max_reports_plus_precursor")?,
        modified_bytes_max: case.number("max_modified_keys_plus_values")?,
        modified_keys_max: case.number("max_modified_keys")?,
        blob_bytes_max: case.number("max_blob_payload")?,
        signature_bytes_max: case.number("max_signature")?,
        ..allowance::Ocr31::DEFAULTS
    };
    let got = got.limits().map_err(|error| failed("default_limits", "some", error))?;
    same_limits(case, "default_limits", &got.default)?;
    same_limits(case, "low_limits", &got.low)?;
    let responses = case.object("response_max")?;
    for (name, ours) in [
        ("observation", got.observation_bytes_max),
        ("reports_plus_precursor", got.reports_plus_precursor_bytes_max),
        ("blob_offer", got.blob_offer_bytes_max),
        ("blob_chunk", got.blob_chunk_bytes_max),
        ("block_sync", got.block_sync_bytes_max),
        ("tree_sync", got.tree_sync_bytes_max),
    ] {
        same(&format!("response_max.{name}"), responses.number::<u32>(name)?, ours)?;
    }
    responses.end()
}

fn stream_buckets(case: &Fields<'_>) -> Checked {
    case.note("what");
    case.note("n");
    let object = case.object("limits")?;
    let limits = stream_limits(&object)?;
    object.end()?;
    let mut buckets = StreamBuckets::new(&limits, NOW);
    let mut totals = BTreeMap::<&str, u64>::new();
    for (index, values) in case.list("steps")?.iter().enumerate() {
        let [t, length, decision] = step(case, values, 3)? else { unreachable!("three by `step`") };
        let (t, length) = (Mono(NOW.0 + 1000 * entry::<u64>(case, t)?), entry(case, length)?);
        let got = if length > limits.message_bytes_max {
            "message_too_big"
        } else {
            match buckets.admit(t, length, Overdraft::Empties) {
                Ok(()) => "yes",
                Err(OverLimit::Messages) => "messages_limit",
                Err(OverLimit::Bytes) => "bytes_limit",
            }
        };
        same(&format!("steps[{index}]"), decision.as_str().unwrap_or_default(), got)?;
        *totals.entry(got).or_default() += 1;
    }
    let wanted = case.object("totals")?;
    for (decision, count) in totals {
        same(&format!("totals.{decision}"), wanted.number::<u64>(decision)?, count)?;
    }
    wanted.end()
}

fn connection_bucket(case: &Fields<'_>) -> Checked {
    let mut bucket = ConnectionBucket::new(NOW);
    let mut closed = false;
    for (index, values) in case.list("steps")?.iter().enumerate() {
        let field = format!("steps[{index}]");
        let [t, op, value, allowed, state] = step(case, values, 5)? else { unreachable!("five by `step`") };
        let t = Mono(NOW.0 + 1000 * entry::<u64>(case, t)?);
        let limits = || stream_limits(&Fields::at(format!("{field}."), value)?);
        match op.as_str() {
            Some("created") => {}
            Some("add_stream") => bucket.add_stream(t, &limits()?),
            Some("remove_stream") => bucket.remove_stream(t, &limits()?),
            Some("new_connection") => {
                same(&field, value, bucket::TOKENS_PER_CONNECTION)?;
                bucket.on_connection();
            }
            Some("read") => {
                let got = bucket.read(t, entry(case, value)?);
                same(&format!("{field}.allowed"), allowed, got)?;
                closed |= !got;
            }
            _ => return Err(case.wrong("steps", op)),
        }
        let state = Fields::at(format!("{field}."), state)?;
        let (capacity, millitokens, nanotokens, unlimited) = bucket.state();
        same(&format!("{field}.unlimited"), state.flag("unlimited")?, unlimited)?;
        same(&format!("{field}.capacity"), state.number::<u32>("capacity")?, capacity)?;
        same(&format!("{field}.nanotokens"), state.number::<u64>("nanotokens")?, nanotokens)?;
        same_rate(&format!("{field}.rate"), state.number("rate")?, millitokens as f64 / 1000.0, RATE_TOLERANCE)?;
        state.end()?;
    }
    same("ends_closed", case.flag("ends_closed")?, closed)
}

fn connection_constants(case: &Fields<'_>) -> Checked {
    let tokens = bucket::TOKENS_PER_CONNECTION;
    same("tokens_per_new_connection", case.number::<u32>("tokens_per_new_connection")?, tokens)?;
    same("control_bytes_capacity", case.number::<u32>("control_bytes_capacity")?, tokens)?;
    same_rate("control_bytes_rate", case.number("control_bytes_rate")?, bucket::CONTROL_BYTES_RATE, RATE_TOLERANCE)
}

fn overhead(case: &Fields<'_>) -> Checked {
    // Bytes of the handshake do not count.
    case.note("raw_bytes_before_handshake_end");
    let mut overhead = Overhead::default();
    for (index, values) in case.list("steps")?.iter().enumerate() {
        let [raw, application, ok] = step(case, values, 3)? else { unreachable!("three by `step`") };
        overhead.on_raw(entry(case, raw)?);
        same(&format!("steps[{index}]"), ok, overhead.on_application(entry(case, application)?))?;
    }
    Ok(())
}

fn incoming_connections(case: &Fields<'_>) -> Checked {
    same("capacity", case.number::<u32>("capacity")?, bucket::INCOMING_CONNECTIONS_CAPACITY)?;
    let rate = bucket::incoming_connections_rate(millis(case, "duration_between_dials_ms")?);
    same("rate_millitokens", case.number::<u64>("rate_millitokens")?, rate)
}

/// Two reference hosts talking: we read what each wrote as the other would, and write it again.
fn transcript(case: &Fields<'_>) -> Checked {
    case.note("about");
    case.note("script");
    let generation = generation(case)?;
    let mut keys = BTreeMap::new();
    for (side, seed, public) in [("A", "a_seed", "a_public_key"), ("B", "b_seed", "b_public_key")] {
        let key = key(case, seed)?;
        same_bytes(public, case.bytes(public)?, key.peer_id().0)?;
        keys.insert(side, key);
    }
    for (index, connection) in case.objects("connections")?.into_iter().enumerate() {
        let dialer = connection.text("dialer")?;
        let listener = if dialer == "A" { "B" } else { "A" };
        let (Some(dialer_key), Some(listener_key)) = (keys.get(dialer), keys.get(listener)) else {
            return Err(connection.wrong("dialer", dialer));
        };
        let tls = connection.object("tls")?;
        same_bytes("tls.dialer_certificate", tls.bytes("dialer_certificate")?, certificate::own(dialer_key))?;
        same_bytes("tls.listener_certificate", tls.bytes("listener_certificate")?, certificate::own(listener_key))?;
        // Chosen by the libraries of both ends.
        for negotiated in ["version", "alpn", "cipher_suite", "client_hello", "resumed", "server_name"] {
            tls.note(negotiated);
        }
        tls.end()?;

        let mut plaintext = BTreeMap::<&str, Vec<u8>>::new();
        for event in connection.objects("events")? {
            event.note("ms");
            let from = event.text("from")?;
            match event.text("what")? {
                "knock" => {
                    let field = format!("connections[{index}].knock");
                    let bytes = event.bytes("bytes")?;
                    same(&field, dialer, from)?;
                    same_bytes(&field, &bytes, knock::build(dialer_key, listener_key.peer_id()))?;
                    let proved = knock::verify(&bytes, listener_key.peer_id());
                    same(&field, format!("Ok({})", dialer_key.peer_id()), format!("{proved:?}"))?;
                }
                "record" => plaintext.entry(from).or_default().extend(event.bytes("bytes")?),
                "close_notify" | "cut" => {}
                other => return Err(event.wrong("what", other)),
            }
            event.note("length");
            event.end()?;
        }
        let frames = connection.object("frames")?;
        for (side, other) in [("A", "B"), ("B", "A")] {
            let bytes = plaintext.remove(side).unwrap_or_default();
            spoken(&frames, side, keys[other].peer_id(), keys[side].peer_id(), generation, &bytes)?;
        }
        frames.end()?;
        connection.end()?;
    }
    Ok(())
}

/// Reads what `side` wrote against the listed frames, header by header and through a connection, and writes it again.
fn spoken(
    frames: &Fields<'_>,
    side: &str,
    reader: PeerId,
    writer: PeerId,
    generation: Generation,
    bytes: &[u8],
) -> Checked {
    let mut peer = Peer::new(reader, writer, ReceiveRules { generation, overdraft: Overdraft::Empties }, NOW);
    let (mut left, mut again) = (bytes, Vec::new());
    let mut notifications = 0;
    for (index, frame) in frames.objects(side)?.into_iter().enumerate() {
        let field = format!("frames.{side}[{index}]");
        let (header, length) = Header::decode(generation, left)
            .map_err(|error| failed(&field, "a header", error))?
            .ok_or_else(|| failed(&field, "a header", "the end"))?;
        header.judge(generation).map_err(|error| failed(&field, "a header", error))?;
        same(&format!("{field}.type"), format!("{:?}", kind(&frame)?), format!("{:?}", header.kind))?;
        same_bytes(&format!("{field}.stream_id"), frame.bytes("stream_id")?, header.stream.0)?;
        same(&format!("{field}.payload_length"), frame.number::<u32>("payload_length")?, header.payload_length)?;
        let (payload, rest) = left[length..]
            .split_at_checked(header.payload_length as usize)
            .ok_or_else(|| failed(&field, "a payload", "the end"))?;
        if header.kind == Kind::Open {
            let name = frame.text("name")?;
            same_bytes(&format!("{field}.name"), name, payload)?;
            same_bytes(&format!("{field}.name"), StreamId::new(reader, writer, name).0, header.stream.0)?;
        }
        if !matches!(header.kind, Kind::Message(_)) {
            notifications += 1;
        }
        header.encode(&mut again);
        again.extend_from_slice(payload);
        left = rest;
        frame.end()?;
    }
    same_bytes(&format!("frames.{side} (written again)"), bytes, &again)?;
    let mut connection = Connection::new(NOW, &mut peer);
    let mut events = Vec::new();
    connection
        .read(NOW, &mut peer, bytes, &mut events)
        .map_err(|reason| failed(&format!("frames.{side}"), "a live connection", reason))?;
    let told = events.iter().filter(|event| matches!(event, Event::Opened { .. } | Event::Closed { .. })).count();
    same(&format!("frames.{side} (opens and closes)"), notifications, told)?;
    same("opens and closes below the bound", true, told <= NOTIFICATIONS_MAX as usize)
}
