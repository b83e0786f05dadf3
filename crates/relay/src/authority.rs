//! Authentication: an application plugs in an authority that checks its clients' credentials.

use std::fmt;

use session::rights::Rights;
pub use session::server::Granted;

/// Checks credentials, from a client's hello and from its refreshes.
///
/// The check must not block: it runs on the thread that serves the connection and others. An authority that depends
/// on another service must cache the answers.
pub trait Authority: fmt::Debug + Send + Sync + 'static {
    /// Returns the grant for `token`, or for a client without one, which is a guest.
    ///
    /// # Errors
    /// [`Refused`]. The connection is closed, and its client does not reconnect by itself. A client that speaks
    /// `cloudevents.json` and has no token yet may still send one in its hello.
    fn check(&self, token: Option<&str>) -> Result<Granted, Refused>;

    /// The name for people of the account of a valid token, if the token has one.
    fn name(&self, _token: &str) -> Option<String> {
        None
    }

    /// Whether all clients are guests who may do everything but moderate. The relay then asks for nothing: guests choose
    /// the keys of their presence, and their clients can belong to accounts later.
    fn is_open(&self) -> bool {
        false
    }
}

/// A credential is refused. The client receives the text, which should say what to do and must not contain a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

/// Admits every client as a guest with these rights, and ignores its token.
#[derive(Debug, Clone)]
pub struct Guests(pub Rights);

impl Authority for Guests {
    fn check(&self, _: Option<&str>) -> Result<Granted, Refused> {
        Ok(Granted { account: None, rights: self.0.clone(), expires_in: None, key: None })
    }

    fn is_open(&self) -> bool {
        self.0.are_all()
    }
}
