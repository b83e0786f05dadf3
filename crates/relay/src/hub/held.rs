//! The numbers that failed and are to come again: a higher one of the same connection that waits in the
//! queue already must not be logged before them.

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
        let Write::Append(Record { client: Some(numbered), .. }) = write else {
            if let Write::Open(hello, _) = write {
                // It sends from its lowest unanswered number again.
                self.lowest.remove(&hello.client);
            }
            return false;
        };
        match self.lowest.get(&numbered.client) {
            Some(lowest) if lowest.fence == numbered.fence && lowest.number < numbered.number => {
                true
            }
            Some(_) => {
                self.lowest.remove(&numbered.client);
                false
            }
            None => false,
        }
    }

    /// Notes that a write failed that came from where `answer` leads.
    pub(super) fn hold(&mut self, write: &Write, answer: &mpsc::UnboundedSender<Vec<Answer>>) {
        let Write::Append(Record { client: Some(numbered), .. }) = write else { return };
        let lowest =
            Lowest { fence: numbered.fence, number: numbered.number, answer: answer.clone() };
        match self.lowest.get_mut(&numbered.client) {
            Some(old) if old.fence >= lowest.fence && old.number <= lowest.number => {}
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
    use super::super::tests::writes_of;
    use super::*;

    fn append(client: u32, number: u64) -> Write {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&client.to_be_bytes());
        writes_of(id, &[number]).1.remove(0)
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
