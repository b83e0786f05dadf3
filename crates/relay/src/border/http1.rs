//! Refuses HTTP/2, for which the HTTP layer has no timeouts.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum_server::accept::Accept;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What a connection of HTTP/2 begins with (RFC 9113, 3.4).
const PREFACE: &[u8] = b"PRI";

/// Accepts connections that another acceptor has accepted, and ends those that begin with HTTP/2.
#[derive(Debug, Clone)]
pub(crate) struct Http1<A>(pub(crate) A);

/// See the [module](self).
pub(crate) struct Http1Stream<S> {
    inner: S,
    /// How many bytes of the preface have arrived, or more once the connection begins differently.
    like_http2: usize,
}

impl<A, I, S> Accept<I, S> for Http1<A>
where
    A: Accept<I, S, Future: Send + 'static>,
{
    type Stream = Http1Stream<A::Stream>;
    type Service = A::Service;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Self::Stream, Self::Service)>> + Send>>;

    fn accept(&self, stream: I, service: S) -> Self::Future {
        let accepted = self.0.accept(stream, service);
        Box::pin(async move {
            let (inner, service) = accepted.await?;
            Ok((Http1Stream { inner, like_http2: 0 }, service))
        })
    }
}

impl<S> Http1Stream<S> {
    /// Whether the connection begins as HTTP/2.
    fn begins_http2(&mut self, bytes: &[u8]) -> bool {
        for &byte in bytes {
            match PREFACE.get(self.like_http2) {
                Some(&next) if next == byte => self.like_http2 += 1,
                Some(_) => self.like_http2 = usize::MAX,
                None => break,
            }
        }
        self.like_http2 == PREFACE.len()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Http1Stream<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.inner).poll_read(context, buffer))?;
        let read = &buffer.filled()[before..];
        if this.like_http2 <= PREFACE.len() && this.begins_http2(read) {
            return Poll::Ready(Err(io::Error::other("HTTP/2 is not spoken here")));
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Http1Stream<S> {
    crate::around::write_through!();
}
