//! Dropping what is no longer kept, a bounded part at a time: old events, and clients that stay away.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use redb::WriteTransaction;
use session::Millis;

use super::Embedded;
use super::clients::Clients;
use super::error::Result;
use super::ids::Ids;
use super::log::Log;
use crate::{Maintained, StoreError};

/// The most events of a stream that one step drops.
pub(super) const MAX_ROWS: usize = 1_024;
/// The most clients that one step looks at.
const MAX_CLIENTS: usize = 1_000;
/// How often all clients are looked through, in milliseconds.
const PRUNE_EVERY: u64 = 3_600_000;

/// How far the clients have been looked through.
#[derive(Debug, Default)]
pub(super) struct Pruning {
    next: Option<[u8; 16]>,
    began: u64,
}

/// What a step of pruning did.
struct Pruned {
    changed: bool,
    more: bool,
}

impl Embedded {
    /// See [`Store::maintain`](crate::Store::maintain).
    ///
    /// When there is no more to drop, it leaves a checkpoint. A file that was killed after one opens at once; after
    /// a later commit the engine walks the whole file first, which takes a second per gigabyte or so.
    /// A checkpoint costs a second sync and a list of all pages, too much for each commit.
    pub(super) fn drop_some(&self, now: Millis) -> Result<Maintained, StoreError> {
        self.file.with(|file| {
            let (mut transaction, mut recent) = file.begin()?;
            let (mut more, mut changed, ids, superseded);
            {
                let mut log = Log::open(&transaction, now.into())?;
                (more, changed) = (false, false);
                for (stream, keep) in self.streams.keep() {
                    let before = log.extent(stream);
                    more |= log.trim(stream, keep, MAX_ROWS)?;
                    changed |= before != log.extent(stream);
                }
                if let Some(swept) = self.sweep(&mut log, now)? {
                    more = true;
                    changed |= swept.changed;
                }
                self.note_firsts(&log);
                ids = Ids::open(&transaction, &recent, 0)?.close(&mut log)?;
                superseded = log.take_superseded();
                log.close()?;
                if let Some(pruned) = self.prune(&transaction, now)? {
                    more |= pruned.more;
                    changed |= pruned.changed;
                }
            }
            let is_fresh = self.is_fresh.swap(more, Ordering::Relaxed);
            transaction.set_quick_repair(!more);
            if changed || is_fresh {
                transaction.commit()?;
                recent.settle(ids);
            } else {
                transaction.abort()?;
            }
            Ok(Maintained { more, superseded })
        })
    }

    /// Looks at the next clients, if it is time.
    fn prune(&self, transaction: &WriteTransaction, now: Millis) -> Result<Option<Pruned>> {
        let mut pruning = self.pruning.lock().unwrap_or_else(PoisonError::into_inner);
        if pruning.next.is_none() && pruning.began + PRUNE_EVERY > now {
            return Ok(None);
        }
        let from = pruning.next.unwrap_or_else(|| {
            pruning.began = now;
            [0; 16]
        });
        let keep = u64::try_from(self.settings.keep_clients.as_millis());
        let horizon = now.saturating_sub(keep.unwrap_or(u64::MAX));
        let pruned = Clients::open(transaction)?.prune(from, MAX_CLIENTS, horizon, now)?;
        pruning.next = pruned.next;
        self.report_unreadable(pruned.unreadable, now);
        Ok(Some(Pruned { changed: pruned.changed, more: pruned.next.is_some() }))
    }
}
