//! A store of which a test decides when it fails and when it waits.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use session::server::{Located, Older, Page, StreamNo, TopicCount};
use session::{Millis, Position, Start, Stream};
use store::{Command, Copied, Embedded, Maintained, Search, Store, StoreError, Usage, Written};
use topic::{Pattern, Topic};

/// A store whose commits fail on demand.
pub struct Failing {
    inner: Embedded,
    pub fails: AtomicBool,
    /// As `fails`, but the commit is there: only its success is not reported.
    pub fails_after: AtomicBool,
    /// Held by the test to let writes pile up.
    pub gate: Mutex<()>,
    /// The number of passes of the writer that have begun.
    pub passes: AtomicU64,
}

impl Failing {
    pub fn new(inner: Embedded) -> Self {
        let [fails, fails_after] = [(); 2].map(|()| AtomicBool::new(false));
        let (gate, passes) = (Mutex::default(), AtomicU64::default());
        Self { inner, fails, fails_after, gate, passes }
    }
}

impl Store for Failing {
    fn peer(&self) -> &str {
        self.inner.peer()
    }
    fn epoch(&self) -> u64 {
        self.inner.epoch()
    }
    fn streams(&self) -> &[Stream] {
        self.inner.streams()
    }
    fn heads(&self) -> Result<Vec<u64>, StoreError> {
        self.inner.heads()
    }
    fn first(&self, stream: StreamNo) -> u64 {
        self.inner.first(stream)
    }
    fn knows(&self, clients: &[[u8; 16]]) -> Result<Vec<bool>, StoreError> {
        self.inner.knows(clients)
    }
    fn apply(&self, commands: &[Command<'_>]) -> Result<Vec<Written>, StoreError> {
        self.passes.fetch_add(1, Ordering::SeqCst);
        let _gate = self.gate.lock().unwrap();
        if self.fails.swap(false, Ordering::SeqCst) {
            return Err(StoreError::Engine("the disk is full".into()));
        }
        let written = self.inner.apply(commands)?;
        if self.fails_after.swap(false, Ordering::SeqCst) {
            return Err(StoreError::Engine("announced too late".into()));
        }
        Ok(written)
    }
    fn has_room(&self, bytes: u64) -> Result<bool, StoreError> {
        self.inner.has_room(bytes)
    }
    fn usage(&self) -> Result<Usage, StoreError> {
        self.inner.usage()
    }
    fn maintain(&self, now: Millis) -> Result<Maintained, StoreError> {
        self.inner.maintain(now)
    }
    fn backup(&self, to: &Path) -> Result<Copied, StoreError> {
        self.inner.backup(to)
    }
    fn locate(
        &self,
        pattern: &Pattern,
        start: &Start,
        search: &mut Search,
    ) -> Result<Option<Located>, StoreError> {
        self.inner.locate(pattern, start, search)
    }
    fn read(
        &self,
        stream: StreamNo,
        pattern: &Pattern,
        from: u64,
        limit: usize,
    ) -> Result<Page, StoreError> {
        self.inner.read(stream, pattern, from, limit)
    }
    fn history(
        &self,
        stream: StreamNo,
        pattern: &Pattern,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Older, StoreError> {
        self.inner.history(stream, pattern, before, limit)
    }

    fn tally(&self, topic: &Topic, after: Option<&Position>) -> Result<TopicCount, StoreError> {
        self.inner.tally(topic, after)
    }
}
