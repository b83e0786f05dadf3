//! What the store needs of its machine: a file, room on the disk, and the time.
//!
//! Tests replace it by a disk that fails, fills up or loses power, and a clock that jumps.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use redb::backends::FileBackend;
use redb::{Database, DatabaseError};

use super::error::{Error, Result};
use crate::StoreError;

/// The engine's cache; its own default is 1 GiB. Whatever clients write passes through it, so that it fills up, and the
/// system caches the file once more.
const CACHE_BYTES: usize = 32 << 20;

/// See the [module](self).
pub(super) trait Host: Send + Sync + 'static {
    /// The store's file, for messages.
    fn path(&self) -> &Path;

    /// Opens or creates the file.
    fn open(&self) -> Result<Database>;

    /// The free bytes of the disk; `None` if they are unknown.
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
    /// Creates the directory if it does not exist.
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

    /// Creates the file under another name first: the engine does not open a file that it has written only in part.
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
        // An older relay created it readable for everyone.
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

/// Creates a file that only the relay's user may read: it holds what people said, and hashes of secrets.
pub(super) fn create(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Syncs a file. Some systems need it open for writing.
pub(super) fn sync(path: &Path) -> io::Result<()> {
    File::options().write(true).open(path)?.sync_all()
}

/// Makes sure that reads return what is on the disk, and that the file's name is there too.
///
/// A killed process leaves writes in the system's memory, which must be synced before anybody sees them. And after a
/// failed sync some systems take their pages for written, so the pages in memory must be dropped.
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
