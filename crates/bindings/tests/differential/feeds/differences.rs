//! Where our feeds deliberately do something else; `contracts/docs/Differences.md` has the reasons.

use super::{
    Feeds, Protocol, Token,
    steps::{Step, Transaction},
};
use crate::chain::Outcome;
use alloy_primitives::{Address, I256, Log, U256};
use alloy_sol_types::{SolCall, SolError, SolEvent};
use bindings::{link_token, ocr2_aggregator as feed};

/// A deliberate difference that was seen, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// Both go on from here.
    Kept(&'static str),
    /// What only one of them did is undone, so that the sequence can go on with two that are alike.
    Undone(&'static str),
}

pub const ZERO_SIGNER: &str = "zero signer";
pub const ZERO_TRANSMITTER: &str = "zero transmitter";
pub const CARRIED: &str = "carried debts";
pub const SILENT_TOKEN: &str = "silent token";
pub const WRONG_TOKEN: &str = "wrong token";

/// The difference that two outcomes show, if it is one of the list and nothing else.
pub fn explain<P: Protocol>(
    before: &mut Feeds<P>,
    step: &Step,
    transaction: &Transaction,
    ours: &Outcome,
    theirs: &Outcome,
) -> Result<Difference, String> {
    if let Some(difference) = P::explain(before, transaction, ours, theirs)? {
        return Ok(difference);
    }
    let only_ours = ours.ok && !theirs.ok;
    if let Some((signers, transmitters)) = P::named_by_set_config(&transaction.data) {
        if refused_with::<feed::ZeroSigner>(ours, theirs) && signers.contains(&Address::ZERO) {
            return Ok(Difference::Undone(ZERO_SIGNER));
        }
        if refused_with::<feed::ZeroTransmitter>(ours, theirs) && transmitters.contains(&Address::ZERO) {
            return Ok(Difference::Undone(ZERO_TRANSMITTER));
        }
    }
    let available = feed::linkAvailableForPaymentCall::SELECTOR;
    if transaction.data.starts_with(&available) && only_ours && !before.has_token() {
        return available_without_a_token(before).map(|()| Difference::Undone(WRONG_TOKEN));
    }
    match step {
        Step::SetConfig { .. } | Step::SetBilling { .. } | Step::SetLinkToken { .. } if only_ours => {
            settled(before, step, ours).map(Difference::Undone)
        }
        Step::WithdrawPayment { .. } | Step::WithdrawFunds { .. }
            if only_ours && before.which_token() == Token::Silent =>
        {
            Ok(Difference::Undone(SILENT_TOKEN))
        }
        Step::Garbled { step, .. } => explain(before, step, transaction, ours, theirs),
        _ => Err(format!("{step:?}: this is no difference of the list")),
    }
}

/// Whether only ours refuses, and with this error.
pub fn refused_with<E: SolError>(ours: &Outcome, theirs: &Outcome) -> bool {
    theirs.ok && !ours.ok && ours.output.starts_with(&E::SELECTOR)
}

/// A round of payments that the reference could not make: ours must have paid in order whom it could, and carried the
/// others, each for a reason; and the reference must have had a reason to fail.
fn settled<P: Protocol>(before: &mut Feeds<P>, step: &Step, ours: &Outcome) -> Result<&'static str, String> {
    let at = before.feed;
    let token = before.which_token();
    let token_address = before.token();
    let known = before.has_token();
    let balance = link_token::balanceOfCall { owner: at };
    let mut balance = if known { before.theirs.read(token_address, &balance) } else { U256::ZERO };
    let mut logs = ours.logs.iter().filter(|log| log.address == at);
    let (mut paid, mut carried) = (0, 0);
    for transmitter in P::transmitters(&mut before.theirs, at) {
        let owed = before.theirs.read(at, &feed::owedPaymentCall { transmitter });
        if owed.is_zero() {
            continue;
        }
        let payee = before.payee(transmitter);
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
        Step::SetConfig { .. } => P::CONFIG_SET,
        Step::SetBilling { .. } => P::BILLING_SET,
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

pub fn decoded<E: SolEvent>(log: &Log) -> Option<E> {
    E::decode_log(log).ok().map(|log| log.data)
}

/// Of a token without code the reference cannot say what is available; ours says that all debts are open.
pub fn available_without_a_token<P: Protocol>(feeds: &mut Feeds<P>) -> Result<(), String> {
    let call = feed::linkAvailableForPaymentCall {};
    if feeds.theirs.view(Address::ZERO, feeds.feed, call.abi_encode()).ok {
        return Err("the reference knows the balance of a token without code".into());
    }
    let mut due = U256::ZERO;
    for transmitter in P::transmitters(&mut feeds.theirs, feeds.feed) {
        due += feeds.theirs.read(feeds.feed, &feed::owedPaymentCall { transmitter });
    }
    let got = feeds.ours.read(feeds.feed, &call);
    if got == -I256::from_raw(due) { Ok(()) } else { Err(format!("available is {got}, and {due} is owed")) }
}

/// # Panics
/// If a difference has no row of the page.
pub fn all_are_explained<P: Protocol>() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../contracts/docs/Differences.md");
    let page = std::fs::read_to_string(path).expect("docs/Differences.md");
    for name in P::DIFFERENCES {
        assert!(page.contains(&format!("| {name} |")), "{name:?} has no row");
    }
}
