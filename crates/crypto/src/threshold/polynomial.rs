//! The secret polynomial of a key: its value at zero is shared, its value at an index is the share.

use alloc::vec::Vec;

use k256::{ProjectivePoint, Scalar, elliptic_curve::Field as _};
use zeroize::Zeroizing;

use super::{CryptoRng, Index, RngCore};

/// A secret polynomial; the value at zero is what is shared. Wiped on drop.
pub(super) struct Polynomial(Zeroizing<Vec<Scalar>>);

impl Polynomial {
    /// With `threshold` coefficients, none of which is zero, so that each has a commitment that can be written.
    pub(super) fn random<R: CryptoRng + RngCore>(threshold: u16, rng: &mut R) -> Self {
        let mut coefficients = Zeroizing::new(Vec::with_capacity(threshold.into()));
        coefficients.extend((0..threshold).map(|_| random_nonzero(rng)));
        Self(coefficients)
    }

    #[cfg(test)]
    pub(super) fn of(coefficients: Vec<Scalar>) -> Self {
        Self(Zeroizing::new(coefficients))
    }

    /// The value at zero.
    pub(super) fn secret(&self) -> &Scalar {
        &self.0[0]
    }

    pub(super) fn at(&self, index: Index) -> Zeroizing<Scalar> {
        let x = Scalar::from(u64::from(index.get()));
        Zeroizing::new(self.0.iter().rev().fold(Scalar::ZERO, |value, coefficient| value * x + coefficient))
    }

    /// The public half of each coefficient.
    pub(super) fn commitments(&self) -> Vec<ProjectivePoint> {
        self.0.iter().map(|coefficient| ProjectivePoint::GENERATOR * coefficient).collect()
    }
}

/// The public half of the value of a polynomial, from the public halves of its coefficients.
///
/// By Horner's rule: multiplying by an index of 9 bits is some ten additions, where a multiplication by one of its powers
/// would be hundreds.
pub(super) fn public_at(commitments: &[ProjectivePoint], index: Index) -> ProjectivePoint {
    commitments.iter().rev().fold(ProjectivePoint::IDENTITY, |value, commitment| times(&value, index) + commitment)
}

fn times(point: &ProjectivePoint, index: Index) -> ProjectivePoint {
    let bits = u16::BITS - index.get().leading_zeros();
    (0..bits - 1).rev().fold(*point, |product, bit| {
        let doubled = product.double();
        if index.get() >> bit & 1 == 1 { doubled + point } else { doubled }
    })
}

/// The weight of the value at `index` in the value at zero of the polynomial through the points `among`.
#[cfg(test)]
pub(super) fn lagrange_at_zero(index: Index, among: &[Index]) -> Scalar {
    let scalar = |index: Index| Scalar::from(u64::from(index.get()));
    let (above, below) =
        among.iter().filter(|other| **other != index).fold((Scalar::ONE, Scalar::ONE), |(above, below), other| {
            (above * scalar(*other), below * (scalar(*other) - scalar(index)))
        });
    above * Option::<Scalar>::from(below.invert()).expect("indexes differ")
}

/// A scalar that is a key or a nonce.
pub(super) fn random_nonzero<R: CryptoRng + RngCore>(rng: &mut R) -> Scalar {
    loop {
        let scalar = Scalar::random(&mut *rng);
        if scalar != Scalar::ZERO {
            return scalar;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{SeedableRng as _, rngs::StdRng};

    #[test]
    fn the_public_half_of_a_value_is_the_value_of_the_public_halves() {
        let mut rng = StdRng::seed_from_u64(1);
        for threshold in [1, 2, 5] {
            let polynomial = Polynomial::random(threshold, &mut rng);
            for index in [1, 2, 3, 7, 128, 255, 256].map(|i| Index::new(i).unwrap()) {
                let value = ProjectivePoint::GENERATOR * *polynomial.at(index);
                assert_eq!(public_at(&polynomial.commitments(), index), value);
            }
        }
    }

    #[test]
    fn any_t_values_give_the_secret_and_t_minus_one_do_not() {
        let mut rng = StdRng::seed_from_u64(2);
        let polynomial = Polynomial::random(3, &mut rng);
        let interpolated = |among: &[u16]| {
            let among: Vec<Index> = among.iter().map(|i| Index::new(*i).unwrap()).collect();
            among.iter().map(|index| *polynomial.at(*index) * lagrange_at_zero(*index, &among)).sum::<Scalar>()
        };
        assert_eq!(interpolated(&[1, 2, 3]), *polynomial.secret());
        assert_eq!(interpolated(&[256, 7, 90]), *polynomial.secret());
        assert_ne!(interpolated(&[1, 2]), *polynomial.secret());
    }
}
