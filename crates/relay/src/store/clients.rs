//! What the store keeps of each client, in the same transaction as the log: the hash of its secret, its
//! fencing token, the highest number decided, and the outcomes that it may still ask for.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use foldhash::fast::RandomState;
use redb::{ReadableTable, Table, TableDefinition, WriteTransaction};
use session::server::{Numbered, Opened};
use session::{CloseCode, Hello, MAX_UNANSWERED, RejectCode};
use sha2::{Digest, Sha256};

use super::StoreError;
use super::client_row::{Row, Stored};
use super::outcomes::{MAX_NUMBER, Outcomes, Place};

pub(super) const CLIENTS: TableDefinition<'_, &[u8; 16], &[u8]> = TableDefinition::new("clients");
/// Client and number to what was said of the event.
pub(super) const REJECTS: TableDefinition<'_, (&[u8; 16], u64), (u64, &str)> =
    TableDefinition::new("rejects");

/// By at most so much a fencing token rises from one connection to the next: a client counts them, and one that
/// knew another's secret could shut it out with the highest of all.
const FENCE_STEP: u64 = 1 << 32;

/// What became of a numbered event, for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It stands here.
    Stored(Place),
    /// It is not in the log, and this is why.
    Rejected(RejectCode, String),
}

/// What a client's number says about an event.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// Nothing was decided about it.
    New,
    /// That was decided at an earlier try.
    Decided(Verdict),
    /// It comes through a connection that a newer one has ended.
    Fenced,
    /// The number was decided, and the client had said that it needs the outcome no more.
    Stale,
    /// The client does not say of enough outcomes that it needs them no more.
    TooMany,
    /// There is no such client.
    Unknown,
    /// The client's row cannot be read.
    Unreadable,
    /// The number is above [`MAX_NUMBER`].
    IllegalNumber,
}

/// What [`Clients::prune`] did.
#[derive(Debug)]
pub(super) struct Pruned {
    /// The row to go on from; none at the end.
    pub(super) next: Option<[u8; 16]>,
    /// Whether there is something to commit.
    pub(super) changed: bool,
    /// How many rows cannot be read. They stay: nobody knows how old they are.
    pub(super) unreadable: u64,
}

/// What a transaction did with the clients.
#[derive(Debug)]
pub(super) struct Closed {
    /// Whether there is something to commit.
    pub(super) changed: bool,
    /// How many rows were asked for and cannot be read.
    pub(super) unreadable: u64,
}

/// The tables, in a transaction.
pub(super) struct Clients<'t> {
    rows: Table<'t, &'static [u8; 16], &'static [u8]>,
    rejects: Table<'t, (&'static [u8; 16], u64), (u64, &'static str)>,
    /// Rows that were read, and are written once for all writes of the transaction. None cannot be read.
    used: HashMap<[u8; 16], Option<Used>, RandomState>,
    unreadable: u64,
}

/// The row of a client in a transaction.
#[derive(Debug, Clone)]
struct Used {
    row: Row,
    /// Outcomes below are needed no more.
    lowest: u64,
    changed: bool,
}

/// What the table has of a client.
enum Known<'u> {
    Nothing,
    Row(&'u mut Used),
    Unreadable,
}

impl<'t> Clients<'t> {
    pub(super) fn open(transaction: &'t WriteTransaction) -> Result<Self, StoreError> {
        Ok(Self {
            rows: transaction.open_table(CLIENTS)?,
            rejects: transaction.open_table(REJECTS)?,
            used: HashMap::default(),
            unreadable: 0,
        })
    }

    /// Writes the rows that changed, and drops the outcomes that are needed no more.
    pub(super) fn close(mut self) -> Result<Closed, StoreError> {
        let mut closed = Closed { changed: false, unreadable: self.unreadable };
        for (client, used) in std::mem::take(&mut self.used) {
            let Some(mut used) = used.filter(|used| used.changed) else { continue };
            closed.changed = true;
            forget(&mut self.rejects, &client, &mut used)?;
            self.rows.insert(&client, used.row.encode()?.as_slice())?;
        }
        Ok(closed)
    }

    /// Checks who says hello, and ends the older connections of that client. `admit` may refuse a new
    /// one.
    pub(super) fn open_connection(
        &mut self,
        hello: &Hello,
        now: u64,
        admit: impl FnOnce() -> Result<(), Opened>,
    ) -> Result<Opened, StoreError> {
        let secret_hash: [u8; 32] = Sha256::digest(hello.secret).into();
        let (row, new) = match self.known(&hello.client)? {
            Known::Unreadable => {
                let message = "what is stored of this client cannot be read: come as a new one";
                return Ok(Opened::Refused(CloseCode::Unauthorized, message));
            }
            Known::Row(used) if used.row.stored.secret_hash != secret_hash => {
                return Ok(Opened::WrongSecret);
            }
            Known::Row(used) if hello.fence <= used.row.stored.fence => return Ok(Opened::Fenced),
            Known::Row(used) => (Some(&used.row), false),
            Known::Nothing => (None, true),
        };
        let fence = row.map_or(0, |row| row.stored.fence);
        if hello.fence - fence > FENCE_STEP || hello.fence > MAX_NUMBER {
            let message = "a fencing token may rise by at most 4294967296";
            return Ok(Opened::Refused(CloseCode::ProtocolError, message));
        }
        if new && let Err(refused) = admit() {
            return Ok(refused);
        }
        let fresh = || Row::new(Stored::new(secret_hash, hello.returning));
        let used = self.used.entry(hello.client).or_default();
        let used = used.get_or_insert_with(|| Used { row: fresh(), lowest: 0, changed: false });
        let row = &mut used.row.stored;
        (row.fence, row.seen) = (hello.fence, Some(now));
        (used.row.is_worn, used.changed) = (false, true);
        used.lowest = used.lowest.max(hello.lowest);
        let Stored { highest, ref highest_id, was_forgotten, .. } = used.row.stored;
        let new = new || was_forgotten == Some(true);
        Ok(Opened::Welcome { highest, highest_id: highest_id.clone(), new })
    }

    /// What is known about an event before it is decided.
    pub(super) fn admit(&mut self, numbered: &Numbered) -> Result<Admission, StoreError> {
        let client = &numbered.client;
        let used = match self.known(client)? {
            Known::Nothing => return Ok(Admission::Unknown),
            Known::Unreadable => return Ok(Admission::Unreadable),
            Known::Row(used) if used.row.is_worn => return Ok(Admission::Unreadable),
            Known::Row(used) => used,
        };
        if numbered.fence < used.row.stored.fence {
            return Ok(Admission::Fenced);
        }
        if numbered.number > MAX_NUMBER {
            return Ok(Admission::IllegalNumber);
        }
        if numbered.number <= used.row.stored.highest {
            return Ok(match used.row.outcomes.find(numbered.number) {
                None => Admission::Stale,
                Some(Some(place)) => Admission::Decided(Verdict::Stored(place)),
                Some(None) => self.said(client, numbered.number)?,
            });
        }
        used.lowest = used.lowest.max(numbered.lowest);
        if has_room(&used.row.outcomes) {
            return Ok(Admission::New);
        }
        let (rejects, Some(Some(used))) = (&mut self.rejects, self.used.get_mut(client)) else {
            return Ok(Admission::Unknown);
        };
        forget(rejects, client, used)?;
        Ok(if has_room(&used.row.outcomes) { Admission::New } else { Admission::TooMany })
    }

    /// Notes what was decided about an event that was [new](Admission::New).
    pub(super) fn decided(
        &mut self,
        numbered: &Numbered,
        id: Option<&str>,
        verdict: &Verdict,
        now: u64,
    ) -> Result<(), StoreError> {
        let client = &numbered.client;
        let Known::Row(used) = self.known(client)? else { return Ok(()) };
        used.changed = true;
        let row = &mut used.row.stored;
        row.highest = numbered.number;
        row.was_forgotten = None;
        match (&mut row.highest_id, id) {
            (Some(highest), Some(id)) => id.clone_into(highest),
            (highest, id) => *highest = id.map(str::to_owned),
        }
        row.seen = Some(now);
        match verdict {
            Verdict::Stored(place) => used.row.outcomes.push(numbered.number, Some(*place)),
            Verdict::Rejected(code, message) => {
                used.row.outcomes.push(numbered.number, None);
                let said = (code.number(), message.as_str());
                self.rejects.insert((client, numbered.number), said)?;
            }
        }
        Ok(())
    }

    /// Takes the outcomes that each client has elsewhere, ascending by their numbers.
    pub(super) fn take_outcomes(
        &mut self,
        of: impl Fn(&[u8; 16]) -> Result<Vec<(u64, Option<Place>)>, StoreError>,
    ) -> Result<(), StoreError> {
        let mut clients = Vec::new();
        for row in self.rows.iter()? {
            let (client, row) = row?;
            // One that cannot be read stays as it is, and its client is refused.
            clients.extend(Stored::decode(row.value()).map(|row| (*client.value(), row)));
        }
        for (client, stored) in clients {
            let mut row = Row::new(stored);
            for (number, place) in of(&client)? {
                row.outcomes.push(number, place);
            }
            self.rows.insert(&client, row.encode()?.as_slice())?;
        }
        Ok(())
    }

    /// Drops clients that were not heard of since `horizon`, looking at `most` rows from `from` on.
    pub(super) fn prune(
        &mut self,
        from: [u8; 16],
        most: usize,
        horizon: u64,
        now: u64,
    ) -> Result<Pruned, StoreError> {
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

    /// What was said of a number that was rejected. If that cannot be read it is as if it were forgotten.
    fn said(&self, client: &[u8; 16], number: u64) -> Result<Admission, StoreError> {
        let Some(reject) = self.rejects.get((client, number))? else {
            return Ok(Admission::Stale);
        };
        let (code, message) = reject.value();
        Ok(match RejectCode::from_number(code) {
            Some(code) => Admission::Decided(Verdict::Rejected(code, message.to_owned())),
            None => Admission::Stale,
        })
    }

    /// The row of a client, to be changed.
    fn known(&mut self, client: &[u8; 16]) -> Result<Known<'_>, StoreError> {
        let used = match self.used.entry(*client) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(vacant) => {
                let Some(row) = self.rows.get(client)? else { return Ok(Known::Nothing) };
                let row = Row::decode(row.value());
                if row.as_ref().is_none_or(|row| row.is_worn) {
                    self.unreadable += 1;
                }
                vacant.insert(row.map(|row| Used { row, lowest: 0, changed: false }))
            }
        };
        Ok(used.as_mut().map_or(Known::Unreadable, Known::Row))
    }
}

/// Whether there is room for another outcome.
fn has_room(outcomes: &Outcomes) -> bool {
    outcomes.kept() < MAX_UNANSWERED as u64
}

/// Drops the outcomes below the lowest that is needed.
fn forget(
    rejects: &mut Table<'_, (&'static [u8; 16], u64), (u64, &'static str)>,
    client: &[u8; 16],
    used: &mut Used,
) -> Result<(), StoreError> {
    let before = used.row.outcomes.kept();
    for number in used.row.outcomes.forget(used.lowest) {
        rejects.remove((client, number))?;
    }
    used.changed |= used.row.outcomes.kept() < before;
    Ok(())
}
