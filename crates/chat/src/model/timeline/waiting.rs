//! What the user says about messages is shown before the log has it.

use super::tests::{fold, related, rows, stored};
use super::*;

/// Ann's event about her message `a`, which her outbox has. Without a relation, it was refused.
fn waiting(event: &str, relation: Option<Relation>) -> Change {
    let about = Reference { id: "a".into(), epoch: 7, offset: 1 };
    let (event, author) = (event.into(), Author::default());
    Change::Related { event, about, day: 19_700_101, author, at: None, relation }
}

fn edit(text: &str) -> Relation {
    Relation::Edited { text: text.into() }
}

fn react(is_on: bool) -> Relation {
    Relation::Reacted { emoji: "+".into(), is_on }
}

/// The log has this event of Ann now.
fn logged(at: u64, relation: Relation) -> Change {
    related("a", 1, at, relation)
}

#[test]
fn an_edit_that_waits_is_shown_until_the_log_says_more_or_refuses_it() {
    let before = [stored("a", 1), logged(5, edit("first"))];
    let text = |changes: &[Change]| {
        let timeline = fold(before.iter().chain(changes).cloned());
        let row = rows(&timeline)[0];
        (row.text().to_owned(), row.waits())
    };
    let waits = waiting("9", Some(edit("second")));
    assert_eq!(text(std::slice::from_ref(&waits)), ("second".into(), true));
    // An echo that comes again changes nothing, also after a later one.
    let later = waiting("10", Some(edit("third")));
    assert_eq!(text(&[waits.clone(), later.clone(), waits.clone()]), ("third".into(), true));
    assert_eq!(text(&[waits.clone(), waiting("9", None)]), ("first".into(), false));
    let both = [waits.clone(), later, logged(9, edit("second"))];
    assert_eq!(text(&both), ("third".into(), true));
    // The log has put the edit of another tab behind it.
    let other = [waits, logged(9, edit("second")), logged(12, edit("by the other tab"))];
    assert_eq!(text(&other), ("by the other tab".into(), false));
}

#[test]
fn an_edit_that_waits_is_found_by_a_message_that_comes_later_and_changes_none_of_others() {
    let theirs = Author { client: "/clients/bob".into(), ..Author::default() };
    let mut bobs = super::tests::seen("a");
    bobs.author = theirs;
    let bobs = Change::Stored { seen: bobs, epoch: 7, offset: 1 };
    let waits = waiting("9", Some(edit("by Ann")));
    let timeline = fold([stored("b", 2), waits.clone(), stored("a", 1)]);
    assert_eq!(rows(&timeline)[0].text(), "by Ann");
    let timeline = fold([bobs, waits]);
    assert_eq!(rows(&timeline)[0].text(), "text of a");
}

#[test]
fn a_reaction_that_waits_counts_at_once_and_is_taken_back_at_once() {
    let shown = |changes: Vec<Change>| {
        let timeline = fold(std::iter::once(stored("a", 1)).chain(changes));
        let reactions = rows(&timeline)[0].reactions();
        reactions
            .iter()
            .map(|(emoji, people)| (emoji.to_string(), people.len()))
            .collect::<Vec<_>>()
    };
    let one = vec![("+".to_owned(), 1)];
    let (on, off) = (waiting("9", Some(react(true))), waiting("10", Some(react(false))));
    assert_eq!(shown(vec![on.clone()]), one);
    assert_eq!(shown(vec![on.clone(), off.clone()]), []);
    assert_eq!(shown(vec![logged(5, react(true)), off.clone()]), []);
    assert_eq!(shown(vec![logged(5, react(true)), off, waiting("10", None)]), one);
    assert_eq!(shown(vec![on, logged(9, react(true))]), one);
}

#[test]
fn an_event_of_another_client_with_the_same_id_leaves_what_waits() {
    let mut theirs = logged(9, react(true));
    if let Change::Related { author, .. } = &mut theirs {
        author.client = "/clients/bob".into();
    }
    let timeline = fold([stored("a", 1), waiting("9", Some(edit("mine"))), theirs]);
    let row = rows(&timeline)[0];
    assert_eq!((row.text(), row.reactions().len(), row.waits()), ("mine", 1, true));
}
