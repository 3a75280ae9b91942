//! Observations, reports and settings of the median plugin.

use crate::fuzz::dice::Dice;
use crate::fuzz::mutate::wide;
use median::{Observation, Value as Number};
use num_bigint::BigInt;
use serde_json::{Value, json};

/// Numbers so few that many are equal: which of equals comes first is part of what is signed.
fn tied(dice: &mut Dice, kinds: usize) -> Number {
    let number = dice.below(kinds) as i64 - kinds as i64 / 2;
    Number::try_from(number).unwrap_or_default()
}

/// A number, extreme ones among them.
fn number(dice: &mut Dice) -> Number {
    match dice.below(6) {
        0 => Number::MIN,
        1 => Number::MAX,
        _ => wide(dice, 190).to_string().parse().unwrap_or_default(),
    }
}

fn observation(dice: &mut Dice, kinds: usize) -> Observation {
    let one = |dice: &mut Dice| if kinds == 0 || dice.once_in(30) { number(dice) } else { tied(dice, kinds) };
    Observation {
        timestamp: if kinds == 0 { dice.number() as u32 } else { dice.below(kinds) as u32 },
        value: one(dice),
        juels_per_fee_coin: one(dice),
        gas_price_subunits: one(dice),
    }
}

pub fn median_observation(dice: &mut Dice) -> Value {
    json!({"bytes": hex::encode(observation(dice, 0).encode(dice.once_in(2)))})
}

/// Rounds of up to 31 observations, some spoilt.
pub fn median_report(dice: &mut Dice) -> Value {
    let n = if dice.once_in(2) { 13 + dice.below(19) } else { 1 + dice.below(31) };
    let f = if dice.once_in(2) { (n - 1) / 3 } else { dice.below((n - 1) / 3 + 1) };
    let kinds = dice.below(n + 2);
    let count = if dice.once_in(8) { dice.below(n + 1) } else { n };
    let mut observers: Vec<usize> = (0..n).collect();
    if dice.once_in(2) {
        dice.shuffle(&mut observers);
    }
    let observations: Vec<Value> = (observers.into_iter().take(count))
        .map(|observer| {
            let mut bytes = observation(dice, kinds).encode(dice.once_in(3));
            if dice.once_in(20) {
                bytes = crate::fuzz::mutate::bytes(dice, bytes);
            }
            json!({"observer": observer, "observation": hex::encode(bytes)})
        })
        .collect();
    json!({"n": n, "f": f, "observations": observations})
}

/// Ties of every density, in committees where Go's sort is not stable any more (above 12).
pub fn median_order(dice: &mut Dice) -> Value {
    let n = if dice.once_in(4) { 1 + dice.below(12) } else { 13 + dice.below(19) };
    let mut list = |most: usize, below_zero: bool| -> Vec<i64> {
        let kinds = 1 + dice.below(most);
        let shift = if below_zero { kinds as i64 / 2 } else { 0 };
        let mut list: Vec<i64> = (0..n).map(|_| dice.below(kinds) as i64 - shift).collect();
        // Runs and reversals take other ways through the sort.
        match dice.below(6) {
            0 => list.sort_unstable(),
            1 => list.sort_unstable_by(|a, b| b.cmp(a)),
            2 => list.iter_mut().enumerate().for_each(|(i, value)| *value = (i as i64 * 7 + *value) % kinds as i64),
            3 => {
                list.sort_unstable();
                let (a, b) = (dice.below(n), dice.below(n));
                list.swap(a, b);
            }
            _ => {}
        }
        list
    };
    let timestamps: Vec<i64> = list(40, false).into_iter().map(i64::abs).collect();
    let text = |list: Vec<i64>| list.into_iter().map(|number| number.to_string()).collect::<Vec<_>>();
    json!({"timestamps": timestamps, "values": text(list(40, true)), "juels": text(list(40, true))})
}

/// A report with some of its words at a boundary.
pub fn median_decode(dice: &mut Dice) -> Value {
    let kinds = dice.below(5);
    let observed: Vec<_> = (0..1 + dice.below(8) as u8).map(|oracle| (oracle, observation(dice, kinds))).collect();
    let mut report = median::report::build(observed);
    for _ in 0..dice.below(3) {
        let at = 32 * dice.below(report.len() / 32);
        let length = report.len() as u64;
        let numbers = [
            0,
            1,
            31,
            32,
            33,
            96,
            127,
            128,
            129,
            160,
            length - 33,
            length - 32,
            length - 31,
            length,
            length + 1,
            u64::MAX,
        ];
        let value = if dice.once_in(4) { dice.number() } else { *dice.pick(&numbers) };
        let high = if dice.once_in(10) { 0xff } else { 0 };
        report[at..at + 24].fill(high);
        report[at + 24..at + 32].copy_from_slice(&value.to_be_bytes());
    }
    if dice.once_in(5) {
        let keep = dice.below(report.len() + 1);
        report.truncate(keep);
    }
    json!({"report": hex::encode(report)})
}

/// Answers at the threshold and one to either side.
pub fn median_deviates(dice: &mut Dice) -> Value {
    let threshold = if dice.once_in(2) { dice.number() } else { dice.below(3_000_000_000) as u64 };
    let bits = *dice.pick(&[20, 60, 120, 180]);
    let old = wide(dice, bits);
    let moved: BigInt = &old * threshold / 1_000_000_000_u64;
    let near = if dice.once_in(2) { &old + &moved } else { &old - &moved };
    let new = near + dice.between(-1, 1);
    let fits = new.bits() < 255;
    let new = if fits { new } else { old.clone() };
    json!({"threshold_ppb": threshold.to_string(), "old": old.to_string(), "new": new.to_string()})
}

pub fn median_onchain_config(dice: &mut Dice) -> Value {
    let bounds = [number(dice), number(dice)].map(median::value::encode).concat();
    let version = if dice.once_in(10) { dice.below(4) as u8 } else { 1 };
    json!({"bytes": hex::encode([&[version][..], &bounds].concat())})
}

pub fn median_value(dice: &mut Dice) -> Value {
    if dice.once_in(2) {
        let length = if dice.once_in(3) { dice.below(40) } else { 24 };
        return json!({"bytes": hex::encode(dice.bytes(length))});
    }
    json!({"value": wide(dice, 192).to_string()})
}
