//! `dodona ocr2 config`: what is made is what the protocol's own code accepts.

mod dodona;

use dodona::dodona;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Identities of four nodes that made their keys themselves.
fn identities(folder: &Path) -> Vec<String> {
    (0..4)
        .map(|seat| {
            let home = folder.join(seat.to_string());
            fs::create_dir(&home).unwrap();
            let config = home.join("config.toml");
            fs::write(&config, "InsecureFastScrypt = true\n").unwrap();
            let config = config.display().to_string();
            dodona(&["keys", "create", "--config", &config]).json();
            let identity = dodona(&["keys", "identity", "--config", &config]).json();
            let path = home.join("identity.json");
            fs::write(&path, identity.to_string()).unwrap();
            path.display().to_string()
        })
        .collect()
}

fn make(identities: &[String], more: &[&str]) -> dodona::Outcome {
    let mut arguments = vec!["ocr2", "config", "make", "--identities"];
    arguments.extend(identities.iter().map(String::as_str));
    arguments.extend(["--min-answer", "1", "--max-answer", "1000000000000"]);
    arguments.extend(more);
    dodona(&arguments)
}

fn written(folder: &Path, value: &Value) -> String {
    let path: PathBuf = folder.join("made.json");
    fs::write(&path, value.to_string()).unwrap();
    path.display().to_string()
}

#[test]
fn what_is_made_can_be_shown_and_inspected() {
    let folder = tempfile::tempdir().unwrap();
    let identities = identities(folder.path());
    let contract = "0x5FbDB2315678afecb367f032d93F642f64180aa3";
    let more = [
        "--delta-round",
        "1s",
        "--delta-c",
        "10s",
        "--chain-id",
        "1337",
        "--contract",
        contract,
        "--config-count",
        "1",
    ];
    let made = make(&identities, &more).json();
    assert_eq!(made["warnings"], json!([]));
    // setConfig's selector (contracts spec 3.4).
    assert!(made["calldata"].as_str().unwrap().starts_with("0xe3d0e712"), "{}", made["calldata"]);

    let shown = dodona(&["ocr2", "config", "show", &written(folder.path(), &made)]).json();
    assert_eq!(shown["digest"], made["digest"]);
    assert_eq!((&shown["n"], &shown["f"]), (&json!(4), &json!(1)));
    assert_eq!(shown["timers"]["delta_progress"], "4s");
    assert_eq!(shown["timers"]["delta_grace"], "100ms");
    assert_eq!(shown["median"], json!({ "alpha_report_ppb": 0, "alpha_accept_ppb": 0, "delta_c": "10s" }));
    assert_eq!(shown["answers"], json!({ "min": "1", "max": "1000000000000" }));
    for (seat, path) in identities.iter().enumerate() {
        let identity: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        assert_eq!(shown["oracles"][seat]["peer_id"], identity["peer_id"]);
        assert_eq!(shown["oracles"][seat]["transmitter"], identity["transmitter"]);
    }

    let document = made["config"].to_string();
    assert_eq!(dodona(&["inspect", "digest", &document]).json()["digest"], made["digest"]);
    let inspected = dodona(&["inspect", "offchain-config", &document]).json();
    assert_eq!(inspected["delta_progress"], "4000000000");
    assert_eq!(inspected["digest"], made["digest"]);

    let again = make(&identities, &more).json();
    assert_ne!(again["digest"], made["digest"], "every configuration has a fresh secret");
}

#[test]
fn what_no_oracle_would_accept_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let identities = identities(folder.path());
    for (more, said) in [
        (&["--delta-progress", "1s", "--delta-round", "2s"][..], "DeltaRound (2s) is not below DeltaProgress (1s)"),
        (&["--f", "2"], "no oracle would accept this"),
        (&["--r-max", "255"], "RMax is 255, wanted 1 to 254"),
        (&["--delta-round", "10ms"], "which would exhaust the machines"),
        (&["--chain-id", "1"], "--contract"),
        (&["--s", "1,x"], "--s"),
    ] {
        let outcome = make(&identities, more);
        assert!(outcome.refused().contains(said), "{more:?}: {}", outcome.stderr);
    }
    let shown = make(&identities, &["--delta-round", "10ms", "--development"]).json();
    let shown = dodona(&["ocr2", "config", "show", &written(folder.path(), &shown)]).json();
    assert!(shown["warnings"][0].as_str().unwrap().starts_with("only for development mode"), "{shown}");

    let twice = [identities[0].clone(), identities[0].clone()];
    assert!(make(&twice, &["--f", "0"]).refused().contains("are the same"));
    fs::write(&identities[1], "{\"peer_id\": 1}").unwrap();
    let bad = make(&identities, &[]);
    assert!(bad.refused().starts_with(&format!("{}:1: ", identities[1])), "{bad:?}");
}

#[test]
fn a_node_that_does_not_answer_is_bad_input() {
    let arguments = ["--rpc-url", "http://127.0.0.1:1", "--contract", "0x5FbDB2315678afecb367f032d93F642f64180aa3"];
    let outcome = dodona(&[&["ocr2", "config", "show"][..], &arguments].concat());
    assert!(
        outcome.refused().starts_with("--rpc-url: http://127.0.0.1:1 does not answer as a JSON-RPC node"),
        "{outcome:?}"
    );
}

#[test]
fn a_raw_key_on_the_command_line_is_refused_and_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let made = make(&identities(folder.path()), &[]).json();
    let file = written(folder.path(), &made);
    let key = "46".repeat(32);
    let outcome = dodona(&[
        "ocr2",
        "config",
        "set",
        &file,
        "--rpc-url",
        "http://127.0.0.1:1",
        "--contract",
        "0x5FbDB2315678afecb367f032d93F642f64180aa3",
        "--key",
        &key,
    ]);
    assert!(outcome.refused().contains("--key: wanted file:PATH or env:NAME"), "{outcome:?}");
    assert!(!outcome.stderr.contains("4646"));
}

/// A chain with our aggregator on it; the owner's key is in a file.
async fn chain_with_aggregator(folder: &Path) -> (devchain::rpc::Server, String, String) {
    use alloy::primitives::aliases::I192;
    use alloy::primitives::{Address, U256};
    use devchain::rpc::{DevAccount, Mining, Options, Server};

    let owner = DevAccount::number(0);
    let ether = U256::from(10u64.pow(18));
    let config = devchain::Config { balances: vec![(owner.address(), ether * U256::from(10))], ..Default::default() };
    let options = Options { mining: Mining::OnTransaction, ..Options::default() };
    let server = Server::start(devchain::Chain::new(config), options).await.unwrap();

    let constructor = bindings::ocr2_aggregator::constructorCall {
        link: Address::repeat_byte(1),
        minAnswer_: I192::ONE,
        maxAnswer_: I192::try_from(1_000_000_000_000_i64).unwrap(),
        billingAccessController: Address::repeat_byte(2),
        requesterAccessController: Address::repeat_byte(3),
        decimals_: 8,
        description_: "TEST".into(),
    };
    let creation = bindings::creation(&bindings::ocr2_aggregator::BYTECODE, &constructor);
    let secret = crypto::secp256k1::SecretKey::from_bytes(&owner.secret().0).unwrap();
    let endpoints = evm::Endpoints::dial(server.url().parse().unwrap(), Duration::from_millis(20)).await.unwrap();
    let sender = evm::Sender::new(endpoints, evm::Account::Key(secret));
    let (contract, _) = sender.deploy("the aggregator", creation).await.unwrap();
    let contract = contract.to_checksum(None);

    let key = folder.join("owner");
    fs::write(&key, owner.secret().to_string()).unwrap();
    fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    (server, contract, format!("file:{}", key.display()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_reaches_the_contract_and_is_shown_from_there() {
    let folder = tempfile::tempdir().unwrap();
    let (server, contract, key) = chain_with_aggregator(folder.path()).await;
    let url = server.url();
    let at = ["--rpc-url", &url, "--contract", &contract];

    let empty = dodona(&[&["ocr2", "config", "show"][..], &at].concat());
    assert_eq!(empty.code, Some(1), "{empty:?}");
    assert!(empty.stderr.contains("has no configuration yet"), "{empty:?}");

    let more = ["--chain-id", "1337", "--contract", &contract, "--config-count", "1"];
    let made = make(&identities(folder.path()), &more).json();
    let file = written(folder.path(), &made);
    let set = |key: &str| dodona(&[&["ocr2", "config", "set", &file][..], &at, &["--key", key]].concat());

    let stranger = folder.path().join("stranger");
    fs::write(&stranger, "46".repeat(32)).unwrap();
    fs::set_permissions(&stranger, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let refused = set(&format!("file:{}", stranger.display()));
    assert!(refused.refused().starts_with("--key: the key is that of 0x9d8A62f6"), "{refused:?}");

    let done = set(&key).json();
    assert_eq!(done["digest"], made["digest"], "the contract computes the digest that was foretold");
    assert_eq!(done["config_count"], "1");

    let shown = dodona(&[&["ocr2", "config", "show"][..], &at].concat()).json();
    assert_eq!(shown["digest"], made["digest"]);
    let from_file = dodona(&["ocr2", "config", "show", &file]).json();
    assert_eq!(shown, from_file);

    let nobody =
        dodona(&["ocr2", "config", "show", "--rpc-url", &url, "--contract", &format!("0x{}", "77".repeat(20))]);
    assert_eq!(nobody.code, Some(1), "{nobody:?}");
    assert!(nobody.stderr.contains("is no OCR2 aggregator"), "{nobody:?}");
}
