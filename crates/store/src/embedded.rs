//! A store in one file, by the engine redb. Nothing outside of this folder names the engine.

mod applying;
mod backup;
mod block;
mod blocks;
mod circumstances;
mod client_row;
mod clients;
mod decide;
mod deleting;
mod error;
mod filter;
mod format;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod host;
mod ids;
mod log;
mod maintenance;
mod names;
mod open_file;
mod outcomes;
mod packed;
mod reading;
mod room;
mod sweeping;
#[cfg(test)]
mod tests;
mod unreadable;

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use session::server::{Located, Older, Page, StreamNo, TopicCount};
use session::{Millis, Position, Start, Stream};
use topic::{Pattern, Topic};

use crate::streams::Streams;
use crate::{
    Command, Copied, Maintained, Search, Settings, Store, StoreError, StreamUsage, Usage, Written,
};
use clients::CLIENTS;
use error::Result;
use format::EXTENTS;
use host::{Host, Machine};
use log::{Extent, Log};
use maintenance::Pruning;
use open_file::{File, OpenFile};
use reading::{Reading, locate};
use sweeping::Sweeping;
use unreadable::Unreadable;

/// A [`Store`] in one file of a directory.
pub struct Embedded {
    file: OpenFile,
    settings: Settings,
    streams: Streams,
    peer: String,
    pruning: Mutex<Pruning>,
    sweeping: Mutex<Sweeping>,
    unreadable: Mutex<Unreadable>,
    /// Of each stream the oldest offset that is not trimmed, as far as something was trimmed since it was opened.
    firsts: Box<[AtomicU64]>,
    is_full: AtomicBool,
    /// Whether something was committed since the last [checkpoint](Embedded::drop_some).
    is_fresh: AtomicBool,
}

impl fmt::Debug for Embedded {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Embedded").field("path", &self.file.host.path()).finish_non_exhaustive()
    }
}

impl Embedded {
    /// Opens or creates the store in `directory`.
    ///
    /// # Errors
    /// A [`StoreError`] that says why it cannot be used.
    pub fn open(directory: &Path, settings: Settings) -> Result<Self, StoreError> {
        Self::on(Box::new(Machine::new(directory)?), settings)
    }

    /// Whether `directory` holds a store.
    pub fn is_in(directory: &Path) -> bool {
        Machine::file(directory).is_file()
    }

    fn on(host: Box<dyn Host>, settings: Settings) -> Result<Self, StoreError> {
        let began = Instant::now();
        let (file, names) = OpenFile::new(host, Streams::wanted(&settings))?;
        let streams = Streams::new(names, &settings)?;
        let firsts = streams.names.iter().map(|_| AtomicU64::new(0)).collect();
        let (path, epoch, took) =
            (file.host.path().display(), file.identity.epoch, began.elapsed());
        tracing::info!(%path, ?took, epoch, "the store is open");
        Ok(Self {
            peer: format!("{:016x}", file.identity.peer),
            file,
            settings,
            streams,
            pruning: Mutex::default(),
            sweeping: Mutex::default(),
            unreadable: Mutex::default(),
            firsts,
            is_full: AtomicBool::new(false),
            is_fresh: AtomicBool::new(true),
        })
    }

    /// Publishes what is trimmed. To be called before the commit: what may be gone must not be read from elsewhere.
    fn note_firsts(&self, log: &Log<'_>) {
        for (stream, first) in (0..).zip(&self.firsts) {
            first.store(log.extent(stream).first, Ordering::Relaxed);
        }
    }

    /// Logs that rows cannot be read. They harm only their clients, and are never served, so an operator has to know.
    fn report_unreadable(&self, found: u64, now: u64) {
        let mut unreadable = self.unreadable.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rows) = unreadable.note(found, now) {
            let path = self.file.host.path().display();
            tracing::error!(rows, %path, "the store holds rows of clients that cannot be read: these clients are refused, or start over as if they were forgotten; all others are served");
        }
    }

    /// What each stream holds.
    fn extents(&self) -> Result<Vec<Extent>, StoreError> {
        self.file.with(|file| {
            let extents = file.read()?.open_table(EXTENTS)?;
            let extent = |stream: u32| -> Result<Extent> {
                Ok(extents.get(stream)?.map_or(Extent::EMPTY, |row| Extent::of(row.value())))
            };
            (0..).zip(self.streams()).map(|(stream, _)| extent(stream)).collect()
        })
    }

    fn reading(&self, file: &File, stream: StreamNo) -> Result<Reading> {
        Reading::new(&file.read()?, stream as u32, self.file.identity.epoch)
    }
}

impl Store for Embedded {
    fn peer(&self) -> &str {
        &self.peer
    }

    fn epoch(&self) -> u64 {
        self.file.identity.epoch
    }

    fn streams(&self) -> &[Stream] {
        &self.streams.names
    }

    fn first(&self, stream: StreamNo) -> u64 {
        self.firsts.get(stream).map_or(u64::MAX, |first| first.load(Ordering::Relaxed))
    }

    fn heads(&self) -> Result<Vec<u64>, StoreError> {
        Ok(self.extents()?.iter().map(|extent| extent.head).collect())
    }

    fn knows(&self, clients: &[[u8; 16]]) -> Result<Vec<bool>, StoreError> {
        self.file.with(|file| {
            let rows = file.read()?.open_table(CLIENTS)?;
            clients.iter().map(|client| Ok(rows.get(client)?.is_some())).collect()
        })
    }

    fn apply(&self, commands: &[Command<'_>]) -> Result<Vec<Written>, StoreError> {
        self.apply_all(commands)
    }

    fn has_room(&self, bytes: u64) -> Result<bool, StoreError> {
        self.has_room_for(bytes)
    }

    fn usage(&self) -> Result<Usage, StoreError> {
        let of = |Extent { first, head, count, bytes, .. }: Extent| StreamUsage {
            first,
            head,
            count,
            bytes,
        };
        let streams = self.extents()?.into_iter().map(of).collect();
        let file = std::fs::metadata(self.file.host.path()).map_or(0, |file| file.len());
        Ok(Usage { file, streams })
    }

    fn maintain(&self, now: Millis) -> Result<Maintained, StoreError> {
        self.drop_some(now)
    }

    fn backup(&self, to: &Path) -> Result<Copied, StoreError> {
        // What the copy reads stays as it is while others write; the file may be closed meanwhile.
        let moment = self.file.with(File::read)?;
        Ok(backup::copy(&moment, to)?)
    }

    fn locate(
        &self,
        pattern: &Pattern,
        start: &Start,
        search: &mut Search,
    ) -> Result<Option<Located>, StoreError> {
        let epoch = self.file.identity.epoch;
        self.file.with(|file| locate(&file.read()?, self.streams(), epoch, pattern, start, search))
    }

    fn read(
        &self,
        stream: StreamNo,
        pattern: &Pattern,
        from: u64,
        limit: usize,
    ) -> Result<Page, StoreError> {
        self.file.with(|file| self.reading(file, stream)?.page(pattern, from, limit))
    }

    fn history(
        &self,
        stream: StreamNo,
        pattern: &Pattern,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Older, StoreError> {
        self.file.with(|file| self.reading(file, stream)?.history(pattern, before, limit))
    }

    fn tally(&self, topic: &Topic, after: Option<&Position>) -> Result<TopicCount, StoreError> {
        let stream = self.streams.of(topic) as StreamNo;
        let Some(name) = self.streams().get(stream) else { return Ok(TopicCount::default()) };
        self.file.with(|file| self.reading(file, stream)?.tally(name, topic, after))
    }
}
