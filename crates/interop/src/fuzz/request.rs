//! A question of the codec server as we read it, and what kind of value each of its fields is.

use serde_json::{Map, Value};
use std::fmt::Display;
use std::str::FromStr;

/// Why there is no answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum No {
    /// Our crates refuse what the question is about.
    Refused(String),
    /// The question itself is wrong: no case.
    BadRequest(String),
}

/// Our crates refuse.
pub fn refused(why: impl Display) -> No {
    No::Refused(why.to_string())
}

/// The fields of a question or of an object in it.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    pub fn new(value: &'a Value) -> Result<Self, No> {
        value.as_object().map(Self).ok_or_else(|| No::BadRequest(format!("{value} is no object")))
    }

    /// The field, unless it is missing or null.
    pub fn optional(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub fn value(&self, name: &str) -> Result<&'a Value, No> {
        self.optional(name).ok_or_else(|| wrong(name, "missing"))
    }

    pub fn text(&self, name: &str) -> Result<&'a str, No> {
        self.value(name)?.as_str().ok_or_else(|| wrong(name, "not a text"))
    }

    pub fn flag(&self, name: &str) -> Result<bool, No> {
        self.value(name)?.as_bool().ok_or_else(|| wrong(name, "not true or false"))
    }

    /// A number, or a decimal text of a large one.
    pub fn number<T: FromStr>(&self, name: &str) -> Result<T, No> {
        number(self.value(name)?).ok_or_else(|| wrong(name, "not a number in range"))
    }

    pub fn bytes(&self, name: &str) -> Result<Vec<u8>, No> {
        bytes(self.value(name)?).ok_or_else(|| wrong(name, "not hex"))
    }

    pub fn array<const N: usize>(&self, name: &str) -> Result<[u8; N], No> {
        self.bytes(name)?.try_into().map_err(|_| wrong(name, "of another length"))
    }

    pub fn object(&self, name: &str) -> Result<Fields<'a>, No> {
        Fields::new(self.value(name)?)
    }

    /// A list; a missing one is empty.
    pub fn list(&self, name: &str) -> Result<&'a [Value], No> {
        match self.optional(name) {
            None => Ok(&[]),
            Some(list) => list.as_array().map(Vec::as_slice).ok_or_else(|| wrong(name, "not a list")),
        }
    }

    /// Every entry of a list, converted.
    pub fn each<T>(&self, name: &str, of: impl Fn(&'a Value) -> Option<T>) -> Result<Vec<T>, No> {
        self.list(name)?.iter().map(|entry| of(entry).ok_or_else(|| wrong(name, "an entry of another form"))).collect()
    }

    pub fn objects(&self, name: &str) -> Result<Vec<Fields<'a>>, No> {
        self.list(name)?.iter().map(Fields::new).collect()
    }
}

/// The question is wrong in this field.
pub fn wrong(name: &str, why: &str) -> No {
    No::BadRequest(format!("{name}: {why}"))
}

/// A number, be it a JSON number or a decimal text.
pub fn number<T: FromStr>(value: &Value) -> Option<T> {
    match value {
        Value::Number(number) => number.as_str().parse().ok(),
        Value::String(text) => text.parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Hex, with or without `0x`.
pub fn bytes(value: &Value) -> Option<Vec<u8>> {
    let text = value.as_str()?;
    hex::decode(text.strip_prefix("0x").unwrap_or(text)).ok()
}

/// Exactly so many bytes in hex.
pub fn array<const N: usize>(value: &Value) -> Option<[u8; N]> {
    bytes(value)?.try_into().ok()
}

/// What a field holds, for whoever changes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A protobuf message in hex.
    Protobuf,
    /// A DER value in hex.
    Der,
    /// Any bytes in hex.
    Bytes,
    /// So many bytes in hex.
    Sized(usize),
    Text,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// Digits of a number in this range.
    Integer(i128, i128),
    /// Digits of a number of about so many bits and a sign.
    Wide(u64),
    Flag,
    /// Stays as it is.
    Fixed,
}

/// The kind of a field, by the operation and the field's own name. Numbers stay where the server's types can hold them:
/// what it cannot even read is no case.
pub fn kind(op: &str, field: &str) -> Kind {
    const U8: Kind = Kind::Integer(0, u8::MAX as i128);
    const U32: Kind = Kind::Integer(0, u32::MAX as i128);
    const U64: Kind = Kind::Integer(0, u64::MAX as i128);
    const I64: Kind = Kind::Integer(i64::MIN as i128, i64::MAX as i128);
    match (op, field) {
        (_, "op" | "tag" | "kind") => Kind::Fixed,
        ("script", "from" | "id" | "n" | "f" | "report_quorum" | "delta_round" | "r_max") => Kind::Fixed,
        ("script", "epoch" | "highest_sent_epoch" | "highest_received_epoch" | "restored_state") => Kind::Fixed,
        // An oracle runs only in a configuration that has its own keys.
        ("script", "oracles" | "offchain_seed" | "onchain_sk" | "limits" | "config_digest") => Kind::Fixed,
        // Implausible ones are invented, not arrived at.
        ("script", "contract_epoch") => Kind::Integer(0, i32::MAX as i128 - 1),
        ("config_digest", "contract") => Kind::Sized(20),
        ("offchain_config_oracle" | "offchain_config_encode", "signer") => Kind::Bytes,
        ("attested_one", "address") | ("attested_many", "addresses") => Kind::Sized(20),
        ("median_onchain_config" | "frame", "bytes") => Kind::Bytes,
        ("median_value", "bytes") => Kind::Bytes,
        ("median_report", "observation") => Kind::Protobuf,
        ("announcement" | "discovery", "public_key") => Kind::Bytes,
        ("median_order", "timestamps") => U32,
        ("schedule", "s") => Kind::Integer(0, 31),
        ("schedule", "delta_stage") => Kind::Integer(0, i64::MAX as i128),
        ("limits", "n") => Kind::Integer(0, 1000),
        ("limits", "delta_progress" | "delta_resend" | "delta_round") => Kind::Integer(0, i64::MAX as i128),
        (_, "max_query_length" | "max_observation_length" | "max_report_length" | "max_signature_length") => {
            Kind::Integer(0, i32::MAX as i128)
        }
        (_, "bytes" | "offchain_config") => Kind::Protobuf,
        (_, "chain") => Kind::Der,
        (
            _,
            "config_digest"
            | "extra_hash"
            | "secret_seed"
            | "secret_key"
            | "public_key"
            | "dh_point"
            | "shared_secret_hash"
            | "config_encryption_sk"
            | "config_encryption_sks"
            | "ephemeral_sk"
            | "offchain_pk"
            | "a"
            | "b"
            | "listener_public_key"
            | "dialer_seed"
            | "expected_public_key"
            | "stream_id"
            | "hash"
            | "offchain_seed"
            | "onchain_sk",
        ) => Kind::Sized(32),
        (_, "shared_secret" | "encryptions" | "leader_selection_key") => Kind::Sized(16),
        (_, "transmitters" | "transmitter" | "peer_id" | "text" | "name" | "addrs") => Kind::Text,
        (_, "generation") => Kind::OneOf(&["old", "new"]),
        (_, "epoch" | "from_epoch" | "contract_epoch") => U32,
        (_, "s") => U32,
        (_, "round" | "observer" | "signer" | "oracle_id" | "f" | "r_max") => U8,
        (_, "n") => Kind::Integer(1, 31),
        (_, "quorum") => Kind::Integer(0, 40),
        (_, "count") => Kind::Integer(0, 300),
        (_, "chain_id" | "config_count" | "offchain_config_version" | "counter" | "threshold_ppb") => U64,
        (_, "value" | "values" | "juels") => Kind::Wide(194),
        (_, "old" | "new") => Kind::Wide(254),
        (_, "skip" | "skip_resource_checks" | "contract_digest_equal") => Kind::Flag,
        (_, name) if name.starts_with("delta_") || name.starts_with("max_duration_") => I64,
        _ => Kind::Bytes,
    }
}
