//! Runs a machine against its world: the one select loop of the system, and the one place that keeps the law of effects.
//! Knows no protocol version and no adapter.

use futures::FutureExt;
use machine::{Effect, Effects, Event, Machine, Mono, Protocol, Ticket, Time, Verdicts};
use ports::{CannotPersist, Input, World};
use std::collections::{HashMap, VecDeque};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, Sleep};

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
        answered: VecDeque::new(),
        own: VecDeque::new(),
        order: None,
        timer: Timer { sleep: Box::pin(tokio::time::sleep_until(Instant::now())), armed: None },
        out: Effects::default(),
        records: Vec::new(),
        rest: Vec::new(),
    };
    host.hand(machine, world.now(), Event::Woke);
    host.settle(world).await?;
    loop {
        let first = host.next(world, machine.deadline()).await;
        let now = world.now();
        let mut next = Some(first);
        let mut left = BATCH_MAX;
        let mut woke = false;
        while let Some(happened) = next {
            let event = match happened {
                // After what has come in already: it may spare the machine what it wanted to do by now.
                Happened::Woke => {
                    woke = true;
                    next = host.ready(world);
                    continue;
                }
                Happened::Own(from, message) => Event::Received { from, message, verdicts: Verdicts::default() },
                Happened::Input(Input::Message { from, message }) => {
                    Event::Received { from, message, verdicts: Verdicts::default() }
                }
                // An order may change who the machine is and whom it hears. So what is said and heard before it is dealt
                // with before it, and nothing more is heard until its effects have happened: it is a batch of its own.
                Happened::Input(Input::Order(order)) if woke || left < BATCH_MAX => {
                    host.order = Some(order);
                    break;
                }
                Happened::Input(Input::Order(order)) => {
                    left = 1;
                    Event::Told(order)
                }
                // What was handled in this batch is settled first, so that nothing heard is lost.
                Happened::Input(Input::Stop) => return host.settle(world).await,
                Happened::Answered(ticket, answer) => Event::Answered { ticket, answer },
            };
            host.hand(machine, now, event);
            left -= 1;
            next = if left == 0 { None } else { host.ready(world) };
        }
        if woke {
            host.hand(machine, now, Event::Woke);
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
    /// Asks that were answered on the spot.
    answered: VecDeque<(Ticket, Option<P::Answer>)>,
    /// What the machine has sent to itself, waiting behind the durability of what it said before.
    own: VecDeque<(P::Peer, Arc<P::Message>)>,
    /// An order that waits for the batch before it, and for all that the machine says to itself.
    order: Option<P::Order>,
    timer: Timer,
    out: Effects<P>,
    // Their memory is used again and again.
    records: Vec<P::Record>,
    rest: Vec<Effect<P>>,
}

/// Wakes the machine at its deadline, or earlier, which is harmless: a deadline that moves away is not worth a new timer.
struct Timer {
    sleep: Pin<Box<Sleep>>,
    armed: Option<Mono>,
}

impl Timer {
    fn arm(&mut self, deadline: Option<Mono>, now: impl FnOnce() -> Mono) {
        if let Some(deadline) = deadline
            && self.armed.is_none_or(|armed| deadline < armed)
        {
            self.sleep.as_mut().reset(Instant::now() + (deadline - now()));
            self.armed = Some(deadline);
        }
    }

    async fn fired(&mut self) {
        match self.armed {
            Some(_) => self.sleep.as_mut().await,
            None => std::future::pending().await,
        }
        self.armed = None;
    }
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
        if let Some((ticket, answer)) = self.answered.pop_front() {
            return Happened::Answered(ticket, answer);
        }
        self.timer.arm(deadline, || world.now().mono);
        loop {
            tokio::select! {
                biased;
                () = self.timer.fired() => return Happened::Woke,
                Some(joined) = self.asks.join_next() => if let Some(happened) = answered(&mut self.running, joined) {
                    return happened;
                },
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
        if let Some((ticket, answer)) = self.answered.pop_front() {
            return Some(Happened::Answered(ticket, answer));
        }
        while let Some(joined) = self.asks.try_join_next() {
            if let Some(happened) = answered(&mut self.running, joined) {
                return Some(happened);
            }
        }
        world.receive().now_or_never().map(Happened::Input)
    }

    /// Keeps the law: all records of the batch become durable, then everything else happens in order.
    async fn settle<W: World<P>>(&mut self, world: &mut W) -> Result<(), CannotPersist> {
        for effect in self.out.drain() {
            match effect {
                Effect::Persist(record) => self.records.push(record),
                other => self.rest.push(other),
            }
        }
        if !self.records.is_empty() {
            world.persist(std::mem::take(&mut self.records)).await?;
        }
        for effect in self.rest.drain(..) {
            match effect {
                Effect::Persist(_) => unreachable!("records were taken out above"),
                Effect::Send { to, message } => {
                    if let Some(me) = world.send(&to, &message) {
                        self.own.push_back((me, message));
                    }
                }
                Effect::Ask { ticket, ask } => {
                    // Much work is done as soon as it is begun, and needs no task of its own.
                    let mut work = Box::pin(world.perform(ask));
                    match futures::poll!(work.as_mut()) {
                        Poll::Ready(answer) => self.answered.push_back((ticket, answer)),
                        Poll::Pending => {
                            let handle = self.asks.spawn(async move { (ticket, work.await) });
                            self.running.insert(ticket, handle);
                        }
                    }
                }
                Effect::Forget(ticket) => {
                    if let Some(handle) = self.running.remove(&ticket) {
                        handle.abort();
                    }
                    self.answered.retain(|(answered, _)| *answered != ticket);
                }
                Effect::Emit(output) => world.emit(output),
            }
        }
        Ok(())
    }
}

fn answered<P: Protocol>(
    running: &mut HashMap<Ticket, AbortHandle>,
    joined: Result<(Ticket, Option<P::Answer>), tokio::task::JoinError>,
) -> Option<Happened<P>> {
    match joined {
        // One that was forgotten as it ended is wanted no more.
        Ok((ticket, answer)) => running.remove(&ticket).map(|_| Happened::Answered(ticket, answer)),
        // A forgotten ask ends as cancelled: nobody waits for it. A panic is our own mistake and must not be hidden.
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => None,
        },
    }
}
