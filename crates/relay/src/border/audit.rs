//! The audit log, on the `tracing` target `audit`: connections, refusals, denials, deletes, certificates and
//! revocations.
//!
//! It contains addresses, codes, positions, the names of accounts and the ids of their keys, and nothing that a client
//! wrote. Each kind that clients cause has a rate limit, so that an attacker cannot flood the log. The next line counts
//! what was left out.

use std::net::IpAddr;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use session::{Position, RejectCode};
use trust::Thumbprint;

use crate::limits::{Bucket, Rate};
use crate::metrics::Metrics;
pub(crate) use crate::metrics::Refused;

/// Lines per second and kind.
const RATE: Rate = Rate::new(1, 10);

/// The client that a line is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Actor<'a> {
    /// An account, or a guest. `None` if that is not known.
    pub(crate) subject: Option<&'a str>,
    pub(crate) address: IpAddr,
}

impl From<IpAddr> for Actor<'_> {
    fn from(address: IpAddr) -> Self {
        Self { subject: None, address }
    }
}

struct Lines {
    bucket: Bucket,
    left_out: AtomicU64,
}

static REFUSED: LazyLock<[Lines; Refused::NAMES.len()]> =
    LazyLock::new(|| std::array::from_fn(|_| Lines::new()));
static CONNECTED: LazyLock<Lines> = LazyLock::new(Lines::new);
static DENIED: LazyLock<Lines> = LazyLock::new(Lines::new);
static DELETED: LazyLock<Lines> = LazyLock::new(Lines::new);
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

/// Counts and logs a refusal, with the HTTP status or the close code of the answer, or 0 if it has neither.
pub(crate) fn refused<'a>(
    metrics: &Metrics,
    refused: Refused,
    actor: impl Into<Actor<'a>>,
    code: u16,
) {
    metrics.connections.refused(refused);
    let Some(left_out) = REFUSED[refused as usize].next() else { return };
    let (refused, Actor { subject, address }) = (refused.name(), actor.into());
    tracing::warn!(target: "audit", refused, subject, %address, code, left_out, "refused");
}

/// Logs that the authority has admitted a client or its next credential. `key` is the id of the key that verified the
/// credential.
pub(crate) fn connected(actor: Actor<'_>, key: Option<&str>) {
    let Some(left_out) = CONNECTED.next() else { return };
    let Actor { subject, address } = actor;
    tracing::info!(target: "audit", subject, key, %address, left_out, "connected");
}

/// Logs that a client has asked for something that its rights do not cover.
pub(crate) fn denied(actor: Actor<'_>) {
    let Some(left_out) = DENIED.next() else { return };
    let (code, Actor { subject, address }) = (RejectCode::NotAllowed.number(), actor);
    tracing::warn!(target: "audit", subject, %address, code, left_out, "denied");
}

/// Logs that a client has got a certificate for a key of its account.
pub(crate) fn certified(actor: Actor<'_>, key: &Thumbprint) {
    let Some(left_out) = CERTIFIED.next() else { return };
    let Actor { subject, address } = actor;
    tracing::info!(target: "audit", subject, %key, %address, left_out, "certified");
}

/// Logs that the operator has revoked keys or an account.
pub(crate) fn revoked(subject: Option<&str>, keys: &[String]) {
    tracing::warn!(target: "audit", subject, ?keys, "revoked");
}

/// Logs the outcome of a delete: the position of the deletion event, or why the event stays. Without an authority the
/// subject is not known.
pub(crate) fn deleted(actor: Actor<'_>, outcome: Result<&Position, RejectCode>) {
    let Some(left_out) = DELETED.next() else { return };
    let Actor { subject, address } = actor;
    match outcome {
        Ok(position) => {
            tracing::info!(target: "audit", subject, %address, %position, left_out, "deleted");
        }
        Err(code) => {
            let code = code.name();
            tracing::warn!(target: "audit", subject, %address, code, left_out, "delete refused");
        }
    }
}
