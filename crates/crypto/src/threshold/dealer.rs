//! A key from a dealer who draws it, hands out the shares and forgets it: for networks in which one party is trusted anyway.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use k256::{ProjectivePoint, Scalar};
use zeroize::Zeroizing;

use super::{
    CryptoRng, Index, RngCore,
    key::{GroupKey, KeyError, KeyShare, PublicKeys},
    polynomial::Polynomial,
};

/// A new key of which any `threshold` of `signers` can sign; one share each, in ascending order.
pub fn deal<R: CryptoRng + RngCore>(
    signers: impl IntoIterator<Item = Index>,
    threshold: u16,
    rng: &mut R,
) -> Result<Vec<KeyShare>, KeyError> {
    let signers: BTreeSet<Index> = signers.into_iter().collect();
    if threshold == 0 || usize::from(threshold) > signers.len() {
        return Err(KeyError::Threshold { threshold, signers: signers.len() as u16 });
    }
    let (polynomial, group) = loop {
        let polynomial = Polynomial::random(threshold, rng);
        if let Ok(group) = GroupKey::of_point(&polynomial.commitments()[0]) {
            break (polynomial, group);
        }
    };
    let secrets: BTreeMap<Index, Zeroizing<Scalar>> =
        signers.into_iter().map(|index| (index, polynomial.at(index))).collect();
    let shares =
        secrets.iter().map(|(index, secret)| (*index, (ProjectivePoint::GENERATOR * **secret).to_affine())).collect();
    let public = PublicKeys::new(group, threshold, shares);
    secrets.into_iter().map(|(index, secret)| KeyShare::new(index, secret, public.clone())).collect()
}
