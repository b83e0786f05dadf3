//! Deletes: the deletion event is logged and the deleted one emptied, in one transaction.

use std::sync::Arc;

use session::RejectCode;
use session::server::ledger::refused;
use session::server::{Decided, Deletable, Deletion, Logged};

use super::circumstances::Circumstances;
use super::clients::rejected;
use super::error::Result;
use super::ids::Ids;
use super::log::Log;
use crate::digest::digest;
use crate::record::Ready;
use crate::{Command, Written};

/// Decides about a deletion. A repeat gets the position of the first deletion event.
pub(super) fn delete(
    deletion: &Deletion,
    command: &Command<'_>,
    log: &mut Log<'_>,
    ids: &mut Ids<'_>,
    circumstances: &Circumstances<'_>,
    written: &mut Written,
) -> Result<Decided> {
    let Deletion { stream, target, event, .. } = deletion;
    let (number, digest) = (u32::try_from(*stream).unwrap_or(u32::MAX), digest(event));
    let Some((topic, body)) = log.event(number, target.offset)? else {
        // It may have left the log since it was deleted.
        let before = ids.find(&digest, log)?;
        let (code, message) = Deletion::NOT_FOUND;
        return Ok(before.map_or_else(
            || rejected(code, message),
            |position| circumstances.stored(position, None),
        ));
    };
    let body = match deletion.check(circumstances.epoch, &topic, &body) {
        Err((code, message)) => return Ok(rejected(code, message)),
        Ok(Deletable::Repeat(offset)) => return Ok(circumstances.stored((number, offset), None)),
        Ok(Deletable::New(body)) => body,
    };
    if !command.has_room {
        let message = "the disk is full: the deletion waits until there is room";
        return Ok(refused(RejectCode::DiskFull, message));
    }
    let (id, encoded) = (event.id.clone(), event.encode().into());
    let logged = log.append(number, &Ready { topic: topic.clone(), id, digest, body: encoded });
    let position = (number, logged.offset);
    let emptied = body.emptied(logged.offset).encode();
    log.replace_body(number, target.offset, &emptied)?;
    ids.add(digest, position);
    written.emptied.push(Arc::new(Logged::new(*stream, target.offset, topic, emptied.into())));
    written.logged.push(logged);
    Ok(circumstances.stored(position, Some(event.id.clone())))
}
