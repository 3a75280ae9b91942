//! What a pipeline run asks of the world: HTTP sources, bridges to external adapters, a random choice. A [`Client`]
//! performs single asks and drives whole runs. What is not here: what is asked and what the answers mean, which is
//! `pipeline`.

mod address; // which addresses are public
mod bridge; //  registered adapters, and their last good responses
mod client; //  one request, with its limits
mod drive; //   one run from beginning to end

pub use address::is_public;
pub use client::{Client, ClientError, Settings};
