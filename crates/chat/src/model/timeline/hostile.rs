//! Edits and reactions displace nothing of the message's author and nothing of each other, and need little memory.

use super::tests::{client, edit, fold, related, related_by, rows, seen, stored};
use super::*;

/// Edits of message `a` at these offsets, each by another guest and with a text of `bytes` bytes.
fn foreign(offsets: std::ops::Range<u64>, bytes: usize) -> impl Iterator<Item = Change> {
    let guest = |at: u64| client(&format!("/clients/guest-{at}"));
    offsets.map(move |at| related_by(guest(at), "a", 1, at, edit(&"x".repeat(bytes))))
}

fn react(person: &str, emoji: &str, at: u64) -> Change {
    related_by(client(person), "a", 1, at, Relation::Reacted { emoji: emoji.into(), is_on: true })
}

#[test]
fn edits_by_any_number_of_others_leave_that_of_the_author_in_any_order() {
    let (message, own) = (stored("a", 1), related("a", 1, 500, edit("by the author")));
    let others = || foreign(2..300, 10);
    for order in [
        [message.clone()].into_iter().chain(others()).chain([own.clone()]).collect::<Vec<_>>(),
        others().chain([message.clone(), own.clone()]).collect(),
        others().chain([own.clone(), message.clone()]).collect(),
        [own].into_iter().chain(others()).chain([message]).collect(),
    ] {
        let timeline = fold(order);
        assert_eq!(rows(&timeline)[0].text(), "by the author");
    }
}

#[test]
fn a_known_message_keeps_no_edit_of_another_person() {
    let alone = fold([stored("a", 1), related("a", 1, 500, edit("by the author"))]);
    let own = || [stored("a", 1), related("a", 1, 500, edit("by the author"))];
    for timeline in [
        fold(own().into_iter().chain(foreign(2..300, 1_000))),
        fold(foreign(2..300, 1_000).chain(own())),
    ] {
        assert_eq!(timeline.chunks.bytes(), alone.chunks.bytes());
        assert_eq!(timeline.orphans.bytes(), 0);
    }
}

#[test]
fn the_users_own_edit_counts_also_if_the_log_names_the_account_later() {
    let account = Author { account: Some("ann".into()), ..Author::default() };
    let attested = Seen { author: account.clone(), ..seen("a") };
    let timeline = fold([
        super::tests::queued("a"),
        Change::Succeeded { id: "a".into(), offset: 1 },
        related_by(account, "a", 1, 2, edit("edited")),
        Change::Stored { seen: attested, epoch: 7, offset: 1 },
    ]);
    assert_eq!(rows(&timeline)[0].text(), "edited");
}

#[test]
fn reactions_of_one_person_push_out_none_of_others() {
    let flood = || (10..2_000).map(|at| react("eve", &at.to_string(), at));
    let honest = [react("bob", "+", 2), react("cho", "+", 3)];
    for order in [
        [stored("a", 1)].into_iter().chain(honest.clone()).chain(flood()).collect::<Vec<_>>(),
        [stored("a", 1)].into_iter().chain(flood()).chain(honest.clone()).collect(),
        flood().chain(honest.clone()).chain([stored("a", 1)]).collect(),
    ] {
        let timeline = fold(order);
        let reactions = rows(&timeline)[0].reactions();
        assert_eq!(reactions[0], ("+".into(), vec![client("bob"), client("cho")]));
        assert_eq!(reactions.len(), 1 + 498, "{:?}", reactions.last());
        assert_eq!(&*reactions[1].0, "1502", "the newest of Eve's are there");
    }
}

#[test]
fn reactions_of_guests_push_out_none_of_accounts_nor_of_the_reader() {
    let by = |author, at| {
        related_by(author, "a", 1, at, Relation::Reacted { emoji: "+".into(), is_on: true })
    };
    let account = |name: &str| Author { account: Some(name.into()), ..client(name) };
    let honest = [by(account("ann"), 2), by(account("bob"), 3), by(Author::default(), 4)];
    let guests = || (10..2_000).map(|at| react(&format!("guest {at}"), "x", at));
    for order in [
        [stored("a", 1)].into_iter().chain(honest.clone()).chain(guests()).collect::<Vec<_>>(),
        [stored("a", 1)].into_iter().chain(guests()).chain(honest.clone()).collect(),
        guests().chain(honest.clone()).chain([stored("a", 1)]).collect(),
    ] {
        let timeline = fold(order);
        let reactions = rows(&timeline)[0].reactions();
        assert_eq!(
            reactions[0],
            ("+".into(), vec![account("ann"), account("bob"), Author::default()])
        );
        assert_eq!(reactions[1].1.len(), 500 - 3);
    }
    // Neither do those of accounts push out the others: each half has its place.
    let accounts = (3_000..5_000).map(|at| by(account(&at.to_string()), at));
    let timeline = fold([stored("a", 1)].into_iter().chain(guests()).chain(accounts));
    let counts = rows(&timeline)[0].reactions().into_iter().map(|(_, people)| people.len());
    assert_eq!(counts.collect::<Vec<_>>(), [250, 250]);
}

#[test]
fn a_flood_of_relations_to_unknown_messages_is_bounded() {
    let mut timeline = Timeline::default();
    let day = timeline.unread_days([Some(1)]);
    timeline.has_read_days(&day);
    for offset in 0..5_000 {
        timeline.apply(related(&offset.to_string(), offset, offset + 1, edit(&"x".repeat(1_000))));
    }
    assert!(timeline.orphans.bytes() < 2_000_000, "{}", timeline.orphans.bytes());
    assert_eq!(timeline.unread_days([Some(1)]), day, "the dropped ones are read again");
}

#[test]
fn a_flood_of_edits_of_one_unknown_message_is_bounded() {
    let mut timeline = Timeline::default();
    let day = timeline.unread_days([Some(1)]);
    timeline.has_read_days(&day);
    timeline.apply(related("a", 1, 2, edit("by the author")));
    for change in foreign(3..5_000, 1_000) {
        timeline.apply(change);
        assert!(timeline.orphans.bytes() <= 1_000_000, "{}", timeline.orphans.bytes());
    }
    assert_eq!(timeline.unread_days([Some(1)]), day, "the dropped ones are read again");
}

#[test]
fn what_is_dropped_while_a_page_is_added_is_read_again() {
    let mut timeline = Timeline::default();
    let day = timeline.unread_days([Some(1)]);
    timeline.apply(related("a", 1, 2, edit("by the author")));
    foreign(3..2_000, 1_000).for_each(|change| timeline.apply(change));
    timeline.has_read_days(&day);
    assert_eq!(timeline.unread_days([Some(1)]), day);
    timeline.has_read_days(&day);
    assert_eq!(timeline.unread_days([Some(1)]), [0; 0], "once");
}

#[test]
fn parts_that_join_have_the_relations_of_both_and_none_twice() {
    let mut live = fold([stored("z", 100)]);
    live.begins_at(Some((7, 100)), false);
    live.apply(related("a", 1, 101, edit("first")));
    for offset in 2..40 {
        live.apply(related(&offset.to_string(), offset, 102, edit("other")));
    }
    live.apply(Change::Deleted { epoch: 7, offset: 50 });
    let bytes = live.orphans.bytes();
    for _ in 0..3 {
        let mut older = live.separate();
        older.begins_at(Some((7, 90)), false);
        older.apply(stored("y", 90));
        // The page of the older part has brought it.
        older.apply(related("a", 1, 150, edit("second")));
        live.join(older);
    }
    assert!(live.orphans.bytes() <= bytes + 100, "{} {bytes}", live.orphans.bytes());
    live.apply(stored("a", 1));
    live.apply(stored("b", 50));
    assert_eq!(rows(&live)[0].text(), "second");
    assert!(rows(&live)[1].is_deleted());
}
