//! `dodona inspect`: protocol bytes taken apart, and what the protocol computes, as JSON on stdout. The same code that
//! the node runs; fields are named as in the vectors of `spec/vectors`.

mod announcement;
mod contract_config;
mod input;
mod message;
mod offchain_config;
mod order;
mod peer_id;
mod report;

pub use contract_config::{ConfigDocument, HexText, Number};

use crate::cli::{Failure, print_json};
use clap::{Args, Subcommand};
use input::Input;

#[derive(Debug, Subcommand)]
pub enum InspectCommand {
    /// The config digest of {chainId, contract, configCount, signers, transmitters, f, onchainConfig,
    /// offchainConfigVersion, offchainConfig}
    Digest(Given),

    /// An offchain config from its bytes in hex; or a whole contract config (JSON as for `digest`), with every check
    OffchainConfig(Given),

    /// The leaders of consecutive epochs
    Leaders(order::LeadersArgs),

    /// Who transmits at which stage, by oracle
    Schedule(order::ScheduleArgs),

    /// An OCR2 message from its bytes
    Message(Given),

    /// A report of the median plugin for the EVM from its bytes
    Report(Given),

    /// A peer id from its text, its 38 bytes or its public key
    PeerId(Given),

    /// A discovery message, or an announcement alone, from its bytes
    Announcement(Given),
}

/// What is inspected.
#[derive(Clone, Debug, Args)]
pub struct Given {
    /// Hex (0x or not) or JSON; read from stdin if absent or -
    #[arg(value_name = "HEX|JSON", allow_hyphen_values = true)]
    value: Option<String>,
}

pub fn run(command: InspectCommand) -> Result<(), Failure> {
    match command {
        InspectCommand::Digest(given) => print_json(&contract_config::digest(&Input::take(given.value)?)?),
        InspectCommand::OffchainConfig(given) => print_json(&offchain_config::explain(&Input::take(given.value)?)?),
        InspectCommand::Leaders(args) => print_json(&order::leaders(&args)?),
        InspectCommand::Schedule(args) => print_json(&order::schedule(&args)?),
        InspectCommand::Message(given) => print_json(&message::explain(&Input::take(given.value)?)?),
        InspectCommand::Report(given) => print_json(&report::explain(&Input::take(given.value)?)?),
        InspectCommand::PeerId(given) => print_json(&peer_id::explain(&Input::take(given.value)?)?),
        InspectCommand::Announcement(given) => print_json(&announcement::explain(&Input::take(given.value)?)?),
    }
}
