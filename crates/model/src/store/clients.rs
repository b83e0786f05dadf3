//! What a store keeps of each client: its [account](session::server::ledger), and why its events were rejected.

use std::collections::BTreeMap;

use session::server::ledger::{Account, Admission, Identity, LogPosition};
use session::server::{Decided, Numbered, Opened};
use session::{Hello, RejectCode};

use crate::bug::Bug;

/// A client's public id.
pub type ClientId = [u8; 16];

#[derive(Debug, Clone, Default)]
pub(super) struct Clients {
    rows: BTreeMap<ClientId, ClientRow>,
}

#[derive(Debug, Clone)]
struct ClientRow {
    account: Account,
    rejects: BTreeMap<u64, RejectCode>,
}

/// What is known about an event before it is decided.
pub(super) enum Known {
    New,
    Stored(LogPosition),
    Rejected(RejectCode),
    Answer(Decided),
}

impl Clients {
    /// Answers a hello. Deliberate bugs ignore the fence, or the key.
    pub(super) fn open(&mut self, hello: &Hello, bug: Option<Bug>) -> Opened {
        let row = self.rows.get_mut(&hello.client);
        let is_new = row.is_none();
        match (row, bug, hello.secret) {
            (Some(row), Some(Bug::NoFence), _) => {
                row.account.fence = row.account.fence.min(hello.fence.saturating_sub(1));
            }
            (Some(row), Some(Bug::SecretOpensAfterKey), Some(secret)) if hello.key.is_none() => {
                row.account.identity = Identity::Secret(secret);
            }
            _ => {}
        }
        let account = self.rows.get(&hello.client).map(|row| &row.account);
        let identity = match Account::check(account, hello, hello.secret) {
            Ok(identity) => identity,
            Err(refused) => return refused,
        };
        if is_new && hello.reading {
            return Opened::Reader;
        }
        let row = self.rows.entry(hello.client).or_insert_with(|| ClientRow {
            account: Account::new(identity.clone(), hello.returning),
            rejects: BTreeMap::new(),
        });
        let welcome = row.account.welcome(is_new);
        row.account.open(hello, identity, 0);
        row.rejects = row.rejects.split_off(&hello.lowest);
        welcome
    }

    pub(super) fn admit(&mut self, numbered: &Numbered, checks_fence: bool) -> Known {
        let Some(row) = self.rows.get_mut(&numbered.client) else {
            return Known::Answer(Account::unknown());
        };
        let fence = if checks_fence { numbered.fence } else { row.account.fence };
        let (admission, forgotten) = row.account.admit(&Numbered { fence, ..*numbered });
        for number in forgotten {
            row.rejects.remove(&number);
        }
        match admission {
            Admission::New => Known::New,
            Admission::Repeat(Some(position)) => Known::Stored(position),
            Admission::Repeat(None) => match row.rejects.get(&numbered.number) {
                Some(code) => Known::Rejected(*code),
                None => Known::Answer(Account::stale()),
            },
            Admission::Answer(answer) => Known::Answer(answer),
        }
    }

    /// Refuses an event that was new, for now.
    pub(super) fn refuse_for_now(&mut self, numbered: &Numbered, code: RejectCode) -> Decided {
        match self.rows.get_mut(&numbered.client) {
            Some(row) => row.account.refuse_for_now(numbered, code, ""),
            None => Account::unknown(),
        }
    }

    /// Records what was decided about an event that was new.
    pub(super) fn decide(
        &mut self,
        numbered: &Numbered,
        id: Option<&str>,
        decision: Result<LogPosition, RejectCode>,
    ) {
        let Some(row) = self.rows.get_mut(&numbered.client) else { return };
        row.account.decide(numbered, id, decision.ok(), 0);
        if let Err(code) = decision {
            row.rejects.insert(numbered.number, code);
        }
    }

    pub(super) fn ids(&self) -> Vec<ClientId> {
        self.rows.keys().copied().collect()
    }

    pub(super) fn fence(&self, client: &ClientId) -> Option<u64> {
        self.rows.get(client).map(|row| row.account.fence)
    }

    pub(super) fn key(&self, client: &ClientId) -> Option<[u8; 65]> {
        match self.rows.get(client).map(|row| &row.account.identity)? {
            Identity::Key(key) => Some(*key),
            Identity::Secret(_) => None,
        }
    }

    pub(super) fn last_decided(&self, client: &ClientId) -> Option<(u64, Option<&str>)> {
        let account = self.rows.get(client).map(|row| &row.account)?;
        Some((account.highest, account.highest_id.as_deref()))
    }

    pub(super) fn is_sure_of(&self, client: &ClientId) -> bool {
        self.rows.get(client).is_some_and(|row| !row.account.was_forgotten)
    }

    pub(super) fn forget(&mut self, client: &ClientId) {
        self.rows.remove(client);
    }
}
