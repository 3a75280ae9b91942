//! A slot, and what a look does to it: everything between a nonce's first use and its last.

use alloc::vec::Vec;
use alloy_primitives::{Address, B256, Bytes, U256};
use machine::{Mono, Ticket, Time};

use super::{
    Ask, Ending, Look, Out, Outcome, Output, Progress, Record, Refusal, Seen, Sender, Signed, StoredSlot, Submission,
    SubmissionId, Transaction, Transactions, Verdict, What, fees::Fees, open::attempt,
};
use crate::{chain::Receipt, limits};

/// A nonce in use: at least one attempt under it is recorded and may be in the world.
#[derive(Debug)]
pub(super) struct Slot {
    pub id: Option<SubmissionId>,
    pub ending: Option<Ending>,
    /// Never empty; the last bids the most.
    pub attempts: Vec<Attempt>,
    /// A signature or broadcast that is underway.
    pub busy: Option<Ticket>,
    pub mined: Option<Receipt>,
    pub foreign_looks: u32,
    /// The head at which the last bid was made; `None` before the first look after a recovery.
    pub bid_at: Option<u64>,
    /// An endpoint finds the bid too low: raise it at the next look.
    pub too_low: bool,
    pub resend_at: Mono,
}

/// A transaction that may be in the world.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Attempt {
    pub hash: B256,
    pub fees: Fees,
    pub gas_limit: u64,
    /// A transfer of nothing to oneself, not the payload.
    pub no_op: bool,
    /// Not recorded: signed again after a recovery.
    pub raw: Option<Bytes>,
}

impl Slot {
    pub fn last(&self) -> &Attempt {
        self.attempts.last().expect("a slot begins with an attempt")
    }

    pub fn stored(&self) -> StoredSlot {
        StoredSlot { id: self.id, ending: self.ending, attempts: self.attempts.clone() }
    }
}

impl Transactions {
    pub(super) fn on_look(&mut self, now: Time, address: Address, look: Look, out: &mut Out) {
        // Taken out and put back, so that asking and finishing can borrow the machine.
        let mut sender = core::mem::take(self.sender(address));
        sender.looking = None;
        sender.look_at = now.mono + self.config.poll_interval;
        let best = sender.seen.as_ref().map_or(0, |seen| seen.look.head.number);
        if look.head.number < best && sender.stale_looks < limits::STALE_LOOKS_MAX {
            sender.stale_looks += 1;
            out.emit(Refusal::StaleHead { sender: address, got: look.head, best });
        } else if look.nonce > limits::NONCE_MAX {
            out.emit(Refusal::NonceOutOfRange { sender: address, got: look.nonce });
        } else {
            sender.stale_looks = 0;
            sender.held = false;
            sender.learn_nonces(address, &look, out);
            let nonces: Vec<u64> = sender.slots.keys().copied().collect();
            let bump_below = (look.nonce..look.nonce + limits::BUMP_DEPTH).find(|nonce| !nonces.contains(nonce));
            let bump_below = bump_below.unwrap_or(look.nonce + limits::BUMP_DEPTH);
            for nonce in nonces {
                let slot = sender.slots.get_mut(&nonce).expect("closed one by one, below");
                match self.judge(now, address, nonce, slot, &look, bump_below, out) {
                    Fate::Open => {}
                    Fate::Included(receipt) => {
                        let slot = sender.slots.remove(&nonce).expect("just judged");
                        self.close(address, nonce, slot, Some(receipt), out);
                    }
                    Fate::Taken => {
                        let slot = sender.slots.remove(&nonce).expect("just judged");
                        out.emit(Progress::NonceTaken { id: slot.id, sender: address, nonce });
                        match (slot.id, slot.ending) {
                            (Some(id), None) => {
                                out.persist(Record::SlotClosed { sender: address, nonce });
                                self.forget_busy(&slot, out);
                                sender.queue.push_front(id);
                            }
                            (_, Some(_)) | (None, _) => self.close(address, nonce, slot, None, out),
                        }
                    }
                }
            }
            sender.find_gap(address, &look, out);
            sender.seen = Some(Seen { at: now.mono, look });
        }
        *self.sender(address) = sender;
    }

    /// What a look says about one slot; and does what must be done to one that stays open. Bids are raised only for nonces
    /// below `bump_below`: the others wait for a nonce before them, not for fees.
    #[expect(clippy::too_many_arguments, reason = "a slot and a look")]
    fn judge(
        &mut self,
        now: Time,
        address: Address,
        nonce: u64,
        slot: &mut Slot,
        look: &Look,
        bump_below: u64,
        out: &mut Out,
    ) -> Fate {
        let ours = |receipt: &&Receipt| slot.attempts.iter().any(|attempt| attempt.hash == receipt.transaction);
        if let Some(receipt) = look.receipts.iter().find(ours).copied() {
            slot.foreign_looks = 0;
            if slot.mined != Some(receipt) {
                slot.mined = Some(receipt);
                out.emit(Progress::Mined { id: slot.id, receipt });
            }
            let deep =
                look.head.number.saturating_add(1) >= receipt.block.number.saturating_add(self.config.confirmations);
            return if deep { Fate::Included(receipt) } else { Fate::Open };
        }
        if let Some(was) = slot.mined.take() {
            slot.resend_at = now.mono;
            out.emit(Progress::ReorgedOut { id: slot.id, was });
        }
        if look.nonce_confirmed > nonce {
            slot.foreign_looks += 1;
            return if slot.foreign_looks >= limits::FOREIGN_LOOKS { Fate::Taken } else { Fate::Open };
        }
        slot.foreign_looks = 0;
        // In a block that is not deep enough, as someone else's or with a receipt that lags: wait.
        if look.nonce <= nonce && slot.busy.is_none() {
            self.push(now, address, nonce, slot, look, nonce < bump_below, out);
        }
        Fate::Open
    }

    /// A slot that is in no block: end it, bid more, or hand it over again.
    #[expect(clippy::too_many_arguments, reason = "a slot and a look")]
    fn push(
        &mut self,
        now: Time,
        address: Address,
        nonce: u64,
        slot: &mut Slot,
        look: &Look,
        first: bool,
        out: &mut Out,
    ) {
        let submission = slot.id.map(|id| &self.live.get(&id).expect("an open slot's submission is live").submission);
        let expired = submission.and_then(|s| s.expires).is_some_and(|expires| expires <= now.wall);
        if expired && slot.ending.is_none() {
            slot.ending = Some(Ending::Expired);
            out.persist(Record::Slot { sender: address, nonce, slot: slot.stored() });
        }
        let bid_at = *slot.bid_at.get_or_insert(look.head.number);
        let waited = look.head.number.saturating_sub(bid_at) >= self.config.fees.bump_after_blocks;
        let last = slot.last();
        let to_end = slot.ending.is_some() && !last.no_op;
        if to_end || slot.too_low || (waited && first) {
            slot.bid_at = Some(look.head.number);
            slot.too_low = false;
            if slot.attempts.len() >= limits::ATTEMPTS_MAX {
                out.emit(Refusal::AttemptsExhausted { sender: address, nonce });
            } else if let Some(fees) = self.config.fees.bump(slot.last().fees, look) {
                let no_op = to_end || slot.last().no_op;
                let gas_limit = slot.last().gas_limit;
                return self.sign_again(now, address, nonce, slot, fees, gas_limit, no_op, out);
            } else {
                out.emit(Refusal::FeeMaxReached { sender: address, nonce });
            }
        }
        if slot.resend_at <= now.mono {
            let Attempt { fees, gas_limit, no_op, .. } = *slot.last();
            self.sign_again(now, address, nonce, slot, fees, gas_limit, no_op, out);
        }
    }

    /// Asks for the signature of a further attempt, or of the last one again; broadcasts at once what is signed already.
    #[expect(clippy::too_many_arguments, reason = "a slot and a bid")]
    fn sign_again(
        &mut self,
        now: Time,
        address: Address,
        nonce: u64,
        slot: &mut Slot,
        fees: Fees,
        gas_limit: u64,
        no_op: bool,
        out: &mut Out,
    ) {
        let transaction = match slot.id {
            Some(id) if !no_op => {
                let Submission { to, value, ref input, .. } = self.live[&id].submission;
                let input = input.clone();
                self.transaction(address, nonce, fees, gas_limit, to, value, input)
            }
            Some(_) | None => {
                self.transaction(address, nonce, fees, limits::NO_OP_GAS, address, U256::ZERO, Bytes::new())
            }
        };
        let last = slot.last();
        let (what, ask) = match &last.raw {
            Some(raw) if last.fees == fees && last.no_op == no_op => {
                let signed = Signed { hash: last.hash, raw: raw.clone() };
                (What::Broadcast { nonce, hash: last.hash }, Ask::Broadcast { transaction, signed })
            }
            Some(_) | None => (What::SignAgain { transaction: transaction.clone(), no_op }, Ask::Sign(transaction)),
        };
        slot.busy = Some(self.ask(now, address, what, ask, out));
    }

    pub(super) fn on_signed_again(
        &mut self,
        now: Time,
        address: Address,
        transaction: Transaction,
        signed: Signed,
        no_op: bool,
        out: &mut Out,
    ) {
        let nonce = transaction.nonce;
        let Some(slot) = self.sender(address).slots.get_mut(&nonce) else { return };
        slot.busy = None;
        if let Some(known) = slot.attempts.iter_mut().find(|attempt| attempt.hash == signed.hash) {
            // The same signature again, after a recovery: recorded already.
            known.raw = Some(signed.raw.clone());
        } else if slot.attempts.len() < limits::ATTEMPTS_MAX {
            slot.attempts.push(attempt(&transaction, &signed, no_op));
            let slot = slot.stored();
            out.persist(Record::Slot { sender: address, nonce, slot });
        } else {
            return out.emit(Refusal::AttemptsExhausted { sender: address, nonce });
        }
        self.send(now, address, transaction, signed, no_op, out);
    }

    #[expect(clippy::too_many_arguments, reason = "the broadcast and its verdict")]
    pub(super) fn on_verdict(
        &mut self,
        now: Time,
        address: Address,
        nonce: u64,
        hash: B256,
        ticket: Ticket,
        verdict: Verdict,
        out: &mut Out,
    ) {
        self.idle(address, nonce, ticket, now.mono + self.config.resend_after);
        let sender = self.sender(address);
        let Some(slot) = sender.slots.get_mut(&nonce) else { return };
        match verdict {
            Verdict::Accepted | Verdict::AlreadyKnown => return,
            // In a block already; the look tells whose.
            Verdict::NonceTooLow => sender.look_at = now.mono,
            // Those before it go out again at the next look, and this one after them.
            Verdict::NonceTooHigh => {
                sender.slots.range_mut(..=nonce).for_each(|(_, slot)| slot.resend_at = now.mono);
            }
            Verdict::ReplacementUnderpriced | Verdict::Underpriced => slot.too_low = true,
            Verdict::InsufficientFunds => {}
            // With earlier attempts in the pools this one is merely not better than they. If it is the first, no
            // endpoint will ever take it, but the nonce is spoken for: end it with a transfer of nothing.
            Verdict::FeesAboveCap | Verdict::GasLimitOutOfRange | Verdict::Refused => {
                if slot.attempts.len() == 1 && slot.id.is_some() && slot.ending.is_none() {
                    slot.ending = Some(Ending::Rejected(verdict));
                    let slot = slot.stored();
                    out.persist(Record::Slot { sender: address, nonce, slot });
                }
            }
        }
        out.emit(Refusal::NotTaken { sender: address, nonce, hash, verdict });
    }

    fn forget_busy(&mut self, slot: &Slot, out: &mut Out) {
        if let Some(ticket) = slot.busy {
            self.asked.remove(&ticket);
            out.forget(ticket);
        }
    }

    /// The nonce is used up for good: by an attempt of ours if there is a receipt.
    fn close(&mut self, sender: Address, nonce: u64, slot: Slot, receipt: Option<Receipt>, out: &mut Out) {
        self.forget_busy(&slot, out);
        let payload = receipt.filter(|receipt| {
            slot.attempts.iter().any(|attempt| attempt.hash == receipt.transaction && !attempt.no_op)
        });
        if let Some(id) = slot.id {
            let outcome = match (payload, slot.ending) {
                (Some(receipt), _) => Outcome::Included { sender, nonce, receipt },
                (None, Some(why)) => Outcome::Replaced { sender, nonce, why, by: receipt },
                (None, None) => unreachable!("a no-op is sent only when the slot is ending"),
            };
            self.finish(id, outcome, out);
        }
        // After the outcome: a crash in between must not find a submission with neither, and send it again.
        out.persist(Record::SlotClosed { sender, nonce });
    }

    pub(super) fn finish(&mut self, id: SubmissionId, outcome: Outcome, out: &mut Out) {
        self.live.remove(&id);
        let order = self.next_order();
        out.persist(Record::Finished { id, order, outcome: outcome.clone() });
        self.finished.insert(id, (order, outcome.clone()));
        if self.finished.len() > limits::FINISHED_MAX {
            let oldest = self.finished.iter().min_by_key(|(_, (order, _))| *order).map(|(id, _)| *id);
            let oldest = oldest.expect("more than the bound is not none");
            self.finished.remove(&oldest);
            out.persist(Record::Forgotten { id: oldest });
        }
        out.emit(Output::Outcome { id, outcome });
    }
}

/// What a look means for a slot.
enum Fate {
    Open,
    /// One of its attempts is in the chain for good.
    Included(Receipt),
    /// Something that is none of its attempts is.
    Taken,
}

impl Sender {
    fn learn_nonces(&mut self, address: Address, look: &Look, out: &mut Out) {
        if look.nonce > self.next {
            // What a new machine finds is the account's past, not another user.
            if self.seen.is_some() || self.next > 0 {
                out.emit(Progress::ForeignUse { sender: address, ours: self.next, chain: look.nonce });
            }
            self.next = look.nonce;
        }
        if self.slots.is_empty() && self.opening.is_none() {
            // What waits in a pool and is none of ours will take these nonces. Bounded, because the pool is hearsay.
            self.next = self.next.max(look.nonce_pending.min(look.nonce + limits::GAP_MAX));
        }
    }

    /// How many nonces below `next` are neither in the chain, nor in a pool, nor in a slot.
    pub(super) fn lacking(&self, look: &Look) -> u64 {
        let known = look.nonce.max(look.nonce_pending);
        self.next.saturating_sub(known) - self.slots.range(known..).count() as u64
    }

    fn find_gap(&mut self, address: Address, look: &Look, out: &mut Out) {
        let known = look.nonce.max(look.nonce_pending);
        self.gap.clear();
        let lacking = self.lacking(look);
        if lacking > limits::GAP_MAX {
            out.emit(Refusal::NonceAhead { sender: address, ours: self.next, chain: look.nonce });
        }
        if lacking == 0 || lacking > limits::GAP_MAX {
            self.gap_looks = 0;
            return;
        }
        self.gap_looks += 1;
        if self.gap_looks >= limits::GAP_LOOKS {
            self.gap = (known..self.next).filter(|nonce| !self.slots.contains_key(nonce)).collect();
            if let (Some(from), Some(to)) = (self.gap.front(), self.gap.back()) {
                out.emit(Progress::GapFilled { sender: address, from: *from, to: *to });
            }
        }
    }
}
