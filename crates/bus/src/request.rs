//! Requests and replies.

/// A request on its way, as a responder sees it.
pub(crate) trait Asked<P> {
    /// Whether it still waits for its reply.
    fn is_open(&self) -> bool;
    /// Gives the reply; the first one counts.
    fn answer(&self, reply: P);
}
