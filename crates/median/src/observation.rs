//! What one oracle saw, as it goes to the others (OCR2 spec 9.1, 9.3). Which bytes count as an observation decides what
//! stands in the report, so it is decided exactly as the reference does: one liar could split a committee otherwise.

use crate::value::{self, Value};
use alloc::vec::Vec;
use protobuf::{Malformed, Reader, Value as Field, Writer};

/// Longest observation: four bytes of time, three values, and protobuf's overhead (the reference's constant).
pub const OBSERVATION_BYTES_MAX: u32 = 4 + 3 * 24 + 16;

/// What one oracle saw.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Observation {
    /// Unix seconds, after the sources were read.
    pub timestamp: u32,
    pub value: Value,
    /// Price of the chain's coin, in 1e-18 LINK.
    pub juels_per_fee_coin: Value,
    /// Zero where the committee does not exchange it.
    pub gas_price_subunits: Value,
}

/// Why bytes are no observation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoObservation {
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error("value has {got} bytes, wanted 24")]
    Value { got: usize },
    #[error("juelsPerFeeCoin has {got} bytes, wanted 24")]
    JuelsPerFeeCoin { got: usize },
    #[error("gasPriceSubunits has {got} bytes, wanted 0 or 24")]
    GasPriceSubunits { got: usize },
}

impl Observation {
    /// Reads the protobuf form; a field of another wire type counts as absent.
    pub fn decode(bytes: &[u8]) -> Result<Self, NoObservation> {
        let (mut timestamp, mut value, mut juels, mut gas) = (0, &[][..], &[][..], &[][..]);
        for field in Reader::new(bytes) {
            match field? {
                // The field is a uint32: the upper half of a longer varint is dropped.
                (1, Field::Varint(seconds)) => timestamp = seconds as u32,
                (2, Field::Bytes(bytes)) => value = bytes,
                (3, Field::Bytes(bytes)) => juels = bytes,
                (4, Field::Bytes(bytes)) => gas = bytes,
                _unknown => {}
            }
        }
        Ok(Observation {
            timestamp,
            value: value::decode(value).ok_or(NoObservation::Value { got: value.len() })?,
            juels_per_fee_coin: value::decode(juels).ok_or(NoObservation::JuelsPerFeeCoin { got: juels.len() })?,
            gas_price_subunits: match gas.len() {
                0 => Value::ZERO,
                got => value::decode(gas).ok_or(NoObservation::GasPriceSubunits { got })?,
            },
        })
    }

    /// The protobuf form. `with_gas_price` is a choice of the whole committee.
    pub fn encode(&self, with_gas_price: bool) -> Vec<u8> {
        let mut out = Vec::with_capacity(OBSERVATION_BYTES_MAX as usize);
        let mut writer = Writer::new(&mut out);
        writer.varint(1, self.timestamp.into());
        writer.bytes(2, &value::encode(self.value));
        writer.bytes(3, &value::encode(self.juels_per_fee_coin));
        if with_gas_price {
            writer.bytes(4, &value::encode(self.gas_price_subunits));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// OCR2 spec A.10.
    #[test]
    fn an_observation_has_the_bytes_of_the_reference() {
        let number = |number: i64| Value::try_from(number).unwrap();
        let observation = Observation {
            timestamp: 1_700_000_000,
            value: number(-5),
            juels_per_fee_coin: number(12345),
            gas_price_subunits: number(77),
        };
        let bytes = observation.encode(false);
        assert_eq!((bytes.len(), &bytes[..8]), (58, &[0x08, 0x80, 0xe2, 0xcf, 0xaa, 0x06, 0x12, 0x18][..]));
        let with_gas = observation.encode(true);
        assert_eq!(with_gas.len(), 84);
        assert_eq!(Observation::decode(&with_gas), Ok(observation));
        assert_eq!(Observation::decode(&bytes), Ok(Observation { gas_price_subunits: Value::ZERO, ..observation }));
    }

    #[test]
    fn a_field_of_another_wire_type_is_absent_and_absence_of_a_value_is_refused() {
        let mut bytes = Observation {
            timestamp: 1,
            value: Value::ZERO,
            juels_per_fee_coin: Value::ZERO,
            gas_price_subunits: Value::ZERO,
        }
        .encode(false);
        bytes.extend([0x20, 0x07]);
        assert!(Observation::decode(&bytes).is_ok());
        assert_eq!(Observation::decode(&[0x10, 0x07]), Err(NoObservation::Value { got: 0 }));
    }
}
