//! Paging backwards misses nothing.

use simulation::check::Promise;
use simulation::history::Record::*;
use simulation::history::{Answer, LoggedAt, Record, Topics};

use super::{kept, verdict};

const SIDE: u8 = 1;

fn at(offset: u64) -> LoggedAt {
    LoggedAt { stream: 0, epoch: 1, offset }
}

fn side(offset: u64) -> LoggedAt {
    LoggedAt { stream: SIDE, ..at(offset) }
}

/// Three events in the main stream and one in the other.
fn log() -> Vec<Record> {
    let places = [(at(1), 1), (at(2), 2), (side(1), 3), (at(3), 4)];
    let each = |(place, event): (LoggedAt, u32)| {
        let logged = Logged { place, client: 0, event, topic: place.stream };
        let answer = Answer::Stored(place);
        [kept(event), logged, Answered { profile: 0, life: 0, event, answer }]
    };
    places.into_iter().flat_map(each).collect()
}

fn older(place: LoggedAt, event: u32) -> Record {
    Older { reader: 0, place, event }
}

const BOTTOM: Record = Bottom { reader: 0 };

fn pages(before: &[Record], pages: &[Record]) -> Result<(), Promise> {
    let begins = Scrolls { reader: 0, topics: Topics::ALL };
    verdict([&log()[..], before, &[begins], pages].concat())
}

#[test]
fn all_pages_of_all_streams_pass() {
    let all = [older(at(3), 4), older(at(2), 2), older(at(1), 1), older(side(1), 3), BOTTOM];
    assert_eq!(pages(&[], &all), Ok(()));
    // Trimmed events are not promised.
    let trimmed = Trimmed { stream: 0, up_to: 2 };
    assert_eq!(pages(&[trimmed], &[older(at(3), 4), older(side(1), 3), BOTTOM]), Ok(()));
}

#[test]
fn a_hole_in_a_page_is_caught() {
    let (first, last) = ([older(at(3), 4)], [older(at(1), 1), older(side(1), 3), BOTTOM]);
    assert_eq!(pages(&[], &[&first[..], &last].concat()), Err(Promise::Order));
    // At its beginning.
    assert_eq!(pages(&[], &[older(at(2), 2)]), Err(Promise::Order));
    // At its end, in either stream.
    let main = [older(at(3), 4), older(at(2), 2)];
    assert_eq!(pages(&[], &[&main[..], &[older(side(1), 3)]].concat()), Err(Promise::Read));
    let all = [&main[..], &[older(at(1), 1), BOTTOM]].concat();
    assert_eq!(pages(&[], &all), Err(Promise::Read));
}

#[test]
fn pages_that_do_not_go_backwards_are_caught() {
    let twice = [older(at(3), 4), older(at(3), 4)];
    assert_eq!(pages(&[], &twice), Err(Promise::Once));
    let up = [older(at(3), 4), older(at(2), 2), older(at(3), 4)];
    assert_eq!(pages(&[], &up), Err(Promise::Order));
    let back = [older(at(3), 4), older(at(2), 2), older(at(1), 1), older(side(1), 3)];
    assert_eq!(pages(&[], &[&back[..], &[older(at(1), 1)]].concat()), Err(Promise::Order));
    assert_eq!(
        pages(&[], &[&back[..], &[BOTTOM, older(side(1), 3)]].concat()),
        Err(Promise::Order)
    );
}

#[test]
fn another_event_than_the_log_holds_is_caught_in_a_page() {
    assert_eq!(pages(&[], &[older(at(3), 2)]), Err(Promise::Order));
    let one_topic = Scrolls { reader: 0, topics: Topics::of(&[SIDE]) };
    let records = [&log()[..], &[one_topic, older(at(3), 4)]].concat();
    assert_eq!(verdict(records), Err(Promise::Order), "which it has not asked for");
}

#[test]
fn another_epoch_of_the_log_must_be_reported_between_pages() {
    let lost = TailLost { stream: 0, epoch: 2, head: 2 };
    let new = |offset| LoggedAt { epoch: 2, ..at(offset) };
    let rest = [older(new(2), 2), older(new(1), 1), older(side(1), 3), BOTTOM];
    let reported = |then: &[Record]| pages(&[], &[&[older(at(3), 4), lost], then, &rest].concat());
    assert_eq!(reported(&[ScrollsAgain { reader: 0 }]), Ok(()));
    assert_eq!(reported(&[]), Err(Promise::Order));
}

#[test]
fn a_page_that_never_comes_is_caught() {
    assert_eq!(pages(&[], &[older(at(3), 4)]), Err(Promise::Read));
    assert_eq!(pages(&[], &[older(at(3), 4), Ended { reader: 0 }]), Ok(()));
}
