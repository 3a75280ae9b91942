//! What the committee of a threshold feed signs: words, and the messages that are their hash (contracts spec 14.2).

use alloc::vec::Vec;
use alloy_primitives::{
    Address, B256, Keccak256, U256,
    aliases::{I96, U96},
    keccak256,
};

/// For which contract and key a message is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The chain on which the contract is.
    pub chain_id: u64,
    /// The contract that checks the signature.
    pub contract: Address,
    /// Of the key that the contract has now, counted from 1; 0 before the first.
    pub generation: u32,
}

impl Place {
    /// An update of a `ThresholdAggregator`.
    pub fn report(&self, feed: B256, report: U256, contributors: U256) -> Message {
        self.message("dodona threshold report v1", self.generation, [feed, report.into(), contributors.into()])
    }

    /// An update of a `ThresholdBatch`.
    pub fn batch(&self, feeds: B256, head: U256, contributors: U256, answers: &[U256]) -> Message {
        let answers = answers.iter().fold(Keccak256::new(), |mut hash, word| {
            hash.update(word.to_be_bytes::<32>());
            hash
        });
        let words = [feeds, head.into(), contributors.into(), answers.finalize()];
        self.message("dodona threshold batch v1", self.generation, words)
    }

    /// The present key's consent to the next.
    pub fn rotation(&self, px: B256, odd: bool) -> Message {
        self.message("dodona threshold rotation v1", self.generation, [px, U256::from(u8::from(odd)).into()])
    }

    /// The next key's proof that somebody can sign with it. The contract has the present key still.
    pub fn proof(&self, px: B256, odd: bool) -> Message {
        self.proof_for(self.generation + 1, px, odd)
    }

    /// The same for whatever generation it will be, which only the owner can use: no group that hands over to itself can
    /// outrun it.
    pub fn lasting_proof(&self, px: B256, odd: bool) -> Message {
        self.proof_for(0, px, odd)
    }

    fn proof_for(&self, generation: u32, px: B256, odd: bool) -> Message {
        let words = [px, U256::from(u8::from(odd)).into()];
        self.message("dodona threshold proof of possession v1", generation, words)
    }

    fn message<const N: usize>(&self, tag: &str, generation: u32, words: [B256; N]) -> Message {
        let mut all = Vec::from([
            keccak256(tag),
            U256::from(self.chain_id).into(),
            self.contract.into_word(),
            U256::from(generation).into(),
        ]);
        all.extend(words);
        Message(all)
    }
}

/// The words that are hashed into what is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message(Vec<B256>);

impl Message {
    /// What is signed.
    pub fn hash(&self) -> B256 {
        keccak256(self.bytes())
    }

    /// The words, one after the other.
    pub fn bytes(&self) -> Vec<u8> {
        self.0.concat()
    }
}

/// The name of a feed: its decimals and its description.
pub fn feed_id(decimals: u8, description: &str) -> B256 {
    keccak256([&[decimals], description.as_bytes()].concat())
}

/// The name of the feeds of a batch, in their order.
pub fn feeds_id(feeds: &[B256]) -> B256 {
    keccak256(feeds.concat())
}

/// The word of a report: answer, seconds since 1970, epoch and round.
pub fn report_word(answer: I96, observed: u32, epoch: u32, round: u8) -> U256 {
    word(answer.into_raw(), observed, epoch, round)
}

/// The word that heads a batch: the set of feeds that have an answer, and the rest as in a report.
pub fn head_word(feeds: U96, observed: u32, epoch: u32, round: u8) -> U256 {
    word(feeds, observed, epoch, round)
}

fn word(first: U96, observed: u32, epoch: u32, round: u8) -> U256 {
    (U256::from(first) << 160) | (U256::from(observed) << 128) | (U256::from(epoch) << 64) | (U256::from(round) << 56)
}

/// The set of feeds that have an answer, and the answers by four in a word; feed i is the i-th of `answers`. `None` if there
/// are more than 96.
pub fn batch_words(answers: &[Option<i64>]) -> Option<(U96, Vec<U256>)> {
    if answers.len() > 96 {
        return None;
    }
    let mut feeds = U96::ZERO;
    for (i, _) in answers.iter().enumerate().filter(|(_, answer)| answer.is_some()) {
        feeds.set_bit(i, true);
    }
    let groups = answers.chunks(4).filter(|group| group.iter().any(Option::is_some));
    let words = groups.map(|group| {
        group.iter().enumerate().fold(U256::ZERO, |word, (i, answer)| {
            // As 64 bits of two's complement.
            word | (U256::from(answer.unwrap_or(0).cast_unsigned()) << (64 * i))
        })
    });
    Some((feeds, words.collect()))
}

/// The set of the oracles whose observations went into an answer.
pub fn contributors(oracles: impl IntoIterator<Item = u8>) -> U256 {
    oracles.into_iter().fold(U256::ZERO, |mut set, oracle| {
        set.set_bit(oracle.into(), true);
        set
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{address, b256};

    // The values of contracts spec 14.5.
    const PLACE: Place =
        Place { chain_id: 1337, contract: address!("0x5fbdb2315678afecb367f032d93f642f64180aa3"), generation: 1 };
    const FIRST: B256 = b256!("0x9e9cff34a1793817966e9d44165af6530c25c066e63f1e58094a2668f011b6aa");
    const SECOND: B256 = b256!("0x0bf1e4dd415de3c7c5e409098699653d1287fc14b31b3d941e41b6680528da54");

    fn feeds() -> [B256; 2] {
        [feed_id(8, "ETH / USD"), feed_id(8, "BTC / USD")]
    }

    #[test]
    fn words_are_those_of_the_specification() {
        assert_eq!(feeds()[0], b256!("0xf9d41856685a63258cf6ec9453eaa5bd8f1fae42981e538f1076283e50b6a932"));
        assert_eq!(feeds()[1], b256!("0xa9fc2902a0cd9236eebb62ef46be5ebd2d9e23f0968e81b4a91e1f49baa20656"));
        assert_eq!(feeds_id(&feeds()), b256!("0xc99cc5095900511654ebccce7e4319ef8fba10fc1d22663f35ff5e32beed5be4"));
        let report = |answer: i64, round| report_word(I96::try_from(answer).unwrap(), 1_700_000_000, 7, round);
        let [up, down, head] =
            [report(250_000_617_285, 3), report(-5, 4), head_word(U96::from(3), 1_700_000_000, 7, 3)];
        assert_eq!(B256::from(up), b256!("0x000000000000003a3532af456553f10000000000000000070300000000000000"));
        assert_eq!(B256::from(down), b256!("0xfffffffffffffffffffffffb6553f10000000000000000070400000000000000"));
        assert_eq!(B256::from(head), b256!("0x0000000000000000000000036553f10000000000000000070300000000000000"));
        let (set, words) = batch_words(&[Some(250_000_617_285), Some(-5)]).unwrap();
        let answers = b256!("0x00000000000000000000000000000000fffffffffffffffb0000003a3532af45");
        assert_eq!((set, words), (U96::from(3), alloc::vec![answers.into()]));
        let set = b256!("0x800000000000000000000000000000000000000000000000000000000000000b");
        assert_eq!(B256::from(contributors([0, 1, 3, 255])), set);
    }

    #[test]
    fn groups_without_a_feed_are_left_out() {
        let mut answers = [None; 96];
        (answers[3], answers[95]) = (Some(1), Some(2));
        let (set, words) = batch_words(&answers).unwrap();
        assert_eq!(set, (U96::ONE << 3) | (U96::ONE << 95));
        assert_eq!(words, [U256::ONE << 192, U256::from(2) << 192]);
        assert_eq!(batch_words(&[]), Some((U96::ZERO, Vec::new())));
        assert_eq!(batch_words(&[None; 97]), None);
    }

    #[test]
    fn a_lasting_proof_has_no_generation_and_is_a_proof_otherwise() {
        let (lasting, proof) = (PLACE.lasting_proof(FIRST, true).bytes(), PLACE.proof(FIRST, true).bytes());
        assert_eq!(lasting, Place { generation: 77, ..PLACE }.lasting_proof(FIRST, true).bytes());
        assert_eq!((&lasting[96..128], &proof[96..128]), (&[0; 32][..], &U256::from(2).to_be_bytes::<32>()[..]));
        assert_eq!((&lasting[..96], &lasting[128..]), (&proof[..96], &proof[128..]));
    }

    #[test]
    fn messages_are_those_of_the_specification() {
        let before = Place { generation: 0, ..PLACE };
        let contributors = contributors([0, 1, 3, 255]);
        let report = report_word(I96::try_from(250_000_617_285i64).unwrap(), 1_700_000_000, 7, 3);
        let (set, answers) = batch_words(&[Some(250_000_617_285), Some(-5)]).unwrap();
        let head = head_word(set, 1_700_000_000, 7, 3);
        for (message, hash) in [
            (before.proof(FIRST, true), "fa8941f0f3e704c8058e75eac1592f800043a1ee3c16ecb7a5f2be18ccabe654"),
            (
                PLACE.report(feeds()[0], report, contributors),
                "74f797a5d691a5f2057786b822c3a7f45eb617416eb6343c3622143e0973f3b3",
            ),
            (
                PLACE.batch(feeds_id(&feeds()), head, contributors, &answers),
                "96afe4a870ba704e8f2db19a547a3ce368046e9af34ec8624540592d3c47bea8",
            ),
            (PLACE.rotation(SECOND, false), "7e52315bcaff23fd07a6eb0cd5316c1cb82108fb129354304c82ca8ebdaccd97"),
            (PLACE.proof(SECOND, false), "7e0b03dabefbc087f4807160d5ccf0cd8af8d7219c427bad916902e002b66e36"),
        ] {
            assert_eq!(alloc::format!("{:x}", message.hash()), hash);
        }
    }
}
