//! The WebSocket as the connection sees it: sends with a time limit, and closes that arrive.

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message as Raw, Utf8Bytes, WebSocket};
use futures_util::SinkExt;
use session::CloseCode;
use session::server::Message;
use tokio::time::timeout;

use crate::budget::{Permit, Share};

/// A receiver that takes nothing for so long is given up.
const SEND: Duration = Duration::from_secs(90);
/// How long the other end has to answer a close.
const CLOSE: Duration = Duration::from_secs(2);
/// What each connection may have for free of what a receiver has not taken.
const LARGE: usize = 64 << 10;
/// The most bytes of a close's reason (RFC 6455, 5.5).
const REASON: usize = 123;
/// Close codes (RFC 6455, 7.4.1).
const PROTOCOL_ERROR: u16 = 1002;
const INVALID: u16 = 1007;
const TOO_BIG: u16 = 1009;

pub(crate) struct Socket {
    inner: WebSocket,
    /// Reading has failed, with this close code of the WebSocket protocol; what is unread cannot be drained.
    broken: Option<u16>,
    gone: bool,
    /// Something was fed since the last flush.
    waits: bool,
    /// The memory of large messages; `None` if there will be none.
    share: Option<Share>,
    /// That of the message that is being sent.
    sending: Option<Permit>,
}

/// What came from the other end.
pub(crate) enum Heard {
    /// A message of bytes.
    Binary(Bytes),
    /// A message of text.
    Text(Utf8Bytes),
    /// A ping or a pong.
    Ping,
    /// A message above the bound.
    TooLarge,
    /// Bytes that are no WebSocket frames.
    Broken(String),
    /// The other end has closed, or the connection is cut.
    Gone,
}

impl Socket {
    pub(crate) fn new(inner: WebSocket, share: Option<Share>) -> Self {
        Self { inner, broken: None, gone: false, waits: false, share, sending: None }
    }

    pub(crate) async fn hear(&mut self) -> Heard {
        match self.inner.recv().await {
            Some(Ok(Raw::Binary(bytes))) => Heard::Binary(bytes),
            Some(Ok(Raw::Text(text))) => Heard::Text(text),
            Some(Ok(Raw::Ping(_) | Raw::Pong(_))) => Heard::Ping,
            Some(Ok(Raw::Close(_))) => {
                // The answer to it waits to be written.
                let _ = timeout(CLOSE, self.inner.flush()).await;
                Heard::Gone
            }
            None => Heard::Gone,
            Some(Err(error)) => {
                let error = error.into_inner();
                let error = error.downcast_ref();
                self.broken = Some(match error {
                    Some(tungstenite::Error::Utf8(_)) => INVALID,
                    Some(tungstenite::Error::Capacity(_)) => TOO_BIG,
                    _ => PROTOCOL_ERROR,
                });
                match error {
                    Some(tungstenite::Error::Capacity(_)) => Heard::TooLarge,
                    Some(
                        error @ (tungstenite::Error::Protocol(_) | tungstenite::Error::Utf8(_)),
                    ) => Heard::Broken(error.to_string()),
                    _ => Heard::Gone,
                }
            }
        }
    }

    /// What has come already.
    pub(crate) fn hear_now(&mut self) -> Option<Heard> {
        let mut context = Context::from_waker(Waker::noop());
        match pin!(self.hear()).poll(&mut context) {
            Poll::Ready(heard) => Some(heard),
            Poll::Pending => None,
        }
    }

    /// Takes a message, and sends it if much waits; false if the other end does not take it.
    pub(crate) async fn feed(&mut self, message: Message) -> bool {
        let message = match message {
            Message::Binary(bytes) => Raw::Binary(bytes.into()),
            Message::Text(text) => Raw::Text(text.into()),
            Message::Ping => Raw::Ping(Vec::new().into()),
        };
        if !self.makes_room(&message).await {
            return false;
        }
        self.waits = true;
        !self.gone && matches!(timeout(SEND, self.inner.feed(message)).await, Ok(Ok(())))
    }

    /// Takes memory for a large message, once the one before it is sent; false if there is none, or the other
    /// end does not take that one.
    async fn makes_room(&mut self, message: &Raw) -> bool {
        let bytes = match message {
            Raw::Binary(bytes) => bytes.len(),
            Raw::Text(text) => text.as_str().len(),
            _ => 0,
        };
        if bytes <= LARGE || self.share.is_none() {
            return true;
        }
        if !self.flush().await {
            return false;
        }
        if let Some(share) = &self.share {
            self.sending = timeout(SEND, share.take(bytes)).await.ok();
        }
        self.sending.is_some()
    }

    /// Sends what waits; false if the other end does not take it.
    pub(crate) async fn flush(&mut self) -> bool {
        if !std::mem::take(&mut self.waits) {
            return true;
        }
        let sent = !self.gone && matches!(timeout(SEND, self.inner.flush()).await, Ok(Ok(())));
        self.sending = None;
        sent
    }

    /// Nobody is there any more.
    pub(crate) fn gone(&mut self) {
        self.gone = true;
    }

    /// Closes with the WebSocket protocol's own code for what was wrong, and does not wait.
    #[cfg(feature = "echo")]
    pub(crate) async fn refuse(&mut self) {
        let code = self.broken.unwrap_or(PROTOCOL_ERROR);
        let frame = CloseFrame { code, reason: "".into() };
        let _ = timeout(CLOSE, self.inner.send(Raw::Close(Some(frame)))).await;
    }

    /// Says why, and waits a little for the other end: a socket that is dropped with unread bytes is
    /// reset, and the close frame lost with it.
    pub(crate) async fn close(&mut self, code: CloseCode, reason: &str) {
        if self.gone {
            return;
        }
        let reason = &reason[..reason.floor_char_boundary(REASON)];
        let frame = CloseFrame { code: code.code(), reason: reason.into() };
        if !matches!(timeout(CLOSE, self.inner.send(Raw::Close(Some(frame)))).await, Ok(Ok(()))) {
            return;
        }
        if self.broken.is_some() {
            return tokio::time::sleep(CLOSE).await;
        }
        let _ = timeout(CLOSE, async { while let Some(Ok(_)) = self.inner.recv().await {} }).await;
    }
}
