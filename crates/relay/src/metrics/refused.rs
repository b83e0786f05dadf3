//! Why a connection, a request or a hello was refused.

/// The kinds of refusals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// A page of a foreign origin.
    Origin,
    /// A host that is not on the list.
    Host,
    /// A client's secret, key or proof.
    Secret,
    /// A credential.
    Credential,
    /// A limit was exceeded.
    Limit,
    /// A connection without a valid hello.
    Hello,
    /// A certificate, or a request for one.
    Certificate,
    /// A key or an account that was revoked.
    Revoked,
}

impl Refused {
    /// Their names in the log and in the metrics, in the order of the kinds.
    pub(crate) const NAMES: [&str; 8] =
        ["origin", "host", "secret", "credential", "limit", "hello", "certificate", "revoked"];

    pub(crate) fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}
