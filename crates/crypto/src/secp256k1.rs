//! ECDSA on secp256k1 as the EVM uses it: signers are known by their address, and a signature gives its signer away.
//!
//! Accepted is what Go's binding of libsecp256k1 accepts (OCR2 spec 1.4): high s too, and v = 2 or 3 where r plus the
//! group order is still a field element.

use alloc::{string::String, vec::Vec};
use core::{fmt, str::FromStr};

use k256::{
    AffinePoint, ProjectivePoint, Scalar, U256,
    ecdsa::SigningKey,
    elliptic_curve::{
        Curve as _, PrimeField as _,
        bigint::{CheckedAdd as _, Encoding as _},
        ops::{LinearCombination as _, Reduce},
        point::DecompressPoint as _,
        sec1::ToEncodedPoint as _,
        subtle::Choice,
    },
};
use zeroize::Zeroizing;

use crate::hash::keccak256;

/// Bytes of a signature: r, s, then the recovery id v (0 to 3, not 27 or 28).
pub const SIGNATURE_LEN: usize = 65;

/// A signing key; wiped on drop, never printed.
#[derive(Clone)]
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// The key with this scalar, big-endian.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, NoScalar> {
        SigningKey::from_bytes(bytes.into()).map(Self).map_err(|_| NoScalar)
    }

    /// The scalar, for whoever stores the key.
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes().into())
    }

    /// The name under which the EVM knows this key.
    pub fn address(&self) -> Address {
        Address::of(self.0.verifying_key().as_affine())
    }

    /// Signs a digest with the nonce of RFC 6979 (SHA-256) and low s: r ‖ s ‖ v, v = 0 or 1 but for a chance of 2⁻¹²⁷.
    pub fn sign(&self, digest: &[u8; 32]) -> [u8; SIGNATURE_LEN] {
        #[cfg(not(feature = "libsecp256k1"))]
        return self.sign_in_rust(digest);
        #[cfg(feature = "libsecp256k1")]
        return self.sign_in_c(digest);
    }

    #[cfg_attr(feature = "libsecp256k1", allow(dead_code))]
    fn sign_in_rust(&self, digest: &[u8; 32]) -> [u8; SIGNATURE_LEN] {
        // It fails only where r or s is zero, which RFC 6979 nonces reach with a chance of 2⁻²⁵⁶.
        let (signature, v) = self.0.sign_prehash_recoverable(digest).expect("no digest gives r = 0 or s = 0");
        let mut bytes = [0; SIGNATURE_LEN];
        bytes[..64].copy_from_slice(&signature.to_bytes());
        bytes[64] = v.to_byte();
        bytes
    }

    /// The same with libsecp256k1, in constant time too.
    #[cfg(any(test, feature = "libsecp256k1"))]
    fn sign_in_c(&self, digest: &[u8; 32]) -> [u8; SIGNATURE_LEN] {
        use ::secp256k1::{Message, Secp256k1, SignOnly};
        static CONTEXT: std::sync::OnceLock<Secp256k1<SignOnly>> = std::sync::OnceLock::new();

        let mut key = ::secp256k1::SecretKey::from_byte_array(*self.to_bytes()).expect("checked when it was made");
        let context = CONTEXT.get_or_init(Secp256k1::signing_only);
        let signature = context.sign_ecdsa_recoverable(Message::from_digest(*digest), &key);
        key.non_secure_erase();
        let (v, compact) = signature.serialize_compact();
        let mut bytes = [0; SIGNATURE_LEN];
        bytes[..64].copy_from_slice(&compact);
        bytes[64] = i32::from(v) as u8;
        bytes
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "secp256k1::SecretKey(of {})", self.address())
    }
}

/// The bytes are zero or not below the group order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a secp256k1 secret key must be above zero and below the group order")]
pub struct NoScalar;

/// The address that signed `digest`, if `signature` (r ‖ s ‖ v) is one at all.
pub fn recover(digest: &[u8; 32], signature: &[u8; SIGNATURE_LEN]) -> Option<Address> {
    #[cfg(not(feature = "libsecp256k1"))]
    return recover_in_rust(digest, signature);
    #[cfg(feature = "libsecp256k1")]
    return recover_in_c(digest, signature);
}

/// Whether `signature` is `address`'s over `digest`. A signature of another length than 65 is not.
pub fn verify(address: &Address, digest: &[u8; 32], signature: &[u8]) -> bool {
    signature.try_into().is_ok_and(|signature| recover(digest, signature) == Some(*address))
}

/// SEC 1 4.1.6: Q = r⁻¹(sR − zG), where R is the point that r and v name. Secret-free, so nothing here need be
/// constant-time; and Q verifies the signature by construction, so it is not checked again.
#[cfg_attr(feature = "libsecp256k1", allow(dead_code))]
fn recover_in_rust(digest: &[u8; 32], signature: &[u8; SIGNATURE_LEN]) -> Option<Address> {
    let (r_bytes, s_bytes, v) = split(signature);
    let scalar = |bytes: [u8; 32]| {
        Option::<Scalar>::from(Scalar::from_repr(bytes.into())).filter(|scalar| !bool::from(scalar.is_zero()))
    };
    let (r, s) = (scalar(r_bytes)?, scalar(s_bytes)?);
    // The x of R is r, or r + group order for v = 2 and 3; decompressing refuses what is not below the field prime.
    let (y_is_odd, x) = match v {
        0 | 1 => (v == 1, r_bytes),
        2 | 3 => {
            let sum = U256::from_be_bytes(r_bytes).checked_add(&k256::Secp256k1::ORDER);
            (v == 3, Option::<U256>::from(sum)?.to_be_bytes())
        }
        _ => return None,
    };
    let big_r = Option::<AffinePoint>::from(AffinePoint::decompress(&x.into(), Choice::from(u8::from(y_is_odd))))?;
    let z = <Scalar as Reduce<U256>>::reduce_bytes(&(*digest).into());
    let r_inverse = Option::<Scalar>::from(r.invert())?;
    let q = ProjectivePoint::lincomb(
        &ProjectivePoint::GENERATOR,
        &-(r_inverse * z),
        &ProjectivePoint::from(big_r),
        &(r_inverse * s),
    );
    Address::of_point(&q)
}

/// The same with libsecp256k1.
#[cfg(any(test, feature = "libsecp256k1"))]
fn recover_in_c(digest: &[u8; 32], signature: &[u8; SIGNATURE_LEN]) -> Option<Address> {
    use ::secp256k1::{
        Message, Secp256k1, VerifyOnly,
        ecdsa::{RecoverableSignature, RecoveryId},
    };
    static CONTEXT: std::sync::OnceLock<Secp256k1<VerifyOnly>> = std::sync::OnceLock::new();

    let v = RecoveryId::try_from(i32::from(signature[64])).ok()?;
    let signature = RecoverableSignature::from_compact(&signature[..64], v).ok()?;
    let context = CONTEXT.get_or_init(Secp256k1::verification_only);
    let key = context.recover_ecdsa(Message::from_digest(*digest), &signature).ok()?;
    Some(Address::of_uncompressed(&key.serialize_uncompressed()))
}

fn split(signature: &[u8; SIGNATURE_LEN]) -> ([u8; 32], [u8; 32], u8) {
    (core::array::from_fn(|i| signature[i]), core::array::from_fn(|i| signature[32 + i]), signature[64])
}

/// An account or contract of the EVM: for an account, the last 20 bytes of the Keccak-256 of its public key.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(pub [u8; 20]);

impl Address {
    /// No account: what the EVM uses for absence.
    pub const ZERO: Self = Self([0; 20]);

    fn of(key: &AffinePoint) -> Self {
        let point = key.to_encoded_point(false);
        Self::of_uncompressed(point.as_bytes().try_into().expect("a public key is not the identity"))
    }

    /// The address of the public key that is this point, unless it is the identity.
    pub(crate) fn of_point(point: &ProjectivePoint) -> Option<Self> {
        (*point != ProjectivePoint::IDENTITY).then(|| Self::of(&point.to_affine()))
    }

    fn of_uncompressed(point: &[u8; 65]) -> Self {
        let hash = keccak256(&point[1..]);
        Self(core::array::from_fn(|i| hash[12 + i]))
    }

    /// The address that is exactly these bytes; `None` unless there are 20.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

/// `0x` and 40 hex digits whose case is a checksum (EIP-55).
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digits: Vec<u8> =
            self.0.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|nibble| DIGITS[usize::from(nibble)]).collect();
        let hash = keccak256(&digits);
        let text: String = core::iter::once("0x".chars())
            .flatten()
            .chain(digits.iter().enumerate().map(|(i, digit)| {
                let nibble = hash[i / 2] >> (if i % 2 == 0 { 4 } else { 0 }) & 15;
                char::from(if nibble >= 8 { digit.to_ascii_uppercase() } else { *digit })
            }))
            .collect();
        f.pad(&text)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// `0x` (not `0X`) and 40 hex digits. Case is not checked: contracts and the config digest do not (OCR2 spec 2.2).
impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let digits = text.strip_prefix("0x").ok_or(AddressError::Prefix)?.as_bytes();
        if digits.len() != 40 {
            return Err(AddressError::Length { got: digits.len() });
        }
        let nibble = |at: usize| {
            let digit = char::from(digits[at]).to_digit(16).ok_or(AddressError::Digit { at: at + 2 })?;
            Ok(digit as u8)
        };
        let mut bytes = [0; 20];
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = nibble(2 * i)? << 4 | nibble(2 * i + 1)?;
        }
        Ok(Self(bytes))
    }
}

/// Why a text is no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("an address starts with 0x")]
    Prefix,
    #[error("an address has 40 hex digits after 0x, got {got} bytes")]
    Length { got: usize },
    #[error("byte {at} of an address is no hex digit")]
    Digit { at: usize },
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::string::ToString as _;

    fn key() -> SecretKey {
        SecretKey::from_bytes(&core::array::from_fn(|i| i as u8 + 1)).unwrap()
    }

    fn sighash() -> [u8; 32] {
        hex::decode("9eb3995323f9025321fc81e44521ba143463d21a9adc969e59a97b6e25a0f6ef").unwrap().try_into().unwrap()
    }

    #[test]
    fn signing_gives_the_signature_of_the_specification() {
        assert_eq!(key().address().to_string(), "0x6370eF2f4Db3611D657b90667De398a2Cc2a370C");
        let signature = key().sign(&sighash());
        assert_eq!(
            hex::encode(signature),
            "8029456db7dc0d7142edb5121a9a6b9404c414d4a28d20701af37867c2f9f060316458a6c0a1ea2defda8a8ef4f1858c029f5c5b38112273f684773fd4b52ad700"
        );
        assert!(verify(&key().address(), &sighash(), &signature));
        assert!(!verify(&key().address(), &sighash(), &signature[..64]));
    }

    #[test]
    fn scalars_out_of_range_are_no_keys() {
        assert!(SecretKey::from_bytes(&[0; 32]).is_err());
        assert!(SecretKey::from_bytes(&[0xff; 32]).is_err());
        assert!(SecretKey::from_bytes(&k256::Secp256k1::ORDER.to_be_bytes()).is_err());
    }

    #[test]
    fn addresses_are_shown_with_their_checksum_and_read_in_any_case() {
        // The examples of EIP-55.
        for text in [
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
            "0x52908400098527886E0F7030069857D2E4169EE7",
            "0xde709f2102306220921060314715629080e2fb77",
        ] {
            let address: Address = text.to_ascii_lowercase().parse().unwrap();
            assert_eq!(address.to_string(), text);
            assert_eq!(text.parse(), Ok(address));
        }
        assert_eq!("0X5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed".parse::<Address>(), Err(AddressError::Prefix));
        assert_eq!("0x5aAe".parse::<Address>(), Err(AddressError::Length { got: 4 }));
        assert_eq!(
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeg".parse::<Address>(),
            Err(AddressError::Digit { at: 41 })
        );
    }

    #[test]
    fn debug_shows_no_scalar() {
        let shown = std::format!("{:?}", key());
        assert!(shown.contains("0x6370eF2f") && !shown.contains("01020304"), "{shown}");
    }

    /// Group order minus a small number, the number, or anything: where the two could disagree.
    fn scalars() -> impl Strategy<Value = [u8; 32]> {
        prop_oneof![
            3 => any::<[u8; 32]>(),
            1 => (0u8..4).prop_map(|small| U256::from(small).to_be_bytes()),
            1 => (0u8..4).prop_map(|small| k256::Secp256k1::ORDER.wrapping_sub(&U256::from(small)).to_be_bytes()),
            1 => (0u8..4).prop_map(|small| k256::Secp256k1::ORDER.wrapping_add(&U256::from(small)).to_be_bytes()),
        ]
    }

    fn signature(r: [u8; 32], s: [u8; 32], v: u8) -> [u8; SIGNATURE_LEN] {
        [&r[..], &s, &[v]].concat().try_into().unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn rust_and_c_sign_alike(secret in 1u128.., digest: [u8; 32]) {
            let secret = SecretKey::from_bytes(&U256::from(secret).to_be_bytes()).unwrap();
            prop_assert_eq!(secret.sign_in_rust(&digest), secret.sign_in_c(&digest));
        }

        #[test]
        fn rust_and_c_recover_the_same_signer_of_any_bytes(
            r in scalars(), s in scalars(), digest in scalars(), v in prop_oneof![9 => 0u8..5, 1 => any::<u8>()]
        ) {
            let signature = signature(r, s, v);
            prop_assert_eq!(recover_in_rust(&digest, &signature), recover_in_c(&digest, &signature));
        }

        #[test]
        fn rust_and_c_recover_the_same_signer_of_an_honest_signature_and_its_mirror(
            secret in 1u128.., digest: [u8; 32]
        ) {
            let secret = SecretKey::from_bytes(&U256::from(secret).to_be_bytes()).unwrap();
            let honest = secret.sign(&digest);
            let (r, s, v) = split(&honest);
            let mirrored = k256::Secp256k1::ORDER.wrapping_sub(&U256::from_be_bytes(s)).to_be_bytes();
            for signature in [honest, signature(r, mirrored, v ^ 1)] {
                prop_assert_eq!(recover_in_rust(&digest, &signature), Some(secret.address()));
                prop_assert_eq!(recover_in_c(&digest, &signature), Some(secret.address()));
            }
        }

        #[test]
        fn rust_and_c_agree_where_r_plus_the_order_is_a_field_element(
            r in 1u128.., s: [u8; 32], digest: [u8; 32], v in 2u8..4
        ) {
            let signature = signature(U256::from(r).to_be_bytes(), s, v);
            prop_assert_eq!(recover_in_rust(&digest, &signature), recover_in_c(&digest, &signature));
        }
    }
}
