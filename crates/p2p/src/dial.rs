//! Keeps one peer connected: dials it when it is not, and stands back while it is.

use crate::limits::{CONNECT_WITHIN, HANDSHAKE_WITHIN, KNOCK_WITHIN, NEXT_ADDRESS_AFTER};
use crate::link::{End, Link, handshake};
use crate::listen::tune;
use crate::remote::Remote;
use crate::shared::Shared;
use p2p_proto::dial::Dialer;
use p2p_proto::knock;
use std::io;
use std::sync::Arc;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until, timeout};

/// Runs as long as the peer is known.
pub(crate) async fn keep_connected(shared: Arc<Shared>, remote: Arc<Remote>) {
    let mut dialer = Dialer::new(shared.now(), shared.me, remote.id, shared.dial_period);
    let mut addresses = remote.addresses.subscribe();
    let mut up = remote.up.subscribe();
    loop {
        if *up.borrow_and_update() {
            if up.wait_for(|up| !up).await.is_err() {
                return;
            }
            match remote.lock().proved {
                true => dialer.on_lost(shared.now(), rand::random()),
                false => dialer.on_failed(shared.now(), rand::random()),
            }
        }
        let known = addresses.borrow_and_update().clone();
        let due = shared.instant(dialer.due(shared.now()));
        tokio::select! {
            biased;
            _ = up.wait_for(|up| *up) => continue,
            _ = addresses.changed() => {
                dialer.on_new_address(shared.now());
                continue;
            }
            () = sleep_until(due), if !known.is_empty() => {}
        }
        let first = dialer.failures() as usize % known.len();
        let order = known[first..].iter().chain(&known[..first]).cloned().collect();
        // A connection that the peer has brought meanwhile makes this one needless.
        let dialed = tokio::select! {
            biased;
            _ = up.wait_for(|up| *up) => continue,
            dialed = dial(&shared, &remote, &mut dialer, order) => dialed,
        };
        match dialed {
            Ok((socket, tls)) => match Link::install(&shared, &remote, socket, tls, true) {
                Some(link) => {
                    shared.spawn(link.run());
                }
                None => return,
            },
            Err(error) => {
                shared.counters.dial_failures.one();
                tracing::debug!(peer = %remote.id, %error, "could not connect");
                dialer.on_failed(shared.now(), rand::random());
            }
        }
    }
}

/// Connects, knocks and shakes hands.
async fn dial(
    shared: &Shared,
    remote: &Remote,
    dialer: &mut Dialer,
    addresses: Vec<String>,
) -> Result<(TcpStream, rustls::Connection), End> {
    let late = |what: &'static str| move |_| End::Lost(io::Error::new(io::ErrorKind::TimedOut, what));
    let mut socket = connect(addresses).await?;
    tune(&socket)?;
    // In one write, for a reference listener reads once.
    let knock = knock::build(&*shared.keyring, remote.id);
    dialer.on_knock(shared.now());
    timeout(KNOCK_WITHIN, socket.write_all(&knock)).await.map_err(late("the knock was not taken in time"))??;
    let mut tls = remote.tls.dial()?;
    timeout(HANDSHAKE_WITHIN, handshake(&socket, &mut tls)).await.map_err(late("no handshake in time"))??;
    Ok((socket, tls))
}

/// The first of these addresses that answers. They are tried in order, each a little after the one before; only the one
/// that is kept sees a knock.
async fn connect(addresses: Vec<String>) -> io::Result<TcpStream> {
    let mut waiting = addresses.into_iter();
    let mut attempts = JoinSet::new();
    let mut last = io::Error::new(io::ErrorKind::AddrNotAvailable, "no address is known");
    loop {
        if let Some(address) = waiting.next() {
            attempts.spawn(async move {
                match timeout(CONNECT_WITHIN, TcpStream::connect(&address)).await {
                    Ok(connected) => connected,
                    Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, format!("{address} did not answer in time"))),
                }
            });
        } else if attempts.is_empty() {
            return Err(last);
        }
        tokio::select! {
            Some(attempt) = attempts.join_next() => match attempt {
                Ok(Ok(socket)) => return Ok(socket),
                Ok(Err(error)) => last = error,
                Err(error) => last = io::Error::other(error),
            },
            () = sleep(NEXT_ADDRESS_AFTER), if waiting.len() > 0 => {}
        }
    }
}
