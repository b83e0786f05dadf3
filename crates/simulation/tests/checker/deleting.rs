//! Deletes are logged once and answered, and what was deleted is gone for later readers.

use simulation::check::Promise;
use simulation::history::Record::*;
use simulation::history::{From, LoggedAt, Record, Topics, deletion_of};

use super::{acked, at, given, kept, logged, reads, verdict};

fn deletion(offset: u64, target: u64) -> Record {
    LoggedDeletion { place: at(offset), target: at(target), topic: 0 }
}

fn asks(reader: u32) -> Record {
    Deletes { reader, target: at(1) }
}

fn reported(reader: u32, offset: u64) -> Record {
    Deleted { reader, deletion: Some(at(offset)) }
}

fn data(is_there: bool) -> Record {
    Data { reader: 0, place: at(1), is_there }
}

/// An event, and its deletion, which an application has learned.
fn deleted() -> Vec<Record> {
    vec![kept(1), logged(1, 1), acked(1, 1), asks(9), deletion(2, 1), reported(9, 2)]
}

fn then(records: &[Record]) -> Result<(), Promise> {
    verdict([&deleted()[..], records].concat())
}

#[test]
fn an_emptied_event_and_its_deletion_are_read_like_any_other() {
    let all = [reads(From::Earliest), given(1, 1), data(false), given(2, deletion_of(0, 1))];
    assert_eq!(then(&[&all[..], &[super::CAUGHT_UP]].concat()), Ok(()));
    // A reader that began before may have the data.
    let early = [&[reads(From::Earliest)], &deleted()[..], &[given(1, 1), data(true)]].concat();
    let early = [&early[..], &[given(2, deletion_of(0, 1)), super::CAUGHT_UP]].concat();
    assert_eq!(verdict(early), Ok(()));
}

#[test]
fn data_that_was_deleted_is_caught() {
    assert_eq!(then(&[reads(From::Earliest), given(1, 1), data(true)]), Err(Promise::Deleted));
    let scrolls = Scrolls { reader: 0, topics: Topics::ALL };
    let older = |offset, event| Older { reader: 0, place: at(offset), event };
    let pages = [scrolls, older(2, deletion_of(0, 1)), older(1, 1), data(true)];
    assert_eq!(then(&pages), Err(Promise::Deleted));
    // Also in the next epoch.
    let next = |offset| LoggedAt { epoch: 2, ..at(offset) };
    let lost = TailLost { stream: 0, epoch: 2, head: 2 };
    let place = next(1);
    let read = |is_there| {
        let given = Delivered { reader: 0, place, event: 1 };
        let rest = Delivered { reader: 0, place: next(2), event: deletion_of(0, 1) };
        let data = Data { reader: 0, place, is_there };
        then(&[lost, reads(From::Earliest), given, data, rest, super::CAUGHT_UP])
    };
    assert_eq!((read(true), read(false)), (Err(Promise::Deleted), Ok(())));
}

#[test]
fn an_event_that_is_empty_and_was_not_deleted_is_caught() {
    let records =
        vec![kept(1), logged(1, 1), acked(1, 1), reads(From::Earliest), given(1, 1), data(false)];
    assert_eq!(verdict(records), Err(Promise::Deleted));
}

#[test]
fn a_second_deletion_is_caught() {
    assert_eq!(then(&[deletion(3, 1)]), Err(Promise::Once));
}

#[test]
fn an_ack_of_a_deletion_that_is_not_logged_is_caught() {
    let event = [kept(1), logged(1, 1), acked(1, 1), asks(9)];
    assert_eq!(verdict([&event[..], &[reported(9, 2)]].concat()), Err(Promise::Read));
    assert_eq!(then(&[asks(10), reported(10, 3)]), Err(Promise::Read));
    assert_eq!(then(&[asks(10), reported(10, 2)]), Ok(()));
}

#[test]
fn a_delete_without_an_answer_is_caught() {
    assert_eq!(then(&[asks(10)]), Err(Promise::Answered));
    assert_eq!(then(&[asks(10), Ended { reader: 10 }]), Ok(()));
    assert_eq!(then(&[asks(10), Deleted { reader: 10, deletion: None }]), Ok(()));
}
