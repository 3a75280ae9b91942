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

    /// Whether what a bloom stands for can match at all.
    fn may_match(&self, bloom: &Bloom) -> bool {
        let holds = |bytes: &[u8]| bloom.contains_input(BloomInput::Raw(bytes));
        (self.addresses.is_empty() || self.addresses.iter().any(|address| holds(address.as_slice())))
            && self.topics.iter().all(|wanted| wanted.is_empty() || wanted.iter().any(|topic| holds(topic.as_slice())))
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
        let possible = filter.may_match(&self.header.logs_bloom);
        possible.then(|| self.logs().filter(|placed| filter.matches(placed.log))).into_iter().flatten()
    }
}

impl Chain {
    /// The logs of a range of blocks that the filter wants, oldest first. Blocks above the head hold none.
    pub fn logs<'a>(
        &'a self,
        range: RangeInclusive<u64>,
        filter: &'a LogFilter,
    ) -> impl Iterator<Item = PlacedLog<'a>> {
        let last =
            usize::try_from(*range.end()).map_or(self.blocks.len(), |end| end.saturating_add(1)).min(self.blocks.len());
        let first = usize::try_from(*range.start()).map_or(last, |start| start.min(last));
        self.blocks[first..last].iter().flat_map(move |block| block.logs_matching(filter))
    }
}
