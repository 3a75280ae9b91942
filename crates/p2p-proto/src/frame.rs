//! Frames: what the plaintext of a connection is made of, in both generations of the wire.
//!
//! `type(1) ‖ stream id(32) ‖ payload length(u32, big-endian) [‖ request id(32)] ‖ payload`.

use crate::limits::{MESSAGE_BYTES_MAX, STREAM_NAME_BYTES_MAX};
use crate::{CloseReason, StreamId};
use alloc::vec::Vec;

/// Bytes of a header without a request id.
pub const HEADER_LEN: usize = 37;

/// Bytes of a header with one.
pub const HEADER_WITH_REQUEST_LEN: usize = 69;

/// How a receiver judges. What a sender may write is the same in both, but for requests and responses, which only new
/// knows; there is no negotiation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Generation {
    /// ragep2p: what a reference node speaks by default.
    #[default]
    Old,
    /// ragep2pnew: requests and responses, and an oversized message costs the message instead of the connection.
    New,
}

/// Names one request and its response; random, chosen by who asks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct RequestId(pub [u8; 32]);

/// What a message is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    Plain,
    Request(RequestId),
    Response(RequestId),
}

/// What a frame is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// The sender has this stream open now. The payload is its name.
    Open,
    /// The sender no longer has it. No payload.
    Close,
    /// One message. The payload is it.
    Message(Class),
}

/// The head of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    pub kind: Kind,
    pub stream: StreamId,
    pub payload_length: u32,
}

impl Header {
    /// Reads a header from the front of `bytes`: it and its length, or `None` while it is incomplete. Judges the type
    /// only: old when 37 bytes are there, new at the first.
    pub fn decode(generation: Generation, bytes: &[u8]) -> Result<Option<(Self, usize)>, CloseReason> {
        let Some(&first) = bytes.first() else { return Ok(None) };
        if generation == Generation::Old && bytes.len() < HEADER_LEN {
            return Ok(None);
        }
        let with_request = match (first, generation) {
            (1..=3, _) => false,
            (4 | 5, Generation::New) => true,
            (got, Generation::Old | Generation::New) => return Err(CloseReason::FrameType { got }),
        };
        let length = if with_request { HEADER_WITH_REQUEST_LEN } else { HEADER_LEN };
        if bytes.len() < length {
            return Ok(None);
        }
        let array = |from: usize| core::array::from_fn::<u8, 32, _>(|i| bytes[from + i]);
        let kind = match first {
            1 => Kind::Open,
            2 => Kind::Close,
            3 => Kind::Message(Class::Plain),
            4 => Kind::Message(Class::Request(RequestId(array(HEADER_LEN)))),
            _ => Kind::Message(Class::Response(RequestId(array(HEADER_LEN)))),
        };
        let payload_length = u32::from_be_bytes([bytes[33], bytes[34], bytes[35], bytes[36]]);
        Ok(Some((Header { kind, stream: StreamId(array(1)), payload_length }, length)))
    }

    /// How many bytes a header that starts with `first` will have, as far as is known: 0 bytes known wants 1 or all.
    pub(crate) fn wanted(generation: Generation, first: Option<u8>) -> usize {
        match (generation, first) {
            (Generation::Old, _) => HEADER_LEN,
            (Generation::New, None) => 1,
            (Generation::New, Some(4 | 5)) => HEADER_WITH_REQUEST_LEN,
            (Generation::New, Some(_)) => HEADER_LEN,
        }
    }

    /// The rules of lengths that need no stream: breaking one costs the connection.
    pub fn judge(&self, generation: Generation) -> Result<(), CloseReason> {
        let got = self.payload_length;
        match self.kind {
            Kind::Message(_) if got > MESSAGE_BYTES_MAX => Err(CloseReason::PayloadTooLong { got }),
            Kind::Message(_) => Ok(()),
            Kind::Open if got == 0 && generation == Generation::Old => Err(CloseReason::NameEmpty),
            Kind::Open if got as usize > STREAM_NAME_BYTES_MAX => Err(CloseReason::NameTooLong { got }),
            Kind::Open => Ok(()),
            Kind::Close if got != 0 => Err(CloseReason::CloseWithPayload { got }),
            Kind::Close => Ok(()),
        }
    }

    /// Appends the header to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let (tag, request) = match &self.kind {
            Kind::Open => (1, None),
            Kind::Close => (2, None),
            Kind::Message(Class::Plain) => (3, None),
            Kind::Message(Class::Request(id)) => (4, Some(id)),
            Kind::Message(Class::Response(id)) => (5, Some(id)),
        };
        out.push(tag);
        out.extend_from_slice(&self.stream.0);
        out.extend_from_slice(&self.payload_length.to_be_bytes());
        if let Some(id) = request {
            out.extend_from_slice(&id.0);
        }
    }
}
