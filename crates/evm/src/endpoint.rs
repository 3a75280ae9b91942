//! One endpoint: calls bounded in time and size, and what is known about its health.

use evm_proto::chain::Block;
use reqwest::{Client, Url, redirect};
use serde::{Serialize, de::DeserializeOwned};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::endpoints::{CallReport, OnCall};
use crate::error::{CallError, Failure};
use crate::json_rpc;
use crate::limits::{AVOID_MAX, CONNECT_TIMEOUT, UNREACHABLE_AFTER};
use crate::shown::{Secrets, masked};

/// Where an endpoint is and what it is for.
#[derive(Clone)]
pub struct EndpointConfig {
    /// For logs and metrics.
    pub name: String,
    /// `http` or `https`.
    pub http_url: Url,
    /// `ws` or `wss`: heads are heard of sooner; everything works without.
    pub ws_url: Option<Url>,
    /// Only transactions go there.
    pub send_only: bool,
    /// Lower ones are preferred.
    pub order: u32,
}

impl EndpointConfig {
    /// An endpoint over HTTP alone, named after its host.
    pub fn http(url: Url) -> Self {
        let name = url.host_str().unwrap_or("endpoint").to_owned();
        EndpointConfig { name, http_url: url, ws_url: None, send_only: false, order: 100 }
    }
}

impl fmt::Debug for EndpointConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndpointConfig")
            .field("name", &self.name)
            .field("http_url", &masked(&self.http_url))
            .field("ws_url", &self.ws_url.as_ref().map(masked))
            .field("send_only", &self.send_only)
            .field("order", &self.order)
            .finish()
    }
}

/// What is known about an endpoint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EndpointHealth {
    pub name: Arc<str>,
    /// Scheme, host and port of its URL.
    pub url: Arc<str>,
    pub state: EndpointState,
    pub head: Option<Block>,
    /// The last failure, also of an endpoint that works again.
    pub last_error: Option<CallError>,
}

/// How an endpoint is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EndpointState {
    /// Not asked yet.
    Undialed,
    Alive,
    /// It answers, but its head is behind the best by more than is tolerated.
    Lagging {
        blocks: u64,
    },
    /// It has not answered several times in a row.
    Unreachable,
    /// It serves another chain, and is not used.
    InvalidChainId {
        got: u64,
    },
}

/// One endpoint of a chain.
pub(crate) struct Endpoint {
    pub config: EndpointConfig,
    name: Arc<str>,
    shown: Arc<str>,
    secrets: Secrets,
    client: Client,
    timeout: Duration,
    on_call: Option<OnCall>,
    ids: AtomicU64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// `None` until it was asked.
    chain_id: Option<u64>,
    head: Option<(Block, Instant)>,
    failures: u32,
    avoid_until: Option<Instant>,
    last_error: Option<CallError>,
}

impl Endpoint {
    pub fn new(config: EndpointConfig, timeout: Duration, on_call: Option<OnCall>) -> reqwest::Result<Arc<Self>> {
        let mut builder = Client::builder()
            // The whole call has its time in `call`, which names it.
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true)
            // An endpoint that redirects is misconfigured, and may lead anywhere.
            .redirect(redirect::Policy::none());
        // A proxy of the environment is meant for the outside, never for a node on this machine.
        if matches!(config.http_url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")) {
            builder = builder.no_proxy();
        }
        Ok(Arc::new(Endpoint {
            name: config.name.as_str().into(),
            shown: masked(&config.http_url).into(),
            secrets: Secrets::of(&config.http_url),
            client: builder.build()?,
            config,
            timeout,
            on_call,
            ids: AtomicU64::new(1),
            state: Mutex::default(),
        }))
    }

    /// One call. Its outcome is remembered for the choice of the next endpoint.
    pub async fn call<R: DeserializeOwned>(
        &self,
        method: &'static str,
        params: impl Serialize + Send,
    ) -> Result<R, CallError> {
        let begun = Instant::now();
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        let call = json_rpc::call(&self.client, &self.config.http_url, &self.secrets, id, method, params);
        let outcome = match tokio::time::timeout(self.timeout, call).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Failure::TimedOut(self.timeout)),
        };
        // An error of JSON-RPC is an answer; whether it is a good one depends on the call.
        let ok = matches!(outcome, Ok(_) | Err(Failure::Rpc { .. }));
        if let Some(on_call) = &self.on_call {
            on_call(&CallReport { endpoint: &self.config.name, method, elapsed: begun.elapsed(), ok });
        }
        if ok {
            self.state().failures = 0;
        }
        outcome.map_err(|failure| {
            let error = self.error(method, failure);
            if !ok {
                self.failed(&error);
            }
            error
        })
    }

    pub fn error(&self, method: &'static str, failure: Failure) -> CallError {
        CallError { endpoint: self.name.clone(), url: self.shown.clone(), method, failure }
    }

    /// Others are preferred for a while, the longer the more often it failed in a row.
    pub fn failed(&self, error: &CallError) {
        let mut state = self.state();
        state.failures = state.failures.saturating_add(1);
        let pause = Duration::from_secs(1 << state.failures.min(5)).min(AVOID_MAX);
        state.avoid_until = Some(Instant::now() + pause);
        state.last_error = Some(error.clone());
    }

    /// It let others overtake it: they are preferred for a while.
    pub fn slow(&self) {
        self.state().avoid_until = Some(Instant::now() + AVOID_MAX);
    }

    pub fn avoided(&self) -> bool {
        self.state().avoid_until.is_some_and(|until| until > Instant::now())
    }

    pub fn set_chain_id(&self, chain_id: u64) {
        self.state().chain_id = Some(chain_id);
    }

    pub fn chain_id(&self) -> Option<u64> {
        self.state().chain_id
    }

    pub fn set_head(&self, head: Block) {
        self.state().head = Some((head, Instant::now()));
    }

    /// Its head, if it was heard of within `age`.
    pub fn head(&self, age: Duration) -> Option<Block> {
        self.state().head.filter(|(_, at)| at.elapsed() <= age).map(|(head, _)| head)
    }

    pub fn health(&self, wanted_chain_id: u64, best: Option<u64>, lag_max: u64) -> EndpointHealth {
        let state = self.state();
        let head = state.head.map(|(head, _)| head);
        let lag = best.zip(head).map_or(0, |(best, head)| best.saturating_sub(head.number));
        let told = match (state.chain_id, head) {
            (Some(got), _) if got != wanted_chain_id => EndpointState::InvalidChainId { got },
            _ if state.failures >= UNREACHABLE_AFTER => EndpointState::Unreachable,
            (None, _) => EndpointState::Undialed,
            (Some(_), Some(_)) if lag > lag_max => EndpointState::Lagging { blocks: lag },
            (Some(_), _) => EndpointState::Alive,
        };
        let last_error = state.last_error.clone();
        EndpointHealth { name: self.name.clone(), url: self.shown.clone(), state: told, head, last_error }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds this lock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_endpoint_that_takes_a_call_and_is_silent_had_its_time_and_is_not_called_broken() {
        rustls::crypto::ring::default_provider().install_default().ok();
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let http_url = format!("http://{}", silent.local_addr().unwrap()).parse().unwrap();
        let config = EndpointConfig { name: "silent".into(), http_url, ws_url: None, send_only: false, order: 1 };
        let time = Duration::from_secs(1);
        let endpoint = Endpoint::new(config, time, None).unwrap();
        let outcome = endpoint.call::<String>("eth_chainId", ()).await;
        assert_eq!(outcome.unwrap_err().failure, Failure::TimedOut(time));
    }
}
