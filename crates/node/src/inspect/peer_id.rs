//! A peer id in its three forms.

use super::input::{Input, hex_bytes};
use crate::bad_input::BadInput;
use crypto::PeerId;
use serde_json::{Value, json};

/// `{"peer_id", "public_key", "binary"}` from the text, exactly as it stands in a configuration, or from 32 or 38 bytes in hex.
pub fn explain(input: &Input) -> Result<Value, BadInput> {
    let text = if input.text().starts_with('"') { input.json::<String>()? } else { input.text().to_owned() };
    let id = match hex_bytes(&text) {
        Ok(bytes) if bytes.len() == 32 || bytes.len() == 38 => from_bytes(&bytes)?,
        Ok(_) | Err(_) => text.parse::<PeerId>().map_err(|error| BadInput::new(error.to_string()))?,
    };
    Ok(json!({ "peer_id": id.to_string(), "public_key": hex::encode(id.0), "binary": hex::encode(id.to_binary()) }))
}

fn from_bytes(bytes: &[u8]) -> Result<PeerId, BadInput> {
    let key = &bytes[bytes.len() - 32..];
    let id = PeerId(key.try_into().map_err(|_| BadInput::new("wanted 32 or 38 bytes"))?);
    let expected = id.to_binary();
    match bytes.iter().zip(&expected[expected.len() - bytes.len()..]).position(|(got, wanted)| got != wanted) {
        Some(at) => {
            let problem =
                format!("byte {at} is {:02x}, wanted {:02x}: a peer id begins 002408011220", bytes[at], expected[at]);
            Err(BadInput::new(problem))
        }
        None => Ok(id),
    }
}
