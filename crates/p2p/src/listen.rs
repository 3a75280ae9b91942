//! The door: accepts connections, hears their knock, and lets in who is known and proves it.
//!
//! Nothing is said to anybody before the knock is found good, and nothing that comes in here changes more than a counter
//! unless it is.

use crate::gate::{Crowded, Gate, Pass};
use crate::limits::{
    ACCEPT_AGAIN_AFTER, HANDSHAKE_WITHIN, HANDSHAKES_PER_PEER_MAX, KNOCK_WITHIN, TCP_KEEPALIVE, TCP_SILENCE_MAX,
    UNSENT_BYTES,
};
use crate::link::{Link, handshake};
use crate::remote::Remote;
use crate::shared::Shared;
use p2p_proto::knock::{self, KNOCK_LEN, KnockError};
use socket2::{SockRef, TcpKeepalive};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

/// Runs as long as the host.
pub(crate) async fn accept(shared: Arc<Shared>, listener: TcpListener, gate: Arc<Gate>) {
    loop {
        let (socket, from) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                shared.counters.accept_errors.one();
                tracing::warn!(%error, "could not accept a connection");
                sleep(ACCEPT_AGAIN_AFTER).await;
                continue;
            }
        };
        shared.counters.accepted.one();
        match gate.enter(from.ip()) {
            Ok((pass, told_to_leave)) => {
                let task = answer(shared.clone(), socket, pass, told_to_leave);
                shared.spawn_until_stopped(task);
            }
            Err(crowded) => count_crowded(&shared, crowded),
        }
    }
}

fn count_crowded(shared: &Shared, crowded: Crowded) {
    match crowded {
        Crowded::InAll => shared.counters.refused_crowded.one(),
        Crowded::FromSource => shared.counters.refused_crowded_source.one(),
    }
}

/// Hears one connection out.
async fn answer(shared: Arc<Shared>, mut socket: TcpStream, pass: Pass, told_to_leave: oneshot::Receiver<Crowded>) {
    let counters = &shared.counters;
    if tune(&socket).is_err() {
        return counters.refused_knock_cut.one();
    }
    let mut bytes = [0; KNOCK_LEN];
    let read = tokio::select! {
        read = timeout(KNOCK_WITHIN, socket.read_exact(&mut bytes)) => read,
        Ok(crowded) = told_to_leave => return count_crowded(&shared, crowded),
    };
    match read {
        Ok(Ok(_)) => {}
        Ok(Err(_)) => return counters.refused_knock_cut.one(),
        Err(_) => return counters.refused_knock_timeout.one(),
    }
    let refused = |error| match error {
        KnockError::Length { .. } => counters.refused_knock_cut.one(),
        KnockError::Version { .. } => counters.refused_knock_version.one(),
        KnockError::Oneself => counters.refused_knock_oneself.one(),
        KnockError::Signature { .. } => counters.refused_knock_signature.one(),
    };
    // A stranger costs no signature.
    let remote = match knock::claimed(&bytes, shared.me) {
        Ok(claimed) => match shared.remote(claimed) {
            Some(remote) => remote,
            None => return counters.refused_stranger.one(),
        },
        Err(error) => return refused(error),
    };
    if let Err(error) = knock::verify(&bytes, shared.me) {
        return refused(error);
    }
    pass.knocked();
    let Some(_shaking) = Shaking::begin(&remote.handshakes) else { return counters.refused_handshakes.one() };
    let Ok(mut tls) = remote.tls.answer() else { return counters.refused_tls.one() };
    match timeout(HANDSHAKE_WITHIN, handshake(&socket, &mut tls)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::debug!(peer = %remote.id, %error, "handshake failed");
            return counters.refused_tls.one();
        }
        Err(_) => return counters.refused_tls_timeout.one(),
    }
    drop(pass);
    if !remote.admit_connection(&shared) {
        return counters.refused_too_often.one();
    }
    install(&shared, &remote, socket, tls);
}

fn install(shared: &Arc<Shared>, remote: &Arc<Remote>, socket: TcpStream, tls: rustls::Connection) {
    match Link::install(shared, remote, socket, tls, false) {
        Some(link) => {
            shared.spawn(link.run());
        }
        // The group was left during the handshake.
        None => shared.counters.refused_stranger.one(),
    }
}

/// Stands for one handshake of a peer, until it is dropped.
struct Shaking<'a>(&'a AtomicUsize);

impl<'a> Shaking<'a> {
    fn begin(count: &'a AtomicUsize) -> Option<Self> {
        if count.fetch_add(1, Relaxed) < HANDSHAKES_PER_PEER_MAX {
            return Some(Self(count));
        }
        count.fetch_sub(1, Relaxed);
        None
    }
}

impl Drop for Shaking<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// Small frames leave at once, dead peers are noticed, and little waits where it cannot be displaced.
pub(crate) fn tune(socket: &TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let raw = SockRef::from(socket);
    raw.set_tcp_keepalive(&TcpKeepalive::new().with_time(TCP_KEEPALIVE).with_interval(TCP_KEEPALIVE))?;
    #[cfg(target_os = "linux")]
    {
        raw.set_tcp_user_timeout(Some(TCP_SILENCE_MAX))?;
        raw.set_tcp_notsent_lowat(UNSENT_BYTES)?;
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (TCP_SILENCE_MAX, UNSENT_BYTES);
    Ok(())
}
