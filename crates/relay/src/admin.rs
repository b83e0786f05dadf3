//! Administration of a running relay: backups.
//!
//! Only one process can open the store's file, so a running relay makes the copy. The request arrives over a Unix
//! socket in the data directory, which only the relay's own user may use: one line with the path of the new file,
//! answered by one line that begins with `ok` or `failed`.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use store::{Embedded, Settings, Store, StoreError};

/// Why a backup failed.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is no store to copy.
    #[error("{0} holds no store; give the directory of the log with --data")]
    NoStore(PathBuf),
    /// The path of the new file cannot be sent to the relay.
    #[error("{0:?} cannot be the name of a backup: it must be UTF-8 without line breaks")]
    Name(PathBuf),
    /// The running relay does not answer.
    #[error("the relay on {0} does not answer: {1}")]
    Silent(PathBuf, #[source] io::Error),
    /// The running relay reports a failure.
    #[error("the relay says: {0}")]
    Failed(String),
    /// The store cannot be copied.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Copies the store in `data` to the new file `to`, through the relay that runs on `data`, or directly if none runs.
/// Returns the message for the operator.
///
/// # Errors
/// A [`BackupError`] that says what to do. No file is left behind then.
pub fn backup(data: &Path, to: &Path) -> Result<String, BackupError> {
    if !Embedded::is_in(data) {
        return Err(BackupError::NoStore(data.to_owned()));
    }
    let to = std::path::absolute(to).map_err(|_| BackupError::Name(to.to_owned()))?;
    #[cfg(unix)]
    if let Some(answer) = socket::ask(data, &to)? {
        return answer.map_err(BackupError::Failed);
    }
    let store = Embedded::open(data, Settings::default())?;
    Ok(copy(&store, &to)?)
}

fn copy(store: &dyn Store, to: &Path) -> Result<String, StoreError> {
    let copied = store.backup(to)?;
    Ok(format!("{} events, {} bytes in {}", copied.events, copied.bytes, to.display()))
}

/// Serves operators for as long as it is polled.
pub(crate) async fn serve(data: &Path, store: &Arc<dyn Store>) {
    #[cfg(unix)]
    socket::serve(data, store).await;
    #[cfg(not(unix))]
    let _ = (data, store);
    std::future::pending().await
}

#[cfg(unix)]
mod socket {
    use std::fs::{self, Permissions};
    use std::io::{self, ErrorKind, Read, Write};
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::UnixStream;
    use std::path::{Path, PathBuf};
    use std::sync::Arc;
    use std::time::Duration;

    use store::Store;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::UnixListener;

    use super::{BackupError, copy};

    /// The maximum size of a request.
    const LONGEST: u64 = 8 << 10;
    /// The time limit for sending a request.
    const ASKS_WITHIN: Duration = Duration::from_secs(5);

    fn path(data: &Path) -> PathBuf {
        data.join("admin.sock")
    }

    /// Serves one request after the other, for as long as it is polled. The caller has opened the store, so an
    /// existing socket belongs to a relay that is gone.
    pub(super) async fn serve(data: &Path, store: &Arc<dyn Store>) {
        let path = path(data);
        let _ = fs::remove_file(&path);
        let listener = UnixListener::bind(&path).and_then(|listener| {
            fs::set_permissions(&path, Permissions::from_mode(0o600))?;
            Ok(listener)
        });
        let listener = match listener {
            Ok(listener) => listener,
            Err(error) => {
                tracing::warn!(%error, path = %path.display(), "the admin socket cannot be created, so backups are not available (a path may have about 100 bytes)");
                return;
            }
        };
        let _remove = Remove(path);
        loop {
            let Ok((mut stream, _)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            };
            let (mut asked, mut request) = ((&mut stream).take(LONGEST), String::new());
            let read = tokio::time::timeout(ASKS_WITHIN, asked.read_to_string(&mut request)).await;
            let Some(to) = request.strip_prefix("backup ").and_then(|to| to.strip_suffix('\n'))
            else {
                tracing::warn!(?read, "a request on the admin socket was invalid");
                continue;
            };
            let (store, to) = (Arc::clone(store), PathBuf::from(to));
            let copied = tokio::task::spawn_blocking(move || copy(&*store, &to)).await;
            let answer = match copied {
                Ok(Ok(told)) => {
                    tracing::info!("backup: {told}");
                    format!("ok {told}\n")
                }
                Ok(Err(error)) => {
                    tracing::error!(%error, "there is no backup");
                    format!("failed {error}\n")
                }
                Err(_) => "failed the relay is shutting down\n".to_owned(),
            };
            // The operator may have stopped waiting.
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    }

    /// Sends a request to the relay that runs on `data`. Returns `None` if none runs.
    pub(super) fn ask(
        data: &Path,
        to: &Path,
    ) -> Result<Option<Result<String, String>>, BackupError> {
        let mut stream = match UnixStream::connect(path(data)) {
            Ok(stream) => stream,
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(BackupError::Silent(data.to_owned(), error)),
        };
        let Some(name) = to.to_str().filter(|name| !name.contains('\n')) else {
            return Err(BackupError::Name(to.to_owned()));
        };
        let mut answer = String::new();
        let mut talk = || -> io::Result<()> {
            stream.write_all(format!("backup {name}\n").as_bytes())?;
            stream.shutdown(std::net::Shutdown::Write)?;
            stream.read_to_string(&mut answer)?;
            Ok(())
        };
        let silent = |error| BackupError::Silent(data.to_owned(), error);
        talk().map_err(silent)?;
        let answer = answer.trim_end();
        match answer.split_once(' ') {
            Some(("ok", told)) => Ok(Some(Ok(told.to_owned()))),
            Some(("failed", why)) => Ok(Some(Err(why.to_owned()))),
            _ => Err(silent(ErrorKind::UnexpectedEof.into())),
        }
    }

    /// Deletes the socket's file when the relay ends.
    struct Remove(PathBuf);

    impl Drop for Remove {
        fn drop(&mut self) {
            let _ = fs::remove_file(&self.0);
        }
    }
}
