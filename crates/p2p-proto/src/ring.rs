//! Queues that never make their writer wait: what is new displaces what is oldest, by count and by bytes.

use alloc::collections::{BTreeMap, VecDeque};

/// A queue of things with a size in bytes.
#[derive(Clone, Debug)]
pub struct Ring<T> {
    items: VecDeque<(T, usize)>,
    bytes: usize,
    items_max: usize,
    bytes_max: usize,
}

impl<T> Ring<T> {
    /// Holds up to `items_max` things of up to `bytes_max` bytes in all; the newest is held whatever its size.
    pub fn new(items_max: usize, bytes_max: usize) -> Self {
        Self { items: VecDeque::new(), bytes: 0, items_max: items_max.max(1), bytes_max }
    }

    /// Appends; returns how many of the oldest had to go.
    pub fn push(&mut self, item: T, bytes: usize) -> usize {
        let mut displaced = 0;
        while !self.items.is_empty()
            && (self.items.len() >= self.items_max || self.bytes.saturating_add(bytes) > self.bytes_max)
        {
            self.pop();
            displaced += 1;
        }
        self.items.push_back((item, bytes));
        self.bytes += bytes;
        displaced
    }

    /// The oldest.
    pub fn front(&self) -> Option<&T> {
        self.items.front().map(|(item, _)| item)
    }

    /// Takes the oldest.
    pub fn pop(&mut self) -> Option<T> {
        let (item, bytes) = self.items.pop_front()?;
        self.bytes -= bytes;
        Some(item)
    }

    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub fn len(&self) -> usize {
        self.items.len()
    }
}

/// What many senders have sent, each in its own ring, read in turns: a loud sender displaces its own messages only.
#[derive(Clone, Debug)]
pub struct Inbox<S, T> {
    rings: BTreeMap<S, Ring<T>>,
    /// Senders with something in their ring, each once, in the order of their turns.
    turns: VecDeque<S>,
    items_max: usize,
    bytes_max: usize,
}

impl<S: Copy + Ord, T> Inbox<S, T> {
    /// Each sender's ring holds up to `items_max` things of up to `bytes_max` bytes in all.
    pub fn new(items_max: usize, bytes_max: usize) -> Self {
        Self { rings: BTreeMap::new(), turns: VecDeque::new(), items_max, bytes_max }
    }

    /// Appends to the ring of `sender`; returns how many of its oldest had to go.
    pub fn push(&mut self, sender: S, item: T, bytes: usize) -> usize {
        let ring = self.rings.entry(sender).or_insert_with(|| Ring::new(self.items_max, self.bytes_max));
        if ring.is_empty() {
            self.turns.push_back(sender);
        }
        ring.push(item, bytes)
    }

    /// Takes the oldest of the sender whose turn it is.
    pub fn pop(&mut self) -> Option<(S, T)> {
        let sender = self.turns.pop_front()?;
        let ring = self.rings.get_mut(&sender)?;
        let item = ring.pop()?;
        if !ring.is_empty() {
            self.turns.push_back(sender);
        }
        Some((sender, item))
    }

    pub fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn the_newest_stay_by_count_and_by_bytes() {
        let mut ring = Ring::new(3, 10);
        assert_eq!((ring.push('a', 4), ring.push('b', 4), ring.push('c', 2)), (0, 0, 0));
        assert_eq!(ring.push('d', 1), 1);
        assert_eq!(ring.push('e', 9), 2);
        assert_eq!(ring.push('f', 99), 2);
        assert_eq!((ring.pop(), ring.pop()), (Some('f'), None));
    }

    #[test]
    fn senders_take_turns_and_displace_only_themselves() {
        let mut inbox = Inbox::new(2, 100);
        for item in 0..5 {
            inbox.push(7, item, 1);
        }
        inbox.push(9, 100, 1);
        let read: Vec<_> = core::iter::from_fn(|| inbox.pop()).collect();
        assert_eq!(read, [(7, 3), (9, 100), (7, 4)]);
        assert!(inbox.is_empty());
    }
}
