//! Signatures at the edges: points of small order, with a torsion component, or not canonically encoded; scalars at and
//! beyond the order; recovery ids; r where r plus the order is still, or no longer, a field element.

use crate::fuzz::dice::Dice;
use crypto::secp256k1::SecretKey;
use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
use curve25519_dalek::{EdwardsPoint, Scalar};
use num_bigint::BigUint;
use ocr::ConfigDigest;
use ocr2::signing::{ReportContext, observation_digest};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha512};

/// u-coordinates of low order on Curve25519, canonical and not.
pub const LOW_ORDER_U: &[&str] = &[
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "cdeb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b880",
    "4c9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f11d7",
    "d9ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "daffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "dbffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
];

/// The order of Ed25519's prime subgroup, little-endian.
const ED25519_ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

fn scalar(dice: &mut Dice) -> Scalar {
    let mut wide = [0; 64];
    wide.copy_from_slice(&dice.bytes(64));
    if dice.once_in(4) { Scalar::from(dice.below(3) as u64) } else { Scalar::from_bytes_mod_order_wide(&wide) }
}

fn torsion(dice: &mut Dice) -> EdwardsPoint {
    EIGHT_TORSION[if dice.once_in(3) { dice.below(8) } else { 0 }]
}

/// The encoding of a point, or another of it where there is one: a y at or above the field prime, or the sign of x = 0.
fn encode(dice: &mut Dice, point: &EdwardsPoint) -> [u8; 32] {
    let mut bytes = point.compress().to_bytes();
    let magnitude = |bytes: &[u8; 32]| bytes[1..31].iter().all(|byte| *byte == 0) && bytes[31] & 0x7f == 0;
    if magnitude(&bytes) && bytes[0] < 19 && dice.once_in(2) {
        let sign = bytes[31] & 0x80;
        bytes = [0xff; 32];
        bytes[0] = 0xed + point.compress().to_bytes()[0];
        bytes[31] = 0x7f | sign;
    }
    if point.compress().to_bytes()[1..31].iter().all(|byte| *byte == 0) && dice.once_in(3) {
        bytes[31] ^= 0x80;
    }
    bytes
}

/// S, or S plus so many times the order, which is not canonical.
fn s_bytes(dice: &mut Dice, s: Scalar) -> [u8; 32] {
    let order = BigUint::from_bytes_le(&ED25519_ORDER);
    let times = if dice.once_in(4) { dice.below(16) } else { 0 };
    let mut bytes = (BigUint::from_bytes_le(&s.to_bytes()) + order * times).to_bytes_le();
    bytes.resize(32, 0);
    bytes.try_into().unwrap_or_default()
}

/// A key and its signature over `message`: they hold with the cofactor always and without it sometimes, and need not be
/// honest.
fn ed25519_over(dice: &mut Dice, message: &[u8]) -> ([u8; 32], [u8; 64]) {
    let (a, r) = (scalar(dice), scalar(dice));
    let key = ED25519_BASEPOINT_POINT * a + torsion(dice);
    let nonce = ED25519_BASEPOINT_POINT * r + torsion(dice);
    let mut key = encode(dice, &key);
    let nonce = encode(dice, &nonce);
    if dice.once_in(10) {
        // Any small y: a point or none, canonical or not.
        key = [if dice.once_in(2) { 0 } else { 0xff }; 32];
        key[0] = dice.array::<1>()[0];
        key[31] = *dice.pick(&[0, 0x80, 0x7f, 0xff]);
    }
    let hash = Sha512::new().chain_update(nonce).chain_update(key).chain_update(message).finalize();
    let challenge = Scalar::from_bytes_mod_order_wide(&hash.into());
    let s = s_bytes(dice, r + challenge * a);
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&nonce);
    signature[32..].copy_from_slice(&s);
    (key, signature)
}

pub fn ed25519(dice: &mut Dice) -> Value {
    let length = dice.below(40);
    let message = dice.bytes(length);
    let (key, signature) = ed25519_over(dice, &message);
    json!({
        "public_key": hex::encode(key), "message": hex::encode(message), "signature": hex::encode(signature),
    })
}

/// An observation that such a key signed.
pub fn observation_signature(dice: &mut Dice) -> Value {
    let (config_digest, epoch, round) = (dice.array(), dice.number() as u32, dice.number() as u8);
    let lengths = [dice.below(10), dice.below(60)];
    let [query, observation] = lengths.map(|length| dice.bytes(length));
    let digest = observation_digest(ConfigDigest(config_digest), epoch, round, &query, &observation);
    let (key, signature) = ed25519_over(dice, &digest);
    json!({
        "config_digest": hex::encode(config_digest), "epoch": epoch, "round": round, "query": hex::encode(query),
        "observation": hex::encode(observation), "public_key": hex::encode(key), "signature": hex::encode(signature),
        "secret_seed": hex::encode(dice.array::<32>()),
    })
}

/// secp256k1's group order and field prime.
const SECP256K1_ORDER: &str = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
const SECP256K1_PRIME: &str = "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f";

fn integer(digits: &str) -> BigUint {
    BigUint::parse_bytes(digits.as_bytes(), 16).unwrap_or_default()
}

fn word(number: &BigUint) -> [u8; 32] {
    let bytes = number.to_bytes_be();
    let mut word = [0; 32];
    let length = bytes.len().min(32);
    word[32 - length..].copy_from_slice(&bytes[bytes.len() - length..]);
    word
}

/// A number where the two sides could disagree: near zero, the order, half of it, the prime, their difference, or any.
fn boundary(dice: &mut Dice) -> [u8; 32] {
    let (order, prime) = (integer(SECP256K1_ORDER), integer(SECP256K1_PRIME));
    let middle = match dice.below(7) {
        0 => BigUint::from(8_u8),
        1 => order,
        2 => prime,
        3 => prime - order,
        4 => order / 2_u8,
        5 => (BigUint::from(1_u8) << 256) - 9_u8,
        _ => return dice.array(),
    };
    word(&(middle + dice.below(17) - 8_u8))
}

fn secp256k1_key(dice: &mut Dice) -> SecretKey {
    loop {
        if let Ok(key) = SecretKey::from_bytes(&dice.array()) {
            return key;
        }
    }
}

/// A signature of `hash`: honest, its mirror, or anything; the recovery id may be another.
fn secp256k1_over(dice: &mut Dice, key: &SecretKey, hash: &[u8; 32]) -> Vec<u8> {
    let mut signature = key.sign(hash);
    match dice.below(5) {
        0 | 1 => {}
        2 => {
            let mirrored = integer(SECP256K1_ORDER) - BigUint::from_bytes_be(&signature[32..64]);
            signature[32..64].copy_from_slice(&word(&mirrored));
            signature[64] ^= 1;
        }
        3 => signature[if dice.once_in(2) { 0..32 } else { 32..64 }].copy_from_slice(&boundary(dice)),
        _ => {
            signature[..32].copy_from_slice(&boundary(dice));
            signature[32..64].copy_from_slice(&boundary(dice));
        }
    }
    if dice.once_in(5) {
        signature[64] = *dice.pick(&[0, 1, 2, 3, 4, 5, 27, 28, 31, 0x80, 0xff]);
    }
    if dice.once_in(8) {
        // Small enough that r plus the order may be below the prime.
        signature[..16].fill(0);
        signature[64] = 2 + dice.below(2) as u8;
    }
    signature.to_vec()
}

pub fn secp256k1(dice: &mut Dice) -> Value {
    let hash: [u8; 32] = if dice.once_in(4) { boundary(dice) } else { dice.array() };
    let key = secp256k1_key(dice);
    let signature = secp256k1_over(dice, &key, &hash);
    json!({
        "hash": hex::encode(hash), "signature": hex::encode(signature), "address": hex::encode(key.address().0),
    })
}

/// What a report's signature is over.
fn report(dice: &mut Dice) -> (Value, [u8; 32]) {
    let (config_digest, extra_hash) = (ConfigDigest(dice.array()), dice.array());
    let (epoch, round) = (dice.number() as u32, dice.number() as u8);
    let length = dice.below(60);
    let report = dice.bytes(length);
    let digest = ReportContext { config_digest, epoch, round, extra_hash }.report_digest(&report);
    let fields = json!({
        "config_digest": hex::encode(config_digest.0), "epoch": epoch, "round": round,
        "extra_hash": hex::encode(extra_hash), "report": hex::encode(report),
    });
    (fields, digest)
}

pub fn report_signature(dice: &mut Dice) -> Value {
    let (mut fields, digest) = report(dice);
    let key = secp256k1_key(dice);
    fields["signature"] = hex::encode(secp256k1_over(dice, &key, &digest)).into();
    fields["address"] = hex::encode(key.address().0).into();
    fields
}

pub fn attested_one(dice: &mut Dice) -> Value {
    let mut fields = report_signature(dice);
    let skip = dice.once_in(3);
    fields["skip"] = skip.into();
    if skip {
        // With neither, or one of them.
        for name in ["report", "signature"] {
            if !dice.once_in(3) {
                fields[name] = "".into();
            }
        }
    }
    fields
}

/// A quorum's signatures, sometimes one too many, twice the same, or of nobody.
pub fn attested_many(dice: &mut Dice) -> Value {
    let (mut fields, digest) = report(dice);
    let keys: Vec<SecretKey> = (0..1 + dice.below(8)).map(|_| secp256k1_key(dice)).collect();
    let quorum = 1 + dice.below(keys.len());
    let mut signers: Vec<usize> = (0..keys.len()).collect();
    dice.shuffle(&mut signers);
    signers.truncate(quorum);
    if dice.once_in(10) {
        signers.push(signers[0]);
    }
    let is_odd = dice.once_in(3);
    let signatures: Vec<Value> = (signers.into_iter())
        .map(|signer| {
            let odd = is_odd && dice.once_in(2);
            let signature =
                if odd { secp256k1_over(dice, &keys[signer], &digest) } else { keys[signer].sign(&digest).to_vec() };
            let signer = if dice.once_in(40) { dice.number() as u8 as usize } else { signer };
            json!({"signer": signer, "signature": hex::encode(signature)})
        })
        .collect();
    fields["signatures"] = signatures.into();
    fields["addresses"] = keys.iter().map(|key| Value::from(hex::encode(key.address().0))).collect();
    fields["quorum"] = quorum.into();
    fields
}
