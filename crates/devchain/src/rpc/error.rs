//! JSON-RPC errors, with geth's codes and words.

use alloy_primitives::{Bytes, U256, hex};
use serde_json::{Value, json};

use crate::{
    call::{CallError, EstimateError, Halt},
    chain::{TimestampTooOld, TooDeep},
    pool::Rejected,
};

/// What goes into the `error` field of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct RpcError {
    pub code: i64,
    pub message: String,
    pub data: Option<Value>,
}

impl RpcError {
    fn new(code: i64, message: impl Into<String>) -> Self {
        RpcError { code, message: message.into(), data: None }
    }

    pub(super) fn parse(reason: impl std::fmt::Display) -> Self {
        Self::new(-32700, format!("parse error: {reason}"))
    }

    pub(super) fn request(reason: impl Into<String>) -> Self {
        Self::new(-32600, reason)
    }

    pub(super) fn no_method(method: &str) -> Self {
        Self::new(-32601, format!("the method {method} does not exist/is not available"))
    }

    pub(super) fn params(reason: impl Into<String>) -> Self {
        Self::new(-32602, reason)
    }

    pub(super) fn limit(reason: impl Into<String>) -> Self {
        Self::new(-32005, reason)
    }

    pub(super) fn server(reason: impl Into<String>) -> Self {
        Self::new(-32000, reason)
    }

    pub(super) fn reverted(output: &Bytes) -> Self {
        let message = match reason(output) {
            Some(reason) => format!("execution reverted: {reason}"),
            None => "execution reverted".into(),
        };
        RpcError { code: 3, message, data: Some(hex::encode_prefixed(output).into()) }
    }

    pub(super) fn to_json(&self) -> Value {
        let mut json = json!({ "code": self.code, "message": self.message });
        if let Some(data) = &self.data {
            json["data"] = data.clone();
        }
        json
    }
}

/// The text of `Error(string)`, or what `Panic(uint256)` means.
fn reason(output: &[u8]) -> Option<String> {
    let (selector, body) = output.split_first_chunk::<4>()?;
    let word = |at: usize| Some(U256::from_be_slice(body.get(at..at.checked_add(32)?)?));
    match selector {
        [0x08, 0xc3, 0x79, 0xa0] => {
            let at = usize::try_from(word(0)?).ok()?;
            let length = usize::try_from(word(at)?).ok()?;
            let text = body.get(at + 32..at.checked_add(32)?.checked_add(length)?)?;
            Some(String::from_utf8_lossy(text).into_owned())
        }
        [0x4e, 0x48, 0x7b, 0x71] => Some(match word(0)?.saturating_to::<u64>() {
            0x01 => "assert(false)".into(),
            0x11 => "arithmetic underflow or overflow".into(),
            0x12 => "division or modulo by zero".into(),
            0x21 => "enum overflow".into(),
            0x31 => "out-of-bounds array access; popping on an empty array".into(),
            0x32 => "out-of-bounds access of an array or bytesN".into(),
            0x41 => "out of memory".into(),
            0x51 => "uninitialized function".into(),
            code => format!("unknown panic code: {code:#x}"),
        }),
        _ => None,
    }
}

impl From<Rejected> for RpcError {
    fn from(rejected: Rejected) -> Self {
        Self::server(rejected.to_string())
    }
}

impl From<CallError> for RpcError {
    fn from(error: CallError) -> Self {
        Self::server(error.to_string())
    }
}

impl From<Halt> for RpcError {
    fn from(halt: Halt) -> Self {
        Self::server(halt.to_string())
    }
}

impl From<EstimateError> for RpcError {
    fn from(error: EstimateError) -> Self {
        match error {
            EstimateError::Reverted(output) => Self::reverted(&output),
            EstimateError::Halted(halt) => halt.into(),
            EstimateError::ExceedsAllowance(_) => Self::server(error.to_string()),
            EstimateError::Call(error) => error.into(),
        }
    }
}

impl From<TimestampTooOld> for RpcError {
    fn from(error: TimestampTooOld) -> Self {
        Self::params(error.to_string())
    }
}

impl From<TooDeep> for RpcError {
    fn from(error: TooDeep) -> Self {
        Self::params(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_read_and_broken_ones_are_not_trusted() {
        let word = |value: u64| U256::from(value).to_be_bytes::<32>();
        let error = |at, length, text: &[u8]| {
            Bytes::from([&[0x08, 0xc3, 0x79, 0xa0][..], &word(at), &word(length), text].concat())
        };
        assert_eq!(RpcError::reverted(&error(32, 4, b"nope")).message, "execution reverted: nope");
        for broken in
            [error(32, 5, b"nope"), error(u64::MAX, 4, b"nope"), error(32, u64::MAX, b"nope"), Bytes::from_static(&[8])]
        {
            let RpcError { code, message, data } = RpcError::reverted(&broken);
            assert_eq!(
                (code, message.as_str(), data),
                (3, "execution reverted", Some(hex::encode_prefixed(&broken).into()))
            );
        }
        let panic = Bytes::from([&[0x4e, 0x48, 0x7b, 0x71][..], &word(0x11)].concat());
        assert_eq!(RpcError::reverted(&panic).message, "execution reverted: arithmetic underflow or overflow");
    }
}
