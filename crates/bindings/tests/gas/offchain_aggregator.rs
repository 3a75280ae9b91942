//! The OCR1 price feed.

use crate::{
    chain::{
        Chain, GWEI, address,
        committee::{Committee, Signatures, offchain_config},
        reader, reference,
    },
    table::{Row, Section},
};
use alloy_primitives::{Address, B256, Bytes, I256, U256, aliases::I192, keccak256};
use alloy_sol_types::{SolCall, SolValue};
use bindings::{access_controlled_offchain_aggregator as access_controlled, link_token, offchain_aggregator as feed};

const SIZES: [usize; 4] = [4, 7, 16, 31];

/// In millionths of LINK per ether, a rate like the OCR2 bench's.
const MICRO_LINK_PER_ETH: u32 = 215_123_456;
const REASONABLE_GAS_PRICE: u32 = 50;

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
        let arguments = feed::constructorCall {
            maximumGasPrice: 2000,
            reasonableGasPrice: REASONABLE_GAS_PRICE,
            microLinkPerEth: MICRO_LINK_PER_ETH,
            linkGweiPerObservation: 400_000,
            linkGweiPerTransmission: 1_000_000,
            link: token,
            minAnswer_: I192::ONE,
            maxAnswer_: I192::MAX >> 1,
            billingAccessController_: address("billing", 0),
            requesterAccessController_: address("requester", 0),
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
        let payees =
            feed::setPayeesCall { transmitters: committee.transmitters.clone(), payees: committee.payees.clone() };
        send(payees.abi_encode(), feed);
        let first_config = send(set_config(&committee).abi_encode(), feed);
        let digest = chain.read(feed, &feed::latestConfigDetailsCall {}).configDigest;
        let digest = B256::right_padding_from(digest.as_slice());
        Self { chain, feed, committee, digest, round: 0, deployment, first_config }
    }

    fn transmit(&mut self) -> u64 {
        self.round += 1;
        let n = self.committee.n();
        let mut observers = [0; 32];
        for (i, observer) in observers[..n].iter_mut().enumerate() {
            *observer = ((i * 5 + self.round as usize) % n) as u8;
        }
        let base = 250_000_000_000 + 7_654_321 * u64::from(self.round % 9);
        let observations: Vec<I256> =
            (0..n as u64).map(|i| I256::try_from(base + 12_345 * i).expect("a small number")).collect();
        self.chain.block.timestamp = U256::from(1_700_000_011 + 60 * self.round);
        let epoch_and_round = U256::from((u64::from(1 + self.round / 200) << 8) | u64::from(self.round % 200));
        // 11 zero bytes, the digest, epoch and round.
        let context = (U256::from_be_bytes(self.digest.0) >> 88) | epoch_and_round;
        let report = (B256::from(context), B256::from(observers), observations).abi_encode_params();
        let from = self.committee.transmitters[if self.round < 5 { self.round as usize % 4 } else { 0 }];
        let call = transmit(&self.committee, report, &self.committee.quorum(self.round as usize));
        self.chain.send_call(from, self.feed, &call).success().gas
    }

    /// The median of nine transmissions.
    fn steady(mut self) -> u64 {
        let mut gas: Vec<u64> = (0..9).map(|_| self.transmit()).collect();
        gas.sort_unstable();
        gas[gas.len() / 2]
    }

    /// `setConfig` again, after a round, with everyone to be paid.
    fn second_config(mut self) -> u64 {
        self.transmit();
        let call = set_config(&self.committee);
        self.chain.send_call(address("owner", 0), self.feed, &call).success().gas
    }

    /// A contract's first call of the feed in a transaction: the difference of `gasleft()` around it.
    fn cold_read(mut self, selector: [u8; 4]) -> u64 {
        self.transmit();
        let at = address("reader", 0);
        self.chain.place(at, reader::code());
        let outcome = self.chain.view(address("anyone", 0), at, reader::call(selector, self.feed)).success();
        U256::from_be_slice(&outcome.output).to()
    }

    /// The gas of one transmission, and for how much gas it pays its transmitter.
    fn paid_gas(&mut self) -> (u64, u64) {
        let transmitter = self.committee.transmitters[0];
        let owed = |chain: &mut Chain, feed| chain.read(feed, &feed::owedPaymentCall { transmitter });
        let before = owed(&mut self.chain, self.feed);
        let used = self.transmit();
        let earned = owed(&mut self.chain, self.feed) - before - U256::from((400_000 + 1_000_000) * GWEI);
        // An offered price of less than the reasonable one keeps half of what it saves.
        let offered = self.chain.gas_price / GWEI;
        let price = offered + (u128::from(REASONABLE_GAS_PRICE) - offered) / 2;
        let juels_per_gas = U256::from(price * GWEI) * U256::from(MICRO_LINK_PER_ETH) / U256::from(1_000_000);
        (used, (earned / juels_per_gas).to())
    }
}

fn set_config(committee: &Committee) -> feed::setConfigCall {
    feed::setConfigCall {
        signers: committee.signers.clone(),
        transmitters_: committee.transmitters.clone(),
        threshold: committee.f,
        encodedConfigVersion: 1,
        encoded: offchain_config(committee.n()),
    }
}

fn transmit(committee: &Committee, report: Vec<u8>, by: &[usize]) -> feed::transmitCall {
    let Signatures { rs, ss, vs } = committee.sign(keccak256(&report), by);
    feed::transmitCall { report: report.into(), rs, ss, rawVs: vs }
}

pub fn section() -> Section {
    let original = reference("OffchainAggregator");
    let on_original = |measure: &dyn Fn(&Bytes) -> u64| original.as_ref().map(measure);
    let ours = &feed::BYTECODE;
    let goals = [Some(105_000), None, None, Some(190_000)];
    let mut rows = Vec::new();
    for (n, goal) in SIZES.into_iter().zip(goals) {
        let steady = |bytecode: &Bytes| Bench::new(bytecode, n, 0).steady();
        let row = Row::new(format!("`transmit`, n = {n}"), on_original(&steady), steady(ours));
        rows.push(Row { goal, ..row });
    }
    for n in SIZES {
        let bounded = Bench::new(ours, n, 4).steady();
        rows.push(Row::new(format!("`transmit`, bounded history once full, n = {n}"), None, bounded));
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
    rows.push(cold("latestRoundData", reader::LATEST_ROUND_DATA));
    rows.push(cold("latestAnswer", reader::LATEST_ANSWER));
    let deployment = |bytecode: &Bytes| Bench::new(bytecode, 4, 0).deployment;
    rows.push(Row::new("deployment", on_original(&deployment), deployment(ours)));
    Section {
        title: "OffchainAggregator (OCR1)",
        method: "As above; this protocol has no extraHash.",
        with_original: original.is_some(),
        rows,
    }
}

/// The original pays for another number. The access-controlled form finds its functions in another order.
#[test]
fn a_transmission_is_paid_for_the_gas_of_its_receipt() {
    for (bytecode, off_by) in [(&feed::BYTECODE, 0), (&access_controlled::BYTECODE, 100)] {
        for n in SIZES {
            let mut bench = Bench::new(bytecode, n, 0);
            for _ in 0..5 {
                bench.transmit();
            }
            for _ in 0..8 {
                let (used, paid) = bench.paid_gas();
                assert!(used.abs_diff(paid) <= off_by, "n = {n}: used {used}, paid for {paid}");
            }
        }
    }
}
