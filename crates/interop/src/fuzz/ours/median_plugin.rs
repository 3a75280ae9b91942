//! The median plugin.

use super::{Answer, decimal, found, hex};
use crate::fuzz::request::{Fields, No, number, refused, wrong};
use alloy_primitives::I256;
use bytes::Bytes;
use conformance::stage::{first_median_report, median_plugin};
use median::{Observation, OffchainConfig, OnchainConfig, Value};
use ocr::Committee;
use ocr::limits::ORACLES_MAX;
use ocr2::message::{AttributedObservation, SignedObservation};
use serde_json::json;

pub fn observation(request: &Fields<'_>) -> Answer {
    let observation = Observation::decode(&request.bytes("bytes")?).map_err(refused)?;
    let decoded = json!({
        "timestamp": observation.timestamp, "value": decimal(observation.value),
        "juels_per_fee_coin": decimal(observation.juels_per_fee_coin),
        "gas_price_subunits": decimal(observation.gas_price_subunits),
    });
    Ok(found([("decoded", decoded)]))
}

/// The first round of a configuration, in which a report is always due.
pub fn report(request: &Fields<'_>) -> Answer {
    let (n, f) = (request.number("n")?, request.number("f")?);
    let observations = (request.objects("observations")?.iter())
        .map(|entry| {
            let signed = SignedObservation { observation: entry.bytes("observation")?.into(), signature: Bytes::new() };
            Ok(AttributedObservation { signed, observer: entry.number("observer")? })
        })
        .collect::<Result<Vec<_>, No>>()?;
    if observations.len() > ORACLES_MAX {
        return Err(wrong("observations", "more than the protocol hands over"));
    }
    let report = built(n, f, &observations)?;
    let juels = report[96..128].try_into().map(median::value::from_word).unwrap_or_default();
    let median = median::report::median(&report).map_err(refused)?;
    Ok(found([("report", hex(&report)), ("median", decimal(median)), ("juels_per_fee_coin", decimal(juels))]))
}

fn built(n: usize, f: usize, observations: &[AttributedObservation]) -> Result<Bytes, No> {
    let me = Committee::new(1, 0).ok().and_then(|committee| committee.oracle(0)).ok_or_else(|| refused("nobody"))?;
    let mut plugin = median_plugin(me, n, f).map_err(refused)?;
    let made = first_median_report(&mut *plugin, observations).map_err(refused)?;
    let report = made.ok_or_else(|| refused("no report is due"))?;
    // The protocol takes no longer report from its plugin; the reference's plugin looks itself.
    if report.len() > plugin.info().limits.report_bytes_max as usize {
        return Err(refused("a report longer than one of n observations"));
    }
    Ok(report)
}

pub fn order(request: &Fields<'_>) -> Answer {
    let timestamps: Vec<u32> = request.each("timestamps", number)?;
    let numbers = |name| request.each(name, number::<String>);
    let (values, juels) = (numbers("values")?, numbers("juels")?);
    let n = timestamps.len();
    if !(1..=ORACLES_MAX).contains(&n) || values.len() != n || juels.len() != n {
        return Err(wrong("timestamps, values, juels", "not three lists of one length"));
    }
    let value = |text: &str| text.parse::<Value>().map_err(refused);
    let observations = (0..n)
        .map(|i| {
            let observation = Observation {
                timestamp: timestamps[i],
                value: value(&values[i])?,
                juels_per_fee_coin: value(&juels[i])?,
                gas_price_subunits: Value::ZERO,
            };
            let signed = SignedObservation { observation: observation.encode(false).into(), signature: Bytes::new() };
            Ok(AttributedObservation { signed, observer: i as u8 })
        })
        .collect::<Result<Vec<_>, No>>()?;
    let report = built(n, (n - 1) / 3, &observations)?;
    Ok(found([
        ("observers", hex(&report[32..32 + n])),
        ("report_keccak", hex(crypto::keccak256(&report))),
        ("report", hex(report)),
    ]))
}

pub fn decode(request: &Fields<'_>) -> Answer {
    let median = median::report::median(&request.bytes("report")?).map_err(refused)?;
    Ok(found([("median", decimal(median))]))
}

pub fn deviates(request: &Fields<'_>) -> Answer {
    let (old, new): (I256, I256) = (request.number("old")?, request.number("new")?);
    Ok(found([("deviates", median::deviates(request.number("threshold_ppb")?, old, new).into())]))
}

pub fn offchain_config(request: &Fields<'_>) -> Answer {
    let config = OffchainConfig::decode(&request.bytes("bytes")?).map_err(refused)?;
    let decoded = json!({
        "alpha_report_infinite": config.alpha_report_infinite, "alpha_report_ppb": decimal(config.alpha_report_ppb),
        "alpha_accept_infinite": config.alpha_accept_infinite, "alpha_accept_ppb": decimal(config.alpha_accept_ppb),
        "delta_c": decimal(config.delta_c.as_nanos()),
    });
    Ok(found([("decoded", decoded), ("reencoded", hex(config.encode()))]))
}

pub fn onchain_config(request: &Fields<'_>) -> Answer {
    let config = OnchainConfig::decode(&request.bytes("bytes")?).map_err(refused)?;
    let decoded = json!({"min": decimal(config.min), "max": decimal(config.max)});
    Ok(found([("decoded", decoded), ("reencoded", hex(config.encode()))]))
}

pub fn value(request: &Fields<'_>) -> Answer {
    match (request.optional("value"), request.optional("bytes")) {
        (Some(_), None) => {
            let value: String = request.number("value")?;
            Ok(found([("bytes", hex(median::value::encode(value.parse().map_err(refused)?)))]))
        }
        (None, Some(_)) => {
            let value = median::value::decode(&request.bytes("bytes")?);
            Ok(found([("value", decimal(value.ok_or_else(|| refused("not 24 bytes"))?))]))
        }
        _ => Err(wrong("value, bytes", "wanted one of them")),
    }
}
