//! Keeps the server of wasm-bindgen-test-runner from leaving a browser without an answer.
//!
//! Its `tiny_http` (0.12) hands each connection to an idle thread and counts that thread as idle
//! until it wakes. Of two connections that come in this moment the second waits in a queue, with
//! every thread at a connection that the browser keeps alive: the page never loads. A connection
//! that comes later is given a thread, which looks into the queue when it is done.

use anyhow::{Context, Result};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{self, Command};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

/// Connects to the server again and again, for as long as the value lives.
pub struct Knocking {
    /// Ends the thread when it is dropped.
    _until: Sender<()>,
}

const INTERVAL: Duration = Duration::from_millis(500);

impl Knocking {
    /// Chooses the address of the server that the command will start, and knocks there.
    pub fn start(tests: &mut Command) -> Result<Self> {
        let address = free_address()?;
        tests.env("WASM_BINDGEN_TEST_ADDRESS", address.to_string());
        Ok(Self::at(address))
    }

    fn at(address: SocketAddr) -> Self {
        let (_until, ended) = mpsc::channel();
        thread::spawn(move || {
            while ended.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                // Mostly there is no test server: tests are being built, or a browser is closed.
                drop(TcpStream::connect_timeout(&address, INTERVAL));
            }
        });
        Self { _until }
    }
}

/// Ports from 32768 on may be taken by anybody's outgoing connection between two files of tests.
fn free_address() -> Result<SocketAddr> {
    let offset = process::id() % 10_000;
    (0..10_000)
        .map(|step| 20_000 + ((offset + step) % 10_000) as u16)
        .map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        .find(|address| TcpListener::bind(address).is_ok())
        .context("no port from 20000 to 29999 is free: close some of what listens there")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_starts_at_the_address_is_knocked_at() {
        let address = free_address().unwrap();
        let _knocking = Knocking::at(address);
        let server = TcpListener::bind(address).unwrap();
        server.accept().unwrap();
        server.accept().unwrap();
    }
}
