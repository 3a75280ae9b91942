//! Committees that draw a key, and sign with it in spite of liars, against the contracts that count on their signature.

mod chain;

use alloy_primitives::{
    Address, B256, U256,
    aliases::{I96, U40},
    keccak256,
};
use alloy_sol_types::SolError;
use bindings::{
    threshold::{Message, Place, batch_words, contributors, feed_id, feeds_id, head_word, report_word},
    threshold_aggregator as feed, threshold_batch as batch,
};
use chain::{
    Chain, Outcome, address,
    quorum::{Lie, Quorum},
};
use crypto::threshold::key::Signature;

const OBSERVED: u32 = 1_700_000_000;

/// A contract, with the key of a committee.
struct Feed {
    chain: Chain,
    at: Address,
    generation: u32,
}

impl Feed {
    fn new() -> Self {
        let mut chain = Chain::new();
        let arguments = feed::constructorCall {
            minAnswer_: I96::MIN,
            maxAnswer_: I96::MAX,
            decimals_: 8,
            description_: "ETH / USD".into(),
            roundsKept_: 10,
            attribution_: true,
            announces_: true,
        };
        let (at, _) = chain.deploy_contract(address("owner", 0), &feed::BYTECODE, &arguments);
        Self { chain, at, generation: 0 }
    }

    fn place(&self) -> Place {
        Place { chain_id: 1337, contract: self.at, generation: self.generation }
    }

    /// The owner names a committee that has proved that it can sign.
    fn name(&mut self, quorum: &mut Quorum) {
        let (x, odd) = (quorum.x(), quorum.key().odd());
        let message = self.place().proof(x, odd);
        let asked = feed::proofMessageCall { x: x.into(), parity: odd.into() };
        assert_eq!(self.chain.read(self.at, &asked), message.hash());
        let proof = pair(&quorum.sign(message.hash()));
        let call = feed::setGroupKeyCall { x: x.into(), parity: odd.into(), proof };
        self.chain.send_call(address("owner", 0), self.at, &call).success();
        self.generation += 1;
        let key = self.chain.read(self.at, &feed::groupKeyCall {});
        assert_eq!((key.x, key.parity, key.generation), (x.into(), odd.into(), self.generation));
    }

    fn report(&self, report: &Report) -> Message {
        self.place().report(feed_id(8, "ETH / USD"), report.word(), report.contributors)
    }

    fn update(&mut self, report: &Report, signature: &Signature) -> Outcome {
        let signed = feed::IThresholdAggregator::SignedReport {
            report: report.word(),
            contributors: report.contributors,
            signature: pair(signature),
        };
        self.chain.send_call(address("anyone", 0), self.at, &feed::updateAnswerCall { signed })
    }

    #[track_caller]
    fn assert_refused(&mut self, report: &Report, signature: &Signature) {
        let message = self.report(report).hash();
        let outcome = self.update(report, signature);
        assert_reverts(&outcome, &feed::InvalidSignature { message });
    }
}

#[derive(Clone, Copy)]
struct Report {
    answer: i64,
    epoch: u32,
    round: u8,
    contributors: U256,
}

impl Report {
    fn word(&self) -> U256 {
        report_word(I96::try_from(self.answer).expect("64 bits fit"), OBSERVED, self.epoch, self.round)
    }
}

fn pair(signature: &Signature) -> feed::Schnorr::Signature {
    feed::Schnorr::Signature { r: signature.commitment.0.into(), s: U256::from_be_bytes(signature.s) }
}

#[track_caller]
fn assert_reverts(outcome: &Outcome, with: &impl SolError) {
    assert_eq!((outcome.ok, outcome.output.as_ref()), (false, &with.abi_encode()[..]));
}

/// The life of a feed: named, updated in spite of `liars`, lied to, and handed on to the next committee.
fn live(mut quorum: Quorum, mut next: Quorum, liars: usize) {
    let mut feed = Feed::new();
    feed.name(&mut quorum);
    let everybody = contributors((0..quorum.n()).map(|i| i as u8));
    let first = Report { answer: 250_000_617_285, epoch: 7, round: 3, contributors: everybody };

    // The liars come first, each in an attempt of its own; then comes the signature.
    let lies: Vec<Lie> = [Lie::WrongShare, Lie::Silence, Lie::Garbage].into_iter().cycle().take(liars).collect();
    let message = feed.report(&first).hash();
    let (signature, named, started) = quorum.sign_among(message, &lies);
    assert_eq!(started as usize, liars + 1);
    let loud = lies.iter().zip(1..).filter(|(lie, _)| **lie != Lie::Silence).map(|(_, i)| i);
    assert_eq!(named.iter().map(|index| index.get()).collect::<Vec<_>>(), loud.collect::<Vec<u16>>());
    feed.update(&first, &signature).success();
    let round = feed.chain.read(feed.at, &feed::latestRoundDataCall {});
    assert_eq!(round.answer, "250000617285".parse().expect("a number"));
    assert_eq!(round.startedAt, U256::from(OBSERVED));
    let asked = feed::contributorsOfCall { roundId: U256::from(round.roundId) };
    assert_eq!(feed.chain.read(feed.at, &asked), everybody);

    // What the committee signed counts for exactly that, here, once.
    let again = feed.update(&first, &signature);
    let seen = U40::from((7 << 8) + 3);
    assert_reverts(&again, &feed::StaleReport { got: seen, latest: seen });
    let second = Report { answer: -5, round: 4, ..first };
    feed.assert_refused(&second, &signature);
    let signature = quorum.sign(feed.report(&second).hash());
    feed.assert_refused(&Report { answer: -6, ..second }, &signature);
    feed.assert_refused(&Report { round: 5, ..second }, &signature);
    feed.assert_refused(&Report { contributors: U256::ONE, ..second }, &signature);
    let order = U256::from_str_radix("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", 16);
    let order = order.expect("a number");
    let s = U256::from_be_bytes(signature.s);
    for s in [U256::ZERO, order, s.wrapping_add(order), order - s, s ^ U256::ONE] {
        feed.assert_refused(&second, &Signature { s: s.to_be_bytes(), ..signature });
    }
    let mut other_r = signature;
    other_r.commitment.0[19] ^= 1;
    feed.assert_refused(&second, &other_r);
    other_r.commitment.0 = [0; 20];
    feed.assert_refused(&second, &other_r);
    feed.update(&second, &signature).success();

    // The next committee: with the consent of this one, without the owner.
    let (x, odd) = (next.x(), next.key().odd());
    let rotate = |proof: &Signature, consent: &Signature| feed::rotateGroupKeyCall {
        x: x.into(),
        parity: odd.into(),
        proof: pair(proof),
        consent: pair(consent),
    };
    let (proof_message, consent_message) = (feed.place().proof(x, odd), feed.place().rotation(x, odd));
    let (proof, consent) = (next.sign(proof_message.hash()), quorum.sign(consent_message.hash()));
    let foreign = quorum.sign(proof_message.hash());
    let outcome = feed.chain.send_call(address("anyone", 0), feed.at, &rotate(&foreign, &consent));
    let refused = feed::NoProofOfPossession { x: x.into(), parity: odd.into(), message: proof_message.hash() };
    assert_reverts(&outcome, &refused);
    let foreign = next.sign(consent_message.hash());
    let outcome = feed.chain.send_call(address("anyone", 0), feed.at, &rotate(&proof, &foreign));
    let refused = feed::NoConsentOfGroup { generation: 1, message: consent_message.hash() };
    assert_reverts(&outcome, &refused);
    feed.chain.send_call(address("anyone", 0), feed.at, &rotate(&proof, &consent)).success();
    feed.generation = 2;

    let third = Report { answer: 7, epoch: 1, round: 1, ..first };
    let message = feed.report(&third).hash();
    let (old, new) = (quorum.sign(message), next.sign(message));
    feed.assert_refused(&third, &old);
    feed.update(&third, &new).success();
    let latest = feed.chain.read(feed.at, &feed::latestUpdateCall {});
    assert_eq!((latest.generation, latest.epoch, latest.round), (2, 1, 1));
}

#[test]
fn a_signature_for_another_contract_chain_feed_or_generation_of_the_key_is_refused() {
    let mut quorum = Quorum::drawn(4, 2, 1);
    let mut feed = Feed::new();
    feed.name(&mut quorum);
    let report = Report { answer: 1, epoch: 1, round: 1, contributors: U256::ONE };
    let here = feed.place();
    let ours = feed_id(8, "ETH / USD");
    for (place, id) in [
        (Place { generation: 2, ..here }, ours),
        (Place { generation: 0, ..here }, ours),
        (Place { contract: address("another feed", 0), ..here }, ours),
        (Place { chain_id: 1, ..here }, ours),
        (here, feed_id(8, "BTC / USD")),
        (here, feed_id(18, "ETH / USD")),
    ] {
        let signature = quorum.sign(place.report(id, report.word(), report.contributors).hash());
        feed.assert_refused(&report, &signature);
    }
    let signature = quorum.sign(here.report(ours, report.word(), report.contributors).hash());
    feed.update(&report, &signature).success();
}

#[test]
fn a_committee_of_4_draws_its_key_and_signs_beside_a_liar() {
    live(Quorum::drawn(4, 2, 1), Quorum::drawn(4, 2, 2), 1);
}

#[test]
fn a_committee_of_31_draws_its_key_and_signs_beside_10_liars() {
    live(Quorum::drawn(31, 11, 3), Quorum::drawn(7, 3, 4), 10);
}

#[test]
fn a_committee_of_256_with_a_dealt_key_signs_beside_3_liars() {
    live(Quorum::dealt(256, 86, 5), Quorum::drawn(1, 1, 6), 3);
}

#[test]
fn a_contract_counts_the_point_at_infinity_as_no_signature_even_for_who_knows_the_whole_key() {
    use k256::{
        Scalar, U256 as Wide,
        elliptic_curve::{PrimeField as _, ops::Reduce},
    };
    let mut lone = Quorum::dealt(1, 1, 9);
    let mut feed = Feed::new();
    feed.name(&mut lone);
    let report = Report { answer: 1, epoch: 1, round: 1, contributors: U256::ONE };
    let message = feed.report(&report).hash();
    let secret = lone.whole_secret();
    for r in [Address::ZERO, Address::from_word(keccak256([0; 64]))] {
        let x = lone.x();
        let text = [x.as_slice(), &[lone.key().odd().into()], message.as_slice(), r.as_slice()].concat();
        let e = <Scalar as Reduce<Wide>>::reduce_bytes(&keccak256(text).0.into());
        let secret = Option::<Scalar>::from(Scalar::from_repr(secret.into())).expect("a scalar");
        let s = (e * secret).to_bytes().into();
        feed.assert_refused(&report, &Signature { commitment: crypto::secp256k1::Address(r.0.0), s });
    }
}

#[test]
fn one_signature_of_31_updates_64_feeds() {
    let mut quorum = Quorum::drawn(31, 11, 3);
    let mut chain = Chain::new();
    let descriptions: Vec<String> = (0..64).map(|i| format!("FEED {i} / USD")).collect();
    let ids: Vec<B256> = descriptions.iter().map(|description| feed_id(8, description)).collect();
    let arguments = batch::constructorCall { descriptions, decimals: vec![8; 64], attribution_: true };
    let (at, _) = chain.deploy_contract(address("owner", 0), &batch::BYTECODE, &arguments);
    let place = Place { chain_id: 1337, contract: at, generation: 0 };
    let pair = |signature: &Signature| batch::Schnorr::Signature {
        r: signature.commitment.0.into(),
        s: U256::from_be_bytes(signature.s),
    };
    let (x, odd) = (quorum.x(), quorum.key().odd());
    let proof = pair(&quorum.sign(place.proof(x, odd).hash()));
    let call = batch::setGroupKeyCall { x: x.into(), parity: odd.into(), proof };
    chain.send_call(address("owner", 0), at, &call).success();

    let place = Place { generation: 1, ..place };
    let answers: Vec<Option<i64>> = (0..64).map(|i| (i != 5 && i / 4 != 3).then_some((i - 20) * 1_000_003)).collect();
    let (set, words) = batch_words(&answers).expect("64 feeds");
    let (head, by) = (head_word(set, OBSERVED, 1, 1), contributors(0..31));
    let message = place.batch(feeds_id(&ids), head, by, &words).hash();
    let (signature, ..) = quorum.sign_among(message, &[Lie::WrongShare, Lie::Silence]);
    let call = |words: &[U256]| batch::updateAnswersCall {
        head,
        contributors: by,
        answers: words.to_vec(),
        signature: pair(&signature),
    };
    let mut changed = words.clone();
    changed[2] ^= U256::ONE;
    assert!(!chain.send_call(address("anyone", 0), at, &call(&changed)).ok);
    chain.send_call(address("anyone", 0), at, &call(&words)).success();
    for (i, answer) in answers.iter().enumerate() {
        let read = chain.read(at, &batch::readFeedCall { feed: U256::from(i) });
        assert_eq!((read.answer, read.startedAt), (answer.unwrap_or(0), answer.map_or(0, |_| OBSERVED)));
    }
}
