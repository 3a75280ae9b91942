//! Making a failing question small: both sides are asked again and again, as long as they still differ.

use super::compare::{Outcome, outcome};
use super::mutate::{smaller_der, smaller_protobuf};
use super::ours;
use super::reference::Reference;
use super::request::{Kind, kind};
use serde_json::{Number, Value};
use std::time::{Duration, Instant};

/// Questions, and time, that one failure may cost.
const ASKED_MAX: usize = 20_000;
const TIME_MAX: Duration = Duration::from_secs(20);
/// Questions at once.
const LOT: usize = 32;

/// The smallest question that was found, and both answers to it.
pub fn shrink(reference: &mut Reference, failing: Value) -> Result<(Value, Value, Value), String> {
    let mut best = failing;
    let begun = Instant::now();
    let mut asked = 0;
    // A panic and another difference are two failures; and who looks for one shall not find the other.
    let panics = |theirs: &Value, ours: &Value| (theirs.get("panic").is_some(), ours.get("panic").is_some());
    let mut theirs = reference.answers(std::slice::from_ref(&best))?.pop().unwrap_or_default();
    let class = panics(&theirs, &ours::answer(&best));
    'smaller: while begun.elapsed() < TIME_MAX {
        let candidates = smaller(&best);
        for lot in candidates.chunks(LOT) {
            asked += lot.len();
            if asked > ASKED_MAX || begun.elapsed() > TIME_MAX {
                break 'smaller;
            }
            let answers = reference.answers(lot)?;
            let found = lot.iter().zip(answers).find(|(request, theirs)| {
                let ours = ours::answer(request);
                outcome(request, theirs, &ours) == Outcome::Differs && panics(theirs, &ours) == class
            });
            if let Some((request, answer)) = found {
                (best, theirs) = (request.clone(), answer);
                continue 'smaller;
            }
        }
        break;
    }
    let ours = ours::answer(&best);
    Ok((best, theirs, ours))
}

/// Questions that are a little smaller, the much smaller first.
fn smaller(request: &Value) -> Vec<Value> {
    let op = request["op"].as_str().unwrap_or_default();
    let mut all = smaller_value(op, "", request);
    all.sort_by_cached_key(size);
    all
}

/// How much a question says, about.
fn size(value: &Value) -> usize {
    match value {
        Value::Object(fields) => fields.values().map(size).sum::<usize>() + fields.len(),
        Value::Array(list) => list.iter().map(size).sum::<usize>() + list.len(),
        Value::String(text) => text.len(),
        Value::Number(number) => number.as_str().len(),
        Value::Bool(_) | Value::Null => 1,
    }
}

fn smaller_value(op: &str, name: &str, value: &Value) -> Vec<Value> {
    match value {
        Value::Object(fields) => {
            let mut all = Vec::new();
            for (field, inner) in fields {
                if matches!(field.as_str(), "limits" | "restored_state" | "address" | "secret_seed" | "secret_key") {
                    let mut fewer = fields.clone();
                    fewer.remove(field);
                    all.push(Value::Object(fewer));
                }
                if kind(op, field) == Kind::Fixed {
                    continue;
                }
                for smaller in smaller_value(op, field, inner) {
                    let mut changed = fields.clone();
                    changed.insert(field.clone(), smaller);
                    all.push(Value::Object(changed));
                }
            }
            all
        }
        Value::Array(list) => {
            let mut all = Vec::new();
            all.extend(cuts(list).into_iter().map(Value::from));
            for at in 0..list.len().min(PARTS_MAX) {
                for smaller in smaller_value(op, name, &list[at]) {
                    let mut changed = list.clone();
                    changed[at] = smaller;
                    all.push(changed.into());
                }
            }
            all
        }
        Value::String(text) => smaller_text(kind(op, name), text).into_iter().map(Value::String).collect(),
        Value::Number(number) => {
            let number: u64 = number.as_str().parse().unwrap_or(0);
            smaller_number(number).into_iter().map(|smaller| Value::Number(Number::from(smaller))).collect()
        }
        Value::Bool(true) => vec![Value::Bool(false)],
        Value::Bool(false) | Value::Null => Vec::new(),
    }
}

fn smaller_number(number: u64) -> Vec<u64> {
    let mut all = vec![0, 1, number / 2, number.saturating_sub(1)];
    all.retain(|smaller| *smaller < number);
    all
}

fn smaller_text(kind: Kind, text: &str) -> Vec<String> {
    let (prefix, digits) = text.split_at(if text.starts_with("0x") { 2 } else { 0 });
    match kind {
        Kind::Integer(..) | Kind::Wide(_) => {
            let Ok(number) = text.parse::<num_bigint::BigInt>() else { return Vec::new() };
            let candidates = [0.into(), 1.into(), &number / 2, &number - 1, -&number];
            let plainer = candidates.into_iter().filter(|smaller| smaller.magnitude() < number.magnitude());
            plainer.map(|smaller| smaller.to_string()).collect()
        }
        Kind::Protobuf | Kind::Der | Kind::Bytes | Kind::Sized(_) => {
            let bytes = hex::decode(digits).unwrap_or_default();
            let mut all = match kind {
                Kind::Protobuf => smaller_protobuf(&bytes),
                Kind::Der => smaller_der(&bytes),
                _ => Vec::new(),
            };
            if !matches!(kind, Kind::Sized(_)) {
                all.extend(cuts(&bytes));
            }
            all.extend(zeros(&bytes));
            all.into_iter().map(|bytes| format!("{prefix}{}", hex::encode(bytes))).collect()
        }
        Kind::Text => {
            let characters: Vec<char> = text.chars().collect();
            cuts(&characters).into_iter().map(|characters| characters.into_iter().collect()).collect()
        }
        Kind::OneOf(_) | Kind::Flag | Kind::Fixed => Vec::new(),
    }
}

/// Parts of a list that are tried one by one: what is long is first cut by the piece.
pub const PARTS_MAX: usize = 64;

/// Without a part: halves, quarters, down to single ones, or to so many parts.
pub fn cuts<T: Clone>(list: &[T]) -> Vec<Vec<T>> {
    let mut all = Vec::new();
    let mut length = list.len();
    while length > 0 && list.len() / length <= PARTS_MAX {
        for from in (0..list.len()).step_by(length) {
            let mut rest = list.to_vec();
            rest.drain(from..(from + length).min(list.len()));
            all.push(rest);
        }
        length /= 2;
    }
    all
}

/// With a part of zeros.
fn zeros(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    let mut length = bytes.len();
    while length > 0 && bytes.len() / length <= PARTS_MAX {
        for from in (0..bytes.len()).step_by(length) {
            let range = from..(from + length).min(bytes.len());
            if bytes[range.clone()].iter().any(|byte| *byte != 0) {
                let mut changed = bytes.to_vec();
                changed[range].fill(0);
                all.push(changed);
            }
        }
        length /= 2;
    }
    all
}
