//! The FROST ciphersuite: RFC 9591's for secp256k1 with our own domain and with the challenge that the EVM checks.

use alloc::vec::Vec;

use frost_core::{Challenge, Ciphersuite, Element, Error, GroupError, VerifyingKey};
use frost_secp256k1::{Secp256K1Group, Secp256K1Sha256};
use k256::Scalar;

use super::{
    Index,
    key::{GroupKey, challenge},
};
use crate::{domain, secp256k1::Address};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Suite;

pub(super) type Identifier = frost_core::Identifier<Suite>;

impl From<Index> for Identifier {
    fn from(index: Index) -> Self {
        Identifier::try_from(index.get()).expect("an index is not zero")
    }
}

/// The RFC's hashes, of our own domain and then what they are asked to hash.
fn ours(m: &[u8]) -> Vec<u8> {
    [domain::THRESHOLD_SIGNING, m].concat()
}

impl Ciphersuite for Suite {
    const ID: &'static str = "DODONA-FROST-secp256k1-EVM-v1";

    type Group = Secp256K1Group;
    type HashOutput = [u8; 32];
    type SignatureSerialization = [u8; 65];

    fn H1(m: &[u8]) -> Scalar {
        Secp256K1Sha256::H1(&ours(m))
    }

    /// Not reached: it is what [`Self::challenge`] stands in for.
    fn H2(m: &[u8]) -> Scalar {
        Secp256K1Sha256::H2(&ours(m))
    }

    fn H3(m: &[u8]) -> Scalar {
        Secp256K1Sha256::H3(&ours(m))
    }

    fn H4(m: &[u8]) -> [u8; 32] {
        Secp256K1Sha256::H4(&ours(m))
    }

    fn H5(m: &[u8]) -> [u8; 32] {
        Secp256K1Sha256::H5(&ours(m))
    }

    fn challenge(r: &Element<Self>, key: &VerifyingKey<Self>, message: &[u8]) -> Result<Challenge<Self>, Error<Self>> {
        let key = GroupKey::of_point(&key.to_element()).map_err(|_| Error::MalformedVerifyingKey)?;
        let message = message.try_into().map_err(|_| Error::InvalidSignature)?;
        let r = Address::of_point(r).ok_or(GroupError::InvalidIdentityElement)?;
        challenge(&key, message, &r).map(Challenge::from_scalar).ok_or(Error::InvalidSignature)
    }
}
