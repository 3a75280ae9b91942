//! A TCP relay in front of one oracle, so that a partition can be cut on one machine: its peers dial the relay, and the
//! relay lets through whom it likes. Who is dialling is told by the knock that opens every connection, which names the
//! dialler's public key in clear.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The length of a knock, and where the dialler's Ed25519 key stands in it (networking spec: version byte, then key).
const KNOCK_LENGTH: usize = 97;
const KNOCK_KEY: std::ops::Range<usize> = 1..33;

/// A relay that forwards to one oracle.
#[derive(Debug)]
pub struct Relay {
    /// Where peers dial.
    pub address: SocketAddr,
    barred: watch::Sender<Arc<HashSet<[u8; 32]>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Relay {
    /// Listens on `listener` and forwards to `target`.
    pub fn start(listener: TcpListener, target: SocketAddr) -> std::io::Result<Relay> {
        let address = listener.local_addr()?;
        let (barred, watching) = watch::channel(Arc::new(HashSet::new()));
        let task = tokio::spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => {
                        tokio::spawn(forward(stream, target, watching.clone()));
                    }
                    // Out of descriptors, or the dialler is gone already: neither ends the relay.
                    Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
                }
            }
        });
        Ok(Relay { address, barred, task })
    }

    /// Bars these peers from now on: their connections end, and new ones are dropped at the knock.
    pub fn bar(&self, keys: HashSet<[u8; 32]>) {
        self.barred.send_replace(Arc::new(keys));
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn forward(mut dialler: TcpStream, target: SocketAddr, mut barred: watch::Receiver<Arc<HashSet<[u8; 32]>>>) {
    let mut knock = [0; KNOCK_LENGTH];
    if dialler.read_exact(&mut knock).await.is_err() {
        return;
    }
    let key: [u8; 32] = knock[KNOCK_KEY].try_into().expect("the range is 32 long");
    if barred.borrow_and_update().contains(&key) {
        return;
    }
    let Ok(mut oracle) = TcpStream::connect(target).await else { return };
    let quick = dialler.set_nodelay(true).and(oracle.set_nodelay(true));
    if quick.is_err() || oracle.write_all(&knock).await.is_err() {
        return;
    }
    // An error means that the relay itself is gone, and its connections with it.
    let cut = barred.wait_for(|barred| barred.contains(&key));
    tokio::select! {
        // Either end closing, or a broken pipe, ends both: the peers notice and dial again.
        _ = tokio::io::copy_bidirectional(&mut dialler, &mut oracle) => {}
        _ = cut => {}
    }
}
