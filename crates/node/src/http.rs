//! The HTTP side of a node: `/health`, `/health.txt`, `/readyz` and `/metrics` (node spec 14.4). It only reads.

use crate::health::{Check, Health, Phase};
use crate::metrics::Metrics;
use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;

/// Connections at once, far more than those who watch a node need. Without a bound, clients that ask nothing would take
/// the file descriptors that the peer-to-peer host needs.
const CONNECTIONS_MAX: usize = 64;
/// A connection is closed after this time, whatever is under way: so long a client without a word keeps its place.
const CONNECTION_TIME_MAX: Duration = Duration::from_secs(60);

/// What the pages are made of.
#[derive(Clone, Debug)]
struct Shown {
    health: Health,
    metrics: Metrics,
}

/// Listens on `address`; port 0 takes a free one, which [`TcpListener::local_addr`] names.
pub async fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Serves until `stop` resolves; answers that are under way are finished.
pub async fn serve(
    listener: TcpListener,
    health: Health,
    metrics: Metrics,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let listener = Bounded { listener, places, time: CONNECTION_TIME_MAX };
    axum::serve(listener, routes(health, metrics)).with_graceful_shutdown(stop).await
}

fn routes(health: Health, metrics: Metrics) -> Router {
    Router::new()
        .route("/health", get(health_by_accept))
        .route("/health.txt", get(health_text))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics_text))
        .with_state(Shown { health, metrics })
}

/// JSON unless plain text is asked for.
async fn health_by_accept(State(shown): State<Shown>, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if accept.starts_with("text/plain") {
        return health_text(State(shown)).await;
    }
    if shown.health.phase() == Phase::Starting {
        return StatusCode::NO_CONTENT.into_response();
    }
    let data: Vec<_> = shown
        .health
        .checks()
        .into_iter()
        .map(|check| json!({ "type": "checks", "id": &check.name, "attributes": check }))
        .collect();
    (status(&shown.health), axum::Json(json!({ "data": data }))).into_response()
}

/// 200 when everything works, 207 when something does not.
fn status(health: &Health) -> StatusCode {
    if health.is_healthy() { StatusCode::OK } else { StatusCode::MULTI_STATUS }
}

async fn health_text(State(shown): State<Shown>) -> Response {
    if shown.health.phase() == Phase::Starting {
        return StatusCode::NO_CONTENT.into_response();
    }
    let lines: String = shown.health.checks().iter().map(line).collect();
    (status(&shown.health), lines).into_response()
}

fn line(check: &Check) -> String {
    match (&check.code, &check.hint) {
        (Some(code), Some(hint)) => format!("! {}: {code}: {}; {hint}\n", check.name, check.output),
        _ => format!("ok {}\n", check.name),
    }
}

/// 200 when the node is ready, 503 when it is not; `?full` lists why.
async fn ready(State(shown): State<Shown>, RawQuery(query): RawQuery) -> Response {
    let status = if shown.health.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let full = query.is_some_and(|query| query.split('&').any(|part| part == "full" || part.starts_with("full=")));
    if !full {
        return status.into_response();
    }
    let phase = match shown.health.phase() {
        Phase::Starting => "starting",
        Phase::Running => "running",
        Phase::Draining => "draining",
    };
    let essential: Vec<Check> = shown.health.checks().into_iter().filter(|check| check.essential).collect();
    (status, axum::Json(json!({ "phase": phase, "checks": essential }))).into_response()
}

async fn metrics_text(State(shown): State<Shown>) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")];
    (headers, shown.metrics.encode(&shown.health)).into_response()
}

/// Takes a connection only when there is a place for it.
struct Bounded {
    listener: TcpListener,
    places: Arc<Semaphore>,
    /// How long a connection may last.
    time: Duration,
}

impl axum::serve::Listener for Bounded {
    type Io = Visit;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Visit, SocketAddr) {
        let place = self.places.clone().acquire_owned().await.expect("never closed");
        let (stream, from) = axum::serve::Listener::accept(&mut self.listener).await;
        let end = Box::pin(tokio::time::sleep(self.time));
        (Visit { stream, end, _place: place }, from)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that ends in time, and then frees its place.
struct Visit {
    stream: TcpStream,
    end: Pin<Box<Sleep>>,
    _place: OwnedSemaphorePermit,
}

impl Visit {
    /// The stream, while there is time.
    fn stream(&mut self, context: &mut Context<'_>) -> io::Result<Pin<&mut TcpStream>> {
        match self.end.as_mut().poll(context) {
            Poll::Ready(()) => Err(io::ErrorKind::TimedOut.into()),
            Poll::Pending => Ok(Pin::new(&mut self.stream)),
        }
    }
}

impl AsyncRead for Visit {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.stream(context)?.poll_read(context, buffer)
    }
}

impl AsyncWrite for Visit {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        self.stream(context)?.poll_write(context, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream(context)?.poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream(context)?.poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::{Trouble, Weight};
    use axum::serve::Listener;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    async fn get(address: SocketAddr, path: &str, accept: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).await.unwrap();
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    #[tokio::test]
    async fn a_connection_ends_in_time_and_leaves_its_place_to_the_next() {
        let listener = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut listener = Bounded { listener, places: Arc::new(Semaphore::new(1)), time: Duration::from_millis(10) };
        let _silent = TcpStream::connect(address).await.unwrap();
        let _next = TcpStream::connect(address).await.unwrap();

        let (mut visit, _) = listener.accept().await;
        assert_eq!(visit.read_u8().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(futures::poll!(std::pin::pin!(listener.accept())).is_pending(), "there is one place");
        drop(visit);
        listener.accept().await;
    }

    #[tokio::test]
    async fn the_pages_follow_the_health_of_the_node() {
        let health = Health::new();
        let listener = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let server = tokio::spawn(serve(listener, health.clone(), Metrics::new(), async {
            let _ = stopped.await;
        }));

        assert_eq!(get(address, "/health", "*/*").await.0, 204);
        assert_eq!(get(address, "/readyz", "*/*").await.0, 503);

        health.enter(Phase::Running);
        health.passing("Store", Weight::Essential);
        let (status, body) = get(address, "/health", "*/*").await;
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(status, 200);
        assert_eq!(body["data"][0]["type"], "checks");
        assert_eq!(body["data"][0]["id"], "Store");
        assert_eq!(body["data"][0]["attributes"]["status"], "passing");
        assert_eq!(get(address, "/readyz", "*/*").await.0, 200);

        let trouble = Trouble { code: "unreachable", output: "refused".into(), hint: "start it".into() };
        health.failing("EVM.1.Node.main", Weight::Helpful, trouble.clone());
        let (status, body) = get(address, "/health", "*/*").await;
        assert_eq!(status, 207);
        assert!(body.contains("\"code\":\"unreachable\"") && body.contains("\"hint\":\"start it\""), "{body}");
        let (status, body) = get(address, "/health", "text/plain").await;
        assert_eq!((status, &*body), (207, "! EVM.1.Node.main: unreachable: refused; start it\nok Store\n"));
        assert_eq!(get(address, "/readyz", "*/*").await.0, 200, "degraded, but ready");

        health.failing("Store", Weight::Essential, trouble);
        let (status, body) = get(address, "/readyz?full", "*/*").await;
        assert_eq!(status, 503);
        assert!(body.contains("\"phase\":\"running\"") && body.contains("Store"), "{body}");

        let (status, body) = get(address, "/metrics", "*/*").await;
        assert_eq!(status, 200);
        assert!(body.contains("health{service_id=\"Store\"} 0"), "{body}");

        stop.send(()).unwrap();
        server.await.unwrap().unwrap();
    }
}
