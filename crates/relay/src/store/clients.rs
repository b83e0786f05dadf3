//! What the store keeps of each client, in the same transaction as the log: the hash of its secret, its
//! fencing token, the highest number decided, and the outcomes that it may still ask for.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use minicbor::{Decode, Encode};
use redb::{ReadableTable, Table, TableDefinition, WriteTransaction};
use session::server::{Numbered, Opened};
use session::{Hello, MAX_UNANSWERED, RejectCode};
use sha2::{Digest, Sha256};

use super::StoreError;

pub(super) const CLIENTS: TableDefinition<'_, &[u8; 16], &[u8]> = TableDefinition::new("clients");
/// Client and number to offset; 0 if there is a row in [`REJECTS`].
pub(super) const OUTCOMES: TableDefinition<'_, (&[u8; 16], u64), u64> =
    TableDefinition::new("outcomes");
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
    /// How many outcomes are kept. Rows of format 1 do not say.
    #[n(5)]
    outcomes: Option<u64>,
}

/// What became of a numbered event, for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It has this offset.
    Stored(u64),
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
    outcomes: Table<'t, (&'static [u8; 16], u64), u64>,
    rejects: Table<'t, (&'static [u8; 16], u64), (u64, &'static str)>,
    /// Rows that were read, and are written once for all writes of the transaction.
    used: HashMap<[u8; 16], Used>,
}

/// The row of a client in a transaction.
#[derive(Debug, Clone)]
struct Used {
    row: Row,
    /// Outcomes below are needed no more.
    lowest: u64,
}

impl<'t> Clients<'t> {
    pub(super) fn open(transaction: &'t WriteTransaction) -> Result<Self, StoreError> {
        Ok(Self {
            rows: transaction.open_table(CLIENTS)?,
            outcomes: transaction.open_table(OUTCOMES)?,
            rejects: transaction.open_table(REJECTS)?,
            used: HashMap::new(),
        })
    }

    /// Writes the rows that changed, and drops the outcomes that are needed no more.
    pub(super) fn close(mut self) -> Result<(), StoreError> {
        for (client, mut used) in std::mem::take(&mut self.used) {
            self.forget(&client, &mut used)?;
            self.put(&client, &used.row)?;
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
                let (seen, outcomes) = (None, Some(0));
                let row =
                    Row { secret_hash, fence: 0, highest: 0, highest_id: None, seen, outcomes };
                Used { row, lowest: 0 }
            }
        };
        used.row.fence = hello.fence;
        used.row.seen = Some(now);
        used.lowest = used.lowest.max(hello.lowest);
        let Row { highest, highest_id, .. } = used.row.clone();
        self.used.insert(hello.client, used);
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
            let verdict = self.verdict(client, numbered.number)?;
            return Ok(verdict.map_or(Admission::Stale, Admission::Decided));
        }
        used.lowest = used.lowest.max(numbered.lowest);
        if used.row.outcomes.is_some_and(|kept| kept < MAX_UNANSWERED as u64) {
            return Ok(Admission::New);
        }
        let mut used = used.clone();
        self.forget(client, &mut used)?;
        let is_full = used.row.outcomes.is_some_and(|kept| kept >= MAX_UNANSWERED as u64);
        self.used.insert(*client, used);
        Ok(if is_full { Admission::TooMany } else { Admission::New })
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
        row.outcomes = row.outcomes.map(|kept| kept + 1);
        row.highest = numbered.number;
        row.highest_id = id.map(str::to_owned);
        row.seen = Some(now);
        let key = (client, numbered.number);
        match verdict {
            Verdict::Stored(offset) => self.outcomes.insert(key, offset)?,
            Verdict::Rejected(code, message) => {
                self.rejects.insert(key, (code.number(), message.as_str()))?;
                self.outcomes.insert(key, 0)?
            }
        };
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
            self.outcomes.retain_in((&client, 0)..=(&client, u64::MAX), |_, _| false)?;
            self.rejects.retain_in((&client, 0)..=(&client, u64::MAX), |_, _| false)?;
            self.rows.remove(&client)?;
        }
        Ok(Pruned { next, changed })
    }

    fn verdict(&self, client: &[u8; 16], number: u64) -> Result<Option<Verdict>, StoreError> {
        Ok(match self.outcomes.get((client, number))?.map(|offset| offset.value()) {
            Some(0) => {
                let reject = self.rejects.get((client, number))?;
                let reject = reject.ok_or(StoreError::Corrupt("reject"))?;
                let (code, message) = reject.value();
                let code = RejectCode::from_number(code).ok_or(StoreError::Corrupt("reject"))?;
                Some(Verdict::Rejected(code, message.to_owned()))
            }
            offset => offset.map(Verdict::Stored),
        })
    }

    /// Drops the outcomes below the lowest that is needed.
    fn forget(&mut self, client: &[u8; 16], used: &mut Used) -> Result<(), StoreError> {
        let (mut dropped, mut rejects) = (0, Vec::new());
        self.outcomes.retain_in((client, 0)..(client, used.lowest), |(_, number), offset| {
            dropped += 1;
            if offset == 0 {
                rejects.push(number);
            }
            false
        })?;
        for number in rejects {
            self.rejects.remove((client, number))?;
        }
        used.row.outcomes = used.row.outcomes.map(|kept| kept.saturating_sub(dropped));
        Ok(())
    }

    /// The row of a client, to be changed.
    fn used(&mut self, client: &[u8; 16]) -> Result<Option<&mut Used>, StoreError> {
        if let Entry::Vacant(vacant) = self.used.entry(*client) {
            let Some(row) = self.rows.get(client)? else {
                return Ok(None);
            };
            let mut row = decode(row.value())?;
            if row.outcomes.is_none() {
                let kept = self.outcomes.range((client, 0)..=(client, u64::MAX))?.count();
                row.outcomes = Some(kept as u64);
            }
            vacant.insert(Used { row, lowest: 0 });
        }
        Ok(self.used.get_mut(client))
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
