//! Which message an event is about, and what is left of one that was deleted.

use super::tests::{fold, forged, queued, related, rows, seen, stored};
use super::*;
use crate::events::TextMessage;

#[test]
fn a_reference_is_to_the_message_with_its_id_in_its_epoch() {
    let timeline = fold([stored("a", 10), stored("b", 20)]);
    let target = |id: &str, epoch, offset| {
        let about = Reference { id: id.into(), epoch, offset };
        timeline.target(&about).map(|row| row.seen.id.to_string())
    };
    assert_eq!(target("a", 7, 10).as_deref(), Some("a"));
    assert_eq!(target("b", 7, 10), None, "another id");
    assert_eq!(target("a", 8, 10), None, "another log");
    assert_eq!(target("a", 7, 11), None);
    let row = timeline.find(None, 20).unwrap().1;
    assert_eq!(timeline.position(row), Some((7, 20)));
    assert_eq!(timeline.find(Some(8), 20), None);
}

#[test]
fn the_last_message_of_the_user_is_stored_and_not_deleted() {
    let mut timeline = fold([stored("a", 10), stored("b", 20), queued("c")]);
    timeline.apply(Change::Stored { seen: forged("d"), epoch: 7, offset: 30 });
    let last = |timeline: &Timeline| timeline.last_by("ann").map(|row| row.seen.id.to_string());
    assert_eq!(last(&timeline).as_deref(), Some("b"));
    timeline.apply(Change::Deleted { epoch: 7, offset: 20 });
    assert_eq!(last(&timeline).as_deref(), Some("a"));
    assert_eq!(timeline.last_by("bob"), None);
}

#[test]
fn a_message_that_was_deleted_has_no_reactions_and_follows_the_one_before() {
    let mut timeline = fold([stored("a", 10), stored("b", 20)]);
    let reacted = Relation::Reacted { emoji: "👍".into(), is_on: true };
    timeline.apply(related("b", 20, 30, reacted));
    assert_eq!(rows(&timeline)[1].reactions().len(), 1);
    // As the log has it after the deletion.
    let mut emptied = seen("b");
    emptied.message = Rc::new(TextMessage::default());
    timeline.apply(Change::Deleted { epoch: 7, offset: 20 });
    assert!(rows(&timeline)[1].is_deleted() && rows(&timeline)[1].reactions().is_empty());
    let loaded = fold([
        stored("a", 10),
        Change::Stored { seen: emptied, epoch: 7, offset: 20 },
        stored("c", 30),
    ]);
    let all = rows(&loaded);
    assert!(all[1].is_deleted() && all[1].is_by("ann"));
    assert!(all[1].follows(all[0]) && !all[2].follows(all[1]));
}
