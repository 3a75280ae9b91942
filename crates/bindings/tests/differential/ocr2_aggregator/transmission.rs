//! Calls of `transmit`: good ones, and ones with a single flaw.

use super::{
    Feeds, THEIR_DIGEST, THEIR_HOT, answer_max,
    people::{ORACLES, POOL, Who},
};
use crate::{
    chain::committee::{Committee, context, report},
    random::Random,
};
use alloy_primitives::{B256, I256, U256, keccak256, uint};
use alloy_sol_types::SolCall;
use bindings::ocr2_aggregator::transmitCall;

/// Order of secp256k1.
const ORDER: U256 = uint!(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmission {
    pub by: Who,
    /// How many epochs later than the last report.
    pub epochs: u32,
    pub round: u8,
    /// At most as many as there are oracles.
    pub observations: usize,
    /// The first signer's seat; the others follow.
    pub first_signer: usize,
    pub answer: i128,
    pub rate: I256,
    pub price_gwei: u64,
    pub extra_hash: bool,
    pub flaw: Option<Flaw>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    WrongDigest,
    SameEpochAndRound,
    OlderEpochAndRound,
    FewSignatures,
    ManySignatures,
    SignerTwice,
    UnknownSigner,
    FewerSs,
    FewerRs,
    RecoveryId(u8),
    HighS,
    ZeroSignature,
    SpoiledSignature,
    ByteMore,
    ByteLess,
    ReportLonger,
    ReportShorter,
    /// The array elsewhere in the report, at a place whose word is its length then.
    OffsetElsewhere(usize),
    OffsetOutside,
    Count(i64),
    HugeCount(usize),
    FewObservations,
    ManyObservations,
    Unsorted,
    ObserverTwice,
    ObserverUnknown,
    ObservationTooWide,
    TimestampTooWide,
    RateTooWide,
    MedianTooLow,
    MedianTooHigh,
    /// The three tails in another order.
    Tails(usize),
    UpperContextBits,
}

impl Flaw {
    pub fn random(random: &mut Random) -> Self {
        match random.below(33) {
            0 => Self::WrongDigest,
            1 => Self::SameEpochAndRound,
            2 => Self::OlderEpochAndRound,
            3 => Self::FewSignatures,
            4 => Self::ManySignatures,
            5 => Self::SignerTwice,
            6 => Self::UnknownSigner,
            7 => Self::FewerSs,
            8 => Self::FewerRs,
            9 => Self::RecoveryId(random.pick(&[2, 3, 27, 28, 228, 229, 255])),
            10 => Self::HighS,
            11 => Self::ZeroSignature,
            12 => Self::SpoiledSignature,
            13 => Self::ByteMore,
            14 => Self::ByteLess,
            15 => Self::ReportLonger,
            16 => Self::ReportShorter,
            17 => Self::OffsetElsewhere(random.below(3)),
            18 => Self::OffsetOutside,
            19 => Self::Count(random.pick(&[-1, 1, 2])),
            20 => Self::HugeCount(random.pick(&[32, 58, 59, 64, 255])),
            21 => Self::FewObservations,
            22 => Self::ManyObservations,
            23 => Self::Unsorted,
            24 => Self::ObserverTwice,
            25 => Self::ObserverUnknown,
            26 => Self::ObservationTooWide,
            27 => Self::TimestampTooWide,
            28 => Self::RateTooWide,
            29 => Self::MedianTooLow,
            30 => Self::MedianTooHigh,
            31 => Self::Tails(random.below(6)),
            _ => Self::UpperContextBits,
        }
    }
}

impl Transmission {
    pub fn random(feeds: &Feeds, random: &mut Random) -> Self {
        let n = feeds.committee.n().max(1);
        let member = Who::Transmitter(feeds.seat(random.below(n)));
        let rates = [0u128, 1, 1_000_000_000, 215_123_456_789_012_345_678];
        let mut rate = I256::try_from(random.pick(&rates)).expect("a small number");
        if random.one_in(12) {
            let wide = I256::ONE << 150usize;
            rate = random.pick(&[I256::MINUS_ONE, I256::MIN >> 64usize, I256::MAX >> 64usize, wide]);
        }
        Self {
            by: if random.one_in(20) {
                random.pick(&[Who::Stranger, Who::Owner, Who::Transmitter(33)])
            } else {
                member
            },
            epochs: random.pick(&[0, 1, 1, 1, 1, 3, 70_000]),
            round: random.next() as u8,
            observations: if random.one_in(3) { feeds.f() + 1 + random.below(n - feeds.f().min(n - 1)) } else { n },
            first_signer: random.below(n),
            answer: random.pick(&[1, 250_000_000_000, 250_000_000_000, 1 << 100]) + random.below(1000) as i128,
            rate,
            price_gwei: random.pick(&[0, 1, 20, 20, 49, 50, 51, 3000]),
            extra_hash: random.one_in(2),
            flaw: random.one_in(3).then(|| Flaw::random(random)),
        }
    }

    /// The data of the call, for the config and the last report that there are now.
    pub fn data(&self, feeds: &mut Feeds) -> Vec<u8> {
        let nobody = Committee { f: 1, ..ORACLES.clone() };
        let committee = if feeds.committee.n() == 0 { &nobody } else { &feeds.committee };
        let (n, f) = (committee.n(), usize::from(committee.f));
        let is = |flaw: Flaw| self.flaw.as_ref() == Some(&flaw);

        // The report.
        let k = match &self.flaw {
            Some(Flaw::FewObservations) => f,
            Some(Flaw::ManyObservations) => 32,
            Some(_) | None => self.observations.clamp(1, 31),
        };
        let mut observations: Vec<I256> =
            (0..k as i128).map(|i| I256::try_from(self.answer + 12_345 * i).expect("a small number")).collect();
        let mut observers: Vec<u8> = (0..k).map(|i| ((i * 5 + 1) % n) as u8).collect();
        let middle = k / 2;
        match &self.flaw {
            Some(Flaw::MedianTooLow) => observations[middle] = I256::ZERO,
            Some(Flaw::MedianTooHigh) => observations[middle] = answer_max() + I256::ONE,
            Some(Flaw::Unsorted) => observations.reverse(),
            Some(Flaw::ObserverTwice) => observers[0] = observers[k - 1],
            Some(Flaw::ObserverUnknown) => observers[0] = 200,
            Some(_) | None => {}
        }
        let timestamp = 1_700_000_000 + feeds.ours.block.number.to::<u32>();
        let mut report = report(timestamp, &observers, &observations, self.rate);
        let mut set = |word: usize, value: U256| {
            let at = 32 * word;
            if let Some(bytes) = report.get_mut(at..at + 32) {
                bytes.copy_from_slice(&value.to_be_bytes::<32>());
            }
        };
        match &self.flaw {
            Some(Flaw::OffsetElsewhere(word)) => {
                set(2, U256::from([0x60, 0x20, 0][*word]));
                set([3, 1, 0][*word], U256::from(k));
                // The count's word has become an observation, and so may the offset's.
                set(4, U256::from(self.answer as u128));
            }
            Some(Flaw::OffsetOutside) => set(2, U256::from(0xa0)),
            Some(Flaw::Count(more)) => set(4, U256::from((k as i64 + more) as u64)),
            Some(Flaw::HugeCount(bits)) => set(4, U256::ONE << *bits),
            // Any of them, for the contract looks at several at a time.
            Some(Flaw::ObservationTooWide) => set(5 + self.answer.unsigned_abs() as usize % k, U256::ONE << 191),
            Some(Flaw::TimestampTooWide) => set(0, U256::ONE << 32),
            Some(Flaw::RateTooWide) => set(3, U256::ONE << 191),
            Some(_) | None => {}
        }
        if is(Flaw::ReportLonger) {
            report.extend([0; 32]);
        }
        if is(Flaw::ReportShorter) {
            report.truncate(report.len() - 32);
        }

        // The context.
        let last: U256 = feeds.theirs.storage(feeds.feed, U256::from(THEIR_HOT)) >> 8;
        let last = last.wrapping_to::<u64>() & ((1 << 40) - 1);
        let (mut epoch, mut round) = ((last >> 8) as u32, last as u8);
        match &self.flaw {
            Some(Flaw::SameEpochAndRound) => {}
            Some(Flaw::OlderEpochAndRound) => epoch = epoch.saturating_sub(1),
            Some(_) | None if self.epochs == 0 => round = round.saturating_add(1),
            Some(_) | None => (epoch, round) = (epoch.saturating_add(self.epochs), self.round),
        }
        let mut digest = B256::from(feeds.theirs.storage(feeds.feed, U256::from(THEIR_DIGEST)));
        if is(Flaw::WrongDigest) {
            digest.0[31] ^= 1;
        }
        let extra_hash = if self.extra_hash { keccak256([self.round]) } else { B256::ZERO };
        let mut context = context(digest, epoch, round, extra_hash);
        if is(Flaw::UpperContextBits) {
            context[1].0[3] = 7;
        }

        // The signatures.
        let signatures = match &self.flaw {
            Some(Flaw::FewSignatures) => f,
            Some(Flaw::ManySignatures) => f + 2,
            Some(_) | None => f + 1,
        };
        let mut by: Vec<usize> = (0..signatures).map(|i| (self.first_signer + i) % n).collect();
        if is(Flaw::SignerTwice) {
            by[0] = by[f];
        }
        let mut call = if is(Flaw::UnknownSigner) {
            let mut keys = committee.clone();
            keys.keys[by[f]] = ORACLES.keys[POOL - 1].clone();
            keys.transmit(context, report, &by)
        } else {
            committee.transmit(context, report, &by)
        };
        match &self.flaw {
            Some(Flaw::FewerSs) => drop(call.ss.pop()),
            Some(Flaw::FewerRs) => drop(call.rs.pop()),
            Some(Flaw::RecoveryId(v)) => call.rawVs.0[f] = *v,
            Some(Flaw::HighS) => {
                call.ss[0] = B256::from(ORDER - U256::from_be_bytes(call.ss[0].0));
                call.rawVs.0[0] ^= 1;
            }
            Some(Flaw::ZeroSignature) => (call.rs[f], call.ss[f]) = (B256::ZERO, B256::ZERO),
            Some(Flaw::SpoiledSignature) => call.rs[f].0[17] ^= 0x10,
            Some(_) | None => {}
        }

        // The call.
        match &self.flaw {
            Some(Flaw::ByteMore) => [call.abi_encode(), vec![0]].concat(),
            Some(Flaw::ByteLess) => {
                let data = call.abi_encode();
                data[..data.len() - 1].to_vec()
            }
            Some(Flaw::Tails(order)) => in_order(&call, *order),
            Some(_) | None => call.abi_encode(),
        }
    }
}

/// The call with its three tails in one of six orders.
fn in_order(call: &transmitCall, order: usize) -> Vec<u8> {
    let word = |value: usize| U256::from(value).to_be_bytes::<32>().to_vec();
    let list = |words: &[B256]| [word(words.len()), words.concat().to_vec()].concat();
    let tails = [[word(call.report.len()), call.report.to_vec()].concat(), list(&call.rs), list(&call.ss)];
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    let mut offsets = [0; 3];
    let mut end = 32 * 7;
    for tail in orders[order] {
        offsets[tail] = end;
        end += tails[tail].len();
    }
    let mut data = transmitCall::SELECTOR.to_vec();
    data.extend(call.reportContext.concat());
    data.extend(offsets.into_iter().flat_map(word));
    data.extend(call.rawVs);
    data.extend(orders[order].into_iter().flat_map(|tail| tails[tail].clone()));
    data
}
