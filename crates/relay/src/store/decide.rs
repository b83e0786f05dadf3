//! Deciding a batch of writes inside a transaction.

use std::collections::HashMap;
use std::net::IpAddr;

use session::server::{Decided, Opened};
use session::{Durability, Position, RejectCode, Stream};
use topic::Topic;

use super::clients::{Admission, Clients, Verdict};
use super::ids::Ids;
use super::log::Log;
use super::{Outcome, Record, StoreError, Write, Written};

/// After so many milliseconds there may be room again, or outcomes that are needed no more.
const RETRY: u32 = 1_000;
const HELD_BACK: &str = "a lower number comes first";
const FORGOTTEN: &str = "the number was decided and its outcome is forgotten";

/// What a batch is decided by, beside the tables.
pub(super) struct Circumstances<'a> {
    pub(super) epoch: u64,
    /// By their numbers.
    pub(super) streams: &'a [Stream],
    /// The number of the stream that takes a topic.
    pub(super) route: &'a dyn Fn(&Topic) -> u32,
    /// Milliseconds since 1970.
    pub(super) now: u64,
    /// Whether the disk has room for what is new.
    pub(super) has_room: bool,
    /// Takes a new client from an address, or says why not.
    pub(super) admit: &'a dyn Fn(IpAddr) -> Result<(), Opened>,
}

/// The number of each client's that is to come again: were a higher one decided before it, it would be
/// taken for one that was decided long ago. With the fencing token of its connection.
type Held = HashMap<[u8; 16], (u64, u64)>;

/// Decides each of `batch` in its order.
pub(super) fn decide(
    batch: &[Write],
    log: &mut Log<'_>,
    ids: &mut Ids<'_>,
    clients: &mut Clients<'_>,
    circumstances: &Circumstances<'_>,
) -> Result<Written, StoreError> {
    let mut written = Written {
        outcomes: Vec::with_capacity(batch.len()),
        logged: Vec::with_capacity(batch.len()),
        heads: Vec::new(),
    };
    let mut held = Held::new();
    for write in batch {
        let outcome = match write {
            Write::Open(hello, address) => {
                let admit = || address.map_or(Ok(()), circumstances.admit);
                Outcome::Opened(clients.open_connection(hello, circumstances.now, admit)?)
            }
            Write::Append(record) if is_held(record, &held) => {
                Outcome::Decided(rejected(RejectCode::HeldBack, HELD_BACK, Some(RETRY)))
            }
            Write::Append(record) => {
                let decided = one(record, log, ids, clients, circumstances, &mut written)?;
                if let (Decided::Rejected { retry: Some(_), .. }, Some(numbered)) =
                    (&decided, record.client)
                {
                    held.insert(numbered.client, (numbered.fence, numbered.number));
                }
                Outcome::Decided(decided)
            }
        };
        written.outcomes.push(outcome);
    }
    let heads = (0..).zip(circumstances.streams).map(|(stream, _)| log.extent(stream).head);
    written.heads = heads.collect();
    Ok(written)
}

fn is_held(record: &Record, held: &Held) -> bool {
    let Some(numbered) = &record.client else { return false };
    held.get(&numbered.client)
        .is_some_and(|&(fence, number)| fence == numbered.fence && number < numbered.number)
}

fn one(
    record: &Record,
    log: &mut Log<'_>,
    ids: &mut Ids<'_>,
    clients: &mut Clients<'_>,
    circumstances: &Circumstances<'_>,
    written: &mut Written,
) -> Result<Decided, StoreError> {
    let admission = match &record.client {
        Some(numbered) => clients.admit(numbered)?,
        None => Admission::New,
    };
    let (verdict, id) = match admission {
        Admission::New => {
            let (verdict, id) = match &record.event {
                Err(refusal) => {
                    let verdict = Verdict::Rejected(refusal.code, refusal.message.clone());
                    (verdict, refusal.id.clone())
                }
                Ok(ready) => {
                    let place = match ids.find(&ready.digest, log)? {
                        Some(place) => place,
                        None if !circumstances.has_room => {
                            let message = "the disk is full: the event waits until there is room";
                            return Ok(rejected(RejectCode::DiskFull, message, Some(RETRY)));
                        }
                        None => {
                            let stream = (circumstances.route)(&ready.topic);
                            let logged = log.append(stream, ready);
                            let place = (stream, logged.offset);
                            ids.add(ready.digest, place);
                            written.logged.push(logged);
                            place
                        }
                    };
                    (Verdict::Stored(place), Some(ready.id.clone()))
                }
            };
            if let Some(numbered) = &record.client {
                clients.decided(numbered, id.as_deref(), &verdict, circumstances.now)?;
            }
            (verdict, id)
        }
        Admission::Decided(verdict) => (verdict, None),
        Admission::Fenced => return Ok(Decided::Fenced),
        Admission::Stale => {
            return Ok(rejected(RejectCode::StaleNumber, FORGOTTEN, None));
        }
        Admission::TooMany => {
            let message = "too many outcomes are kept: say up to which number they are known";
            return Ok(rejected(RejectCode::HeldBack, message, Some(RETRY)));
        }
        Admission::Unknown => {
            let message = "the client was forgotten: the event may be in the log or not";
            return Ok(rejected(RejectCode::Uncertain, message, None));
        }
        Admission::Unreadable => {
            let message =
                "what is stored of the client cannot be read: the event may be in the log or not";
            return Ok(rejected(RejectCode::Uncertain, message, None));
        }
        Admission::IllegalNumber => {
            let message = "a number is at most 9007199254740991";
            return Ok(rejected(RejectCode::IllegalEvent, message, None));
        }
    };
    Ok(match verdict {
        Verdict::Stored((stream, offset)) => {
            let Some(stream) = circumstances.streams.get(stream as usize).cloned() else {
                return Ok(rejected(RejectCode::StaleNumber, FORGOTTEN, None));
            };
            let position = Position { stream, epoch: circumstances.epoch, offset, id };
            Decided::Stored(position, Durability::Disk)
        }
        Verdict::Rejected(code, message) => rejected(code, &message, None),
    })
}

fn rejected(code: RejectCode, message: &str, retry: Option<u32>) -> Decided {
    Decided::Rejected { code, message: message.to_owned(), retry }
}
