//! The WebSocket as the connection sees it: sends with a time limit, and closes that arrive.

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use axum::body::Bytes;
use futures_util::{SinkExt, StreamExt};
use session::CloseCode;
use session::server::Message;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{Frame, Utf8Bytes};
use tokio_tungstenite::tungstenite::{Error, Message as Raw};

use crate::websocket::WebSocket;

/// A receiver that takes nothing for so long is given up.
pub(super) const SEND: Duration = Duration::from_secs(90);
/// How long the other end has to answer a close.
const CLOSE: Duration = Duration::from_secs(2);
/// Larger messages are written in fragments: the buffer that a frame is written to stays as large.
const LARGE: usize = 64 << 10;
const FRAGMENT: usize = 32 << 10;
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
    pub(crate) fn new(inner: WebSocket) -> Self {
        Self { inner, broken: None, gone: false, waits: false }
    }

    pub(crate) async fn hear(&mut self) -> Heard {
        match self.inner.next().await {
            Some(Ok(Raw::Binary(bytes))) => Heard::Binary(bytes),
            Some(Ok(Raw::Text(text))) => Heard::Text(text),
            Some(Ok(Raw::Ping(_) | Raw::Pong(_))) => Heard::Ping,
            Some(Ok(Raw::Close(_))) => {
                // The answer to it waits to be written.
                let _ = timeout(CLOSE, self.inner.flush()).await;
                Heard::Gone
            }
            None => Heard::Gone,
            // Only written, never read.
            Some(Ok(Raw::Frame(_))) => Heard::Ping,
            Some(Err(error)) => {
                self.broken = Some(match error {
                    Error::Utf8(_) => INVALID,
                    Error::Capacity(_) => TOO_BIG,
                    _ => PROTOCOL_ERROR,
                });
                match error {
                    Error::Capacity(_) => Heard::TooLarge,
                    Error::Protocol(_) | Error::Utf8(_) => Heard::Broken(error.to_string()),
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
        match message {
            Message::Binary(bytes) if bytes.len() > LARGE => {
                self.feed_large(Data::Binary, bytes.into()).await
            }
            Message::Text(text) if text.len() > LARGE => {
                self.feed_large(Data::Text, text.into()).await
            }
            Message::Binary(bytes) => self.feed_raw(Raw::Binary(bytes.into())).await,
            Message::Text(text) => self.feed_raw(Raw::Text(text.into())).await,
            Message::Ping => self.feed_raw(Raw::Ping(Vec::new().into())).await,
        }
    }

    /// Takes a large message in fragments.
    async fn feed_large(&mut self, mut kind: Data, mut rest: Bytes) -> bool {
        while !rest.is_empty() {
            let fragment = rest.split_to(rest.len().min(FRAGMENT));
            let frame = Frame::message(fragment, OpCode::Data(kind), rest.is_empty());
            if !self.feed_raw(Raw::Frame(frame)).await {
                return false;
            }
            kind = Data::Continue;
        }
        true
    }

    async fn feed_raw(&mut self, message: Raw) -> bool {
        self.waits = true;
        !self.gone && matches!(timeout(SEND, self.inner.feed(message)).await, Ok(Ok(())))
    }

    /// Sends what waits; false if the other end does not take it.
    pub(crate) async fn flush(&mut self) -> bool {
        if !std::mem::take(&mut self.waits) {
            return true;
        }
        !self.gone && matches!(timeout(SEND, self.inner.flush()).await, Ok(Ok(())))
    }

    /// Nobody is there any more.
    pub(crate) fn gone(&mut self) {
        self.gone = true;
    }

    /// Closes with the WebSocket protocol's own code for what was wrong, and does not wait.
    #[cfg(feature = "echo")]
    pub(crate) async fn refuse(&mut self) {
        let code = self.broken.unwrap_or(PROTOCOL_ERROR);
        let frame = CloseFrame { code: code.into(), reason: "".into() };
        let _ = timeout(CLOSE, self.inner.send(Raw::Close(Some(frame)))).await;
    }

    /// Says why, and waits a little for the other end: a socket that is dropped with unread bytes is
    /// reset, and the close frame lost with it.
    pub(crate) async fn close(&mut self, code: CloseCode, reason: &str) {
        if self.gone {
            return;
        }
        let reason = &reason[..reason.floor_char_boundary(REASON)];
        let frame = CloseFrame { code: code.code().into(), reason: reason.into() };
        if !matches!(timeout(CLOSE, self.inner.send(Raw::Close(Some(frame)))).await, Ok(Ok(()))) {
            return;
        }
        if self.broken.is_some() {
            return tokio::time::sleep(CLOSE).await;
        }
        let _ = timeout(CLOSE, async { while let Some(Ok(_)) = self.inner.next().await {} }).await;
    }
}
