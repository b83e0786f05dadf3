//! A disk in memory that can be cut off at any operation, fail for a while, and fill up.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use redb::{Database, StorageBackend};

use crate::embedded::error::Result;
use crate::embedded::host::Host;

const BLOCK: u64 = 4_096;

/// Shared by a store and its test.
#[derive(Debug, Clone, Default)]
pub struct Disk {
    state: Arc<Mutex<DiskState>>,
    clock: Arc<AtomicU64>,
}

#[derive(Debug, Default)]
struct DiskState {
    /// What a read gives.
    seen: Vec<u8>,
    /// What a power cut leaves for certain.
    synced: Vec<u8>,
    /// What changed since then, in order.
    pending: Vec<Change>,
    blocks: BTreeSet<u64>,
    capacity: Option<u64>,
    operations: u64,
    fails: std::ops::Range<u64>,
    /// Whether the file has its name: it gets that when the engine has made it whole.
    is_named: bool,
}

#[derive(Debug, Clone)]
enum Change {
    Length(u64),
    Write(u64, Vec<u8>),
}

/// How a machine stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crash {
    /// The process is killed: the system writes later what it was given.
    Kill,
    /// The power is cut: of what was not synced nothing is there,
    CutClean,
    /// or any part, in sectors.
    CutTorn(u64),
}

impl Disk {
    /// One on which there is a file already.
    pub fn holding(file: Vec<u8>) -> Self {
        let state =
            DiskState { seen: file.clone(), synced: file, is_named: true, ..DiskState::default() };
        Self { state: Arc::new(Mutex::new(state)), clock: Arc::default() }
    }

    fn state(&self) -> MutexGuard<'_, DiskState> {
        self.state.lock().unwrap()
    }

    pub fn set_clock(&self, milliseconds: u64) {
        self.clock.store(milliseconds, Ordering::SeqCst);
    }

    /// Writes, syncs and changes of length so far.
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Lets the operations of these numbers fail.
    pub fn fail(&self, operations: std::ops::Range<u64>) {
        self.state().fails = operations;
    }

    pub fn set_capacity(&self, bytes: u64) {
        self.state().capacity = Some(bytes);
    }

    /// The disk that is there after a crash.
    pub fn crashed(&self, crash: Crash) -> Self {
        let state = self.state();
        let image = match crash {
            _ if !state.is_named => Vec::new(),
            Crash::Kill => state.seen.clone(),
            Crash::CutClean => state.synced.clone(),
            Crash::CutTorn(seed) => torn(&state, seed),
        };
        let is_named = state.is_named;
        let after =
            DiskState { seen: image.clone(), synced: image, is_named, ..DiskState::default() };
        let clock = Arc::new(AtomicU64::new(self.clock.load(Ordering::SeqCst)));
        Self { state: Arc::new(Mutex::new(after)), clock }
    }
}

fn torn(state: &DiskState, mut seed: u64) -> Vec<u8> {
    // SplitMix64.
    let mut random = move || {
        seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    let mut image = state.synced.clone();
    for change in &state.pending {
        match change {
            Change::Length(_) if random() % 2 == 0 => {}
            Change::Write(offset, bytes) => {
                for (index, sector) in bytes.chunks(512).enumerate() {
                    let at = *offset as usize + index * 512;
                    if random() % 2 == 0 && at + sector.len() <= image.len() {
                        image[at..at + sector.len()].copy_from_slice(sector);
                    }
                }
            }
            length => apply(&mut image, length),
        }
    }
    image
}

fn apply(image: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Length(length) => image.resize(*length as usize, 0),
        Change::Write(offset, bytes) => {
            let offset = *offset as usize;
            image[offset..offset + bytes.len()].copy_from_slice(bytes);
        }
    }
}

impl DiskState {
    /// Counts an operation, which may fail.
    fn operate(&mut self) -> io::Result<()> {
        let number = self.operations;
        self.operations += 1;
        if self.fails.contains(&number) {
            return Err(io::Error::other("the disk fails"));
        }
        Ok(())
    }

    fn change(&mut self, change: Change) {
        apply(&mut self.seen, &change);
        self.pending.push(change);
    }
}

#[derive(Debug)]
struct Backend(Disk);

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.state().seen.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let (state, offset) = (self.0.state(), offset as usize);
        let bytes = state.seen.get(offset..offset + out.len());
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut state = self.0.state();
        state.operate()?;
        state.blocks.retain(|block| *block < length.div_ceil(BLOCK));
        state.change(Change::Length(length));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.0.state();
        state.operate()?;
        let pending = std::mem::take(&mut state.pending);
        pending.iter().for_each(|change| apply(&mut state.synced, change));
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.0.state();
        state.operate()?;
        let blocks = offset / BLOCK..(offset + data.len() as u64).div_ceil(BLOCK);
        let new: Vec<_> = blocks.filter(|block| !state.blocks.contains(block)).collect();
        let needed = (state.blocks.len() + new.len()) as u64 * BLOCK;
        if !new.is_empty() && state.capacity.is_some_and(|capacity| needed > capacity) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        state.blocks.extend(new);
        state.change(Change::Write(offset, data.to_vec()));
        Ok(())
    }
}

impl Host for Disk {
    fn path(&self) -> &Path {
        Path::new("memory")
    }

    fn open(&self) -> Result<Database> {
        let open = || {
            let mut builder = Database::builder();
            builder.set_cache_size(1 << 20).create_with_backend(Backend(self.clone()))
        };
        if !self.state().is_named {
            drop(open()?);
            self.state().is_named = true;
        }
        Ok(open()?)
    }

    fn free(&self) -> Option<u64> {
        let state = self.state();
        state.capacity.map(|capacity| capacity.saturating_sub(state.blocks.len() as u64 * BLOCK))
    }

    fn now(&self) -> u64 {
        self.clock.load(Ordering::SeqCst)
    }
}
