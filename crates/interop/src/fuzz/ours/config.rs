//! What a committee is set up with: digest, configuration, shared secret, leaders, schedule, limits.

use super::{Answer, decimal, found, hex, message};
use crate::fuzz::request::{Fields, No, array, bytes, number, refused, wrong};
use crypto::{ed25519, x25519};
use ocr::limits::{ORACLES_MAX, STAGES_MAX};
use ocr::{
    Address, Committee, ConfigDigest, ContractConfig, LeaderSelectionKey, SharedSecret, SharedSecretEncryptions,
    evm_simple,
};
use ocr2::config::{OffchainConfig, OracleIdentity, PublicConfig, ResourceChecks, SharedConfig};
use ocr2::transport::TransportLimits;
use serde_json::{Value, json};
use std::time::Duration;

fn contract_config(fields: &Fields<'_>) -> Result<ContractConfig, No> {
    let optional = |name| if fields.optional(name).is_some() { fields.array(name) } else { Ok([0; 32]) };
    Ok(ContractConfig {
        config_digest: ConfigDigest(optional("config_digest")?),
        config_count: if fields.optional("config_count").is_some() { fields.number("config_count")? } else { 0 },
        signers: fields.each("signers", bytes)?,
        transmitters: fields.each("transmitters", |account| account.as_str().map(String::from))?,
        f: fields.number("f")?,
        onchain_config: fields.bytes("onchain_config")?,
        offchain_config_version: fields.number("offchain_config_version")?,
        offchain_config: fields.bytes("offchain_config")?,
    })
}

pub fn config_digest(request: &Fields<'_>) -> Answer {
    let contract: Address = request.text("contract")?.parse().map_err(|_| wrong("contract", "no address"))?;
    let digest = evm_simple::config_digest(request.number("chain_id")?, contract, &contract_config(request)?);
    Ok(found([("digest", hex(digest.map_err(refused)?.0))]))
}

fn input(request: &Fields<'_>) -> Result<(ContractConfig, ResourceChecks), No> {
    let input = request.object("input")?;
    let checks = if input.flag("skip_resource_checks")? { ResourceChecks::Off } else { ResourceChecks::On };
    Ok((contract_config(&input)?, checks))
}

pub fn offchain_config(request: &Fields<'_>) -> Answer {
    let (config, checks) = input(request)?;
    let public = PublicConfig::from_contract(&config, checks).map_err(refused)?;
    let sealed = OffchainConfig::decode(&config.offchain_config).map_err(refused)?.shared_secret_encryptions;
    let encryptions: Vec<Value> = sealed.encryptions.iter().map(hex).collect();
    let oracles: Vec<Value> = (public.oracles.iter())
        .map(|(_, oracle)| {
            json!({
                "offchain_pk": hex(oracle.offchain_key.0), "peer_id": oracle.peer_id, "signer": hex(&oracle.signer),
                "transmitter": oracle.transmitter,
            })
        })
        .collect();
    let p = &public.parameters;
    let nanoseconds = |duration: Duration| decimal(duration.as_nanos());
    let mut decoded = found([
        ("delta_progress", nanoseconds(p.delta_progress)),
        ("delta_resend", nanoseconds(p.delta_resend)),
        ("delta_round", nanoseconds(p.delta_round)),
        ("delta_grace", nanoseconds(p.delta_grace)),
        ("delta_stage", nanoseconds(p.delta_stage)),
        ("r_max", p.r_max.into()),
        ("s", p.s.clone().into()),
        ("oracles", oracles.into()),
        ("reporting_plugin_config", hex(&p.reporting_plugin_config)),
        ("max_duration_query", nanoseconds(p.max_duration_query)),
        ("max_duration_observation", nanoseconds(p.max_duration_observation)),
        ("max_duration_report", nanoseconds(p.max_duration_report)),
        ("max_duration_should_accept", nanoseconds(p.max_duration_should_accept)),
        ("max_duration_should_transmit", nanoseconds(p.max_duration_should_transmit)),
        ("f", public.committee.f().into()),
        ("onchain_config", hex(&public.onchain_config)),
    ]);
    decoded.insert("max_duration_initialization".into(), p.max_duration_initialization.map(decimal).into());
    let sealed = json!({
        "dh_point": hex(sealed.diffie_hellman_point.0), "shared_secret_hash": hex(sealed.shared_secret_hash),
        "encryptions": encryptions,
    });
    Ok(found([("decoded", decoded.into()), ("sealed", sealed)]))
}

/// Unchecked, as the reference's tool is: here only the bytes are at stake.
pub fn offchain_config_encode(request: &Fields<'_>) -> Answer {
    let decoded = request.object("decoded")?;
    let secrets = request.object("secrets")?;
    let secret = SharedSecret::new(secrets.array("shared_secret")?);
    let ephemeral = x25519::SecretKey::from_bytes(&secrets.array("ephemeral_sk")?);
    let recipients: Vec<x25519::PublicKey> =
        secrets.each("config_encryption_sks", |key| Some(x25519::SecretKey::from_bytes(&array(key)?).public_key()))?;
    let oracles = decoded.objects("oracles")?;
    let config = OffchainConfig {
        delta_progress: decoded.number("delta_progress")?,
        delta_resend: decoded.number("delta_resend")?,
        delta_round: decoded.number("delta_round")?,
        delta_grace: decoded.number("delta_grace")?,
        delta_stage: decoded.number("delta_stage")?,
        r_max: decoded.number("r_max")?,
        s: decoded.each("s", number)?,
        offchain_public_keys: (oracles.iter())
            .map(|oracle| oracle.array("offchain_pk").map(ed25519::PublicKey))
            .collect::<Result<_, _>>()?,
        peer_ids: oracles.iter().map(|oracle| oracle.text("peer_id").map(String::from)).collect::<Result<_, _>>()?,
        reporting_plugin_config: decoded.bytes("reporting_plugin_config")?,
        max_duration_query: decoded.number("max_duration_query")?,
        max_duration_observation: decoded.number("max_duration_observation")?,
        max_duration_report: decoded.number("max_duration_report")?,
        max_duration_should_accept: decoded.number("max_duration_should_accept")?,
        max_duration_should_transmit: decoded.number("max_duration_should_transmit")?,
        shared_secret_encryptions: secret.seal(&ephemeral, &recipients).map_err(refused)?,
        max_duration_initialization: match decoded.optional("max_duration_initialization") {
            None => None,
            Some(_) => Some(decoded.number("max_duration_initialization")?),
        },
    };
    Ok(found([
        ("offchain_config", hex(config.encode().map_err(refused)?)),
        ("offchain_config_version", decimal(ocr2::config::OFFCHAIN_CONFIG_VERSION)),
        ("leader_selection_key", hex(secret.leader_selection_key().as_bytes())),
        ("transmission_order_key", hex(secret.transmission_order_key().as_bytes())),
    ]))
}

pub fn offchain_config_oracle(request: &Fields<'_>) -> Answer {
    let (config, checks) = input(request)?;
    let me = request.object("me")?;
    let key = x25519::SecretKey::from_bytes(&me.array("config_encryption_sk")?);
    let identity = OracleIdentity {
        offchain_key: ed25519::PublicKey(me.array("offchain_pk")?),
        signer: me.bytes("signer")?,
        peer_id: me.text("peer_id")?.into(),
        transmitter: me.text("transmitter")?.into(),
    };
    let shared = SharedConfig::from_contract(&config, checks, &identity, &key).map_err(refused)?;
    Ok(found([
        ("oracle_id", shared.me.byte().into()),
        ("shared_secret", hex(shared.secret.as_bytes())),
        ("leader_selection_key", hex(shared.secret.leader_selection_key().as_bytes())),
        ("transmission_order_key", hex(shared.secret.transmission_order_key().as_bytes())),
    ]))
}

pub fn shared_secret(request: &Fields<'_>) -> Answer {
    let sealed = SharedSecretEncryptions {
        diffie_hellman_point: x25519::PublicKey(request.array("dh_point")?),
        shared_secret_hash: request.array("shared_secret_hash")?,
        encryptions: request.each("encryptions", array)?,
    };
    let key = x25519::SecretKey::from_bytes(&request.array("config_encryption_sk")?);
    // An oracle of no committee has nothing to open.
    let committee = Committee::new(ORACLES_MAX, 0).map_err(refused)?;
    let oracle = committee.oracle(request.number("oracle_id")?).ok_or_else(|| refused("no such oracle"))?;
    let secret = sealed.open(oracle, &key).map_err(refused)?;
    Ok(found([("shared_secret", hex(secret.as_bytes()))]))
}

fn committee(request: &Fields<'_>) -> Result<Committee, No> {
    Committee::new(request.number("n")?, 0).map_err(|_| wrong("n", "no committee"))
}

pub fn leaders(request: &Fields<'_>) -> Answer {
    let key = match request.optional("leader_selection_key") {
        Some(_) => LeaderSelectionKey::new(request.array("leader_selection_key")?),
        None => SharedSecret::new(request.array("shared_secret")?).leader_selection_key(),
    };
    let committee = committee(request)?;
    let first: u32 = request.number("from_epoch")?;
    let leaders: Vec<u8> = (0..request.number("count")?)
        .map(|offset: u32| key.leader(first.wrapping_add(offset).into(), committee).byte())
        .collect();
    Ok(found([("leaders", leaders.into()), ("leader_selection_key", hex(key.as_bytes()))]))
}

pub fn schedule(request: &Fields<'_>) -> Answer {
    let s: Vec<u8> = request.each("s", number)?;
    if s.len() > STAGES_MAX {
        return Err(wrong("s", "more stages than a configuration may have"));
    }
    let committee = committee(request)?;
    let delta_stage = Duration::from_nanos(request.number("delta_stage")?);
    let schedule = SharedSecret::new(request.array("shared_secret")?).transmission_order_key().schedule(
        committee,
        ConfigDigest(request.array("config_digest")?),
        request.number("epoch")?,
        request.number("round")?,
        &s,
    );
    let delays: Vec<Option<Value>> = (committee.oracles())
        .map(|oracle| schedule.delay(oracle, delta_stage).map(|delay| decimal(delay.as_nanos())))
        .collect();
    Ok(found([("delays", delays.into())]))
}

pub fn limits(request: &Fields<'_>) -> Answer {
    let delta = |name| request.number(name).map(Duration::from_nanos);
    let limits = TransportLimits::new(
        request.number("n")?,
        delta("delta_progress")?,
        delta("delta_resend")?,
        delta("delta_round")?,
        message::limits(request)?,
        request.number("max_signature_length")?,
    )
    .map_err(refused)?;
    Ok(found([
        ("max_message_length", limits.message_bytes_max.into()),
        ("messages_rate", decimal(limits.message_rate)),
        ("messages_capacity", limits.message_capacity.into()),
        ("bytes_rate", decimal(limits.byte_rate)),
        ("bytes_capacity", limits.byte_capacity.into()),
    ]))
}
