//! A report as a submission for the transaction machine (OCR2 spec 8.3).

use alloy::primitives::{Address, U256};
use evm_proto::transactions::{Gas, Submission, SubmissionId};
use machine::Wall;

/// Brings reports to one contract from one account.
#[derive(Clone, Copy, Debug)]
pub struct Transmitter {
    /// The account that the configuration names for this oracle.
    pub from: Address,
    pub contract: Address,
    /// What a `transmit` may use at most. It is not estimated: of several oracles that transmit in one block all but the
    /// first would look as if they reverted.
    pub gas_limit: u64,
}

impl Transmitter {
    /// The call, and the name under which it is submitted: one for each report context, however often it is asked for.
    /// `None` if a signature has another length than 65 bytes or there are more than 32.
    pub fn submission<'a>(
        &self,
        context: [[u8; 32]; 3],
        report: &[u8],
        signatures: impl IntoIterator<Item = &'a [u8]>,
        expires: Option<Wall>,
    ) -> Option<(SubmissionId, Submission)> {
        let input = bindings::transmit(context, report, signatures)?;
        let submission = Submission {
            from: Some(self.from),
            to: self.contract,
            value: U256::ZERO,
            input: input.into(),
            gas: Gas::Limit(self.gas_limit),
            expires,
        };
        Some((Self::id(&context), submission))
    }

    /// The name under which the report of a context is submitted; to abandon it.
    pub fn id(context: &[[u8; 32]; 3]) -> SubmissionId {
        SubmissionId(crypto::keccak256(context.as_flattened()))
    }
}
