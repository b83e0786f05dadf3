//! A relay on a port: started, run, and shut down in order.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::serve::ListenerExt;
use session::server::Options;
use socket2::SockRef;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

use crate::admin;
use crate::authority::Authority;
use crate::connection::Shared;
use crate::http::{self, Site};
use crate::hub::Hub;
use crate::store::{Embedded, Settings, Store, StoreError};
use crate::upkeep;

/// What the kernel keeps of what a receiver has not taken; Linux makes twice that of it.
const SEND_BUFFER: usize = 128 << 10;
/// How long connections have to end when the relay shuts down.
const GRACE: Duration = Duration::from_secs(5);

/// What a relay is started with.
#[derive(Debug, Clone)]
pub struct Config {
    /// The address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The directory of the store.
    pub data: PathBuf,
    /// The directory of the built page, if it is served.
    pub page: Option<PathBuf>,
    /// Origins beside the relay's own whose pages may connect, such as `https://example.org`.
    pub allow_origin: Vec<String>,
    /// Judges the clients' credentials; without one everybody may connect.
    pub authority: Option<Arc<dyn Authority>>,
    /// What is kept and what is taken.
    pub store: Settings,
    /// The most subscriptions of a connection.
    pub max_subscriptions: usize,
    /// A relay whose store cannot be used for so long ends, so that who started it hears of it.
    pub give_up: Duration,
    /// Whether a reverse proxy stands before the relay: the last address in `x-forwarded-for` is the
    /// client's then.
    pub client_address: ClientAddress,
}

/// Where a client's address is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientAddress {
    /// It is the connection's. New clients from the relay's own machine are not limited.
    #[default]
    Connection,
    /// It is the last one in `x-forwarded-for`, which a reverse proxy before the relay puts there.
    Proxy,
}

/// Why a relay ends by itself.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The port failed.
    #[error("cannot serve any more: {0}")]
    Serve(#[from] std::io::Error),
    /// The store could not be used for [`Config::give_up`].
    #[error("the store cannot be used since {since:?}, and the relay gives up: {error}")]
    Store {
        /// For how long.
        since: Duration,
        /// Why.
        error: StoreError,
    },
    /// The writer has ended, which is a fault in this program.
    #[error("the store's writer has ended: start the relay again, and report this")]
    Writer,
}

/// Why a relay does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error(
        "cannot listen on {address}: {error}; stop what uses the port, or give another with --listen"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        error: std::io::Error,
    },
    /// The page is not there.
    #[error("{0} holds no index.html; build the page first, or give its directory with --page")]
    NoPage(PathBuf),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// See the [module](self).
#[derive(Debug)]
pub struct Relay {
    listener: TcpListener,
    address: SocketAddr,
    site: Site,
    stop: watch::Sender<bool>,
    ended: mpsc::Receiver<()>,
    writer: JoinHandle<()>,
    store: Arc<Embedded>,
    data: PathBuf,
    give_up: Duration,
}

impl Relay {
    /// Takes the port and opens the store.
    ///
    /// # Errors
    /// A [`StartError`] that says what to do.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let failed = |error| StartError::Listen { address: config.listen, error };
        let listener = TcpListener::bind(config.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        if let Some(page) = config.page.as_ref().filter(|page| !page.join("index.html").is_file()) {
            return Err(StartError::NoPage(page.clone()));
        }
        let embedded = Arc::new(Embedded::open(&config.data, config.store)?);
        let store = Arc::clone(&embedded) as Arc<dyn Store>;
        let (hub, writer) = Hub::start(Arc::clone(&store))?;
        let (stop, stopping) = watch::channel(false);
        let (alive, ended) = mpsc::channel(1);
        let options = Arc::new(Options {
            peer: store.peer().to_owned(),
            streams: store.streams().to_vec(),
            max_subscriptions: config.max_subscriptions,
            ..Options::default()
        });
        let shared =
            Shared { hub, store, options, authority: config.authority, address: None, stopping };
        let Config { page, allow_origin, client_address, data, give_up, .. } = config;
        let site = Site::new(shared, alive, page, allow_origin, client_address);
        let store = embedded;
        Ok(Self { listener, address, site, stop, ended, writer, store, data, give_up })
    }

    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown` resolves; then closes the connections with a code after which clients
    /// come again, and returns when what they sent has been written.
    ///
    /// # Errors
    /// A [`RunError`] that says why it ended before that.
    pub async fn run(
        self,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), RunError> {
        let Self { listener, site, stop, mut ended, writer, store, data, give_up, .. } = self;
        let stopped = stop.clone();
        let shutdown = async move {
            shutdown.await;
            stopped.send_replace(true);
        };
        // A message waits for no answer to the one before it.
        let listener = listener.tap_io(|stream| {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "a connection keeps Nagle's delay");
            }
            // What a slow receiver leaves in the kernel has a bound of ours, not of the machine's memory.
            if let Err(error) = SockRef::from(&*stream).set_send_buffer_size(SEND_BUFFER) {
                tracing::debug!(%error, "a connection keeps the kernel's send buffer");
            }
        });
        let service = http::router(site).into_make_service_with_connect_info::<SocketAddr>();
        let serve = axum::serve(listener, service).with_graceful_shutdown(shutdown);
        let mut stopping = stop.subscribe();
        let served = tokio::select! {
            served = serve.into_future() => served.map_err(RunError::Serve),
            error = upkeep::run(&store, give_up, || writer.is_finished()) => {
                stop.send_replace(true);
                Err(error)
            }
            () = admin::serve(&data, &store) => Ok(()),
            // A client that keeps a plain HTTP connection open holds the server up.
            () = async {
                let _ = stopping.wait_for(|stopping| *stopping).await;
                tokio::time::sleep(GRACE).await;
            } => Ok(()),
        };
        if tokio::time::timeout(GRACE, ended.recv()).await.is_err() {
            tracing::warn!("connections did not end in time");
        } else {
            // All connections are gone, and the hub with them: the writer writes what waits and ends.
            let _ = tokio::task::spawn_blocking(move || writer.join()).await;
        }
        served
    }
}
