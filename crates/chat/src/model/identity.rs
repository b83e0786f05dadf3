//! The author of a message, as the relay attests it. What a message itself says about its sender is a hint for guests
//! only.

use super::text;
use super::timeline::{Row, Seen};

/// How the author of a message is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// This browser's user, who needs no mark.
    Own,
    /// A guest, who may give any name.
    Guest,
    /// The account with the shown name, as the relay says.
    SignedIn,
    /// The account with the shown name, whose device has signed the message.
    Verified,
}

impl Row {
    /// How the author is known.
    pub fn identity(&self) -> Identity {
        let author = &self.seen.author;
        match (&author.account, &*author.client) {
            (Some(_), _) if self.is_verified() => Identity::Verified,
            (Some(_), _) => Identity::SignedIn,
            (None, "") => Identity::Own,
            (None, _) => Identity::Guest,
        }
    }
}

impl Seen {
    /// The name to show: the account's, or the one that a guest gives.
    pub fn name(&self) -> String {
        match &self.author.account {
            Some(account) => text::shown_name(account),
            None => self.message.sender.name.clone(),
        }
    }

    /// Whether both are by one person, who is shown with the same name.
    pub fn is_by_author_of(&self, other: &Self) -> bool {
        match (&self.author.account, &other.author.account) {
            (None, None) => {
                self.author.client == other.author.client
                    && self.message.sender == other.message.sender
            }
            (one, other) => one == other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::timeline::Author;
    use crate::model::timeline::tests::{row, seen};

    fn by(client: &str, account: Option<&str>) -> Seen {
        let (client, account) = (client.into(), account.map(Into::into));
        Seen { author: Author { client, account, is_verified: false }, ..seen("a") }
    }

    fn identity(seen: &Seen) -> Identity {
        row(seen.clone()).identity()
    }

    #[test]
    fn an_account_has_its_own_name_whatever_the_message_claims() {
        let ann = by("/clients/1", Some("ann"));
        assert_ne!(ann.message.sender.name, "ann");
        assert_eq!((identity(&ann), &*ann.name()), (Identity::SignedIn, "ann"));
        let signed = Author { is_verified: true, ..ann.author.clone() };
        assert_eq!(identity(&Seen { author: signed, ..ann }), Identity::Verified);
        let guest = by("/clients/1", None);
        assert_eq!(
            (identity(&guest), guest.name()),
            (Identity::Guest, guest.message.sender.name.clone())
        );
        assert_eq!(identity(&by("", None)), Identity::Own);
    }

    #[test]
    fn an_account_with_hidden_characters_is_shown_as_a_line() {
        assert_eq!(by("/clients/1", Some("ann\u{202e}\n")).name(), "ann");
    }

    #[test]
    fn two_devices_of_an_account_are_one_person_and_two_guests_of_one_name_are_not() {
        let [phone, desktop] = ["/clients/1", "/clients/2"].map(|client| by(client, Some("ann")));
        assert!(phone.is_by_author_of(&desktop));
        let [one, other] = ["/clients/1", "/clients/2"].map(|client| by(client, None));
        assert!(!one.is_by_author_of(&other) && one.is_by_author_of(&one));
        assert!(!one.is_by_author_of(&phone));
    }
}
