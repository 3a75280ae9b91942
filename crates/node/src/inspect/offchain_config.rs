//! An OCR2 offchain config, taken apart. From its bytes alone: what they say. From a whole contract config: with every
//! check that an oracle makes.

use super::contract_config::ConfigDocument;
use super::input::Input;
use crate::bad_input::BadInput;
use ocr2::config::{OffchainConfig, PublicConfig, ResourceChecks};
use serde_json::{Value, json};
use std::time::Duration;

pub fn explain(input: &Input) -> Result<Value, BadInput> {
    if input.is_object() { checked(&input.json()?) } else { raw(&input.bytes()?) }
}

/// What the bytes say, allowed or not. Durations are nanoseconds as decimal strings.
pub fn raw(bytes: &[u8]) -> Result<Value, BadInput> {
    let config = OffchainConfig::decode(bytes).map_err(|error| BadInput::new(error.to_string()))?;
    let secret = &config.shared_secret_encryptions;
    let ns = |nanoseconds: i64| nanoseconds.to_string();
    Ok(json!({
        "delta_progress": ns(config.delta_progress),
        "delta_resend": ns(config.delta_resend),
        "delta_round": ns(config.delta_round),
        "delta_grace": ns(config.delta_grace),
        "delta_stage": ns(config.delta_stage),
        "r_max": config.r_max,
        "s": config.s,
        "offchain_public_keys": config.offchain_public_keys.iter().map(|key| hex::encode(key.0)).collect::<Vec<_>>(),
        "peer_ids": config.peer_ids,
        "reporting_plugin_config": hex::encode(&config.reporting_plugin_config),
        "max_duration_initialization": config.max_duration_initialization.map(ns),
        "max_duration_query": ns(config.max_duration_query),
        "max_duration_observation": ns(config.max_duration_observation),
        "max_duration_report": ns(config.max_duration_report),
        "max_duration_should_accept": ns(config.max_duration_should_accept),
        "max_duration_should_transmit": ns(config.max_duration_should_transmit),
        "shared_secret_encryptions": {
            "diffie_hellman_point": hex::encode(secret.diffie_hellman_point.0),
            "shared_secret_hash": hex::encode(secret.shared_secret_hash),
            "encryptions": secret.encryptions.iter().map(hex::encode).collect::<Vec<_>>(),
        },
    }))
}

/// What an oracle makes of a contract's configuration, and what is allowed in it and yet hardly meant.
pub fn checked(document: &ConfigDocument) -> Result<Value, BadInput> {
    let config = document.to_contract_config()?;
    let public = PublicConfig::from_contract(&config, ResourceChecks::Off)
        .map_err(|error| BadInput::new(format!("no oracle accepts this: {error}")))?;
    let p = &public.parameters;
    let ns = |duration: Duration| duration.as_nanos().to_string();
    let oracle = |oracle: &ocr2::config::OracleIdentity| {
        json!({
            "offchain_pk": hex::encode(oracle.offchain_key.0),
            "peer_id": oracle.peer_id,
            "signer": hex::encode(&oracle.signer),
            "transmitter": oracle.transmitter,
        })
    };
    let mut warnings: Vec<String> = public.warnings().iter().map(ToString::to_string).collect();
    if let Err(error) = PublicConfig::from_contract(&config, ResourceChecks::On) {
        warnings.push(format!("only for development mode: {error}"));
    }
    let known = config.config_digest != ocr::ConfigDigest::ZERO;
    Ok(json!({
        "digest": known.then(|| config.config_digest.to_string()),
        "n": public.committee.n(),
        "f": public.committee.f(),
        "delta_progress": ns(p.delta_progress),
        "delta_resend": ns(p.delta_resend),
        "delta_round": ns(p.delta_round),
        "delta_grace": ns(p.delta_grace),
        "delta_stage": ns(p.delta_stage),
        "r_max": p.r_max,
        "s": p.s,
        "oracles": public.oracles.iter().map(|(_, identity)| oracle(identity)).collect::<Vec<_>>(),
        "onchain_config": hex::encode(&public.onchain_config),
        "reporting_plugin_config": hex::encode(&p.reporting_plugin_config),
        "max_duration_initialization": p.max_duration_initialization.map(|nanoseconds| nanoseconds.to_string()),
        "max_duration_query": ns(p.max_duration_query),
        "max_duration_observation": ns(p.max_duration_observation),
        "max_duration_report": ns(p.max_duration_report),
        "max_duration_should_accept": ns(p.max_duration_should_accept),
        "max_duration_should_transmit": ns(p.max_duration_should_transmit),
        "warnings": warnings,
    }))
}
