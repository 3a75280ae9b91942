//! Where our OCR1 feeds deliberately do something else, besides what all feeds do; `contracts/docs/Differences.md` has the
//! reasons.

use super::{Ocr1, THEIR_COUNTS, THEIR_HOT};
use crate::{
    chain::{Chain, Outcome},
    feeds::{
        Feeds, Protocol,
        differences::{Difference, decoded, refused_with},
        steps::Transaction,
        surroundings::{Controller, Token, Validator},
        transmission::OFFSET_WORD,
    },
    sequence::Tally,
};
use alloy_primitives::{Address, Log, U256, keccak256};
use alloy_sol_types::{SolCall, SolValue};
use bindings::{link_token, offchain_aggregator as feed};

pub const OWNER_TO_ITSELF: &str = "owner to itself";
pub const NO_BOOLEAN: &str = "controller without a boolean";
pub const TOKEN_OF_TWO: &str = "token that returns 2";
pub const WIDE_PAYEE: &str = "wide address in setPayees";
pub const BYTES_BEHIND: &str = "bytes behind the report";
pub const ARRAY_ELSEWHERE: &str = "observations elsewhere";
pub const WIDE_OBSERVATION: &str = "wide observation";
pub const NO_SEAT: &str = "observer without a seat";
pub const VALIDATOR_AFTER: &str = "validator after the round";
pub const ORDER_OF_PAYMENTS: &str = "order of payments";
pub const SIGNERS_PAYEE: &str = "payee of a signer";
pub const FORMER_COUNTS: &str = "counts of a former committee";
pub const DIGEST_OF_MORE: &str = "digest of wide addresses";
pub const GAS_OF_THE_RECEIPT: &str = "gas of the receipt";

pub fn explain(
    before: &mut Feeds<Ocr1>,
    transaction: &Transaction,
    ours: &Outcome,
    theirs: &Outcome,
) -> Result<Option<Difference>, String> {
    let data = &transaction.data;
    if let Ok(call) = feed::transferOwnershipCall::abi_decode(data)
        && refused_with::<feed::CannotTransferToSelf>(ours, theirs)
        && call.to == transaction.from
    {
        return Ok(Some(Difference::Undone(OWNER_TO_ITSELF)));
    }
    if theirs.ok && !ours.ok && ours.output.is_empty() && asks(before, data) == Some(Controller::Two) {
        return Ok(Some(Difference::Undone(NO_BOOLEAN)));
    }
    if data.starts_with(&feed::setPayeesCall::SELECTOR)
        && theirs.ok
        && !ours.ok
        && ours.output.is_empty()
        && feed::setPayeesCall::abi_decode(data).is_ok()
        && feed::setPayeesCall::abi_decode_validate(data).is_err()
    {
        return Ok(Some(Difference::Undone(WIDE_PAYEE)));
    }
    if theirs.ok && before.which_token() == Token::Two && took_two_for_a_failure(before, ours, theirs) {
        return Ok(Some(Difference::Undone(TOKEN_OF_TWO)));
    }
    if let Ok(call) = feed::transmitCall::abi_decode(data) {
        if theirs.ok && !ours.ok {
            return Ok(of_report(&call.report, before.committee.n(), ours, theirs).map(Difference::Undone));
        }
        if ours.ok && theirs.ok && only_the_validator_sees_more(&ours.logs, &theirs.logs) {
            return Ok(Some(Difference::Kept(VALIDATOR_AFTER)));
        }
    }
    if data.starts_with(&feed::setConfigCall::SELECTOR)
        && ours.ok
        && theirs.ok
        && paid_backwards(before, &ours.logs) == theirs.logs
    {
        return Ok(Some(Difference::Kept(ORDER_OF_PAYMENTS)));
    }
    if let Ok(call) = feed::withdrawPaymentCall::abi_decode(data)
        && ours.ok
        && ours.logs.is_empty()
        && before.committee.signers.contains(&call.transmitter)
    {
        return of_signers_payee(before, transaction, call.transmitter, theirs)
            .map(|()| Some(Difference::Undone(SIGNERS_PAYEE)));
    }
    Ok(None)
}

/// Which controller a call asks for permission, unless it comes from the owner.
fn asks(feeds: &mut Feeds<Ocr1>, data: &[u8]) -> Option<Controller> {
    let at = feeds.feed;
    let asked = if data.starts_with(&feed::requestNewRoundCall::SELECTOR) {
        feeds.theirs.read(at, &feed::requesterAccessControllerCall {})
    } else if data.starts_with(&feed::setBillingCall::SELECTOR) || data.starts_with(&feed::withdrawFundsCall::SELECTOR)
    {
        feeds.theirs.read(at, &feed::billingAccessControllerCall {})
    } else {
        return None;
    };
    Controller::ALL.into_iter().find(|controller| feeds.surroundings.controller(*controller) == asked)
}

/// To the reference every answer but 0 says that tokens have moved; to ours only 1 does. So ours refuses, or carries exactly
/// what the reference pays.
fn took_two_for_a_failure(feeds: &Feeds<Ocr1>, ours: &Outcome, theirs: &Outcome) -> bool {
    let of_feed = |outcome: &Outcome| -> Vec<Log> {
        outcome.logs.iter().filter(|log| log.address == feeds.feed).cloned().collect()
    };
    let mut carried: Vec<_> = of_feed(ours)
        .iter()
        .filter_map(decoded::<feed::PaymentCarried>)
        .map(|event| (event.transmitter, event.amount))
        .collect();
    let mut paid: Vec<_> = of_feed(theirs)
        .iter()
        .filter_map(decoded::<feed::OraclePaid>)
        .map(|event| (event.transmitter, event.amount))
        .collect();
    carried.sort_unstable();
    paid.sort_unstable();
    let same_end = of_feed(ours).last() == of_feed(theirs).last();
    refused_with::<feed::TransferFailed>(ours, theirs) || (ours.ok && !paid.is_empty() && carried == paid && same_end)
}

/// What is wrong with a report that only the reference takes.
fn of_report(report: &[u8], n: usize, ours: &Outcome, theirs: &Outcome) -> Option<&'static str> {
    let word = |index: usize| report.get(32 * index..32 * index + 32).map(U256::from_be_slice);
    let malformed = refused_with::<feed::MalformedReport>(ours, theirs);
    let usual = U256::from(32 * Ocr1::COUNT_WORD);
    if word(OFFSET_WORD)? != usual {
        return malformed.then_some(ARRAY_ELSEWHERE);
    }
    let k = word(Ocr1::COUNT_WORD)?.to::<usize>();
    if report.len() > 32 * (Ocr1::COUNT_WORD + 1 + k) {
        return malformed.then_some(BYTES_BEHIND);
    }
    let observers = &report[32..32 + k];
    if observers.iter().any(|observer| (n..31).contains(&usize::from(*observer))) {
        return refused_with::<feed::UnknownObserver>(ours, theirs).then_some(NO_SEAT);
    }
    // Bits 191 to 255 of an int192 are alike.
    let wide = |value: U256| ![U256::ZERO, U256::MAX >> 191].contains(&(value >> 191));
    let some_is_wide = (0..k).any(|i| word(Ocr1::COUNT_WORD + 1 + i).is_some_and(wide));
    // In all their bits they may be out of order.
    let refused = malformed || refused_with::<feed::ObservationsNotSorted>(ours, theirs);
    (some_is_wide && refused).then_some(WIDE_OBSERVATION)
}

/// The validator that reads sees the latest round, which in ours is the one it is called for.
fn only_the_validator_sees_more(ours: &[Log], theirs: &[Log]) -> bool {
    let latest = |log: &Log| log.data.data.get(..32).map(U256::from_be_slice);
    ours.len() == theirs.len()
        && ours.iter().zip(theirs).all(|(our, their)| {
            let reads = our.address == Validator::Reads.address() && their.address == our.address;
            our == their || (reads && latest(our) == latest(their).map(|round| round + U256::ONE))
        })
}

/// The reference dismisses its oracles from the last to the first, and pays them so. A payment is what the token says, and
/// then the feed's event; the last event is the one of the new config.
fn paid_backwards(feeds: &Feeds<Ocr1>, logs: &[Log]) -> Vec<Log> {
    let is_payment = |log: &Log| log.address == feeds.feed && decoded::<feed::OraclePaid>(log).is_some();
    let mut payments: Vec<&[Log]> = logs.split_inclusive(is_payment).collect();
    let rest = payments.pop().unwrap_or_default();
    payments.reverse();
    [payments.concat(), rest.to_vec()].concat()
}

/// The reference looks up the debt by the seat, which a signer has too.
fn of_signers_payee(
    before: &mut Feeds<Ocr1>,
    transaction: &Transaction,
    signer: Address,
    theirs: &Outcome,
) -> Result<(), String> {
    let owed = before.theirs.read(before.feed, &feed::owedPaymentCall { transmitter: signer });
    let token = before.token();
    if theirs.ok {
        let paid = theirs.logs.iter().filter(|log| log.address == before.feed).find_map(decoded::<feed::OraclePaid>);
        let wanted = feed::OraclePaid { transmitter: signer, payee: transaction.from, amount: owed, linkToken: token };
        return if paid.as_ref() == Some(&wanted) { Ok(()) } else { Err(format!("{paid:?} instead of {wanted:?}")) };
    }
    let balance = link_token::balanceOfCall { owner: before.feed };
    let balance = if before.has_token() { before.theirs.read(token, &balance) } else { U256::ZERO };
    let unpayable = owed > balance || !before.which_token().behaves();
    if unpayable { Ok(()) } else { Err("the reference does not pay a signer's payee, though it could".into()) }
}

/// At a price of zero the reference leaves observations with their seats, whoever has them next, and with empty ones; ours
/// counts anew. They must be what they were, and unpaid; then the reference is made to count anew.
pub fn count_anew(feeds: &mut Feeds<Ocr1>, before: &mut Feeds<Ocr1>, tally: &mut Tally) -> Result<(), String> {
    let at = feeds.feed;
    let price = before.theirs.read(at, &feed::getBillingCall {}).linkGweiPerObservation;
    for seat in 0..31usize {
        let (slot, shift) = (U256::from(THEIR_COUNTS) + U256::from(seat / 16), 16 * (seat % 16));
        let mask = U256::from(u16::MAX) << shift;
        let (word, old) = (feeds.theirs.storage(at, slot), before.theirs.storage(at, slot));
        // It is kept with one more.
        if (word & mask) >> shift == U256::ONE {
            continue;
        }
        if price != 0 || word & mask != old & mask {
            return Err(format!("seat {seat} keeps observations at a price of {price}"));
        }
        tally.meet(FORMER_COUNTS);
        feeds.theirs.store(at, slot, (word & !mask) | (U256::ONE << shift));
    }
    Ok(())
}

/// Both cut addresses that are wider than their type, but the reference computes the digest before it cuts. Ours must be
/// the digest of what the event says; then the reference is given it.
pub fn digest_what_was_cut(
    feeds: &mut Feeds<Ocr1>,
    transaction: &Transaction,
    ours: &Outcome,
    tally: &mut Tally,
) -> Result<(), String> {
    let at = feeds.feed;
    let details = |chain: &mut Chain| chain.read(at, &feed::latestConfigDetailsCall {}).configDigest;
    let (our_digest, their_digest) = (details(&mut feeds.ours), details(&mut feeds.theirs));
    if our_digest == their_digest {
        return Ok(());
    }
    let event = ours.logs.last().and_then(decoded::<feed::ConfigSet>).ok_or("a config without its event")?;
    // Behind selector, five words of head, and the two counts of lists that follow each other.
    let lists = 5..7 + event.signers.len() + event.transmitters.len();
    let is_wide = |word: &[u8]| word[..12] != [0; 12];
    let wide = transaction.data[4..].chunks(32).enumerate().any(|(i, word)| lists.contains(&i) && is_wide(word));
    let said = (
        at,
        U256::from(event.configCount),
        event.signers,
        event.transmitters,
        U256::from(event.threshold),
        U256::from(event.encodedConfigVersion),
        event.encoded,
    );
    if !wide || our_digest != keccak256(said.abi_encode_params())[..16] {
        return Err(format!("the digests are {our_digest} and {their_digest}"));
    }
    tally.meet(DIGEST_OF_MORE);
    let slot = U256::from(THEIR_HOT);
    let rest = feeds.theirs.storage(at, slot) >> 128usize << 128usize;
    feeds.theirs.store(at, slot, rest | U256::from_be_slice(our_digest.as_slice()));
    Ok(())
}
