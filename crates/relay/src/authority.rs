//! Authentication: an application plugs in an authority that checks its clients' credentials.

use std::fmt;

use session::rights::Rights;
pub use session::server::Granted;

pub use crate::limits::Raised;

/// What an authority says about a credential that it accepts.
#[derive(Debug, Clone, Default)]
pub struct Admitted {
    /// What the client is granted.
    pub granted: Granted,
    /// Higher rates for the account. They do not apply to guests.
    pub raised: Raised,
    /// The id of the key that verified the credential, for the audit log.
    pub key: Option<String>,
}

/// Admits with the relay's own rates.
impl From<Granted> for Admitted {
    fn from(granted: Granted) -> Self {
        Self { granted, ..Self::default() }
    }
}

/// Checks credentials, from a client's hello and from its refreshes.
///
/// The check must not block: it runs on the thread that serves the connection and others. An authority that depends
/// on another service must cache the answers.
pub trait Authority: fmt::Debug + Send + Sync + 'static {
    /// Admits a client with `token`, or one without, which is a guest.
    ///
    /// # Errors
    /// [`Refused`]. The connection is closed, and its client does not reconnect by itself. A client that speaks
    /// `cloudevents.json` and has no token yet may still send one in its hello.
    fn check(&self, token: Option<&str>) -> Result<Admitted, Refused>;

    /// The name for people of the account of a valid token, if the token has one.
    fn name(&self, _token: &str) -> Option<String> {
        None
    }

    /// Whether all clients are guests who may do everything but moderate. The relay then asks for nothing: guests
    /// choose the keys of their presence, and their clients can belong to accounts later.
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
    fn check(&self, _: Option<&str>) -> Result<Admitted, Refused> {
        Ok(Granted { rights: self.0.clone(), ..Granted::default() }.into())
    }

    fn is_open(&self) -> bool {
        self.0.are_all()
    }
}
