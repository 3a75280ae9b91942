//! `dodona ocr2 config`: building the configuration of a network, explaining one, and giving it to the contract.

mod chain;
mod make;
mod show;

use chain::Chain;
pub(crate) use make::seal;

use crate::bad_input::BadInput;
use crate::cli::{Failure, print_json};
use crate::config::{address_of, read_text, url_of};
use crate::inspect::ConfigDocument;
use crate::key_source::KeySource;
use clap::{Args, Subcommand};
use crypto::secp256k1::Address;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use url::Url;

/// The largest configuration document: an offchain config of its greatest size in hex, twice.
const DOCUMENT_BYTES_MAX: u64 = 16 << 20;

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Build a configuration from the oracles' public identities, seal a fresh shared secret for them, and print it
    Make(Box<make::MakeArgs>),

    /// Explain a configuration, from a file or from a contract: timers, oracles, answers, what is odd
    Show(ShowArgs),

    /// Give a configuration to the contract (setConfig), and wait until it is in the chain
    Set(SetArgs),
}

#[derive(Clone, Debug, Args)]
#[command(group = clap::ArgGroup::new("source").required(true).args(["file", "rpc_url"]))]
pub struct ShowArgs {
    /// What `make` printed, or the document that `dodona inspect digest` takes
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Read the contract's present configuration through this JSON-RPC node
    #[arg(long, value_name = "URL", value_parser = http_url, requires = "contract")]
    rpc_url: Option<Url>,
    /// The aggregator
    #[arg(long, value_name = "ADDRESS", value_parser = address_of, requires = "rpc_url")]
    contract: Option<Address>,
}

#[derive(Clone, Debug, Args)]
pub struct SetArgs {
    /// What `make` printed
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The JSON-RPC node of the contract's chain
    #[arg(long, value_name = "URL", value_parser = http_url)]
    rpc_url: Url,
    /// The aggregator
    #[arg(long, value_name = "ADDRESS", value_parser = address_of)]
    contract: Address,
    /// The key of the contract's owner, 32 bytes in hex, in a file of mode 0600 or in an environment variable
    #[arg(long, value_name = "file:PATH|env:NAME")]
    key: String,
}

fn http_url(text: &str) -> Result<Url, String> {
    url_of(text, &["http", "https"])
}

/// What `make` prints.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Made {
    config: ConfigDocument,
    /// Where chain, contract and count are known.
    #[serde(default)]
    digest: Option<String>,
    /// Of `setConfig`.
    #[serde(default)]
    calldata: Option<String>,
    #[serde(default)]
    warnings: Vec<String>,
}

pub fn run(command: ConfigCommand) -> Result<(), Failure> {
    match command {
        ConfigCommand::Make(args) => print_json(&make::make(&args)?),
        ConfigCommand::Show(ShowArgs { file, rpc_url, contract }) => {
            let document = match (file, rpc_url, contract) {
                (Some(file), ..) => read_document(&file)?,
                (None, Some(url), Some(contract)) => {
                    chain::block_on(async { Chain::dial(&url).await?.latest_config(contract).await })??
                }
                (None, ..) => return Err(BadInput::new("wanted FILE, or --rpc-url and --contract").into()),
            };
            print_json(&show::explain(&document)?)
        }
        ConfigCommand::Set(args) => {
            let document = read_document(&args.file)?;
            // Nothing is sent that no oracle would accept.
            show::explain(&document).map_err(|problem| problem.in_file(&args.file))?;
            let key = args
                .key
                .parse::<KeySource>()
                .and_then(|source| source.read())
                .map_err(|problem| problem.at("--key"))?;
            let set = async { Chain::dial(&args.rpc_url).await?.set_config(args.contract, key, &document).await };
            print_json(&chain::block_on(set)??)
        }
    }
}

/// A configuration document, or what `make` printed round one.
fn read_document(path: &Path) -> Result<ConfigDocument, BadInput> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Made(Box<Made>),
        Document(Box<ConfigDocument>),
    }
    let text = read_text(path, DOCUMENT_BYTES_MAX)?;
    match serde_json::from_str(&text) {
        Ok(Either::Made(made)) => Ok(made.config),
        Ok(Either::Document(document)) => Ok(*document),
        Err(_) => {
            // Read again as the one of the two that it wants to be, for an error that says something.
            let wants_to_be_made = text.contains("\"config\"");
            let error = match wants_to_be_made {
                true => serde_json::from_str::<Made>(&text).err(),
                false => serde_json::from_str::<ConfigDocument>(&text).err(),
            };
            let (line, said) = error.map_or((1, String::new()), |error| (error.line(), error.to_string()));
            Err(BadInput::new(said).in_file(path).on_line(line).remedy("give what `dodona ocr2 config make` printed"))
        }
    }
}
