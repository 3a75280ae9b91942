//! The name of one configuration of one contract, which keeps every signature and stream of it apart from all others.

use core::{fmt, str::FromStr};

/// 32 bytes, of which the first two say how the rest was made (OCR2 spec 2.1).
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConfigDigest(pub [u8; 32]);

impl ConfigDigest {
    /// All zero: what a contract says before its first configuration.
    pub const ZERO: Self = Self([0; 32]);

    /// Which digester made it.
    pub fn prefix(self) -> ConfigDigestPrefix {
        ConfigDigestPrefix(u16::from_be_bytes([self.0[0], self.0[1]]))
    }
}

/// 64 lower-case hex digits, without `0x`.
impl fmt::Display for ConfigDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ConfigDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// 64 hex digits of any case, with or without `0x`.
impl FromStr for ConfigDigest {
    type Err = ConfigDigestError;

    fn from_str(text: &str) -> Result<Self, ConfigDigestError> {
        let digits = text.strip_prefix("0x").unwrap_or(text).as_bytes();
        if digits.len() != 64 {
            return Err(ConfigDigestError::Length { got: digits.len() });
        }
        let nibble = |at: usize| {
            let digit = char::from(digits[at]).to_digit(16).ok_or(ConfigDigestError::Digit { at })?;
            Ok(digit as u8)
        };
        let mut bytes = [0; 32];
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = nibble(2 * i)? << 4 | nibble(2 * i + 1)?;
        }
        Ok(Self(bytes))
    }
}

/// Why a text is no config digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigDigestError {
    #[error("a config digest has 64 hex digits, got {got} bytes")]
    Length { got: usize },
    #[error("digit {at} of a config digest is not hexadecimal")]
    Digit { at: usize },
}

/// How a digest was made. Unlisted values exist (OCR2 spec 2.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConfigDigestPrefix(pub u16);

impl ConfigDigestPrefix {
    pub const EVM_SIMPLE: Self = Self(0x0001);
    pub const TERRA: Self = Self(0x0002);
    pub const SOLANA: Self = Self(0x0003);
    pub const STARKNET: Self = Self(0x0004);
    pub const MERCURY_V02: Self = Self(0x0006);
    pub const EVM_THRESHOLD_DECRYPTION: Self = Self(0x0007);
    pub const EVM_S4: Self = Self(0x0008);
    pub const LLO: Self = Self(0x0009);
    pub const CCIP_MULTI_ROLE: Self = Self(0x000a);
    pub const CCIP_MULTI_ROLE_RMN: Self = Self(0x000b);
    pub const CCIP_MULTI_ROLE_RMN_COMBO: Self = Self(0x000c);
    pub const KEYSTONE_OCR3_CAPABILITY: Self = Self(0x000e);
    pub const DON_TO_DON_DISCOVERY_GROUP: Self = Self(0x000f);
    pub const DON_TO_DON_MESSAGING_GROUP: Self = Self(0x0010);
    /// Only the networking layer's name for a 16-byte digest of OCR1.
    pub const OCR1: Self = Self(0xeeee);

    /// The reference's name for it, if it has one.
    pub fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::EVM_SIMPLE => "EVMSimple",
            Self::TERRA => "Terra",
            Self::SOLANA => "Solana",
            Self::STARKNET => "Starknet",
            Self::MERCURY_V02 => "MercuryV02",
            Self::EVM_THRESHOLD_DECRYPTION => "EVMThresholdDecryption",
            Self::EVM_S4 => "EVMS4",
            Self::LLO => "LLO",
            Self::CCIP_MULTI_ROLE => "CCIPMultiRole",
            Self::CCIP_MULTI_ROLE_RMN => "CCIPMultiRoleRMN",
            Self::CCIP_MULTI_ROLE_RMN_COMBO => "CCIPMultiRoleRMNCombo",
            Self::KEYSTONE_OCR3_CAPABILITY => "KeystoneOCR3Capability",
            Self::DON_TO_DON_DISCOVERY_GROUP => "DONToDONDiscoveryGroup",
            Self::DON_TO_DON_MESSAGING_GROUP => "DONToDONMessagingGroup",
            Self::OCR1 => "OCR1",
            Self(_) => return None,
        })
    }
}

/// Four hex digits and the name: `0001 (EVMSimple)`.
impl fmt::Display for ConfigDigestPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}", self.0)?;
        self.name().map_or(Ok(()), |name| write!(f, " ({name})"))
    }
}

impl fmt::Debug for ConfigDigestPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString as _;

    #[test]
    fn the_text_reads_back() {
        let digest = ConfigDigest(core::array::from_fn(|i| i as u8));
        let text = digest.to_string();
        assert_eq!(text, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
        assert_eq!(text.parse(), Ok(digest));
        assert_eq!(("0x".to_string() + &text.to_uppercase()).parse(), Ok(digest));
        assert_eq!(text[1..].parse::<ConfigDigest>(), Err(ConfigDigestError::Length { got: 63 }));
        assert_eq!(text.replace('a', "x").parse::<ConfigDigest>(), Err(ConfigDigestError::Digit { at: 21 }));
    }

    #[test]
    fn the_prefix_is_the_first_two_bytes() {
        let mut digest = ConfigDigest::ZERO;
        assert_eq!(digest.prefix().to_string(), "0000");
        digest.0[1] = 1;
        assert_eq!(digest.prefix(), ConfigDigestPrefix::EVM_SIMPLE);
        assert_eq!(digest.prefix().to_string(), "0001 (EVMSimple)");
    }
}
