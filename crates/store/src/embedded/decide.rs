//! Deciding the writes of a command inside a transaction.

use session::RejectCode;
use session::server::Decided;
use session::server::ledger::refused;

use super::circumstances::Circumstances;
use super::clients::{Clients, Known, rejected};
use super::deleting::delete;
use super::error::Result;
use super::ids::Ids;
use super::log::Log;
use crate::{Command, Record, Write, WriteOutcome, Written};

/// Decides each write of `command` in its order.
pub(super) fn decide(
    command: &Command<'_>,
    log: &mut Log<'_>,
    ids: &mut Ids<'_>,
    clients: &mut Clients<'_>,
    circumstances: &Circumstances<'_>,
) -> Result<Written> {
    let mut written = Written {
        outcomes: Vec::with_capacity(command.writes.len()),
        logged: Vec::with_capacity(command.writes.len()),
        emptied: Vec::new(),
        superseded: Vec::new(),
        heads: Vec::new(),
    };
    for write in command.writes {
        let outcome = match write {
            Write::Open { hello, subject, may_be_new } => {
                let (now, subject) = (command.time.late, subject.as_deref());
                let opened = clients.open_connection(hello, subject, now, *may_be_new)?;
                opened.map_or(WriteOutcome::NewClient, WriteOutcome::Opened)
            }
            Write::Hold(numbered) => {
                clients.hold(numbered)?;
                WriteOutcome::Held
            }
            Write::Append(record) => {
                let decided = one(record, command, log, ids, clients, circumstances, &mut written)?;
                WriteOutcome::Decided(decided)
            }
            Write::Delete(deletion) => {
                let decided = delete(deletion, command, log, ids, circumstances, &mut written)?;
                WriteOutcome::Decided(decided)
            }
        };
        written.outcomes.push(outcome);
    }
    let heads = (0..).zip(circumstances.streams).map(|(stream, _)| log.extent(stream).head);
    written.heads = heads.collect();
    Ok(written)
}

/// Loads what is known of the event's client, asks the [ledger](session::server::ledger), and records what was decided.
fn one(
    record: &Record,
    command: &Command<'_>,
    log: &mut Log<'_>,
    ids: &mut Ids<'_>,
    clients: &mut Clients<'_>,
    circumstances: &Circumstances<'_>,
    written: &mut Written,
) -> Result<Decided> {
    let known = match &record.client {
        Some(numbered) => clients.admit(numbered)?,
        None => Known::New,
    };
    let (position, id) = match known {
        Known::Answer(answer) => return Ok(answer),
        Known::Stored(position) => (position, None),
        Known::New => {
            let ready = match &record.event {
                Ok(ready) => ready,
                Err(refusal) => {
                    if let Some(numbered) = &record.client {
                        clients.rejected(numbered, refusal, command.time.late)?;
                    }
                    return Ok(rejected(refusal.code, &refusal.message));
                }
            };
            let position = match ids.find(&ready.digest, log)? {
                Some(position) => position,
                None if !command.has_room => {
                    if let Some(numbered) = &record.client {
                        clients.hold(numbered)?;
                    }
                    let message = "the disk is full: the event waits until there is room";
                    return Ok(refused(RejectCode::DiskFull, message));
                }
                None => {
                    let stream = (circumstances.route)(&ready.topic);
                    let logged = log.append(stream, ready);
                    let position = (stream, logged.offset);
                    ids.add(ready.digest, position);
                    written.logged.push(logged);
                    position
                }
            };
            if let Some(numbered) = &record.client {
                clients.stored(numbered, &ready.id, position, command.time.late)?;
            }
            (position, Some(ready.id.clone()))
        }
    };
    Ok(circumstances.stored(position, id))
}
