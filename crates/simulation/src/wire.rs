//! A connection between a tab and the relay, as TCP makes them: in order, or not at all.

use std::collections::VecDeque;

use crate::history::LifeNo;

/// Numbers connections; none is used twice.
pub type WireNo = usize;

/// See the [module](self).
#[derive(Debug)]
pub struct Wire {
    /// Which tab opened it.
    pub tab: usize,
    /// In which of its lives.
    pub life: LifeNo,
    /// It is that of the tab's spare client.
    pub is_spare: bool,
    /// The tab has not closed it, or seen it close.
    pub is_open: bool,
    /// To the relay.
    pub up: Flow,
    /// To the tab.
    pub down: Flow,
}

/// One direction.
#[derive(Debug, Default)]
pub struct Flow {
    /// What is on the way.
    pub parcels: VecDeque<Parcel>,
    /// What is sent now arrives no earlier.
    pub last: u64,
    /// Nothing arrives before.
    pub stalled_until: u64,
    /// Nothing arrives any more, and nobody is told.
    pub is_dead: bool,
}

/// What arrives at an end.
#[derive(Debug)]
pub enum Parcel {
    /// A message.
    Message(Vec<u8>),
    /// The other end has closed, with this code.
    Closed(u16),
}

impl Wire {
    /// A connection that has just been made.
    pub fn new(tab: usize, life: LifeNo, is_spare: bool) -> Self {
        Self { tab, life, is_spare, is_open: true, up: Flow::default(), down: Flow::default() }
    }

    /// It carries in both directions, and nothing is on the way.
    pub fn holds(&self) -> bool {
        [&self.up, &self.down].iter().all(|flow| !flow.is_dead && flow.parcels.is_empty())
    }
}

impl Flow {
    /// Takes a parcel, and says when it arrives.
    pub fn send(&mut self, parcel: Parcel, now: u64, latency: u64) -> u64 {
        self.parcels.push_back(parcel);
        self.last = self.last.max(now + latency);
        self.last
    }
}
