//! ThresholdAggregator.

use super::{
    Feed, Reader,
    office::{Effect, Office, Signature, words},
};
use crate::{random::Random, sequence};
use alloy_primitives::{
    Address, B256, Bytes, I256, LogData, U256,
    aliases::{I96, U80, U96},
};
use alloy_sol_types::{SolCall, SolError, SolEvent};
use bindings::{
    creation,
    threshold::{Message, Place, feed_id, report_word},
    threshold_aggregator as contract,
};
use std::collections::BTreeMap;

const DESCRIPTION: &str = "ETH / USD";
const ALL_ROUNDS: u32 = u32::MAX;

#[derive(Clone)]
struct Aggregator {
    minimum: I96,
    maximum: I96,
    kept: u32,
    attribution: bool,
    announces: bool,
    rounds: BTreeMap<u32, Round>,
}

#[derive(Clone, Copy, Default)]
struct Round {
    answer: I96,
    observed: u32,
    updated: u32,
    contributors: U256,
}

#[derive(Clone, Debug)]
struct Report {
    answer: I96,
    observed: u32,
    epochs: u32,
    round: u8,
    contributors: Contributors,
    /// A bit that is the contract's own, or nobody's.
    own_bit: Option<usize>,
    /// It is about something else.
    other_feed: bool,
}

#[derive(Clone, Copy, Debug)]
enum Contributors {
    /// Some, if the feed has them.
    AsAsked(u64),
    /// None if there should be some, and the other way round.
    Wrong,
}

impl Aggregator {
    fn arguments(&self) -> contract::constructorCall {
        contract::constructorCall {
            minAnswer_: self.minimum,
            maxAnswer_: self.maximum,
            decimals_: 8,
            description_: DESCRIPTION.into(),
            roundsKept_: self.kept,
            attribution_: self.attribution,
            announces_: self.announces,
        }
    }

    fn apply(&mut self, office: &mut Office, words: Option<&[U256; 4]>, timestamp: u64) -> Effect {
        let [report, contributors, r, s] = *words.ok_or_else(Vec::new)?;
        office.require_next(report, contributors, self.attribution)?;
        let answer = I96::from_raw(U96::from(report >> 160usize));
        if answer < self.minimum || answer > self.maximum {
            let (min, max) = (self.minimum, self.maximum);
            return Err(contract::AnswerOutOfRange { got: answer, min, max }.abi_encode());
        }
        let message = office.place().report(feed_id(8, DESCRIPTION), report, contributors);
        office.require_signed(&message, (r, s))?;

        let round_id = office.go_on(report)?;
        let observed = (report >> 128usize).wrapping_to::<u32>();
        self.rounds.insert(round_id, Round { answer, observed, updated: timestamp as u32, contributors });
        let mut events = Vec::new();
        if self.attribution {
            // Anonymous: its only topic is the set.
            events.push(LogData::new_unchecked(vec![B256::from(contributors)], Bytes::new()));
        }
        if self.announces {
            let round_id = U256::from(round_id);
            let (started, updated) = (U256::from(observed), U256::from(timestamp));
            let new = contract::NewRound { roundId: round_id, startedBy: Address::ZERO, startedAt: started };
            let answer = contract::AnswerUpdated { current: wide(answer), roundId: round_id, updatedAt: updated };
            events.extend([new.encode_log_data(), answer.encode_log_data()]);
        }
        Ok(events)
    }

    /// What can be read of a round: zeros if it is not, or no longer, known.
    fn round(&self, office: &Office, id: u64) -> Round {
        let newest = u64::from(office.rounds);
        let known = id <= newest && id + u64::from(self.kept) > newest;
        let round = u32::try_from(id).ok().filter(|_| known).and_then(|id| self.rounds.get(&id));
        round.copied().unwrap_or_default()
    }
}

fn wide(answer: I96) -> I256 {
    I256::from_raw(U256::from(answer.into_raw()) << 160usize).asr(160)
}

/// One bit of the 256, and some of the low ones.
fn set_of(seed: u64) -> U256 {
    (U256::ONE << (seed % 256) as usize) | U256::from(seed >> 32)
}

impl Feed for Aggregator {
    type Report = Report;

    fn random(random: &mut Random) -> Self {
        let small = |value: i64| I96::try_from(value).expect("64 bits fit");
        let (minimum, maximum) = random.pick(&[
            (I96::MIN, I96::MAX),
            (small(1), small(1_000_000_000_000)),
            (small(-1000), small(-10)),
            (small(5), small(5)),
            (small(-7), I96::MAX),
        ]);
        Self {
            minimum,
            maximum,
            kept: random.pick(&[1, 1, 2, 3, 7, ALL_ROUNDS]),
            attribution: random.one_in(2),
            announces: random.one_in(2),
            rounds: BTreeMap::new(),
        }
    }

    fn creation(&self, bytecode: &Bytes) -> Vec<u8> {
        creation(bytecode, &self.arguments())
    }

    fn refused_creations(bytecode: &Bytes) -> Vec<(Vec<u8>, Vec<u8>)> {
        let good = Self {
            minimum: I96::ONE,
            maximum: I96::ONE,
            kept: 1,
            attribution: false,
            announces: false,
            rounds: BTreeMap::new(),
        };
        let nothing_kept = contract::constructorCall { roundsKept_: 0, ..good.arguments() };
        let no_answer = contract::constructorCall { maxAnswer_: I96::ZERO, ..good.arguments() };
        vec![
            (creation(bytecode, &nothing_kept), contract::NoRoundKept {}.abi_encode()),
            (creation(bytecode, &no_answer), contract::NoAnswerInRange { min: I96::ONE, max: I96::ZERO }.abi_encode()),
        ]
    }

    fn invent(&self, random: &mut Random) -> Report {
        let inside = [self.minimum, self.maximum];
        let outside = [self.minimum.wrapping_sub(I96::ONE), self.maximum.wrapping_add(I96::ONE), I96::ZERO, I96::MIN];
        let any_time = random.next() as u32;
        Report {
            answer: if random.one_in(8) { random.pick(&outside) } else { random.pick(&inside) },
            observed: random.pick(&[1_700_000_000, 0, u32::MAX, any_time]),
            epochs: random.pick(&[0, 1, 1, 1, 1, 3, 70_000]),
            round: random.next() as u8,
            contributors: if random.one_in(12) { Contributors::Wrong } else { Contributors::AsAsked(random.next()) },
            own_bit: random.one_in(12).then(|| random.pick(&[0, 1, 23, 24, 55, 96, 100, 127])),
            other_feed: random.one_in(20),
        }
    }

    fn update(&self, report: &Report, last: u64, place: Place, sign: &dyn Fn(&Message) -> Signature) -> Vec<u8> {
        let (epoch, round) = super::next(last, report.epochs, report.round);
        let mut word = report_word(report.answer, report.observed, epoch, round);
        if let Some(bit) = report.own_bit {
            word |= U256::ONE << bit;
        }
        let contributors = match report.contributors {
            Contributors::AsAsked(seed) if self.attribution => set_of(seed),
            Contributors::Wrong if !self.attribution => U256::ONE,
            Contributors::AsAsked(_) | Contributors::Wrong => U256::ZERO,
        };
        let feed = if report.other_feed { feed_id(8, "BTC / USD") } else { feed_id(8, DESCRIPTION) };
        let (r, s) = sign(&place.report(feed, word, contributors));
        super::call(contract::updateAnswerCall::SELECTOR, &[word, contributors, r, s])
    }

    fn call(&mut self, office: &mut Office, data: &[u8], timestamp: u64) -> Option<Effect> {
        let is_update = data.starts_with(&contract::updateAnswerCall::SELECTOR);
        is_update.then(|| self.apply(office, words(data).first_chunk(), timestamp))
    }

    fn compare(&self, office: &Office, reader: &mut Reader) -> Result<(), String> {
        let latest = self.round(office, office.rounds.into());
        let id = U80::from(office.rounds);
        let (started, updated) = (U256::from(latest.observed), U256::from(latest.updated));
        let data = contract::latestRoundDataReturn {
            roundId: id,
            answer: wide(latest.answer),
            startedAt: started,
            updatedAt: updated,
            answeredInRound: id,
        };
        reader.reads(&contract::latestRoundDataCall {}, &data)?;
        reader.reads(&contract::latestAnswerCall {}, &wide(latest.answer))?;
        reader.reads(&contract::latestTimestampCall {}, &updated)?;
        reader.reads(&contract::latestRoundCall {}, &U256::from(office.rounds))?;

        let newest = u64::from(office.rounds);
        let ids = (newest.saturating_sub(8)..newest + 2).chain([0, 1, (1 << 32) - 1, 1 << 32, u64::MAX]);
        for id in ids {
            let round = self.round(office, id);
            let round_id = U256::from(id);
            reader.reads(&contract::getAnswerCall { roundId: round_id }, &wide(round.answer))?;
            reader.reads(&contract::getTimestampCall { roundId: round_id }, &U256::from(round.updated))?;
            let seen = if id == newest { U256::MAX } else { (U256::ONE << 96) - U256::ONE };
            reader.reads(&contract::contributorsOfCall { roundId: round_id }, &(round.contributors & seen))?;
            let told = if id >> 32 == 0 { U80::from(id) } else { U80::ZERO };
            let data = contract::getRoundDataReturn {
                roundId_: told,
                answer: wide(round.answer),
                startedAt: U256::from(round.observed),
                updatedAt: U256::from(round.updated),
                answeredInRound: told,
            };
            reader.reads(&contract::getRoundDataCall { roundId: U80::from(id) }, &data)?;
        }
        reader.reads(&contract::getAnswerCall { roundId: U256::MAX }, &I256::ZERO)?;

        reader.reads(&contract::decimalsCall {}, &8)?;
        reader.reads(&contract::descriptionCall {}, &DESCRIPTION.into())?;
        reader.reads(&contract::versionCall {}, &U256::ONE)?;
        reader.reads(&contract::typeAndVersionCall {}, &"ThresholdAggregator 1.0.0".into())?;
        reader.reads(&contract::feedIdCall {}, &feed_id(8, DESCRIPTION))?;
        reader.reads(&contract::minAnswerCall {}, &self.minimum)?;
        reader.reads(&contract::maxAnswerCall {}, &self.maximum)?;
        reader.reads(&contract::roundsKeptCall {}, &self.kept)?;
        reader.reads(&contract::attributionCall {}, &self.attribution)?;
        reader.reads(&contract::announcesCall {}, &self.announces)?;
        let (report, contributors) = (U256::from(7) << 250usize, set_of(77));
        let message = office.place().report(feed_id(8, DESCRIPTION), report, contributors).hash();
        reader.reads(&contract::reportMessageCall { report, contributors }, &message)
    }
}

#[test]
fn the_feed_does_what_its_model_says() {
    if sequence::is_asked_for("ThresholdAggregator") {
        super::run::<Aggregator>("ThresholdAggregator", &["AnswerOutOfRange"]);
    }
}
