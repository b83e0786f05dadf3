//! Writes and reads WebSocket frames as a client (RFC 6455), as cheaply as possible: the mask is zero, so that only the
//! server pays for masking.

use anyhow::{Result, bail};

pub const TEXT: u8 = 1;
pub const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// Appends a complete message.
pub fn write(opcode: u8, payload: &[u8], out: &mut Vec<u8>) {
    const MASKED: u8 = 0x80;
    out.push(0x80 | opcode);
    match payload.len() {
        length @ 0..126 => out.push(MASKED | length as u8),
        length @ 126..0x1_0000 => {
            out.push(MASKED | 126);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            out.push(MASKED | 127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(payload);
}

/// Passes the payloads of complete frames to `take` and returns how many bytes they took. Pings are answered into
/// `out`.
pub fn read(
    bytes: &[u8],
    out: &mut Vec<u8>,
    mut take: impl FnMut(&[u8], &mut Vec<u8>) -> Result<()>,
) -> Result<usize> {
    let mut at = 0;
    while let Some((opcode, payload, end)) = next(&bytes[at..]) {
        let payload = &bytes[at + payload..at + end];
        match opcode {
            CLOSE => {
                bail!("the server closed the connection: {}", String::from_utf8_lossy(payload))
            }
            PING => write(PONG, payload, out),
            PONG => {}
            _ => take(payload, out)?,
        }
        at += end;
    }
    Ok(at)
}

/// The opcode, and where the payload begins and ends. Returns `None` if the frame is incomplete.
fn next(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let &[first, second, ..] = bytes else { return None };
    let (begin, length) = match second & 0x7f {
        126 => (4, u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
        127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)),
        length => (2, u64::from(length)),
    };
    let end = begin + usize::try_from(length).ok()?;
    (bytes.len() >= end).then_some((first & 0x0f, begin, end))
}
