//! Registered adapters, and their last good responses (node spec 5.1, 5.4).

use pipeline::Response;
use pipeline::limits::CACHE_TIME_MAX;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// Last good responses by job and task. What is older than the longest use is dropped, so that jobs that are gone leave
/// nothing behind.
#[derive(Debug, Default)]
pub(crate) struct LastGood(BTreeMap<(String, String), (Instant, Response)>);

impl LastGood {
    pub fn keep(&mut self, job: &str, task: &str, response: &Response, now: Instant) {
        self.0.retain(|_, (kept, _)| now.duration_since(*kept) <= CACHE_TIME_MAX);
        self.0.insert((job.into(), task.into()), (now, response.clone()));
    }

    /// The last good response of the task, if it is at most `age_max` old, with its age.
    pub fn recall(&self, job: &str, task: &str, age_max: Duration, now: Instant) -> Option<Response> {
        let (kept, response) = self.0.get(&(job.to_string(), task.to_string()))?;
        let age = now.duration_since(*kept);
        (age <= age_max).then(|| Response { age: Some(age), ..response.clone() })
    }
}
