//! The WebSocket of a connection: sends with a time limit, and incoming closes.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use axum::body::Bytes;
use futures_util::{SinkExt, StreamExt};
use prometheus_client::metrics::gauge::Gauge;
use session::CloseCode;
use session::server::SocketMessage;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{FrameHeader, Utf8Bytes};
use tokio_tungstenite::tungstenite::{Error, Message as Raw};

use crate::metrics::Counted;
use crate::websocket::WebSocket;

/// The time limit for a receiver to accept some data.
pub(super) const SEND: Duration = Duration::from_secs(90);
/// The time limit for the other end to answer a close.
const CLOSE: Duration = Duration::from_secs(2);
/// The maximum size of a close reason (RFC 6455, 5.5).
const REASON: usize = 123;
/// Close codes (RFC 6455, 7.4.1).
const PROTOCOL_ERROR: u16 = 1002;
const INVALID: u16 = 1007;
const TOO_BIG: u16 = 1009;
/// Frames are collected up to this size, and written together.
const GATHERED: usize = 8 << 10;
/// A ping without a payload (RFC 6455, 5.5.2).
const PING: [u8; 2] = [0x89, 0];

pub(crate) struct Socket {
    inner: WebSocket,
    /// Reading has failed, with this close code of the WebSocket protocol. Unread bytes are not frames then.
    broken: Option<u16>,
    gone: bool,
    /// Frames since the last flush. They bypass the WebSocket, which would copy them.
    out: Vec<u8>,
    /// The gauge of connections whose other end does not accept what is sent.
    stalled: Gauge,
}

/// What the other end has sent.
pub(crate) enum Heard {
    /// A binary message.
    Binary(Bytes),
    /// A text message.
    Text(Utf8Bytes),
    /// A ping or a pong.
    Ping,
    /// A message above the size limit.
    TooLarge,
    /// Bytes that are not WebSocket frames.
    Broken(String),
    /// A close, or the end of the connection.
    Gone,
}

impl Socket {
    pub(crate) fn new(inner: WebSocket, stalled: Gauge) -> Self {
        Self { inner, broken: None, gone: false, out: Vec::new(), stalled }
    }

    pub(crate) async fn hear(&mut self) -> Heard {
        match self.inner.next().await {
            Some(Ok(Raw::Binary(bytes))) => Heard::Binary(bytes),
            Some(Ok(Raw::Text(text))) => Heard::Text(text),
            Some(Ok(Raw::Ping(_) | Raw::Pong(_))) => Heard::Ping,
            Some(Ok(Raw::Close(_))) => {
                // An answer to it waits to be written.
                let _ = timeout(CLOSE, self.inner.flush()).await;
                Heard::Gone
            }
            None => Heard::Gone,
            // Write-only.
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

    /// What has arrived already.
    pub(crate) fn hear_now(&mut self) -> Option<Heard> {
        let mut context = Context::from_waker(Waker::noop());
        match pin!(self.hear()).poll(&mut context) {
            Poll::Ready(heard) => Some(heard),
            Poll::Pending => None,
        }
    }

    /// Takes a message, and writes if a lot waits. Returns false if the other end does not accept it.
    pub(crate) async fn feed(&mut self, message: SocketMessage) -> bool {
        match message {
            SocketMessage::Binary(bytes) => {
                let length = bytes.len() as u64;
                let binary = OpCode::Data(Data::Binary);
                let head = FrameHeader { opcode: binary, ..FrameHeader::default() };
                // Writing to memory accepts everything.
                head.format(length, &mut self.out).is_ok() && self.take(&bytes).await
            }
            SocketMessage::Texts(texts) => self.take(texts.frames()).await,
            SocketMessage::Frames(frames) => self.take(&frames).await,
            SocketMessage::Ping => self.take(&PING).await,
        }
    }

    async fn take(&mut self, frames: &[u8]) -> bool {
        if self.out.len() + frames.len() > GATHERED {
            return self.write(frames).await;
        }
        self.out.extend_from_slice(frames);
        true
    }

    /// Writes everything. Returns false if the other end does not accept it.
    pub(crate) async fn flush(&mut self) -> bool {
        self.out.is_empty() || self.write(&[]).await
    }

    /// Writes what was collected, and what follows.
    async fn write(&mut self, frames: &[u8]) -> bool {
        if self.gone {
            return false;
        }
        let Self { inner, out, stalled, .. } = self;
        let written = within(SEND, stalled, async {
            // The answer to a ping may be half written, and a frame must not begin inside another.
            inner.flush().await.is_ok() && write_all(inner.get_mut(), out, frames).await.is_ok()
        });
        let written = written.await == Some(true);
        // Nothing can follow a partly written frame.
        self.gone = !written;
        self.out = Vec::new();
        written
    }

    /// The other end is gone.
    pub(crate) fn gone(&mut self) {
        self.gone = true;
    }

    /// Closes with the WebSocket protocol's own code for the error, without waiting.
    #[cfg(feature = "echo")]
    pub(crate) async fn refuse(&mut self) {
        let code = self.broken.unwrap_or(PROTOCOL_ERROR);
        let frame = CloseFrame { code: code.into(), reason: "".into() };
        let _ = timeout(CLOSE, self.inner.send(Raw::Close(Some(frame)))).await;
    }

    /// Sends a close frame, and waits briefly for the other end. A socket that is dropped with unread bytes is reset,
    /// which loses the close frame.
    pub(crate) async fn close(&mut self, code: CloseCode, reason: &str) {
        if !self.flush().await || self.gone {
            return;
        }
        let reason = &reason[..reason.floor_char_boundary(REASON)];
        let frame = CloseFrame { code: code.code().into(), reason: reason.into() };
        if !matches!(timeout(CLOSE, self.inner.send(Raw::Close(Some(frame)))).await, Ok(Ok(()))) {
            return;
        }
        if self.broken.is_some() {
            let _ = timeout(CLOSE, self.inner.get_mut().drain()).await;
            return;
        }
        let _ = timeout(CLOSE, async { while let Some(Ok(_)) = self.inner.next().await {} }).await;
    }
}

/// The result of `work`, if it is ready in time. While it is not ready, it counts in `waiting`.
async fn within<T>(limit: Duration, waiting: &Gauge, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    // It is usually ready at once, and needs no timer.
    match poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await {
        Poll::Ready(answer) => Some(answer),
        Poll::Pending => {
            let _waiting = Counted::of(waiting);
            timeout(limit, work).await.ok()
        }
    }
}

/// Writes both in order.
async fn write_all(
    stream: &mut (impl AsyncWrite + Unpin),
    first: &[u8],
    second: &[u8],
) -> io::Result<()> {
    let mut slices = [IoSlice::new(first), IoSlice::new(second)];
    let mut left = &mut slices[..];
    // Empty buffers are skipped.
    IoSlice::advance_slices(&mut left, 0);
    while !left.is_empty() {
        match stream.write_vectored(left).await? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            written => IoSlice::advance_slices(&mut left, written),
        }
    }
    Ok(())
}
