//! The OCR2 price feed.

use crate::{
    chain::{
        Chain, address,
        committee::{Committee, context, report},
        reader, reference,
    },
    table::{Row, Section},
};
use alloy_primitives::{
    Address, B256, Bytes, I256, U256,
    aliases::{I192, U24},
    keccak256,
};
use alloy_sol_types::SolCall;
use bindings::{link_token, ocr2_aggregator as feed};

const SIZES: [usize; 4] = [4, 7, 16, 31];

pub struct Bench {
    pub chain: Chain,
    pub feed: Address,
    committee: Committee,
    digest: B256,
    round: u32,
    deployment: u64,
    first_config: u64,
}

impl Bench {
    /// Token, controllers, payees, prices and funds are there, as in production; no validator.
    pub fn new(bytecode: &Bytes, n: usize, history_limit: u16) -> Self {
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

    pub fn transmit(&mut self, extra_hash: B256) -> u64 {
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

    /// A contract's first call of the feed in a transaction: the difference of `gasleft()` around it.
    fn cold_read(mut self, selector: [u8; 4]) -> u64 {
        self.transmit(B256::ZERO);
        let at = address("reader", 0);
        self.chain.place(at, reader::code());
        let outcome = self.chain.view(address("anyone", 0), at, reader::call(selector, self.feed)).success();
        U256::from_be_slice(&outcome.output).to()
    }
}

pub fn section() -> Section {
    let original = reference("OCR2Aggregator");
    let on_original = |measure: &dyn Fn(&Bytes) -> u64| original.as_ref().map(measure);
    let ours = &feed::BYTECODE;
    let goals = [(80_000, 63_500), (86_500, 69_500), (105_000, 88_000), (135_500, 118_500)];
    let mut rows = Vec::new();
    for (n, (goal, _)) in SIZES.into_iter().zip(goals) {
        let plain = |bytecode: &Bytes| Bench::new(bytecode, n, 0).steady(false);
        let hashed = |bytecode: &Bytes| Bench::new(bytecode, n, 0).steady(true);
        let row = Row::new(format!("`transmit`, n = {n}"), on_original(&plain), plain(ours)).goal(goal);
        rows.push(row.extra_hash(on_original(&hashed), hashed(ours)));
    }
    for (n, (_, goal)) in SIZES.into_iter().zip(goals) {
        let bounded = |extra_hash| Bench::new(ours, n, 4).steady(extra_hash);
        let row = Row::new(format!("`transmit`, bounded history once full, n = {n}"), None, bounded(false)).goal(goal);
        rows.push(row.extra_hash(None, bounded(true)));
    }
    for n in SIZES {
        let first = |bytecode: &Bytes| Bench::new(bytecode, n, 0).first_config;
        let again = |bytecode: &Bytes| Bench::new(bytecode, n, 0).second_config();
        rows.push(Row::new(format!("`setConfig`, first, n = {n}"), on_original(&first), first(ours)));
        rows.push(Row::new(format!("`setConfig`, again, paying all, n = {n}"), on_original(&again), again(ours)));
    }
    let cold = |name: &str, selector: [u8; 4]| {
        let cold = |bytecode: &Bytes| Bench::new(bytecode, 4, 0).cold_read(selector);
        Row::new(format!("`{name}` from a contract, cold"), on_original(&cold), cold(ours))
    };
    rows.push(cold("latestRoundData", reader::LATEST_ROUND_DATA).goal(7_800));
    rows.push(cold("latestAnswer", reader::LATEST_ANSWER));
    let deployment = |bytecode: &Bytes| Bench::new(bytecode, 4, 0).deployment;
    rows.push(Row::new("deployment", on_original(&deployment), deployment(ours)));
    Section {
        title: "OCR2Aggregator",
        method: "Offchain config of realistic size, all payees set, prices not zero, no validator, gas price below the \
                 reasonable one,\nextraHash zero except in the last two columns. A cold read is the difference of \
                 `gasleft()` around a Solidity contract's first call.",
        with_original: original.is_some(),
        rows,
    }
}
