//! Runs many clients on one thread.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use mio::{Events, Interest, Poll, Token};

use crate::client::Client;
use crate::server::Server;

/// After this time without anything new, missing events are lost.
const LOST: Duration = Duration::from_secs(30);

pub struct Load {
    poll: Poll,
    events: Events,
    buffer: Vec<u8>,
    pub clients: Vec<Client>,
}

impl Load {
    /// Connects `clients` clients.
    pub fn connect(server: &Server, clients: usize) -> Result<Self> {
        let mut load = Self {
            poll: Poll::new()?,
            events: Events::with_capacity(1024),
            buffer: vec![0; 256 << 10],
            clients: Vec::with_capacity(clients),
        };
        for _ in 0..clients {
            load.add(server)?;
        }
        Ok(load)
    }

    /// Connects another client.
    pub fn add(&mut self, server: &Server) -> Result<()> {
        let mut client = server.connect()?;
        let both = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut client.socket, Token(self.clients.len()), both)?;
        self.clients.push(client);
        Ok(())
    }

    /// Waits for the next data and reads it.
    pub fn turn(&mut self) -> Result<()> {
        self.turn_within(LOST)
    }

    /// Like [`Load::turn`], but waits no longer than `time`.
    pub fn turn_within(&mut self, time: Duration) -> Result<()> {
        if let Err(error) = self.poll.poll(&mut self.events, Some(time))
            && error.kind() != std::io::ErrorKind::Interrupted
        {
            return Err(error.into());
        }
        for event in &self.events {
            let client = &mut self.clients[event.token().0];
            if event.is_writable() {
                client.flush()?;
            }
            if event.is_readable() {
                client.read(&mut self.buffer)?;
            }
        }
        Ok(())
    }

    /// Reads until `holds` returns true.
    pub fn until(&mut self, what: &str, holds: impl Fn(&[Client]) -> bool) -> Result<()> {
        let (mut heard, mut last) = (0, Instant::now());
        while !holds(&self.clients) {
            let all = self.clients.iter().map(|one| one.seen.events + one.seen.acks).sum::<u64>();
            if heard != all {
                (heard, last) = (all, Instant::now());
            }
            if last.elapsed() > LOST {
                let seen: Vec<u64> = self.clients.iter().map(|one| one.seen.events).collect();
                bail!("{what}: events are missing; the clients have received {seen:?}");
            }
            self.turn_within(Duration::from_secs(1))?;
        }
        Ok(())
    }
}
