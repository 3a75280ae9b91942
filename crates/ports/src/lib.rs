//! The whole outside world on one page: what a host must provide so that a machine can live in it.
//! Nothing is implemented here; `node` does it with sockets, disks and chains, tests do it with values.

use machine::{Protocol, Time};
use std::error::Error;
use std::fmt::{self, Display};
use std::future::Future;
use std::sync::Arc;

/// The world round one machine.
pub trait World<P: Protocol>: Send {
    /// Both clocks, read once.
    fn now(&self) -> Time;

    /// The next thing that the machine must hear of; pending while there is none. Dropping the future loses nothing.
    fn receive(&mut self) -> impl Future<Output = Input<P>> + Send;

    /// Makes the records durable, in order; resolves when they are. An error is final: the machine is stopped.
    fn persist(&mut self, records: Vec<P::Record>) -> impl Future<Output = Result<(), CannotPersist>> + Send;

    /// Brings the message to everyone else in `to` as well as it can and never waits. If the machine itself is in
    /// `to`, its own name is returned and the driver hands the message back to it.
    fn send(&mut self, to: &P::Audience, message: &Arc<P::Message>) -> Option<P::Peer>;

    /// Does slow or fallible work; `None`: it failed, and the world has reported why. Dropping the future cancels it. It is
    /// polled once where the machine runs, so that quick work costs no task, and elsewhere if it must wait.
    fn perform(&mut self, ask: P::Ask) -> impl Future<Output = Option<P::Answer>> + Send + 'static;

    /// Hears what the machine tells.
    fn emit(&mut self, output: P::Output);
}

/// What a world can tell its machine.
#[derive(Debug)]
pub enum Input<P: Protocol> {
    /// A message whose sender the transport has proved.
    Message { from: P::Peer, message: Arc<P::Message> },
    /// Something the host tells the machine unasked.
    Order(P::Order),
    /// The machine's life in this process ends here, in good order.
    Stop,
}

/// A record could not be made durable: the disk is full, unwritable or broken. The machine must not speak again.
#[derive(Debug)]
pub struct CannotPersist(pub Box<dyn Error + Send + Sync>);

impl Display for CannotPersist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot make protocol state durable, so the machine is stopped before it says more: {}", self.0)
    }
}

impl Error for CannotPersist {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}
