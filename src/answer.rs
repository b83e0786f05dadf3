//! What a peer answers to a durable event. Only bridges create these types: without the feature `bridge` they are
//! opaque.

#[cfg(feature = "bridge")]
pub use session::{Position, RejectCode};

/// A position in the log of a peer.
#[cfg(not(feature = "bridge"))]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position(());

/// Why a peer has refused an event.
#[cfg(not(feature = "bridge"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RejectCode(());

/// Why a durable event is not in the peer's log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Rejection {
    /// The reason as a code.
    pub code: RejectCode,
    /// The reason as a text.
    pub message: String,
}
