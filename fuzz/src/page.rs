//! What a page has around its client: randomness that is the same in each run, and a store that may fail.

use std::collections::HashSet;

use session::client::{
    StoreResponse, Entropy, MemoryOutbox, Outcome, SavedState, StoreRequest, StoreError, StoreFailed,
};

/// The outbox of a page, and what it was told has ended.
pub struct Store {
    /// Refuses what is asked of it.
    pub fails: bool,
    outbox: MemoryOutbox,
    settled: HashSet<String>,
}

/// Bytes that follow from a seed.
pub fn entropy(seed: u8) -> Entropy {
    let mut state = seed;
    Box::new(move |bytes| {
        state = state.wrapping_mul(5).wrapping_add(1);
        bytes.fill(state);
    })
}

impl Store {
    pub fn new(entropy: &mut Entropy) -> Self {
        let outbox = MemoryOutbox::new(SavedState::new(entropy));
        Self { fails: false, outbox, settled: HashSet::new() }
    }

    pub fn saved(&self) -> SavedState {
        self.outbox.saved().clone()
    }

    pub fn run(&mut self, asked: StoreRequest) -> Result<StoreResponse, StoreFailed> {
        match self.fails {
            true => Err(StoreFailed { asked, error: StoreError::Full }),
            false => Ok(self.outbox.run(asked)),
        }
    }

    /// An event has its answer, and no other after it.
    pub fn settle(&mut self, id: String, outcome: &Outcome) {
        assert!(self.settled.insert(id.clone()), "{id} is settled again: {outcome:?}");
    }
}
