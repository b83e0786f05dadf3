//! The identity of a client, as the authority states it.

use std::fmt;
use std::sync::Arc;

use topic::escape_token;

/// The identity of a client: an account's subject, or a guest.
///
/// A guest is named `~` and its client id, or `~json-` and its id if it has no client. No account's name begins with
/// `~`.
///
/// ```
/// use session::rights::Subject;
/// let ann = Subject::account("ann@example.org")?;
/// assert_eq!((ann.name(), ann.escaped()), ("ann@example.org", "ann@example%2Eorg"));
/// assert!(!ann.is_guest() && Subject::guest(&[0; 16]).is_guest());
/// # Ok::<(), session::rights::SubjectError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Subject {
    name: Arc<str>,
    escaped: Arc<str>,
}

/// Why a text cannot be the subject of an account.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubjectError {
    /// The text is empty, `.` or `..`.
    #[error("the subject is empty, `.` or `..`: give each account a name")]
    Empty,
    /// The text begins with `~`.
    #[error("the subject begins with `~`, which marks guests: give the account another name")]
    Guest,
    /// The text has a control character.
    #[error("the subject has a control character: leave it out")]
    Control,
    /// The text is too long.
    #[error(
        "the subject has {0} bytes once it is escaped for topics: use a name of at most {most} bytes, such as an account's number",
        most = Subject::MAX_BYTES
    )]
    TooLong(usize),
}

impl Subject {
    /// The maximum size of [`Subject::escaped`].
    pub const MAX_BYTES: usize = 64;

    /// The subject of an account, for example a token's claim `sub`.
    ///
    /// # Errors
    /// A [`SubjectError`] that names the broken rule.
    pub fn account(name: &str) -> Result<Self, SubjectError> {
        if matches!(name, "" | "." | "..") {
            return Err(SubjectError::Empty);
        }
        if name.starts_with('~') {
            return Err(SubjectError::Guest);
        }
        if name.contains(char::is_control) {
            return Err(SubjectError::Control);
        }
        let escaped = escape_token(name);
        if escaped.len() > Self::MAX_BYTES {
            return Err(SubjectError::TooLong(escaped.len()));
        }
        let name: Arc<str> = name.into();
        let escaped = if escaped == *name { name.clone() } else { escaped.into() };
        Ok(Self { name, escaped })
    }

    /// The guest with this client id.
    pub fn guest(client: &[u8; 16]) -> Self {
        let name: Arc<str> = format!("~{:032x}", u128::from_be_bytes(*client)).into();
        Self { escaped: name.clone(), name }
    }

    /// The guest of `cloudevents.json` with this id. Its name differs from that of each client with a hello, because
    /// such a client chooses its id.
    pub fn json_guest(id: &[u8; 16]) -> Self {
        let name: Arc<str> = format!("~json-{:032x}", u128::from_be_bytes(*id)).into();
        Self { escaped: name.clone(), name }
    }

    /// The name, as the authority gave it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name as one token of a topic.
    pub fn escaped(&self) -> &str {
        &self.escaped
    }

    /// Whether this is a guest.
    pub fn is_guest(&self) -> bool {
        self.name.starts_with('~')
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.name, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_one_token_and_no_account_is_a_guest() {
        for name in ["ann", "auth0|1", "a/b", "$x", "a b", "*", "日本", "...", "%7Eann"] {
            let subject = Subject::account(name).unwrap();
            assert_eq!(topic::unescape_token(subject.escaped()), name);
            assert!(!subject.is_guest() && !subject.escaped().starts_with(['~', '$']));
        }
        for name in ["", ".", ".."] {
            assert_eq!(Subject::account(name), Err(SubjectError::Empty), "{name:?}");
        }
        assert_eq!(Subject::account("~ann"), Err(SubjectError::Guest));
        assert_eq!(Subject::account("a\nb"), Err(SubjectError::Control));
        assert!(Subject::account(&"x".repeat(64)).is_ok());
        assert_eq!(Subject::account(&".x".repeat(17)), Err(SubjectError::TooLong(68)));
        assert_eq!(Subject::guest(&[1; 16]).name(), format!("~{}", "01".repeat(16)));
        assert_ne!(Subject::guest(&[1; 16]), Subject::json_guest(&[1; 16]));
        assert!(Subject::json_guest(&[1; 16]).is_guest());
    }
}
