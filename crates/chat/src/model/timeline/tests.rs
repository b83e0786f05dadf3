//! What the fold promises, whatever the order in which echoes, the log and the outcomes come.

use super::*;
use crate::events::Person;

fn seen(id: &str) -> Seen {
    seen_of("ann", id, 0)
}

fn seen_of(sender: &str, id: &str, time_ms: u64) -> Seen {
    let sender = Person { id: sender.into(), name: sender.to_uppercase() };
    let text = format!("text of {id}");
    Seen { id: id.into(), message: Rc::new(TextMessage { sender, text }), time_ms }
}

fn queued(id: &str) -> Change {
    Change::Pending { seen: seen(id), state: State::Queued }
}

fn sent(id: &str) -> Change {
    Change::Pending { seen: seen(id), state: State::Sent }
}

fn stored(id: &str, offset: u64) -> Change {
    Change::Stored { seen: seen(id), epoch: 7, offset }
}

fn failed(id: &str) -> Change {
    Change::Failed { id: id.into(), reason: "too large".into() }
}

fn fold(changes: impl IntoIterator<Item = Change>) -> Timeline {
    let mut timeline = Timeline::default();
    for change in changes {
        timeline.apply(change);
    }
    timeline
}

fn shown(timeline: &Timeline) -> Vec<(&str, &str)> {
    let rows = timeline.rows().iter();
    rows.map(|row| (&*row.id, row.state.word())).collect()
}

#[test]
fn stored_messages_stand_by_offset_and_pending_ones_after_them_in_publish_order() {
    let timeline = fold([queued("p"), queued("q"), stored("b", 20), stored("a", 3), sent("p")]);
    let expected = [("a", "stored"), ("b", "stored"), ("p", "sent"), ("q", "queued")];
    assert_eq!(shown(&timeline), expected);
}

#[test]
fn a_message_that_comes_twice_stands_once() {
    let timeline = fold([stored("a", 1), stored("b", 2), stored("a", 1), queued("b")]);
    assert_eq!(shown(&timeline), [("a", "stored"), ("b", "stored")]);
}

#[test]
fn an_echo_becomes_the_stored_message_in_the_place_that_the_log_gave_it() {
    let timeline = fold([
        queued("mine"),
        sent("mine"),
        stored("mine", 4),
        stored("theirs", 5),
        Change::Succeeded { id: "mine".into(), offset: 4 },
    ]);
    assert_eq!(shown(&timeline), [("mine", "stored"), ("theirs", "stored")]);
}

#[test]
fn a_success_alone_puts_the_message_into_its_place() {
    let timeline = fold([
        stored("a", 1),
        stored("c", 9),
        queued("mine"),
        Change::Succeeded { id: "mine".into(), offset: 4 },
    ]);
    let expected = [("a", "stored"), ("mine", "stored"), ("c", "stored")];
    assert_eq!(shown(&timeline), expected);
}

#[test]
fn a_message_waits_again_when_the_link_broke_before_its_answer() {
    let timeline = fold([queued("mine"), sent("mine"), queued("mine")]);
    assert_eq!(shown(&timeline), [("mine", "queued")]);
}

#[test]
fn a_rejected_message_stays_with_its_reason_and_no_late_echo_revives_it() {
    let timeline = fold([sent("mine"), failed("mine"), sent("mine"), stored("a", 1)]);
    assert_eq!(shown(&timeline), [("a", "stored"), ("mine", "failed")]);
    assert_eq!(timeline.rows()[1].state, State::Failed("too large".into()));
}

#[test]
fn a_failure_does_not_take_back_what_is_stored() {
    let timeline = fold([stored("mine", 1), failed("mine")]);
    assert_eq!(shown(&timeline), [("mine", "stored")]);
}

#[test]
fn a_retry_takes_the_failed_message_away_and_puts_the_new_one_last() {
    let timeline = fold([
        sent("mine"),
        failed("mine"),
        queued("other"),
        queued("again"),
        Change::Retried { id: "mine".into() },
    ]);
    assert_eq!(shown(&timeline), [("other", "queued"), ("again", "queued")]);
}

#[test]
fn what_is_not_known_changes_nothing() {
    let unknown = || Rc::from("x");
    let timeline = fold([
        stored("a", 1),
        failed("x"),
        Change::Succeeded { id: unknown(), offset: 1 },
        Change::Retried { id: unknown() },
        Change::Retried { id: "a".into() },
    ]);
    assert_eq!(shown(&timeline), [("a", "stored")]);
}

#[test]
fn a_new_life_of_the_log_stands_after_the_old_one() {
    let mut timeline = fold([stored("a", 100), stored("b", 101)]);
    let reborn = |id, offset| Change::Stored { seen: seen(id), epoch: 8, offset };
    timeline.apply(reborn("b", 1));
    timeline.apply(reborn("c", 2));
    let expected = [("a", "stored"), ("b", "stored"), ("c", "stored")];
    assert_eq!(shown(&timeline), expected);
}

#[test]
fn the_oldest_leave_when_the_screen_is_full_and_pending_ones_stay() {
    let most = MOST_STORED as u64;
    let mut timeline = fold([queued("mine")]);
    for offset in 0..most + 5 {
        timeline.apply(stored(&offset.to_string(), offset));
    }
    assert_eq!(timeline.rows().len(), MOST_STORED + 1);
    assert_eq!(&*timeline.rows()[0].id, "5");
    assert_eq!(&*timeline.rows()[MOST_STORED].id, "mine");
}

#[test]
fn rows_that_do_not_change_are_shared_with_the_timeline_before() {
    let before = fold([stored("a", 1), queued("b")]);
    let mut after = before.clone();
    after.apply(sent("b"));
    assert!(Rc::ptr_eq(&before.rows()[0], &after.rows()[0]));
    assert!(!Rc::ptr_eq(&before.rows()[1], &after.rows()[1]));
}

#[test]
fn one_sender_goes_on_for_five_minutes() {
    let row = |sender, time| seen_of(sender, "x", time).into_row(State::Stored, Place::Pending(0));
    let first = row("ann", 1_000_000);
    assert!(row("ann", 1_299_999).follows(&first));
    assert!(!row("ann", 1_300_000).follows(&first));
    assert!(!row("bob", 1_000_001).follows(&first));
}
