use super::*;

fn message(offset: u64, is_own: bool) -> Message {
    let text = Some(["text ", &offset.to_string()].concat().into());
    let author = Some(person(if is_own { "ann" } else { "bob" }));
    Message { at: (7, offset), is_own, time_ms: offset, author, name: "Bob".into(), text }
}

fn person(id: &str) -> PersonId {
    PersonId::of_token(id)
}

fn preview(rooms: &Rooms) -> String {
    rooms.get("tea").unwrap().newest.as_ref().unwrap().text.to_string()
}

fn joined(keys: &[&str]) -> Rooms {
    let mut rooms = Rooms::default();
    for key in keys {
        rooms.set(key, Membership { is_joined: true, ..Membership::default() });
    }
    rooms
}

fn count(rooms: &Rooms, key: &str) -> Option<String> {
    rooms.get(key).unwrap().unread.shown()
}

fn order(rooms: &Rooms) -> Vec<&str> {
    rooms.joined().into_iter().map(|entry| &*entry.key).collect()
}

#[test]
fn messages_of_others_are_unread_and_own_ones_are_not() {
    let mut rooms = joined(&["tea"]);
    for offset in 1..=3 {
        rooms.message("tea", &message(offset, false));
    }
    assert_eq!(count(&rooms, "tea").as_deref(), Some("3"));
    assert_eq!(rooms.total(), 3);
    assert!(rooms.message("tea", &message(4, true)), "writing marks the room as read");
    assert_eq!(count(&rooms, "tea"), None);
    assert!(!rooms.message("tea", &message(4, true)));
}

#[test]
fn what_arrives_in_any_order_and_twice_is_counted_once() {
    let mut rooms = joined(&["tea"]);
    rooms.read("tea", (7, 2));
    for offset in [5, 3, 4, 1, 2, 5, 3] {
        rooms.message("tea", &message(offset, false));
    }
    assert_eq!(count(&rooms, "tea").as_deref(), Some("3"));
    let newest = rooms.get("tea").unwrap().newest.clone().unwrap();
    assert_eq!((newest.at, &*newest.text, &*newest.name), ((7, 5), "text 5", "Bob"));
    assert_eq!(rooms.get("tea").unwrap().unread.line(), Some(2));
}

#[test]
fn a_hundred_unread_messages_may_be_more_and_are_exact_again_once_the_first_ones_are_read() {
    let mut rooms = joined(&["tea"]);
    for offset in 1..=150 {
        rooms.message("tea", &message(offset, false));
    }
    assert_eq!(count(&rooms, "tea").as_deref(), Some("99+"));
    rooms.read("tea", (7, 49));
    assert_eq!(count(&rooms, "tea").as_deref(), Some("99+"));
    rooms.read("tea", (7, 60));
    assert_eq!(count(&rooms, "tea").as_deref(), Some("90"));
}

#[test]
fn the_peer_may_count_more_messages_than_a_page_has() {
    let mut rooms = joined(&["tea"]);
    rooms.read("tea", (7, 10));
    rooms.message("tea", &message(500, false));
    rooms.has_more("tea", (7, 500));
    assert_eq!(count(&rooms, "tea").as_deref(), Some("99+"));
    rooms.read("tea", (7, 499));
    assert_eq!(count(&rooms, "tea").as_deref(), Some("1"));
    rooms.has_more("tea", (7, 400));
    assert_eq!(count(&rooms, "tea").as_deref(), Some("1"), "all of those are read");
}

#[test]
fn deleted_and_invisible_messages_do_not_count() {
    let mut rooms = joined(&["tea"]);
    rooms.message("tea", &message(1, false));
    rooms.message("tea", &Message { text: None, ..message(2, false) });
    rooms.mentioned("tea", (7, 1));
    assert_eq!(count(&rooms, "tea").as_deref(), Some("1"));
    assert!(rooms.deleted("tea", (7, 1)) && !rooms.deleted("tea", (7, 9)));
    assert_eq!(count(&rooms, "tea"), None);
    let entry = rooms.get("tea").unwrap();
    assert!(!entry.unread.has_mention());
    assert_eq!(&*entry.newest.clone().unwrap().text, "");
}

#[test]
fn the_preview_follows_the_last_edit_by_the_author_and_goes_back_when_the_message_is_deleted() {
    let mut rooms = joined(&["tea"]);
    rooms.message("tea", &message(1, false));
    rooms.message("tea", &message(2, false));
    let mut edit = |about, by: &str, at, text: &str| {
        let is_seen = rooms.edited("tea", (7, about), &person(by), (7, at), text.into());
        (is_seen, preview(&rooms))
    };
    assert_eq!(edit(2, "bob", 9, "second"), (true, "second".into()));
    assert_eq!(edit(2, "bob", 8, "first"), (false, "second".into()), "an earlier one");
    assert_eq!(edit(2, "eve", 10, "by Eve"), (false, "second".into()), "of another person");
    assert_eq!(edit(1, "bob", 11, "of the one before"), (false, "second".into()));
    rooms.message("tea", &message(2, false));
    assert_eq!(preview(&rooms), "second", "the same message again");
    assert!(rooms.deleted("tea", (7, 2)));
    assert!(!rooms.edited("tea", (7, 2), &person("bob"), (7, 12), "too late".into()));
    assert_eq!(preview(&rooms), "");
    rooms.message("tea", &message(2, false));
    assert_eq!(preview(&rooms), "", "a page that was read before");
    rooms.message("tea", &message(1, false));
    assert_eq!(preview(&rooms), "text 1");
}

#[test]
fn a_mention_that_no_message_confirms_is_forgotten() {
    let mut rooms = joined(&["tea"]);
    rooms.mentioned("tea", (7, 999));
    assert_eq!(rooms.get("tea").unwrap().unread.mentions(), [(7, 999)]);
    rooms.not_mentioned("tea", (7, 999));
    assert!(!rooms.get("tea").unwrap().unread.has_mention());
}

#[test]
fn the_rooms_of_a_client_that_was_renewed_are_not_in_its_log() {
    let mut rooms = joined(&["tea"]);
    let membership = rooms.get("tea").unwrap().membership;
    rooms.set_logged("tea", membership);
    rooms.forget_log();
    assert!(!rooms.get("tea").unwrap().is_in_log);
}

#[test]
fn a_read_position_never_goes_back_in_its_log_and_is_of_no_use_in_another() {
    let mut rooms = joined(&["tea"]);
    assert!(rooms.read("tea", (7, 5)));
    assert!(!rooms.read("tea", (7, 4)) && !rooms.read("tea", (7, 5)));
    rooms.message("tea", &message(5, false));
    assert_eq!(count(&rooms, "tea"), None);
    rooms.message("tea", &Message { at: (8, 1), ..message(1, false) });
    assert_eq!(count(&rooms, "tea").as_deref(), Some("1"));
    assert_eq!(rooms.get("tea").unwrap().unread.line(), Some(0));
    assert!(rooms.read("tea", (8, 1)));
    assert_eq!(count(&rooms, "tea"), None);
}

#[test]
fn pinned_rooms_are_first_then_mentions_then_unread_ones_then_the_newest() {
    let mut rooms = joined(&["old", "new", "unread", "mention", "pinned", "muted"]);
    rooms.message("old", &message(1, true));
    rooms.message("new", &message(2, true));
    for key in ["unread", "mention", "muted"] {
        rooms.message(key, &message(0, false));
    }
    rooms.mentioned("mention", (7, 0));
    let is = Membership { is_joined: true, ..Membership::default() };
    rooms.set("pinned", Membership { is_pinned: true, ..is });
    rooms.set("muted", Membership { is_muted: true, ..is });
    assert_eq!(order(&rooms), ["pinned", "mention", "unread", "new", "old", "muted"]);
    assert_eq!(rooms.total(), 2);
    rooms.set("old", Membership::default());
    assert!(!order(&rooms).contains(&"old"));
}

#[test]
fn the_past_of_a_room_that_is_joined_now_is_not_unread() {
    let mut rooms = Rooms::default();
    assert!(rooms.join("tea") && !rooms.join("tea"));
    assert!(rooms.message("tea", &message(1, false)));
    rooms.message("tea", &message(2, false));
    rooms.caught_up("tea");
    rooms.message("tea", &message(3, false));
    assert_eq!(count(&rooms, "tea").as_deref(), Some("1"));
}

#[test]
fn a_room_that_was_left_and_joined_again_keeps_its_read_position() {
    let mut rooms = joined(&["tea"]);
    rooms.read("tea", (7, 1));
    rooms.set("tea", Membership::default());
    assert!(rooms.join("tea"));
    rooms.message("tea", &message(2, false));
    assert_eq!(count(&rooms, "tea").as_deref(), Some("1"));
}

#[test]
fn rooms_survive_as_a_text_and_what_is_not_understood_is_skipped() {
    let mut rooms = joined(&["tea", "a%20b"]);
    rooms.read("tea", (u64::MAX, 9));
    let flags = Membership { is_joined: true, is_muted: true, is_pinned: true };
    rooms.set("a%20b", flags);
    assert_eq!(Rooms::of_text(&rooms.to_text()), rooms);
    assert_eq!(Rooms::of_text("nonsense\n\n-- 1 2\n-- x y tea\n").joined().len(), 1);
}

#[test]
fn the_number_of_rooms_is_bounded() {
    let mut rooms = Rooms::default();
    for number in 0..1_000 {
        rooms.join(&number.to_string());
    }
    assert_eq!(rooms.joined().len(), MAX_ROOMS);
}
