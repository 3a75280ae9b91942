//! A price feed of ours and the reference's beside each other: what is the same for the feeds of every protocol.

pub mod differences;
pub mod people;
pub mod reimbursement;
pub mod steps;
pub mod surroundings;
pub mod transmission;

use crate::{
    chain::{Chain, GWEI, Outcome, address, committee::Committee, ours, reference},
    random::Random,
    sequence::{self, Pair, Tally},
};
use alloy_primitives::{Address, B256, Bytes, I256, Log, U256, aliases::I192};
use alloy_sol_types::SolCall;
use bindings::{link_token, ocr2_aggregator as feed};
use differences::{Difference, available_without_a_token};
use people::ORACLES;
use std::marker::PhantomData;
use steps::{Config, Step, Terms, Transaction, consumer_readers};
use surroundings::{Controller, Surroundings, Token, reader};
use transmission::Content;

/// A feed of one protocol, as far as it is not like the others. What all of them have is taken from OCR2's types: payees,
/// payments, token, controllers, validator, requests, ownership and answers.
pub trait Protocol: Clone {
    /// Where the reference keeps what all feeds have.
    const THEIRS: Places;

    /// What the reading validator asks the feed for; three words of it are looked at.
    const VALIDATOR_READS: [u8; 4];

    const TRANSMIT: [u8; 4];
    const CONFIG_SET: B256;
    const BILLING_SET: B256;

    /// The word of a report that is the number of its observations, which are the next ones.
    const COUNT_WORD: usize;

    /// Deliberate differences, each with a row of the page and seen in a run of some hundred sequences.
    const DIFFERENCES: &[&str];

    fn creation(bytecode: &Bytes, token: Address, requesters: Address) -> Vec<u8>;

    /// Of the present config and the latest report, from the reference's storage.
    fn digest(theirs: &mut Chain, feed: Address) -> B256;
    fn epoch_and_round(theirs: &mut Chain, feed: Address) -> u64;
    fn latest_round(theirs: &mut Chain, feed: Address) -> u32;
    fn transmitters(theirs: &mut Chain, feed: Address) -> Vec<Address>;

    /// Readers besides those of consumers.
    fn readers() -> Vec<(&'static str, Bytes)>;

    fn set_config(config: Config) -> Vec<u8>;
    /// Signers and transmitters, if this is the data of that call.
    fn named_by_set_config(data: &[u8]) -> Option<(Vec<Address>, Vec<Address>)>;
    /// The committee of the event of a new config.
    fn installed(log: &Log) -> Option<Committee>;
    fn set_billing(terms: &Terms) -> Vec<u8>;

    /// With fewer observations than this a report is refused.
    fn fewest_observations(f: usize) -> usize;
    /// Words of context before the report, and the report.
    fn report(content: &Content) -> (Vec<B256>, Vec<u8>);
    fn signed_hash(context: &[B256], report: &[u8]) -> B256;
    /// A good report of k observations is changed to one with the array elsewhere, in the form `which`.
    fn move_array(report: &mut Vec<u8>, k: usize, which: usize);

    /// What the two outcomes show, if it is one of this protocol's own differences and nothing else.
    fn explain(
        before: &mut Feeds<Self>,
        transaction: &Transaction,
        ours: &Outcome,
        theirs: &Outcome,
    ) -> Result<Option<Difference>, String>;

    /// What many reports would do is done to the books of both: a seat has made this many observations, as long as it has been
    /// there. Where each round counts for every seat there is nothing to do.
    fn age(_: &mut Feeds<Self>, _seat: usize, _observations: u16) {}

    /// Books that differ on purpose are checked, and then made alike.
    fn level(
        feeds: &mut Feeds<Self>,
        before: &mut Feeds<Self>,
        transaction: &Transaction,
        ours: &Outcome,
        theirs: &Outcome,
        tally: &mut Tally,
    ) -> Result<(), String>;
}

/// Calls without arguments, each with its name, for `Protocol::readers`.
macro_rules! calls {
    ($interface:ident: $($call:ident),*) => { vec![$((stringify!($call), $interface::$call {}.abi_encode().into())),*] };
}
pub(crate) use calls;

/// Slots of the reference's contract.
pub struct Places {
    pub link: u64,
    pub payees: u64,
    pub proposed_payees: u64,
}

const ANSWER_MIN: i64 = 1;

pub fn answer_bounds() -> (I192, I192) {
    (I192::try_from(ANSWER_MIN).expect("small"), I192::MAX >> 1)
}

fn answer_max() -> I256 {
    I256::MAX >> 65
}

/// Deploys the feeds, and everything that they deal with; also has all the tokens.
fn minter() -> Address {
    address("owner", 0)
}

/// Ours and the reference's feed, each on a chain of its own, where everything has the same addresses.
#[derive(Clone)]
pub struct Feeds<P> {
    pub ours: Chain,
    pub theirs: Chain,
    pub feed: Address,
    pub surroundings: Surroundings,
    /// Whether only those on a list may read.
    gated: bool,
    /// Of the last config that was accepted; empty before.
    pub committee: Committee,
    /// Where ours keeps what a transmitter has earned.
    pub our_accounts: u64,
    protocol: PhantomData<P>,
}

impl<P: Protocol> Feeds<P> {
    /// `None` without the reference.
    fn new(name: &str, token: Token) -> Option<Self> {
        let (mut ours_chain, mut theirs_chain) = (Chain::new(), Chain::new());
        let surroundings = Surroundings::new(&mut ours_chain, minter(), P::VALIDATOR_READS)?;
        Surroundings::new(&mut theirs_chain, minter(), P::VALIDATOR_READS)?;
        let creation = |bytecode: &Bytes| {
            P::creation(bytecode, surroundings.token(token), surroundings.controller(Controller::List))
        };
        let (feed, _) = ours_chain.deploy(minter(), creation(&ours(name)));
        let (theirs, _) = theirs_chain.deploy(minter(), creation(&reference(name)?));
        assert_eq!(feed, theirs, "the chains are alike");
        Some(Self {
            ours: ours_chain,
            theirs: theirs_chain,
            feed,
            surroundings,
            gated: name.starts_with("AccessControlled"),
            committee: Committee { keys: vec![], signers: vec![], transmitters: vec![], payees: vec![], f: 1 },
            our_accounts: crate::chain::slot_of(name, "s_accounts"),
            protocol: PhantomData,
        })
    }

    /// The oracle of the pool that transmits for a seat; the first if nobody does.
    fn seat(&self, seat: usize) -> usize {
        let transmitter = self.committee.transmitters.get(seat);
        ORACLES.transmitters.iter().position(|one| Some(one) == transmitter).unwrap_or(0)
    }

    fn f(&self) -> usize {
        usize::from(self.committee.f)
    }

    /// The token that is paid with now.
    pub fn token(&mut self) -> Address {
        Address::from_word(self.theirs.storage(self.feed, U256::from(P::THEIRS.link)).into())
    }

    pub fn which_token(&self) -> Token {
        let mut theirs = self.theirs.clone();
        let at = Address::from_word(theirs.storage(self.feed, U256::from(P::THEIRS.link)).into());
        self.surroundings.which_token(at).unwrap_or(Token::Zero)
    }

    /// Whether the token is a contract.
    pub fn has_token(&mut self) -> bool {
        let token = self.token();
        self.theirs.has_code(token)
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

    /// After what both accepted.
    fn went_on(
        &mut self,
        before: &mut Self,
        transaction: &Transaction,
        ours: &Outcome,
        theirs: &Outcome,
        tally: &mut Tally,
    ) -> Result<(), String> {
        if let Some(installed) = ours.logs.last().and_then(P::installed) {
            self.committee = installed;
        }
        P::level(self, before, transaction, ours, theirs, tally)
    }
}

impl<P: Protocol> Pair for Feeds<P> {
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
        if let Step::Age { seat, observations } = step {
            if *seat < self.committee.n() {
                P::age(self, *seat, *observations);
            }
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
            return if ours.ok { self.went_on(&mut before, &transaction, &ours, &theirs, tally) } else { Ok(()) };
        }
        let difference = differences::explain(&mut before, step, &transaction, &ours, &theirs)
            .map_err(|why| format!("{why}\n  ours   {}\n  theirs {}", told(&ours), told(&theirs)))?;
        match difference {
            Difference::Kept(name) => {
                tally.meet(name);
                self.went_on(&mut before, &transaction, &ours, &theirs, tally)
            }
            Difference::Undone(name) => {
                tally.meet(name);
                *self = before;
                Ok(())
            }
        }
    }

    fn compare(&mut self, tally: &mut Tally) -> Result<(), String> {
        let latest = P::latest_round(&mut self.theirs, self.feed);
        let at = self.feed;
        let by_contract = |call: &[u8]| Bytes::from([at.into_word().as_slice(), call].concat());
        let has_token = self.has_token();
        let mut reads = Vec::new();
        for (what, call) in [consumer_readers(U256::from(latest)), P::readers()].concat() {
            if call.starts_with(&feed::linkAvailableForPaymentCall::SELECTOR) && !has_token {
                continue;
            }
            reads.push((what.to_owned(), at, call.clone()));
            reads.push((format!("{what}, by a contract,"), reader(), by_contract(&call)));
        }
        for back in 1..4u32 {
            for (what, call) in consumer_readers(U256::from(latest.saturating_sub(back))) {
                reads.push((format!("{what}, by a contract,"), reader(), by_contract(&call)));
            }
        }
        for (what, to, data) in reads {
            self.read(&what, address("stranger", 0), to, &data)?;
        }
        if !has_token {
            available_without_a_token(self)?;
            tally.meet(differences::WRONG_TOKEN);
        }
        let token = self.token();
        for oracle in 0..people::POOL {
            // Members, their neighbours, and nobody else.
            if oracle > 12 && self.committee.n() < 31 {
                break;
            }
            for (role, transmitter) in
                [("transmitter", ORACLES.transmitters[oracle]), ("signer", ORACLES.signers[oracle])]
            {
                for data in [
                    feed::owedPaymentCall { transmitter }.abi_encode(),
                    feed::oracleObservationCountCall { transmitter }.abi_encode(),
                ] {
                    self.read(&format!("payment of {role} {oracle}"), minter(), self.feed, &data.into())?;
                }
            }
            if has_token {
                let data = link_token::balanceOfCall { owner: ORACLES.payees[oracle] }.abi_encode().into();
                self.read(&format!("balance of payee {oracle}"), minter(), token, &data)?;
            }
        }
        if has_token {
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

fn shown(outcome: &Outcome) -> String {
    format!("{} {}", if outcome.ok { "accepts" } else { "refuses" }, outcome.output)
}

fn told(outcome: &Outcome) -> String {
    let logs: String = outcome.logs.iter().map(|log| format!("\n    {} {:?}", log.address, log.data)).collect();
    format!("{}{logs}", shown(outcome))
}

/// Runs sequences on one contract, unless there is no reference, or another contract is asked for.
pub fn run<P: Protocol>(name: &str) {
    if !sequence::is_asked_for(name) {
        return;
    }
    let both = (Feeds::<P>::new(name, Token::Link), Feeds::<P>::new(name, Token::Codeless));
    let (Some(usual), Some(wrong)) = both else {
        println!("skipped: run `node tools/reference.mjs` in contracts/ first");
        return;
    };
    let tally = sequence::run(name, |random| if random.one_in(12) { wrong.clone() } else { usual.clone() });
    tally.has_met(P::DIFFERENCES);
    if tally.taken() > sequence::LONG {
        assert!(tally.steps["Transmit"].0 > 500, "transmissions are accepted");
        assert!(tally.steps["SetConfig"].0 > 100, "so are configs");
    }
}
