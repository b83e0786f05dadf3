//! Answers `GET /metrics`, on an address of its own.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use store::Store;
use tokio::net::TcpListener;

use crate::border::{Acceptor, Border, Http1, Rules};
use crate::hub::Hub;
use crate::limits::{Limits, Rate};
use crate::metrics::Metrics;

const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// The maximum number of connections, and of those from one address.
const CONNECTIONS: usize = 64;
/// The time limit for the headers of a request.
const HEADERS: Duration = Duration::from_secs(10);

/// See the [module](self). It keeps neither the hub nor the store, so that a connection that stays open delays no end
/// of the relay.
#[derive(Debug, Clone)]
pub(crate) struct Exporter {
    metrics: Arc<Metrics>,
    border: Arc<Border>,
    hub: Weak<Hub>,
    store: Weak<dyn Store>,
    /// The border of this address.
    own_border: Arc<Border>,
    /// Whether only this machine can ask. Then the name of the host must be one of this machine's, because a page in a
    /// browser can have its own name lead here.
    is_local: bool,
}

impl Exporter {
    pub(crate) fn new(
        metrics: &Arc<Metrics>,
        border: &Arc<Border>,
        hub: &Arc<Hub>,
        store: &Arc<dyn Store>,
    ) -> Self {
        let limits = Limits {
            connections: CONNECTIONS,
            max_connections: CONNECTIONS,
            kibibytes: Rate::new(0, 0),
            ..Limits::default()
        };
        // What monitoring reads is not counted.
        let apart = Arc::new(Metrics::new(&[]));
        Self {
            metrics: Arc::clone(metrics),
            border: Arc::clone(border),
            hub: Arc::downgrade(hub),
            store: Arc::downgrade(store),
            own_border: Arc::new(Border::new(Rules::default(), limits, apart)),
            is_local: false,
        }
    }

    /// Serves for as long as it is polled. Without a listener it does nothing.
    ///
    /// # Errors
    /// The error that ended it.
    pub(crate) async fn serve(
        mut self,
        listener: Option<TcpListener>,
    ) -> std::io::Result<Infallible> {
        let Some(listener) = listener else { return std::future::pending().await };
        self.is_local = listener.local_addr()?.ip().is_loopback();
        let mut server = axum_server::Server::<SocketAddr>::from_listener(listener)
            .acceptor(Http1(Acceptor(Arc::clone(&self.own_border))))
            .first_request_timeout(HEADERS);
        server.http_builder().http1().header_read_timeout(HEADERS);
        let router = Router::new().route("/metrics", get(scrape)).with_state(self);
        server.serve(router.into_make_service()).await?;
        Err(std::io::Error::other("the address of the metrics is not served any longer"))
    }
}

async fn scrape(State(exporter): State<Exporter>, headers: HeaderMap) -> Response {
    if exporter.is_local && !exporter.own_border.is_host(&headers) {
        return StatusCode::MISDIRECTED_REQUEST.into_response();
    }
    // Reads the store, which may block.
    match tokio::task::spawn_blocking(move || exporter.text()).await {
        Ok(Some(text)) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response(),
        _ => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

impl Exporter {
    /// Measures what is not counted all along, and renders everything. `None` while the relay ends.
    fn text(&self) -> Option<String> {
        let (hub, store) = (self.hub.upgrade()?, self.store.upgrade()?);
        self.own_border.forget_stale();
        let usage = store.usage().ok();
        let (connections, budget) = (self.border.connections(), self.border.used());
        let (jobs, presence) = (hub.queued(), hub.presence().counts());
        self.metrics.render(usage.as_ref(), connections, budget, jobs, presence)
    }
}
