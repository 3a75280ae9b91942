//! ragep2p as values: knock, certificate, frames, streams, rate limits, discovery, and when to dial. Time and bytes go in,
//! bytes, events and deadlines come out.
//!
//! Not here: sockets, TLS, clocks and entropy (crate `p2p`), and what an oracle is: peers have names, streams have names.
#![no_std]
extern crate alloc;

pub mod address;
pub mod allowance;
pub mod announcement;
pub mod bucket;
pub mod certificate;
mod connection;
pub mod dial;
pub mod discovery;
mod endpoint;
pub mod frame;
mod key;
pub mod knock;
pub mod limits;
pub mod links;
mod peer;
mod response;
pub mod ring;
mod stream;

pub use bucket::Overdraft;
pub use connection::{CloseReason, Connection, Event, Refusal};
pub use crypto::PeerId;
pub use endpoint::{EndpointConfig, EndpointError};
pub use frame::{Class, Generation, RequestId};
pub use key::Keyring;
pub use machine::Mono;
pub use peer::{Outgoing, OutgoingClass, Peer, ReceiveRules, SendError};
pub use response::ResponsePolicy;
pub use stream::{
    ConfigDigest, DISCOVERY, Priority, StreamConfig, StreamError, StreamId, StreamLimits, ocr_low_priority_stream,
    ocr_stream, ocr1_digest, peer_group_prefix,
};
