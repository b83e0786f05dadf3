//! The promises about parts of a log: trimming, splitting and joining.

use super::chunks::CHUNK;
use super::tests::{fold, related, rows, seen, stored};
use super::*;

fn offsets(timeline: &Timeline) -> Vec<u64> {
    timeline.chunks.rows().filter_map(|row| row.offset()).collect()
}

fn filled(offsets: std::ops::Range<u64>) -> Timeline {
    let mut timeline = fold(offsets.clone().map(|offset| stored(&offset.to_string(), offset)));
    timeline.begins_at(Some((7, offsets.start)), false);
    timeline.apply(Change::Live);
    timeline
}

#[test]
fn the_oldest_messages_leave_when_there_are_too_many_but_not_what_is_read_nor_what_was_refused() {
    let mut timeline = filled(1..20_001);
    timeline.apply(Change::Pending { seen: seen("refused"), state: State::Sent });
    let refusal = Refusal::new("too_large");
    timeline.apply(Change::Failed { id: "refused".into(), refusal });
    let failed =
        rows(&timeline).into_iter().find(|row| &*row.seen.id == "refused").unwrap().clone();
    // It stands at the beginning.
    timeline.remove(failed.place);
    let place = Place::InLog { life: 0, offset: 1, after: 1 };
    timeline.insert(failed.seen.clone(), failed.state.clone(), place);

    let read = timeline.chunks()[0].key;
    timeline.apply(stored("20001", 20_001));
    timeline.trim(Some(read));
    assert_eq!(timeline.chunks.len(), 20_002);
    assert_eq!(timeline.oldest(), Some((7, 1)));
    timeline.trim(None);
    assert!(timeline.chunks.len() <= 20_001);
    let first = offsets(&timeline)[0];
    assert!(first >= CHUNK as u64 / 2);
    assert_eq!(timeline.oldest(), Some((7, first)));
    assert!(!timeline.is_first());
    assert_eq!(timeline.refused(), ["refused".into()]);
    assert!(!timeline.covers(7, first - 1) && timeline.covers(7, first) && timeline.covers(8, 1));
    assert_eq!(timeline.places.len(), timeline.chunks.len());
}

#[test]
fn a_part_that_has_grown_up_to_the_newest_messages_joins_them() {
    let mut live = filled(100..110);
    let mut older = live.separate();
    older.begins_at(Some((7, 5)), true);
    for offset in 5..100 {
        older.apply(stored(&offset.to_string(), offset));
    }
    // The message that it is about comes with neither part.
    let later = related("7", 7, 200, Relation::Edited { text: "edited".into() });
    older.apply(later.clone());
    live.apply(later);
    assert_eq!(older.end(), Some((7, 99)));
    let keys: Vec<u64> = older.chunks().iter().map(|chunk| chunk.key).collect();
    live.join(older);
    assert_eq!(offsets(&live), (5..110).collect::<Vec<_>>());
    assert_eq!(live.oldest(), Some((7, 5)));
    assert!(live.is_first());
    assert_eq!(rows(&live)[2].text(), "edited");
    assert_eq!(live.chunks()[..keys.len()].iter().map(|chunk| chunk.key).collect::<Vec<_>>(), keys);
    let (chunk, row) = live.find(None, 50).unwrap();
    assert!(live.chunks()[chunk].rows.iter().any(|other| Rc::ptr_eq(other, row)));
    // Another part has other keys.
    let mut next = live.separate();
    next.apply(stored("1", 1));
    assert!(!live.chunks().iter().any(|chunk| chunk.key == next.chunks()[0].key));
}

#[test]
fn a_part_that_reaches_into_the_newest_messages_doubles_none_when_it_joins() {
    let mut live = filled(100..110);
    // The log has this message twice.
    live.apply(stored("50", 110));
    // This one stands before all that is known of the log.
    let place = Place::InLog { life: 0, offset: 20, after: 1 };
    live.insert(seen("refused"), State::Failed(Refusal::new("too_large")), place);
    let mut older = live.separate();
    older.begins_at(Some((7, 5)), false);
    for offset in 5..110 {
        older.apply(stored(&offset.to_string(), offset));
    }
    live.join(older);
    assert_eq!(offsets(&live), (5..110).collect::<Vec<_>>());
    assert!(rows(&live).is_sorted_by_key(|row| row.place));
    assert_eq!(&*rows(&live)[16].seen.id, "refused");
    assert!(live.find(None, 50).is_some() && live.find(None, 107).is_some());
    assert_eq!(live.places.len(), live.chunks.len());
}

#[test]
fn a_page_of_the_middle_adds_what_is_missing_and_leaves_the_beginning() {
    let mut live = filled(100..110);
    live.begins_at(Some((7, 1)), true);
    live.apply(stored("50", 50));
    live.begins_at(Some((7, 40)), false);
    assert_eq!(live.oldest(), Some((7, 1)));
    assert!(live.is_first());
    assert_eq!(offsets(&live), std::iter::once(50).chain(100..110).collect::<Vec<_>>());
}

#[test]
fn the_nearest_message_is_at_or_before_the_offset_or_else_the_first() {
    let mut live = filled(100..110);
    live.apply(Change::Pending { seen: seen("pending"), state: State::Queued });
    for (offset, nearest) in [(105, 105), (999_999, 109), (1, 100)] {
        assert_eq!(live.nearest(offset), Some(nearest), "{offset}");
    }
    // Offsets are those of the newest epoch.
    live.apply(Change::Stored { seen: seen("reborn"), epoch: 8, offset: 3 });
    assert_eq!((live.nearest(105), live.nearest(1)), (Some(3), Some(3)));
    assert_eq!(Timeline::default().nearest(1), None);
}

#[test]
fn a_reader_at_the_beginning_of_far_too_many_messages_keeps_their_surroundings() {
    let mut live = filled(1..40_002);
    live.begins_at(Some((7, 1)), true);
    assert!(live.is_overfull());
    let older = live.split();
    assert!(!live.is_overfull() && !older.is_overfull());
    assert_eq!(older.oldest(), Some((7, 1)));
    assert!(older.is_first() && !live.is_first());
    let end = older.end().unwrap().1;
    assert_eq!(offsets(&older), (1..=end).collect::<Vec<_>>());
    let first = live.oldest().unwrap().1;
    assert!(end < first);
    assert_eq!(offsets(&live), (first..40_002).collect::<Vec<_>>());
    assert_eq!(live.places.len(), live.chunks.len());
    assert_eq!(older.places.len(), older.chunks.len());
}

#[test]
fn the_days_whose_relations_are_to_be_read_are_those_not_read_yet() {
    let day = |day: u64| Some(day * 86_400_000);
    let mut timeline = Timeline::default();
    assert_eq!(timeline.unread_days([day(1), day(0), day(1)]), [19_700_102, 19_700_101]);
    timeline.has_read_days(&[19_700_102]);
    assert_eq!(timeline.unread_days([day(1), day(0)]), [19_700_101]);
}
