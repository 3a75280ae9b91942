//! Offchain Reporting version 2: one oracle as a value.
//!
//! The modules follow a round: what everyone agreed on beforehand, what is said, who leads, the steps of a round, and the
//! way to the contract. [`Oracle`] runs one configuration, [`Managed`] a contract's configurations one after another.
//!
//! Not here: sockets, clocks, disks, keys that sign, and the half of a plugin that looks at the world; a host has them.
#![no_std]
extern crate alloc;
#[cfg(test)]
extern crate std;

// What everyone agreed on beforehand.
pub mod config;
pub mod limits;
pub mod transport;

// What is said, signed, remembered and asked.
pub mod message;
pub mod round_id;

pub mod attested;
pub mod signing;

pub mod protocol;
pub mod record;
pub mod refusal;

// One oracle: epochs, the steps of a round, the way to the contract.
pub mod oracle;

mod epoch;
mod round;
mod transmit;

// Who decides what is reported, and one configuration after the other.
pub mod plugin;

pub mod managed;

pub use managed::{Contract, Identity, Managed};
pub use message::Message;
pub use oracle::{LocalConfig, Oracle, Setup};
pub use plugin::{Plugin, PluginFactory, View};
pub use protocol::{Answer, Ask, Decision, Effects, EndpointSpec, Event, Ocr2, Order, Output, Work};
pub use record::{Memory, PendingTransmission, Record, RecordKey};
pub use refusal::Refusal;
pub use round_id::{Epoch, ReportTimestamp, Round, RoundId};
