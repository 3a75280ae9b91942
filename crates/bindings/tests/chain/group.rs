//! A group key and what it signs (contracts spec 14). One secret stands for the whole committee: the chain cannot tell.

use alloy_primitives::{Address, B256, U256, keccak256, uint};
use k256::{
    AffinePoint, ProjectivePoint, Scalar,
    elliptic_curve::{PrimeField, ops::Reduce, point::DecompressPoint, sec1::ToEncodedPoint, subtle::Choice},
};

/// Order of secp256k1.
pub const ORDER: U256 = uint!(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256);

pub struct Group {
    secret: Scalar,
    pub x: U256,
    pub parity: u8,
}

fn scalar(bytes: B256) -> Scalar {
    <Scalar as Reduce<k256::U256>>::reduce_bytes(&bytes.0.into())
}

impl Group {
    pub fn new(name: &str) -> Self {
        let secret = scalar(keccak256(name));
        let point = (ProjectivePoint::GENERATOR * secret).to_affine().to_encoded_point(true);
        let parity = point.as_bytes()[0] & 1;
        Self { secret, x: U256::from_be_slice(&point.as_bytes()[1..]), parity }
    }

    /// (r, s) of contracts spec 14.1.
    pub fn sign(&self, message: B256) -> (Address, U256) {
        let nonce = scalar(keccak256([message, keccak256("nonce")].concat()));
        let r = address(ProjectivePoint::GENERATOR * nonce);
        let challenge = challenge(self.x, self.parity, message, r);
        (r, U256::from_be_slice(&(nonce + challenge * self.secret).to_repr()))
    }
}

fn challenge(x: U256, parity: u8, message: B256, r: Address) -> Scalar {
    scalar(keccak256([&x.to_be_bytes::<32>(), &[parity][..], message.as_slice(), r.as_slice()].concat()))
}

fn address(point: ProjectivePoint) -> Address {
    Address::from_raw_public_key(&point.to_affine().to_encoded_point(false).as_bytes()[1..])
}

/// Whether address(sG - eP) = r, by arithmetic on the curve; a word of calldata may be too wide for an r.
pub fn is_valid(x: U256, parity: u8, message: B256, (r, s): (U256, U256)) -> bool {
    if x.is_zero()
        || x >= ORDER
        || parity > 1
        || s.is_zero()
        || s >= ORDER
        || r.is_zero()
        || r >> 160usize != U256::ZERO
    {
        return false;
    }
    let r = Address::from_word(r.into());
    let point = AffinePoint::decompress(&x.to_be_bytes::<32>().into(), Choice::from(parity));
    let Some(key) = Option::<AffinePoint>::from(point) else { return false };
    let e = challenge(x, parity, message, r);
    let nonce = ProjectivePoint::GENERATOR * scalar(s.into()) - ProjectivePoint::from(key) * e;
    e != Scalar::ZERO && nonce != ProjectivePoint::IDENTITY && address(nonce) == r
}
