//! What the store keeps of each client, in the same transaction as the log: the hash of its secret, its
//! fencing token, the highest number decided, and the outcomes that it may still ask for.

use minicbor::{Decode, Encode};
use redb::{ReadableTable, Table, TableDefinition, WriteTransaction};
use session::Hello;
use session::server::{Numbered, Opened};
use sha2::{Digest, Sha256};

use super::StoreError;

const CLIENTS: TableDefinition<'_, &[u8; 16], &[u8]> = TableDefinition::new("clients");
/// Client and number to offset.
const OUTCOMES: TableDefinition<'_, (&[u8; 16], u64), u64> = TableDefinition::new("outcomes");

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
}

/// What a client's number says about an event.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// Nothing was decided about it.
    New,
    /// It has this offset since an earlier try.
    Decided(u64),
    /// It comes through a connection that a newer one has ended.
    Fenced,
    /// The number was decided, and the client had said that it needs the outcome no more.
    Stale,
    /// There is no such client.
    Unknown,
}

/// The tables, in a transaction.
pub(super) struct Clients<'t> {
    rows: Table<'t, &'static [u8; 16], &'static [u8]>,
    outcomes: Table<'t, (&'static [u8; 16], u64), u64>,
}

impl<'t> Clients<'t> {
    pub(super) fn open(transaction: &'t WriteTransaction) -> Result<Self, StoreError> {
        let rows = transaction.open_table(CLIENTS)?;
        Ok(Self { rows, outcomes: transaction.open_table(OUTCOMES)? })
    }

    /// Checks who says hello, and ends the older connections of that client.
    pub(super) fn open_connection(&mut self, hello: &Hello) -> Result<Opened, StoreError> {
        let secret_hash: [u8; 32] = Sha256::digest(hello.secret).into();
        let known = self.row(&hello.client)?;
        let new = known.is_none();
        let mut row = known.unwrap_or(Row { secret_hash, fence: 0, highest: 0, highest_id: None });
        if row.secret_hash != secret_hash {
            return Ok(Opened::WrongSecret);
        }
        if !new && hello.fence <= row.fence {
            return Ok(Opened::Fenced);
        }
        row.fence = hello.fence;
        self.put(&hello.client, &row)?;
        self.forget(&hello.client, hello.lowest)?;
        Ok(Opened::Welcome { highest: row.highest, highest_id: row.highest_id, new })
    }

    /// What is known about an event before it is logged.
    pub(super) fn admit(&mut self, numbered: &Numbered) -> Result<Admission, StoreError> {
        let Some(row) = self.row(&numbered.client)? else {
            return Ok(Admission::Unknown);
        };
        if numbered.fence < row.fence {
            return Ok(Admission::Fenced);
        }
        if numbered.number > row.highest {
            return Ok(Admission::New);
        }
        let outcome = self.outcomes.get((&numbered.client, numbered.number))?;
        Ok(outcome.map_or(Admission::Stale, |offset| Admission::Decided(offset.value())))
    }

    /// Notes the outcome of an event that was [new](Admission::New).
    pub(super) fn decided(
        &mut self,
        numbered: &Numbered,
        id: &str,
        offset: u64,
    ) -> Result<(), StoreError> {
        let client = &numbered.client;
        let Some(mut row) = self.row(client)? else {
            return Ok(());
        };
        row.highest = numbered.number;
        row.highest_id = Some(id.to_owned());
        self.put(client, &row)?;
        self.outcomes.insert((client, numbered.number), offset)?;
        self.forget(client, numbered.lowest)
    }

    /// Drops the outcomes below `lowest`.
    fn forget(&mut self, client: &[u8; 16], lowest: u64) -> Result<(), StoreError> {
        self.outcomes.retain_in((client, 0)..(client, lowest), |_, _| false)?;
        Ok(())
    }

    fn row(&self, client: &[u8; 16]) -> Result<Option<Row>, StoreError> {
        let Some(bytes) = self.rows.get(client)? else {
            return Ok(None);
        };
        minicbor::decode(bytes.value()).map(Some).map_err(|_| StoreError::Corrupt("client"))
    }

    fn put(&mut self, client: &[u8; 16], row: &Row) -> Result<(), StoreError> {
        let bytes = minicbor::to_vec(row).map_err(|_| StoreError::Corrupt("client"))?;
        self.rows.insert(client, bytes.as_slice())?;
        Ok(())
    }
}
