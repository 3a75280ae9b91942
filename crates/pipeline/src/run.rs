//! One evaluation of a graph, as a machine (node spec 4.2, 4.3): it asks for what it needs from the world and emits one
//! [`Outcome`].

use crate::ask::{Answer, Ask};
use crate::error::TaskError;
use crate::graph::{Graph, Task, TaskId};
use crate::limits::{REQUEST_TIME, RUN_TIME};
use crate::parameter::Scope;
use crate::task::{Kind, Step};
use crate::value::{TaskResult, Value, Variables};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;
use machine::{CorruptRecord, Effects, Event, Machine, Mono, Protocol, Record, Ticket, Tickets, Time, Wall};
use num_bigint::BigInt;

/// The words of a run: asks, answers and one outcome; it has no peers and keeps nothing.
#[derive(Debug)]
pub struct RunProtocol;

/// A word that is never said.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Nothing {}

impl Protocol for RunProtocol {
    type Peer = Nothing;
    type Audience = Nothing;
    type Message = Nothing;
    type Record = Nothing;
    type Ask = Ask;
    type Answer = Answer;
    type Order = Nothing;
    type Output = Outcome;
}

/// How much time a run and its tasks have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RunLimits {
    /// For the whole run. When it is over, what is still awaited fails, and the rest is computed without it.
    pub run_time: Duration,
    /// For each attempt of each task (`maxTaskDuration` of the job).
    pub task_time: Option<Duration>,
    /// For a request whose task has no `timeout` (`JobPipeline.HTTPRequest.DefaultTimeout`).
    pub request_time: Duration,
}

impl Default for RunLimits {
    fn default() -> Self {
        RunLimits { run_time: RUN_TIME, task_time: None, request_time: REQUEST_TIME }
    }
}

/// What an observation's time limit leaves for the pipeline: less 100 ms or a tenth, whichever is less, so that a result
/// with tolerated faults still comes in time (node spec 3.5).
pub fn observation_time(limit: Duration) -> Duration {
    limit - Duration::from_millis(100).min(limit / 10)
}

/// One evaluation of a graph.
#[derive(Debug)]
pub struct Run {
    graph: Arc<Graph>,
    variables: Variables,
    limits: RunLimits,
    ends: Mono,
    started: Wall,
    tickets: Tickets,
    states: Vec<State>,
    /// A task with `failEarly` has failed: nothing new begins.
    failed_early: bool,
    /// The outcome was emitted.
    over: bool,
}

#[derive(Debug)]
enum State {
    /// For its predecessors.
    Waiting,
    Asked {
        ticket: Ticket,
        attempt: u32,
        begun: Mono,
        began: Wall,
        deadline: Mono,
    },
    /// Until the next attempt.
    Resting {
        attempt: u32,
        began: Wall,
        until: Mono,
        error: TaskError,
    },
    Finished(TaskRun),
}

/// What came of one task.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TaskRun {
    pub result: TaskResult,
    /// How often it was tried; 0 if it was cancelled before.
    pub attempts: u32,
    pub began: Wall,
    pub ended: Wall,
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub graph: Arc<Graph>,
    /// One for each task of the graph, in its order.
    pub tasks: Vec<TaskRun>,
    /// A task with `failEarly` failed; such a run is not recorded.
    pub failed_early: bool,
    pub began: Wall,
    pub ended: Wall,
}

/// Why a run yields no observation.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RunError {
    /// The terminal task has no value.
    #[error("task `{task}` failed: {error}")]
    Task { task: String, error: TaskError },
    /// An observation is one value.
    #[error("the graph ends in {got} tasks; an observation needs exactly one")]
    Outputs { got: usize },
    /// The terminal task's value is not a number.
    #[error("the value of task `{task}` is not a number: {got}")]
    NotANumber { task: String, got: crate::Excerpt },
}

impl Outcome {
    /// The results of the terminal tasks, in the order of their `index`.
    pub fn outputs(&self) -> impl Iterator<Item = (&Task, &TaskResult)> {
        self.graph.terminals().iter().map(|id| (&self.graph.tasks()[id.0], &self.tasks[id.0].result))
    }

    /// The one output.
    pub fn value(&self) -> Result<&Value, RunError> {
        let mut outputs = self.outputs();
        match (outputs.next(), outputs.next()) {
            (Some((_, Ok(value))), None) => Ok(value),
            (Some((task, Err(error))), None) => Err(RunError::Task { task: task.name.clone(), error: error.clone() }),
            _ => Err(RunError::Outputs { got: self.graph.terminals().len() }),
        }
    }

    /// The one output as an integer, truncated towards zero: the observation (node spec 3.5).
    pub fn observation(&self) -> Result<BigInt, RunError> {
        let value = self.value()?;
        let number = value.to_decimal().map_err(|_| RunError::NotANumber {
            task: self.outputs().next().map(|(task, _)| task.name.clone()).unwrap_or_default(),
            got: value.excerpt(),
        })?;
        Ok(number.truncate())
    }

    /// The tasks that failed, with their errors, in the order of the graph.
    pub fn errors(&self) -> impl Iterator<Item = (&Task, &TaskError)> {
        self.graph.tasks().iter().zip(&self.tasks).filter_map(|(task, run)| Some((task, run.result.as_ref().err()?)))
    }
}

impl Run {
    /// A run that begins now; hand it [`Event::Woke`] first.
    pub fn new(graph: Arc<Graph>, variables: Variables, limits: RunLimits, now: Time) -> Run {
        let states = graph.tasks().iter().map(|_| State::Waiting).collect();
        let ends = now.mono + limits.run_time;
        let tickets = Tickets::default();
        Run { graph, variables, limits, ends, started: now.wall, tickets, states, failed_early: false, over: false }
    }

    /// Begins what can begin, until everything is done or waits for the world.
    fn advance(&mut self, now: Time, out: &mut Effects<RunProtocol>) {
        // One pass suffices: predecessors stand before their successors.
        for id in (0..self.states.len()).map(TaskId) {
            let task = &self.graph.tasks()[id.0];
            match &self.states[id.0] {
                State::Waiting if task.predecessors.iter().all(|before| self.is_finished(*before)) => {
                    self.attempt(id, 1, now.wall, now, out);
                }
                State::Waiting | State::Asked { .. } | State::Resting { .. } | State::Finished(_) => {}
            }
        }
        if !self.over && self.states.iter().all(|state| matches!(state, State::Finished(_))) {
            self.over = true;
            let tasks = self
                .states
                .iter()
                .filter_map(|state| if let State::Finished(run) = state { Some(run.clone()) } else { None });
            out.emit(Outcome {
                graph: self.graph.clone(),
                tasks: tasks.collect(),
                failed_early: self.failed_early,
                began: self.started,
                ended: now.wall,
            });
        }
    }

    /// Tries the task once.
    fn attempt(&mut self, id: TaskId, attempt: u32, began: Wall, now: Time, out: &mut Effects<RunProtocol>) {
        let task = &self.graph.tasks()[id.0];
        match self.with_scope(id, |scope| evaluate(task, scope)) {
            Ok(Step::Done(value)) => self.finish(id, attempt, began, now, value.checked()),
            // The same inputs would give the same error: only what asks the world is tried again.
            Err(error) => self.finish(id, attempt, began, now, Err(error)),
            Ok(Step::Ask(ask)) => {
                let deadline = self.attempt_deadline(task, now);
                if deadline <= now.mono {
                    return self.failed(id, attempt, began, now, TaskError::TimedOut(Duration::ZERO));
                }
                let ticket = self.tickets.issue();
                self.states[id.0] = State::Asked { ticket, attempt, begun: now.mono, began, deadline };
                out.ask(ticket, ask);
            }
        }
    }

    /// The earliest of what the run, the job and the task allow.
    fn attempt_deadline(&self, task: &Task, now: Time) -> Mono {
        let is_request = matches!(task.kind, Kind::Http(_) | Kind::Bridge(_));
        let own = match task.timeout {
            None => is_request.then_some(self.limits.request_time),
            Some(time) => (!time.is_zero()).then_some(time),
        };
        let limits = [own, self.limits.task_time].into_iter().flatten().map(|time| now.mono + time);
        limits.fold(self.ends, Mono::min)
    }

    /// An attempt that asked the world has failed: another one, or the end of the task.
    fn failed(&mut self, id: TaskId, attempt: u32, began: Wall, now: Time, error: TaskError) {
        let task = &self.graph.tasks()[id.0];
        // An attempt that could only begin after the run's end is not worth waiting for.
        let until = now.mono + backoff(task, attempt);
        if attempt < task.attempts && !task.fail_early && !self.failed_early && until < self.ends {
            self.states[id.0] = State::Resting { attempt, began, until, error };
        } else {
            self.finish(id, attempt, began, now, Err(error));
        }
    }

    fn finish(&mut self, id: TaskId, attempts: u32, began: Wall, now: Time, result: TaskResult) {
        if result.is_err() && self.graph.tasks()[id.0].fail_early && !self.failed_early {
            self.failed_early = true;
            // What is under way goes on; nothing begins, and nothing is tried again (node spec 4.3).
            for state in &mut self.states {
                let (result, attempts, began) = match state {
                    State::Waiting => (Err(TaskError::Cancelled), 0, now.wall),
                    State::Resting { attempt, began, error, .. } => (Err(error.clone()), *attempt, *began),
                    State::Asked { .. } | State::Finished(_) => continue,
                };
                *state = State::Finished(TaskRun { result, attempts, began, ended: now.wall });
            }
        }
        self.states[id.0] = State::Finished(TaskRun { result, attempts, began, ended: now.wall });
    }

    /// Lets what is overdue fail and what has rested begin again.
    fn on_woke(&mut self, now: Time, out: &mut Effects<RunProtocol>) {
        for id in (0..self.states.len()).map(TaskId) {
            match self.states[id.0] {
                State::Asked { ticket, attempt, begun, began, deadline } if deadline <= now.mono => {
                    out.forget(ticket);
                    self.failed(id, attempt, began, now, TaskError::TimedOut(deadline - begun));
                }
                State::Resting { attempt, began, until, .. } if until <= now.mono => {
                    self.attempt(id, attempt + 1, began, now, out);
                }
                State::Waiting | State::Asked { .. } | State::Resting { .. } | State::Finished(_) => {}
            }
        }
    }

    fn on_answered(&mut self, answered: Ticket, answer: Option<Answer>, now: Time) {
        let asked = self.states.iter().enumerate().find_map(|(id, state)| match state {
            State::Asked { ticket, attempt, began, .. } if *ticket == answered => Some((TaskId(id), *attempt, *began)),
            State::Waiting | State::Asked { .. } | State::Resting { .. } | State::Finished(_) => None,
        });
        // A ticket that was forgotten: the answer has no addressee any more.
        let Some((id, attempt, began)) = asked else { return };
        let task = &self.graph.tasks()[id.0];
        let result = match answer {
            Some(answer) => self.with_scope(id, |scope| task.kind.conclude(scope, answer)),
            None => Err(TaskError::NoAnswer),
        };
        match result.and_then(Value::checked) {
            Ok(value) => self.finish(id, attempt, began, now, Ok(value)),
            Err(error) => self.failed(id, attempt, began, now, error),
        }
    }

    fn with_scope<T>(&self, id: TaskId, then: impl FnOnce(&Scope) -> T) -> T {
        let results: Vec<Option<&TaskResult>> =
            self.states.iter().map(|state| finished(state).map(|run| &run.result)).collect();
        let inputs = &self.graph.tasks()[id.0].inputs;
        let inputs: Vec<&TaskResult> = inputs.iter().filter_map(|input| results[input.0]).collect();
        then(&Scope { variables: &self.variables, tasks: self.graph.by_name(), results: &results, inputs: &inputs })
    }

    fn is_finished(&self, id: TaskId) -> bool {
        finished(&self.states[id.0]).is_some()
    }
}

fn finished(state: &State) -> Option<&TaskRun> {
    match state {
        State::Finished(run) => Some(run),
        State::Waiting | State::Asked { .. } | State::Resting { .. } => None,
    }
}

fn evaluate(task: &Task, scope: &Scope) -> Result<Step, TaskError> {
    if !task.kind.tolerates_faults()
        && let Some(failed) = scope.inputs.iter().position(|input| input.is_err())
    {
        let names = scope.tasks.iter().find(|(_, id)| **id == task.inputs[failed]);
        return Err(TaskError::InputFailed { task: names.map(|(name, _)| name.clone()).unwrap_or_default() });
    }
    task.kind.evaluate(scope)
}

/// The wait after this many attempts.
fn backoff(task: &Task, attempts: u32) -> Duration {
    let factor = 1u32.checked_shl(attempts.saturating_sub(1)).unwrap_or(u32::MAX);
    task.backoff_min.saturating_mul(factor).min(task.backoff_max)
}

impl Machine for Run {
    type Protocol = RunProtocol;

    fn handle(&mut self, now: Time, event: Event<RunProtocol>, out: &mut Effects<RunProtocol>) {
        match event {
            Event::Woke => {}
            Event::Answered { ticket, answer } => self.on_answered(ticket, answer, now),
            Event::Received { from, .. } => match from {},
            Event::Told(order) => match order {},
        }
        self.on_woke(now, out);
        self.advance(now, out);
    }

    fn deadline(&self) -> Option<Mono> {
        let deadlines = self.states.iter().filter_map(|state| match state {
            State::Asked { deadline, .. } => Some(*deadline),
            State::Resting { until, .. } => Some(*until),
            State::Waiting | State::Finished(_) => None,
        });
        deadlines.min()
    }
}

impl Record for Nothing {
    type Key = Nothing;

    fn key(&self) -> Nothing {
        *self
    }

    fn encode_key(key: &Nothing, _out: &mut Vec<u8>) {
        match *key {}
    }

    fn encode(&self, _out: &mut Vec<u8>) {
        match *self {}
    }

    fn decode(_bytes: &[u8]) -> Result<Self, CorruptRecord> {
        Err(CorruptRecord { wanted: "nothing: runs keep no records", at: 0 })
    }
}
