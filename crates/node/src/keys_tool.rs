//! `dodona keys`: making keys, and showing their public halves.

use crate::bad_input::BadInput;
use crate::cli::{Failure, print_json};
use crate::config::Config;
use crate::identity::Identity;
use crate::keystore::{self, Cost, Keystore, Kind, Listed, Password, Public};
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};

#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Make the keys that are missing (or one more with --kind), and list all
    Create {
        #[command(flatten)]
        node: NodeFiles,
        /// Make one more key of this kind
        #[arg(long)]
        kind: Option<Kind>,
    },
    /// List the public halves of all keys; needs no password
    List {
        /// The node's configuration
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Print what others need to know of this oracle, as `dodona ocr2 config make` wants it; needs no password
    Identity {
        /// The node's configuration
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Which P2P key, if there are several
        #[arg(long, value_name = "PEERID")]
        peer_id: Option<String>,
        /// Which OCR2 key bundle, if there are several
        #[arg(long, value_name = "ID")]
        bundle: Option<String>,
        /// Which transmitting account, if there are several
        #[arg(long, value_name = "ADDRESS")]
        transmitter: Option<String>,
    },
}

/// Where a node's files are.
#[derive(Clone, Debug, Args)]
pub struct NodeFiles {
    /// The node's configuration
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,

    /// The keystore's password, a file of mode 0600; made with a new password where there are no keys yet
    /// [default: `password` beside the configuration]
    #[arg(long, value_name = "FILE")]
    pub password: Option<PathBuf>,
}

impl NodeFiles {
    /// Opens the keystore. Where there is neither key nor password, a password is made.
    pub fn open_keystore(&self, config: &Config) -> Result<Keystore, BadInput> {
        let beside = || config.file.parent().unwrap_or(Path::new("")).join("password");
        let path = self.password.clone().unwrap_or_else(beside);
        let folder = config.keys_folder();
        if !path.exists() {
            if !keystore::list(&folder)?.is_empty() {
                let problem = format!("there is no such file, and the keys in {} open only with it", folder.display());
                let remedy = "put the password back, or name its file with --password";
                return Err(BadInput::new(problem).in_file(&path).remedy(remedy));
            }
            Password::generate().write(&path).map_err(|error| BadInput::io(&path, "write a new password", &error))?;
        }
        let cost = if config.insecure_fast_scrypt { Cost::InsecureFast } else { Cost::Standard };
        Keystore::open(&folder, &Password::read(&path)?, cost)
    }
}

pub fn run(command: KeysCommand) -> Result<(), Failure> {
    match command {
        KeysCommand::Create { node, kind } => {
            let config = Config::read(&node.config)?;
            let mut keystore = node.open_keystore(&config)?;
            match kind {
                Some(kind) => keystore.create(kind).map(drop)?,
                None => keystore.complete()?,
            }
            print_json(&keystore::list(&config.keys_folder())?)
        }
        KeysCommand::List { config } => print_json(&keystore::list(&Config::read(&config)?.keys_folder())?),
        KeysCommand::Identity { config, peer_id, bundle, transmitter } => {
            let folder = Config::read(&config)?.keys_folder();
            let listed = keystore::list(&folder)?;
            let choice = |kind, wanted: Option<String>, option| choose(&folder, &listed, kind, wanted, option);
            print_json(&identity(
                choice(Kind::P2p, peer_id, "--peer-id")?,
                choice(Kind::Ocr2, bundle, "--bundle")?,
                choice(Kind::Eth, transmitter, "--transmitter")?,
            )?)
        }
    }
}

fn choose<'l>(
    folder: &Path,
    listed: &'l [Listed],
    kind: Kind,
    wanted: Option<String>,
    option: &str,
) -> Result<&'l Listed, BadInput> {
    let found: Vec<&Listed> = listed
        .iter()
        .filter(|key| key.kind == kind && wanted.as_ref().is_none_or(|wanted| key.id.eq_ignore_ascii_case(wanted)))
        .collect();
    let problem = match found[..] {
        [one] => return Ok(one),
        [] if wanted.is_some() => {
            BadInput::new("there is no such key").remedy("`dodona keys list` shows what is there")
        }
        [] => BadInput::new("there is no key to choose").remedy("run `dodona keys create`"),
        _ => {
            let ids: Vec<&str> = found.iter().map(|key| &*key.id).collect();
            BadInput::new("there are several keys").remedy(format!("choose one of {}", ids.join(", ")))
        }
    };
    Err(problem.in_file(folder).at(option))
}

fn identity(peer: &Listed, bundle: &Listed, transmitter: &Listed) -> Result<Identity, BadInput> {
    let corrupt = |key: &Listed| BadInput::new("corrupt key file").at(key.id.clone());
    let Public::P2p { peer_id } = &peer.public else { return Err(corrupt(peer)) };
    let Public::Ocr2 { onchain_address, offchain_public_key, config_public_key } = &bundle.public else {
        return Err(corrupt(bundle));
    };
    let Public::Eth { address } = &transmitter.public else { return Err(corrupt(transmitter)) };
    Ok(Identity {
        peer_id: peer_id.parse().map_err(|_| corrupt(peer))?,
        offchain_public_key: *offchain_public_key,
        config_public_key: *config_public_key,
        onchain_address: onchain_address.parse().map_err(|_| corrupt(bundle))?,
        transmitter: address.parse().map_err(|_| corrupt(transmitter))?,
    })
}
