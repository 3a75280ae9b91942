//! Every bound of this crate, with its reason. "The reference" closes the connection or drops the message beyond what
//! is marked so; the other bounds are our own. Networking spec 8.6.

use core::time::Duration;

/// Bytes of a stream's name (the reference).
pub const STREAM_NAME_BYTES_MAX: usize = 256;

/// Streams between two peers (the reference).
pub const STREAMS_MAX: usize = 2000;

/// Open and close frames on one connection, twice what all streams need (the reference).
pub const NOTIFICATIONS_MAX: u32 = 2 * STREAMS_MAX as u32;

/// Bytes of one message (the reference): 1 GiB.
pub const MESSAGE_BYTES_MAX: u32 = 1 << 30;

/// Peers that one host keeps connections to (the reference, new generation).
pub const PEERS_MAX: usize = 256;

/// Oracles that discovery knows over all groups (the reference). Also bounds a reconcile.
pub const ORACLES_MAX: usize = 165;

/// Addresses in one announcement (the reference).
pub const ADDRESSES_MAX: usize = 10;

/// Bytes of one announced address (the reference): `[` the longest IPv6 text with an IPv4 tail `]:65535`.
pub const ADDRESS_BYTES_MAX: usize = 53;

/// Bytes of a discovery message (the reference): 165 announcements of 10 longest addresses take 109,564.
pub const DISCOVERY_BYTES_MAX: u32 = 110_000;

/// What an incoming payload is given before its bytes arrive. More is given as they come, so that a frame that announces
/// much and sends nothing pins little.
pub const PAYLOAD_BYTES_UNSEEN_MAX: usize = 64 << 10;

/// Plaintext handed to TLS at once: four full records. Enough to keep the socket busy, little enough that what is
/// queued above can still be displaced or overtaken.
pub const TRANSMIT_BYTES_MAX: usize = 64 << 10;

/// A payload that must be cut because the peer's budget is spent goes on in pieces of at least this size, so that
/// records stay large against their overhead.
pub const TRANSMIT_BYTES_MIN: usize = 4 << 10;

/// What TLS 1.3 adds to a record: header, content type, tag.
pub const RECORD_OVERHEAD: usize = 22;

/// Plaintext in one TLS record.
pub const RECORD_BYTES_MAX: usize = 16 << 10;

/// Raw bytes beyond twice the application bytes that a new-generation connection may carry (the reference).
pub const OVERHEAD_SLACK_BYTES: u64 = 102_400;

/// Requests whose response may still come, per peer. Far above what a protocol has in flight (one per blob chunk and
/// oracle); bounds the memory of a caller that never hears back.
pub const REQUESTS_OPEN_MAX: usize = 4096;

/// A new connection stays silent this long, or until the peer's first frame: a new-generation reference node loses an
/// open frame that reaches it before its own tasks know of the connection (networking spec 6.3).
pub const SILENCE_AFTER_HANDSHAKE: Duration = Duration::from_millis(20);

/// Open frames are repeated once this long after the handshake, for the same reason. Repetition is harmless.
pub const REPEAT_OPENS_AFTER: Duration = Duration::from_secs(1);

/// A frame that has begun must go on within this time. The reference gives a whole message 5 s; without a bound a
/// half-sent frame would pin its buffer for ever.
pub const FRAME_STALL_MAX: Duration = Duration::from_secs(15);

/// Two connections of one pair, one dialed by each side, are taken for simultaneous if they are at most this far apart;
/// beyond, the newer one means that the peer has lost the older.
pub const SIMULTANEOUS_WITHIN: Duration = Duration::from_secs(1);

/// How long the loser of two simultaneous connections is kept in reserve. A reference node closes one of the two at
/// once, and by its own choice.
pub const RESERVE_FOR: Duration = Duration::from_millis(300);
