//! A look-up looks at a bounded number of rows, however many events and topics there are.

use super::*;

/// As many as a test can log; each has a topic of its own, and each seventh one of a second kind.
const EVENTS: u64 = 3_000;

fn store(directory: &Path) -> Embedded {
    let store = open(directory);
    for first in (1..=EVENTS).step_by(500) {
        let batch: Vec<_> = (first..first + 500).map(write).collect();
        store.write(&batch).unwrap();
    }
    store
}

fn write(number: u64) -> Write {
    let kind = if number.is_multiple_of(7) { "b" } else { "a" };
    let topic = Topic::parse(&format!("user.{number}.{kind}")).unwrap();
    let body = Body { id: number.to_string(), source: "s".to_owned(), ..Body::default() };
    Write::Append(Append { ticket: ticket(), client: None, event: Ok((topic, body)) }.into())
}

fn steps(store: &Embedded, pattern: &str, count: u64) -> (u64, StartPoint) {
    let (pattern, mut search) = (Pattern::parse(pattern).unwrap(), Search::default());
    let mut steps = 1;
    loop {
        if let Some(located) = store.locate(&pattern, &Start::Last(count), &mut search).unwrap() {
            return (steps, place(located));
        }
        assert!(search.has_begun());
        steps += 1;
    }
}

#[test]
fn the_newest_of_all_are_found_at_once_and_of_some_in_steps() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path());
    for count in [u64::MAX, EVENTS + 1, EVENTS] {
        let (steps, StartPoint { next, gap, .. }) = steps(&store, "user.*.b", count);
        assert_eq!((steps, next, gap), (1, 1, None), "{count}");
    }
    let (taken, StartPoint { next, .. }) = steps(&store, "user.*.b", 100);
    assert_eq!(next, EVENTS / 7 * 7 - 99 * 7);
    assert!(taken > 50, "{taken} steps");
    let (taken, StartPoint { next, .. }) = steps(&store, "user.*.none", 5);
    assert_eq!(next, EVENTS + 1);
    assert!(taken > 100, "{taken} steps");
}

#[test]
fn a_page_of_history_over_many_topics_is_found_in_the_log() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path());
    for (pattern, of) in [("user.*.a", 1..7), ("user.*.b", 0..1), ("user.>", 0..7)] {
        let pattern = Pattern::parse(pattern).unwrap();
        let (mut read, mut before) = (Vec::new(), Some(None));
        while let Some(place) = before {
            let older = store.history(0, &pattern, place, 128).unwrap();
            read.extend(older.events.iter().map(|event| event.offset));
            before = older.next.map(Some);
        }
        let all: Vec<_> = (1..=EVENTS).rev().filter(|at| of.contains(&(at % 7))).collect();
        assert_eq!(read, all);
    }
}
