//! The audit log of refusals, on the `tracing` target `audit`.
//!
//! It contains addresses and codes, and nothing that a client wrote. Each kind has a rate limit, so that an attacker
//! cannot flood the log. The next line counts what was left out.

use std::net::IpAddr;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::limits::{Bucket, Rate};

/// Lines per second and kind.
const RATE: Rate = Rate::new(1, 10);

/// The kinds of refusals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// A page of a foreign origin.
    Origin,
    /// A host that is not on the list.
    Host,
    /// A client's secret.
    Secret,
    /// A credential.
    Credential,
    /// A limit was exceeded.
    Limit,
    /// A connection without a valid hello.
    Hello,
}

impl Refused {
    fn name(self) -> &'static str {
        match self {
            Self::Origin => "origin",
            Self::Host => "host",
            Self::Secret => "secret",
            Self::Credential => "credential",
            Self::Limit => "limit",
            Self::Hello => "hello",
        }
    }
}

struct Lines {
    bucket: Bucket,
    left_out: AtomicU64,
}

static LINES: LazyLock<[Lines; 6]> = LazyLock::new(|| {
    std::array::from_fn(|_| Lines { bucket: Bucket::new(RATE), left_out: AtomicU64::new(0) })
});

/// Logs a refusal of `address`, with the status or close code of the answer, or 0 if the connection was dropped.
pub(crate) fn refused(refused: Refused, address: IpAddr, code: u16) {
    let lines = &LINES[refused as usize];
    if lines.bucket.try_take(1) {
        let left_out = lines.left_out.swap(0, Ordering::Relaxed);
        tracing::warn!(target: "audit", refused = refused.name(), %address, code, left_out, "refused");
    } else {
        lines.left_out.fetch_add(1, Ordering::Relaxed);
    }
}
