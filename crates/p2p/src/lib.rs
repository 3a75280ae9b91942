//! TCP and TLS for `p2p-proto`: moves bytes between named peers, over one connection per pair.
//!
//! Not here: the rules of the wire, which are values in `p2p-proto`, and what an oracle is: a peer has a name and a
//! position.

mod counters;
mod dial;
mod endpoint;
mod gate;
mod gossip;
mod host;
mod inbox;
mod limits;
mod link;
mod listen;
mod relay;
mod remote;
mod shared;
mod store;
mod tls;

pub use counters::{Counter, Counters, PeerCounters};
pub use endpoint::{BootstrapGroup, Endpoint, SendError};
pub use gate::GateLimits;
pub use gossip::JoinError;
pub use host::{Host, HostConfig, OpenError, PeerEvent, PeerStatus, StartError, Stopped};
pub use p2p_proto::address::{Locator, LocatorError};
pub use p2p_proto::discovery::DiscoveryConfig;
pub use p2p_proto::{ConfigDigest, EndpointConfig, Generation, Keyring, PeerId, StreamLimits};
pub use relay::Relay;
pub use shared::ReachError;
pub use store::{AnnouncementStore, MemoryStore, StoreError, Stored};
