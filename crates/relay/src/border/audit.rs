//! The audit log: what was refused, and to whom, on the `tracing` target `audit`.
//!
//! It holds addresses and codes, and nothing that a client wrote. Each kind has a rate, so that an attacker
//! cannot flood the log; what was left out is counted on the next line.

use std::net::IpAddr;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::limits::{Bucket, Rate};

/// Lines per second and kind.
const RATE: Rate = Rate::new(1, 10);

/// What was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// A page of another origin.
    Origin,
    /// A host that is not on the list.
    Host,
    /// A client's secret.
    Secret,
    /// A credential.
    Credential,
    /// More than a limit.
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

/// Logs that something was refused to `address`, with the status or close code that it got; 0 if the
/// connection was cut.
pub(crate) fn refused(refused: Refused, address: IpAddr, code: u16) {
    let lines = &LINES[refused as usize];
    if lines.bucket.try_take(1) {
        let left_out = lines.left_out.swap(0, Ordering::Relaxed);
        tracing::warn!(target: "audit", refused = refused.name(), %address, code, left_out, "refused");
    } else {
        lines.left_out.fetch_add(1, Ordering::Relaxed);
    }
}
