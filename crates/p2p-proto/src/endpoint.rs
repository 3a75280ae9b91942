//! An endpoint: one protocol instance's streams to all its other oracles.

use crate::address::Locator;
use crate::discovery::Group;
use crate::{ConfigDigest, PeerId, Priority, StreamConfig, StreamLimits, ocr_stream};
use alloc::vec::Vec;

/// What an endpoint is opened with. Nobody here knows more of an oracle than its position in `peers`.
#[derive(Clone, PartialEq, Debug)]
pub struct EndpointConfig {
    pub digest: ConfigDigest,
    /// In the order of the oracles.
    pub peers: Vec<PeerId>,
    pub bootstrappers: Vec<Locator>,
    /// What each peer may send us; each grants us the same.
    pub limits: StreamLimits,
    /// Messages that wait for one peer.
    pub outgoing_messages_max: usize,
    /// Messages of one peer that wait for the application.
    pub incoming_messages_max: usize,
}

impl EndpointConfig {
    /// The position of `me`.
    pub fn position(&self, me: PeerId) -> Result<usize, EndpointError> {
        if let Some(twice) = (1..self.peers.len()).find(|&i| self.peers[..i].contains(&self.peers[i])) {
            return Err(EndpointError::Twice { peer: self.peers[twice] });
        }
        self.peers.iter().position(|peer| *peer == me).ok_or(EndpointError::NotMember { me })
    }

    /// The stream to each other oracle.
    pub fn stream(&self) -> StreamConfig {
        StreamConfig {
            name: ocr_stream(&self.digest),
            limits: self.limits,
            outgoing_messages_max: self.outgoing_messages_max,
            incoming_messages_max: self.incoming_messages_max,
            priority: Priority::Default,
            requests: false,
        }
    }

    /// What discovery has to know.
    pub fn group(&self) -> Group {
        Group { oracles: self.peers.iter().copied().collect(), bootstrappers: self.bootstrappers.clone() }
    }
}

/// Why an endpoint cannot be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EndpointError {
    #[error("this host, {me}, is not among the peers")]
    NotMember { me: PeerId },
    #[error("{peer} is among the peers twice")]
    Twice { peer: PeerId },
}
