//! What the store keeps of each client, in the same transaction as the log: the hash of its secret, its
//! fencing token, the highest number decided, and the outcomes that it may still ask for.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use foldhash::fast::RandomState;
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use redb::{ReadableTable, Table, TableDefinition, WriteTransaction};
use session::server::{Numbered, Opened};
use session::{Hello, MAX_UNANSWERED, RejectCode};
use sha2::{Digest, Sha256};

use super::StoreError;
use super::outcomes::{Outcomes, Place};

pub(super) const CLIENTS: TableDefinition<'_, &[u8; 16], &[u8]> = TableDefinition::new("clients");
/// Client and number to what was said of the event.
pub(super) const REJECTS: TableDefinition<'_, (&[u8; 16], u64), (u64, &str)> =
    TableDefinition::new("rejects");

#[derive(Debug, Clone, Encode, Decode)]
#[cbor(map)]
struct Row {
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    secret_hash: [u8; 32],
    #[n(1)]
    fence: u64,
    #[n(2)]
    highest: u64,
    #[n(3)]
    highest_id: Option<String>,
    /// When it was last heard of, in milliseconds since 1970. Rows of format 1 do not say.
    #[n(4)]
    seen: Option<u64>,
    /// The [`Outcomes`] that are kept. Up to format 2 they had rows of their own, and 5 was their number.
    #[n(6)]
    outcomes: Option<ByteVec>,
    /// It has said that it comes again, and was not known. It is told so until something of it is decided: a
    /// welcome that said it may be lost.
    #[n(7)]
    was_forgotten: Option<bool>,
}

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
}

/// What [`Clients::prune`] did.
#[derive(Debug)]
pub(super) struct Pruned {
    /// The row to go on from; none at the end.
    pub(super) next: Option<[u8; 16]>,
    /// Whether there is something to commit.
    pub(super) changed: bool,
}

/// The tables, in a transaction.
pub(super) struct Clients<'t> {
    rows: Table<'t, &'static [u8; 16], &'static [u8]>,
    rejects: Table<'t, (&'static [u8; 16], u64), (u64, &'static str)>,
    /// Rows that were read, and are written once for all writes of the transaction.
    used: HashMap<[u8; 16], Used, RandomState>,
}

/// The row of a client in a transaction.
#[derive(Debug, Clone)]
struct Used {
    row: Row,
    outcomes: Outcomes,
    /// Outcomes below are needed no more.
    lowest: u64,
}

impl<'t> Clients<'t> {
    pub(super) fn open(transaction: &'t WriteTransaction) -> Result<Self, StoreError> {
        Ok(Self {
            rows: transaction.open_table(CLIENTS)?,
            rejects: transaction.open_table(REJECTS)?,
            used: HashMap::default(),
        })
    }

    /// Writes the rows that changed, and drops the outcomes that are needed no more.
    pub(super) fn close(mut self) -> Result<(), StoreError> {
        for (client, mut used) in std::mem::take(&mut self.used) {
            forget(&mut self.rejects, &client, &mut used)?;
            let outcomes = Some(used.outcomes.encode().into());
            self.put(&client, &Row { outcomes, ..used.row })?;
        }
        Ok(())
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
        let known = self.used(&hello.client)?;
        let new = known.is_none();
        let mut used = match known {
            Some(used) if used.row.secret_hash != secret_hash => return Ok(Opened::WrongSecret),
            Some(used) if hello.fence <= used.row.fence => return Ok(Opened::Fenced),
            Some(used) => used.clone(),
            None => {
                if let Err(refused) = admit() {
                    return Ok(refused);
                }
                let row = Row {
                    secret_hash,
                    fence: 0,
                    highest: 0,
                    highest_id: None,
                    seen: None,
                    outcomes: None,
                    was_forgotten: hello.returning.then_some(true),
                };
                Used { row, outcomes: Outcomes::default(), lowest: 0 }
            }
        };
        used.row.fence = hello.fence;
        used.row.seen = Some(now);
        used.lowest = used.lowest.max(hello.lowest);
        let Row { highest, highest_id, was_forgotten, .. } = used.row.clone();
        self.used.insert(hello.client, used);
        let new = new || was_forgotten == Some(true);
        Ok(Opened::Welcome { highest, highest_id, new })
    }

    /// What is known about an event before it is decided.
    pub(super) fn admit(&mut self, numbered: &Numbered) -> Result<Admission, StoreError> {
        let client = &numbered.client;
        let Some(used) = self.used(client)? else {
            return Ok(Admission::Unknown);
        };
        if numbered.fence < used.row.fence {
            return Ok(Admission::Fenced);
        }
        if numbered.number <= used.row.highest {
            return Ok(match used.outcomes.find(numbered.number) {
                None => Admission::Stale,
                Some(Some(place)) => Admission::Decided(Verdict::Stored(place)),
                Some(None) => Admission::Decided(self.said(client, numbered.number)?),
            });
        }
        used.lowest = used.lowest.max(numbered.lowest);
        if used.outcomes.kept() < MAX_UNANSWERED as u64 {
            return Ok(Admission::New);
        }
        let (rejects, Some(used)) = (&mut self.rejects, self.used.get_mut(client)) else {
            return Ok(Admission::Unknown);
        };
        forget(rejects, client, used)?;
        Ok(match used.outcomes.kept() < MAX_UNANSWERED as u64 {
            true => Admission::New,
            false => Admission::TooMany,
        })
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
        let Some(used) = self.used(client)? else {
            return Ok(());
        };
        let row = &mut used.row;
        row.highest = numbered.number;
        row.was_forgotten = None;
        match (&mut row.highest_id, id) {
            (Some(highest), Some(id)) => id.clone_into(highest),
            (highest, id) => *highest = id.map(str::to_owned),
        }
        row.seen = Some(now);
        match verdict {
            Verdict::Stored(place) => used.outcomes.push(numbered.number, Some(*place)),
            Verdict::Rejected(code, message) => {
                used.outcomes.push(numbered.number, None);
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
            clients.push((*client.value(), decode(row.value())?));
        }
        for (client, row) in clients {
            let mut outcomes = Outcomes::default();
            for (number, place) in of(&client)? {
                outcomes.push(number, place);
            }
            self.put(&client, &Row { outcomes: Some(outcomes.encode().into()), ..row })?;
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
        for (looked_at, row) in self.rows.range::<&[u8; 16]>(&from..)?.enumerate() {
            let (client, row) = row?;
            if looked_at == most {
                next = Some(*client.value());
                break;
            }
            let row = decode(row.value())?;
            match row.seen {
                Some(seen) if seen < horizon => old.push(*client.value()),
                Some(_) => {}
                None => undated.push((*client.value(), Row { seen: Some(now), ..row })),
            }
        }
        let changed = !old.is_empty() || !undated.is_empty();
        for (client, row) in undated {
            self.put(&client, &row)?;
        }
        for client in old {
            self.rejects.retain_in((&client, 0)..=(&client, u64::MAX), |_, _| false)?;
            self.rows.remove(&client)?;
        }
        Ok(Pruned { next, changed })
    }

    /// What was said of a number that was rejected.
    fn said(&self, client: &[u8; 16], number: u64) -> Result<Verdict, StoreError> {
        let reject = self.rejects.get((client, number))?;
        let reject = reject.ok_or(StoreError::Corrupt("reject"))?;
        let (code, message) = reject.value();
        let code = RejectCode::from_number(code).ok_or(StoreError::Corrupt("reject"))?;
        Ok(Verdict::Rejected(code, message.to_owned()))
    }

    /// The row of a client, to be changed.
    fn used(&mut self, client: &[u8; 16]) -> Result<Option<&mut Used>, StoreError> {
        Ok(match self.used.entry(*client) {
            Entry::Occupied(known) => Some(known.into_mut()),
            Entry::Vacant(vacant) => {
                let Some(row) = self.rows.get(client)? else {
                    return Ok(None);
                };
                let row = decode(row.value())?;
                let outcomes = row.outcomes.as_deref().map_or(&[][..], |bytes| bytes);
                let outcomes = Outcomes::decode(outcomes)?;
                Some(vacant.insert(Used { row, outcomes, lowest: 0 }))
            }
        })
    }

    fn put(&mut self, client: &[u8; 16], row: &Row) -> Result<(), StoreError> {
        let bytes = minicbor::to_vec(row).map_err(|_| StoreError::Corrupt("client"))?;
        self.rows.insert(client, bytes.as_slice())?;
        Ok(())
    }
}

fn decode(row: &[u8]) -> Result<Row, StoreError> {
    minicbor::decode(row).map_err(|_| StoreError::Corrupt("client"))
}

/// Drops the outcomes below the lowest that is needed.
fn forget(
    rejects: &mut Table<'_, (&'static [u8; 16], u64), (u64, &'static str)>,
    client: &[u8; 16],
    used: &mut Used,
) -> Result<(), StoreError> {
    for number in used.outcomes.forget(used.lowest) {
        rejects.remove((client, number))?;
    }
    Ok(())
}
