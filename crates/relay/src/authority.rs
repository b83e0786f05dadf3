//! Who may connect: what an application plugs in to judge its clients' credentials.

use std::fmt;

pub use session::server::Granted;

/// Judges credentials, when a client says hello and when it refreshes.
///
/// It answers at once: the connection waits, and the thread that serves others with it. One that has to ask
/// somebody else keeps the answers at hand.
pub trait Authority: fmt::Debug + Send + Sync + 'static {
    /// What is granted to who shows `token`. Clients that speak `cloudevents.json` have none.
    ///
    /// # Errors
    /// [`Refused`]; the connection is closed, and its client does not come again by itself.
    fn check(&self, token: Option<&str>) -> Result<Granted, Refused>;
}

/// A credential is refused. The text goes to the client: it says what to do, and no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);
