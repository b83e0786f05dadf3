//! What a peer answers to a durable event. Only bridges create these types: without the feature `bridge` they are opaque.

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
