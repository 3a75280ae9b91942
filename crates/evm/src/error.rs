//! What can go wrong between us and an endpoint: always with the endpoint, the method and a remedy, never with a secret.

use alloy::primitives::Bytes;
use alloy::sol_types::SolInterface;
use bindings::ocr2_aggregator::OCR2AggregatorErrors;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::limits::RESPONSE_BYTES_MAX;

/// One call to one endpoint failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallError {
    /// The endpoint's name.
    pub endpoint: Arc<str>,
    /// Its URL, as far as it may be shown.
    pub url: Arc<str>,
    /// The JSON-RPC method.
    pub method: &'static str,
    pub failure: Failure,
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CallError { endpoint, url, method, failure } = self;
        write!(f, "endpoint {endpoint:?} ({url}), {method}: {failure}")?;
        match failure.remedy() {
            Some(remedy) => write!(f, " ({remedy})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for CallError {}

/// How a call failed. Texts are the endpoint's own, cut and without secrets.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Failure {
    #[error("cannot connect: {0}")]
    Unreachable(String),
    #[error("the connection broke: {0}")]
    Broken(String),
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    #[error("HTTP status {status}{}{text}", if text.is_empty() { "" } else { ": " })]
    Http { status: u16, text: String },
    #[error("the answer is longer than {RESPONSE_BYTES_MAX} bytes")]
    TooLong,
    #[error("the answer is not what the method yields: {0}")]
    Malformed(String),
    #[error("error {code}: {message}")]
    Rpc { code: i64, message: String, data: Option<Bytes> },
    #[error("its head is {got}, others are at {best}")]
    Lagging { got: u64, best: u64 },
    #[error("it serves chain {got}, wanted {wanted}")]
    WrongChain { got: u64, wanted: u64 },
}

impl Failure {
    /// What a person can do about it, if that is clear.
    pub fn remedy(&self) -> Option<&'static str> {
        Some(match self {
            Failure::Unreachable(_) => "check the URL, and that the node runs",
            Failure::TimedOut(_) | Failure::Lagging { .. } => "add another endpoint if this persists",
            Failure::Http { status: 401 | 403, .. } => "the endpoint refuses the credentials in the URL",
            Failure::Http { status: 404, .. } => "there is no JSON-RPC under this URL; check its path",
            Failure::Http { status: 429, .. } | Failure::Rpc { code: -32005, .. } => {
                "the endpoint limits requests; poll less often or add another endpoint"
            }
            Failure::Http { status: 300..=399, .. } => "the endpoint redirects; use the URL that it redirects to",
            Failure::Rpc { code: -32601, .. } => "the endpoint does not offer this method; use another one",
            Failure::WrongChain { .. } => "use an endpoint of the configured chain, or correct the chain id",
            Failure::Broken(_)
            | Failure::Http { .. }
            | Failure::TooLong
            | Failure::Malformed(_)
            | Failure::Rpc { .. } => return None,
        })
    }

    /// What a reverted call returned. Endpoints agree on code 3 with data; some use another code and only the text.
    pub fn reverted(&self) -> Option<Bytes> {
        match self {
            Failure::Rpc { code: 3, data, .. } => Some(data.clone().unwrap_or_default()),
            Failure::Rpc { message, data, .. } if message.to_lowercase().contains("revert") => {
                Some(data.clone().unwrap_or_default())
            }
            Failure::Rpc { .. }
            | Failure::Unreachable(_)
            | Failure::Broken(_)
            | Failure::TimedOut(_)
            | Failure::Http { .. }
            | Failure::TooLong
            | Failure::Malformed(_)
            | Failure::Lagging { .. }
            | Failure::WrongChain { .. } => None,
        }
    }

    /// Whether the request surely did not reach anything that acts on it.
    pub fn not_delivered(&self) -> bool {
        match self {
            Failure::Unreachable(_) | Failure::WrongChain { .. } | Failure::Lagging { .. } => true,
            Failure::Http { status, .. } => matches!(status, 300..=399 | 401 | 403 | 404 | 405 | 429),
            Failure::Rpc { code, .. } => matches!(code, -32601 | -32005),
            Failure::Broken(_) | Failure::TimedOut(_) | Failure::TooLong | Failure::Malformed(_) => false,
        }
    }
}

/// No endpoint gave a usable answer, or one gave a final one that is no value.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ReadError {
    /// The call reverts; every honest endpoint says the same.
    #[error("the call to the contract reverts: {reason}")]
    Reverted { reason: String, data: Bytes },
    /// There is no such contract, or it is another one.
    #[error("{0}")]
    NotThatContract(String),
    #[error("{}", AllFailed(.0))]
    AllFailed(Vec<CallError>),
}

struct AllFailed<'a>(&'a [CallError]);

impl fmt::Display for AllFailed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => write!(f, "no endpoint of this chain is usable"),
            [only] => write!(f, "{only}"),
            [first, rest @ ..] => {
                write!(f, "all endpoints failed: {first}")?;
                rest.iter().try_for_each(|error| write!(f, "; {error}"))
            }
        }
    }
}

impl ReadError {
    /// A revert with its reason in words, where the data has some.
    pub(crate) fn reverted(data: Bytes) -> Self {
        ReadError::Reverted { reason: revert_reason(&data), data }
    }
}

/// What a contract returned with a revert, in words.
pub(crate) fn revert_reason(data: &Bytes) -> String {
    match OCR2AggregatorErrors::abi_decode(data) {
        Ok(error) => {
            // The variant, and in it the error with its fields, both of the same name.
            let text = format!("{error:?}");
            text.split_once('(').and_then(|(_, inner)| inner.strip_suffix(')')).unwrap_or(&text).to_owned()
        }
        Err(_) if data.is_empty() => "without a reason".into(),
        Err(_) => alloy::sol_types::decode_revert_reason(data).unwrap_or_else(|| format!("with {data}")),
    }
}
