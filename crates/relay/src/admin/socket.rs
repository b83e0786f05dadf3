//! The Unix socket of operators.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{self, UnixListener};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{Admin, AdminError};

/// The maximum size of a request: a revocation of about 5,000 keys, whose record is one event. See
/// [`AdminError::TooLong`].
const LONGEST: usize = 256 << 10;
/// The time limit for a request to arrive, and again for its answer to be read.
const WITHIN: Duration = Duration::from_secs(5);
/// The maximum number of operators that are served at the same time. Others wait.
const AT_ONCE: usize = 16;

fn path(data: &Path) -> PathBuf {
    data.join("admin.sock")
}

/// A socket that operators can connect to. They wait until they are served.
#[derive(Debug)]
pub(super) struct Socket {
    listener: UnixListener,
    _remove: Remove,
}

/// Creates the socket. The caller has opened the store, so an existing socket belongs to a relay that is gone. Without
/// a socket, which is logged, the relay serves its clients all the same.
pub(super) fn listen(data: &Path) -> Option<Socket> {
    let path = path(data);
    let _ = fs::remove_file(&path);
    let listener = UnixListener::bind(&path).and_then(|listener| {
        fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        Ok(listener)
    });
    match listener {
        Ok(listener) => Some(Socket { listener, _remove: Remove(path) }),
        Err(error) => {
            tracing::warn!(%error, path = %path.display(), "the admin socket cannot be created, so backups and revocations are not available (a path may have about 100 bytes)");
            None
        }
    }
}

/// Serves operators for as long as it is polled, each in its own task.
pub(super) async fn serve(Socket { listener, _remove }: Socket, admin: Arc<Admin>) {
    // Dropping it ends the tasks.
    let mut served = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if served.len() < AT_ONCE => match accepted {
                Ok((stream, _)) => _ = served.spawn(talk(stream, Arc::clone(&admin))),
                Err(_) => tokio::time::sleep(Duration::from_secs(1)).await,
            },
            Some(_) = served.join_next() => {}
        }
    }
}

/// Serves one request.
async fn talk(mut stream: net::UnixStream, admin: Arc<Admin>) {
    let (mut asked, mut request) = ((&mut stream).take(LONGEST as u64 + 1), String::new());
    let answer = match timeout(WITHIN, asked.read_to_string(&mut request)).await {
        Ok(Ok(length)) if length <= LONGEST => admin.answer(&request).await,
        Ok(Ok(_)) => Err(format!("a request has at most {LONGEST} bytes")),
        Ok(Err(error)) => Err(format!("the request cannot be read: {error}")),
        Err(_) => Err("the request took too long to arrive".to_owned()),
    };
    let answer = match answer {
        Ok(message) => {
            tracing::info!("an operator has asked: {message}");
            format!("ok {message}\n")
        }
        Err(error) => {
            tracing::error!(%error, "an operator's request has failed");
            format!("failed {error}\n")
        }
    };
    // The operator may have stopped waiting, or does not read.
    let _ = timeout(WITHIN, stream.write_all(answer.as_bytes())).await;
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
    let request = request()? + "\n";
    if request.len() > LONGEST {
        return Err(AdminError::TooLong(request.len()));
    }
    let mut answer = String::new();
    let mut talk = || -> io::Result<()> {
        stream.write_all(request.as_bytes())?;
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
#[derive(Debug)]
struct Remove(PathBuf);

impl Drop for Remove {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
