//! The numbers that failed and are to come again: a higher one of the same connection that waits in the
//! queue already must not be logged before them.

use std::cmp::Ordering;
use std::collections::HashMap;

use tokio::sync::mpsc;

use super::Answer;
use crate::store::{Record, Write};

/// So many are kept before it is looked whether all are needed.
const FEW: usize = 1_024;

/// See the [module](self). There are about as many as connections at the most.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// Of each client's newest connection.
    lowest: HashMap<[u8; 16], Lowest>,
    /// How many there were when it was last looked which are needed.
    needed: usize,
}

#[derive(Debug)]
struct Lowest {
    fence: u64,
    number: u64,
    /// The connection, and what of it waits in the queue, have one too.
    answer: mpsc::UnboundedSender<Vec<Answer>>,
}

impl Held {
    /// Whether a lower number comes first.
    pub(super) fn holds_back(&mut self, write: &Write) -> bool {
        let Write::Append(Record { client: Some(numbered), .. }) = write else { return false };
        let Some(lowest) = self.lowest.get(&numbered.client) else { return false };
        match lowest.fence.cmp(&numbered.fence) {
            // The store fences it.
            Ordering::Greater => return false,
            Ordering::Equal if lowest.number < numbered.number => return true,
            // The number itself, or a newer connection, which sends from its lowest unanswered number again.
            Ordering::Equal | Ordering::Less => {}
        }
        self.lowest.remove(&numbered.client);
        false
    }

    /// Notes that a write failed that came from where `answer` leads.
    pub(super) fn hold(&mut self, write: &Write, answer: &mpsc::UnboundedSender<Vec<Answer>>) {
        let Write::Append(Record { client: Some(numbered), .. }) = write else { return };
        let lowest =
            Lowest { fence: numbered.fence, number: numbered.number, answer: answer.clone() };
        match self.lowest.get_mut(&numbered.client) {
            Some(old) if old.fence > lowest.fence => {}
            Some(old) if old.fence == lowest.fence && old.number <= lowest.number => {}
            Some(old) => *old = lowest,
            None => {
                self.lowest.insert(numbered.client, lowest);
                self.forget();
            }
        }
    }

    /// Drops those of connections that have ended and of which nothing waits.
    fn forget(&mut self) {
        if self.lowest.len() >= FEW.max(2 * self.needed) {
            self.lowest.retain(|_, lowest| lowest.answer.strong_count() > 1);
            self.needed = self.lowest.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use session::server::Numbered;

    use super::super::tests::writes_of;
    use super::*;

    fn append(client: u32, number: u64) -> Write {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&client.to_be_bytes());
        writes_of(id, &[number]).1.remove(0)
    }

    #[test]
    fn neither_a_hello_nor_an_older_connection_releases_what_is_held() {
        let mut held = Held::default();
        let (answer, _answers) = mpsc::unbounded_channel();
        held.hold(&with_fence(2, 5), &answer);
        // Anybody can say hello with another's id; the store sees only then whether the secret is right.
        let (hello, _) = writes_of([0; 16], &[]);
        assert!(!held.holds_back(&hello));
        assert!(!held.holds_back(&with_fence(1, 4)));
        held.hold(&with_fence(1, 3), &answer);
        assert!(held.holds_back(&with_fence(2, 6)));
        assert!(!held.holds_back(&with_fence(3, 6)));
        assert!(!held.holds_back(&with_fence(2, 6)));
    }

    fn with_fence(fence: u64, number: u64) -> Write {
        let Write::Append(mut record) = append(0, number) else { unreachable!() };
        record.client = record.client.map(|client| Numbered { fence, ..client });
        Write::Append(record)
    }

    #[test]
    fn what_is_held_has_a_bound_and_nothing_that_can_still_come_is_forgotten() {
        let mut held = Held::default();
        // The connection has ended, and something of it waits in the queue.
        let (queued, _) = mpsc::unbounded_channel();
        held.hold(&append(0, 5), &queued);
        for client in 1..5_000 {
            let (answer, _) = mpsc::unbounded_channel();
            held.hold(&append(client, 1), &answer);
        }
        assert!(held.lowest.len() <= FEW);
        assert!(held.holds_back(&append(0, 6)));
        assert!(!held.holds_back(&append(0, 5)));
        assert!(!held.holds_back(&append(0, 6)));
    }
}
