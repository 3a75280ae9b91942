//! The plugin's two configurations: what its contract guarantees, and when it reports (OCR2 spec 9.1).

use crate::value::{self, VALUE_BYTES, Value};
use alloc::vec::Vec;
use core::time::Duration;
use protobuf::{Malformed, Reader, Value as Field, Writer};

/// Bounds of the answer, the same as the contract's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OnchainConfig {
    pub min: Value,
    pub max: Value,
}

/// The only version of the on-chain form.
const VERSION: u8 = 1;

/// Why bytes are no configuration of this plugin.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MedianConfigError {
    #[error("onchain config has {got} bytes, wanted {}", OnchainConfig::BYTES)]
    OnchainLength { got: usize },
    #[error("onchain config has version {got}, wanted {VERSION}")]
    OnchainVersion { got: u8 },
    #[error("the least answer, {min}, is above the greatest, {max}")]
    MinAboveMax { min: Value, max: Value },
    #[error("reporting plugin config: {0}")]
    Malformed(#[from] Malformed),
    #[error("DeltaC is {nanoseconds} ns, which is negative")]
    NegativeDeltaC { nanoseconds: i64 },
}

impl OnchainConfig {
    /// Bytes of the encoded form.
    pub const BYTES: usize = 1 + 2 * VALUE_BYTES;

    /// Version, least and greatest answer.
    pub fn decode(bytes: &[u8]) -> Result<Self, MedianConfigError> {
        if bytes.len() != Self::BYTES {
            return Err(MedianConfigError::OnchainLength { got: bytes.len() });
        }
        if bytes[0] != VERSION {
            return Err(MedianConfigError::OnchainVersion { got: bytes[0] });
        }
        let (min, max) = bytes[1..].split_at(VALUE_BYTES);
        let (min, max) = (value::decode(min).expect("24 bytes"), value::decode(max).expect("24 bytes"));
        if min > max {
            return Err(MedianConfigError::MinAboveMax { min, max });
        }
        Ok(OnchainConfig { min, max })
    }

    /// The inverse of [`OnchainConfig::decode`].
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(Self::BYTES);
        out.push(VERSION);
        out.extend_from_slice(&value::encode(self.min));
        out.extend_from_slice(&value::encode(self.max));
        out
    }
}

/// When the committee reports, and when an oracle brings a report to the contract.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct OffchainConfig {
    /// No deviation is ever large enough to report.
    pub alpha_report_infinite: bool,
    /// Deviation from the contract's answer that is reported, in parts per billion.
    pub alpha_report_ppb: u64,
    /// No deviation is ever large enough to accept a report while another is pending.
    pub alpha_accept_infinite: bool,
    /// Deviation from the last accepted report that is accepted while that is pending, in parts per billion.
    pub alpha_accept_ppb: u64,
    /// An answer older than this is renewed.
    pub delta_c: Duration,
}

impl OffchainConfig {
    /// Reads the protobuf form; empty bytes are all zero. Fields of later versions are unknown here.
    pub fn decode(bytes: &[u8]) -> Result<Self, MedianConfigError> {
        let mut config = OffchainConfig::default();
        let mut delta_c = 0;
        for field in Reader::new(bytes) {
            match field? {
                (1, Field::Varint(flag)) => config.alpha_report_infinite = flag != 0,
                (2, Field::Varint(ppb)) => config.alpha_report_ppb = ppb,
                (3, Field::Varint(flag)) => config.alpha_accept_infinite = flag != 0,
                (4, Field::Varint(ppb)) => config.alpha_accept_ppb = ppb,
                (5, Field::Varint(nanoseconds)) => delta_c = nanoseconds as i64,
                _unknown => {}
            }
        }
        let nanoseconds =
            u64::try_from(delta_c).map_err(|_| MedianConfigError::NegativeDeltaC { nanoseconds: delta_c })?;
        config.delta_c = Duration::from_nanos(nanoseconds);
        Ok(config)
    }

    /// The inverse of [`OffchainConfig::decode`]. A DeltaC above 292 years, which no decoder takes, is cut to that.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut writer = Writer::new(&mut out);
        writer.varint(1, self.alpha_report_infinite.into());
        writer.varint(2, self.alpha_report_ppb);
        writer.varint(3, self.alpha_accept_infinite.into());
        writer.varint(4, self.alpha_accept_ppb);
        writer.varint(5, i64::try_from(self.delta_c.as_nanos()).unwrap_or(i64::MAX) as u64);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// OCR2 spec A.10.
    #[test]
    fn configurations_have_the_bytes_of_the_reference() {
        let offchain = OffchainConfig {
            alpha_report_ppb: 1_000_000,
            alpha_accept_ppb: 2_000_000,
            delta_c: Duration::from_secs(24 * 3600),
            ..OffchainConfig::default()
        };
        let bytes = [0x10, 0xc0, 0x84, 0x3d, 0x20, 0x80, 0x89, 0x7a, 0x28, 0x80, 0x80, 0xbc, 0x8a, 0xc9, 0xd2, 0x13];
        assert_eq!(offchain.encode(), bytes);
        assert_eq!(OffchainConfig::decode(&bytes), Ok(offchain));
        let onchain = OnchainConfig { min: Value::MINUS_ONE, max: Value::try_from(1000).unwrap() };
        assert_eq!(OnchainConfig::decode(&onchain.encode()), Ok(onchain));
        assert_eq!(onchain.encode()[..26], [&[1][..], &[0xff; 24], &[0]].concat());
    }
}
