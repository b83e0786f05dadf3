//! The numbers of commits that failed, whose outcome is unknown. Higher numbers that are already queued must not be
//! logged before them, so the next commit begins by [holding](Write::Hold) them.

use std::cmp::Ordering;
use std::collections::HashMap;

use session::server::Numbered;
use store::{Record, Write};

/// See the [module](self). The store knew each of these clients before it failed, so there are about as many as
/// connections at most.
#[derive(Debug, Default)]
pub(super) struct Failed {
    /// The lowest number of each client's newest connection.
    lowest: HashMap<[u8; 16], Numbered>,
}

impl Failed {
    /// Records a write of a failed commit.
    pub(super) fn note(&mut self, write: &Write) {
        let Write::Append(Record { client: Some(numbered), .. }) = write else { return };
        let lowest = self.lowest.entry(numbered.client).or_insert(*numbered);
        match numbered.fence.cmp(&lowest.fence) {
            Ordering::Greater => *lowest = *numbered,
            Ordering::Equal if numbered.number < lowest.number => *lowest = *numbered,
            Ordering::Equal | Ordering::Less => {}
        }
    }

    /// The writes that the next commit starts with.
    pub(super) fn holds(&self) -> impl Iterator<Item = Write> {
        self.lowest.values().copied().map(Write::Hold)
    }

    /// A commit that started with them is on disk.
    pub(super) fn clear(&mut self) {
        // Frees the memory of the outage.
        self.lowest = HashMap::new();
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::writes_of;
    use super::*;

    fn append(client: u8, fence: u64, number: u64) -> Write {
        let Write::Append(mut record) = writes_of([client; 16], &[number]).1.remove(0) else {
            unreachable!()
        };
        record.client = record.client.map(|client| Numbered { fence, ..client });
        Write::Append(record)
    }

    #[test]
    fn the_lowest_number_of_the_newest_connection_of_each_client_is_held() {
        let mut failed = Failed::default();
        for (client, fence, number) in [(1, 2, 5), (1, 2, 6), (2, 1, 9), (1, 1, 3), (2, 1, 8)] {
            failed.note(&append(client, fence, number));
        }
        let held = |failed: &Failed| {
            let mut held: Vec<_> = failed
                .holds()
                .map(|write| match write {
                    Write::Hold(Numbered { client, fence, number, .. }) => {
                        (client[0], fence, number)
                    }
                    other => panic!("{other:?}"),
                })
                .collect();
            held.sort_unstable();
            held
        };
        assert_eq!(held(&failed), [(1, 2, 5), (2, 1, 8)]);
        failed.note(&append(1, 3, 5));
        assert_eq!(held(&failed), [(1, 3, 5), (2, 1, 8)]);
        failed.clear();
        assert_eq!(held(&failed), []);
    }
}
