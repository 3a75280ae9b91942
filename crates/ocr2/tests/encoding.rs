//! Messages and records as bytes, by property. The exact bytes are those of OCR2 spec A.5.

use std::sync::Arc;

use bytes::Bytes;
use machine::{Record as _, Wall};
use ocr::{ConfigDigest, ContractConfig};
use ocr2::{
    Epoch, Message, PendingTransmission, Record, RecordKey, RoundId,
    message::{
        AttributedObservation, AttributedSignature, DecodeError, Decoder, Final, Observe, ObserveReq, Report,
        ReportReq, SignedObservation,
    },
};
use proptest::prelude::*;

fn bytes() -> impl Strategy<Value = Bytes> {
    prop::collection::vec(any::<u8>(), 0..200).prop_map(Bytes::from)
}

fn at() -> impl Strategy<Value = RoundId> {
    (any::<u32>(), any::<u8>()).prop_map(|(epoch, round)| RoundId::new(epoch, round))
}

fn signed() -> impl Strategy<Value = SignedObservation> {
    (bytes(), bytes()).prop_map(|(observation, signature)| SignedObservation { observation, signature })
}

fn last() -> impl Strategy<Value = Arc<Final>> {
    let signature = (bytes(), any::<u8>()).prop_map(|(signature, signer)| AttributedSignature { signature, signer });
    (at(), any::<[u8; 32]>(), bytes(), prop::collection::vec(signature, 0..31))
        .prop_map(|(at, extra_hash, report, signatures)| Arc::new(Final { at, extra_hash, report, signatures }))
}

fn message() -> impl Strategy<Value = Message> {
    let entry = (signed(), any::<u8>()).prop_map(|(signed, observer)| AttributedObservation { signed, observer });
    prop_oneof![
        any::<u32>().prop_map(|epoch| Message::NewEpoch(Epoch(epoch))),
        (at(), bytes()).prop_map(|(at, query)| Message::ObserveReq(ObserveReq { at, query })),
        (at(), signed()).prop_map(|(at, signed)| Message::Observe(Observe { at, signed })),
        (at(), bytes(), prop::collection::vec(entry, 0..40)).prop_map(|(at, query, observations)| {
            Message::ReportReq(Arc::new(ReportReq { at, query, observations }))
        }),
        (at(), any::<bool>(), bytes(), bytes()).prop_map(|(at, skip, report, signature)| Message::Report(Report {
            at,
            skip,
            report,
            signature
        })),
        last().prop_map(Message::Final),
        last().prop_map(Message::FinalEcho),
    ]
}

fn record() -> impl Strategy<Value = Record> {
    let digest = || any::<[u8; 32]>().prop_map(ConfigDigest);
    prop_oneof![
        (digest(), any::<u64>(), prop::collection::vec(digest(), 0..16)).prop_map(
            |(config_digest, config_count, former)| {
                let current = ContractConfig { config_digest, config_count, ..ContractConfig::default() };
                Record::Config { current: Arc::new(current), former }
            }
        ),
        (digest(), 1..=u32::MAX, any::<u32>()).prop_map(|(config_digest, epoch, more)| Record::Epoch {
            config_digest,
            epoch: Epoch(epoch),
            highest_sent: Epoch(epoch.saturating_add(more)),
        }),
        (digest(), at()).prop_map(|(config_digest, at)| Record::Entered { config_digest, at }),
        (digest(), any::<u64>(), last()).prop_map(|(config_digest, due, report)| Record::Pending {
            config_digest,
            transmission: PendingTransmission { due: Wall(due), report },
        }),
        (digest(), at()).prop_map(|(digest, at)| Record::Erased(RecordKey::Pending(digest, at))),
        digest().prop_map(|digest| Record::Erased(RecordKey::Epoch(digest))),
        digest().prop_map(|digest| Record::Erased(RecordKey::Entered(digest))),
        Just(Record::Erased(RecordKey::Config)),
    ]
}

#[test]
fn a_message_does_not_keep_a_frame_alive_that_is_mostly_padding() {
    let message = Message::ObserveReq(ObserveReq { at: RoundId::new(9, 1), query: Bytes::from_static(b"q") });
    let plain = message.encode();
    let unknown = [&[0x7a, 0x80, 0x80, 0x04][..], &[0; 1 << 16]].concat();
    let overwritten = [&[0x1a, 0x84, 0x80, 0x04, 0x1a, 0x80, 0x80, 0x04][..], &[0; 1 << 16]].concat();
    for padding in [unknown, overwritten] {
        let frame = Bytes::from([&padding[..], &plain].concat());
        assert_eq!(Message::decode(&frame), Ok(message.clone()));
        let decoded = Message::decode(&frame);
        assert!(frame.is_unique(), "what is kept of it is a copy");
        drop(decoded);
    }
    let frame = Bytes::from(plain);
    let decoded = Message::decode(&frame);
    assert!(!frame.is_unique(), "and a frame without padding is not copied");
    drop(decoded);
}

proptest! {
    #[test]
    fn a_message_survives_its_encoding(message in message()) {
        let frame = Bytes::from(message.encode());
        prop_assert_eq!(Message::decode(&frame), Ok(message));
    }

    #[test]
    fn any_bytes_decode_or_are_refused_and_what_decodes_survives(frame: Vec<u8>) {
        if let Ok(message) = Message::decode(&Bytes::from(frame)) {
            prop_assert_eq!(Message::decode(&Bytes::from(message.encode())), Ok(message));
        }
    }

    #[test]
    fn a_message_with_one_byte_changed_decodes_or_is_refused(message in message(), at: prop::sample::Index, to: u8) {
        let mut frame = message.encode();
        let at = at.index(frame.len());
        frame[at] = to;
        let _ = Message::decode(&Bytes::from(frame));
    }

    #[test]
    fn a_record_survives_its_encoding_and_no_cut_of_it_does(record in record(), cut: prop::sample::Index) {
        let mut bytes = Vec::new();
        record.encode(&mut bytes);
        prop_assert_eq!(Record::decode(&bytes), Ok(record));
        prop_assert!(Record::decode(&bytes[..cut.index(bytes.len())]).is_err());
        bytes.push(0);
        prop_assert!(Record::decode(&bytes).is_err());
    }

    #[test]
    fn different_keys_have_different_bytes(a in record(), b in record()) {
        let key = |record: &Record| {
            let mut bytes = Vec::new();
            Record::encode_key(&record.key(), &mut bytes);
            bytes
        };
        prop_assert_eq!(a.key() == b.key(), key(&a) == key(&b));
    }

    #[test]
    fn any_bytes_are_a_record_or_corrupt(bytes: Vec<u8>) {
        let _ = Record::decode(&bytes);
    }
}

#[test]
fn a_state_that_cannot_be_is_corrupt() {
    let decode = |epoch, highest_sent| {
        let mut bytes = Vec::new();
        let config_digest = ConfigDigest::ZERO;
        Record::Epoch { config_digest, epoch: Epoch(epoch), highest_sent: Epoch(highest_sent) }.encode(&mut bytes);
        Record::decode(&bytes)
    };
    assert!(decode(1, 1).is_ok());
    assert!(decode(2, 1).is_err() && decode(0, 5).is_err());
}

#[test]
fn payloads_are_slices_of_the_frame() {
    let message = Message::ObserveReq(ObserveReq { at: RoundId::new(300, 2), query: Bytes::from_static(b"query") });
    let frame = Bytes::from(message.encode());
    let Ok(Message::ObserveReq(m)) = Message::decode(&frame) else { panic!() };
    let inside = frame.as_ptr_range();
    assert!(inside.contains(&m.query.as_ptr()));
}

#[test]
fn messages_have_the_bytes_of_the_specification() {
    let query = |epoch, round, query: &'static [u8]| {
        Message::ObserveReq(ObserveReq { at: RoundId::new(epoch, round), query: Bytes::from_static(query) })
    };
    let signed = || SignedObservation { observation: Bytes::from_static(b"obs"), signature: sequence(0xa0, 4) };
    let at = RoundId::new(1, 1);
    let report = |skip, report: &'static [u8], signature| {
        Message::Report(Report { at, skip, report: Bytes::from_static(report), signature })
    };
    let entry = |observer| AttributedObservation { signed: signed(), observer };
    let signature = |first, signer| AttributedSignature { signature: sequence(first, 3), signer };
    let last = Arc::new(Final {
        at,
        extra_hash: core::array::from_fn(|i| i as u8),
        report: Bytes::from_static(b"rep"),
        signatures: vec![signature(0xb0, 0), signature(0xc0, 3)],
    });
    let bytes_of_last = "080110012220000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2a151a0372657022050a03b0b1b222070a03c0c1c21003";
    for (message, wanted) in [
        (Message::NewEpoch(Epoch(0)), "1200"),
        (Message::NewEpoch(Epoch(1)), "12020801"),
        (Message::NewEpoch(Epoch::LAST), "120608ffffffff0f"),
        (query(1, 1, b""), "1a0408011001"),
        (query(300, 2, b"q"), "1a0808ac0210021a0171"),
        (Message::Observe(Observe { at, signed: signed() }), "2211080110011a0b0a036f62731204a0a1a2a3"),
        (
            Message::ReportReq(Arc::new(ReportReq { at, query: Bytes::new(), observations: vec![entry(0), entry(2)] })),
            "2a2408011001220d0a0b0a036f62731204a0a1a2a3220f0a0b0a036f62731204a0a1a2a31002",
        ),
        (report(true, b"", Bytes::new()), "3208080110011a021801"),
        (report(false, b"rep", sequence(0xb0, 3)), "3210080110011a0a22037265702a03b0b1b2"),
        (Message::Final(last.clone()), &format!("3a3d{bytes_of_last}")),
        (Message::FinalEcho(last), &format!("423f0a3d{bytes_of_last}")),
    ] {
        assert_eq!(hex::encode(message.encode()), wanted);
        assert_eq!(decode(wanted), Ok(message));
    }
    assert_eq!(decode("1a0b0887808080101081021a00"), Ok(query(7, 1, b"")), "numbers are truncated");
    assert_eq!(decode("120208011a020805"), Ok(query(5, 0, b"")), "the last kind counts");
    assert_eq!(decode("1a0208051a021003"), Ok(query(5, 3, b"")), "the same kind is merged");
    assert_eq!(decode(""), Err(DecodeError::NoMessage));
    for hex in ["2200", "3200", "3a00", "4200"] {
        assert!(matches!(decode(hex), Err(DecodeError::Missing { .. })), "{hex}");
    }
    let empty = Message::Observe(Observe { at: RoundId::default(), signed: SignedObservation::default() });
    assert_eq!(decode("22021a00"), Ok(empty));
}

#[test]
fn equal_echoes_are_decoded_once_and_everything_else_each_time() {
    let last =
        |round| Final { at: RoundId::new(1, round), extra_hash: [1; 32], report: Bytes::new(), signatures: vec![] };
    let frame = |message: &Message| Bytes::from(message.encode());
    let mut decoder = Decoder::default();
    let mut is_known = |message: &Message| {
        let (first, second) = (decoder.decode(&frame(message)).unwrap(), decoder.decode(&frame(message)).unwrap());
        assert_eq!((&*first, &*second), (message, message));
        Arc::ptr_eq(&first, &second)
    };
    for round in 0..9 {
        assert!(is_known(&Message::FinalEcho(Arc::new(last(round)))));
        assert!(!is_known(&Message::Final(Arc::new(last(round)))));
    }
}

fn sequence(first: u8, count: u8) -> Bytes {
    (first..first + count).collect()
}

fn decode(bytes: &str) -> Result<Message, DecodeError> {
    Message::decode(&Bytes::from(hex::decode(bytes).unwrap()))
}
