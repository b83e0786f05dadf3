//! One connection of the load generator.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use mio::net::TcpStream as Socket;

use crate::frame;
use crate::wire::{Seen, Wire};

/// How long a server may stay silent.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Client {
    pub socket: Socket,
    wire: Box<dyn Wire>,
    pub seen: Seen,
    /// The received part of an incomplete frame.
    partial: Vec<u8>,
    /// Bytes that the socket has not accepted yet.
    out: Vec<u8>,
    message: Vec<u8>,
}

impl Client {
    /// Connects, and sends the greeting.
    pub fn greet(address: SocketAddr, mut wire: Box<dyn Wire>) -> Result<Self> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let partial = upgrade(&mut stream, address, &*wire)?;
        let mut message = Vec::new();
        wire.greet(&mut message);
        stream.set_nonblocking(true)?;
        let socket = Socket::from_std(stream);
        let seen = Seen::default();
        let mut client = Self { socket, wire, seen, partial, out: Vec::new(), message: Vec::new() };
        client.queue(&message);
        client.flush()?;
        Ok(client)
    }

    /// Subscribes, and waits until the subscription is active.
    pub fn subscribe(&mut self, topic: &str) -> Result<()> {
        let ready = self.seen.ready + 1;
        self.say(|wire, out| wire.subscribe(topic, out))?;
        self.settle(|seen| seen.ready >= ready)
    }

    /// Subscribes to many topics, and waits until all subscriptions are active.
    pub fn subscribe_all(&mut self, topics: impl Iterator<Item = String>) -> Result<()> {
        let mut ready = self.seen.ready;
        for topic in topics {
            ready += 1;
            self.say(|wire, out| wire.subscribe(&topic, out))?;
        }
        self.settle(|seen| seen.ready >= ready)
    }

    /// Publishes without flushing.
    pub fn publish(&mut self, topic: &str, payload: &[u8], durable: bool) {
        let mut message = std::mem::take(&mut self.message);
        message.clear();
        self.wire.publish(topic, payload, durable, &mut message);
        self.queue(&message);
        self.message = message;
    }

    /// Publishes `count` events without flushing, or asks the server to publish them.
    pub fn burst(&mut self, topic: &str, payload: &[u8], durable: bool, count: u64) {
        if !self.wire.has_bursts() {
            return (0..count).for_each(|_| self.publish(topic, payload, durable));
        }
        let mut message = Vec::new();
        self.wire.burst(topic, payload, durable, count, &mut message);
        self.queue(&message);
    }

    /// Sends what `what` makes the wire write.
    pub fn say(&mut self, what: impl FnOnce(&mut dyn Wire, &mut Vec<u8>)) -> Result<()> {
        let mut message = Vec::new();
        what(&mut *self.wire, &mut message);
        self.queue(&message);
        self.flush()
    }

    fn queue(&mut self, message: &[u8]) {
        if !message.is_empty() {
            frame::write(self.wire.opcode(), message, &mut self.out);
        }
    }

    /// Writes as many of the waiting bytes as the socket accepts.
    pub fn flush(&mut self) -> Result<()> {
        let mut written = 0;
        while written < self.out.len() {
            match self.socket.write(&self.out[written..]) {
                Ok(bytes) => written += bytes,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error).context("a client could not write"),
            }
        }
        self.out.drain(..written);
        Ok(())
    }

    /// Reads everything that has arrived.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<()> {
        loop {
            match self.socket.read(buffer) {
                Ok(0) => bail!("a client was disconnected"),
                Ok(bytes) => {
                    let short = bytes < buffer.len();
                    self.take(&buffer[..bytes])?;
                    if short {
                        break;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error).context("a client could not read"),
            }
        }
        if self.out.is_empty() { Ok(()) } else { self.flush() }
    }

    fn take(&mut self, bytes: &[u8]) -> Result<()> {
        let Self { wire, seen, partial, out, .. } = self;
        let opcode = wire.opcode();
        let mut take = |payload: &[u8], out: &mut Vec<u8>| {
            let mut answer = Vec::new();
            wire.read(payload, seen, &mut answer)?;
            if !answer.is_empty() {
                frame::write(opcode, &answer, out);
            }
            Ok(())
        };
        if partial.is_empty() {
            let taken = frame::read(bytes, out, &mut take)?;
            partial.extend_from_slice(&bytes[taken..]);
        } else {
            partial.extend_from_slice(bytes);
            let taken = frame::read(partial, out, &mut take)?;
            partial.drain(..taken);
        }
        Ok(())
    }

    /// Reads until `until` holds. Not for what is measured.
    pub fn settle(&mut self, until: impl Fn(&Seen) -> bool) -> Result<()> {
        let mut buffer = vec![0; 64 << 10];
        let started = std::time::Instant::now();
        self.take(&[])?;
        while !until(&self.seen) {
            if started.elapsed() > PATIENCE {
                bail!("a client timed out; it has received {:?}", self.seen);
            }
            self.read(&mut buffer)?;
            self.flush()?;
            std::thread::sleep(Duration::from_micros(50));
        }
        Ok(())
    }
}

/// Performs the opening handshake. Returns what the server sent after it.
fn upgrade(stream: &mut TcpStream, address: SocketAddr, wire: &dyn Wire) -> Result<Vec<u8>> {
    let protocol = match wire.subprotocol() {
        Some(name) => format!("Sec-WebSocket-Protocol: {name}\r\n"),
        None => String::new(),
    };
    let authorization = match wire.token() {
        Some(token) => format!("Authorization: Bearer {token}\r\n"),
        None => String::new(),
    };
    let path = wire.path();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{protocol}{authorization}\r\n"
    );
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&answer[..end]);
            if !head.starts_with("HTTP/1.1 101") {
                bail!("the server does not speak WebSocket: {head}");
            }
            return Ok(answer.split_off(end + 4));
        }
        match stream.read(&mut buffer)? {
            0 => bail!("the server closed the connection during the handshake"),
            bytes => answer.extend_from_slice(&buffer[..bytes]),
        }
    }
}
