//! An account on an EVM chain as people write it: the case of its digits is a checksum.

use alloc::format;
use alloc::string::String;
use crypto::secp256k1::Address;

/// Reads `0x` and 40 hexadecimal digits. All-lower and all-upper are taken as they are, a mixture must carry the checksum
/// of EIP-55 (node spec 2.1). The error is the problem and its remedy, in words.
pub fn parse_address(text: &str) -> Result<Address, (String, String)> {
    let address: Address = text.parse().map_err(|_| {
        let problem = format!("`{}` is not an address", crate::Excerpt::of(text));
        (problem, String::from("write 0x and 40 hexadecimal digits"))
    })?;
    let has = |class: fn(&u8) -> bool| text.as_bytes()[2..].iter().any(class);
    if has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase) && format!("{address}") != text {
        return Err((
            format!("the checksum of address {text} is wrong"),
            format!("compare it with {address}, or write it in lower case"),
        ));
    }
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn the_examples_of_eip_55_are_accepted_and_a_wrong_case_is_not() {
        for text in ["0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"] {
            assert_eq!(parse_address(text).unwrap().to_string(), text);
            assert!(parse_address(&text.to_lowercase()).is_ok());
        }
        let (problem, remedy) = parse_address("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD").unwrap_err();
        assert_eq!(problem, "the checksum of address 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD is wrong");
        assert!(remedy.contains("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"));
        assert!(parse_address("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeA").is_err());
    }
}
