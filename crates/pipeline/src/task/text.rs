//! length, lowercase, uppercase, base64 and hexadecimal.

use super::at_most_one_input;
use crate::error::TaskError;
use crate::parameter::{Attributes, Parameter, Scope, convert};
use crate::source::Diagnostic;
use crate::value::Value;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use num_bigint::{BigInt, Sign};

/// How many bytes the input has.
#[derive(Clone, Debug)]
pub(crate) struct Length {
    input: Parameter<Vec<u8>>,
}

impl Length {
    pub fn read(attributes: &mut Attributes) -> Result<Self, Diagnostic> {
        at_most_one_input(attributes)?;
        Ok(Length { input: attributes.parameter_or_input("input")? })
    }

    pub fn evaluate(&self, scope: &Scope) -> Result<Value, TaskError> {
        let length = self.input.or_input("input", scope)?.len() as u64;
        Ok(crate::Decimal::from(length).into())
    }
}

/// Another form of a text.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    form: Form,
    input: Parameter<Value>,
}

#[derive(Clone, Copy, Debug)]
enum Form {
    Lowercase,
    Uppercase,
    Base64Encode,
    Base64Decode,
    HexEncode,
    HexDecode,
}

impl Text {
    pub fn read(name: &str, attributes: &mut Attributes) -> Result<Self, Diagnostic> {
        at_most_one_input(attributes)?;
        let form = match name {
            "lowercase" => Form::Lowercase,
            "uppercase" => Form::Uppercase,
            "base64encode" => Form::Base64Encode,
            "base64decode" => Form::Base64Decode,
            "hexencode" => Form::HexEncode,
            _ => Form::HexDecode,
        };
        Ok(Text { form, input: attributes.parameter_or_input("input")? })
    }

    pub fn evaluate(&self, scope: &Scope) -> Result<Value, TaskError> {
        let input = self.input.or_input("input", scope)?;
        let text = || convert::<String>("input", &input);
        let bad = |wanted| TaskError::BadValue { parameter: "input", wanted, got: input.excerpt() };
        match self.form {
            Form::Lowercase => Ok(Value::String(text()?.to_lowercase())),
            Form::Uppercase => Ok(Value::String(text()?.to_uppercase())),
            Form::Base64Encode => {
                Ok(Value::String(STANDARD.encode(raw_bytes(&input).ok_or_else(|| bad("text or bytes"))?)))
            }
            Form::Base64Decode => STANDARD.decode(text()?).map(Value::Bytes).map_err(|_| bad("base64 with padding")),
            Form::HexEncode => {
                hex_encode(&input).map(Value::String).ok_or_else(|| bad("text, bytes or an integer from 0"))
            }
            Form::HexDecode => {
                let text = text()?;
                let bytes = text.strip_prefix("0x").and_then(|digits| hex::decode(digits).ok());
                bytes.map(Value::Bytes).ok_or_else(|| bad("0x and hexadecimal digits"))
            }
        }
    }
}

/// Text as it stands, even if it looks like hexadecimal, or bytes.
fn raw_bytes(value: &Value) -> Option<&[u8]> {
    match value {
        Value::String(text) => Some(text.as_bytes()),
        Value::Bytes(bytes) => Some(bytes),
        Value::Null
        | Value::Bool(_)
        | Value::Integer(_)
        | Value::Decimal(_)
        | Value::JsonNumber(_)
        | Value::List(_)
        | Value::Map(_) => None,
    }
}

/// Bytes in pairs of digits, an integer in as many as it needs.
fn hex_encode(value: &Value) -> Option<String> {
    let integer = |value: &BigInt| (value.sign() != Sign::Minus).then(|| format!("0x{}", value.to_str_radix(16)));
    match value {
        Value::Integer(value) => integer(value),
        Value::Decimal(value) | Value::JsonNumber(value) if value.is_integer() => integer(&value.truncate()),
        other => raw_bytes(other)
            .map(|bytes| if bytes.is_empty() { String::new() } else { format!("0x{}", hex::encode(bytes)) }),
    }
}
