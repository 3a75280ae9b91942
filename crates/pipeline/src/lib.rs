//! Jobs and their task graphs: a job's text is read and checked ([`Job`]), its `observationSource` becomes a [`Graph`],
//! and one evaluation of it is a machine ([`Run`]) that asks for what it needs from the world.
//! What is not here: sockets, clocks and randomness (`fetch` performs what a run asks), and what is done with the result.
//!
//! On the way from text to value: `job`, `dot`, `graph`, `run`, `task`, `ask`. The files, by name:
#![no_std]
extern crate alloc;

mod address; //   an account on an EVM chain, as people write it
mod ask; //       what a run wants from the world, and the answers
mod decimal; //   exact numbers
mod dot; //       the text of a graph: nodes, attributes, edges
mod duration; //  times as the job format writes them
mod error; //     why a task has no value
mod graph; //     tasks, their order, what is wrong with them
mod job; //       the job's TOML
pub mod limits; // every bound, with its reason
mod parameter; // attribute values: literals, $(variables), JSON with variables
mod run; //       one evaluation, as a machine
mod source; //    where in the file something stands, and what to do about it
mod task; //      the catalogue of tasks, one file per family
mod value; //     what tasks compute

pub use address::parse_address;
pub use ask::{Access, Answer, Ask, BridgeRequest, Failure, Header, Method, Request, Response, bridge_failure};
pub use decimal::{Decimal, DecimalError};
pub use duration::{format_duration, parse_duration};
pub use error::{Excerpt, TaskError};
pub use graph::{Graph, Task, TaskId};
pub use job::{
    Bootstrap, Job, JobKind, JuelsPerFeeCoinCache, LatestAnswer, Median, Offchainreporting2, RelayConfig,
    SigningStrategy, Strictness,
};
pub use run::{Nothing, Outcome, Run, RunError, RunLimits, RunProtocol, TaskRun, observation_time};
pub use source::{Diagnostic, Position, nearest};
pub use value::{ConversionError, TaskResult, Value, Variables};

pub use num_bigint::BigInt;
