//! How a server and its owner name requests and streams.

/// The index of a stream in [`Options::streams`](super::Options::streams).
pub type StreamNo = usize;

/// Identifies a request until it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub(super) u64);

impl Ticket {
    /// The ticket of an append that no server has requested.
    pub const NONE: Self = Self(0);
}
