//! An account on an EVM chain, with its checksum.

use alloc::format;
use alloc::string::String;
use core::fmt::{self, Debug, Display};

/// Twenty bytes; written as `0x` and hexadecimal with the checksum of EIP-55.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(pub [u8; 20]);

impl Address {
    /// Reads `0x` and 40 hexadecimal digits. All-lower and all-upper are taken as they are, a mixture must carry the
    /// checksum of EIP-55 (node spec 2.1). The error is the problem and its remedy, in words.
    pub fn parse(text: &str) -> Result<Address, (String, String)> {
        let wrong = || {
            (format!("`{}` is not an address", crate::Excerpt::of(text)), "write 0x and 40 hexadecimal digits".into())
        };
        let digits = text.strip_prefix("0x").ok_or_else(wrong)?;
        let mut bytes = [0; 20];
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| wrong())?;
        let address = Address(bytes);
        let has = |class: fn(&u8) -> bool| digits.as_bytes().iter().any(class);
        if has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase) && format!("{address}") != text {
            return Err((
                format!("the checksum of address {text} is wrong"),
                format!("compare it with {address}, or write it in lower case"),
            ));
        }
        Ok(address)
    }
}

impl Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = hex::encode(self.0);
        let hash = crypto::keccak256(digits.as_bytes());
        f.write_str("0x")?;
        for (i, digit) in digits.chars().enumerate() {
            let nibble = hash[i / 2] >> (if i % 2 == 0 { 4 } else { 0 }) & 0xf;
            write!(f, "{}", if nibble >= 8 { digit.to_ascii_uppercase() } else { digit })?;
        }
        Ok(())
    }
}

impl Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn the_examples_of_eip_55_are_accepted_and_a_wrong_case_is_not() {
        for text in ["0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"] {
            assert_eq!(Address::parse(text).unwrap().to_string(), text);
            assert!(Address::parse(&text.to_lowercase()).is_ok());
        }
        let (problem, remedy) = Address::parse("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD").unwrap_err();
        assert_eq!(problem, "the checksum of address 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD is wrong");
        assert!(remedy.contains("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"));
        assert!(Address::parse("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeA").is_err());
    }
}
