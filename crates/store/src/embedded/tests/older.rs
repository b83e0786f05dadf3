//! Files that older versions have written.

use redb::{ReadableTable, TableDefinition};

use super::*;

/// What of the log there was: offset, topic and id.
const LOG: [(u64, &str, &str); 5] =
    [(3, "a", "e3"), (4, "a.b", "e4"), (5, "a", "e5"), (6, "a", "e6"), (7, "ab.c", "e7")];

fn offsets(store: &Embedded, pattern: &str) -> Vec<u64> {
    let page = store.read(0, &Pattern::parse(pattern).unwrap(), 1, 1_000).unwrap();
    page.events.iter().map(|event| event.offset).collect()
}

#[test]
fn a_file_of_an_older_format_is_brought_up_to_date_with_all_that_it_holds() {
    for format in [1, 2] {
        let directory = tempfile::tempdir().unwrap();
        // Format 1 kept everything.
        let first = if format == 1 { 1 } else { 3 };
        write(directory.path(), format, first);
        let settings =
            Settings { keep: Keep { events: 3, ..Keep::default() }, ..Settings::default() };
        let store = Embedded::open(directory.path(), settings.clone()).unwrap();
        let head = first + 4;
        assert_eq!(offsets(&store, ">"), (first..=head).collect::<Vec<_>>());
        assert_eq!(offsets(&store, "a"), [first, first + 2, first + 3]);
        assert_eq!(offsets(&store, "a.*"), [first + 1]);
        assert_eq!(store.heads().unwrap()[0], head);

        let numbered = |number| Numbered { client: [1; 16], fence: 7, number, lowest: 1 };
        let again = [
            hello_of([1; 16], 7),
            event("e5", 10, Some(numbered(5))),
            event("e6", 10, Some(numbered(8))),
            // Known by its id only.
            event("e4", 10, None),
            event("new", 10, Some(numbered(10))),
        ];
        let outcomes = store.write(&again).unwrap().outcomes;
        let welcome = Opened::Welcome { highest: 9, highest_id: Some("e7".to_owned()), new: false };
        assert_eq!(outcomes[0], WriteOutcome::Opened(welcome));
        let WriteOutcome::Decided(Decided::Stored(position, _)) = &outcomes[1] else { panic!() };
        assert_eq!((position.epoch, position.offset), (77, first + 2));
        let WriteOutcome::Decided(Decided::Rejected { message, retry: None, .. }) = &outcomes[2]
        else {
            panic!("{:?}", outcomes[2])
        };
        assert_eq!(message, "no");
        assert_eq!((offset(&outcomes[3]), offset(&outcomes[4])), (Some(first + 1), Some(head + 1)));
        while store.maintain_now().unwrap() {}
        assert_eq!(offsets(&store, ">"), [head - 1, head, head + 1]);
        drop(store);
        // Once more, now of this format.
        let store = Embedded::open(directory.path(), settings).unwrap();
        assert_eq!(offsets(&store, ">"), [head - 1, head, head + 1]);
    }
}

#[test]
fn a_file_of_format_3_is_counted_and_its_blocks_stay_as_they_are() {
    let directory = tempfile::tempdir().unwrap();
    let keep = |topic| Settings {
        keep: Keep { events: 8, topic, ..Keep::default() },
        ..Settings::default()
    };
    let store = Embedded::open(directory.path(), keep(None)).unwrap();
    for id in 0..10 {
        store.write(&[append(id % 3, id, None)]).unwrap();
    }
    drop(store);
    let old: TableDefinition<'_, u32, (u64, u64, u64, u64, u64)> = TableDefinition::new("extents");
    let meta: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
    let file = redb::Database::open(directory.path().join("events.redb")).unwrap();
    let transaction = file.begin_write().unwrap();
    {
        let new = transaction.open_table(crate::embedded::format::EXTENTS).unwrap();
        let (first, head, count, bytes, peak, indexed) = new.get(0).unwrap().unwrap().value();
        assert_eq!((first, head, count), (3, 10, 8));
        let row = (first, head, bytes, peak, indexed);
        transaction.open_table(old).unwrap().insert(0, row).unwrap();
        transaction.open_table(meta).unwrap().insert("format", 3).unwrap();
    }
    transaction.delete_table(crate::embedded::format::EXTENTS).unwrap();
    transaction.commit().unwrap();
    drop(file);

    let store = Embedded::open(directory.path(), keep(Some(2))).unwrap();
    let usage = store.usage().unwrap().streams[0];
    assert_eq!((usage.first, usage.head, usage.count), (3, 10, 8));
    assert_eq!(offsets(&store, ">"), (3..=10).collect::<Vec<_>>());
    let again = store.write(&[append(2, 8, None), append(0, 11, None)]).unwrap().outcomes;
    assert_eq!(again.iter().map(offset).collect::<Vec<_>>(), [Some(9), Some(11)]);
    while store.maintain_now().unwrap() {}
    assert_eq!(offsets(&store, ">"), [5, 6, 8, 9, 10, 11]);
    assert_eq!(store.usage().unwrap().streams[0].count, 6);
}

/// The tables as they were, with events of a client whose number 8 was rejected.
fn write(directory: &Path, format: u64, first: u64) {
    let file = redb::Database::create(directory.join("events.redb")).unwrap();
    let transaction = file.begin_write().unwrap();
    {
        let meta: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
        let events: TableDefinition<'_, u64, (&str, &[u8])> = TableDefinition::new("events");
        let by_topic: TableDefinition<'_, (&str, u64), ()> = TableDefinition::new("by_topic");
        let ids: TableDefinition<'_, (&str, &str), u64> = TableDefinition::new("ids");
        let clients: TableDefinition<'_, &[u8; 16], &[u8]> = TableDefinition::new("clients");
        let outcomes: TableDefinition<'_, (&[u8; 16], u64), u64> = TableDefinition::new("outcomes");
        let rejects: TableDefinition<'_, (&[u8; 16], u64), (u64, &str)> =
            TableDefinition::new("rejects");
        let mut meta = transaction.open_table(meta).unwrap();
        for (name, value) in [("epoch", 77), ("peer", 78), ("format", format)] {
            meta.insert(name, value).unwrap();
        }
        let mut events = transaction.open_table(events).unwrap();
        let mut by_topic = transaction.open_table(by_topic).unwrap();
        let mut ids = transaction.open_table(ids).unwrap();
        let mut outcomes = transaction.open_table(outcomes).unwrap();
        let mut bytes = 0;
        for (number, topic, id) in LOG {
            let offset = number - 3 + first;
            let body = Body { id: id.to_owned(), source: "s".to_owned(), ..Body::default() };
            let body = body.encode();
            bytes += (topic.len() + body.len()) as u64;
            events.insert(offset, (topic, &*body)).unwrap();
            by_topic.insert((topic, offset), ()).unwrap();
            ids.insert(("s", id), offset).unwrap();
            let number = if number == 7 { 9 } else { number };
            outcomes.insert((&[1; 16], number), offset).unwrap();
        }
        outcomes.insert((&[1; 16], 8), 0).unwrap();
        let code = session::RejectCode::IllegalEvent.number();
        let mut rejects = transaction.open_table(rejects).unwrap();
        rejects.insert((&[1; 16], 8), (code, "no")).unwrap();
        // A CBOR map: the secret's hash, the fencing token, the highest number, and its id.
        let mut row = vec![0xa4, 0, 0x58, 32];
        row.extend(<sha2::Sha256 as sha2::Digest>::digest([2_u8; 32]));
        row.extend([1, 6, 2, 9, 3, 0x62, b'e', b'7']);
        if format == 2 {
            // When it was last heard of, and how many outcomes there are.
            row[0] = 0xa6;
            row.extend([4, 0x1b]);
            row.extend(4_000_000_000_000_u64.to_be_bytes());
            row.extend([5, 6]);
            let times: TableDefinition<'_, u64, u64> = TableDefinition::new("times");
            transaction.open_table(times).unwrap().insert(1_000, first).unwrap();
            let streams: TableDefinition<'_, &str, (u64, u64, u64, u64)> =
                TableDefinition::new("streams");
            let mut streams = transaction.open_table(streams).unwrap();
            streams.insert("main", (first, first + 4, bytes, bytes)).unwrap();
        }
        transaction.open_table(clients).unwrap().insert(&[1; 16], &*row).unwrap();
    }
    transaction.commit().unwrap();
}
