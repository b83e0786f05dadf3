//! Deletes in the file: rows of several events, sizes, and what a relay keeps in memory.

use session::rights::Rights;
use session::server::Deletion;
use session::{Position, RejectCode, Stream};

use super::*;

/// Deletes the event at an offset of the main stream, as the source of all events of these tests.
fn delete(store: &Embedded, offset: u64) -> Write {
    let epoch = store.epoch();
    let target = Position { stream: Stream::MAIN, epoch, offset, id: None };
    Write::Delete(Deletion {
        ticket: ticket(),
        stream: 0,
        event: Body::deletion("p", &target, None, None),
        target,
        sources: vec!["s".to_owned()],
        account: None,
        rights: Rights::all(),
    })
}

/// The offset of each event, whether it holds data, what it deletes, and by what it was deleted.
fn read(store: &Embedded) -> Vec<(u64, bool, Option<u64>, Option<u64>)> {
    let page = store.read(0, &Pattern::parse(">").unwrap(), 1, 100).unwrap();
    let events = page.events.iter().map(|event| {
        let body = Body::decode(&event.body).unwrap();
        (event.offset, !body.data.is_empty(), body.deletes(), body.deleted())
    });
    events.collect()
}

#[test]
fn an_event_is_emptied_in_its_row_and_its_size_and_repeats_are_known() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.write(&[event("1", 500, None), event("2", 500, None), event("3", 500, None)]).unwrap();
    let before = store.usage().unwrap().streams[0].bytes;
    let written = store.write(&[delete(&store, 2)]).unwrap();
    assert_eq!(offset(&written.outcomes[0]), Some(4));
    let expected = [
        (1, true, None, None),
        (2, false, None, Some(4)),
        (3, true, None, None),
        (4, false, Some(2), None),
    ];
    assert_eq!(read(&store), expected);
    let page = store.read(0, &Pattern::parse("a").unwrap(), 1, 100).unwrap();
    assert_eq!(*written.emptied, page.events[1..2]);
    let bytes: usize = page.events.iter().map(|it| it.topic.as_str().len() + it.body.len()).sum();
    let after = store.usage().unwrap().streams[0].bytes;
    assert_eq!(after, bytes as u64);
    assert!(after < before);
    drop(store);
    let store = open(directory.path());
    assert_eq!(read(&store), expected);
    // A repeat of the event, and one of the deletion.
    let again = store.write(&[event("2", 500, None), delete(&store, 2)]).unwrap();
    let offsets: Vec<_> = again.outcomes.iter().map(offset).collect();
    assert_eq!((offsets, again.logged.len(), again.emptied.len()), (vec![Some(2), Some(4)], 0, 0));
    assert_eq!(read(&store), expected);
}

#[test]
fn an_event_is_deleted_by_the_commit_that_logs_it() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let deletes = [delete(&store, 1), delete(&store, 1), delete(&store, 9)];
    let mut writes = vec![event("1", 9, None), event("2", 9, None)];
    writes.extend(deletes);
    let written = store.write(&writes).unwrap();
    let offsets: Vec<_> = written.outcomes.iter().map(offset).collect();
    assert_eq!(offsets, [Some(1), Some(2), Some(3), Some(3), None]);
    let expected = [(1, false, None, Some(3)), (2, true, None, None), (3, false, Some(1), None)];
    assert_eq!(read(&store), expected);
    let logged: Vec<_> = written.logged.iter().map(|event| event.offset).collect();
    assert_eq!((logged, written.emptied.len(), written.emptied[0].offset), (vec![1, 2, 3], 1, 1));
}

#[test]
fn a_deletion_is_known_after_its_event_is_trimmed_and_waits_for_room() {
    let directory = tempfile::tempdir().unwrap();
    let keep = Keep { events: 2, ..Keep::default() };
    let settings = Settings { keep, ..Settings::default() };
    let store = Embedded::open(directory.path(), settings).unwrap();
    store.write(&[event("1", 9, None)]).unwrap();
    let full = [delete(&store, 1)];
    let command = Command { time: 1.into(), has_room: false, writes: &full };
    let outcomes = store.apply(&[command]).unwrap().remove(0).outcomes;
    assert!(matches!(
        &outcomes[0],
        WriteOutcome::Decided(Decided::Rejected { code: RejectCode::DiskFull, retry: Some(_), .. })
    ));
    assert_eq!(read(&store), [(1, true, None, None)]);
    assert_eq!(offset(&store.write(&full).unwrap().outcomes[0]), Some(2));
    store.write(&[event("3", 9, None)]).unwrap();
    assert_eq!(read(&store).iter().map(|event| event.0).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(offset(&store.write(&full).unwrap().outcomes[0]), Some(2));
    store.write(&[event("4", 9, None)]).unwrap();
    assert_eq!(offset(&store.write(&full).unwrap().outcomes[0]), None);
}
