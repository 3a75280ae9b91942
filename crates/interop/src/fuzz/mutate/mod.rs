//! Changes to a question that leave it a question: one field at a time, by what the field holds.

mod der;
mod protobuf;

use super::dice::Dice;
use super::request::{Kind, kind};
use num_bigint::{BigInt, Sign};
use serde_json::{Map, Number, Value};

pub use der::{smaller as smaller_der, time};
pub use protobuf::smaller as smaller_protobuf;

/// Lists longer than this only shrink.
const LIST_MAX: usize = 40;
/// Bytes beyond which a field is not made longer.
const BYTES_MAX: usize = 4096;

/// Changes one field of `request`. `donors` are other questions of the operation, whose fields may be taken over.
pub fn mutate(dice: &mut Dice, request: &mut Value, donors: &[Value]) {
    let op = request["op"].as_str().unwrap_or_default().to_owned();
    // The fields of these belong together.
    let is_whole = op == "median_order" || op == "script";
    if !donors.is_empty() && !is_whole && dice.once_in(12) {
        adopt(dice, request, donors);
        return;
    }
    let Value::Object(fields) = request else { return };
    object(dice, &op, fields);
}

/// Takes a field over from another question.
fn adopt(dice: &mut Dice, request: &mut Value, donors: &[Value]) {
    let donor = dice.pick(donors).clone();
    let (Value::Object(fields), Value::Object(donor)) = (request, donor) else { return };
    let op = fields.get("op").and_then(Value::as_str).unwrap_or_default().to_owned();
    let names: Vec<String> = fields.keys().filter(|name| kind(&op, name) != Kind::Fixed).cloned().collect();
    if names.is_empty() {
        return;
    }
    let name = dice.pick(&names);
    match (fields.get_mut(name), donor.get(name)) {
        // Two messages, one after the other, are one message: fields merge, and the last of a oneof wins.
        (Some(Value::String(ours)), Some(Value::String(theirs))) if kind(&op, name) == Kind::Protobuf => {
            if dice.once_in(2) {
                ours.push_str(theirs);
            } else {
                ours.insert_str(0, theirs);
            }
        }
        (Some(ours), Some(theirs)) => *ours = theirs.clone(),
        _ => {}
    }
}

fn object(dice: &mut Dice, op: &str, fields: &mut Map<String, Value>) {
    let names: Vec<String> = fields.keys().filter(|name| kind(op, name) != Kind::Fixed).cloned().collect();
    if names.is_empty() {
        return;
    }
    let name = dice.pick(&names).clone();
    if let Some(value) = fields.get_mut(&name) {
        field(dice, op, &name, value);
    }
}

fn field(dice: &mut Dice, op: &str, name: &str, value: &mut Value) {
    match value {
        Value::Object(fields) => object(dice, op, fields),
        Value::Array(list) if list.is_empty() || dice.once_in(3) => rearrange(dice, op, list),
        Value::Array(list) => {
            let index = dice.below(list.len());
            field(dice, op, name, &mut list[index]);
        }
        _ => *value = leaf(dice, kind(op, name), value),
    }
}

/// Scripts keep their oracles, and lists that belong together their length.
fn rearrange(dice: &mut Dice, op: &str, list: &mut Vec<Value>) {
    if list.is_empty() || op == "median_order" || op == "script" && list[0].get("offchain_pk").is_some() {
        return;
    }
    let (from, to) = (dice.below(list.len()), dice.below(list.len()));
    match dice.below(4) {
        0 => drop(list.remove(from)),
        1 if list.len() < LIST_MAX => list.insert(to, list[from].clone()),
        2 => {
            let moved = list.remove(from);
            list.insert(to.min(list.len()), moved);
        }
        _ => list.swap(from, to),
    }
}

fn leaf(dice: &mut Dice, kind: Kind, value: &Value) -> Value {
    let text = value.as_str().unwrap_or_default();
    let (prefix, digits) = text.split_at(if text.starts_with("0x") { 2 } else { 0 });
    let content = || hex::decode(digits).unwrap_or_default();
    let hex = |bytes: Vec<u8>| Value::String(format!("{prefix}{}", hex::encode(bytes)));
    match kind {
        Kind::Protobuf if !dice.once_in(8) => hex(protobuf::mutate(dice, &content())),
        Kind::Der if !dice.once_in(8) => hex(der::mutate(dice, &content())),
        Kind::Protobuf | Kind::Der | Kind::Bytes => hex(bytes(dice, content())),
        Kind::Sized(length) => {
            let mut bytes = content();
            bytes.resize(length, 0);
            sized(dice, &mut bytes);
            hex(bytes)
        }
        Kind::Text => Value::String(self::text(dice, text)),
        Kind::OneOf(texts) => Value::String((*dice.pick(texts)).into()),
        Kind::Integer(low, high) => like(value, dice.between(low, high).to_string()),
        Kind::Wide(bits) => like(value, wide(dice, bits).to_string()),
        Kind::Flag => Value::Bool(value != &Value::Bool(true)),
        Kind::Fixed => value.clone(),
    }
}

/// Digits in the form that the field had: a number or a text.
fn like(value: &Value, digits: String) -> Value {
    match value {
        Value::Number(_) => digits.parse::<Number>().map_or(Value::Null, Value::Number),
        _ => Value::String(digits),
    }
}

/// A number of about so many bits, near a power of two more often than not.
pub fn wide(dice: &mut Dice, bits: u64) -> BigInt {
    let sign = if dice.once_in(2) { Sign::Minus } else { Sign::Plus };
    match dice.below(3) {
        0 => {
            BigInt::from_bytes_be(sign, &dice.bytes(1 + (bits / 8) as usize)) >> (9 + dice.below(bits as usize) as u64)
        }
        1 => BigInt::from(dice.between(-20, 20)),
        _ => {
            let power = BigInt::from(1) << dice.between(bits as i128 - 4, bits as i128) as u64;
            let power = if dice.once_in(4) { BigInt::from(1) << dice.below(bits as usize) } else { power };
            let near = power + dice.between(-2, 2);
            if sign == Sign::Minus { -near } else { near }
        }
    }
}

/// Changes bytes whose length stays.
fn sized(dice: &mut Dice, bytes: &mut [u8]) {
    if bytes.is_empty() {
        return;
    }
    let at = dice.below(bytes.len());
    match dice.below(5) {
        0 => bytes[at] ^= 1 << dice.below(8),
        1 => bytes[at] = dice.array::<1>()[0],
        2 => bytes.fill(*dice.pick(&[0, 0xff, 1])),
        3 => bytes[at..].fill(*dice.pick(&[0, 0xff])),
        _ => bytes.copy_from_slice(&dice.bytes(bytes.len())),
    }
}

/// Changes any bytes.
pub fn bytes(dice: &mut Dice, mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.is_empty() || dice.once_in(8) && bytes.len() < BYTES_MAX {
        let more = dice.below(8);
        bytes.extend(dice.bytes(more));
        return bytes;
    }
    let (a, b) = (dice.below(bytes.len() + 1), dice.below(bytes.len() + 1));
    let range = a.min(b)..a.max(b);
    match dice.below(6) {
        0 => drop(bytes.drain(range)),
        1 => bytes.truncate(a),
        2 if bytes.len() < BYTES_MAX => {
            let again = bytes[range].to_vec();
            bytes.splice(a..a, again);
        }
        3 => {
            let at = dice.below(bytes.len());
            bytes.remove(at);
        }
        _ => sized(dice, &mut bytes),
    }
    bytes
}

/// Changes a text, with pieces that addresses and names are made of.
fn text(dice: &mut Dice, text: &str) -> String {
    const PIECES: &[&str] = &[
        "0",
        "1",
        "9",
        "a",
        "f",
        "F",
        "g",
        "O",
        "l",
        ".",
        ":",
        "::",
        "[",
        "]",
        "%",
        "%eth0",
        "/",
        "@",
        "-",
        "+",
        " ",
        "0x",
        "0X",
        "255",
        "256",
        "65535",
        "65536",
        "00",
        "080",
        "ffff:",
        "127.0.0.1",
        "[::1]:80",
        "1.2.3.4:80",
        "::ffff:1.2.3.4",
        "\u{0}",
        "\u{e9}",
        "\u{10ffff}",
        "\t",
        "1z",
        "zz",
    ];
    let mut characters: Vec<char> = text.chars().collect();
    let at = dice.below(characters.len() + 1);
    if characters.is_empty() || dice.once_in(2) {
        let piece: Vec<char> = dice.pick(PIECES).chars().collect();
        let end = if dice.once_in(2) { at } else { (at + piece.len()).min(characters.len()) };
        characters.splice(at..end, piece);
    } else {
        let at = at.min(characters.len() - 1);
        match dice.below(5) {
            0 => drop(characters.remove(at)),
            1 => characters.truncate(at),
            2 => characters.insert(at, characters[at]),
            3 => {
                let flipped = characters[at];
                let is_upper = flipped.is_ascii_uppercase();
                characters[at] = if is_upper { flipped.to_ascii_lowercase() } else { flipped.to_ascii_uppercase() };
            }
            _ => {
                let other = dice.below(characters.len());
                characters.swap(at, other);
            }
        }
    }
    characters.into_iter().take(400).collect()
}
