//! `contracts/test/vectors/threshold.json`: what committees signed in Rust, for the contracts' tests to check, and what nobody
//! may accept. The test makes the file anew and compares; `VECTORS=write` writes it.

mod chain;

use alloy_primitives::{Address, B256, U256, address, aliases::I96, b256, hex, keccak256};
use bindings::threshold::{Message, Place, batch_words, contributors, feed_id, feeds_id, head_word, report_word};
use chain::quorum::Quorum;
use crypto::{
    secp256k1,
    threshold::key::{GroupKey, Signature},
};
use k256::{Scalar, U256 as Wide, elliptic_curve::ops::Reduce};
use serde_json::{Value, json};
use std::{fs, path::PathBuf};

const CHAIN_ID: u64 = 1337;
const CONTRACT: Address = address!("0x5fbdb2315678afecb367f032d93f642f64180aa3");
const ORDER: B256 = b256!("0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");

fn place(generation: u32) -> Place {
    Place { chain_id: CHAIN_ID, contract: CONTRACT, generation }
}

/// One signature and what it is of; a row of the file.
struct Row {
    kind: &'static str,
    x: B256,
    odd: bool,
    message: B256,
    words: Vec<u8>,
    signature: Signature,
    n: u16,
    threshold: u16,
}

impl Row {
    fn of(kind: &'static str, quorum: &mut Quorum, message: &Message) -> Self {
        let signature = quorum.sign(message.hash());
        Self::bare(kind, quorum, message.hash(), message.bytes(), signature)
    }

    fn bare(kind: &'static str, quorum: &Quorum, message: B256, words: Vec<u8>, signature: Signature) -> Self {
        let (n, threshold, odd) = (quorum.n(), quorum.threshold(), quorum.key().odd());
        Self { kind, x: quorum.x(), odd, message, words, signature, n, threshold }
    }

    fn holds(&self) -> bool {
        GroupKey::new(&self.x.0, self.odd).is_ok_and(|key| key.verify(&self.message.0, &self.signature))
    }
}

/// A life of a contract with this committee and the next.
fn life(quorum: &mut Quorum, next: &mut Quorum) -> Vec<Row> {
    let n = quorum.n();
    let feeds: Vec<B256> = (0..64).map(|i| feed_id(8, &format!("FEED {i} / USD"))).collect();
    let answers: Vec<Option<i64>> =
        (0..64i64).map(|i| (i % 5 != 4 && !(20..24).contains(&i)).then_some((i - 9) * 1_000_000_007)).collect();
    let (set, words) = batch_words(&answers).expect("64 feeds");
    let everybody_but_one = contributors((0..n).filter(|i| *i != 1).map(|i| i as u8));
    let report = |answer: i128, epoch, round| {
        let answer = I96::try_from(answer).expect("a number of 96 bits");
        report_word(answer, 1_700_000_000 + u32::from(round), epoch, round)
    };
    let (px, odd) = (quorum.x(), quorum.key().odd());
    let (next_px, next_odd) = (next.x(), next.key().odd());
    let feed = feed_id(8, "ETH / USD");
    let mut rows = vec![Row::of("proof", quorum, &place(0).proof(px, odd))];
    for (answer, epoch, round, set) in [
        (250_000_617_285, 7, 3, everybody_but_one),
        (-5, 7, 4, U256::ZERO),
        ((1 << 95) - 1, 8, 0, U256::MAX),
        (-(1 << 95), u32::MAX, 255, U256::ONE),
    ] {
        rows.push(Row::of("report", quorum, &place(1).report(feed, report(answer, epoch, round), set)));
    }
    let head = head_word(set, 1_700_000_060, 9, 1);
    rows.push(Row::of("batch", quorum, &place(1).batch(feeds_id(&feeds), head, everybody_but_one, &words)));
    rows.push(Row::of("rotation", quorum, &place(1).rotation(next_px, next_odd)));
    rows.push(Row::of("proof", next, &place(1).proof(next_px, next_odd)));
    let message = keccak256(format!("any message {n}"));
    let signature = next.sign(message);
    rows.push(Row::bare("bare", next, message, Vec::new(), signature));
    rows
}

/// What is next to a signature and is none.
fn refused(rows: &[Row]) -> Vec<(&'static str, Row)> {
    let report = rows.iter().find(|row| row.kind == "report").expect("a report");
    let other = rows.iter().rfind(|row| row.kind == "report").expect("another report");
    let s = scalar(report.signature.s);
    let with = |change: &dyn Fn(&mut Row)| {
        let mut row = Row { words: Vec::new(), kind: "bare", ..report.clone() };
        change(&mut row);
        row
    };
    // A key of which the test knows the secret: only so can sG − eP be made zero.
    let secret = scalar(keccak256("dodona group key 1").0);
    let known = GroupKey::new(&b256!("0x9e9cff34a1793817966e9d44165af6530c25c066e63f1e58094a2668f011b6aa").0, true)
        .expect("a key");
    let challenge = |r: Address| {
        scalar(
            keccak256([&known.px()[..], &[u8::from(known.odd())], report.message.as_slice(), r.as_slice()].concat()).0,
        )
    };
    let with_known = |s: Scalar, r: Address| {
        with(&|row| {
            (row.x, row.odd) = (known.px().into(), known.odd());
            row.signature = Signature { commitment: secp256k1::Address(r.0.0), s: s.to_bytes().into() };
        })
    };
    vec![
        ("another message", with(&|row| row.message = other.message)),
        ("another r", with(&|row| row.signature.commitment = other.signature.commitment)),
        ("another s", with(&|row| row.signature.s = other.signature.s)),
        ("another key", with(&|row| (row.x, row.odd) = (other.x, other.odd))),
        ("the other parity", with(&|row| row.odd = !row.odd)),
        ("r = 0", with(&|row| row.signature.commitment = secp256k1::Address::ZERO)),
        ("s = 0", with(&|row| row.signature.s = [0; 32])),
        ("s = N", with(&|row| row.signature.s = ORDER.0)),
        ("s = N + 1", with(&|row| row.signature.s = (U256::from_be_bytes(ORDER.0) + U256::ONE).to_be_bytes())),
        ("s = 2^256 - 1", with(&|row| row.signature.s = [0xff; 32])),
        ("-s", with(&|row| row.signature.s = (-s).to_bytes().into())),
        ("s + 1", with(&|row| row.signature.s = (s + Scalar::ONE).to_bytes().into())),
        ("x = 0", with(&|row| row.x = B256::ZERO)),
        ("x = N, of which no ecrecover knows a point", with(&|row| row.x = ORDER)),
        ("x of no point", with(&|row| row.x = B256::with_last_byte(5))),
        // s = e·secret: sG − eP is the point at infinity, for which ecrecover gives zero, as it does for every failure.
        ("R = 0 and r = 0", with_known(challenge(Address::ZERO) * secret, Address::ZERO)),
        // The same with the address that the hash of the zero point would have.
        ("R = 0 and r of its hash", {
            let r = Address::from_word(keccak256([0; 64]));
            with_known(challenge(r) * secret, r)
        }),
    ]
}

fn scalar(bytes: [u8; 32]) -> Scalar {
    <Scalar as Reduce<Wide>>::reduce_bytes(&bytes.into())
}

impl Clone for Row {
    fn clone(&self) -> Self {
        Self { words: self.words.clone(), ..*self }
    }
}

fn columns<'a>(rows: impl Iterator<Item = &'a Row> + Clone) -> Value {
    let column = |cell: &dyn Fn(&Row) -> Value| rows.clone().map(cell).collect::<Vec<_>>();
    let text = |bytes: &[u8]| json!(hex::encode_prefixed(bytes));
    json!({
        "kind": column(&|row| json!(row.kind)),
        "n": column(&|row| json!(row.n)),
        "threshold": column(&|row| json!(row.threshold)),
        "x": column(&|row| text(row.x.as_slice())),
        "parity": column(&|row| json!(u8::from(row.odd))),
        "message": column(&|row| text(row.message.as_slice())),
        "r": column(&|row| text(&row.signature.commitment.0)),
        "s": column(&|row| text(&row.signature.s)),
        "words": column(&|row| text(&row.words)),
    })
}

#[test]
fn the_committed_vectors_are_what_committees_sign() {
    let mut rows = Vec::new();
    for mut committees in [
        [Quorum::drawn(4, 2, 1), Quorum::drawn(4, 2, 2)],
        [Quorum::drawn(31, 11, 3), Quorum::drawn(7, 3, 4)],
        [Quorum::dealt(256, 86, 5), Quorum::drawn(1, 1, 6)],
    ] {
        let [quorum, next] = &mut committees;
        rows.extend(life(quorum, next));
    }
    for row in &rows {
        assert!(row.holds(), "{}", row.kind);
    }
    let refused = refused(&rows);
    for (why, row) in &refused {
        assert!(!row.holds(), "{why}");
    }
    let mut refusals = columns(refused.iter().map(|(_, row)| row));
    refusals["why"] = refused.iter().map(|(why, _)| json!(why)).collect();
    let made =
        json!({ "chainId": CHAIN_ID, "contract": CONTRACT, "signatures": columns(rows.iter()), "refused": refusals });
    let made = serde_json::to_string_pretty(&made).expect("JSON") + "\n";

    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../contracts/test/vectors/threshold.json");
    if std::env::var("VECTORS").is_ok_and(|value| value == "write") {
        fs::create_dir_all(path.parent().expect("a folder")).expect("the folder can be made");
        fs::write(&path, &made).expect("the vectors can be written");
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(committed, made, "VECTORS=write writes them anew");
}
