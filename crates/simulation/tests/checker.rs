//! The checker is held against histories that break each promise, and against some that break none.

use simulation::check::{Promise, check};
use simulation::history::Record::*;
use simulation::history::{Answer, From, History, PageState, Place, Record, Topics};

const EPOCH: u64 = 1;

fn at(offset: u64) -> Place {
    Place { epoch: EPOCH, offset }
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
    Subscribed { reader: 0, topics: Topics::ALL, from }
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
    // The client was told that it is stored, and the log does not hold it.
    let records = vec![kept(1), acked(1, 1)];
    assert_eq!(verdict(records), Err(Promise::Read));
    // It stands elsewhere.
    let records = vec![kept(1), kept(2), logged(1, 1), acked(1, 2)];
    assert_eq!(verdict(records), Err(Promise::Read));
    // The answer never came.
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
    // A copied row may stand twice, and not more often.
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
    for (from, missed) in [(From::Latest, false), (From::After(at(1)), true)] {
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
    // Another event than the log holds there.
    let mut records = without(given(3, 3));
    records.push(given(3, 2));
    assert_eq!(verdict(records), Err(Promise::Order));
}

#[test]
fn an_offset_that_goes_back_is_caught() {
    // At a reader that says it has read up to 2.
    let mut records = good();
    records.extend([
        Subscribed { reader: 1, topics: Topics::ALL, from: From::After(at(2)) },
        Delivered { reader: 1, place: at(2), event: 2 },
    ]);
    assert_eq!(verdict(records), Err(Promise::Forward));
    // In the log: a tail is lost, and the epoch stays.
    let lost = TailLost { epoch: EPOCH, head: 2 };
    assert_eq!(
        verdict([good(), vec![lost, kept(4), logged(3, 4)]].concat()),
        Err(Promise::Forward)
    );
}

#[test]
fn a_new_epoch_without_a_reset_is_caught() {
    let new = Place { epoch: 2, offset: 3 };
    let mut records = good();
    records.extend([
        TailLost { epoch: 2, head: 2 },
        kept(4),
        Logged { place: new, client: 0, event: 4, topic: 0 },
        answered(4, Answer::Stored(new)),
    ]);
    let given_new =
        |offset, event| Delivered { reader: 0, place: Place { epoch: 2, offset }, event };
    let told = [Reset { reader: 0 }, given_new(1, 1), given_new(2, 2), given_new(3, 4), CAUGHT_UP];
    assert_eq!(verdict([records.clone(), told.to_vec()].concat()), Ok(()));
    assert_eq!(verdict([records.clone(), vec![given_new(3, 4)]].concat()), Err(Promise::Order));
    // Nobody tells it at all.
    assert_eq!(verdict(records), Err(Promise::Read));
}

#[test]
fn a_range_that_is_gone_must_be_told_and_be_gone() {
    let trimmed = Trimmed { up_to: 2 };
    let late = |told: &[Record]| {
        let mut records = good();
        records.retain(|record| {
            !matches!(record, Subscribed { .. } | Delivered { .. } | CaughtUp { .. })
        });
        records.extend([trimmed, reads(From::After(at(1)))]);
        records.extend(told);
        records.extend([given(3, 3), CAUGHT_UP]);
        verdict(records)
    };
    let gap = |from, to| Gap { reader: 0, from, to };
    assert_eq!(late(&[gap(2, 2)]), Ok(()));
    assert_eq!(late(&[]), Err(Promise::Order));
    assert_eq!(late(&[gap(2, 3)]), Err(Promise::Read), "3 is there");
}

#[test]
fn events_of_one_client_out_of_order_are_caught() {
    let swapped = vec![kept(1), kept(2), logged(1, 2), logged(2, 1), acked(1, 2), acked(2, 1)];
    assert_eq!(verdict(swapped), Err(Promise::OwnOrder));
    // Two clients have no order between them.
    let other = Logged { place: at(1), client: 1, event: 2, topic: 0 };
    let fine = vec![kept(1), kept(2), other, logged(2, 1), acked(1, 2), acked(2, 1)];
    assert_eq!(verdict(fine), Ok(()));
}

#[test]
fn two_outcomes_are_caught() {
    assert_eq!(verdict(with(acked(2, 2))), Err(Promise::Answered), "told twice in one life");
    let again = |answer| Answered { profile: 0, life: 1, event: 2, answer };
    assert_eq!(verdict(with(again(Answer::Stored(at(2))))), Ok(()), "the row was not erased yet");
    assert_eq!(verdict(with(again(Answer::Rejected))), Err(Promise::Answered));
    let stored_elsewhere = Answer::Stored(at(3));
    assert_eq!(verdict(with(again(stored_elsewhere))), Err(Promise::Answered));
}

#[test]
fn a_reject_of_what_is_in_the_log_is_caught() {
    let refused = [kept(1), Refusable { event: 1 }];
    let rejected = answered(1, Answer::Rejected);
    assert_eq!(verdict([&refused[..], &[rejected]].concat()), Ok(()));
    let then_logged = [&refused[..], &[rejected, logged(1, 1)]].concat();
    assert_eq!(verdict(then_logged), Err(Promise::Answered));
    let logged_before = [&refused[..], &[logged(1, 1), rejected]].concat();
    assert_eq!(verdict(logged_before), Err(Promise::Answered));
}

#[test]
fn a_reject_without_a_reason_is_caught() {
    let records = vec![kept(1), answered(1, Answer::Rejected)];
    assert_eq!(verdict(records), Err(Promise::Answered));
}

#[test]
fn a_kept_publish_without_an_outcome_is_caught() {
    assert_eq!(verdict(vec![kept(1)]), Err(Promise::Answered));
    assert_eq!(verdict(vec![Taken { profile: 0, event: 1 }]), Ok(()), "it was in memory only");
    assert_eq!(verdict(vec![kept(1), Wiped { profile: 0, event: 1 }]), Ok(()));
}

#[test]
fn an_answer_that_says_nothing_is_caught_unless_there_is_a_reason() {
    let uncertain = answered(1, Answer::Uncertain);
    assert_eq!(verdict(vec![kept(1), uncertain]), Err(Promise::Answered));
    assert_eq!(verdict(vec![kept(1), Doubted { profile: 0 }, uncertain]), Ok(()));
}

#[test]
fn doubt_excuses_what_is_kept_before_it_ends_and_nothing_after() {
    let doubted = |then: &[Record]| {
        let begin = [Doubted { profile: 0 }, kept(1), Certain { profile: 0 }, kept(2)];
        verdict([&begin[..], then].concat())
    };
    let uncertain = |event| answered(event, Answer::Uncertain);
    assert_eq!(doubted(&[uncertain(1), logged(1, 2), acked(1, 2)]), Ok(()));
    assert_eq!(doubted(&[uncertain(1), uncertain(2)]), Err(Promise::Answered));
    // Another profile's doubt is no excuse.
    let other = [kept(1), Doubted { profile: 1 }, uncertain(1)];
    assert_eq!(verdict(other.to_vec()), Err(Promise::Answered));
}

#[test]
fn only_a_page_that_was_not_there_when_others_were_told_may_not_know() {
    let page = |life, state| Page { life, state };
    let told = [logged(1, 1), acked(1, 1)];
    let uncertain = Answered { profile: 0, life: 1, event: 1, answer: Answer::Uncertain };
    let both = [page(0, PageState::Here), page(1, PageState::Here), kept(1)];
    // One record a millisecond.
    let away = |since| page(1, PageState::Away { since });
    let back = page(1, PageState::Here);
    let missed = [&both[..], &[away(3)], &told[..], &[back, uncertain]].concat();
    assert_eq!(verdict(missed), Ok(()));
    let was_there = [&both[..], &told[..], &[away(5), back, uncertain]].concat();
    assert_eq!(verdict(was_there), Err(Promise::Answered));
    let heard = [&both[..], &told[..], &[uncertain]].concat();
    assert_eq!(verdict(heard), Err(Promise::Answered));
}

#[test]
fn a_row_that_was_dropped_is_unknown_until_a_page_was_told_why() {
    let page = |life| Page { life, state: PageState::Here };
    let begin = [page(0), page(1), kept(1), Refusable { event: 1 }];
    let uncertain = Answered { profile: 0, life: 1, event: 1, answer: Answer::Uncertain };
    let (dropped, told) = (Dropped { profile: 0, event: 1 }, answered(1, Answer::Rejected));
    let all = |then: &[Record]| verdict([&begin[..], then].concat());
    assert_eq!(all(&[dropped, uncertain, told]), Ok(()));
    assert_eq!(all(&[dropped, told, uncertain]), Err(Promise::Answered));
    assert_eq!(all(&[uncertain, told]), Err(Promise::Answered));
}

#[test]
fn what_a_page_was_shown_must_be_answered_there_while_it_lives() {
    let shown = Echoed { life: 1, event: 1 };
    let all = |more: &[Record]| {
        let here = [Page { life: 1, state: PageState::Here }, kept(1), shown];
        verdict([&here[..], &[logged(1, 1), acked(1, 1)], more].concat())
    };
    assert_eq!(all(&[]), Err(Promise::Answered));
    let stored = Answer::Stored(at(1));
    assert_eq!(all(&[Answered { profile: 0, life: 1, event: 1, answer: stored }]), Ok(()));
    assert_eq!(all(&[Page { life: 1, state: PageState::Gone }]), Ok(()));
}

#[test]
fn a_row_from_a_backup_stands_again_only_where_nobody_could_know_it() {
    let restored = Restored { profile: 0, event: 1, is_other: false };
    let again = Logged { place: at(4), client: 0, event: 1, topic: 0 };
    let acked_again = Answered { profile: 0, life: 1, event: 1, answer: Answer::Stored(at(4)) };
    let all = |before: &[Record]| {
        verdict([&good()[..], before, &[restored, again, given(4, 1), acked_again]].concat())
    };
    let (forgot, trimmed) = (Forgot { client: 0 }, Trimmed { up_to: 1 });
    assert_eq!(all(&[forgot, trimmed]), Ok(()));
    assert_eq!(all(&[forgot]), Err(Promise::Once), "the log holds it");
    assert_eq!(all(&[trimmed]), Err(Promise::Once), "the client is known");
}

#[test]
fn a_frame_that_leaves_before_its_row_is_kept_is_caught() {
    assert_eq!(verdict(swapped(kept(1), logged(1, 1))), Err(Promise::Answered));
}

#[test]
fn an_event_that_nobody_asked_for_is_caught() {
    let mut records = good();
    let one_topic = Topics::of(&[1]);
    records.extend([
        Subscribed { reader: 1, topics: one_topic, from: From::Latest },
        Delivered { reader: 1, place: at(3), event: 3 },
    ]);
    assert_eq!(verdict(records), Err(Promise::Order));
}

#[test]
fn presence_that_does_not_converge_is_caught() {
    let here = |member, here| Present { topic: 0, member, here };
    let seen = |member, here| Seen { reader: 0, topic: 0, member, here };
    let fine = vec![here(1, true), seen(1, true), here(2, true), seen(2, true), here(1, false)];
    assert_eq!(verdict([good(), fine.clone()].concat()), Err(Promise::Presence));
    assert_eq!(verdict([good(), fine, vec![seen(1, false)]].concat()), Ok(()));
}
