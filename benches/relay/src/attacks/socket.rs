//! A blocking WebSocket connection from an address of the loopback network.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use session::{Body, FromClient, FromPeer, Hello, Publish, SUBPROTOCOL, Start, Subscribe};
use socket2::{Domain, Socket, Type};

use crate::frame;

/// How long one operation may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A TCP connection from `127.0.0.host`.
pub fn tcp(relay: SocketAddr, host: u8) -> Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from(([127, 0, 0, host], 0)).into())?;
    socket.connect_timeout(&relay.into(), PATIENCE)?;
    socket.set_tcp_nodelay(true)?;
    Ok(socket.into())
}

/// Like [`tcp`], after the WebSocket handshake.
pub fn upgraded(relay: SocketAddr, host: u8) -> Result<TcpStream> {
    let mut stream = tcp(relay, host)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "GET /ws HTTP/1.1\r\nHost: {relay}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n"
    )?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream
            .read_exact(&mut byte)
            .context("the relay closed the connection during the handshake")?;
        head.extend(byte);
    }
    Ok(stream)
}

/// A connection that exchanges frames.
pub struct Client {
    pub stream: TcpStream,
    partial: Vec<u8>,
    frames: std::collections::VecDeque<FromPeer>,
}

impl Client {
    /// Connects, and waits for the welcome.
    pub fn welcomed(relay: SocketAddr, host: u8, id: u64) -> Result<Self> {
        let mut client = Self::new(upgraded(relay, host)?);
        client.say(&[hello(id, 7)])?;
        match client.frame()? {
            FromPeer::Welcome(_) => Ok(client),
            other => bail!("expected a welcome, got {other:?}"),
        }
    }

    pub fn new(stream: TcpStream) -> Self {
        Self { stream, partial: Vec::new(), frames: Default::default() }
    }

    pub fn say(&mut self, frames: &[FromClient]) -> Result<()> {
        self.stream.write_all(&message(frames)).context("the relay does not read")
    }

    /// The next frame that is not a ping. Pings are answered.
    pub fn frame(&mut self) -> Result<FromPeer> {
        loop {
            match self.frames.pop_front() {
                Some(FromPeer::Ping(ping)) => self.say(&[FromClient::Pong(ping)])?,
                Some(frame) => return Ok(frame),
                None => self.read()?,
            }
        }
    }

    fn read(&mut self) -> Result<()> {
        let mut buffer = [0; 16 << 10];
        let bytes = match self.stream.read(&mut buffer) {
            Ok(0) => bail!("the relay closed the connection"),
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            Err(error) => return Err(error).context("the relay sends nothing"),
        };
        self.partial.extend_from_slice(&buffer[..bytes]);
        let (frames, mut out) = (&mut self.frames, Vec::new());
        let taken = frame::read(&self.partial, &mut out, |payload, _| {
            for frame in FromPeer::decode(payload) {
                frames.push_back(frame?);
            }
            Ok(())
        })?;
        self.partial.drain(..taken);
        self.stream.write_all(&out)?;
        Ok(())
    }
}

/// Encodes frames as a WebSocket message.
pub fn message(frames: &[FromClient]) -> Vec<u8> {
    let (mut payload, mut out) = (Vec::new(), Vec::new());
    frames.iter().for_each(|frame| frame.encode(&mut payload));
    frame::write(frame::BINARY, &payload, &mut out);
    out
}

pub fn hello(id: u64, secret: u8) -> FromClient {
    let client = (u128::from(std::process::id()) << 64 | u128::from(id)).to_be_bytes();
    FromClient::Hello(Hello::new(client, [secret; 32], 1))
}

pub fn publish(number: Option<u64>, topic: &str, bytes: usize) -> FromClient {
    let id = format!("{:x}-{}", std::process::id(), number.unwrap_or(0));
    let body = Body { id, data: vec![b'x'; bytes], ..Body::default() }.encode();
    let lowest = number.map(|number| number.saturating_sub(512).max(1));
    FromClient::Publish(Publish { number, topic: 0, name: Some(topic.to_owned()), body, lowest })
}

pub fn subscribe(subscription: u32, pattern: &str, start: Start) -> FromClient {
    let pattern = pattern.to_owned();
    FromClient::Subscribe(Subscribe { subscription, pattern, start, credit: None })
}
