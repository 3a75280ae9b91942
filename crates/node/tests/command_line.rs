//! What a person meets on the command line: exit codes, errors with file, line and remedy, keys, vectors.

mod dodona;

use dodona::{dodona, vector_path};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

const JOB: &str = r#"
type = "offchainreporting2"
schemaVersion = 1
relay = "evm"
contractID = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
pluginType = "median"
observationSource = """
one [type=memo value="1"];
"""
[relayConfig]
chainID = 1337
[pluginConfig]
juelsPerFeeCoinSource = """
one [type=memo value="1000000000000000000"];
"""
"#;

const CONFIG: &str = r#"
InsecureFastScrypt = true
[WebServer]
ListenIP = "127.0.0.1"
HTTPPort = 0
[P2P.V2]
ListenAddresses = ["127.0.0.1:0"]
[[EVM]]
ChainID = "1337"
[[EVM.Nodes]]
Name = "main"
HTTPURL = "http://127.0.0.1:1"
"#;

struct Node {
    folder: tempfile::TempDir,
}

impl Node {
    fn new(config: &str, job: Option<&str>) -> Node {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("config.toml"), config).unwrap();
        if let Some(job) = job {
            fs::create_dir(folder.path().join("jobs")).unwrap();
            fs::write(folder.path().join("jobs/feed.toml"), job).unwrap();
        }
        Node { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn config(&self) -> String {
        self.path("config.toml").display().to_string()
    }

    fn start(&self) -> dodona::Outcome {
        dodona(&["node", "--config", &self.config()])
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn help_and_version_end_with_0() {
    for arguments in
        [&["--help"][..], &["devnet", "--help"], &["node", "--help"], &["inspect", "--help"], &["--version"]]
    {
        let outcome = dodona(arguments);
        assert_eq!(outcome.code, Some(0), "{outcome:?}");
    }
    let help = dodona(&["devnet", "--help"]).stdout;
    for option in [
        "--oracles",
        "--rounds",
        "--timeout",
        "--json",
        "--data",
        "--speed",
        "--start",
        "--block-time",
        "--delta-round",
        "--r-max",
        "--chain-url",
        "--deployer-key",
        "--contract",
        "--fault",
        "--foreign",
        "--keep",
        "--processes",
    ] {
        assert!(help.contains(option), "{option}\n{help}");
    }
}

#[test]
fn unknown_commands_and_options_end_with_2() {
    for arguments in
        [&["devnett"][..], &["devnet", "--oracels", "4"], &["node"], &["node", "--config", "a", "--seat", "b"]]
    {
        assert_eq!(dodona(arguments).code, Some(2), "{arguments:?}");
    }
    assert!(dodona(&["devnet", "--fault", "9:stop@1s"]).refused().contains("--fault: 9:stop@1s names oracle 9"));
}

#[test]
fn a_bad_market_file_is_told_with_its_line_before_anything_starts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("market.csv");
    fs::write(&path, "unix_time,source,close,volume\n1678518060,a_btcusd,1,1\n1678518000,a_btcusd,2,1\n").unwrap();
    let outcome = dodona(&["devnet", "--json", "--data", &shown(&path)]);
    let told = "--data: time 1678518000 comes after 1678518060; sort the rows by time";
    assert_eq!(outcome.refused(), format!("{}:3: {told}", shown(&path)));
    assert_eq!(outcome.stdout, "");
}

#[test]
fn a_bad_configuration_is_told_with_file_line_and_remedy() {
    let node = Node::new("[Log]\nLevle = \"info\"\n", None);
    let outcome = node.start();
    let expected = format!("{}:2: Log.Levle: unknown key; did you mean Level?", node.config());
    assert_eq!(outcome.refused(), expected);

    let missing = node.path("none.toml");
    let outcome = dodona(&["node", "--config", &shown(&missing)]);
    assert!(outcome.refused().starts_with(&format!("{}: cannot read: ", shown(&missing))), "{outcome:?}");
}

#[test]
fn a_node_without_job_or_with_a_bad_one_is_told_so() {
    let node = Node::new(CONFIG, None);
    assert!(node.start().refused().contains("there is no job; put a job file (*.toml) into this folder"));

    let node = Node::new(CONFIG, Some(&JOB.replace("1337", "1")));
    let said = node.start();
    assert!(said.refused().contains("jobs/feed.toml: relayConfig.chainID: chain 1 is not configured"), "{said:?}");

    let node = Node::new(CONFIG, Some(&JOB.replace("contractID", "contractId")));
    let said = node.start();
    assert!(said.refused().contains("jobs/feed.toml:"), "{said:?}");
    assert!(!node.path("password").exists(), "nothing is made for a node that cannot start");
}

#[test]
fn a_password_that_others_can_read_is_refused() {
    let node = Node::new(CONFIG, Some(JOB));
    fs::write(node.path("password"), "correct horse battery staple\n").unwrap();
    fs::set_permissions(node.path("password"), fs::Permissions::from_mode(0o644)).unwrap();
    let said = node.start();
    assert!(said.refused().ends_with(&format!("run: chmod 600 {}", shown(&node.path("password")))), "{said:?}");
}

#[test]
fn keys_are_made_listed_and_given_out_as_an_identity() {
    let node = Node::new(CONFIG, None);
    let config = node.config();
    let made = dodona(&["keys", "create", "--config", &config]).json();
    assert_eq!(made.as_array().unwrap().len(), 3);
    assert_eq!(fs::metadata(node.path("password")).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(dodona(&["keys", "list", "--config", &config]).json(), made);

    let identity = dodona(&["keys", "identity", "--config", &config]).json();
    for field in ["peer_id", "offchain_public_key", "config_public_key", "onchain_address", "transmitter"] {
        assert!(identity[field].is_string(), "{field}: {identity}");
    }

    let more = dodona(&["keys", "create", "--config", &config, "--kind", "eth"]).json();
    assert_eq!(more.as_array().unwrap().len(), 4);
    let several = dodona(&["keys", "identity", "--config", &config]);
    assert!(several.refused().contains("--transmitter: there are several keys; choose one of 0x"), "{several:?}");
    let first = identity["transmitter"].as_str().unwrap();
    let chosen = dodona(&["keys", "identity", "--config", &config, "--transmitter", first]);
    assert_eq!(chosen.json(), identity);

    fs::write(node.path("password"), "another password that is wrong\n").unwrap();
    let wrong = dodona(&["keys", "create", "--config", &config]);
    assert!(wrong.refused().contains("wrong password for this key"), "{wrong:?}");

    fs::remove_file(node.path("password")).unwrap();
    let lost = dodona(&["keys", "create", "--config", &config]);
    assert!(lost.refused().contains("put the password back, or name its file with --password"), "{lost:?}");
}

#[test]
fn a_bad_seat_file_is_told_with_line_and_field() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("2.json");
    fs::write(&path, "{\n  \"seat\": 2,\n  \"sead\": 3\n}\n").unwrap();
    let open = dodona(&["node", "--seat", &shown(&path)]);
    assert!(open.refused().ends_with(&format!("run: chmod 600 {}", shown(&path))), "{open:?}");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let unknown = dodona(&["node", "--seat", &shown(&path)]);
    assert!(unknown.refused().starts_with(&format!("{}:3: sead: unknown field `sead`", shown(&path))), "{unknown:?}");
}

#[test]
fn conformance_ends_with_0_1_or_2() {
    let leaders = vector_path("ocr2/leaders.json");
    let outcome = dodona(&["conformance", &shown(&leaders)]);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(outcome.stdout.trim_end().ends_with("8 passed, 0 failed"), "{}", outcome.stdout);

    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("ocr2")).unwrap();
    let wrong = folder.path().join("ocr2/leaders.json");
    let text = fs::read_to_string(&leaders).unwrap();
    fs::write(&wrong, text.replacen("\"leaders\":[", "\"leaders\":[30,", 1)).unwrap();
    let outcome = dodona(&["conformance", &shown(&wrong), &shown(&leaders)]);
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert!(outcome.stdout.contains("1 failed") && outcome.stdout.contains("case 0"), "{}", outcome.stdout);

    let unknown = folder.path().join("ocr2/nothing.json");
    fs::write(&unknown, "{\"cases\": []}").unwrap();
    assert_eq!(dodona(&["conformance", &shown(&unknown)]).code, Some(2));
    assert_eq!(dodona(&["conformance", &shown(&folder.path().join("missing"))]).code, Some(2));
}
