//! Keys, and the rule of the signature.
//!
//! A group key is a point P with 0 < Px < n (n: the order of the group) and the parity of its y (0 even, 1 odd). A
//! signature is (address of R, s) with 0 < s < n. The challenge is
//!
//! ```text
//! e = keccak256(uint256 Px ‖ uint8 parity ‖ bytes32 message ‖ address(R)) mod n,   refused if it is 0
//! ```
//!
//! and the signature holds iff sG − eP = R ≠ 0 has that address. It is written so that a contract needs one call of
//! `ecrecover(−s·Px, 27 + parity, Px, −e·Px)`, which gives the address of sG − eP, or nothing where Px is not below n.

use alloc::{collections::BTreeMap, vec::Vec};
use core::fmt;

use k256::{
    AffinePoint, ProjectivePoint, Scalar, U256,
    elliptic_curve::{
        ops::{LinearCombination as _, Reduce},
        point::{AffineCoordinates as _, DecompressPoint as _},
        subtle::Choice,
    },
};
use zeroize::{Zeroize as _, Zeroizing};

use super::{
    CryptoRng, Index, Malformed, RngCore, limits,
    polynomial::random_nonzero,
    wire::{Reader, point_bytes, scalar_of},
};
use crate::{
    hash::{Keccak256, keccak256},
    secp256k1::Address,
};

/// Bytes of a signature: the address of R, then s.
pub const SIGNATURE_BYTES: usize = 52;

/// The key of a committee, of which a contract knows x and parity.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct GroupKey(AffinePoint);

impl GroupKey {
    /// The key with this x, big-endian, and a y that is odd or even.
    pub fn new(px: &[u8; 32], odd: bool) -> Result<Self, KeyRefused> {
        if scalar_of(px).is_none() {
            return Err(KeyRefused::AboveOrder);
        }
        let point = AffinePoint::decompress(&(*px).into(), Choice::from(u8::from(odd)));
        // There is no point with x = 0: 7 is no square.
        Option::from(point).map(Self).ok_or(KeyRefused::NoPoint)
    }

    pub(super) fn of_point(point: &ProjectivePoint) -> Result<Self, KeyRefused> {
        if *point == ProjectivePoint::IDENTITY {
            return Err(KeyRefused::Identity);
        }
        let point = point.to_affine();
        let key = Self(point);
        scalar_of(&key.px()).map(|_| key).ok_or(KeyRefused::AboveOrder)
    }

    /// The x of the key, big-endian: above zero and below the group order.
    pub fn px(&self) -> [u8; 32] {
        self.0.x().into()
    }

    /// Whether its y is odd: then the parity that is hashed is 1, else 0.
    pub fn odd(&self) -> bool {
        bool::from(self.0.y_is_odd())
    }

    /// Whether `signature` is this key's over `message`. About 0.1 ms.
    pub fn verify(&self, message: &[u8; 32], signature: &Signature) -> bool {
        let Some(s) = scalar_of(&signature.s).filter(|s| *s != Scalar::ZERO) else { return false };
        let Some(e) = challenge(self, message, &signature.commitment) else { return false };
        let r = ProjectivePoint::lincomb(&ProjectivePoint::GENERATOR, &s, &self.0.into(), &-e);
        // `ecrecover` says zero where it fails, so an R whose address is zero proves nothing to a contract.
        Address::of_point(&r).is_some_and(|r| r == signature.commitment && r.0 != [0; 20])
    }

    pub(super) fn point(&self) -> ProjectivePoint {
        self.0.into()
    }
}

impl fmt::Debug for GroupKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GroupKey(")?;
        point_bytes(&self.point()).iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// Why a point cannot be a group key. A key generation that ends so is begun anew; unless somebody makes it happen, which
/// the proofs of possession prevent, the chance is 2⁻¹²⁷.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyRefused {
    /// The point at infinity.
    #[error("the group key is the identity")]
    Identity,
    /// `ecrecover` takes Px for the r of a signature, which has to be below the order.
    #[error("the x of the group key is not below the group order: draw another")]
    AboveOrder,
    /// No point of the curve has this x.
    #[error("no point of the curve has this x")]
    NoPoint,
}

/// The challenge e; `None` where it would be zero.
pub(super) fn challenge(key: &GroupKey, message: &[u8; 32], r: &Address) -> Option<Scalar> {
    let hash = Keccak256::new().chain(&key.px()).chain(&[u8::from(key.odd())]).chain(message).chain(&r.0).finish();
    let e = <Scalar as Reduce<U256>>::reduce_bytes(&hash.into());
    (e != Scalar::ZERO).then_some(e)
}

/// A signature of a group key, as a contract takes it. Whether it holds is [`GroupKey::verify`]'s business.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signature {
    /// The address of R.
    pub commitment: Address,
    /// The scalar s, big-endian.
    pub s: [u8; 32],
}

impl Signature {
    /// The address of R, then s.
    pub fn to_bytes(&self) -> [u8; SIGNATURE_BYTES] {
        let mut bytes = [0; SIGNATURE_BYTES];
        bytes[..20].copy_from_slice(&self.commitment.0);
        bytes[20..].copy_from_slice(&self.s);
        bytes
    }

    /// Reads what [`Self::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8; SIGNATURE_BYTES]) -> Self {
        let (commitment, s) = bytes.split_at(20);
        Self { commitment: Address(commitment.try_into().expect("20 bytes")), s: s.try_into().expect("32 bytes") }
    }
}

/// Signs alone, with the whole key and a nonce that is used this once: how a dealer proves that it knows its secret.
pub(super) fn sign_alone<R: CryptoRng + RngCore>(secret: &Scalar, message: &[u8; 32], rng: &mut R) -> Signature {
    let key = GroupKey::of_point(&(ProjectivePoint::GENERATOR * secret)).expect("the caller has looked at the key");
    loop {
        let mut nonce = random_nonzero(rng);
        let r = Address::of_point(&(ProjectivePoint::GENERATOR * nonce)).expect("the nonce is not zero");
        let s = challenge(&key, message, &r).map(|e| nonce + e * secret);
        nonce.zeroize();
        // Only with a chance of 2⁻²⁵⁵ is there anything to be done again.
        if let Some(s) = s.filter(|s| *s != Scalar::ZERO) {
            return Signature { commitment: r, s: s.to_bytes().into() };
        }
    }
}

/// What everybody may know of a shared key: the group key, how many must sign, and the public half of each share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKeys {
    group: GroupKey,
    threshold: u16,
    shares: BTreeMap<Index, AffinePoint>,
}

impl PublicKeys {
    pub(super) fn new(group: GroupKey, threshold: u16, shares: BTreeMap<Index, AffinePoint>) -> Self {
        Self { group, threshold, shares }
    }

    /// The key that a contract knows.
    pub fn group(&self) -> &GroupKey {
        &self.group
    }

    /// How many must sign, t: one more than the dishonest oracles that are to be borne.
    pub fn threshold(&self) -> usize {
        self.threshold.into()
    }

    /// Who holds a share, ascending.
    pub fn signers(&self) -> impl ExactSizeIterator<Item = Index> + '_ {
        self.shares.keys().copied()
    }

    pub(super) fn share(&self, index: Index) -> Option<ProjectivePoint> {
        self.shares.get(&index).map(|share| (*share).into())
    }

    /// Version, threshold, group key, number of shares, each with its index, checksum.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::from([KEY_VERSION]);
        self.write(&mut bytes);
        let checksum = checksum(&bytes);
        bytes.extend(checksum);
        bytes
    }

    /// Reads what [`Self::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        let mut reader = Reader::new(checked(bytes)?);
        let keys = Self::read(&mut reader)?;
        reader.end()?;
        Ok(keys)
    }

    fn encoded_len(&self) -> usize {
        2 + limits::POINT_BYTES + 2 + self.shares.len() * (2 + limits::POINT_BYTES)
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.threshold.to_be_bytes());
        bytes.extend(point_bytes(&self.group.point()));
        bytes.extend((self.shares.len() as u16).to_be_bytes());
        for (index, share) in &self.shares {
            bytes.extend(index.get().to_be_bytes());
            bytes.extend(point_bytes(&(*share).into()));
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, KeyError> {
        let threshold = reader.u16()?;
        let group = GroupKey::of_point(&reader.point()?)?;
        let count = reader.u16()?;
        if threshold == 0 || threshold > count || count > limits::SIGNERS_MAX {
            return Err(KeyError::Threshold { threshold, signers: count });
        }
        // The last to deal can make its own share zero; nobody else's share may become unreadable by that.
        let shares = reader.ascending(count.into(), |reader| reader.point_or_identity())?;
        Ok(Self::new(group, threshold, shares.into_iter().map(|(i, share)| (i, share.to_affine())).collect()))
    }
}

/// Which encoding of keys this is; its first byte.
const KEY_VERSION: u8 = 1;

/// Bytes at the end of an encoding that tell a damaged one from a whole one. A share that is damaged is not seen to be until
/// its owner is accused of a wrong signature.
const CHECKSUM_BYTES: usize = 8;

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let hash = keccak256(bytes);
    core::array::from_fn(|i| hash[i])
}

/// What stands between version and checksum.
fn checked(bytes: &[u8]) -> Result<&[u8], KeyError> {
    let (version, rest) = bytes.split_first().ok_or(Malformed::Length { got: 0, wanted: 1 + CHECKSUM_BYTES })?;
    if *version != KEY_VERSION {
        return Err(Malformed::Version { got: *version, wanted: KEY_VERSION }.into());
    }
    let length = Malformed::Length { got: bytes.len(), wanted: 1 + CHECKSUM_BYTES };
    let (text, sum) = rest.split_last_chunk().ok_or(length)?;
    if *sum != checksum(&bytes[..bytes.len() - CHECKSUM_BYTES]) {
        return Err(KeyError::Checksum);
    }
    Ok(text)
}

/// An oracle's share of a key, and what everybody knows of it. The secret is wiped on drop and never printed.
#[derive(Clone)]
pub struct KeyShare {
    index: Index,
    secret: Zeroizing<Scalar>,
    public: PublicKeys,
}

impl KeyShare {
    /// The share of `index`, if it is the one that `public` names.
    pub(super) fn new(index: Index, secret: Zeroizing<Scalar>, public: PublicKeys) -> Result<Self, KeyError> {
        if public.share(index) != Some(ProjectivePoint::GENERATOR * *secret) {
            return Err(KeyError::Inconsistent);
        }
        Ok(Self { index, secret, public })
    }

    /// Whose share it is.
    pub fn index(&self) -> Index {
        self.index
    }

    /// What everybody may know.
    pub fn public(&self) -> &PublicKeys {
        &self.public
    }

    pub(super) fn secret(&self) -> &Scalar {
        &self.secret
    }

    /// For whoever stores the share: version, index, secret, then as [`PublicKeys::to_bytes`] after its version.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        // With all its room from the start: a buffer that grows leaves copies of the secret behind.
        let len = 1 + 2 + 32 + self.public.encoded_len() + CHECKSUM_BYTES;
        let mut bytes = Zeroizing::new(Vec::with_capacity(len));
        bytes.push(KEY_VERSION);
        bytes.extend(self.index.get().to_be_bytes());
        bytes.extend(Zeroizing::new(<[u8; 32]>::from(self.secret.to_bytes())).iter());
        self.public.write(&mut bytes);
        let checksum = checksum(&bytes);
        bytes.extend(checksum);
        bytes
    }

    /// Reads what [`Self::to_bytes`] wrote, and checks that the secret belongs to its public half.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        let mut reader = Reader::new(checked(bytes)?);
        let index = reader.index()?;
        let secret = Zeroizing::new(reader.scalar()?);
        let public = PublicKeys::read(&mut reader)?;
        reader.end()?;
        Self::new(index, secret, public)
    }
}

impl fmt::Debug for KeyShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyShare({:?} of {:?})", self.index, self.public.group)
    }
}

/// Why bytes are no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// They cannot be read.
    #[error("not the encoding of a key: {0}")]
    Malformed(#[from] Malformed),
    /// The point cannot be a group key.
    #[error(transparent)]
    Refused(#[from] KeyRefused),
    /// No signer, more signers than there may be, or a threshold that is zero or above their number.
    #[error("a threshold of {threshold} for {signers} signers, of whom there may be {}", limits::SIGNERS_MAX)]
    Threshold {
        /// How many would have to sign.
        threshold: u16,
        /// How many there are.
        signers: u16,
    },
    /// Damaged in storage.
    #[error("the encoding of the key is damaged")]
    Checksum,
    /// The secret is not the one to this index's public half.
    #[error("the secret does not belong to its public half")]
    Inconsistent,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threshold::wire::point_of;
    use crate::{secp256k1, threshold::dealer};
    use k256::{
        Secp256k1,
        elliptic_curve::{Curve as _, Field as _, bigint::Encoding as _},
    };
    use proptest::prelude::*;
    use rand::{SeedableRng as _, rngs::StdRng};

    fn reduced(text: &str) -> Scalar {
        <Scalar as Reduce<U256>>::reduce_bytes(&keccak256(text.as_bytes()).into())
    }

    fn bytes<const N: usize>(text: &str) -> [u8; N] {
        hex::decode(text).unwrap().try_into().unwrap()
    }

    fn key_of(secret: &Scalar) -> GroupKey {
        GroupKey::of_point(&(ProjectivePoint::GENERATOR * secret)).unwrap()
    }

    fn order_plus(small: u64) -> [u8; 32] {
        Secp256k1::ORDER.wrapping_add(&U256::from(small)).to_be_bytes()
    }

    /// What the contract does, in the words of the specification: `ecrecover(−s·Px, 27 + parity, Px, −e·Px) = r ≠ 0`, after
    /// 0 < s < n and 0 < Px < n were checked.
    fn contract_accepts(px: &[u8; 32], odd: bool, message: &[u8; 32], signature: &Signature) -> bool {
        let (Some(x), Some(s)) = (scalar_of(px), scalar_of(&signature.s)) else { return false };
        if x == Scalar::ZERO || s == Scalar::ZERO {
            return false;
        }
        let text = [&px[..], &[u8::from(odd)], message, &signature.commitment.0].concat();
        let e = <Scalar as Reduce<U256>>::reduce_bytes(&keccak256(&text).into());
        let mut ecdsa = [0; secp256k1::SIGNATURE_LEN];
        ecdsa[..32].copy_from_slice(px);
        ecdsa[32..64].copy_from_slice(&(-(e * x)).to_bytes());
        ecdsa[64] = u8::from(odd);
        let recovered = secp256k1::recover(&(-(s * x)).to_bytes().into(), &ecdsa).unwrap_or(Address::ZERO);
        recovered == signature.commitment && recovered != Address::ZERO
    }

    /// The table of contracts spec 14.5: secret, nonce, message, challenge, address of R, s.
    const TABLE: [[&str; 6]; 5] = [
        [
            "dodona group key 1",
            "dodona nonce proof",
            "fa8941f0f3e704c8058e75eac1592f800043a1ee3c16ecb7a5f2be18ccabe654",
            "e7771b3bffc57dcb56409886859f05dcbfbc091b5273b771326246dcebc46966",
            "a4b720e8aff3a7c9a132a4d575bb36ed73a97a95",
            "1b3ed5542208bae8231dfc5a914edde098326b4ec2328bbdd66a7005d2181b76",
        ],
        [
            "dodona group key 1",
            "dodona nonce report",
            "74f797a5d691a5f2057786b822c3a7f45eb617416eb6343c3622143e0973f3b3",
            "54321eec6b8f2bdb32cf49bc2bfcb703ad4d8c057a3ae99f8fdc899346faacdf",
            "0129ad4275552c7e85eeb53919c6eda40dd4a996",
            "13e9de745f7dab1b96a550dea2007678cc23e6fed9e5c2832b91261567ccfcd6",
        ],
        [
            "dodona group key 1",
            "dodona nonce batch",
            "96afe4a870ba704e8f2db19a547a3ce368046e9af34ec8624540592d3c47bea8",
            "a1f68f3ffad2d4cdf749646c726c7a7e73e30cbc188cbf544a406e568ad12671",
            "1d8b11e1172eea4e8270f607b9d987e56e58e26a",
            "26fed9bff42714f07b161b9fc105c57639a2de2469770735ae038c0b7faaa739",
        ],
        [
            "dodona group key 1",
            "dodona nonce rotation",
            "7e52315bcaff23fd07a6eb0cd5316c1cb82108fb129354304c82ca8ebdaccd97",
            "01f24884384ef4cd6fa87fc603ae92503b47274634ae75559f3f2981ada0a266",
            "63b6ce5a0bf1e83a60be93999cf3bd95183f09cf",
            "f07991078bd02ad4e8f8ecc6365d1b349f33c2484364d853585815b14824330a",
        ],
        [
            "dodona group key 2",
            "dodona nonce proof2",
            "7e0b03dabefbc087f4807160d5ccf0cd8af8d7219c427bad916902e002b66e36",
            "966bc21f070f5e978c12a92e1eb383f0818927e49a8517b3a9a2c379dd1c3d7e",
            "3938504209b836eb9096805a9043ecb31d7ccb9a",
            "bbb43842ab5fbdddae4085f79e417846da060dc29734ed3cf0494fe133f915e8",
        ],
    ];

    #[test]
    fn signatures_of_the_specification_are_made_and_verified() {
        for [secret, nonce, message, e, r, s] in TABLE {
            let (secret, nonce, message) = (reduced(secret), reduced(nonce), bytes(message));
            let key = key_of(&secret);
            let signature = Signature { commitment: Address(bytes(r)), s: bytes(s) };
            let challenged = challenge(&key, &message, &signature.commitment).unwrap();
            assert_eq!(<[u8; 32]>::from(challenged.to_bytes()), bytes(e));
            assert_eq!(Address::of_point(&(ProjectivePoint::GENERATOR * nonce)), Some(signature.commitment));
            assert_eq!(<[u8; 32]>::from((nonce + challenged * secret).to_bytes()), signature.s);
            assert!(key.verify(&message, &signature));
            assert!(contract_accepts(&key.px(), key.odd(), &message, &signature));
        }
        let (first, second) = (key_of(&reduced(TABLE[0][0])), key_of(&reduced(TABLE[4][0])));
        assert_eq!(first.px(), bytes("9e9cff34a1793817966e9d44165af6530c25c066e63f1e58094a2668f011b6aa"));
        assert_eq!(second.px(), bytes("0bf1e4dd415de3c7c5e409098699653d1287fc14b31b3d941e41b6680528da54"));
        assert_eq!((first.odd(), second.odd()), (true, false));
    }

    #[test]
    fn a_key_whose_x_is_not_below_the_order_is_refused() {
        // Of the x between the group order and the field prime half belong to points.
        let mut refused = 0;
        for small in 0..20 {
            let x = order_plus(small);
            assert_eq!(GroupKey::new(&x, false), Err(KeyRefused::AboveOrder));
            let point = AffinePoint::decompress(&x.into(), Choice::from(1));
            if let Some(point) = Option::<AffinePoint>::from(point) {
                assert_eq!(GroupKey::of_point(&point.into()), Err(KeyRefused::AboveOrder));
                refused += 1;
            }
        }
        assert!(refused > 0);
        assert_eq!(GroupKey::of_point(&ProjectivePoint::IDENTITY), Err(KeyRefused::Identity));
        assert_eq!(GroupKey::new(&[0; 32], false), Err(KeyRefused::NoPoint));
        assert_eq!(GroupKey::new(&[0xff; 32], false), Err(KeyRefused::AboveOrder));
        // 5 is the x of no point, 1 of two.
        assert_eq!(GroupKey::new(&U256::from(5u8).to_be_bytes(), true), Err(KeyRefused::NoPoint));
        let one = GroupKey::new(&U256::ONE.to_be_bytes(), true).unwrap();
        assert!(one.odd() && one.px() == U256::ONE.to_be_bytes());
    }

    #[test]
    fn a_persisted_share_comes_back_and_a_changed_one_does_not() {
        let mut rng = StdRng::seed_from_u64(7);
        let share = dealer::deal((1..=4).map(|i| Index::new(i).unwrap()), 2, &mut rng).unwrap().remove(2);
        let bytes = share.to_bytes();
        let back = KeyShare::from_bytes(&bytes).unwrap();
        assert_eq!((back.index(), back.secret(), back.public()), (share.index(), share.secret(), share.public()));
        assert_eq!(bytes.len(), 1 + 34 + 37 + 4 * 35 + 8);
        let public = share.public().to_bytes();
        assert_eq!(PublicKeys::from_bytes(&public).as_ref(), Ok(share.public()));

        for at in 0..bytes.len() {
            let mut changed = bytes.to_vec();
            changed[at] ^= 1;
            let wanted = if at == 0 { Malformed::Version { got: 0, wanted: 1 }.into() } else { KeyError::Checksum };
            assert_eq!(KeyShare::from_bytes(&changed).unwrap_err(), wanted);
            assert!(KeyShare::from_bytes(&bytes[..at]).is_err(), "cut at {at}");
        }
    }

    /// With a checksum of its own, as somebody would write it who means it.
    fn summed(mut bytes: Vec<u8>, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        bytes.truncate(bytes.len() - CHECKSUM_BYTES);
        change(&mut bytes);
        bytes.extend(checksum(&bytes));
        bytes
    }

    #[test]
    fn parts_that_do_not_belong_together_are_no_key() {
        let mut rng = StdRng::seed_from_u64(7);
        let shares = dealer::deal((1..=3).map(|i| Index::new(i).unwrap()), 2, &mut rng).unwrap();
        let bytes = shares[0].to_bytes().to_vec();
        let error = |change: &dyn Fn(&mut Vec<u8>)| KeyShare::from_bytes(&summed(bytes.clone(), change)).unwrap_err();
        assert_eq!(error(&|b| b[2] = 2), KeyError::Inconsistent);
        assert_eq!(error(&|b| b[34] ^= 1), KeyError::Inconsistent);
        assert_eq!(error(&|b| b[2] = 0), Malformed::Index(0).into());
        assert_eq!(error(&|b| b[1] = 255), Malformed::Index(0xff01).into());
        assert_eq!(error(&|b| b[3..35].fill(0xff)), Malformed::Scalar.into());
        assert_eq!(error(&|b| b[36] = 0), KeyError::Threshold { threshold: 0, signers: 3 });
        assert_eq!(error(&|b| b[36] = 4), KeyError::Threshold { threshold: 4, signers: 3 });
        assert_eq!(error(&|b| b[70] = 1), KeyError::Threshold { threshold: 2, signers: 0x103 });
        assert_eq!(error(&|b| b[37] = 4), Malformed::Point.into());
        assert_eq!(error(&|b| b[37..70].fill(0)), Malformed::Point.into());
        assert_eq!(error(&|b| b[108] = 1), Malformed::Order(Index::new(1).unwrap()).into());
        assert_eq!(error(&|b| b.push(0)), Malformed::Length { got: 177, wanted: 176 }.into());
        // x = order + a little, of a point of the curve.
        let above = (0..20).map(order_plus).find(|x| point_of(&[&[2], &x[..]].concat().try_into().unwrap()).is_some());
        assert_eq!(error(&|b| b[38..70].copy_from_slice(&above.unwrap())), KeyRefused::AboveOrder.into());
    }

    #[test]
    fn debug_shows_no_secret() {
        let mut rng = StdRng::seed_from_u64(7);
        let share = dealer::deal([Index::new(1).unwrap()], 1, &mut rng).unwrap().remove(0);
        let shown = std::format!("{share:?}");
        let secret = hex::encode(share.secret().to_bytes());
        assert!(!shown.contains(&secret[..8]), "{shown}");
    }

    /// True signatures, and everything next to one.
    fn scalars() -> impl Strategy<Value = [u8; 32]> {
        prop_oneof![
            2 => any::<[u8; 32]>(),
            1 => (0u64..3).prop_map(|small| U256::from(small).to_be_bytes()),
            1 => (0u64..3).prop_map(order_plus),
            1 => (1u64..3).prop_map(|small| Secp256k1::ORDER.wrapping_sub(&U256::from(small)).to_be_bytes()),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn a_true_signature_is_accepted_by_both_rules_and_its_neighbours_by_neither(
            seed: u64, message: [u8; 32], flip in 0usize..256
        ) {
            let mut rng = StdRng::seed_from_u64(seed);
            let secret = random_nonzero(&mut rng);
            let key = key_of(&secret);
            let signature = sign_alone(&secret, &message, &mut rng);
            prop_assert!(key.verify(&message, &signature));
            prop_assert!(contract_accepts(&key.px(), key.odd(), &message, &signature));
            prop_assert_eq!(Signature::from_bytes(&signature.to_bytes()), signature);

            let flipped = |mut bytes: [u8; 32]| { bytes[flip / 8] ^= 1 << (flip % 8); bytes };
            let mut other_r = signature;
            other_r.commitment.0[flip % 20] ^= 1;
            let s = scalar_of(&signature.s).unwrap();
            let neighbours = [
                (flipped(message), signature),
                (message, Signature { s: flipped(signature.s), ..signature }),
                (message, Signature { s: (-s).to_bytes().into(), ..signature }),
                (message, Signature { s: [0; 32], ..signature }),
                (message, Signature { commitment: Address::ZERO, ..signature }),
                (message, other_r),
            ];
            for (message, signature) in neighbours {
                prop_assert!(!key.verify(&message, &signature));
                prop_assert!(!contract_accepts(&key.px(), key.odd(), &message, &signature));
            }
            let mirrored = GroupKey::new(&key.px(), !key.odd()).unwrap();
            prop_assert!(!mirrored.verify(&message, &signature));
        }

        #[test]
        fn both_rules_agree_on_any_bytes(px in scalars(), odd: bool, message: [u8; 32], s in scalars(), own: bool) {
            // With `own`, the address is the one that makes sG − eP come out for an e of another address: the closest to a
            // forgery that can be made without the secret.
            let mut signature = Signature { commitment: Address::ZERO, s };
            let key = GroupKey::new(&px, odd).ok();
            if let (true, Some(key), Some(s)) = (own, key, scalar_of(&s)) {
                let e = challenge(&key, &message, &Address::ZERO).unwrap();
                let r = ProjectivePoint::GENERATOR * s - key.point() * e;
                signature.commitment = Address::of_point(&r).unwrap_or(Address::ZERO);
            }
            let ours = key.is_some_and(|key| key.verify(&message, &signature));
            prop_assert_eq!(ours, contract_accepts(&px, odd, &message, &signature));
        }
    }

    #[test]
    fn where_s_g_minus_e_p_is_zero_both_rules_refuse() {
        // R = 0 needs s = e·secret: the one case in which who knows the secret could bring a contract to compare with zero.
        let mut rng = StdRng::seed_from_u64(1);
        let secret = Scalar::random(&mut rng);
        let key = key_of(&secret);
        let e = challenge(&key, &[3; 32], &Address::ZERO).unwrap();
        let signature = Signature { commitment: Address::ZERO, s: (e * secret).to_bytes().into() };
        assert!(!key.verify(&[3; 32], &signature));
        assert!(!contract_accepts(&key.px(), key.odd(), &[3; 32], &signature));
    }
}
