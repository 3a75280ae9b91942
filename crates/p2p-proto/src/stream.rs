//! Streams: their names, their ids, and what one side grants the other on them.

use crate::PeerId;
use crate::limits::{MESSAGE_BYTES_MAX, STREAM_NAME_BYTES_MAX, STREAMS_MAX};
use alloc::format;
use alloc::string::String;
use core::fmt;

/// The digest of a protocol instance's configuration: the name of a group.
pub type ConfigDigest = [u8; 32];

/// The stream of peer discovery.
pub const DISCOVERY: &str = "ragedisco/v1";

/// The stream of OCR1 (digest mapped by [`ocr1_digest`]), OCR2, OCR3, and of OCR3.1 in default priority.
pub fn ocr_stream(digest: &ConfigDigest) -> String {
    format!("ocr/{}", Hex(digest))
}

/// The stream of OCR3.1 in low priority.
pub fn ocr_low_priority_stream(digest: &ConfigDigest) -> String {
    format!("ocr/{}/priority=low", Hex(digest))
}

/// The 32-byte digest that stands for OCR1's 16 bytes.
pub fn ocr1_digest(digest: &[u8; 16]) -> ConfigDigest {
    let mut mapped = [0; 32];
    mapped[..2].fill(0xee);
    mapped[2..18].copy_from_slice(digest);
    mapped
}

/// What the names of a peer group's streams begin with; `None`: digests of this kind name no peer group.
pub fn peer_group_prefix(digest: &ConfigDigest) -> Option<String> {
    match digest[..2] {
        [0x00, 0x0c] => Some("ccip-rmn/".into()),
        [0x00, 0x0f] => Some(format!("don-to-don-discovery/{}/", Hex(digest))),
        [0x00, 0x10] => Some(format!("don-to-don/{}/", Hex(digest))),
        _ => None,
    }
}

/// Names a stream on the wire; the same for both ends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub [u8; 32]);

impl StreamId {
    /// The id of the stream `name` between `a` and `b`, in either order.
    pub fn new(a: PeerId, b: PeerId, name: &str) -> Self {
        let (larger, smaller) = if a > b { (a, b) } else { (b, a) };
        Self(crypto::Sha256::new().chain(&larger.0).chain(&smaller.0).chain(name.as_bytes()).finish())
    }
}

impl fmt::Debug for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Hex(&self.0), f)
    }
}

/// What one peer may send us on one stream. Rates are per second; both ends derive them from the same configuration.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct StreamLimits {
    /// Bytes of one message.
    pub message_bytes_max: u32,
    /// Messages per second in the long run. Infinite: no limit.
    pub messages_rate: f64,
    /// Messages at once.
    pub messages_capacity: u32,
    /// Payload bytes per second in the long run. Infinite: no limit.
    pub bytes_rate: f64,
    /// Payload bytes at once.
    pub bytes_capacity: u32,
}

/// Which queue the writer looks at first. Never on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Priority {
    #[default]
    Default,
    /// Every eighth message is taken from here first.
    Low,
}

/// A stream as its local end wants it.
#[derive(Clone, PartialEq, Debug)]
pub struct StreamConfig {
    pub name: String,
    pub limits: StreamLimits,
    /// Messages that wait to be sent; a newer one displaces the oldest.
    pub outgoing_messages_max: usize,
    /// Received messages that wait for the application; a newer one displaces the oldest.
    pub incoming_messages_max: usize,
    pub priority: Priority,
    /// Whether the protocol on it uses requests and responses. A peer that opens such a stream is of the new generation.
    pub requests: bool,
}

impl StreamConfig {
    /// Whether a stream like this between `me` and `peer` can be.
    pub fn check(&self, me: PeerId, peer: PeerId) -> Result<(), StreamError> {
        if me == peer {
            return Err(StreamError::Oneself);
        }
        match self.name.len() {
            0 => return Err(StreamError::NameEmpty),
            1..=STREAM_NAME_BYTES_MAX => {}
            got => return Err(StreamError::NameTooLong { got }),
        }
        let StreamLimits { message_bytes_max, messages_rate, bytes_rate, .. } = self.limits;
        if message_bytes_max > MESSAGE_BYTES_MAX {
            return Err(StreamError::MessageTooLong { got: message_bytes_max });
        }
        for rate in [messages_rate, bytes_rate] {
            if rate.is_nan() || rate < 0.0 {
                return Err(StreamError::Rate { got: rate });
            }
        }
        if self.outgoing_messages_max == 0 || self.incoming_messages_max == 0 {
            return Err(StreamError::NoBuffer);
        }
        Ok(())
    }
}

/// Why a stream cannot be opened here.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum StreamError {
    #[error("a stream to oneself")]
    Oneself,
    #[error("a stream without a name")]
    NameEmpty,
    #[error("a stream name of {got} bytes, at most {STREAM_NAME_BYTES_MAX} are allowed")]
    NameTooLong { got: usize },
    #[error("messages of {got} bytes, at most {MESSAGE_BYTES_MAX} are allowed")]
    MessageTooLong { got: u32 },
    #[error("a rate of {got} per second")]
    Rate { got: f64 },
    #[error("a buffer for no message")]
    NoBuffer,
    #[error("the stream is open already")]
    Duplicate,
    #[error("{STREAMS_MAX} streams are open to this peer already")]
    TooMany,
}

/// Lower-case hex.
pub(crate) struct Hex<'a>(pub &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
