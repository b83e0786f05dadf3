//! The WebSocket as the connection sees it: sends with a time limit, and closes that arrive.

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message as Raw, WebSocket};
use futures_util::SinkExt;
use session::CloseCode;
use session::server::Message;
use tokio::time::timeout;

/// A receiver that takes nothing for so long is given up.
const SEND: Duration = Duration::from_secs(30);
/// How long the other end has to answer a close.
const CLOSE: Duration = Duration::from_secs(2);
/// The most bytes of a close's reason (RFC 6455, 5.5).
const REASON: usize = 123;

pub(crate) struct Socket {
    inner: WebSocket,
    /// Reading has failed; what is unread cannot be drained.
    broken: bool,
    gone: bool,
    /// Something was fed since the last flush.
    waits: bool,
}

/// What came from the other end.
pub(crate) enum Heard {
    /// A message; pings and pongs are [`Message::Ping`].
    Message(Message),
    /// A message above the bound.
    TooLarge,
    /// Bytes that are no WebSocket frames.
    Broken(String),
    /// The other end has closed, or the connection is cut.
    Gone,
}

impl Socket {
    pub(crate) fn new(inner: WebSocket) -> Self {
        Self { inner, broken: false, gone: false, waits: false }
    }

    pub(crate) async fn hear(&mut self) -> Heard {
        match self.inner.recv().await {
            Some(Ok(Raw::Binary(bytes))) => Heard::Message(Message::Binary(bytes.into())),
            Some(Ok(Raw::Text(text))) => Heard::Message(Message::Text(text.as_str().to_owned())),
            Some(Ok(Raw::Ping(_) | Raw::Pong(_))) => Heard::Message(Message::Ping),
            Some(Ok(Raw::Close(_))) | None => Heard::Gone,
            Some(Err(error)) => {
                self.broken = true;
                match error.into_inner().downcast_ref() {
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
        if self.broken {
            return tokio::time::sleep(CLOSE).await;
        }
        let _ = timeout(CLOSE, async { while let Some(Ok(_)) = self.inner.recv().await {} }).await;
    }
}
