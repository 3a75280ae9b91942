//! Who is in: oracles by their position in the configuration.
//!
//! An [`OracleId`] comes from a [`Committee`] only, so one in hand is in range; the byte of a message is proved to be one
//! at the edge, once.

use alloc::vec::Vec;
use core::{
    fmt,
    ops::{Index, IndexMut},
};

use crate::limits::ORACLES_MAX;

/// n oracles of which at most f are faulty: 1 ≤ n ≤ 31 and 3f < n (OCR2 spec 3.3, checks 6 and 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Committee {
    n: u8,
    f: u8,
}

impl Committee {
    /// A committee of `n` oracles that bears `f` faulty ones.
    pub fn new(n: usize, f: usize) -> Result<Self, CommitteeError> {
        if n > ORACLES_MAX {
            return Err(CommitteeError::TooMany { n });
        }
        // Dividing instead of multiplying: 3f might not fit.
        if n == 0 || f > (n - 1) / 3 {
            return Err(CommitteeError::TooFewForF { n, f });
        }
        Ok(Self { n: n as u8, f: f as u8 })
    }

    /// How many oracles there are.
    pub fn n(self) -> usize {
        usize::from(self.n)
    }

    /// How many of them may be faulty.
    pub fn f(self) -> usize {
        usize::from(self.f)
    }

    /// The oracle with this number, if there is one.
    pub fn oracle(self, id: u8) -> Option<OracleId> {
        (id < self.n).then_some(OracleId(id))
    }

    /// All oracles, ascending.
    pub fn oracles(self) -> impl DoubleEndedIterator<Item = OracleId> + ExactSizeIterator + Clone {
        (0..self.n).map(OracleId)
    }

    /// All oracles, as a set.
    pub fn everyone(self) -> OracleSet {
        self.oracles().collect()
    }

    /// f + 1: one of so many oracles is honest.
    pub fn one_honest(self) -> usize {
        self.f() + 1
    }

    /// 2f + 1: most of so many oracles are honest.
    pub fn honest_majority(self) -> usize {
        2 * self.f() + 1
    }

    /// ⌊(n + f) / 2⌋ + 1: two groups of so many oracles share an honest one.
    pub fn byzantine_quorum(self) -> usize {
        (self.n() + self.f()) / 2 + 1
    }
}

/// Why numbers make no committee.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitteeError {
    #[error("{n} oracles, allowed are {ORACLES_MAX}")]
    TooMany { n: usize },
    #[error("{n} oracles cannot bear f = {f} faulty ones: n must be above 3f")]
    TooFewForF { n: usize, f: usize },
}

/// An oracle: its position in the lists of the configuration, from 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OracleId(u8);

impl OracleId {
    /// The number as it goes into messages and hashes.
    pub fn byte(self) -> u8 {
        self.0
    }

    /// The number as a position in a list.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

impl fmt::Display for OracleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for OracleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// Some oracles of one committee.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OracleSet(u32);

impl OracleSet {
    /// Nobody.
    pub const EMPTY: Self = Self(0);

    /// Adds `oracle`; false if it was in already.
    pub fn insert(&mut self, oracle: OracleId) -> bool {
        let new = !self.contains(oracle);
        self.0 |= 1 << oracle.0;
        new
    }

    /// Takes `oracle` out; false if it was not in.
    pub fn remove(&mut self, oracle: OracleId) -> bool {
        let old = self.contains(oracle);
        self.0 &= !(1 << oracle.0);
        old
    }

    /// Whether `oracle` is in.
    pub fn contains(self, oracle: OracleId) -> bool {
        self.0 & (1 << oracle.0) != 0
    }

    /// How many are in.
    pub fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether nobody is in.
    pub fn is_empty(self) -> bool {
        self == Self::EMPTY
    }

    /// Who is in, ascending.
    pub fn iter(self) -> impl Iterator<Item = OracleId> + Clone {
        (0..ORACLES_MAX as u8).map(OracleId).filter(move |oracle| self.contains(*oracle))
    }

    /// Who is in this set or in `other`.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Who is in this set and not in `other`.
    #[must_use]
    pub fn difference(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

/// Only this oracle.
impl From<OracleId> for OracleSet {
    fn from(oracle: OracleId) -> Self {
        Self(1 << oracle.0)
    }
}

impl FromIterator<OracleId> for OracleSet {
    fn from_iter<I: IntoIterator<Item = OracleId>>(oracles: I) -> Self {
        oracles.into_iter().fold(Self::EMPTY, |set, oracle| set.union(oracle.into()))
    }
}

impl fmt::Debug for OracleSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// One `T` for each oracle of a committee. Indexing it by an oracle of a larger committee panics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PerOracle<T>(Vec<T>);

impl<T> PerOracle<T> {
    /// What `of` says for each oracle.
    pub fn new(committee: Committee, of: impl FnMut(OracleId) -> T) -> Self {
        Self(committee.oracles().map(of).collect())
    }

    /// A list in the order of the oracles, if it has one entry for each.
    pub fn from_list(committee: Committee, list: Vec<T>) -> Option<Self> {
        (list.len() == committee.n()).then_some(Self(list))
    }

    /// Each oracle and what is its, ascending.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (OracleId, &T)> + ExactSizeIterator {
        self.0.iter().enumerate().map(|(index, value)| (OracleId(index as u8), value))
    }

    /// Each oracle and what is its, to change.
    pub fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = (OracleId, &mut T)> + ExactSizeIterator {
        self.0.iter_mut().enumerate().map(|(index, value)| (OracleId(index as u8), value))
    }

    /// The values alone, in the order of the oracles.
    pub fn as_slice(&self) -> &[T] {
        &self.0
    }
}

impl<T: Default> PerOracle<T> {
    /// The default for each oracle.
    pub fn empty(committee: Committee) -> Self {
        Self::new(committee, |_| T::default())
    }
}

impl<T> Index<OracleId> for PerOracle<T> {
    type Output = T;

    fn index(&self, oracle: OracleId) -> &T {
        &self.0[oracle.index()]
    }
}

impl<T> IndexMut<OracleId> for PerOracle<T> {
    fn index_mut(&mut self, oracle: OracleId) -> &mut T {
        &mut self.0[oracle.index()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_committee_has_1_to_31_oracles_and_more_than_3f() {
        for n in 0..40 {
            for f in 0..40 {
                let wanted = (1..=31).contains(&n) && 3 * f < n;
                assert_eq!(Committee::new(n, f).is_ok(), wanted, "n = {n}, f = {f}");
            }
        }
        assert!(Committee::new(4, usize::MAX).is_err());
    }

    #[test]
    fn only_bytes_below_n_are_oracles() {
        let committee = Committee::new(7, 2).unwrap();
        assert_eq!((0..=255).filter_map(|byte| committee.oracle(byte)).count(), 7);
        assert_eq!(committee.oracle(6).unwrap().index(), 6);
    }

    #[test]
    fn quorums_of_seven() {
        let committee = Committee::new(7, 2).unwrap();
        assert_eq!((committee.one_honest(), committee.honest_majority(), committee.byzantine_quorum()), (3, 5, 5));
        assert_eq!(Committee::new(31, 10).unwrap().byzantine_quorum(), 21);
    }

    #[test]
    fn a_set_keeps_the_largest_committee() {
        let committee = Committee::new(31, 10).unwrap();
        let mut set = committee.everyone();
        assert_eq!(set.len(), 31);
        assert!(set.iter().eq(committee.oracles()));
        let last = committee.oracle(30).unwrap();
        assert!(set.remove(last) && !set.remove(last) && !set.contains(last));
        assert_eq!(committee.everyone().difference(set), last.into());
        assert!(set.insert(last) && !set.insert(last));
    }

    #[test]
    fn a_table_has_one_entry_for_each_oracle() {
        let committee = Committee::new(4, 1).unwrap();
        let mut table = PerOracle::new(committee, OracleId::index);
        let two = committee.oracle(2).unwrap();
        table[two] += 10;
        assert_eq!(table.as_slice(), [0, 1, 12, 3]);
        assert_eq!(PerOracle::from_list(committee, Vec::from([1, 2, 3])), None);
    }
}
