//! The vectors of the reference, run through the production code; and that running them can fail.

use std::{fs, path::Path};

use conformance::{FileOutcome, Report, run_path};

fn vectors(path: &str) -> Report {
    run_path(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec/vectors").join(path))
}

#[test]
fn all_public_vectors_pass() {
    let report = vectors("");
    assert_eq!((report.exit_code(), report.files.len()), (0, 24), "\n{report}");
}

fn all_pass(path: &str, cases: usize) {
    let report = vectors(path);
    assert_eq!(report.exit_code(), 0, "\n{report}");
    let [file] = &report.files[..] else { panic!("{report}") };
    let FileOutcome::Run(counts) = &file.outcome else { panic!("{report}") };
    assert_eq!(counts.passed, cases, "\n{report}");
}

#[test]
fn config_digests_are_those_of_the_reference() {
    all_pass("ocr2/config_digest.json", 29);
}

#[test]
fn configurations_decode_are_refused_and_encode_as_in_the_reference() {
    all_pass("ocr2/offchain_config.json", 108);
}

#[test]
fn messages_decode_are_refused_and_encode_as_in_the_reference() {
    all_pass("ocr2/messages.json", 278);
}

#[test]
fn signatures_hold_where_they_hold_in_the_reference() {
    all_pass("ocr2/signatures.json", 112);
}

#[test]
fn the_pacemaker_moves_as_that_of_the_reference() {
    all_pass("ocr2/pacemaker.json", 15);
}

#[test]
fn a_follower_says_what_that_of_the_reference_says() {
    all_pass("ocr2/follower.json", 3);
}

#[test]
fn the_median_plugin_decodes_decides_sorts_and_reports_as_that_of_the_reference() {
    for (file, cases) in
        [("observation", 49), ("report", 25), ("sort", 200), ("config", 44), ("decode", 36), ("deviates", 40)]
    {
        all_pass(&format!("ocr2/median_{file}.json"), cases);
    }
}

#[test]
fn leaders_are_those_of_the_reference() {
    all_pass("ocr2/leaders.json", 8);
}

#[test]
fn schedules_are_those_of_the_reference() {
    all_pass("ocr2/schedule.json", 30);
}

#[test]
fn transport_limits_are_those_of_the_reference() {
    all_pass("ocr2/limits.json", 27);
}

#[test]
fn networking_is_that_of_the_reference() {
    let report = vectors("p2p");
    assert_eq!((report.exit_code(), report.files.len()), (0, 9), "\n{report}");
}

/// A file of vectors with only the cases of some types.
fn only(path: &str, types: &[&str]) -> Report {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec/vectors").join(path)).unwrap();
    let mut file: serde_json::Value = serde_json::from_str(&text).unwrap();
    file["cases"].as_array_mut().unwrap().retain(|case| types.iter().any(|wanted| case["type"] == *wanted));
    run(path, &file.to_string())
}

#[test]
fn signatures_are_made_and_accepted_as_in_the_reference() {
    let report = only("ocr2/signatures.json", &["observation", "extra_hash", "report"]);
    assert_eq!(report.exit_code(), 0, "\n{report}");
    assert!(report.to_string().contains("92 passed"), "{report}");
}

/// Runs a file of this content, kept under this path.
fn run(path: &str, content: &str) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, content).unwrap();
    run_path(folder.path())
}

const LEADERS: &str = r#"{"about": "", "cases": [{"shared_secret": "101112131415161718191a1b1c1d1e1f",
    "leader_selection_key": "7843fff5d11ac314c4c869fdb00f51bb", "n": 4, "from_epoch": 1, "leaders": [2, 2, 1]}]}"#;

#[test]
fn a_differing_field_is_a_failure_with_its_place_and_values() {
    assert_eq!(run("ocr2/leaders.json", LEADERS).exit_code(), 0);
    let report = run("ocr2/leaders.json", &LEADERS.replace("[2, 2, 1]", "[2, 3, 1]"));
    assert_eq!(report.exit_code(), 1);
    assert!(
        report.to_string().ends_with("leaders.json: 0 passed, 1 failed\n  case 0: leaders[1]: wanted 3, got 2\n"),
        "{report}"
    );
}

#[test]
fn a_field_that_is_not_in_the_schema_is_unknown() {
    for (from, to, named) in [
        ("\"n\": 4", "\"n\": 4, \"m\": 4", "unknown field m"),
        ("\"n\": 4", "\"n\": 32", "unknown field n (32 oracles, allowed are 31)"),
        ("\"n\": 4,", "", "unknown field n (missing)"),
        ("[2, 2, 1]", "[2, 2, \"x\"]", "unknown field leaders[2]"),
        ("[2, 2, 1]", "7", "unknown field leaders (not a list)"),
    ] {
        let report = run("ocr2/leaders.json", &LEADERS.replace(from, to));
        assert_eq!(report.exit_code(), 2, "{report}");
        assert!(report.to_string().contains(named), "{report}");
    }
}

#[test]
fn what_is_no_vector_file_of_ours_is_named() {
    for (path, content, named) in [
        ("ocr9/leaders.json", LEADERS, "unknown kind of file"),
        ("ocr2/followers.json", LEADERS, "unknown kind of file"),
        ("ocr2/leaders.txt", LEADERS, "no vector files"),
        ("ocr2/leaders.json", "{\"cases\": [", "not a vector file: EOF"),
        ("ocr2/leaders.json", "[]", "not a vector file: invalid type"),
        ("ocr2/leaders.json", "{\"about\": \"\"}", "missing field `cases`"),
        ("ocr2/leaders.json", "{\"cases\": []} {}", "trailing characters at line 1 column 15"),
        ("ocr2/leaders.json", "{\"cases\": []}", "0 passed, 0 failed"),
    ] {
        let report = run(path, content);
        assert_eq!(report.exit_code(), 2, "{report}");
        assert!(report.to_string().contains(named), "{report}");
    }
    let missing = run_path(Path::new("/no/such/folder"));
    assert_eq!(missing.exit_code(), 2);
    assert!(missing.to_string().starts_with("/no/such/folder: cannot read: "), "{missing}");
}
