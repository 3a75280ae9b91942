//! Two clocks, told apart by type: deadlines use the monotonic one, what is recorded or signed the wall.

use core::ops::{Add, Sub};
use core::time::Duration;

/// What the host's two clocks show at one event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Time {
    /// For deadlines.
    pub mono: Mono,
    /// For records and for what is signed.
    pub wall: Wall,
}

/// Nanoseconds on a clock that never goes back, from an origin of the host's choice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Mono(pub u64);

/// Nanoseconds since 1970-01-01 00:00 UTC on a clock that may jump.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Wall(pub u64);

impl Wall {
    /// Whole seconds since 1970.
    pub fn unix_seconds(self) -> u64 {
        self.0 / 1_000_000_000
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

// A deadline beyond the end of the clock is "never": saturating is the meaning, not a convenience.
impl Add<Duration> for Mono {
    type Output = Mono;
    fn add(self, rhs: Duration) -> Mono {
        Mono(self.0.saturating_add(nanos(rhs)))
    }
}

impl Sub for Mono {
    type Output = Duration;
    /// How long ago `rhs` was; zero if it is yet to come.
    fn sub(self, rhs: Mono) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(rhs.0))
    }
}

impl Add<Duration> for Wall {
    type Output = Wall;
    fn add(self, rhs: Duration) -> Wall {
        Wall(self.0.saturating_add(nanos(rhs)))
    }
}

impl Sub for Wall {
    type Output = Duration;
    /// How long ago `rhs` was; zero if it is yet to come.
    fn sub(self, rhs: Wall) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(rhs.0))
    }
}
