//! When to dial a peer that is not connected.

use crate::PeerId;
use crate::bucket::{Overdraft, TokenBucket};
use core::time::Duration;
use machine::Mono;

/// The first pause after a failure; it doubles up to the dial period.
const PAUSE_MIN: Duration = Duration::from_millis(250);

/// Of two that could dial each other, the one with the smaller key gives the other this head start, so that two
/// connections at once stay rare.
const HEAD_START: Duration = Duration::from_millis(150);

/// Handshakes brought to an end at once, one below what every listener grants ([`crate::bucket::INCOMING_CONNECTIONS_CAPACITY`]).
const HANDSHAKES_CAPACITY: u32 = 3;

/// And in the long run: the least that a listener of the reference grants. Faster would keep its bucket empty for good.
const HANDSHAKES_RATE: u64 = 500;

/// Decides when one peer is dialed. Has no entropy of its own: whoever reports a failure brings a random number.
#[derive(Clone, Debug)]
pub struct Dialer {
    period: Duration,
    head_start: Duration,
    failures: u32,
    next: Mono,
    handshakes: TokenBucket,
}

impl Dialer {
    /// Dials at once, and in the long run every `period`.
    pub fn new(now: Mono, me: PeerId, peer: PeerId, period: Duration) -> Self {
        let head_start = if me < peer { HEAD_START.min(period / 4) } else { Duration::ZERO };
        Self {
            period,
            head_start,
            failures: 0,
            next: now + head_start,
            handshakes: TokenBucket::new(HANDSHAKES_RATE, HANDSHAKES_CAPACITY, true, now),
        }
    }

    /// When the next attempt is due: not before its knock would be welcome.
    pub fn due(&mut self, now: Mono) -> Mono {
        self.next.max(self.handshakes.when(now, 1).unwrap_or(now + self.period))
    }

    /// How many attempts have failed in a row; says which address to begin with.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// An address has become known that was not tried: no reason to wait any longer.
    pub fn on_new_address(&mut self, now: Mono) {
        self.failures = 0;
        self.next = self.next.min(now + self.head_start);
    }

    /// TCP is connected and the knock is sent.
    pub fn on_knock(&mut self, now: Mono) {
        self.handshakes.take(now, 1, Overdraft::Keeps);
    }

    /// The attempt has failed, or its connection ended before the peer said anything: pause, longer each time.
    pub fn on_failed(&mut self, now: Mono, random: u64) {
        let pause = PAUSE_MIN.saturating_mul(1 << self.failures.min(16)).min(self.period);
        self.failures = self.failures.saturating_add(1);
        self.next = now + jittered(pause, random);
    }

    /// The peer has spoken on a connection.
    pub fn on_proved(&mut self) {
        self.failures = 0;
    }

    /// A proved connection has ended: dial soon, but not in step with the peer.
    pub fn on_lost(&mut self, now: Mono, random: u64) {
        self.failures = 0;
        self.next = now + self.head_start + jittered(PAUSE_MIN.min(self.period) / 5, random);
    }
}

/// Between half and one and a half of `pause`.
fn jittered(pause: Duration, random: u64) -> Duration {
    let nanos = u64::try_from(pause.as_nanos()).unwrap_or(u64::MAX).max(1);
    Duration::from_nanos((nanos / 2).saturating_add(random % nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: Duration = Duration::from_secs(15);

    fn dialer() -> Dialer {
        Dialer::new(Mono(0), PeerId([2; 32]), PeerId([1; 32]), PERIOD)
    }

    #[test]
    fn pauses_grow_to_the_period_and_no_further() {
        let mut dialer = dialer();
        let mut now = Mono(0);
        let mut pauses = alloc::vec::Vec::new();
        for _ in 0..10 {
            dialer.on_failed(now, u64::MAX / 2);
            pauses.push(dialer.due(now) - now);
            now = dialer.due(now);
        }
        assert!(pauses[0] < Duration::from_millis(376), "{pauses:?}");
        assert!(pauses.iter().all(|pause| *pause <= PERIOD * 3 / 2), "{pauses:?}");
        assert!(pauses[9] >= PERIOD / 2, "{pauses:?}");
    }

    #[test]
    fn a_new_address_ends_the_pause() {
        let mut dialer = dialer();
        for _ in 0..20 {
            dialer.on_failed(Mono(0), 0);
        }
        dialer.on_new_address(Mono(5));
        assert_eq!(dialer.due(Mono(5)), Mono(5));
    }

    #[test]
    fn only_the_smaller_key_gives_a_head_start() {
        assert_eq!(dialer().due(Mono(0)), Mono(0));
        assert_eq!(Dialer::new(Mono(0), PeerId([1; 32]), PeerId([2; 32]), PERIOD).due(Mono(0)), Mono(0) + HEAD_START);
    }

    #[test]
    fn knocks_stay_within_what_a_reference_listener_grants_by_default() {
        let mut dialer = dialer();
        let mut listener = TokenBucket::new(
            crate::bucket::incoming_connections_rate(PERIOD),
            crate::bucket::INCOMING_CONNECTIONS_CAPACITY,
            true,
            Mono(0),
        );
        let mut now = Mono(0);
        for _ in 0..50 {
            now = dialer.due(now);
            dialer.on_knock(now);
            dialer.on_lost(now, 0);
            assert!(listener.take(now, 1, Overdraft::Empties));
        }
    }
}
