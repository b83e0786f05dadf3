//! The WebSocket's handshake and its stream. Large frames are cut into fragments in both directions, so that a
//! connection needs no large buffer.

mod fragments;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use fragments::Fragmented;

/// A connection.
pub(crate) type WebSocket = WebSocketStream<Fragmented<TokioIo<Upgraded>>>;

/// An idle connection costs its read buffer.
const READ_BUFFER: usize = 4 << 10;
/// The limit on the write buffer.
const WRITE_BUFFER: usize = 16 << 10;

/// A request for a WebSocket (RFC 6455, 4.2.1).
#[derive(Debug)]
pub(crate) struct Handshake {
    accept: HeaderValue,
    /// The requested subprotocols, in the client's order.
    pub(crate) protocols: Vec<HeaderValue>,
    on_upgrade: OnUpgrade,
}

impl<S: Send + Sync> FromRequestParts<S> for Handshake {
    type Rejection = (StatusCode, &'static str);

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let headers = &parts.headers;
        if parts.method != Method::GET {
            return Err((StatusCode::METHOD_NOT_ALLOWED, "a WebSocket request must use GET\n"));
        }
        if !has_token(headers, &header::CONNECTION, "upgrade")
            || !has_token(headers, &header::UPGRADE, "websocket")
        {
            return Err((StatusCode::UPGRADE_REQUIRED, "this address expects a WebSocket\n"));
        }
        if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
            return Err((StatusCode::BAD_REQUEST, "only WebSocket version 13 is supported\n"));
        }
        let key = headers.get(header::SEC_WEBSOCKET_KEY);
        let accept = key.and_then(|key| derive_accept_key(key.as_bytes()).parse().ok());
        let accept =
            accept.ok_or((StatusCode::BAD_REQUEST, "the WebSocket key is missing or invalid\n"))?;
        let protocols = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
        let protocols = protocols
            .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
            .filter_map(|name| HeaderValue::from_bytes(name.trim_ascii()).ok())
            .collect();
        let on_upgrade = parts.extensions.remove::<OnUpgrade>();
        let on_upgrade = on_upgrade
            .ok_or((StatusCode::UPGRADE_REQUIRED, "this connection cannot become a WebSocket\n"))?;
        Ok(Self { accept, protocols, on_upgrade })
    }
}

impl Handshake {
    /// Accepts this subprotocol, and hands the connection to `serve`. A message may have at most `largest` bytes.
    pub(crate) fn accept<F: Future<Output = ()> + Send + 'static>(
        self,
        protocol: Option<HeaderValue>,
        largest: usize,
        serve: impl FnOnce(WebSocket) -> F + Send + 'static,
    ) -> Response {
        let Self { accept, on_upgrade, .. } = self;
        tokio::spawn(async move {
            // The client is gone already.
            let Ok(upgraded) = on_upgrade.await else { return };
            let stream = Fragmented::new(TokioIo::new(upgraded), largest);
            let config = WebSocketConfig::default()
                .read_buffer_size(READ_BUFFER)
                .write_buffer_size(WRITE_BUFFER)
                .max_message_size(Some(largest))
                .max_frame_size(Some(largest));
            let socket = WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await;
            // A task of its own, without the memory of the handshake.
            tokio::spawn(serve(socket));
        });
        let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
        if let Some(protocol) = protocol {
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
        }
        response
    }
}

/// Whether a header with a list contains this token, in any case.
fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|word| word.trim().eq_ignore_ascii_case(token))
}
