//! Errors inside of this folder: `?` takes those of the engine, which no public type names.

use crate::StoreError;

/// A [`StoreError`] on its way out.
#[derive(Debug)]
pub(super) struct Error(pub(super) StoreError);

pub(super) type Result<T, E = Error> = std::result::Result<T, E>;

impl<E: Into<redb::Error>> From<E> for Error {
    fn from(error: E) -> Self {
        Self(StoreError::Engine(Box::new(error.into())))
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self(error)
    }
}

impl From<Error> for StoreError {
    fn from(Error(error): Error) -> Self {
        error
    }
}

/// The error for a row that does not hold what was written there.
pub(super) const fn corrupt(what: &'static str) -> Error {
    Error(StoreError::Corrupt(what))
}
