//! What the network does to messages: delay, loss, splits, one-way cuts. Streams keep their order, as TCP does.

use crate::rng::Rng;

/// The present state of the links between `n` oracles.
#[derive(Debug)]
pub struct Network {
    n: usize,
    rng: Rng,
    weather: Weather,
    /// `cut[from * n + to]`: nothing passes this way.
    cut: Vec<bool>,
    /// When the last message of each link arrives: the next one cannot overtake it.
    last_arrival: Vec<u64>,
}

/// How links behave that are not cut. Nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Weather {
    /// The shortest way.
    pub delay_min: u64,
    /// The longest usual way.
    pub delay_max: u64,
    /// How many of a million messages are late by up to a second.
    pub late_per_million: u32,
    /// How many of a million messages are lost (displaced in a full buffer, or in flight when a connection broke).
    pub lost_per_million: u32,
}

/// A data centre on a quiet day.
pub const CALM: Weather =
    Weather { delay_min: 500_000, delay_max: 5_000_000, late_per_million: 0, lost_per_million: 0 };

impl Network {
    /// All links up, in calm weather.
    pub fn new(n: usize, rng: Rng) -> Self {
        Network { n, rng, weather: CALM, cut: vec![false; n * n], last_arrival: vec![0; n * n] }
    }

    /// When a message that is sent at `now` arrives; `None`: never.
    pub fn carry(&mut self, now: u64, from: usize, to: usize) -> Option<u64> {
        let link = from * self.n + to;
        let Weather { delay_min, delay_max, late_per_million, lost_per_million } = self.weather;
        if self.cut[link] || self.rng.chance(lost_per_million) {
            return None;
        }
        let mut arrival = now + self.rng.between(delay_min, delay_max);
        if self.rng.chance(late_per_million) {
            arrival += self.rng.below(1_000_000_000);
        }
        self.last_arrival[link] = self.last_arrival[link].max(arrival);
        Some(self.last_arrival[link])
    }

    /// Changes how the links behave that are not cut.
    pub fn set_weather(&mut self, weather: Weather) {
        self.weather = weather;
    }

    /// Cuts the way from one oracle to another, in this direction only.
    pub fn cut(&mut self, from: usize, to: usize) {
        self.cut[from * self.n + to] = true;
    }

    /// Cuts all ways between the oracles of `side` and the others.
    pub fn split(&mut self, side: &[usize]) {
        for inside in 0..self.n {
            for outside in 0..self.n {
                if side.contains(&inside) != side.contains(&outside) {
                    self.cut(inside, outside);
                }
            }
        }
    }

    /// Mends every link.
    pub fn heal(&mut self) {
        self.cut.fill(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_keeps_its_order_in_any_weather() {
        let mut network = Network::new(2, Rng::new(3));
        network.set_weather(Weather { late_per_million: 300_000, ..CALM });
        let arrivals: Vec<u64> = (0..500).map(|now| network.carry(now * 1000, 0, 1).unwrap()).collect();
        assert!(arrivals.is_sorted());
    }

    #[test]
    fn a_cut_is_one_way_a_split_is_not_and_both_heal() {
        let mut network = Network::new(3, Rng::new(3));
        network.cut(0, 1);
        assert_eq!(network.carry(0, 0, 1), None);
        assert!(network.carry(0, 1, 0).is_some());
        network.split(&[2]);
        assert_eq!((network.carry(0, 2, 0), network.carry(0, 0, 2)), (None, None));
        assert!(network.carry(0, 1, 0).is_some());
        network.heal();
        assert!(network.carry(0, 0, 1).is_some() && network.carry(0, 2, 0).is_some());
    }
}
