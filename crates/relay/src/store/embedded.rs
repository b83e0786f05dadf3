//! The embedded store: one redb file.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use redb::{Database, ReadableDatabase, ReadableTable, WriteTransaction};
use session::server::{Located, Older, Opened, Page, StreamNo};
use session::{Millis, Start, Stream};
use topic::{Pattern, Topic};

use super::backup::{self, Copied};
use super::clients::Clients;
use super::decide::{Circumstances, decide};
use super::format::{EXTENTS, Identity, prepare};
use super::host::{Host, Machine};
use super::ids::{Ids, Recent};
use super::log::{Extent, Log};
use super::new_client_limiter::NewClientLimiter;
use super::reading::{Reading, Search, locate};
use super::streams::Streams;
use super::unreadable::Unreadable;
use super::{Command, Settings, Store, StoreError, Written};

/// A command trims twice as many events as it logs, and so many more: it catches up and stays short.
const TRIM_ROWS: usize = 64;
/// The most events that [`Embedded::maintain`] trims,
const TEND_ROWS: usize = 1_024;
/// and the most clients that it looks at.
const TEND_CLIENTS: usize = 1_000;
/// Clients are looked through so often, in milliseconds.
const PRUNE_EVERY: u64 = 3_600_000;
/// A file that cannot be opened again is tried so often.
const TRY_EVERY: Duration = Duration::from_secs(1);

/// A [`Store`] in one file of a directory.
pub struct Embedded {
    host: Box<dyn Host>,
    settings: Settings,
    identity: Identity,
    streams: Streams,
    peer: String,
    slot: RwLock<Slot>,
    new_client_limiter: Mutex<NewClientLimiter>,
    pruning: Mutex<Pruning>,
    unreadable: Mutex<Unreadable>,
    /// Of each stream the oldest offset that is not trimmed, as far as something was trimmed since it was opened.
    firsts: Box<[AtomicU64]>,
    is_full: AtomicBool,
    /// Whether something was committed since the last [checkpoint](Embedded::maintain).
    is_fresh: AtomicBool,
}

/// The file. After a failure the engine answers nothing more, and it is opened anew.
enum Slot {
    Open(File),
    Closed { why: String, again: Instant },
}

struct File {
    database: Database,
    recent: Mutex<Recent>,
}

impl File {
    fn new(database: Database) -> Result<Self, StoreError> {
        let recent = Mutex::new(Recent::read(&database.begin_read()?)?);
        Ok(Self { database, recent })
    }

    /// A transaction, and what belongs to whoever has one.
    fn begin(&self) -> Result<(WriteTransaction, MutexGuard<'_, Recent>), StoreError> {
        let transaction = self.database.begin_write()?;
        Ok((transaction, self.recent.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// How far the clients have been looked through.
#[derive(Debug, Default)]
struct Pruning {
    next: Option<[u8; 16]>,
    began: u64,
}

impl fmt::Debug for Embedded {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Embedded").field("path", &self.host.path()).finish_non_exhaustive()
    }
}

impl Embedded {
    /// Opens or makes the store in `directory`.
    ///
    /// # Errors
    /// A [`StoreError`] that says why it cannot be used.
    pub fn open(directory: &Path, settings: Settings) -> Result<Self, StoreError> {
        Self::on(Box::new(Machine::new(directory)?), settings)
    }

    pub(super) fn on(host: Box<dyn Host>, settings: Settings) -> Result<Self, StoreError> {
        let began = Instant::now();
        let database = host.open()?;
        let wanted = Streams::wanted(&settings);
        let (identity, names) = prepare(&database, host.path(), host.now(), &wanted)?;
        let streams = Streams::new(names, &settings)?;
        let firsts = streams.names.iter().map(|_| AtomicU64::new(0)).collect();
        let took = began.elapsed();
        tracing::info!(path = %host.path().display(), ?took, epoch = identity.epoch, "the store is open");
        let new_client_limiter = NewClientLimiter::new(settings.new_clients_per_hour);
        Ok(Self {
            host,
            settings,
            identity,
            streams,
            peer: format!("{:016x}", identity.peer),
            slot: RwLock::new(Slot::Open(File::new(database)?)),
            new_client_limiter: Mutex::new(new_client_limiter),
            pruning: Mutex::default(),
            unreadable: Mutex::default(),
            firsts,
            is_full: AtomicBool::new(false),
            is_fresh: AtomicBool::new(true),
        })
    }

    /// The host's clock.
    #[cfg(test)]
    pub(super) fn now(&self) -> Millis {
        self.host.now()
    }

    /// Before the commit: what may be gone is not read from elsewhere.
    fn note_firsts(&self, log: &Log<'_>) {
        for (stream, first) in (0..).zip(&self.firsts) {
            first.store(log.extent(stream).first, Ordering::Relaxed);
        }
    }

    /// Runs `work`, and after a failure of the engine gives it a file that is opened anew next time.
    fn with<T>(&self, work: impl FnOnce(&File) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut slot = self.slot.read().unwrap_or_else(PoisonError::into_inner);
        if let Slot::Closed { .. } = *slot {
            drop(slot);
            self.reopen()?;
            slot = self.slot.read().unwrap_or_else(PoisonError::into_inner);
        }
        let file = match &*slot {
            Slot::Open(file) => file,
            Slot::Closed { why, .. } => return Err(StoreError::Closed(why.clone())),
        };
        let result = work(file);
        drop(slot);
        if let Err(StoreError::Engine(error)) = &result {
            let mut slot = self.slot.write().unwrap_or_else(PoisonError::into_inner);
            if let Slot::Open(_) = *slot {
                let path = self.host.path().display();
                tracing::error!(%error, %path, "the store failed and is opened anew: see that its disk has room, is mounted, and reports no errors");
                *slot = Slot::Closed { why: error.to_string(), again: Instant::now() };
            }
        }
        result
    }

    fn reopen(&self) -> Result<(), StoreError> {
        let mut slot = self.slot.write().unwrap_or_else(PoisonError::into_inner);
        let Slot::Closed { why, again } = &mut *slot else { return Ok(()) };
        if Instant::now() < *again {
            return Err(StoreError::Closed(why.clone()));
        }
        let opened = self.host.open().and_then(|database| {
            // A file that was replaced meanwhile is another log; its positions must not be mixed.
            let wanted = Streams::wanted(&self.settings);
            let (identity, names) = prepare(&database, self.host.path(), self.host.now(), &wanted)?;
            match identity == self.identity && names == self.streams.names {
                true => File::new(database),
                false => Err(StoreError::Corrupt("another log took the file's place")),
            }
        });
        match opened {
            Ok(file) => {
                tracing::warn!(path = %self.host.path().display(), "the store is open again");
                *slot = Slot::Open(file);
                Ok(())
            }
            Err(error) => {
                *why = error.to_string();
                *again = Instant::now() + TRY_EVERY;
                Err(error)
            }
        }
    }

    fn reading(&self, file: &File, stream: StreamNo) -> Result<Reading, StoreError> {
        Reading::new(&file.database.begin_read()?, stream as u32, self.identity.epoch)
    }

    /// Whether that many bytes fit into the room that a larger log has left inside its file.
    fn is_inside(&self, bytes: u64) -> Result<bool, StoreError> {
        self.with(|file| {
            let (mut used, mut peak) = (0, 0);
            for row in file.database.begin_read()?.open_table(EXTENTS)?.iter()? {
                let extent = Extent::of(row?.1.value());
                (used, peak) = (used + extent.bytes, peak + extent.peak);
            }
            Ok(used + bytes <= peak - peak / 8)
        })
    }

    /// Drops what the events of a command push out: some more than these, so that the log stays as short as it is to be.
    fn trim(&self, log: &mut Log<'_>, written: &Written) -> Result<(), StoreError> {
        log.flush()?;
        let most = 2 * written.logged.len() + TRIM_ROWS;
        for (stream, keep) in self.streams.keep() {
            // Where nothing is new there is time.
            if written.logged.iter().any(|event| event.stream == stream as usize) {
                log.trim(stream, keep, most)?;
            }
        }
        Ok(())
    }

    /// Rows that cannot be read harm nobody but their clients, and are never served: somebody has to know.
    fn report_unreadable(&self, found: u64, now: u64) {
        let mut unreadable = self.unreadable.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rows) = unreadable.note(found, now) {
            let path = self.host.path().display();
            tracing::error!(rows, %path, "the store holds rows of clients that cannot be read: these clients are refused, or start over as if they were forgotten; all others are served");
        }
    }

    fn admit(&self, address: IpAddr) -> Result<(), Opened> {
        let mut new_client_limiter =
            self.new_client_limiter.lock().unwrap_or_else(PoisonError::into_inner);
        new_client_limiter.admit(address).map_err(|wait| {
            let retry = wait.as_millis().saturating_add(1).try_into().unwrap_or(u32::MAX);
            Opened::Limited { retry }
        })
    }
}

impl Store for Embedded {
    fn peer(&self) -> &str {
        &self.peer
    }

    fn epoch(&self) -> u64 {
        self.identity.epoch
    }

    fn streams(&self) -> &[Stream] {
        &self.streams.names
    }

    fn first(&self, stream: StreamNo) -> u64 {
        self.firsts.get(stream).map_or(u64::MAX, |first| first.load(Ordering::Relaxed))
    }

    fn heads(&self) -> Result<Vec<u64>, StoreError> {
        self.with(|file| {
            let extents = file.database.begin_read()?.open_table(EXTENTS)?;
            let head = |stream: u32| -> Result<u64, StoreError> {
                Ok(extents.get(stream)?.map_or(Extent::EMPTY, |row| Extent::of(row.value())).head)
            };
            (0..).zip(self.streams()).map(|(stream, _)| head(stream)).collect()
        })
    }

    fn apply(&self, commands: &[Command<'_>]) -> Result<Vec<Written>, StoreError> {
        let Some(last) = commands.last() else { return Ok(Vec::new()) };
        self.with(|file| {
            // Durable is redb's default; what it says of a commit is true once `commit` returns.
            let (transaction, mut recent) = file.begin()?;
            let (all, changes, closed) = {
                let mut log = Log::open(&transaction, last.time)?;
                let new = commands.iter().map(|command| command.writes.len()).sum();
                let mut ids = Ids::open(&transaction, &recent, new)?;
                let mut clients = Clients::open(&transaction)?;
                let circumstances = Circumstances {
                    epoch: self.identity.epoch,
                    streams: &self.streams.names,
                    route: &|topic: &Topic| self.streams.of(topic),
                    admit: &|address| self.admit(address),
                };
                let mut all = Vec::with_capacity(commands.len());
                for command in commands {
                    log.at(command.time);
                    let written =
                        decide(command, &mut log, &mut ids, &mut clients, &circumstances)?;
                    self.trim(&mut log, &written)?;
                    all.push(written);
                }
                self.note_firsts(&log);
                let changes = ids.close(&mut log)?;
                let closed = clients.close()?;
                if changes.any() {
                    log.close()?;
                }
                (all, changes, closed)
            };
            self.report_unreadable(closed.unreadable, last.time.late);
            if !changes.any() && !closed.changed {
                // Refused hellos and repeats, which anybody can send as fast as they like.
                transaction.abort()?;
                return Ok(all);
            }
            self.is_fresh.store(true, Ordering::Relaxed);
            transaction.commit()?;
            recent.settle(changes);
            Ok(all)
        })
    }

    fn has_room(&self, bytes: u64) -> Result<bool, StoreError> {
        let reserve = self.settings.reserve;
        let Some(free) = self.host.free().filter(|_| reserve > 0) else { return Ok(true) };
        // Rows, indexes, and the pages that a commit copies.
        let needed = bytes.saturating_mul(4);
        let has_room = free >= reserve.saturating_add(needed)
            || (free >= (reserve / 2).saturating_add(needed) && self.is_inside(bytes)?);
        if self.is_full.swap(!has_room, Ordering::Relaxed) == has_room {
            let path = self.host.path().display();
            if has_room {
                tracing::info!(%path, free, "the disk has room again: events are taken");
            } else {
                tracing::error!(%path, free, reserve, "the disk is full: no event is taken until it has room; free some, or keep less (--keep-bytes, --keep-age)");
            }
        }
        Ok(has_room)
    }

    /// When there is no more to drop, it leaves a checkpoint. A file that was killed after one opens at once; after
    /// a later commit the engine walks the whole file first, which takes a second per gigabyte or so.
    /// A checkpoint costs a second sync and a list of all pages, too much for each commit.
    fn maintain(&self, now: Millis) -> Result<bool, StoreError> {
        self.with(|file| {
            let (mut transaction, mut recent) = file.begin()?;
            let (mut more, mut changed, ids);
            {
                let mut log = Log::open(&transaction, now.into())?;
                (more, changed) = (false, false);
                for (stream, keep) in self.streams.keep() {
                    let before = log.extent(stream);
                    more |= log.trim(stream, keep, TEND_ROWS)?;
                    changed |= before != log.extent(stream);
                }
                self.note_firsts(&log);
                ids = Ids::open(&transaction, &recent, 0)?.close(&mut log)?;
                log.close()?;
                let mut pruning = self.pruning.lock().unwrap_or_else(PoisonError::into_inner);
                if pruning.next.is_some() || pruning.began + PRUNE_EVERY <= now {
                    let from = pruning.next.unwrap_or_else(|| {
                        pruning.began = now;
                        [0; 16]
                    });
                    let keep = u64::try_from(self.settings.keep_clients.as_millis());
                    let horizon = now.saturating_sub(keep.unwrap_or(u64::MAX));
                    let mut clients = Clients::open(&transaction)?;
                    let pruned = clients.prune(from, TEND_CLIENTS, horizon, now)?;
                    pruning.next = pruned.next;
                    more |= pruned.next.is_some();
                    changed |= pruned.changed;
                    self.report_unreadable(pruned.unreadable, now);
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
            Ok(more)
        })
    }

    fn backup(&self, to: &Path) -> Result<Copied, StoreError> {
        // What the copy reads stays as it is while others write; the file may be closed meanwhile.
        let moment = self.with(|file| Ok(file.database.begin_read()?))?;
        backup::copy(&moment, to)
    }

    fn locate(
        &self,
        pattern: &Pattern,
        start: &Start,
        search: &mut Search,
    ) -> Result<Option<Located>, StoreError> {
        self.with(|file| {
            let (moment, epoch) = (file.database.begin_read()?, self.identity.epoch);
            locate(&moment, self.streams(), epoch, pattern, start, search)
        })
    }

    fn read(
        &self,
        stream: StreamNo,
        pattern: &Pattern,
        from: u64,
        limit: usize,
    ) -> Result<Page, StoreError> {
        self.with(|file| self.reading(file, stream)?.page(pattern, from, limit))
    }

    fn history(
        &self,
        stream: StreamNo,
        pattern: &Pattern,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Older, StoreError> {
        self.with(|file| self.reading(file, stream)?.history(pattern, before, limit))
    }
}
