//! Everything that touches an EVM chain over JSON-RPC: several endpoints as one, the work that the machines of
//! `evm-proto` ask for, contract reads, and an account for tools.
//!
//! Not here: what to do with what was read (the machines decide), and how machines are run (`driver`).
//!
//! ```text
//! endpoint      one URL: one call at a time, bounded in time and size, its errors named and free of secrets
//! endpoints     several as one: who is asked first, when the next one is asked, what counts as lagging
//! heads         each endpoint is watched: its chain id, its head
//! tracking      performs the asks of evm_proto::tracker
//! sending       performs the asks of evm_proto::transactions
//! aggregator    what an OCR2 contract says now
//! transmitter   a report as a submission
//! account       deploying and calling directly, for tools
//! ```

pub mod account;
pub mod aggregator;
pub mod endpoint;
pub mod endpoints;
pub mod error;
mod heads;
mod json_rpc;
pub mod limits;
pub mod sending;
mod shown;
pub mod tracking;
pub mod transmitter;
mod verdict;

pub use account::{Account, SendError, Sender};
pub use aggregator::{Aggregator, Transmission};
pub use endpoint::{EndpointConfig, EndpointHealth, EndpointState};
pub use endpoints::{CallReport, DialError, Endpoints, Settings};
pub use error::{CallError, Failure, ReadError};
pub use sending::TransactionAsks;
pub use shown::masked;
pub use tracking::TrackerAsks;
pub use transmitter::Transmitter;
