//! What stands between an aggregator and a consumer.

use crate::{
    chain::{address, reader, reference},
    ocr2_aggregator::Bench,
    table::{Row, Section},
};
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::{SolCall, SolConstructor};
use bindings::{creation, example_lending as lending, feed_proxy as proxy, ocr2_aggregator as feed};

/// An aggregator with a round, a proxy before it, and a contract that reads.
struct Consumer {
    bench: Bench,
    proxy: Address,
}

impl Consumer {
    fn new(aggregator: &Bytes, proxy_code: &Bytes) -> Self {
        let mut bench = Bench::new(aggregator, 4, 0);
        bench.transmit(B256::ZERO);
        let arguments = proxy::constructorCall { aggregator_: bench.feed, controller: Address::ZERO };
        let (proxy, _) = bench.chain.deploy(address("owner", 0), creation(proxy_code, &arguments));
        bench.chain.place(address("reader", 0), reader::code());
        Self { bench, proxy }
    }

    /// The difference of `gasleft()` around a contract's first call.
    fn cold_read(&mut self, selector: [u8; 4]) -> u64 {
        let call = reader::call(selector, self.proxy);
        let outcome = self.bench.chain.view(address("anyone", 0), address("reader", 0), call).success();
        U256::from_be_slice(&outcome.output).to()
    }

    /// Begins a phase, with the aggregator that is there.
    fn confirm(&mut self) -> u64 {
        let owner = address("owner", 0);
        let aggregator = self.bench.feed;
        let propose = proxy::proposeAggregatorCall { aggregator_: aggregator };
        self.bench.chain.send_call(owner, self.proxy, &propose).success();
        self.bench
            .chain
            .send_call(owner, self.proxy, &proxy::confirmAggregatorCall { aggregator_: aggregator })
            .success()
            .gas
    }

    /// The whole call of a consumer that checks a price.
    fn checked(&mut self) -> u64 {
        let none = Address::ZERO;
        let rules = lending::PriceRules {
            feed: self.proxy,
            maxAge: u32::MAX,
            decimals: 18,
            minPrice: 1,
            maxPrice: u128::MAX,
            secondFeed: none,
            secondMaxAge: 0,
            sequencer: none,
            gracePeriod: 0,
        };
        let arguments = lending::constructorCall { token: none, rules };
        let creation = [lending::BYTECODE.to_vec(), arguments.abi_encode()].concat();
        let (at, _) = self.bench.chain.deploy(address("owner", 0), creation);
        self.bench.chain.view(address("anyone", 0), at, lending::priceCall {}.abi_encode()).success().gas
    }
}

pub fn section() -> Section {
    let original = reference("OCR2Aggregator").zip(reference("EACAggregatorProxy"));
    let ours = (feed::BYTECODE.clone(), proxy::BYTECODE.clone());
    let on_both = |what: &str, measure: &dyn Fn(Consumer) -> u64| {
        let run = |(aggregator, proxy): &(Bytes, Bytes)| measure(Consumer::new(aggregator, proxy));
        Row::new(what, original.as_ref().map(run), run(&ours))
    };
    let rows = vec![
        on_both("`latestRoundData` through the proxy, from a contract, cold", &|mut consumer| {
            consumer.cold_read(reader::LATEST_ROUND_DATA)
        }),
        on_both("`latestAnswer` through the proxy, from a contract, cold", &|mut consumer| {
            consumer.cold_read(reader::LATEST_ANSWER)
        }),
        on_both("a new phase", &|mut consumer| consumer.confirm()),
        on_both("a checked price through the proxy, the whole call", &|mut consumer| consumer.checked()),
    ];
    Section {
        title: "FeedProxy and CheckedPrice",
        method: "The original's proxy before the original's aggregator, and ours before ours; no access controller. The last row is \
                 `price()` of\nExampleLending: 21,064 for a transaction with four bytes, four slots of rules, and a call for the answer \
                 and one for its decimals.",
        with_original: original.is_some(),
        rows,
    }
}
