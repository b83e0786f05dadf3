//! The checker against histories that break each promise, and against some that break none.

mod deleting;
mod paging;
mod presence;
mod publishing;
mod streams;
mod values;

use simulation::check::{Promise, check};
use simulation::history::Record::*;
use simulation::history::{Answer, From, History, LoggedAt, Record, Topics};

const EPOCH: u64 = 1;
const ROOM: u32 = 100;

fn at(offset: u64) -> LoggedAt {
    LoggedAt { stream: 0, epoch: EPOCH, offset }
}

fn kept(event: u32) -> Record {
    Kept { profile: 0, event }
}

fn logged(offset: u64, event: u32) -> Record {
    Logged { place: at(offset), client: 0, event, topic: 0 }
}

fn answered(event: u32, answer: Answer) -> Record {
    Answered { profile: 0, life: 0, event, answer }
}

fn acked(offset: u64, event: u32) -> Record {
    answered(event, Answer::Stored(at(offset)))
}

fn reads(from: From) -> Record {
    Subscribed { reader: 0, topics: Topics::ALL, from, room: ROOM }
}

fn given(offset: u64, event: u32) -> Record {
    Delivered { reader: 0, place: at(offset), event }
}

const CAUGHT_UP: Record = CaughtUp { reader: 0 };

/// Three events, kept, logged, acked and read.
fn good() -> Vec<Record> {
    vec![
        reads(From::Earliest),
        CAUGHT_UP,
        kept(1),
        kept(2),
        logged(1, 1),
        given(1, 1),
        acked(1, 1),
        kept(3),
        logged(2, 2),
        logged(3, 3),
        acked(2, 2),
        given(2, 2),
        given(3, 3),
        acked(3, 3),
    ]
}

fn verdict(records: Vec<Record>) -> Result<(), Promise> {
    check(&records.into_iter().collect::<History>()).map_err(|violation| violation.promise)
}

fn without(record: Record) -> Vec<Record> {
    let mut records = good();
    let at = records.iter().position(|other| *other == record).expect("the record is there");
    records.remove(at);
    records
}

fn with(record: Record) -> Vec<Record> {
    let mut records = good();
    records.push(record);
    records
}

fn swapped(a: Record, b: Record) -> Vec<Record> {
    let mut records = good();
    let find = |record| records.iter().position(|other| *other == record).expect("it is there");
    let (a, b) = (find(a), find(b));
    records.swap(a, b);
    records
}

#[test]
fn a_good_history_passes() {
    assert_eq!(verdict(good()), Ok(()));
}

#[test]
fn a_lost_ack_is_caught() {
    // The client has its ack, but the log does not have the event.
    let records = vec![kept(1), acked(1, 1)];
    assert_eq!(verdict(records), Err(Promise::Read));
    // It is at another position.
    let records = vec![kept(1), kept(2), logged(1, 1), acked(1, 2)];
    assert_eq!(verdict(records), Err(Promise::Read));
    // The outcome is missing.
    assert_eq!(verdict(without(acked(2, 2))), Err(Promise::Answered));
}

#[test]
fn an_ack_before_the_commit_is_caught() {
    assert_eq!(verdict(vec![kept(1), acked(1, 1), logged(1, 1)]), Err(Promise::Read));
}

#[test]
fn a_delivery_before_the_commit_is_caught() {
    assert_eq!(verdict(swapped(logged(1, 1), given(1, 1))), Err(Promise::Order));
}

#[test]
fn a_double_is_caught() {
    // In the log.
    assert_eq!(verdict(with(logged(4, 2))), Err(Promise::Once));
    // At a reader.
    assert_eq!(verdict(with(given(3, 3))), Err(Promise::Once));
    // A copied row may occur twice but not more often.
    let copied = Copied { profile: 1, event: 2 };
    let by_copy = |offset| Logged { place: at(offset), client: 1, event: 2, topic: 0 };
    let answer = Answered { profile: 1, life: 9, event: 2, answer: Answer::Stored(at(4)) };
    let mut records = without(CAUGHT_UP);
    records.retain(|record| !matches!(record, Subscribed { .. } | Delivered { .. }));
    records.extend([copied, by_copy(4), answer]);
    assert_eq!(verdict(records.clone()), Ok(()));
    records.push(by_copy(5));
    assert_eq!(verdict(records), Err(Promise::Once));
}

#[test]
fn a_hole_is_caught_at_the_next_event_and_at_the_end() {
    assert_eq!(verdict(without(given(2, 2))), Err(Promise::Order));
    assert_eq!(verdict(without(given(3, 3))), Err(Promise::Read));
    // Each start has its own first event.
    for (from, missed) in [(From::Latest, false), (From::After([Some(at(1)), None]), true)] {
        let records = vec![
            kept(1),
            kept(2),
            logged(1, 1),
            logged(2, 2),
            acked(1, 1),
            acked(2, 2),
            reads(from),
            CAUGHT_UP,
        ];
        let expected = if missed { Err(Promise::Read) } else { Ok(()) };
        assert_eq!(verdict(records), expected, "{from:?}");
    }
}

#[test]
fn what_is_live_after_latest_must_come() {
    let mut records = vec![reads(From::Latest), CAUGHT_UP, kept(1), logged(1, 1), acked(1, 1)];
    assert_eq!(verdict(records.clone()), Err(Promise::Read));
    records.push(given(1, 1));
    assert_eq!(verdict(records), Ok(()));
}

#[test]
fn too_few_of_the_last_are_caught() {
    let log = vec![kept(1), kept(2), logged(1, 1), logged(2, 2), acked(1, 1), acked(2, 2)];
    let read = |given: &[Record]| {
        let mut records = log.clone();
        records.push(reads(From::Last(5)));
        records.extend(given);
        records.push(CAUGHT_UP);
        verdict(records)
    };
    assert_eq!(read(&[given(1, 1), given(2, 2)]), Ok(()));
    assert_eq!(read(&[given(2, 2)]), Err(Promise::Read));
}

#[test]
fn a_reader_that_never_catches_up_is_caught() {
    assert_eq!(verdict(without(CAUGHT_UP)), Err(Promise::Read));
}

#[test]
fn an_order_swap_is_caught() {
    assert_eq!(verdict(swapped(given(2, 2), given(3, 3))), Err(Promise::Order));
    // An event that the log does not have at this position.
    let mut records = without(given(3, 3));
    records.push(given(3, 2));
    assert_eq!(verdict(records), Err(Promise::Order));
}

#[test]
fn an_offset_that_goes_back_is_caught() {
    // At a reader that resumes after 2.
    let mut records = good();
    records.extend([
        Subscribed {
            reader: 1,
            topics: Topics::ALL,
            from: From::After([Some(at(2)), None]),
            room: ROOM,
        },
        Delivered { reader: 1, place: at(2), event: 2 },
    ]);
    assert_eq!(verdict(records), Err(Promise::Forward));
    // In the log: a tail is lost, but the epoch stays.
    let lost = TailLost { stream: 0, epoch: EPOCH, head: 2 };
    assert_eq!(
        verdict([good(), vec![lost, kept(4), logged(3, 4)]].concat()),
        Err(Promise::Forward)
    );
}

#[test]
fn a_new_epoch_without_a_reset_is_caught() {
    let new = LoggedAt { stream: 0, epoch: 2, offset: 3 };
    let mut records = good();
    records.extend([
        TailLost { stream: 0, epoch: 2, head: 2 },
        kept(4),
        Logged { place: new, client: 0, event: 4, topic: 0 },
        answered(4, Answer::Stored(new)),
    ]);
    let given_new = |offset, event| Delivered {
        reader: 0,
        place: LoggedAt { stream: 0, epoch: 2, offset },
        event,
    };
    let reported = [
        Reset { reader: 0, stream: 0 },
        given_new(1, 1),
        given_new(2, 2),
        given_new(3, 4),
        CAUGHT_UP,
    ];
    assert_eq!(verdict([records.clone(), reported.to_vec()].concat()), Ok(()));
    assert_eq!(verdict([records.clone(), vec![given_new(3, 4)]].concat()), Err(Promise::Order));
    // It never learns the outcome.
    assert_eq!(verdict(records), Err(Promise::Read));
}

#[test]
fn a_reported_gap_must_be_gone_and_a_gone_range_reported() {
    let trimmed = Trimmed { stream: 0, up_to: 2 };
    let late = |reported: &[Record]| {
        let mut records = good();
        records.retain(|record| {
            !matches!(record, Subscribed { .. } | Delivered { .. } | CaughtUp { .. })
        });
        records.extend([trimmed, reads(From::After([Some(at(1)), None]))]);
        records.extend(reported);
        records.extend([given(3, 3), CAUGHT_UP]);
        verdict(records)
    };
    let gap = |from, to| Gap { reader: 0, stream: 0, from, to };
    assert_eq!(late(&[gap(2, 2)]), Ok(()));
    assert_eq!(late(&[]), Err(Promise::Order));
    assert_eq!(late(&[gap(2, 3)]), Err(Promise::Read), "3 is there");
}

#[test]
fn an_event_without_a_subscription_is_caught() {
    let mut records = good();
    let one_topic = Topics::of(&[1]);
    records.extend([
        Subscribed { reader: 1, topics: one_topic, from: From::Latest, room: ROOM },
        Delivered { reader: 1, place: at(3), event: 3 },
    ]);
    assert_eq!(verdict(records), Err(Promise::Order));
}
