//! The attacker: one address, `127.0.0.66`, that does one thing until it is stopped.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use session::{AtTopic, FromClient, History, Join, Start, Stream, Unsubscribe};

use crate::socket::{Client, hello, message, publish, subscribe, tcp, upgraded};

/// The attacker's address.
const HOST: u8 = 66;

/// What the attacker does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Attack {
    /// Ephemeral events of 200 KiB, as fast as the relay accepts them
    Ephemeral,
    /// Small durable events, as fast as the relay accepts them
    Durable,
    /// Durable events of 250 KiB, as fast as the relay accepts them
    Large,
    /// 1,000 messages of 2 MiB that never end
    Unfinished,
    /// 1,100 connections that send nothing
    Silent,
    /// Handshakes, one after the other
    Handshakes,
    /// Requests for a page, one after the other
    Requests,
    /// Hellos with a wrong secret
    Secrets,
    /// 4,000 subscriptions, and one more that starts and ends
    Toggle,
    /// Pages of history, and subscriptions that start 2^64-1 events ago
    History,
    /// Joins and leaves with 4 KiB of data
    Presence,
    /// 1,000 subscribers to events of 250 KiB that read nothing
    Stalled,
}

impl Attack {
    /// The number of connections that the attacker holds.
    pub fn connections(self) -> u64 {
        match self {
            Self::Unfinished | Self::Stalled => 1_000,
            Self::Silent => 1_100,
            _ => 8,
        }
    }

    /// Attacks forever.
    pub fn run(self, relay: SocketAddr) -> Result<()> {
        let crowd = |work: fn(SocketAddr, u64) -> Result<()>| {
            let threads: Vec<_> = (0..self.connections())
                .map(|id| {
                    thread::spawn(move || {
                        loop {
                            // Refused connections are retried.
                            let _ = work(relay, id);
                            thread::sleep(Duration::from_millis(20));
                        }
                    })
                })
                .collect();
            threads.into_iter().for_each(|thread| drop(thread.join()));
            Ok(())
        };
        match self {
            Self::Ephemeral => crowd(|relay, id| flood(relay, id, None, 200 << 10)),
            Self::Durable => crowd(|relay, id| flood(relay, id, Some(1), 64)),
            Self::Large => crowd(|relay, id| flood(relay, id, Some(1), 250 << 10)),
            Self::Unfinished => hold(self.connections(), |_| unfinished(relay)),
            Self::Silent => hold(self.connections(), |_| tcp(relay, HOST)),
            Self::Handshakes => crowd(|relay, _| upgraded(relay, HOST).map(drop)),
            Self::Requests => crowd(requests),
            Self::Secrets => crowd(secrets),
            Self::Toggle => crowd(toggle),
            Self::History => crowd(history),
            Self::Presence => crowd(presence),
            Self::Stalled => {
                thread::spawn(move || {
                    let _ = flood(relay, 1 << 20, None, 250 << 10);
                });
                hold(self.connections(), |id| stalled(relay, id))
            }
        }
    }
}

/// Reads and discards everything.
fn drain(stream: &TcpStream) -> Result<()> {
    let mut stream = stream.try_clone()?;
    thread::spawn(move || {
        let mut buffer = [0; 64 << 10];
        while stream.read(&mut buffer).is_ok_and(|bytes| bytes > 0) {}
    });
    Ok(())
}

fn flood(relay: SocketAddr, id: u64, first: Option<u64>, bytes: usize) -> Result<()> {
    // The numbers of a known client continue; those of a new one start at 1.
    let id = id << 32 | u64::from(std::time::UNIX_EPOCH.elapsed()?.subsec_nanos());
    let mut client = Client::welcomed(relay, HOST, id)?;
    drain(&client.stream)?;
    let mut number = first;
    loop {
        let many = if bytes > 1_024 { 1 } else { 100 };
        let frames: Vec<_> = (0..many)
            .map(|_| {
                let frame = publish(number, "flood", bytes);
                number = number.map(|number| number + 1);
                frame
            })
            .collect();
        client.say(&frames)?;
    }
}

/// Opens `count` connections as fast as handshakes are accepted, and keeps them open.
fn hold(count: u64, open: impl Fn(u64) -> Result<TcpStream>) -> Result<()> {
    let mut held = Vec::new();
    loop {
        if let Ok(stream) = open(held.len() as u64) {
            held.push(stream);
        }
        if held.len() as u64 >= count {
            // Replace the connections that the relay has closed.
            thread::sleep(Duration::from_millis(100));
            held.retain(|stream| stream.set_nonblocking(true).is_ok() && !is_cut(stream));
        }
    }
}

fn is_cut(mut stream: &TcpStream) -> bool {
    let mut buffer = [0; 512];
    match stream.read(&mut buffer) {
        Ok(bytes) => bytes == 0,
        Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
    }
}

/// Sends what the relay reads at once of a message of 2 MiB. The rest is retried for a moment.
fn unfinished(relay: SocketAddr) -> Result<TcpStream> {
    let mut stream = upgraded(relay, HOST)?;
    let mut frame = vec![0x82, 0x80 | 127];
    frame.extend((2_u64 << 20).to_be_bytes());
    frame.resize(frame.len() + 4 + (2 << 20) - 1, 0);
    stream.set_write_timeout(Some(Duration::from_millis(20)))?;
    let _ = stream.write_all(&frame);
    Ok(stream)
}

fn requests(relay: SocketAddr, _: u64) -> Result<()> {
    let mut stream = tcp(relay, HOST)?;
    drain(&stream)?;
    loop {
        write!(stream, "GET /healthz HTTP/1.1\r\nHost: {relay}\r\n\r\n")?;
    }
}

fn secrets(relay: SocketAddr, id: u64) -> Result<()> {
    drop(Client::welcomed(relay, HOST, id)?);
    loop {
        let mut thief = Client::new(upgraded(relay, HOST)?);
        thief.say(&[hello(id, 8)])?;
        while thief.frame().is_ok() {}
    }
}

fn toggle(relay: SocketAddr, id: u64) -> Result<()> {
    let mut client = Client::welcomed(relay, HOST, id)?;
    drain(&client.stream)?;
    for at in 0..4_000 {
        client.say(&[subscribe(at, &format!("toggle.{id}.{at}"), Start::Latest)])?;
    }
    loop {
        let unsubscribe = FromClient::Unsubscribe(Unsubscribe { subscription: 4_000 });
        client.say(&[subscribe(4_000, "victims", Start::Latest), unsubscribe])?;
    }
}

fn history(relay: SocketAddr, id: u64) -> Result<()> {
    let mut client = Client::welcomed(relay, HOST, id)?;
    drain(&client.stream)?;
    for at in 0.. {
        let (pattern, stream) = (format!("nothing.{at}.>"), Stream::MAIN);
        let (before, limit) = (None, u32::MAX);
        let page = History { request: at, pattern, before, limit, stream };
        let unsubscribe = FromClient::Unsubscribe(Unsubscribe { subscription: at });
        let last = subscribe(at, "none.>", Start::Last(u64::MAX >> 11));
        client.say(&[FromClient::History(page), last, unsubscribe])?;
    }
    Ok(())
}

fn presence(relay: SocketAddr, id: u64) -> Result<()> {
    let mut client = Client::welcomed(relay, HOST, id)?;
    drain(&client.stream)?;
    for at in 0_u64.. {
        let topic = format!("presence.{}", at % 64);
        let key = at.to_string();
        let join = Join { topic: topic.clone(), key, data: vec![0; 4_096] };
        client.say(&[FromClient::Join(join), FromClient::Watch(AtTopic { topic })])?;
    }
    Ok(())
}

fn stalled(relay: SocketAddr, id: u64) -> Result<TcpStream> {
    let mut stream = upgraded(relay, HOST)?;
    stream.write_all(&message(&[hello(id, 7)]))?;
    // Reads neither the welcome nor anything after it.
    thread::sleep(Duration::from_millis(20));
    stream.write_all(&message(&[subscribe(1, "flood", Start::Latest)]))?;
    Ok(stream)
}
