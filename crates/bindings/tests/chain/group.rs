//! A group key and what it signs (contracts spec 14). One secret stands for the whole committee: the chain cannot tell.

use alloy_primitives::{Address, B256, U256, keccak256};
use k256::{
    ProjectivePoint, Scalar,
    elliptic_curve::{PrimeField, ops::Reduce, sec1::ToEncodedPoint},
};

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
        let r = Address::from_raw_public_key(
            &(ProjectivePoint::GENERATOR * nonce).to_affine().to_encoded_point(false).as_bytes()[1..],
        );
        let x: B256 = self.x.into();
        let challenge = scalar(keccak256([x.as_slice(), &[self.parity], message.as_slice(), r.as_slice()].concat()));
        (r, U256::from_be_slice(&(nonce + challenge * self.secret).to_repr()))
    }
}
