//! The Unix socket of operators.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;

use super::{Admin, AdminError};

/// The maximum size of a request.
const LONGEST: u64 = 8 << 10;
/// The time limit for a request to arrive.
const ASKS_WITHIN: Duration = Duration::from_secs(5);

fn path(data: &Path) -> PathBuf {
    data.join("admin.sock")
}

/// Serves one request after the other, for as long as it is polled. The caller has opened the store, so an existing socket
/// belongs to a relay that is gone.
pub(super) async fn serve(data: &Path, admin: &Admin) {
    let path = path(data);
    let _ = fs::remove_file(&path);
    let listener = UnixListener::bind(&path).and_then(|listener| {
        fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        Ok(listener)
    });
    let listener = match listener {
        Ok(listener) => listener,
        Err(error) => {
            tracing::warn!(%error, path = %path.display(), "the admin socket cannot be created, so backups and revocations are not available (a path may have about 100 bytes)");
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
        let answer = match admin.answer(&request).await {
            Some(Ok(message)) => {
                tracing::info!("an operator has asked: {message}");
                format!("ok {message}\n")
            }
            Some(Err(error)) => {
                tracing::error!(%error, "an operator's request has failed");
                format!("failed {error}\n")
            }
            None => {
                tracing::warn!(?read, "a request on the admin socket was invalid");
                continue;
            }
        };
        // The operator may have stopped waiting.
        let _ = stream.write_all(answer.as_bytes()).await;
    }
}

/// Sends a request to the relay that runs on `data`. Returns `None` if none runs.
pub(super) fn ask(
    data: &Path,
    request: impl FnOnce() -> Result<String, AdminError>,
) -> Result<Option<Result<String, String>>, AdminError> {
    let mut stream = match UnixStream::connect(path(data)) {
        Ok(stream) => stream,
        Err(error)
            if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(AdminError::Silent(data.to_owned(), error)),
    };
    let request = request()?;
    let mut answer = String::new();
    let mut talk = || -> io::Result<()> {
        stream.write_all(format!("{request}\n").as_bytes())?;
        stream.shutdown(std::net::Shutdown::Write)?;
        stream.read_to_string(&mut answer)?;
        Ok(())
    };
    let silent = |error| AdminError::Silent(data.to_owned(), error);
    talk().map_err(silent)?;
    let answer = answer.trim_end();
    match answer.split_once(' ') {
        Some(("ok", message)) => Ok(Some(Ok(message.to_owned()))),
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
