//! The ordered list of what must now happen.

use crate::{Protocol, Ticket};
use alloc::sync::Arc;
use alloc::vec::{Drain, Vec};

/// One thing that must happen.
#[derive(Debug)]
pub enum Effect<P: Protocol> {
    /// Make the record durable before anything that stands after it.
    Persist(P::Record),
    /// Bring the message to everyone in `to`; the machine itself may be among them.
    Send { to: P::Audience, message: Arc<P::Message> },
    /// Begin slow work; its outcome comes back as [`crate::Event::Answered`] with this ticket, at most once.
    Ask { ticket: Ticket, ask: P::Ask },
    /// The outcome of this ask is no longer wanted; the host may cancel the work.
    Forget(Ticket),
    /// Tell the host.
    Emit(P::Output),
}

/// Effects in order, in a buffer that the host reuses.
#[derive(Debug)]
pub struct Effects<P: Protocol>(Vec<Effect<P>>);

impl<P: Protocol> Default for Effects<P> {
    fn default() -> Self {
        Effects(Vec::new())
    }
}

impl<P: Protocol> Effects<P> {
    /// Appends [`Effect::Persist`].
    pub fn persist(&mut self, record: P::Record) {
        self.0.push(Effect::Persist(record));
    }

    /// Appends [`Effect::Send`].
    pub fn send(&mut self, to: P::Audience, message: impl Into<Arc<P::Message>>) {
        self.0.push(Effect::Send { to, message: message.into() });
    }

    /// Appends [`Effect::Ask`].
    pub fn ask(&mut self, ticket: Ticket, ask: P::Ask) {
        self.0.push(Effect::Ask { ticket, ask });
    }

    /// Appends [`Effect::Forget`].
    pub fn forget(&mut self, ticket: Ticket) {
        self.0.push(Effect::Forget(ticket));
    }

    /// Appends [`Effect::Emit`].
    pub fn emit(&mut self, output: impl Into<P::Output>) {
        self.0.push(Effect::Emit(output.into()));
    }

    /// Appends any effect; for wrappers that change the effects of another machine.
    pub fn push(&mut self, effect: Effect<P>) {
        self.0.push(effect);
    }

    /// Takes all effects out, in order, and leaves the buffer's memory in place.
    pub fn drain(&mut self) -> Drain<'_, Effect<P>> {
        self.0.drain(..)
    }

    /// The effects so far.
    pub fn as_slice(&self) -> &[Effect<P>] {
        &self.0
    }

    /// Whether nothing has to happen.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
