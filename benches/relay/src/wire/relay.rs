//! `event-driven-kit.v1`. Events are counted without decoding them.

use std::collections::HashMap;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Result, bail};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use minicbor::Decoder;
use session::{
    Body, FromClient, FromPeer, Hello, Position, Publish, SUBPROTOCOL, Start, Subscribe,
};

use super::{Seen, Wire};

/// The frame kind of an event.
const EVENT: u64 = 9;
/// The host of the relay's URL.
const HOST: &str = "127.0.0.1";
/// The key of the device of all clients with a token.
static DEVICE: LazyLock<EcdsaKeyPair> = LazyLock::new(|| {
    EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("the system has randomness")
});
/// How many topics have a number at a time.
const TOPICS: usize = 1_024;

pub struct Relay {
    client: u64,
    /// The token for the hello.
    token: Option<String>,
    is_welcome: bool,
    /// The number of each numbered topic.
    numbers: HashMap<String, usize>,
    /// The topics by number. The oldest number is reused first.
    topics: Vec<String>,
    oldest: usize,
    subscriptions: u32,
    published: u64,
}

impl Relay {
    pub fn new(token: Option<String>) -> Self {
        static CLIENTS: AtomicU64 = AtomicU64::new(1);
        let client = CLIENTS.fetch_add(1, Ordering::Relaxed);
        let (numbers, topics) = (HashMap::new(), Vec::new());
        Self {
            client,
            token,
            is_welcome: false,
            numbers,
            topics,
            oldest: 0,
            subscriptions: 0,
            published: 0,
        }
    }

    /// The number of a topic, with its name if the relay does not know the number yet.
    fn number(&mut self, topic: &str) -> (usize, Option<String>) {
        if let Some(number) = self.numbers.get(topic) {
            return (*number, None);
        }
        let name = topic.to_owned();
        let number = if self.topics.len() < TOPICS {
            self.topics.push(name.clone());
            self.topics.len() - 1
        } else {
            let number = self.oldest;
            self.oldest = (number + 1) % TOPICS;
            let old = std::mem::replace(&mut self.topics[number], name.clone());
            self.numbers.remove(&old);
            number
        };
        self.numbers.insert(name.clone(), number);
        (number, Some(name))
    }

    fn from(&mut self, pattern: &str, start: Start, out: &mut Vec<u8>) {
        self.subscriptions += 1;
        let (subscription, pattern) = (self.subscriptions, pattern.to_owned());
        FromClient::Subscribe(Subscribe { subscription, pattern, start, credit: None }).encode(out);
    }
}

/// A hello with a token, and with the proof of the device's key.
fn proven(hello: Hello, token: Option<String>) -> Hello {
    let bytes = trust::proof_bytes(HOST, &hello.client, hello.fence, token.as_deref());
    let proof = DEVICE.sign(&SystemRandom::new(), &bytes).expect("the system has randomness");
    let sized = "a key has 65 bytes, and a signature 64";
    let key = DEVICE.public_key().as_ref().try_into().expect(sized);
    Hello { token, key: Some(key), proof: Some(proof.as_ref().try_into().expect(sized)), ..hello }
}

impl Wire for Relay {
    fn path(&self) -> &'static str {
        "/ws"
    }

    fn subprotocol(&self) -> Option<&'static str> {
        Some(SUBPROTOCOL)
    }

    fn greet(&mut self, out: &mut Vec<u8>) {
        let client = (u128::from(std::process::id()) << 64 | u128::from(self.client)).to_be_bytes();
        let token = self.token.take();
        let hello = Hello { reading: true, ..Hello::new(client, [7; 32], 1) };
        let hello = if token.is_some() { proven(hello, token) } else { hello };
        FromClient::Hello(hello).encode(out);
    }

    fn subscribe(&mut self, topic: &str, out: &mut Vec<u8>) {
        self.from(topic, Start::Latest, out);
    }

    fn resume(&mut self, topic: &str, (epoch, offset): (u64, u64), out: &mut Vec<u8>) {
        let position = Position { offset, ..Position::start_of(epoch) };
        self.from(topic, Start::After(vec![position]), out);
    }

    fn publish(&mut self, topic: &str, payload: &[u8], durable: bool, out: &mut Vec<u8>) {
        let (number, name) = self.number(topic);
        self.published += 1;
        let id = random_id(self.client << 32 | self.published);
        let body = Body { id, data: payload.to_vec(), ..Body::default() };
        FromClient::Publish(Publish {
            number: durable.then_some(self.published),
            topic: number as u32,
            name,
            body: body.encode(),
            // Like the bridge, lets the relay forget answers that have arrived.
            lowest: durable.then(|| self.published.saturating_sub(512).max(1)),
        })
        .encode(out);
    }

    fn read(&mut self, bytes: &[u8], seen: &mut Seen, out: &mut Vec<u8>) -> Result<()> {
        let mut decoder = Decoder::new(bytes);
        while decoder.position() < bytes.len() {
            let begin = decoder.position();
            decoder.array()?;
            if decoder.u64()? == EVENT {
                decoder.skip()?;
                seen.events += 1;
                continue;
            }
            decoder.skip()?;
            for frame in FromPeer::decode(&bytes[begin..decoder.position()]) {
                match frame? {
                    FromPeer::Ack(ack) => {
                        seen.acks += 1;
                        seen.position = (ack.position.epoch, ack.position.offset);
                    }
                    FromPeer::Welcome(_) if self.is_welcome => {}
                    FromPeer::Welcome(_) => {
                        self.is_welcome = true;
                        seen.ready += 1;
                    }
                    FromPeer::Subscribed(subscribed) if !subscribed.reset => seen.ready += 1,
                    FromPeer::Ping(ping) => FromClient::Pong(ping).encode(out),
                    FromPeer::CaughtUp(_) | FromPeer::Pong(_) => {}
                    other => bail!("the relay sent {other:?}"),
                }
            }
        }
        Ok(())
    }
}

/// An id like those of the bridge: 16 random bytes in hex.
fn random_id(seed: u64) -> String {
    let half = |seed: u64| {
        // SplitMix64.
        let mut z = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    format!("{:016x}{:016x}", half(2 * seed), half(2 * seed + 1))
}
