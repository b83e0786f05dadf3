//! The author of an event.

use std::rc::Rc;

/// The author of an event, as the relay attests it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Author {
    /// The client. Empty for this browser.
    pub client: Rc<str>,
    /// The account, if it is not a guest.
    pub account: Option<Rc<str>>,
}

impl Author {
    /// Whether it is this browser's user.
    pub fn is_me(&self) -> bool {
        self.client.is_empty()
    }

    /// Whether both are the same. An account may have several clients.
    pub fn is(&self, other: &Self) -> bool {
        match (&self.account, &other.account) {
            (None, None) => self.client == other.client,
            (one, two) => one == two,
        }
    }
}
