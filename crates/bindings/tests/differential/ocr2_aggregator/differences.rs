//! Where ours deliberately does something else; `contracts/docs/Differences.md` has the reasons.

use super::{
    Feeds, Token,
    steps::{Step, Transaction},
    transmission::{Flaw, Transmission},
};
use crate::{chain::Outcome, sequence::Tally};
use alloy_primitives::{Address, I256, Log, U256};
use alloy_sol_types::{SolCall, SolError, SolEvent};
use bindings::{link_token, ocr2_aggregator as feed};

pub const ZERO_SIGNER: &str = "zero signer";
pub const ZERO_TRANSMITTER: &str = "zero transmitter";
pub const SIGNER_TRANSMITS: &str = "signer that transmits";
pub const OFFSET_ELSEWHERE: &str = "array offset elsewhere";
pub const CARRIED: &str = "carried debts";
pub const SILENT_TOKEN: &str = "silent token";
pub const WRONG_TOKEN: &str = "wrong token";
pub const LESS_GAS: &str = "less gas";

/// Each has a row of the page, and is seen in a run of some hundred sequences.
const ALL: [&str; 8] =
    [ZERO_SIGNER, ZERO_TRANSMITTER, SIGNER_TRANSMITS, OFFSET_ELSEWHERE, CARRIED, SILENT_TOKEN, WRONG_TOKEN, LESS_GAS];

/// The name of the difference that two outcomes show, if it is one of the list and nothing else.
pub fn explain(
    before: &mut Feeds,
    step: &Step,
    transaction: &Transaction,
    ours: &Outcome,
    theirs: &Outcome,
) -> Result<&'static str, String> {
    let only_theirs = theirs.ok && !ours.ok;
    let only_ours = ours.ok && !theirs.ok;
    let refused_with = |selector: [u8; 4]| only_theirs && ours.output.starts_with(&selector);
    if let Ok(config) = feed::setConfigCall::abi_decode(&transaction.data) {
        let refusals = [
            (ZERO_SIGNER, feed::ZeroSigner::SELECTOR, config.signers.contains(&Address::ZERO)),
            (ZERO_TRANSMITTER, feed::ZeroTransmitter::SELECTOR, config.transmitters.contains(&Address::ZERO)),
            (
                SIGNER_TRANSMITS,
                feed::SignerIsTransmitter::SELECTOR,
                config.signers.iter().any(|signer| config.transmitters.contains(signer)),
            ),
        ];
        if let Some((name, ..)) = refusals.iter().find(|(_, selector, so)| *so && refused_with(*selector)) {
            return Ok(name);
        }
    }
    let available = feed::linkAvailableForPaymentCall::SELECTOR;
    if transaction.data.starts_with(&available) && only_ours && !before.has_token() {
        return available_without_a_token(before).map(|()| WRONG_TOKEN);
    }
    match step {
        Step::Transmit(Transmission { flaw: Some(Flaw::OffsetElsewhere(_)), .. })
            if refused_with(feed::MalformedReport::SELECTOR) =>
        {
            Ok(OFFSET_ELSEWHERE)
        }
        Step::SetConfig { .. } | Step::SetBilling { .. } | Step::SetLinkToken { .. } if only_ours => {
            settled(before, step, ours)
        }
        Step::WithdrawPayment { .. } | Step::WithdrawFunds { .. }
            if only_ours && before.which_token() == Token::Silent =>
        {
            Ok(SILENT_TOKEN)
        }
        Step::Garbled { step, .. } => explain(before, step, transaction, ours, theirs),
        _ => Err(format!("{step:?}: this is no difference of the list")),
    }
}

/// A round of payments that the reference could not make: ours must have paid in order whom it could, and carried the
/// others, each for a reason; and the reference must have had a reason to fail.
fn settled(before: &mut Feeds, step: &Step, ours: &Outcome) -> Result<&'static str, String> {
    let at = before.feed;
    let token = before.which_token();
    let token_address = before.token();
    let known = before.has_token();
    let balance = link_token::balanceOfCall { owner: at };
    let mut balance = if known { before.theirs.read(token_address, &balance) } else { U256::ZERO };
    let mut logs = ours.logs.iter().filter(|log| log.address == at);
    let (mut paid, mut carried) = (0, 0);
    for transmitter in before.theirs.read(at, &feed::getTransmittersCall {}) {
        let owed = before.theirs.read(at, &feed::owedPaymentCall { transmitter });
        if owed.is_zero() {
            continue;
        }
        let payee = payee_of(before, transmitter);
        let log = logs.next().ok_or("a debt of which no event tells")?;
        if let Some(event) = decoded::<feed::PaymentCarried>(log) {
            // The silent token moves and is believed; the other ones that misbehave do not say that they have moved.
            let refuses = !token.behaves() && token != Token::Silent;
            let reason = payee.is_zero() || payee == token_address || owed > balance || refuses;
            if (event.transmitter, event.amount) != (transmitter, owed) || !reason {
                return Err(format!("{transmitter} is carried {} of {owed} without a reason", event.amount));
            }
            carried += 1;
        } else if let Some(event) = decoded::<feed::OraclePaid>(log) {
            let exact = (event.transmitter, event.payee, event.amount, event.linkToken);
            if exact != (transmitter, payee, owed, token_address) || owed > balance {
                return Err(format!("{transmitter} is paid {event:?} instead of {owed}"));
            }
            balance -= owed;
            paid += 1;
        } else {
            return Err(format!("{transmitter} is owed {owed}, and neither paid nor carried"));
        }
    }
    let rest: Vec<_> = logs.map(|log| log.topics().first().copied()).collect();
    let last = match step {
        Step::SetConfig { .. } => feed::ConfigSet::SIGNATURE_HASH,
        Step::SetBilling { .. } => feed::BillingSet::SIGNATURE_HASH,
        _ => feed::LinkTokenSet::SIGNATURE_HASH,
    };
    if rest != [Some(last)] {
        return Err(format!("after the payments come the events {rest:?}"));
    }
    let changes_token = matches!(step, Step::SetLinkToken { .. });
    match () {
        () if !known && changes_token => Ok(WRONG_TOKEN),
        () if carried > 0 => Ok(CARRIED),
        () if token == Token::Silent && (paid > 0 || changes_token) => Ok(SILENT_TOKEN),
        () => Err("ours accepts what the reference refuses, though all were paid".into()),
    }
}

fn decoded<E: SolEvent>(log: &Log) -> Option<E> {
    E::decode_log(log).ok().map(|log| log.data)
}

fn payee_of(feeds: &mut Feeds, transmitter: Address) -> Address {
    let slot = super::mapping(transmitter, super::THEIR_PAYEES);
    Address::from_word(feeds.theirs.storage(feeds.feed, slot).into())
}

/// Of a token without code the reference cannot say what is available; ours says that all debts are open.
pub fn available_without_a_token(feeds: &mut Feeds) -> Result<(), String> {
    let call = feed::linkAvailableForPaymentCall {};
    if feeds.theirs.view(Address::ZERO, feeds.feed, call.abi_encode()).ok {
        return Err("the reference knows the balance of a token without code".into());
    }
    let mut due = U256::ZERO;
    for transmitter in feeds.theirs.read(feeds.feed, &feed::getTransmittersCall {}) {
        due += feeds.theirs.read(feeds.feed, &feed::owedPaymentCall { transmitter });
    }
    let got = feeds.ours.read(feeds.feed, &call);
    if got == -I256::from_raw(due) { Ok(()) } else { Err(format!("available is {got}, and {due} is owed")) }
}

/// # Panics
/// If a difference of the list was not seen: it may be gone, or the steps no longer lead to it.
pub fn all_are_seen(tally: &Tally) {
    for name in ALL {
        assert!(tally.differences.contains_key(name), "the difference {name:?} was never seen");
    }
}

#[test]
fn each_difference_is_explained_on_the_page() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../contracts/docs/Differences.md");
    let page = std::fs::read_to_string(path).expect("docs/Differences.md");
    for name in ALL {
        assert!(page.contains(&format!("| {name} |")), "{name:?} has no row");
    }
}
