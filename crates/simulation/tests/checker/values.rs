//! A stream that keeps the last values of its topics may drop what a later event of the topic supersedes, and nothing
//! else.

use simulation::check::Promise;
use simulation::history::From;
use simulation::history::Record::*;
use simulation::history::{Record, Topics};

use super::{CAUGHT_UP, acked, at, given, kept, reads, verdict};

fn logged(offset: u64, event: u32, topic: u8) -> Record {
    Logged { place: at(offset), client: 0, event, topic }
}

/// Events 1 to 4 on the topics 0, 1, 0 and 0.
fn log(keeps: Option<usize>) -> Vec<Record> {
    let mut records = Vec::new();
    records.extend(keeps.map(|count| KeepsLast { stream: 0, count }));
    for (number, topic) in (1..).zip([0, 1, 0, 0]) {
        let offset = u64::from(number);
        records.extend([kept(number), logged(offset, number, topic), acked(offset, number)]);
    }
    records
}

/// A reader that is given these events from the earliest one on.
fn read(keeps: Option<usize>, events: &[u32]) -> Result<(), Promise> {
    let all = events.iter().map(|event| given((*event).into(), *event));
    let reader = [reads(From::Earliest)].into_iter().chain(all).chain([CAUGHT_UP]);
    verdict(log(keeps).into_iter().chain(reader).collect())
}

#[test]
fn a_reader_may_miss_what_is_superseded_and_may_be_given_it() {
    assert_eq!(read(Some(1), &[2, 4]), Ok(()));
    assert_eq!(read(Some(1), &[1, 2, 3, 4]), Ok(()));
    assert_eq!(read(Some(2), &[2, 3, 4]), Ok(()));
}

#[test]
fn a_reader_that_misses_a_last_value_is_caught() {
    assert_eq!(read(Some(1), &[1, 2, 3]), Err(Promise::Read));
    assert_eq!(read(Some(1), &[4]), Err(Promise::Order));
    assert_eq!(read(Some(2), &[2, 4]), Err(Promise::Order));
}

#[test]
fn a_stream_that_keeps_all_may_drop_nothing() {
    assert_eq!(read(None, &[2, 4]), Err(Promise::Order));
    assert_eq!(read(None, &[1, 2, 3, 4]), Ok(()));
}

#[test]
fn a_reader_of_the_last_events_need_not_be_given_those_that_are_superseded_meanwhile() {
    let mut records = log(Some(1));
    records.extend([reads(From::Last(2)), kept(5), logged(5, 5, 1), acked(5, 5)]);
    records.extend([given(4, 4), CAUGHT_UP, given(5, 5)]);
    assert_eq!(verdict(records), Ok(()));
    let mut records = log(Some(1));
    records.extend([reads(From::Last(2)), given(4, 4), CAUGHT_UP]);
    assert_eq!(verdict(records), Err(Promise::Read));
}

#[test]
fn a_page_of_history_may_miss_what_is_superseded_and_no_last_value() {
    let older = |offset: u64| Older { reader: 1, place: at(offset), event: offset as u32 };
    let scroll = |offsets: &[u64]| {
        let mut records = log(Some(1));
        records.push(Scrolls { reader: 1, topics: Topics::ALL });
        records.extend(offsets.iter().map(|offset| older(*offset)));
        records.push(Bottom { reader: 1 });
        verdict(records)
    };
    assert_eq!(scroll(&[4, 2]), Ok(()));
    assert_eq!(scroll(&[4, 3, 2, 1]), Ok(()));
    assert_eq!(scroll(&[4]), Err(Promise::Read));
}

#[test]
fn a_log_that_has_lost_later_values_holds_the_earlier_ones_again() {
    let tail = |events: &[u32]| {
        let mut records = log(Some(1));
        records.push(TailLost { stream: 0, epoch: 2, head: 2 });
        records.push(reads(From::Earliest));
        let place = |offset| simulation::history::LoggedAt { epoch: 2, ..at(offset) };
        let given =
            |event: &u32| Delivered { reader: 0, place: place(u64::from(*event)), event: *event };
        records.extend(events.iter().map(given));
        records.push(CAUGHT_UP);
        verdict(records)
    };
    assert_eq!(tail(&[1, 2]), Ok(()));
    assert_eq!(tail(&[2]), Err(Promise::Order));
}
