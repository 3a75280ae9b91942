//! Reading what others wrote: fixed widths, big-endian, nothing left over.

use alloc::vec::Vec;

use k256::{
    AffinePoint, ProjectivePoint, Scalar,
    elliptic_curve::{PrimeField as _, group::GroupEncoding as _},
};

use super::{Index, limits::POINT_BYTES};

/// Why bytes are not what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Too short, too long, or longer than any message may be.
    #[error("{got} bytes, wanted {wanted}")]
    Length {
        /// How many there are.
        got: usize,
        /// How many there must be, as far as can be told by then.
        wanted: usize,
    },
    /// An unknown version of an encoding.
    #[error("version {got}, wanted {wanted}")]
    Version {
        /// The version that stands there.
        got: u8,
        /// The version that is known.
        wanted: u8,
    },
    /// An unknown kind of message.
    #[error("a message of unknown kind {0}")]
    Kind(u8),
    /// Zero or above [`SIGNERS_MAX`](super::limits::SIGNERS_MAX).
    #[error("{0} is no index")]
    Index(u16),
    /// Indexes do not ascend: one is out of order or stands there twice.
    #[error("index {0} is not above the one before it")]
    Order(Index),
    /// Not the compressed encoding of a point other than the identity.
    #[error("not a point of the curve")]
    Point,
    /// Not below the group order.
    #[error("not a scalar below the group order")]
    Scalar,
    /// A scalar that may not be zero is.
    #[error("a scalar is zero")]
    Zero,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    read: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, read: 0 }
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (head, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or(Malformed::Length { got: self.read + self.rest.len(), wanted: self.read + N })?;
        self.rest = rest;
        self.read += N;
        Ok(*head)
    }

    pub(super) fn slice(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        let (head, rest) = self
            .rest
            .split_at_checked(len)
            .ok_or(Malformed::Length { got: self.read + self.rest.len(), wanted: self.read + len })?;
        self.rest = rest;
        self.read += len;
        Ok(head)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn u8(&mut self) -> Result<u8, Malformed> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    pub(super) fn u16(&mut self) -> Result<u16, Malformed> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    pub(super) fn u32(&mut self) -> Result<u32, Malformed> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    pub(super) fn index(&mut self) -> Result<Index, Malformed> {
        let number = self.u16()?;
        Index::new(number).ok_or(Malformed::Index(number))
    }

    pub(super) fn point(&mut self) -> Result<ProjectivePoint, Malformed> {
        let bytes: [u8; POINT_BYTES] = self.array()?;
        point_of(&bytes).ok_or(Malformed::Point)
    }

    /// A point, or 33 zeros for the identity.
    pub(super) fn point_or_identity(&mut self) -> Result<ProjectivePoint, Malformed> {
        let bytes: [u8; POINT_BYTES] = self.array()?;
        if bytes == [0; POINT_BYTES] {
            return Ok(ProjectivePoint::IDENTITY);
        }
        point_of(&bytes).ok_or(Malformed::Point)
    }

    pub(super) fn scalar(&mut self) -> Result<Scalar, Malformed> {
        let bytes: [u8; 32] = self.array()?;
        scalar_of(&bytes).ok_or(Malformed::Scalar)
    }

    /// `count` items with ascending indexes.
    pub(super) fn ascending<T>(
        &mut self,
        count: usize,
        mut item: impl FnMut(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Vec<(Index, T)>, Malformed> {
        let mut items: Vec<(Index, T)> = Vec::new();
        for _ in 0..count {
            let index = self.index()?;
            if items.last().is_some_and(|(last, _)| *last >= index) {
                return Err(Malformed::Order(index));
            }
            items.push((index, item(self)?));
        }
        Ok(items)
    }

    pub(super) fn end(&self) -> Result<(), Malformed> {
        match self.rest {
            [] => Ok(()),
            rest => Err(Malformed::Length { got: self.read + rest.len(), wanted: self.read }),
        }
    }
}

/// The point with this compressed encoding; the identity has none.
pub(super) fn point_of(bytes: &[u8; POINT_BYTES]) -> Option<ProjectivePoint> {
    // 33 zeros would be the identity in this encoding of k256.
    let point = Option::<AffinePoint>::from(AffinePoint::from_bytes(bytes.into()))?;
    (point != AffinePoint::IDENTITY).then(|| point.into())
}

/// The compressed encoding of a point; 33 zeros for the identity.
pub(super) fn point_bytes(point: &ProjectivePoint) -> [u8; POINT_BYTES] {
    point.to_affine().to_bytes().into()
}

/// The scalar with this big-endian encoding, if it is below the group order.
pub(super) fn scalar_of(bytes: &[u8; 32]) -> Option<Scalar> {
    Scalar::from_repr((*bytes).into()).into()
}
