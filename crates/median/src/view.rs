//! What the contract says now: read by the plugin's waiting half, decided upon by the other (OCR2 spec 9.7).

use crate::value::{self, VALUE_BYTES, Value};
use ocr::ConfigDigest;
use ocr2::round_id::RoundId;

/// The contract's latest answer, and the latest request for a new one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MedianView {
    /// `latestTransmissionDetails`.
    pub digest: ConfigDigest,
    pub at: RoundId,
    pub answer: Value,
    /// Unix seconds of the latest answer.
    pub timestamp: u64,
    /// The latest RoundRequested event, at most DeltaC old; zeros if there is none.
    pub requested_digest: ConfigDigest,
    pub requested: RoundId,
}

const BYTES: usize = 32 + 5 + VALUE_BYTES + 8 + 32 + 5;

impl MedianView {
    /// A fixed form, fields in their order.
    pub fn encode(&self) -> [u8; BYTES] {
        let mut out = [0; BYTES];
        let mut rest = &mut out[..];
        let mut put = |bytes: &[u8]| {
            let (place, after) = core::mem::take(&mut rest).split_at_mut(bytes.len());
            place.copy_from_slice(bytes);
            rest = after;
        };
        put(&self.digest.0);
        put(&self.at.epoch.0.to_be_bytes());
        put(&[self.at.round.0]);
        put(&value::encode(self.answer));
        put(&self.timestamp.to_be_bytes());
        put(&self.requested_digest.0);
        put(&self.requested.epoch.0.to_be_bytes());
        put(&[self.requested.round.0]);
        out
    }

    /// The inverse of [`MedianView::encode`]; `None` for bytes of another length.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; BYTES] = bytes.try_into().ok()?;
        let mut rest = &bytes[..];
        let mut take = |length| {
            let (taken, after) = rest.split_at(length);
            rest = after;
            taken
        };
        let digest = ConfigDigest(take(32).try_into().ok()?);
        let at = round_id(take(5));
        let answer = value::decode(take(VALUE_BYTES))?;
        let timestamp = u64::from_be_bytes(take(8).try_into().ok()?);
        let requested_digest = ConfigDigest(take(32).try_into().ok()?);
        let requested = round_id(take(5));
        Some(MedianView { digest, at, answer, timestamp, requested_digest, requested })
    }
}

fn round_id(bytes: &[u8]) -> RoundId {
    RoundId::new(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]), bytes[4])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_survives_its_encoding() {
        let view = MedianView {
            digest: ConfigDigest([1; 32]),
            at: RoundId::new(0x0203_0405, 6),
            answer: Value::try_from(-7).unwrap(),
            timestamp: 8,
            requested_digest: ConfigDigest([9; 32]),
            requested: RoundId::new(10, 11),
        };
        assert_eq!(MedianView::decode(&view.encode()), Some(view));
        assert_eq!(MedianView::decode(&view.encode()[1..]), None);
    }
}
