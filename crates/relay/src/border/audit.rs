//! The audit log of refusals and of accounts that sign in, on the `tracing` target `audit`.
//!
//! It contains addresses, codes and the names of accounts, and nothing that a client wrote. Each kind has a rate limit, so that an attacker
//! cannot flood the log. The next line counts what was left out.

use std::net::IpAddr;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use trust::Thumbprint;

use crate::limits::{Bucket, Rate};
use crate::metrics::Metrics;

/// Lines per second and kind.
const RATE: Rate = Rate::new(1, 10);

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

    fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

struct Lines {
    bucket: Bucket,
    left_out: AtomicU64,
}

static LINES: LazyLock<[Lines; Refused::NAMES.len()]> =
    LazyLock::new(|| std::array::from_fn(|_| Lines::new()));
static SIGNED_IN: LazyLock<Lines> = LazyLock::new(Lines::new);
static CERTIFIED: LazyLock<Lines> = LazyLock::new(Lines::new);

impl Lines {
    fn new() -> Self {
        Self { bucket: Bucket::new(RATE), left_out: AtomicU64::new(0) }
    }

    /// Whether there may be another line now, and how many were left out since the last one.
    fn next(&self) -> Option<u64> {
        if self.bucket.try_take(1) {
            return Some(self.left_out.swap(0, Ordering::Relaxed));
        }
        self.left_out.fetch_add(1, Ordering::Relaxed);
        None
    }
}

/// Counts and logs a refusal of `address`, with the status or close code of the answer, or 0 if the connection was dropped.
pub(crate) fn refused(metrics: &Metrics, refused: Refused, address: IpAddr, code: u16) {
    metrics.connections.refused(refused);
    if let Some(left_out) = LINES[refused as usize].next() {
        tracing::warn!(target: "audit", refused = refused.name(), %address, code, left_out, "refused");
    }
}

/// Logs that `address` has got a certificate for a key of its account.
pub(crate) fn certified(account: &str, key: &Thumbprint, address: IpAddr) {
    if let Some(left_out) = CERTIFIED.next() {
        tracing::info!(target: "audit", account, %key, %address, left_out, "certified");
    }
}

/// Logs that the operator has revoked keys or an account.
pub(crate) fn revoked(account: Option<&str>, keys: &[String]) {
    tracing::warn!(target: "audit", account, ?keys, "revoked");
}

/// Logs that `address` has signed in with an account, or has refreshed its credential.
pub(crate) fn signed_in(account: &str, address: IpAddr) {
    if let Some(left_out) = SIGNED_IN.next() {
        tracing::info!(target: "audit", account, %address, left_out, "signed in");
    }
}
