//! The JSON-RPC face of a chain: HTTP and WebSocket on one port.

mod accounts;
mod answer;
mod error;
mod host;
mod method;
mod params;
mod serve;
mod session;
mod watch;

pub use accounts::DevAccount;
pub use error::RpcError;
pub use host::{ChainGuard, Host, Mining};
pub use serve::{Options, Server};
