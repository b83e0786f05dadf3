//! The file of the issuer's keys, which is read again when it changes.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use super::keys::{KeySetError, Keys};

/// The maximum size of the file.
const MAX_FILE: u64 = 256 << 10;

/// Why a file of keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// It cannot be read.
    #[error("cannot read the keys in {path}: {error}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// It has no usable set of keys.
    #[error("cannot use the keys in {path}: {error}")]
    Set {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: KeySetError,
    },
}

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct KeyFile {
    path: PathBuf,
    current: Mutex<Current>,
}

#[derive(Debug)]
struct Current {
    /// The file when it was last read, or `None` if it could not be found then.
    stamp: Option<Stamp>,
    keys: Arc<Keys>,
}

/// Changes with the file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    bytes: u64,
    inode: u64,
}

impl Stamp {
    fn of(file: &Metadata) -> Self {
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(file);
        #[cfg(not(unix))]
        let inode = 0;
        Self { modified: file.modified().ok(), bytes: file.len(), inode }
    }
}

impl KeyFile {
    pub(crate) fn open(path: PathBuf) -> Result<Self, KeyFileError> {
        // Before the content, so that a change in between is noticed.
        let stamp = Self::stamp(&path);
        let keys = Arc::new(Self::read(&path)?);
        Ok(Self { path, current: Mutex::new(Current { stamp, keys }) })
    }

    /// The keys. If the file has changed and cannot be used, these are the previous ones.
    pub(crate) fn keys(&self) -> Arc<Keys> {
        let stamp = Self::stamp(&self.path);
        // No panic can leave this inconsistent.
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.stamp != stamp {
            current.stamp = stamp;
            match Self::read(&self.path) {
                Ok(keys) => {
                    tracing::info!(file = %self.path.display(), keys = keys.len(), "the keys for tokens have changed");
                    current.keys = Arc::new(keys);
                }
                Err(error) => {
                    tracing::error!(%error, "the previous keys for tokens stay in use");
                }
            }
        }
        Arc::clone(&current.keys)
    }

    fn stamp(path: &PathBuf) -> Option<Stamp> {
        fs::metadata(path).ok().map(|file| Stamp::of(&file))
    }

    fn read(path: &PathBuf) -> Result<Keys, KeyFileError> {
        let mut json = Vec::new();
        let read = File::open(path)
            .and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut json))
            .and_then(|bytes| match bytes as u64 {
                0..=MAX_FILE => Ok(()),
                _ => Err(io::Error::other("the file is larger than 256 KiB")),
            });
        let path = || path.to_owned();
        read.map_err(|error| KeyFileError::Read { path: path(), error })?;
        Keys::parse(&json).map_err(|error| KeyFileError::Set { path: path(), error })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SET: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"KID"}]}"#;

    #[test]
    fn a_changed_file_is_read_again_and_a_broken_one_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        // As recommended: a new file takes the place of the old one.
        let write = |text: &str| {
            let new = folder.path().join("new");
            fs::write(&new, text).unwrap();
            fs::rename(&new, &path).unwrap();
        };
        write(&SET.replace("KID", "a"));
        let file = KeyFile::open(path.clone()).unwrap();
        let has = |id: &str| file.keys().find(Some(id)).is_some();
        assert!(has("a") && !has("b"));
        write(&SET.replace("KID", "b"));
        assert!(has("b") && !has("a"));
        for broken in ["", "{\"keys\":[]}", &" ".repeat(300 << 10)] {
            write(broken);
            assert!(has("b"), "{broken}");
        }
        fs::remove_file(&path).unwrap();
        assert!(has("b"));
        write(&SET.replace("KID", "c"));
        assert!(has("c"));
    }

    #[test]
    fn a_relay_does_not_start_without_its_keys() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        assert!(matches!(KeyFile::open(path.clone()), Err(KeyFileError::Read { .. })));
        fs::write(&path, "{}").unwrap();
        let error = KeyFile::open(path).unwrap_err();
        assert!(error.to_string().contains("keys.json: it is not a JWK Set"), "{error}");
    }
}
