//! `dodona devnet`: a whole network on this machine, for seeing it work and for breaking it.
//!
//! The story, in its order: a chain, a market, keys, contracts, a configuration, a bootstrap node, the oracles; then what
//! they do, until enough is done or somebody presses Ctrl-C. Not here: what an oracle is; it is started as `dodona node`
//! starts it, from files that an operator could have written.

mod deploy;
pub mod event;
mod files;
mod oracles;
mod view;
mod watch;

use crate::bad_input::BadInput;
use crate::cli::Failure;
use crate::devnet_options::{ChainChoice, DevnetOptions, Fault};
use crate::identity::{Identity, OracleKeys};
use crate::run::end_by_signal;
use deploy::Deployer;
use event::{Event, Timed};
use files::{Common, Home};
use liars::Lie;
use market::{Market, Replay, Server as MarketServer};
use oracles::{Node, Starter};
use p2p::{Locator, Relay};
use pipeline::format_duration;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{IsTerminal, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use url::Url;
use view::{Quote, View};

/// The embedded chain's id: what development tools expect.
const CHAIN_ID: u64 = 1337;
/// How often the screen is redrawn.
const REDRAW: Duration = Duration::from_millis(250);
/// Where the embedded chain and the market listen, if the ports are free.
const CHAIN_PORT: u16 = 8545;
const MARKET_PORT: u16 = 8500;
/// How long the end waits for work that cannot be cancelled.
const END_WITHIN: Duration = Duration::from_millis(500);

/// Runs a development network until it is done, or until it is interrupted.
pub fn run(options: DevnetOptions) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format!("cannot start: {error}")))?;
    let outcome = runtime.block_on(async {
        let interrupted = end_by_signal()?;
        let mut teller = Teller::new(options.json);
        let place = Place::new(options.keep.as_deref())?;
        crate::log::to_file(&place.folder.join("devnet.log")).map_err(|error| {
            BadInput::io(&place.folder, "write the log", &error).remedy("choose another folder with --keep")
        })?;
        tokio::select! {
            outcome = live(&options, &mut teller, &place) => outcome,
            _ = interrupted => Ok(()),
        }
    });
    // Whoever ends it does not wait for what the chain still computes for others.
    runtime.shutdown_timeout(END_WITHIN);
    outcome
}

/// The folder that everything lies in.
struct Place {
    folder: PathBuf,
    /// Removes the folder in the end, if nobody wants to keep it.
    _temporary: Option<tempfile::TempDir>,
}

impl Place {
    fn new(keep: Option<&Path>) -> Result<Place, BadInput> {
        match keep {
            Some(folder) => {
                let io = |error| BadInput::io(folder, "make the folder", &error);
                std::fs::create_dir_all(folder).map_err(io)?;
                if std::fs::read_dir(folder).map_err(io)?.next().is_some() {
                    let problem = BadInput::new("the folder is not empty").in_file(folder).at("--keep");
                    return Err(problem.remedy("name a new folder, or remove what is in this one"));
                }
                let folder = folder.canonicalize().map_err(io)?;
                Ok(Place { folder, _temporary: None })
            }
            None => {
                let io = |error| BadInput::io(&std::env::temp_dir(), "make a folder", &error);
                let temporary = tempfile::Builder::new().prefix("dodona-devnet-").tempdir().map_err(io)?;
                Ok(Place { folder: temporary.path().to_owned(), _temporary: Some(temporary) })
            }
        }
    }
}

/// Everything in order.
async fn live(options: &DevnetOptions, teller: &mut Teller, place: &Place) -> Result<(), Failure> {
    let market = Arc::new(load_market(options)?);

    // The chain.
    teller.progress("starting the chain");
    let (chain, http_url, ws_url, deployer) = connect(options, teller).await?;
    let chain_id = deployer.chain_id();
    teller.tell(Event::Chain { url: http_url.to_string(), chain_id });

    // The market.
    teller.progress("opening the markets");
    let start = options.start.unwrap_or(match options.data {
        Some(_) => market.first_time(),
        None => Market::RECORDED_START,
    });
    let replay = Replay::new(&market, start, options.speed).map_err(|problem| BadInput::new(problem).at("--start"))?;
    let opened = Instant::now();
    let clock = move || replay.time(opened.elapsed());
    let listener = next_free(MARKET_PORT, teller).await?;
    let sources = MarketServer::start(market.clone(), listener, clock).map_err(Failure::failed)?;
    let urls = market.sources().map(|(name, _)| sources.url(0, name)).collect();
    teller.tell(Event::Sources { urls, replay_start: rfc3339(start), speed: options.speed });
    for fault in &options.faults {
        if let Fault::Price { oracles, factor } = fault {
            oracles.iter().for_each(|oracle| sources.set_factor(usize::from(*oracle), factor.clone()));
        }
    }

    // Keys and addresses, then contracts and money.
    teller.progress("making keys");
    let relayed: BTreeSet<u8> =
        options.faults.iter().filter(|f| matches!(f, Fault::Partition { .. })).flat_map(Fault::oracles).collect();
    let mut members: Vec<Member> = Vec::new();
    let mut port = options.peer_port;
    for index in 0..options.oracles {
        let (home, reserved) = free_home(place.folder.join(format!("oracle-{index}")), &mut port, teller).await?;
        let member = Member::furnish(index, home, chain_id, &http_url, ws_url.as_ref(), options, &relayed).await?;
        members.push(Member { reserved: Some(reserved), ..member });
    }
    let (bootstrap, reserved) = free_home(place.folder.join("bootstrap"), &mut port, teller).await?;
    let bootstrap_keys = bootstrap.furnish(chain_id, &http_url, ws_url.as_ref())?;
    let identities: Vec<Identity> = members.iter().map(|member| member.keys.identity()).collect();

    teller.progress("deploying token, access controllers and aggregator");
    let contracts = deployer.deploy_contracts(&options.contract).await?;
    let (aggregator, token) = (contracts.aggregator.to_checksum(None), contracts.token.to_checksum(None));
    teller.tell(Event::Deployed { aggregator, token });
    for (member, identity) in members.iter().zip(&identities) {
        teller.tell(Event::Oracle {
            index: member.index,
            peer_id: identity.peer_id.to_string(),
            signer: identity.onchain_address.to_string(),
            transmitter: identity.transmitter.to_string(),
            listen: member.home.announce.to_string(),
            foreign: member.foreign,
        });
    }
    teller.progress("funding transmitters and aggregator, setting payees and billing");
    deployer.fund(&contracts, &identities).await?;
    teller.progress("setting the configuration");
    let digest = deployer.configure(&contracts, &identities, options).await?;
    teller.tell(Event::Config { digest: hex::encode(digest), f: options.f, n: options.oracles });

    // The nodes.
    let bootstrapper =
        Locator { peer: bootstrap_keys.identity().peer_id, addresses: vec![bootstrap.announce.to_string()] };
    let common = Common {
        chain_id,
        http_url: &http_url,
        ws_url: ws_url.as_ref(),
        contracts: &contracts,
        bootstrapper: &bootstrapper,
        sources: &sources,
        n: options.oracles,
        f: options.f,
    };
    files::write_bootstrap_job(&bootstrap, &common)?;
    for member in members.iter().filter(|member| !member.foreign) {
        files::write_job(&member.home, member.index, &member.keys, &common)?;
    }
    let (told, events) = mpsc::unbounded_channel();
    let starter = Starter { processes: options.processes, told: told.clone() };
    teller.progress("starting the bootstrap node");
    drop(reserved);
    let bootstrap_node = starter.start("bootstrap".into(), &bootstrap, None).await?;
    reachable(bootstrap.listen).await?;
    teller.tell(Event::Bootstrap { peer_id: bootstrapper.peer.to_string(), listen: bootstrap.announce.to_string() });
    for member in members.iter_mut().filter(|member| member.foreign) {
        member.reserved = None;
        let folder = place.folder.join("foreign");
        std::fs::create_dir_all(&folder).map_err(|error| BadInput::io(&folder, "make the folder", &error))?;
        let file = folder.join(format!("{}.json", member.index));
        files::write_seat(&file, member.index, &member.home, &member.keys, &common)?;
        teller.progress(&format!("seat {} is free: {}", member.index, file.display()));
    }
    teller.progress("starting the oracles");
    let mut nodes =
        Nodes { starter, members, running: BTreeMap::new(), silent: silent(options), _bootstrap: bootstrap_node };
    for index in 0..options.oracles {
        nodes.start(index).await?;
    }
    if options.keep.is_some() {
        nodes.show_commands(teller, &bootstrap);
    }

    // What they do.
    let height = Arc::new(AtomicU64::new(0));
    tokio::spawn(watch::transmissions(deployer.aggregator(&contracts), contracts.deployed_block, height.clone(), told));
    let screen = Screen { market, replay: Box::new(move || replay.time(opened.elapsed())), height };
    let outcome = follow(options, teller, &mut nodes, events, &screen).await;
    drop(nodes);
    if let Err(error) = sources.stop().await {
        tracing::warn!(%error, "the market server did not end well");
    }
    if let Some(chain) = chain {
        chain.stop().await;
    }
    outcome
}

/// Follows the network to its end: shows what it does and breaks what shall break.
async fn follow(
    options: &DevnetOptions,
    teller: &mut Teller,
    nodes: &mut Nodes,
    mut events: mpsc::UnboundedReceiver<Event>,
    screen: &Screen,
) -> Result<(), Failure> {
    let begun = tokio::time::Instant::now();
    let mut faults = Schedule::of(&options.faults);
    let faults_over = options.faults.iter().map(Fault::over_at).max().unwrap_or_default();
    let mut redraw = tokio::time::interval(REDRAW);
    let mut transmissions = 0;
    let timeout = async {
        match options.rounds {
            Some(_) => tokio::time::sleep_until(begun + options.timeout).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(timeout);
    loop {
        if teller.reader_gone.get() {
            // There is nobody to run for; a good end also removes the keys of the network.
            return Ok(());
        }
        let done = options.rounds.is_some_and(|rounds| transmissions >= rounds) && begun.elapsed() >= faults_over;
        if done && faults.is_over() {
            teller.tell(Event::Done { transmissions });
            return Ok(());
        }
        let next_fault = faults.next_at().map(|at| begun + at);
        tokio::select! {
            Some(event) = events.recv() => {
                transmissions += u64::from(matches!(event, Event::Transmission { .. }));
                teller.tell_once(event);
            }
            () = until(next_fault) => {
                if let Some(action) = faults.pop() {
                    nodes.act(action, teller).await?;
                }
            }
            _ = redraw.tick() => teller.draw(screen),
            () = &mut timeout => {
                let wanted = options.rounds.unwrap_or_default();
                let after = format_duration(options.timeout);
                return Err(Failure::failed(format!(
                    "{transmissions} of {wanted} transmissions were accepted within {after}; see the log with --keep DIR"
                )));
            }
        }
    }
}

async fn until(at: Option<tokio::time::Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// The chain, where it answers, and who pays on it.
async fn connect(
    options: &DevnetOptions,
    teller: &Teller,
) -> Result<(Option<devchain::rpc::Server>, Url, Option<Url>, Deployer), Failure> {
    match &options.chain {
        ChainChoice::Foreign { url, deployer_key } => {
            let deployer = Deployer::connect(url, deployer_key.as_ref()).await?;
            Ok((None, url.clone(), None, deployer))
        }
        ChainChoice::Embedded => {
            let server = embedded_chain(options.block_time, teller).await?;
            let http_url: Url = server.url().parse().map_err(Failure::failed)?;
            let ws_url: Url = server.ws_url().parse().map_err(Failure::failed)?;
            let deployer = Deployer::connect(&http_url, None).await?;
            Ok((Some(server), http_url, Some(ws_url), deployer))
        }
    }
}

async fn embedded_chain(block_time: Duration, teller: &Teller) -> Result<devchain::rpc::Server, Failure> {
    let accounts: Vec<_> = (0..10).map(devchain::rpc::DevAccount::number).collect();
    let rich = alloy::primitives::U256::from(10).pow(alloy::primitives::U256::from(24));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let config = devchain::Config {
        chain_id: CHAIN_ID,
        genesis_timestamp: now,
        balances: accounts.iter().map(|account| (account.address(), rich)).collect(),
        ..devchain::Config::default()
    };
    let listener = next_free(CHAIN_PORT, teller).await?;
    let listen = listener.local_addr().map_err(Failure::failed)?;
    drop(listener);
    let mining = devchain::rpc::Mining::Every(block_time);
    let options = devchain::rpc::Options { listen, mining, accounts, ..devchain::rpc::Options::default() };
    devchain::rpc::Server::start(devchain::Chain::new(config), options)
        .await
        .map_err(|error| Failure::failed(format!("the chain cannot listen on {listen}: {error}")))
}

fn load_market(options: &DevnetOptions) -> Result<Market, BadInput> {
    let Some(path) = &options.data else { return Ok(Market::recorded()) };
    let text = std::fs::read_to_string(path).map_err(|error| BadInput::io(path, "read the market", &error))?;
    Market::load(&text).map_err(|error| {
        BadInput::new(error.problem).in_file(path).on_line(error.line).at("--data").remedy(error.remedy)
    })
}

/// Listens on loopback at this port, or at the next one that is free, and says so.
async fn next_free(wanted: u16, teller: &Teller) -> Result<TcpListener, Failure> {
    for port in wanted..=u16::MAX {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            Ok(listener) => {
                if port != wanted {
                    teller.notice(&format!("port {wanted} is in use: taking {port}"));
                }
                return Ok(listener);
            }
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {}
            Err(error) => return Err(Failure::failed(format!("cannot listen on port {port}: {error}"))),
        }
    }
    Err(Failure::failed(format!("every port from {wanted} on is in use")))
}

/// Somewhere to listen. The listener keeps the port from others, such as a second network, until the node takes it.
/// `port` is where the search begins, and then the one after.
async fn free_home(folder: PathBuf, port: &mut u16, teller: &Teller) -> Result<(Home, TcpListener), Failure> {
    let reserved = next_free(*port, teller).await?;
    let listen = reserved.local_addr().map_err(Failure::failed)?;
    *port = listen.port().saturating_add(1);
    Ok((Home { folder, listen, announce: listen }, reserved))
}

/// Waits until something listens there.
async fn reachable(address: SocketAddr) -> Result<(), Failure> {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(20) {
        if tokio::net::TcpStream::connect(address).await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Err(Failure::failed(format!("nothing listens on {address} after 20 s; see the log with --keep DIR")))
}

/// One seat of the committee.
struct Member {
    index: u8,
    home: Home,
    keys: OracleKeys,
    foreign: bool,
    relay: Option<Relay>,
    /// Its port, until it starts.
    reserved: Option<TcpListener>,
}

impl Member {
    async fn furnish(
        index: u8,
        mut home: Home,
        chain_id: u64,
        http_url: &Url,
        ws_url: Option<&Url>,
        options: &DevnetOptions,
        relayed: &BTreeSet<u8>,
    ) -> Result<Member, Failure> {
        let mut relay = None;
        if relayed.contains(&index) {
            // Any port: the next ones are for the nodes.
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(Failure::failed)?;
            let started = Relay::start(listener, home.listen).map_err(Failure::failed)?;
            home.announce = started.address;
            relay = Some(started);
        }
        let foreign = options.foreign.contains(&index);
        let keys = match foreign {
            true => OracleKeys::generate(),
            false => home.furnish(chain_id, http_url, ws_url)?,
        };
        Ok(Member { index, home, keys, foreign, relay, reserved: None })
    }
}

/// The nodes that run, and what it takes to start them again.
struct Nodes {
    starter: Starter,
    members: Vec<Member>,
    running: BTreeMap<u8, Node>,
    silent: BTreeSet<u8>,
    _bootstrap: Node,
}

impl Nodes {
    async fn start(&mut self, index: u8) -> Result<(), Failure> {
        let member = &mut self.members[usize::from(index)];
        member.reserved = None;
        if member.foreign {
            return Ok(());
        }
        let lie = self.silent.contains(&index).then_some(Lie::Silent);
        let node = self.starter.start(format!("oracle-{index}"), &member.home, lie).await?;
        self.running.insert(index, node);
        Ok(())
    }

    async fn act(&mut self, action: Action, teller: &mut Teller) -> Result<(), Failure> {
        teller.tell(Event::Fault { text: action.text });
        match action.what {
            What::Tell => {}
            What::Stop(oracles) => oracles.iter().for_each(|oracle| drop(self.running.remove(oracle))),
            What::Restart(oracles) => {
                for oracle in oracles {
                    drop(self.running.remove(&oracle));
                    self.start(oracle).await?;
                }
            }
            What::Split(left, right) => {
                self.bar(&left, &right);
                self.bar(&right, &left);
            }
            What::Heal(left, right) => {
                self.bar(&left, &BTreeSet::new());
                self.bar(&right, &BTreeSet::new());
            }
        }
        Ok(())
    }

    /// The relays of these oracles let nobody of those through.
    fn bar(&self, at: &BTreeSet<u8>, whom: &BTreeSet<u8>) {
        let peers: BTreeSet<_> =
            whom.iter().map(|oracle| self.members[usize::from(*oracle)].keys.peer.public_key().into()).collect();
        for relay in at.iter().filter_map(|oracle| self.members[usize::from(*oracle)].relay.as_ref()) {
            relay.bar(peers.clone());
        }
    }

    fn show_commands(&self, teller: &Teller, bootstrap: &Home) {
        // `cargo run` puts no `dodona` on the path.
        let program = std::env::current_exe().unwrap_or_else(|_| "dodona".into());
        teller.notice("to start a node again by hand:");
        let homes = std::iter::once(bootstrap).chain(self.members.iter().filter(|m| !m.foreign).map(|m| &m.home));
        for home in homes {
            teller.notice(&format!("  {} node --config {}", program.display(), home.files().config.display()));
        }
    }
}

fn silent(options: &DevnetOptions) -> BTreeSet<u8> {
    options.faults.iter().filter(|fault| matches!(fault, Fault::SilentLeader { .. })).flat_map(Fault::oracles).collect()
}

/// What a fault does at one moment.
struct Action {
    at: Duration,
    text: String,
    what: What,
}

enum What {
    /// It has been so from the start, and is only told.
    Tell,
    Stop(BTreeSet<u8>),
    Restart(BTreeSet<u8>),
    Split(BTreeSet<u8>, BTreeSet<u8>),
    Heal(BTreeSet<u8>, BTreeSet<u8>),
}

/// All that shall go wrong, in the order of time.
struct Schedule(std::collections::VecDeque<Action>);

impl Schedule {
    fn of(faults: &[Fault]) -> Schedule {
        let mut actions = Vec::new();
        for fault in faults {
            let text = fault.to_string();
            match fault.clone() {
                Fault::Stop { oracles, at } => actions.push(Action { at, text, what: What::Stop(oracles) }),
                Fault::Restart { oracles, at } => actions.push(Action { at, text, what: What::Restart(oracles) }),
                Fault::Partition { left, right, from, until } => {
                    let healed = format!("{text} is over");
                    actions.push(Action { at: from, text, what: What::Split(left.clone(), right.clone()) });
                    actions.push(Action { at: until, text: healed, what: What::Heal(left, right) });
                }
                // From the start on.
                Fault::Price { .. } | Fault::SilentLeader { .. } => {
                    actions.push(Action { at: Duration::ZERO, text, what: What::Tell });
                }
            }
        }
        actions.sort_by_key(|action| action.at);
        Schedule(actions.into())
    }

    fn next_at(&self) -> Option<Duration> {
        self.0.front().map(|action| action.at)
    }

    fn pop(&mut self) -> Option<Action> {
        self.0.pop_front()
    }

    fn is_over(&self) -> bool {
        self.0.is_empty()
    }
}

/// What the live view looks at beside the events.
struct Screen {
    market: Arc<Market>,
    replay: Box<dyn Fn() -> u64 + Send + Sync>,
    height: Arc<AtomicU64>,
}

/// Tells people, or programs, what happens.
struct Teller {
    begun: Instant,
    json: bool,
    /// Only on a terminal.
    view: Option<View>,
    /// The screen is drawn from the moment when the oracles run.
    lively: bool,
    epochs: BTreeSet<u32>,
    rounds: BTreeSet<(u32, u8)>,
    /// Nobody reads stdout any more.
    reader_gone: std::cell::Cell<bool>,
}

impl Teller {
    fn new(json: bool) -> Self {
        let view = (!json && std::io::stdout().is_terminal()).then(View::default);
        Teller {
            begun: Instant::now(),
            json,
            view,
            lively: false,
            epochs: BTreeSet::new(),
            rounds: BTreeSet::new(),
            reader_gone: false.into(),
        }
    }

    fn print(&self, text: &str) {
        let mut out = std::io::stdout().lock();
        if writeln!(out, "{text}").and_then(|()| out.flush()).is_err() {
            self.reader_gone.set(true);
        }
    }

    /// What is being done now, for people.
    fn progress(&self, what: &str) {
        if !self.json {
            self.notice(what);
        }
    }

    /// What somebody needs who reads events too: on stderr then, because stdout is theirs.
    fn notice(&self, what: &str) {
        let line = format!("{:>7.1}s  {what}", self.begun.elapsed().as_secs_f64());
        match self.json {
            true => eprintln!("{line}"),
            false => self.print(&line),
        }
    }

    fn tell(&mut self, event: Event) {
        let t = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let timed = Timed { event, t };
        self.lively |= matches!(timed.event, Event::Epoch { .. });
        if self.json {
            match serde_json::to_string(&timed) {
                Ok(line) => self.print(&line),
                Err(error) => tracing::error!(%error, "an event cannot be written"),
            }
            return;
        }
        if let Some(view) = &mut self.view {
            view.take(&timed);
            if self.lively && !matches!(timed.event, Event::Done { .. }) {
                return;
            }
        }
        self.print(&view::line(&timed));
    }

    /// What every oracle tells is told once.
    fn tell_once(&mut self, event: Event) {
        let news = match &event {
            Event::Epoch { epoch, .. } => self.epochs.insert(*epoch),
            Event::Round { epoch, round, .. } => self.rounds.insert((*epoch, *round)),
            _ => true,
        };
        if news {
            self.tell(event);
        }
    }

    fn draw(&mut self, screen: &Screen) {
        let Some(view) = self.view.as_mut().filter(|_| self.lively) else { return };
        let time = (screen.replay)();
        let quotes: Vec<Quote> = screen
            .market
            .prices(time)
            .into_iter()
            .filter_map(|(market, quote)| {
                Some(Quote { market: market.to_owned(), price: quote?.price.to_string().parse().ok()? })
            })
            .collect();
        let text = view.draw(screen.height.load(Ordering::Relaxed), &rfc3339(time), &quotes);
        self.print(text.trim_end_matches('\n'));
    }
}

/// Unix seconds as people write them.
fn rfc3339(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Civil date from days since 1970 (proleptic Gregorian calendar, eras of 400 years that begin in March).
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replay_times_are_written_as_dates() {
        assert_eq!(rfc3339(1_678_518_000), "2023-03-11T07:00:00Z");
        assert_eq!(rfc3339(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(rfc3339(951_782_400), "2000-02-29T00:00:00Z");
    }

    #[test]
    fn faults_happen_in_the_order_of_time_and_a_partition_ends() {
        let faults: Vec<Fault> =
            ["1:restart@9s", "0/1:partition@2s..5s", "1:stop@3s"].iter().map(|text| text.parse().unwrap()).collect();
        let mut schedule = Schedule::of(&faults);
        let mut texts = Vec::new();
        while let Some(action) = schedule.pop() {
            texts.push(action.text);
        }
        assert_eq!(texts, ["0/1:partition@2s..5s", "1:stop@3s", "0/1:partition@2s..5s is over", "1:restart@9s"]);
    }
}
