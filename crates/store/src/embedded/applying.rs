//! Commands in one transaction: decided, superseded, trimmed, committed.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use topic::Topic;

use super::Embedded;
use super::circumstances::Circumstances;
use super::clients::Clients;
use super::decide::decide;
use super::error::Result;
use super::ids::Ids;
use super::log::Log;
use crate::{Command, StoreError, Written};

/// A command drops twice as many events as it logs plus this number, so that a log that is too long shrinks.
const TRIM_ROWS: usize = 64;

impl Embedded {
    /// See [`Store::apply`](crate::Store::apply).
    pub(super) fn apply_all(&self, commands: &[Command<'_>]) -> Result<Vec<Written>, StoreError> {
        let Some(last) = commands.last() else { return Ok(Vec::new()) };
        self.file.with(|file| {
            // The engine's commits are durable by default: what they hold is on disk once `commit` returns.
            let (transaction, mut recent) = file.begin()?;
            let (all, changes, closed) = {
                let mut log = Log::open(&transaction, last.time)?;
                let new = commands.iter().map(|command| command.writes.len()).sum();
                let mut ids = Ids::open(&transaction, &recent, new)?;
                let mut clients = Clients::open(&transaction)?;
                let circumstances = Circumstances {
                    epoch: self.file.identity.epoch,
                    streams: &self.streams.names,
                    route: &|topic: &Topic| self.streams.of(topic),
                };
                let mut all = Vec::with_capacity(commands.len());
                for command in commands {
                    log.at(command.time);
                    let mut written =
                        decide(command, &mut log, &mut ids, &mut clients, &circumstances)?;
                    self.trim(&mut log, &written)?;
                    written.superseded = log.take_superseded();
                    all.push(written);
                }
                self.note_firsts(&log);
                let changes = ids.close(&mut log)?;
                let closed = clients.close()?;
                if changes.any() {
                    log.close()?;
                }
                (all, changes, closed)
            };
            self.report_unreadable(closed.unreadable, last.time.late);
            if !changes.any() && !closed.changed {
                // Refused hellos and repeats, which anybody can send as fast as they like.
                transaction.abort()?;
                return Ok(all);
            }
            self.is_fresh.store(true, Ordering::Relaxed);
            transaction.commit()?;
            recent.settle(changes);
            Ok(all)
        })
    }

    /// Drops the events that those of a command supersede, and those that are no longer kept because of them.
    fn trim(&self, log: &mut Log<'_>, written: &Written) -> Result<()> {
        log.flush()?;
        let most = 2 * written.logged.len() + TRIM_ROWS;
        for (stream, keep) in self.streams.keep() {
            let new = written.logged.iter().filter(|event| event.stream == stream as usize);
            let mut new = new.peekable();
            // A stream without new events is left to the maintenance.
            if new.peek().is_none() {
                continue;
            }
            if let Some(count) = keep.of_each_topic() {
                let topics: BTreeSet<&str> = new.map(|event| event.topic.as_str()).collect();
                log.supersede(stream, topics, count, most)?;
            }
            log.trim(stream, keep, most)?;
        }
        Ok(())
    }
}
