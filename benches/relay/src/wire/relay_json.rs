//! `cloudevents.json`, the protocol for clients without our library.

use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, bail};

use super::{Seen, Wire};

/// Messages of the relay about the link begin with this, and no event does.
const LINK: &[u8] = br#"{"specversion":"1.0","type":"$link."#;

pub struct RelayJson {
    client: u64,
    token: Option<String>,
    published: u64,
}

impl RelayJson {
    pub fn new(token: Option<String>) -> Self {
        static CLIENTS: AtomicU64 = AtomicU64::new(1);
        Self { client: CLIENTS.fetch_add(1, Ordering::Relaxed), token, published: 0 }
    }

    fn from(topic: &str, from: &str, out: &mut Vec<u8>) {
        let text = format!(
            r#"{{"specversion":"1.0","id":"s-{topic}","source":"/b","type":"$link.subscribe","data":{{"pattern":"{topic}","from":{from}}}}}"#
        );
        out.extend_from_slice(text.as_bytes());
    }
}

impl Wire for RelayJson {
    fn path(&self) -> &'static str {
        "/ws"
    }

    fn subprotocol(&self) -> Option<&'static str> {
        Some("cloudevents.json")
    }

    fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    fn opcode(&self) -> u8 {
        crate::frame::TEXT
    }

    fn greet(&mut self, out: &mut Vec<u8>) {
        // The protocol needs no hello.
        self.subscribe(&format!("greet.{}", self.client), out);
    }

    fn subscribe(&mut self, topic: &str, out: &mut Vec<u8>) {
        Self::from(topic, r#""latest""#, out);
    }

    fn resume(&mut self, topic: &str, (epoch, offset): (u64, u64), out: &mut Vec<u8>) {
        let from = format!(r#"[{{"stream":"main","epoch":"{epoch}","offset":"{offset}"}}]"#);
        Self::from(topic, &from, out);
    }

    fn publish(&mut self, topic: &str, payload: &[u8], durable: bool, out: &mut Vec<u8>) {
        self.published += 1;
        let (client, number) = (self.client, self.published);
        let ephemeral = if durable { "" } else { r#""ephemeral":true,"# };
        let text = format!(
            r#"{{"specversion":"1.0","id":"{client:08x}-{number:016x}","source":"/b/{client}","type":"{topic}",{ephemeral}"datacontenttype":"application/json","data":{{"d":""#
        );
        out.extend_from_slice(text.as_bytes());
        out.extend_from_slice(payload);
        out.extend_from_slice(br#""}}"#);
    }

    fn read(&mut self, bytes: &[u8], seen: &mut Seen, _: &mut Vec<u8>) -> Result<()> {
        let Some(what) = bytes.strip_prefix(LINK) else {
            seen.events += 1;
            return Ok(());
        };
        if what.starts_with(b"subscribed\"") {
            seen.ready += 1;
        } else if what.starts_with(b"ack\"") {
            let text = std::str::from_utf8(what)?;
            let number = |name| {
                let (_, rest) = text.split_once(name)?;
                rest.split_once('"')?.0.parse().ok()
            };
            let position = number(r#""epoch":""#).zip(number(r#""offset":""#));
            seen.position = position.context("an ack has no position")?;
            seen.acks += 1;
        } else {
            bail!("the relay sent {}", String::from_utf8_lossy(bytes));
        }
        Ok(())
    }
}
