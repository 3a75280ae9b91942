//! What a person gives to be inspected: hex or JSON, as an argument or on stdin.

use crate::bad_input::BadInput;
use serde::de::DeserializeOwned;
use std::io::Read;

/// The longest input that is read: an offchain config of its greatest size in hex, inside of JSON.
const BYTES_MAX: u64 = 8 << 20;

/// A text, as it was given; the newline that ends a line of stdin is no part of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Input(String);

impl Input {
    /// The argument, or all of stdin.
    pub fn take(argument: Option<String>) -> Result<Input, BadInput> {
        let text = match argument {
            Some(text) if text != "-" => text,
            Some(_) | None => {
                let mut bytes = Vec::new();
                let read = std::io::stdin().lock().take(BYTES_MAX + 1).read_to_end(&mut bytes);
                read.map_err(|error| BadInput::new(format!("cannot read: {error}")).at("stdin"))?;
                if bytes.len() as u64 > BYTES_MAX {
                    return Err(BadInput::new(format!("longer than {BYTES_MAX} bytes")).at("stdin"));
                }
                let mut text = String::from_utf8(bytes).map_err(|error| {
                    let at = error.utf8_error().valid_up_to();
                    BadInput::new(format!("byte {at} is not UTF-8 text")).at("stdin").remedy("give hex or JSON")
                })?;
                if text.ends_with('\n') {
                    text.pop();
                }
                text
            }
        };
        if text.trim().is_empty() {
            return Err(BadInput::new("nothing is given").remedy("give hex or JSON as an argument or on stdin"));
        }
        Ok(Input(text))
    }

    /// The text itself, blanks and all.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Whether this looks like a JSON object.
    pub fn is_object(&self) -> bool {
        self.0.trim_start().starts_with('{')
    }

    /// The bytes: hex, bare, as a JSON string, or as the only field `bytes` of a JSON object.
    pub fn bytes(&self) -> Result<Vec<u8>, BadInput> {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Object {
            bytes: String,
        }
        let text = self.0.trim();
        if text.starts_with('"') {
            return hex_bytes(&self.json::<String>()?);
        }
        if self.is_object() {
            return hex_bytes(&self.json::<Object>()?.bytes).map_err(|problem| problem.at("bytes"));
        }
        hex_bytes(text)
    }

    /// The JSON value; errors name field, line and column.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, BadInput> {
        let mut reader = serde_json::Deserializer::from_str(&self.0);
        let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let field = error.path().to_string();
            let problem = BadInput::new(error.inner().to_string());
            if field == "." { problem } else { problem.at(field) }
        })?;
        reader.end().map_err(|error| BadInput::new(error.to_string()))?;
        Ok(value)
    }
}

/// Bytes from hex digits, with or without `0x`. The error names the byte.
pub fn hex_bytes(text: &str) -> Result<Vec<u8>, BadInput> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    hex::decode(digits).map_err(|error| match error {
        hex::FromHexError::InvalidHexCharacter { c, index } => {
            BadInput::new(format!("byte {}: {c:?} is no hex digit", index / 2))
        }
        hex::FromHexError::OddLength | hex::FromHexError::InvalidStringLength => {
            BadInput::new(format!("byte {}: has one hex digit, wanted two", digits.len() / 2))
        }
    })
}

/// As many bytes as the type says.
pub fn hex_array<const N: usize>(text: &str) -> Result<[u8; N], String> {
    let bytes = hex_bytes(text).map_err(|problem| problem.to_string())?;
    let got = bytes.len();
    bytes.try_into().map_err(|_| format!("{got} bytes, wanted {N}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(text: &str) -> Input {
        Input::take(Some(text.into())).unwrap()
    }

    #[test]
    fn bytes_come_in_every_dress() {
        for text in ["00ff", "0x00ff", " 00FF\n", "\"0x00ff\"", "{\"bytes\": \"00ff\"}"] {
            assert_eq!(input(text).bytes().unwrap(), [0, 255], "{text}");
        }
        assert_eq!(input("0x").bytes().unwrap(), [0; 0]);
    }

    #[test]
    fn what_is_wrong_is_named_by_byte_or_field() {
        let problem = |text: &str| input(text).bytes().unwrap_err().to_string();
        assert_eq!(problem("00fg"), "byte 1: 'g' is no hex digit");
        assert_eq!(problem("00f"), "byte 1: has one hex digit, wanted two");
        assert_eq!(problem("{\"bytes\": \"0\"}"), "bytes: byte 0: has one hex digit, wanted two");
        assert!(problem("{\"bites\": \"00\"}").contains("unknown field `bites`"));
        assert!(problem("{\"bytes\": 1}").starts_with("bytes: invalid type: integer `1`, expected a string at line 1"));
        assert!(Input::take(Some(" ".into())).is_err());
    }
}
