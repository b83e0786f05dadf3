//! The promises of the fold, for any order of echoes, log and outcomes.

use super::*;
use crate::events::Person;

fn seen(id: &str) -> Seen {
    seen_of("ann", id, Some(1))
}

fn seen_of(sender: &str, id: &str, time_ms: Option<u64>) -> Seen {
    let sender = Person { id: sender.into(), name: sender.to_uppercase() };
    let text = format!("text of {id}");
    let message = Rc::new(TextMessage { sender, text });
    Seen { id: id.into(), client: "".into(), message, time_ms }
}

/// A message of another client that claims to be from Ann.
fn forged(id: &str) -> Seen {
    Seen { client: "/clients/mallory".into(), ..seen(id) }
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
    Change::Failed { id: id.into(), refusal: refusal() }
}

fn refusal() -> Refusal {
    Refusal::new("too_large", "")
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
    assert_eq!(timeline.rows()[1].state, State::Failed(refusal()));
}

#[test]
fn a_failure_does_not_take_back_what_is_stored() {
    let timeline = fold([stored("mine", 1), failed("mine")]);
    assert_eq!(shown(&timeline), [("mine", "stored")]);
}

#[test]
fn a_removed_message_leaves_and_one_that_is_sent_again_stands_last() {
    let timeline = fold([
        sent("mine"),
        failed("mine"),
        queued("other"),
        queued("again"),
        Change::Removed { id: "mine".into() },
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
        Change::Removed { id: unknown() },
        Change::Removed { id: "a".into() },
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
    let mut timeline = fold([queued("refused"), Change::Live, failed("refused"), queued("mine")]);
    for offset in 0..most + 5 {
        timeline.apply(stored(&offset.to_string(), offset));
    }
    let ids: Vec<&str> = shown(&timeline).into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids.len(), MOST_STORED + 2);
    assert!(ids[..2].contains(&"refused") && ids[..2].contains(&"5"), "{:?}", &ids[..2]);
    assert_eq!(ids[MOST_STORED + 1], "mine");
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
fn a_refused_message_stays_where_it_stood_while_others_are_stored() {
    let timeline = fold([
        stored("a", 1),
        Change::Live,
        queued("mine"),
        queued("next"),
        failed("mine"),
        stored("theirs", 2),
        stored("next", 3),
    ]);
    let expected = [("a", "stored"), ("mine", "failed"), ("theirs", "stored"), ("next", "stored")];
    assert_eq!(shown(&timeline), expected);
    assert_eq!(timeline.refused(), ["mine".into()]);
}

#[test]
fn refused_messages_of_an_earlier_page_stand_before_the_own_messages_that_followed_them() {
    let at = |id, time| (seen_of("ann", id, Some(time)), refusal());
    let mut timeline = Timeline::with_refused([at("first", 15), at("last", 40)]);
    for (id, offset, time) in [("a", 1, 10), ("b", 2, 20), ("c", 3, 30)] {
        let seen = seen_of("ann", id, Some(time));
        timeline.apply(Change::Stored { seen, epoch: 7, offset });
    }
    // The clock of another client is fast.
    let theirs = Seen { time_ms: Some(1_000), ..forged("theirs") };
    timeline.apply(Change::Stored { seen: theirs, epoch: 7, offset: 4 });
    timeline.apply(Change::Live);
    timeline.apply(stored("d", 5));
    let ids: Vec<&str> = shown(&timeline).into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, ["a", "first", "b", "c", "theirs", "last", "d"]);
}

#[test]
fn a_refused_message_that_is_stored_after_all_stands_once() {
    let refused = (seen("mine"), refusal());
    let mut timeline = Timeline::with_refused([refused]);
    timeline.apply(stored("mine", 1));
    assert_eq!(shown(&timeline), [("mine", "stored")]);
    assert!(timeline.refused().is_empty());
}

fn row(seen: Seen) -> Row {
    seen.into_row(State::Stored, Place::Pending(0))
}

#[test]
fn one_sender_goes_on_for_five_minutes() {
    let row = |sender, time| row(seen_of(sender, "x", time));
    let first = row("ann", Some(1_000_000));
    assert!(row("ann", Some(1_299_999)).follows(&first));
    assert!(!row("ann", Some(1_300_000)).follows(&first));
    assert!(!row("bob", Some(1_000_001)).follows(&first));
    assert!(row("ann", None).follows(&first), "no pause is known of");
}

#[test]
fn a_message_is_from_who_sent_it_and_not_from_who_it_claims() {
    let (own, forged) = (row(seen("a")), row(forged("b")));
    assert!(own.is_by("ann") && !own.is_by("bob"));
    assert!(!forged.is_by("ann"));
    assert!(!forged.follows(&own) && !own.follows(&forged));
}

#[test]
fn a_client_that_takes_the_id_of_a_message_changes_nothing_of_it() {
    let forged = |offset| Change::Stored { seen: forged("mine"), epoch: 7, offset };
    let timeline = fold([stored("mine", 4), forged(5), failed("mine")]);
    let clients = |timeline: &Timeline| -> Vec<(Rc<str>, String)> {
        timeline.rows().iter().map(|row| (row.client.clone(), row.key())).collect()
    };
    let mallory = "/clients/mallory";
    let expected = [("".into(), "mine".to_owned()), (mallory.into(), format!("{mallory}mine"))];
    assert_eq!(clients(&timeline), expected);
    let again = fold([forged(5), queued("mine"), stored("mine", 6), forged(5)]);
    assert_eq!(clients(&again).len(), 2);
}

#[test]
fn an_own_message_that_is_stored_under_an_earlier_client_stays_one_and_own() {
    let mut earlier = seen("mine");
    earlier.client = "/clients/earlier".into();
    for answer in [sent("mine"), failed("mine")] {
        let came = Change::Stored { seen: earlier.clone(), epoch: 7, offset: 1 };
        let timeline = fold([queued("mine"), answer, came]);
        assert_eq!(shown(&timeline), [("mine", "stored")]);
        assert!(timeline.rows()[0].is_by("ann"));
    }
}
