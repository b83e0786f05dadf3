//! The author of an event.

use std::rc::Rc;

/// The author of an event, as the relay attests it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Author {
    /// The client. Empty for this browser.
    pub client: Rc<str>,
    /// The account, if it is not a guest.
    pub account: Option<Rc<str>>,
    /// Whether the account's device has signed the event, so that not only the relay says whose it is.
    pub is_verified: bool,
}

impl Author {
    /// Whether it is this browser's user.
    pub fn is_me(&self) -> bool {
        self.client.is_empty()
    }

    /// Whether both are the same. An account may have several clients.
    pub fn is(&self, other: &Self) -> bool {
        self.key() == other.key()
    }

    /// The account, or else the client.
    pub(super) fn key(&self) -> (Option<&str>, &str) {
        match &self.account {
            Some(account) => (Some(account), ""),
            None => (None, &self.client),
        }
    }
}
