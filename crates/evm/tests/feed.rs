//! The machines of `evm-proto` against a real chain and a real contract, through JSON-RPC.

mod world;

use alloy::primitives::U256;
use alloy::sol_types::SolCall;
use bindings::ocr2_aggregator::{requestNewRoundCall, setConfigCall};
use devchain::rpc::Mining;
use evm::{Account, Aggregator, ReadError, Sender, TrackerAsks, TransactionAsks, Transmitter};
use evm_proto::tracker::{self, Source, Tracker};
use evm_proto::transactions::{self, FeePolicy, Order, Outcome, Output, Progress, Transactions};
use machine::Event;
use std::sync::Arc;
use std::time::Duration;
use world::{CHAIN_ID, Host, POLL, account_of, caught_up, chain, endpoints, feed, key, mining, soon, ticking};

const GWEI: u128 = 1_000_000_000;

fn sending(senders: u8, confirmations: u64) -> transactions::Config {
    transactions::Config {
        chain_id: CHAIN_ID,
        senders: (1..=senders).map(|number| account_of(&key(number))).collect(),
        confirmations,
        poll_interval: POLL,
        answer_within: Duration::from_secs(5),
        resend_after: Duration::from_secs(1),
        in_flight_max: 8,
        fees: FeePolicy {
            tip_min: GWEI,
            fee_cap_max: 500 * GWEI,
            headroom_percent: 200,
            bump_after_blocks: 3,
            bump_percent: 20,
            bump_min: GWEI,
        },
    }
}

fn is_outcome(output: &Output) -> bool {
    matches!(output, Output::Outcome { .. })
}

#[tokio::test]
async fn a_configuration_is_followed_and_a_report_transmitted() {
    let server = chain(Mining::OnDemand).await;
    let endpoints = endpoints(&server.url());
    soon("a head", endpoints.ready(Duration::from_secs(10))).await.unwrap();
    let feed = feed(&server, &endpoints).await;

    // The tracker finds the configuration when it is deep enough.
    let asks = TrackerAsks::new(endpoints.clone(), feed.address);
    let config = tracker::Config {
        chain_id: CHAIN_ID,
        contract: feed.address,
        confirmations: 3,
        poll_interval: POLL,
        load_timeout: Duration::from_secs(10),
    };
    let mut tracker = Host::new(Tracker::recover(config, []), |ask| asks.perform(ask));
    server.host().mine();
    server.host().mine();
    let configured = |output: &tracker::Output| matches!(output, tracker::Output::Configured { .. });
    let outputs = soon("a configuration", tracker.until(Event::Woke, configured)).await;
    let Some(tracker::Output::Configured { config, source }) = outputs.last() else { unreachable!("waited for") };
    assert_eq!(*source, Source::Chain { block: feed.configured_in });
    assert_eq!(config.config_digest.0, feed.digest);
    assert_eq!(config.signers[2], feed.signers[2].address().0);
    assert_eq!(config.transmitters[0], account_of(&key(1)).to_string());
    assert_eq!((config.f, config.config_count, config.offchain_config.as_slice()), (1, 1, &[7; 100][..]));

    // Oracle 0 brings a report to the contract.
    let aggregator = Aggregator::new(endpoints.clone(), feed.address);
    let before = aggregator.latest_transmission_details().await.unwrap();
    assert_eq!((before.epoch, before.round, before.timestamp), (0, 0, 0));
    let (context, report, signatures) = feed.report(3, 1, 2_037_104);
    let transmitter = Transmitter { from: account_of(&key(1)), contract: feed.address, gas_limit: 500_000 };
    let signatures = signatures.iter().map(|signature| &signature[..]);
    let (id, submission) = transmitter.submission(context, &report, signatures, None).unwrap();
    let asks = TransactionAsks::new(endpoints.clone(), [key(1)]);
    let machine = Transactions::recover(sending(1, 2), []).unwrap();
    let mut transactions = Host::new(machine, |ask| asks.perform(ask));
    let submit = Event::Told(Order::Submit { id, submission });
    let outputs = ticking(&server, soon("inclusion", transactions.until(submit, is_outcome))).await;
    let Some(Output::Outcome { outcome: Outcome::Included { receipt, nonce: 0, .. }, .. }) = outputs.last() else {
        panic!("{outputs:?}")
    };
    assert!(receipt.success && receipt.gas_used > 60_000, "{receipt:?}");
    let sent = outputs.iter().find_map(|output| match output {
        Output::Progress(Progress::Sent { hash, .. }) => Some(*hash),
        _ => None,
    });
    assert_eq!(sent, Some(receipt.transaction));

    let after = aggregator.latest_transmission_details().await.unwrap();
    assert_eq!((after.digest.0, after.epoch, after.round), (feed.digest, 3, 1));
    assert_eq!(after.answer.to_string(), "2037104");
    assert_eq!(aggregator.latest_config_digest_and_epoch().await.unwrap().epoch, 3);
}

#[tokio::test]
async fn the_latest_request_for_a_round_is_found_once_and_forgotten_when_it_is_old() {
    let server = chain(Mining::OnDemand).await;
    let endpoints = endpoints(&server.url());
    soon("a head", endpoints.ready(Duration::from_secs(10))).await.unwrap();
    let feed = feed(&server, &endpoints).await;
    let aggregator = Aggregator::new(endpoints.clone(), feed.address);
    let hour = Duration::from_secs(3_600);
    assert_eq!(aggregator.latest_round_requested(hour).await.unwrap(), None);

    let owner = Sender::new(endpoints.clone(), Account::Key(key(9)));
    let request = owner.call("requestNewRound", feed.address, requestNewRoundCall {}.abi_encode(), U256::ZERO);
    mining(&server, request).await.unwrap();
    caught_up(&server, &endpoints).await;
    let found = aggregator.latest_round_requested(hour).await.unwrap().expect("just requested");
    assert_eq!((found.digest.0, found.epoch, found.round), (feed.digest, 0, 0));
    assert_eq!(aggregator.latest_round_requested(hour).await.unwrap(), Some(found));
    // Another reader of the same contract finds it too, from the head backwards.
    let other = Aggregator::new(endpoints.clone(), feed.address);
    assert_eq!(other.latest_round_requested(hour).await.unwrap(), Some(found));

    let later = server.host().chain().head().timestamp() + 7_200;
    server.host().chain().mine(later).unwrap();
    caught_up(&server, &endpoints).await;
    assert_eq!(aggregator.latest_round_requested(hour).await.unwrap(), None);
    assert_eq!(aggregator.latest_round_requested(3 * hour).await.unwrap(), Some(found));
    // A reorganisation that removes the request is noticed.
    server.host().chain().reorg(2).unwrap();
    let pending: Vec<_> = server.host().chain().pool().map(|transaction| transaction.hash).collect();
    pending.iter().for_each(|hash| drop(server.host().chain().forget(hash)));
    for second in 0..3 {
        server.host().chain().mine(later + second).unwrap();
    }
    caught_up(&server, &endpoints).await;
    assert_eq!(aggregator.latest_round_requested(3 * hour).await.unwrap(), None);
}

#[tokio::test]
async fn an_unlocked_account_deploys_and_calls_and_failures_are_told_in_words() {
    let server = chain(Mining::OnTransaction).await;
    let endpoints = endpoints(&server.url());
    soon("a head", endpoints.ready(Duration::from_secs(10))).await.unwrap();
    let sender = soon("the accounts", Sender::unlocked(endpoints.clone())).await.unwrap();
    let (token, _) =
        soon("a deployment", sender.deploy("the token", bindings::link_token::BYTECODE.to_vec())).await.unwrap();
    let poor = account_of(&key(77));
    let sent = soon("funds", sender.call("funds", poor, vec![], U256::from(5))).await.unwrap();
    assert!(sent.success);
    assert_eq!(sender.balance_of(poor).await.unwrap(), U256::from(5));

    // An account without funds.
    let without = Sender::new(endpoints.clone(), Account::Key(key(77)));
    let error = without.call("a gift", account_of(&key(1)), vec![], U256::ZERO).await.unwrap_err().to_string();
    assert!(error.contains("insufficient funds") || error.contains("send it funds"), "{error}");
    // A call that reverts, with its reason.
    let stranger = Sender::new(endpoints.clone(), Account::Key(key(2)));
    let set = setConfigCall {
        signers: vec![],
        transmitters: vec![],
        f: 1,
        onchainConfig: Default::default(),
        offchainConfigVersion: 2,
        offchainConfig: Default::default(),
    };
    let feed = soon("a feed", feed(&server, &endpoints)).await;
    let error = stranger.call("setConfig", feed.address, set.abi_encode(), U256::ZERO).await.unwrap_err();
    assert!(error.to_string().starts_with("setConfig would revert: OnlyOwner { caller: 0x"), "{error}");
    // A contract that is none of ours.
    let error = Aggregator::new(endpoints.clone(), token).latest_transmission_details().await.unwrap_err();
    assert!(matches!(error, ReadError::Reverted { .. }), "{error}");
    let nobody = Aggregator::new(endpoints.clone(), poor).latest_transmission_details().await.unwrap_err();
    assert!(nobody.to_string().contains(&format!("there is no contract at {poor}")), "{nobody}");
}

#[tokio::test]
async fn asks_can_be_performed_on_any_thread() {
    let server = chain(Mining::OnDemand).await;
    let endpoints = endpoints(&server.url());
    let tracker = TrackerAsks::new(endpoints.clone(), account_of(&key(1)));
    let look = tokio::spawn(async move { tracker.perform(tracker::Ask::Look).await });
    assert_eq!(soon("an end", look).await.unwrap(), None);
    let asks = TransactionAsks::new(endpoints, [key(1)]);
    let sender = account_of(&key(1));
    let look = transactions::Ask::Look(transactions::LookAsk { sender, confirmations: 1, attempts: vec![] });
    let look = tokio::spawn(async move { asks.perform(look).await });
    assert!(soon("a look", look).await.unwrap().is_some());
}

#[tokio::test]
async fn several_calls_of_one_account_are_underway_at_once() {
    let server = chain(Mining::OnDemand).await;
    let endpoints = endpoints(&server.url());
    soon("a head", endpoints.ready(Duration::from_secs(10))).await.unwrap();
    let sender = Arc::new(Sender::new(endpoints.clone(), Account::Key(key(1))));
    let to = account_of(&key(50));
    let gifts = (0..5).map(|gift| {
        let sender = sender.clone();
        async move { sender.call("a gift", to, vec![], U256::from(1 << gift)).await }
    });
    let receipts = mining(&server, futures::future::join_all(gifts)).await;
    assert!(receipts.iter().all(|receipt| receipt.as_ref().is_ok_and(|receipt| receipt.success)), "{receipts:?}");
    assert_eq!(sender.balance_of(to).await.unwrap(), U256::from(31));
}

#[tokio::test]
async fn a_transaction_that_a_reorganisation_removed_is_brought_in_again() {
    let server = chain(Mining::OnDemand).await;
    let endpoints = endpoints(&server.url());
    soon("a head", endpoints.ready(Duration::from_secs(10))).await.unwrap();
    let feed = feed(&server, &endpoints).await;
    let (context, report, signatures) = feed.report(1, 1, 100);
    let transmitter = Transmitter { from: account_of(&key(1)), contract: feed.address, gas_limit: 500_000 };
    let signatures = signatures.iter().map(|signature| &signature[..]);
    let (id, submission) = transmitter.submission(context, &report, signatures, None).unwrap();
    let asks = TransactionAsks::new(endpoints.clone(), [key(1)]);
    let machine = Transactions::recover(sending(1, 3), []).unwrap();
    let mut transactions = Host::new(machine, |ask| asks.perform(ask));
    let submit = Event::Told(Order::Submit { id, submission });
    let mined = |output: &Output| matches!(output, Output::Progress(Progress::Mined { .. }));
    mining(&server, soon("a block with it", transactions.until(submit, mined))).await;

    // The block is replaced by longer ones without it, and every pool has lost it.
    server.host().chain().reorg(1).unwrap();
    let pending: Vec<_> = server.host().chain().pool().map(|transaction| transaction.hash).collect();
    assert_eq!(pending.len(), 1);
    pending.iter().for_each(|hash| drop(server.host().chain().forget(hash)));
    server.host().mine();
    server.host().mine();
    let reorged = |output: &Output| matches!(output, Output::Progress(Progress::ReorgedOut { .. }));
    soon("the loss", transactions.until(Event::Told(Order::NewHead), reorged)).await;
    let outputs = ticking(&server, soon("inclusion", transactions.until(Event::Woke, is_outcome))).await;
    let Some(Output::Outcome { outcome: Outcome::Included { receipt, .. }, .. }) = outputs.last() else {
        panic!("{outputs:?}")
    };
    assert!(receipt.success);
}
