//! `dodona node`: from a plan to running services, and back down in good order.

use crate::bad_input::BadInput;
use crate::cli::Failure;
use crate::health::{Health, Phase, Weight};
use crate::http;
use crate::keys_tool::NodeFiles;
use crate::log;
use crate::metrics::Metrics;
use crate::plan::Plan;
use crate::service;
pub use crate::service::{Hooks, Liar};
use clap::Args;
use std::io::ErrorKind;
use std::path::PathBuf;
use store::{Store, StoreError};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// `dodona node` as clap reads it.
#[derive(Clone, Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["config", "seat"]))]
pub struct NodeArgs {
    /// The node's configuration (TOML); its jobs are in jobs/*.toml beside it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Take the seat of a committee that this file describes; its store is FILE.store/. Development chains only
    #[arg(long, value_name = "FILE")]
    seat: Option<PathBuf>,

    /// The keystore's password, a file of mode 0600 [default: `password` beside the configuration]
    #[arg(long, value_name = "FILE", requires = "config")]
    password: Option<PathBuf>,

    /// Print what the oracles do as one JSON object per line on stdout (what `dodona devnet --processes` reads)
    #[arg(long, hide = true)]
    events: bool,

    /// Lie, to see what the others make of it; only for committees that are there to be broken
    #[arg(long, hide = true)]
    lie: Option<LieName>,
}

/// Lies that a person may want to watch.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum LieName {
    /// Say nothing when leading.
    Silent,
}

/// Runs a node until SIGINT or SIGTERM, or until a service cannot go on.
pub fn node(args: NodeArgs) -> Result<(), Failure> {
    let plan = match (args.config, args.seat) {
        (Some(config), _) => Plan::from_config(&NodeFiles { config, password: args.password })?,
        (None, Some(seat)) => Plan::from_seat(&seat)?,
        (None, None) => return Err(BadInput::new("wanted --config FILE or --seat FILE").into()),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format!("cannot start: {error}")))?;
    let liar = args.lie.map(|lie| match lie {
        LieName::Silent => liars::Lie::Silent.into(),
    });
    runtime.block_on(async {
        let told = args.events.then(print_events);
        run(plan, Hooks { told, liar }).await
    })
}

/// Prints events as they come.
fn print_events() -> mpsc::UnboundedSender<crate::devnet::event::Event> {
    let (told, mut events) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(event) = events.recv().await {
            let printed = serde_json::to_string(&event).map_err(Failure::failed);
            if let Err(failure) = printed.and_then(|line| crate::cli::print(&format_args!("{line}\n"))) {
                tracing::error!(?failure, "cannot print events any more");
                return;
            }
        }
    });
    told
}

/// Runs a plan inside a process that has its own log, store handle and end: a node of a development network.
pub async fn run_in_process(plan: Plan, store: Store, hooks: Hooks) -> Result<(), Failure> {
    let (health, metrics) = (Health::new(), Metrics::new());
    let (stop_http, _http) = serve_http(&plan, &health, &metrics).await?;
    health.enter(Phase::Running);
    let outcome = service::run(&plan, &store, &health, &metrics, &hooks).await;
    drop(stop_http);
    outcome
}

/// Runs a plan in a process of its own: logs, store, HTTP side, services, and an end on SIGINT or SIGTERM.
pub async fn run(plan: Plan, hooks: Hooks) -> Result<(), Failure> {
    let (health, metrics) = (Health::new(), Metrics::new());
    log::start(&plan.log, &metrics).map_err(|error| Failure::failed(format!("cannot log: {error}")))?;
    for warning in &plan.warnings {
        tracing::warn!("{warning}");
    }
    let store = open_store(&plan)?;
    health.passing("Store", Weight::Essential);
    let (stop_http, http) = serve_http(&plan, &health, &metrics).await?;

    let outcome = serve(&plan, &store, &health, &metrics, &hooks).await;

    health.enter(Phase::Draining);
    drop(stop_http);
    // What still reads a page is not waited for longer than the rest.
    let _ = tokio::time::timeout(plan.shutdown_grace_period, http).await;
    outcome
}

/// Serves the node's pages until the sender is used or dropped.
async fn serve_http(
    plan: &Plan,
    health: &Health,
    metrics: &Metrics,
) -> Result<(oneshot::Sender<()>, JoinHandle<()>), Failure> {
    let listener = listen(plan).await?;
    let address = listener.local_addr().map_err(Failure::failed)?;
    tracing::info!(%address, "serving /health, /readyz and /metrics");
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = http::serve(listener, health.clone(), metrics.clone(), async {
        // Dropping the sender is as good a reason to stop.
        let _ = stopped.await;
    });
    let task = tokio::spawn(async move {
        if let Err(error) = serving.await {
            tracing::error!(%error, "the node's pages are not served any more");
        }
    });
    Ok((stop, task))
}

/// Runs every service until a signal comes, or until one of them cannot go on. What is durable at that moment is all
/// that an oracle needs, so its end is to stop hearing.
async fn serve(plan: &Plan, store: &Store, health: &Health, metrics: &Metrics, hooks: &Hooks) -> Result<(), Failure> {
    let signals = end_by_signal()?;
    health.enter(Phase::Running);
    tokio::select! {
        outcome = service::run(plan, store, health, metrics, hooks) => outcome,
        signal = signals => {
            tracing::info!(signal, "stopping");
            Ok(())
        }
    }
}

/// Resolves when the process is asked to end.
pub fn end_by_signal() -> Result<impl Future<Output = &'static str>, Failure> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::failed)?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => "SIGINT",
            _ = terminate.recv() => "SIGTERM",
        }
    })
}

/// Opens the plan's store; a second process on the same folder is bad input.
pub fn open_store(plan: &Plan) -> Result<Store, Failure> {
    Store::open(&plan.store_folder).map_err(|error| match error {
        StoreError::InUse { .. } | StoreError::Unusable { .. } | StoreError::Newer { .. } => {
            BadInput::new(error.to_string()).into()
        }
        StoreError::Damaged { .. }
        | StoreError::Corrupt { .. }
        | StoreError::Unreadable { .. }
        | StoreError::Stopped { .. } => Failure::failed(error),
    })
}

async fn listen(plan: &Plan) -> Result<TcpListener, Failure> {
    http::listen(plan.web).await.map_err(|error| {
        let problem = BadInput::new(format!("cannot listen on {}: {error}", plan.web)).at("WebServer.HTTPPort");
        match error.kind() {
            ErrorKind::AddrInUse => {
                problem.remedy("stop what uses the port, or choose another one (0 takes a free one)")
            }
            _ => problem.remedy("correct WebServer.ListenIP and HTTPPort"),
        }
        .into()
    })
}
