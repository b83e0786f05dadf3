//! An outbox in memory, with the same operations as a store.

use super::store::{OutboxRow, SavedState, StoreRequest, StoreResponse};
use crate::RejectCode;

/// A store that lives as long as the page: used where the browser refuses one, and the reference for others
/// in tests.
///
/// ```
/// use session::client::{Client, Effect, MemoryOutbox, Options, SavedState};
/// let mut entropy: session::client::Entropy = Box::new(|bytes| bytes.fill(7));
/// let mut store = MemoryOutbox::new(SavedState::new(&mut entropy));
/// let mut client = Client::new(Options::default(), entropy, store.saved().clone());
/// let body = session::Body { id: "1".into(), ..Default::default() };
/// client.publish(topic::Topic::parse("a").unwrap(), &body, 0).unwrap();
/// while let Some(effect) = client.poll() {
///     if let Effect::Store(request) = effect {
///         client.answer(Ok(store.run(request)), 0);
///     }
/// }
/// assert_eq!(store.saved().rows.len(), 1);
/// ```
#[derive(Debug, Clone)]
pub struct MemoryOutbox {
    saved: SavedState,
}

impl MemoryOutbox {
    /// Creates a store with this content.
    pub fn new(saved: SavedState) -> Self {
        Self { saved }
    }

    /// The content.
    pub fn saved(&self) -> &SavedState {
        &self.saved
    }

    /// Applies a request.
    pub fn run(&mut self, asked: StoreRequest) -> StoreResponse {
        let saved = &mut self.saved;
        match asked {
            StoreRequest::Keep { client, rows, at_least } => {
                let is_its = client == saved.client;
                let first = saved.next.max(if is_its { at_least } else { 0 });
                saved.next = first + rows.len() as u64;
                saved.rows.extend((first..).zip(rows).map(|(number, row)| {
                    let leaving = row.leaving && is_its;
                    OutboxRow { number, leaving, ..row }
                }));
                StoreResponse::Kept { client: saved.client, first }
            }
            StoreRequest::Mark { client, numbers } => {
                let mut marked = Vec::new();
                for row in rows_of(saved, client, &numbers) {
                    if row.dropped.is_none() {
                        row.leaving = true;
                        marked.push(row.number);
                    }
                }
                StoreResponse::Marked(marked)
            }
            StoreRequest::Erase { client, numbers, decided } => {
                if client == saved.client {
                    saved.rows.retain(|row| !numbers.contains(&row.number));
                    if decided.0 > saved.decided.0 {
                        saved.decided = decided;
                    }
                }
                StoreResponse::Erased
            }
            StoreRequest::Drop { client, numbers, why } => {
                let (mut dropped, mut leaving) = (Vec::new(), Vec::new());
                for row in rows_of(saved, client, &numbers) {
                    if row.leaving {
                        leaving.push(row.number);
                    } else {
                        row.dropped.get_or_insert(why);
                        dropped.push(row.number);
                    }
                }
                StoreResponse::Dropped { dropped, leaving }
            }
            StoreRequest::Renew { from, highest, client, secret } => {
                if from == saved.client {
                    for (number, row) in (1..).zip(&mut saved.rows) {
                        if row.leaving || row.number <= highest {
                            row.dropped.get_or_insert(RejectCode::Uncertain);
                        }
                        row.number = number;
                    }
                    (saved.client, saved.secret) = (client, secret);
                    saved.next = saved.rows.len() as u64 + 1;
                    (saved.fence, saved.decided) = (0, (0, String::new()));
                }
                StoreResponse::Renewed(saved.clone())
            }
            StoreRequest::TakeFence { used } => {
                saved.fence = saved.fence.max(used) + 1;
                StoreResponse::Fence(saved.fence)
            }
            StoreRequest::Load => StoreResponse::Loaded(saved.clone()),
        }
    }
}

/// The rows of a client that have these numbers.
fn rows_of<'s>(
    saved: &'s mut SavedState,
    client: [u8; 16],
    numbers: &[u64],
) -> impl Iterator<Item = &'s mut OutboxRow> {
    let is_its = client == saved.client;
    saved.rows.iter_mut().filter(move |row| is_its && numbers.contains(&row.number))
}
