//! Works around a race in the server of wasm-bindgen-test-runner that leaves a request of the browser unanswered.
//!
//! Its `tiny_http` (0.12) hands each connection to an idle thread, and counts that thread as idle until it wakes. If a
//! second connection arrives in this moment, it waits in a queue while every thread serves a connection that the
//! browser keeps alive, so the page never loads. Any later connection gets a new thread, which also serves the queue.
//! So this module opens a connection twice a second.

use anyhow::{Context, Result};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{self, Command};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

/// Connects to the server twice a second until it is dropped.
pub struct Knocking {
    /// Dropping it ends the thread.
    _until: Sender<()>,
}

const INTERVAL: Duration = Duration::from_millis(500);

impl Knocking {
    /// Chooses an address for the server that the command will start, and connects to it.
    pub fn start(tests: &mut Command) -> Result<Self> {
        let address = free_address()?;
        tests.env("WASM_BINDGEN_TEST_ADDRESS", address.to_string());
        Ok(Self::at(address))
    }

    fn at(address: SocketAddr) -> Self {
        let (_until, ended) = mpsc::channel();
        thread::spawn(move || {
            while ended.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                // Usually nothing listens: the tests are still building, or the browser is closing.
                drop(TcpStream::connect_timeout(&address, INTERVAL));
            }
        });
        Self { _until }
    }
}

/// Finds a port below 32768. From there on, an outgoing connection of any program could take it between two test files.
fn free_address() -> Result<SocketAddr> {
    let offset = process::id() % 10_000;
    (0..10_000)
        .map(|step| 20_000 + ((offset + step) % 10_000) as u16)
        .map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        .find(|address| TcpListener::bind(address).is_ok())
        .context("no port from 20000 to 29999 is free: stop a program that listens there")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_starts_at_the_address_gets_connections() {
        let address = free_address().unwrap();
        let _knocking = Knocking::at(address);
        let server = TcpListener::bind(address).unwrap();
        server.accept().unwrap();
        server.accept().unwrap();
    }
}
