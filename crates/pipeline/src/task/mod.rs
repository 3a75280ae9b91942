//! The catalogue of tasks (node spec 4.8): what each reads from its attributes, and what it computes.

mod aggregate; //  any, mean, median, mode, sum
mod arithmetic; // divide, multiply
mod condition; //  conditional, lessthan
mod json; //       jsonparse, lookup, memo, merge
mod request; //    bridge, http
mod text; //       length, lowercase, uppercase, base64 and hexadecimal

use crate::ask::{Answer, Ask};
use crate::error::TaskError;
use crate::parameter::{Attributes, Scope};
use crate::source::{Diagnostic, nearest};
use crate::value::{TaskResult, Value};
use aggregate::{Any, Mean, Median, Mode, Sum};
use alloc::format;
use alloc::string::String;
use arithmetic::{Divide, Multiply};
use condition::{Conditional, LessThan};
use json::{JsonParse, Lookup, Memo, Merge};
pub(crate) use request::{Bridge, Http};
use text::{Length, Text};

/// What a task does.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Any(Any),
    Bridge(Bridge),
    Conditional(Conditional),
    Divide(Divide),
    Http(Http),
    JsonParse(JsonParse),
    Length(Length),
    LessThan(LessThan),
    Lookup(Lookup),
    Mean(Mean),
    Median(Median),
    Memo(Memo),
    Merge(Merge),
    Mode(Mode),
    Multiply(Multiply),
    Sum(Sum),
    Text(Text),
}

/// What one evaluation comes to.
#[derive(Debug)]
pub(crate) enum Step {
    Done(Value),
    Ask(Ask),
}

const TYPES: [&str; 22] = [
    "any",
    "base64decode",
    "base64encode",
    "bridge",
    "conditional",
    "divide",
    "hexdecode",
    "hexencode",
    "http",
    "jsonparse",
    "length",
    "lessthan",
    "lookup",
    "lowercase",
    "mean",
    "median",
    "memo",
    "merge",
    "mode",
    "multiply",
    "sum",
    "uppercase",
];

/// Types of the reference that this version does not have.
const ABSENT_TYPES: [&str; 15] = [
    "cborparse",
    "contractread",
    "estimategaslimit",
    "ethabidecode",
    "ethabidecodelog",
    "ethabiencode",
    "ethabiencode2",
    "ethcall",
    "ethtx",
    "fail",
    "panic",
    "vrf",
    "vrfv2",
    "vrfv2plus",
    "contractcall",
];

impl Kind {
    /// Reads the type and the parameters of a task. Also returns the type's name, in lower case.
    pub fn read(attributes: &mut Attributes) -> Result<(&'static str, Kind), Diagnostic> {
        let text = attributes.required("type", "\"…\"")?;
        let lower = text.to_ascii_lowercase();
        let Some(name) = TYPES.into_iter().find(|name| *name == lower) else {
            if ABSENT_TYPES.contains(&lower.as_str()) {
                return Err(attributes.error(
                    "type",
                    format!("task type `{lower}` is not available in this version"),
                    "use another task",
                ));
            }
            let remedy = match nearest(&lower, TYPES) {
                Some(known) => format!("did you mean {known}?"),
                None => format!("write one of {}", TYPES.join(", ")),
            };
            return Err(attributes.error("type", format!("unknown task type `{}`", crate::Excerpt::of(text)), remedy));
        };
        let kind = match name {
            "any" => Kind::Any(Any::read(attributes)?),
            "bridge" => Kind::Bridge(Bridge::read(attributes)?),
            "conditional" => Kind::Conditional(Conditional::read(attributes)?),
            "divide" => Kind::Divide(Divide::read(attributes)?),
            "http" => Kind::Http(Http::read(attributes)?),
            "jsonparse" => Kind::JsonParse(JsonParse::read(attributes)?),
            "length" => Kind::Length(Length::read(attributes)?),
            "lessthan" => Kind::LessThan(LessThan::read(attributes)?),
            "lookup" => Kind::Lookup(Lookup::read(attributes)?),
            "mean" => Kind::Mean(Mean::read(attributes)?),
            "median" => Kind::Median(Median::read(attributes)?),
            "memo" => Kind::Memo(Memo::read(attributes)?),
            "merge" => Kind::Merge(Merge::read(attributes)?),
            "mode" => Kind::Mode(Mode::read(attributes)?),
            "multiply" => Kind::Multiply(Multiply::read(attributes)?),
            "sum" => Kind::Sum(Sum::read(attributes)?),
            _ => Kind::Text(Text::read(name, attributes)?),
        };
        Ok((name, kind))
    }

    /// Evaluates the task on its inputs and variables.
    pub fn evaluate(&self, scope: &Scope) -> Result<Step, TaskError> {
        let value = match self {
            Kind::Any(task) => return task.evaluate(scope),
            Kind::Bridge(task) => return task.evaluate(scope).map(Step::Ask),
            Kind::Http(task) => return task.evaluate(scope).map(Step::Ask),
            Kind::Conditional(task) => task.evaluate(scope)?,
            Kind::Divide(task) => task.evaluate(scope)?,
            Kind::JsonParse(task) => task.evaluate(scope)?,
            Kind::Length(task) => task.evaluate(scope)?,
            Kind::LessThan(task) => task.evaluate(scope)?,
            Kind::Lookup(task) => task.evaluate(scope)?,
            Kind::Mean(task) => task.evaluate(scope)?,
            Kind::Median(task) => task.evaluate(scope)?,
            Kind::Memo(task) => task.evaluate(scope)?,
            Kind::Merge(task) => task.evaluate(scope)?,
            Kind::Mode(task) => task.evaluate(scope)?,
            Kind::Multiply(task) => task.evaluate(scope)?,
            Kind::Sum(task) => task.evaluate(scope)?,
            Kind::Text(task) => task.evaluate(scope)?,
        };
        Ok(Step::Done(value))
    }

    /// What the answer to the task's ask comes to. An answer of another kind than the ask is as good as none.
    pub fn conclude(&self, scope: &Scope, answer: Answer) -> TaskResult {
        match (self, answer) {
            (Kind::Http(_), Answer::Response(response)) => request::http_result(&response),
            (Kind::Bridge(_), Answer::Response(response)) => request::bridge_result(&response),
            (Kind::Any(_), Answer::Chosen(index)) => aggregate::chosen(scope, index),
            (_, Answer::Failed(failure)) => Err(failure.into()),
            (_, Answer::Response(_) | Answer::Chosen(_)) => Err(TaskError::NoAnswer),
        }
    }

    /// Whether inputs that failed are this task's business; else they make it fail.
    pub fn tolerates_faults(&self) -> bool {
        match self {
            Kind::Any(_) | Kind::Mean(_) | Kind::Median(_) | Kind::Mode(_) | Kind::Sum(_) => true,
            Kind::Bridge(_)
            | Kind::Conditional(_)
            | Kind::Divide(_)
            | Kind::Http(_)
            | Kind::JsonParse(_)
            | Kind::Length(_)
            | Kind::LessThan(_)
            | Kind::Lookup(_)
            | Kind::Memo(_)
            | Kind::Merge(_)
            | Kind::Multiply(_)
            | Kind::Text(_) => false,
        }
    }
}

/// The task takes at most one input.
fn at_most_one_input(attributes: &Attributes) -> Result<(), Diagnostic> {
    if attributes.inputs > 1 {
        let problem = format!("takes one input, {} edges lead to it", attributes.inputs);
        return Err(attributes.task_error(problem, "remove edges, or use $(name) for the other values"));
    }
    Ok(())
}

/// The bytes as text; what is not UTF-8 is replaced, as JSON readers do.
fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
