//! A disk that fills up: with a reserve no write fails and reading goes on; without one nothing that
//! failed is acknowledged. On a disk in memory, and on a small filesystem where one can be mounted.

use std::fs;
use std::process::Command;

use session::RejectCode;

use super::disk::Disk;
use super::*;
use crate::embedded::host::{Host, Machine};

const MIB: u64 = 1 << 20;

/// A tmpfs of its own; none where this process may not mount one.
struct Mount(tempfile::TempDir);

impl Mount {
    fn new(bytes: u64) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let size = format!("size={bytes}");
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(directory.path())
            .output();
        let is_mounted = mount.is_ok_and(|mount| mount.status.success());
        if !is_mounted {
            eprintln!("no filesystem can be mounted here: only the disk in memory is filled");
        }
        is_mounted.then(|| Self(directory))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

/// Opens the store on a disk again and again.
type Opens<'a> = dyn Fn(Settings) -> Embedded + 'a;

/// Runs `test` on both kinds of disk. It opens the store there, and can make room.
fn on_both(bytes: u64, test: impl Fn(&Opens<'_>, &dyn Fn())) {
    let disk = Disk::default();
    disk.set_capacity(bytes);
    let make_room = || disk.set_capacity(4 * bytes);
    test(&|settings| Embedded::on(Box::new(disk.clone()), settings).unwrap(), &make_room);

    let Some(mount) = Mount::new(4 * bytes) else { return };
    // What else is on the disk.
    let filler = mount.0.path().join("filler");
    fs::write(&filler, vec![1; 3 * bytes as usize]).unwrap();
    let make_room = || fs::remove_file(&filler).unwrap();
    test(&|settings| Embedded::open(mount.0.path(), settings).unwrap(), &make_room);
}

fn numbered(number: u64) -> Option<Numbered> {
    Some(Numbered { client: [1; 16], fence: 1, number, lowest: number.saturating_sub(100) })
}

fn batch(from: u64) -> Vec<Write> {
    (from..from + 8).map(|n| event(&format!("e{n}"), 8_000, numbered(n))).collect()
}

fn code(outcome: &WriteOutcome) -> Option<RejectCode> {
    match outcome {
        WriteOutcome::Decided(Decided::Rejected { code, retry: Some(_), .. }) => Some(*code),
        _ => None,
    }
}

/// Writes batches until one is not taken; gives the first number that is not.
fn fill(store: &Embedded, mut number: u64) -> (u64, Result<Vec<WriteOutcome>, StoreError>) {
    loop {
        match store.write(&batch(number)) {
            Ok(written) if written.outcomes.iter().all(|outcome| offset(outcome).is_some()) => {
                number += 8;
            }
            other => return (number, other.map(|written| written.outcomes)),
        }
        assert!(number < 100_000, "it never fills");
    }
}

fn count(store: &Embedded) -> u64 {
    let (mut next, mut count) = (1, 0);
    while next <= store.heads().unwrap()[0] {
        let page = store.read(0, &Pattern::parse(">").unwrap(), next, 1_000).unwrap();
        (next, count) = (page.next, count + page.events.len() as u64);
    }
    count
}

#[test]
fn with_a_reserve_events_are_rejected_before_a_write_fails_and_reading_goes_on() {
    on_both(6 * MIB, |open, _| {
        let settings = Settings { reserve: 2 * MIB, ..Settings::default() };
        let store = open(settings.clone());
        store.write(&[hello_of([1; 16], 1)]).unwrap();
        let (number, outcomes) = fill(&store, 1);
        assert!(number > 100, "{number}");
        let outcomes = outcomes.expect("no write fails");
        // The first waits for room, and the others wait for the first.
        assert_eq!(code(&outcomes[0]), Some(RejectCode::DiskFull));
        for held in &outcomes[1..] {
            assert_eq!(code(held), Some(RejectCode::HeldBack));
        }
        assert_eq!(count(&store), number - 1);
        // Repeats are answered, and known and new clients are welcomed.
        let again = store.write(&[batch(number - 8).remove(7), hello_of([1; 16], 2)]).unwrap();
        assert_eq!(offset(&again.outcomes[0]), Some(number - 1));
        let welcome = store.write(&[hello_of([9; 16], 1)]).unwrap();
        assert!(matches!(welcome.outcomes[0], WriteOutcome::Opened(Opened::Welcome { .. })));
        drop(store);

        // A store that keeps less continues inside the file, although the disk has no more room than before.
        let keep = Keep { bytes: MIB, ..Keep::default() };
        let store = open(Settings { keep, ..settings });
        while store.maintain_now().unwrap() {}
        let (mut next, mut full) = (number, 0);
        while next < number + 2_000 {
            let outcomes = store.write(&on_fence_2(batch(next))).unwrap().outcomes;
            match code(&outcomes[0]) {
                None => next += 8,
                Some(_) => full += 1,
            }
            assert!(full < 10, "it does not go on at {next}");
        }
        assert!(count(&store) < 200);
    });
}

fn on_fence_2(batch: Vec<Write>) -> Vec<Write> {
    let again = batch.into_iter().map(|write| match write {
        Write::Append(record) => {
            let client = record.client.map(|numbered| Numbered { fence: 2, ..numbered });
            Write::Append(Record { client, ..record })
        }
        open => open,
    });
    again.collect()
}

#[test]
fn without_a_reserve_a_full_disk_fails_the_commit_and_what_was_announced_stays() {
    on_both(4 * MIB, |open, make_room| {
        let settings = Settings { reserve: 0, ..Settings::default() };
        let store = open(settings.clone());
        store.write(&[hello_of([1; 16], 1)]).unwrap();
        let (number, failed) = fill(&store, 1);
        assert!(matches!(failed, Err(StoreError::Engine(_))), "{failed:?}");
        assert!(number > 50, "{number}");
        for _ in 0..3 {
            // It was opened again: reading goes on, and writing fails again or finds some room.
            assert_eq!(count(&store), number - 1);
            let _ = store.write(&batch(number + 1_000));
            if store.heads().unwrap()[0] != number - 1 {
                panic!("it had room for as much as it had failed to take");
            }
        }
        make_room();
        let outcomes = store.write(&batch(number)).unwrap().outcomes;
        assert_eq!(offset(&outcomes[7]), Some(number + 7));
        drop(store);
        assert_eq!(count(&open(settings)), number + 7);
    });
}

#[test]
fn a_rejected_event_waits_for_room_and_no_higher_number_is_decided_before_it() {
    let disk = Disk::default();
    disk.set_capacity(MIB);
    let settings = Settings { reserve: 2 * MIB, ..Settings::default() };
    let store = Embedded::on(Box::new(disk.clone()), settings).unwrap();
    let refusal = session::server::Refusal {
        code: RejectCode::IllegalTopic,
        message: "no".to_owned(),
        id: Some("e2".to_owned()),
    };
    let refused = |number| {
        let event = Err(refusal.clone());
        Write::Append(Append { ticket: ticket(), client: numbered(number), event }.into())
    };
    let stored = |number| event(&format!("e{number}"), 1, numbered(number));
    let outcomes =
        store.write(&[hello_of([1; 16], 1), stored(1), refused(2), stored(3)]).unwrap().outcomes;
    let codes: Vec<_> = outcomes.iter().map(code).collect();
    let held = Some(RejectCode::HeldBack);
    assert_eq!(codes, [None, Some(RejectCode::DiskFull), held, held]);

    disk.set_capacity(100 * MIB);
    let batch = [stored(1), refused(2), stored(3), refused(2), stored(1)];
    let outcomes = store.write(&batch).unwrap().outcomes;
    assert_eq!(
        outcomes.iter().map(offset).collect::<Vec<_>>(),
        [Some(1), None, Some(2), None, Some(1)]
    );
    // A final reject is an outcome like any other: a repeat gets it again, also after a restart.
    let rejected = WriteOutcome::Decided(Decided::Rejected {
        code: refusal.code,
        message: refusal.message.clone(),
        retry: None,
    });
    assert_eq!((&outcomes[1], &outcomes[3]), (&rejected, &rejected));
    drop(store);
    let store = Embedded::on(Box::new(disk), Settings::default()).unwrap();
    // Whatever comes under that number now.
    assert_eq!(store.write(&[stored(2)]).unwrap().outcomes, [rejected]);
    let forgets = Numbered { lowest: 3, ..numbered(4).unwrap() };
    store.write(&[event("e4", 1, Some(forgets))]).unwrap();
    let WriteOutcome::Decided(Decided::Rejected { code, retry: None, .. }) =
        store.write(&[refused(2)]).unwrap().outcomes[0]
    else {
        panic!()
    };
    assert_eq!(code, RejectCode::StaleNumber);
}

#[test]
fn the_room_of_a_real_disk_is_known() {
    let directory = tempfile::tempdir().unwrap();
    let free = Machine::new(directory.path()).unwrap().free();
    assert!(cfg!(not(unix)) || free.is_some_and(|free| free > 0));
}
