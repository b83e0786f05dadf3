//! Presence converges.

use simulation::check::Promise;
use simulation::history::Record;
use simulation::history::Record::*;

use super::verdict;

const WATCHES: Record = Watches { reader: 0, topic: 0 };

fn is(profile: u32, here: bool) -> Record {
    Present { topic: 0, profile, here }
}

fn seen(profile: u32, here: bool) -> Record {
    Seen { reader: 0, profile, here }
}

#[test]
fn presence_that_does_not_converge_is_caught() {
    let before = [WATCHES, is(1, true), seen(1, true), is(2, true), seen(2, true), is(1, false)];
    assert_eq!(verdict(before.to_vec()), Err(Promise::Presence), "a ghost");
    assert_eq!(verdict([&before[..], &[seen(1, false)]].concat()), Ok(()));
    assert_eq!(verdict(vec![WATCHES, is(1, true)]), Err(Promise::Presence), "never reported");
    let elsewhere = Present { topic: 1, profile: 1, here: true };
    assert_eq!(verdict(vec![WATCHES, elsewhere]), Ok(()));
}

#[test]
fn a_member_that_is_seen_twice_is_caught() {
    let twice = [WATCHES, is(1, true), seen(1, true), seen(1, true)];
    assert_eq!(verdict(twice.to_vec()), Err(Promise::Presence));
}

#[test]
fn a_watcher_that_has_left_need_not_see_the_members() {
    assert_eq!(verdict(vec![WATCHES, is(1, true), Ended { reader: 0 }]), Ok(()));
}
