//! The seam: a protocol is a value that is handed one event and appends to an ordered list what must now happen.
//! No clock, socket, disk, thread or entropy is here; hosts (`driver`, `sim`) bring them and obey the law of effects.
//!
//! # The law of effects
//!
//! 1. Effects happen in the order in which they stand.
//! 2. Nothing after a [`Effect::Persist`] happens before its record is durable. Persisting earlier is lawful (a host may
//!    gather the records of many events into one sync); speaking earlier never is.
//! 3. A host that cannot persist stops the machine for good: it hands it no further event and performs none of the
//!    effects that stand after the record.
//! 4. The newest record of each [`Record::Key`] survives, and the machine is recovered from what survived.
//! 5. What a machine sends to itself comes back as [`Event::Received`], through the same queue as everyone else's.
//! 6. Events of one sender are handed over in the order in which they were sent.
//! 7. An order may change who the machine is and whom it hears. What was said and heard before it is dealt with before it,
//!    the machine's messages to itself included, and its effects happen before anything more is handed over.
#![no_std]
extern crate alloc;

mod effects;
mod record;
mod time;

pub use crypto::{Claim, Verdicts};
pub use effects::{Effect, Effects};
pub use record::{CorruptRecord, Record, RecordReader, write_sized};
pub use time::{Mono, Time, Wall};

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::Debug;

/// The words of one protocol: what can come in and what can go out.
pub trait Protocol {
    /// Who a message is from: proved by the transport, and in range.
    type Peer: Copy + Debug;
    /// Whom a message is for: one peer or many.
    type Audience: Clone + Debug;
    /// What peers say to each other.
    type Message: Debug;
    /// What must survive a crash.
    type Record: Record + Debug;
    /// Slow or fallible work that the host does: a chain read, a plugin's observation, a signature.
    type Ask: Debug;
    /// What such work yields; the protocol pairs each kind of ask with one kind of answer.
    type Answer: Debug;
    /// What the host tells the machine unasked: a new configuration, a report to bring to the chain.
    type Order: Debug;
    /// What the machine tells its host: results, refusals, telemetry.
    type Output: Debug;
}

/// One speaker of a protocol.
pub trait Machine {
    /// The words it speaks.
    type Protocol: Protocol;

    /// Appends the signatures that [`Machine::handle`] would check if it received `message` now. A host may check them
    /// beforehand on other cores and hand in the verdicts; it must not rely on the list being complete or current.
    fn claims(
        &self,
        from: <Self::Protocol as Protocol>::Peer,
        message: &<Self::Protocol as Protocol>::Message,
        claims: &mut Vec<Claim>,
    ) {
        let _ = (from, message, claims);
    }

    /// Takes one event and appends what must now happen.
    fn handle(&mut self, now: Time, event: Event<Self::Protocol>, out: &mut Effects<Self::Protocol>);

    /// When the machine wants [`Event::Woke`] at the latest; `None` while it waits for others only.
    /// Waking it earlier or more often is harmless.
    fn deadline(&self) -> Option<Mono>;
}

impl<M: Machine + ?Sized> Machine for Box<M> {
    type Protocol = M::Protocol;

    fn claims(
        &self,
        from: <Self::Protocol as Protocol>::Peer,
        message: &<Self::Protocol as Protocol>::Message,
        claims: &mut Vec<Claim>,
    ) {
        (**self).claims(from, message, claims);
    }

    fn handle(&mut self, now: Time, event: Event<Self::Protocol>, out: &mut Effects<Self::Protocol>) {
        (**self).handle(now, event, out);
    }

    fn deadline(&self) -> Option<Mono> {
        (**self).deadline()
    }
}

/// What can happen to a machine.
#[derive(Debug)]
pub enum Event<P: Protocol> {
    /// Time has passed. Also the first event of every machine: it starts what it has to start.
    Woke,
    /// A message of a peer, or of the machine itself. Shared, because a host hands one broadcast to many.
    Received { from: P::Peer, message: Arc<P::Message>, verdicts: Verdicts },
    /// The outcome of an [`Effect::Ask`]; `None`: it failed and the host has reported why. A ticket that the machine does
    /// not hold (any more) is answered to no effect.
    Answered { ticket: Ticket, answer: Option<P::Answer> },
    /// The host tells the machine something unasked.
    Told(P::Order),
}

/// Names one [`Effect::Ask`] of one machine; never used twice within the life of a process.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Ticket(pub u64);

/// Issues tickets in ascending order.
#[derive(Clone, Debug, Default)]
pub struct Tickets(u64);

impl Tickets {
    /// A ticket that was never issued before.
    pub fn issue(&mut self) -> Ticket {
        self.0 += 1;
        Ticket(self.0)
    }
}
