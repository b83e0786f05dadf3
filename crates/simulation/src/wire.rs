//! A connection between a tab and the relay that behaves like TCP: in order, or not at all.

use std::collections::VecDeque;

use crate::history::LifeNo;

/// The number of a connection, which is never reused.
pub type WireNo = usize;

/// See the [module](self).
#[derive(Debug)]
pub struct Wire {
    /// The tab that has opened it.
    pub tab: usize,
    /// The life of that tab.
    pub life: LifeNo,
    /// Whether it belongs to the tab's fallback client.
    pub is_fallback: bool,
    /// Whether the tab has neither closed it nor seen it close.
    pub is_open: bool,
    /// The direction to the relay.
    pub up: Flow,
    /// The direction to the tab.
    pub down: Flow,
}

/// One direction of a connection.
#[derive(Debug, Default)]
pub struct Flow {
    /// The parcels in transit.
    pub parcels: VecDeque<Parcel>,
    /// The earliest arrival of the next parcel.
    pub last: u64,
    /// Nothing arrives before this time.
    pub stalled_until: u64,
    /// Silently, nothing arrives from now on.
    pub is_dead: bool,
}

/// What arrives at one end.
#[derive(Debug)]
pub enum Parcel {
    /// A message.
    Message(Vec<u8>),
    /// The other end has closed the connection with this code.
    Closed(u16),
}

impl Wire {
    /// Creates a connection.
    pub fn new(tab: usize, life: LifeNo, is_fallback: bool) -> Self {
        Self { tab, life, is_fallback, is_open: true, up: Flow::default(), down: Flow::default() }
    }

    /// Whether both directions work and nothing is in transit.
    pub fn holds(&self) -> bool {
        [&self.up, &self.down].iter().all(|flow| !flow.is_dead && flow.parcels.is_empty())
    }
}

impl Flow {
    /// Takes a parcel and returns its time of arrival.
    pub fn send(&mut self, parcel: Parcel, now: u64, latency: u64) -> u64 {
        self.parcels.push_back(parcel);
        self.last = self.last.max(now + latency);
        self.last
    }
}
