//! Configurations, sealed secrets, leaders, schedules.

use super::signatures::LOW_ORDER_U;
use crate::fuzz::dice::Dice;
use crypto::{ed25519, x25519};
use ocr::{Address, PeerId, SharedSecret};
use ocr2::config::OffchainConfig;
use serde_json::{Value, json};

/// A secret sealed as it should be, or for a point that adds nothing.
pub fn shared_secret(dice: &mut Dice) -> Value {
    let secret = SharedSecret::new(dice.array());
    let ephemeral = x25519::SecretKey::from_bytes(&dice.array());
    let keys: Vec<_> = (0..1 + dice.below(6)).map(|_| x25519::SecretKey::from_bytes(&dice.array())).collect();
    let recipients: Vec<_> = keys.iter().map(x25519::SecretKey::public_key).collect();
    let Ok(mut sealed) = secret.seal(&ephemeral, &recipients) else { return json!({}) };
    let oracle = dice.below(keys.len());
    let point = &mut sealed.diffie_hellman_point.0;
    match dice.below(8) {
        0 => *point = hex::decode(dice.pick(LOW_ORDER_U)).ok().and_then(|u| u.try_into().ok()).unwrap_or(*point),
        // Its value does not count.
        1 => point[31] |= 0x80,
        _ => {}
    }
    json!({
        "dh_point": hex::encode(point), "shared_secret_hash": hex::encode(sealed.shared_secret_hash),
        "encryptions": sealed.encryptions.iter().map(hex::encode).collect::<Vec<_>>(),
        "oracle_id": oracle, "config_encryption_sk": hex::encode(*keys[oracle].to_bytes()),
    })
}

/// A configuration that is mostly sound, and one of its oracles.
fn config(dice: &mut Dice) -> Option<(Value, Value)> {
    let n = if dice.once_in(10) { 1 + dice.below(33) } else { 1 + dice.below(8) };
    let f = if dice.once_in(8) { dice.below(n + 1) } else { (n - 1) / 3 };
    let secret = SharedSecret::new(dice.array());
    let keys: Vec<_> = (0..n).map(|_| x25519::SecretKey::from_bytes(&dice.array())).collect();
    let recipients: Vec<_> = keys.iter().map(x25519::SecretKey::public_key).collect();
    let sealed = secret.seal(&x25519::SecretKey::from_bytes(&dice.array()), &recipients).ok()?;
    let seconds = |dice: &mut Dice, most: usize| 1_000_000_000 * (1 + dice.below(most)) as i64;
    // Most near the rules, some anywhere.
    let odd = |dice: &mut Dice, usual: i64| match dice.below(12) {
        0 => dice.number() as i64,
        1 => usual + dice.below(3) as i64 - 1,
        2 => *dice.pick(&[0, 1, 199_999_999, 200_000_000, -1, i64::MAX, i64::MIN]),
        _ => usual,
    };
    let progress = seconds(dice, 60) + 3_000_000_000;
    let third = progress / 3;
    let transmitting = dice.below(n + 2);
    let (resend, stage, accept) = (seconds(dice, 60), seconds(dice, 60), seconds(dice, 60));
    let config = OffchainConfig {
        delta_progress: odd(dice, progress),
        delta_resend: odd(dice, resend),
        delta_round: odd(dice, third),
        delta_grace: odd(dice, third),
        delta_stage: odd(dice, stage),
        r_max: if dice.once_in(8) { *dice.pick(&[0, 1, 254, 255]) } else { 3 },
        s: (0..transmitting).map(|_| if dice.once_in(40) { 29 + dice.below(5) as u32 } else { 1 }).collect(),
        offchain_public_keys: (0..n).map(|_| ed25519::PublicKey(dice.array())).collect(),
        peer_ids: (0..n).map(|_| PeerId(dice.array()).to_string()).collect(),
        reporting_plugin_config: dice.bytes(3),
        max_duration_query: odd(dice, 1),
        max_duration_observation: odd(dice, third),
        max_duration_report: odd(dice, third),
        max_duration_should_accept: odd(dice, accept),
        max_duration_should_transmit: odd(dice, accept),
        shared_secret_encryptions: sealed,
        max_duration_initialization: dice.once_in(2).then(|| dice.number() as i64),
    };
    let signers: Vec<String> = (0..n).map(|_| hex::encode(dice.array::<20>())).collect();
    let transmitters: Vec<String> = (0..n).map(|_| Address(dice.array()).to_string()).collect();
    let me = dice.below(n);
    let identity = json!({
        "config_encryption_sk": hex::encode(*keys[me].to_bytes()),
        "offchain_pk": hex::encode(config.offchain_public_keys[me].0), "peer_id": config.peer_ids[me],
        "signer": signers[me], "transmitter": transmitters[me],
    });
    let input = json!({
        "signers": signers, "transmitters": transmitters, "f": f, "onchain_config": hex::encode(dice.bytes(4)),
        "offchain_config_version": "2", "offchain_config": hex::encode(config.encode().ok()?),
        "skip_resource_checks": dice.once_in(2),
    });
    Some((input, identity))
}

pub fn offchain_config(dice: &mut Dice) -> Value {
    config(dice).map_or(json!({}), |(input, _)| json!({"input": input}))
}

pub fn offchain_config_oracle(dice: &mut Dice) -> Value {
    config(dice).map_or(json!({}), |(input, me)| json!({"input": input, "me": me}))
}

pub fn leaders(dice: &mut Dice) -> Value {
    json!({
        "shared_secret": hex::encode(dice.array::<16>()), "n": 1 + dice.below(31), "from_epoch": dice.number() as u32,
        "count": dice.below(40),
    })
}

pub fn schedule(dice: &mut Dice) -> Value {
    let stages = if dice.once_in(20) { dice.below(1000) } else { dice.below(12) };
    let s: Vec<usize> = (0..stages).map(|_| if dice.once_in(3) { dice.below(32) } else { dice.below(4) }).collect();
    json!({
        "shared_secret": hex::encode(dice.array::<16>()), "config_digest": hex::encode(dice.array::<32>()),
        "epoch": dice.number() as u32, "round": dice.number() as u8, "n": 1 + dice.below(31), "s": s,
        "delta_stage": dice.between(0, i128::from(i64::MAX)).to_string(),
    })
}
