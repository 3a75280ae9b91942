//! The chain as a value: what it takes, makes, remembers and undoes.

mod world;

use alloy_consensus::{SignableTransaction, TxEip1559, TxEip2930, TxEnvelope, TxLegacy, proofs};
use alloy_eips::{eip2718::Encodable2718, eip2930::AccessListItem};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, keccak256};
use devchain::{
    At, Call, CallError, Chain, Config, EstimateError, Event, Halt, LogFilter, Outcome, Override, Recover, Rejected,
};
use proptest::prelude::*;
use world::{ALICE, BOB, ETHER, GWEI, RECOVER, REVERT, STORE, config, deploy, mine, payment, transaction, words};

fn chain() -> Chain {
    Chain::new(config())
}

/// Writes a slot of a [`STORE`] contract.
fn write(chain: &mut Chain, contract: Address, slot: u64, value: u64) -> B256 {
    let nonce = chain.pending_nonce(&ALICE);
    chain
        .submit_from(ALICE, transaction(nonce, TxKind::Call(contract), words([slot, value])).into())
        .expect("a valid transaction")
}

fn slot(chain: &Chain, contract: Address, slot: u64, height: u64) -> u64 {
    chain.storage(&contract, U256::from(slot), height).to()
}

#[test]
fn the_same_calls_make_the_same_hashes() {
    let story = || {
        let mut chain = chain();
        let store = deploy(&mut chain, STORE);
        write(&mut chain, store, 1, 10);
        chain.submit_from(BOB, payment(0, ALICE, 5)).unwrap();
        mine(&mut chain);
        chain.reorg(1).unwrap();
        chain.mine(77).unwrap();
        (0..=chain.height()).map(|number| chain.block(number).unwrap().hash).collect::<Vec<_>>()
    };
    assert_eq!(story(), story());
    assert_eq!(story().len(), 3);
}

#[test]
fn a_block_hash_is_the_hash_of_its_header_and_its_roots_are_those_of_its_contents() {
    let mut chain = chain();
    let store = deploy(&mut chain, STORE);
    write(&mut chain, store, 1, 10);
    chain.submit_from(BOB, payment(0, ALICE, 5)).unwrap();
    let block = mine(&mut chain);
    assert_eq!(block.hash, block.header.hash_slow());
    assert_eq!(block.header.parent_hash, chain.block(1).unwrap().hash);
    let envelopes: Vec<TxEnvelope> =
        block.transactions.iter().map(|transaction| transaction.envelope.clone()).collect();
    assert_eq!(envelopes.len(), 2);
    assert_eq!(block.header.transactions_root, proofs::calculate_transaction_root(&envelopes));
    let receipts: Vec<_> = block
        .transactions
        .iter()
        .zip(&block.receipts)
        .map(|(transaction, receipt)| receipt.envelope(transaction.kind(), receipt.logs.clone()))
        .collect();
    assert_eq!(block.header.receipts_root, proofs::calculate_receipt_root(&receipts));
    assert_eq!(block.header.gas_used, block.receipts[1].cumulative_gas_used);
    assert_eq!(block.header.logs_bloom, block.receipts[0].bloom | block.receipts[1].bloom);
}

#[test]
fn the_state_root_is_that_of_all_accounts() {
    let mut chain = chain();
    let store = deploy(&mut chain, STORE);
    write(&mut chain, store, 1, 10);
    mine(&mut chain);
    let storage_root = proofs::storage_root_unhashed([(B256::with_last_byte(1), U256::from(10))]);
    let accounts = [ALICE, BOB, store, chain.config().beneficiary].map(|address| {
        let code = chain.code(&address, 2);
        let account = alloy_consensus::TrieAccount {
            nonce: chain.nonce(&address, 2),
            balance: chain.balance(&address, 2),
            storage_root: if code.is_empty() { alloy_consensus::EMPTY_ROOT_HASH } else { storage_root },
            code_hash: keccak256(code),
        };
        (address, account)
    });
    assert_eq!(chain.head().header.state_root, proofs::state_root_unhashed(accounts));
}

#[test]
fn money_is_kept_but_for_the_burned_base_fee() {
    let mut chain = chain();
    chain.submit_from(ALICE, payment(0, BOB, 7)).unwrap();
    let block = mine(&mut chain);
    let tip = U256::from(21_000 * GWEI);
    let burned = U256::from(21_000u128 * u128::from(block.base_fee()));
    let start = U256::from(1_000 * ETHER);
    assert_eq!(chain.balance(&BOB, 1), start + U256::from(7));
    assert_eq!(chain.balance(&block.header.beneficiary, 1), tip);
    assert_eq!(chain.balance(&ALICE, 1), start - U256::from(7) - tip - burned);
    assert_eq!(block.receipts[0].effective_gas_price, u128::from(block.base_fee()) + GWEI);
}

#[test]
fn every_height_keeps_its_state() {
    let mut chain = chain();
    let store = deploy(&mut chain, STORE);
    for value in [10, 20, 0, 30] {
        write(&mut chain, store, 1, value);
        mine(&mut chain);
    }
    let seen: Vec<u64> = (0..=5).map(|height| slot(&chain, store, 1, height)).collect();
    assert_eq!(seen, [0, 0, 10, 20, 0, 30]);
    let called: Vec<Bytes> = (1..=5)
        .map(|height| match chain.call(&Call::read(store, words([1])), At::Block(height)).unwrap() {
            Outcome::Returned { output, .. } => output,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(called, [0, 10, 20, 0, 30].map(|value| words([value])));
    assert_eq!((0..=5).map(|height| chain.nonce(&ALICE, height)).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
    assert!(chain.code(&store, 0).is_empty());
    assert_eq!(chain.nonce(&store, 1), 1);
}

#[test]
fn a_reorg_undoes_state_and_brings_the_transactions_back_in_their_order() {
    let mut chain = chain();
    let store = deploy(&mut chain, STORE);
    let before = chain.head().clone();
    let first = write(&mut chain, store, 1, 10);
    mine(&mut chain);
    let second = write(&mut chain, store, 1, 20);
    let old = mine(&mut chain);
    let dropped = chain.reorg(2).unwrap();
    assert_eq!(dropped.iter().map(|block| block.number()).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(chain.head().hash, before.hash);
    assert_eq!(slot(&chain, store, 1, 3), 0);
    assert!(chain.block_by_hash(&old.hash).is_none() && chain.find(&first).is_none());
    assert_eq!(chain.pool().map(|transaction| transaction.hash).collect::<Vec<_>>(), [first, second]);
    assert_eq!((chain.nonce(&ALICE, 9), chain.pending_nonce(&ALICE)), (1, 3));

    let both = mine(&mut chain);
    assert_eq!(both.transactions.iter().map(|transaction| transaction.hash).collect::<Vec<_>>(), [first, second]);
    assert_eq!(slot(&chain, store, 1, 2), 20);
    assert_ne!(mine(&mut chain).hash, old.hash);
    chain.reorg(2).unwrap();
    let empty = chain.mine_where(99, |_| false).unwrap();
    assert_eq!(empty.header.state_root, before.header.state_root);
    assert_eq!(chain.reorg(5).unwrap_err().to_string(), "cannot take back 5 blocks of a chain of height 2");
    assert!(chain.reorg(0).unwrap().is_empty());
}

#[test]
fn a_reorganised_block_never_has_its_old_hash_again() {
    let mut chain = chain();
    let old = mine(&mut chain);
    chain.reorg(1).unwrap();
    let new = chain.mine(old.timestamp()).unwrap();
    assert_ne!(old.hash, new.hash);
}

#[test]
fn a_transaction_kept_out_holds_back_those_after_it() {
    let mut chain = chain();
    let kept_out = chain.submit_from(ALICE, payment(0, BOB, 1)).unwrap();
    chain.submit_from(ALICE, payment(1, BOB, 1)).unwrap();
    let of_bob = chain.submit_from(BOB, payment(0, ALICE, 1)).unwrap();
    let block = chain.mine_where(1, |transaction| transaction.hash != kept_out).unwrap();
    assert_eq!(block.transactions.iter().map(|transaction| transaction.hash).collect::<Vec<_>>(), [of_bob]);
    assert_eq!((chain.pool_len(), chain.pending_nonce(&ALICE)), (2, 2));
    assert_eq!(chain.forget(&kept_out).unwrap().hash, kept_out);
    assert_eq!(chain.pending_nonce(&ALICE), 0);
    assert!(mine(&mut chain).transactions.is_empty(), "nonce 1 waits for nonce 0");
}

#[test]
fn better_tips_go_first_and_equal_ones_as_they_came() {
    let mut chain = chain();
    let tipped =
        |nonce, tip: u128| TxEip1559 { max_priority_fee_per_gas: tip, ..transaction(nonce, TxKind::Call(BOB), []) };
    let low = chain.submit_from(ALICE, tipped(0, GWEI).into()).unwrap();
    let high_but_later = chain.submit_from(ALICE, tipped(1, 9 * GWEI).into()).unwrap();
    let middle = chain.submit_from(BOB, tipped(0, 2 * GWEI).into()).unwrap();
    let equal = chain.submit_from(BOB, tipped(1, GWEI).into()).unwrap();
    let block = mine(&mut chain);
    let order: Vec<B256> = block.transactions.iter().map(|transaction| transaction.hash).collect();
    assert_eq!(order, [middle, low, high_but_later, equal]);
}

#[test]
fn a_replacement_must_offer_ten_per_cent_more_in_both_fields() {
    let mut chain = chain();
    let priced = |fee, tip, value| TxEip1559 {
        max_fee_per_gas: fee,
        max_priority_fee_per_gas: tip,
        value: U256::from(value),
        ..transaction(0, TxKind::Call(BOB), [])
    };
    let old = chain.submit_from(ALICE, priced(1_000 * GWEI, 100, 1).into()).unwrap();
    for (fee, tip) in [(1_100 * GWEI, 109), (1_100 * GWEI - 1, 110), (1_000 * GWEI, 110), (1_100 * GWEI, 100)] {
        let refused = chain.submit_from(ALICE, priced(fee, tip, 2).into()).unwrap_err();
        assert_eq!(refused, Rejected::ReplacementUnderpriced);
    }
    assert_eq!(Rejected::ReplacementUnderpriced.to_string(), "replacement transaction underpriced");
    let new = chain.submit_from(ALICE, priced(1_100 * GWEI, 110, 2).into()).unwrap();
    assert!(chain.waiting(&old).is_none());
    assert_eq!((chain.pool_len(), mine(&mut chain).transactions[0].hash), (1, new));
    assert_eq!(chain.pool_len(), 0);
}

#[test]
fn a_transaction_below_the_base_fee_waits_until_blocks_get_cheaper() {
    let mut chain = chain();
    let fee = 900_000_000;
    let cheap =
        TxEip1559 { max_fee_per_gas: fee, max_priority_fee_per_gas: 1, ..transaction(0, TxKind::Call(BOB), []) };
    let hash = chain.submit_from(ALICE, cheap.into()).unwrap();
    let mut base_fees = vec![chain.head().base_fee()];
    while chain.receipt(&hash).is_none() {
        base_fees.push(mine(&mut chain).base_fee());
    }
    // An empty block lowers the base fee by an eighth.
    assert_eq!(base_fees, [1_000_000_000, 875_000_000]);
    assert_eq!(chain.receipt(&hash).unwrap().effective_gas_price, 875_000_001);
}

#[test]
fn a_full_block_raises_the_base_fee_and_leaves_the_rest_waiting() {
    let mut chain = Chain::new(Config { gas_limit: 100_000, ..config() });
    for nonce in 0..6 {
        chain.submit_from(ALICE, payment(nonce, BOB, 1)).unwrap();
    }
    let block = mine(&mut chain);
    assert_eq!((block.transactions.len(), chain.pool_len()), (4, 2));
    // 84,000 of a target of 50,000: up by an eighth of 34/50.
    let base_fee = block.base_fee();
    assert_eq!(chain.next_base_fee(), base_fee + (u128::from(base_fee) * 34_000 / 50_000 / 8) as u64);
    assert_eq!(mine(&mut chain).transactions.len(), 2);
}

#[test]
fn refusals_speak_as_geth_does() {
    let mut chain = chain();
    let base = || transaction(0, TxKind::Call(BOB), Bytes::new());
    let mut refused = |transaction: TxEip1559| chain.submit_from(ALICE, transaction.into()).unwrap_err().to_string();
    assert_eq!(
        refused(TxEip1559 { gas_limit: 20_999, ..base() }),
        "intrinsic gas too low: gas 20999, minimum needed 21000"
    );
    assert_eq!(
        refused(TxEip1559 { gas_limit: 21_000 + 16 * 100, input: vec![1; 100].into(), ..base() }),
        "insufficient gas for floor data gas cost: gas 22600, minimum needed 25000"
    );
    assert_eq!(
        refused(TxEip1559 { gas_limit: 30_000_001, ..base() }),
        "exceeds block gas limit: gas 30000001, limit 30000000"
    );
    assert_eq!(
        refused(TxEip1559 { max_priority_fee_per_gas: 101 * GWEI, ..base() }),
        "max priority fee per gas higher than max fee per gas: maxPriorityFeePerGas: 101000000000, maxFeePerGas: 100000000000"
    );
    assert_eq!(
        refused(TxEip1559 { chain_id: 1, ..base() }),
        "invalid sender: invalid chain id for signer: have 1 want 1337"
    );
    assert_eq!(
        refused(TxEip1559 { max_priority_fee_per_gas: 0, ..base() }),
        "transaction underpriced: gas tip cap 0, minimum needed 1"
    );
    assert_eq!(
        refused(TxEip1559 { value: U256::from(2_000 * ETHER), ..base() }),
        "insufficient funds for gas * price + value: balance 1000000000000000000000, \
         tx cost 2000020000000000000000, overshot 1000020000000000000000"
    );
    assert_eq!(refused(TxEip1559 { nonce: u64::MAX, ..base() }), "nonce has max value: nonce: 18446744073709551615");
    assert_eq!(
        refused(TxEip1559 { to: TxKind::Create, input: vec![0; 49_153].into(), ..base() }),
        "max initcode size exceeded: code size 49153 limit 49152"
    );

    chain.submit_from(ALICE, base().into()).unwrap();
    assert_eq!(chain.submit_from(ALICE, base().into()).unwrap_err().to_string(), "already known");
    let too_much = TxEip1559 { nonce: 1, value: U256::from(999_970 * (ETHER / 1000)), ..base() };
    assert_eq!(
        chain.submit_from(ALICE, too_much.into()).unwrap_err().to_string(),
        "insufficient funds for gas * price + value: balance 1000000000000000000000, \
         queued cost 20000000000000000, tx cost 999990000000000000000, overshot 10000000000000000"
    );
    mine(&mut chain);
    let late = TxEip1559 { value: U256::ONE, ..base() };
    assert_eq!(
        chain.submit_from(ALICE, late.into()).unwrap_err().to_string(),
        "nonce too low: next nonce 1, tx nonce 0"
    );
    assert_eq!(chain.mine(0).unwrap_err().to_string(), "timestamp 0 is before the parent's 1");
    assert_eq!(chain.mine(1).unwrap().timestamp(), 1);
}

#[test]
fn hostile_bytes_are_refused_without_a_trace() {
    let mut chain = chain();
    for raw in [&[][..], &[0xc0], &[0x02], &[0x02, 0xc0], &[0xff; 200], &[0xf8, 0xff], &[0x01; 64]] {
        assert!(matches!(chain.submit_raw(raw), Err(Rejected::Undecodable(_))), "{raw:02x?}");
    }
    assert_eq!(chain.submit_raw(&[0x03, 0xc0]), Err(Rejected::TypeNotSupported(3)));
    assert_eq!(chain.submit_raw(&[0x04, 0xc0]), Err(Rejected::TypeNotSupported(4)));
    let limit = devchain::limits::TRANSACTION_BYTES_MAX;
    assert_eq!(chain.submit_raw(&vec![0; limit + 1]), Err(Rejected::Oversized { got: limit + 1, limit }));
    assert_eq!(chain.pool_len(), 0);
}

mod signed {
    use alloy::signers::{SignerSync, local::PrivateKeySigner};
    use alloy_eips::eip2930::{AccessList, AccessListItem};
    use alloy_primitives::Signature;

    use super::*;

    fn signer() -> PrivateKeySigner {
        PrivateKeySigner::from_bytes(&B256::repeat_byte(0x42)).unwrap()
    }

    fn rich() -> Chain {
        Chain::new(Config {
            balances: vec![(signer().address(), U256::from(ETHER)), (ALICE, U256::from(ETHER))],
            ..config()
        })
    }

    fn sign<T: SignableTransaction<Signature>>(transaction: T) -> Vec<u8>
    where
        TxEnvelope: From<alloy_consensus::Signed<T>>,
    {
        let signature = signer().sign_hash_sync(&transaction.signature_hash()).unwrap();
        TxEnvelope::from(transaction.into_signed(signature)).encoded_2718()
    }

    #[test]
    fn all_three_forms_are_taken_and_their_sender_found() {
        let mut chain = rich();
        let legacy = TxLegacy {
            chain_id: Some(1337),
            nonce: 0,
            gas_price: 3 * GWEI,
            gas_limit: 21_000,
            to: TxKind::Call(BOB),
            value: U256::from(1),
            input: Bytes::new(),
        };
        let listed = TxEip2930 {
            chain_id: 1337,
            nonce: 1,
            gas_price: 3 * GWEI,
            gas_limit: 30_000,
            to: TxKind::Call(BOB),
            value: U256::from(1),
            access_list: AccessList(vec![AccessListItem { address: BOB, storage_keys: vec![B256::ZERO] }]),
            input: Bytes::new(),
        };
        let dynamic = TxEip1559 { gas_limit: 21_000, ..transaction(2, TxKind::Call(BOB), []) };
        let unprotected = TxLegacy { chain_id: None, nonce: 3, ..legacy.clone() };
        let raws = [sign(legacy), sign(listed), sign(dynamic), sign(unprotected)];
        let hashes = raws.each_ref().map(|raw| chain.submit_raw(raw).unwrap());
        assert_eq!(hashes, raws.each_ref().map(keccak256));
        let block = mine(&mut chain);
        assert_eq!(block.transactions.iter().map(|transaction| transaction.hash).collect::<Vec<_>>(), hashes);
        assert!(block.transactions.iter().all(|transaction| transaction.sender == signer().address()));
        let gas: Vec<u64> = block.receipts.iter().map(|receipt| receipt.gas_used).collect();
        assert_eq!(gas, [21_000, 21_000 + 2_400 + 1_900, 21_000, 21_000]);
        assert_eq!(chain.submit_raw(&raws[0]).unwrap_err().to_string(), "nonce too low: next nonce 4, tx nonce 0");
    }

    #[test]
    fn the_high_s_of_a_signature_is_refused() {
        let mut chain = rich();
        let payment = TxEip1559 { gas_limit: 21_000, ..transaction(0, TxKind::Call(BOB), []) };
        let low = signer().sign_hash_sync(&payment.signature_hash()).unwrap();
        let order: U256 = "0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141".parse().unwrap();
        let high = Signature::new(low.r(), order - low.s(), !low.v());
        let raw = TxEnvelope::from(payment.into_signed(high)).encoded_2718();
        assert_eq!(chain.submit_raw(&raw), Err(Rejected::InvalidSignature));
    }

    #[test]
    fn a_simulated_chain_takes_a_keyed_hash_as_a_signature_and_real_ones_too() {
        let mut chain = Chain::new(Config { recover: Recover::KeyedHash, ..rich().config().clone() });
        chain.submit_raw(&sign(transaction(0, TxKind::Call(BOB), []))).unwrap();
        let unsigned = transaction(0, TxKind::Call(BOB), []);
        let (r, s) = devchain::keyed_signature(ALICE, unsigned.signature_hash());
        let raw = TxEnvelope::from(unsigned.into_signed(Signature::new(r.into(), s.into(), true))).encoded_2718();
        chain.submit_raw(&raw).unwrap();
        let senders: Vec<Address> =
            mine(&mut chain).transactions.iter().map(|transaction| transaction.sender).collect();
        assert_eq!(senders, [signer().address(), ALICE]);
        assert_eq!(rich().submit_raw(&raw), Err(Rejected::InvalidSignature));
    }
}

#[test]
fn the_precompile_recovers_what_the_chain_calls_a_signature() {
    use alloy::signers::{SignerSync, local::PrivateKeySigner};
    let digest = keccak256("a report");
    let signer = PrivateKeySigner::from_bytes(&B256::repeat_byte(0x42)).unwrap();
    let real = signer.sign_hash_sync(&digest).unwrap();
    let (r, s) = devchain::keyed_signature(ALICE, digest);
    let real = [digest, B256::with_last_byte(27 + u8::from(real.v())), real.r().into(), real.s().into()].concat();
    let keyed = [digest, B256::with_last_byte(27), r, s].concat();
    let ask = |recover, input: &[u8]| {
        let mut chain = Chain::new(Config { recover, ..config() });
        let contract = deploy(&mut chain, RECOVER);
        match chain.call(&Call::read(contract, input.to_vec()), At::Block(1)).unwrap() {
            Outcome::Returned { output, gas_used, .. } => (output, gas_used),
            other => panic!("{other:?}"),
        }
    };
    let (found, gas) = ask(Recover::Secp256k1, &real);
    assert_eq!(found, signer.address().into_word().to_vec());
    assert!(ask(Recover::Secp256k1, &keyed).0.is_empty());
    let (found, keyed_gas) = ask(Recover::KeyedHash, &keyed);
    assert_eq!(found, ALICE.into_word().to_vec());
    assert!(ask(Recover::KeyedHash, &real).0.is_empty());
    // The simulated signature costs what the real one costs, but for calldata.
    assert!(gas.abs_diff(keyed_gas) < 1_000, "{gas} {keyed_gas}");
}

#[test]
fn a_call_tells_return_from_revert_from_halt() {
    let mut chain = chain();
    let revert = deploy(&mut chain, REVERT);
    let at = At::Block(1);
    match chain.call(&Call::read(revert, words([5, 6])), at).unwrap() {
        Outcome::Reverted { output, .. } => assert_eq!(output, words([5, 6])),
        other => panic!("{other:?}"),
    }
    let bad_opcode = Call { data: vec![0xfe].into(), ..Call::default() };
    assert!(matches!(chain.call(&bad_opcode, at).unwrap(), Outcome::Halted { reason: Halt::InvalidOpcode, .. }));
    let hungry = Call { gas: Some(60_000), data: vec![0x5b, 0x60, 0x00, 0x56].into(), ..Call::default() };
    assert!(matches!(chain.call(&hungry, at).unwrap(), Outcome::Halted { reason: Halt::OutOfGas, gas_used: 60_000 }));
    let poor = Call { from: Address::with_last_byte(9), value: U256::ONE, ..Call::read(BOB, []) };
    assert!(matches!(chain.call(&poor, at).unwrap_err(), CallError::InsufficientFunds { .. }));
    let cheap = Call { from: ALICE, price: Some(1), ..Call::read(BOB, []) };
    assert!(matches!(chain.call(&cheap, at).unwrap_err(), CallError::FeeBelowBase { price: 1, .. }));
    let contract_calls = Call { from: revert, ..Call::read(BOB, []) };
    assert!(matches!(chain.call(&contract_calls, at).unwrap(), Outcome::Returned { gas_used: 21_000, .. }));
    assert_eq!(chain.nonce(&ALICE, 9), 1, "calls leave no trace");
}

#[test]
fn an_estimate_is_the_least_gas_that_works() {
    let mut chain = chain();
    let store = deploy(&mut chain, STORE);
    let revert = deploy(&mut chain, REVERT);
    let at = At::Next { timestamp: 100 };
    let set = Call { from: ALICE, ..Call::read(store, words([1, 10])) };
    let least = chain.estimate_gas(&set, at).unwrap();
    let works = |gas| matches!(chain.call(&Call { gas: Some(gas), ..set.clone() }, at), Ok(Outcome::Returned { .. }));
    assert!(works(least) && !works(least - 1));
    assert_eq!(
        chain.estimate_gas(&Call { value: U256::ONE, ..Call { from: ALICE, ..Call::read(BOB, []) } }, at),
        Ok(21_000)
    );
    assert_eq!(chain.estimate_gas(&Call::read(revert, words([7])), at), Err(EstimateError::Reverted(words([7]))));
    let hash = write(&mut chain, store, 1, 10);
    mine(&mut chain);
    assert_eq!(chain.receipt(&hash).unwrap().gas_used, least);
    // A refund at the end does not lower what must be brought along.
    let clear = Call { from: ALICE, ..Call::read(store, words([1, 0])) };
    let least = chain.estimate_gas(&clear, at).unwrap();
    let hash = write(&mut chain, store, 1, 0);
    mine(&mut chain);
    assert!(least > chain.receipt(&hash).unwrap().gas_used);
    let allowance = Call { gas: Some(22_000), ..set.clone() };
    assert_eq!(chain.estimate_gas(&allowance, at), Err(EstimateError::ExceedsAllowance(22_000)));
}

#[test]
fn an_access_list_holds_what_is_looked_at_and_saves_gas() {
    let mut chain = chain();
    let store = deploy(&mut chain, STORE);
    let set = Call { from: ALICE, ..Call::read(store, words([1, 10])) };
    let (list, outcome) = chain.access_list(&set, At::Block(1)).unwrap();
    assert_eq!(list.0, [AccessListItem { address: store, storage_keys: vec![B256::with_last_byte(1)] }]);
    assert!(matches!(outcome, Outcome::Returned { .. }));
    let (list, _) = chain.access_list(&Call { from: ALICE, ..Call::read(BOB, []) }, At::Block(1)).unwrap();
    assert!(list.0.is_empty(), "sender, recipient and beneficiary are known without it");
}

#[test]
fn a_call_may_pretend() {
    let mut chain = chain();
    let store = deploy(&mut chain, STORE);
    write(&mut chain, store, 1, 10);
    write(&mut chain, store, 2, 20);
    mine(&mut chain);
    let read = |slot, pretended: Override| {
        let overrides = [(store, pretended)].into();
        match chain.call(&Call { overrides, ..Call::read(store, words([slot])) }, At::Block(2)).unwrap() {
            Outcome::Returned { output, .. } => U256::from_be_slice(&output).to::<u64>(),
            other => panic!("{other:?}"),
        }
    };
    let patched = Override { slots: [(U256::from(1), U256::from(11))].into(), ..Override::default() };
    assert_eq!((read(1, patched.clone()), read(2, patched.clone())), (11, 20));
    let replaced = Override { replaces_storage: true, ..patched };
    assert_eq!((read(1, replaced.clone()), read(2, replaced)), (11, 0));
    // mstore(0, 7); return(0, 32)
    let other_code =
        Override { code: Some(vec![0x60, 7, 0x5f, 0x52, 0x60, 32, 0x5f, 0xf3].into()), ..Override::default() };
    assert_eq!(read(1, other_code), 7);
    let poor = Address::with_last_byte(9);
    let rich = [(poor, Override { balance: Some(U256::ONE), ..Override::default() })].into();
    let gift = Call { from: poor, value: U256::ONE, overrides: rich, ..Call::read(BOB, []) };
    assert!(matches!(chain.call(&gift, At::Block(2)), Ok(Outcome::Returned { .. })));
    assert_eq!(slot(&chain, store, 1, 2), 10);
}

#[test]
fn a_snapshot_brings_back_head_and_pool_unless_its_head_is_gone() {
    let mut chain = chain();
    mine(&mut chain);
    let waiting = chain.submit_from(ALICE, payment(0, BOB, 1)).unwrap();
    let (snapshot, head) = (chain.snapshot(), chain.head().hash);
    mine(&mut chain);
    chain.submit_from(ALICE, payment(1, BOB, 1)).unwrap();
    assert_eq!(chain.restore(&snapshot).unwrap().len(), 1);
    assert_eq!((chain.head().hash, chain.pool_len()), (head, 1));
    assert!(chain.waiting(&waiting).is_some());
    chain.reorg(1).unwrap();
    mine(&mut chain);
    assert!(chain.restore(&snapshot).is_none());
}

#[test]
fn a_reverted_transaction_pays_and_leaves_no_logs() {
    let mut chain = chain();
    let revert = deploy(&mut chain, REVERT);
    let hash = chain.submit_from(ALICE, transaction(1, TxKind::Call(revert), []).into()).unwrap();
    let block = mine(&mut chain);
    let receipt = chain.receipt(&hash).unwrap();
    assert!(!receipt.success && receipt.logs.is_empty() && receipt.contract.is_none());
    assert_eq!(block.header.gas_used, receipt.gas_used);
    assert_eq!(chain.nonce(&ALICE, 2), 2);
}

#[test]
fn logs_are_found_by_address_topic_and_range() {
    let mut chain = chain();
    let (one, two) = (deploy(&mut chain, STORE), deploy(&mut chain, STORE));
    write(&mut chain, one, 1, 10);
    write(&mut chain, two, 1, 11);
    mine(&mut chain);
    write(&mut chain, one, 2, 12);
    mine(&mut chain);
    let topic = |value: u64| B256::from(U256::from(value));
    let found = |range, addresses: &[Address], first_topic: &[u64]| -> Vec<(u64, u64, u64)> {
        let mut filter = LogFilter { addresses: addresses.to_vec(), ..LogFilter::default() };
        filter.topics[0] = first_topic.iter().map(|value| topic(*value)).collect();
        let place = |log: devchain::PlacedLog<'_>| {
            (log.block.number(), log.log_index, U256::from_be_slice(&log.log.data.data).to())
        };
        chain.logs(range, &filter).map(place).collect()
    };
    assert_eq!(found(0..=99, &[], &[]), [(3, 0, 10), (3, 1, 11), (4, 0, 12)]);
    assert_eq!(found(0..=99, &[two], &[]), [(3, 1, 11)]);
    assert_eq!(found(0..=99, &[], &[2, 3]), [(4, 0, 12)]);
    assert_eq!(found(4..=4, &[one, two], &[]), [(4, 0, 12)]);
    assert_eq!(found(5..=u64::MAX, &[], &[]), []);
    let mut second_topic = LogFilter::default();
    second_topic.topics[1] = vec![topic(1)];
    assert_eq!(chain.logs(0..=99, &second_topic).count(), 0, "these logs have one topic");
}

#[test]
fn a_contract_that_dies_in_its_birth_leaves_nothing() {
    let mut chain = chain();
    // Init code: sstore(1, 1); selfdestruct(caller).
    let hash = chain
        .submit_from(ALICE, transaction(0, TxKind::Create, vec![0x60, 1, 0x60, 1, 0x55, 0x33, 0xff]).into())
        .unwrap();
    mine(&mut chain);
    let contract = chain.receipt(&hash).unwrap().contract.unwrap();
    assert!(chain.receipt(&hash).unwrap().success);
    assert_eq!((chain.nonce(&contract, 1), slot(&chain, contract, 1, 1)), (0, 0));
}

#[test]
fn contracts_see_the_block_that_they_run_in() {
    let mut chain = chain();
    mine(&mut chain);
    chain.mine(50).unwrap();
    // mstore(0, TIMESTAMP), (32, NUMBER), (64, BLOCKHASH(1)), (96, CHAINID); return 128 bytes.
    let code = "426000524360205260014060405246606052608060 00f3".replace(' ', "");
    let call = Call { data: alloy_primitives::hex::decode(code).unwrap().into(), ..Call::default() };
    let see = |at| match chain.call(&call, at).unwrap() {
        Outcome::Returned { output, .. } => output,
        other => panic!("{other:?}"),
    };
    let known = chain.block(1).unwrap().hash;
    let word = |value: u64| B256::from(U256::from(value));
    assert_eq!(see(At::Next { timestamp: 60 }), [word(60), word(3), known, word(1337)].concat());
    assert_eq!(see(At::Block(2)), [word(50), word(2), known, word(1337)].concat());
    assert_eq!(
        see(At::Block(1)),
        [word(1), word(1), B256::ZERO, word(1337)].concat(),
        "a block does not know its own hash"
    );
}

#[test]
fn events_tell_everything_that_happened_in_order() {
    let mut chain = chain();
    chain.submit_from(ALICE, payment(0, BOB, 1)).unwrap();
    chain.watch();
    chain.submit_from(ALICE, payment(1, BOB, 1)).unwrap();
    mine(&mut chain);
    mine(&mut chain);
    chain.reorg(2).unwrap();
    let told: Vec<String> = chain
        .take_events()
        .iter()
        .map(|event| match event {
            Event::Pooled(transaction) => format!("pooled {}", transaction.nonce()),
            Event::Mined(block) => format!("mined {}", block.number()),
            Event::Dropped(block) => format!("dropped {}", block.number()),
            Event::Refused { reason, .. } => format!("refused {reason}"),
        })
        .collect();
    assert_eq!(told, ["pooled 1", "mined 1", "mined 2", "dropped 2", "dropped 1"]);
    assert!(chain.take_events().is_empty());
}

#[test]
fn a_transaction_whose_sender_lost_the_money_is_refused_aloud() {
    let mut chain = chain();
    let contract = deploy(&mut chain, STORE);
    // What is spent in the block before could be paid when it was submitted, but not after a reorganisation changed it.
    let poor = Address::with_last_byte(0x77);
    chain.submit_from(BOB, payment(0, poor, ETHER)).unwrap();
    mine(&mut chain);
    let hash = chain.submit_from(poor, transaction(0, TxKind::Call(contract), words([1, 1])).into()).unwrap();
    chain.reorg(1).unwrap();
    chain.watch();
    let block = chain.mine_where(9, |transaction| transaction.sender == poor).unwrap();
    assert!(block.transactions.is_empty() && chain.waiting(&hash).is_none());
    match &chain.take_events()[1] {
        Event::Refused { transaction, reason } => {
            assert_eq!((transaction.hash, reason.starts_with("lack of funds (0)")), (hash, true));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_pool_is_bounded_per_sender() {
    let mut chain = chain();
    let most = devchain::limits::POOL_TRANSACTIONS_PER_SENDER_MAX;
    for nonce in 0..most as u64 {
        chain.submit_from(ALICE, payment(nonce, BOB, 1)).unwrap();
    }
    let one_more = chain.submit_from(ALICE, payment(most as u64, BOB, 1));
    assert_eq!(one_more, Err(Rejected::SenderFull(most)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Against a model that copies everything at every block.
    #[test]
    fn old_state_and_reorgs_agree_with_copies(steps in prop::collection::vec((0u8..8, 0u64..4, 0u64..3), 1..40)) {
        let mut chain = chain();
        let store = deploy(&mut chain, STORE);
        let snapshot = |chain: &Chain| {
            let height = chain.height();
            let slots = [0, 1, 2, 3].map(|at| slot(chain, store, at, height));
            (chain.head().header.state_root, slots, chain.balance(&ALICE, height), chain.nonce(&ALICE, height))
        };
        let mut copies = vec![snapshot(&chain); 2];
        for (action, at, value) in steps {
            if action == 0 {
                let depth = at.min(chain.height() - 1);
                chain.reorg(depth).unwrap();
                copies.truncate(chain.height() as usize + 1);
                let left: Vec<B256> = chain.pool().map(|transaction| transaction.hash).collect();
                for hash in left {
                    chain.forget(&hash);
                }
            } else {
                for more in 0..action % 3 {
                    write(&mut chain, store, (at + u64::from(more)) % 4, value);
                }
                mine(&mut chain);
                copies.push(snapshot(&chain));
            }
            prop_assert_eq!(snapshot(&chain), *copies.last().unwrap());
        }
        for (height, (_, slots, balance, nonce)) in copies.iter().enumerate().skip(1) {
            let height = height as u64;
            prop_assert_eq!([0, 1, 2, 3].map(|at| slot(&chain, store, at, height)), *slots);
            prop_assert_eq!(chain.balance(&ALICE, height), *balance);
            prop_assert_eq!(chain.nonce(&ALICE, height), *nonce);
        }
    }
}
