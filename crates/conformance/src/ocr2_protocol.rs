//! Vectors of OCR2's messages, state machines and median plugin.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use crypto::{ed25519, secp256k1};
use machine::{Record as _, Verdicts};
use median::{MedianConfigError, Observation, OffchainConfig, OnchainConfig};
use ocr::{
    Address, Committee, ConfigDigest, LeaderSelectionKey, OracleId, OracleSet, PerOracle, SharedSecret,
    TransmissionOrderKey,
};
use ocr2::{
    Epoch, Event, LocalConfig, Memory, Message, Oracle, Record, RoundId, Setup,
    attested::{check_final, check_report, context},
    config::{OracleIdentity, PublicConfig},
    message::{
        AttributedObservation, AttributedSignature, Final, Observe, ObserveReq, Report, ReportReq, SignedObservation,
    },
    signing::ReportContext,
    transport::PluginLimits,
};
use serde_json::Value;

use crate::{
    Verdict,
    case::{Checked, Fields, failed, number, prefixed_hex, same, same_bytes, unknown, verdict},
    stage::{Heard, Host, Toy, first_median_report, median_plugin, parameters},
};

/// Judges one case of `ocr2/<file>.json`; `None` for a file of another module.
pub fn run(file: &str, case: &Value) -> Option<Verdict> {
    let judge: fn(&Fields<'_>) -> Checked = match file {
        "messages" => messages,
        "signatures" => attested,
        "pacemaker" => pacemaker,
        "follower" => follower,
        "median_observation" => median_observation,
        "median_report" => median_report,
        "median_sort" => median_sort,
        "median_config" => median_config,
        "median_decode" => median_decode,
        "median_deviates" => median_deviates,
        _ => return None,
    };
    Some(verdict(Fields::new(case).and_then(|case| {
        judge(&case)?;
        case.end()
    })))
}

/// `accept`, with what is information only.
fn accept(case: &Fields<'_>) -> Checked<bool> {
    case.note("name");
    case.note("why");
    case.flag("accept")
}

// Messages

/// The limits under which `size_ok` holds.
const MESSAGE_LIMITS: PluginLimits =
    PluginLimits { query_bytes_max: 64, observation_bytes_max: 92, report_bytes_max: 1152 };

fn messages(case: &Fields<'_>) -> Checked {
    let bytes = Bytes::from(case.bytes("bytes")?);
    let decoded = match (accept(case)?, Message::decode(&bytes)) {
        (true, Ok(message)) => message,
        (false, Err(_)) => return Ok(()),
        (true, Err(error)) => return Err(failed("accept", true, format!("refused: {error}"))),
        (false, Ok(message)) => return Err(failed("accept", false, format!("{message:?}"))),
    };
    let wanted = message(&case.object("decoded")?)?;
    if decoded != wanted {
        return Err(failed("decoded", format!("{wanted:?}"), format!("{decoded:?}")));
    }
    same("size_ok", case.flag("size_ok")?, decoded.check_size(&MESSAGE_LIMITS).is_ok())?;
    let encoded = match case.optional("reencoded") {
        Some(_) => case.bytes("reencoded")?,
        None => bytes.to_vec(),
    };
    same_bytes("reencoded", encoded, decoded.encode())
}

/// `{Kind: fields}`.
fn message(object: &Fields<'_>) -> Checked<Message> {
    let mut read = None;
    for kind in ["NewEpoch", "ObserveReq", "Observe", "ReportReq", "Report", "Final", "FinalEcho"] {
        if object.optional(kind).is_some() {
            let fields = object.object(kind)?;
            read = Some(message_of(kind, &fields)?);
            fields.end()?;
        }
    }
    read.ok_or_else(|| unknown("decoded (none of the seven kinds)"))
}

fn message_of(kind: &str, fields: &Fields<'_>) -> Checked<Message> {
    let at = || Ok(RoundId::new(fields.number("epoch")?, fields.number("round")?));
    let last = || {
        let signatures = fields.objects("signatures")?;
        let report = Final {
            at: at()?,
            extra_hash: fields.array("h")?,
            report: bytes(fields, "report")?,
            signatures: signatures.iter().map(signature).collect::<Checked<_>>()?,
        };
        ended(signatures)?;
        Ok(Arc::new(report))
    };
    Ok(match kind {
        "NewEpoch" => Message::NewEpoch(Epoch(fields.number("epoch")?)),
        "ObserveReq" => Message::ObserveReq(ObserveReq { at: at()?, query: bytes(fields, "query")? }),
        "Observe" => Message::Observe(Observe { at: at()?, signed: signed(fields)? }),
        "ReportReq" => {
            let list = fields.objects("observations")?;
            let observation = |entry: &Fields<'_>| {
                Ok(AttributedObservation { signed: signed(entry)?, observer: entry.number("observer")? })
            };
            let observations = list.iter().map(observation).collect::<Checked<_>>()?;
            ended(list)?;
            Message::ReportReq(Arc::new(ReportReq { at: at()?, query: bytes(fields, "query")?, observations }))
        }
        "Report" => Message::Report(Report {
            at: at()?,
            skip: fields.flag("skip")?,
            report: bytes(fields, "report")?,
            signature: bytes(fields, "signature")?,
        }),
        "Final" => Message::Final(last()?),
        _ => Message::FinalEcho(last()?),
    })
}

fn bytes(fields: &Fields<'_>, name: &str) -> Checked<Bytes> {
    fields.bytes(name).map(Bytes::from)
}

fn signed(fields: &Fields<'_>) -> Checked<SignedObservation> {
    Ok(SignedObservation { observation: bytes(fields, "observation")?, signature: bytes(fields, "signature")? })
}

fn signature(fields: &Fields<'_>) -> Checked<AttributedSignature> {
    Ok(AttributedSignature { signature: bytes(fields, "signature")?, signer: fields.number("signer")? })
}

fn ended(list: Vec<Fields<'_>>) -> Checked {
    list.into_iter().try_for_each(Fields::end)
}

// Signatures under a Report and a Final

fn attested(case: &Fields<'_>) -> Checked {
    case.note("name");
    case.note("why");
    let config_digest = ConfigDigest(case.array("config_digest")?);
    let at = RoundId::new(case.number("epoch")?, case.number("round")?);
    let extra_hash = case.array("extra_hash")?;
    let report = bytes(case, "report")?;
    let context: ReportContext = context(config_digest, at, extra_hash);
    let words: String = context.words().iter().map(hex::encode).collect();
    same("report_context", case.each("report_context", Value::as_str)?.concat(), words)?;
    let digest = context.report_digest(&report);
    same_bytes("sighash", case.array::<32>("sighash")?, digest)?;
    let valid = match case.text("type")? {
        "attested_one" => {
            let one = Report { at, skip: case.flag("skip")?, report, signature: bytes(case, "signature")? };
            let signer = address(case.value("address")?).ok_or_else(|| case.wrong("address", "no address"))?;
            check_report(&one, digest, signer, |claim| claim.verdict()).is_ok()
        }
        "attested_many" => {
            let addresses = case.each("addresses", address)?;
            let committee = Committee::new(addresses.len(), 0).map_err(|error| case.wrong("addresses", error))?;
            let signers = PerOracle::from_list(committee, addresses)
                .ok_or_else(|| case.wrong("addresses", "not one for each oracle"))?;
            let list = case.objects("signatures")?;
            let signatures = list.iter().map(signature).collect::<Checked<_>>()?;
            ended(list)?;
            let many = Final { at, extra_hash, report, signatures };
            let quorum = case.number("quorum")?;
            check_final(&many, digest, committee, &signers, quorum, |_, claim| claim.verdict()).is_ok()
        }
        other => return Err(unknown(format!("type ({other})"))),
    };
    same("valid", case.flag("valid")?, valid)
}

fn address(value: &Value) -> Option<Address> {
    Address::from_slice(&prefixed_hex(value)?)
}

// Scripts: the production machine on a stage

fn committee(case: &Fields<'_>) -> Checked<(Committee, OracleId)> {
    let committee = Committee::new(case.number("n")?, case.number("f")?).map_err(|error| case.wrong("n, f", error))?;
    let me = committee.oracle(case.number("id")?).ok_or_else(|| case.wrong("id", "no such oracle"))?;
    Ok((committee, me))
}

/// The pacemaker. Two differences to the reference are deliberate: a stored state that cannot be is not skipped but stops
/// the oracle as a corrupt record, so such cases are run as what they are about, a fresh start; and received epochs are
/// not stored but known again after DeltaResend, so they are compared with what the oracle remembers at the end.
fn pacemaker(case: &Fields<'_>) -> Checked {
    case.note("name");
    let (committee, me) = committee(case)?;
    let config_digest = ConfigDigest([1; 32]);
    let memory = match case.optional("restored_state") {
        None => Memory::default(),
        Some(_) => {
            let state = case.object("restored_state")?;
            let (epoch, sent, received) = pacemaker_state(&state)?;
            state.end()?;
            restored(committee, config_digest, epoch, sent, received)
        }
    };
    let identity = |oracle: OracleId| OracleIdentity {
        offchain_key: ed25519::PublicKey([oracle.byte(); 32]),
        signer: vec![oracle.byte(); 20],
        peer_id: String::new(),
        transmitter: String::new(),
    };
    let config = PublicConfig {
        config_digest,
        committee,
        oracles: PerOracle::new(committee, identity),
        onchain_config: Vec::new(),
        parameters: parameters(5, Duration::from_secs(60)),
    };
    let contract_digest = if case.flag("contract_digest_equal")? { config_digest } else { ConfigDigest([2; 32]) };
    let mut stored = (memory.epoch, memory.highest_sent);
    let setup = Setup {
        config: Arc::new(config),
        me,
        leader_selection_key: LeaderSelectionKey::new(case.array("leader_selection_key")?),
        transmission_order_key: TransmissionOrderKey::new([0; 16]),
    };
    let toy = Box::new(Toy { unique_reports: false });
    let oracle = Oracle::new(setup, toy, LocalConfig::default(), memory, Default::default())
        .map_err(|error| failed("restored_state", "an oracle", error))?;
    let mut host = Host {
        oracle,
        offchain_key: ed25519::SecretKey::from_seed(&[1; 32]),
        onchain_key: secp256k1::SecretKey::from_bytes(&[1; 32]).expect("below the group order"),
        contract: (contract_digest, Epoch(case.number("contract_epoch")?)),
        me,
        everyone: committee.everyone(),
    };

    let heard = host.hand(Event::Woke);
    let wanted = case.each("start_broadcasts", number::<u32>)?;
    same_broadcasts("start_broadcasts", &wanted, host.everyone, &heard, &mut stored)?;
    for (index, step) in case.objects("steps")?.into_iter().enumerate() {
        let from = committee.oracle(step.number("from")?).ok_or_else(|| step.wrong("from", "no such oracle"))?;
        let message = Arc::new(Message::NewEpoch(Epoch(step.number("epoch")?)));
        let heard = host.hand(Event::Received { from, message, verdicts: Verdicts::none() });
        let wanted = step.each("broadcasts", number::<u32>)?;
        same_broadcasts(&format!("steps[{index}].broadcasts"), &wanted, host.everyone, &heard, &mut stored)?;
        let entered = |list: &[(Epoch, OracleId)]| {
            list.iter().map(|(epoch, leader)| format!("{epoch}:{leader} ")).collect::<String>()
        };
        let wanted = step.each("entered", |pair| {
            let pair = pair.as_array().filter(|pair| pair.len() == 2)?;
            Some((Epoch(number(&pair[0])?), committee.oracle(number(&pair[1])?)?))
        })?;
        same(&format!("steps[{index}].entered"), entered(&wanted), entered(&heard.entered))?;
        step.end()?;
    }

    let state = case.object("persisted_state")?;
    let (epoch, sent, received) = pacemaker_state(&state)?;
    state.end()?;
    same("persisted_state.epoch", epoch, stored.0)?;
    same("persisted_state.highest_sent_epoch", sent, stored.1)?;
    let shown = |list: &[Epoch]| list.iter().map(|epoch| format!("{epoch} ")).collect::<String>();
    same("persisted_state.highest_received_epoch", shown(&received), shown(&host.oracle.memory().received))
}

/// Every NewEpoch that was sent, none before its epoch was stored.
fn same_broadcasts(
    field: &str,
    wanted: &[u32],
    everyone: OracleSet,
    heard: &Heard,
    stored: &mut (Epoch, Epoch),
) -> Checked {
    *stored = heard.stored.last().copied().unwrap_or(*stored);
    let mut got = Vec::new();
    for (to, message) in &heard.sent {
        if let Message::NewEpoch(epoch) = &**message {
            same(&format!("{field} (to)"), format!("{everyone:?}"), format!("{to:?}"))?;
            if stored.1 < *epoch {
                return Err(failed(field, format!("NewEpoch({epoch}) stored before it is sent"), stored.1));
            }
            got.push(epoch.0);
        }
    }
    same(field, format!("{wanted:?}"), format!("{got:?}"))
}

fn pacemaker_state(state: &Fields<'_>) -> Checked<(Epoch, Epoch, Vec<Epoch>)> {
    Ok((
        Epoch(state.number("epoch")?),
        Epoch(state.number("highest_sent_epoch")?),
        state.each("highest_received_epoch", |epoch| number(epoch).map(Epoch))?,
    ))
}

/// What an oracle remembers of a stored state; nothing of one that cannot be.
fn restored(
    committee: Committee,
    config_digest: ConfigDigest,
    epoch: Epoch,
    highest_sent: Epoch,
    received: Vec<Epoch>,
) -> Memory {
    let mut bytes = Vec::new();
    Record::Epoch { config_digest, epoch, highest_sent }.encode(&mut bytes);
    if received.len() != committee.n() || Record::decode(&bytes).is_err() {
        return Memory::default();
    }
    Memory { epoch, highest_sent, received, ..Memory::default() }
}

/// A follower. Two differences to the reference are deliberate: a FinalEcho goes neither to oneself nor, which the stage
/// makes up for, to whom the report came from.
fn follower(case: &Fields<'_>) -> Checked {
    case.note("name");
    let (committee, me) = committee(case)?;
    let identities = case.objects("oracles")?;
    let identity = |fields: &Fields<'_>| {
        Ok(OracleIdentity {
            offchain_key: ed25519::PublicKey(fields.array("offchain_pk")?),
            signer: prefixed_hex(fields.value("address")?).ok_or_else(|| fields.wrong("address", "no address"))?,
            peer_id: String::new(),
            transmitter: String::new(),
        })
    };
    let oracles = identities.iter().map(identity).collect::<Checked<_>>()?;
    ended(identities)?;
    let config_digest = ConfigDigest(case.array("config_digest")?);
    let delta_round = Duration::from_nanos(case.number("delta_round")?);
    let config = PublicConfig {
        config_digest,
        committee,
        oracles: PerOracle::from_list(committee, oracles).ok_or_else(|| case.wrong("oracles", "not n"))?,
        onchain_config: Vec::new(),
        parameters: parameters(case.number("r_max")?, delta_round),
    };
    let quorum: usize = case.number("report_quorum")?;
    let unique_reports = match quorum {
        quorum if quorum == committee.one_honest() => false,
        quorum if quorum == committee.byzantine_quorum() => true,
        _ => return Err(case.wrong("report_quorum", "of no kind of plugin")),
    };
    let secret = SharedSecret::new(case.array("shared_secret")?);
    let setup = Setup {
        config: Arc::new(config),
        me,
        leader_selection_key: secret.leader_selection_key(),
        transmission_order_key: secret.transmission_order_key(),
    };
    let toy = Box::new(Toy { unique_reports });
    let oracle = Oracle::new(setup, toy, LocalConfig::default(), Memory::default(), Default::default())
        .map_err(|error| failed("oracles", "an oracle", error))?;
    let mut host = Host {
        oracle,
        offchain_key: ed25519::SecretKey::from_seed(&case.array("offchain_seed")?),
        onchain_key: secp256k1::SecretKey::from_bytes(&case.array("onchain_sk")?)
            .map_err(|error| case.wrong("onchain_sk", error))?,
        contract: (config_digest, Epoch(0)),
        me,
        everyone: committee.everyone(),
    };

    let heard = host.hand(Event::Woke);
    same_messages("start", case, &host, &heard)?;
    for (index, step) in case.objects("steps")?.into_iter().enumerate() {
        step.note("name");
        let from = committee.oracle(step.number("from")?).ok_or_else(|| step.wrong("from", "no such oracle"))?;
        let payload = Bytes::from(step.bytes("bytes")?);
        let heard = match Message::decode(&payload) {
            Ok(message) => host.hand(Event::Received { from, message: Arc::new(message), verdicts: Verdicts::none() }),
            Err(_) => Heard::default(),
        };
        same_messages("out", &step, &host, &heard).map_err(|verdict| match verdict {
            Verdict::Failed { field, wanted, got } => {
                Verdict::Failed { field: format!("steps[{index}].{field}"), wanted, got }
            }
            Verdict::Passed | Verdict::Unknown { .. } => verdict,
        })?;
        step.end()?;
    }
    Ok(())
}

/// Every message that was sent: to whom, and its bytes.
fn same_messages(field: &str, case: &Fields<'_>, host: &Host, heard: &Heard) -> Checked {
    let mut wanted = Vec::new();
    for entry in case.objects(field)? {
        let to = entry.value("to")?;
        let to = match to.as_str() {
            Some("all") => "all".into(),
            Some(_) => return Err(entry.wrong("to", "neither an oracle nor all")),
            None => number::<u8>(to).ok_or_else(|| entry.wrong("to", "neither an oracle nor all"))?.to_string(),
        };
        wanted.push(format!("to {to}: {}", hex::encode(entry.bytes("bytes")?)));
        entry.end()?;
    }
    let others = host.everyone.difference(host.me.into());
    let mut got = Vec::new();
    for (to, message) in &heard.sent {
        let to = match &**message {
            _ if *to == host.everyone => "all".into(),
            Message::FinalEcho(_) if *to == others => "all".into(),
            _ => to.iter().map(|oracle| oracle.to_string()).collect::<Vec<_>>().join(","),
        };
        got.push(format!("to {to}: {}", hex::encode(message.encode())));
    }
    same(field, wanted.join("; "), got.join("; "))
}

// The median plugin

fn median_observation(case: &Fields<'_>) -> Checked {
    let bytes = case.bytes("bytes")?;
    let observation = match (accept(case)?, Observation::decode(&bytes)) {
        (true, Ok(observation)) => observation,
        (false, Err(_)) => return Ok(()),
        (true, Err(error)) => return Err(failed("accept", true, format!("refused: {error}"))),
        (false, Ok(observation)) => return Err(failed("accept", false, format!("{observation:?}"))),
    };
    let decoded = case.object("decoded")?;
    same_observation(&decoded, &observation)?;
    same("decoded.gas_price_subunits", decoded.text("gas_price_subunits")?, observation.gas_price_subunits)?;
    decoded.end()?;
    // Bytes that are no canonical encoding need not come back, but what they say must.
    let again = observation.encode(!observation.gas_price_subunits.is_zero());
    match Observation::decode(&again) {
        Ok(again) => same("encoded and decoded", format!("{observation:?}"), format!("{again:?}")),
        Err(error) => Err(failed("encoded and decoded", format!("{observation:?}"), error)),
    }
}

fn same_observation(fields: &Fields<'_>, observation: &Observation) -> Checked {
    same("timestamp", fields.number::<u32>("timestamp")?, observation.timestamp)?;
    same("value", fields.text("value")?, observation.value)?;
    same("juels_per_fee_coin", fields.text("juels_per_fee_coin")?, observation.juels_per_fee_coin)
}

/// The first round of a configuration, in which a report is always due.
fn median_report(case: &Fields<'_>) -> Checked {
    let (n, f) = (case.number("n")?, case.number("f")?);
    let committee = Committee::new(n, f).map_err(|error| case.wrong("n, f", error))?;
    let me = committee.oracle(0).ok_or_else(|| case.wrong("n", "nobody"))?;
    let mut plugin = median_plugin(me, n, f).map_err(|error| failed("n", "a plugin", error))?;
    let list = case.objects("observations")?;
    let observation = |entry: &Fields<'_>| {
        let bytes = bytes(entry, "observation")?;
        // They say what the bytes said before some were spoilt.
        ["timestamp", "value", "juels_per_fee_coin", "gas_price_subunits"].iter().for_each(|name| entry.note(name));
        if let (Ok(observation), Some(_)) = (Observation::decode(&bytes), entry.optional("value")) {
            same_observation(entry, &observation)?;
        }
        let signed = SignedObservation { observation: bytes, signature: Bytes::new() };
        Ok(AttributedObservation { signed, observer: entry.number("observer")? })
    };
    let observations = list.iter().map(observation).collect::<Checked<Vec<_>>>()?;
    ended(list)?;

    let made = first_median_report(&mut *plugin, &observations);
    // The protocol takes no longer report from its plugin, as in the reference.
    let longest = plugin.info().limits.report_bytes_max as usize;
    let report = match (accept(case)?, made) {
        (true, Ok(Some(report))) if report.len() <= longest => report,
        (false, Err(_)) => return Ok(()),
        (false, Ok(Some(report))) if report.len() > longest => return Ok(()),
        (wanted, got) => return Err(failed("accept", wanted, format!("{got:?}"))),
    };
    same_bytes("report", case.bytes("report")?, &report)?;
    same_median(case, &report)?;
    // The fourth word.
    let juels = report.get(96..128).and_then(|word| word.try_into().ok()).map(median::value::from_word);
    same("juels_per_fee_coin", case.text("juels_per_fee_coin")?, juels.unwrap_or_default())
}

fn same_median(case: &Fields<'_>, report: &[u8]) -> Checked {
    match median::report::median(report) {
        Ok(median) => same("median", case.text("median")?, median),
        Err(error) => Err(failed("median", case.text("median")?, error)),
    }
}

fn median_decode(case: &Fields<'_>) -> Checked {
    let report = case.bytes("report")?;
    match (accept(case)?, median::report::median(&report)) {
        (true, _) => same_median(case, &report),
        (false, Err(_)) => Ok(()),
        (false, Ok(median)) => Err(failed("accept", false, median)),
    }
}

fn median_sort(case: &Fields<'_>) -> Checked {
    let n: usize = case.number("n")?;
    let [timestamps, values, juels] =
        [case.each("timestamps", number::<u32>)?, case.each("values", number)?, case.each("juels", number)?];
    if n > ocr::limits::ORACLES_MAX || [timestamps.len(), values.len(), juels.len()] != [n; 3] || n == 0 {
        return Err(case.wrong("n", "not 1 to 31, or lists of another length"));
    }
    let observation = |i: usize| Observation {
        timestamp: timestamps[i],
        value: small(values[i]),
        juels_per_fee_coin: small(juels[i]),
        gas_price_subunits: median::Value::ZERO,
    };
    let mut observed: Vec<_> = (0..n).map(|i| (i as u8, observation(i))).collect();
    median::report::sort_by_value(&mut observed);
    let report = median::report::build(observed);
    same_bytes("observers", case.bytes("observers")?, &report[32..32 + n])?;
    same_bytes("report_keccak", case.array::<32>("report_keccak")?, crypto::keccak256(&report))
}

fn small(number: u32) -> median::Value {
    median::Value::try_from(number).unwrap_or_default()
}

fn median_deviates(case: &Fields<'_>) -> Checked {
    let deviates = median::deviates(case.number("threshold_ppb")?, case.number("old")?, case.number("new")?);
    same("deviates", case.flag("deviates")?, deviates)
}

fn median_config(case: &Fields<'_>) -> Checked {
    match case.text("type")? {
        "offchain" => median_offchain_config(case),
        "onchain" => median_onchain_config(case),
        "value" => median_value(case),
        other => Err(unknown(format!("type ({other})"))),
    }
}

/// What was decoded, if it is accepted as in the reference.
fn config<T>(case: &Fields<'_>, decoded: Result<T, MedianConfigError>) -> Checked<Option<T>> {
    match (accept(case)?, decoded) {
        (true, Ok(config)) => Ok(Some(config)),
        (false, Err(_)) => Ok(None),
        (true, Err(error)) => Err(failed("accept", true, format!("refused: {error}"))),
        (false, Ok(_)) => Err(failed("accept", false, true)),
    }
}

fn same_encoding(case: &Fields<'_>, bytes: &[u8], encoded: &[u8]) -> Checked {
    let wanted = case.optional("reencoded").map(|_| case.bytes("reencoded")).transpose()?;
    same_bytes("reencoded", wanted.as_deref().unwrap_or(bytes), encoded)
}

fn median_offchain_config(case: &Fields<'_>) -> Checked {
    let bytes = case.bytes("bytes")?;
    let Some(config) = config(case, OffchainConfig::decode(&bytes))? else { return Ok(()) };
    let decoded = case.object("decoded")?;
    let wanted = OffchainConfig {
        alpha_report_infinite: decoded.flag("alpha_report_infinite")?,
        alpha_report_ppb: decoded.number("alpha_report_ppb")?,
        alpha_accept_infinite: decoded.flag("alpha_accept_infinite")?,
        alpha_accept_ppb: decoded.number("alpha_accept_ppb")?,
        delta_c: Duration::from_nanos(decoded.number("delta_c")?),
    };
    decoded.end()?;
    same("decoded", format!("{wanted:?}"), format!("{config:?}"))?;
    same_encoding(case, &bytes, &config.encode())
}

fn median_onchain_config(case: &Fields<'_>) -> Checked {
    let bytes = case.bytes("bytes")?;
    let Some(config) = config(case, OnchainConfig::decode(&bytes))? else { return Ok(()) };
    let decoded = case.object("decoded")?;
    same("decoded.min", decoded.text("min")?, config.min)?;
    same("decoded.max", decoded.text("max")?, config.max)?;
    decoded.end()?;
    same_encoding(case, &bytes, &config.encode())
}

fn median_value(case: &Fields<'_>) -> Checked {
    let text = case.text("value")?;
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(case.wrong("value", "no decimal number"));
    }
    match (accept(case)?, text.parse::<median::Value>()) {
        (true, Ok(value)) => {
            let bytes = case.bytes("bytes")?;
            same_bytes("bytes", &bytes, median::value::encode(value))?;
            same("value", text, median::value::decode(&bytes).ok_or_else(|| case.wrong("bytes", "not 24"))?)
        }
        (false, Err(_)) => Ok(()),
        (true, Err(_)) => Err(failed("accept", true, "refused: out of range")),
        (false, Ok(_)) => Err(failed("accept", false, true)),
    }
}
