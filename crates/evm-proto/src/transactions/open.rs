//! Opening: from the queue into a slot.

use alloc::vec::Vec;
use alloy_primitives::{Address, Bytes, U256};
use machine::Time;

use super::{
    Ask, Estimate, Failure, Gas, Look, Out, Progress, Record, Refusal, Signed, Submission, SubmissionId, Transaction,
    Transactions, What,
    fees::Fees,
    slot::{Attempt, Slot},
};
use crate::limits;

impl Transactions {
    pub(super) fn open_next(&mut self, now: Time, address: Address, out: &mut Out) {
        loop {
            let config = &self.config;
            let sender = self.senders.get_mut(&address).expect("senders are never removed");
            if sender.opening.is_some() || sender.held {
                return;
            }
            let Some(market) = sender.market(now, config).cloned() else { return };
            // Before the bound on what is in flight: all of that waits for the gap.
            if let Some(nonce) = sender.gap.pop_front() {
                return self.open_no_op(now, address, nonce, &market, out);
            }
            if sender.slots.len() >= config.in_flight_max {
                return;
            }
            let Some(id) = sender.queue.front().copied() else { return };
            let submission = &self.live.get(&id).expect("what is queued is live").submission;
            if submission.expires.is_some_and(|expires| expires <= now.wall) {
                self.fail_unsent(address, id, Failure::Expired, out);
                continue;
            }
            if !config.senders.contains(&address) {
                self.fail_unsent(address, id, Failure::UnknownSender { sender: address }, out);
                continue;
            }
            let estimate = match submission.gas {
                Gas::Limit(limit) => return self.open(now, address, id, limit, &market, out),
                Gas::Estimate { .. } => {
                    let Submission { to, value, ref input, .. } = *submission;
                    Ask::Estimate { sender: address, to, value, input: input.clone() }
                }
            };
            sender.queue.pop_front();
            let ticket = self.ask(now, address, What::Estimate(id), estimate, out);
            self.sender(address).opening = Some(ticket);
            return;
        }
    }

    pub(super) fn on_estimate(
        &mut self,
        now: Time,
        address: Address,
        id: SubmissionId,
        estimate: Estimate,
        out: &mut Out,
    ) {
        let config = &self.config;
        let sender = self.senders.get_mut(&address).expect("senders are never removed");
        sender.opening = None;
        let Gas::Estimate { margin_percent, limit_max } = self.live[&id].submission.gas else {
            unreachable!("only asked for such")
        };
        let limit = match estimate {
            Estimate::Reverts(data) => {
                let data = data.slice(..data.len().min(limits::REVERT_MAX));
                return self.fail_unsent(address, id, Failure::WouldRevert { data }, out);
            }
            Estimate::Gas(gas) => {
                let with_margin = u128::from(gas) * (100 + u128::from(margin_percent)) / 100;
                u64::try_from(with_margin).unwrap_or(u64::MAX)
            }
        };
        if limit > limit_max {
            return self.fail_unsent(address, id, Failure::GasAboveLimit { gas: limit, limit_max }, out);
        }
        sender.queue.push_front(id);
        match sender.market(now, config).cloned() {
            Some(market) => self.open(now, address, id, limit, &market, out),
            None => sender.held = true,
        }
    }

    /// Takes the head of the queue out and asks for its first signature, if it can be paid for.
    fn open(&mut self, now: Time, address: Address, id: SubmissionId, gas_limit: u64, market: &Look, out: &mut Out) {
        let ours = self.sender(address).next;
        if self.sender(address).lacking(market) > 0 {
            self.sender(address).held = true;
            return;
        }
        let Some(fees) = self.config.fees.bid(market) else {
            let (base_fee, fee_cap_max) = (market.base_fee, self.config.fees.fee_cap_max);
            out.emit(Refusal::BaseFeeAboveMax { sender: address, base_fee, fee_cap_max });
            self.sender(address).held = true;
            return;
        };
        let Submission { to, value, ref input, .. } = self.live[&id].submission;
        let input = input.clone();
        let transaction = self.transaction(address, ours, fees, gas_limit, to, value, input);
        if !self.can_pay(&transaction, market, out) {
            self.sender(address).held = true;
            return;
        }
        let ask = Ask::Sign(transaction.clone());
        let ticket = self.ask(now, address, What::SignFirst(Some(id), transaction), ask, out);
        let sender = self.sender(address);
        sender.queue.pop_front();
        sender.opening = Some(ticket);
    }

    fn open_no_op(&mut self, now: Time, address: Address, nonce: u64, market: &Look, out: &mut Out) {
        let Some(fees) = self.config.fees.bid(market) else {
            let (base_fee, fee_cap_max) = (market.base_fee, self.config.fees.fee_cap_max);
            out.emit(Refusal::BaseFeeAboveMax { sender: address, base_fee, fee_cap_max });
            self.sender(address).held = true;
            return;
        };
        let transaction = self.transaction(address, nonce, fees, limits::NO_OP_GAS, address, U256::ZERO, Bytes::new());
        let ask = Ask::Sign(transaction.clone());
        let ticket = self.ask(now, address, What::SignFirst(None, transaction), ask, out);
        self.sender(address).opening = Some(ticket);
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of a transaction")]
    pub(super) fn transaction(
        &self,
        sender: Address,
        nonce: u64,
        fees: Fees,
        gas_limit: u64,
        to: Address,
        value: U256,
        input: Bytes,
    ) -> Transaction {
        let Fees { tip, cap: fee_cap } = fees;
        Transaction { chain_id: self.config.chain_id, sender, nonce, tip, fee_cap, gas_limit, to, value, input }
    }

    fn can_pay(&self, transaction: &Transaction, market: &Look, out: &mut Out) -> bool {
        let gas = U256::from(transaction.fee_cap) * U256::from(transaction.gas_limit);
        let wanted = gas.saturating_add(transaction.value);
        if market.balance < wanted {
            out.emit(Refusal::InsufficientFunds { sender: transaction.sender, balance: market.balance, wanted });
        }
        market.balance >= wanted
    }

    /// The nonce is given away here: recorded first, spoken after.
    pub(super) fn on_first_signed(
        &mut self,
        now: Time,
        address: Address,
        id: Option<SubmissionId>,
        transaction: Transaction,
        signed: Signed,
        out: &mut Out,
    ) {
        let nonce = transaction.nonce;
        let sender = self.senders.get_mut(&address).expect("senders are never removed");
        sender.opening = None;
        // While the signature was made, a look may have shown that the chain knows the nonce already.
        if sender.seen.as_ref().is_some_and(|seen| seen.look.nonce > nonce) {
            if let Some(id) = id {
                sender.queue.push_front(id);
            }
            return;
        }
        let slot = Slot {
            id,
            ending: None,
            attempts: Vec::from([attempt(&transaction, &signed, id.is_none())]),
            busy: None,
            mined: None,
            foreign_looks: 0,
            bid_at: sender.seen.as_ref().map(|seen| seen.look.head.number),
            too_low: false,
            resend_at: now.mono,
        };
        out.persist(Record::Slot { sender: address, nonce, slot: slot.stored() });
        if nonce >= sender.next {
            sender.next = nonce + 1;
            out.persist(Record::Next { sender: address, nonce: sender.next });
        }
        sender.slots.insert(nonce, slot);
        self.send(now, address, transaction, signed, id.is_none(), out);
    }

    /// Hands a recorded attempt to the endpoints.
    pub(super) fn send(
        &mut self,
        now: Time,
        address: Address,
        transaction: Transaction,
        signed: Signed,
        no_op: bool,
        out: &mut Out,
    ) {
        let Transaction { nonce, tip, fee_cap, .. } = transaction;
        let hash = signed.hash;
        let id = self.sender(address).slots[&nonce].id;
        out.emit(Progress::Sent { id, sender: address, nonce, hash, tip, fee_cap, no_op });
        let what = What::Broadcast { nonce, hash };
        let ticket = self.ask(now, address, what, Ask::Broadcast { transaction, signed }, out);
        self.sender(address).slots.get_mut(&nonce).expect("sent from a slot").busy = Some(ticket);
    }
}

pub(super) fn attempt(transaction: &Transaction, signed: &Signed, no_op: bool) -> Attempt {
    let fees = Fees { tip: transaction.tip, cap: transaction.fee_cap };
    Attempt { hash: signed.hash, fees, gas_limit: transaction.gas_limit, no_op, raw: Some(signed.raw.clone()) }
}
