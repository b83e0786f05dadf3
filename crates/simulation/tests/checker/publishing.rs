//! Outcomes of publishes, and the order in the log.

use simulation::check::Promise;
use simulation::history::Record::*;
use simulation::history::{Answer, PageState, Record};

use super::*;

#[test]
fn events_of_one_client_out_of_order_are_caught() {
    let swapped = vec![kept(1), kept(2), logged(1, 2), logged(2, 1), acked(1, 2), acked(2, 1)];
    assert_eq!(verdict(swapped), Err(Promise::OwnOrder));
    // Two clients have no order between them.
    let other = Logged { place: at(1), client: 1, event: 2, topic: 0 };
    let fine = vec![kept(1), kept(2), other, logged(2, 1), acked(1, 2), acked(2, 1)];
    assert_eq!(verdict(fine), Ok(()));
}

#[test]
fn two_outcomes_are_caught() {
    assert_eq!(verdict(with(acked(2, 2))), Err(Promise::Answered), "reported twice in one life");
    let again = |answer| Answered { profile: 0, life: 1, event: 2, answer };
    assert_eq!(verdict(with(again(Answer::Stored(at(2))))), Ok(()), "the row was not erased yet");
    assert_eq!(verdict(with(again(Answer::Rejected))), Err(Promise::Answered));
    let stored_elsewhere = Answer::Stored(at(3));
    assert_eq!(verdict(with(again(stored_elsewhere))), Err(Promise::Answered));
}

#[test]
fn a_reject_of_what_is_in_the_log_is_caught() {
    let refused = [kept(1), Refusable { event: 1 }];
    let rejected = answered(1, Answer::Rejected);
    assert_eq!(verdict([&refused[..], &[rejected]].concat()), Ok(()));
    let then_logged = [&refused[..], &[rejected, logged(1, 1)]].concat();
    assert_eq!(verdict(then_logged), Err(Promise::Answered));
    let logged_before = [&refused[..], &[logged(1, 1), rejected]].concat();
    assert_eq!(verdict(logged_before), Err(Promise::Answered));
}

#[test]
fn a_reject_without_a_reason_is_caught() {
    let records = vec![kept(1), answered(1, Answer::Rejected)];
    assert_eq!(verdict(records), Err(Promise::Answered));
}

#[test]
fn an_event_that_must_be_signed_and_a_client_with_a_key_are_held_to_it() {
    let must = MustBeSigned { event: 2 };
    let unsigned = |event| LoggedUnsigned { event };
    let before = |records: &[Record]| [records, &good()[..]].concat();
    assert_eq!(verdict(before(&[must])), Ok(()));
    assert_eq!(verdict(before(&[must, unsigned(1)])), Ok(()));
    assert_eq!(verdict(before(&[must, unsigned(2)])), Err(Promise::Signed));
    assert_eq!(verdict(with(AdmittedWithoutKey { client: 0 })), Err(Promise::Signed));
}

#[test]
fn a_kept_publish_without_an_outcome_is_caught() {
    assert_eq!(verdict(vec![kept(1)]), Err(Promise::Answered));
    assert_eq!(verdict(vec![Taken { profile: 0, event: 1 }]), Ok(()), "it was in memory only");
    assert_eq!(verdict(vec![kept(1), Wiped { profile: 0, event: 1 }]), Ok(()));
}

#[test]
fn an_answer_that_says_nothing_is_caught_unless_there_is_a_reason() {
    let uncertain = answered(1, Answer::Uncertain);
    assert_eq!(verdict(vec![kept(1), uncertain]), Err(Promise::Answered));
    assert_eq!(verdict(vec![kept(1), Doubted { profile: 0 }, uncertain]), Ok(()));
}

#[test]
fn doubt_excuses_what_is_kept_before_it_ends_and_nothing_after() {
    let doubted = |then: &[Record]| {
        let begin = [Doubted { profile: 0 }, kept(1), Certain { profile: 0 }, kept(2)];
        verdict([&begin[..], then].concat())
    };
    let uncertain = |event| answered(event, Answer::Uncertain);
    assert_eq!(doubted(&[uncertain(1), logged(1, 2), acked(1, 2)]), Ok(()));
    assert_eq!(doubted(&[uncertain(1), uncertain(2)]), Err(Promise::Answered));
    // Another profile's doubt is no excuse.
    let other = [kept(1), Doubted { profile: 1 }, uncertain(1)];
    assert_eq!(verdict(other.to_vec()), Err(Promise::Answered));
}

#[test]
fn only_a_page_that_was_absent_when_others_learned_an_outcome_may_not_know_it() {
    let page = |life, state| Page { life, state };
    let reported = [logged(1, 1), acked(1, 1)];
    let uncertain = Answered { profile: 0, life: 1, event: 1, answer: Answer::Uncertain };
    let both = [page(0, PageState::Here), page(1, PageState::Here), kept(1)];
    // One record a millisecond.
    let away = |since| page(1, PageState::Away { since });
    let back = page(1, PageState::Here);
    let missed = [&both[..], &[away(3)], &reported[..], &[back, uncertain]].concat();
    assert_eq!(verdict(missed), Ok(()));
    let was_there = [&both[..], &reported[..], &[away(5), back, uncertain]].concat();
    assert_eq!(verdict(was_there), Err(Promise::Answered));
    let heard = [&both[..], &reported[..], &[uncertain]].concat();
    assert_eq!(verdict(heard), Err(Promise::Answered));
}

#[test]
fn what_a_page_was_shown_must_be_answered_there_while_it_lives() {
    let shown = Echoed { life: 1, event: 1 };
    let all = |more: &[Record]| {
        let here = [Page { life: 1, state: PageState::Here }, kept(1), shown];
        verdict([&here[..], &[logged(1, 1), acked(1, 1)], more].concat())
    };
    assert_eq!(all(&[]), Err(Promise::Answered));
    let stored = Answer::Stored(at(1));
    assert_eq!(all(&[Answered { profile: 0, life: 1, event: 1, answer: stored }]), Ok(()));
    assert_eq!(all(&[Page { life: 1, state: PageState::Gone }]), Ok(()));
}

#[test]
fn a_row_from_a_backup_stands_again_only_where_no_reader_could_know_it() {
    let restored = Restored { profile: 0, event: 1, is_other: false };
    let again = Logged { place: at(4), client: 0, event: 1, topic: 0 };
    let acked_again = Answered { profile: 0, life: 1, event: 1, answer: Answer::Stored(at(4)) };
    let all = |before: &[Record]| {
        verdict([&good()[..], before, &[restored, again, given(4, 1), acked_again]].concat())
    };
    let (forgot, trimmed) = (Forgot { client: 0 }, Trimmed { stream: 0, up_to: 1 });
    assert_eq!(all(&[forgot, trimmed]), Ok(()));
    assert_eq!(all(&[forgot]), Err(Promise::Once), "the log holds it");
    assert_eq!(all(&[trimmed]), Err(Promise::Once), "the client is known");
}

#[test]
fn a_frame_that_leaves_before_its_row_is_kept_is_caught() {
    assert_eq!(verdict(swapped(kept(1), logged(1, 1))), Err(Promise::Answered));
}
