//! A network between browsers and the relay that can be broken: cut, stalled, or left half open. Pages
//! come through it unharmed, from a relay of their own, so that a tab can be reloaded at any time.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What the network does with WebSockets that go through it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// Bytes pass.
    Whole,
    /// Bytes wait, in both directions, until it is whole again.
    Stalled,
    /// What browsers send passes; what the relay sends is lost, and with it the connection: one that has
    /// lost bytes passes none any more, and nobody is told.
    HalfOpen,
    /// Connections are reset, and new ones refused as soon as they are made.
    Cut,
}

/// Listens on a port of its own and passes bytes on to two relays, so that both have one origin.
#[derive(Debug)]
pub struct Proxy {
    address: String,
    network: watch::Sender<Network>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Starts one before two addresses like `127.0.0.1:8080`: WebSockets go to `relay`, over the network that
    /// can be broken, and all else to `pages`.
    pub async fn start(relay: &str, pages: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound port").to_string();
        let network = watch::Sender::new(Network::Whole);
        let accepting =
            tokio::spawn(accept(listener, [relay, pages].map(Arc::from), network.clone()));
        Self { address, network, accepting }
    }

    /// Where the page is, as seen through this network.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on the network is so.
    pub fn set(&self, network: Network) {
        self.network.send_replace(network);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.network.send_replace(Network::Cut);
    }
}

async fn accept(listener: TcpListener, to: [Arc<str>; 2], network: watch::Sender<Network>) {
    while let Ok((browser, _)) = listener.accept().await {
        let ([relay, pages], mut network) = (to.clone(), network.subscribe());
        tokio::spawn(async move {
            if !is_websocket(&browser).await {
                if let Ok(pages) = TcpStream::connect(&*pages).await {
                    pass(browser, pages, watch::Sender::new(Network::Whole).subscribe()).await;
                }
                return;
            }
            if *network.borrow_and_update() == Network::Cut {
                return;
            }
            // A relay that is down resets, as one that refuses would.
            let Ok(relay) = TcpStream::connect(&*relay).await else { return };
            tokio::select! {
                () = pass(browser, relay, network.clone()) => {}
                _ = network.wait_for(|network| *network == Network::Cut) => {}
            }
        });
    }
}

/// Looks at the request without taking it.
async fn is_websocket(browser: &TcpStream) -> bool {
    const REQUEST: &[u8] = b"GET /ws ";
    let mut begin = [0; REQUEST.len()];
    // A request line comes in one packet: nothing here splits it.
    matches!(browser.peek(&mut begin).await, Ok(count) if begin[..count] == *REQUEST)
}

/// Until both directions have ended.
async fn pass(browser: TcpStream, relay: TcpStream, network: watch::Receiver<Network>) {
    let _ = (browser.set_nodelay(true), relay.set_nodelay(true));
    let ((from_browser, to_browser), (from_relay, to_relay)) =
        (browser.into_split(), relay.into_split());
    let up = copy(from_browser, to_relay, network.clone(), false);
    let down = copy(from_relay, to_browser, network, true);
    tokio::join!(up, down);
}

async fn copy(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut network: watch::Receiver<Network>,
    is_down: bool,
) {
    let mut bytes = vec![0; 16 << 10];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        let passing = network.wait_for(|network| *network != Network::Stalled).await;
        let Ok(lost) = passing.map(|network| is_down && *network == Network::HalfOpen) else {
            return;
        };
        if lost {
            // A stream with a hole is none: it stays silent, and open, until the network is cut.
            return std::future::pending().await;
        }
        if to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}
