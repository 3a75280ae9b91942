//! The sockets: listening, mining at intervals, stopping.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{
        DefaultBodyLimit, State,
        ws::{Message, WebSocket, WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    http::{HeaderValue, Method, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
    serve::ListenerExt,
};
use futures::{SinkExt, StreamExt};
use tokio::{
    net::TcpListener,
    sync::{Notify, Semaphore, mpsc, watch},
    task::JoinHandle,
    time::MissedTickBehavior,
};
use tower_http::cors::{Any, CorsLayer};

use super::{
    accounts::DevAccount,
    host::{Host, Mining},
    session::Session,
};
use crate::{
    chain::Chain,
    limits::{ANSWERS_AT_ONCE_MAX, REQUEST_BYTES_MAX, SOCKET_QUEUE_MAX, SOCKETS_MAX, STOP_SECONDS_MAX},
};

/// How a chain is served.
#[derive(Clone, Debug)]
pub struct Options {
    /// Port 0: any free one.
    pub listen: SocketAddr,
    pub mining: Mining,
    /// Accounts of `eth_accounts`, for which `eth_sendTransaction` signs. Their balances are the chain's own business.
    pub accounts: Vec<DevAccount>,
    /// Blocks behind the head that "safe" and "finalized" mean.
    pub finality_depth: u64,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            mining: Mining::Every(Duration::from_secs(1)),
            accounts: Vec::new(),
            finality_depth: 64,
        }
    }
}

/// A chain that answers JSON-RPC. Dropping it stops it; [`Server::stop`] waits until it has.
#[derive(Debug)]
pub struct Server {
    host: Arc<Host>,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

#[derive(Clone)]
struct Face {
    host: Arc<Host>,
    stop: watch::Receiver<bool>,
    sockets: Arc<AtomicUsize>,
    turns: Arc<Semaphore>,
}

impl Server {
    /// Listens, and mines if `options` say so.
    pub async fn start(chain: Chain, options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?;
        let host = Arc::new(Host::new(chain, options.accounts, options.mining, options.finality_depth));
        let (stop, stopped) = watch::channel(false);
        let turns = Arc::new(Semaphore::new(ANSWERS_AT_ONCE_MAX));
        let face = Face { host: host.clone(), stop: stopped.clone(), sockets: Arc::default(), turns };

        // Browsers ask before they talk to another origin, and once more for one on a private network.
        let cors = CorsLayer::new()
            .allow_origin(Any)
            .allow_methods([Method::GET, Method::POST])
            .allow_headers(Any)
            .allow_private_network(true);
        let routes = Router::new()
            .route("/", get(on_get).post(on_post))
            .layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX))
            .layer(cors)
            .with_state(face);
        // Without TCP_NODELAY an answer waits for the peer's delayed acknowledgement, 40 ms.
        let listener = listener.tap_io(|stream| {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "TCP_NODELAY");
            }
        });
        let mut until = stopped.clone();
        let serve = axum::serve(listener, routes).with_graceful_shutdown(async move {
            until.wait_for(|stop| *stop).await.ok();
        });
        let mut tasks = vec![tokio::spawn(async move {
            if let Err(error) = serve.await {
                tracing::error!(%error, "the RPC listener failed");
            }
        })];
        if let Mining::Every(interval) = options.mining {
            tasks.push(tokio::spawn(mine_every(interval, host.clone(), stopped)));
        }
        Ok(Server { host, address, stop, tasks })
    }

    /// `http://127.0.0.1:…`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// `ws://127.0.0.1:…`, the same port.
    pub fn ws_url(&self) -> String {
        format!("ws://{}", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The chain behind the server, for code in the same process.
    pub fn host(&self) -> &Arc<Host> {
        &self.host
    }

    /// Closes every connection, stops mining, and waits for both.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        for mut task in self.tasks.drain(..) {
            if tokio::time::timeout(Duration::from_secs(STOP_SECONDS_MAX), &mut task).await.is_err() {
                task.abort();
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        for task in &self.tasks {
            task.abort();
        }
    }
}

async fn mine_every(interval: Duration, host: Arc<Host>, mut stop: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + interval, interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        let host = host.clone();
        if tokio::task::spawn_blocking(move || host.mine()).await.is_err() {
            return;
        }
    }
}

async fn on_post(State(face): State<Face>, body: Bytes) -> Response {
    match answer(Session::http(face.host), body, &face.turns).await {
        Some((_, Some(answer))) => {
            ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], answer).into_response()
        }
        Some((_, None)) => StatusCode::OK.into_response(),
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Answers when it is this request's turn. A caller that goes away before is not worked for: its future is dropped here.
/// None if the answer panicked.
async fn answer(mut session: Session, request: Bytes, turns: &Arc<Semaphore>) -> Option<(Session, Option<String>)> {
    let turn = turns.clone().acquire_owned().await.ok()?;
    // A call may run for a while; the threads that serve sockets do not.
    let answering = tokio::task::spawn_blocking(move || {
        let answer = session.answer(&request);
        drop(turn);
        (session, answer)
    });
    answering.await.ok()
}

/// A WebSocket, or somebody who looks whether anything is here.
async fn on_get(State(face): State<Face>, upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>) -> Response {
    let Ok(upgrade) = upgrade else {
        return "A development chain of dodona. Send JSON-RPC 2.0 by POST, or open a WebSocket.\n".into_response();
    };
    if face.sockets.fetch_add(1, Ordering::Relaxed) >= SOCKETS_MAX {
        face.sockets.fetch_sub(1, Ordering::Relaxed);
        return (StatusCode::SERVICE_UNAVAILABLE, "too many WebSocket connections\n").into_response();
    }
    let open = Open(face.sockets.clone());
    upgrade.max_message_size(REQUEST_BYTES_MAX).on_upgrade(move |socket| async move {
        let _open = open;
        converse(socket, face).await;
    })
}

/// Counts a connection for as long as it lives.
struct Open(Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn converse(socket: WebSocket, face: Face) {
    let Face { host, mut stop, turns, .. } = face;
    let (mut sink, mut stream) = socket.split();
    let (queue, mut queued) = mpsc::channel::<String>(SOCKET_QUEUE_MAX);
    let overflow = Arc::new(Notify::new());
    let mut session = Session::socket(host, queue.clone(), overflow.clone());
    let mut writer = tokio::spawn(async move {
        while let Some(text) = queued.recv().await {
            if sink.send(Message::text(text)).await.is_err() {
                return;
            }
        }
        sink.close().await.ok();
    });
    loop {
        let message = tokio::select! {
            message = stream.next() => message,
            _ = stop.wait_for(|stop| *stop) => break,
            _ = overflow.notified() => break,
            // The writer gave up: the peer is gone.
            () = queue.closed() => break,
        };
        let text = match message {
            Some(Ok(Message::Text(text))) => axum::body::Bytes::from(text),
            Some(Ok(Message::Binary(bytes))) => bytes,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
            Some(Ok(Message::Close(_)) | Err(_)) | None => break,
        };
        let Some((back, answer)) = answer(session, text, &turns).await else { return };
        session = back;
        if let Some(answer) = answer
            && queue.send(answer).await.is_err()
        {
            break;
        }
        session.begin_subscriptions();
    }
    drop((session, queue));
    // What is queued for a peer that still reads goes out; for one that does not, nothing waits.
    if tokio::time::timeout(Duration::from_secs(STOP_SECONDS_MAX), &mut writer).await.is_err() {
        writer.abort();
    }
}
