//! Token buckets: what a receiver of the reference lets in, to the nanotoken, so that a sender can stay below it.
//!
//! **A withdrawal that fails empties a bucket of the reference.** Whoever keeps sending above the rate gets nothing
//! through, not the rate. So our senders pace themselves against a copy of the receiver's bucket ([`Pace`]), and our
//! receivers may be told to leave the tokens where they are ([`Overdraft`]).

use crate::StreamLimits;
use crate::limits::{NOTIFICATIONS_MAX, OVERHEAD_SLACK_BYTES, STREAM_NAME_BYTES_MAX, STREAMS_MAX};
use core::time::Duration;
use machine::Mono;

const NANOTOKENS: u64 = 1_000_000_000;

/// What becomes of the tokens when more is asked for than there is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Overdraft {
    /// They stay: an overload costs what is above the rate.
    #[default]
    Keeps,
    /// They are lost, as in the reference: an overload costs everything until the sender pauses.
    Empties,
}

/// A bucket that refills by the microsecond. Tokens are counted in billionths, rates in thousandths per second.
#[derive(Clone, Debug)]
pub struct TokenBucket {
    millitokens_per_second: u64,
    capacity: u32,
    nanotokens: u64,
    updated: Mono,
}

impl TokenBucket {
    /// A bucket that is full or empty at `now`.
    pub fn new(millitokens_per_second: u64, capacity: u32, full: bool, now: Mono) -> Self {
        let nanotokens = if full { u64::from(capacity) * NANOTOKENS } else { 0 };
        Self { millitokens_per_second, capacity, nanotokens, updated: now }
    }

    /// Billionths of a token that are there, as of the last withdrawal.
    pub fn nanotokens(&self) -> u64 {
        self.nanotokens
    }

    fn update(&mut self, now: Mono) {
        // A millitoken per second is a nanotoken per microsecond. The rest of a microsecond is left for the next update.
        let micros = now.0.saturating_sub(self.updated.0) / 1000;
        self.updated.0 += micros * 1000;
        let gained = micros.saturating_mul(self.millitokens_per_second);
        self.nanotokens = self.nanotokens.saturating_add(gained).min(u64::from(self.capacity) * NANOTOKENS);
    }

    /// Takes `tokens`, all or none.
    pub fn take(&mut self, now: Mono, tokens: u32, overdraft: Overdraft) -> bool {
        self.update(now);
        match (self.nanotokens.checked_sub(u64::from(tokens) * NANOTOKENS), overdraft) {
            (Some(left), _) => {
                self.nanotokens = left;
                true
            }
            (None, Overdraft::Keeps) => false,
            (None, Overdraft::Empties) => {
                self.nanotokens = 0;
                false
            }
        }
    }

    /// Adds tokens; they may exceed the capacity until the next withdrawal.
    pub fn add(&mut self, tokens: u32) {
        self.nanotokens = self.nanotokens.saturating_add(u64::from(tokens) * NANOTOKENS);
    }

    /// Refills at another rate from `now` on.
    pub fn set_rate(&mut self, now: Mono, millitokens_per_second: u64) {
        self.update(now);
        self.millitokens_per_second = millitokens_per_second;
    }

    /// Whole tokens that could be taken at `now`.
    pub fn available(&mut self, now: Mono) -> u32 {
        self.update(now);
        u32::try_from(self.nanotokens / NANOTOKENS).unwrap_or(u32::MAX)
    }

    /// Whether `tokens` can be taken at `now`, or a microsecond later. The reference reads its clock for each frame, so between two
    /// of them a rate without limit fills the bucket again; frames that came in one piece have one time here.
    fn covers(&mut self, now: Mono, tokens: u32) -> bool {
        let refills_at_once = self.millitokens_per_second >= u64::from(self.capacity) * NANOTOKENS;
        self.available(now) >= tokens || refills_at_once && self.capacity >= tokens
    }

    /// When `tokens` can be taken, if ever: `now` or later.
    pub fn when(&mut self, now: Mono, tokens: u32) -> Option<Mono> {
        self.update(now);
        let missing = (u64::from(tokens) * NANOTOKENS).saturating_sub(self.nanotokens);
        if missing == 0 {
            return Some(now);
        }
        if tokens > self.capacity || self.millitokens_per_second == 0 {
            return None;
        }
        Some(self.updated + Duration::from_micros(missing.div_ceil(self.millitokens_per_second)))
    }
}

/// Thousandths of tokens per second, rounded up as the reference does. An infinite rate becomes one that refills any bucket
/// within a microsecond.
pub fn millitokens(tokens_per_second: f64) -> u64 {
    whole(tokens_per_second * 1000.0).unwrap_or(1 << 63)
}

/// `value` rounded up, if it is finite, not negative and fits. (`f64::ceil` is not in core.)
fn whole(value: f64) -> Option<u64> {
    if !(0.0..18_446_744_073_709_551_616.0).contains(&value) {
        return None;
    }
    let floor = value as u64;
    if (floor as f64) < value { floor.checked_add(1) } else { Some(floor) }
}

/// The two buckets of a stream's receiver.
#[derive(Clone, Debug)]
pub struct StreamBuckets {
    messages: TokenBucket,
    bytes: TokenBucket,
}

/// Which limit a message would break.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OverLimit {
    Messages,
    Bytes,
}

impl StreamBuckets {
    /// Both full: buckets live as long as the stream, over all its connections.
    pub fn new(limits: &StreamLimits, now: Mono) -> Self {
        Self {
            messages: TokenBucket::new(millitokens(limits.messages_rate), limits.messages_capacity, true, now),
            bytes: TokenBucket::new(millitokens(limits.bytes_rate), limits.bytes_capacity, true, now),
        }
    }

    /// Pays for a message with a payload of `length` bytes; headers are free.
    pub fn admit(&mut self, now: Mono, length: u32, overdraft: Overdraft) -> Result<(), OverLimit> {
        let (messages, bytes) = match overdraft {
            // The reference charges both even if the first is overdrawn.
            Overdraft::Empties => (self.messages.take(now, 1, overdraft), self.bytes.take(now, length, overdraft)),
            Overdraft::Keeps => {
                let (messages, bytes) = (self.messages.covers(now, 1), self.bytes.covers(now, length));
                if messages && bytes {
                    self.messages.take(now, 1, overdraft);
                    self.bytes.take(now, length, overdraft);
                }
                (messages, bytes)
            }
        };
        match (messages, bytes) {
            (false, _) => Err(OverLimit::Messages),
            (true, false) => Err(OverLimit::Bytes),
            (true, true) => Ok(()),
        }
    }
}

/// A sender's copy of a stream's buckets at the receiver. An eighth of the burst is never used: packets that left in time
/// may arrive bunched, and a receiver of the reference answers one message too many by refusing all that follow.
#[derive(Clone, Debug)]
pub struct Pace {
    messages: TokenBucket,
    bytes: TokenBucket,
}

impl Pace {
    /// As full as the receiver's buckets are when the stream begins, but for the reserve.
    pub fn new(limits: &StreamLimits, now: Mono) -> Self {
        let reserved = |capacity: u32, one: u32| (capacity - capacity / 8).max(one).min(capacity);
        let messages = reserved(limits.messages_capacity, 1);
        let bytes = reserved(limits.bytes_capacity, limits.message_bytes_max);
        Self {
            messages: TokenBucket::new(millitokens(limits.messages_rate), messages, true, now),
            bytes: TokenBucket::new(millitokens(limits.bytes_rate), bytes, true, now),
        }
    }

    /// When a payload of `length` bytes may be sent, if ever.
    pub fn when(&mut self, now: Mono, length: u32) -> Option<Mono> {
        Some(self.messages.when(now, 1)?.max(self.bytes.when(now, length)?))
    }

    /// Notes that it is sent.
    pub fn spend(&mut self, now: Mono, length: u32) {
        self.messages.take(now, 1, Overdraft::Empties);
        self.bytes.take(now, length, Overdraft::Empties);
    }
}

/// The byte bucket of a connection in the old generation: raw bytes, TLS included, over all streams of a peer.
/// A read that cannot be paid for costs the connection. Networking spec 8.4.
#[derive(Clone, Debug)]
pub struct ConnectionBucket {
    /// Whole-token sums; `bucket` holds the same rate.
    millitokens_per_second: u64,
    bucket: TokenBucket,
    /// A sum has overflowed once: no limit any more.
    unlimited: bool,
}

/// What each new connection brings: enough for all opens and closes.
pub const TOKENS_PER_CONNECTION: u32 = (STREAMS_MAX * (HEADER_BYTES + STREAM_NAME_BYTES_MAX)) as u32;

/// The long-run rate of opens and closes that a peer is granted: all of them every ten minutes.
pub const CONTROL_BYTES_RATE: f64 =
    NOTIFICATIONS_MAX as f64 / 2.0 / 600.0 * (HEADER_BYTES + STREAM_NAME_BYTES_MAX) as f64;

const HEADER_BYTES: usize = crate::frame::HEADER_LEN;

/// What a stream adds to the bucket's rate (millitokens per second) and capacity; `None`: more than can be counted.
fn share(limits: &StreamLimits) -> Option<(u64, u32)> {
    let header = HEADER_BYTES as f64;
    let rate = whole(1000.0 * 1.5 * (header * limits.messages_rate + limits.bytes_rate))?;
    let capacity = whole(1.5 * (header * f64::from(limits.messages_capacity) + f64::from(limits.bytes_capacity)))?;
    Some((rate, u32::try_from(capacity).ok()?))
}

impl ConnectionBucket {
    /// An empty bucket with the share of opens and closes.
    pub fn new(now: Mono) -> Self {
        let control = StreamLimits {
            message_bytes_max: 0,
            messages_rate: 0.0,
            messages_capacity: 0,
            bytes_rate: CONTROL_BYTES_RATE,
            bytes_capacity: TOKENS_PER_CONNECTION,
        };
        let mut empty =
            Self { millitokens_per_second: 0, bucket: TokenBucket::new(0, 0, false, now), unlimited: false };
        empty.add_stream(now, &control);
        empty
    }

    /// A stream begins. It brings capacity, but no tokens.
    pub fn add_stream(&mut self, now: Mono, limits: &StreamLimits) {
        if self.unlimited {
            return;
        }
        let sums = share(limits).and_then(|(rate, capacity)| {
            Some((self.millitokens_per_second.checked_add(rate)?, self.bucket.capacity.checked_add(capacity)?))
        });
        match sums {
            Some((rate, capacity)) => self.set(now, rate, capacity),
            None => self.unlimited = true,
        }
    }

    /// A stream that was added ends.
    pub fn remove_stream(&mut self, now: Mono, limits: &StreamLimits) {
        if self.unlimited {
            return;
        }
        if let Some((rate, capacity)) = share(limits) {
            let rate = self.millitokens_per_second.saturating_sub(rate);
            let capacity = self.bucket.capacity.saturating_sub(capacity);
            self.set(now, rate, capacity);
        }
    }

    fn set(&mut self, now: Mono, millitokens_per_second: u64, capacity: u32) {
        self.bucket.set_rate(now, millitokens_per_second);
        self.bucket.capacity = capacity;
        self.millitokens_per_second = millitokens_per_second;
    }

    /// A connection begins.
    pub fn on_connection(&mut self) {
        if !self.unlimited {
            self.bucket.add(TOKENS_PER_CONNECTION);
        }
    }

    /// `count` raw bytes were read; `false`: they cannot be paid for.
    pub fn read(&mut self, now: Mono, count: u32) -> bool {
        self.unlimited || self.bucket.take(now, count, Overdraft::Empties)
    }

    /// Raw bytes that could be paid for now.
    pub fn available(&mut self, now: Mono) -> u32 {
        if self.unlimited { u32::MAX } else { self.bucket.available(now) }
    }

    /// When `count` raw bytes, at most the capacity, can be paid for.
    pub fn when(&mut self, now: Mono, count: u32) -> Mono {
        if self.unlimited {
            return now;
        }
        let count = count.min(self.bucket.capacity);
        self.bucket.when(now, count).expect("the share of opens and closes refills the bucket up to its capacity")
    }

    /// Capacity in bytes, rate in millitokens per second, nanotokens, and whether none of them counts any more.
    pub fn state(&self) -> (u32, u64, u64, bool) {
        (self.bucket.capacity, self.millitokens_per_second, self.bucket.nanotokens, self.unlimited)
    }
}

/// The new generation's rule against TLS tricks: raw bytes may exceed twice the application bytes by 100 KiB only.
#[derive(Clone, Copy, Default, Debug)]
pub struct Overhead {
    raw: u64,
    application: u64,
}

impl Overhead {
    /// `count` bytes came over TCP since the handshake.
    pub fn on_raw(&mut self, count: u64) {
        self.raw = self.raw.saturating_add(count);
    }

    /// `count` bytes of frames were consumed; `false`: too few for what came over TCP.
    pub fn on_application(&mut self, count: u64) -> bool {
        self.application = self.application.saturating_add(count);
        self.application.saturating_mul(2) >= self.raw.saturating_sub(OVERHEAD_SLACK_BYTES)
    }
}

/// Connections that one peer may bring to the end of a handshake at once.
pub const INCOMING_CONNECTIONS_CAPACITY: u32 = 4;

/// How fast that refills, in millitokens per second, when peers dial every `dial_period`: twice per period, but once per
/// two seconds at least.
pub fn incoming_connections_rate(dial_period: Duration) -> u64 {
    let per_period = 2_000_000_000_000_u128.checked_div(dial_period.as_nanos()).unwrap_or(u128::MAX);
    u64::try_from(per_period).unwrap_or(u64::MAX).max(500)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: u64 = 1_000_000_000;

    fn limits() -> StreamLimits {
        StreamLimits {
            message_bytes_max: 1040,
            messages_rate: 3.05,
            messages_capacity: 16,
            bytes_rate: 947.2,
            bytes_capacity: 9152,
        }
    }

    #[test]
    fn an_overdraft_empties_or_keeps() {
        let mut bucket = TokenBucket::new(1000, 4, true, Mono(0));
        assert!(!bucket.take(Mono(0), 5, Overdraft::Keeps));
        assert!(bucket.take(Mono(0), 1, Overdraft::Keeps));
        assert!(!bucket.take(Mono(0), 5, Overdraft::Empties));
        assert!(!bucket.take(Mono(0), 1, Overdraft::Keeps));
        assert!(bucket.take(Mono(SECOND), 1, Overdraft::Keeps));
    }

    #[test]
    fn keeping_charges_neither_bucket_for_a_message_that_either_refuses() {
        let mut buckets = StreamBuckets::new(&limits(), Mono(0));
        assert_eq!(buckets.admit(Mono(0), 10_000, Overdraft::Keeps), Err(OverLimit::Bytes));
        for _ in 0..16 {
            assert_eq!(buckets.admit(Mono(0), 100, Overdraft::Keeps), Ok(()));
        }
        assert_eq!(buckets.admit(Mono(0), 7553, Overdraft::Keeps), Err(OverLimit::Messages));
        assert_eq!(buckets.messages.available(Mono(0)), 0);
        assert_eq!(buckets.bytes.available(Mono(0)), 9152 - 1600);
    }

    #[test]
    fn frames_that_come_in_one_piece_on_a_stream_without_a_rate_are_all_let_in() {
        let unlimited = StreamLimits { messages_rate: f64::INFINITY, bytes_rate: f64::INFINITY, ..limits() };
        let mut buckets = StreamBuckets::new(&unlimited, Mono(0));
        for _ in 0..100 {
            assert_eq!(buckets.admit(Mono(0), unlimited.bytes_capacity, Overdraft::Keeps), Ok(()));
        }
        let more = unlimited.bytes_capacity + 1;
        assert_eq!(buckets.admit(Mono(0), more, Overdraft::Keeps), Err(OverLimit::Bytes));
    }

    #[test]
    fn when_is_the_first_instant_at_which_taking_succeeds() {
        let mut bucket = TokenBucket::new(3050, 16, false, Mono(0));
        let when = bucket.when(Mono(0), 7).unwrap();
        assert!(!bucket.clone().take(Mono(when.0 - 1000), 7, Overdraft::Keeps));
        assert!(bucket.take(when, 7, Overdraft::Keeps));
        assert_eq!(bucket.when(when, 17), None);
        assert_eq!(TokenBucket::new(0, 16, false, Mono(0)).when(Mono(0), 1), None);
    }

    #[test]
    fn an_infinite_rate_refills_within_a_microsecond() {
        let unlimited = StreamLimits { messages_rate: f64::INFINITY, ..limits() };
        let mut buckets = StreamBuckets::new(&unlimited, Mono(0));
        for micros in 0..1000 {
            assert_eq!(buckets.admit(Mono(micros * 1000), 1, Overdraft::Empties), Ok(()));
        }
    }

    proptest! {
        /// The point of pacing: whatever is queued and however the network bunches it (up to the reserve), a receiver of
        /// the reference never refuses.
        #[test]
        fn a_paced_sender_is_never_refused_by_the_reference(
            lengths in prop::collection::vec(0_u32..=1040, 1..200),
            delays in prop::collection::vec(0_u64..300_000_000, 200),
        ) {
            let mut pace = Pace::new(&limits(), Mono(0));
            let mut receiver = StreamBuckets::new(&limits(), Mono(0));
            let mut now = Mono(0);
            let mut arrived = Mono(0);
            for (length, delay) in lengths.into_iter().zip(delays) {
                now = pace.when(now, length).expect("fits the limits");
                pace.spend(now, length);
                arrived = arrived.max(now + Duration::from_nanos(delay));
                prop_assert_eq!(receiver.admit(arrived, length, Overdraft::Empties), Ok(()));
            }
        }
    }
}
