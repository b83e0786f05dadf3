//! The states of a link.

use crate::Millis;

/// The state of a client's link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClientState {
    Stopped,
    /// Waiting for the store to load, or to take a new identity.
    Storing,
    /// A follower whose leader's link is down.
    Following,
    /// Waiting for the next attempt.
    Waiting {
        until: Millis,
    },
    /// Waiting for the application's credential. Without a limit: the user may have to sign in.
    Fetching,
    /// The socket is being opened.
    Opening {
        until: Millis,
    },
    /// The socket is open, and the handshake is under way.
    Greeting {
        until: Millis,
    },
    Online {
        since: Millis,
    },
}
