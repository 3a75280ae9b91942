//! Logs by range and filter.

use std::ops::RangeInclusive;

use alloy_primitives::{Address, B256, Bloom, BloomInput, Log};

use crate::{
    block::{Block, Transaction},
    chain::Chain,
};

/// Which logs are wanted. An empty list wants all; within a list one match is enough, and all lists must match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogFilter {
    pub addresses: Vec<Address>,
    /// By position.
    pub topics: [Vec<B256>; 4],
}

/// A log and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct PlacedLog<'a> {
    pub block: &'a Block,
    pub transaction: &'a Transaction,
    pub transaction_index: usize,
    /// Index in the block.
    pub log_index: u64,
    pub log: &'a Log,
}

impl LogFilter {
    pub fn matches(&self, log: &Log) -> bool {
        (self.addresses.is_empty() || self.addresses.contains(&log.address))
            && self.topics.iter().enumerate().all(|(position, wanted)| {
                wanted.is_empty() || log.topics().get(position).is_some_and(|topic| wanted.contains(topic))
            })
    }

    /// Hashes once what every bloom is asked for.
    fn sieve(&self) -> Sieve {
        let bloom = |bytes: &[u8]| Bloom::from(BloomInput::Raw(bytes));
        let topics = self.topics.iter().map(|topics| topics.iter().map(|topic| bloom(topic.as_slice())).collect());
        let addresses = self.addresses.iter().map(|address| bloom(address.as_slice())).collect();
        Sieve(topics.chain([addresses]).filter(|wanted: &Vec<Bloom>| !wanted.is_empty()).collect())
    }
}

/// A filter as blooms: of each list, one must be contained.
struct Sieve(Vec<Vec<Bloom>>);

impl Sieve {
    /// Whether what the bloom stands for can match at all.
    fn passes(&self, bloom: &Bloom) -> bool {
        self.0.iter().all(|wanted| wanted.iter().any(|wanted| bloom.contains(wanted)))
    }
}

impl Block {
    /// Every log of the block, in order.
    pub fn logs(&self) -> impl Iterator<Item = PlacedLog<'_>> {
        self.transactions.iter().zip(&self.receipts).enumerate().flat_map(move |(index, (transaction, receipt))| {
            (receipt.first_log_index..).zip(&receipt.logs).map(move |(log_index, log)| PlacedLog {
                block: self,
                transaction,
                transaction_index: index,
                log_index,
                log,
            })
        })
    }

    /// The logs of the block that the filter wants.
    pub fn logs_matching<'a>(&'a self, filter: &'a LogFilter) -> impl Iterator<Item = PlacedLog<'a>> {
        self.logs().filter(|placed| filter.matches(placed.log))
    }
}

impl Chain {
    /// The logs of a range of blocks that the filter wants, oldest first. Blocks above the head hold none.
    pub fn logs<'a>(
        &'a self,
        range: RangeInclusive<u64>,
        filter: &'a LogFilter,
    ) -> impl Iterator<Item = PlacedLog<'a>> {
        let blocks = self.blocks.len();
        let last = usize::try_from(*range.end()).map_or(blocks, |end| end.saturating_add(1)).min(blocks);
        let first = usize::try_from(*range.start()).map_or(last, |start| start.min(last));
        let sieve = filter.sieve();
        self.blocks[first..last]
            .iter()
            .filter(move |block| sieve.passes(&block.header.logs_bloom))
            .flat_map(move |block| block.logs_matching(filter))
    }
}
