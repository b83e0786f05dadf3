//! Checks a [history](crate::history) against the promises of the protocol.
//!
//! It does not know how the machines work. It knows only what was committed and what each application received. The
//! tests of this module feed it histories that break each promise.

mod deletions;
mod log;
mod pages;
mod presence;
mod publishers;
mod readers;
mod scrolls;

use std::collections::HashSet;
use std::fmt;

use crate::history::{EventNo, History, Record, deletion_of};
use deletions::Deletions;
use log::{Logs, Superseded};
use presence::Presence;
use publishers::Publishers;
use readers::Readers;
use scrolls::Scrolls;

/// The promises, with the numbers of the design.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Promise {
    /// 1: every reader receives each acked event, or a gap that contains it, or a later event of its topic where the
    /// stream keeps the last values.
    Read,
    /// 2: no event is delivered twice.
    Once,
    /// 3: all readers see the same order, without holes among the matching events.
    Order,
    /// 4: offsets never decrease within an epoch.
    Forward,
    /// 5: presence converges.
    Presence,
    /// 6: every kept publish has exactly one outcome.
    Answered,
    /// 7: the events of a client are in the log in the order of its publishes.
    OwnOrder,
    /// 8: no client is sent what its rights do not cover at that moment. [`access`](crate::access) checks it.
    Allowed,
    /// In addition: an event is emptied if and only if it was deleted. No reader that begins after that was acked
    /// receives its data.
    Deleted,
    /// In addition: a reader receives no more than it has room for.
    Room,
    /// In addition: the machines come to rest and do not send requests forever.
    Rest,
    /// In addition: an event that must be signed is never sent without its signature, and a client that has proven a
    /// key is admitted with that key only.
    Signed,
}

/// A broken promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The promise.
    pub promise: Promise,
    /// How it was broken.
    pub text: String,
    /// The virtual time, or the end of the history if something never happened.
    pub at: u64,
}

/// Checks a history whose links are stable at its end, and returns the first violation.
///
/// # Errors
/// The [`Violation`].
pub fn check(history: &History) -> Result<(), Violation> {
    let mut checker = Checker::default();
    let mut last = 0;
    for &(at, record) in history.records() {
        last = at;
        checker.publishers.at(at);
        checker.step(record).map_err(|breach| breach.at(at))?;
    }
    checker.finish().map_err(|breach| breach.at(last))
}

#[derive(Debug, Default)]
struct Checker {
    logs: Logs,
    publishers: Publishers,
    readers: Readers,
    scrolls: Scrolls,
    presence: Presence,
    deletions: Deletions,
    must_be_signed: HashSet<EventNo>,
}

impl Checker {
    fn step(&mut self, record: Record) -> Result<(), Breach> {
        let Self { logs, publishers, readers, scrolls, presence, deletions, must_be_signed } = self;
        match record {
            Record::KeepsLast { stream, count } => logs.change(stream).keep_last(count),
            Record::Logged { place, client, event, topic } => {
                publishers.logged(logs, client, event, place)?;
                if let Some(Superseded(topic)) = logs.append(place, event, topic)? {
                    readers.superseded(place.stream, topic);
                }
            }
            Record::LoggedDeletion { place, target, topic } => {
                deletions.logged(place, target)?;
                let event = deletion_of(target.stream, target.offset);
                if let Some(Superseded(topic)) = logs.append(place, event, topic)? {
                    readers.superseded(place.stream, topic);
                }
            }
            Record::Trimmed { stream, up_to } => {
                logs.change(stream).trim(up_to);
                readers.less_is_there();
            }
            Record::TailLost { stream, epoch, head } => {
                deletions.tail_lost(stream, logs.of(stream).epoch(), epoch, head);
                for event in logs.change(stream).lose_tail(epoch, head) {
                    publishers.lost(stream, event);
                }
                readers.less_is_there();
                scrolls.less_is_there(stream, head);
            }
            Record::Kept { profile, event } => publishers.kept(profile, event, true)?,
            Record::Taken { profile, event } => publishers.kept(profile, event, false)?,
            Record::Refusable { event } => {
                publishers.refusable(event);
            }
            Record::MustBeSigned { event } => _ = must_be_signed.insert(event),
            Record::LoggedUnsigned { event } if must_be_signed.contains(&event) => {
                let text = format!("{event} is in the log without its signature");
                return Err(Breach(Promise::Signed, text));
            }
            Record::LoggedUnsigned { .. } => {}
            Record::AdmittedWithoutKey { client } => {
                let text = format!("client {client} was admitted without the key that it has");
                return Err(Breach(Promise::Signed, text));
            }
            Record::Copied { profile, event } => publishers.copied(profile, event)?,
            Record::Restored { profile, event, is_other } => {
                publishers.restored(profile, event, is_other);
            }
            Record::Doubted { profile } => {
                publishers.doubted(profile);
            }
            Record::Forgot { client } => {
                publishers.forgot(client);
            }
            Record::Certain { profile } => {
                publishers.certain(profile);
            }
            Record::Page { life, state } => {
                publishers.page(life, state);
            }
            Record::Echoed { life, event } => {
                publishers.echoed(life, event);
            }
            Record::Wiped { profile, event } => {
                publishers.wiped(profile, event);
            }
            Record::Answered { profile, life, event, answer } => {
                publishers.answered(logs, (profile, life), event, answer)?;
            }
            Record::Subscribed { reader, topics, from, room } => {
                readers.subscribed(logs, reader, topics, from, room);
                deletions.begins(reader);
            }
            Record::CaughtUp { reader } => readers.caught_up(logs, reader)?,
            Record::Delivered { reader, place, event } => {
                readers.delivered(logs, reader, place, event)?;
            }
            Record::Data { reader, place, is_there } => deletions.data(reader, place, is_there)?,
            Record::Took { reader } => readers.took(reader),
            Record::Gap { reader, stream, from, to } => {
                readers.gap(logs, reader, stream, (from, to))?;
            }
            Record::Reset { reader, stream } => readers.reset(reader, stream),
            Record::Scrolls { reader, topics } => {
                scrolls.begins(logs, reader, topics);
                deletions.begins(reader);
            }
            Record::Older { reader, place, event } => scrolls.older(logs, reader, place, event)?,
            Record::Bottom { reader } => scrolls.bottom(logs, reader)?,
            Record::ScrollsAgain { reader } => scrolls.again(logs, reader),
            Record::Deletes { reader, target } => deletions.asked(reader, target),
            Record::Deleted { reader, deletion } => deletions.answered(reader, deletion)?,
            Record::Present { topic, profile, here } => presence.present(topic, profile, here),
            Record::Watches { reader, topic } => presence.watches(reader, topic),
            Record::Seen { reader, profile, here } => presence.seen(reader, profile, here),
            Record::Ended { reader } => {
                readers.ended(reader);
                scrolls.ended(reader);
                presence.ended(reader);
                deletions.ended(reader);
            }
        }
        Ok(())
    }

    fn finish(&self) -> Result<(), Breach> {
        self.publishers.finish()?;
        self.readers.finish(&self.logs)?;
        self.scrolls.finish()?;
        self.presence.finish()?;
        self.deletions.finish()
    }
}

/// A violation without a time.
#[derive(Debug)]
struct Breach(Promise, String);

impl Breach {
    fn at(self, at: u64) -> Violation {
        Violation { promise: self.0, text: self.1, at }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "promise {} ({:?}) at {} ms: {}",
            self.promise as u8 + 1,
            self.promise,
            self.at,
            self.text
        )
    }
}
