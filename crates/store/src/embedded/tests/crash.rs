//! The store is stopped between any two of its writes, or a write fails: what was acknowledged is there,
//! once and in its order, and a repeat of everything gives the same answers and the same log.

use super::disk::{Crash, Disk};
use super::*;

/// The place of a guest's event in its batch.
const GUEST: usize = 3;

/// What is written in turn: two clients that connect, publish, repeat and reconnect, events without a client,
/// large ones, and more than is kept.
fn script() -> Vec<Vec<Write>> {
    let numbered = |client, number| Some(Numbered { client, fence: 1, number, lowest: 1 });
    let (one, two) = ([1; 16], [2; 16]);
    let mut batches = vec![vec![hello_of(one, 1)], vec![hello_of(two, 1)]];
    for round in 0..8_u64 {
        let large = if round == 3 { 40_000 } else { 10 };
        batches.push(vec![
            event(&format!("one-{round}"), large, numbered(one, round + 1)),
            event(&format!("two-{round}"), 300, numbered(two, 2 * round + 1)),
            event(&format!("two-{round}"), 300, numbered(two, 2 * round + 2)),
            event(&format!("guest-{}", round / 2), 10, None),
        ]);
    }
    batches
}

fn settings() -> Settings {
    let keep = Keep { events: 9, age: Some(Duration::from_secs(3)), ..Keep::default() };
    Settings { keep, ..Settings::default() }
}

/// Writes the batches until a write fails. Gives the outcomes.
fn run(store: &Embedded, disk: &Disk, batches: &[Vec<Write>]) -> Vec<Vec<WriteOutcome>> {
    let mut announced = Vec::new();
    for (index, batch) in batches.iter().enumerate() {
        disk.set_clock(100_000 + index as u64 * 400);
        let Ok(written) = store.write(batch) else { break };
        announced.push(written.outcomes);
        if index % 3 == 2 && store.maintain_now().is_err() {
            break;
        }
    }
    announced
}

/// The events that are kept: offset and id.
fn log(store: &Embedded) -> Vec<(u64, String)> {
    let everything = Pattern::parse(">").unwrap();
    let page = store.read(0, &everything, 1, 10_000).unwrap();
    assert!(page.next > store.heads().unwrap()[0]);
    let id = |event: &Arc<Logged>| (event.offset, Body::decode(&event.body).unwrap().id);
    page.events.iter().map(id).collect()
}

/// Each event that was reported as stored, as (batch, place in it, offset).
fn stored(announced: &[Vec<WriteOutcome>]) -> Vec<(usize, usize, u64)> {
    let rows = announced.iter().enumerate().flat_map(|(batch, outcomes)| {
        let offsets = outcomes.iter().enumerate();
        offsets.filter_map(move |(place, outcome)| Some((batch, place, offset(outcome)?)))
    });
    rows.collect()
}

#[test]
fn a_crash_between_any_two_writes_loses_nothing_that_was_announced_and_doubles_nothing() {
    let batches = script();
    let whole = Disk::default();
    whole.set_clock(100_000);
    let store = Embedded::on(Box::new(whole.clone()), settings()).unwrap();
    let expected = run(&store, &whole, &batches);
    assert_eq!(expected.len(), batches.len());
    while store.maintain_now().unwrap() {}
    let expected_log = log(&store);
    assert!(expected_log.len() == 9 && expected_log[0].0 > 1, "{expected_log:?}");
    let operations = whole.operations();
    drop(store);
    assert!(operations > 100, "{operations}");

    let mut interrupted = 0;
    for cut in 0..operations {
        for crash in [Crash::Kill, Crash::CutClean, Crash::CutTorn(cut), Crash::CutTorn(!cut)] {
            let disk = Disk::default();
            disk.set_clock(100_000);
            disk.fail(cut..u64::MAX);
            let announced = match Embedded::on(Box::new(disk.clone()), settings()) {
                Ok(store) => run(&store, &disk, &batches),
                Err(_) => Vec::new(),
            };
            interrupted += u64::from(announced.len() < batches.len());

            let disk = disk.crashed(crash);
            let store = Embedded::on(Box::new(disk.clone()), settings())
                .unwrap_or_else(|error| panic!("cut {cut}, {crash:?}: {error}"));
            let found = log(&store);
            let first = found.first().map_or(store.heads().unwrap()[0] + 1, |(offset, _)| *offset);
            let consecutive = found.iter().zip(first..).all(|((offset, _), at)| *offset == at);
            assert!(consecutive, "cut {cut}, {crash:?}: {found:?}");
            for &(batch, place, offset) in &stored(&announced) {
                let Write::Append(Record { event: Ok(ready), .. }) = &batches[batch][place] else {
                    unreachable!()
                };
                let is_there = found.contains(&(offset, ready.id.clone()));
                let is_trimmed = offset < first;
                assert!(is_there || is_trimmed, "cut {cut}, {crash:?}: {offset} in {found:?}");
            }
            // Both clients come again, with a higher token, and send everything again; guests send
            // what they had no answer for.
            let again = batches.iter().enumerate();
            let again =
                again.map(|(index, batch)| on_a_new_connection(batch, index < announced.len()));
            let answers = run(&store, &disk, &again.collect::<Vec<_>>());
            assert_eq!(answers.len(), batches.len(), "cut {cut}, {crash:?}");
            let mut expected = stored(&expected);
            expected.retain(|(batch, place, _)| *place != GUEST || *batch >= announced.len());
            assert_eq!(stored(&answers), expected, "cut {cut}, {crash:?}");
            while store.maintain_now().unwrap() {}
            assert_eq!(log(&store), expected_log, "cut {cut}, {crash:?}");
        }
    }
    // The others were cut in the very last write, or while the file was closed.
    assert!(interrupted > 4 * operations * 8 / 10, "{interrupted} of {operations}");
}

fn on_a_new_connection(batch: &[Write], is_answered: bool) -> Vec<Write> {
    let again = batch.iter().filter(|write| {
        let is_guests = matches!(write, Write::Append(Record { client: None, .. }));
        !(is_answered && is_guests)
    });
    let again = again.map(|write| match write {
        Write::Open { hello, subject, may_be_new } => Write::Open {
            hello: Hello { fence: 2, ..hello.clone() },
            subject: subject.clone(),
            may_be_new: *may_be_new,
        },
        Write::Append(record) => {
            let client = record.client.map(|numbered| Numbered { fence: 2, ..numbered });
            Write::Append(Record { client, ..record.clone() })
        }
        Write::Delete(deletion) => Write::Delete(deletion.clone()),
        Write::Hold(numbered) => Write::Hold(*numbered),
    });
    again.collect()
}

#[test]
fn an_operation_that_fails_once_acknowledges_nothing_and_the_store_goes_on() {
    let batches = script();
    let whole = Disk::default();
    whole.set_clock(100_000);
    let store = Embedded::on(Box::new(whole.clone()), Settings::default()).unwrap();
    let from = whole.operations();
    run(&store, &whole, &batches);
    let (expected, until) = (log(&store), whole.operations());
    for failing in from..until {
        let disk = Disk::default();
        disk.set_clock(100_000);
        let store = Embedded::on(Box::new(disk.clone()), Settings::default()).unwrap();
        disk.fail(failing..failing + 1);
        let mut failures = 0;
        for batch in &batches {
            while let Err(error) = store.write(batch) {
                assert!(matches!(error, StoreError::Engine(_)), "{error}");
                failures += 1;
                assert!(failures < 3, "at {failing}");
                // Reads meanwhile succeed, or fail with an error.
                store.heads().unwrap();
            }
        }
        assert_eq!(log(&store), expected, "at {failing}");
    }
}
