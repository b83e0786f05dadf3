//! How long clients are known, how many there may be, and how much is kept of each.

use session::{MAX_UNANSWERED, RejectCode};

use super::disk::Disk;
use super::*;

const DAY: u64 = 24 * 60 * 60 * 1_000;

fn store() -> (Embedded, Disk) {
    let disk = Disk::default();
    disk.set_clock(1_000 * DAY);
    (Embedded::on(Box::new(disk.clone()), Settings::default()).unwrap(), disk)
}

fn client(index: u32) -> [u8; 16] {
    let mut client = [0; 16];
    client[..4].copy_from_slice(&index.to_be_bytes());
    client
}

fn is_new(store: &Embedded, client: [u8; 16], fence: u64) -> bool {
    match &store.write(&[hello_of(client, fence)]).unwrap().outcomes[0] {
        WriteOutcome::Opened(Opened::Welcome { new, .. }) => *new,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_client_that_was_forgotten_learns_it_until_something_of_it_is_decided() {
    let (store, _) = store();
    let returns = |fence| {
        let Write::Open { hello, subject, may_be_new } = hello_of(client(1), fence) else {
            panic!()
        };
        let hello = Hello { returning: true, ..hello };
        match &store.write(&[Write::Open { hello, subject, may_be_new }]).unwrap().outcomes[0] {
            WriteOutcome::Opened(Opened::Welcome { new, .. }) => *new,
            other => panic!("{other:?}"),
        }
    };
    assert!(returns(1));
    assert!(returns(2), "the first welcome may be lost");
    let numbered = Numbered { client: client(1), fence: 2, number: 8, lowest: 8 };
    store.write(&[event("e1", 1, Some(numbered))]).unwrap();
    assert!(!returns(3));
    // One that does not say that it returns learns nothing.
    assert!(is_new(&store, client(2), 1));
    assert!(!is_new(&store, client(2), 2));
}

#[test]
fn a_client_that_only_reads_has_no_row_and_a_known_one_is_checked_all_the_same() {
    let (store, _) = store();
    let reads = |index, fence, secret| {
        let Write::Open { hello, .. } = hello_of(client(index), fence) else { panic!() };
        let hello = Hello { reading: true, secret, ..hello };
        let write = Write::Open { hello, subject: None, may_be_new: false };
        match store.write(&[write]).unwrap().outcomes.remove(0) {
            WriteOutcome::Opened(opened) => opened,
            other => panic!("{other:?}"),
        }
    };
    let Write::Open { hello, .. } = hello_of(client(1), 1) else { panic!() };
    let secret = hello.secret;
    assert_eq!([1, 2, 1].map(|fence| reads(1, fence, secret)), [(); 3].map(|()| Opened::Reader));
    assert!(matches!(reads(1, u64::MAX, secret), Opened::Refused(..)));
    assert_eq!(store.knows(&[client(1)]).unwrap(), [false]);
    assert!(is_new(&store, client(1), 5));
    assert_eq!(reads(1, 5, secret), Opened::Fenced);
    assert_eq!(reads(1, 6, Some([9; 32])), Opened::WrongSecret);
    assert!(matches!(reads(1, 6, secret), Opened::Welcome { .. }));
    assert!(!is_new(&store, client(1), 7));
}

#[test]
fn a_client_is_known_for_ninety_days_after_it_was_last_heard_of() {
    let (store, disk) = store();
    let hellos: Vec<_> = (0..2_500).map(|index| hello_of(client(index), 1)).collect();
    store.write(&hellos).unwrap();
    let numbered = Numbered { client: client(3), fence: 1, number: 1, lowest: 1 };
    store.write(&[event("e1", 1, Some(numbered))]).unwrap();
    disk.set_clock(1_080 * DAY);
    assert!(!is_new(&store, client(7), 2));
    let later = Numbered { number: 2, ..numbered };
    store.write(&[event("e2", 1, Some(later))]).unwrap();

    disk.set_clock(1_091 * DAY);
    // In steps, and then not again for a while.
    assert_eq!([(); 4].map(|()| store.maintain_now().unwrap()), [true, true, false, false]);
    assert!(!is_new(&store, client(7), 3));
    assert!(!is_new(&store, client(3), 3));
    assert!(is_new(&store, client(0), 3));
    // Forgotten with its outcomes: what it sends now may be there already.
    let unknown = Numbered { client: client(9), ..numbered };
    let outcome = &store.write(&[event("e1", 1, Some(unknown))]).unwrap().outcomes[0];
    let WriteOutcome::Decided(Decided::Rejected { code, retry, .. }) = outcome else { panic!() };
    assert_eq!((*code, *retry), (RejectCode::Uncertain, None));
}

#[test]
fn a_client_that_may_not_be_new_is_opened_only_if_it_is_known() {
    let (store, disk) = store();
    let known = |index, fence| {
        let Write::Open { hello, .. } = hello_of(client(index), fence) else { unreachable!() };
        Write::Open { hello, subject: None, may_be_new: false }
    };
    let before = disk.operations();
    let outcomes = store.write(&[known(1, 1)]).unwrap().outcomes;
    assert_eq!(outcomes, [WriteOutcome::NewClient]);
    assert_eq!(disk.operations(), before, "a refused hello costs no commit");
    let outcomes = store
        .write(&[known(1, 1), hello_of(client(1), 1), known(1, 2), known(2, 1)])
        .unwrap()
        .outcomes;
    let welcome = |new| WriteOutcome::Opened(Opened::Welcome { highest: 0, highest_id: None, new });
    assert_eq!(
        outcomes,
        [WriteOutcome::NewClient, welcome(true), welcome(false), WriteOutcome::NewClient]
    );
    // What is wrong with a hello comes first, so that nothing is charged for it.
    let outcomes = store.write(&[known(2, u64::MAX)]).unwrap().outcomes;
    assert!(matches!(outcomes[..], [WriteOutcome::Opened(Opened::Refused(..))]), "{outcomes:?}");
}

#[test]
fn the_store_says_which_clients_it_knows_and_writes_nothing() {
    let (store, disk) = store();
    store.write(&[hello_of(client(1), 1), hello_of(client(3), 1)]).unwrap();
    let before = disk.operations();
    let known = store.knows(&[client(0), client(1), client(2), client(3), client(1)]).unwrap();
    assert_eq!(known, [false, true, false, true, true]);
    assert!(store.knows(&[]).unwrap().is_empty());
    assert_eq!(disk.operations(), before);
}

#[test]
fn a_bounded_number_of_outcomes_is_kept_and_the_rest_waits() {
    let (store, _) = store();
    store.write(&[hello_of(client(1), 1)]).unwrap();
    let write = |number: u64, lowest: u64| {
        let numbered = Numbered { client: client(1), fence: 1, number, lowest };
        event(&format!("e{number}"), 1, Some(numbered))
    };
    let most = MAX_UNANSWERED as u64;
    let batch: Vec<_> = (1..=most + 2).map(|number| write(number, 1)).collect();
    let outcomes = store.write(&batch).unwrap().outcomes;
    let stored = outcomes.iter().filter_map(offset).count();
    assert_eq!(stored as u64, most);
    for outcome in &outcomes[MAX_UNANSWERED..] {
        let WriteOutcome::Decided(Decided::Rejected { code, retry: Some(_), .. }) = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(*code, RejectCode::HeldBack);
    }
    // The first is repeated, and then said to be known.
    let next =
        store.write(&[write(1, 1), write(most + 1, 2), write(most + 2, 2)]).unwrap().outcomes;
    let offsets: Vec<_> = next.iter().map(offset).collect();
    assert_eq!(offsets, [Some(1), Some(most + 1), None]);
}

#[test]
fn a_client_belongs_to_the_first_subject_that_opens_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let opened = |store: &Embedded, fence, subject: Option<&str>| {
        let Write::Open { hello, may_be_new, .. } = hello_of(client(1), fence) else { panic!() };
        let subject = subject.map(str::to_owned);
        match &store.write(&[Write::Open { hello, subject, may_be_new }]).unwrap().outcomes[0] {
            WriteOutcome::Opened(opened) => opened.clone(),
            other => panic!("{other:?}"),
        }
    };
    let is_welcome = |opened: Opened| matches!(opened, Opened::Welcome { .. });
    // At a peer without an authority it has no owner.
    assert!(is_welcome(opened(&store, 1, None)));
    assert!(is_welcome(opened(&store, 2, Some("ann"))));
    for reopened in [false, true] {
        if reopened {
            drop(store);
            store = open(folder.path());
        }
        assert_eq!(opened(&store, 3, Some("bob")), Opened::OtherSubject);
        assert_eq!(opened(&store, 3, Some("~01")), Opened::OtherSubject);
    }
    assert!(is_welcome(opened(&store, 3, Some("ann"))));
    assert!(is_welcome(opened(&store, 4, None)), "without an authority nothing is compared");
    assert_eq!(opened(&store, 5, Some("bob")), Opened::OtherSubject);
}

#[test]
fn a_client_that_proves_a_key_belongs_to_it_from_then_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let opened = |store: &Embedded, fence, secret: Option<u8>, key: Option<u8>| {
        let hello = Hello {
            secret: secret.map(|secret| [secret; 32]),
            key: key.map(|key| [key; 65]),
            ..Hello::new(client(1), [0; 32], fence)
        };
        let write = Write::Open { hello, subject: None, may_be_new: true };
        match &store.write(&[write]).unwrap().outcomes[0] {
            WriteOutcome::Opened(opened) => opened.clone(),
            other => panic!("{other:?}"),
        }
    };
    let is_welcome = |opened: Opened| matches!(opened, Opened::Welcome { .. });
    assert!(is_welcome(opened(&store, 1, Some(2), None)));
    assert_eq!(opened(&store, 2, None, Some(4)), Opened::OtherKey, "the secret is missing");
    assert_eq!(opened(&store, 2, Some(3), Some(4)), Opened::WrongSecret);
    assert!(is_welcome(opened(&store, 2, Some(2), Some(4))));
    for fence in [3, 4] {
        assert_eq!(opened(&store, fence, Some(2), None), Opened::OtherKey);
        assert_eq!(opened(&store, fence, Some(2), Some(5)), Opened::OtherKey);
        assert!(is_welcome(opened(&store, fence, None, Some(4))));
        assert_eq!(opened(&store, fence, None, Some(4)), Opened::Fenced);
        drop(store);
        store = open(folder.path());
    }
}
