//! What the embedded store needs of its machine: a file, room on its disk, and the time.
//!
//! Tests put another one in its place: a disk that fails, fills or is cut off, and a clock that jumps.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use redb::backends::FileBackend;
use redb::{Database, DatabaseError};

use super::error::{Error, Result};
use crate::StoreError;

/// The engine's cache; its own default is 1 GiB.
const CACHE_BYTES: usize = 64 << 20;

/// See the [module](self).
pub(super) trait Host: Send + Sync + 'static {
    /// The store's file, for messages.
    fn path(&self) -> &Path;

    /// Opens or makes the file.
    fn open(&self) -> Result<Database>;

    /// How many bytes the disk can still take; none if that cannot be told.
    fn free(&self) -> Option<u64>;

    /// Milliseconds since 1970.
    fn now(&self) -> u64;
}

/// A file in a directory, and the system's clock.
#[derive(Debug)]
pub(super) struct Machine {
    directory: PathBuf,
    path: PathBuf,
}

impl Machine {
    /// Makes the directory if it is not there.
    pub(super) fn new(directory: &Path) -> Result<Self> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .create(directory)
            .map_err(|error| StoreError::Directory(directory.to_owned(), error))?;
        Ok(Self { directory: directory.to_owned(), path: Self::file(directory) })
    }

    /// The store's file in `directory`.
    pub(super) fn file(directory: &Path) -> PathBuf {
        directory.join("events.redb")
    }

    /// Makes the file under another name first: the engine does not open one of which it has written
    /// only a part.
    fn make(&self) -> Result<()> {
        let new = self.directory.join("events.redb.new");
        let failed = |error| Error(StoreError::File(new.clone(), error));
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let file = FileBackend::new(create(&new).map_err(failed)?)?;
        drop(Database::builder().create_with_backend(file)?);
        sync(&new).map_err(failed)?;
        fs::rename(&new, &self.path).map_err(failed)
    }
}

impl Host for Machine {
    fn path(&self) -> &Path {
        &self.path
    }

    fn open(&self) -> Result<Database> {
        let failed = |error| Error(StoreError::File(self.path.clone(), error));
        if !self.path.try_exists().map_err(failed)? {
            self.make()?;
        }
        let file = File::options().read(true).write(true).open(&self.path).map_err(failed)?;
        // An older relay made it readable for all.
        #[cfg(unix)]
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .map_err(failed)?;
        settle(&file, &self.directory).map_err(failed)?;
        let path = self.path.clone();
        let mut builder = Database::builder();
        builder.set_cache_size(CACHE_BYTES).set_repair_callback(move |repair| {
            let done = (repair.progress() * 100.0).round();
            tracing::info!(path = %path.display(), "the store was not closed and is checked: {done} %");
        });
        builder.create_with_backend(FileBackend::new(file)?).map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => Error(StoreError::InUse(self.path.clone())),
            error => error.into(),
        })
    }

    fn free(&self) -> Option<u64> {
        #[cfg(unix)]
        {
            let disk = rustix::fs::statvfs(&self.directory).ok()?;
            Some(disk.f_bavail.saturating_mul(disk.f_frsize))
        }
        #[cfg(not(unix))]
        None
    }

    fn now(&self) -> u64 {
        crate::now()
    }
}

/// Makes a file that only the relay's own user may read: it holds what people said, and hashes of secrets.
pub(super) fn create(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Puts on the disk what was written to a file. Some systems want it open for writing then.
pub(super) fn sync(path: &Path) -> io::Result<()> {
    File::options().write(true).open(path)?.sync_all()
}

/// Makes what is read from the file be what is on the disk, and the file's name be there too.
///
/// A process that was killed leaves writes that only the system's memory has; they must not be told to
/// anybody before they are synced. And after a sync that failed some systems take the pages for
/// written; what they still hold of them must be dropped.
fn settle(file: &File, directory: &Path) -> io::Result<()> {
    file.sync_all()?;
    #[cfg(target_os = "linux")]
    rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed)?;
    #[cfg(unix)]
    File::open(directory)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = directory;
    Ok(())
}
