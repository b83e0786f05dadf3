//! The promises of the fold, for any order of echoes, log and outcomes.

use super::*;
use crate::events::{Person, TextMessage};

pub(crate) fn seen(id: &str) -> Seen {
    seen_of("ann", id, Some(1))
}

/// A row of the log.
pub(crate) fn stored_row(seen: Seen, offset: u64) -> Row {
    Row::new(seen, State::Stored, Place::in_log(0, offset), None)
}

fn seen_of(sender: &str, id: &str, time_ms: Option<u64>) -> Seen {
    let sender = Person { id: sender.into(), name: sender.to_uppercase() };
    let text = format!("text of {id}");
    let message = Rc::new(TextMessage { sender, text, ..TextMessage::default() });
    Seen { id: id.into(), author: Author::default(), message, time_ms, day: 0 }
}

pub(super) fn client(client: &str) -> Author {
    Author { client: client.into(), ..Author::default() }
}

/// A message of another client that claims to be from Ann.
pub(crate) fn forged(id: &str) -> Seen {
    Seen { author: client("/clients/mallory"), ..seen(id) }
}

pub(crate) fn queued(id: &str) -> Change {
    Change::Pending { seen: seen(id), state: State::Queued }
}

fn sent(id: &str) -> Change {
    Change::Pending { seen: seen(id), state: State::Sent }
}

pub(crate) fn stored(id: &str, offset: u64) -> Change {
    Change::Stored { seen: seen(id), epoch: 7, offset }
}

fn failed(id: &str) -> Change {
    Change::Failed { id: id.into(), refusal: refusal() }
}

fn refusal() -> Refusal {
    Refusal::new("too_large")
}

pub(crate) fn fold(changes: impl IntoIterator<Item = Change>) -> Timeline {
    let mut timeline = Timeline::default();
    for change in changes {
        timeline.apply(change);
    }
    timeline
}

pub(crate) fn rows(timeline: &Timeline) -> Vec<&Rc<Row>> {
    timeline.chunks.rows().collect()
}

/// Ann's message with this id and offset gets a relation by Ann.
pub(crate) fn related(id: &str, offset: u64, at: u64, relation: Relation) -> Change {
    related_by(Author::default(), id, offset, at, relation)
}

pub(super) fn related_by(
    author: Author,
    id: &str,
    offset: u64,
    at: u64,
    relation: Relation,
) -> Change {
    let about = Reference { id: id.into(), epoch: 7, offset };
    let (event, at) = (at.to_string().into(), Some((7, at)));
    Change::Related { event, about, day: 19_700_101, author, at, relation: Some(relation) }
}

pub(super) fn edit(text: &str) -> Relation {
    Relation::Edited { text: text.into() }
}

fn shown(timeline: &Timeline) -> Vec<(&str, &str)> {
    let rows = timeline.chunks.rows();
    rows.map(|row| (&*row.seen.id, row.state.word())).collect()
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
    assert_eq!(rows(&timeline)[1].state, State::Failed(refusal()));
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
fn rows_that_do_not_change_are_shared_with_the_timeline_before() {
    let before = fold([stored("a", 1), queued("b")]);
    let mut after = before.clone();
    after.apply(sent("b"));
    assert!(Rc::ptr_eq(rows(&before)[0], rows(&after)[0]));
    assert!(!Rc::ptr_eq(rows(&before)[1], rows(&after)[1]));
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

pub fn row(seen: Seen) -> Row {
    stored_row(seen, 0)
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
fn a_message_is_from_its_sender_and_not_from_the_claimed_one() {
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
        timeline
            .chunks
            .rows()
            .map(|row| (row.seen.author.client.clone(), row.key.to_string()))
            .collect()
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
    earlier.author = client("/clients/earlier");
    for answer in [sent("mine"), failed("mine")] {
        let came = Change::Stored { seen: earlier.clone(), epoch: 7, offset: 1 };
        let timeline = fold([queued("mine"), answer, came]);
        assert_eq!(shown(&timeline), [("mine", "stored")]);
        assert!(rows(&timeline)[0].is_by("ann"));
    }
}

#[test]
fn an_edit_by_the_author_counts_and_an_edit_by_another_person_changes_nothing() {
    let bob = || client("/clients/bob");
    let edits = [
        related_by(bob(), "a", 1, 9, edit("by Bob")),
        related("a", 1, 5, edit("second")),
        related("a", 1, 3, edit("first")),
    ];
    for timeline in [
        fold(std::iter::once(stored("a", 1)).chain(edits.clone())),
        fold(edits.into_iter().chain([stored("a", 1)])),
    ] {
        assert_eq!(rows(&timeline)[0].text(), "second");
        assert!(rows(&timeline)[0].is_edited());
    }
}

#[test]
fn an_account_edits_from_any_of_its_clients_and_a_guest_does_not_edit_for_an_account() {
    let of = |client: &str, account: Option<&str>| Author {
        client: client.into(),
        account: account.map(Into::into),
        is_verified: false,
    };
    let mut message = seen("a");
    message.author = of("/clients/1", Some("carol"));
    let message = Change::Stored { seen: message, epoch: 7, offset: 1 };
    let guest = related_by(of("/clients/1", None), "a", 1, 9, edit("by the guest"));
    let carol = related_by(of("/clients/2", Some("carol")), "a", 1, 8, edit("by Carol"));
    let timeline = fold([message, guest, carol]);
    assert_eq!(rows(&timeline)[0].text(), "by Carol");
}

#[test]
fn a_message_is_verified_as_long_as_its_text_is() {
    let of = |is_verified| Author { account: Some("ann".into()), is_verified, ..client("/keys/1") };
    let message = |is_verified| {
        let seen = Seen { author: of(is_verified), ..seen("a") };
        Change::Stored { seen, epoch: 7, offset: 1 }
    };
    let is_verified = |changes: Vec<Change>| rows(&fold(changes))[0].is_verified();
    let edit = |is_verified, at| related_by(of(is_verified), "a", 1, at, edit("edited"));
    assert!(is_verified(vec![message(true)]) && !is_verified(vec![message(false)]));
    assert!(is_verified(vec![message(true), edit(true, 2)]));
    assert!(!is_verified(vec![message(true), edit(true, 2), edit(false, 3)]), "the peer may lie");
    assert!(!is_verified(vec![message(false), edit(true, 2)]));
    let (signed, unsigned) = (row(Seen { author: of(true), ..seen("a") }), row(seen("a")));
    assert!(signed.follows(&signed) && !unsigned.follows(&signed), "each says whose it is");
}

#[test]
fn a_relation_on_another_days_topic_or_to_another_place_is_ignored() {
    let mut other_day = related("a", 1, 2, edit("other day"));
    if let Change::Related { day, .. } = &mut other_day {
        *day = 19_700_102;
    }
    let elsewhere = related("a", 3, 4, edit("elsewhere"));
    let timeline = fold([other_day.clone(), stored("a", 1), other_day, elsewhere]);
    assert_eq!(rows(&timeline)[0].text(), "text of a");
}

#[test]
fn references_to_epochs_without_events_change_nothing_and_are_not_kept() {
    let mut timeline = fold([stored("a", 1), queued("mine")]);
    for at in 2..100 {
        let mut made_up = related("a", 1, at, edit("made up"));
        if let Change::Related { about, .. } = &mut made_up {
            about.epoch = 1_000 + at;
        }
        timeline.apply(made_up);
    }
    timeline.apply(Change::Succeeded { id: "mine".into(), offset: 50 });
    timeline.apply(stored("b", 100));
    assert_eq!(shown(&timeline), [("a", "stored"), ("mine", "stored"), ("b", "stored")]);
    assert_eq!(rows(&timeline)[0].text(), "text of a");
    assert!(timeline.find(None, 50).is_some(), "a jump finds messages of the log");
    assert_eq!((timeline.epochs.len(), timeline.orphans.bytes()), (1, 0));
}

#[test]
fn the_last_reaction_of_each_person_with_each_emoji_counts() {
    let react = |who: &str, emoji: &str, at, is_on| {
        related_by(client(who), "a", 1, at, Relation::Reacted { emoji: emoji.into(), is_on })
    };
    let timeline = fold([
        react("bob", "+", 5, true),
        react("eve", "+", 4, true),
        react("eve", "-", 6, true),
        react("bob", "-", 7, false),
        stored("a", 1),
        react("bob", "+", 3, false),
        react("eve", "-", 9, false),
    ]);
    let fold = rows(&timeline)[0].fold.clone().unwrap();
    assert_eq!(fold.reactions(), [("+".into(), vec![client("eve"), client("bob")])]);
}

#[test]
fn a_deletion_beats_all_in_any_order() {
    let deleted = Change::Deleted { epoch: 7, offset: 1 };
    let edited = related("a", 1, 9, edit("edited"));
    let orders = [
        [stored("a", 1), deleted.clone(), edited.clone()],
        [deleted.clone(), edited.clone(), stored("a", 1)],
        [edited, stored("a", 1), deleted],
    ];
    for order in orders {
        assert!(rows(&fold(order))[0].is_deleted());
    }
}
