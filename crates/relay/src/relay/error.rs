//! Why a relay cannot start, or ends.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use store::StoreError;

/// Why a relay ends on its own.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The port failed.
    #[error("cannot serve any longer: {0}")]
    Serve(#[from] io::Error),
    /// The store has been unusable for [`Config::give_up`](super::Config::give_up).
    #[error("the store has been unusable for {since:?}, so the relay ends: {error}")]
    Store {
        /// For how long.
        since: Duration,
        /// The error.
        error: StoreError,
    },
    /// The writer has ended, which is a bug in this program.
    #[error("the store's writer has ended: restart the relay, and report this bug")]
    Writer,
}

/// Why a relay cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error(
        "cannot listen on {address}: {error}; stop what uses the port, or give another with --listen"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's error.
        error: io::Error,
    },
    /// The address of the metrics cannot be listened on.
    #[error(
        "cannot serve the metrics on {address}: {error}; stop what uses the port, or give another with --metrics"
    )]
    Metrics {
        /// The address.
        address: SocketAddr,
        /// The system's error.
        error: io::Error,
    },
    /// Clients from other machines would be refused.
    #[error(
        "{0} is not loopback: name the host by which clients reach it with --host, such as --host example.org"
    )]
    NoHost(SocketAddr),
    /// Everyone could read and write everything.
    #[error(
        "{0} is not loopback: admit clients with --auth-keys for accounts or --anonymous for guests"
    )]
    NoAuthority(SocketAddr),
    /// The stream of certificates has another use.
    #[error(
        "the stream `certs` is for certificates and keeps all of them: give your own stream another name"
    )]
    CertificatesStream,
    /// There is no page.
    #[error("{0} holds no index.html; build the page first, or give its directory with --page")]
    NoPage(PathBuf),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
}
