//! WSE with `wse-app.py` as its application.

use anyhow::{Context, Result, bail};

use super::{Seen, Wire};

/// How publishes reach the topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// As text other than JSON, which the application passes on unchanged.
    Raw,
    /// As JSON, as in WSE's documentation.
    Json,
    /// The server publishes by itself, as in WSE's own benchmark.
    Inside,
}

pub struct Wse(pub Mode);

impl Wire for Wse {
    fn path(&self) -> &'static str {
        "/wse"
    }

    fn opcode(&self) -> u8 {
        crate::frame::TEXT
    }

    fn greet(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(br#"{"c":"WSE","t":"client_hello","p":{"protocol_version":1}}"#);
    }

    fn subscribe(&mut self, topic: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(format!("SUB {topic}").as_bytes());
    }

    fn resume(&mut self, topic: &str, (epoch, offset): (u64, u64), out: &mut Vec<u8>) {
        out.extend_from_slice(format!("REC {topic} {epoch:08x} {offset}").as_bytes());
    }

    fn publish(&mut self, topic: &str, payload: &[u8], durable: bool, out: &mut Vec<u8>) {
        match self.0 {
            Mode::Raw => {
                out.extend_from_slice(format!("PUB {topic}").as_bytes());
                message(payload, out);
            }
            Mode::Json => {
                let begin = format!(r#"{{"c":"U","t":"publish","p":{{"topic":"{topic}","data":""#);
                out.extend_from_slice(begin.as_bytes());
                out.extend_from_slice(payload);
                out.extend_from_slice(br#""}}"#);
            }
            Mode::Inside => self.burst(topic, payload, durable, 1, out),
        }
    }

    fn has_bursts(&self) -> bool {
        self.0 == Mode::Inside
    }

    fn burst(&mut self, topic: &str, payload: &[u8], _: bool, count: u64, out: &mut Vec<u8>) {
        out.extend_from_slice(format!("GO {topic} {count}").as_bytes());
        message(payload, out);
    }

    fn read(&mut self, bytes: &[u8], seen: &mut Seen, _: &mut Vec<u8>) -> Result<()> {
        if bytes.starts_with(br#"{"c":"U""#) {
            seen.events += 1;
        } else if bytes.starts_with(br#"{"tp":"#) {
            // With recovery, each message has its topic, epoch and offset.
            seen.events += 1;
            let text = std::str::from_utf8(&bytes[..bytes.len().min(160)])?;
            seen.position = position(text).context("wse sent no position")?;
        } else if !bytes.starts_with(br#"{"c":"WSE""#) {
            bail!("wse sent {}", String::from_utf8_lossy(bytes));
        } else if !bytes.windows(6).any(|six| six == br#""ping""#) {
            seen.ready += 1;
        }
        Ok(())
    }
}

fn message(payload: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(br#" {"c":"U","t":"m","p":{"d":""#);
    out.extend_from_slice(payload);
    out.extend_from_slice(br#""}}"#);
}

fn position(text: &str) -> Option<(u64, u64)> {
    let epoch = text.split_once(r#""e":""#)?.1.get(..8)?;
    let offset = text.split_once(r#""o":"#)?.1;
    let offset = offset.split(|c: char| !c.is_ascii_digit()).next()?;
    Some((u64::from_str_radix(epoch, 16).ok()?, offset.parse().ok()?))
}
