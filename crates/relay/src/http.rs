//! The routes: `/ws`, `/events`, `/certificate`, `/healthz`, and the page.

mod bearer;
mod events;

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use axum::extract::{FromRef, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Extension, Router};
use session::server::Wire;
use session::{CloseCode, SUBPROTOCOL, json};
use tokio::sync::mpsc;

use crate::border::audit::{self, Refused};
use crate::border::{Border, Peer};
use crate::certificates::http::{certify, keys, may_certify};
use crate::connection::{self, Shared};
use crate::websocket::Handshake;
use crate::{connection::reject, page};
pub(crate) use bearer::bearer;

/// When a client beyond a limit of connections should reconnect, in milliseconds.
const RETRY: u32 = 5_000;
/// The routes with limits of their own.
const LIMITED: [&str; 2] = ["/ws", "/events"];
/// On every answer. The page's own headers take precedence.
static HEADERS: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

/// The state of the routes.
#[derive(Clone)]
pub(crate) struct AppState {
    shared: Shared,
    /// A clone is held by each connection, so that the relay can wait until all have ended.
    connections_done: mpsc::Sender<()>,
    page: Option<PathBuf>,
}

impl std::fmt::Debug for AppState {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("AppState").field("page", &self.page).finish_non_exhaustive()
    }
}

impl FromRef<AppState> for Shared {
    fn from_ref(app_state: &AppState) -> Self {
        app_state.shared.clone()
    }
}

impl FromRef<AppState> for Arc<Border> {
    fn from_ref(app_state: &AppState) -> Self {
        Arc::clone(&app_state.shared.border)
    }
}

impl AppState {
    pub(crate) fn new(
        shared: Shared,
        connections_done: mpsc::Sender<()>,
        page: Option<PathBuf>,
    ) -> Self {
        Self { shared, connections_done, page }
    }
}

pub(crate) fn router(app_state: AppState) -> Router {
    let page = app_state.page.clone();
    let border = Arc::clone(&app_state.shared.border);
    let routes = Router::new()
        .route("/ws", any(socket))
        .route("/events", post(events::post))
        .route("/healthz", get(health))
        .route("/certificate", post(certify).options(may_certify))
        .route("/.well-known/jwks.json", get(keys));
    #[cfg(feature = "echo")]
    let routes = routes.route("/echo", any(echo));
    let routes = routes.with_state(app_state);
    let routes = match page {
        Some(directory) => routes.merge(page::router(&directory)),
        None => routes,
    };
    routes.layer(middleware::from_fn_with_state(border, guard))
}

/// Admits requests for this relay, and puts the security headers on every answer.
async fn guard(
    State(border): State<Arc<Border>>,
    Extension(peer): Extension<Arc<Peer>>,
    request: Request,
    next: Next,
) -> Response {
    let (path, headers) = (request.uri().path(), request.headers());
    let client = border.client(&peer, headers);
    let is_limited = LIMITED.contains(&path);
    // Held until the request is answered.
    let counted = if is_limited { None } else { border.admits_request(&peer, &client) };
    let mut response = if path != "/healthz" && !border.is_host(headers) {
        audit::refused(
            &border.metrics,
            Refused::Host,
            client.address,
            StatusCode::MISDIRECTED_REQUEST.as_u16(),
        );
        let message = "this relay does not serve that host; see --host\n";
        (StatusCode::MISDIRECTED_REQUEST, message).into_response()
    } else if !is_limited && counted.is_none() {
        audit::refused(
            &border.metrics,
            Refused::Limit,
            client.address,
            StatusCode::SERVICE_UNAVAILABLE.as_u16(),
        );
        let close = [(header::CONNECTION, "close")];
        (StatusCode::SERVICE_UNAVAILABLE, close, "too many connections\n").into_response()
    } else {
        if !is_limited {
            border.charge_request(&client.allowance).await;
        }
        next.run(request).await
    };
    drop(counted);
    border.metrics.connections.responded(response.status());
    for (name, value) in &HEADERS {
        response.headers_mut().entry(name.clone()).or_insert(HeaderValue::from_static(value));
    }
    if border.is_for_tls_only() {
        let year = HeaderValue::from_static("max-age=31536000");
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
    response
}

async fn health(State(shared): State<Shared>) -> Response {
    let store = shared.store;
    match tokio::task::spawn_blocking(move || store.heads()).await {
        Ok(Ok(_)) => "ok\n".into_response(),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "the store cannot be used\n").into_response(),
    }
}

/// The maximum size of a message: above the machine's own limit, so that the machine answers.
fn largest(shared: &Shared) -> usize {
    shared.options.max_message * 2
}

/// Echoes messages through the same WebSocket layer, for the conformance suite.
#[cfg(feature = "echo")]
async fn echo(State(shared): State<Shared>, handshake: Handshake) -> Response {
    handshake.accept(None, largest(&shared), connection::echo)
}

async fn socket(
    State(app_state): State<AppState>,
    Extension(peer): Extension<Arc<Peer>>,
    headers: HeaderMap,
    handshake: Handshake,
) -> Response {
    let AppState { shared, connections_done, .. } = app_state;
    let border = Arc::clone(&shared.border);
    let client = border.client(&peer, &headers);
    let token = bearer(&headers);
    if !border.is_origin(&peer, &headers) {
        audit::refused(
            &border.metrics,
            Refused::Origin,
            client.address,
            StatusCode::FORBIDDEN.as_u16(),
        );
        let message = "pages of this origin may not connect; see --allow-origin and, behind a \
                       proxy, --behind-proxy\n";
        return (StatusCode::FORBIDDEN, message).into_response();
    }
    let asked = |name: &str| handshake.protocols.iter().find(|asked| *asked == name).cloned();
    let (wire, protocol) = if let Some(frames) = asked(SUBPROTOCOL) {
        (Some(Wire::Frames), Some(frames))
    } else if let Some(json) = asked(json::SUBPROTOCOL) {
        (Some(Wire::Json), Some(json))
    } else {
        // Without a subprotocol in the answer a browser fails the connection and never sees the close code.
        (None, handshake.protocols.first().cloned())
    };
    border.metrics.connections.handshake(wire);
    // A page cannot see a 503, and would not know when to reconnect.
    let is_admitted = border.admits_socket(&peer, &client);
    if !is_admitted {
        audit::refused(
            &border.metrics,
            Refused::Limit,
            client.address,
            CloseCode::Overloaded.code(),
        );
    }
    handshake.accept(protocol, largest(&shared), move |socket| {
        // A box for each, so that the task is no larger than the future that it runs.
        let served: Pin<Box<dyn Future<Output = ()> + Send>> = match wire {
            Some(wire) if !is_admitted => {
                let message = "too many connections come from your address";
                let code = CloseCode::Overloaded;
                Box::pin(reject(socket, wire, shared.metrics, code, message, Some(RETRY)))
            }
            Some(wire) => Box::pin(connection::run(socket, wire, shared, peer, client, token)),
            None => {
                let message = "speak event-driven-kit.v1 or cloudevents.json";
                let code = CloseCode::UnsupportedSubprotocol;
                Box::pin(reject(socket, Wire::Json, shared.metrics, code, message, None))
            }
        };
        async move {
            served.await;
            drop(connections_done);
        }
    })
}
