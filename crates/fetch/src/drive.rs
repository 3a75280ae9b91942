//! One run from beginning to end.

use crate::client::Client;
use futures::StreamExt;
use futures::future::{AbortHandle, abortable};
use futures::stream::FuturesUnordered;
use machine::{Effect, Effects, Event, Machine, Mono, Ticket, Time, Wall};
use pipeline::{Graph, Outcome, Run, RunLimits, Variables};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::{Instant, sleep_until};

impl Client {
    /// Evaluates a graph of this job (any name that is the job's own), with all its requests side by side. It returns
    /// within `limits.run_time`; dropping the future cancels everything.
    pub async fn run(&self, job: &str, graph: Arc<Graph>, variables: Variables, limits: RunLimits) -> Outcome {
        let origin = Instant::now();
        let mut run = Run::new(graph, variables, limits, now(origin));
        let mut effects = Effects::default();
        let mut under_way = FuturesUnordered::new();
        let mut handles: BTreeMap<Ticket, AbortHandle> = BTreeMap::new();
        let mut event = Event::Woke;
        loop {
            run.handle(now(origin), event, &mut effects);
            for effect in effects.drain() {
                match effect {
                    Effect::Ask { ticket, ask } => {
                        let (asking, handle) = abortable(async move { (ticket, self.perform(job, ask).await) });
                        handles.insert(ticket, handle);
                        under_way.push(asking);
                    }
                    Effect::Forget(ticket) => {
                        if let Some(handle) = handles.remove(&ticket) {
                            handle.abort();
                        }
                    }
                    // The last word of a run; what is still under way is dropped with the rest.
                    Effect::Emit(outcome) => return outcome,
                    Effect::Persist(record) => match record {},
                    Effect::Send { to, .. } => match to {},
                }
            }
            // A run that is not over waits for an answer or a time, and every answer has its time.
            let deadline = origin + run.deadline().map_or(Duration::ZERO, |Mono(nanos)| Duration::from_nanos(nanos));
            event = tokio::select! {
                Some(answered) = under_way.next() => match answered {
                    Ok((ticket, answer)) => {
                        handles.remove(&ticket);
                        Event::Answered { ticket, answer: Some(answer) }
                    }
                    // What was forgotten is gone now.
                    Err(_aborted) => Event::Woke,
                },
                () = sleep_until(deadline) => Event::Woke,
            };
        }
    }
}

fn now(origin: Instant) -> Time {
    let nanos = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time { mono: Mono(nanos(origin.elapsed())), wall: Wall(nanos(wall)) }
}
