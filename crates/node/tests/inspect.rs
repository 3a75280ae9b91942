//! `dodona inspect` against the reference's vectors, through the command line.

mod dodona;

use dodona::{dodona, dodona_with, vectors};
use serde_json::{Value, json};

/// Every `step`th case: each is a process of its own.
fn some(name: &str, step: usize) -> impl Iterator<Item = Value> {
    vectors(name).into_iter().step_by(step)
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[test]
fn digests_are_those_of_the_reference() {
    for case in vectors("ocr2/config_digest.json") {
        let input = json!({
            "chainId": case["chain_id"], "contract": case["contract"], "configCount": case["config_count"],
            "signers": case["signers"], "transmitters": case["transmitters"], "f": case["f"],
            "onchainConfig": case["onchain_config"], "offchainConfigVersion": case["offchain_config_version"],
            "offchainConfig": case["offchain_config"],
        });
        let outcome = dodona_with(&input.to_string(), &["inspect", "digest"]);
        if case["accept"] == true {
            assert_eq!(outcome.json(), json!({ "digest": case["digest"] }), "{}", case["name"]);
        } else {
            let said = outcome.refused();
            assert!(said.starts_with("signers[") || said.starts_with("transmitters["), "{}: {said}", case["name"]);
        }
    }
}

#[test]
fn leaders_are_those_of_the_reference() {
    // OCR2 spec A.1 and A.3.
    let secret = "101112131415161718191a1b1c1d1e1f";
    let leaders = |n: &str, from: &str, count: &str| {
        dodona(&["inspect", "leaders", "--secret", secret, "--n", n, "--from", from, "--count", count]).json()["leaders"]
            .clone()
    };
    assert_eq!(leaders("4", "1", "16"), json!([2, 2, 1, 0, 0, 0, 3, 1, 0, 2, 3, 0, 2, 1, 2, 0]));
    assert_eq!(leaders("31", "1", "8"), json!([7, 0, 6, 0, 18, 22, 8, 10]));
    assert_eq!(leaders("31", "4294967295", "1"), json!([20]));
    assert_eq!(leaders("7", "0", "1"), json!([0]));
    assert_eq!(leaders("7", "0", "0"), json!([]));
}

#[test]
fn schedules_are_those_of_the_reference() {
    for case in some("ocr2/schedule.json", 3) {
        let s: Vec<String> = case["s"].as_array().unwrap().iter().map(text).collect();
        let outcome = dodona(&[
            "inspect",
            "schedule",
            "--secret",
            &text(&case["shared_secret"]),
            "--digest",
            &text(&case["config_digest"]),
            "--epoch",
            &text(&case["epoch"]),
            "--round",
            &text(&case["round"]),
            "--n",
            &text(&case["n"]),
            "--s",
            &s.join(","),
            "--delta-stage",
            &format!("{}ns", text(&case["delta_stage"])),
        ])
        .json();
        assert_eq!(outcome["stages"], case["stages"]);
        let delays = outcome["delays_ms"].as_array().unwrap();
        for (got, wanted) in delays.iter().zip(case["delays"].as_array().unwrap()) {
            match wanted {
                Value::Null => assert!(got.is_null()),
                wanted => assert_eq!(got.as_f64().unwrap() * 1e6, text(wanted).parse::<f64>().unwrap()),
            }
        }
    }
}

#[test]
fn messages_are_taken_apart_as_the_reference_does() {
    let mut refused = 0;
    for case in some("ocr2/messages.json", 7) {
        let bytes = text(&case["bytes"]);
        if bytes.is_empty() || bytes.len() > 60_000 {
            continue;
        }
        let outcome = dodona(&["inspect", "message", &bytes]);
        if case["accept"] == true {
            assert_eq!(outcome.json(), case["decoded"], "{}", case["name"]);
        } else {
            outcome.refused();
            refused += 1;
        }
    }
    assert!(refused > 5, "{refused}");
    assert_eq!(
        dodona(&["inspect", "message", "0x12ff"]).refused().split(':').next(),
        Some("malformed protobuf at byte 0")
    );
}

#[test]
fn offchain_configs_are_taken_apart_as_the_reference_does() {
    for case in some("ocr2/offchain_config.json", 9).filter(|case| case["kind"] == "public") {
        let input = &case["input"];
        let document = json!({
            "signers": input["signers"], "transmitters": input["transmitters"], "f": input["f"],
            "onchainConfig": input["onchain_config"], "offchainConfigVersion": input["offchain_config_version"],
            "offchainConfig": input["offchain_config"],
        });
        let outcome = dodona_with(&document.to_string(), &["inspect", "offchain-config"]);
        if case["accept"] != true {
            if outcome.code == Some(0) {
                let warnings = outcome.json()["warnings"].to_string();
                assert!(warnings.contains("only for development mode"), "{}: {warnings}", case["name"]);
            }
            continue;
        }
        let (got, wanted) = (outcome.json(), &case["decoded"]);
        for (field, wanted) in wanted.as_object().unwrap() {
            assert_eq!(&got[field], wanted, "{}: {field}", case["name"]);
        }
        let raw = dodona_with(&text(&input["offchain_config"]), &["inspect", "offchain-config"]).json();
        for field in ["delta_progress", "r_max", "s", "reporting_plugin_config", "max_duration_initialization"] {
            assert_eq!(raw[field], wanted[field], "{}: {field}", case["name"]);
        }
    }
}

#[test]
fn reports_are_taken_apart() {
    for case in some("ocr2/median_report.json", 2).filter(|case| case["accept"] == true) {
        let report = dodona(&["inspect", "report", &text(&case["report"])]).json();
        assert_eq!(report["median"], case["median"], "{}", case["name"]);
        assert_eq!(report["juels_per_fee_coin"], case["juels_per_fee_coin"], "{}", case["name"]);
        let count = report["observations"].as_array().unwrap().len();
        assert_eq!(report["observers"].as_array().unwrap().len(), count);
    }
    for case in some("ocr2/median_decode.json", 2).filter(|case| !text(&case["report"]).is_empty()) {
        let outcome = dodona(&["inspect", "report", &text(&case["report"])]);
        if case["accept"] == true {
            assert_eq!(outcome.json()["median"], case["median"], "{}", case["name"]);
        } else {
            assert!(outcome.refused().starts_with("byte "), "{}", case["name"]);
        }
    }
}

#[test]
fn peer_ids_have_three_forms() {
    for case in some("p2p/peer_id.json", 2) {
        let outcome = dodona(&["inspect", "peer-id", &text(&case["text"])]);
        if case["kind"] == "parse" && case["ok"] != true {
            // A key in hex is no peer id, but an answer to what is asked here.
            if outcome.code == Some(0) {
                assert!(text(&case["what"]).contains("hex") || text(&case["what"]).contains("0x"), "{case}");
            } else {
                outcome.refused();
            }
            continue;
        }
        let got = outcome.json();
        assert_eq!(got["public_key"], case["public_key"]);
        for form in ["public_key", "binary"] {
            assert_eq!(dodona(&["inspect", "peer-id", &text(&got[form])]).json(), got);
        }
    }
    let wrong = dodona(&["inspect", "peer-id", &format!("0024080212{}", "20".repeat(33))]);
    assert_eq!(wrong.refused(), "byte 3 is 02, wanted 01: a peer id begins 002408011220");
}

#[test]
fn announcements_are_taken_apart_as_the_reference_does() {
    for case in some("p2p/announcement.json", 1).filter(|case| case["kind"] == "sign").take(4) {
        for (form, kind) in [("bare", "bare"), ("wrapped", "announcement")] {
            let got = dodona(&["inspect", "announcement", &text(&case[form])]).json();
            assert_eq!(got["message"], kind);
            let one = &got["announcements"][0];
            for field in ["addrs", "counter", "public_key", "digest", "sig"] {
                assert_eq!(one[field], case[field]);
            }
            assert_eq!(one["ok"], true);
        }
    }
    let mut seen = 0;
    for case in
        some("p2p/announcement.json", 1).filter(|case| case["kind"] == "wire" && !text(&case["bytes"]).is_empty())
    {
        let outcome = dodona_with(&text(&case["bytes"]), &["inspect", "announcement"]);
        if case["what"] == "bare announcement without wrapper" {
            assert_eq!(outcome.json()["message"], "bare");
            continue;
        }
        if case["ok"] != true {
            outcome.refused();
            continue;
        }
        let got = outcome.json();
        assert_eq!(got["message"], case["message"], "{}", case["what"]);
        let (got, wanted) = (got["announcements"].as_array().unwrap(), case["announcements"].as_array().unwrap());
        assert_eq!(got.len(), wanted.len(), "{}", case["what"]);
        for (got, wanted) in got.iter().zip(wanted) {
            assert_eq!(got["ok"], wanted["ok"], "{}", case["what"]);
            seen += 1;
        }
    }
    assert!(seen > 5, "{seen}");
}

#[test]
fn bad_input_ends_with_2_and_says_where() {
    for (arguments, said) in [
        (&["inspect", "message", "12zz"][..], "byte 1: 'z' is no hex digit"),
        (&["inspect", "message", ""], "nothing is given"),
        (&["inspect", "report", "00"], "byte 1: report has 1 bytes"),
        (&["inspect", "digest", "{}"], "missing field `signers`"),
        (&["inspect", "offchain-config", "{\"f\": 1}"], "missing field `signers`"),
        (&["inspect", "peer-id", "12D3KooW"], "peer id has"),
        (&["inspect", "announcement", "00"], "malformed protobuf at byte 0"),
        (&["inspect", "leaders", "--secret", "00", "--n", "4", "--from", "1", "--count", "1"], "1 bytes, wanted 16"),
        (&["inspect", "leaders", "--n", "4", "--from", "1", "--count", "1"], "--secret"),
        (
            &[
                "inspect",
                "leaders",
                "--secret",
                "00112233445566778899aabbccddeeff",
                "--n",
                "32",
                "--from",
                "1",
                "--count",
                "1",
            ],
            "32 is not in 1..=31",
        ),
        (
            &[
                "inspect",
                "leaders",
                "--secret",
                "00112233445566778899aabbccddeeff",
                "--n",
                "4",
                "--from",
                "4294967295",
                "--count",
                "2",
            ],
            "--count: goes beyond epoch 2^32-1",
        ),
    ] {
        let outcome = dodona(arguments);
        assert!(outcome.refused().contains(said), "{arguments:?}: {}", outcome.stderr);
    }
}
