//! A network between browsers and the relay that can be cut, stalled, or left half open. Pages are served undisturbed
//! by another relay, so that a tab can be reloaded at any time.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The state of the network for WebSockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// Bytes pass.
    Whole,
    /// Bytes wait in both directions until the network is whole again.
    Stalled,
    /// Bytes of browsers pass; bytes of the relay are lost, and with them the connection: once it has lost bytes it
    /// passes nothing, and neither side notices.
    HalfOpen,
    /// Connections are reset, and new ones are closed at once.
    Cut,
}

/// Listens on its own port and passes bytes on to two relays, so that both have one origin.
#[derive(Debug)]
pub struct Proxy {
    address: String,
    network: watch::Sender<Network>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Starts a proxy for two addresses like `127.0.0.1:8080`. WebSockets go to `relay` over the network that can be
    /// broken; everything else goes to `pages`.
    pub async fn start(relay: &str, pages: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound port").to_string();
        let network = watch::Sender::new(Network::Whole);
        let accepting =
            tokio::spawn(accept(listener, [relay, pages].map(Arc::from), network.clone()));
        Self { address, network, accepting }
    }

    /// The URL of the page through this network.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Changes the state of the network.
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
            // A relay that is down looks like one that refuses: the connection is reset.
            let Ok(relay) = TcpStream::connect(&*relay).await else { return };
            tokio::select! {
                () = pass(browser, relay, network.clone()) => {}
                _ = network.wait_for(|network| *network == Network::Cut) => {}
            }
        });
    }
}

/// Peeks at the request without consuming it.
async fn is_websocket(browser: &TcpStream) -> bool {
    const REQUEST: &[u8] = b"GET /ws ";
    let mut begin = [0; REQUEST.len()];
    // A request line arrives in one packet: nothing here splits it.
    matches!(browser.peek(&mut begin).await, Ok(count) if begin[..count] == *REQUEST)
}

/// Copies bytes until both directions have ended.
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
            // A stream with missing bytes is useless. It stays open and silent until the network is cut.
            return std::future::pending().await;
        }
        if to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}
