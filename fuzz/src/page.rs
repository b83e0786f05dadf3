//! The surroundings of a page's client: reproducible randomness, and a store that may fail.

use std::collections::HashSet;

use session::client::{
    Entropy, MemoryOutbox, Outcome, SavedState, StoreError, StoreFailed, StoreRequest,
    StoreResponse,
};

/// The outbox of a page, and the events that have settled.
pub struct Store {
    /// Whether requests fail.
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

    /// An event settles exactly once.
    pub fn settle(&mut self, id: String, outcome: &Outcome) {
        assert!(self.settled.insert(id.clone()), "{id} is settled again: {outcome:?}");
    }
}
