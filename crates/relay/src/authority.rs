//! Authentication: an application plugs in an authority that checks its clients' credentials.

use std::fmt;

pub use session::server::Granted;

/// Checks credentials, from a client's hello and from its refreshes.
///
/// The check must not block: it runs on the thread that serves the connection and others. An authority that depends
/// on another service must cache the answers.
pub trait Authority: fmt::Debug + Send + Sync + 'static {
    /// Returns the grant for `token`. Clients that speak `cloudevents.json` have no token.
    ///
    /// # Errors
    /// [`Refused`]. The connection is closed, and its client does not reconnect by itself.
    fn check(&self, token: Option<&str>) -> Result<Granted, Refused>;
}

/// A credential is refused. The client receives the text, which should say what to do and must not contain a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);
