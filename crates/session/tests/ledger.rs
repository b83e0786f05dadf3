//! The ledger: a number is decided once, in ascending order, and its outcome is kept as long as it is needed.

use session::server::ledger::{Account, Admission, Held, Identity};
use session::server::{Decided, Numbered, Opened};
use session::{Hello, MAX_NUMBER, MAX_UNANSWERED, RejectCode};

const SECRET: [u8; 32] = [2; 32];

fn hello(fence: u64, lowest: u64) -> Hello {
    Hello { lowest, ..Hello::new([1; 16], SECRET, fence) }
}

fn numbered(fence: u64, number: u64, lowest: u64) -> Numbered {
    Numbered { client: [1; 16], fence, number, lowest }
}

/// A client that has connected with the fencing token 1.
fn account() -> Account {
    let mut account = Account::new(Identity::Secret(SECRET), false);
    account.open(&hello(1, 1), Identity::Secret(SECRET), 0);
    account
}

/// Logs an event at the offset that equals its number.
fn store(account: &mut Account, numbered: &Numbered) -> Admission {
    let (admission, _) = account.admit(numbered);
    if admission == Admission::New {
        account.decide(numbered, Some("id"), Some((0, numbered.number)), 0);
    }
    admission
}

fn code(admission: &Admission) -> Option<(RejectCode, bool)> {
    match admission {
        Admission::Answer(Decided::Rejected { code, retry, .. }) => Some((*code, retry.is_some())),
        _ => None,
    }
}

#[test]
fn a_repeat_gets_the_same_answer_until_the_client_says_that_it_knows_it() {
    let mut account = account();
    assert_eq!(store(&mut account, &numbered(1, 1, 1)), Admission::New);
    let (admission, _) = account.admit(&numbered(1, 2, 1));
    assert_eq!(admission, Admission::New);
    account.decide(&numbered(1, 2, 1), None, None, 0);
    assert_eq!(store(&mut account, &numbered(1, 1, 1)), Admission::Repeat(Some((0, 1))));
    assert_eq!(store(&mut account, &numbered(1, 2, 1)), Admission::Repeat(None));
    // Its outcome is forgotten at once, and so is the reason of the second.
    let (admission, forgotten) = account.admit(&numbered(1, 3, 3));
    assert_eq!((admission, forgotten), (Admission::New, vec![2]));
    for number in [1, 2] {
        let again = store(&mut account, &numbered(1, number, 1));
        assert_eq!(code(&again), Some((RejectCode::StaleNumber, false)));
    }
}

#[test]
fn higher_numbers_of_the_connection_wait_for_one_that_was_refused_for_now() {
    let mut account = account();
    let (admission, _) = account.admit(&numbered(1, 5, 1));
    assert_eq!(admission, Admission::New);
    account.refuse_for_now(&numbered(1, 5, 1), RejectCode::DiskFull, "full");
    let held_back = Some((RejectCode::HeldBack, true));
    assert_eq!(code(&store(&mut account, &numbered(1, 6, 1))), held_back);
    assert_eq!(store(&mut account, &numbered(1, 4, 1)), Admission::New);
    assert_eq!(code(&store(&mut account, &numbered(1, 6, 1))), held_back, "5 is still missing");
    assert_eq!(store(&mut account, &numbered(1, 5, 1)), Admission::New);
    assert_eq!(store(&mut account, &numbered(1, 6, 1)), Admission::New);
}

#[test]
fn the_lowest_number_is_held_and_a_new_connection_or_a_decision_ends_it() {
    let mut account = account();
    account.hold(&numbered(1, 5, 1));
    account.hold(&numbered(1, 7, 1));
    assert_eq!(account.held, Some(Held { fence: 1, number: 5 }));
    account.hold(&numbered(1, 3, 1));
    assert_eq!(account.held, Some(Held { fence: 1, number: 3 }));
    account.open(&hello(2, 1), Identity::Secret(SECRET), 0);
    assert_eq!(account.held, None);
    account.hold(&numbered(1, 3, 1));
    assert_eq!(account.held, None, "of an older connection");
    assert_eq!(store(&mut account, &numbered(2, 4, 1)), Admission::New);
    account.hold(&numbered(2, 4, 1));
    assert_eq!(account.held, None, "it is decided");
}

#[test]
fn older_connections_are_fenced_and_tokens_rise_by_steps() {
    let account = account();
    let check = |fence| Account::check(Some(&account), &hello(fence, 1), Some(SECRET));
    assert_eq!(check(1), Err(Opened::Fenced));
    assert_eq!(check(2), Ok(Identity::Secret(SECRET)));
    assert!(matches!(check(MAX_NUMBER), Err(Opened::Refused(..))));
    let unknown = Account::check(None, &hello(u64::MAX, 1), Some(SECRET));
    assert!(matches!(unknown, Err(Opened::Refused(..))));
    let other = Account::check(Some(&account), &hello(2, 1), Some([3; 32]));
    assert_eq!(other, Err(Opened::WrongSecret));
    let mut account = account;
    account.open(&hello(2, 1), Identity::Secret(SECRET), 0);
    let fenced = Admission::Answer(Decided::Fenced);
    assert_eq!(store(&mut account, &numbered(1, 1, 1)), fenced);
}

#[test]
fn a_bounded_number_of_outcomes_is_kept() {
    let mut account = account();
    let most = MAX_UNANSWERED as u64;
    for number in 1..=most {
        assert_eq!(store(&mut account, &numbered(1, 2 * number, 1)), Admission::New);
    }
    let next = numbered(1, 2 * most + 2, 1);
    assert_eq!(code(&store(&mut account, &next)), Some((RejectCode::HeldBack, true)));
    assert_eq!(account.outcomes.kept(), most);
    assert_eq!(store(&mut account, &Numbered { lowest: 3, ..next }), Admission::New);
    let illegal = store(&mut account, &numbered(1, MAX_NUMBER + 1, 1));
    assert_eq!(code(&illegal), Some((RejectCode::IllegalEvent, false)));
}

#[test]
fn a_client_belongs_to_its_first_subject_and_a_peer_without_an_authority_compares_nothing() {
    let mut account = Account::new(Identity::Secret(SECRET), false);
    let check = |account: &Account, subject| Account::check_subject(Some(account), subject);
    assert_eq!(Account::check_subject(None, Some("ann")), Ok(()));
    account.belong_to(None);
    assert!(!account.is_changed());
    assert_eq!(check(&account, Some("ann")), Ok(()));
    account.belong_to(Some("ann"));
    assert!(account.is_changed());
    assert_eq!(check(&account, Some("ann")), Ok(()));
    assert_eq!(check(&account, Some("bob")), Err(Opened::OtherSubject));
    assert_eq!(check(&account, Some("~01")), Err(Opened::OtherSubject));
    assert_eq!(check(&account, None), Ok(()));
}

#[test]
fn a_client_takes_a_key_once_and_then_its_secret_is_of_no_use() {
    let key = |key: u8| Identity::Key([key; 65]);
    let with = |fence, key: Option<u8>| Hello {
        key: key.map(|key| [key; 65]),
        proof: key.map(|_| [9; 64]),
        ..hello(fence, 1)
    };
    let mut account = account();
    let check = |account: &Account, fence, key, secret: Option<u8>| {
        Account::check(Some(account), &with(fence, key), secret.map(|secret| [secret; 32]))
    };
    // The key comes with the secret, once.
    assert_eq!(check(&account, 2, Some(4), Some(3)), Err(Opened::WrongSecret));
    assert_eq!(check(&account, 2, Some(4), None), Err(Opened::OtherKey));
    assert_eq!(check(&account, 1, Some(4), Some(2)), Err(Opened::Fenced));
    let taken = check(&account, 2, Some(4), Some(2)).unwrap();
    assert_eq!(taken, key(4));
    account.open(&with(2, Some(4)), taken, 0);
    // From then on only the key counts.
    assert_eq!(check(&account, 3, None, Some(2)), Err(Opened::OtherKey));
    assert_eq!(check(&account, 3, Some(5), Some(2)), Err(Opened::OtherKey));
    for secret in [None, Some(2), Some(3)] {
        assert_eq!(check(&account, 3, Some(4), secret), Ok(key(4)));
        assert_eq!(check(&account, 2, Some(4), secret), Err(Opened::Fenced), "a replay");
    }
    // A new client needs no secret.
    assert_eq!(Account::check(None, &with(1, Some(4)), None), Ok(key(4)));
    assert_eq!(Account::check(None, &with(1, None), None), Err(Opened::WrongSecret));
}
