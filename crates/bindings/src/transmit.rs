//! The calls that bring a report to a contract: of OCR2 (OCR2 spec 8.3) and of OCR1.

use crate::{ocr2_aggregator, offchain_aggregator};
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
    let (rs, ss, raw_vs) = split(signatures)?;
    let report = Bytes::copy_from_slice(report);
    let call = ocr2_aggregator::transmitCall { reportContext: context.map(B256::from), report, rs, ss, rawVs: raw_vs };
    Some(call.abi_encode())
}

/// The same for an OCR1 contract (OCR1 spec 8), whose reports begin with their context.
pub fn transmit_ocr1<'a>(report: &[u8], signatures: impl IntoIterator<Item = &'a [u8]>) -> Option<Vec<u8>> {
    let (rs, ss, raw_vs) = split(signatures)?;
    let report = Bytes::copy_from_slice(report);
    Some(offchain_aggregator::transmitCall { report, rs, ss, rawVs: raw_vs }.abi_encode())
}

/// The r of each, the s of each, and the v of each as a byte of one word.
fn split<'a>(signatures: impl IntoIterator<Item = &'a [u8]>) -> Option<(Vec<B256>, Vec<B256>, B256)> {
    let (mut rs, mut ss, mut vs) = (Vec::new(), Vec::new(), B256::ZERO);
    for (index, signature) in signatures.into_iter().enumerate() {
        if signature.len() != SIGNATURE_BYTES || index == SIGNATURES_MAX {
            return None;
        }
        rs.push(B256::from_slice(&signature[..32]));
        ss.push(B256::from_slice(&signature[32..64]));
        vs[index] = signature[64];
    }
    Some((rs, ss, vs))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::hex;

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

    /// Made by the reference's Go code: a report of four observations, signed by two.
    #[test]
    fn a_call_of_ocr1_is_the_references() {
        let signatures = [
            hex!(
                "9fee86a7e3ff3ad9a2b454dab2a37de02ea41789ed052e623a6c271be82ed2fd"
                "3509df18e0bbf40008b4ae31c3cd270cad42efe4321993145de53a4b3dafc80301"
            ),
            hex!(
                "58598bbbec4d7ba3433993776e43918d4136cf7ec7a425886ca9127a7a653f5c"
                "3d7693f954dc3f6c61d0592451d28d659430cad3e2bdf50c71f89fc7d21e8f5c01"
            ),
        ];
        let report = hex!(
            "0000000000000000000000a427ad62cb6f22744df656aee0ca99d70000008001"
            "0200010300000000000000000000000000000000000000000000000000000000"
            "0000000000000000000000000000000000000000000000000000000000000060"
            "0000000000000000000000000000000000000000000000000000000000000004"
            "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
            "0000000000000000000000000000000000000000000000000000000000000000"
            "0000000000000000000000000000000000000000000000000000000000000000"
            "0000000000000000000000000000000000000000000000000000000052b86f5e"
        );
        let head = hex!(
            "c9807539"
            "0000000000000000000000000000000000000000000000000000000000000080"
            "00000000000000000000000000000000000000000000000000000000000001a0"
            "0000000000000000000000000000000000000000000000000000000000000200"
            "0101000000000000000000000000000000000000000000000000000000000000"
            "0000000000000000000000000000000000000000000000000000000000000100"
        );
        let two = B256::with_last_byte(2);
        let (first, second) = (&signatures[0], &signatures[1]);
        let parts =
            [&head, &report[..], &two[..], &first[..32], &second[..32], &two[..], &first[32..64], &second[32..64]];
        let data = transmit_ocr1(&report, signatures.iter().map(|signature| &signature[..])).unwrap();
        assert_eq!(data, parts.concat());
        assert!(transmit_ocr1(&report, [&[0; 64][..]]).is_none());
    }
}
