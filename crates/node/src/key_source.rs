//! Where a private key on the command line stands: never on the command line itself.

use crate::bad_input::BadInput;
use crate::private_file;
use crypto::Zeroizing;
use crypto::secp256k1::SecretKey;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Where a private key, 32 bytes in hex with or without `0x`, stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum KeySource {
    /// `file:PATH`, of mode 0600.
    File(PathBuf),
    /// `env:NAME`, an environment variable.
    Environment(String),
}

impl FromStr for KeySource {
    type Err = BadInput;

    fn from_str(text: &str) -> Result<KeySource, BadInput> {
        match text.split_once(':') {
            Some(("file", path)) if !path.is_empty() => Ok(KeySource::File(path.into())),
            Some(("env", name)) if !name.is_empty() => Ok(KeySource::Environment(name.into())),
            // Not repeated: it may be the key itself.
            _ => Err(BadInput::new("wanted file:PATH or env:NAME; a raw key would stand in the process list")
                .remedy("put the key into a file of mode 0600 or into an environment variable")),
        }
    }
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeySource::File(path) => write!(f, "file:{}", path.display()),
            KeySource::Environment(name) => write!(f, "env:{name}"),
        }
    }
}

impl KeySource {
    /// The key; a caller adds to an error which option named the source.
    pub fn read(&self) -> Result<SecretKey, BadInput> {
        let text = match self {
            KeySource::File(path) => private_file::read(path)?,
            KeySource::Environment(name) => Zeroizing::new(std::env::var(name).map_err(|_| {
                BadInput::new(format!("the environment variable {name} is not set")).remedy("set it to the key in hex")
            })?),
        };
        let digits = text.trim();
        let mut bytes = Zeroizing::new([0; 32]);
        let read = hex::decode_to_slice(digits.strip_prefix("0x").unwrap_or(digits), &mut *bytes);
        read.map_err(|_| BadInput::new(format!("{self}: wanted a private key of 32 bytes in hex")))?;
        SecretKey::from_bytes(&bytes).map_err(|error| BadInput::new(format!("{self}: {error}")))
    }
}
