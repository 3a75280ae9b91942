//! The call that brings a report to an OCR2 contract (OCR2 spec 8.3).

use crate::ocr2_aggregator::transmitCall;
use alloc::vec::Vec;
use alloy_primitives::{B256, Bytes};
use alloy_sol_types::SolCall;

/// Bytes of a signature: r ‖ s ‖ v.
const SIGNATURE_BYTES: usize = 65;
/// The contract takes the v of each signature as one byte of a word.
const SIGNATURES_MAX: usize = 32;

/// The data of a `transmit`: the three words of the report context, the report, and signatures r ‖ s ‖ v with v = 0 or 1.
/// `None` if a signature has another length than 65 bytes or there are more than 32.
pub fn transmit<'a>(
    context: [[u8; 32]; 3],
    report: &[u8],
    signatures: impl IntoIterator<Item = &'a [u8]>,
) -> Option<Vec<u8>> {
    let (mut rs, mut ss, mut vs) = (Vec::new(), Vec::new(), B256::ZERO);
    for (index, signature) in signatures.into_iter().enumerate() {
        if signature.len() != SIGNATURE_BYTES || index == SIGNATURES_MAX {
            return None;
        }
        rs.push(B256::from_slice(&signature[..32]));
        ss.push(B256::from_slice(&signature[32..64]));
        vs[index] = signature[64];
    }
    let call = transmitCall {
        reportContext: context.map(B256::from),
        report: Bytes::copy_from_slice(report),
        rs,
        ss,
        rawVs: vs,
    };
    Some(call.abi_encode())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_split_into_two_lists_and_a_word() {
        let signatures = [[1; 65], [2; 65]];
        let data = transmit([[9; 32]; 3], &[7; 32], signatures.iter().map(|signature| &signature[..])).unwrap();
        // Selector, three words, four head words, the report with its length, two lists of two with their lengths.
        assert_eq!((&data[..4], data.len()), (&[0xb1, 0xdc, 0x65, 0xa4][..], 4 + 32 * (3 + 4 + 2 + 3 + 3)));
        let raw_vs = &data[4 + 32 * 6..][..32];
        assert_eq!(raw_vs[..3], [1, 2, 0]);
        assert!(transmit([[9; 32]; 3], &[], [&[0; 64][..]]).is_none());
        assert!(transmit([[9; 32]; 3], &[], core::iter::repeat_n(&[0; 65][..], 33)).is_none());
    }
}
