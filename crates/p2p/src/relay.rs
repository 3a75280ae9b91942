//! A TCP relay in front of one host, so that a partition can be cut on one machine: its peers dial the relay, and the relay
//! lets through whom it likes. Who dials is told by the knock that opens every connection. A host knows nothing of it.

use p2p_proto::PeerId;
use p2p_proto::knock::{self, KNOCK_LEN};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Forwards connections to one host. Dropping it ends the listening.
#[derive(Debug)]
pub struct Relay {
    /// Where peers dial.
    pub address: SocketAddr,
    barred: watch::Sender<Arc<BTreeSet<PeerId>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Relay {
    /// Listens on `listener` and forwards to `target`.
    pub fn start(listener: TcpListener, target: SocketAddr) -> std::io::Result<Relay> {
        let address = listener.local_addr()?;
        let (barred, watching) = watch::channel(Arc::new(BTreeSet::new()));
        let task = tokio::spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => {
                        tokio::spawn(forward(stream, target, watching.clone()));
                    }
                    // Out of descriptors, or the dialer is gone already: neither ends the relay.
                    Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
                }
            }
        });
        Ok(Relay { address, barred, task })
    }

    /// Bars these peers from now on: their connections end, and new ones are dropped at the knock.
    pub fn bar(&self, peers: BTreeSet<PeerId>) {
        self.barred.send_replace(Arc::new(peers));
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn forward(mut dialer: TcpStream, target: SocketAddr, mut barred: watch::Receiver<Arc<BTreeSet<PeerId>>>) {
    let mut knock = [0; KNOCK_LEN];
    if dialer.read_exact(&mut knock).await.is_err() {
        return;
    }
    let peer = knock::dialer(&knock);
    if barred.borrow_and_update().contains(&peer) {
        return;
    }
    let Ok(mut host) = TcpStream::connect(target).await else { return };
    let quick = dialer.set_nodelay(true).and(host.set_nodelay(true));
    if quick.is_err() || host.write_all(&knock).await.is_err() {
        return;
    }
    // An error means that the relay itself is gone, and its connections with it.
    let cut = barred.wait_for(|barred| barred.contains(&peer));
    tokio::select! {
        // Either end closing, or a broken pipe, ends both: the peers notice and dial again.
        _ = tokio::io::copy_bidirectional(&mut dialer, &mut host) => {}
        _ = cut => {}
    }
}
