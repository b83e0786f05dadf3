//! What names a request and a stream between a server and its owner.

/// The index of a stream in [`Options::streams`](super::Options::streams).
pub type StreamNo = usize;

/// Identifies a request until it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub(super) u64);

impl Ticket {
    /// Of an append that no server has requested. It has no answer.
    pub const NONE: Self = Self(0);
}
