//! NATS, and JetStream as the ordered consumers of its clients use it.

use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, bail};

use super::{Seen, Wire};

/// The subscription ids.
const EVENTS: &[u8] = b"1";
const ANSWERS: &[u8] = b"2";
const ACKS: &[u8] = b"3";

pub struct Nats {
    client: u64,
    /// The received part of an incomplete message, which may span frames.
    partial: Vec<u8>,
    reply: String,
    published: u64,
}

impl Nats {
    pub fn new() -> Self {
        static CLIENTS: AtomicU64 = AtomicU64::new(1);
        let client = CLIENTS.fetch_add(1, Ordering::Relaxed);
        let (partial, reply) = (Vec::new(), format!("_INBOX.{client}"));
        Self { client, partial, reply, published: 0 }
    }

    /// Creates the stream of the durable topics, on file. Answered with one `ready`.
    pub fn make_stream(out: &mut Vec<u8>) {
        let config = r#"{"name":"bench","subjects":["durable.>"],"storage":"file","retention":"limits","discard":"old","num_replicas":1}"#;
        push(out, &["SUB _INBOX.stream ", "2", "\r\n"]);
        let length = config.len().to_string();
        let head = ["PUB $JS.API.STREAM.CREATE.bench _INBOX.stream ", &length, "\r\n"];
        push(out, &head);
        push(out, &[config, "\r\n"]);
    }

    /// Reads one message and returns its length, or `None` if it is incomplete.
    fn message(&self, bytes: &[u8], seen: &mut Seen, out: &mut Vec<u8>) -> Result<Option<usize>> {
        let Some(end) = bytes.windows(2).position(|two| two == b"\r\n") else {
            return Ok(None);
        };
        let (line, after) = (&bytes[..end], end + 2);
        match line {
            [b'M', b'S', b'G', b' ', ..] | [b'H', b'M', b'S', b'G', ..] => {}
            b"PONG" => {
                seen.ready += 1;
                return Ok(Some(after));
            }
            b"PING" => {
                push(out, &["PONG\r\n"]);
                return Ok(Some(after));
            }
            [b'I', b'N', b'F', b'O', ..] => return Ok(Some(after)),
            other => bail!("nats-server sent {}", String::from_utf8_lossy(other)),
        }
        let mut words = line.split(|&byte| byte == b' ').skip(2);
        let subscription = words.next().context("a message without a subscription")?;
        let length = line.rsplit(|&byte| byte == b' ').next().unwrap_or_default();
        let length: usize = std::str::from_utf8(length)?.parse()?;
        let Some(payload) = bytes.get(after..after + length) else { return Ok(None) };
        if bytes.len() < after + length + 2 {
            return Ok(None);
        }
        if line[0] == b'H' {
            // A heartbeat expects no reply; flow control does.
            let mut words: Vec<&[u8]> = words.collect();
            words.truncate(words.len().saturating_sub(2));
            if let [reply] = words[..] {
                push(out, &["PUB ", std::str::from_utf8(reply)?, " 0\r\n\r\n"]);
            }
        } else if subscription == EVENTS {
            seen.events += 1;
        } else if subscription == ACKS {
            let answer = "a publish was not acknowledged";
            seen.position.1 = sequence(payload).context(answer)?;
            seen.acks += 1;
        } else if subscription == ANSWERS {
            let answer: serde_json::Value = serde_json::from_slice(payload)?;
            if let Some(error) = answer.get("error") {
                bail!("JetStream returned an error: {error}");
            }
            seen.ready += 1;
        }
        Ok(Some(after + length + 2))
    }
}

impl Wire for Nats {
    fn greet(&mut self, out: &mut Vec<u8>) {
        push(
            out,
            &[
                r#"CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true,"lang":"bench","version":"1","protocol":1}"#,
                "\r\nSUB ",
                &self.reply,
                " 3\r\nPING\r\n",
            ],
        );
    }

    fn subscribe(&mut self, topic: &str, out: &mut Vec<u8>) {
        push(out, &["SUB ", topic, " 1\r\nPING\r\n"]);
    }

    fn resume(&mut self, topic: &str, (_, sequence): (u64, u64), out: &mut Vec<u8>) {
        let inbox = format!("_INBOX.{}.deliver", self.client);
        let answer = format!("_INBOX.{}.answer", self.client);
        let config = serde_json::json!({
            "stream_name": "bench",
            "config": {
                "deliver_subject": inbox,
                "deliver_policy": "by_start_sequence",
                "opt_start_seq": sequence + 1,
                "ack_policy": "none",
                "max_deliver": 1,
                "flow_control": true,
                "idle_heartbeat": 5_000_000_000_u64,
                "ack_wait": 79_200_000_000_000_u64,
                "mem_storage": true,
                "num_replicas": 1,
                "replay_policy": "instant",
                "filter_subject": topic,
            }
        })
        .to_string();
        push(out, &["SUB ", &inbox, " 1\r\nSUB ", &answer, " 2\r\n"]);
        let length = config.len().to_string();
        push(out, &["PUB $JS.API.CONSUMER.CREATE.bench ", &answer, " ", &length, "\r\n"]);
        push(out, &[&config, "\r\n"]);
    }

    fn publish(&mut self, topic: &str, payload: &[u8], durable: bool, out: &mut Vec<u8>) {
        self.published += 1;
        push(out, &["PUB ", topic, " "]);
        if durable {
            push(out, &[&self.reply, " "]);
        }
        push(out, &[&payload.len().to_string(), "\r\n"]);
        out.extend_from_slice(payload);
        push(out, &["\r\n"]);
    }

    fn read(&mut self, bytes: &[u8], seen: &mut Seen, out: &mut Vec<u8>) -> Result<()> {
        let mut at = 0;
        if self.partial.is_empty() {
            while let Some(length) = self.message(&bytes[at..], seen, out)? {
                at += length;
            }
            self.partial.extend_from_slice(&bytes[at..]);
            return Ok(());
        }
        let mut partial = std::mem::take(&mut self.partial);
        partial.extend_from_slice(bytes);
        while let Some(length) = self.message(&partial[at..], seen, out)? {
            at += length;
        }
        partial.drain(..at);
        self.partial = partial;
        Ok(())
    }
}

/// The number in `{"stream":"bench", "seq":1234}`.
fn sequence(answer: &[u8]) -> Option<u64> {
    let (_, number) = std::str::from_utf8(answer).ok()?.split_once("\"seq\":")?;
    let end = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
    number[..end].parse().ok()
}

fn push(out: &mut Vec<u8>, parts: &[&str]) {
    for part in parts {
        out.extend_from_slice(part.as_bytes());
    }
}
