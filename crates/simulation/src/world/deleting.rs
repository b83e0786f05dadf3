//! The application deletes events that it has published.

use session::Position;
use session::client::{RequestError, RequestId};

use super::World;
use crate::history::{ReaderNo, Record};

/// A delete without an answer.
#[derive(Debug)]
pub(super) struct PendingDelete {
    pub(super) number: ReaderNo,
    request: RequestId,
}

impl World {
    /// A random tab deletes an event that its profile has published, perhaps once more. Returns false if
    /// it has published nothing.
    pub(super) fn delete_some(&mut self) -> bool {
        let Some(number) = self.some_running() else { return false };
        let stored = &self.profiles[self.tabs[number].profile].stored;
        if stored.is_empty() {
            return false;
        }
        let position = self.random.of(stored).clone();
        let target = self.place(&position);
        self.readers += 1;
        let reader = self.readers;
        self.record(Record::Deletes { reader, target });
        let Some(machine) = &mut self.tabs[number].machine else { return false };
        let request = machine.client().delete(position);
        self.tabs[number].deletes.push(PendingDelete { number: reader, request });
        self.with_machine(number, |_, _| {});
        true
    }

    /// A delete was answered.
    pub(super) fn deleted(
        &mut self,
        number: usize,
        id: RequestId,
        outcome: &Result<Position, RequestError>,
    ) {
        let deletes = &mut self.tabs[number].deletes;
        let Some(at) = deletes.iter().position(|it| it.request == id) else { return };
        let reader = deletes.swap_remove(at).number;
        let deletion = outcome.as_ref().ok().map(|position| self.place(position));
        self.record(Record::Deleted { reader, deletion });
    }
}
