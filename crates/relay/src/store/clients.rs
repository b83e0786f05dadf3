//! What the store keeps of each client, in the same transaction as the log: the hash of its secret, its
//! fencing token, the highest number decided, and the outcomes that it may still ask for.

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
}

impl<'t> Clients<'t> {
    pub(super) fn open(transaction: &'t WriteTransaction) -> Result<Self, StoreError> {
        Ok(Self {
            rows: transaction.open_table(CLIENTS)?,
            outcomes: transaction.open_table(OUTCOMES)?,
            rejects: transaction.open_table(REJECTS)?,
        })
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
        let known = self.row(&hello.client)?;
        let new = known.is_none();
        let mut row = match known {
            Some(row) if row.secret_hash != secret_hash => return Ok(Opened::WrongSecret),
            Some(row) if hello.fence <= row.fence => return Ok(Opened::Fenced),
            Some(row) => row,
            None => {
                if let Err(refused) = admit() {
                    return Ok(refused);
                }
                let (seen, outcomes) = (None, Some(0));
                Row { secret_hash, fence: 0, highest: 0, highest_id: None, seen, outcomes }
            }
        };
        row.fence = hello.fence;
        row.seen = Some(now);
        self.forget(&hello.client, &mut row, hello.lowest)?;
        self.put(&hello.client, &row)?;
        Ok(Opened::Welcome { highest: row.highest, highest_id: row.highest_id, new })
    }

    /// What is known about an event before it is decided.
    pub(super) fn admit(&mut self, numbered: &Numbered) -> Result<Admission, StoreError> {
        let Some(mut row) = self.row(&numbered.client)? else {
            return Ok(Admission::Unknown);
        };
        if numbered.fence < row.fence {
            return Ok(Admission::Fenced);
        }
        if numbered.number <= row.highest {
            let verdict = self.verdict(&numbered.client, numbered.number)?;
            return Ok(verdict.map_or(Admission::Stale, Admission::Decided));
        }
        if self.kept(&numbered.client, &row)? >= MAX_UNANSWERED as u64 {
            self.forget(&numbered.client, &mut row, numbered.lowest)?;
            self.put(&numbered.client, &row)?;
            if self.kept(&numbered.client, &row)? >= MAX_UNANSWERED as u64 {
                return Ok(Admission::TooMany);
            }
        }
        Ok(Admission::New)
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
        let Some(mut row) = self.row(client)? else {
            return Ok(());
        };
        row.outcomes = Some(self.kept(client, &row)? + 1);
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
        self.forget(client, &mut row, numbered.lowest)?;
        self.put(client, &row)
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

    /// How many outcomes of a client are kept.
    fn kept(&self, client: &[u8; 16], row: &Row) -> Result<u64, StoreError> {
        if let Some(outcomes) = row.outcomes {
            return Ok(outcomes);
        }
        Ok(self.outcomes.range((client, 0)..=(client, u64::MAX))?.count() as u64)
    }

    /// Drops the outcomes below `lowest`.
    fn forget(&mut self, client: &[u8; 16], row: &mut Row, lowest: u64) -> Result<(), StoreError> {
        let (mut dropped, mut rejects) = (0, Vec::new());
        self.outcomes.retain_in((client, 0)..(client, lowest), |(_, number), offset| {
            dropped += 1;
            if offset == 0 {
                rejects.push(number);
            }
            false
        })?;
        for number in rejects {
            self.rejects.remove((client, number))?;
        }
        row.outcomes = row.outcomes.map(|kept| kept.saturating_sub(dropped));
        Ok(())
    }

    fn row(&self, client: &[u8; 16]) -> Result<Option<Row>, StoreError> {
        self.rows.get(client)?.map(|row| decode(row.value())).transpose()
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
