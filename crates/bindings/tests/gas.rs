//! Gas of whole transactions, as in a receipt: Prague rules, steady state, median over rounds, everything configured.
//!
//! The table is committed as `contracts/docs/Gas.md`; this test fails when a number changes, so that a change is seen in
//! review, and when a goal is missed. `GAS=write` writes it anew. The columns of the original are measured in the same run
//! if `contracts/tools/reference.mjs` has fetched its bytecode, and then have to be the committed ones too.
#![allow(clippy::print_stdout)]

mod chain;

use alloy_primitives::{
    Address, B256, Bytes, I256, U256,
    aliases::{I192, U24},
    keccak256,
};
use alloy_sol_types::SolCall;
use bindings::{link_token, ocr2_aggregator as feed};
use chain::{
    Chain, address,
    committee::{Committee, context, report},
    reference,
};
use std::{fmt::Write, fs, path::PathBuf};

const SIZES: [usize; 4] = [4, 7, 16, 31];

struct Bench {
    chain: Chain,
    feed: Address,
    committee: Committee,
    digest: B256,
    round: u32,
    deployment: u64,
    first_config: u64,
}

impl Bench {
    /// Token, controllers, payees, prices and funds are there, as in production; no validator.
    fn new(bytecode: &Bytes, n: usize, history_limit: u16) -> Self {
        let mut chain = Chain::new();
        let owner = address("owner", 0);
        let (token, _) = chain.deploy_contract(owner, &link_token::BYTECODE, &link_token::constructorCall {});
        let max = I192::MAX >> 1;
        let arguments = feed::constructorCall {
            link: token,
            minAnswer_: I192::ONE,
            maxAnswer_: max,
            billingAccessController: address("billing", 0),
            requesterAccessController: address("requester", 0),
            decimals_: 8,
            description_: "ETH / USD".into(),
        };
        let (feed, deployment) = chain.deploy_contract(owner, bytecode, &arguments);
        let committee = Committee::new(n, 0);
        let mut send = |data: Vec<u8>, to: Address| chain.send(owner, to, data).success().gas;
        send(link_token::transferCall { to: feed, value: U256::from(10u128.pow(24)) }.abi_encode(), token);
        if history_limit > 0 {
            send(feed::setHistoryLimitCall { rounds: history_limit }.abi_encode(), feed);
        }
        let billing = feed::setBillingCall {
            maximumGasPriceGwei: 2000,
            reasonableGasPriceGwei: 50,
            observationPaymentGjuels: 400_000,
            transmissionPaymentGjuels: 1_000_000,
            accountingGas: U24::from(15_000),
        };
        send(billing.abi_encode(), feed);
        let payees =
            feed::setPayeesCall { transmitters: committee.transmitters.clone(), payees: committee.payees.clone() };
        send(payees.abi_encode(), feed);
        let first_config = send(committee.set_config(1, max).abi_encode(), feed);
        let digest = chain.read(feed, &feed::latestConfigDetailsCall {}).configDigest;
        Self { chain, feed, committee, digest, round: 0, deployment, first_config }
    }

    fn transmit(&mut self, extra_hash: B256) -> u64 {
        self.round += 1;
        let n = self.committee.n();
        let observers: Vec<u8> = (0..n).map(|i| ((i * 5 + self.round as usize) % n) as u8).collect();
        let base = 250_000_000_000 + 7_654_321 * u64::from(self.round % 9);
        let observations: Vec<I256> =
            (0..n as u64).map(|i| I256::try_from(base + 12_345 * i).expect("a small number")).collect();
        let timestamp = 1_700_000_000 + 60 * self.round;
        self.chain.block.timestamp = U256::from(timestamp + 11);
        let juels = I256::try_from(215_123_456_789_012_345_678u128).expect("a small number");
        let report = report(timestamp, &observers, &observations, juels);
        let context = context(self.digest, 1 + self.round / 200, (self.round % 200) as u8, extra_hash);
        let call = self.committee.transmit(context, report, &self.committee.quorum(self.round as usize));
        let from = self.committee.transmitters[if self.round < 5 { self.round as usize % 4 } else { 0 }];
        self.chain.send_call(from, self.feed, &call).success().gas
    }

    /// The median of nine transmissions.
    fn steady(mut self, extra_hash: bool) -> u64 {
        let mut gas: Vec<u64> =
            (0..9).map(|i| self.transmit(if extra_hash { keccak256([i]) } else { B256::ZERO })).collect();
        gas.sort_unstable();
        gas[gas.len() / 2]
    }

    /// `setConfig` again, after a round, with everyone to be paid.
    fn second_config(mut self) -> u64 {
        self.transmit(B256::ZERO);
        let call = self.committee.set_config(1, I192::MAX >> 1);
        self.chain.send_call(address("owner", 0), self.feed, &call).success().gas
    }

    /// A contract's first call of a reader in a transaction.
    fn cold_read(mut self, selector: [u8; 4]) -> u64 {
        self.transmit(B256::ZERO);
        // Copies the selector, then: gas before, a static call of the address in the first word, gas after, difference.
        let reader =
            hex::decode("60046020600037 5a 60a06000600460006000355afa 50 5a 90 03 60005260206000f3".replace(' ', ""))
                .expect("hex");
        let at = address("reader", 0);
        self.chain.place(at, reader);
        let data = [B256::from(self.feed.into_word()).as_slice(), &selector].concat();
        let outcome = self.chain.view(address("anyone", 0), at, data).success();
        U256::from_be_slice(&outcome.output).to()
    }
}

struct Row {
    what: String,
    original: Option<u64>,
    ours: u64,
    goal: Option<u64>,
}

fn rows(original: Option<&Bytes>) -> Vec<Row> {
    let goals = [(80_000, 63_500), (86_500, 69_500), (105_000, 88_000), (135_500, 118_500)];
    let ours = &feed::BYTECODE;
    let mut rows = Vec::new();
    let mut row = |what: String, original: Option<u64>, ours: u64, goal: Option<u64>| {
        rows.push(Row { what, original, ours, goal });
    };
    for (n, (goal, bounded_goal)) in SIZES.into_iter().zip(goals) {
        let new = |bytecode: &Bytes| Bench::new(bytecode, n, 0);
        let theirs = original.map(|bytecode| new(bytecode).steady(false));
        row(format!("OCR2 `transmit`, n = {n}"), theirs, new(ours).steady(false), Some(goal));
        let theirs = original.map(|bytecode| new(bytecode).steady(true));
        row(format!("… with a real extraHash, n = {n}"), theirs, new(ours).steady(true), None);
        let bounded = Bench::new(ours, n, 4).steady(false);
        row(format!("… bounded history, once full, n = {n}"), None, bounded, Some(bounded_goal));
    }
    for n in SIZES {
        let theirs = original.map(|bytecode| Bench::new(bytecode, n, 0).first_config);
        row(format!("OCR2 `setConfig`, first, n = {n}"), theirs, Bench::new(ours, n, 0).first_config, None);
        let theirs = original.map(|bytecode| Bench::new(bytecode, n, 0).second_config());
        row(format!("… again, paying all, n = {n}"), theirs, Bench::new(ours, n, 0).second_config(), None);
    }
    let readers = [
        ("latestRoundData", feed::latestRoundDataCall::SELECTOR),
        ("latestAnswer", feed::latestAnswerCall::SELECTOR),
        ("latestTimestamp", feed::latestTimestampCall::SELECTOR),
        ("decimals", feed::decimalsCall::SELECTOR),
    ];
    for (name, selector) in readers {
        let theirs = original.map(|bytecode| Bench::new(bytecode, 4, 0).cold_read(selector));
        let ours = Bench::new(ours, 4, 0).cold_read(selector);
        // The goal for `latestRoundData` is 156 less than the original, with the overhead of another caller in both.
        let goal = (name == "latestRoundData").then_some(7_479 - 156);
        row(format!("OCR2 `{name}` from a contract, cold"), theirs, ours, goal);
    }
    let theirs = original.map(|bytecode| Bench::new(bytecode, 4, 0).deployment);
    row("OCR2 deployment".into(), theirs, Bench::new(ours, 4, 0).deployment, None);
    rows
}

const HEAD: &str = "# Gas

Whole transactions under Prague rules, in a steady state, median over rounds; offchain config of realistic size, all payees set,
prices not zero, no validator, gas price below the reasonable one. Made and checked by
`cargo test -p dodona-bindings --test gas` (`GAS=write` writes it); \"original\" is the reference's bytecode in the same run.

| | original | ours | goal |
|---|---|---|---|
";

fn number(value: Option<u64>) -> String {
    let digits = value.map_or_else(|| "-".into(), |value| value.to_string());
    let mut grouped = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[test]
fn gas_is_what_the_committed_table_says_and_meets_the_goals() {
    let original = reference("OCR2Aggregator");
    let rows = rows(original.as_ref());
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../contracts/docs/Gas.md");
    let committed = fs::read_to_string(&path).unwrap_or_default();

    let mut table = HEAD.to_owned();
    for Row { what, original, ours, goal } in &rows {
        // Without the reference at hand its column is taken over.
        let known = committed.lines().find(|line| line.starts_with(&format!("| {what} |")));
        let known = known.and_then(|line| line.split('|').nth(2)).map_or("-".into(), |cell| cell.trim().to_owned());
        let theirs = if original.is_some() { number(*original) } else { known };
        let goal = goal.map_or_else(|| "-".into(), |goal| format!("≤ {}", number(Some(goal))));
        writeln!(table, "| {what} | {theirs} | {} | {goal} |", number(Some(*ours))).expect("a string");
    }
    println!("{table}");

    if std::env::var("GAS").is_ok_and(|value| value == "write") {
        fs::write(&path, &table).expect("the table can be written");
    } else {
        assert_eq!(committed, table, "gas has changed: look at it, then run with GAS=write");
    }
    for Row { what, ours, goal, .. } in rows {
        assert!(goal.is_none_or(|goal| ours <= goal), "{what}: {ours} is more than {goal:?}");
    }
}
