//! Feeds that one signature of a whole committee updates.

use crate::{
    chain::{Chain, address, group::Group, reader},
    table::{Row, Section},
};
use alloy_primitives::{
    Address, Bytes, U256,
    aliases::{I96, U96},
    keccak256,
};
use alloy_sol_types::SolConstructor;
use bindings::threshold::head_word;
use bindings::{threshold_aggregator as single, threshold_batch as batch, threshold_feed as view};

const FEEDS: usize = 64;

struct Bench {
    chain: Chain,
    contract: Address,
    group: Group,
    round: u32,
    deployment: u64,
    first_key: u64,
}

impl Bench {
    fn new<C: SolConstructor>(bytecode: &Bytes, arguments: &C) -> Self {
        let mut chain = Chain::new();
        let (contract, deployment) = chain.deploy_contract(address("owner", 0), bytecode, arguments);
        let group = Group::new("group");
        let mut bench = Self { chain, contract, group, round: 0, deployment, first_key: 0 };
        bench.first_key = bench.set_key("group");
        bench
    }

    /// One feed. The original's answers are 192 bits wide; here they are 96.
    fn single(rounds_kept: u32, attribution: bool, announces: bool) -> Self {
        let arguments = single::constructorCall {
            minAnswer_: I96::ONE,
            maxAnswer_: I96::MAX >> 1,
            decimals_: 8,
            description_: "ETH / USD".into(),
            roundsKept_: rounds_kept,
            attribution_: attribution,
            announces_: announces,
        };
        Self::new(&single::BYTECODE, &arguments)
    }

    fn batch(attribution: bool) -> Self {
        let arguments = batch::constructorCall {
            descriptions: (0..FEEDS).map(|feed| format!("FEED {feed} / USD")).collect(),
            decimals: vec![8; FEEDS],
            attribution_: attribution,
        };
        Self::new(&batch::BYTECODE, &arguments)
    }

    fn set_key(&mut self, name: &str) -> u64 {
        self.group = Group::new(name);
        let Group { x, parity, .. } = self.group;
        let message = self.chain.read(self.contract, &single::proofMessageCall { x, parity });
        let (r, s) = self.group.sign(message);
        let call = single::setGroupKeyCall { x, parity, proof: single::Schnorr::Signature { r, s } };
        self.chain.send_call(address("owner", 0), self.contract, &call).success().gas
    }

    /// The next report or head of a batch, whose words differ in what comes first only; sixty seconds after the one before.
    fn next(&mut self, head: U256) -> U256 {
        self.round += 1;
        let timestamp = 1_700_000_000 + 60 * self.round;
        self.chain.block.timestamp = U256::from(timestamp + 11);
        head_word(U96::from(head), timestamp, 1 + self.round / 200, (self.round % 200) as u8)
    }

    fn update(&mut self, contributors: U256) -> u64 {
        let report = self.next(U256::from(250_000_000_000 + 7_654_321 * u64::from(self.round % 9)));
        let message = self.chain.read(self.contract, &single::reportMessageCall { report, contributors });
        let (r, s) = self.group.sign(message);
        let signed = single::IThresholdAggregator::SignedReport {
            report,
            contributors,
            signature: single::Schnorr::Signature { r, s },
        };
        self.chain.send_call(address("anyone", 1), self.contract, &single::updateAnswerCall { signed }).success().gas
    }

    /// All feeds but those of `without`; no byte of an answer is zero.
    fn update_batch(&mut self, without: U256, contributors: U256) -> u64 {
        let head = self.next(((U256::ONE << FEEDS) - U256::ONE) & !without);
        let round = self.round as u8;
        let answer = |feed: usize| {
            let noise = u64::from_be_bytes(keccak256([feed as u8, round])[..8].try_into().expect("8 bytes"));
            U256::from(noise | 0x0101_0101_0101_0101)
        };
        let group_of_four =
            |group| (0..4).rev().fold(U256::ZERO, |word, place| (word << 64) | answer(4 * group + place));
        let is_listed = |group: &usize| !((head >> (160 + 4 * group)) & U256::from(15)).is_zero();
        let answers: Vec<U256> = (0..FEEDS / 4).filter(is_listed).map(group_of_four).collect();
        let call = batch::batchMessageCall { head, contributors, answers: answers.clone() };
        let (r, s) = self.group.sign(self.chain.read(self.contract, &call));
        let signature = batch::Schnorr::Signature { r, s };
        let call = batch::updateAnswersCall { head, contributors, answers, signature };
        self.chain.send_call(address("anyone", 1), self.contract, &call).success().gas
    }

    /// The median of nine, after two that write to fresh storage.
    fn steady(mut self, mut update: impl FnMut(&mut Self) -> u64) -> u64 {
        let mut gas: Vec<u64> = (0..11).map(|_| update(&mut self)).skip(2).collect();
        gas.sort_unstable();
        gas[gas.len() / 2]
    }

    /// A contract's first call of the feed in a transaction: the difference of `gasleft()` around it.
    fn cold_read(mut self, feed: Address) -> u64 {
        let at = address("reader", 0);
        self.chain.place(at, reader::code());
        let call = reader::call(reader::LATEST_ROUND_DATA, feed);
        U256::from_be_slice(&self.chain.view(address("anyone", 0), at, call).success().output).to()
    }
}

pub fn section() -> Section {
    // 128 of 256 oracles, and no byte is zero.
    let everyone = U256::MAX / U256::from(3);
    let named = |attribution| if attribution { everyone } else { U256::ZERO };
    let mut rows = Vec::new();
    let mut row = |what: &str, gas: u64, goal: Option<u64>| {
        let row = Row::new(what, None, gas);
        rows.push(match goal {
            Some(goal) => row.goal(goal),
            None => row,
        });
    };
    let all = u32::MAX;
    for (mode, rounds_kept, attribution, announces, goal) in [
        ("attribution and history off", 1, false, false, Some(35_000)),
        ("attribution on, all rounds kept", all, true, false, Some(57_000)),
        ("attribution on, history off, or bounded and full", 1, true, false, None),
        ("attribution off, all rounds kept", all, false, false, None),
        ("attribution and history off, rounds announced", 1, false, true, None),
        ("attribution on, all rounds kept, rounds announced", all, true, true, None),
    ] {
        let bench = Bench::single(rounds_kept, attribution, announces);
        row(&format!("`updateAnswer`, any n: {mode}"), bench.steady(|feed| feed.update(named(attribution))), goal);
    }
    for (mode, attribution, goal) in [("off", false, Some(2_000)), ("on", true, None)] {
        let gas = Bench::batch(attribution).steady(|feeds| feeds.update_batch(U256::ZERO, named(attribution)));
        row(&format!("`updateAnswers`, 64 feeds, attribution {mode}"), gas, goal.map(|goal| goal * FEEDS as u64));
        row(&format!("`updateAnswers`, per feed of 64, attribution {mode}"), gas.div_ceil(FEEDS as u64), goal);
    }
    // Two groups of four; the words that keep their times have been written before.
    let without = U256::from(0xff);
    let mut bench = Bench::batch(false);
    let gas = (0..3).map(|_| (bench.update_batch(U256::ZERO, U256::ZERO), bench.update_batch(without, U256::ZERO)).1);
    row("`updateAnswers`, the same without eight feeds of the batch before", gas.last().expect("three"), None);

    for (what, rounds_kept) in [("one round kept", 1), ("all rounds kept", all)] {
        let mut bench = Bench::single(rounds_kept, false, false);
        bench.update(U256::ZERO);
        let feed = bench.contract;
        row(&format!("`latestRoundData` from a contract, cold, {what}"), bench.cold_read(feed), Some(7_800));
    }
    let mut bench = Bench::batch(false);
    bench.update_batch(U256::ZERO, U256::ZERO);
    let arguments = view::constructorCall { batch_: bench.contract, feed_: U256::from(5) };
    let (feed, view_deployment) = bench.chain.deploy_contract(address("anyone", 2), &view::BYTECODE, &arguments);
    row("`latestRoundData` of a feed of a batch, cold", bench.cold_read(feed), None);

    let mut bench = Bench::single(1, false, false);
    row("`setGroupKey`, first", bench.first_key, None);
    bench.update(U256::ZERO);
    row("`setGroupKey`, again", bench.set_key("another group"), None);
    row("deployment, one feed", bench.deployment, None);
    row("deployment, 64 feeds", Bench::batch(false).deployment, None);
    row("deployment, view of a feed of a batch", view_deployment, None);
    Section {
        title: "ThresholdAggregator and ThresholdBatch",
        method: "The number of oracles changes nothing. With attribution no byte of the set of 256 contributors is zero. Answers \
                 have five bytes\nthat are not zero, in batches all eight. Without \"rounds announced\" a round emits \
                 neither AnswerUpdated nor NewRound.",
        with_original: false,
        rows,
    }
}
