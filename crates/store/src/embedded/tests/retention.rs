//! What is trimmed, and that readers get a gap for it.

use super::disk::Disk;
use super::*;

/// A store that keeps so much, and its clock.
fn keeping(keep: Keep) -> (Embedded, Disk) {
    let disk = Disk::default();
    disk.set_clock(1_000_000);
    let settings = Settings { keep, ..Settings::default() };
    (Embedded::on(Box::new(disk.clone()), settings).unwrap(), disk)
}

fn write(store: &Embedded, ids: std::ops::Range<u32>, size: usize) {
    let events: Vec<_> = ids.map(|id| event(&format!("e{id}"), size, None)).collect();
    store.write(&events).unwrap();
}

fn offsets(store: &Embedded) -> Vec<u64> {
    let (mut next, mut offsets) = (1, Vec::new());
    while next <= store.heads().unwrap()[0] {
        let page = store.read(0, &Pattern::parse(">").unwrap(), next, 10_000).unwrap();
        offsets.extend(page.events.iter().map(|event| event.offset));
        next = page.next;
    }
    offsets
}

fn after(offset: u64, epoch: u64, id: Option<&str>) -> Start {
    let id = id.map(str::to_owned);
    Start::After(vec![session::Position { offset, id, ..session::Position::start_of(epoch) }])
}

#[test]
fn the_newest_events_are_kept_by_count() {
    let (store, _) = keeping(Keep { events: 10, ..Keep::default() });
    for commit in 0..6 {
        write(&store, commit * 5..commit * 5 + 5, 1);
    }
    assert_eq!(offsets(&store), (21..=30).collect::<Vec<_>>());
}

#[test]
fn the_newest_events_are_kept_by_bytes_and_the_very_newest_always() {
    let (store, _) = keeping(Keep { bytes: 5_000, ..Keep::default() });
    write(&store, 0..10, 1_000);
    assert_eq!(offsets(&store), (7..=10).collect::<Vec<_>>());
    write(&store, 10..11, 9_000);
    assert_eq!(offsets(&store), [11]);
}

#[test]
fn events_are_kept_by_age_and_never_dropped_before_it() {
    let (store, disk) = keeping(Keep { age: Some(Duration::from_secs(60)), ..Keep::default() });
    write(&store, 0..3, 1);
    disk.set_clock(1_000_999);
    write(&store, 3..5, 1);
    disk.set_clock(1_030_000);
    write(&store, 5..7, 1);
    disk.set_clock(1_060_998);
    assert!(!store.maintain_now().unwrap());
    assert_eq!(offsets(&store).len(), 7);
    disk.set_clock(1_062_000);
    store.maintain_now().unwrap();
    assert_eq!(offsets(&store), [6, 7]);
    // The clock goes back, which makes nothing older.
    disk.set_clock(900_000);
    write(&store, 7..8, 1);
    assert_eq!(offsets(&store), [6, 7, 8]);
    disk.set_clock(9_000_000);
    store.maintain_now().unwrap();
    assert_eq!((offsets(&store), store.heads().unwrap()[0]), (Vec::new(), 8));
    write(&store, 8..9, 1);
    assert_eq!(offsets(&store), [9]);
}

#[test]
fn a_late_subscriber_learns_the_range_that_is_gone() {
    let (store, _) = keeping(Keep { events: 10, ..Keep::default() });
    write(&store, 0..10, 1);
    let everything = Pattern::parse(">").unwrap();
    let epoch = place(locate(&store, &everything, &Start::Latest)).head.epoch;
    for commit in 1..4 {
        write(&store, commit * 10..commit * 10 + 10, 1);
    }
    // 31 to 40 are kept.
    for (start, expected) in [
        (Start::Latest, (41, None, None)),
        (Start::Earliest, (31, None, None)),
        (Start::Last(99), (31, None, None)),
        (after(40, epoch, Some("e39")), (41, Some(40), None)),
        (after(30, epoch, Some("e29")), (31, Some(30), None)),
        // The event that it names is gone, and is not compared.
        (after(30, epoch, Some("whatever")), (31, Some(30), None)),
        (after(29, epoch, Some("e28")), (31, Some(29), Some((30, 30)))),
        (after(7, epoch, Some("e6")), (31, Some(7), Some((8, 30)))),
        (after(0, epoch, None), (31, Some(0), Some((1, 30)))),
    ] {
        let StartPoint { next, previous, gap, head } = place(locate(&store, &everything, &start));
        assert_eq!((next, previous, gap), expected, "{start:?}");
        assert_eq!((head.offset, head.id.as_deref()), (40, Some("e39")));
    }
    for (start, code) in [(after(31, epoch, Some("other")), 31), (after(41, epoch, None), 41)] {
        let located = locate(&store, &everything, &start);
        assert!(matches!(located, Located::Reset(_)), "{code}: {located:?}");
    }
    for pattern in ["a", ">"] {
        let page = store.read(0, &Pattern::parse(pattern).unwrap(), 5, 3).unwrap();
        assert_eq!((page.gap, page.events[0].offset, page.next), (Some((5, 30)), 31, 34));
        let page = store.read(0, &Pattern::parse(pattern).unwrap(), 31, 3).unwrap();
        assert_eq!(page.gap, None);
    }
}

#[test]
fn a_trimmed_event_is_forgotten_by_its_id_and_a_kept_one_is_not() {
    let (store, _) = keeping(Keep { events: 2, ..Keep::default() });
    write(&store, 0..4, 1);
    let again = store.write(&[event("e3", 1, None), event("e0", 1, None)]).unwrap();
    let offsets: Vec<_> = again.outcomes.iter().map(offset).collect();
    assert_eq!(offsets, [Some(4), Some(5)]);
}

#[test]
fn a_commit_trims_a_bounded_number_and_tending_does_the_rest() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    for commit in 0..10 {
        write(&store, commit * 1_000..(commit + 1) * 1_000, 1);
    }
    drop(store);
    let keep = Keep { events: 10, ..Keep::default() };
    let settings = Settings { keep, ..Settings::default() };
    let store = Embedded::open(directory.path(), settings).unwrap();
    write(&store, 10_000..10_001, 1);
    let gone = 10_001 - offsets(&store).len();
    assert!((1..100).contains(&gone), "{gone}");
    assert!(store.maintain_now().unwrap());
    assert!(offsets(&store).len() > 8_000);
    while store.maintain_now().unwrap() {}
    assert_eq!(offsets(&store), (9_992..=10_001).collect::<Vec<_>>());
}
