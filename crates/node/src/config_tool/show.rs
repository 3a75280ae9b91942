//! Explaining a configuration to a person: the same checks as an oracle's, durations as they are written.

use crate::bad_input::BadInput;
use crate::inspect::ConfigDocument;
use ocr2::config::{PublicConfig, ResourceChecks};
use pipeline::format_duration;
use serde_json::{Value, json};
use std::time::Duration;

pub fn explain(document: &ConfigDocument) -> Result<Value, BadInput> {
    let config = document.to_contract_config()?;
    let public = PublicConfig::from_contract(&config, ResourceChecks::Off)
        .map_err(|error| BadInput::new(format!("no oracle accepts this: {error}")))?;
    let p = &public.parameters;
    let time = |duration: Duration| format_duration(duration);
    let mut warnings: Vec<String> = public.warnings().iter().map(ToString::to_string).collect();
    if let Err(error) = PublicConfig::from_contract(&config, ResourceChecks::On) {
        warnings.push(format!("only for development mode: {error}"));
    }
    let answers = match median::OnchainConfig::decode(&public.onchain_config) {
        Ok(bounds) => json!({ "min": bounds.min.to_string(), "max": bounds.max.to_string() }),
        Err(error) => {
            warnings.push(format!("not for the median plugin: {error}"));
            Value::Null
        }
    };
    let plugin = match median::OffchainConfig::decode(&p.reporting_plugin_config) {
        Ok(plugin) => {
            let alpha = |infinite: bool, ppb: u64| if infinite { json!("infinite") } else { json!(ppb) };
            json!({
                "alpha_report_ppb": alpha(plugin.alpha_report_infinite, plugin.alpha_report_ppb),
                "alpha_accept_ppb": alpha(plugin.alpha_accept_infinite, plugin.alpha_accept_ppb),
                "delta_c": time(plugin.delta_c),
            })
        }
        Err(error) => {
            warnings.push(format!("not for the median plugin: {error}"));
            Value::Null
        }
    };
    let oracles: Vec<Value> = public
        .oracles
        .iter()
        .map(|(id, oracle)| {
            json!({
                "oracle": id.byte(),
                "peer_id": oracle.peer_id,
                "offchain_public_key": hex::encode(oracle.offchain_key.0),
                "onchain_address": format!("0x{}", hex::encode(&oracle.signer)),
                "transmitter": oracle.transmitter,
            })
        })
        .collect();
    let known = config.config_digest != ocr::ConfigDigest::ZERO;
    let (n, f) = (public.committee.n(), public.committee.f());
    Ok(json!({
        "chain_id": document.chain_id,
        "contract": document.contract,
        "config_count": document.config_count,
        "digest": known.then(|| config.config_digest.to_string()),
        "n": n,
        "f": f,
        "signatures_per_report": f + 1,
        "observations_per_report": 2 * f + 1,
        "timers": {
            "delta_round": time(p.delta_round),
            "delta_progress": time(p.delta_progress),
            "delta_resend": time(p.delta_resend),
            "delta_grace": time(p.delta_grace),
            "delta_stage": time(p.delta_stage),
            "max_duration_initialization": p.max_duration_initialization.map(|nanoseconds| match u64::try_from(nanoseconds) {
                Ok(nanoseconds) => time(Duration::from_nanos(nanoseconds)),
                Err(_) => format!("{nanoseconds}ns"),
            }),
            "max_duration_query": time(p.max_duration_query),
            "max_duration_observation": time(p.max_duration_observation),
            "max_duration_report": time(p.max_duration_report),
            "max_duration_should_accept": time(p.max_duration_should_accept),
            "max_duration_should_transmit": time(p.max_duration_should_transmit),
        },
        "r_max": p.r_max,
        "s": p.s,
        "answers": answers,
        "median": plugin,
        "oracles": oracles,
        "warnings": warnings,
    }))
}
