//! Sealed secrets, leaders, schedules.

use super::signatures::LOW_ORDER_U;
use crate::fuzz::dice::Dice;
use crypto::x25519;
use ocr::SharedSecret;
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
