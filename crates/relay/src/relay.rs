//! A relay on a port: start, operation and orderly shutdown.

mod error;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use axum_server::Handle;
use ipnet::IpNet;
use session::server::Options;
use store::{Embedded, Settings, Store};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc, watch};

use crate::admin::{Admin, Operators};
use crate::authority::Authority;
use crate::border::{Acceptor, Border, Host, Http1, Origin, Rules};
use crate::certificates::{Certificates, StreamTaken, Unrevoked};
use crate::connection::Shared;
use crate::exporter::Exporter;
use crate::http::{self, AppState};
use crate::hub::Hub;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::proof::ProofHosts;
use crate::tls::Tls;
use crate::upkeep;
pub use error::{RunError, StartError};

/// Longer than any relay runs, in milliseconds.
const FOREVER: u64 = 100 * 365 * 24 * 60 * 60 * 1_000;
/// The maximum size of a request's headers.
const HEADERS: usize = 32 << 10;
/// The time limit for connections to end when the relay is shutting down.
const GRACE: Duration = Duration::from_secs(5);

/// The configuration of a relay.
#[derive(Debug, Clone)]
pub struct Config {
    /// The address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The directory of the store.
    pub data: PathBuf,
    /// The directory of the built page, if it is served.
    pub page: Option<PathBuf>,
    /// The host names by which clients reach the relay; empty for those of loopback.
    pub hosts: Vec<Host>,
    /// Origins besides the relay's own whose pages may connect.
    pub allow_origin: Vec<Origin>,
    /// The networks of the reverse proxies before the relay, which are trusted to name the client.
    pub proxies: Vec<IpNet>,
    /// Checks the clients' credentials. Without one, every client may connect, but only on loopback.
    pub authority: Option<Arc<dyn Authority>>,
    /// Checks certificates of keys. Without it, or without an authority, none are taken.
    pub certificates: Option<Arc<Certificates>>,
    /// The certificate, if the relay itself speaks TLS.
    pub tls: Option<Tls>,
    /// The settings of the store.
    pub store: Settings,
    /// The limits on clients.
    pub limits: Limits,
    /// The address for `GET /metrics`, if there is one. It is open to whoever can connect to it.
    pub metrics: Option<SocketAddr>,
    /// The maximum number of subscriptions of a connection.
    pub max_subscriptions: usize,
    /// A relay whose store has been unusable for this long ends, so that its supervisor notices.
    pub give_up: Duration,
}

impl Config {
    /// A relay on a free port of loopback with its log in `data`. Everything else has the options' defaults.
    pub fn new(data: PathBuf) -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            data,
            page: None,
            hosts: Vec::new(),
            allow_origin: Vec::new(),
            proxies: Vec::new(),
            authority: None,
            certificates: None,
            tls: None,
            store: Settings::default(),
            limits: Limits::default(),
            metrics: None,
            max_subscriptions: Options::default().max_subscriptions,
            give_up: Duration::from_secs(60),
        }
    }
}

/// See the [module](self).
#[derive(Debug)]
pub struct Relay {
    listener: TcpListener,
    address: SocketAddr,
    metrics: Option<TcpListener>,
    exporter: Exporter,
    app_state: AppState,
    border: Arc<Border>,
    tls: Option<Tls>,
    header_timeout: Duration,
    stop: watch::Sender<bool>,
    ended: mpsc::Receiver<()>,
    writer: JoinHandle<()>,
    store: Arc<dyn Store>,
    admin: Admin,
    operators: Operators,
    give_up: Duration,
}

impl Relay {
    /// Takes the port, opens the store, and lets clients and operators connect. They are served by [`Relay::run`].
    ///
    /// # Errors
    /// A [`StartError`] that says what to do.
    pub async fn start(mut config: Config) -> Result<Self, StartError> {
        let is_loopback = config.listen.ip().to_canonical().is_loopback();
        if config.hosts.is_empty() && !is_loopback {
            return Err(StartError::NoHost(config.listen));
        }
        let is_open_by_default = config.authority.is_none();
        if is_open_by_default && !is_loopback {
            return Err(StartError::NoAuthority(config.listen));
        }
        let mut authority = config.authority.filter(|authority| !authority.is_open());
        let certificates = config.certificates.filter(|_| authority.is_some());
        if let Some(certificates) = certificates.clone() {
            Certificates::add_stream(&mut config.store)
                .map_err(|StreamTaken| StartError::CertificatesStream)?;
            authority = authority.map(|inner| Arc::new(Unrevoked { inner, certificates }) as _);
        }
        let failed = |error| StartError::Listen { address: config.listen, error };
        let listener = TcpListener::bind(config.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let metrics_listener = match config.metrics {
            Some(address) => {
                let bound = TcpListener::bind(address).await;
                Some(bound.map_err(|error| StartError::Metrics { address, error })?)
            }
            None => None,
        };
        if let Some(page) = config.page.as_ref().filter(|page| !page.join("index.html").is_file()) {
            return Err(StartError::NoPage(page.clone()));
        }
        let store: Arc<dyn Store> = Arc::new(Embedded::open(&config.data, config.store)?);
        if let Some(certificates) = &certificates {
            certificates.revocations.load(&*store)?;
        }
        let metrics = Arc::new(Metrics::new(store.streams()));
        let new_clients = config.limits.new_clients_per_hour;
        let (hub, writer) = Hub::start(Arc::clone(&store), new_clients, Arc::clone(&metrics))?;
        let (stop, stopping) = watch::channel(false);
        let (connections_done, ended) = mpsc::channel(1);
        let options = Arc::new(Options {
            peer: store.peer().to_owned(),
            streams: store.streams().to_vec(),
            max_subscriptions: config.max_subscriptions,
            has_authority: authority.is_some(),
            hello_within: match u64::try_from(config.limits.hello_timeout.as_millis()) {
                Ok(0) | Err(_) => FOREVER,
                Ok(within) => within,
            },
            ..Options::default()
        });
        if is_open_by_default {
            tracing::info!(
                "every client on this machine may read and write everything; see --auth-keys"
            );
        }
        let proof_hosts = ProofHosts::new(&config.hosts);
        let Config { page, data, give_up, .. } = config;
        let rules = Rules {
            hosts: config.hosts,
            origins: config.allow_origin,
            proxies: config.proxies,
            has_tls: config.tls.is_some(),
        };
        let Limits { header_timeout, message_timeout, .. } = config.limits;
        let border = Arc::new(Border::new(rules, config.limits, Arc::clone(&metrics)));
        let exporter = Exporter::new(&metrics, &border, &hub, &store);
        let admin = Admin {
            store: Arc::clone(&store),
            hub: Arc::downgrade(&hub),
            certificates: certificates.clone(),
            backing_up: Mutex::default(),
        };
        let shared = Shared {
            hub,
            store: Arc::clone(&store),
            options,
            border: Arc::clone(&border),
            message_timeout,
            authority,
            proof_hosts,
            certificates,
            metrics,
            stopping,
        };
        let app_state = AppState::new(shared, connections_done, page);
        Ok(Self {
            listener,
            address,
            metrics: metrics_listener,
            exporter,
            app_state,
            border,
            tls: config.tls,
            header_timeout,
            stop,
            ended,
            writer,
            store,
            admin,
            operators: Operators::listen(&data),
            give_up,
        })
    }

    /// The URL of its page.
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of the metrics, if they are served.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref()?.local_addr().ok()
    }

    /// Serves until `shutdown` resolves. Then it closes the connections with a code after which clients reconnect,
    /// and returns when everything that they sent is written.
    ///
    /// # Errors
    /// A [`RunError`] if it ended before that.
    pub async fn run(
        self,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), RunError> {
        let Self {
            listener,
            metrics,
            exporter,
            app_state,
            border,
            stop,
            mut ended,
            writer,
            store,
            admin,
            operators,
            give_up,
            ..
        } = self;
        let handle = Handle::new();
        let mut server =
            axum_server::Server::<SocketAddr>::from_listener(listener).handle(handle.clone());
        if !self.header_timeout.is_zero() {
            // The first one is for connections that send nothing.
            server = server.first_request_timeout(self.header_timeout);
            server.http_builder().http1().header_read_timeout(self.header_timeout);
        }
        server.http_builder().http1().max_buf_size(HEADERS);
        let service = http::router(app_state).into_make_service();
        let stopped = stop.clone();
        let shutdown = async move {
            shutdown.await;
            stopped.send_replace(true);
            handle.graceful_shutdown(Some(GRACE));
        };
        tokio::spawn(shutdown);
        let mut stopping = stop.subscribe();
        let acceptor = Acceptor(Arc::clone(&border));
        let serving: Pin<Box<dyn Future<Output = io::Result<()>> + Send>> = match self.tls {
            None => Box::pin(server.acceptor(Http1(acceptor)).serve(service)),
            Some(tls) => Box::pin(server.acceptor(Http1(tls.acceptor(acceptor))).serve(service)),
        };
        let hub = Weak::clone(&admin.hub);
        let served = tokio::select! {
            served = serving => served.map_err(RunError::Serve),
            error = upkeep::run(&store, &hub, &border, give_up, || writer.is_finished()) => {
                stop.send_replace(true);
                Err(error)
            }
            () = operators.serve(admin) => Ok(()),
            Err(error) = exporter.serve(metrics) => Err(RunError::Serve(error)),
            // A client that keeps a plain HTTP connection open delays the server.
            () = async {
                let _ = stopping.wait_for(|stopping| *stopping).await;
                tokio::time::sleep(GRACE).await;
            } => Ok(()),
        };
        if tokio::time::timeout(GRACE, ended.recv()).await.is_err() {
            tracing::warn!("connections did not end in time");
        } else {
            // All connections are gone, and with them the hub. The writer writes what waits, and ends.
            let _ = tokio::task::spawn_blocking(move || writer.join()).await;
        }
        served
    }
}
