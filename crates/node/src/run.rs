//! `dodona node`: from a plan to running services, and back down in good order.

use crate::bad_input::BadInput;
use crate::cli::Failure;
use crate::health::{Health, Phase, Weight};
use crate::http;
use crate::keys_tool::NodeFiles;
use crate::log;
use crate::metrics::Metrics;
use crate::plan::Plan;
use clap::Args;
use std::io::ErrorKind;
use std::path::PathBuf;
use store::{Store, StoreError};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// `dodona node` as clap reads it.
#[derive(Clone, Debug, Args)]
#[group(id = "what", required = true, multiple = false, args = ["config", "seat"])]
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
    runtime.block_on(run(plan))
}

/// Runs a plan in a process of its own: logs, store, HTTP side, services, and an end on SIGINT or SIGTERM.
pub async fn run(plan: Plan) -> Result<(), Failure> {
    let (health, metrics) = (Health::new(), Metrics::new());
    log::start(&plan.log, &metrics).map_err(|error| Failure::failed(format!("cannot log: {error}")))?;
    for warning in &plan.warnings {
        tracing::warn!("{warning}");
    }
    let store = open_store(&plan)?;
    health.passing("Store", Weight::Essential);
    let listener = listen(&plan).await?;
    let address = listener.local_addr().map_err(Failure::failed)?;
    tracing::info!(%address, "serving /health, /readyz and /metrics");
    let (stop_http, http_stopped) = tokio::sync::oneshot::channel::<()>();
    let http = tokio::spawn(http::serve(listener, health.clone(), metrics.clone(), async {
        // Dropping the sender is as good a reason to stop.
        let _ = http_stopped.await;
    }));

    let outcome = serve(&plan, &store, &health, &metrics).await;

    health.enter(Phase::Draining);
    drop(stop_http);
    // What still reads a page is not waited for longer than the rest.
    let _ = tokio::time::timeout(plan.shutdown_grace_period, http).await;
    outcome
}

/// Starts every service, waits for [`end_by_signal`] or for a service that cannot go on, and stops them all within the
/// plan's grace period.
async fn serve(_plan: &Plan, _store: &Store, _health: &Health, _metrics: &Metrics) -> Result<(), Failure> {
    Err(Failure::failed("this build cannot run oracles yet: their wiring comes with issue 3"))
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
