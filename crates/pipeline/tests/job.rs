//! Job files: what is read, and what is said about what is wrong.

use pipeline::{BigInt, Job, JobKind, LatestAnswer, Strictness, Value};
use proptest::prelude::*;
use std::time::Duration;

const JOB: &str = r#"type = "offchainreporting2"
schemaVersion = 1
name = "BTC/USD"
externalJobID = "0EEC7E1D-d0d2-476c-a1a8-72dfb6633f46"
maxTaskDuration = "2s"
relay = "evm"
contractID = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
pluginType = "median"
p2pv2Bootstrappers = ["12D3KooWHUtLn9pkZ5AFbVa1mhzA1oxCA6yhqRsVL1hGqTDHFbKE@127.0.0.1:6690"]
transmitterID = "0xfb6916095ca1df60bb79ce92ce3ea74c37c5d359"
contractConfigConfirmations = 1
contractConfigTrackerPollInterval = "1s"
observationSource = """
    ds    [type=http method=GET url="http://x/"]
    parse [type=jsonparse path="price"]
    ds -> parse
"""

[relayConfig]
chainID = 1337

[pluginConfig]
juelsPerFeeCoinSource = '''
    juels [type=memo value=<1000000000000000000>]
'''
"#;

fn refused(text: &str) -> String {
    Job::parse(text, Strictness::Lenient).unwrap_err().to_string()
}

#[test]
fn a_median_job_is_read() {
    let (job, warnings) = Job::parse(JOB, Strictness::Strict).unwrap();
    assert!(warnings.is_empty());
    assert_eq!(job.name.as_deref(), Some("BTC/USD"));
    assert_eq!(job.external_job_id.as_deref(), Some("0eec7e1d-d0d2-476c-a1a8-72dfb6633f46"));
    assert_eq!(job.limits(Duration::from_secs(1)).task_time, Some(Duration::from_secs(2)));
    let JobKind::Offchainreporting2(ocr2) = &job.kind else { panic!() };
    assert_eq!(ocr2.contract_id.to_string(), "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed");
    assert_eq!(ocr2.transmitter_id.unwrap().to_string(), "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359");
    assert_eq!(ocr2.relay_config.chain_id, 1337);
    assert_eq!(ocr2.contract_config_confirmations, Some(1));
    assert_eq!(ocr2.contract_config_tracker_poll_interval, Some(Duration::from_secs(1)));
    assert_eq!(ocr2.blockchain_timeout, None);
    assert_eq!(ocr2.median.observation.tasks().len(), 2);
    assert_eq!(ocr2.median.juels_per_fee_coin.tasks()[0].type_name, "memo");
    assert!(ocr2.median.gas_price_subunits.is_none());
}

#[test]
fn a_mistake_is_named_with_line_column_key_and_remedy() {
    for (from, to, wanted) in [
        ("\"median\"", "\"medain\"", "8:14: pluginType: unknown plugin `medain`; did you mean `median`?"),
        (
            "\"median\"",
            "\"mercury\"",
            "8:14: pluginType: plugin `mercury` is not available in this version; use `median`",
        ),
        ("\"evm\"", "\"solana\"", "6:9: relay: relay `solana` is not available in this version; use `evm`"),
        (
            "\"offchainreporting2\"",
            "\"cron\"",
            "1:8: type: job type `cron` is not available in this version; use `offchainreporting2` or `bootstrap`",
        ),
        ("schemaVersion = 1", "schemaVersion = 2", "2:17: schemaVersion: 2 is not supported; write schemaVersion = 1"),
        ("schemaVersion = 1", "", "1:1: schemaVersion: is missing; write schemaVersion = 1"),
        (
            "schemaVersion = 1",
            "schemaVersion = \"1\"",
            "2:17: schemaVersion: must be an integer, got a string; write schemaVersion = 1",
        ),
        (
            "0EEC7E1D-",
            "",
            "4:17: externalJobID: `d0d2-476c-a1a8-72dfb6633f46` is not allowed; write a UUID, such as 0eec7e1d-d0d2-476c-a1a8-72dfb6633f46",
        ),
        (
            "\"2s\"",
            "\"2\"",
            "5:19: maxTaskDuration: `2` is not a duration; write a number with a unit, such as 300ms, 5s or 1h30m",
        ),
        (
            "1BeAed",
            "1BeAeD",
            "7:14: contractID: the checksum of address 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD is wrong; compare it with 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed, or write it in lower case",
        ),
        (
            "@127.0.0.1:6690",
            "",
            "9:23: p2pv2Bootstrappers: `12D3KooWHUtLn9pkZ5AFbVa1mhzA1oxCA6yhqRsVL1hGqTDHFbKE` is not a bootstrap node; write \"PEERID@host:port\", with a peer id such as 12D3KooW…",
        ),
        (
            "Confirmations = 1",
            "Confirmations = 70000",
            "11:31: contractConfigConfirmations: is out of range; write an integer of 16 bits, from 0",
        ),
        (
            "Confirmations = 1",
            "Confirmations = -1",
            "11:31: contractConfigConfirmations: is out of range; write an integer of 16 bits, from 0",
        ),
        ("chainID = 1337", "", "19:1: relayConfig.chainID: is missing; write chainID = 1"),
        ("chainID = 1337", "chainID = \"x\"", "20:11: relayConfig.chainID: is not a number; write chainID = 1"),
        (
            "[relayConfig]\nchainID = 1337",
            "",
            "1:1: relayConfig: is missing; write [relayConfig] and under it chainID = 1",
        ),
        (
            "[relayConfig]\nchainID = 1337",
            "relayConfig = 1",
            "19:15: relayConfig: must be a table, got an integer; write relayConfig = … under [relayConfig]",
        ),
        (
            "name = ",
            "isBootstrapPeer = true\nname = ",
            "3:19: isBootstrapPeer: does not belong here; write a job of type = \"bootstrap\" for a bootstrap node",
        ),
        (
            "name = ",
            "feedID = \"0x\"\nname = ",
            "3:10: feedID: does not belong here; remove it; only the mercury plugin has one",
        ),
        // Inside the graph, line and column are those of the file.
        ("type=jsonparse", "type=jsonpase", "15:17: parse.type: unknown task type `jsonpase`; did you mean jsonparse?"),
        (
            "ds -> parse",
            "ds -> pars",
            "16:11: pars: has no type; write pars [type=\"…\"], or correct the name in the edges",
        ),
        (
            "    ds -> parse",
            "    ds -> parse; one [type=memo value=1]",
            "13:21: observationSource: ends in 2 tasks (parse, one), but gives one value; let all but one lead to another task",
        ),
        (
            "value=<1000000000000000000>",
            "value=<one>",
            "24:28: juels.value: not JSON at line 1, column 1: one; write JSON, such as <{\"data\": $(task)}>",
        ),
    ] {
        assert!(JOB.contains(from), "{from}");
        assert_eq!(refused(&JOB.replacen(from, to, 1)), wanted, "{from} -> {to}");
    }
}

#[test]
fn places_inside_a_string_with_escapes_are_those_of_the_file() {
    let text = JOB.replacen("url=\"http://x/\"", "url=\\\"http://x/\\\" h=\"\\u00e9\" \\\n      timeout=x", 1);
    assert!(refused(&text).starts_with("15:15: ds.timeout: `x`"), "{}", refused(&text));
}

#[test]
fn what_is_not_toml_is_refused_in_our_words() {
    assert!(refused("type = \n").starts_with("1:8: job: not TOML: "), "{}", refused("type = \n"));
    assert!(
        refused("a = 1\na = 2\n").starts_with("2:1: job: not TOML: duplicate key"),
        "{}",
        refused("a = 1\na = 2\n")
    );
    assert_eq!(refused(""), "1:1: type: is missing; write type = \"offchainreporting2\"");
    assert!(refused(&"#".repeat(300_000)).contains("is larger than"));
    assert!(Job::parse(&format!("a = {}", "[".repeat(100_000)), Strictness::Lenient).is_err());
}

#[test]
fn an_unknown_key_is_a_warning_or_under_strictness_an_error() {
    let text =
        JOB.replacen("name = ", "p2pPeerID = \"x\"\nmonitoringEndpoint = \"y\"\ntransmiterID = \"z\"\nname = ", 1);
    let (_, warnings) = Job::parse(&text, Strictness::Lenient).unwrap();
    let texts: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "3:13: p2pPeerID: has no effect any more; remove it",
            "5:1: transmiterID: is an unknown key; did you mean transmitterID?"
        ]
    );
    let error = Job::parse(&text, Strictness::Strict).unwrap_err();
    assert_eq!(error.to_string(), texts[0]);
}

#[test]
fn a_bootstrap_job_is_read() {
    let text = "type = \"bootstrap\"\nschemaVersion = 1\nrelay = \"evm\"\ncontractID = \"0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed\"\n[relayConfig]\nchainID = \"5\"\n";
    let (job, _) = Job::parse(text, Strictness::Strict).unwrap();
    let JobKind::Bootstrap(bootstrap) = &job.kind else { panic!() };
    assert_eq!(bootstrap.relay_config.chain_id, 5);
    assert_eq!(
        refused(&format!("observationSource = \"\"\n{text}")),
        "1:21: observationSource: a bootstrap job has no pipeline; remove it"
    );
}

#[test]
fn a_run_can_name_its_job_and_the_last_answer() {
    let (job, _) = Job::parse(JOB, Strictness::Strict).unwrap();
    let latest = LatestAnswer { answer: BigInt::from(2_037_104_000_000u64), updated_at: 1_678_406_400 };
    let variables = job.variables(7, Some(&latest));
    assert_eq!(variables["jobRun"].to_json(), r#"{"meta":{"latestAnswer":2037104000000,"updatedAt":1678406400}}"#);
    assert_eq!(
        variables["jb"].to_json(),
        r#"{"databaseID":7,"externalJobID":"0eec7e1d-d0d2-476c-a1a8-72dfb6633f46","name":"BTC/USD"}"#
    );
    let Value::Map(spec) = &variables["jobSpec"] else { panic!() };
    assert_eq!(spec["evmChainID"], Value::from("1337"));
    assert_eq!(job.variables(7, None)["jobRun"].to_json(), r#"{"meta":{"latestAnswer":null,"updatedAt":null}}"#);
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(at in 0..JOB.len(), cut in 0usize..40, text in r#"[\PC\n"'\\<>\[\]{}=$()]{0,12}"#) {
        let end = (at + cut).min(JOB.len());
        let changed = [&JOB[..at], &text, &JOB[end..]].concat();
        if let Err(error) = Job::parse(&changed, Strictness::Lenient) {
            prop_assert!(error.at.line as usize <= changed.lines().count() + 1, "{}", error);
        }
    }
}
