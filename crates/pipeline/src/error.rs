//! Why a task has no value.

use crate::ask::Failure;
use crate::decimal::DecimalError;
use crate::duration::format_duration;
use crate::limits::EXCERPT_CHARS_MAX;
use alloc::string::String;
use core::fmt::{self, Display};
use core::time::Duration;

/// The beginning of a foreign text, fit for one line of a log: bounded and without control characters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Excerpt(String);

impl Excerpt {
    pub fn of(text: &str) -> Excerpt {
        let mut excerpt = String::new();
        let mut chars = text.trim().chars();
        for char in chars.by_ref().take(EXCERPT_CHARS_MAX) {
            excerpt.push(if char.is_control() { ' ' } else { char });
        }
        if chars.next().is_some() {
            excerpt.push('…');
        }
        Excerpt(excerpt)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a task has no value (node spec 4).
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TaskError {
    /// An input, or a variable's task, has failed; that task has the reason.
    #[error("task `{task}`, whose result is needed, failed")]
    InputFailed { task: String },
    /// More inputs of an aggregate failed than it tolerates.
    #[error("{faults} of {values} values are missing, {allowed} may be")]
    Faults { faults: usize, values: usize, allowed: usize },
    /// `$(a.b)` leads nowhere.
    #[error("$({path}): nothing at `{segment}`")]
    KeyPath { path: String, segment: String },
    /// No attribute, no input and no default gives this parameter a value.
    #[error("no value for `{parameter}`")]
    Missing { parameter: &'static str },
    /// A value of the wrong kind.
    #[error("`{parameter}` must be {wanted}, got {got}")]
    BadValue { parameter: &'static str, wanted: &'static str, got: Excerpt },
    #[error(transparent)]
    Number(#[from] DecimalError),
    /// What should be JSON is not.
    #[error("not JSON at line {line}, column {column}: {text}")]
    Json { line: usize, column: usize, text: Excerpt },
    /// The path of a `jsonparse` leads nowhere.
    #[error("nothing at `{segment}` of path {path}")]
    Path { path: Excerpt, segment: Excerpt },
    #[error(
        "a value of more than {} bytes or deeper than {} levels",
        crate::limits::VALUE_WEIGHT_MAX,
        crate::limits::VALUE_DEPTH_MAX
    )]
    TooLarge,
    /// A `conditional` saw false.
    #[error("conditional was not satisfied")]
    NotSatisfied,
    /// The request got no response.
    #[error(transparent)]
    Fetch(#[from] Failure),
    /// The server's answer is an error.
    #[error("HTTP status {status}: {message}")]
    Status { status: u16, message: Excerpt },
    /// An external adapter answered, and reported an error in the body (node spec 5.3).
    #[error("the adapter failed with {code}: {message}")]
    Adapter { code: i64, message: Excerpt },
    /// The attempt, or the run, ran out of time.
    #[error("no answer within {}", format_duration(*.0))]
    TimedOut(Duration),
    /// Another task failed and has `failEarly`.
    #[error("cancelled, because another task failed early")]
    Cancelled,
    /// The host could not perform the request, and has reported why.
    #[error("the host gave no answer")]
    NoAnswer,
}

impl TaskError {
    /// Whether another attempt may go better (node spec 4.6).
    pub fn is_retryable(&self) -> bool {
        match self {
            TaskError::Fetch(failure) => failure.is_retryable(),
            TaskError::Status { status, .. } => *status >= 500,
            TaskError::Adapter { code, .. } => *code >= 500,
            TaskError::TimedOut(_) | TaskError::NoAnswer => true,
            TaskError::InputFailed { .. }
            | TaskError::Faults { .. }
            | TaskError::KeyPath { .. }
            | TaskError::Missing { .. }
            | TaskError::BadValue { .. }
            | TaskError::Number(_)
            | TaskError::Json { .. }
            | TaskError::Path { .. }
            | TaskError::TooLarge
            | TaskError::NotSatisfied
            | TaskError::Cancelled => false,
        }
    }
}
