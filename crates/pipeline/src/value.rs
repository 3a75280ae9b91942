//! What tasks compute.

use crate::decimal::{Decimal, DecimalError};
use crate::error::{Excerpt, TaskError};
use crate::limits::{NUMBER_CHARS_MAX, VALUE_DEPTH_MAX, VALUE_WEIGHT_MAX};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use num_bigint::BigInt;
use serde_json::Value as Json;

/// A value of the pipeline (node spec 4.5).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value {
    Null,
    Bool(bool),
    Integer(BigInt),
    /// A result of arithmetic; as JSON it is a string, as in the reference.
    Decimal(Decimal),
    /// A JSON number with a fraction or an exponent: a 64-bit float in the reference, exact here; as JSON again a number.
    JsonNumber(Decimal),
    String(String),
    /// As JSON `0x` and hexadecimal digits.
    Bytes(Vec<u8>),
    List(Vec<Value>),
    Map(BTreeMap<String, Value>),
}

/// What came of one task.
pub type TaskResult = Result<Value, TaskError>;

/// The roots that `$(…)` can name beside tasks, such as `jobRun` and `jobSpec`.
pub type Variables = BTreeMap<String, Value>;

impl Value {
    /// The first JSON value of the text; what follows it is not read (node spec 4.8, jsonparse).
    pub fn from_json(text: &[u8]) -> Result<Value, TaskError> {
        Value::of_json(&first_json(text)?)
    }

    pub(crate) fn of_json(json: &Json) -> Result<Value, TaskError> {
        Ok(match json {
            Json::Null => Value::Null,
            Json::Bool(value) => Value::Bool(*value),
            Json::Number(number) => of_json_number(number.as_str())?,
            Json::String(text) => Value::String(text.clone()),
            Json::Array(items) => Value::List(items.iter().map(Value::of_json).collect::<Result<_, _>>()?),
            Json::Object(fields) => {
                let fields = fields.iter().map(|(name, field)| Ok((name.clone(), Value::of_json(field)?)));
                Value::Map(fields.collect::<Result<_, TaskError>>()?)
            }
        })
    }

    /// The value as JSON text.
    pub fn to_json(&self) -> String {
        let mut text = String::new();
        self.write_json(&mut text);
        text
    }

    fn write_json(&self, out: &mut String) {
        match self {
            Value::Null => out.push_str("null"),
            Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Value::Integer(value) => out.push_str(&value.to_string()),
            Value::Decimal(value) => out.push_str(&format!("\"{value}\"")),
            Value::JsonNumber(value) => out.push_str(&value.to_json_number()),
            Value::String(text) => write_json_string(text, out),
            Value::Bytes(bytes) => out.push_str(&format!("\"0x{}\"", hex::encode(bytes))),
            Value::List(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    out.push_str(if i == 0 { "" } else { "," });
                    item.write_json(out);
                }
                out.push(']');
            }
            Value::Map(fields) => {
                out.push('{');
                for (i, (name, field)) in fields.iter().enumerate() {
                    out.push_str(if i == 0 { "" } else { "," });
                    write_json_string(name, out);
                    out.push(':');
                    field.write_json(out);
                }
                out.push('}');
            }
        }
    }

    /// The form under which `mode` compares.
    pub(crate) fn to_text(&self) -> String {
        match self {
            Value::Null => "null".into(),
            Value::Bool(value) => value.to_string(),
            Value::Integer(value) => value.to_string(),
            Value::Decimal(value) => value.to_string(),
            Value::JsonNumber(value) => value.to_string(),
            Value::String(text) => text.clone(),
            Value::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Value::List(_) | Value::Map(_) => self.to_json(),
        }
    }

    /// Number kinds and numeric text (node spec 4.5).
    pub fn to_decimal(&self) -> Result<Decimal, ConversionError> {
        match self {
            Value::Integer(value) => Ok(Decimal::new(value.clone(), 0)?),
            Value::Decimal(value) | Value::JsonNumber(value) => Ok(value.clone()),
            Value::String(text) => Ok(text.parse()?),
            Value::Null | Value::Bool(_) | Value::Bytes(_) | Value::List(_) | Value::Map(_) => {
                Err(ConversionError::Kind)
            }
        }
    }

    pub(crate) fn to_bool(&self) -> Result<bool, ConversionError> {
        match self {
            Value::Bool(value) => Ok(*value),
            Value::String(text) => parse_bool(text).ok_or(ConversionError::Kind),
            Value::Null
            | Value::Integer(_)
            | Value::Decimal(_)
            | Value::JsonNumber(_)
            | Value::Bytes(_)
            | Value::List(_)
            | Value::Map(_) => Err(ConversionError::Kind),
        }
    }

    /// `0x` text is decoded, other text gives its UTF-8 bytes, null nothing.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, ConversionError> {
        match self {
            Value::Bytes(bytes) => Ok(bytes.clone()),
            Value::String(text) => Ok(match text.strip_prefix("0x").map(hex::decode) {
                Some(Ok(bytes)) => bytes,
                Some(Err(_)) | None => text.clone().into_bytes(),
            }),
            Value::Null => Ok(Vec::new()),
            Value::Bool(_)
            | Value::Integer(_)
            | Value::Decimal(_)
            | Value::JsonNumber(_)
            | Value::List(_)
            | Value::Map(_) => Err(ConversionError::Kind),
        }
    }

    /// Text and bytes; numbers are not text (node spec 4.5).
    pub(crate) fn to_string_value(&self) -> Result<String, ConversionError> {
        match self {
            Value::String(text) => Ok(text.clone()),
            Value::Bytes(bytes) => String::from_utf8(bytes.clone()).map_err(|_| ConversionError::Kind),
            Value::Null
            | Value::Bool(_)
            | Value::Integer(_)
            | Value::Decimal(_)
            | Value::JsonNumber(_)
            | Value::List(_)
            | Value::Map(_) => Err(ConversionError::Kind),
        }
    }

    /// A map, or the text of a JSON map.
    pub(crate) fn to_map(&self) -> Result<BTreeMap<String, Value>, ConversionError> {
        if let Value::Map(fields) = self.or_json() { Ok(fields) } else { Err(ConversionError::Kind) }
    }

    /// A list, or the text of a JSON list.
    pub(crate) fn to_list(&self) -> Result<Vec<Value>, ConversionError> {
        if let Value::List(items) = self.or_json() { Ok(items) } else { Err(ConversionError::Kind) }
    }

    /// The value; text and bytes that hold JSON give what they hold.
    fn or_json(&self) -> Value {
        let parsed = match self {
            Value::String(text) => Value::from_json(text.as_bytes()).ok(),
            Value::Bytes(bytes) => Value::from_json(bytes).ok(),
            Value::Null
            | Value::Bool(_)
            | Value::Integer(_)
            | Value::Decimal(_)
            | Value::JsonNumber(_)
            | Value::List(_)
            | Value::Map(_) => None,
        };
        parsed.unwrap_or_else(|| self.clone())
    }

    /// About the bytes in memory.
    pub(crate) fn weight(&self) -> usize {
        32 + match self {
            Value::Null | Value::Bool(_) => 0,
            Value::Integer(value) => (value.bits() / 8) as usize,
            Value::Decimal(value) | Value::JsonNumber(value) => value.weight(),
            Value::String(text) => text.len(),
            Value::Bytes(bytes) => bytes.len(),
            Value::List(items) => items.iter().map(Value::weight).sum(),
            Value::Map(fields) => fields.iter().map(|(name, field)| 32 + name.len() + field.weight()).sum(),
        }
    }

    /// Lists and maps within each other, at the deepest place.
    pub(crate) fn depth(&self) -> usize {
        match self {
            Value::List(items) => 1 + items.iter().map(Value::depth).max().unwrap_or(0),
            Value::Map(fields) => 1 + fields.values().map(Value::depth).max().unwrap_or(0),
            Value::Null
            | Value::Bool(_)
            | Value::Integer(_)
            | Value::Decimal(_)
            | Value::JsonNumber(_)
            | Value::String(_)
            | Value::Bytes(_) => 0,
        }
    }

    /// Whether the value may be kept as a result. Tasks add at most two levels to what was checked before, so that the
    /// recursion in here is bounded too.
    pub(crate) fn checked(self) -> Result<Value, TaskError> {
        if self.weight() > VALUE_WEIGHT_MAX || self.depth() > VALUE_DEPTH_MAX {
            Err(TaskError::TooLarge)
        } else {
            Ok(self)
        }
    }

    pub(crate) fn excerpt(&self) -> Excerpt {
        Excerpt::of(&match self {
            Value::List(items) => format!("a list of {}", items.len()),
            Value::Map(fields) => format!("a map of {}", fields.len()),
            Value::String(text) => format!("the text `{}`", Excerpt::of(text)),
            Value::Bytes(bytes) => format!("{} bytes", bytes.len()),
            Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Decimal(_) | Value::JsonNumber(_) => {
                self.to_text()
            }
        })
    }
}

/// Why a value is not of the kind that a parameter wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConversionError {
    Kind,
    Number(DecimalError),
}

impl From<DecimalError> for ConversionError {
    fn from(error: DecimalError) -> Self {
        match error {
            DecimalError::NotANumber => ConversionError::Kind,
            DecimalError::TooLarge | DecimalError::DivisionByZero => ConversionError::Number(error),
        }
    }
}

pub(crate) fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// The first JSON value of the text as the library has it; its numbers are not yet read.
pub(crate) fn first_json(text: &[u8]) -> Result<Json, TaskError> {
    match serde_json::Deserializer::from_slice(text).into_iter::<Json>().next() {
        Some(Ok(json)) => Ok(json),
        Some(Err(error)) => Err(TaskError::Json {
            line: error.line(),
            column: error.column(),
            text: Excerpt::of(&String::from_utf8_lossy(text)),
        }),
        None => Err(TaskError::Json { line: 1, column: 1, text: Excerpt::of("the text is empty") }),
    }
}

fn of_json_number(text: &str) -> Result<Value, TaskError> {
    if text.contains(['.', 'e', 'E']) {
        return Ok(Value::JsonNumber(text.parse()?));
    }
    if text.len() > NUMBER_CHARS_MAX {
        return Err(DecimalError::TooLarge.into());
    }
    let integer = BigInt::parse_bytes(text.as_bytes(), 10).ok_or(DecimalError::NotANumber)?;
    // The same bound as a decimal's.
    Decimal::new(integer.clone(), 0)?;
    Ok(Value::Integer(integer))
}

fn write_json_string(text: &str, out: &mut String) {
    // A string has no way to fail to be JSON.
    out.push_str(&serde_json::to_string(text).unwrap_or_default());
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::String(text.into())
    }
}

impl From<BigInt> for Value {
    fn from(value: BigInt) -> Self {
        Value::Integer(value)
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Value::Integer(value.into())
    }
}

impl From<Decimal> for Value {
    fn from(value: Decimal) -> Self {
        Value::Decimal(value)
    }
}
