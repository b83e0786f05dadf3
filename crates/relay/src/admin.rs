//! Administration of a running relay: backups and revocations.
//!
//! Only one process can open the store's file, so a running relay does the work. The request arrives over a Unix socket
//! in the data directory, which only the relay's own user may use: one line, answered by one line that begins with `ok`
//! or `failed`. Operators are served at the same time, so that a revocation does not wait for a long backup.

#[cfg(unix)]
mod socket;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use session::server::Decided;
use store::{Embedded, Settings, Store, StoreError};
use tokio::sync::{Mutex, mpsc};

use crate::border::audit;
use crate::certificates::revocations::{self, Unsound};
use crate::certificates::{Certificates, Revocation};
use crate::hub::{Answer, Charge, Hub};

/// Why an operator's request failed.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// There is no store.
    #[error("{0} holds no store; give the directory of the log with --data")]
    NoStore(PathBuf),
    /// The path of the new file cannot be sent to the relay.
    #[error("{0:?} cannot be the name of a backup: it must be UTF-8 without line breaks")]
    Name(PathBuf),
    /// The request is longer than what a running relay takes.
    #[error(
        "the request has {0} bytes, and a running relay takes 256 KiB: name fewer keys at a time"
    )]
    TooLong(usize),
    /// The running relay does not answer.
    #[error("the relay on {0} does not answer: {1}")]
    Silent(PathBuf, #[source] io::Error),
    /// The running relay reports a failure.
    #[error("the relay says: {0}")]
    Failed(String),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is nothing to revoke.
    #[error(transparent)]
    Revocation(#[from] Unsound),
}

/// What operators work on.
#[derive(Debug)]
pub(crate) struct Admin {
    pub(crate) store: Arc<dyn Store>,
    /// Weak, because its writer ends when all others have dropped it.
    pub(crate) hub: Weak<Hub>,
    pub(crate) certificates: Option<Arc<Certificates>>,
    /// Held by the backup that is being made: two of the same name would use the same file.
    pub(crate) backing_up: Mutex<()>,
}

/// Copies the store in `data` to the new file `to`, through the relay that runs on `data`, or directly if none runs.
/// Returns the message for the operator.
///
/// # Errors
/// An [`AdminError`] that says what to do. No file is left behind then.
pub fn backup(data: &Path, to: &Path) -> Result<String, AdminError> {
    if !Embedded::is_in(data) {
        return Err(AdminError::NoStore(data.to_owned()));
    }
    let to = std::path::absolute(to).map_err(|_| AdminError::Name(to.to_owned()))?;
    #[cfg(unix)]
    {
        let request = || {
            let name = to.to_str().filter(|name| !name.contains('\n'));
            let name = name.ok_or_else(|| AdminError::Name(to.clone()))?;
            Ok(format!("backup {name}"))
        };
        if let Some(answer) = socket::ask(data, request)? {
            return answer.map_err(AdminError::Failed);
        }
    }
    let store = Embedded::open(data, Settings::default())?;
    Ok(copy(&store, &to)?)
}

fn copy(store: &dyn Store, to: &Path) -> Result<String, StoreError> {
    let copied = store.backup(to)?;
    Ok(format!("{} events, {} bytes in {}", copied.events, copied.bytes, to.display()))
}

/// Revokes keys, or an account with all keys of which it has sent certificates: through the relay that runs on `data`,
/// which closes their connections, or in the log alone if none runs. Returns the message for the operator.
///
/// # Errors
/// An [`AdminError`] that says what to do.
pub fn revoke(data: &Path, revocation: &Revocation) -> Result<String, AdminError> {
    if !Embedded::is_in(data) {
        return Err(AdminError::NoStore(data.to_owned()));
    }
    revocation.check()?;
    #[cfg(unix)]
    {
        let request = || Ok(format!("revoke {}", serde_json::json!(revocation)));
        if let Some(answer) = socket::ask(data, request)? {
            return answer.map_err(AdminError::Failed);
        }
    }
    let mut settings = Settings::default();
    // These settings have no other stream.
    let _ = Certificates::add_stream(&mut settings);
    let store = Embedded::open(data, settings)?;
    let revocation = revocation.clone().complete(&store)?;
    revocations::write(&store, &revocation.writes(store.peer()))?;
    Ok(revocation.summary())
}

/// Where operators ask a running relay. They can connect as soon as this exists, and wait until they are served.
#[derive(Debug)]
pub(crate) struct Operators {
    #[cfg(unix)]
    socket: Option<socket::Socket>,
}

impl Operators {
    /// Lets the operators of the store in `data` connect. The caller has opened the store.
    pub(crate) fn listen(data: &Path) -> Self {
        #[cfg(not(unix))]
        let _ = data;
        Self {
            #[cfg(unix)]
            socket: socket::listen(data),
        }
    }

    /// Serves operators for as long as it is polled.
    pub(crate) async fn serve(self, admin: Admin) {
        #[cfg(unix)]
        if let Some(socket) = self.socket {
            socket::serve(socket, Arc::new(admin)).await;
        }
        #[cfg(not(unix))]
        let _ = admin;
        std::future::pending().await
    }
}

impl Admin {
    /// Carries out a request. Returns what was done or why it failed, for the operator.
    #[cfg(unix)]
    async fn answer(&self, request: &str) -> Result<String, String> {
        const STOPPING: &str = "the relay is shutting down";
        const UNKNOWN: &str = "it does not know this request: use the command of its own version";
        let request = request.strip_suffix('\n').ok_or(UNKNOWN)?;
        if let Some(to) = request.strip_prefix("backup ") {
            let _one = self.backing_up.lock().await;
            let (store, to) = (Arc::clone(&self.store), PathBuf::from(to));
            let copied = tokio::task::spawn_blocking(move || copy(&*store, &to)).await;
            return match copied {
                Ok(copied) => copied.map_err(|error| error.to_string()),
                Err(_) => Err(STOPPING.to_owned()),
            };
        }
        let json = request.strip_prefix("revoke ").ok_or(UNKNOWN)?;
        let revocation: Revocation = serde_json::from_str(json).map_err(|_| UNKNOWN)?;
        revocation.check().map_err(|error| error.to_string())?;
        self.revoke(revocation).await
    }

    /// Revokes: first in memory, at once, and then in the log.
    #[cfg(unix)]
    async fn revoke(&self, revocation: Revocation) -> Result<String, String> {
        const NOT_LOGGED: &str =
            "it is revoked until the relay ends, but not in the log: repeat it";
        let certificates = self.certificates.as_ref();
        let certificates = certificates.ok_or("this relay has no accounts, see --auth-keys")?;
        let hub = self.hub.upgrade().ok_or("the relay is shutting down")?;
        let store = Arc::clone(&self.store);
        // Before its keys are looked for, so that none is added meanwhile.
        certificates.revocations.add(&revocation);
        let complete = tokio::task::spawn_blocking(move || revocation.complete(&*store)).await;
        let revocation = match complete {
            Ok(complete) => complete.map_err(|error| format!("{error}; {NOT_LOGGED}"))?,
            Err(_) => return Err(NOT_LOGGED.to_owned()),
        };
        certificates.revocations.add(&revocation);
        audit::revoked(revocation.subject.as_deref(), &revocation.keys);
        let writes = revocation.writes(self.store.peer());
        let (mut missing, (answers, mut answered)) = (writes.len(), mpsc::unbounded_channel());
        if !hub.write(writes, None, &answers, Charge::default()).await {
            return Err(NOT_LOGGED.to_owned());
        }
        drop((answers, hub));
        while let Some(answers) = answered.recv().await {
            let is_stored = |it: &&Answer| matches!(it, Answer::Decided(_, Decided::Stored(..)));
            missing -= answers.iter().filter(is_stored).count();
        }
        if missing > 0 { Err(NOT_LOGGED.to_owned()) } else { Ok(revocation.summary()) }
    }
}
