//! The built page: its files, compressed, with a strict Content-Security-Policy.

use std::path::Path;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tower_http::compression::CompressionLayer;
use tower_http::services::ServeDir;

/// What Trunk writes where a nonce belongs; see `nonce_placeholder` in Trunk.toml.
const PLACEHOLDER: &str = "{{__TRUNK NONCE__}}";
/// The most bytes of an HTML file.
const MAX_HTML: usize = 1 << 20;

/// The files of `directory`.
pub(crate) fn router(directory: &Path) -> Router {
    Router::new()
        .fallback_service(ServeDir::new(directory))
        .layer(middleware::from_fn(guard))
        .layer(CompressionLayer::new())
}

/// Puts the nonce and the headers on each response.
async fn guard(mut request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    if path.ends_with('/') || path.ends_with(".html") {
        // A copy that a browser holds has an old nonce, so it is never told to use that.
        let headers = request.headers_mut();
        headers.remove(header::IF_MODIFIED_SINCE);
        headers.remove(header::IF_NONE_MATCH);
        headers.remove(header::RANGE);
    }
    let Some(nonce) = nonce() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "no random numbers\n").into_response();
    };
    let response = next.run(request).await;
    let is_html = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.to_str().is_ok_and(|kind| kind.starts_with("text/html")));
    let is_found = response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED;
    let mut response = if is_html { with_nonce(response, &nonce).await } else { response };
    let cache = if is_found && is_hashed(&path) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if let Ok(policy) = HeaderValue::from_str(&policy(&nonce)) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

async fn with_nonce(response: Response, nonce: &str) -> Response {
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, MAX_HTML).await else {
        return (StatusCode::INTERNAL_SERVER_ERROR, "the page cannot be read\n").into_response();
    };
    let html = String::from_utf8_lossy(&bytes).replace(PLACEHOLDER, nonce);
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.remove(header::LAST_MODIFIED);
    parts.headers.remove(header::ETAG);
    parts.headers.remove(header::ACCEPT_RANGES);
    Response::from_parts(parts, Body::from(html))
}

fn policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval' 'nonce-{nonce}'; style-src 'self'; \
         img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

fn nonce() -> Option<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).ok()?;
    Some(URL_SAFE_NO_PAD.encode(bytes))
}

/// Whether a file's name holds the hash of what it holds, as in `chat-1f2e3d4c5b6a7980_bg.wasm`.
fn is_hashed(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let stem = name.split('.').next().unwrap_or_default();
    let stem = stem.strip_suffix("_bg").unwrap_or(stem);
    let hash = stem.rsplit_once('-').map_or("", |(_, hash)| hash);
    hash.len() >= 8 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_name_with_a_hash_is_cached_for_long() {
        for path in ["/chat-1f2e3d4c5b6a7980.js", "/a/chat-1f2e3d4c5b6a7980_bg.wasm"] {
            assert!(is_hashed(path), "{path}");
        }
        for path in ["/", "/index.html", "/embed.js", "/a-b.js", "/npm/event-driven.wasm"] {
            assert!(!is_hashed(path), "{path}");
        }
    }
}
