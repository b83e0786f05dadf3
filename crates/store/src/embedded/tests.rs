mod backup;
mod checkpoint;
mod clients;
mod crash;
mod deleting;
mod disk;
mod full;
mod grouping;
mod ids;
mod model;
mod older;
mod reading;
mod retention;
mod simulated;
mod streams;
mod unreadable;
mod values;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use session::server::{Append, Decided, Located, Logged, Numbered, Opened, StartPoint};
use session::{Body, Hello, Start};
use topic::{Pattern, Topic};

use super::*;
use crate::{Keep, MAX_STREAMS, Record, Route, Write, WriteOutcome};

impl Embedded {
    fn now(&self) -> Millis {
        self.file.host.now()
    }

    /// Applies a command, by the clock and the disk of the host.
    fn write(&self, writes: &[Write]) -> Result<Written, StoreError> {
        let has_room = self.has_room(writes.iter().map(Write::bytes).sum())?;
        let command = Command { time: self.now().into(), has_room, writes };
        Ok(self.apply(&[command])?.remove(0))
    }

    fn maintain_now(&self) -> Result<bool, StoreError> {
        self.maintain(self.now()).map(|done| done.more)
    }
}

fn topic(index: u8) -> Topic {
    Topic::parse(["a", "a.b", "a.c", "ab.c", "b"][usize::from(index) % 5]).unwrap()
}

fn append(topic_index: u8, id: u8, numbered: Option<Numbered>) -> Write {
    let body = Body { id: id.to_string(), source: "s".to_owned(), ..Body::default() };
    let event = Ok((topic(topic_index), body));
    Write::Append(Append { ticket: ticket(), client: numbered, event }.into())
}

/// Tickets come from a machine only.
fn ticket() -> session::server::Ticket {
    use session::server::{Effect, Options, Server, Wire};
    let mut server = Server::new(Arc::new(Options::default()), Wire::Json, &[0], 0);
    let event = r#"{"specversion":"1.0","id":"1","source":"s","type":"t"}"#;
    server.received_text(event, 0);
    match server.poll() {
        Some(Effect::Append(append)) => append.ticket,
        other => panic!("{other:?}"),
    }
}

fn offset(outcome: &WriteOutcome) -> Option<u64> {
    match outcome {
        WriteOutcome::Decided(Decided::Stored(position, _)) => Some(position.offset),
        _ => None,
    }
}

/// Where a subscription starts in the main stream.
fn place(located: Located) -> StartPoint {
    match located {
        Located::At(mut places) => places.remove(0),
        other => panic!("{other:?}"),
    }
}

/// Searches to the end.
fn locate<P>(store: &Embedded, pattern: P, start: &Start) -> Located
where
    P: TryInto<Pattern, Error: std::fmt::Debug>,
{
    let (pattern, mut search) = (pattern.try_into().unwrap(), Search::default());
    loop {
        if let Some(located) = store.locate(&pattern, start, &mut search).unwrap() {
            return located;
        }
    }
}

fn open(directory: &Path) -> Embedded {
    Embedded::open(directory, Settings::default()).unwrap()
}

fn hello(fence: u64) -> Write {
    hello_of([1; 16], fence)
}

fn hello_of(client: [u8; 16], fence: u64) -> Write {
    let secret = [2; 32];
    let hello = Hello::new(client, secret, fence);
    Write::Open { hello, subject: None, may_be_new: true }
}

/// An event of `size` bytes.
fn event(id: &str, size: usize, client: Option<Numbered>) -> Write {
    let (id, source) = (id.to_owned(), "s".to_owned());
    let body = Body { id, source, data: vec![b'x'; size], ..Body::default() };
    Write::Append(Append { ticket: ticket(), client, event: Ok((topic(0), body)) }.into())
}

#[test]
fn a_batch_is_decided_in_its_order_and_an_older_connection_in_it_is_fenced() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let numbered = |fence, number| Some(Numbered { client: [1; 16], fence, number, lowest: 1 });
    let batch = [
        append(0, 1, numbered(1, 1)),
        hello(1),
        append(0, 1, numbered(1, 1)),
        hello(2),
        append(0, 2, numbered(1, 2)),
        append(0, 1, numbered(2, 1)),
        append(0, 3, numbered(2, 5)),
        append(0, 2, numbered(2, 4)),
    ];
    let outcomes = store.write(&batch).unwrap().outcomes;
    let offsets: Vec<_> = outcomes.iter().map(offset).collect();
    assert_eq!(offsets, [None, None, Some(1), None, None, Some(1), Some(2), None]);
    assert_eq!(outcomes[4], WriteOutcome::Decided(Decided::Fenced));
    for (index, code) in
        [(0, session::RejectCode::Uncertain), (7, session::RejectCode::StaleNumber)]
    {
        let is_so = matches!(&outcomes[index],
            WriteOutcome::Decided(Decided::Rejected { code: found, retry: None, .. }) if *found == code);
        assert!(is_so, "{:?}", outcomes[index]);
    }
    drop(store);
    let again = open(directory.path()).write(&[hello(3)]).unwrap().outcomes;
    let welcome = Opened::Welcome { highest: 5, highest_id: Some("3".to_owned()), new: false };
    assert_eq!(again, [WriteOutcome::Opened(welcome)]);
}

#[test]
fn a_file_of_a_newer_format_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path()));
    let file = redb::Database::open(directory.path().join("events.redb")).unwrap();
    let transaction = file.begin_write().unwrap();
    let meta: redb::TableDefinition<'_, &str, u64> = redb::TableDefinition::new("meta");
    transaction.open_table(meta).unwrap().insert("format", 9).unwrap();
    transaction.commit().unwrap();
    drop(file);
    let error = Embedded::open(directory.path(), Settings::default()).unwrap_err();
    assert!(matches!(error, StoreError::Format { found: 9, .. }), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Against a list: repeats keep their place, and every pattern reads and starts as the list says,
    /// also when the file was closed in between.
    #[test]
    fn the_log_is_a_list_without_repeats(
        batches in proptest::collection::vec(proptest::collection::vec((0..5_u8, 0..40_u8), 1..12), 1..5),
        limit in 1..7_usize,
        count in 0..9_u64,
    ) {
        let directory = tempfile::tempdir().unwrap();
        let mut list: Vec<(Topic, u8)> = Vec::new();
        let mut places = HashMap::new();
        for batch in &batches {
            let store = open(directory.path());
            let writes: Vec<_> = batch.iter().map(|&(topic, id)| append(topic, id, None)).collect();
            let written = store.write(&writes).unwrap();
            for (&(topic_index, id), outcome) in batch.iter().zip(&written.outcomes) {
                let place = *places.entry(id).or_insert_with(|| {
                    list.push((topic(topic_index), id));
                    list.len() as u64
                });
                prop_assert_eq!(offset(outcome), Some(place));
            }
        }
        let store = open(directory.path());
        prop_assert_eq!(store.heads().unwrap()[0], list.len() as u64);
        for pattern in [">", "a", "a.*", "a.>", "*.c", "*", "z", "ab.c"] {
            let pattern = Pattern::parse(pattern).unwrap();
            let matching: Vec<u64> = (1..)
                .zip(&list)
                .filter(|(_, (topic, _))| pattern.matches(topic))
                .map(|(offset, _)| offset)
                .collect();
            let (mut read, mut next) = (Vec::new(), 1);
            while next <= list.len() as u64 {
                let page = store.read(0, &pattern, next, limit).unwrap();
                prop_assert!(page.next > next && page.events.len() <= limit);
                read.extend(page.events.iter().map(|event| event.offset));
                next = page.next;
            }
            prop_assert_eq!(&read, &matching);
            let newest = matching.len().saturating_sub(count as usize);
            let StartPoint { next, previous, gap, .. } =
                place(locate(&store, &pattern, &Start::Last(count)));
            let before = matching.iter().filter(|offset| **offset < next).count();
            prop_assert_eq!((before, previous, gap), (newest, None, None));
            let (mut read, mut before) = (Vec::new(), Some(None));
            while let Some(place) = before {
                let older = store.history(0, &pattern, place, limit).unwrap();
                prop_assert!(older.events.len() <= limit);
                read.extend(older.events.iter().map(|event| event.offset));
                before = older.next.map(Some);
            }
            read.reverse();
            prop_assert_eq!(&read, &matching);
        }
    }
}
