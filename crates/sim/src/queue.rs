//! What is to happen, by time and then by the order in which it was decided.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Things that happen at times.
#[derive(Debug)]
pub struct Queue<T> {
    /// (time, sequence, place): small, because a heap moves its entries about.
    order: BinaryHeap<Reverse<(u64, u64, usize)>>,
    things: Vec<Option<T>>,
    free: Vec<usize>,
    sequence: u64,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Queue { order: BinaryHeap::new(), things: Vec::new(), free: Vec::new(), sequence: 0 }
    }
}

impl<T> Queue<T> {
    /// The thing happens at `at`, after all that were pushed for this time before.
    pub fn push(&mut self, at: u64, thing: T) {
        let place = self.free.pop().unwrap_or_else(|| {
            self.things.push(None);
            self.things.len() - 1
        });
        self.things[place] = Some(thing);
        self.sequence += 1;
        self.order.push(Reverse((at, self.sequence, place)));
    }

    /// When the next thing happens.
    pub fn next_at(&self) -> Option<u64> {
        self.order.peek().map(|Reverse((at, ..))| *at)
    }

    /// The next thing and its time.
    pub fn pop(&mut self) -> Option<(u64, T)> {
        let Reverse((at, _, place)) = self.order.pop()?;
        self.free.push(place);
        Some((at, self.things[place].take()?))
    }

    /// How many things are to happen.
    pub fn len(&self) -> usize {
        self.order.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_happen_in_the_order_of_time_and_then_of_decision() {
        let mut queue = Queue::default();
        for (at, thing) in [(5, 'c'), (1, 'a'), (5, 'd'), (3, 'b')] {
            queue.push(at, thing);
        }
        assert_eq!((queue.next_at(), queue.len()), (Some(1), 4));
        let happened: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(happened, [(1, 'a'), (3, 'b'), (5, 'c'), (5, 'd')]);
    }
}
