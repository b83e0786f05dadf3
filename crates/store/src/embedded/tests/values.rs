//! Streams that keep the last values of each topic.

use redb::ReadableTableMetadata;
use session::Position;

use super::disk::{Crash, Disk};
use super::*;
use crate::embedded::format::IDS;
use crate::embedded::format::{BLOCKS, TIMES, TOPICS};

const HOUR: u64 = 3_600_000;

fn keep_last(count: usize) -> Keep {
    Keep { topic: Some(count), ..Keep::default() }
}

fn on(disk: &Disk, keep: Keep) -> Embedded {
    Embedded::on(Box::new(disk.clone()), Settings { keep, ..Settings::default() }).unwrap()
}

fn keeping(keep: Keep) -> (Embedded, Disk) {
    let disk = Disk::default();
    disk.set_clock(1_000 * HOUR);
    (on(&disk, keep), disk)
}

/// An event of this size with an id on a topic.
fn event_on(topic: &str, id: &str, size: usize, client: Option<Numbered>) -> Write {
    let (id, source) = (id.to_owned(), "s".to_owned());
    let body = Body { id, source, data: vec![b'x'; size], ..Body::default() };
    let event = Ok((Topic::parse(topic).unwrap(), body));
    Write::Append(Append { ticket: ticket(), client, event }.into())
}

/// Logs events on these topics in one command. Each has its offset as its id.
fn log(store: &Embedded, topics: &[&str]) -> Written {
    let head = store.heads().unwrap()[0];
    let events = (head + 1..).zip(topics);
    let events: Vec<_> =
        events.map(|(id, topic)| event_on(topic, &id.to_string(), 20, None)).collect();
    store.write(&events).unwrap()
}

/// The offsets of a pattern's events, read forwards. There must be no gap.
fn offsets(store: &Embedded, pattern: &str) -> Vec<u64> {
    let (mut next, mut offsets) = (1, Vec::new());
    while next <= store.heads().unwrap()[0] {
        let page = store.read(0, &Pattern::parse(pattern).unwrap(), next, 3).unwrap();
        assert_eq!(page.gap, None);
        offsets.extend(page.events.iter().map(|event| event.offset));
        next = page.next;
    }
    offsets
}

fn history(store: &Embedded, pattern: &str) -> Vec<u64> {
    let (mut before, mut offsets) = (Some(None), Vec::new());
    while let Some(from) = before {
        let older = store.history(0, &Pattern::parse(pattern).unwrap(), from, 2).unwrap();
        offsets.extend(older.events.iter().map(|event| event.offset));
        before = older.next.map(Some);
    }
    offsets
}

fn count(store: &Embedded) -> u64 {
    store.usage().unwrap().streams[0].count
}

#[test]
fn the_last_values_of_each_topic_are_kept_and_everything_else_is_skipped() {
    let (store, _) = keeping(keep_last(1));
    log(&store, &["p.ann", "p.bob", "p.ann", "room"]);
    let written = log(&store, &["p.ann", "p.cid", "p.cid"]);
    assert_eq!(written.logged.len(), 3);
    assert_eq!(written.superseded, [(0, 3), (0, 6)]);
    assert_eq!(offsets(&store, ">"), [2, 4, 5, 7]);
    assert_eq!(offsets(&store, "p.*"), [2, 5, 7]);
    assert_eq!(offsets(&store, "p.ann"), [5]);
    assert_eq!(history(&store, ">"), [7, 5, 4, 2]);
    assert_eq!(history(&store, "p.*"), [7, 5, 2]);
    assert_eq!(history(&store, "p.cid"), [7]);
    let usage = store.usage().unwrap().streams[0];
    assert_eq!((usage.first, usage.head, usage.count), (1, 7, 4));
    for (pattern, last, begin) in [(">", 2, 5), (">", 3, 4), (">", 9, 1), ("p.*", 2, 5)] {
        assert_eq!(place(locate(&store, pattern, &Start::Last(last))).next, begin, "{pattern}");
    }
    let copy = tempfile::tempdir().unwrap();
    assert_eq!(store.backup(&copy.path().join("copy")).unwrap().events, 4);
}

#[test]
fn the_configured_number_of_values_of_a_topic_is_kept() {
    let (store, _) = keeping(keep_last(100));
    for _ in 0..150 {
        log(&store, &["a", "b", "a"]);
    }
    let all: Vec<u64> = (1..=450).collect();
    let on = |is_b: bool| all.iter().copied().filter(move |at| (at % 3 == 2) == is_b);
    assert_eq!(offsets(&store, "a"), on(false).skip(200).collect::<Vec<_>>());
    assert_eq!(offsets(&store, "b"), on(true).skip(50).collect::<Vec<_>>());
    assert_eq!(count(&store), 200);
    // The index of a topic has few rows, though each commit adds one.
    let rows = store.file.with(|file| Ok(file.read()?.open_table(TOPICS)?.len()?)).unwrap();
    assert!(rows <= 8, "{rows}");
}

#[test]
fn a_subscription_resumes_after_a_superseded_position() {
    let (store, _) = keeping(keep_last(1));
    let head = |store: &Embedded| place(locate(store, ">", &Start::Latest)).head;
    let mut positions = Vec::new();
    for topic in ["a", "a", "b", "a"] {
        log(&store, &[topic]);
        positions.push(head(&store));
    }
    assert_eq!(offsets(&store, ">"), [3, 4]);
    for (position, next) in positions.iter().zip([2, 3, 4, 5]) {
        for id in [position.id.clone(), None] {
            let start = Start::After(vec![Position { id, ..position.clone() }]);
            let found = place(locate(&store, ">", &start));
            let expected = (next, Some(position.offset), None);
            assert_eq!((found.next, found.previous, found.gap), expected);
        }
    }
    // What stands there, and what lies above the head, is compared as always.
    let other = Position { id: Some("other".to_owned()), ..positions[2].clone() };
    let above = Position { offset: 5, id: None, ..positions[2].clone() };
    for position in [other, above] {
        let found = locate(&store, ">", &Start::After(vec![position]));
        assert!(matches!(found, Located::Reset(_)), "{found:?}");
    }
}

#[test]
fn the_repeat_of_a_superseded_event_has_its_first_answer_and_supersedes_nothing() {
    let (mut store, mut disk) = keeping(keep_last(1));
    let numbered = |number| Some(Numbered { client: [1; 16], fence: 1, number, lowest: 1 });
    let value = |number: u64| event_on("a", &format!("e{number}"), 20, numbered(number));
    store.write(&[hello(1), value(1), value(2)]).unwrap();
    store.write(&[value(3)]).unwrap();
    for _ in 0..2 {
        let outcomes = store.write(&[value(1), value(2), value(3)]).unwrap().outcomes;
        assert_eq!(outcomes.iter().map(offset).collect::<Vec<_>>(), [Some(1), Some(2), Some(3)]);
        assert_eq!(offsets(&store, "a"), [3]);
        drop(store);
        disk = disk.crashed(Crash::CutClean);
        store = on(&disk, keep_last(1));
    }
    // Without a number it is known by its id for as long as it is in the log, like one that is trimmed.
    let outcomes = store.write(&[event_on("a", "e3", 20, None), event_on("a", "e1", 20, None)]);
    let offsets: Vec<_> = outcomes.unwrap().outcomes.iter().map(offset).collect();
    assert_eq!(offsets, [Some(3), Some(4)]);
}

#[test]
fn the_ids_of_superseded_events_leave_the_file_also_after_a_kill() {
    let (mut store, mut disk) = keeping(keep_last(1));
    let names: Vec<String> = (0..1_000).map(|number| format!("t.{number}")).collect();
    let topics: Vec<&str> = names.iter().map(String::as_str).collect();
    for round in 0..12 {
        for _ in 0..5 {
            log(&store, &topics);
        }
        if round % 4 == 3 {
            drop(store);
            disk = disk.crashed(Crash::CutClean);
            store = on(&disk, keep_last(1));
        }
    }
    assert_eq!(count(&store), 1_000);
    let rows = store.file.with(|file| Ok(file.read()?.open_table(IDS)?.len()?)).unwrap();
    assert!(rows <= 5_000, "{rows} of 60,000");
}

#[test]
fn bounds_count_what_is_there_and_only_what_they_drop_is_reported_as_a_gap() {
    let (store, disk) = keeping(Keep { events: 3, ..keep_last(1) });
    log(&store, &["a", "a", "b", "a", "c", "b"]);
    // The events 4, 5 and 6 are left.
    assert_eq!((offsets(&store, ">"), store.usage().unwrap().streams[0].first), (vec![4, 5, 6], 1));
    log(&store, &["b", "d"]);
    let everything = Pattern::parse(">").unwrap();
    let page = store.read(0, &everything, 1, 9).unwrap();
    let found: Vec<_> = page.events.iter().map(|event| event.offset).collect();
    assert_eq!((found, page.gap), (vec![5, 7, 8], Some((1, 4))));
    assert_eq!(store.read(0, &everything, 5, 9).unwrap().gap, None);
    drop(store);

    let store = on(&disk.crashed(Crash::CutClean), Keep { bytes: 300, ..keep_last(1) });
    let big: Vec<_> = (0..9).map(|id| event_on("big", &format!("b{id}"), 200, None)).collect();
    store.write(&big).unwrap();
    let usage = store.usage().unwrap().streams[0];
    assert!(usage.bytes <= 300 && usage.count >= 1, "{usage:?}");
    assert_eq!(offsets_from(&store, usage.first).last(), Some(&17));
}

fn offsets_from(store: &Embedded, from: u64) -> Vec<u64> {
    let page = store.read(0, &Pattern::parse(">").unwrap(), from, 100).unwrap();
    page.events.iter().map(|event| event.offset).collect()
}

#[test]
fn values_are_dropped_by_their_age_too_and_the_times_of_superseded_ones_are_forgotten() {
    let keep = Keep { age: Some(Duration::from_secs(7_200)), ..keep_last(1) };
    let (store, disk) = keeping(keep);
    let times = |store: &Embedded| {
        store.file.with(|file| Ok(file.read()?.open_table(TIMES)?.len()?)).unwrap()
    };
    log(&store, &["old"]);
    for second in 1..=100 {
        disk.set_clock(1_000 * HOUR + second * 1_000);
        log(&store, &["hot"]);
    }
    assert_eq!((offsets(&store, ">"), times(&store)), (vec![1, 101], 101));
    while store.maintain_now().unwrap() {}
    assert_eq!((offsets(&store, ">"), times(&store)), (vec![1, 101], 2));
    // Two hours after the first event, and before the second one is that old.
    disk.set_clock(1_002 * HOUR + 50_000);
    while store.maintain_now().unwrap() {}
    assert_eq!(offsets_from(&store, 2), [101]);
    assert_eq!(store.usage().unwrap().streams[0].first, 2);
    disk.set_clock(1_003 * HOUR);
    while store.maintain_now().unwrap() {}
    assert_eq!((count(&store), store.heads().unwrap()[0]), (0, 101));
    log(&store, &["hot"]);
    assert_eq!(offsets_from(&store, 102), [102]);
}

#[test]
fn a_stream_that_keeps_less_from_now_on_is_brought_down_to_it_in_bounded_steps() {
    let (store, disk) = keeping(Keep::default());
    for _ in 0..40 {
        log(&store, &[&["a"; 100][..], &["b", "c", "d", "e", "f"]].concat());
    }
    drop(store);
    let disk = disk.crashed(Crash::CutClean);
    let store = on(&disk, keep_last(2));
    assert_eq!(count(&store), 4_200);
    let mut all = offsets(&store, "a");
    // A write drops few of them, the oldest first,
    log(&store, &["a"]);
    assert!((4_000..4_201).contains(&count(&store)), "{}", count(&store));
    all.extend(store.heads().unwrap());
    assert!(all.ends_with(&offsets(&store, "a")));
    // and so does each step of the maintenance.
    let mut before = count(&store);
    let mut more = true;
    while more {
        let done = store.maintain(store.now()).unwrap();
        assert!(before - count(&store) <= 1_024);
        assert_eq!(before - count(&store), done.superseded.len() as u64);
        (before, more) = (count(&store), done.more);
        assert!(all.ends_with(&offsets(&store, "a")));
    }
    let head = store.heads().unwrap()[0];
    let newest: Vec<u64> = (1..=5).map(|at| head - at).rev().collect();
    let before: Vec<u64> = newest.iter().map(|offset| offset - 105).collect();
    let a = [head - 6, head];
    let expected = [&before[..], &a[..1], &newest[..], &a[1..]].concat();
    assert_eq!(offsets(&store, ">"), expected);
}

#[test]
fn what_stays_does_not_lie_scattered_in_the_file() {
    let (store, _) = keeping(keep_last(1));
    let cold: Vec<String> = (0..500).map(|number| format!("cold.{number}")).collect();
    for topic in &cold {
        log(&store, &[&[topic.as_str()][..], &["hot"; 20]].concat());
    }
    assert_eq!(count(&store), 501);
    let (rows, bytes) = store
        .file
        .with(|file| {
            let blocks = file.read()?.open_table(BLOCKS)?;
            Ok((blocks.len()?, blocks.stats()?.stored_bytes()))
        })
        .unwrap();
    assert!(rows < 100, "{rows} rows of {bytes} bytes");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Against a list of which all but the last values of each topic are gone, in commands of any size.
    #[test]
    fn the_log_is_a_list_of_last_values(
        commands in proptest::collection::vec(proptest::collection::vec(0..12_usize, 1..40), 1..40),
        keep in 1..70_usize,
        crash in 0..40_usize,
    ) {
        let (mut store, mut disk) = keeping(keep_last(keep));
        let mut list: Vec<(u64, usize)> = Vec::new();
        let names: Vec<String> = (0..12).map(|number| format!("t.{}.x", number % 12)).collect();
        let mut head = 0;
        for (number, command) in commands.iter().enumerate() {
            let topics: Vec<&str> = command.iter().map(|topic| names[*topic].as_str()).collect();
            let superseded = log(&store, &topics).superseded.len();
            let before = list.len() + command.len();
            list.extend((head + 1..).zip(command.iter().copied()));
            head += command.len() as u64;
            let mut counts = [0; 12];
            list.reverse();
            list.retain(|(_, topic)| {
                counts[*topic] += 1;
                counts[*topic] <= keep
            });
            list.reverse();
            prop_assert_eq!(superseded, before - list.len());
            if number == crash {
                drop(store);
                disk = disk.crashed(Crash::CutClean);
                store = on(&disk, keep_last(keep));
            }
        }
        let expected: Vec<u64> = list.iter().map(|(offset, _)| *offset).collect();
        prop_assert_eq!(offsets(&store, ">"), expected.clone());
        prop_assert_eq!(history(&store, "t.>").into_iter().rev().collect::<Vec<_>>(), expected);
        for (number, name) in names.iter().enumerate() {
            let expected = list.iter().filter(|(_, topic)| *topic == number);
            let expected: Vec<u64> = expected.map(|(offset, _)| *offset).collect();
            prop_assert_eq!(offsets(&store, name), expected);
        }
        prop_assert_eq!(count(&store), list.len() as u64);
    }
}
