//! The jobs folder: every `*.toml` in it is a job. What a job may say is known to `pipeline`; here it is found, named,
//! and held against the node's configuration.

use crate::bad_input::BadInput;
use crate::config::{Config, read_text};
use crypto::sha256;
use p2p::{Locator, LocatorError};
use pipeline::{Diagnostic, Job, JobKind, Strictness};
use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A job and where it comes from.
#[derive(Clone, Debug)]
pub struct LoadedJob {
    pub file: PathBuf,
    /// The job's `name`, or the file's name without `.toml`.
    pub name: String,
    /// The job's `externalJobID`, or one that is made of the file's name and so stays the same: state is kept under it.
    pub id: String,
    pub job: Job,
    /// Oddities that do not stop it, each with its line.
    pub warnings: Vec<Diagnostic>,
}

/// Loads every job of the folder, in the order of the file names. A missing folder has none. All problems are told.
pub fn load(folder: &Path) -> Result<Vec<LoadedJob>, Vec<BadInput>> {
    let mut problems = Vec::new();
    let mut jobs: Vec<LoadedJob> = Vec::new();
    for path in job_files(folder)? {
        match load_file(&path) {
            Ok(job) => jobs.push(job),
            Err(problem) => problems.push(problem),
        }
    }
    let mut ids: BTreeMap<&str, &Path> = BTreeMap::new();
    for job in &jobs {
        if let Some(other) = ids.insert(&job.id, &job.file) {
            let problem = format!("{} has the same one", other.display());
            problems
                .push(BadInput::new(problem).in_file(&job.file).at("externalJobID").remedy("give each job its own"));
        }
    }
    if problems.is_empty() { Ok(jobs) } else { Err(problems) }
}

/// Loads one job.
pub fn load_file(path: &Path) -> Result<LoadedJob, BadInput> {
    let text = read_text(path, pipeline::limits::JOB_BYTES_MAX as u64)?;
    let (job, warnings) = Job::parse(&text, Strictness::Lenient).map_err(|problem| diagnosed(path, problem))?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let id = job.external_job_id.clone().unwrap_or_else(|| stable_uuid(&stem));
    let loaded = LoadedJob { file: path.to_owned(), name: job.name.clone().unwrap_or(stem), id, job, warnings };
    loaded.bootstrappers()?;
    Ok(loaded)
}

impl LoadedJob {
    /// The bootstrappers that the job names itself.
    pub fn bootstrappers(&self) -> Result<Vec<Locator>, BadInput> {
        let JobKind::Offchainreporting2(oracle) = &self.job.kind else { return Ok(Vec::new()) };
        let parse = |text: &String| {
            text.parse().map_err(|error: LocatorError| {
                BadInput::new(error.to_string())
                    .in_file(&self.file)
                    .at("p2pv2Bootstrappers")
                    .remedy("write PEERID@host:port")
            })
        };
        oracle.p2pv2_bootstrappers.iter().map(parse).collect()
    }

    /// The chain that the job is on.
    pub fn chain_id(&self) -> u64 {
        match &self.job.kind {
            JobKind::Offchainreporting2(oracle) => oracle.relay_config.chain_id,
            JobKind::Bootstrap(bootstrap) => bootstrap.relay_config.chain_id,
        }
    }

    /// The keys of the job that would change what a reference node does, and change nothing here.
    pub fn without_effect(&self) -> Vec<&'static str> {
        let relay = match &self.job.kind {
            JobKind::Offchainreporting2(oracle) => &oracle.relay_config,
            JobKind::Bootstrap(bootstrap) => &bootstrap.relay_config,
        };
        let mut keys = vec![
            ("gasLimit", self.job.gas_limit.is_some()),
            ("forwardingAllowed", self.job.forwarding_allowed),
            ("relayConfig.fromBlock", relay.from_block.is_some()),
            ("relayConfig.effectiveTransmitterID", relay.effective_transmitter_id.is_some()),
            ("relayConfig.defaultTransactionQueueDepth", relay.default_transaction_queue_depth.is_some()),
            ("relayConfig.simulateTransactions", relay.simulate_transactions),
        ];
        if let JobKind::Offchainreporting2(oracle) = &self.job.kind {
            keys.push(("captureEATelemetry", oracle.capture_ea_telemetry));
            keys.push(("onchainSigningStrategy", oracle.onchain_signing_strategy.is_some()));
        }
        keys.into_iter().filter(|(_, given)| *given).map(|(key, _)| key).collect()
    }

    /// What the job wants and the node does not have, or its configuration does not give.
    pub fn check(&self, config: &Config) -> Result<(), BadInput> {
        if let Some(bridge) = self.job.bridges().first() {
            return Err(BadInput::new(format!("there is no bridge {bridge}, nor any other in this version"))
                .in_file(&self.file)
                .at("observationSource")
                .remedy("ask the source itself with a task of type http"));
        }
        let chain_id = self.chain_id();
        if config.chain(chain_id).is_some() {
            return Ok(());
        }
        let remedy = format!("add [[EVM]] with ChainID = \"{chain_id}\" to {}", config.file.display());
        let problem = format!("chain {chain_id} is not configured");
        Err(BadInput::new(problem).in_file(&self.file).at("relayConfig.chainID").remedy(remedy))
    }
}

fn job_files(folder: &Path) -> Result<Vec<PathBuf>, BadInput> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(BadInput::io(folder, "list the jobs", &error)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| BadInput::io(folder, "list the jobs", &error))?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if !hidden && path.extension().is_some_and(|extension| extension == "toml") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn diagnosed(path: &Path, problem: Diagnostic) -> BadInput {
    let line = problem.at.line as usize;
    BadInput::new(problem.problem).in_file(path).on_line(line).at(problem.key).remedy(problem.remedy)
}

/// A UUID (version 8: made by a rule of our own) for a job that has none.
fn stable_uuid(name: &str) -> String {
    let mut bytes = sha256(&[b"dodona job\n", name.as_bytes()].concat());
    bytes[6] = 0x80 | (bytes[6] & 0x0f);
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    let hex = hex::encode(&bytes[..16]);
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOB: &str = r#"
type = "offchainreporting2"
schemaVersion = 1
relay = "evm"
contractID = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
pluginType = "median"
p2pv2Bootstrappers = ["12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN@127.0.0.1:6690"]
observationSource = """
ds [type=http method=GET url="http://127.0.0.1:9000/"];
parse [type=jsonparse path="price"];
ds -> parse;
"""
[relayConfig]
chainID = 1337
[pluginConfig]
juelsPerFeeCoinSource = """
one [type=memo value="1000000000000000000"];
"""
"#;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    fn problems(folder: &Path) -> Vec<String> {
        load(folder).unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_toml_file_of_the_folder_is_a_job() {
        let named = JOB.replace("schemaVersion", "name = \"the feed\"\nschemaVersion");
        let folder = folder(&[("b.toml", &named), ("a.toml", JOB), ("notes.txt", "x"), (".hidden.toml", "x")]);
        let jobs = load(folder.path()).unwrap();
        assert_eq!(jobs.iter().map(|job| &*job.name).collect::<Vec<_>>(), ["a", "the feed"]);
        assert_eq!(jobs[0].chain_id(), 1337);
        assert_eq!(jobs[0].bootstrappers().unwrap()[0].addresses, ["127.0.0.1:6690"]);
        assert_eq!(jobs[0].id, stable_uuid("a"));
        assert_eq!(jobs[0].id.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert_ne!(jobs[0].id, jobs[1].id);
    }

    #[test]
    fn a_missing_folder_has_no_jobs() {
        let folder = tempfile::tempdir().unwrap();
        assert!(load(&folder.path().join("jobs")).unwrap().is_empty());
    }

    #[test]
    fn every_bad_job_is_told_with_file_line_and_remedy() {
        let folder = folder(&[
            ("a.toml", &JOB.replace("\"median\"", "\"mediam\"")),
            ("b.toml", "type = \n"),
            ("c.toml", &JOB.replace("@127.0.0.1:6690", "")),
        ]);
        let problems = problems(folder.path());
        assert_eq!(problems.len(), 3, "{problems:?}");
        let at = |name: &str| folder.path().join(name).display().to_string();
        assert!(problems[0].starts_with(&format!("{}:6: pluginType: ", at("a.toml"))), "{}", problems[0]);
        assert!(problems[1].starts_with(&format!("{}:1: ", at("b.toml"))), "{}", problems[1]);
        assert!(problems[2].contains("c.toml") && problems[2].contains("p2pv2Bootstrappers"), "{}", problems[2]);
    }

    #[test]
    fn two_jobs_with_one_id_are_refused() {
        let twin =
            JOB.replace("schemaVersion", "externalJobID = \"0eec7e1d-d0d2-476c-a1a8-72dfb6633f46\"\nschemaVersion");
        let folder = folder(&[("a.toml", &twin), ("b.toml", &twin)]);
        assert!(problems(folder.path())[0].contains("a.toml has the same one; give each job its own"));
    }

    #[test]
    fn a_job_on_a_chain_that_is_not_configured_is_told_so() {
        let folder = folder(&[("a.toml", JOB)]);
        let config = Config::parse(Path::new("config.toml"), "").unwrap();
        let error = load(folder.path()).unwrap()[0].check(&config).unwrap_err().to_string();
        assert!(error.contains("relayConfig.chainID: chain 1337 is not configured; add [[EVM]]"), "{error}");
    }

    #[test]
    fn a_job_that_asks_a_bridge_is_refused_before_every_observation_of_it_fails() {
        let folder = folder(&[(
            "a.toml",
            &JOB.replace("type=http method=GET url=\"http://127.0.0.1:9000/\"", "type=bridge name=prices"),
        )]);
        let config = Config::parse(Path::new("config.toml"), "").unwrap();
        let error = load(folder.path()).unwrap()[0].check(&config).unwrap_err().to_string();
        assert!(error.contains("a.toml: observationSource: there is no bridge prices"), "{error}");
    }

    #[test]
    fn what_a_job_sets_without_effect_is_named() {
        let text = JOB
            .replace("schemaVersion", "forwardingAllowed = true\ngasLimit = 1\nschemaVersion")
            .replace("chainID", "simulateTransactions = true\nfromBlock = 7\nchainID");
        let folder = folder(&[("a.toml", JOB), ("b.toml", &text)]);
        let jobs = load(folder.path()).unwrap();
        assert_eq!(jobs[0].without_effect(), [""; 0]);
        assert_eq!(
            jobs[1].without_effect(),
            ["gasLimit", "forwardingAllowed", "relayConfig.fromBlock", "relayConfig.simulateTransactions"]
        );
    }
}
