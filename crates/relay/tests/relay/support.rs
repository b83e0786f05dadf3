//! A relay in its own process, and a client that sends frames by hand.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use futures_util::{SinkExt, StreamExt};
use session::{
    Ack, Body, Event, FromClient, FromPeer, Hello, Publish, SUBPROTOCOL, Start, Subscribe, Welcome,
};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Longer than anything takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub struct Process {
    child: Child,
    pub address: String,
}

impl Process {
    pub fn start(data: &Path) -> Self {
        Self::start_with(data, &[])
    }

    /// With limits a thousand times the defaults, unless the arguments say otherwise.
    pub fn start_with(data: &Path, arguments: &[&str]) -> Self {
        Self::of(Self::command(data, arguments).spawn().unwrap())
    }

    /// The same, with its log.
    pub fn start_logged(data: &Path, arguments: &[&str]) -> (Self, impl BufRead + Send + 'static) {
        let mut command = Self::command(data, arguments);
        let mut child = command.env("NO_COLOR", "1").stderr(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        (Self::of(child), log)
    }

    fn command(data: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_event-relay"));
        command.args(["--listen", "127.0.0.1:0", "--data"]).arg(data).args(arguments);
        if !arguments.contains(&"--raise-limits") {
            command.args(["--raise-limits", "1000"]);
        }
        command.stdout(Stdio::piped());
        command
    }

    /// A running relay with piped standard output.
    pub fn of(mut child: Child) -> Self {
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let (_, address) = line.trim().split_once("://").unwrap();
        let address = address.to_owned();
        Self { child, address }
    }

    /// Like a power cut: nothing is shut down.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The id of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Stops it like a service manager.
    pub fn terminate(&self) {
        let id = self.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }

    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// The resident size in bytes.
    #[cfg(target_os = "linux")]
    pub fn memory(&self) -> u64 {
        let path = format!("/proc/{}/smaps_rollup", self.child.id());
        let text = std::fs::read_to_string(path).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("Rss:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
    }

    pub fn url(&self) -> String {
        format!("ws://{}/ws", self.address)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub struct Client {
    pub socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    frames: VecDeque<FromPeer>,
}

/// Connects with these headers.
pub async fn connect(relay: &Process, headers: &[(&'static str, &str)]) -> Result<Client, Error> {
    connect_to(&relay.url(), headers).await
}

async fn connect_to(url: &str, headers: &[(&'static str, &str)]) -> Result<Client, Error> {
    let mut request = url.into_client_request()?;
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    let (socket, _) = tokio::time::timeout(PATIENCE, connect_async(request)).await.unwrap()?;
    Ok(Client { socket, frames: VecDeque::new() })
}

/// A TCP connection from `127.0.0.host`, which the relay treats as an address like any other.
pub async fn tcp_from(relay: &Process, host: u8) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(([127, 0, 0, host], 0).into())?;
    socket.connect(relay.address.parse().unwrap()).await
}

/// Connects from `127.0.0.host` with these headers.
pub async fn connect_from(
    relay: &Process,
    host: u8,
    headers: &[(&'static str, &str)],
) -> Result<Client, Error> {
    let mut request = relay.url().into_client_request()?;
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    let stream = MaybeTlsStream::Plain(tcp_from(relay, host).await?);
    let connecting = tokio_tungstenite::client_async(request, stream);
    let (socket, _) = tokio::time::timeout(PATIENCE, connecting).await.unwrap()?;
    Ok(Client { socket, frames: VecDeque::new() })
}

impl Client {
    /// A welcomed connection of the client `id` from `127.0.0.host`.
    pub async fn welcomed_from(relay: &Process, host: u8, id: u8) -> Self {
        let headers = [("sec-websocket-protocol", SUBPROTOCOL)];
        let mut client = connect_from(relay, host, &headers).await.unwrap();
        client.hello(id, 1, 1).await;
        client
    }

    /// A connection for frames, before its hello.
    pub async fn connect(relay: &Process) -> Self {
        connect(relay, &[("sec-websocket-protocol", SUBPROTOCOL)]).await.unwrap()
    }

    /// The same, to a relay in this process.
    pub async fn connect_to(url: &str) -> Self {
        connect_to(url, &[("sec-websocket-protocol", SUBPROTOCOL)]).await.unwrap()
    }

    /// A welcomed connection of the client `id`.
    pub async fn welcomed(relay: &Process, id: u8, fence: u64) -> Self {
        let mut client = Self::connect(relay).await;
        client.hello(id, fence, 1).await;
        client
    }

    pub async fn hello(&mut self, id: u8, fence: u64, lowest: u64) -> Welcome {
        self.send(&[hello(id, fence, lowest)]).await;
        match self.frame().await {
            FromPeer::Welcome(welcome) => welcome,
            other => panic!("{other:?}"),
        }
    }

    pub async fn send(&mut self, frames: &[FromClient]) {
        let mut bytes = Vec::new();
        frames.iter().for_each(|frame| frame.encode(&mut bytes));
        self.socket.send(Message::Binary(bytes.into())).await.unwrap();
    }

    async fn message(&mut self) -> Message {
        let message = tokio::time::timeout(PATIENCE, self.socket.next()).await;
        message.expect("a message in time").expect("a message before the end").unwrap()
    }

    pub async fn frame(&mut self) -> FromPeer {
        loop {
            if let Some(frame) = self.frames.pop_front() {
                return frame;
            }
            if let Message::Binary(bytes) = self.message().await {
                self.frames.extend(FromPeer::decode(&bytes).map(Result::unwrap));
            }
        }
    }

    pub async fn ack(&mut self) -> Ack {
        loop {
            match self.frame().await {
                FromPeer::Ack(ack) => return ack,
                FromPeer::Event(_) | FromPeer::CaughtUp(_) | FromPeer::Ping(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    pub async fn event(&mut self) -> Event {
        loop {
            match self.frame().await {
                FromPeer::Event(event) => return event,
                FromPeer::Ack(_) | FromPeer::CaughtUp(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Subscribes, and waits for the confirmation.
    pub async fn subscribe(&mut self, pattern: &str, start: Start) -> session::Subscribed {
        self.subscribe_with(pattern, start, None).await
    }

    /// The same, with credit.
    pub async fn subscribe_with(
        &mut self,
        pattern: &str,
        start: Start,
        credit: Option<(u32, u32)>,
    ) -> session::Subscribed {
        let pattern = pattern.to_owned();
        self.send(&[FromClient::Subscribe(Subscribe { subscription: 1, pattern, start, credit })])
            .await;
        match self.frame().await {
            FromPeer::Subscribed(subscribed) => subscribed,
            other => panic!("{other:?}"),
        }
    }

    /// Reads to the end, which must be a close frame.
    pub async fn close_code(&mut self) -> u16 {
        loop {
            if let Message::Close(frame) = self.message().await {
                return frame.expect("a code").code.into();
            }
        }
    }
}

pub fn hello(id: u8, fence: u64, lowest: u64) -> FromClient {
    let (client, secret) = ([id; 16], [id; 32]);
    FromClient::Hello(Hello { lowest, ..Hello::new(client, secret, fence) })
}

/// A durable event whose topic is named each time, so that it can be sent on any connection.
pub fn publish(number: u64, topic: &str, id: &str) -> FromClient {
    publish_data(number, topic, id, b"1".to_vec())
}

/// The same from a client that has the answers to all lower numbers.
pub fn publish_alone(number: u64, topic: &str) -> FromClient {
    match publish(number, topic, &format!("e{number}")) {
        FromClient::Publish(publish) => {
            FromClient::Publish(Publish { lowest: Some(number), ..publish })
        }
        other => other,
    }
}

/// [`publish`] with this many bytes of data.
pub fn publish_sized(number: u64, topic: &str, bytes: usize) -> FromClient {
    publish_data(number, topic, &format!("e{number}"), vec![b'1'; bytes])
}

fn publish_data(number: u64, topic: &str, id: &str, data: Vec<u8>) -> FromClient {
    let body = Body { id: id.to_owned(), data, ..Body::default() }.encode();
    let name = Some(topic.to_owned());
    FromClient::Publish(Publish { number: Some(number), topic: 0, name, body, lowest: None })
}

pub fn id_of(event: &Event) -> String {
    Body::decode(&event.body).unwrap().id
}

/// Asserts that others are served: a client connects, publishes and gets an ack.
pub async fn assert_serves(relay: &Process) {
    let mut other = Client::welcomed(relay, 200, next()).await;
    other.send(&[publish(next(), "others", "fine")]).await;
    other.ack().await;
}

/// Ascends from call to call.
fn next() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A device with a key.
pub struct Device(EcdsaKeyPair);

impl Device {
    pub fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    pub fn key(&self) -> [u8; 65] {
        self.0.public_key().as_ref().try_into().unwrap()
    }

    /// A hello with its proof for this host.
    pub fn prove(&self, hello: FromClient, host: &str) -> FromClient {
        let FromClient::Hello(hello) = hello else { unreachable!() };
        let Hello { client, fence, token, .. } = &hello;
        let proven = trust::proof_bytes(host, client, *fence, token.as_deref());
        let proof = self.0.sign(&SystemRandom::new(), &proven).unwrap();
        let proof = proof.as_ref().try_into().unwrap();
        FromClient::Hello(Hello { key: Some(self.key()), proof: Some(proof), ..hello })
    }
}
