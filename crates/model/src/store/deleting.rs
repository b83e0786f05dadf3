//! Deletes: the deletion event is logged, and the deleted one is emptied.

use std::sync::Arc;

use session::RejectCode;
use session::server::ledger::refused;
use session::server::{Decided, Deletable, Deletion, Logged};

use super::{Store, rejected};
use crate::bug::Bug;

impl Store {
    /// Decides about a deletion, and returns the new log entry.
    pub fn delete(&mut self, deletion: &Deletion) -> (Decided, Option<Arc<Logged>>) {
        if self.fails {
            return (refused(RejectCode::Unavailable, ""), None);
        }
        let Deletion { stream, target, event, .. } = deletion;
        let log = &mut self.logs[*stream];
        let Some(found) = log.event(target.offset).cloned() else {
            // It may have left the log since it was deleted.
            let before = log.find(event);
            let (code, message) = Deletion::NOT_FOUND;
            let stored = before.map(|offset| self.stored((*stream, offset)));
            return (stored.unwrap_or_else(|| rejected(code, message)), None);
        };
        let body = match deletion.check(log.head().epoch, &found.topic, &found.body) {
            Err((code, message)) => return (rejected(code, message), None),
            Ok(Deletable::Repeat(offset)) if self.bug != Some(Bug::DeletesTwice) => {
                return (self.stored((*stream, offset)), None);
            }
            Ok(Deletable::Repeat(_)) => None,
            Ok(Deletable::New(body)) => Some(body),
        };
        if self.full {
            return (refused(RejectCode::DiskFull, ""), None);
        }
        let log = &mut self.logs[*stream];
        let logged = log.append(&found.topic, event);
        if let Some(body) = body.filter(|_| self.bug != Some(Bug::DeletesNothing)) {
            log.replace(target.offset, &body.emptied(logged.offset));
        }
        (self.stored((*stream, logged.offset)), Some(logged))
    }
}
