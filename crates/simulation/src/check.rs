//! Holds a [history](crate::history) against the seven promises of the protocol.
//!
//! It knows nothing of how the machines work: only what was committed, and what was told to whom. The
//! tests of this module feed it histories that break each promise.

mod log;
mod pages;
mod publishers;
mod readers;

use std::fmt;

use crate::history::{History, Record};
use log::Log;
use publishers::Publishers;
use readers::Readers;

/// What is promised; the numbers are those of the design.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Promise {
    /// 1: every acked publish is read by all who ask, or they are told the range that is gone.
    Read,
    /// 2: none is delivered twice.
    Once,
    /// 3: one order for all, and no hole among what matches.
    Order,
    /// 4: an offset never goes back within an epoch.
    Forward,
    /// 5: presence converges.
    Presence,
    /// 6: every kept publish ends in exactly one answer.
    Answered,
    /// 7: one client's events stand in the order of its publishes.
    OwnOrder,
}

/// A promise was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub promise: Promise,
    /// How.
    pub text: String,
    /// When, in virtual time; the end of the history if something never happened.
    pub at: u64,
}

/// Checks a history whose links held at its end, and answers the first breach.
///
/// # Errors
/// The [`Violation`].
pub fn check(history: &History) -> Result<(), Violation> {
    let (mut log, mut publishers, mut readers) =
        (Log::default(), Publishers::default(), Readers::default());
    let mut last = 0;
    for &(at, record) in history.records() {
        last = at;
        publishers.at(at);
        step(&mut log, &mut publishers, &mut readers, record).map_err(|breach| breach.at(at))?;
    }
    publishers.finish().map_err(|breach| breach.at(last))?;
    readers.finish(&log).map_err(|breach| breach.at(last))
}

fn step(
    log: &mut Log,
    publishers: &mut Publishers,
    readers: &mut Readers,
    record: Record,
) -> Result<(), Breach> {
    match record {
        Record::Logged { place, client, event, topic } => {
            publishers.logged(log, client, event, place.offset)?;
            log.append(place, event, topic)
        }
        Record::Trimmed { up_to } => {
            log.trim(up_to);
            readers.less_is_there();
            Ok(())
        }
        Record::TailLost { epoch, head } => {
            for event in log.lose_tail(epoch, head) {
                publishers.lost(event);
            }
            readers.less_is_there();
            Ok(())
        }
        Record::Kept { profile, event } => publishers.kept(profile, event, true),
        Record::Taken { profile, event } => publishers.kept(profile, event, false),
        Record::Refusable { event } => {
            publishers.refusable(event);
            Ok(())
        }
        Record::Copied { profile, event } => publishers.copied(profile, event),
        Record::Restored { profile, event, is_other } => {
            publishers.restored(profile, event, is_other);
            Ok(())
        }
        Record::Doubted { profile } => {
            publishers.doubted(profile);
            Ok(())
        }
        Record::Forgot { client } => {
            publishers.forgot(client);
            Ok(())
        }
        Record::Certain { profile } => {
            publishers.certain(profile);
            Ok(())
        }
        Record::Page { life, state } => {
            publishers.page(life, state);
            Ok(())
        }
        Record::Echoed { life, event } => {
            publishers.echoed(life, event);
            Ok(())
        }
        Record::Dropped { profile, event } => {
            publishers.dropped(profile, event);
            Ok(())
        }
        Record::Wiped { profile, event } => {
            publishers.wiped(profile, event);
            Ok(())
        }
        Record::Answered { profile, life, event, answer } => {
            publishers.answered(log, (profile, life), event, answer)
        }
        Record::Subscribed { reader, topics, from } => {
            readers.subscribed(log, reader, topics, from);
            Ok(())
        }
        Record::CaughtUp { reader } => readers.caught_up(log, reader),
        Record::Delivered { reader, place, event } => readers.delivered(log, reader, place, event),
        Record::Gap { reader, from, to } => readers.gap(log, reader, from, to),
        Record::Reset { reader } => {
            readers.reset(reader);
            Ok(())
        }
        Record::Ended { reader } => {
            readers.ended(reader);
            Ok(())
        }
        Record::Present { topic, member, here } => {
            log.present(topic, member, here);
            Ok(())
        }
        Record::Seen { reader, topic, member, here } => {
            readers.seen(reader, topic, member, here);
            Ok(())
        }
    }
}

/// A violation that does not know its time yet.
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
