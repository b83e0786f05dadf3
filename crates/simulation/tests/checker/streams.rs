//! The promises hold for each stream separately.

use simulation::check::Promise;
use simulation::history::Record::*;
use simulation::history::{Answer, From, LoggedAt, Record, Topics};

use super::{ROOM, kept, verdict};

fn at(stream: u8, offset: u64) -> LoggedAt {
    LoggedAt { stream, epoch: 1, offset }
}

/// Topics 0 and 1 belong to stream 0, topics 2 and 3 to stream 1.
fn logged(place: LoggedAt, event: u32) -> Record {
    Logged { place, client: 0, event, topic: place.stream * 2 }
}

fn acked(place: LoggedAt, event: u32) -> Record {
    Answered { profile: 0, life: 0, event, answer: Answer::Stored(place) }
}

fn reads(from: From) -> Record {
    Subscribed { reader: 0, topics: Topics::ALL, from, room: ROOM }
}

fn given(place: LoggedAt, event: u32) -> Record {
    Delivered { reader: 0, place, event }
}

const CAUGHT_UP: Record = CaughtUp { reader: 0 };

/// Two events in each stream.
fn log() -> Vec<Record> {
    let places = [(at(0, 1), 1), (at(1, 1), 2), (at(1, 2), 3), (at(0, 2), 4)];
    let each = |(place, event)| [kept(event), logged(place, event), acked(place, event)];
    places.into_iter().flat_map(each).collect()
}

fn read(from: From, reported: &[Record]) -> Result<(), Promise> {
    verdict([&log()[..], &[reads(from)], reported, &[CAUGHT_UP]].concat())
}

#[test]
fn streams_have_no_order_between_them() {
    let a = [given(at(0, 1), 1), given(at(0, 2), 4)];
    let b = [given(at(1, 1), 2), given(at(1, 2), 3)];
    assert_eq!(read(From::Earliest, &[a, b].concat()), Ok(()));
    assert_eq!(read(From::Earliest, &[b, a].concat()), Ok(()));
}

#[test]
fn a_hole_in_the_second_stream_is_caught() {
    let main = [given(at(0, 1), 1), given(at(0, 2), 4)];
    let with = |side: &[Record]| read(From::Earliest, &[&main[..], side].concat());
    assert_eq!(with(&[given(at(1, 2), 3)]), Err(Promise::Order));
    assert_eq!(with(&[given(at(1, 1), 2)]), Err(Promise::Read));
}

#[test]
fn a_reader_with_a_position_in_one_stream_reads_the_other_from_its_first_event() {
    let from = From::After([Some(at(0, 1)), None]);
    let main = given(at(0, 2), 4);
    assert_eq!(read(from, &[main, given(at(1, 1), 2), given(at(1, 2), 3)]), Ok(()));
    assert_eq!(read(from, &[main]), Err(Promise::Read));
}

#[test]
fn an_event_of_the_other_stream_at_the_same_offset_is_caught() {
    assert_eq!(read(From::Earliest, &[given(at(1, 1), 1)]), Err(Promise::Order));
    let acked_there = [kept(1), kept(2), logged(at(0, 1), 1), logged(at(1, 1), 2)];
    let records = [&acked_there[..], &[acked(at(1, 1), 1)]].concat();
    assert_eq!(verdict(records), Err(Promise::Read));
}

#[test]
fn a_topic_that_stands_in_two_streams_is_caught() {
    let elsewhere = Logged { place: at(1, 3), client: 0, event: 5, topic: 0 };
    assert_eq!(verdict([&log()[..], &[kept(5), elsewhere]].concat()), Err(Promise::Order));
}

#[test]
fn a_gap_in_one_stream_excuses_nothing_in_the_other() {
    let trimmed = [Trimmed { stream: 0, up_to: 2 }, Trimmed { stream: 1, up_to: 1 }];
    let from = From::After([Some(at(0, 1)), Some(at(1, 0))]);
    let late = |reported: &[Record]| {
        verdict([&log()[..], &trimmed, &[reads(from)], reported, &[CAUGHT_UP]].concat())
    };
    let gap = |stream, from, to| Gap { reader: 0, stream, from, to };
    let rest = given(at(1, 2), 3);
    assert_eq!(late(&[gap(0, 2, 2), gap(1, 1, 1), rest]), Ok(()));
    assert_eq!(late(&[gap(0, 2, 2), rest]), Err(Promise::Order));
    assert_eq!(late(&[gap(1, 1, 1), rest]), Err(Promise::Read));
    assert_eq!(late(&[gap(0, 2, 2), gap(1, 1, 2)]), Err(Promise::Read), "2 is there");
}

#[test]
fn a_reset_of_one_stream_leaves_the_reader_where_it_is_in_the_other() {
    let all = [given(at(0, 1), 1), given(at(0, 2), 4), given(at(1, 1), 2), given(at(1, 2), 3)];
    let lost = TailLost { stream: 1, epoch: 2, head: 1 };
    let new = LoggedAt { stream: 1, epoch: 2, offset: 1 };
    let reset = |stream| Reset { reader: 0, stream };
    let reported =
        |then: &[Record]| read(From::Earliest, &[&all[..], &[CAUGHT_UP, lost], then].concat());
    assert_eq!(reported(&[reset(1), given(new, 2)]), Ok(()));
    assert_eq!(reported(&[reset(1), given(at(0, 2), 4), given(new, 2)]), Err(Promise::Once));
    assert_eq!(reported(&[reset(0), given(new, 2)]), Err(Promise::Order));
}

#[test]
fn the_last_of_each_stream_are_promised() {
    let last = From::Last(1);
    assert_eq!(read(last, &[given(at(0, 2), 4), given(at(1, 2), 3)]), Ok(()));
    assert_eq!(read(last, &[given(at(0, 2), 4)]), Err(Promise::Read));
}

#[test]
fn one_client_has_an_order_in_each_stream() {
    let swapped = |second: LoggedAt| {
        let logged = [logged(at(0, 1), 2), logged(second, 1)];
        let acked = [acked(at(0, 1), 2), acked(second, 1)];
        verdict([&[kept(1), kept(2)][..], &logged, &acked].concat())
    };
    assert_eq!(swapped(at(1, 1)), Ok(()));
    assert_eq!(swapped(at(0, 2)), Err(Promise::OwnOrder));
}

#[test]
fn a_reader_that_is_given_more_than_it_has_room_for_is_caught() {
    let narrow = Subscribed { reader: 0, topics: Topics::of(&[0]), from: From::Earliest, room: 1 };
    let with = |between: &[Record]| {
        let (first, second) = ([given(at(0, 1), 1)], [given(at(0, 2), 4), CAUGHT_UP]);
        verdict([&log()[..], &[narrow], &first, between, &second].concat())
    };
    assert_eq!(with(&[Took { reader: 0 }]), Ok(()));
    assert_eq!(with(&[]), Err(Promise::Room));
}
