//! What an oracle sees: runs the graphs of its job and makes an observation of them. The waiting half of the median plugin.

use crate::config::JobPipeline;
use crate::metrics::JobMetrics;
use crate::plan::{SeatSources, Source};
use crate::seat::{PathStep, SeatSource};
use fetch::Client;
use median::{Observation, Value};
use pipeline::{BigInt, Diagnostic, Graph, Job, JobKind, LatestAnswer, Outcome, RunLimits, Variables};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Observes for one job.
#[derive(Debug)]
pub struct Observer {
    /// Under which name its requests and caches run.
    job_id: String,
    job: Option<Box<Job>>,
    observation: Arc<Graph>,
    juels_per_fee_coin: Juels,
    gas_price_subunits: Option<Arc<Graph>>,
    /// An observation has no more time than this, whatever the committee allows it.
    time_max: Duration,
    /// For a request whose task says nothing else.
    request_time: Duration,
    client: Arc<Client>,
    latest: Mutex<Option<LatestAnswer>>,
    metrics: JobMetrics,
}

/// The price of the chain's coin.
#[derive(Debug)]
enum Juels {
    Constant(Value),
    /// Read again when it is older than `update_interval`; kept when that fails.
    Graph {
        graph: Arc<Graph>,
        update_interval: Duration,
        cached: Mutex<Option<(Instant, Value)>>,
    },
}

/// Why there is no observation this time.
#[derive(Debug, thiserror::Error)]
pub enum NoObservation {
    #[error("{graph}: {reason}")]
    Run { graph: &'static str, reason: pipeline::RunError },
    #[error("{graph}: {got} does not fit 192 bits")]
    TooLarge { graph: &'static str, got: BigInt },
}

impl Observer {
    /// For a source that the plan has checked.
    pub fn new(
        job_id: &str,
        source: &Source,
        settings: &JobPipeline,
        client: Arc<Client>,
        metrics: JobMetrics,
    ) -> Result<Self, String> {
        let observer = |job, observation, juels_per_fee_coin, gas_price_subunits, time_max| Observer {
            job_id: job_id.to_owned(),
            job,
            observation,
            juels_per_fee_coin,
            gas_price_subunits,
            time_max,
            request_time: settings.http_timeout,
            client,
            latest: Mutex::default(),
            metrics,
        };
        match source {
            Source::Job(job) => {
                let JobKind::Offchainreporting2(spec) = &job.kind else {
                    return Err("a bootstrap job observes nothing".into());
                };
                let median = &spec.median;
                let cache = median.juels_per_fee_coin_cache;
                let juels = Juels::Graph {
                    graph: median.juels_per_fee_coin.clone(),
                    update_interval: if cache.disable { Duration::ZERO } else { cache.update_interval },
                    cached: Mutex::default(),
                };
                Ok(observer(
                    Some(job.clone()),
                    median.observation.clone(),
                    juels,
                    median.gas_price_subunits.clone(),
                    settings.run_duration_max,
                ))
            }
            Source::Seat(seat) => {
                let text = seat_graph(seat);
                let (graph, _) = Graph::parse(&text).map_err(|problem: Diagnostic| problem.to_string())?;
                let juels = value_of("juels_per_fee_coin", BigInt::from(seat.juels_per_fee_coin))
                    .map_err(|error| error.to_string())?;
                let time_max = seat.observation_timeout.unwrap_or(settings.run_duration_max);
                Ok(observer(None, Arc::new(graph), Juels::Constant(juels), None, time_max))
            }
        }
    }

    /// Observes within `time`, and gives the bytes that the oracle signs.
    pub async fn observe(&self, time: Duration) -> Result<Observation, NoObservation> {
        let time = time.min(self.time_max);
        let (value, juels, gas) =
            tokio::join!(self.run("observationSource", &self.observation, time), self.juels(time), async {
                match &self.gas_price_subunits {
                    Some(graph) => self.run("gasPriceSubunitsSource", graph, time).await,
                    None => Ok(Value::ZERO),
                }
            });
        let (value, juels_per_fee_coin, gas_price_subunits) = (value?, juels?, gas?);
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        self.metrics.observed_at.set(seconds as f64);
        // The protocol's timestamps have 32 bits, which last until 2106.
        let observation = Observation { timestamp: seconds as u32, value, juels_per_fee_coin, gas_price_subunits };
        let latest = LatestAnswer { answer: big(value), updated_at: seconds };
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(latest);
        Ok(observation)
    }

    /// Whether observations carry a gas price: a choice of the whole committee.
    pub fn with_gas_price(&self) -> bool {
        self.gas_price_subunits.is_some()
    }

    async fn juels(&self, time: Duration) -> Result<Value, NoObservation> {
        let (graph, update_interval, cached) = match &self.juels_per_fee_coin {
            Juels::Constant(value) => return Ok(*value),
            Juels::Graph { graph, update_interval, cached } => (graph, update_interval, cached),
        };
        let known = *cached.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((read_at, value)) = known
            && read_at.elapsed() < *update_interval
        {
            return Ok(value);
        }
        match (self.run("juelsPerFeeCoinSource", graph, time).await, known) {
            (Ok(value), _) => {
                *cached.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), value));
                Ok(value)
            }
            // An old price of the coin is better than no answer to what is asked; without a cache it is not.
            (Err(error), Some((_, value))) if !update_interval.is_zero() => {
                tracing::warn!(job = self.job_id, %error, "keeping the old price of the fee coin");
                Ok(value)
            }
            (Err(error), _) => Err(error),
        }
    }

    async fn run(&self, name: &'static str, graph: &Arc<Graph>, time: Duration) -> Result<Value, NoObservation> {
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let time = pipeline::observation_time(time);
        let (variables, limits) = match &self.job {
            Some(job) => (job.variables(0, latest.as_ref()), job.limits(time)),
            None => (Variables::new(), RunLimits { run_time: time, ..RunLimits::default() }),
        };
        let limits = RunLimits { request_time: self.request_time, ..limits };
        let began = Instant::now();
        let outcome = self.client.run(&self.job_id, graph.clone(), variables, limits).await;
        self.count(&outcome, began.elapsed());
        let number = outcome.observation().map_err(|reason| {
            self.metrics.run_errors.inc();
            NoObservation::Run { graph: name, reason }
        })?;
        value_of(name, number)
    }

    fn count(&self, outcome: &Outcome, took: Duration) {
        self.metrics.run(took);
        for (task, run) in outcome.graph.tasks().iter().zip(&outcome.tasks) {
            self.metrics.task(&task.name, task.type_name, run.ended - run.began, run.result.is_ok());
        }
        for (task, error) in outcome.errors() {
            tracing::debug!(job = self.job_id, task = task.name, %error, "a task failed");
        }
    }
}

fn value_of(graph: &'static str, number: BigInt) -> Result<Value, NoObservation> {
    number.to_string().parse().map_err(|_| NoObservation::TooLarge { graph, got: number })
}

fn big(value: Value) -> BigInt {
    value.to_string().parse().expect("both write decimal digits")
}

/// The sources of a seat as a task graph: each is fetched, found and scaled, and enough of them must answer.
fn seat_graph(seat: &SeatSources) -> String {
    let mut text = String::new();
    let mut line = |line: std::fmt::Arguments| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{line}");
    };
    for (index, SeatSource { url, path, scale_digits }) in seat.sources.iter().enumerate() {
        let step = |step: &PathStep| match step {
            PathStep::Field(name) => name.clone(),
            PathStep::Element(index) => index.to_string(),
        };
        let steps: Vec<String> = path.iter().map(step).collect();
        let separator =
            [",", "|", "/", ";", "\u{1f}"].into_iter().find(|s| !steps.iter().any(|step| step.contains(*s)));
        let separator = separator.unwrap_or("\u{1f}");
        let (url, path) = (escaped(url.as_str()), escaped(&steps.join(separator)));
        let scale = format!("1{}", "0".repeat(usize::from(*scale_digits)));
        line(format_args!("ask{index} [type=http method=GET url=\"{url}\" allowUnrestrictedNetworkAccess=true];"));
        line(format_args!("find{index} [type=jsonparse path=\"{path}\" separator=\"{separator}\"];"));
        line(format_args!("scale{index} [type=multiply times={scale}];"));
        line(format_args!("ask{index} -> find{index} -> scale{index} -> answer;"));
    }
    let faults = seat.sources.len().saturating_sub(seat.min_sources);
    line(format_args!("answer [type=median allowedFaults={faults}];"));
    text
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sources_of_a_seat_become_a_graph_that_tolerates_what_it_may() {
        let source = |path: &str| SeatSource {
            url: "http://127.0.0.1:1/a?b=\"c\"".parse().unwrap(),
            path: vec![PathStep::Field(path.into()), PathStep::Element(0)],
            scale_digits: 8,
        };
        let sources = vec![source("a,b"), source("x"), source("y")];
        let seat = SeatSources { sources, min_sources: 2, juels_per_fee_coin: 1, observation_timeout: None };
        let text = seat_graph(&seat);
        assert!(text.contains("path=\"a,b|0\" separator=\"|\""), "{text}");
        assert!(text.contains("allowedFaults=1") && text.contains("times=100000000"), "{text}");
        let (graph, warnings) = Graph::parse(&text).unwrap();
        assert_eq!((graph.tasks().len(), graph.terminals().len(), warnings.len()), (10, 1, 0));
    }
}
