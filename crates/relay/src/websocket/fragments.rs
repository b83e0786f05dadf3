//! Cuts large incoming frames into fragments. The WebSocket layer would allocate a buffer for a whole frame, and keep
//! it for as long as the connection lives.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

/// The maximum payload of a fragment. A multiple of the mask's four bytes, so that the mask continues in the next
/// fragment.
const FRAGMENT: u64 = 16 << 10;
/// The size of a read: less than a fragment.
const READ: usize = 8 << 10;
/// The longest header, and the header of a fragment.
const HEADER: usize = 14;
/// The opcode of a close frame.
const CLOSE: u8 = 0x08;

/// A stream without large frames.
pub(crate) struct Fragmented<S> {
    inner: S,
    /// Frames above this size are not cut. The reader refuses them by their header.
    most: u64,
    /// The remaining payload of a small frame.
    skip: u64,
    large: Option<Large>,
    /// What is to be read before more arrives: the header of a fragment, or the start of an incomplete one.
    head: [u8; HEADER],
    head_len: usize,
    /// Whether `head` is complete.
    is_ready: bool,
    /// Whether a close frame has arrived.
    is_closing: bool,
}

/// The large frame that is being read.
struct Large {
    /// The remaining payload of its fragment,
    left: u64,
    /// and after it.
    rest: u64,
    is_final: bool,
    mask: Option<[u8; 4]>,
}

/// A complete header.
struct Header {
    bytes: usize,
    payload: u64,
    mask: Option<[u8; 4]>,
}

impl Header {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let second = *bytes.get(1)?;
        let (mut at, payload) = match second & 0x7f {
            126 => (4, u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
            127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)),
            payload => (2, u64::from(payload)),
        };
        let mut mask = None;
        if second & 0x80 != 0 {
            mask = Some(bytes.get(at..at + 4)?.try_into().ok()?);
            at += 4;
        }
        Some(Self { bytes: at, payload, mask })
    }

    /// Writes the header of a fragment, and returns its size.
    fn write(first: u8, payload: u64, mask: Option<[u8; 4]>, out: &mut [u8; HEADER]) -> usize {
        let size = u16::try_from(payload).unwrap_or(u16::MAX);
        let masked = if mask.is_some() { 0x80 } else { 0 };
        let mut at = 2;
        out[0] = first;
        match u8::try_from(size) {
            Ok(size @ 0..126) => out[1] = masked | size,
            _ => {
                out[1] = masked | 126;
                out[2..4].copy_from_slice(&size.to_be_bytes());
                at = 4;
            }
        }
        if let Some(mask) = mask {
            out[at..at + 4].copy_from_slice(&mask);
            at += 4;
        }
        at
    }
}

impl<S> Fragmented<S> {
    pub(crate) fn new(inner: S, most: usize) -> Self {
        let most = most as u64;
        let (skip, large, head, head_len, is_ready) = (0, None, [0; HEADER], 0, false);
        Self { inner, most, skip, large, head, head_len, is_ready, is_closing: false }
    }

    /// Scans what was read outside a large frame, and returns how much of it to pass on. Replaces the header of a
    /// large frame that begins there.
    fn look(&mut self, bytes: &mut [u8]) -> usize {
        let mut end = bytes.len();
        let mut at = usize::try_from(self.skip).unwrap_or(usize::MAX).min(end);
        self.skip -= at as u64;
        while at < end {
            let Some(header) = Header::parse(&bytes[at..end]) else {
                self.head_len = end - at;
                self.head[..self.head_len].copy_from_slice(&bytes[at..end]);
                return at;
            };
            let first = bytes[at];
            self.is_closing |= first & 0x0f == CLOSE;
            let is_data = first & 0x08 == 0;
            if !is_data || header.payload <= FRAGMENT || header.payload > self.most {
                let left = (end - at - header.bytes) as u64;
                self.skip = header.payload.saturating_sub(left);
                at += header.bytes + usize::try_from(header.payload.min(left)).unwrap_or(0);
                continue;
            }
            let mut fragment = [0; HEADER];
            let length = Header::write(first & 0x7f, FRAGMENT, header.mask, &mut fragment);
            bytes.copy_within(at + header.bytes..end, at + length);
            bytes[at..at + length].copy_from_slice(&fragment[..length]);
            end -= header.bytes - length;
            // A read is smaller than a fragment.
            let left = FRAGMENT - (end - at - length) as u64;
            let (rest, is_final) = (header.payload - FRAGMENT, first & 0x80 != 0);
            self.large = Some(Large { left, rest, is_final, mask: header.mask });
            return end;
        }
        end
    }

    /// Counts bytes of a fragment, and prepares the next one after its end.
    fn read_of_fragment(&mut self, bytes: u64) {
        let Some(large) = &mut self.large else { return };
        large.left -= bytes;
        if large.left > 0 {
            return;
        }
        if large.rest == 0 {
            self.large = None;
            return;
        }
        let next = large.rest.min(FRAGMENT);
        large.left = next;
        large.rest -= next;
        let is_final = large.is_final && large.rest == 0;
        let first = if is_final { 0x80 } else { 0 };
        self.head_len = Header::write(first, next, large.mask, &mut self.head);
        self.is_ready = true;
    }
}

impl<S: AsyncRead + Unpin> Fragmented<S> {
    /// Discards what arrives, until a close frame or the end. The other end may be sending a large message, and reads
    /// the close frame of this end after that.
    pub(crate) async fn drain(&mut self) {
        let mut discarded = vec![0; READ];
        while !self.is_closing && matches!(self.read(&mut discarded).await, Ok(1..)) {}
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Fragmented<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.is_ready {
            let bytes = this.head_len.min(out.remaining());
            out.put_slice(&this.head[..bytes]);
            this.head.copy_within(bytes..this.head_len, 0);
            this.head_len -= bytes;
            this.is_ready = this.head_len > 0;
            return Poll::Ready(Ok(()));
        }
        loop {
            let room = out.remaining().min(READ);
            if let Some(large) = &this.large {
                let room = room.min(usize::try_from(large.left).unwrap_or(usize::MAX));
                let space = out.initialize_unfilled_to(room);
                let mut space = ReadBuf::new(space);
                ready!(Pin::new(&mut this.inner).poll_read(context, &mut space))?;
                let bytes = space.filled().len();
                out.advance(bytes);
                this.read_of_fragment(bytes as u64);
                return Poll::Ready(Ok(()));
            }
            let begun = this.head_len;
            if room <= begun {
                // The reader has room for a header at any position.
                return Poll::Ready(Err(io::Error::other("no room for a frame's header")));
            }
            let space = out.initialize_unfilled_to(room);
            let mut more = ReadBuf::new(&mut space[begun..]);
            ready!(Pin::new(&mut this.inner).poll_read(context, &mut more))?;
            let read = more.filled().len();
            if read == 0 {
                return Poll::Ready(Ok(()));
            }
            space[..begun].copy_from_slice(&this.head[..begun]);
            this.head_len = 0;
            let bytes = this.look(&mut space[..begun + read]);
            out.advance(bytes);
            if bytes > 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Fragmented<S> {
    crate::around::write_through!();
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::StreamExt;
    use proptest::prelude::*;
    use tokio::io::AsyncWriteExt;
    use tokio_tungstenite::WebSocketStream;
    use tokio_tungstenite::tungstenite::Message;
    use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

    const MAX_BYTES: usize = 200_000;

    /// A frame as a client writes it.
    fn frame(first: u8, payload: &[u8], mask: [u8; 4], out: &mut Vec<u8>) {
        out.push(first);
        match payload.len() {
            size @ 0..126 => out.push(0x80 | size as u8),
            size @ 126..0x1_0000 => {
                out.push(0x80 | 126);
                out.extend((size as u16).to_be_bytes());
            }
            size => {
                out.push(0x80 | 127);
                out.extend((size as u64).to_be_bytes());
            }
        }
        out.extend(mask);
        out.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    }

    /// What a server reads when the bytes arrive in such pieces, and the largest frame that it sees.
    async fn read(bytes: &[u8], pieces: &[usize], is_fragmented: bool) -> Vec<Message> {
        let (mut client, server) = tokio::io::duplex(64 << 10);
        let bytes = bytes.to_vec();
        let pieces = pieces.to_vec();
        let writing = tokio::spawn(async move {
            let mut rest = &bytes[..];
            for piece in pieces.iter().cycle() {
                let (now, later) = rest.split_at((*piece).min(rest.len()));
                client.write_all(now).await.unwrap();
                tokio::task::yield_now().await;
                rest = later;
                if rest.is_empty() {
                    break;
                }
            }
            client
        });
        let frames = if is_fragmented { FRAGMENT as usize } else { MAX_BYTES };
        let config = WebSocketConfig::default()
            .read_buffer_size(4 << 10)
            .max_frame_size(Some(frames))
            .max_message_size(Some(MAX_BYTES));
        let most = if is_fragmented { MAX_BYTES } else { 0 };
        let stream = Fragmented::new(server, most);
        let mut socket = WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await;
        let mut messages = Vec::new();
        while let Some(Ok(message)) = socket.next().await {
            let is_last = message.is_close();
            messages.push(message);
            if is_last {
                break;
            }
        }
        drop(writing);
        messages
    }

    fn sizes() -> impl Strategy<Value = usize> {
        let edge = FRAGMENT as usize;
        prop_oneof![0..200_usize, edge - 10..edge + 10, 2 * edge - 3..2 * edge + 3, 0..MAX_BYTES]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// The server sees no frame above a fragment, and reads the same messages.
        #[test]
        fn the_messages_are_the_same(
            messages in prop::collection::vec((sizes(), any::<[u8; 4]>(), any::<bool>(), any::<bool>()), 1..6),
            pieces in prop::collection::vec(1..9_000_usize, 1..8),
        ) {
            let mut bytes = Vec::new();
            for (size, mask, is_text, is_cut) in messages {
                let payload: Vec<u8> = (0..size).map(|at| b'a' + (at % 23) as u8).collect();
                let opcode = if is_text { 1 } else { 2 };
                if is_cut {
                    let (one, two) = payload.split_at(size / 2);
                    frame(opcode, one, mask, &mut bytes);
                    frame(0x89, b"ping", mask, &mut bytes);
                    frame(0x80, two, mask, &mut bytes);
                } else {
                    frame(0x80 | opcode, &payload, mask, &mut bytes);
                }
            }
            frame(0x88, &[], [0; 4], &mut bytes);
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let cut = runtime.block_on(read(&bytes, &pieces, true));
            let whole = runtime.block_on(read(&bytes, &[64 << 10], false));
            prop_assert!(cut.last().is_some_and(Message::is_close));
            prop_assert_eq!(cut, whole);
        }
    }

    #[tokio::test]
    async fn a_frame_above_the_bound_is_refused_by_its_header() {
        let mut bytes = vec![0x82, 0x80 | 127];
        bytes.extend((MAX_BYTES as u64 + 1).to_be_bytes());
        bytes.extend([0; 4]);
        assert_eq!(read(&bytes, &[1], true).await, []);
    }
}
