//! What may happen to a feed.

use super::{
    Feeds, Protocol, answer_bounds,
    people::{ORACLES, POOL, Who},
    surroundings::{Controller, SUPPLY, Token, Validator},
    transmission::Transmission,
};
use crate::{
    chain::committee::{offchain_config, onchain_config},
    garbling::Garbling,
    random::Random,
};
use alloy_primitives::{
    Address, Bytes, I256, U256,
    aliases::{I192, U80},
};
use alloy_sol_types::SolCall;
use bindings::{link_token, ocr2_aggregator as feed, simple_write_access_controller as list};

#[derive(Clone, Debug)]
pub enum Step {
    SetConfig {
        by: Who,
        seats: Seats,
        flaw: Option<ConfigFlaw>,
    },
    Transmit(Transmission),
    SetBilling {
        by: Who,
        terms: Terms,
    },
    /// Of a run of the pool.
    SetPayees {
        by: Who,
        of: Role,
        first: usize,
        count: usize,
        payees: PayeeList,
    },
    TransferPayeeship {
        by: Who,
        transmitter: usize,
        to: Who,
    },
    AcceptPayeeship {
        by: Who,
        transmitter: usize,
    },
    WithdrawPayment {
        by: Who,
        of: Who,
    },
    WithdrawFunds {
        by: Who,
        to: Who,
        amount: U256,
    },
    SetLinkToken {
        by: Who,
        token: Token,
        rest_to: Who,
    },
    SetBillingAccess {
        by: Who,
        controller: Controller,
    },
    SetRequesterAccess {
        by: Who,
        controller: Controller,
    },
    /// On the feed itself, if it is gated, or on a list beside it.
    Access {
        by: Who,
        on: Controller,
        verb: AccessVerb,
    },
    RequestNewRound {
        by: Who,
    },
    SetValidatorConfig {
        by: Who,
        validator: Validator,
        gas: u32,
    },
    TransferOwnership {
        by: Who,
        to: Who,
    },
    AcceptOwnership {
        by: Who,
    },
    /// The owner of all tokens sends some to the feed.
    Fund {
        token: Token,
        amount: u128,
    },
    /// A reader with a random round.
    Read {
        by: Who,
        what: usize,
        round: U256,
    },
    /// A call with one byte changed, cut short, or with more at its end.
    Garbled {
        step: Box<Step>,
        garbling: Garbling,
    },
    /// A call with a wei.
    WithWei(Box<Step>),
    Unknown {
        by: Who,
        data: Vec<u8>,
    },
    Wait {
        seconds: u64,
    },
    /// See `Protocol::age`.
    Age {
        seat: usize,
        observations: u16,
    },
}

/// The arguments of `setConfig`.
pub struct Config {
    pub signers: Vec<Address>,
    pub transmitters: Vec<Address>,
    pub f: u8,
    /// Bounds of answers, which OCR1 does not have; there they are part of what the contract does not understand.
    pub onchain: Bytes,
    pub offchain: Bytes,
}

/// The arguments of `setBilling`; prices of gas are in gwei, payments in 10^9 juels.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    pub maximum: u32,
    pub reasonable: u32,
    pub observation: u32,
    pub transmission: u32,
    /// Only OCR2.
    pub accounting_gas: u32,
    /// Only OCR1.
    pub micro_link_per_eth: u32,
}

/// As what an oracle is named.
#[derive(Clone, Copy, Debug)]
pub enum Role {
    Transmitter,
    Signer,
    /// The zero address instead of each.
    Nobody,
}

/// A run of oracles of the pool as signers, and one as transmitters.
#[derive(Clone, Copy, Debug)]
pub struct Seats {
    pub first: usize,
    pub first_transmitter: usize,
    pub n: usize,
    pub f: u8,
}

#[derive(Clone, Debug)]
pub enum ConfigFlaw {
    TooMany,
    FewerSigners,
    FewerTransmitters,
    F(u8),
    Bounds,
    BoundsLonger,
    SignerTwice,
    TransmitterTwice,
    ZeroSigner(usize),
    ZeroTransmitter(usize),
    SignerTransmits(usize),
    /// More than the 160 bits of an address.
    WideTransmitter,
}

#[derive(Clone, Copy, Debug)]
pub enum PayeeList {
    /// The usual ones.
    Usual,
    /// Of the next transmitter each.
    Others,
    Zero,
    Token,
    Shorter,
    /// The last one has more than the 160 bits of an address.
    Wide,
}

#[derive(Clone, Copy, Debug)]
pub enum AccessVerb {
    Add(Who),
    Remove(Who),
    Enable,
    Disable,
    Has(Who),
}

pub struct Transaction {
    pub from: Address,
    pub to: Address,
    pub data: Bytes,
    pub price_gwei: u64,
    pub wei: bool,
}

impl Seats {
    fn of(self, from: &[Address], first: usize) -> Vec<Address> {
        (first..first + self.n).map(|i| from[i % POOL]).collect()
    }

    fn random(random: &mut Random) -> Self {
        let n = random.pick(&[4, 4, 4, 5, 7, 7, 10, 31]);
        // Small committees sit close together, so that members of one are often members of the next.
        let first = random.below(3);
        let first_transmitter = if random.one_in(4) { random.below(4) } else { first };
        Self { first, first_transmitter, n, f: ((n - 1) / 3) as u8 }
    }
}

impl Step {
    /// What it is called in the tally.
    pub fn kind(&self) -> String {
        let name = |value: &dyn std::fmt::Debug| {
            let text = format!("{value:?}");
            text.split([' ', '(', '{']).next().unwrap_or_default().to_owned()
        };
        match self {
            Self::Transmit(Transmission { flaw: Some(flaw), .. }) => format!("Transmit {}", name(flaw)),
            Self::SetConfig { flaw: Some(flaw), .. } => format!("SetConfig {}", name(flaw)),
            Self::Garbled { step, .. } => format!("Garbled {}", name(step)),
            Self::WithWei(_)
            | Self::SetConfig { .. }
            | Self::Transmit(_)
            | Self::SetBilling { .. }
            | Self::SetPayees { .. }
            | Self::TransferPayeeship { .. }
            | Self::AcceptPayeeship { .. }
            | Self::WithdrawPayment { .. }
            | Self::WithdrawFunds { .. }
            | Self::SetLinkToken { .. }
            | Self::SetBillingAccess { .. }
            | Self::SetRequesterAccess { .. }
            | Self::Access { .. }
            | Self::RequestNewRound { .. }
            | Self::SetValidatorConfig { .. }
            | Self::TransferOwnership { .. }
            | Self::AcceptOwnership { .. }
            | Self::Fund { .. }
            | Self::Read { .. }
            | Self::Unknown { .. }
            | Self::Wait { .. }
            | Self::Age { .. } => name(self),
        }
    }

    pub fn transaction<P: Protocol>(&self, feeds: &mut Feeds<P>) -> Transaction {
        let to_feed = |from: Address, data: Vec<u8>, feeds: &Feeds<P>| Transaction {
            from,
            to: feeds.feed,
            data: data.into(),
            price_gwei: 20,
            wei: false,
        };
        let (by, data) = match self {
            Self::Garbled { step, garbling } => {
                let transaction = step.transaction(feeds);
                let data = garbling.of(transaction.data.to_vec()).into();
                return Transaction { data, ..transaction };
            }
            Self::WithWei(step) => return Transaction { wei: true, ..step.transaction(feeds) },
            Self::Transmit(transmission) => {
                let data = transmission.data(feeds);
                let from = feeds.who(transmission.by);
                return Transaction { price_gwei: transmission.price_gwei, ..to_feed(from, data, feeds) };
            }
            Self::Fund { token, amount } => {
                let call = link_token::transferCall { to: feeds.feed, value: U256::from(*amount) };
                let to = feeds.surroundings.token(*token);
                return Transaction { to, ..to_feed(super::minter(), call.abi_encode(), feeds) };
            }
            Self::Access { by, on, verb } => {
                let (from, user) = (feeds.who(*by), verb.user().map(|who| feeds.who(who)).unwrap_or_default());
                let data = match verb {
                    AccessVerb::Add(_) => list::addAccessCall { user }.abi_encode(),
                    AccessVerb::Remove(_) => list::removeAccessCall { user }.abi_encode(),
                    AccessVerb::Enable => list::enableAccessCheckCall {}.abi_encode(),
                    AccessVerb::Disable => list::disableAccessCheckCall {}.abi_encode(),
                    AccessVerb::Has(_) => list::hasAccessCall { user, _1: Bytes::new() }.abi_encode(),
                };
                // The lists beside the feed belong to who deployed them.
                if feeds.gated && *on == Controller::None {
                    return to_feed(from, data, feeds);
                }
                let on = if *on == Controller::ReadList { Controller::ReadList } else { Controller::List };
                let to = feeds.surroundings.controller(on);
                return Transaction { to, ..to_feed(super::minter(), data, feeds) };
            }
            Self::SetConfig { by, seats, flaw } => {
                let signers = seats.of(&ORACLES.signers, seats.first);
                let transmitters = seats.of(&ORACLES.transmitters, seats.first_transmitter);
                let (onchain, offchain) =
                    (onchain_config(super::ANSWER_MIN, answer_bounds().1), offchain_config(seats.n));
                let mut config = Config { signers, transmitters, f: seats.f, onchain, offchain };
                if let Some(flaw) = flaw {
                    flaw.spoil(&mut config);
                }
                let widened = config.transmitters.first().copied().unwrap_or_default();
                let mut data = P::set_config(config);
                if matches!(flaw, Some(ConfigFlaw::WideTransmitter)) {
                    let at = data.windows(20).position(|bytes| bytes == widened).expect("the first transmitter");
                    data[at - 1] = 1;
                }
                (*by, data)
            }
            Self::SetBilling { by, terms } => (*by, P::set_billing(terms)),
            Self::SetPayees { by, of, first, count, payees } => {
                let run = (*first..first + count).map(|i| i % POOL);
                let named = |i: usize| match of {
                    Role::Transmitter => ORACLES.transmitters[i],
                    Role::Signer => ORACLES.signers[i],
                    Role::Nobody => Address::ZERO,
                };
                let transmitters = run.clone().map(named).collect();
                let token = feeds.token();
                let mut list: Vec<Address> = run
                    .map(|i| match payees {
                        PayeeList::Usual | PayeeList::Shorter | PayeeList::Wide => ORACLES.payees[i],
                        PayeeList::Others => ORACLES.payees[(i + 1) % POOL],
                        PayeeList::Zero => Address::ZERO,
                        PayeeList::Token => token,
                    })
                    .collect();
                if matches!(payees, PayeeList::Shorter) {
                    list.pop();
                }
                let mut data = feed::setPayeesCall { transmitters, payees: list }.abi_encode();
                if matches!(payees, PayeeList::Wide) {
                    let at = data.len() - 21;
                    data[at] = 1;
                }
                (*by, data)
            }
            Self::TransferPayeeship { by, transmitter, to } => {
                let call = feed::transferPayeeshipCall {
                    transmitter: ORACLES.transmitters[*transmitter],
                    proposed: feeds.who(*to),
                };
                (*by, call.abi_encode())
            }
            Self::AcceptPayeeship { by, transmitter } => {
                (*by, feed::acceptPayeeshipCall { transmitter: ORACLES.transmitters[*transmitter] }.abi_encode())
            }
            Self::WithdrawPayment { by, of } => {
                (*by, feed::withdrawPaymentCall { transmitter: feeds.who(*of) }.abi_encode())
            }
            Self::WithdrawFunds { by, to, amount } => {
                (*by, feed::withdrawFundsCall { recipient: feeds.who(*to), amount: *amount }.abi_encode())
            }
            Self::SetLinkToken { by, token, rest_to } => {
                let call =
                    feed::setLinkTokenCall { token: feeds.surroundings.token(*token), recipient: feeds.who(*rest_to) };
                (*by, call.abi_encode())
            }
            Self::SetBillingAccess { by, controller } => {
                let controller = feeds.surroundings.controller(*controller);
                (*by, feed::setBillingAccessControllerCall { controller }.abi_encode())
            }
            Self::SetRequesterAccess { by, controller } => {
                let controller = feeds.surroundings.controller(*controller);
                (*by, feed::setRequesterAccessControllerCall { controller }.abi_encode())
            }
            Self::RequestNewRound { by } => (*by, feed::requestNewRoundCall {}.abi_encode()),
            Self::SetValidatorConfig { by, validator, gas } => {
                (*by, feed::setValidatorConfigCall { validator: validator.address(), gasLimit: *gas }.abi_encode())
            }
            Self::TransferOwnership { by, to } => {
                (*by, feed::transferOwnershipCall { to: feeds.who(*to) }.abi_encode())
            }
            Self::AcceptOwnership { by } => (*by, feed::acceptOwnershipCall {}.abi_encode()),
            Self::Read { by, what, round } => {
                let readers = [consumer_readers(*round), P::readers()].concat();
                (*by, readers[what % readers.len()].1.to_vec())
            }
            Self::Unknown { by, data } => (*by, data.clone()),
            Self::Wait { .. } | Self::Age { .. } => (Who::Nobody, Vec::new()),
        };
        let from = feeds.who(by);
        to_feed(from, data, feeds)
    }

    pub fn random<P: Protocol>(feeds: &Feeds<P>, random: &mut Random) -> Self {
        let step = Self::plain(feeds, random);
        match random.below(40) {
            0 | 1 => Self::Garbled { step: Box::new(step), garbling: Garbling::random(random) },
            2 if random.one_in(3) => Self::WithWei(Box::new(step)),
            _ => step,
        }
    }

    fn plain<P: Protocol>(feeds: &Feeds<P>, random: &mut Random) -> Self {
        let oracle = if random.one_in(6) { random.below(POOL) } else { random.below(12) };
        let others =
            [Who::Stranger, Who::Requester, Who::BillingAdmin, Who::Transmitter(oracle), Who::Payee(oracle), Who::Heir];
        let owner = if random.one_in(8) { random.pick(&others) } else { Who::Owner };
        let admin = if random.one_in(3) { Who::BillingAdmin } else { owner };
        let payee = if random.one_in(6) { random.pick(&others) } else { Who::PayeeOf(oracle) };
        let anyone = [
            Who::Owner,
            Who::Stranger,
            Who::Payee(oracle),
            Who::PayeeOf(oracle),
            Who::Nobody,
            Who::Feed,
            Who::Token,
            Who::Reader,
        ];
        match random.below(100) {
            0..40 => Self::Transmit(Transmission::random(feeds, random)),
            40..48 => Self::SetConfig {
                by: owner,
                seats: Seats::random(random),
                flaw: random.one_in(4).then(|| ConfigFlaw::random(random)),
            },
            48..54 => {
                let mut number = |choices: &[u32]| random.pick(choices);
                let terms = Terms {
                    maximum: number(&[0, 0, 40, 1000, u32::MAX]),
                    reasonable: number(&[0, 1, 50, 10_000]),
                    observation: number(&[0, 1, 400_000, u32::MAX]),
                    transmission: number(&[0, 1_000_000, u32::MAX]),
                    accounting_gas: number(&[0, 15_000, (1 << 24) - 1]),
                    micro_link_per_eth: number(&[0, 1, 215_123_456, u32::MAX]),
                };
                Self::SetBilling { by: admin, terms }
            }
            54..60 => Self::SetPayees {
                by: owner,
                of: random.pick(&[Role::Transmitter, Role::Transmitter, Role::Transmitter, Role::Signer, Role::Nobody]),
                first: oracle,
                count: random.pick(&[0, 1, 2, 4, 34]),
                payees: random.pick(&[
                    PayeeList::Usual,
                    PayeeList::Usual,
                    PayeeList::Usual,
                    PayeeList::Others,
                    PayeeList::Zero,
                    PayeeList::Token,
                    PayeeList::Shorter,
                    PayeeList::Wide,
                ]),
            },
            60..63 => Self::TransferPayeeship { by: payee, transmitter: oracle, to: random.pick(&anyone) },
            63..66 => {
                let by = if random.one_in(4) { random.pick(&anyone) } else { Who::ProposedPayeeOf(oracle) };
                Self::AcceptPayeeship { by, transmitter: oracle }
            }
            66..71 if random.one_in(6) => Self::WithdrawPayment { by: Who::Payee(oracle), of: Who::Signer(oracle) },
            66..71 => Self::WithdrawPayment { by: payee, of: Who::Transmitter(oracle) },
            71..75 => Self::WithdrawFunds {
                by: admin,
                to: random.pick(&anyone),
                amount: random.pick(&[U256::ZERO, U256::ONE, U256::from(10u64.pow(18)), U256::MAX]),
            },
            75..78 => Self::SetLinkToken {
                by: owner,
                token: if random.one_in(2) { Token::Link } else { random.pick(&Token::ALL) },
                rest_to: random.pick(&anyone),
            },
            78..80 => Self::SetBillingAccess { by: owner, controller: random.pick(&Controller::ALL) },
            80..82 => Self::SetRequesterAccess { by: owner, controller: random.pick(&Controller::ALL) },
            82..85 => {
                let who = random.pick(&[
                    Who::Reader,
                    Who::Validator,
                    Who::BillingAdmin,
                    Who::Requester,
                    Who::Stranger,
                    Who::Owner,
                ]);
                let verbs = [
                    AccessVerb::Add(who),
                    AccessVerb::Add(who),
                    AccessVerb::Remove(who),
                    AccessVerb::Enable,
                    AccessVerb::Disable,
                    AccessVerb::Has(who),
                ];
                let on = random.pick(&[Controller::None, Controller::None, Controller::List, Controller::ReadList]);
                Self::Access { by: owner, on, verb: random.pick(&verbs) }
            }
            85..88 => {
                let by = if random.one_in(2) { Who::Requester } else { owner };
                Self::RequestNewRound { by }
            }
            88..91 => Self::SetValidatorConfig {
                by: owner,
                validator: random.pick(&Validator::ALL),
                gas: random.pick(&[0, 1000, 20_000, 200_000, 60_000_000]),
            },
            91..93 => {
                let to = if random.one_in(5) { Who::Owner } else { random.pick(&others) };
                Self::TransferOwnership { by: owner, to }
            }
            93..95 => {
                let by = if random.one_in(5) { random.pick(&others) } else { Who::Heir };
                Self::AcceptOwnership { by }
            }
            95 | 96 => Self::Fund { token: feeds.which_token(), amount: SUPPLY >> random.pick(&[3, 30, 60]) },
            97 => {
                let round = random.pick(&[0, 1, 2, u64::from(u32::MAX), 1 << 32, u64::MAX]);
                let by = random.pick(&[Who::Stranger, Who::Owner, Who::Transmitter(oracle)]);
                Self::Read { by, what: random.below(64), round: U256::from(round) }
            }
            98 => {
                let length = random.pick(&[0, 3, 4, 36]);
                Self::Unknown { by: Who::Stranger, data: (0..length).map(|_| random.next() as u8).collect() }
            }
            _ if random.one_in(2) => {
                // Two bytes are full soon, or a bit of them is.
                let observations = random.pick(&[u16::MAX - 2, u16::MAX - 1, 0x7ffe]);
                Self::Age { seat: random.below(feeds.committee.n().max(1)), observations }
            }
            _ => Self::Wait { seconds: random.pick(&[1, 3600, 1 << 32]) },
        }
    }

    /// Most sequences begin like a feed in production.
    pub fn opening(random: &mut Random) -> Vec<Self> {
        let payees =
            |of: Role, count| Self::SetPayees { by: Who::Owner, of, first: 0, count, payees: PayeeList::Usual };
        let mut steps = vec![
            Self::SetBilling {
                by: Who::Owner,
                terms: Terms {
                    maximum: random.pick(&[0, 1000]),
                    reasonable: 50,
                    observation: random.pick(&[0, 400_000]),
                    transmission: random.pick(&[0, 1_000_000]),
                    accounting_gas: 15_000,
                    micro_link_per_eth: 215_123_456,
                },
            },
            Self::SetBillingAccess { by: Who::Owner, controller: Controller::List },
            Self::SetRequesterAccess { by: Who::Owner, controller: Controller::List },
            payees(Role::Transmitter, POOL),
            Self::Fund { token: Token::Link, amount: 10u128.pow(24) },
            Self::SetConfig { by: Who::Owner, seats: Seats::random(random), flaw: None },
        ];
        steps.retain(|_| !random.one_in(10));
        for odd in [payees(Role::Signer, POOL), payees(Role::Nobody, 1)] {
            if random.one_in(2) {
                steps.push(odd);
            }
        }
        if random.one_in(4) {
            let validator = random.pick(&[Validator::Logs, Validator::Reads, Validator::Reverts, Validator::BurnsGas]);
            steps.push(Self::SetValidatorConfig { by: Who::Owner, validator, gas: 100_000 });
        }
        if random.one_in(6) {
            let token = random.pick(&Token::ALL);
            steps.push(Self::SetLinkToken { by: Who::Owner, token, rest_to: Who::Stranger });
            steps.push(Self::Fund { token, amount: 10u128.pow(24) });
        }
        steps
    }

    /// Steps with less in them.
    pub fn simpler(&self) -> Vec<Self> {
        match self {
            Self::Garbled { step, .. } | Self::WithWei(step) => vec![step.as_ref().clone()],
            Self::Transmit(transmission) => {
                let plain = Transmission {
                    epochs: 1,
                    round: 1,
                    first_signer: 0,
                    answer: 1000,
                    spread: 1,
                    rate: I256::ZERO,
                    price_gwei: 0,
                    extra_hash: false,
                    flaw: None,
                    ..transmission.clone()
                };
                let mut forms = Vec::new();
                let mut form = |simpler: Transmission| {
                    if simpler != *transmission {
                        forms.push(Self::Transmit(simpler));
                    }
                };
                form(plain.clone());
                form(Transmission { flaw: transmission.flaw.clone(), ..plain.clone() });
                form(Transmission { price_gwei: 0, ..transmission.clone() });
                form(Transmission { rate: I256::ZERO, ..transmission.clone() });
                form(Transmission { extra_hash: false, ..transmission.clone() });
                form(Transmission { epochs: 1, round: 1, first_signer: 0, ..transmission.clone() });
                form(Transmission { answer: 1000, spread: 1, ..transmission.clone() });
                forms
            }
            Self::SetConfig { by, seats, flaw } => {
                let four = Seats { first: 0, first_transmitter: 0, n: 4, f: 1 };
                let mut forms = Vec::new();
                if seats.n > 4 || seats.first > 0 || seats.first_transmitter > 0 {
                    forms.push(Self::SetConfig { by: *by, seats: four, flaw: flaw.clone() });
                }
                if flaw.is_some() {
                    forms.push(Self::SetConfig { by: *by, seats: *seats, flaw: None });
                }
                forms
            }
            Self::SetPayees { .. }
            | Self::SetBilling { .. }
            | Self::TransferPayeeship { .. }
            | Self::AcceptPayeeship { .. }
            | Self::WithdrawPayment { .. }
            | Self::WithdrawFunds { .. }
            | Self::SetLinkToken { .. }
            | Self::SetBillingAccess { .. }
            | Self::SetRequesterAccess { .. }
            | Self::Access { .. }
            | Self::RequestNewRound { .. }
            | Self::SetValidatorConfig { .. }
            | Self::TransferOwnership { .. }
            | Self::AcceptOwnership { .. }
            | Self::Fund { .. }
            | Self::Read { .. }
            | Self::Unknown { .. }
            | Self::Wait { .. }
            | Self::Age { .. } => Vec::new(),
        }
    }
}

impl AccessVerb {
    fn user(self) -> Option<Who> {
        match self {
            Self::Add(who) | Self::Remove(who) | Self::Has(who) => Some(who),
            Self::Enable | Self::Disable => None,
        }
    }
}

impl ConfigFlaw {
    fn random(random: &mut Random) -> Self {
        let seat = random.below(4);
        match random.below(13) {
            0 => Self::TooMany,
            1 => Self::FewerSigners,
            2 => Self::FewerTransmitters,
            3 => Self::F(random.pick(&[0, 2, 10, 85, 86, 255])),
            4 => Self::Bounds,
            5 => Self::BoundsLonger,
            6 => Self::SignerTwice,
            7 => Self::TransmitterTwice,
            8 => Self::ZeroSigner(seat),
            9 | 12 => Self::ZeroTransmitter(seat),
            10 => Self::WideTransmitter,
            _ => Self::SignerTransmits(seat),
        }
    }

    fn spoil(&self, call: &mut Config) {
        let last = call.signers.len() - 1;
        match self {
            Self::TooMany => {
                call.signers = ORACLES.signers[..32].to_vec();
                call.transmitters = ORACLES.transmitters[..32].to_vec();
            }
            Self::FewerSigners => drop(call.signers.pop()),
            Self::FewerTransmitters => drop(call.transmitters.pop()),
            Self::F(f) => call.f = *f,
            Self::Bounds => call.onchain = onchain_config(super::ANSWER_MIN, answer_bounds().1 - I192::ONE),
            Self::BoundsLonger => call.onchain = [call.onchain.to_vec(), vec![0]].concat().into(),
            Self::SignerTwice => call.signers[last] = call.signers[0],
            Self::TransmitterTwice => call.transmitters[last] = call.transmitters[0],
            Self::ZeroSigner(seat) => call.signers[*seat] = Address::ZERO,
            Self::ZeroTransmitter(seat) => call.transmitters[*seat] = Address::ZERO,
            Self::SignerTransmits(seat) => call.transmitters[*seat] = call.signers[0],
            // The type has no room for it.
            Self::WideTransmitter => {}
        }
    }
}

/// What consumers read, and what only listed ones may if the feed is gated.
pub fn consumer_readers(round: U256) -> Vec<(&'static str, Bytes)> {
    vec![
        ("latestRoundData", feed::latestRoundDataCall {}.abi_encode().into()),
        ("latestAnswer", feed::latestAnswerCall {}.abi_encode().into()),
        ("latestTimestamp", feed::latestTimestampCall {}.abi_encode().into()),
        ("latestRound", feed::latestRoundCall {}.abi_encode().into()),
        ("decimals", feed::decimalsCall {}.abi_encode().into()),
        ("version", feed::versionCall {}.abi_encode().into()),
        ("description", feed::descriptionCall {}.abi_encode().into()),
        ("getAnswer", feed::getAnswerCall { roundId: round }.abi_encode().into()),
        ("getTimestamp", feed::getTimestampCall { roundId: round }.abi_encode().into()),
        ("getRoundData", feed::getRoundDataCall { roundId: round.wrapping_to::<U80>() }.abi_encode().into()),
    ]
}
