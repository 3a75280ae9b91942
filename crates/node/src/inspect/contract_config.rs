//! A contract's configuration as a JSON document, and its digest.

use super::input::{Input, hex_bytes};
use crate::bad_input::BadInput;
use crypto::secp256k1::Address;
use ocr::evm_simple::NoAddress;
use ocr::{ConfigDigest, ContractConfig};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A configuration that was given to, or came from, a contract. Everything that the digest is made of.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ConfigDocument {
    /// Absent in a configuration that no contract has yet.
    #[serde(alias = "chain_id", default, skip_serializing_if = "Option::is_none")]
    pub chain_id: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<String>,
    #[serde(alias = "config_count", default, skip_serializing_if = "Option::is_none")]
    pub config_count: Option<Number>,
    pub signers: Vec<HexText>,
    pub transmitters: Vec<String>,
    pub f: u8,
    #[serde(alias = "onchain_config")]
    pub onchain_config: HexText,
    #[serde(alias = "offchain_config_version")]
    pub offchain_config_version: Number,
    #[serde(alias = "offchain_config")]
    pub offchain_config: HexText,
}

/// 64 bits, as a number or as a decimal string.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Number(pub u64);

impl Serialize for Number {
    /// A string: not every reader of JSON keeps 64 bits.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let read = match &value {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.parse().ok(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        };
        let wrong = || serde::de::Error::custom(format!("wanted a whole number below 2^64, got {value}"));
        read.map(Number).ok_or_else(wrong)
    }
}

/// Bytes in hex, with or without `0x`; written without.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct HexText(pub Vec<u8>);

impl Serialize for HexText {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for HexText {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        hex_bytes(&text).map(HexText).map_err(|problem| serde::de::Error::custom(problem.problem))
    }
}

impl ConfigDocument {
    /// The configuration, with its digest where chain, contract and count are known, and zero otherwise.
    pub fn to_contract_config(&self) -> Result<ContractConfig, BadInput> {
        let mut config = ContractConfig {
            config_digest: ConfigDigest::ZERO,
            config_count: self.config_count.map_or(0, |count| count.0),
            signers: self.signers.iter().map(|signer| signer.0.clone()).collect(),
            transmitters: self.transmitters.clone(),
            f: self.f,
            onchain_config: self.onchain_config.0.clone(),
            offchain_config_version: self.offchain_config_version.0,
            offchain_config: self.offchain_config.0.clone(),
        };
        if self.chain_id.is_some() && self.contract.is_some() && self.config_count.is_some() {
            config.config_digest = self.digest_of(&config)?;
        }
        Ok(config)
    }

    /// A configuration as a document.
    pub fn new(chain_id: u64, contract: Address, config: &ContractConfig) -> Self {
        ConfigDocument {
            chain_id: Some(Number(chain_id)),
            contract: Some(contract.to_string()),
            config_count: Some(Number(config.config_count)),
            signers: config.signers.iter().cloned().map(HexText).collect(),
            transmitters: config.transmitters.clone(),
            f: config.f,
            onchain_config: HexText(config.onchain_config.clone()),
            offchain_config_version: Number(config.offchain_config_version),
            offchain_config: HexText(config.offchain_config.clone()),
        }
    }

    fn digest_of(&self, config: &ContractConfig) -> Result<ConfigDigest, BadInput> {
        let missing = |field: &str| BadInput::new("is missing, and the digest depends on it").at(field);
        let chain_id = self.chain_id.ok_or_else(|| missing("chainId"))?;
        let contract = self.contract.as_ref().ok_or_else(|| missing("contract"))?;
        self.config_count.ok_or_else(|| missing("configCount"))?;
        let contract: Address =
            contract.parse().map_err(|error| BadInput::new(format!("{contract:?}: {error}")).at("contract"))?;
        ocr::evm_simple::config_digest(chain_id.0, contract, config).map_err(|error| {
            let field = match &error {
                NoAddress::Signer { index, .. } => format!("signers[{index}]"),
                NoAddress::Transmitter { index, .. } => format!("transmitters[{index}]"),
            };
            BadInput::new(error.to_string()).at(field)
        })
    }
}

/// `{"digest": …}`.
pub fn digest(input: &Input) -> Result<Value, BadInput> {
    let document: ConfigDocument = input.json()?;
    let digest = document.digest_of(&document.to_contract_config()?)?;
    Ok(json!({ "digest": digest.to_string() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = r#"{"chainId": "1337", "contract": "0x528524d82A06d346423d96125Ad9b97440D8212b", "configCount": 2054855,
        "signers": ["0xa40865511083ed6cda3d0ed2bb7625e824d0aa37", "0x3db837843b397fe8ebe12910adcf210c181cca7f",
            "0x5d66cfc762f4f154b3cfe504c5ed7173e534dcfd", "0x0a4c10da64a62466ebeb0339f71791ccdc67edd3"],
        "transmitters": ["0xEb286Fe2a61257ee46A42cA897f1D80cD6De1ecF", "0xc603d76316E72A4B8dF888B1a8002D8f33fB58bE",
            "0x0d57Af29e095e947283216Fd3cc932F4B9b14014", "0x5A3D616F4e0D7dAdE3bAa7cac0b9051B31460B0d"],
        "f": 1,
        "onchainConfig": "0x0fec3c5625ca09378988c82e1e8ff69df65993eeb0bcd7e42d228606e120d40cae61287551af468d80bf99f56bbb3cec01",
        "offchainConfigVersion": "2", "offchainConfig": "a1"}"#;

    fn explain(text: &str) -> Result<Value, BadInput> {
        digest(&Input::take(Some(text.into())).unwrap())
    }

    #[test]
    fn a_digest_is_that_of_the_reference() {
        let expected = "0001ee5dca3814a864c8525e09101a6a82a330284c1407762112446febb9058a";
        assert_eq!(explain(CONFIG).unwrap(), json!({ "digest": expected }));
    }

    #[test]
    fn a_wrong_field_is_named() {
        for (from, to, said) in [
            ("\"f\": 1", "\"f\": 256", "f: invalid value: integer `256`"),
            ("\"f\": 1,", "", "missing field `f`"),
            ("chainId", "chainID", "chainID: unknown field `chainID`"),
            ("\"1337\"", "\"x\"", "chainId: wanted a whole number below 2^64, got \"x\""),
            ("\"chainId\": \"1337\", ", "", "chainId: is missing, and the digest depends on it"),
            ("0x528524d8", "0x528524dg", "contract: "),
            ("0x3db8", "0x3d", "signers[1]: "),
            ("0xc603d7", "c603", "transmitters[1]: "),
            ("\"a1\"", "\"a\"", "offchainConfig: byte 0: has one hex digit, wanted two"),
        ] {
            let error = explain(&CONFIG.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(error.starts_with(said), "{to}: {error}");
        }
    }

    #[test]
    fn a_document_is_read_as_it_is_written() {
        let document: ConfigDocument = Input::take(Some(CONFIG.into())).unwrap().json().unwrap();
        let text = serde_json::to_string(&document).unwrap();
        assert_eq!(serde_json::from_str::<ConfigDocument>(&text).unwrap(), document);
    }
}
