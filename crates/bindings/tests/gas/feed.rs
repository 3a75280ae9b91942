//! What is measured of a price feed, whichever of the two protocols updates it.

use crate::{
    chain::{Chain, address, committee::Committee, reader, reference},
    table::{Row, Section},
};
use alloy_primitives::{Address, B256, Bytes, I256, U256, keccak256};
use alloy_sol_types::{SolCall, SolConstructor};
use bindings::{link_token, ocr2_aggregator as feed};
use std::marker::PhantomData;

pub const SIZES: [usize; 4] = [4, 7, 16, 31];

/// What each protocol does in its own way. Everything else that a bench calls has one ABI in both.
pub trait Protocol {
    type Constructor: SolConstructor;
    /// Whether a report's context has a third word, which is free.
    const EXTRA_HASH: bool;

    fn constructor(token: Address) -> Self::Constructor;
    /// The owner's call that sets prices, unless they came with the constructor.
    fn prices() -> Option<Vec<u8>>;
    fn set_config(committee: &Committee) -> Vec<u8>;
    fn digest(chain: &mut Chain, feed: Address) -> B256;
    /// The call of transmit, with the signatures of f+1 oracles.
    fn transmit(committee: &Committee, digest: B256, round: &Round) -> Vec<u8>;
}

/// What a committee has seen in one round.
pub struct Round {
    pub number: u32,
    /// When it observed, eleven seconds before its block.
    pub timestamp: u32,
    pub observers: Vec<u8>,
    pub observations: Vec<I256>,
    pub extra_hash: B256,
}

impl Round {
    pub fn epoch(&self) -> u32 {
        1 + self.number / 200
    }

    /// Its number within its epoch.
    pub fn round(&self) -> u8 {
        (self.number % 200) as u8
    }
}

pub struct Bench<P> {
    pub chain: Chain,
    pub feed: Address,
    pub committee: Committee,
    digest: B256,
    round: u32,
    deployment: u64,
    first_config: u64,
    protocol: PhantomData<P>,
}

impl<P: Protocol> Bench<P> {
    /// Token, controllers, payees, prices and funds are there, as in production; no validator.
    pub fn new(bytecode: &Bytes, n: usize, history_limit: u16) -> Self {
        let mut chain = Chain::new();
        let owner = address("owner", 0);
        let (token, _) = chain.deploy_contract(owner, &link_token::BYTECODE, &link_token::constructorCall {});
        let (feed, deployment) = chain.deploy_contract(owner, bytecode, &P::constructor(token));
        let committee = Committee::new(n, 0);
        let mut send = |data: Vec<u8>, to: Address| chain.send(owner, to, data).success().gas;
        send(link_token::transferCall { to: feed, value: U256::from(10u128.pow(24)) }.abi_encode(), token);
        if history_limit > 0 {
            send(feed::setHistoryLimitCall { rounds: history_limit }.abi_encode(), feed);
        }
        if let Some(prices) = P::prices() {
            send(prices, feed);
        }
        let payees =
            feed::setPayeesCall { transmitters: committee.transmitters.clone(), payees: committee.payees.clone() };
        send(payees.abi_encode(), feed);
        let first_config = send(P::set_config(&committee), feed);
        let digest = P::digest(&mut chain, feed);
        Self { chain, feed, committee, digest, round: 0, deployment, first_config, protocol: PhantomData }
    }

    pub fn transmit(&mut self, extra_hash: B256) -> u64 {
        self.round += 1;
        let n = self.committee.n();
        let base = 250_000_000_000 + 7_654_321 * u64::from(self.round % 9);
        let round = Round {
            number: self.round,
            timestamp: 1_700_000_000 + 60 * self.round,
            observers: (0..n).map(|i| ((i * 5 + self.round as usize) % n) as u8).collect(),
            observations: (0..n as u64).map(|i| I256::try_from(base + 12_345 * i).expect("a small number")).collect(),
            extra_hash,
        };
        self.chain.block.timestamp = U256::from(round.timestamp + 11);
        let from = self.committee.transmitters[if self.round < 5 { self.round as usize % 4 } else { 0 }];
        let call = P::transmit(&self.committee, self.digest, &round);
        self.chain.send(from, self.feed, call).success().gas
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
        self.chain.send(address("owner", 0), self.feed, P::set_config(&self.committee)).success().gas
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

/// The most that each may cost, by size of the committee where there are several.
pub struct Goals {
    pub transmit: [Option<u64>; SIZES.len()],
    pub bounded: [Option<u64>; SIZES.len()],
    pub latest_round_data: Option<u64>,
}

pub fn section<P: Protocol>(
    title: &'static str,
    method: &'static str,
    name: &str,
    ours: &Bytes,
    goals: Goals,
) -> Section {
    let original = reference(name);
    let on_both =
        |what: String, measure: &dyn Fn(&Bytes) -> u64| Row::new(what, original.as_ref().map(measure), measure(ours));
    let with_extra_hash = |row: Row, original: Option<u64>, measure: &dyn Fn() -> u64| {
        if P::EXTRA_HASH { row.extra_hash(original, measure()) } else { row }
    };
    let mut rows = Vec::new();
    for (n, goal) in SIZES.into_iter().zip(goals.transmit) {
        let steady = |bytecode: &Bytes, extra_hash| Bench::<P>::new(bytecode, n, 0).steady(extra_hash);
        let row = on_both(format!("`transmit`, n = {n}"), &|bytecode| steady(bytecode, false));
        let hashed = original.as_ref().filter(|_| P::EXTRA_HASH).map(|bytecode| steady(bytecode, true));
        rows.push(with_extra_hash(Row { goal, ..row }, hashed, &|| steady(ours, true)));
    }
    for (n, goal) in SIZES.into_iter().zip(goals.bounded) {
        let bounded = |extra_hash| Bench::<P>::new(ours, n, 4).steady(extra_hash);
        let row = Row::new(format!("`transmit`, bounded history once full, n = {n}"), None, bounded(false));
        rows.push(with_extra_hash(Row { goal, ..row }, None, &|| bounded(true)));
    }
    for n in SIZES {
        let bench = |bytecode: &Bytes| Bench::<P>::new(bytecode, n, 0);
        rows.push(on_both(format!("`setConfig`, first, n = {n}"), &|bytecode| bench(bytecode).first_config));
        let again = format!("`setConfig`, again, paying all, n = {n}");
        rows.push(on_both(again, &|bytecode| bench(bytecode).second_config()));
    }
    let bench = |bytecode: &Bytes| Bench::<P>::new(bytecode, 4, 0);
    for (name, selector, goal) in [
        ("latestRoundData", reader::LATEST_ROUND_DATA, goals.latest_round_data),
        ("latestAnswer", reader::LATEST_ANSWER, None),
    ] {
        let what = format!("`{name}` from a contract, cold");
        rows.push(Row { goal, ..on_both(what, &|bytecode| bench(bytecode).cold_read(selector)) });
    }
    rows.push(on_both("deployment".into(), &|bytecode| bench(bytecode).deployment));
    Section { title, method, with_original: original.is_some(), rows }
}
