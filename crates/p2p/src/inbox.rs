//! What was received and waits for the application.

use bytes::Bytes;
use p2p_proto::ring::Inbox;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// An inbox that many connections fill and one task empties.
#[derive(Debug)]
pub(crate) struct SharedInbox<S> {
    content: Mutex<Content<S>>,
    filled: Notify,
}

#[derive(Debug)]
struct Content<S> {
    inbox: Inbox<S, Bytes>,
    closed: bool,
}

impl<S: Copy + Ord> SharedInbox<S> {
    pub fn new(messages_max: usize, bytes_max: usize) -> Self {
        let content = Content { inbox: Inbox::new(messages_max, bytes_max), closed: false };
        Self { content: Mutex::new(content), filled: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Content<S>> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends; returns how many older messages of the sender had to go.
    pub fn push(&self, sender: S, payload: Bytes) -> usize {
        let mut content = self.lock();
        let bytes = payload.len();
        let displaced = content.inbox.push(sender, payload, bytes);
        drop(content);
        self.filled.notify_one();
        displaced
    }

    /// What is there, without waiting.
    pub fn try_pop(&self) -> Option<(S, Bytes)> {
        self.lock().inbox.pop()
    }

    /// The next message; `None` once the inbox is closed and empty. Dropping the future loses nothing.
    pub async fn pop(&self) -> Option<(S, Bytes)> {
        loop {
            {
                let mut content = self.lock();
                if let Some(message) = content.inbox.pop() {
                    return Some(message);
                }
                if content.closed {
                    // Whoever else waits must hear of it too.
                    self.filled.notify_one();
                    return None;
                }
            }
            self.filled.notified().await;
        }
    }

    pub fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_one();
    }
}
