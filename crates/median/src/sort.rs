//! The unstable sort behind the median report (OCR2 spec, appendix B): pattern-defeating quicksort as Go has it since
//! 1.19, on whole-array indices. Reports carry the order that it leaves among equal values, so every oracle of a committee
//! must move the same elements in the same order. For up to 49 elements this is all of it; a committee has 31 at most.

/// The most elements for which this equals Go's sort: from 50 on Go also looks for descending runs and medians of nine.
pub const LENGTH_MAX: usize = 49;

/// Below or at this length a stretch is sorted by insertion.
const INSERTION_MAX: usize = 12;

/// Sorts by `less` exactly as Go's `sort.Slice` does. Panics above [`LENGTH_MAX`] elements.
pub fn sort<T>(items: &mut [T], less: impl Fn(&T, &T) -> bool) {
    assert!(items.len() <= LENGTH_MAX, "the order among more than {LENGTH_MAX} elements is another algorithm's");
    let (end, depth) = (items.len(), bit_length(items.len()));
    Sort { items, less }.quick(0, end, depth);
}

struct Sort<'a, T, L> {
    items: &'a mut [T],
    less: L,
}

impl<T, L: Fn(&T, &T) -> bool> Sort<'_, T, L> {
    fn less(&self, i: usize, j: usize) -> bool {
        (self.less)(&self.items[i], &self.items[j])
    }

    fn quick(&mut self, mut a: usize, mut b: usize, mut limit: u32) {
        let (mut balanced, mut partitioned) = (true, true);
        loop {
            let length = b - a;
            if length <= INSERTION_MAX {
                return self.insertion(a, b);
            }
            if limit == 0 {
                return self.heap(a, b);
            }
            if !balanced {
                self.scramble(a, b);
                limit -= 1;
            }
            let (pivot, increasing) = self.pivot(a, b);
            if balanced && partitioned && increasing && (a + 1..b).all(|i| !self.less(i, i - 1)) {
                return;
            }
            // Everything from here on is at least as large as the element before: gather those equal to it.
            if a > 0 && !self.less(a - 1, pivot) {
                a = self.partition_equal(a, b, pivot);
                continue;
            }
            let middle;
            (middle, partitioned) = self.partition(a, b, pivot);
            let (left, right) = (middle - a, b - middle);
            if left < right {
                balanced = left >= length / 8;
                self.quick(a, middle, limit);
                a = middle + 1;
            } else {
                balanced = right >= length / 8;
                self.quick(middle + 1, b, limit);
                b = middle;
            }
        }
    }

    fn insertion(&mut self, a: usize, b: usize) {
        for i in a + 1..b {
            let mut j = i;
            while j > a && self.less(j, j - 1) {
                self.items.swap(j, j - 1);
                j -= 1;
            }
        }
    }

    /// Breaks patterns that make bad pivots, with numbers that depend on the length only.
    fn scramble(&mut self, a: usize, b: usize) {
        let length = b - a;
        let mut state = length as u64;
        let mask = (1_u64 << bit_length(length)) - 1;
        let base = a + 2 * (length / 4);
        for index in base - 1..=base + 1 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let other = (state & mask) as usize;
            self.items.swap(index, a + if other >= length { other - length } else { other });
        }
    }

    /// The index of the median of three, and whether they stood in order.
    fn pivot(&self, a: usize, b: usize) -> (usize, bool) {
        let quarter = (b - a) / 4;
        let mut swaps = 0;
        let mut order = |low: &mut usize, high: &mut usize| {
            if self.less(*high, *low) {
                swaps += 1;
                core::mem::swap(low, high);
            }
        };
        let (mut i, mut j, mut k) = (a + quarter, a + 2 * quarter, a + 3 * quarter);
        order(&mut i, &mut j);
        order(&mut j, &mut k);
        order(&mut i, &mut j);
        (j, swaps == 0)
    }

    /// Smaller elements to the left of the pivot, others to the right; where the pivot is then, and whether nothing moved.
    fn partition(&mut self, a: usize, b: usize, pivot: usize) -> (usize, bool) {
        self.items.swap(a, pivot);
        let (mut i, mut j) = (a + 1, b - 1);
        let mut moved = false;
        loop {
            while i <= j && self.less(i, a) {
                i += 1;
            }
            while i <= j && !self.less(j, a) {
                j -= 1;
            }
            if i > j {
                self.items.swap(j, a);
                return (j, !moved);
            }
            self.items.swap(i, j);
            moved = true;
            i += 1;
            j -= 1;
        }
    }

    /// Elements equal to the pivot to the left, larger ones to the right; where the larger ones begin.
    fn partition_equal(&mut self, a: usize, b: usize, pivot: usize) -> usize {
        self.items.swap(a, pivot);
        let (mut i, mut j) = (a + 1, b - 1);
        loop {
            while i <= j && !self.less(a, i) {
                i += 1;
            }
            while i <= j && self.less(a, j) {
                j -= 1;
            }
            if i > j {
                return i;
            }
            self.items.swap(i, j);
            i += 1;
            j -= 1;
        }
    }

    fn heap(&mut self, a: usize, b: usize) {
        let length = b - a;
        for root in (0..=(length - 1) / 2).rev() {
            self.sift(a, root, length);
        }
        for last in (0..length).rev() {
            self.items.swap(a, a + last);
            self.sift(a, 0, last);
        }
    }

    fn sift(&mut self, a: usize, mut root: usize, end: usize) {
        loop {
            let mut child = 2 * root + 1;
            if child >= end {
                return;
            }
            if child + 1 < end && self.less(a + child, a + child + 1) {
                child += 1;
            }
            if !self.less(a + root, a + child) {
                return;
            }
            self.items.swap(a + root, a + child);
            root = child;
        }
    }
}

fn bit_length(length: usize) -> u32 {
    usize::BITS - length.leading_zeros()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use sha2::{Digest, Sha256};

    /// OCR2 spec, appendix B, vector 1: ten thousand sets with ties, each sorted four times in a row.
    #[test]
    fn ties_are_left_as_go_leaves_them() {
        let mut hash = Sha256::new();
        for case in 0..10_000_u64 {
            let n = 13 + case % 19;
            let mut state = case;
            let mut items: Vec<(u8, u64, u64, u64)> = (0..n)
                .map(|i| {
                    state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                    let mut z = state;
                    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                    let v = z ^ (z >> 31);
                    let value = match case % 5 {
                        1 => i / 3,
                        2 => (n - i) / 3,
                        3 if i % 2 == 1 => 100 - i,
                        _ => (v >> 32) % (1 + case % 8),
                    };
                    (i as u8, v % 4, (v >> 16) % 3, value)
                })
                .collect();
            sort(&mut items, |a, b| a.3 < b.3);
            sort(&mut items, |a, b| a.1 < b.1);
            sort(&mut items, |a, b| a.2 < b.2);
            sort(&mut items, |a, b| a.3 < b.3);
            let order: Vec<u8> = items.iter().map(|item| item.0).collect();
            if case == 0 {
                assert_eq!(order, [4, 1, 12, 6, 10, 5, 2, 11, 9, 0, 3, 8, 7]);
            }
            hash.update(&order);
        }
        let wanted = "ce8a2d6f3b135e5bcca842a5354a6255510cf08113fd599cc393917bd09816ca";
        assert_eq!(alloc::format!("{:x}", hash.finalize()), wanted);
    }

    /// OCR2 spec, appendix B, vector 2.
    #[test]
    fn the_heap_branch_is_reached_and_right() {
        let values = [
            29, 2, 23, 30, 30, 13, 20, 1, 19, 26, 20, 25, 7, 6, 1, 6, 10, 28, 30, 0, 7, 21, 28, 2, 15, 19, 8, 6, 13, 7,
            25,
        ];
        let mut items: Vec<(u8, i32)> = (0..).zip(values).collect();
        sort(&mut items, |a, b| a.1 < b.1);
        let order: Vec<u8> = items.iter().map(|item| item.0).collect();
        let wanted = [
            0x13, 0x0e, 0x07, 0x17, 0x01, 0x0f, 0x1b, 0x0d, 0x14, 0x1d, 0x0c, 0x1a, 0x10, 0x05, 0x1c, 0x18, 0x08, 0x19,
            0x06, 0x0a, 0x15, 0x02, 0x1e, 0x0b, 0x09, 0x11, 0x16, 0x00, 0x12, 0x04, 0x03,
        ];
        assert_eq!(order, wanted);
    }
}
