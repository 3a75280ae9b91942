//! A development chain for wallets and tools: `cargo run -p dodona-devchain --example serve [address] [seconds per block]`.
#![allow(clippy::print_stdout, reason = "the addresses are what its user needs")]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use alloy_primitives::U256;
use devchain::{
    Chain, Config,
    rpc::{DevAccount, Mining, Options, Server},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let listen = arguments.next().unwrap_or_else(|| "127.0.0.1:8545".into()).parse()?;
    let mining = match arguments.next() {
        Some(seconds) => Mining::Every(Duration::from_secs_f64(seconds.parse()?)),
        None => Mining::OnTransaction,
    };
    let accounts: Vec<_> = (0..10).map(DevAccount::number).collect();
    let ether = U256::from(10).pow(U256::from(18));
    let config = Config {
        genesis_timestamp: SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs(),
        balances: accounts.iter().map(|account| (account.address(), ether * U256::from(10_000))).collect(),
        ..Config::default()
    };
    println!("chain id {}; everybody knows these keys:", config.chain_id);
    for account in &accounts {
        println!("{} {}", account.address(), account.secret());
    }
    let server = Server::start(Chain::new(config), Options { listen, mining, accounts, ..Options::default() }).await?;
    println!("{} and {}; Ctrl-C stops", server.url(), server.ws_url());
    tokio::signal::ctrl_c().await?;
    server.stop().await;
    Ok(())
}
