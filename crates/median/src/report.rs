//! The report of an EVM feed: `abi.encode(uint32 timestamp, bytes32 observers, int192[] observations, int192 juels)`
//! (OCR2 spec 9.4).

use crate::observation::Observation;
use crate::sort::sort;
use crate::value;
use alloc::vec::Vec;
use alloy_primitives::I256;

const WORD: usize = 32;
/// Timestamp, observers, offset of the list, juels, length of the list.
const HEAD_WORDS: usize = 5;

/// Longest report of a committee of `n`.
pub fn report_bytes_max(n: usize) -> u32 {
    // n is at most 31.
    ((HEAD_WORDS + n) * WORD) as u32
}

/// What an oracle saw, with its number, which is a byte whatever the size of the committee.
pub type Observed = (u8, Observation);

/// Sorts as the plugin does before it looks at the median: by value, ties as Go leaves them.
pub fn sort_by_value(observations: &mut [Observed]) {
    sort(observations, |(_, a), (_, b)| a.value < b.value);
}

/// The report of observations in the order that [`sort_by_value`] left. Each of three further sorts works on what the one
/// before left, because the order among equal values is part of what is signed. There must be at least one and at most 31.
pub fn build(mut observations: Vec<Observed>) -> Vec<u8> {
    let middle = observations.len() / 2;
    sort(&mut observations, |(_, a), (_, b)| a.timestamp < b.timestamp);
    let timestamp = observations[middle].1.timestamp;
    sort(&mut observations, |(_, a), (_, b)| a.juels_per_fee_coin < b.juels_per_fee_coin);
    let juels = observations[middle].1.juels_per_fee_coin;
    sort_by_value(&mut observations);

    let number = |number: u32| {
        let mut word = [0; WORD];
        word[28..].copy_from_slice(&number.to_be_bytes());
        word
    };
    let mut observers = [0; WORD];
    for (place, (oracle, _)) in observers.iter_mut().zip(&observations) {
        *place = *oracle;
    }
    let mut report = Vec::with_capacity((HEAD_WORDS + observations.len()) * WORD);
    report.extend_from_slice(&number(timestamp));
    report.extend_from_slice(&observers);
    report.extend_from_slice(&number(4 * WORD as u32));
    report.extend_from_slice(&value::to_word(juels));
    report.extend_from_slice(&number(observations.len() as u32));
    for (_, observation) in &observations {
        report.extend_from_slice(&value::to_word(observation.value));
    }
    report
}

/// Why a report has no median.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoMedian {
    #[error("report has {got} bytes, wanted at least {}", 4 * WORD)]
    TooShort { got: usize },
    #[error("timestamp does not fit 32 bits")]
    Timestamp,
    #[error("the list of observations lies beyond the end of the report")]
    ListOutside,
    #[error("the list of observations is empty")]
    Empty,
}

/// The median that a report carries. Reads the layout that its offset describes, wherever that is, as the reference's ABI
/// decoder does; the numbers are not checked to be int192.
pub fn median(report: &[u8]) -> Result<I256, NoMedian> {
    if report.len() < 4 * WORD {
        return Err(NoMedian::TooShort { got: report.len() });
    }
    if report[..WORD - 4].iter().any(|byte| *byte != 0) {
        return Err(NoMedian::Timestamp);
    }
    let offset = length_at(report, 2 * WORD).ok_or(NoMedian::ListOutside)?;
    let length = length_at(report, offset).ok_or(NoMedian::ListOutside)?;
    let list = &report[offset + WORD..];
    if length > list.len() / WORD {
        return Err(NoMedian::ListOutside);
    }
    if length == 0 {
        return Err(NoMedian::Empty);
    }
    let word = &list[length / 2 * WORD..][..WORD];
    Ok(value::from_word(word.try_into().expect("a word")))
}

/// The word at byte `at` as a number no greater than the report is long.
fn length_at(report: &[u8], at: usize) -> Option<usize> {
    let word = report.get(at..at.checked_add(WORD)?)?;
    let (high, low) = word.split_at(WORD - 8);
    let number = u64::from_be_bytes(low.try_into().expect("eight bytes"));
    let number = usize::try_from(number).ok().filter(|number| *number <= report.len())?;
    high.iter().all(|byte| *byte == 0).then_some(number)
}
