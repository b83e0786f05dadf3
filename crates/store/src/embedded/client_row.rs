//! The row of a client, and what can be used of one that cannot be read.
//!
//! A row of an older relay may hold a number or a fencing token above [`MAX_NUMBER`]: its outcomes cannot be
//! read, or its owner is shut out. Such a row is damaged. Its secret or its key still says whose it is, and with that
//! the client starts over, as one that was forgotten.

use minicbor::bytes::{ByteArray, ByteVec};
use minicbor::{Decode, Encode};
use session::MAX_NUMBER;
use session::server::ledger::{Account, Held, Identity, Outcomes};

use super::error::{Result, corrupt};
use super::outcomes;

/// The row as it stands in the table.
#[derive(Debug, Clone, Encode, Decode)]
#[cbor(map)]
pub(super) struct Stored {
    /// A row has this or a key. Relays that know no keys cannot read a row without it, and refuse its client.
    #[n(0)]
    pub(super) secret_hash: Option<ByteArray<32>>,
    #[n(1)]
    pub(super) fence: u64,
    #[n(2)]
    pub(super) highest: u64,
    #[n(3)]
    pub(super) highest_id: Option<String>,
    /// When it was last heard of, in milliseconds since 1970. Rows of format 1 do not say.
    #[n(4)]
    pub(super) seen: Option<u64>,
    /// The [outcomes](outcomes::encode) that are kept. Up to format 2 they had rows of their own, and 5 was their
    /// number.
    #[n(6)]
    pub(super) outcomes: Option<ByteVec>,
    /// [`Account::was_forgotten`].
    #[n(7)]
    pub(super) was_forgotten: Option<bool>,
    /// [`Account::held`]: the fencing token and the number.
    #[n(8)]
    pub(super) held: Option<(u64, u64)>,
    /// [`Account::subject`].
    #[n(9)]
    pub(super) subject: Option<String>,
    #[n(10)]
    pub(super) key: Option<ByteArray<65>>,
}

/// A row, ready to be used.
#[derive(Debug, Clone)]
pub(super) struct ClientRow {
    pub(super) account: Account,
    /// Only its identity, its subject and its fencing token count.
    pub(super) is_damaged: bool,
}

impl Stored {
    /// The row of a client that was not known.
    pub(super) fn new(identity: Identity, was_forgotten: bool) -> Self {
        let (secret_hash, key) = match identity {
            Identity::Secret(hash) => (Some(hash.into()), None),
            Identity::Key(key) => (None, Some(key.into())),
        };
        Self {
            secret_hash,
            key,
            fence: 0,
            highest: 0,
            highest_id: None,
            seen: None,
            outcomes: None,
            was_forgotten: was_forgotten.then_some(true),
            held: None,
            subject: None,
        }
    }

    pub(super) fn decode(row: &[u8]) -> Option<Self> {
        minicbor::decode(row).ok()
    }

    pub(super) fn encode(&self) -> Result<Vec<u8>> {
        minicbor::to_vec(self).map_err(|_| corrupt("client"))
    }

    /// `None` if neither a key nor a secret says whose it is.
    fn identity(&self) -> Option<Identity> {
        match (self.key, self.secret_hash) {
            (Some(key), _) => Some(Identity::Key(key.into())),
            (None, Some(hash)) => Some(Identity::Secret(hash.into())),
            (None, None) => None,
        }
    }

    fn account(self, identity: Identity, outcomes: Outcomes) -> Account {
        let held = self.held.filter(|(fence, number)| *fence.max(number) <= MAX_NUMBER);
        let mut account = Account::new(identity, self.was_forgotten == Some(true));
        (account.fence, account.highest, account.highest_id) =
            (self.fence, self.highest, self.highest_id);
        account.held = held.map(|(fence, number)| Held { fence, number });
        (account.seen, account.outcomes) = (self.seen, outcomes);
        account.subject = self.subject;
        account
    }
}

impl ClientRow {
    pub(super) fn new(account: Account) -> Self {
        Self { account, is_damaged: false }
    }

    /// `None` if not even its identity can be read.
    pub(super) fn decode(row: &[u8]) -> Option<Self> {
        let mut stored = Stored::decode(row)?;
        let identity = stored.identity()?;
        let outcomes = stored.outcomes.take();
        let outcomes = outcomes::decode(outcomes.as_deref().map_or(&[][..], |bytes| bytes)).ok();
        let is_fenced_off = stored.fence > MAX_NUMBER;
        if is_fenced_off {
            stored.fence = 0;
        }
        Some(match outcomes.filter(|_| stored.highest <= MAX_NUMBER) {
            Some(outcomes) => {
                Self { account: stored.account(identity, outcomes), is_damaged: is_fenced_off }
            }
            None => {
                let Stored { fence, seen, subject, .. } = stored;
                let stored = Stored { fence, seen, subject, ..Stored::new(identity.clone(), true) };
                Self { account: stored.account(identity, Outcomes::default()), is_damaged: true }
            }
        })
    }

    pub(super) fn encode(self) -> Result<Vec<u8>> {
        let Account {
            identity,
            fence,
            highest,
            highest_id,
            seen,
            was_forgotten,
            held,
            subject,
            outcomes,
            ..
        } = self.account;
        let stored = Stored {
            fence,
            highest,
            highest_id,
            seen,
            outcomes: Some(outcomes::encode(&outcomes).into()),
            held: held.map(|Held { fence, number }| (fence, number)),
            subject,
            ..Stored::new(identity, was_forgotten)
        };
        stored.encode()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stored(fence: u64, highest: u64, outcomes: Vec<u8>) -> Vec<u8> {
        let id = Some("e1".to_owned());
        let row = Stored {
            fence,
            highest,
            highest_id: id,
            outcomes: Some(outcomes.into()),
            ..Stored::new(Identity::Secret([7; 32]), false)
        };
        row.encode().unwrap()
    }

    #[test]
    fn a_row_that_an_older_relay_wore_out_keeps_its_secret_and_starts_over() {
        // What the older relay wrote for the number 2^64-1: the run ends beyond the numbers.
        let mut poisoned = Vec::new();
        for part in [u64::MAX, 1, 1, 5] {
            super::super::packed::push(&mut poisoned, part);
        }
        for (fence, highest, outcomes) in [(4, u64::MAX, poisoned), (4, MAX_NUMBER + 1, vec![])] {
            let row = ClientRow::decode(&stored(fence, highest, outcomes)).unwrap();
            let Account { fence, highest, ref highest_id, was_forgotten, .. } = row.account;
            assert!(row.is_damaged);
            assert_eq!((fence, highest, highest_id, was_forgotten), (4, 0, &None, true));
            assert_eq!(row.account.identity, Identity::Secret([7; 32]));
        }
        let locked = ClientRow::decode(&stored(u64::MAX, 3, vec![])).unwrap();
        assert_eq!((locked.is_damaged, locked.account.fence, locked.account.highest), (true, 0, 3));
    }

    #[test]
    fn a_row_has_a_key_or_a_secret_and_keeps_it() {
        for identity in [Identity::Secret([7; 32]), Identity::Key([4; 65])] {
            let row = Stored { fence: 5, ..Stored::new(identity.clone(), false) };
            let row = ClientRow::decode(&row.encode().unwrap()).unwrap();
            assert_eq!((&row.account.identity, row.account.fence), (&identity, 5));
            let again = ClientRow::decode(&row.encode().unwrap()).unwrap();
            assert_eq!(again.account.identity, identity);
        }
        let of_none = Stored { secret_hash: None, ..Stored::new(Identity::Secret([7; 32]), false) };
        assert!(ClientRow::decode(&of_none.encode().unwrap()).is_none());
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_a_row_that_can_be_written_again_or_none(bytes in any::<Vec<u8>>()) {
            if let Some(row) = ClientRow::decode(&bytes) {
                prop_assert!(ClientRow::decode(&row.encode().unwrap()).is_some());
            }
        }
    }
}
