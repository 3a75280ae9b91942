//! Several endpoints of one chain as one: whoever fails, hangs or lags is overtaken by another.

use alloy::primitives::{Bytes, U64};
use evm_proto::chain::Block;
use evm_proto::transactions::Verdict;
use futures::stream::{FuturesUnordered, StreamExt};
use reqwest::Url;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

use crate::endpoint::{Endpoint, EndpointConfig, EndpointHealth, EndpointState};
use crate::error::{CallError, Failure, ReadError};
use crate::heads;
use crate::verdict;

/// Told of every call, for metrics.
#[derive(Clone, Copy, Debug)]
pub struct CallReport<'a> {
    pub endpoint: &'a str,
    pub method: &'static str,
    pub elapsed: Duration,
    /// It was answered, though perhaps with an error of JSON-RPC.
    pub ok: bool,
}

pub(crate) type OnCall = Arc<dyn Fn(&CallReport<'_>) + Send + Sync>;

/// How endpoints are used.
#[derive(Clone)]
pub struct Settings {
    pub chain_id: u64,
    /// When a call is given up.
    pub call_timeout: Duration,
    /// When the next endpoint is asked as well, though the first may still answer.
    pub hedge_after: Duration,
    /// How often each endpoint is asked for its head. A head over a WebSocket comes by itself.
    pub head_poll: Duration,
    /// How many blocks an endpoint may be behind the best one before others are preferred.
    pub lag_max: u64,
    /// Told of every call.
    pub on_call: Option<OnCall>,
}

impl Settings {
    /// What suits most chains; heads are polled each `head_poll`.
    pub fn new(chain_id: u64, head_poll: Duration) -> Self {
        Settings {
            chain_id,
            call_timeout: Duration::from_secs(10),
            hedge_after: Duration::from_secs(1),
            head_poll,
            lag_max: 2,
            on_call: None,
        }
    }
}

impl Settings {
    /// How old what an endpoint last said of its head may be to count.
    pub(crate) fn fresh(&self) -> Duration {
        self.head_poll * 3 + self.call_timeout
    }
}

/// The endpoints of one chain. Dropping them ends their watching.
pub struct Endpoints {
    settings: Settings,
    all: Vec<Arc<Endpoint>>,
    head: watch::Receiver<Option<Block>>,
    watchers: Vec<AbortHandle>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("chain_id", &self.chain_id)
            .field("call_timeout", &self.call_timeout)
            .field("hedge_after", &self.hedge_after)
            .field("head_poll", &self.head_poll)
            .field("lag_max", &self.lag_max)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Endpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoints").field("settings", &self.settings).field("health", &self.health()).finish()
    }
}

impl Drop for Endpoints {
    fn drop(&mut self) {
        self.watchers.iter().for_each(AbortHandle::abort);
    }
}

/// Endpoints that cannot be used at all.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("no endpoint is given: add a [[EVM.Nodes]] with an HTTPURL")]
    None,
    #[error("all endpoints are send-only: nothing could be read from the chain; make one a full endpoint")]
    AllSendOnly,
    #[error("endpoint {name:?}: {scheme:?} is no scheme of {what}, wanted {wanted}")]
    Scheme { name: String, scheme: String, what: &'static str, wanted: &'static str },
    #[error("endpoint {name:?}: its HTTP client cannot be made: {why}")]
    Client { name: String, why: String },
}

/// A tool's one endpoint cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DialError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Call(#[from] CallError),
    #[error(transparent)]
    NotReady(#[from] ReadError),
}

impl Endpoints {
    /// Begins to watch the endpoints; must be called within a tokio runtime. None of them need be reachable yet: whoever
    /// is not is tried again and again.
    pub fn start(settings: Settings, configs: Vec<EndpointConfig>) -> Result<Arc<Self>, ConfigError> {
        // Without a process-wide provider of cryptography the HTTP client panics; who has chosen one keeps it.
        rustls::crypto::ring::default_provider().install_default().ok();
        if configs.is_empty() {
            return Err(ConfigError::None);
        }
        if configs.iter().all(|config| config.send_only) {
            return Err(ConfigError::AllSendOnly);
        }
        let mut all = Vec::new();
        for config in configs {
            check_scheme(&config)?;
            let name = config.name.clone();
            let endpoint = Endpoint::new(config, settings.call_timeout, settings.on_call.clone());
            all.push(endpoint.map_err(|error| ConfigError::Client { name, why: error.to_string() })?);
        }
        let (publish, head) = watch::channel(None);
        let watchers = heads::watch(&settings, &all, publish);
        Ok(Arc::new(Endpoints { settings, all, head, watchers }))
    }

    /// For a tool that is given one URL: asks there which chain it is, and waits for its head.
    pub async fn dial(url: Url, head_poll: Duration) -> Result<Arc<Self>, DialError> {
        rustls::crypto::ring::default_provider().install_default().ok();
        let config = EndpointConfig::http(url);
        check_scheme(&config)?;
        let settings = Settings::new(0, head_poll);
        let name = config.name.clone();
        let once = Endpoint::new(config.clone(), settings.call_timeout, None)
            .map_err(|error| ConfigError::Client { name, why: error.to_string() })?;
        let chain_id = once.call::<U64>("eth_chainId", ()).await?.to();
        let endpoints = Self::start(Settings { chain_id, ..settings }, vec![config])?;
        endpoints.ready(endpoints.settings.call_timeout).await?;
        Ok(endpoints)
    }

    pub fn chain_id(&self) -> u64 {
        self.settings.chain_id
    }

    /// The best head known.
    pub fn head(&self) -> Option<Block> {
        *self.head.borrow()
    }

    /// The best head as it changes, also by a reorganisation.
    pub fn heads(&self) -> watch::Receiver<Option<Block>> {
        self.head.clone()
    }

    /// How each endpoint is doing, in the order in which they were given.
    pub fn health(&self) -> Vec<EndpointHealth> {
        let best = self.head().map(|head| head.number);
        let Settings { chain_id, lag_max, .. } = self.settings;
        self.all.iter().map(|endpoint| endpoint.health(chain_id, best, lag_max)).collect()
    }

    /// Waits until an endpoint of the right chain has a head. The error says of each why it has none.
    pub async fn ready(&self, within: Duration) -> Result<Block, ReadError> {
        let mut heads = self.heads();
        // All wrong is final enough not to wait for.
        let all_wrong = async {
            loop {
                let wrong = |health: &EndpointHealth| matches!(health.state, EndpointState::InvalidChainId { .. });
                if self.health().iter().all(wrong) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::select! {
            head = heads.wait_for(Option::is_some) => if let Ok(Some(head)) = head.as_deref() { return Ok(*head) },
            () = all_wrong => {}
            () = tokio::time::sleep(within) => {}
        }
        let wanted = self.settings.chain_id;
        let errors = self.all.iter().zip(self.health()).map(|(endpoint, health)| match health.state {
            EndpointState::InvalidChainId { got } => endpoint.error("eth_chainId", Failure::WrongChain { got, wanted }),
            EndpointState::Undialed
            | EndpointState::Alive
            | EndpointState::Lagging { .. }
            | EndpointState::Unreachable => {
                health.last_error.unwrap_or_else(|| endpoint.error("eth_getBlockByNumber", Failure::TimedOut(within)))
            }
        });
        Err(ReadError::AllFailed(errors.collect()))
    }

    /// Runs `work` at the best endpoint. If it fails, at the next; if it is slow, at the next as well. The first good
    /// answer wins, the rest is dropped. A revert is an answer.
    pub(crate) async fn read<T, W>(&self, work: W) -> Result<T, ReadError>
    where
        W: Fn(Arc<Endpoint>) -> Pin<Box<dyn Future<Output = Result<T, CallError>> + Send>>,
    {
        let ranked = self.ranked();
        let mut waiting = ranked.iter();
        let mut running = FuturesUnordered::new();
        let mut started: Vec<Arc<Endpoint>> = Vec::new();
        let mut errors = Vec::new();
        loop {
            if running.is_empty() {
                let Some(endpoint) = waiting.next() else { return Err(ReadError::AllFailed(errors)) };
                running.push(work(endpoint.clone()));
                started.push(endpoint.clone());
            }
            let more = waiting.len() > 0;
            tokio::select! {
                Some(outcome) = running.next() => match outcome {
                    Ok(value) => return Ok(value),
                    Err(error) => match error.failure.reverted() {
                        Some(data) => return Err(ReadError::reverted(data)),
                        None => errors.push(error),
                    },
                },
                () = tokio::time::sleep(self.settings.hedge_after), if more => {
                    if let Some(slow) = started.last() {
                        slow.slow();
                    }
                    let endpoint = waiting.next().expect("there is one more");
                    running.push(work(endpoint.clone()));
                    started.push(endpoint.clone());
                }
            }
        }
    }

    /// Hands a signed transaction to every endpoint. `None`: nobody said anything that can be relied on.
    pub(crate) async fn broadcast(&self, raw: Bytes) -> (Option<Verdict>, Vec<CallError>) {
        let mut sending = JoinSet::new();
        for endpoint in self.all.iter().filter(|endpoint| self.right_chain(endpoint)) {
            let (endpoint, raw) = (endpoint.clone(), raw.clone());
            sending
                .spawn(async move { endpoint.call::<alloy::primitives::B256>("eth_sendRawTransaction", (raw,)).await });
        }
        let mut best: Option<Verdict> = None;
        let mut sure = !sending.is_empty();
        let mut errors = Vec::new();
        while let Some(joined) = sending.join_next().await {
            let verdict = match joined.expect("a call does not panic") {
                Ok(_) => Verdict::Accepted,
                Err(error) => {
                    let verdict = verdict::of(&error.failure);
                    sure &= verdict.is_some() || error.failure.not_delivered();
                    errors.push(error);
                    match verdict {
                        Some(verdict) => verdict,
                        None => continue,
                    }
                }
            };
            best = Some(best.map_or(verdict, |best| best.min(verdict)));
            if matches!(best, Some(Verdict::Accepted | Verdict::AlreadyKnown)) {
                // The others go on receiving it, but nobody waits for them.
                sending.detach_all();
                break;
            }
        }
        // A verdict that ends the transaction must not come from some while others may have taken it.
        let fatal = matches!(best, Some(Verdict::FeesAboveCap | Verdict::GasLimitOutOfRange | Verdict::Refused));
        (best.filter(|_| sure || !fatal), errors)
    }

    /// An error if `number`, the head at which an endpoint has just answered, is too far behind what others have.
    pub(crate) fn check_lag(&self, endpoint: &Endpoint, method: &'static str, number: u64) -> Result<(), CallError> {
        let best = self.best();
        match best.saturating_sub(number) > self.settings.lag_max {
            true => Err(endpoint.error(method, Failure::Lagging { got: number, best })),
            false => Ok(()),
        }
    }

    /// The best head of those who were heard of lately: who has gone silent has no say, for its head may never be reached.
    /// Of three or more the second best counts, so that no single one can make all others look as if they lagged.
    fn best(&self) -> u64 {
        let age = self.settings.fresh();
        let readable = self.all.iter().filter(|endpoint| !endpoint.config.send_only && self.right_chain(endpoint));
        let mut heads: Vec<u64> = readable.filter_map(|endpoint| endpoint.head(age)).map(|head| head.number).collect();
        heads.sort_unstable_by(|a, b| b.cmp(a));
        heads.get(usize::from(heads.len() >= 3)).copied().unwrap_or(0)
    }

    /// Who may be read from, the best first: not lately failed or slow, not lagging, preferred by the operator.
    fn ranked(&self) -> Vec<Arc<Endpoint>> {
        let best = self.best();
        let mut ranked: Vec<Arc<Endpoint>> = self
            .all
            .iter()
            .filter(|endpoint| !endpoint.config.send_only && self.right_chain(endpoint))
            .cloned()
            .collect();
        ranked.sort_by_key(|endpoint| {
            let head = endpoint.head(Duration::MAX).map_or(0, |head| head.number);
            let lagging = best.saturating_sub(head) > self.settings.lag_max;
            (endpoint.avoided(), lagging, endpoint.config.order)
        });
        ranked
    }

    /// Not known to serve another chain. Before it was asked it is given the benefit of the doubt only for reading what
    /// carries its own proof; everything signed names its chain, and every config digest too.
    fn right_chain(&self, endpoint: &Endpoint) -> bool {
        endpoint.chain_id().is_none_or(|chain_id| chain_id == self.settings.chain_id)
    }

    /// For tools that need one endpoint for a conversation, such as sending with an account of the node.
    pub(crate) fn preferred(&self) -> Result<Arc<Endpoint>, ReadError> {
        self.ranked().into_iter().next().ok_or_else(|| ReadError::AllFailed(Vec::new()))
    }

    pub(crate) fn head_poll(&self) -> Duration {
        self.settings.head_poll
    }
}

fn check_scheme(config: &EndpointConfig) -> Result<(), ConfigError> {
    let wrong = |scheme: &str, what, wanted| ConfigError::Scheme {
        name: config.name.clone(),
        scheme: scheme.to_owned(),
        what,
        wanted,
    };
    let http = config.http_url.scheme();
    if !matches!(http, "http" | "https") {
        return Err(wrong(http, "an HTTPURL", "http or https"));
    }
    match config.ws_url.as_ref().map(|url| url.scheme()) {
        None | Some("ws" | "wss") => Ok(()),
        Some(other) => Err(wrong(other, "a WSURL", "ws or wss")),
    }
}
