//! What works and what does not, as the parts of the node report it and `/health` shows it (node spec 14.4).

use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// The state of the whole node; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Health {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    phase: Phase,
    services: BTreeMap<String, Service>,
}

/// Where the process stands in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Phase {
    /// Coming up: `/health` answers 204, `/readyz` 503.
    #[default]
    Starting,
    /// Everything that should run has been started.
    Running,
    /// Asked to stop and finishing what it has begun: not ready any more.
    Draining,
}

/// Whether an unhealthy service also makes the node not ready.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Weight {
    /// Without it the node does nothing useful: not ready.
    Essential,
    /// Without it the node is degraded, and still ready.
    Helpful,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Service {
    weight: Weight,
    trouble: Option<Trouble>,
    /// Unix seconds from which on it passes, or fails with this code.
    since: u64,
}

/// What is wrong with a service.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trouble {
    /// A short, stable name, such as `unreachable`, that alerts can be written against.
    pub code: &'static str,
    /// What happened, in words.
    pub output: String,
    /// What an operator can do about it.
    pub hint: String,
}

/// One service as `/health` shows it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Check {
    /// Its dotted name, such as `EVM.1337.Node.main` or `Job.1.OCR2`.
    pub name: String,
    /// `passing` or `failing`.
    pub status: &'static str,
    /// What happened; empty while it passes.
    pub output: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// Unix seconds from which on it passes, or fails with this code.
    pub since: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Whether readiness hangs on it.
    pub essential: bool,
}

impl Check {
    /// Whether the service works.
    pub fn is_passing(&self) -> bool {
        self.code.is_none()
    }
}

impl Health {
    /// A node that is coming up and has no services yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        // Nothing panics half way through a change below.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a phase of the process's life.
    pub fn enter(&self, phase: Phase) {
        self.lock().phase = phase;
    }

    /// The phase of the process's life.
    pub fn phase(&self) -> Phase {
        self.lock().phase
    }

    /// The service `name` works.
    pub fn passing(&self, name: &str, weight: Weight) {
        self.set(name, weight, None);
    }

    /// The service `name` does not work.
    pub fn failing(&self, name: &str, weight: Weight, trouble: Trouble) {
        self.set(name, weight, Some(trouble));
    }

    /// The service `name` is no more, for example because its job has ended.
    pub fn forget(&self, name: &str) {
        self.lock().services.remove(name);
    }

    fn set(&self, name: &str, weight: Weight, trouble: Option<Trouble>) {
        let mut shared = self.lock();
        let code = |trouble: &Option<Trouble>| trouble.as_ref().map(|trouble| trouble.code);
        let since = match shared.services.get(name) {
            Some(before) if code(&before.trouble) == code(&trouble) => before.since,
            _ => now(),
        };
        shared.services.insert(name.to_owned(), Service { weight, trouble, since });
    }

    /// All services, in the order of their names.
    pub fn checks(&self) -> Vec<Check> {
        let shared = self.lock();
        let check = |(name, service): (&String, &Service)| {
            let trouble = service.trouble.clone();
            Check {
                name: name.clone(),
                status: if trouble.is_none() { "passing" } else { "failing" },
                code: trouble.as_ref().map(|trouble| trouble.code),
                hint: trouble.as_ref().map(|trouble| trouble.hint.clone()),
                output: trouble.map(|trouble| trouble.output).unwrap_or_default(),
                since: service.since,
                essential: service.weight == Weight::Essential,
            }
        };
        shared.services.iter().map(check).collect()
    }

    /// Whether every service works.
    pub fn is_healthy(&self) -> bool {
        self.lock().services.values().all(|service| service.trouble.is_none())
    }

    /// Whether the node is up and every essential service works.
    pub fn is_ready(&self) -> bool {
        let shared = self.lock();
        let works = |service: &Service| service.trouble.is_none() || service.weight == Weight::Helpful;
        shared.phase == Phase::Running && shared.services.values().all(works)
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trouble(code: &'static str) -> Trouble {
        Trouble { code, output: "connection refused".into(), hint: "is it running?".into() }
    }

    #[test]
    fn a_node_is_ready_when_it_runs_and_all_that_is_essential_works() {
        let health = Health::new();
        assert!(!health.is_ready() && health.is_healthy());
        health.enter(Phase::Running);
        assert!(health.is_ready());
        health.failing("EVM.1.Node.a", Weight::Helpful, trouble("unreachable"));
        assert!(health.is_ready() && !health.is_healthy());
        health.failing("Store", Weight::Essential, trouble("stopped"));
        assert!(!health.is_ready());
        health.passing("Store", Weight::Essential);
        health.forget("EVM.1.Node.a");
        assert!(health.is_ready() && health.is_healthy());
        health.enter(Phase::Draining);
        assert!(!health.is_ready());
    }

    #[test]
    fn a_check_tells_what_is_wrong_and_what_to_do() {
        let health = Health::new();
        health.failing("B", Weight::Helpful, trouble("unreachable"));
        health.passing("A", Weight::Essential);
        let checks = health.checks();
        assert_eq!((&*checks[0].name, checks[0].status, checks[0].is_passing()), ("A", "passing", true));
        assert_eq!((&*checks[1].name, checks[1].status, checks[1].code), ("B", "failing", Some("unreachable")));
        assert_eq!(checks[1].hint.as_deref(), Some("is it running?"));
        assert!(checks[1].since > 1_600_000_000);
    }
}
