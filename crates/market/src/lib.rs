//! A market server: recorded prices ([`Market`]) are replayed at the pace of a [`Replay`] and served as exchange-like HTTP
//! endpoints, each market with a JSON form of its own ([`Form`]); and the job that makes one honest price of them.
//! What is not here: the oracles that ask. Prices are exact decimals from the file to the wire.

mod form; //   how each market writes its prices
mod job; //    the job file of an oracle
pub mod limits;
mod record; // the recorded data
mod replay; // which minute it is
mod server; // the HTTP endpoints // every bound, with its reason

pub use form::Form;
pub use job::{JobFile, Source, observation_source};
pub use record::{Market, MarketError, NoBody, Quote};
pub use replay::{Replay, parse_start};
pub use server::Server;
