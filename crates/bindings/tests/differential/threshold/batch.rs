//! ThresholdBatch, and a ThresholdFeed for one of its feeds.

use super::{
    Feed, Reader,
    office::{Effect, Office, Signature, words},
};
use crate::{
    chain::{Chain, address, ours},
    random::Random,
    sequence,
};
use alloy_primitives::{
    Address, B256, Bytes, I256, U256,
    aliases::{U80, U96},
};
use alloy_sol_types::{SolCall, SolError, SolEvent};
use bindings::{
    creation,
    threshold::{Message, Place, batch_words, feed_id, feeds_id, head_word},
    threshold_batch as contract, threshold_feed,
};

const MAX_FEEDS: usize = 96;

#[derive(Clone)]
struct Batch {
    attribution: bool,
    feeds: Vec<Latest>,
    contributors: U256,
    /// The contract that reads one feed, and which.
    reader: (Address, usize),
}

#[derive(Clone, Copy, Default)]
struct Latest {
    round: u32,
    answer: i64,
    observed: u32,
    updated: u32,
}

#[derive(Clone, Debug)]
struct Report {
    /// Of each feed; those without are left out.
    answers: Vec<Option<i64>>,
    observed: u32,
    epochs: u32,
    round: u8,
    contributors: u64,
    flaw: Option<Flaw>,
}

#[derive(Clone, Copy, Debug)]
enum Flaw {
    OwnBit(usize),
    WrongContributors,
    NoFeed,
    /// The first one that is not there.
    UnknownFeed,
    WordMore,
    WordLess,
    /// The places of feeds that are left out are not zeros.
    Noise,
    /// The answers are elsewhere in calldata: this many words later.
    Later(usize),
}

impl Batch {
    fn id(feed: usize) -> B256 {
        feed_id(feed as u8, &Self::description(feed))
    }

    fn description(feed: usize) -> String {
        format!("feed {feed}")
    }

    fn ids(&self) -> B256 {
        feeds_id(&(0..self.feeds.len()).map(Self::id).collect::<Vec<_>>())
    }

    fn arguments(count: usize, attribution: bool) -> contract::constructorCall {
        contract::constructorCall {
            descriptions: (0..count).map(Self::description).collect(),
            decimals: (0..count as u8).collect(),
            attribution_: attribution,
        }
    }

    fn apply(&mut self, office: &mut Office, data: &[u8], timestamp: u64) -> Effect {
        let [head, contributors, offset, r, s] = *words(data).first_chunk::<5>().ok_or_else(Vec::new)?;
        let answers = list(data, offset).ok_or_else(Vec::new)?;
        office.require_next(head, contributors, self.attribution)?;
        let set = U96::from(head >> 160usize);
        let count = self.feeds.len();
        if set.is_zero() || (count < MAX_FEEDS && set >> count != U96::ZERO) {
            return Err(contract::MalformedReport { got: head }.abi_encode());
        }
        let message = office.place().batch(self.ids(), head, contributors, &answers);
        office.require_signed(&message, (r, s))?;

        // A word for each four of which one is in the set.
        let has = |group: usize| (4 * group..4 * group + 4).any(|feed| feed < MAX_FEEDS && set.bit(feed));
        let groups: Vec<usize> = (0..MAX_FEEDS / 4).filter(|group| has(*group)).collect();
        if answers.len() != groups.len() {
            let (got, all) = (answers.len(), groups.len());
            // What it wants is said as far as it came.
            let wanted = if got < all { got + 1 } else { all };
            let error = contract::WrongNumberOfAnswers { got: U256::from(got), wanted: U256::from(wanted) };
            return Err(error.abi_encode());
        }
        let round = office.go_on(head)?;
        let observed = (head >> 128usize).wrapping_to::<u32>();
        for (group, word) in groups.into_iter().zip(&answers) {
            for feed in (4 * group..4 * group + 4).filter(|feed| set.bit(*feed)) {
                let answer = (*word >> (64 * (feed % 4))).wrapping_to::<u64>().cast_signed();
                self.feeds[feed] = Latest { round, answer, observed, updated: timestamp as u32 };
            }
        }
        if self.attribution {
            self.contributors = contributors;
        }
        Ok(vec![contract::BatchUpdated { roundId: U256::from(round), head, contributors }.encode_log_data()])
    }
}

/// The words of a list in calldata, if it is all there.
fn list(data: &[u8], offset: U256) -> Option<Vec<U256>> {
    let words = data.get(4..)?.get(usize::try_from(offset).ok()?..)?;
    let (count, rest) = words.split_at_checked(32)?;
    let count = usize::try_from(U256::from_be_slice(count)).ok()?;
    let bytes = rest.get(..count.checked_mul(32)?)?;
    Some(bytes.chunks_exact(32).map(U256::from_be_slice).collect())
}

impl Feed for Batch {
    type Report = Report;

    fn random(random: &mut Random) -> Self {
        let count = random.pick(&[1, 2, 3, 4, 5, 8, 11, 96]);
        Self {
            attribution: random.one_in(2),
            feeds: vec![Latest::default(); count],
            contributors: U256::ZERO,
            reader: (Address::ZERO, random.below(count)),
        }
    }

    fn creation(&self, bytecode: &Bytes) -> Vec<u8> {
        creation(bytecode, &Self::arguments(self.feeds.len(), self.attribution))
    }

    fn refused_creations(bytecode: &Bytes) -> Vec<(Vec<u8>, Vec<u8>)> {
        let refused = |descriptions: usize, decimals: usize| {
            let mut arguments = Self::arguments(descriptions, false);
            arguments.decimals = vec![8; decimals];
            let [descriptions, decimals, max] = [descriptions, decimals, MAX_FEEDS].map(U256::from);
            let why = contract::WrongNumberOfFeeds { descriptions, decimals, max };
            (creation(bytecode, &arguments), why.abi_encode())
        };
        vec![refused(0, 0), refused(97, 97), refused(2, 1), refused(1, 2)]
    }

    fn settle_in(&mut self, chain: &mut Chain, at: Address) {
        let reader = |feed: usize| {
            let arguments = threshold_feed::constructorCall { batch_: at, feed_: U256::from(feed) };
            creation(&ours("ThresholdFeed"), &arguments)
        };
        let outcome = chain.create(address("anyone", 0), reader(self.feeds.len()));
        assert!(!outcome.ok, "nobody reads a feed that is not there");
        self.reader.0 = chain.deploy(address("anyone", 0), reader(self.reader.1)).0;
    }

    fn invent(&self, random: &mut Random) -> Report {
        let left_out = random.pick(&[1, 2, 2, 8, 1000]);
        let answer = |random: &mut Random| {
            let any = random.next().cast_signed();
            random.pick(&[0, 1, -1, i64::MIN, i64::MAX, any])
        };
        let mut answers: Vec<Option<i64>> =
            self.feeds.iter().map(|_| (!random.one_in(left_out)).then(|| answer(random))).collect();
        let chosen = random.below(answers.len());
        answers[chosen].get_or_insert(random.next().cast_signed());
        let bit = random.pick(&[0, 1, 23, 24, 55, 96, 100, 127]);
        let flaws = [
            Flaw::OwnBit(bit),
            Flaw::WrongContributors,
            Flaw::NoFeed,
            Flaw::UnknownFeed,
            Flaw::WordMore,
            Flaw::WordLess,
            Flaw::Noise,
            Flaw::Noise,
            Flaw::Later(1),
        ];
        let any_time = random.next() as u32;
        Report {
            answers,
            observed: random.pick(&[1_700_000_000, 0, u32::MAX, any_time]),
            epochs: random.pick(&[0, 1, 1, 1, 1, 3, 70_000]),
            round: random.next() as u8,
            contributors: random.next(),
            flaw: random.one_in(3).then(|| random.pick(&flaws)),
        }
    }

    fn update(&self, report: &Report, last: u64, place: Place, sign: &dyn Fn(&Message) -> Signature) -> Vec<u8> {
        let (epoch, round) = super::next(last, report.epochs, report.round);
        let (mut set, mut answers) = batch_words(&report.answers).expect("at most 96");
        let mut contributors =
            if self.attribution { U256::from(report.contributors | 1) << 192usize } else { U256::ZERO };
        let mut later = 0;
        match report.flaw {
            Some(Flaw::WrongContributors) => contributors = U256::from(u8::from(!self.attribution)),
            Some(Flaw::NoFeed) => (set, answers) = (U96::ZERO, Vec::new()),
            Some(Flaw::UnknownFeed) if self.feeds.len() < MAX_FEEDS => set.set_bit(self.feeds.len(), true),
            Some(Flaw::WordMore) => answers.push(U256::from(7)),
            Some(Flaw::WordLess) => drop(answers.pop()),
            Some(Flaw::Noise) => {
                for feed in (0..MAX_FEEDS).filter(|feed| !set.bit(*feed)) {
                    let before = (0..feed / 4).filter(|group| (0..4).any(|i| set.bit(4 * group + i))).count();
                    if (0..4).any(|i| set.bit(feed / 4 * 4 + i)) {
                        answers[before] |= U256::from(0xdead_u64) << (64 * (feed % 4));
                    }
                }
            }
            Some(Flaw::Later(words)) => later = words,
            Some(Flaw::OwnBit(_) | Flaw::UnknownFeed) | None => {}
        }
        let mut head = head_word(set, report.observed, epoch, round);
        if let Some(Flaw::OwnBit(bit)) = report.flaw {
            head |= U256::ONE << bit;
        }
        let (r, s) = sign(&place.batch(self.ids(), head, contributors, &answers));
        let offset = U256::from(32 * (5 + later));
        let mut all = vec![head, contributors, offset, r, s];
        all.extend(vec![U256::from(0x11); later]);
        all.push(U256::from(answers.len()));
        all.extend(answers);
        super::call(contract::updateAnswersCall::SELECTOR, &all)
    }

    fn call(&mut self, office: &mut Office, data: &[u8], timestamp: u64) -> Option<Effect> {
        let is_update = data.starts_with(&contract::updateAnswersCall::SELECTOR);
        is_update.then(|| self.apply(office, data, timestamp))
    }

    fn compare(&self, office: &Office, reader: &mut Reader) -> Result<(), String> {
        let count = self.feeds.len();
        for (feed, latest) in self.feeds.iter().enumerate() {
            let wanted = contract::readFeedReturn {
                roundId: latest.round,
                answer: latest.answer,
                startedAt: latest.observed,
                updatedAt: latest.updated,
            };
            reader.reads(&contract::readFeedCall { feed: U256::from(feed) }, &wanted)?;
        }
        for feed in [0, count / 2, count - 1] {
            let wanted = contract::feedInfoReturn { description: Self::description(feed), decimals: feed as u8 };
            reader.reads(&contract::feedInfoCall { feed: U256::from(feed) }, &wanted)?;
        }
        let feed = U256::from(count);
        let unknown = contract::UnknownFeed { got: feed, feedCount: feed };
        reader.refuses(&contract::readFeedCall { feed }, &unknown)?;
        reader.refuses(&contract::feedInfoCall { feed }, &unknown)?;
        reader.reads(&contract::feedCountCall {}, &feed)?;
        reader.reads(&contract::feedsIdCall {}, &self.ids())?;
        reader.reads(&contract::attributionCall {}, &self.attribution)?;
        reader.reads(&contract::latestContributorsCall {}, &self.contributors)?;
        reader.reads(&contract::typeAndVersionCall {}, &"ThresholdBatch 1.0.0".into())?;
        let (head, contributors, answers) = (U256::from(7) << 250usize, U256::from(9), vec![U256::ONE, U256::MAX]);
        let message = office.place().batch(self.ids(), head, contributors, &answers).hash();
        reader.reads(&contract::batchMessageCall { head, contributors, answers }, &message)?;

        let batch = std::mem::replace(&mut reader.at, self.reader.0);
        self.compare_feed(batch, reader)?;
        reader.at = batch;
        Ok(())
    }
}

impl Batch {
    /// What is read through the contract of one feed.
    fn compare_feed(&self, batch: Address, reader: &mut Reader) -> Result<(), String> {
        let feed = self.reader.1;
        let latest = self.feeds[feed];
        let answer = I256::try_from(latest.answer).expect("more bits");
        let (id, started, updated) = (latest.round, U256::from(latest.observed), U256::from(latest.updated));
        let data = threshold_feed::latestRoundDataReturn {
            roundId: U80::from(id),
            answer,
            startedAt: started,
            updatedAt: updated,
            answeredInRound: U80::from(id),
        };
        reader.reads(&threshold_feed::latestRoundDataCall {}, &data)?;
        reader.reads(&threshold_feed::latestAnswerCall {}, &answer)?;
        reader.reads(&threshold_feed::latestTimestampCall {}, &updated)?;
        reader.reads(&threshold_feed::latestRoundCall {}, &U256::from(id))?;
        let id = u64::from(id);
        for round in [id, id.saturating_sub(1), id + 1, 0, u64::from(u32::MAX), 1 << 32] {
            let known = round == id;
            let if_known = |value: U256| if known { value } else { U256::ZERO };
            let answer = if known { answer } else { I256::ZERO };
            let round_id = U256::from(round);
            reader.reads(&threshold_feed::getAnswerCall { roundId: round_id }, &answer)?;
            reader.reads(&threshold_feed::getTimestampCall { roundId: round_id }, &if_known(updated))?;
            let told = if round >> 32 == 0 { U80::from(round) } else { U80::ZERO };
            let data = threshold_feed::getRoundDataReturn {
                roundId_: told,
                answer,
                startedAt: if_known(started),
                updatedAt: if_known(updated),
                answeredInRound: told,
            };
            reader.reads(&threshold_feed::getRoundDataCall { roundId: U80::from(round) }, &data)?;
        }
        reader.reads(&threshold_feed::batchCall {}, &batch)?;
        reader.reads(&threshold_feed::feedCall {}, &U256::from(feed))?;
        reader.reads(&threshold_feed::decimalsCall {}, &(feed as u8))?;
        reader.reads(&threshold_feed::versionCall {}, &U256::ONE)?;
        reader.reads(&threshold_feed::descriptionCall {}, &Self::description(feed))?;
        reader.reads(&threshold_feed::typeAndVersionCall {}, &"ThresholdFeed 1.0.0".into())
    }
}

#[test]
fn the_batch_does_what_its_model_says() {
    if sequence::is_asked_for("ThresholdBatch") || sequence::is_asked_for("ThresholdFeed") {
        super::run::<Batch>("ThresholdBatch", &["WrongNumberOfAnswers"]);
    }
}
