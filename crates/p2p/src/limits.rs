//! Every bound of this crate, with its reason.

use std::time::Duration;

/// From the first byte of a connection to the end of its knock (the reference's).
pub const KNOCK_WITHIN: Duration = Duration::from_secs(5);

/// From there to the end of the TLS handshake (the reference's).
pub const HANDSHAKE_WITHIN: Duration = Duration::from_secs(5);

/// For a name to resolve and TCP to connect.
pub const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// A connection that this side dialed must show its first frame within this time: the peer's listener may have judged it
/// unwelcome after our handshake had succeeded.
pub const PROVED_WITHIN: Duration = Duration::from_secs(10);

/// The next address of a peer is tried this long after the one before (RFC 8305).
pub const NEXT_ADDRESS_AFTER: Duration = Duration::from_millis(250);

/// The peer must take at least one byte of what waits for it within this time.
pub const WRITE_STALL_MAX: Duration = Duration::from_secs(5);

/// Bytes taken from a socket with one call: four records.
pub const READ_BYTES: usize = 64 << 10;

/// Reads in a row before what waits to be written gets its turn.
pub const READS_MAX: usize = 4;

/// TLS handshakes of one peer at a time. A recorded knock can be replayed; this bounds what that occupies.
pub const HANDSHAKES_PER_PEER_MAX: usize = 4;

/// After a listener fails to accept (out of file descriptors, say) it tries again, but not at once.
pub const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(50);

/// What the kernel holds of a connection that is not sent yet. More would only wait where it cannot be displaced.
pub const UNSENT_BYTES: u32 = 128 << 10;

/// Acknowledgements must come within this time, and an idle connection is probed after it: a peer whose machine has
/// vanished is noticed in half a minute instead of the reference's two and a half.
pub const TCP_SILENCE_MAX: Duration = Duration::from_secs(20);

/// An idle connection is probed this often (the reference's).
pub const TCP_KEEPALIVE: Duration = Duration::from_secs(15);

/// Learned announcements are stored this long after the first of them, together.
pub const SAVE_AFTER: Duration = Duration::from_secs(5);

/// Changes of connections that a slow listener of [`crate::Host::peer_events`] may lag behind.
pub const PEER_EVENTS_MAX: usize = 1024;

/// Discovery events that may wait. Each peer makes two per connection, and connections are limited.
pub const DISCOVERY_EVENTS_MAX: usize = 4096;
