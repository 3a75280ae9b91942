//! One JSON-RPC call over HTTP, bounded in size, and the parts of the answers that we read. What we do not read is not
//! parsed, so that the peculiarities of chains and clients do no harm.

use alloy::primitives::{Address, B256, Bytes, U64, U256};
use evm_proto::chain::{Block, Receipt};
use reqwest::{Client, Url, header};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::error::Failure;
use crate::limits::RESPONSE_BYTES_MAX;
use crate::shown::Secrets;

#[derive(Serialize)]
struct Request<'a, P> {
    jsonrpc: &'a str,
    id: u64,
    method: &'a str,
    params: P,
}

#[derive(Deserialize)]
struct Response<'a> {
    id: Option<u64>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    error: Option<RpcFailure>,
}

#[derive(Deserialize)]
struct RpcFailure {
    code: i64,
    #[serde(default)]
    message: String,
    #[serde(default)]
    data: Option<serde_json::Value>,
}

/// Calls a method and reads its result.
pub async fn call<P: Serialize, R: DeserializeOwned>(
    client: &Client,
    url: &Url,
    secrets: &Secrets,
    id: u64,
    method: &str,
    params: P,
) -> Result<R, Failure> {
    let request = serde_json::to_vec(&Request { jsonrpc: "2.0", id, method, params });
    let request = request.expect("our own types have a JSON form");
    let post = client.post(url.clone()).header(header::CONTENT_TYPE, "application/json").body(request);
    let mut response = post.send().await.map_err(|error| broken(error, secrets))?;
    let status = response.status();
    let mut body = Vec::new();
    // Read in pieces: a length is not believed, and an endless answer ends at the bound.
    while let Some(piece) = response.chunk().await.map_err(|error| broken(error, secrets))? {
        if body.len() + piece.len() > RESPONSE_BYTES_MAX {
            return Err(Failure::TooLong);
        }
        body.extend_from_slice(&piece);
    }
    match serde_json::from_slice::<Response<'_>>(&body) {
        // Some endpoints send an error of JSON-RPC with an HTTP status of its own.
        Ok(Response { error: Some(RpcFailure { code, message, data }), .. }) => {
            Err(Failure::Rpc { code, message: secrets.hide(&message), data: data.and_then(bytes_in) })
        }
        _ if !status.is_success() => {
            let text = secrets.hide(String::from_utf8_lossy(&body[..body.len().min(1_000)]).trim());
            Err(Failure::Http { status: status.as_u16(), text })
        }
        Ok(response) if response.id != Some(id) => Err(Failure::Malformed("it answers another request".into())),
        Ok(Response { result, .. }) => {
            // An absent result is null: some clients leave it out.
            let result = result.map_or("null", RawValue::get);
            serde_json::from_str(result).map_err(|error| Failure::Malformed(secrets.hide(&error.to_string())))
        }
        Err(error) => Err(Failure::Malformed(secrets.hide(&error.to_string()))),
    }
}

fn broken(error: reqwest::Error, secrets: &Secrets) -> Failure {
    let connecting = error.is_connect();
    // Its text would contain the whole URL.
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    let text = secrets.hide(&text);
    if connecting { Failure::Unreachable(text) } else { Failure::Broken(text) }
}

/// Revert data: a string of hex, or an object that has one (some clients wrap it).
fn bytes_in(data: serde_json::Value) -> Option<Bytes> {
    match data {
        serde_json::Value::String(text) => text.strip_prefix("Reverted ").unwrap_or(&text).parse().ok(),
        serde_json::Value::Object(mut fields) => {
            fields.remove("data").or_else(|| fields.remove("result")).and_then(bytes_in)
        }
        serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::Array(_) => None,
    }
}

/// What of a block is read.
#[derive(Clone, Deserialize, Debug)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    pub number: U64,
    pub hash: B256,
    pub timestamp: U64,
    pub gas_used: U64,
    pub gas_limit: U64,
    pub base_fee_per_gas: Option<U64>,
}

impl Header {
    pub fn block(&self) -> Block {
        Block { number: self.number.to(), hash: self.hash }
    }

    /// Wei per gas that the next block burns by the rule of EIP-1559; `None` on a chain without it.
    pub fn next_base_fee(&self) -> Option<u128> {
        let now: u128 = self.base_fee_per_gas?.to();
        let used: u128 = self.gas_used.to();
        // A limit of zero (some layer-2 chains) has no target to divide by.
        let target = (self.gas_limit.to::<u128>() / 2).max(1);
        // All factors have 64 bits, so nothing an endpoint invents overflows.
        Some(match used.checked_sub(target) {
            Some(0) => now,
            Some(above) => now + (now * above / target / 8).max(1),
            None => now - now * (target - used) / target / 8,
        })
    }
}

/// What of a receipt is read.
#[derive(Clone, Deserialize, Debug)]
#[serde(rename_all = "camelCase")]
pub struct RawReceipt {
    pub transaction_hash: B256,
    pub block_number: Option<U64>,
    pub block_hash: Option<B256>,
    pub gas_used: U64,
    #[serde(default)]
    pub effective_gas_price: U256,
    #[serde(default)]
    pub status: Option<U64>,
    #[serde(default)]
    pub contract_address: Option<Address>,
}

impl RawReceipt {
    /// `None` while it is in no block.
    pub fn receipt(&self) -> Option<Receipt> {
        Some(Receipt {
            transaction: self.transaction_hash,
            block: Block { number: self.block_number?.to(), hash: self.block_hash? },
            gas_used: self.gas_used.to(),
            gas_price: u128::try_from(self.effective_gas_price).unwrap_or(u128::MAX),
            // Chains before Byzantium had no status; there is none left that runs our contracts.
            success: self.status == Some(U64::from(1)),
        })
    }
}

/// What of a log is read.
#[derive(Clone, Deserialize, Debug)]
#[serde(rename_all = "camelCase")]
pub struct RawLog {
    pub address: Address,
    pub topics: Vec<B256>,
    pub data: Bytes,
    pub block_number: Option<U64>,
    pub block_hash: Option<B256>,
    pub log_index: Option<U64>,
    pub transaction_hash: Option<B256>,
    #[serde(default)]
    pub removed: bool,
}

/// A call as `eth_call`, `eth_estimateGas` and `eth_sendTransaction` take it.
#[derive(Clone, Serialize, Default, Debug)]
#[serde(rename_all = "camelCase")]
pub struct CallRequest {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Address>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Address>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gas: Option<U64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<U256>,
    pub data: Bytes,
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::eips::eip1559::{BaseFeeParams, calc_next_block_base_fee};

    fn header(gas_used: u64, gas_limit: u64, base_fee: u64) -> Header {
        Header {
            number: U64::ZERO,
            hash: B256::ZERO,
            timestamp: U64::ZERO,
            gas_used: U64::from(gas_used),
            gas_limit: U64::from(gas_limit),
            base_fee_per_gas: Some(U64::from(base_fee)),
        }
    }

    #[test]
    fn the_next_base_fee_is_that_of_the_rule_and_no_numbers_overflow() {
        for used in [0, 1, 7_500_000, 14_999_999, 15_000_000, 15_000_001, 29_999_999, 30_000_000] {
            for base_fee in [0, 1, 7, 8, 1_000_000_000, 123_456_789_012] {
                let by_rule = calc_next_block_base_fee(used, 30_000_000, base_fee, BaseFeeParams::ethereum());
                assert_eq!(
                    header(used, 30_000_000, base_fee).next_base_fee(),
                    Some(by_rule.into()),
                    "{used} {base_fee}"
                );
            }
        }
        for used in [0, 1, u64::MAX] {
            for limit in [0, 1, 2, u64::MAX] {
                assert!(header(used, limit, u64::MAX).next_base_fee().is_some());
            }
        }
        assert_eq!(Header { base_fee_per_gas: None, ..header(0, 0, 0) }.next_base_fee(), None);
    }

    #[test]
    fn revert_data_is_found_where_clients_put_it() {
        let found = |text: &str| bytes_in(serde_json::from_str(text).unwrap()).map(|data| data.to_string());
        assert_eq!(found(r#""0x0102""#).as_deref(), Some("0x0102"));
        assert_eq!(found(r#""Reverted 0x0102""#).as_deref(), Some("0x0102"));
        assert_eq!(found(r#"{"data":"0x03"}"#).as_deref(), Some("0x03"));
        assert_eq!(found(r#"{"result":{"data":"0x04"}}"#).as_deref(), Some("0x04"));
        assert_eq!(found("null"), None);
        assert_eq!(found("[1]"), None);
    }
}
