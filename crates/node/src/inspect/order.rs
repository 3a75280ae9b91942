//! Who leads which epoch, and who transmits when: what follows from the shared secret.

use super::input::hex_array;
use crate::bad_input::BadInput;
use clap::Args;
use ocr::{Committee, ConfigDigest, SharedSecret};
use serde_json::{Value, json};
use std::time::Duration;

/// More leaders than anybody reads, and still printed in a moment.
const LEADERS_MAX: u32 = 1_000_000;

#[derive(Clone, Debug, Args)]
pub struct LeadersArgs {
    /// The shared secret, 16 bytes
    #[arg(long, value_name = "HEX16", value_parser = hex_array::<16>)]
    secret: [u8; 16],
    /// Committee size
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=31))]
    n: u8,
    /// The first epoch
    #[arg(long, value_name = "E")]
    from: u32,
    /// How many epochs
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(0..=i64::from(LEADERS_MAX)))]
    count: u32,
}

/// `{"leaders": [oracle of epoch E, of E+1, …]}`.
pub fn leaders(args: &LeadersArgs) -> Result<Value, BadInput> {
    let committee = committee(args.n)?;
    let last = u64::from(args.from) + u64::from(args.count);
    if last > u64::from(u32::MAX) + 1 {
        return Err(BadInput::new("goes beyond epoch 2^32-1, the last of OCR2").at("--count"));
    }
    let key = SharedSecret::new(args.secret).leader_selection_key();
    let leaders: Vec<u8> = (u64::from(args.from)..last).map(|epoch| key.leader(epoch, committee).byte()).collect();
    Ok(json!({ "leaders": leaders }))
}

#[derive(Clone, Debug, Args)]
pub struct ScheduleArgs {
    /// The shared secret, 16 bytes
    #[arg(long, value_name = "HEX16", value_parser = hex_array::<16>)]
    secret: [u8; 16],
    /// The config digest, 32 bytes
    #[arg(long, value_name = "HEX", value_parser = hex_array::<32>)]
    digest: [u8; 32],
    /// Epoch of the report
    #[arg(long, value_name = "E")]
    epoch: u32,
    /// Round of the report
    #[arg(long, value_name = "R")]
    round: u8,
    /// Committee size
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=31))]
    n: u8,
    /// How many transmit in each stage, such as 1,1,2
    #[arg(long, value_name = "S", value_parser = stages)]
    s: Stages,
    /// Time between two stages
    #[arg(long, value_name = "D", value_parser = pipeline::parse_duration)]
    delta_stage: Duration,
}

/// clap takes a list for many values of one option unless it is named.
type Stages = Vec<u8>;

fn stages(text: &str) -> Result<Stages, String> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let stages: Vec<u8> = text
        .split(',')
        .enumerate()
        .map(|(index, count)| match count.trim().parse() {
            Ok(count @ 0..=31) => Ok(count),
            Ok(_) | Err(_) => Err(format!("S[{index}] is {count:?}, wanted 0 to 31")),
        })
        .collect::<Result<_, _>>()?;
    match stages.len() {
        0..=ocr::limits::STAGES_MAX => Ok(stages),
        got => Err(format!("S has {got} entries, allowed are {}", ocr::limits::STAGES_MAX)),
    }
}

/// `{"stages": …, "delays_ms": …}` by oracle; null for one that does not transmit.
pub fn schedule(args: &ScheduleArgs) -> Result<Value, BadInput> {
    let committee = committee(args.n)?;
    let schedule = SharedSecret::new(args.secret).transmission_order_key().schedule(
        committee,
        ConfigDigest(args.digest),
        args.epoch.into(),
        args.round.into(),
        &args.s,
    );
    let stages: Vec<Option<u16>> = committee.oracles().map(|oracle| schedule.stage(oracle)).collect();
    let delays: Vec<Value> =
        committee.oracles().map(|oracle| milliseconds(schedule.delay(oracle, args.delta_stage))).collect();
    Ok(json!({ "stages": stages, "delays_ms": delays }))
}

/// Whole where it is whole.
fn milliseconds(delay: Option<Duration>) -> Value {
    match delay {
        None => Value::Null,
        Some(delay) if delay.subsec_nanos() % 1_000_000 == 0 => json!(u64::try_from(delay.as_millis()).ok()),
        Some(delay) => json!(delay.as_secs_f64() * 1000.0),
    }
}

fn committee(n: u8) -> Result<Committee, BadInput> {
    // Neither order depends on f.
    Committee::new(n.into(), 0).map_err(|error| BadInput::new(error.to_string()).at("--n"))
}
