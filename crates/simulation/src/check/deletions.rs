//! Deletes: each is logged once and answered, and what was deleted is gone.

use std::collections::{BTreeMap, HashMap};

use super::{Breach, Promise};
use crate::history::{LoggedAt, ReaderNo, StreamNo};

#[derive(Debug, Default)]
pub(super) struct Deletions {
    /// The deletion of each deleted event.
    logged: HashMap<LoggedAt, LoggedAt>,
    /// The deleted events whose deletion was acked, with the ordinal of the first ack.
    acked: HashMap<LoggedAt, u64>,
    acks: u64,
    /// How many deletions were acked before each reader began.
    begun: HashMap<ReaderNo, u64>,
    /// The deletes without an answer.
    asked: BTreeMap<ReaderNo, LoggedAt>,
}

impl Deletions {
    pub(super) fn logged(&mut self, place: LoggedAt, target: LoggedAt) -> Result<(), Breach> {
        match self.logged.insert(target, place) {
            None => Ok(()),
            Some(before) => {
                let text = format!("the deletion of {target} stands at {before} and at {place}");
                Err(Breach(Promise::Once, text))
            }
        }
    }

    /// The deletions up to `head` are in the next epoch of a stream too.
    pub(super) fn tail_lost(&mut self, stream: StreamNo, epoch: u64, next: u64, head: u64) {
        let of_epoch: Vec<_> = self
            .logged
            .iter()
            .map(|(target, place)| (*target, *place))
            .filter(|(target, _)| (target.stream, target.epoch) == (stream, epoch))
            .collect();
        for (target, place) in of_epoch {
            let (same, next) =
                (LoggedAt { epoch: next, ..target }, LoggedAt { epoch: next, ..place });
            if place.offset <= head {
                self.logged.insert(same, next);
                if let Some(acked) = self.acked.get(&target).copied() {
                    self.acked.insert(same, acked);
                }
            } else if epoch == next.epoch {
                self.logged.remove(&target);
                self.acked.remove(&target);
            }
        }
    }

    pub(super) fn begins(&mut self, reader: ReaderNo) {
        self.begun.insert(reader, self.acks);
    }

    /// A reader has received an event.
    pub(super) fn data(
        &self,
        reader: ReaderNo,
        place: LoggedAt,
        is_there: bool,
    ) -> Result<(), Breach> {
        let acked = self.acked.get(&place).zip(self.begun.get(&reader));
        if is_there && acked.is_some_and(|(acked, begun)| acked <= begun) {
            let text = format!("reader {reader} is given the data of {place}, which was deleted");
            return Err(Breach(Promise::Deleted, text));
        }
        if !is_there && !self.logged.contains_key(&place) {
            let text = format!("{place} is empty for reader {reader}, and was not deleted");
            return Err(Breach(Promise::Deleted, text));
        }
        Ok(())
    }

    pub(super) fn asked(&mut self, reader: ReaderNo, target: LoggedAt) {
        self.asked.insert(reader, target);
    }

    pub(super) fn answered(
        &mut self,
        reader: ReaderNo,
        deletion: Option<LoggedAt>,
    ) -> Result<(), Breach> {
        let Some(target) = self.asked.remove(&reader) else {
            return Err(Breach(Promise::Answered, format!("delete {reader} is answered twice")));
        };
        let Some(deletion) = deletion else { return Ok(()) };
        // A repeat after the log has begun a new epoch is answered by the position there.
        let target = LoggedAt { epoch: deletion.epoch, ..target };
        if self.logged.get(&target) != Some(&deletion) {
            let text = format!("the deletion of {target} is acked at {deletion}, and is not there");
            return Err(Breach(Promise::Read, text));
        }
        self.acks += 1;
        self.acked.entry(target).or_insert(self.acks);
        Ok(())
    }

    pub(super) fn ended(&mut self, reader: ReaderNo) {
        self.begun.remove(&reader);
        self.asked.remove(&reader);
    }

    pub(super) fn finish(&self) -> Result<(), Breach> {
        match self.asked.iter().next() {
            None => Ok(()),
            Some((reader, target)) => {
                let text = format!("delete {reader} of {target} has no answer");
                Err(Breach(Promise::Answered, text))
            }
        }
    }
}
