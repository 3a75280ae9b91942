//! What survives a crash.

use alloc::vec::Vec;
use alloy_primitives::{Address, B256, Bytes, U256};
use machine::{CorruptRecord, RecordReader, Wall, write_sized};

use super::{
    fees::Fees,
    outputs::{Ending, Failure, Outcome},
    slot::Attempt,
    words::{Gas, Submission, SubmissionId, Verdict},
};
use crate::{
    chain::{Block, Receipt},
    limits::ATTEMPTS_MAX,
};

/// One stored fact of the machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Record {
    /// The lowest nonce of the sender that was never in a transaction that left us.
    Next { sender: Address, nonce: u64 },
    /// A nonce that is spoken for, with every transaction that may be in the world under it.
    Slot { sender: Address, nonce: u64, slot: StoredSlot },
    /// The nonce is used up in the chain.
    SlotClosed { sender: Address, nonce: u64 },
    /// A submission without outcome. `order` is ascending in the order of arrival.
    Queued { id: SubmissionId, order: u64, sender: Address, submission: Submission },
    /// A submission with its outcome. `order` is ascending in the order of ending.
    Finished { id: SubmissionId, order: u64, outcome: Outcome },
    /// An outcome so old that nobody asks for it.
    Forgotten { id: SubmissionId },
}

/// A nonce in use.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredSlot {
    /// Whose nonce; `None`: it only fills a gap.
    pub(super) id: Option<SubmissionId>,
    pub(super) ending: Option<Ending>,
    pub(super) attempts: Vec<Attempt>,
}

/// Names a record.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Key {
    Next(Address),
    Slot(Address, u64),
    Submission(SubmissionId),
}

// The first byte of a key, and of a record's kind within its key.
const NEXT: u8 = 0;
const SLOT: u8 = 1;
const SUBMISSION: u8 = 2;
const LIVE: u8 = 0;
const FINISHED: u8 = 1;
const ERASED: u8 = 2;

impl machine::Record for Record {
    type Key = Key;

    fn key(&self) -> Key {
        match self {
            Record::Next { sender, .. } => Key::Next(*sender),
            Record::Slot { sender, nonce, .. } | Record::SlotClosed { sender, nonce } => Key::Slot(*sender, *nonce),
            Record::Queued { id, .. } | Record::Finished { id, .. } | Record::Forgotten { id } => Key::Submission(*id),
        }
    }

    fn erases(&self) -> bool {
        match self {
            Record::SlotClosed { .. } | Record::Forgotten { .. } => true,
            Record::Next { .. } | Record::Slot { .. } | Record::Queued { .. } | Record::Finished { .. } => false,
        }
    }

    fn encode_key(key: &Key, out: &mut Vec<u8>) {
        match key {
            Key::Next(sender) => {
                out.push(NEXT);
                out.extend_from_slice(sender.as_slice());
            }
            Key::Slot(sender, nonce) => {
                out.push(SLOT);
                out.extend_from_slice(sender.as_slice());
                out.extend_from_slice(&nonce.to_be_bytes());
            }
            Key::Submission(id) => {
                out.push(SUBMISSION);
                out.extend_from_slice(&id.0);
            }
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        Self::encode_key(&self.key(), out);
        match self {
            Record::Next { sender: _, nonce } => out.extend_from_slice(&nonce.to_be_bytes()),
            Record::Slot { sender: _, nonce: _, slot } => {
                out.push(LIVE);
                write_option(out, slot.id.as_ref(), |out, id| out.extend_from_slice(&id.0));
                write_option(out, slot.ending.as_ref(), |out, ending| write_ending(out, *ending));
                out.push(u8::try_from(slot.attempts.len()).expect("attempts are few"));
                slot.attempts.iter().for_each(|attempt| write_attempt(out, attempt));
            }
            Record::SlotClosed { .. } | Record::Forgotten { .. } => out.push(ERASED),
            Record::Queued { id: _, order, sender, submission } => {
                out.push(LIVE);
                out.extend_from_slice(&order.to_be_bytes());
                out.extend_from_slice(sender.as_slice());
                write_submission(out, submission);
            }
            Record::Finished { id: _, order, outcome } => {
                out.push(FINISHED);
                out.extend_from_slice(&order.to_be_bytes());
                write_outcome(out, outcome);
            }
        }
    }

    fn decode(bytes: &[u8]) -> Result<Self, CorruptRecord> {
        let mut reader = RecordReader::new(bytes);
        let r = &mut reader;
        let record = match r.u8("a kind of record")? {
            NEXT => Record::Next { sender: read_address(r)?, nonce: r.u64("a nonce")? },
            SLOT => {
                let (sender, nonce) = (read_address(r)?, r.u64("a nonce")?);
                match r.u8("a state of a nonce")? {
                    LIVE => {
                        let id = read_option(r, read_id)?;
                        let ending = read_option(r, read_ending)?;
                        let count = usize::from(r.u8("a count of attempts")?);
                        if count == 0 || count > ATTEMPTS_MAX {
                            return Err(r.corrupt("a possible count of attempts"));
                        }
                        let attempts = (0..count).map(|_| read_attempt(r)).collect::<Result<_, _>>()?;
                        Record::Slot { sender, nonce, slot: StoredSlot { id, ending, attempts } }
                    }
                    ERASED => Record::SlotClosed { sender, nonce },
                    _ => return Err(r.corrupt("a state of a nonce")),
                }
            }
            SUBMISSION => {
                let id = read_id(r)?;
                match r.u8("a state of a submission")? {
                    LIVE => Record::Queued {
                        id,
                        order: r.u64("an order of arrival")?,
                        sender: read_address(r)?,
                        submission: read_submission(r)?,
                    },
                    FINISHED => Record::Finished { id, order: r.u64("an order of ending")?, outcome: read_outcome(r)? },
                    ERASED => Record::Forgotten { id },
                    _ => return Err(r.corrupt("a state of a submission")),
                }
            }
            _ => return Err(r.corrupt("a kind of record")),
        };
        r.end()?;
        Ok(record)
    }
}

fn write_option<T>(out: &mut Vec<u8>, value: Option<&T>, write: impl Fn(&mut Vec<u8>, &T)) {
    out.push(u8::from(value.is_some()));
    if let Some(value) = value {
        write(out, value);
    }
}

type Read<'a, T> = fn(&mut RecordReader<'a>) -> Result<T, CorruptRecord>;

fn read_option<'a, T>(r: &mut RecordReader<'a>, read: Read<'a, T>) -> Result<Option<T>, CorruptRecord> {
    if read_bool(r)? { read(r).map(Some) } else { Ok(None) }
}

fn read_bool(r: &mut RecordReader<'_>) -> Result<bool, CorruptRecord> {
    match r.u8("yes or no")? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(r.corrupt("yes or no")),
    }
}

fn read_address(r: &mut RecordReader<'_>) -> Result<Address, CorruptRecord> {
    r.array("an address").map(Address::new)
}

fn read_id(r: &mut RecordReader<'_>) -> Result<SubmissionId, CorruptRecord> {
    r.array("a submission's id").map(SubmissionId)
}

fn read_u128(r: &mut RecordReader<'_>) -> Result<u128, CorruptRecord> {
    r.array("an amount").map(u128::from_be_bytes)
}

fn write_attempt(out: &mut Vec<u8>, attempt: &Attempt) {
    let Attempt { hash, fees, gas_limit, no_op, raw: _ } = attempt;
    out.extend_from_slice(hash.as_slice());
    out.extend_from_slice(&fees.tip.to_be_bytes());
    out.extend_from_slice(&fees.cap.to_be_bytes());
    out.extend_from_slice(&gas_limit.to_be_bytes());
    out.push(u8::from(*no_op));
}

fn read_attempt(r: &mut RecordReader<'_>) -> Result<Attempt, CorruptRecord> {
    Ok(Attempt {
        hash: r.array("a transaction's hash").map(B256::new)?,
        fees: Fees { tip: read_u128(r)?, cap: read_u128(r)? },
        gas_limit: r.u64("a gas limit")?,
        no_op: read_bool(r)?,
        raw: None,
    })
}

fn write_submission(out: &mut Vec<u8>, submission: &Submission) {
    let Submission { from, to, value, input, gas, expires } = submission;
    write_option(out, from.as_ref(), |out, from| out.extend_from_slice(from.as_slice()));
    out.extend_from_slice(to.as_slice());
    out.extend_from_slice(&value.to_be_bytes::<32>());
    write_sized(out, input);
    match gas {
        Gas::Limit(limit) => {
            out.push(0);
            out.extend_from_slice(&limit.to_be_bytes());
        }
        Gas::Estimate { margin_percent, limit_max } => {
            out.push(1);
            out.extend_from_slice(&margin_percent.to_be_bytes());
            out.extend_from_slice(&limit_max.to_be_bytes());
        }
    }
    write_option(out, expires.as_ref(), |out, expires| out.extend_from_slice(&expires.0.to_be_bytes()));
}

fn read_submission(r: &mut RecordReader<'_>) -> Result<Submission, CorruptRecord> {
    Ok(Submission {
        from: read_option(r, read_address)?,
        to: read_address(r)?,
        value: r.array("an amount").map(U256::from_be_bytes::<32>)?,
        input: Bytes::copy_from_slice(r.sized("a call's input")?),
        gas: match r.u8("a gas policy")? {
            0 => Gas::Limit(r.u64("a gas limit")?),
            1 => Gas::Estimate { margin_percent: r.u32("a margin")?, limit_max: r.u64("a gas limit")? },
            _ => return Err(r.corrupt("a gas policy")),
        },
        expires: read_option(r, |r| r.u64("a time").map(Wall))?,
    })
}

fn write_outcome(out: &mut Vec<u8>, outcome: &Outcome) {
    match outcome {
        Outcome::Included { sender, nonce, receipt } => {
            out.push(0);
            out.extend_from_slice(sender.as_slice());
            out.extend_from_slice(&nonce.to_be_bytes());
            write_receipt(out, receipt);
        }
        Outcome::Replaced { sender, nonce, why, by } => {
            out.push(1);
            out.extend_from_slice(sender.as_slice());
            out.extend_from_slice(&nonce.to_be_bytes());
            write_ending(out, *why);
            write_option(out, by.as_ref(), write_receipt);
        }
        Outcome::Failed(failure) => {
            out.push(2);
            write_failure(out, failure);
        }
    }
}

fn read_outcome(r: &mut RecordReader<'_>) -> Result<Outcome, CorruptRecord> {
    Ok(match r.u8("an outcome")? {
        0 => Outcome::Included { sender: read_address(r)?, nonce: r.u64("a nonce")?, receipt: read_receipt(r)? },
        1 => Outcome::Replaced {
            sender: read_address(r)?,
            nonce: r.u64("a nonce")?,
            why: read_ending(r)?,
            by: read_option(r, read_receipt)?,
        },
        2 => Outcome::Failed(read_failure(r)?),
        _ => return Err(r.corrupt("an outcome")),
    })
}

fn write_receipt(out: &mut Vec<u8>, receipt: &Receipt) {
    let Receipt { transaction, block, gas_used, gas_price, success } = receipt;
    out.extend_from_slice(transaction.as_slice());
    out.extend_from_slice(&block.number.to_be_bytes());
    out.extend_from_slice(block.hash.as_slice());
    out.extend_from_slice(&gas_used.to_be_bytes());
    out.extend_from_slice(&gas_price.to_be_bytes());
    out.push(u8::from(*success));
}

fn read_receipt(r: &mut RecordReader<'_>) -> Result<Receipt, CorruptRecord> {
    Ok(Receipt {
        transaction: r.array("a transaction's hash").map(B256::new)?,
        block: Block { number: r.u64("a block's number")?, hash: r.array("a block's hash").map(B256::new)? },
        gas_used: r.u64("an amount of gas")?,
        gas_price: read_u128(r)?,
        success: read_bool(r)?,
    })
}

fn write_ending(out: &mut Vec<u8>, ending: Ending) {
    match ending {
        Ending::Abandoned => out.push(0),
        Ending::Expired => out.push(1),
        Ending::Rejected(verdict) => out.extend_from_slice(&[2, verdict as u8]),
    }
}

fn read_ending(r: &mut RecordReader<'_>) -> Result<Ending, CorruptRecord> {
    Ok(match r.u8("an ending")? {
        0 => Ending::Abandoned,
        1 => Ending::Expired,
        2 => {
            let byte = r.u8("a verdict")?;
            let verdict = VERDICTS.into_iter().find(|verdict| *verdict as u8 == byte);
            Ending::Rejected(verdict.ok_or(r.corrupt("a verdict"))?)
        }
        _ => return Err(r.corrupt("an ending")),
    })
}

const VERDICTS: [Verdict; 10] = [
    Verdict::Accepted,
    Verdict::AlreadyKnown,
    Verdict::NonceTooLow,
    Verdict::NonceTooHigh,
    Verdict::ReplacementUnderpriced,
    Verdict::Underpriced,
    Verdict::InsufficientFunds,
    Verdict::FeesAboveCap,
    Verdict::GasLimitOutOfRange,
    Verdict::Refused,
];

fn write_failure(out: &mut Vec<u8>, failure: &Failure) {
    match failure {
        Failure::Abandoned => out.push(0),
        Failure::Expired => out.push(1),
        Failure::QueueFull => out.push(2),
        Failure::InputTooLong { got } => {
            out.push(3);
            out.extend_from_slice(&(*got as u64).to_be_bytes());
        }
        Failure::UnknownSender { sender } => {
            out.push(4);
            out.extend_from_slice(sender.as_slice());
        }
        Failure::WouldRevert { data } => {
            out.push(5);
            write_sized(out, data);
        }
        Failure::GasAboveLimit { gas, limit_max } => {
            out.push(6);
            out.extend_from_slice(&gas.to_be_bytes());
            out.extend_from_slice(&limit_max.to_be_bytes());
        }
    }
}

fn read_failure(r: &mut RecordReader<'_>) -> Result<Failure, CorruptRecord> {
    Ok(match r.u8("a failure")? {
        0 => Failure::Abandoned,
        1 => Failure::Expired,
        2 => Failure::QueueFull,
        3 => Failure::InputTooLong { got: usize::try_from(r.u64("a length")?).map_err(|_| r.corrupt("a length"))? },
        4 => Failure::UnknownSender { sender: read_address(r)? },
        5 => Failure::WouldRevert { data: Bytes::copy_from_slice(r.sized("what a revert returns")?) },
        6 => Failure::GasAboveLimit { gas: r.u64("an amount of gas")?, limit_max: r.u64("a gas limit")? },
        _ => return Err(r.corrupt("a failure")),
    })
}
