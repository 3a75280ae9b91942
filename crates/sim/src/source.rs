//! The price of the world: one true walk, and what each oracle's source makes of it.

use crate::rng::Rng;
use median::Value;

/// How often the true price moves, nanoseconds.
const STEP: u64 = 100_000_000;

/// The walk of one world.
#[derive(Debug)]
pub struct Source {
    /// In 1e-8 of the quote currency, one a step.
    walk: Vec<i64>,
    /// Each oracle's own exchange is this many millionths off.
    bias: Vec<i64>,
    /// What each oracle's source gives of it, per cent; zero: nothing.
    percent: Vec<u64>,
}

impl Source {
    /// A walk for as long as the world lives.
    pub fn new(n: usize, length: u64, rng: &mut Rng) -> Self {
        let mut price = rng.between(15_000, 30_000) as i64 * 100_000_000;
        let walk = (0..=length / STEP).map(|_| {
            price += price / 10_000 * (rng.below(21) as i64 - 10) / 10;
            price
        });
        Source {
            walk: walk.collect(),
            bias: (0..n).map(|_| rng.below(201) as i64 - 100).collect(),
            percent: vec![100; n],
        }
    }

    /// What an oracle's source says at a time from the start; `None`: nothing.
    pub fn price(&self, oracle: usize, now: u64) -> Option<Value> {
        let index = ((now / STEP) as usize).min(self.walk.len() - 1);
        let price = self.walk[index];
        let percent = self.percent[oracle];
        let seen = (price + price / 1_000_000 * self.bias[oracle]) / 100 * percent as i64;
        (percent > 0).then(|| Value::try_from(seen).expect("an i64 fits"))
    }

    /// From now on the source gives so much of the price, in per cent.
    pub fn set_percent(&mut self, oracle: usize, percent: u64) {
        self.percent[oracle] = percent;
    }
}
