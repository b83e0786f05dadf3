//! Socket.IO 4 over WebSocket: packets of engine.io in text messages.

use anyhow::{Result, bail};

use super::{Seen, Wire};

pub struct SocketIo;

impl Wire for SocketIo {
    fn path(&self) -> &'static str {
        "/socket.io/?EIO=4&transport=websocket"
    }

    fn opcode(&self) -> u8 {
        crate::frame::TEXT
    }

    fn greet(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"40");
    }

    fn subscribe(&mut self, topic: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(format!(r#"420["subscribe","{topic}"]"#).as_bytes());
    }

    fn resume(&mut self, _: &str, _: (u64, u64), _: &mut Vec<u8>) {
        unreachable!("Socket.IO has no log");
    }

    fn publish(&mut self, topic: &str, payload: &[u8], _: bool, out: &mut Vec<u8>) {
        out.extend_from_slice(br#"42["publish",""#);
        out.extend_from_slice(topic.as_bytes());
        out.extend_from_slice(br#"",""#);
        out.extend_from_slice(payload);
        out.extend_from_slice(br#""]"#);
    }

    fn read(&mut self, bytes: &[u8], seen: &mut Seen, out: &mut Vec<u8>) -> Result<()> {
        match bytes {
            [b'0', ..] => {}
            [b'2'] => out.push(b'3'),
            [b'4', b'2', ..] => seen.events += 1,
            [b'4', b'0' | b'3', ..] => seen.ready += 1,
            other => bail!("socket.io sent {}", String::from_utf8_lossy(other)),
        }
        Ok(())
    }
}
