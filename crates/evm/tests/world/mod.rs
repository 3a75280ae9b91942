//! A chain with the real aggregator behind JSON-RPC, endpoints that misbehave in front of it, and a small host for machines.
#![allow(dead_code, reason = "each test file uses its part of the world")]

use alloy::primitives::{Address, I256, U256, aliases::I192};
use alloy::sol_types::{SolCall, SolValue};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bindings::ocr2_aggregator::{constructorCall, setConfigCall};
use crypto::secp256k1::SecretKey;
use crypto::{Keccak256, keccak256};
use devchain::rpc::{DevAccount, Mining, Options, Server};
use devchain::{Chain, Config};
use evm::{Account, EndpointConfig, Endpoints, Sender, Settings};
use futures::future::LocalBoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use machine::{Effect, Effects, Event, Machine, Mono, Protocol, Ticket, Time, Wall};
use serde_json::{Value, json};
use std::future::Future;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

pub const CHAIN_ID: u64 = 1337;
pub const POLL: Duration = Duration::from_millis(20);

pub fn key(number: u8) -> SecretKey {
    SecretKey::from_bytes(&[number; 32]).expect("not zero")
}

pub fn account_of(key: &SecretKey) -> Address {
    Address::new(key.address().0)
}

/// A chain that mines on demand, with funds for keys 1 to 9 and two unlocked accounts.
pub async fn chain(mining: Mining) -> Server {
    let accounts: Vec<DevAccount> = (0..2).map(DevAccount::number).collect();
    let ether = U256::from(10).pow(U256::from(18));
    let mut balances: Vec<(Address, U256)> = (1..10).map(|number| (account_of(&key(number)), ether)).collect();
    balances.extend(accounts.iter().map(|account| (account.address(), ether * U256::from(1_000))));
    let config = Config { chain_id: CHAIN_ID, genesis_timestamp: 1_700_000_000, balances, ..Config::default() };
    Server::start(Chain::new(config), Options { mining, accounts, ..Options::default() }).await.expect("a free port")
}

pub fn settings() -> Settings {
    Settings {
        call_timeout: Duration::from_secs(2),
        hedge_after: Duration::from_millis(100),
        ..Settings::new(CHAIN_ID, POLL)
    }
}

pub fn endpoint(name: &str, url: &str, order: u32) -> EndpointConfig {
    EndpointConfig { name: name.into(), http_url: url.parse().expect("a URL"), ws_url: None, send_only: false, order }
}

pub fn endpoints(url: &str) -> Arc<Endpoints> {
    Endpoints::start(settings(), vec![endpoint("main", url, 1)]).expect("one endpoint")
}

/// How an endpoint misbehaves.
#[derive(Clone, Debug)]
pub enum Fault {
    None,
    /// Never answers.
    Hang,
    /// Answers with this status and these words.
    Status(u16, String),
    /// Answers with bytes that do not end.
    Endless,
    /// Stands still at this height, and answers promptly.
    Frozen(u64),
    OtherChain(u64),
    Redirect,
    /// Passes transactions on, and breaks before it says so.
    SwallowsAnswers,
    /// Lets this method hang, and answers all others.
    HangsAt(&'static str),
}

/// An endpoint in front of another.
pub struct Proxy {
    pub address: SocketAddr,
    pub fault: Arc<Mutex<Fault>>,
    /// How many times it was asked to read a contract.
    pub calls: Arc<AtomicUsize>,
}

#[derive(Clone)]
struct Front {
    upstream: String,
    client: reqwest::Client,
    fault: Arc<Mutex<Fault>>,
    calls: Arc<AtomicUsize>,
}

impl Proxy {
    pub async fn start(upstream: &str, fault: Fault) -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let fault = Arc::new(Mutex::new(fault));
        let calls = Arc::new(AtomicUsize::new(0));
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let front = Front { upstream: upstream.into(), client, fault: fault.clone(), calls: calls.clone() };
        let routes = Router::new().fallback(post(pass)).with_state(front);
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Proxy { address, fault, calls }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn set(&self, fault: Fault) {
        *self.fault.lock().unwrap() = fault;
    }

    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

async fn pass(State(front): State<Front>, uri: Uri, body: String) -> Response {
    let mut request: Value = serde_json::from_str(&body).expect("we send JSON");
    let method = request["method"].as_str().expect("a method").to_owned();
    if method == "eth_call" {
        front.calls.fetch_add(1, Ordering::SeqCst);
    }
    let fault = front.fault.lock().unwrap().clone();
    let answer =
        |result: Value| axum::Json(json!({ "jsonrpc": "2.0", "id": request["id"], "result": result })).into_response();
    match fault {
        Fault::None | Fault::SwallowsAnswers => {}
        Fault::Hang => return std::future::pending().await,
        Fault::HangsAt(at) => {
            if method == at {
                return std::future::pending().await;
            }
        }
        Fault::Status(status, text) => {
            let text = text.replace("{path}", uri.path());
            return (StatusCode::from_u16(status).unwrap(), text).into_response();
        }
        Fault::Redirect => {
            let to = [("location", format!("{}/", front.upstream))];
            return (StatusCode::TEMPORARY_REDIRECT, to).into_response();
        }
        Fault::Endless => {
            let zeros = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 1 << 20]));
            return Body::from_stream(zeros).into_response();
        }
        Fault::OtherChain(id) => {
            if method == "eth_chainId" {
                return answer(json!(format!("{id:#x}")));
            }
        }
        Fault::Frozen(height) => {
            let tag = json!(format!("{height:#x}"));
            if method == "eth_blockNumber" {
                return answer(tag);
            }
            for parameter in request["params"].as_array_mut().into_iter().flatten() {
                if *parameter == "latest" || *parameter == "pending" {
                    *parameter = tag.clone();
                }
            }
        }
    }
    let sent = front.client.post(&front.upstream).header("content-type", "application/json").body(request.to_string());
    let text = sent.send().await.expect("the chain is up").text().await.expect("a body");
    if matches!(fault, Fault::SwallowsAnswers) && method == "eth_sendRawTransaction" {
        return (StatusCode::BAD_GATEWAY, "upstream went away").into_response();
    }
    if let Fault::Frozen(height) = fault {
        let answer: Value = serde_json::from_str(&text).expect("the chain answers JSON");
        let number = answer["result"]["blockNumber"].as_str().unwrap_or("0x0").trim_start_matches("0x").to_owned();
        if method == "eth_getTransactionReceipt" && u64::from_str_radix(&number, 16).expect("hex") > height {
            return axum::Json(json!({ "jsonrpc": "2.0", "id": request["id"], "result": null })).into_response();
        }
    }
    ([("content-type", "application/json")], text).into_response()
}

/// Waits until the endpoints know the chain's head.
pub async fn caught_up(server: &Server, endpoints: &Endpoints) {
    let head = server.host().chain().head().hash;
    let mut heads = endpoints.heads();
    let known = heads.wait_for(|known| known.is_some_and(|known| known.hash == head));
    soon("the head", known).await.expect("the endpoints live");
}

/// Waits for something that must come, and fails the test if it does not.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(Duration::from_secs(30), future).await {
        Ok(value) => value,
        Err(_) => panic!("{what} did not happen"),
    }
}

/// What oracles sign, as the contract computes it: keccak256(keccak256(report) ‖ context).
pub fn report_digest(context: &[[u8; 32]; 3], report: &[u8]) -> [u8; 32] {
    let hash = Keccak256::new().chain(&keccak256(report));
    context.iter().fold(hash, |hash, word| hash.chain(word)).finish()
}

/// An aggregator on a chain, configured for four oracles with f = 1 whose keys are ours.
pub struct Feed {
    pub address: Address,
    pub signers: Vec<SecretKey>,
    pub digest: [u8; 32],
    /// The block of the configuration.
    pub configured_in: u64,
}

/// Oracle i signs with key 11 + i and transmits with key 1 + i.
pub async fn feed(server: &Server, endpoints: &Arc<Endpoints>) -> Feed {
    let owner = Sender::new(endpoints.clone(), Account::Key(key(9)));
    let constructor = constructorCall {
        link: Address::ZERO,
        minAnswer_: I192::ZERO,
        maxAnswer_: I192::try_from(i64::MAX).unwrap(),
        billingAccessController: Address::ZERO,
        requesterAccessController: Address::ZERO,
        decimals_: 8,
        description_: "BTC / USD".into(),
    };
    let creation = bindings::creation(&bindings::ocr2_aggregator::BYTECODE, &constructor);
    let (address, _) = mining(server, owner.deploy("the aggregator", creation)).await.unwrap();
    let signers: Vec<SecretKey> = (11..15).map(key).collect();
    let mut onchain_config = vec![1];
    onchain_config.extend(I192::ZERO.to_be_bytes::<24>());
    onchain_config.extend(I192::try_from(i64::MAX).unwrap().to_be_bytes::<24>());
    let set = setConfigCall {
        signers: signers.iter().map(|signer| Address::new(signer.address().0)).collect(),
        transmitters: (1..5).map(|number| account_of(&key(number))).collect(),
        f: 1,
        onchainConfig: onchain_config.into(),
        offchainConfigVersion: 2,
        offchainConfig: vec![7; 100].into(),
    };
    let receipt = mining(server, owner.call("setConfig", address, set.abi_encode(), U256::ZERO)).await.unwrap();
    let aggregator = evm::Aggregator::new(endpoints.clone(), address);
    let latest = aggregator.latest_config_digest_and_epoch().await.unwrap();
    assert_eq!((latest.scan_logs, latest.epoch), (false, 0));
    Feed { address, signers, digest: latest.digest.0, configured_in: receipt.block.number }
}

impl Feed {
    /// A report of four equal observations, signed by f + 1, and its context.
    pub fn report(&self, epoch: u32, round: u8, answer: i64) -> ([[u8; 32]; 3], Vec<u8>, Vec<[u8; 65]>) {
        let mut epoch_and_round = [0; 32];
        epoch_and_round[27..31].copy_from_slice(&epoch.to_be_bytes());
        epoch_and_round[31] = round;
        let context = [self.digest, epoch_and_round, [5; 32]];
        let mut observers = [0; 32];
        observers[..4].copy_from_slice(&[0, 1, 2, 3]);
        let observations = vec![I256::try_from(answer).unwrap(); 4];
        let report = (1_700_000_000u32, alloy::primitives::B256::new(observers), observations, I256::ZERO);
        let report = report.abi_encode_params();
        let digest = report_digest(&context, &report);
        let signatures = self.signers[..2].iter().map(|signer| signer.sign(&digest)).collect();
        (context, report, signatures)
    }
}

/// Mines whenever there is something to mine, until the future is done.
pub async fn mining<T>(server: &Server, future: impl Future<Output = T>) -> T {
    let mine = async {
        loop {
            if server.host().chain().pool_len() > 0 {
                server.host().mine();
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::select! {
        value = future => value,
        () = mine => unreachable!("it never ends"),
    }
}

/// Runs a machine with real time, and nothing durable.
pub struct Host<'a, M: Machine, F> {
    pub machine: M,
    perform: F,
    begun: Instant,
    asks: FuturesUnordered<Asked<'a, M::Protocol>>,
}

/// An ask that is being performed, with its ticket.
type Asked<'a, P> = LocalBoxFuture<'a, (Ticket, Option<<P as Protocol>::Answer>)>;

impl<'a, M, F, Fut> Host<'a, M, F>
where
    M: Machine,
    F: Fn(<M::Protocol as Protocol>::Ask) -> Fut,
    Fut: Future<Output = Option<<M::Protocol as Protocol>::Answer>> + 'a,
{
    pub fn new(machine: M, perform: F) -> Self {
        Host { machine, perform, begun: Instant::now(), asks: FuturesUnordered::new() }
    }

    fn now(&self) -> Time {
        Time { mono: Mono(self.begun.elapsed().as_nanos() as u64), wall: Wall(0) }
    }

    /// Hands an event in and runs on until an output is what is waited for; yields all that was told.
    pub async fn until(
        &mut self,
        first: Event<M::Protocol>,
        done: impl Fn(&<M::Protocol as Protocol>::Output) -> bool,
    ) -> Vec<<M::Protocol as Protocol>::Output> {
        let mut outputs = Vec::new();
        let mut out = Effects::default();
        let mut event = first;
        loop {
            self.machine.handle(self.now(), event, &mut out);
            for effect in out.drain() {
                match effect {
                    Effect::Persist(_) | Effect::Send { .. } | Effect::Forget(_) => {}
                    Effect::Ask { ticket, ask } => {
                        let answer = (self.perform)(ask);
                        self.asks.push(Box::pin(async move { (ticket, answer.await) }));
                    }
                    Effect::Emit(output) => outputs.push(output),
                }
            }
            if outputs.iter().any(&done) {
                return outputs;
            }
            let now = self.now().mono;
            let wait = self.machine.deadline().map_or(Duration::from_secs(60), |deadline| deadline - now);
            event = tokio::select! {
                Some((ticket, answer)) = self.asks.next() => Event::Answered { ticket, answer },
                () = tokio::time::sleep(wait) => Event::Woke,
            };
        }
    }
}

/// Mines a block every now and then, until the future is done.
pub async fn ticking<T>(server: &Server, future: impl Future<Output = T>) -> T {
    let tick = async {
        loop {
            server.host().mine();
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    };
    tokio::select! {
        value = future => value,
        () = tick => unreachable!("it never ends"),
    }
}
