//! The states of a link.

use crate::Millis;

/// The state of a client's link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClientState {
    Stopped,
    /// Waiting for the store: for its rows, or for a new identity.
    Storing,
    /// Another tab leads, and its link is down.
    Following,
    /// Until the next attempt.
    Waiting {
        until: Millis,
    },
    /// Waiting for the application's credential. No limit: its user may have to sign in.
    Fetching,
    /// The socket is being opened.
    Opening {
        until: Millis,
    },
    /// The socket is open; the welcome has not come yet.
    Greeting {
        until: Millis,
    },
    Online {
        since: Millis,
    },
}
