//! One established connection: a task that reads, writes and waits, round and round.
//!
//! Everything that is ready goes into as few TLS records and system calls as possible, the clock is read once a round,
//! and a message takes no detour over another task: it goes from the socket into its endpoint's inbox.

use crate::limits::{PROVED_WITHIN, READ_BYTES, READS_MAX, WRITE_STALL_MAX};
use crate::remote::Remote;
use crate::shared::Shared;
use p2p_proto::Mono;
use p2p_proto::links::LinkId;
use p2p_proto::{CloseReason, Connection, Event};
use std::cell::RefCell;
use std::io::{self, BufRead, IoSlice, Read, Write};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::sync::Notify;

/// Why a connection has ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum End {
    #[error("closed by the peer")]
    ByPeer,
    #[error("connection lost: {0}")]
    Lost(#[from] io::Error),
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
    #[error("the peer broke a rule: {0}")]
    Violation(#[from] CloseReason),
    #[error("the peer has taken nothing for {WRITE_STALL_MAX:?}")]
    WriteStalled,
    #[error("the peer has said nothing for {PROVED_WITHIN:?}")]
    Unproved,
    #[error("replaced, or no longer wanted")]
    Unwanted,
}

/// An authenticated connection, installed but not running yet.
pub(crate) struct Link {
    shared: Arc<Shared>,
    remote: Arc<Remote>,
    id: LinkId,
    since: Mono,
    /// When the socket last took something, or had nothing to take.
    progress_at: Mono,
    waker: Arc<Notify>,
    socket: TcpStream,
    tls: rustls::Connection,
    connection: Connection,
    events: Vec<Event>,
    out: Vec<u8>,
    /// Bytes of frames that are counted already.
    counted: u64,
}

impl Link {
    /// Makes this a connection of `remote`, which may cost another one its place. `None`: the peer is no longer wanted.
    pub fn install(
        shared: &Arc<Shared>,
        remote: &Arc<Remote>,
        socket: TcpStream,
        tls: rustls::Connection,
        dialed: bool,
    ) -> Option<Self> {
        let (now, id, waker) = (shared.now(), shared.next_link(), Arc::new(Notify::new()));
        let mut state = remote.lock();
        if state.gone {
            return None;
        }
        state.on_established(now, id, dialed, waker.clone());
        let connection = Connection::new(now, &mut state.peer);
        // Under the lock, so that the order of ups and downs is that of the connections.
        if !remote.up.send_replace(true) {
            shared.tell_peer_event(remote.id, true);
        }
        drop(state);
        for counter in [&shared.counters.established, &remote.counters.established] {
            counter.one();
        }
        if !dialed {
            for counter in [&shared.counters.established_inbound, &remote.counters.established_inbound] {
                counter.one();
            }
        }
        tracing::debug!(peer = %remote.id, dialed, "connected");
        Some(Self {
            shared: shared.clone(),
            remote: remote.clone(),
            id,
            since: now,
            progress_at: now,
            waker,
            socket,
            tls,
            connection,
            events: Vec::new(),
            out: Vec::new(),
            counted: 0,
        })
    }

    /// Runs until the connection ends.
    pub async fn run(mut self) {
        let end = self.rounds().await;
        let counters = &self.shared.counters;
        counters.ended.one();
        match &end {
            End::Violation(CloseReason::Stalled) | End::WriteStalled | End::Unproved => counters.closed_stalled.one(),
            End::Violation(_) => counters.closed_violation.one(),
            End::ByPeer | End::Lost(_) | End::Tls(_) | End::Unwanted => {}
        }
        tracing::debug!(peer = %self.remote.id, reason = %end, "disconnected");
        {
            let mut state = self.remote.lock();
            let was_current = state.links.current() == Some(self.id);
            if was_current || state.links.current().is_none() {
                state.proved = self.connection.is_proved();
                self.shared.tell_discovery(crate::gossip::Told::Disabled(self.remote.id));
            }
            state.on_ended(self.id);
            state.wake();
            if state.links.current().is_none() && self.remote.up.send_replace(false) {
                self.shared.tell_peer_event(self.remote.id, false);
            }
        }
        // As orderly as can be without waiting for a peer that may be gone.
        self.tls.send_close_notify();
        while self.tls.wants_write() && self.tls.write_tls(&mut Socket(&self.socket)).is_ok_and(|count| count > 0) {}
    }

    async fn rounds(&mut self) -> End {
        let mut timer = pin!(tokio::time::sleep(Duration::ZERO));
        let mut timer_at = None;
        let mut now = self.since;
        // What came along with the end of the handshake.
        if let Err(end) = self.decrypted(now) {
            return end;
        }
        loop {
            let Written { blocked, again_at } = match self.write(now) {
                Ok(written) => written,
                Err(end) => return end,
            };
            if let Err(end) = self.check(now, blocked) {
                return end;
            }
            if !blocked && again_at.is_some_and(|at| at <= now) {
                // More than one batch waits. Others get their turn, and so does what comes in.
                tokio::task::yield_now().await;
                now = self.shared.now();
                match self.read(now) {
                    Ok(()) => continue,
                    Err(end) => return end,
                }
            }
            let stalled_at = blocked.then(|| self.progress_at + WRITE_STALL_MAX);
            let unproved_at = (!self.connection.is_proved()).then(|| self.since + PROVED_WITHIN);
            let deadline = [again_at, stalled_at, unproved_at, self.connection.stalls_at()].into_iter().flatten().min();
            if deadline != timer_at {
                if let Some(at) = deadline {
                    timer.as_mut().reset(self.shared.instant(at));
                }
                timer_at = deadline;
            }
            let interest = if blocked { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
            let readable = tokio::select! {
                ready = self.socket.ready(interest) => match ready {
                    Ok(ready) => ready.is_readable() || ready.is_read_closed(),
                    Err(error) => return error.into(),
                },
                () = self.waker.notified() => false,
                () = timer.as_mut(), if timer_at.is_some() => {
                    timer_at = None;
                    false
                }
            };
            now = self.shared.now();
            if readable && let Err(end) = self.read(now) {
                return end;
            }
        }
    }

    /// Whether the peer still does its part.
    fn check(&mut self, now: Mono, blocked: bool) -> Result<(), End> {
        if blocked && self.progress_at + WRITE_STALL_MAX <= now {
            return Err(End::WriteStalled);
        }
        if !self.connection.is_proved() && self.since + PROVED_WITHIN <= now {
            return Err(End::Unproved);
        }
        Ok(self.connection.check_stall(now)?)
    }

    /// Reads what is there, but not for ever.
    fn read(&mut self, now: Mono) -> Result<(), End> {
        BUFFER.with_borrow_mut(|buffer| self.read_through(buffer, now))
    }

    fn read_through(&mut self, buffer: &mut [u8], now: Mono) -> Result<(), End> {
        for _ in 0..READS_MAX {
            let count = match read_socket(&self.socket, buffer) {
                Ok(0) => return Err(End::ByPeer),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Err(End::ByPeer),
                Err(error) => return Err(error.into()),
            };
            self.shared.counters.raw_bytes_read.add(count as u64);
            self.remote.counters.raw_bytes_read.add(count as u64);
            self.connection.read_raw(now, &mut self.remote.lock().peer, count)?;
            let mut taken = 0;
            while taken < count {
                taken += self.tls.read_tls(&mut &buffer[taken..count])?;
                let state = self.tls.process_new_packets()?;
                self.decrypted(now)?;
                if state.peer_has_closed() {
                    return Err(End::ByPeer);
                }
            }
            if count < buffer.len() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Takes what TLS has decrypted.
    fn decrypted(&mut self, now: Mono) -> Result<(), End> {
        let mut reader = self.tls.reader();
        let mut outcome = Ok(());
        loop {
            let count = match reader.fill_buf() {
                Ok([]) | Err(_) => break,
                Ok(plaintext) => {
                    let mut state = self.remote.lock();
                    outcome = self.connection.read(now, &mut state.peer, plaintext, &mut self.events);
                    // What came before a violation counts.
                    state.deliver(&self.shared, &self.remote, self.id, &mut self.events);
                    plaintext.len()
                }
            };
            reader.consume(count);
            if outcome.is_err() {
                break;
            }
        }
        let read = self.connection.consumed() - self.counted;
        self.counted += read;
        self.shared.counters.bytes_read.add(read);
        self.remote.counters.bytes_read.add(read);
        outcome.map_err(End::from)
    }

    /// Writes what may be written now.
    fn write(&mut self, now: Mono) -> Result<Written, End> {
        if self.flush(now)? {
            return Ok(Written { blocked: true, again_at: None });
        }
        let again_at = {
            let mut state = self.remote.lock();
            state.links.on_deadline(now);
            if !state.links.has(self.id) {
                return Err(End::Unwanted);
            }
            if state.links.current() == Some(self.id) {
                let again_at = self.connection.transmit(now, &mut state.peer, &mut self.out, &mut self.events)?;
                state.deliver(&self.shared, &self.remote, self.id, &mut self.events);
                again_at
            } else {
                state.links.deadline()
            }
        };
        if self.out.is_empty() {
            return Ok(Written { blocked: false, again_at });
        }
        self.tls.writer().write_all(&self.out)?;
        self.shared.counters.bytes_written.add(self.out.len() as u64);
        self.remote.counters.bytes_written.add(self.out.len() as u64);
        self.out.clear();
        Ok(Written { blocked: self.flush(now)?, again_at })
    }

    /// Hands encrypted bytes to the socket; returns whether it is full.
    fn flush(&mut self, now: Mono) -> Result<bool, End> {
        let mut total = 0;
        let mut blocked = false;
        while self.tls.wants_write() && !blocked {
            match self.tls.write_tls(&mut Socket(&self.socket)) {
                Ok(count) => total += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => blocked = true,
                Err(error) => return Err(error.into()),
            }
        }
        if total > 0 || !blocked {
            self.progress_at = now;
        }
        self.shared.counters.raw_bytes_written.add(total as u64);
        self.remote.counters.raw_bytes_written.add(total as u64);
        Ok(blocked)
    }
}

thread_local! {
    /// What a connection reads into. It keeps none of it, and does not wait while it reads, so all of a thread share one, which
    /// stays in the processor's cache.
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BYTES].into());
}

/// Reads once. A short read is all that was there, so the socket counts as empty without being asked again; but for what has
/// come in since before the read, which is why both stand in one `try_io`.
fn read_socket(socket: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    let mut short = None;
    let outcome = socket.try_io(Interest::READABLE, || match socket.try_read(buffer) {
        Ok(count) if 0 < count && count < buffer.len() => {
            short = Some(count);
            Err(io::ErrorKind::WouldBlock.into())
        }
        outcome => outcome,
    });
    short.map_or(outcome, Ok)
}

/// What a round of writing leaves to wait for.
struct Written {
    /// Room in the socket.
    blocked: bool,
    /// A time.
    again_at: Option<Mono>,
}

/// A socket as rustls wants it: it never waits.
pub(crate) struct Socket<'a>(pub &'a TcpStream);

impl Read for Socket<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }
}

impl Write for Socket<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(parts)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Brings a TLS handshake to its end.
pub(crate) async fn handshake(socket: &TcpStream, tls: &mut rustls::Connection) -> Result<(), End> {
    loop {
        while tls.wants_write() {
            match tls.write_tls(&mut Socket(socket)) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => socket.writable().await?,
                Err(error) => return Err(error.into()),
            }
        }
        if !tls.is_handshaking() {
            return Ok(());
        }
        socket.readable().await?;
        match tls.read_tls(&mut Socket(socket)) {
            Ok(0) => return Err(End::ByPeer),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error.into()),
        }
        if let Err(error) = tls.process_new_packets() {
            // The alert that says why; who does not take it at once does without.
            let _ = tls.write_tls(&mut Socket(socket));
            return Err(error.into());
        }
    }
}
