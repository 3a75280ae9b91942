//! Vectors of what an OCR2 committee is set up with: digest, configuration, leaders, schedule, limits, signatures.

use std::time::Duration;

use crypto::{Claim, ed25519, secp256k1, x25519};
use ocr::{
    Address, Committee, ConfigDigest, ContractConfig, LeaderSelectionKey, SharedSecret, TransmissionOrderKey,
    evm_simple, limits::STAGES_MAX, schedule,
};
use ocr2::{
    config::{OffchainConfig, OracleIdentity, Parameters, Proposal, PublicConfig, ResourceChecks, SharedConfig},
    signing::{self, ReportContext, observation_digest},
    transport::{PluginLimits, TransportLimits},
};
use serde_json::Value;

use crate::{
    Verdict,
    case::{Checked, Fields, failed, hex_bytes, number, prefixed_hex, same, same_bytes, unknown, verdict},
    limits::RATE_TOLERANCE,
};

/// Judges one case of `ocr2/<file>.json`; `None` for a file of another module.
pub fn run(file: &str, case: &Value) -> Option<Verdict> {
    let judge: fn(&Fields<'_>) -> Checked = match file {
        "config_digest" => config_digest,
        "offchain_config" => offchain_config,
        "leaders" => leaders,
        "schedule" => transmission_schedule,
        "limits" => limits,
        "signatures" => match case.get("type").and_then(Value::as_str) {
            Some("observation") => observation_signature,
            Some("extra_hash") => extra_hash,
            Some("report") => report_signature,
            _ => return None,
        },
        _ => return None,
    };
    Some(verdict(Fields::new(case).and_then(|case| {
        judge(&case)?;
        case.end()
    })))
}

fn observation_signature(case: &Fields<'_>) -> Checked {
    case.note("type");
    case.note("name");
    let digest = observation_digest(
        ConfigDigest(case.array("config_digest")?),
        case.number("epoch")?,
        case.number("round")?,
        &case.bytes("query")?,
        &case.bytes("observation")?,
    );
    same_bytes("digest", case.array::<32>("digest")?, digest)?;
    let key = ed25519::PublicKey(case.array("public_key")?);
    let signature = case.bytes("signature")?;
    if case.optional("secret_seed").is_some() {
        let secret = ed25519::SecretKey::from_seed(&case.array("secret_seed")?);
        same("public_key", key, secret.public_key())?;
        same_bytes("signature", &signature, secret.sign(&digest))?;
    }
    let valid = Claim::ed25519(key, digest, &signature).is_some_and(|claim| claim.verdict());
    same("valid", case.flag("valid")?, valid)
}

fn extra_hash(case: &Fields<'_>) -> Checked {
    case.note("type");
    case.note("name");
    let mut observations = Vec::new();
    for entry in case.objects("observations")? {
        observations.push((entry.bytes("observation")?, entry.number("observer")?));
        entry.end()?;
    }
    let hash = signing::extra_hash(
        &case.bytes("query")?,
        observations.iter().map(|(observation, observer)| (&observation[..], *observer)),
    );
    same_bytes("extra_hash", case.array::<32>("extra_hash")?, hash)
}

fn report_signature(case: &Fields<'_>) -> Checked {
    case.note("type");
    case.note("name");
    let digest = report_digest(case)?;
    let signature = case.bytes("signature")?;
    let signer = prefixed_hex(case.value("address")?).ok_or_else(|| case.wrong("address", "not hex after 0x"))?;
    if case.optional("secret_key").is_some() {
        let secret = secp256k1::SecretKey::from_bytes(&case.array("secret_key")?)
            .map_err(|error| case.wrong("secret_key", error))?;
        same_bytes("address", &signer, secret.address().0)?;
        same_bytes("signature", &signature, secret.sign(&digest))?;
    }
    let claim = Address::from_slice(&signer).and_then(|signer| Claim::secp256k1(signer, digest, &signature));
    same("valid", case.flag("valid")?, claim.is_some_and(|claim| claim.verdict()))
}

/// What the signer of a case's report signs; compares its words and hash on the way.
pub fn report_digest(case: &Fields<'_>) -> Checked<[u8; 32]> {
    let context = ReportContext {
        config_digest: ConfigDigest(case.array("config_digest")?),
        epoch: case.number("epoch")?,
        round: case.number("round")?,
        extra_hash: case.array("extra_hash")?,
    };
    let words = case.each("report_context", hex_bytes)?;
    same("report_context", list_of_hex(&words), list_of_hex(&context.words()))?;
    let digest = context.report_digest(&case.bytes("report")?);
    same_bytes("sighash", case.array::<32>("sighash")?, digest)?;
    Ok(digest)
}

/// Both must accept or both refuse. The reference's reason is information only.
fn same_acceptance<T, E: std::fmt::Display>(case: &Fields<'_>, got: Result<T, E>) -> Checked<Option<T>> {
    case.note("why");
    case.note("name");
    match (case.flag("accept")?, got) {
        (true, Ok(value)) => Ok(Some(value)),
        (false, Err(_)) => Ok(None),
        (true, Err(error)) => Err(failed("accept", true, format!("refused: {error}"))),
        (false, Ok(_)) => Err(failed("accept", false, true)),
    }
}

fn committee(case: &Fields<'_>, f: usize) -> Checked<Committee> {
    Committee::new(case.number("n")?, f).map_err(|error| case.wrong("n", error))
}

fn config_digest(case: &Fields<'_>) -> Checked {
    let contract: Address = case.text("contract")?.parse().map_err(|error| case.wrong("contract", error))?;
    let config = ContractConfig {
        config_digest: ConfigDigest::ZERO,
        config_count: case.number("config_count")?,
        signers: case.each("signers", prefixed_hex)?,
        transmitters: case.each("transmitters", |account| account.as_str().map(String::from))?,
        f: case.number("f")?,
        onchain_config: case.bytes("onchain_config")?,
        offchain_config_version: case.number("offchain_config_version")?,
        offchain_config: case.bytes("offchain_config")?,
    };
    let digest = evm_simple::config_digest(case.number("chain_id")?, contract, &config);
    match same_acceptance(case, digest)? {
        Some(digest) => same("digest", case.text("digest")?, digest),
        None => Ok(()),
    }
}

fn leaders(case: &Fields<'_>) -> Checked {
    case.note("name");
    let key = SharedSecret::new(case.array("shared_secret")?).leader_selection_key();
    same_bytes("leader_selection_key", case.array::<16>("leader_selection_key")?, key.as_bytes())?;
    let committee = committee(case, 0)?;
    let first: u32 = case.number("from_epoch")?;
    for (offset, wanted) in (0u32..).zip(case.each("leaders", number::<u8>)?) {
        let epoch = first.wrapping_add(offset);
        let leader = key.leader(epoch.into(), committee);
        same(&format!("leaders[{offset}]"), wanted, leader)?;
    }
    Ok(())
}

fn transmission_schedule(case: &Fields<'_>) -> Checked {
    case.note("name");
    let order = SharedSecret::new(case.array("shared_secret")?).transmission_order_key();
    same_bytes("transmission_order_key", case.array::<16>("transmission_order_key")?, order.as_bytes())?;
    let committee = committee(case, 0)?;
    let digest = ConfigDigest(case.array("config_digest")?);
    let (epoch, round) = (case.number::<u32>("epoch")?.into(), case.number::<u8>("round")?.into());
    let key = order.permutation_key(digest, epoch, round);
    same_bytes("permutation_key", case.array::<16>("permutation_key")?, key)?;
    let permutation = schedule::permutation(committee, &key);
    same("permutation", list(&case.each("permutation", number::<u8>)?), list(permutation.as_slice()))?;

    let s = case.each("s", number::<u8>)?;
    if s.len() > STAGES_MAX {
        return Err(case.wrong("s", "more stages than a config may have"));
    }
    let delta_stage = Duration::from_nanos(case.number("delta_stage")?);
    let schedule = order.schedule(committee, digest, epoch, round, &s);
    let (stages, delays) = (case.list("stages")?, case.list("delays")?);
    for (name, wanted) in [("stages", stages), ("delays", delays)] {
        same(&format!("{name}.length"), wanted.len(), committee.n())?;
    }
    let shown = |value: Option<String>| value.unwrap_or_else(|| "null".into());
    for oracle in committee.oracles() {
        let (stage, delay) = (&stages[oracle.index()], &delays[oracle.index()]);
        let got = schedule.stage(oracle).map(|stage| stage.to_string());
        same(&format!("stages[{oracle}]"), shown(number::<String>(stage)), shown(got))?;
        let got = schedule.delay(oracle, delta_stage).map(|delay| delay.as_nanos().to_string());
        same(&format!("delays[{oracle}]"), shown(number(delay)), shown(got))?;
    }
    Ok(())
}

fn list(entries: &[impl std::fmt::Display]) -> String {
    entries.iter().map(|entry| entry.to_string()).collect::<Vec<_>>().join(" ")
}

fn limits(case: &Fields<'_>) -> Checked {
    let delta = |name| case.number(name).map(Duration::from_nanos);
    let plugin = PluginLimits {
        query_bytes_max: case.number("max_query_length")?,
        observation_bytes_max: case.number("max_observation_length")?,
        report_bytes_max: case.number("max_report_length")?,
    };
    let (n, signature_bytes_max) = (case.number("n")?, case.number("max_signature_length")?);
    let [progress, resend, round] = [delta("delta_progress")?, delta("delta_resend")?, delta("delta_round")?];
    let limits = TransportLimits::new(n, progress, resend, round, plugin, signature_bytes_max);
    let Some(limits) = same_acceptance(case, limits)? else { return Ok(()) };
    same("max_message_length", case.number::<u32>("max_message_length")?, limits.message_bytes_max)?;
    same("messages_capacity", case.number::<u32>("messages_capacity")?, limits.message_capacity)?;
    same("bytes_capacity", case.number::<u32>("bytes_capacity")?, limits.byte_capacity)?;
    same_rate(case, "messages_rate", limits.message_rate)?;
    same_rate(case, "bytes_rate", limits.byte_rate)
}

fn same_rate(case: &Fields<'_>, name: &str, got: f64) -> Checked {
    let wanted: f64 = case.number(name)?;
    // Equality first: infinities have no difference.
    if wanted == got || (wanted - got).abs() <= RATE_TOLERANCE * wanted.abs() {
        Ok(())
    } else {
        Err(failed(name, wanted, got))
    }
}

fn offchain_config(case: &Fields<'_>) -> Checked {
    let input = case.object("input")?;
    let config = ContractConfig {
        signers: input.each("signers", hex_bytes)?,
        transmitters: input.each("transmitters", |account| account.as_str().map(String::from))?,
        f: input.number("f")?,
        onchain_config: input.bytes("onchain_config")?,
        offchain_config_version: input.number("offchain_config_version")?,
        offchain_config: input.bytes("offchain_config")?,
        ..ContractConfig::default()
    };
    let checks = if input.flag("skip_resource_checks")? { ResourceChecks::Off } else { ResourceChecks::On };
    input.end()?;
    match case.text("kind")? {
        "public" => public_config(case, &config, checks),
        "oracle" => shared_config(case, &config, checks),
        other => Err(unknown(format!("kind ({other})"))),
    }
}

fn shared_config(case: &Fields<'_>, config: &ContractConfig, checks: ResourceChecks) -> Checked {
    let me = case.object("me")?;
    let identity = identity(&me)?;
    let key = x25519::SecretKey::from_bytes(&me.array("config_encryption_sk")?);
    me.end()?;
    match same_acceptance(case, SharedConfig::from_contract(config, checks, &identity, &key))? {
        Some(shared) => {
            same("oracle_id", case.number::<u8>("oracle_id")?, shared.me)?;
            same_bytes("shared_secret", case.array::<16>("shared_secret")?, shared.secret.as_bytes())
        }
        None => Ok(()),
    }
}

fn identity(fields: &Fields<'_>) -> Checked<OracleIdentity> {
    Ok(OracleIdentity {
        offchain_key: ed25519::PublicKey(fields.array("offchain_pk")?),
        signer: fields.bytes("signer")?,
        peer_id: fields.text("peer_id")?.into(),
        transmitter: fields.text("transmitter")?.into(),
    })
}

fn public_config(case: &Fields<'_>, config: &ContractConfig, checks: ResourceChecks) -> Checked {
    let Some(public) = same_acceptance(case, PublicConfig::from_contract(config, checks))? else { return Ok(()) };

    let decoded = case.object("decoded")?;
    let mut oracles = Vec::new();
    for oracle in decoded.objects("oracles")? {
        oracles.push(identity(&oracle)?);
        oracle.end()?;
    }
    let wanted = Parameters {
        delta_progress: nanoseconds(&decoded, "delta_progress")?,
        delta_resend: nanoseconds(&decoded, "delta_resend")?,
        delta_round: nanoseconds(&decoded, "delta_round")?,
        delta_grace: nanoseconds(&decoded, "delta_grace")?,
        delta_stage: nanoseconds(&decoded, "delta_stage")?,
        r_max: decoded.number("r_max")?,
        s: decoded.each("s", number)?,
        reporting_plugin_config: decoded.bytes("reporting_plugin_config")?,
        max_duration_initialization: match decoded.optional("max_duration_initialization") {
            None => None,
            Some(_) => Some(decoded.number("max_duration_initialization")?),
        },
        max_duration_query: nanoseconds(&decoded, "max_duration_query")?,
        max_duration_observation: nanoseconds(&decoded, "max_duration_observation")?,
        max_duration_report: nanoseconds(&decoded, "max_duration_report")?,
        max_duration_should_accept: nanoseconds(&decoded, "max_duration_should_accept")?,
        max_duration_should_transmit: nanoseconds(&decoded, "max_duration_should_transmit")?,
    };
    let (f, onchain_config) = (decoded.number("f")?, decoded.bytes("onchain_config")?);
    decoded.end()?;

    same_parameters(&wanted, &public.parameters)?;
    same("decoded.f", f, public.committee.f())?;
    same_bytes("decoded.onchain_config", &onchain_config, &public.onchain_config)?;
    same("decoded.oracles.length", oracles.len(), public.committee.n())?;
    for ((id, got), wanted) in public.oracles.iter().zip(&oracles) {
        same(&format!("decoded.oracles[{id}].offchain_pk"), wanted.offchain_key, got.offchain_key)?;
        same(&format!("decoded.oracles[{id}].peer_id"), &wanted.peer_id, &got.peer_id)?;
        same_bytes(&format!("decoded.oracles[{id}].signer"), &wanted.signer, &got.signer)?;
        same(&format!("decoded.oracles[{id}].transmitter"), &wanted.transmitter, &got.transmitter)?;
    }
    match case.optional("secrets") {
        None => Ok(()),
        Some(_) => sealed_config(case.object("secrets")?, config, checks, f, onchain_config, oracles, wanted),
    }
}

fn nanoseconds(fields: &Fields<'_>, name: &str) -> Checked<Duration> {
    fields.number(name).map(Duration::from_nanos)
}

fn same_parameters(wanted: &Parameters, got: &Parameters) -> Checked {
    for (name, wanted, got) in [
        ("delta_progress", wanted.delta_progress, got.delta_progress),
        ("delta_resend", wanted.delta_resend, got.delta_resend),
        ("delta_round", wanted.delta_round, got.delta_round),
        ("delta_grace", wanted.delta_grace, got.delta_grace),
        ("delta_stage", wanted.delta_stage, got.delta_stage),
        ("max_duration_query", wanted.max_duration_query, got.max_duration_query),
        ("max_duration_observation", wanted.max_duration_observation, got.max_duration_observation),
        ("max_duration_report", wanted.max_duration_report, got.max_duration_report),
        ("max_duration_should_accept", wanted.max_duration_should_accept, got.max_duration_should_accept),
        ("max_duration_should_transmit", wanted.max_duration_should_transmit, got.max_duration_should_transmit),
    ] {
        same(&format!("decoded.{name}"), wanted.as_nanos(), got.as_nanos())?;
    }
    same("decoded.r_max", wanted.r_max, got.r_max)?;
    same("decoded.s", list(&wanted.s), list(&got.s))?;
    same_bytes("decoded.reporting_plugin_config", &wanted.reporting_plugin_config, &got.reporting_plugin_config)?;
    let shown = |nanoseconds: Option<i64>| nanoseconds.map_or("null".into(), |value| value.to_string());
    same(
        "decoded.max_duration_initialization",
        shown(wanted.max_duration_initialization),
        shown(got.max_duration_initialization),
    )
}

/// What was decoded, sealed again with the same secrets, must give the same bytes.
fn sealed_config(
    secrets: Fields<'_>,
    config: &ContractConfig,
    checks: ResourceChecks,
    f: u8,
    onchain_config: Vec<u8>,
    oracles: Vec<OracleIdentity>,
    parameters: Parameters,
) -> Checked {
    let secret = SharedSecret::new(secrets.array("shared_secret")?);
    let ephemeral = x25519::SecretKey::from_bytes(&secrets.array("ephemeral_sk")?);
    let recipients = secrets.each("config_encryption_sks", |key| {
        let key: [u8; 32] = hex_bytes(key)?.try_into().ok()?;
        Some(x25519::SecretKey::from_bytes(&key).public_key())
    })?;
    same("secrets.config_encryption_sks.length", oracles.len(), recipients.len())?;
    let (leader_key, order_key) = (secret.leader_selection_key(), secret.transmission_order_key());
    same_keys(&secrets, &leader_key, &order_key)?;

    let proposal = Proposal { oracles: oracles.into_iter().zip(recipients).collect(), f, onchain_config, parameters };
    let proposed = proposal
        .seal(&secret, &ephemeral, checks)
        .map_err(|error| failed("secrets", "a config", format!("refused: {error}")))?;
    let sealed = OffchainConfig::decode(&proposed.offchain_config)
        .map_err(|error| failed("secrets", "a config", error))?
        .shared_secret_encryptions;
    same_bytes("secrets.dh_point", secrets.array::<32>("dh_point")?, sealed.diffie_hellman_point.0)?;
    same_bytes("secrets.shared_secret_hash", secrets.array::<32>("shared_secret_hash")?, sealed.shared_secret_hash)?;
    let wanted = secrets.each("encryptions", hex_bytes)?;
    same("secrets.encryptions", list_of_hex(&wanted), list_of_hex(&sealed.encryptions))?;
    secrets.end()?;
    same_bytes("input.offchain_config", &config.offchain_config, &proposed.offchain_config)
}

fn same_keys(secrets: &Fields<'_>, leader: &LeaderSelectionKey, order: &TransmissionOrderKey) -> Checked {
    same_bytes("secrets.leader_selection_key", secrets.array::<16>("leader_selection_key")?, leader.as_bytes())?;
    same_bytes("secrets.transmission_order_key", secrets.array::<16>("transmission_order_key")?, order.as_bytes())
}

fn list_of_hex(entries: &[impl AsRef<[u8]>]) -> String {
    list(&entries.iter().map(hex::encode).collect::<Vec<_>>())
}
