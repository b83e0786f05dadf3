//! Errors of bridges.

use crate::{Cause, DataError, TopicError};

/// Why a bridge, a rule or a presence was not created.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BridgeError {
    /// The URL is not that of a WebSocket.
    #[error("invalid WebSocket URL `{0}`: pass one like `ws://127.0.0.1:8080/ws`")]
    Address(String),
    /// The bus has a bridge to this address. With two it would receive each event twice.
    #[error("the bus is connected to `{0}` already: add rules to that bridge, or drop it first")]
    Connected(String),
    /// The bus is [sealed](crate::Bus::sealed).
    #[error("the bus is sealed: nothing that is replayed on it leaves it; connect another bus")]
    Sealed,
    /// There is no `crypto.getRandomValues`, and the secret of a client must not be guessable.
    #[error("this platform has no secure random numbers, which a client's secret needs")]
    NoRandomness,
    /// The pattern or topic is not valid.
    #[error("invalid pattern: {0}")]
    Pattern(#[from] TopicError),
    /// Topics that begin with `$` belong to the runtime and never cross a bridge.
    #[error("`{0}` belongs to the runtime: topics that begin with `$` do not cross a bridge")]
    SystemPattern(String),
    /// The data of a presence cannot be written as JSON.
    #[error("invalid presence data: {0}")]
    Data(#[from] DataError),
}

impl From<BridgeError> for Cause {
    fn from(error: BridgeError) -> Self {
        Self::new(error)
    }
}
