//! The routes: `/ws`, `/healthz`, and the page.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{ConnectInfo, FromRef, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use session::server::Wire;
use session::{CloseCode, SUBPROTOCOL, json};
use tokio::sync::{Semaphore, mpsc};

use crate::connection::{self, Shared};
use crate::relay::ClientAddress;
use crate::{connection::reject, page};

/// An idle connection costs its read buffer.
const READ_BUFFER: usize = 4 << 10;
/// What waits to be written is written beyond so many bytes.
const WRITE_BUFFER: usize = 16 << 10;
/// The most connections at one time; more are answered 503.
const CONNECTIONS: usize = 10_000;

/// What the routes share.
#[derive(Clone)]
pub(crate) struct Site {
    shared: Shared,
    /// Held by each connection, so that its end can be waited for.
    alive: mpsc::Sender<()>,
    page: Option<PathBuf>,
    allow_origin: Arc<[String]>,
    room: Arc<Semaphore>,
    client_address: ClientAddress,
}

impl std::fmt::Debug for Site {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Site").field("page", &self.page).finish_non_exhaustive()
    }
}

impl FromRef<Site> for Shared {
    fn from_ref(site: &Site) -> Self {
        site.shared.clone()
    }
}

impl Site {
    pub(crate) fn new(
        shared: Shared,
        alive: mpsc::Sender<()>,
        page: Option<PathBuf>,
        allow_origin: Vec<String>,
        client_address: ClientAddress,
    ) -> Self {
        let room = Arc::new(Semaphore::new(CONNECTIONS));
        Self { shared, alive, page, allow_origin: allow_origin.into(), room, client_address }
    }

    /// The address whose new clients are counted; none if they are not.
    fn limited(&self, remote: SocketAddr, headers: &HeaderMap) -> Option<IpAddr> {
        match self.client_address {
            ClientAddress::Connection => {
                Some(remote.ip()).filter(|address| !address.to_canonical().is_loopback())
            }
            ClientAddress::Proxy => {
                let forwarded = headers.get_all("x-forwarded-for").iter().next_back();
                let told = forwarded.and_then(|value| value.to_str().ok()?.rsplit(',').next());
                Some(told.and_then(|told| told.trim().parse().ok()).unwrap_or(remote.ip()))
            }
        }
    }

    /// Whether a page of this origin may connect. Native clients have none.
    fn admits(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(header::ORIGIN) else {
            return true;
        };
        let Ok(origin) = origin.to_str() else {
            return false;
        };
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let own = origin.split_once("://").map(|(_, host)| host);
        let is_own =
            matches!((own, host), (Some(own), Some(host)) if own.eq_ignore_ascii_case(host));
        is_own || self.allow_origin.iter().any(|allowed| allowed == origin)
    }
}

pub(crate) fn router(site: Site) -> Router {
    let page = site.page.clone();
    let routes = Router::new().route("/ws", any(socket)).route("/healthz", get(health));
    #[cfg(feature = "echo")]
    let routes = routes.route("/echo", any(echo));
    let routes = routes.with_state(site);
    match page {
        Some(directory) => routes.merge(page::router(&directory)),
        None => routes,
    }
}

async fn health(State(shared): State<Shared>) -> Response {
    let store = shared.store;
    match tokio::task::spawn_blocking(move || store.heads()).await {
        Ok(Ok(_)) => "ok\n".into_response(),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "the store cannot be used\n").into_response(),
    }
}

/// The WebSocket's buffers and bounds.
fn bounded(ws: WebSocketUpgrade, shared: &Shared) -> WebSocketUpgrade {
    // Above the machine's own bound, so that it is the one to answer.
    let largest = shared.options.max_message * 2;
    ws.read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_message_size(largest)
        .max_frame_size(largest)
}

/// Sends back what comes, by the same WebSocket layer: for the conformance suite.
#[cfg(feature = "echo")]
async fn echo(State(shared): State<Shared>, ws: WebSocketUpgrade) -> Response {
    bounded(ws, &shared).on_upgrade(connection::echo)
}

async fn socket(
    State(site): State<Site>,
    ConnectInfo(remote): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    ws: WebSocketUpgrade,
) -> Response {
    if !site.admits(&headers) {
        let message = "pages of this origin may not connect; see --allow-origin\n";
        return (StatusCode::FORBIDDEN, message).into_response();
    }
    let Ok(permit) = Arc::clone(&site.room).try_acquire_owned() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "too many connections\n").into_response();
    };
    let mut ws = bounded(ws, &site.shared).protocols([SUBPROTOCOL, json::SUBPROTOCOL]);
    let wire = match ws.selected_protocol() {
        Some(protocol) if protocol == SUBPROTOCOL => Some(Wire::Frames),
        Some(_) => Some(Wire::Json),
        None => None,
    };
    let first = ws.requested_protocols().next().cloned();
    if wire.is_none()
        && let Some(first) = first
    {
        // Without one in the answer a browser fails the connection and never sees the close code.
        ws.set_selected_protocol(first);
    }
    let address = site.limited(remote, &headers);
    let Site { shared, alive, .. } = site;
    let shared = Shared { address, ..shared };
    ws.on_upgrade(move |socket| async move {
        match wire {
            Some(wire) => connection::run(socket, wire, shared).await,
            None => {
                let message = "speak event-driven-kit.v1 or cloudevents.json";
                reject(socket, CloseCode::UnsupportedSubprotocol, message).await;
            }
        }
        drop((permit, alive));
    })
}
