//! A backup is one moment of the store, and a life of its own of the log.

use std::sync::atomic::AtomicBool;

use super::*;

fn numbered(client: u8, fence: u64, number: u64) -> Option<Numbered> {
    Some(Numbered { client: [client; 16], fence, number, lowest: 1 })
}

fn ids(store: &Embedded) -> Vec<(u64, String)> {
    let (mut next, mut ids) = (1, Vec::new());
    while next <= store.heads().unwrap()[0] {
        let page = store.read(0, &Pattern::parse(">").unwrap(), next, 1_000).unwrap();
        ids.extend(
            page.events.iter().map(|event| (event.offset, Body::decode(&event.body).unwrap().id)),
        );
        next = page.next;
    }
    ids
}

fn head(store: &Embedded) -> session::Position {
    place(locate(store, ">", &Start::Latest)).head
}

/// Puts the backup where a relay looks for its store.
fn restore(backup: &Path) -> (tempfile::TempDir, Embedded) {
    let directory = tempfile::tempdir().unwrap();
    std::fs::copy(backup, directory.path().join("events.redb")).unwrap();
    let store = open(directory.path());
    (directory, store)
}

#[test]
fn a_restored_backup_starts_a_new_epoch_and_clients_go_on_from_what_it_holds() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let refused = |number| {
        let message = "no".to_owned();
        let code = session::RejectCode::IllegalEvent;
        let event = Err(session::server::Refusal { code, message, id: None });
        Write::Append(Append { ticket: ticket(), client: numbered(1, 1, number), event }.into())
    };
    let before = [
        hello_of([1; 16], 1),
        event("e1", 1, numbered(1, 1, 1)),
        event("e2", 1, numbered(1, 1, 2)),
        refused(3),
    ];
    store.write(&before).unwrap();
    let to = directory.path().join("backup.redb");
    let copied = store.backup(&to).unwrap();
    assert_eq!((copied.events, copied.bytes), (2, to.metadata().unwrap().len()));
    // After it: another event of the client, of which it heard, one of which it did not, and a new client.
    let after = [
        event("e4", 1, numbered(1, 1, 4)),
        event("e5", 1, numbered(1, 1, 5)),
        hello_of([2; 16], 1),
        event("f1", 1, numbered(2, 1, 1)),
    ];
    store.write(&after).unwrap();
    let old = head(&store);

    let (restored_directory, restored) = restore(&to);
    assert_eq!(ids(&restored), [(1, "e1".to_owned()), (2, "e2".to_owned())]);
    let new = head(&restored);
    assert_ne!(new.epoch, old.epoch);
    assert_eq!(restored.peer(), store.peer());
    // A subscriber that is ahead of the backup, or level with it, must begin anew.
    for position in [old.clone(), session::Position { offset: 2, id: Some("e2".to_owned()), ..old }]
    {
        let located = locate(&restored, ">", &Start::After(vec![position]));
        assert_eq!(located, Located::Reset(vec![new.clone()]));
    }
    // The client sends again from its lowest unanswered number, which an earlier answer may have
    // raised; what the backup knows is answered as before, and the rest is taken.
    let again = [
        hello_of([1; 16], 2),
        event("e2", 1, numbered(1, 2, 2)),
        refused(3),
        event("e5", 1, numbered(1, 2, 5)),
        event("e6", 1, numbered(1, 2, 6)),
        // The other client is not known: its welcome says so, and what it had sent is uncertain.
        event("f1", 1, numbered(2, 1, 1)),
    ];
    let outcomes = restored.write(&again).unwrap().outcomes;
    let welcome = Opened::Welcome { highest: 3, highest_id: None, new: false };
    assert_eq!(outcomes[0], WriteOutcome::Opened(welcome));
    let offsets: Vec<_> = outcomes.iter().map(offset).collect();
    assert_eq!(offsets, [None, Some(2), None, Some(3), Some(4), None]);
    for outcome in [&outcomes[1], &outcomes[3]] {
        let WriteOutcome::Decided(Decided::Stored(position, _)) = outcome else { panic!() };
        assert_eq!(position.epoch, new.epoch);
    }
    // It is a store like any other from then on.
    drop(restored);
    assert_eq!(head(&open(restored_directory.path())).epoch, new.epoch);
}

#[test]
fn a_backup_while_others_write_is_one_moment_and_trims_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let keep = Keep { events: 300, ..Keep::default() };
    let settings = Settings { keep, ..Settings::default() };
    let store = Embedded::open(directory.path(), settings).unwrap();
    store.write(&[hello_of([1; 16], 1)]).unwrap();
    let done = AtomicBool::new(false);
    let mut backups = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut number = 0;
            while !done.load(std::sync::atomic::Ordering::SeqCst) {
                let batch = (0..50).map(|_| {
                    number += 1;
                    let numbered = Numbered { client: [1; 16], fence: 1, number, lowest: number };
                    event(&format!("e{number}"), 100, Some(numbered))
                });
                store.write(&batch.collect::<Vec<_>>()).unwrap();
            }
        });
        for index in 0..4 {
            let to = directory.path().join(format!("{index}.redb"));
            store.backup(&to).unwrap();
            backups.push(to);
        }
        done.store(true, std::sync::atomic::Ordering::SeqCst);
    });
    for backup in &backups {
        let (_directory, restored) = restore(backup);
        let (found, head) = (ids(&restored), restored.heads().unwrap()[0]);
        let expected = (head.saturating_sub(299).max(1)..=head).map(|n| (n, format!("e{n}")));
        assert!(found.ends_with(&expected.collect::<Vec<_>>()), "{found:?}");
        let welcome = restored.write(&[hello_of([1; 16], 2)]).unwrap().outcomes.remove(0);
        let WriteOutcome::Opened(Opened::Welcome { highest, .. }) = welcome else { panic!() };
        assert_eq!(highest, head);
    }
}

#[test]
fn a_file_that_is_there_is_not_replaced_and_what_failed_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let live = directory.path().join("events.redb");
    let error = store.backup(&live).unwrap_err();
    assert!(matches!(&error, StoreError::File(path, _) if *path == live), "{error}");
    let nowhere = directory.path().join("no/such/backup.redb");
    assert!(store.backup(&nowhere).is_err());
    let names =
        std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(names.collect::<Vec<_>>(), ["events.redb"]);
}
