//! The stream of an accepted connection: holds its permit, and reads only while its gate is open.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::Peer;
use super::gate::Wait;

/// The time limit for a client to accept some of an HTTP answer. A WebSocket has its own limit.
const STALLED: Duration = Duration::from_secs(30);

/// See the [module](self).
pub(crate) struct Guarded<S> {
    inner: S,
    peer: Arc<Peer>,
    wait: Option<Wait>,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> Guarded<S> {
    pub(super) fn new(inner: S, peer: Arc<Peer>) -> Self {
        Self { inner, peer, wait: None, stalled: None }
    }

    /// Counts what was written, and limits the time of writes until the connection is a WebSocket.
    fn written(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(written) = &written {
            self.stalled = None;
            if let Ok(bytes) = written {
                self.peer.metrics.connections.sent.inc_by(*bytes as u64);
            }
        } else if !self.peer.gate.is_upgraded() {
            let sleep = || Box::pin(tokio::time::sleep(STALLED));
            ready!(self.stalled.get_or_insert_with(sleep).as_mut().poll(context));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        written
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if let Some(wait) = &mut this.wait {
                let permit = ready!(wait.as_mut().poll(context));
                this.wait = None;
                this.peer.gate.waited(permit);
            }
            this.wait = this.peer.gate.before_read();
            if this.wait.is_none() {
                break;
            }
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.inner).poll_read(context, buffer))?;
        let read = buffer.filled().len() - before;
        this.peer.gate.read(read);
        this.peer.metrics.connections.received.inc_by(read as u64);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.inner).poll_write(context, bytes);
        this.written(context, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.inner).poll_write_vectored(context, slices);
        this.written(context, written)
    }

    crate::around::flush_and_shut_down!();
}
