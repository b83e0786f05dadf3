//! The table of clients, in the same transaction as the log: the device key of a client or the hash of its secret, its
//! fencing token, its highest decided number, and the outcomes that it may still ask for.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use foldhash::fast::RandomState;
use redb::{ReadableTable, Table, TableDefinition, WriteTransaction};
use session::server::ledger::{Account, Admission, LogPosition, Outcomes};
use session::server::{Decided, Numbered, Opened, Refusal};
use session::{CloseCode, Hello, RejectCode};
use sha2::{Digest, Sha256};

use super::client_row::{ClientRow, Stored};
use super::error::Result;
use super::outcomes;

pub(super) const CLIENTS: TableDefinition<'_, &[u8; 16], &[u8]> = TableDefinition::new("clients");
/// Client and number to why the event was rejected.
pub(super) const REJECTS: TableDefinition<'_, (&[u8; 16], u64), (u64, &str)> =
    TableDefinition::new("rejects");

/// What is known about a numbered event.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// It has not been decided.
    New,
    /// It was stored at an earlier attempt.
    Stored(LogPosition),
    /// This is the answer.
    Answer(Decided),
}

/// What [`Clients::prune`] did.
#[derive(Debug)]
pub(super) struct Pruned {
    /// The row to continue from; `None` at the end.
    pub(super) next: Option<[u8; 16]>,
    /// Whether there is anything to commit.
    pub(super) changed: bool,
    /// How many rows cannot be read. They stay, because their age is unknown.
    pub(super) unreadable: u64,
}

/// What a transaction did with the clients.
#[derive(Debug)]
pub(super) struct Closed {
    /// Whether there is anything to commit.
    pub(super) changed: bool,
    /// How many rows of these clients cannot be read.
    pub(super) unreadable: u64,
}

/// The tables, in a transaction.
pub(super) struct Clients<'t> {
    rows: Table<'t, &'static [u8; 16], &'static [u8]>,
    rejects: Table<'t, (&'static [u8; 16], u64), (u64, &'static str)>,
    /// Rows that were read; the transaction writes each of them once. `None` for a row that cannot be read.
    used: HashMap<[u8; 16], Option<ClientRow>, RandomState>,
    unreadable: u64,
}

/// The row of a client.
enum Found<'u> {
    Nothing,
    Row(&'u mut ClientRow),
    Unreadable,
}

impl<'t> Clients<'t> {
    pub(super) fn open(transaction: &'t WriteTransaction) -> Result<Self> {
        Ok(Self {
            rows: transaction.open_table(CLIENTS)?,
            rejects: transaction.open_table(REJECTS)?,
            used: HashMap::default(),
            unreadable: 0,
        })
    }

    /// Writes the rows that changed.
    pub(super) fn close(mut self) -> Result<Closed> {
        let mut closed = Closed { changed: false, unreadable: self.unreadable };
        for (client, row) in std::mem::take(&mut self.used) {
            let Some(row) = row.filter(|row| row.account.is_changed()) else { continue };
            closed.changed = true;
            self.rows.insert(&client, row.encode()?.as_slice())?;
        }
        Ok(closed)
    }

    /// Answers a hello, and ends the older connections of its client. `None` if the client is not known and may not be
    /// new.
    pub(super) fn open_connection(
        &mut self,
        hello: &Hello,
        subject: Option<&str>,
        now: u64,
        may_be_new: bool,
    ) -> Result<Option<Opened>> {
        let secret = hello.secret.map(|secret| Sha256::digest(secret).into());
        let account = match self.find(&hello.client)? {
            Found::Unreadable => {
                let message = "what is stored of this client cannot be read: come as a new one";
                return Ok(Some(Opened::Refused(CloseCode::Unauthorized, message)));
            }
            Found::Row(row) => Some(&row.account),
            Found::Nothing => None,
        };
        let is_new = account.is_none();
        let checked = Account::check(account, hello, secret).and_then(|identity| {
            Account::check_subject(account, subject)?;
            Ok(identity)
        });
        let identity = match checked {
            Ok(identity) => identity,
            Err(refused) => return Ok(Some(refused)),
        };
        if is_new && hello.reading {
            return Ok(Some(Opened::Reader));
        }
        if is_new && !may_be_new {
            return Ok(None);
        }
        let row = self.used.entry(hello.client).or_default();
        let row = row
            .get_or_insert_with(|| ClientRow::new(Account::new(identity.clone(), hello.returning)));
        let welcome = row.account.welcome(is_new);
        row.is_damaged = false;
        row.account.belong_to(subject);
        let forgotten = row.account.open(hello, identity, now);
        self.drop_rejects(&hello.client, &forgotten)?;
        Ok(Some(welcome))
    }

    /// What is known about an event before it is decided.
    pub(super) fn admit(&mut self, numbered: &Numbered) -> Result<Known> {
        let client = &numbered.client;
        let account = match self.find(client)? {
            Found::Nothing => return Ok(Known::Answer(Account::unknown())),
            Found::Row(row) if !row.is_damaged => &mut row.account,
            Found::Row(_) | Found::Unreadable => {
                let message = "what is stored of the client cannot be read: the event may be in the log or not";
                return Ok(Known::Answer(rejected(RejectCode::Uncertain, message)));
            }
        };
        let (admission, forgotten) = account.admit(numbered);
        self.drop_rejects(client, &forgotten)?;
        Ok(match admission {
            Admission::New => Known::New,
            Admission::Repeat(Some(position)) => Known::Stored(position),
            Admission::Repeat(None) => Known::Answer(self.rejection(client, numbered.number)?),
            Admission::Answer(answer) => Known::Answer(answer),
        })
    }

    /// Records that an event that was [new](Known::New) is in the log.
    pub(super) fn stored(
        &mut self,
        numbered: &Numbered,
        id: &str,
        position: LogPosition,
        now: u64,
    ) -> Result<()> {
        if let Found::Row(row) = self.find(&numbered.client)? {
            row.account.decide(numbered, Some(id), Some(position), now);
        }
        Ok(())
    }

    /// Records that an event that was [new](Known::New) is rejected for good.
    pub(super) fn rejected(
        &mut self,
        numbered: &Numbered,
        refusal: &Refusal,
        now: u64,
    ) -> Result<()> {
        if let Found::Row(row) = self.find(&numbered.client)? {
            row.account.decide(numbered, refusal.id.as_deref(), None, now);
            let reason = (refusal.code.number(), refusal.message.as_str());
            self.rejects.insert((&numbered.client, numbered.number), reason)?;
        }
        Ok(())
    }

    /// Holds back higher numbers of the connection until this one comes again.
    pub(super) fn hold(&mut self, numbered: &Numbered) -> Result<()> {
        if let Found::Row(row) = self.find(&numbered.client)? {
            row.account.hold(numbered);
        }
        Ok(())
    }

    /// Takes over the outcomes that an older format kept in a table of their own, by ascending numbers.
    pub(super) fn take_outcomes(
        &mut self,
        of: impl Fn(&[u8; 16]) -> Result<Vec<(u64, Option<LogPosition>)>>,
    ) -> Result<()> {
        let mut clients = Vec::new();
        for row in self.rows.iter()? {
            let (client, row) = row?;
            // A row that cannot be read stays as it is, and its client is refused.
            clients.extend(Stored::decode(row.value()).map(|row| (*client.value(), row)));
        }
        for (client, stored) in clients {
            let mut outcomes = Outcomes::default();
            for (number, position) in of(&client)? {
                outcomes.push(number, position);
            }
            let outcomes = Some(outcomes::encode(&outcomes).into());
            self.rows.insert(&client, Stored { outcomes, ..stored }.encode()?.as_slice())?;
        }
        Ok(())
    }

    /// Drops clients that were not seen since `horizon`. Looks at `most` rows from `from` on.
    pub(super) fn prune(
        &mut self,
        from: [u8; 16],
        most: usize,
        horizon: u64,
        now: u64,
    ) -> Result<Pruned> {
        let (mut old, mut undated, mut next) = (Vec::new(), Vec::new(), None);
        let mut unreadable = 0;
        for (looked_at, row) in self.rows.range::<&[u8; 16]>(&from..)?.enumerate() {
            let (client, row) = row?;
            if looked_at == most {
                next = Some(*client.value());
                break;
            }
            let Some(row) = Stored::decode(row.value()) else {
                unreadable += 1;
                continue;
            };
            match row.seen {
                Some(seen) if seen < horizon => old.push(*client.value()),
                Some(_) => {}
                None => undated.push((*client.value(), Stored { seen: Some(now), ..row })),
            }
        }
        let changed = !old.is_empty() || !undated.is_empty();
        for (client, row) in undated {
            self.rows.insert(&client, row.encode()?.as_slice())?;
        }
        for client in old {
            self.rejects.retain_in((&client, 0)..=(&client, u64::MAX), |_, _| false)?;
            self.rows.remove(&client)?;
        }
        Ok(Pruned { next, changed, unreadable })
    }

    /// The answer for a number that was rejected. A reason that cannot be read counts as forgotten.
    fn rejection(&self, client: &[u8; 16], number: u64) -> Result<Decided> {
        let Some(reject) = self.rejects.get((client, number))? else { return Ok(Account::stale()) };
        let (code, message) = reject.value();
        let code = RejectCode::from_number(code);
        Ok(code.map_or_else(Account::stale, |code| rejected(code, message)))
    }

    fn drop_rejects(&mut self, client: &[u8; 16], numbers: &[u64]) -> Result<()> {
        for number in numbers {
            self.rejects.remove((client, *number))?;
        }
        Ok(())
    }

    /// The row of a client, which may then be changed.
    fn find(&mut self, client: &[u8; 16]) -> Result<Found<'_>> {
        let row = match self.used.entry(*client) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(vacant) => {
                let Some(row) = self.rows.get(client)? else { return Ok(Found::Nothing) };
                let row = ClientRow::decode(row.value());
                if row.as_ref().is_none_or(|row| row.is_damaged) {
                    self.unreadable += 1;
                }
                vacant.insert(row)
            }
        };
        Ok(row.as_mut().map_or(Found::Unreadable, Found::Row))
    }
}

/// The answer for an event that is rejected for good.
pub(super) fn rejected(code: RejectCode, message: &str) -> Decided {
    Decided::Rejected { code, message: message.to_owned(), retry: None }
}
