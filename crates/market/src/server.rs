//! The HTTP endpoints: `GET /oracle/<index>/<source>`, one path for each oracle, so that one oracle can be lied to.

use crate::form::Form;
use crate::record::{Market, NoBody};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::ListenerExt;
use pipeline::Decimal;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A running market server. When this is dropped it accepts nothing more and ends with the last open request.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<()>>,
}

struct Shared {
    market: Arc<Market>,
    clock: Box<dyn Fn() -> u64 + Send + Sync>,
    /// By oracle; one that is not here gets the true prices.
    factors: Mutex<BTreeMap<usize, Decimal>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("factors", &self.factors).finish_non_exhaustive()
    }
}

impl Server {
    /// Serves the market on this socket; `clock` gives the replay time (unix seconds) at each request.
    pub fn start(
        market: Arc<Market>,
        listener: TcpListener,
        clock: impl Fn() -> u64 + Send + Sync + 'static,
    ) -> std::io::Result<Server> {
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { market, clock: Box::new(clock), factors: Mutex::default() });
        let router = Router::new().route("/oracle/{oracle}/{source}", get(quote)).with_state(shared.clone());
        // Small answers must not wait for the acknowledgement of the ones before.
        let listener = listener.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = axum::serve(listener, router).with_graceful_shutdown(async move {
            // Also when the sender is dropped.
            let _ = stopped.await;
        });
        Ok(Server { address, shared, stop, task: tokio::spawn(serving.into_future()) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where this oracle finds this market.
    pub fn url(&self, oracle: usize, source: &str) -> String {
        format!("http://{}/oracle/{oracle}/{source}", self.address)
    }

    /// Where this oracle finds its markets, as its job wants them.
    pub fn sources(&self, oracle: usize) -> Vec<crate::Source> {
        let source =
            |(name, form): (&str, Form)| crate::Source { name: name.into(), url: self.url(oracle, name), form };
        self.shared.market.sources().map(source).collect()
    }

    /// From now on this oracle sees every price times `factor`; 1 ends it.
    pub fn set_factor(&self, oracle: usize, factor: Decimal) {
        self.shared.factors.lock().unwrap_or_else(PoisonError::into_inner).insert(oracle, factor);
    }

    /// Stops accepting, lets open requests finish, and returns when the server is gone.
    pub async fn stop(self) -> std::io::Result<()> {
        drop(self.stop);
        self.task.await.unwrap_or_else(|error| Err(std::io::Error::other(error)))
    }
}

async fn quote(State(shared): State<Arc<Shared>>, Path((oracle, source)): Path<(usize, String)>) -> Response {
    let factor = shared.factors.lock().unwrap_or_else(PoisonError::into_inner).get(&oracle).cloned();
    let factor = factor.unwrap_or_else(|| Decimal::from(1));
    let (status, body) = match shared.market.body(&source, (shared.clock)(), &factor) {
        Ok(body) => (StatusCode::OK, body),
        Err(reason) => {
            let status = match reason {
                NoBody::NoMarket => StatusCode::NOT_FOUND,
                NoBody::NoTrade => StatusCode::SERVICE_UNAVAILABLE,
                NoBody::Factor(_) => StatusCode::INTERNAL_SERVER_ERROR,
            };
            (status, format!(r#"{{"error":"{reason}"}}"#))
        }
    };
    (status, [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")], body).into_response()
}
