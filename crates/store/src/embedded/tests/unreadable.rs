//! What cannot be read of a client harms that client only.

use redb::ReadableTable;
use session::server::ledger::Identity;
use session::{CloseCode, RejectCode};

use super::disk::{Crash, Disk};
use super::*;
use crate::embedded::client_row::Stored;
use crate::embedded::clients::{CLIENTS, Clients, REJECTS};
use crate::embedded::format::BLOCKS;
use crate::embedded::host::Host;
use crate::embedded::packed::push;

const BAD: [u8; 16] = [1; 16];
const GOOD: [u8; 16] = [9; 16];
/// The highest number that may be.
const HIGHEST: u64 = (1 << 53) - 1;

fn numbered(client: [u8; 16], fence: u64, number: u64) -> Option<Numbered> {
    Some(Numbered { client, fence, number, lowest: 1 })
}

/// A store in which both clients have published their first event.
fn store() -> (Disk, Embedded) {
    let disk = Disk::default();
    let store = open(&disk);
    let batch = [
        hello_of(BAD, 1),
        hello_of(GOOD, 1),
        event("b1", 1, numbered(BAD, 1, 1)),
        event("g1", 1, numbered(GOOD, 1, 1)),
    ];
    let outcomes = store.write(&batch).unwrap().outcomes;
    assert_eq!(outcomes.iter().filter_map(offset).count(), 2);
    (disk, store)
}

fn open(disk: &Disk) -> Embedded {
    Embedded::on(Box::new(disk.clone()), Settings::default()).unwrap()
}

/// The store after a restart, with another row of the bad client.
fn with_row(before: (Disk, Embedded), row: &[u8]) -> Embedded {
    open(&disk_with_row(before, row))
}

fn disk_with_row((disk, store): (Disk, Embedded), row: &[u8]) -> Disk {
    drop(store);
    let disk = disk.crashed(Crash::Kill);
    let file = disk.open().unwrap();
    let transaction = file.begin_write().unwrap();
    transaction.open_table(CLIENTS).unwrap().insert(&BAD, row).unwrap();
    transaction.commit().unwrap();
    drop(file);
    disk
}

/// What a relay wrote that took the number 2^64-1.
fn poisoned() -> Vec<u8> {
    let mut outcomes = Vec::new();
    for part in [u64::MAX, 1, 1, 5] {
        push(&mut outcomes, part);
    }
    row(1, u64::MAX, outcomes)
}

fn row(fence: u64, highest: u64, outcomes: Vec<u8>) -> Vec<u8> {
    use sha2::{Digest, Sha256};
    let stored = Stored {
        fence,
        highest,
        highest_id: Some("x".to_owned()),
        seen: Some(0),
        outcomes: Some(outcomes.into()),
        ..Stored::new(Identity::Secret(Sha256::digest([2; 32]).into()), false)
    };
    stored.encode().unwrap()
}

fn code(outcome: &WriteOutcome) -> Option<RejectCode> {
    match outcome {
        WriteOutcome::Decided(Decided::Rejected { code, retry: None, .. }) => Some(*code),
        _ => None,
    }
}

#[test]
fn the_highest_number_of_all_is_refused_and_the_row_stays_readable() {
    let (disk, store) = store();
    for (number, next) in [(u64::MAX, 2), (u64::MAX - 1, 3), (1 << 53, 4)] {
        let batch = [
            event("poison", 1, numbered(BAD, 1, number)),
            event(&format!("g{next}"), 1, numbered(GOOD, 1, next)),
        ];
        let outcomes = store.write(&batch).unwrap().outcomes;
        assert_eq!(code(&outcomes[0]), Some(RejectCode::IllegalEvent), "{number}");
        assert!(offset(&outcomes[1]).is_some());
    }
    let last = |fence| event("last", 1, numbered(BAD, fence, HIGHEST));
    let stored = offset(&store.write(&[last(1)]).unwrap().outcomes[0]);
    assert!(stored.is_some());
    drop(store);
    let store = open(&disk.crashed(Crash::Kill));
    let outcomes = store.write(&[hello_of(BAD, 2), last(2)]).unwrap().outcomes;
    let WriteOutcome::Opened(Opened::Welcome { highest: HIGHEST, .. }) = outcomes[0] else {
        panic!("{outcomes:?}")
    };
    assert_eq!(offset(&outcomes[1]), stored);
}

#[test]
fn random_bytes_in_a_row_refuse_only_its_client() {
    for garbage in [&b""[..], b"\xff", b"\xa1\x00\x01", &[0x42; 90]] {
        let store = with_row(self::store(), garbage);
        let batch = [
            hello_of(BAD, 2),
            event("b2", 1, numbered(BAD, 2, 2)),
            event("g2", 1, numbered(GOOD, 1, 2)),
            hello_of(GOOD, 2),
        ];
        let outcomes = store.write(&batch).unwrap().outcomes;
        let WriteOutcome::Opened(Opened::Refused(CloseCode::Unauthorized, _)) = outcomes[0] else {
            panic!("{outcomes:?}")
        };
        assert_eq!(code(&outcomes[1]), Some(RejectCode::Uncertain));
        assert_eq!(offset(&outcomes[2]), Some(3));
        assert!(matches!(outcomes[3], WriteOutcome::Opened(Opened::Welcome { highest: 2, .. })));
    }
}

#[test]
fn the_client_of_a_poisoned_row_starts_over_with_its_secret_and_others_notice_nothing() {
    for row in [poisoned(), row(1, HIGHEST + 1, Vec::new()), row(1, 5, vec![0x80; 20])] {
        let store = with_row(self::store(), &row);
        let batch = [event("g2", 1, numbered(GOOD, 1, 2)), event("b2", 1, numbered(BAD, 1, 2))];
        let outcomes = store.write(&batch).unwrap().outcomes;
        assert_eq!(offset(&outcomes[0]), Some(3));
        assert_eq!(code(&outcomes[1]), Some(RejectCode::Uncertain));

        let Write::Open { hello, .. } = hello_of(BAD, 2) else { unreachable!() };
        let other = Hello { secret: Some([3; 32]), ..hello.clone() };
        let known = Hello { returning: true, ..hello };
        let batch = [
            Write::Open { hello: other, subject: None, may_be_new: true },
            Write::Open { hello: known, subject: None, may_be_new: true },
            event("b2", 1, numbered(BAD, 2, 2)),
            event("b2", 1, numbered(BAD, 2, 2)),
        ];
        let outcomes = store.write(&batch).unwrap().outcomes;
        assert_eq!(outcomes[0], WriteOutcome::Opened(Opened::WrongSecret));
        let welcome = Opened::Welcome { highest: 0, highest_id: None, new: true };
        assert_eq!(outcomes[1], WriteOutcome::Opened(welcome));
        assert_eq!([offset(&outcomes[2]), offset(&outcomes[3])], [Some(4), Some(4)]);
    }
}

#[test]
fn an_owner_who_was_shut_out_by_the_highest_fencing_token_comes_again() {
    let store = with_row(store(), &row(u64::MAX, 1, Vec::new()));
    let outcomes = store.write(&[hello_of(BAD, 2)]).unwrap().outcomes;
    assert!(matches!(outcomes[0], WriteOutcome::Opened(Opened::Welcome { highest: 1, .. })));
    assert_eq!(
        store.write(&[hello_of(BAD, 2)]).unwrap().outcomes[0],
        WriteOutcome::Opened(Opened::Fenced)
    );
}

#[test]
fn a_fencing_token_rises_by_at_most_4_294_967_296() {
    const STEP: u64 = 1 << 32;
    let (_, store) = store();
    let open = |client, fence| {
        let outcome = store.write(&[hello_of(client, fence)]).unwrap().outcomes.remove(0);
        match outcome {
            WriteOutcome::Opened(Opened::Welcome { .. }) => true,
            WriteOutcome::Opened(Opened::Refused(CloseCode::ProtocolError, _)) => false,
            other => panic!("{other:?}"),
        }
    };
    for refused in [u64::MAX, 1 << 53, 2 + STEP] {
        assert!(!open(BAD, refused), "{refused}");
        assert!(!open([7; 16], refused), "a first one, {refused}");
    }
    assert!(open(BAD, 2), "the owner comes again");
    assert!(open(BAD, 2 + STEP));
    assert!(open([7; 16], STEP));
}

#[test]
fn an_outcome_whose_reason_is_lost_is_as_if_it_were_forgotten() {
    let (disk, store) = store();
    let refusal = session::server::Refusal {
        code: RejectCode::IllegalEvent,
        message: "no".to_owned(),
        id: None,
    };
    let Write::Append(record) = event("x", 1, numbered(BAD, 1, 2)) else { unreachable!() };
    let write = Write::Append(Record { event: Err(refusal), ..record });
    assert_eq!(code(&store.write(&[write]).unwrap().outcomes[0]), Some(RejectCode::IllegalEvent));
    drop(store);
    let disk = disk.crashed(Crash::Kill);
    let file = disk.open().unwrap();
    let transaction = file.begin_write().unwrap();
    transaction.open_table(REJECTS).unwrap().insert((&BAD, 2), (99, "later")).unwrap();
    transaction.commit().unwrap();
    drop(file);
    let store = open(&disk);
    let outcomes =
        store.write(&[event("x", 1, numbered(BAD, 1, 2)), event("g2", 1, numbered(GOOD, 1, 2))]);
    let outcomes = outcomes.unwrap().outcomes;
    assert_eq!(code(&outcomes[0]), Some(RejectCode::StaleNumber));
    assert_eq!(offset(&outcomes[1]), Some(3));
}

#[test]
fn upkeep_passes_over_a_row_that_cannot_be_read() {
    let disk = disk_with_row(store(), b"\xff");
    let store = open(&disk);
    assert!(!store.maintain_now().unwrap());
    drop(store);
    let file = disk.open().unwrap();
    let transaction = file.begin_write().unwrap();
    let mut clients = Clients::open(&transaction).unwrap();
    let pruned = clients.prune([0; 16], 100, u64::MAX, 0).unwrap();
    assert_eq!((pruned.unreadable, pruned.changed, pruned.next), (1, true, None));
}

/// A stricter relay may not be able to read what an older one has logged.
#[test]
fn an_event_whose_body_cannot_be_read_stops_neither_a_start_nor_the_trimming() {
    let (disk, store) = store();
    drop(store);
    let disk = disk.crashed(Crash::Kill);
    let file = disk.open().unwrap();
    let transaction = file.begin_write().unwrap();
    {
        let mut blocks = transaction.open_table(BLOCKS).unwrap();
        let mut row = blocks.get((0, 1)).unwrap().unwrap().value().to_vec();
        // The body of the first event, after its topic `a`.
        row[7] = 0xff;
        blocks.insert((0, 1), row.as_slice()).unwrap();
    }
    transaction.commit().unwrap();
    drop(file);
    let keep = Keep { events: 1, ..Keep::default() };
    let store = Embedded::on(Box::new(disk), Settings { keep, ..Settings::default() }).unwrap();
    let page = store.read(0, &Pattern::parse("a").unwrap(), 1, 9).unwrap();
    assert_eq!(page.events.len(), 2);
    assert_eq!(place(locate(&store, ">", &Start::Latest)).head.id.as_deref(), Some("g1"));
    assert!(!store.maintain_now().unwrap());
    let outcomes = store.write(&[event("g1", 1, None), event("b1", 1, None)]).unwrap().outcomes;
    assert_eq!(outcomes.iter().map(offset).collect::<Vec<_>>(), [Some(2), Some(3)]);
}

#[test]
fn what_is_refused_or_only_repeated_costs_no_commit() {
    let (disk, store) = store();
    while store.maintain_now().unwrap() {}
    let before = disk.operations();
    let Write::Open { hello, .. } = hello_of(BAD, 2) else { unreachable!() };
    let wrong = || Write::Open {
        hello: Hello { secret: Some([3; 32]), ..hello.clone() },
        subject: None,
        may_be_new: true,
    };
    for _ in 0..100 {
        let outcomes = store.write(&[wrong()]).unwrap().outcomes;
        assert_eq!(outcomes[0], WriteOutcome::Opened(Opened::WrongSecret));
    }
    let others = [hello_of(BAD, 1), hello_of(BAD, u64::MAX), event("b1", 1, numbered(BAD, 1, 1))];
    let written = store.write(&others).unwrap();
    assert_eq!(written.outcomes.len(), 3);
    assert_eq!((offset(&written.outcomes[2]), &written.heads[..]), (Some(1), &[2][..]));
    assert!(!store.maintain_now().unwrap());
    assert_eq!(disk.operations(), before);
    // Beside one that changes something they cost nothing either.
    let outcomes = store.write(&[wrong(), event("g2", 1, numbered(GOOD, 1, 2)), wrong()]);
    assert_eq!(offset(&outcomes.unwrap().outcomes[1]), Some(3));
    assert!(disk.operations() > before);
}
