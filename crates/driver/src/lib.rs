//! Runs a machine against its world: the one select loop of the system, and the one place that keeps the law of effects.
//! Knows no protocol version and no adapter.

use futures::FutureExt;
use machine::{Effect, Effects, Event, Machine, Mono, Protocol, Ticket, Time, Verdicts};
use ports::{CannotPersist, Input, World};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use tokio::task::{AbortHandle, JoinSet};

/// How many events are handled before their records are made durable in one sync. More would let a flood delay what the
/// first of them has to say; fewer would cost a sync each under load.
const BATCH_MAX: usize = 64;

/// Runs `machine` until its world says [`Input::Stop`], or a record cannot be made durable.
pub async fn run<M, W>(machine: &mut M, world: &mut W) -> Result<(), CannotPersist>
where
    M: Machine<Protocol: Protocol<Answer: Send + 'static>>,
    W: World<M::Protocol>,
{
    let mut host = Host {
        asks: JoinSet::new(),
        running: HashMap::new(),
        own: VecDeque::new(),
        order: None,
        out: Effects::default(),
    };
    host.hand(machine, world.now(), Event::Woke);
    host.settle(world).await?;
    loop {
        let first = host.next(world, machine.deadline()).await;
        let now = world.now();
        let mut next = Some(first);
        let mut left = BATCH_MAX;
        while let Some(happened) = next {
            let event = match happened {
                Happened::Woke => Event::Woke,
                Happened::Own(from, message) => Event::Received { from, message, verdicts: Verdicts::default() },
                Happened::Input(Input::Message { from, message }) => {
                    Event::Received { from, message, verdicts: Verdicts::default() }
                }
                // An order may change who the machine is and whom it hears. So what is said and heard before it is dealt
                // with before it, and nothing more is heard until its effects have happened: it is a batch of its own.
                Happened::Input(Input::Order(order)) if left < BATCH_MAX => {
                    host.order = Some(order);
                    break;
                }
                Happened::Input(Input::Order(order)) => {
                    left = 1;
                    Event::Told(order)
                }
                // What was handled in this batch is settled first, so that nothing heard is lost.
                Happened::Input(Input::Stop) => return host.settle(world).await,
                Happened::Answered(ticket, answer) => match host.running.remove(&ticket) {
                    Some(_) => Event::Answered { ticket, answer },
                    None => {
                        next = host.ready(world);
                        continue;
                    }
                },
            };
            host.hand(machine, now, event);
            left -= 1;
            next = if left == 0 { None } else { host.ready(world) };
        }
        host.settle(world).await?;
    }
}

enum Happened<P: Protocol> {
    Woke,
    Own(P::Peer, Arc<P::Message>),
    Input(Input<P>),
    Answered(Ticket, Option<P::Answer>),
}

struct Host<P: Protocol> {
    asks: JoinSet<(Ticket, Option<P::Answer>)>,
    /// Asks whose answer is still wanted. A lookup by ticket only, so its order never matters.
    running: HashMap<Ticket, AbortHandle>,
    /// What the machine has sent to itself, waiting behind the durability of what it said before.
    own: VecDeque<(P::Peer, Arc<P::Message>)>,
    /// An order that waits for the batch before it, and for all that the machine says to itself.
    order: Option<P::Order>,
    out: Effects<P>,
}

impl<P: Protocol<Answer: Send + 'static>> Host<P> {
    fn hand<M: Machine<Protocol = P>>(&mut self, machine: &mut M, now: Time, event: Event<P>) {
        machine.handle(now, event, &mut self.out);
    }

    /// Waits for whatever happens first. The order of the branches is the order of preference, so that an oracle under
    /// a flood of messages still sees its own timers and answers.
    async fn next<W: World<P>>(&mut self, world: &mut W, deadline: Option<Mono>) -> Happened<P> {
        if let Some((from, message)) = self.own.pop_front() {
            return Happened::Own(from, message);
        }
        if let Some(order) = self.order.take() {
            return Happened::Input(Input::Order(order));
        }
        let until = deadline.map(|deadline| tokio::time::Instant::now() + (deadline - world.now().mono));
        loop {
            tokio::select! {
                biased;
                () = sleep(until) => return Happened::Woke,
                Some(joined) = self.asks.join_next() => if let Some(happened) = answered(joined) { return happened },
                input = world.receive() => return Happened::Input(input),
            }
        }
    }

    /// What has happened already, without waiting.
    fn ready<W: World<P>>(&mut self, world: &mut W) -> Option<Happened<P>> {
        if let Some((from, message)) = self.own.pop_front() {
            return Some(Happened::Own(from, message));
        }
        if self.order.is_some() {
            return None;
        }
        while let Some(joined) = self.asks.try_join_next() {
            if let Some(happened) = answered(joined) {
                return Some(happened);
            }
        }
        world.receive().now_or_never().map(Happened::Input)
    }

    /// Keeps the law: all records of the batch become durable, then everything else happens in order.
    async fn settle<W: World<P>>(&mut self, world: &mut W) -> Result<(), CannotPersist> {
        let mut records = Vec::new();
        let mut rest = Vec::new();
        for effect in self.out.drain() {
            match effect {
                Effect::Persist(record) => records.push(record),
                other => rest.push(other),
            }
        }
        if !records.is_empty() {
            world.persist(records).await?;
        }
        for effect in rest {
            match effect {
                Effect::Persist(_) => unreachable!("records were taken out above"),
                Effect::Send { to, message } => {
                    if let Some(me) = world.send(&to, &message) {
                        self.own.push_back((me, message));
                    }
                }
                Effect::Ask { ticket, ask } => {
                    let work = world.perform(ask);
                    let handle = self.asks.spawn(async move { (ticket, work.await) });
                    self.running.insert(ticket, handle);
                }
                Effect::Forget(ticket) => {
                    if let Some(handle) = self.running.remove(&ticket) {
                        handle.abort();
                    }
                }
                Effect::Emit(output) => world.emit(output),
            }
        }
        Ok(())
    }
}

async fn sleep(until: Option<tokio::time::Instant>) {
    match until {
        Some(until) => tokio::time::sleep_until(until).await,
        None => std::future::pending().await,
    }
}

fn answered<P: Protocol>(joined: Result<(Ticket, Option<P::Answer>), tokio::task::JoinError>) -> Option<Happened<P>> {
    match joined {
        Ok((ticket, answer)) => Some(Happened::Answered(ticket, answer)),
        // A forgotten ask ends as cancelled: nobody waits for it. A panic is our own mistake and must not be hidden.
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => None,
        },
    }
}
