//! Calls of `transmit`: good ones, and ones with a single flaw.

use super::{
    Feeds, Protocol, answer_max,
    people::{ORACLES, POOL, Who},
};
use crate::{
    chain::committee::{Committee, Signatures},
    random::Random,
};
use alloy_primitives::{B256, I256, U256, keccak256, uint};

/// Order of secp256k1.
const ORDER: U256 = uint!(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256);

/// The word of a report that is the offset of its observations; the observers are the one before.
pub const OFFSET_WORD: usize = 2;

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
    /// The median.
    pub answer: i128,
    /// From one observation to the next; so wide that the lower ones are negative, or not.
    pub spread: i128,
    /// Only OCR2.
    pub rate: I256,
    pub price_gwei: u64,
    /// Only OCR2.
    pub extra_hash: bool,
    pub flaw: Option<Flaw>,
}

/// What a good report says.
pub struct Content {
    pub digest: B256,
    pub epoch: u32,
    pub round: u8,
    pub extra_hash: B256,
    pub timestamp: u32,
    pub observers: Vec<u8>,
    pub observations: Vec<I256>,
    pub rate: I256,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    WrongDigest,
    SameEpochAndRound,
    OlderEpochAndRound,
    FewSignatures,
    /// So many more than needed.
    ManySignatures(usize),
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
    /// The array elsewhere in the report; see `Protocol::move_array`.
    OffsetElsewhere(usize),
    OffsetOutside,
    Count(i64),
    HugeCount(usize),
    FewObservations,
    ManyObservations,
    Unsorted,
    /// Ascending if they had no signs: the negative ones are the last.
    SignsIgnored,
    /// This one changes places with the next.
    Swapped(usize),
    ObserverTwice,
    ObserverUnknown(u8),
    /// One more observer than there are observations.
    ObserversLonger,
    /// This bit is added to an observation.
    ObservationTooWide(usize),
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
        match random.below(36) {
            0 => Self::WrongDigest,
            1 => Self::SameEpochAndRound,
            2 => Self::OlderEpochAndRound,
            3 => Self::FewSignatures,
            4 => Self::ManySignatures(random.pick(&[1, 1, 2, 20])),
            5 => Self::SignerTwice,
            6 => Self::UnknownSigner,
            7 => Self::FewerSs,
            8 => Self::FewerRs,
            9 => Self::RecoveryId(random.pick(&[2, 3, 27, 28, 229, 255])),
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
            20 => Self::HugeCount(random.pick(&[64, 250, 255])),
            21 => Self::FewObservations,
            22 => Self::ManyObservations,
            23 => Self::Unsorted,
            24 => Self::Swapped(random.next() as usize),
            25 => Self::ObserverTwice,
            26 => Self::ObserverUnknown(random.pick(&[4, 7, 10, 30, 31, 32, 200, 255])),
            27 => Self::ObserversLonger,
            28 => Self::ObservationTooWide(random.pick(&[191, 200, 255])),
            29 => Self::TimestampTooWide,
            30 => Self::RateTooWide,
            31 => Self::MedianTooLow,
            32 => Self::MedianTooHigh,
            33 => Self::Tails(random.below(6)),
            34 => Self::SignsIgnored,
            _ => Self::UpperContextBits,
        }
    }
}

impl Transmission {
    pub fn random<P: Protocol>(feeds: &Feeds<P>, random: &mut Random) -> Self {
        let n = feeds.committee.n().max(1);
        let fewest = P::fewest_observations(feeds.f()).min(n);
        let member = Who::Transmitter(feeds.seat(random.below(n)));
        let rates = [0u128, 1, 1_000_000_000, 215_123_456_789_012_345_678];
        let mut rate = I256::try_from(random.pick(&rates)).expect("a small number");
        if random.one_in(12) {
            let wide = I256::ONE << 150usize;
            rate = random.pick(&[I256::MINUS_ONE, I256::MIN >> 64usize, I256::MAX >> 64usize, wide]);
        }
        Self {
            by: if random.one_in(20) {
                random.pick(&[Who::Stranger, Who::Owner, Who::Transmitter(33), Who::Signer(0)])
            } else {
                member
            },
            epochs: random.pick(&[0, 1, 1, 1, 1, 3, 70_000]),
            round: random.next() as u8,
            observations: if random.one_in(3) { fewest + random.below(n - fewest + 1) } else { n },
            first_signer: random.below(n),
            answer: random.pick(&[1, 250_000_000_000, 250_000_000_000, 1 << 100]) + random.below(1000) as i128,
            spread: random.pick(&[12_345, 1 << 90]),
            rate,
            price_gwei: random.pick(&[0, 1, 20, 20, 49, 50, 51, 3000]),
            extra_hash: random.one_in(2),
            flaw: random.one_in(3).then(|| Flaw::random(random)),
        }
    }

    /// The data of the call, for the config and the last report that there are now.
    pub fn data<P: Protocol>(&self, feeds: &mut Feeds<P>) -> Vec<u8> {
        let nobody = Committee { f: 1, ..ORACLES.clone() };
        let present = feeds.committee.clone();
        let committee = if present.n() == 0 { &nobody } else { &present };
        let is = |flaw: Flaw| self.flaw.as_ref() == Some(&flaw);

        let content = self.content(feeds, committee);
        let k = content.observations.len();
        let (mut context, mut report) = P::report(&content);
        self.spoil_report::<P>(&mut report, k);
        if is(Flaw::UpperContextBits) {
            // Of the word with the epoch.
            if let Some(word) = context.get_mut(1) { word.0[3] = 7 } else { report[3] = 7 }
        }
        let signatures = self.signatures(committee, P::signed_hash(&context, &report));
        let mut data = encoded::<P>(
            &context,
            &report,
            signatures,
            if let Some(Flaw::Tails(order)) = self.flaw { order } else { 0 },
        );
        if is(Flaw::ByteMore) {
            data.push(0);
        }
        if is(Flaw::ByteLess) {
            data.pop();
        }
        data
    }

    fn content<P: Protocol>(&self, feeds: &mut Feeds<P>, committee: &Committee) -> Content {
        let (n, f) = (committee.n(), usize::from(committee.f));
        let k = match &self.flaw {
            Some(Flaw::FewObservations) => P::fewest_observations(f) - 1,
            Some(Flaw::ManyObservations) => 32,
            Some(_) | None => self.observations.clamp(1, 31),
        };
        let median = k / 2;
        let observation = |i: usize| self.answer + self.spread * (i as i128 - median as i128);
        let mut observations: Vec<I256> = (0..k).map(|i| I256::try_from(observation(i)).expect("more bits")).collect();
        // Different ones, since 11 divides no size of a committee that is drawn.
        let mut observers: Vec<u8> = (0..k).map(|i| ((i * 11 + self.first_signer) % n) as u8).collect();
        match &self.flaw {
            Some(Flaw::MedianTooLow) => observations[..=median].fill(I256::ZERO),
            Some(Flaw::MedianTooHigh) => observations[median..].fill(answer_max() + I256::ONE),
            Some(Flaw::Unsorted) => observations.reverse(),
            Some(Flaw::SignsIgnored) => observations.sort_by_key(|observation| observation.into_raw()),
            Some(Flaw::Swapped(i)) if k > 1 => observations.swap(i % (k - 1), i % (k - 1) + 1),
            Some(Flaw::ObserverTwice) => observers[0] = observers[k - 1],
            Some(Flaw::ObserverUnknown(id)) => observers[0] = *id,
            Some(Flaw::ObserversLonger) if k < 32 => observers.push(9),
            Some(_) | None => {}
        }

        let last = P::epoch_and_round(&mut feeds.theirs, feeds.feed);
        let (mut epoch, mut round) = ((last >> 8) as u32, last as u8);
        match &self.flaw {
            Some(Flaw::SameEpochAndRound) => {}
            Some(Flaw::OlderEpochAndRound) => epoch = epoch.saturating_sub(1),
            Some(_) | None if self.epochs == 0 => round = round.saturating_add(1),
            Some(_) | None => (epoch, round) = (epoch.saturating_add(self.epochs), self.round),
        }
        let mut digest = P::digest(&mut feeds.theirs, feeds.feed);
        if self.flaw == Some(Flaw::WrongDigest) {
            digest.0[15] ^= 1;
        }
        Content {
            digest,
            epoch,
            round,
            extra_hash: if self.extra_hash { keccak256([self.round]) } else { B256::ZERO },
            timestamp: 1_700_000_000 + feeds.ours.block.number.to::<u32>(),
            observers,
            observations,
            rate: self.rate,
        }
    }

    fn spoil_report<P: Protocol>(&self, report: &mut Vec<u8>, k: usize) {
        let word = |report: &[u8], index: usize| {
            report.get(32 * index..32 * index + 32).map_or(U256::ZERO, U256::from_be_slice)
        };
        let set = |report: &mut Vec<u8>, index: usize, value: U256| {
            if let Some(bytes) = report.get_mut(32 * index..32 * index + 32) {
                bytes.copy_from_slice(&value.to_be_bytes::<32>());
            }
        };
        match &self.flaw {
            Some(Flaw::OffsetElsewhere(which)) => P::move_array(report, k, *which),
            // One word later than it is.
            Some(Flaw::OffsetOutside) => set(report, OFFSET_WORD, U256::from(32 * (P::COUNT_WORD + 1))),
            Some(Flaw::Count(more)) => set(report, P::COUNT_WORD, U256::from((k as i64 + more) as u64)),
            Some(Flaw::HugeCount(bits)) => set(report, P::COUNT_WORD, U256::ONE << *bits),
            // Any of them, for the contract looks at several at a time.
            Some(Flaw::ObservationTooWide(bit)) => {
                let at = P::COUNT_WORD + 1 + self.answer.unsigned_abs() as usize % k;
                set(report, at, word(report, at) | (U256::ONE << *bit));
            }
            Some(Flaw::TimestampTooWide) => set(report, 0, U256::ONE << 32),
            Some(Flaw::RateTooWide) => set(report, 3, U256::ONE << 191),
            Some(Flaw::ReportLonger) => report.extend([0; 32]),
            Some(Flaw::ReportShorter) => report.truncate(report.len() - 32),
            Some(_) | None => {}
        }
    }

    fn signatures(&self, committee: &Committee, hash: B256) -> Signatures {
        let (n, f) = (committee.n(), usize::from(committee.f));
        let count = match &self.flaw {
            Some(Flaw::FewSignatures) => f,
            Some(Flaw::ManySignatures(more)) => (f + 1 + more).min(32),
            Some(_) | None => f + 1,
        };
        let mut by: Vec<usize> = (0..count).map(|i| (self.first_signer + i) % n).collect();
        if self.flaw == Some(Flaw::SignerTwice) {
            by[0] = by[f];
        }
        let mut signatures = if self.flaw == Some(Flaw::UnknownSigner) {
            let mut keys = committee.clone();
            keys.keys[by[f]] = ORACLES.keys[POOL - 1].clone();
            keys.sign(hash, &by)
        } else {
            committee.sign(hash, &by)
        };
        let Signatures { rs, ss, vs } = &mut signatures;
        match &self.flaw {
            Some(Flaw::FewerSs) => drop(ss.pop()),
            Some(Flaw::FewerRs) => drop(rs.pop()),
            Some(Flaw::RecoveryId(v)) => vs[f] = *v,
            Some(Flaw::HighS) => {
                ss[0] = B256::from(ORDER - U256::from_be_bytes(ss[0].0));
                vs[0] ^= 1;
            }
            Some(Flaw::ZeroSignature) => (rs[f], ss[f]) = (B256::ZERO, B256::ZERO),
            Some(Flaw::SpoiledSignature) => rs[f].0[17] ^= 0x10,
            Some(_) | None => {}
        }
        signatures
    }
}

/// The call with its three tails in one of six orders; 0 is the usual one.
fn encoded<P: Protocol>(context: &[B256], report: &[u8], signatures: Signatures, order: usize) -> Vec<u8> {
    let word = |value: usize| U256::from(value).to_be_bytes::<32>().to_vec();
    let list = |words: &[B256]| [word(words.len()), words.concat().to_vec()].concat();
    let Signatures { rs, ss, vs } = signatures;
    let padding = vec![0; report.len().next_multiple_of(32) - report.len()];
    let tails = [[word(report.len()), report.to_vec(), padding].concat(), list(&rs), list(&ss)];
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    let mut offsets = [0; 3];
    let mut end = 32 * (context.len() + 4);
    for tail in orders[order] {
        offsets[tail] = end;
        end += tails[tail].len();
    }
    let mut data = P::TRANSMIT.to_vec();
    data.extend(context.concat());
    data.extend(offsets.into_iter().flat_map(word));
    data.extend(vs);
    data.extend(orders[order].into_iter().flat_map(|tail| tails[tail].clone()));
    data
}
