//! Endpoints that hang, fail, lag, lie and talk too much, beside one that works; and what is told when none does.

mod world;

use alloy::primitives::U256;
use alloy::sol_types::SolCall;
use bindings::ocr2_aggregator::transmitCall;
use devchain::rpc::{Mining, Server};
use evm::endpoints::ConfigError;
use evm::{Aggregator, EndpointConfig, EndpointState, Endpoints, Settings, TrackerAsks, TransactionAsks};
use evm_proto::tracker;
use evm_proto::transactions::{Answer, Ask, LookAsk, Transaction, Verdict};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use world::{CHAIN_ID, Fault, Feed, Proxy, account_of, chain, endpoint, endpoints, feed, key, settings, soon};

const SECONDS: Duration = Duration::from_secs(10);

/// A feed, a bad endpoint that is preferred, and a good one.
struct Pair {
    server: Server,
    feed: Feed,
    bad: Proxy,
    both: Arc<Endpoints>,
}

async fn pair(fault: Fault) -> Pair {
    let server = chain(Mining::OnDemand).await;
    let direct = endpoints(&server.url());
    soon("a head", direct.ready(SECONDS)).await.unwrap();
    let feed = feed(&server, &direct).await;
    let bad = Proxy::start(&server.url(), fault).await;
    let configs = vec![endpoint("bad", &bad.url(), 1), endpoint("good", &server.url(), 2)];
    let both = Endpoints::start(settings(), configs).unwrap();
    soon("a head", both.ready(SECONDS)).await.unwrap();
    Pair { server, feed, bad, both }
}

impl Pair {
    async fn reads(&self) {
        let aggregator = Aggregator::new(self.both.clone(), self.feed.address);
        let read = soon("a read", aggregator.latest_config_digest_and_epoch()).await.unwrap();
        assert_eq!(read.digest.0, self.feed.digest);
    }

    fn state_of(&self, name: &str) -> EndpointState {
        self.both.health().into_iter().find(|health| &*health.name == name).expect("it is there").state
    }

    async fn until(&self, name: &str, wanted: impl Fn(EndpointState) -> bool) {
        let wait = async {
            while !wanted(self.state_of(name)) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        soon("the endpoint's state", wait).await;
    }
}

#[tokio::test]
async fn an_endpoint_that_hangs_costs_a_moment_once_and_is_then_asked_last() {
    let pair = pair(Fault::None).await;
    pair.reads().await;
    pair.bad.set(Fault::HangsAt("eth_call"));
    let begun = Instant::now();
    pair.reads().await;
    let first = begun.elapsed();
    assert!(first >= Duration::from_millis(100), "the preferred one was not asked: {first:?}");
    // From now on the other is asked first.
    let calls = pair.bad.calls();
    let aggregator = Aggregator::new(pair.both.clone(), pair.feed.address);
    for _ in 0..5 {
        soon("a read", aggregator.latest_transmission_details()).await.unwrap();
    }
    assert_eq!(pair.bad.calls(), calls);
    pair.bad.set(Fault::Hang);
    pair.reads().await;
}

#[tokio::test]
async fn an_endpoint_that_fails_redirects_or_never_ends_is_passed_over() {
    for fault in [
        Fault::Status(500, "<html>oops</html>".into()),
        Fault::Status(200, "<html>not JSON</html>".into()),
        Fault::Status(429, "slow down".into()),
        Fault::Redirect,
        Fault::Endless,
    ] {
        let pair = pair(fault.clone()).await;
        pair.reads().await;
        pair.until("bad", |state| state == EndpointState::Unreachable).await;
        let health = pair.both.health();
        let error = health[0].last_error.clone().expect("it failed").to_string();
        assert!(error.starts_with("endpoint \"bad\" (http://127.0.0.1:"), "{fault:?}: {error}");
        assert_eq!(health[1].state, EndpointState::Alive);
    }
}

#[tokio::test]
async fn an_endpoint_that_lies_by_delay_does_not_hold_anything_up() {
    let pair = pair(Fault::None).await;
    let height = pair.server.host().chain().height();
    pair.bad.set(Fault::Frozen(height));
    for _ in 0..10 {
        pair.server.host().mine();
    }
    pair.until("bad", |state| state == EndpointState::Lagging { blocks: 10 }).await;
    let asks = TrackerAsks::new(pair.both.clone(), pair.feed.address);
    for _ in 0..3 {
        let looked = soon("a look", asks.perform(tracker::Ask::Look)).await;
        let Some(tracker::Answer::Looked(look)) = looked else { panic!("{looked:?}") };
        assert_eq!(look.head.number, height + 10);
    }
    let sender = account_of(&key(1));
    let asks = TransactionAsks::new(pair.both.clone(), [key(1)]);
    let looked = asks.perform(Ask::Look(LookAsk { sender, confirmations: 1, attempts: vec![] })).await;
    let Some(Answer::Looked(look)) = looked else { panic!("{looked:?}") };
    assert_eq!((look.head.number, look.nonce, look.balance > U256::ZERO), (height + 10, 0, true));
    assert_eq!(pair.both.head().unwrap().number, height + 10);
}

#[tokio::test]
async fn when_the_better_endpoint_dies_the_lagging_one_serves_again() {
    let server = chain(Mining::OnDemand).await;
    let direct = endpoints(&server.url());
    soon("a head", direct.ready(SECONDS)).await.unwrap();
    let feed = feed(&server, &direct).await;
    let height = server.host().chain().height();
    let lagging = Proxy::start(&server.url(), Fault::Frozen(height)).await;
    let ahead = Proxy::start(&server.url(), Fault::None).await;
    for _ in 0..5 {
        server.host().mine();
    }
    let settings = Settings { call_timeout: Duration::from_millis(300), ..settings() };
    let configs = vec![endpoint("lagging", &lagging.url(), 1), endpoint("ahead", &ahead.url(), 2)];
    let both = Endpoints::start(settings, configs).unwrap();
    let aggregator = Aggregator::new(both.clone(), feed.address);
    let ahead_leads = async {
        while both.head().is_none_or(|head| head.number < height + 5) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    soon("the better head", ahead_leads).await;
    assert_eq!(aggregator.latest_transmission_details().await.unwrap().at_block, height + 5);
    ahead.set(Fault::Status(503, String::new()));
    let served = async {
        loop {
            if let Ok(details) = aggregator.latest_transmission_details().await {
                return details.at_block;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert_eq!(soon("service by the other", served).await, height);
}

#[tokio::test]
async fn an_endpoint_of_another_chain_is_not_used_and_said_so() {
    let pair = pair(Fault::OtherChain(5)).await;
    pair.until("bad", |state| state == EndpointState::InvalidChainId { got: 5 }).await;
    let before = pair.bad.calls();
    for _ in 0..3 {
        pair.reads().await;
    }
    assert_eq!(pair.bad.calls(), before);

    let alone = Endpoints::start(settings(), vec![endpoint("only", &pair.bad.url(), 1)]).unwrap();
    let error = soon("a refusal", alone.ready(Duration::from_secs(60))).await.unwrap_err().to_string();
    assert!(error.contains("endpoint \"only\"") && error.contains("eth_chainId"), "{error}");
    assert!(error.contains("it serves chain 5, wanted 1337 (use an endpoint of the configured chain"), "{error}");
}

#[tokio::test]
async fn no_error_shows_the_key_in_a_url() {
    let server = chain(Mining::OnDemand).await;
    let words = "project {path} is over its limit";
    for fault in [Fault::Status(401, words.into()), Fault::Hang, Fault::Endless, Fault::Status(200, words.into())] {
        let bad = Proxy::start(&server.url(), fault).await;
        let url = format!("{}/v3/0123456789abcdef?key=topsecret", bad.url());
        let calls = Settings { call_timeout: Duration::from_millis(200), ..settings() };
        let config = endpoint("main", &url, 1);
        assert!(!format!("{config:?}").contains("0123456789abcdef"));
        let endpoints = Endpoints::start(calls, vec![config]).unwrap();
        let error = endpoints.ready(Duration::from_millis(600)).await.unwrap_err();
        for text in
            [error.to_string(), format!("{error:?}"), format!("{endpoints:?}"), format!("{:?}", endpoints.health())]
        {
            assert!(!text.contains("0123456789abcdef") && !text.contains("topsecret"), "{text}");
        }
    }
    // Nobody listens there.
    let nobody = endpoint("main", "http://127.0.0.1:1/v3/0123456789abcdef", 1);
    let endpoints = Endpoints::start(settings(), vec![nobody]).unwrap();
    let error = endpoints.ready(Duration::from_millis(300)).await.unwrap_err().to_string();
    assert!(error.contains("http://127.0.0.1:1)") && !error.contains("0123456789abcdef"), "{error}");
    assert!(error.contains("check the URL, and that the node runs"), "{error}");
}

/// A signed transfer of nothing from key 1.
async fn transfer(asks: &TransactionAsks, nonce: u64) -> Ask {
    let sender = account_of(&key(1));
    let transaction = Transaction {
        chain_id: CHAIN_ID,
        sender,
        nonce,
        tip: 1_000_000_000,
        fee_cap: 10_000_000_000,
        gas_limit: 21_000,
        to: sender,
        value: U256::ZERO,
        input: Default::default(),
    };
    let Some(Answer::Signed(signed)) = asks.perform(Ask::Sign(transaction.clone())).await else { panic!("signed") };
    Ask::Broadcast { transaction, signed }
}

#[tokio::test]
async fn a_transaction_reaches_every_endpoint_and_the_best_verdict_counts() {
    let pair = pair(Fault::Hang).await;
    let asks = TransactionAsks::new(pair.both.clone(), [key(1)]);
    let first = transfer(&asks, 0).await;
    let verdict = soon("a verdict", asks.perform(first.clone())).await;
    assert_eq!(verdict, Some(Answer::Broadcast(Verdict::Accepted)));
    // The other endpoint hangs: nobody waited for it.
    pair.bad.set(Fault::None);
    assert_eq!(soon("a verdict", asks.perform(first.clone())).await, Some(Answer::Broadcast(Verdict::AlreadyKnown)));
    pair.server.host().mine();
    assert_eq!(soon("a verdict", asks.perform(first)).await, Some(Answer::Broadcast(Verdict::NonceTooLow)));
    let poor = TransactionAsks::new(pair.both.clone(), [key(42)]);
    let Ask::Broadcast { transaction, .. } = transfer(&asks, 0).await else { unreachable!("made so") };
    let transaction = Transaction { sender: account_of(&key(42)), ..transaction };
    let Some(Answer::Signed(signed)) = poor.perform(Ask::Sign(transaction.clone())).await else { panic!("signed") };
    let verdict = poor.perform(Ask::Broadcast { transaction, signed }).await;
    assert_eq!(verdict, Some(Answer::Broadcast(Verdict::InsufficientFunds)));
}

#[tokio::test]
async fn a_broadcast_whose_answer_is_lost_has_no_verdict() {
    let server = chain(Mining::OnDemand).await;
    let front = Proxy::start(&server.url(), Fault::None).await;
    let only = Endpoints::start(settings(), vec![endpoint("front", &front.url(), 1)]).unwrap();
    soon("a head", only.ready(SECONDS)).await.unwrap();
    front.set(Fault::SwallowsAnswers);
    let asks = TransactionAsks::new(only, [key(1)]);
    let broadcast = transfer(&asks, 0).await;
    assert_eq!(soon("an end", asks.perform(broadcast)).await, None);
    assert_eq!(server.host().chain().pool_len(), 1);
}

#[tokio::test]
async fn heads_come_over_a_websocket_before_they_are_polled() {
    let server = chain(Mining::OnDemand).await;
    // Polled so rarely that only the WebSocket can be the source.
    let settings = Settings { head_poll: Duration::from_secs(3_600), ..settings() };
    let config =
        EndpointConfig { ws_url: Some(server.ws_url().parse().unwrap()), ..endpoint("main", &server.url(), 1) };
    let endpoints = Endpoints::start(settings, vec![config]).unwrap();
    soon("a head", endpoints.ready(SECONDS)).await.unwrap();
    let mut heads = endpoints.heads();
    let heard = async {
        loop {
            server.host().mine();
            let height = server.host().chain().height();
            let wait = heads.wait_for(|head| head.is_some_and(|head| head.number >= height));
            if tokio::time::timeout(Duration::from_millis(500), wait).await.is_ok() {
                return;
            }
        }
    };
    soon("a head over the WebSocket", heard).await;
}

#[tokio::test]
async fn calls_are_reported_for_metrics() {
    let server = chain(Mining::OnDemand).await;
    let count = Arc::new(AtomicUsize::new(0));
    let seen = count.clone();
    let on_call: Arc<dyn Fn(&evm::CallReport<'_>) + Send + Sync> = Arc::new(move |report| {
        assert!(report.endpoint == "main" && report.ok);
        seen.fetch_add(1, Ordering::SeqCst);
    });
    let settings = Settings { on_call: Some(on_call), ..settings() };
    let endpoints = Endpoints::start(settings, vec![endpoint("main", &server.url(), 1)]).unwrap();
    soon("a head", endpoints.ready(SECONDS)).await.unwrap();
    assert!(count.load(Ordering::SeqCst) >= 2);
}

#[tokio::test]
async fn endpoints_that_cannot_serve_are_refused_with_a_remedy() {
    let error = |configs| Endpoints::start(settings(), configs).expect_err("refused").to_string();
    assert_eq!(error(vec![]), ConfigError::None.to_string());
    let send_only = EndpointConfig { send_only: true, ..endpoint("a", "http://127.0.0.1:1", 1) };
    assert!(error(vec![send_only]).contains("make one a full endpoint"));
    assert!(error(vec![endpoint("a", "ftp://127.0.0.1", 1)]).contains("\"ftp\" is no scheme of an HTTPURL"));
    let ws =
        EndpointConfig { ws_url: Some("http://127.0.0.1".parse().unwrap()), ..endpoint("a", "http://127.0.0.1", 1) };
    assert!(error(vec![ws]).contains("\"http\" is no scheme of a WSURL, wanted ws or wss"));
}

#[tokio::test]
async fn the_calldata_of_a_transmission_has_the_selector_of_the_contract() {
    let server = chain(Mining::OnDemand).await;
    let direct = endpoints(&server.url());
    soon("a head", direct.ready(SECONDS)).await.unwrap();
    let feed = feed(&server, &direct).await;
    let (context, report, signatures) = feed.report(1, 2, 3);
    let transmitter = evm::Transmitter { from: account_of(&key(1)), contract: feed.address, gas_limit: 1 };
    let submission = |signatures: &[[u8; 65]]| {
        transmitter.submission(context, &report, signatures.iter().map(|signature| &signature[..]), None)
    };
    let (id, call) = submission(&signatures).unwrap();
    assert_eq!(call.input[..4], transmitCall::SELECTOR);
    assert_eq!(id, evm::Transmitter::id(&context));
    assert!(submission(&vec![[0; 65]; 33]).is_none());
}
