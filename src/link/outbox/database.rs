//! The outbox as a database: one object store, which holds the client under 0 and each row under its number. An
//! operation is one transaction: it reads the rows it needs, runs on them as it would in memory, and writes the
//! changes.
//!
//! The crate `idb` makes the requests. Listeners are those of gloo, which end when they are dropped.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use gloo_events::EventListener;
use idb::{Factory, KeyRange, ObjectStore, ObjectStoreParams};
use session::client::{
    MemoryOutbox, OutboxRow, SavedState, StoreError, StoreRequest, StoreResponse,
};
use wasm_bindgen::prelude::*;
use web_sys::{IdbDatabase, IdbOpenDbRequest, IdbRequest, IdbTransaction};

use super::{Outbox, record};
use crate::js::{listen, object, text_of};
use crate::link::entropy;

#[wasm_bindgen]
extern "C" {
    // idb has no options for transactions, and web-sys only in builds with `web_sys_unstable_apis`.
    #[derive(Clone)]
    #[wasm_bindgen(extends = IdbDatabase, extends = web_sys::EventTarget)]
    pub(in crate::link) type Connection;
    #[wasm_bindgen(catch, method)]
    fn transaction(
        this: &Connection,
        store: &str,
        mode: &str,
        options: &JsValue,
    ) -> Result<IdbTransaction, JsValue>;
}

/// An open database. Dropping it closes it, as soon as its transactions have ended.
pub(super) struct Database {
    connection: Connection,
    _listeners: [EventListener; 2],
}

/// Listens for the result of opening a database.
#[derive(Default)]
pub(super) struct Opening {
    _listeners: Vec<EventListener>,
}

/// A transaction, and its listeners.
pub(super) struct Running {
    pub(super) asked: StoreRequest,
    transaction: IdbTransaction,
    _listeners: [EventListener; 3],
}

const STORE: &str = "outbox";
/// Databases are created at version 1. At this version, one that another script created without the store was given
/// it. Higher versions have another form.
pub(super) const REPAIRED: u32 = 2;

impl Connection {
    /// Requests the database with this name, at this version or at the one it has. The listener gives a new database
    /// its object store. Returns `None` if the browser refuses at once.
    pub(in crate::link) fn request(
        name: &str,
        version: Option<u32>,
    ) -> Option<(IdbOpenDbRequest, EventListener)> {
        let request = Factory::new().and_then(|all| all.open(name, version)).ok()?;
        let request = IdbOpenDbRequest::from(request);
        let made = request.clone();
        let made = listen(&request, "upgradeneeded", move |_| {
            let store = made.result().ok().and_then(|connection| {
                let database = idb::Database::from(connection.unchecked_into::<IdbDatabase>());
                database.create_object_store(STORE, ObjectStoreParams::new()).ok()
            });
            if store.is_none()
                && let Some(upgrade) = made.transaction()
            {
                let _ended_already = upgrade.abort();
            }
        });
        Some((request, made))
    }

    /// Begins a transaction. What it has written when it ends survives a crash of the machine.
    pub(in crate::link) fn begin(&self) -> Result<(IdbTransaction, ObjectStore), idb::Error> {
        let strict = object(&[("durability", "strict".into())]);
        let transaction = self
            .transaction(STORE, "readwrite", &strict)
            .map_err(idb::Error::TransactionOpenFailed)?;
        let store = idb::Transaction::from(transaction.clone()).object_store(STORE)?;
        Ok((transaction, store))
    }
}

impl Database {
    /// Opens a database at this version, or at the version it has, and creates it if it does not exist. Returns `None`
    /// if the browser refuses at once.
    pub(super) fn open(name: &str, version: Option<u32>, outbox: Weak<Outbox>) -> Option<Opening> {
        let (request, made) = Connection::request(name, version)?;
        let [success, error] = ["success", "error"].map(|event| {
            let (request, outbox) = (request.clone(), outbox.clone());
            listen(&request.clone(), event, move |_| {
                // The result of a failed request is undefined.
                let connection = request.result().ok().filter(JsValue::is_object);
                if let Some(outbox) = outbox.upgrade() {
                    let database =
                        connection.and_then(|it| Self::new(it.unchecked_into(), &outbox.this));
                    outbox.opened(database);
                }
            })
        });
        Some(Opening { _listeners: vec![made, success, error] })
    }

    /// Listens until another page wants to delete the database or change its version, or the browser closes it.
    /// Returns `None` if it has another form.
    fn new(connection: Connection, outbox: &Weak<Outbox>) -> Option<Self> {
        if connection.version() > f64::from(REPAIRED) {
            connection.close();
            return None;
        }
        let listeners = ["versionchange", "close"].map(|event| {
            let outbox = outbox.clone();
            listen(&connection, event, move |_| {
                if let Some(outbox) = outbox.upgrade() {
                    outbox.close();
                }
            })
        });
        Some(Self { connection, _listeners: listeners })
    }

    /// Begins an operation, whose result the outbox receives later.
    ///
    /// # Errors
    /// The operation, if the database is closed already.
    pub(super) fn run(
        &self,
        asked: StoreRequest,
        outbox: Weak<Outbox>,
    ) -> Result<Running, StoreRequest> {
        let Ok(Begun { transaction, store, head, rows }) = begin(&self.connection, &asked) else {
            return Err(asked);
        };
        let outcome: Rc<RefCell<Option<Result<StoreResponse, StoreError>>>> = Rc::default();
        let read = listen(&rows.clone(), "success", {
            let (transaction, outcome) = (transaction.clone(), outcome.clone());
            let mut asked = Some(asked.clone());
            move |_| {
                let Some(asked) = asked.take() else { return };
                let done = carry_out(&store, &head, &rows, asked).map_err(|error| kind(&error));
                let failed = done.is_err();
                outcome.replace(Some(done));
                if failed {
                    let _ended_already = transaction.abort();
                }
            }
        });
        let [complete, abort] = ["complete", "abort"].map(|event| {
            let (aborted, outcome) = (transaction.clone(), outcome.clone());
            let outbox = outbox.clone();
            listen(&transaction, event, move |_| {
                let done = match outcome.take() {
                    // An aborted transaction has an error, unless it was aborted here.
                    Some(Ok(done)) if event == "complete" => Ok(done),
                    Some(Err(error)) => Err(error),
                    _ => Err(kind_of(&aborted.error().into())),
                };
                if let Some(outbox) = outbox.upgrade() {
                    outbox.ended(done);
                }
            })
        });
        Ok(Running { asked, transaction, _listeners: [read, complete, abort] })
    }
}

impl Running {
    /// Aborts the transaction. False if it is too late for that.
    pub(super) fn abort(&self) -> bool {
        self.transaction.abort().is_ok()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.connection.close();
    }
}

/// A transaction that has requested the client, and then the rows that its operation needs.
struct Begun {
    transaction: IdbTransaction,
    store: ObjectStore,
    head: IdbRequest,
    rows: IdbRequest,
}

fn begin(connection: &Connection, asked: &StoreRequest) -> Result<Begun, idb::Error> {
    let (transaction, store) = connection.begin()?;
    let head = store.get(JsValue::from(HEAD))?.into();
    let (first, last) = match asked {
        StoreRequest::Load | StoreRequest::Renew { .. } => (1.0, f64::MAX),
        StoreRequest::Mark { numbers, .. }
        | StoreRequest::Erase { numbers, .. }
        | StoreRequest::Drop { numbers, .. } => {
            let number = |number: Option<&u64>| number.map_or(NOTHING, |number| *number as f64);
            (number(numbers.iter().min()), number(numbers.iter().max()))
        }
        StoreRequest::Keep { .. } | StoreRequest::TakeFence { .. } => (NOTHING, NOTHING),
    };
    let range = KeyRange::bound(&first.into(), &last.into(), None, None)?;
    let rows = store.get_all(Some(range.into()), None)?.into();
    Ok(Begun { transaction, store, head, rows })
}

const HEAD: u32 = 0;
/// A key without a value.
const NOTHING: f64 = -1.0;

fn carry_out(
    store: &ObjectStore,
    head: &IdbRequest,
    rows: &IdbRequest,
    asked: StoreRequest,
) -> Result<StoreResponse, idb::Error> {
    let [head, rows] = [head, rows].map(IdbRequest::result);
    let head = head.map_err(idb::Error::RequestResultNotFound)?;
    let rows = rows.map_err(idb::Error::RequestResultNotFound)?;
    let is_new = head.is_undefined();
    let mut saved = if is_new {
        SavedState::new(&mut entropy())
    } else {
        record::read_head(&head).ok_or(idb::Error::UnexpectedJsType("a client", head))?
    };
    saved.rows = record::read_rows(&rows);
    let marks = |row: &OutboxRow| (row.number, row.leaving, row.dropped);
    let before: Vec<_> = saved.rows.iter().map(marks).collect();
    let renews = matches!(asked, StoreRequest::Renew { .. });
    let only_reads = matches!(asked, StoreRequest::Load) && !is_new;
    let mut memory = MemoryOutbox::new(saved);
    let answer = memory.run(asked);

    let after = memory.saved();
    for (number, ..) in &before {
        if after.rows.binary_search_by_key(number, |row| row.number).is_err() {
            store.delete(JsValue::from(*number as f64))?;
        }
    }
    for row in &after.rows {
        if renews || !before.contains(&marks(row)) {
            store.put(&record::row(row), Some(&(row.number as f64).into()))?;
        }
    }
    if !only_reads {
        store.put(&record::head(after), Some(&HEAD.into()))?;
    }
    Ok(answer)
}

fn kind(error: &idb::Error) -> StoreError {
    match error {
        idb::Error::UpdateFailed(thrown) => kind_of(thrown),
        _ => StoreError::Unavailable,
    }
}

fn kind_of(thrown: &JsValue) -> StoreError {
    if text_of(thrown).starts_with("QuotaExceeded") {
        StoreError::Full
    } else {
        StoreError::Unavailable
    }
}
