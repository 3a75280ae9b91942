//! Building a configuration.

use super::Made;
use super::chain::set_config_call;
use crate::bad_input::BadInput;
use crate::config::{address_of, read_text};
use crate::identity::Identity;
use crate::inspect::{ConfigDocument, HexText, Number};
use clap::Args;
use crypto::secp256k1::Address;
use crypto::{Zeroizing, x25519};
use median::value::Value as Answer;
use ocr::{ContractConfig, SharedSecret};
use ocr2::config::{ConfigError, Parameters, Proposal, PublicConfig, ResourceChecks};
use pipeline::parse_duration;
use rand::RngCore;
use std::path::PathBuf;
use std::time::Duration;

/// A committee's identities take less than a kilobyte each.
const IDENTITIES_BYTES_MAX: u64 = 1 << 20;

#[derive(Clone, Debug, Args)]
pub struct MakeArgs {
    /// The oracles' identities as `dodona keys identity` prints them, in the order of their seats: a file each, or one
    /// with a JSON list
    #[arg(long = "identities", value_name = "FILE", required = true, num_args = 1..)]
    identities: Vec<PathBuf>,
    /// How many oracles may be faulty [default: (n-1)/3]
    #[arg(long, value_name = "F")]
    f: Option<u8>,

    /// The least answer that the contract takes, in its smallest unit
    #[arg(long, value_name = "INT", allow_hyphen_values = true, value_parser = answer)]
    min_answer: Answer,
    /// The greatest answer that the contract takes
    #[arg(long, value_name = "INT", allow_hyphen_values = true, value_parser = answer)]
    max_answer: Answer,

    /// Shortest time from one round to the next
    #[arg(long, value_name = "D", default_value = "5s", value_parser = parse_duration)]
    delta_round: Duration,
    /// A leader without progress for so long is replaced [default: 4 DeltaRound]
    #[arg(long, value_name = "D", value_parser = parse_duration)]
    delta_progress: Option<Duration>,
    /// How often an oracle repeats which epoch it wants [default: DeltaRound]
    #[arg(long, value_name = "D", value_parser = parse_duration)]
    delta_resend: Option<Duration>,
    /// How long a leader waits for late observations [default: a tenth of DeltaRound]
    #[arg(long, value_name = "D", value_parser = parse_duration)]
    delta_grace: Option<Duration>,
    /// Time between two stages of transmission [default: 2 DeltaRound]
    #[arg(long, value_name = "D", value_parser = parse_duration)]
    delta_stage: Option<Duration>,
    /// Rounds per epoch
    #[arg(long, value_name = "N", default_value_t = 10)]
    r_max: u8,
    /// How many oracles transmit in each stage, such as 1,1,2 [default: one in each]
    #[arg(long, value_name = "S", value_delimiter = ',')]
    s: Vec<u8>,

    /// Deviation from the contract's answer that is reported, in parts per billion
    #[arg(long, value_name = "PPB", default_value_t = 0)]
    alpha_report_ppb: u64,
    /// Deviation from a pending report that is accepted, in parts per billion
    #[arg(long, value_name = "PPB", default_value_t = 0)]
    alpha_accept_ppb: u64,
    /// An answer older than this is renewed
    #[arg(long, value_name = "D", default_value = "1h", value_parser = parse_duration)]
    delta_c: Duration,

    /// How long the plugin may take for a query [default: a quarter of DeltaRound]
    #[arg(long, value_name = "D", value_parser = parse_duration)]
    max_duration_query: Option<Duration>,
    /// How long the plugin may take for an observation [default: DeltaRound]
    #[arg(long, value_name = "D", value_parser = parse_duration)]
    max_duration_observation: Option<Duration>,
    /// How long the plugin may take for a report [default: DeltaRound]
    #[arg(long, value_name = "D", value_parser = parse_duration)]
    max_duration_report: Option<Duration>,
    /// How long the plugin may take to accept a report [default: DeltaRound]
    #[arg(long, value_name = "D", value_parser = parse_duration)]
    max_duration_should_accept: Option<Duration>,
    /// How long the plugin may take to decide on a transmission [default: DeltaRound]
    #[arg(long, value_name = "D", value_parser = parse_duration)]
    max_duration_should_transmit: Option<Duration>,
    /// How long the plugin may take to start [default: each oracle's own]
    #[arg(long, value_name = "D", value_parser = parse_duration)]
    max_duration_initialization: Option<Duration>,

    /// With --contract and --config-count: print the digest that the contract will compute
    #[arg(long, value_name = "ID", requires_all = ["contract", "config_count"])]
    chain_id: Option<u64>,
    /// The aggregator
    #[arg(long, value_name = "ADDRESS", value_parser = address_of, requires_all = ["chain_id", "config_count"])]
    contract: Option<Address>,
    /// Which configuration of the contract this will be; its first is 1
    #[arg(long, value_name = "N", requires_all = ["contract", "chain_id"])]
    config_count: Option<u64>,

    /// Let timers pass that only oracles in development mode accept
    #[arg(long)]
    development: bool,
}

fn answer(text: &str) -> Result<Answer, String> {
    text.parse().map_err(|_| format!("{text:?} is no whole number of 192 bits"))
}

/// The configuration with a fresh secret, which is printed nowhere: the oracles alone can open it.
pub(super) fn make(args: &MakeArgs) -> Result<Made, BadInput> {
    let identities = read_identities(&args.identities)?;
    let n = identities.len();
    if args.min_answer > args.max_answer {
        return Err(BadInput::new("is above --max-answer").at("--min-answer"));
    }
    let count = u8::try_from(n).unwrap_or(u8::MAX);
    let proposal = Proposal {
        oracles: identities.iter().map(Identity::member).collect(),
        f: args.f.unwrap_or(count.saturating_sub(1) / 3),
        onchain_config: median::OnchainConfig { min: args.min_answer, max: args.max_answer }.encode(),
        parameters: parameters(args, n),
    };
    let checks = if args.development { ResourceChecks::Off } else { ResourceChecks::On };
    let config =
        seal(&proposal, checks).map_err(|error| BadInput::new(format!("no oracle would accept this: {error}")))?;
    let warnings = PublicConfig::from_contract(&config, checks)
        .map_err(|error| BadInput::new(error.to_string()))?
        .warnings()
        .iter()
        .map(ToString::to_string)
        .collect();
    let document = document(args, &config);
    let digest = document.to_contract_config()?.config_digest;
    Ok(Made {
        digest: (digest != ocr::ConfigDigest::ZERO).then(|| digest.to_string()),
        calldata: Some(format!("0x{}", hex::encode(set_config_call(&document)?))),
        config: document,
        warnings,
    })
}

/// A proposal with a fresh secret, which stays nowhere in the clear.
pub(crate) fn seal(proposal: &Proposal, checks: ResourceChecks) -> Result<ContractConfig, ConfigError> {
    let (mut secret, mut ephemeral) = ([0; 16], Zeroizing::new([0; 32]));
    rand::rngs::OsRng.fill_bytes(&mut secret);
    rand::rngs::OsRng.fill_bytes(&mut *ephemeral);
    proposal.seal(&SharedSecret::new(secret), &x25519::SecretKey::from_bytes(&ephemeral), checks)
}

fn parameters(args: &MakeArgs, n: usize) -> Parameters {
    let round = args.delta_round;
    let plugin = median::OffchainConfig {
        alpha_report_infinite: false,
        alpha_report_ppb: args.alpha_report_ppb,
        alpha_accept_infinite: false,
        alpha_accept_ppb: args.alpha_accept_ppb,
        delta_c: args.delta_c,
    };
    Parameters {
        delta_progress: args.delta_progress.unwrap_or(round.saturating_mul(4)),
        delta_resend: args.delta_resend.unwrap_or(round),
        delta_round: round,
        delta_grace: args.delta_grace.unwrap_or(round / 10),
        delta_stage: args.delta_stage.unwrap_or(round.saturating_mul(2)),
        r_max: args.r_max,
        s: if args.s.is_empty() { vec![1; n] } else { args.s.clone() },
        reporting_plugin_config: plugin.encode(),
        max_duration_initialization: args
            .max_duration_initialization
            .map(|duration| i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)),
        max_duration_query: args.max_duration_query.unwrap_or(round / 4),
        max_duration_observation: args.max_duration_observation.unwrap_or(round),
        max_duration_report: args.max_duration_report.unwrap_or(round),
        max_duration_should_accept: args.max_duration_should_accept.unwrap_or(round),
        max_duration_should_transmit: args.max_duration_should_transmit.unwrap_or(round),
    }
}

fn document(args: &MakeArgs, config: &ContractConfig) -> ConfigDocument {
    ConfigDocument {
        chain_id: args.chain_id.map(Number),
        contract: args.contract.map(|contract| contract.to_string()),
        config_count: args.config_count.map(Number),
        signers: config.signers.iter().cloned().map(HexText).collect(),
        transmitters: config.transmitters.clone(),
        f: config.f,
        onchain_config: HexText(config.onchain_config.clone()),
        offchain_config_version: Number(config.offchain_config_version),
        offchain_config: HexText(config.offchain_config.clone()),
    }
}

fn read_identities(paths: &[PathBuf]) -> Result<Vec<Identity>, BadInput> {
    let mut identities = Vec::new();
    for path in paths {
        let text = read_text(path, IDENTITIES_BYTES_MAX)?;
        let wrong = |error: serde_json::Error| {
            BadInput::new(error.to_string())
                .in_file(path)
                .on_line(error.line())
                .remedy("give what `dodona keys identity` prints, or a JSON list of it")
        };
        match text.trim_start().starts_with('[') {
            true => identities.extend(serde_json::from_str::<Vec<Identity>>(&text).map_err(wrong)?),
            false => identities.push(serde_json::from_str(&text).map_err(wrong)?),
        }
    }
    Ok(identities)
}
