//! Errors as problem details (RFC 9457), with the kit's code of the reason.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use session::RejectCode;

const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    /// The id of the event.
    id: Option<String>,
    /// After which time the request may be sent again.
    retry: Option<Duration>,
    /// For `WWW-Authenticate`.
    challenge: Option<&'static str>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: &'static str, detail: &str) -> Self {
        let detail = detail.to_owned();
        Self { status, code, detail, id: None, retry: None, challenge: None }
    }

    /// For an event that is rejected.
    pub(super) fn rejected(code: RejectCode, detail: &str) -> Self {
        let status = match code {
            RejectCode::IllegalTopic | RejectCode::IllegalEvent => StatusCode::BAD_REQUEST,
            RejectCode::NotAllowed
            | RejectCode::BadSignature
            | RejectCode::UnknownCertificate
            | RejectCode::NotSigned => StatusCode::FORBIDDEN,
            RejectCode::TooLarge | RejectCode::TooMany => StatusCode::PAYLOAD_TOO_LARGE,
            RejectCode::TooFast => StatusCode::TOO_MANY_REQUESTS,
            RejectCode::DiskFull => StatusCode::INSUFFICIENT_STORAGE,
            RejectCode::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, code.name(), detail)
    }

    /// For a client without a token, or with one that the authority refuses (RFC 6750, 3).
    pub(super) fn unauthorized(detail: &str, has_token: bool) -> Self {
        let challenge = if has_token { "Bearer error=\"invalid_token\"" } else { "Bearer" };
        let problem = Self::new(StatusCode::UNAUTHORIZED, "credential_refused", detail);
        Self { challenge: Some(challenge), ..problem }
    }

    pub(super) fn overloaded(detail: &str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", detail)
    }

    pub(super) fn media_type(detail: &str) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
    }

    /// Names the event.
    pub(super) fn of(self, id: String) -> Self {
        Self { id: Some(id), ..self }
    }

    /// The request may be sent again after this time.
    pub(super) fn retry(self, after: Duration) -> Self {
        Self { retry: Some(after), ..self }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Self { status, code, detail, id, retry, challenge } = self;
        let mut problem = json!({
            "type": "about:blank",
            "title": status.canonical_reason(),
            "status": status.as_u16(),
            "detail": detail,
            "code": code,
        });
        if let Some(id) = id {
            problem["id"] = id.into();
        }
        let mut response = (status, format!("{problem}\n")).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, PROBLEM);
        if let Some(retry) = retry {
            let seconds = retry.as_secs_f64().ceil().max(1.0) as u64;
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if let Some(challenge) = challenge {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}
