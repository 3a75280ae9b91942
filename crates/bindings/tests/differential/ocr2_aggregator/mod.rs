//! OCR2Aggregator and AccessControlledOCR2Aggregator beside the reference's.

mod differences;
mod people;
mod reimbursement;
mod steps;
mod surroundings;
mod transmission;

use crate::{
    chain::{Chain, GWEI, Outcome, address, committee::Committee, ours, reference},
    random::Random,
    sequence::{self, Pair, Tally},
};
use alloy_primitives::{Address, Bytes, I256, U256, aliases::I192};
use alloy_sol_types::SolCall;
use bindings::{creation, link_token, ocr2_aggregator as feed};
use people::ORACLES;
use steps::{Step, Transaction, consumer_readers, readers};
use surroundings::{Controller, Surroundings, Token, mapping, reader};

const ANSWER_MIN: i64 = 1;

fn answer_bound() -> I192 {
    I192::MAX >> 1
}

fn answer_max() -> I256 {
    I256::MAX >> 65
}

/// Deploys the feeds, and everything that they deal with; also has all the tokens.
fn minter() -> Address {
    address("owner", 0)
}

// Where the reference's contract keeps things.
const THEIR_ACCOUNTS: u64 = 2;
const THEIR_DIGEST: u64 = 10;
const THEIR_HOT: u64 = 11;
const THEIR_LINK: u64 = 17;
const THEIR_PAYEES: u64 = 19;
const THEIR_PROPOSED_PAYEES: u64 = 20;

/// Ours and the reference's feed, each on a chain of its own, where everything has the same addresses.
#[derive(Clone)]
struct Feeds {
    ours: Chain,
    theirs: Chain,
    feed: Address,
    surroundings: Surroundings,
    /// Whether only those on a list may read.
    gated: bool,
    /// Of the last config that was accepted; empty before.
    committee: Committee,
    /// Seats of the pool's transmitters in it.
    first_transmitter: usize,
    /// Where ours keeps what a transmitter has earned.
    our_accounts: u64,
}

impl Feeds {
    /// `None` without the reference.
    fn new(name: &str, token: Token) -> Option<Self> {
        let (mut ours_chain, mut theirs_chain) = (Chain::new(), Chain::new());
        let surroundings = Surroundings::new(&mut ours_chain, minter())?;
        Surroundings::new(&mut theirs_chain, minter())?;
        let arguments = feed::constructorCall {
            link: surroundings.token(token),
            minAnswer_: I192::try_from(ANSWER_MIN).expect("small"),
            maxAnswer_: answer_bound(),
            billingAccessController: surroundings.controller(Controller::None),
            requesterAccessController: surroundings.controller(Controller::List),
            decimals_: 8,
            description_: "ETH / USD".into(),
        };
        let (feed, _) = ours_chain.deploy(minter(), creation(&ours(name), &arguments));
        let (theirs, _) = theirs_chain.deploy(minter(), creation(&reference(name)?, &arguments));
        assert_eq!(feed, theirs, "the chains are alike");
        let nobody = Committee { keys: vec![], signers: vec![], transmitters: vec![], payees: vec![], f: 1 };
        Some(Self {
            ours: ours_chain,
            theirs: theirs_chain,
            feed,
            surroundings,
            gated: name.starts_with("AccessControlled"),
            committee: nobody,
            first_transmitter: 0,
            our_accounts: crate::chain::slot_of(name, "s_accounts"),
        })
    }

    /// The oracle of the pool that transmits for a seat.
    fn seat(&self, seat: usize) -> usize {
        (self.first_transmitter + seat) % people::POOL
    }

    fn f(&self) -> usize {
        usize::from(self.committee.f)
    }

    /// The token that is paid with now.
    fn token(&mut self) -> Address {
        Address::from_word(self.theirs.storage(self.feed, U256::from(THEIR_LINK)).into())
    }

    fn which_token(&self) -> Token {
        let mut theirs = self.theirs.clone();
        let at = Address::from_word(theirs.storage(self.feed, U256::from(THEIR_LINK)).into());
        self.surroundings.which_token(at).unwrap_or(Token::Zero)
    }

    /// The same read on both; `None` if both refuse.
    fn read(&mut self, what: &str, from: Address, to: Address, data: &Bytes) -> Result<Option<Bytes>, String> {
        let ours = self.ours.view(from, to, data.clone());
        let theirs = self.theirs.view(from, to, data.clone());
        match (ours.ok, theirs.ok) {
            (true, true) if ours.output == theirs.output => Ok(Some(ours.output)),
            (false, false) => Ok(None),
            (true, _) | (false, true) => {
                Err(format!("{what} reads\n  ours   {}\n  theirs {}", shown(&ours), shown(&theirs)))
            }
        }
    }

    fn after(&mut self, step: &Step) {
        if let Step::SetConfig { seats, .. } = step {
            self.committee = seats.committee();
            self.first_transmitter = seats.first_transmitter;
        }
    }
}

impl Pair for Feeds {
    type Step = Step;

    fn opening(&self, random: &mut Random) -> Vec<Step> {
        Step::opening(random)
    }

    fn invent(&self, random: &mut Random) -> Step {
        Step::random(self, random)
    }

    fn take(&mut self, step: &Step, tally: &mut Tally) -> Result<(), String> {
        let seconds = if let Step::Wait { seconds } = step { *seconds } else { 13 };
        for chain in [&mut self.ours, &mut self.theirs] {
            chain.block.timestamp += U256::from(seconds);
        }
        if matches!(step, Step::Wait { .. }) {
            return Ok(());
        }
        let mut before = self.clone();
        let transaction = step.transaction(self);
        let Transaction { from, to, data, price_gwei, wei } = &transaction;
        let send = |chain: &mut Chain| {
            chain.gas_price = u128::from(*price_gwei) * GWEI;
            if *wei { chain.send_with_a_wei(*from, *to, data.clone()) } else { chain.send(*from, *to, data.clone()) }
        };
        let (ours, theirs) = (send(&mut self.ours), send(&mut self.theirs));
        let alike = ours.ok == theirs.ok && (!ours.ok || (ours.logs == theirs.logs && ours.output == theirs.output));
        if alike {
            tally.step(&step.kind(), ours.ok);
            if ours.ok {
                self.after(step);
                reimbursement::level(self, &mut before, &transaction, &ours, &theirs, tally)?;
            }
            return Ok(());
        }
        let name = differences::explain(&mut before, step, &transaction, &ours, &theirs)
            .map_err(|why| format!("{why}\n  ours   {}\n  theirs {}", told(&ours), told(&theirs)))?;
        tally.difference(name);
        // What only one of them did is undone, so that the sequence can go on with two that are alike.
        *self = before;
        Ok(())
    }

    fn compare(&mut self, tally: &mut Tally) -> Result<(), String> {
        let latest = (self.theirs.storage(self.feed, U256::from(THEIR_HOT)) >> 48usize).wrapping_to::<u32>();
        for (what, data) in readers(U256::from(latest)) {
            if what == "linkAvailableForPaymentCall" && !self.has_token() {
                differences::available_without_a_token(self)?;
                tally.difference(differences::WRONG_TOKEN);
                continue;
            }
            self.read(what, address("stranger", 0), self.feed, &data)?;
        }
        for back in 0..4u32 {
            for (what, data) in consumer_readers(U256::from(latest.saturating_sub(back))) {
                let data = [self.feed.into_word().as_slice(), &data].concat().into();
                self.read(&format!("{what}, by a contract,"), address("stranger", 0), reader(), &data)?;
            }
        }
        let token = self.token();
        let codeless = !self.has_token();
        for oracle in 0..people::POOL {
            // Members, their neighbours, and nobody else.
            if oracle > 12 && self.committee.n() < 31 {
                break;
            }
            let transmitter = ORACLES.transmitters[oracle];
            for data in [
                feed::owedPaymentCall { transmitter }.abi_encode(),
                feed::oracleObservationCountCall { transmitter }.abi_encode(),
            ] {
                self.read(&format!("payment of transmitter {oracle}"), minter(), self.feed, &data.into())?;
            }
            if !codeless {
                let data = link_token::balanceOfCall { owner: ORACLES.payees[oracle] }.abi_encode().into();
                self.read(&format!("balance of payee {oracle}"), minter(), token, &data)?;
            }
        }
        if !codeless {
            for who in [self.feed, address("stranger", 0), minter(), reader()] {
                let data = link_token::balanceOfCall { owner: who }.abi_encode().into();
                self.read(&format!("balance of {who}"), minter(), token, &data)?;
            }
        }
        Ok(())
    }

    fn simpler(step: &Step) -> Vec<Step> {
        step.simpler()
    }
}

impl Feeds {
    /// Whether the token is a contract.
    fn has_token(&mut self) -> bool {
        let token = self.token();
        self.theirs.has_code(token)
    }
}

fn shown(outcome: &Outcome) -> String {
    format!("{} {}", if outcome.ok { "accepts" } else { "refuses" }, outcome.output)
}

fn told(outcome: &Outcome) -> String {
    let logs: String = outcome.logs.iter().map(|log| format!("\n    {} {:?}", log.address, log.data)).collect();
    format!("{}{logs}", shown(outcome))
}

/// Runs sequences on one contract; `false` without the reference.
fn run(name: &str) -> Option<Tally> {
    let usual = Feeds::new(name, Token::Link)?;
    let wrong = Feeds::new(name, Token::Codeless)?;
    Some(sequence::run(name, |random| if random.one_in(12) { wrong.clone() } else { usual.clone() }))
}

#[test]
fn the_feed_does_what_the_reference_does() {
    let Some(tally) = run("OCR2Aggregator") else {
        println!("skipped: run `node tools/reference.mjs` in contracts/ first");
        return;
    };
    // A short run cannot see everything.
    if tally.steps.values().map(|(accepted, refused)| accepted + refused).sum::<usize>() > 10_000 {
        differences::all_are_seen(&tally);
        assert!(tally.steps["Transmit"].0 > 500, "transmissions are accepted");
        assert!(tally.steps["SetConfig"].0 > 100, "so are configs");
    }
}

#[test]
fn the_gated_feed_does_what_the_reference_does() {
    if run("AccessControlledOCR2Aggregator").is_none() {
        println!("skipped: run `node tools/reference.mjs` in contracts/ first");
    }
}
