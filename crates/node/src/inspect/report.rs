//! A report of the median plugin for the EVM, taken apart: `abi.encode(uint32 timestamp, bytes32 observers,
//! int192[] observations, int192 juelsPerFeeCoin)` (OCR2 spec 9.4).

use super::input::Input;
use crate::bad_input::BadInput;
use median::report::{NoMedian, median};
use median::value;
use serde_json::{Value, json};

const WORD: usize = 32;

pub fn explain(input: &Input) -> Result<Value, BadInput> {
    let report = input.bytes()?;
    // The production code judges the layout; after it every position below lies inside.
    let middle = median(&report).map_err(|error| {
        let at = match error {
            NoMedian::TooShort { got } => got,
            NoMedian::Timestamp => 0,
            NoMedian::ListOutside | NoMedian::Empty => 2 * WORD,
        };
        BadInput::new(format!("byte {at}: {error}"))
    })?;
    let timestamp = u32::from_be_bytes(array(&report, WORD - 4)?);
    let list = position(&report, 2 * WORD)?;
    let length = position(&report, list)?;
    let number = |at: usize| Ok(value::from_word(&array::<WORD>(&report, at)?).to_string());
    let observations: Vec<String> =
        (0..length).map(|index| number(list + WORD + index * WORD)).collect::<Result<_, BadInput>>()?;
    // One byte for each observation, in their order; a committee has at most 31.
    let observers = &report[WORD..][..length.min(WORD)];
    Ok(json!({
        "timestamp": timestamp,
        "observers": observers,
        "observations": observations,
        "juels_per_fee_coin": number(3 * WORD)?,
        "median": middle.to_string(),
    }))
}

fn array<const N: usize>(report: &[u8], at: usize) -> Result<[u8; N], BadInput> {
    let bytes = report.get(at..).and_then(|rest| rest.first_chunk::<N>());
    bytes.copied().ok_or_else(|| BadInput::new(format!("byte {at}: the report ends")))
}

fn position(report: &[u8], at: usize) -> Result<usize, BadInput> {
    let low = u64::from_be_bytes(array(report, at + WORD - 8)?);
    usize::try_from(low).map_err(|_| BadInput::new(format!("byte {at}: points beyond the report")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_a_report_or_refused_by_byte(
            words in prop::collection::vec(prop_oneof![
                Just([0; WORD]),
                (0u8..8).prop_map(|low| { let mut word = [0; WORD]; word[31] = low * 32; word }),
                any::<[u8; WORD]>(),
            ], 0..10),
            cut in 0usize..40,
        ) {
            let bytes = words.concat();
            let bytes = &bytes[..bytes.len().saturating_sub(cut)];
            let input = Input::take(Some(format!("0x{}", hex::encode(bytes)))).unwrap();
            match explain(&input) {
                Ok(report) => prop_assert!(report["median"].is_string()),
                Err(problem) => prop_assert!(problem.problem.starts_with("byte "), "{problem}"),
            }
        }
    }
}
