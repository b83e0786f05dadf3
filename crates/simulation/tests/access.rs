//! Promise 8: no client is sent what its rights do not cover at that moment.

use simulation::access::check::{Covers, Record, check};
use simulation::access::run;
use simulation::check::Promise;
use simulation::mutation::Mutation;
use topic::{Pattern, Topic};

const SEEDS: u64 = 300;

#[test]
fn rights_that_change_and_credentials_that_end_break_no_promise() {
    let (mut granted, mut sent, mut past, mut paged, mut taken, mut refused) = (0, 0, 0, 0, 0, 0);
    for seed in 0..SEEDS {
        let outcome = run(seed, None);
        assert_eq!(outcome.verdict, Ok(()), "seed {seed}");
        for (_, record) in &outcome.records {
            match record {
                Record::Granted { .. } => granted += 1,
                Record::Sent { offset: None, .. } => sent += 1,
                Record::Sent { .. } => past += 1,
                Record::Paged { .. } => paged += 1,
                Record::Taken { .. } => taken += 1,
                Record::Refused { .. } => refused += 1,
                Record::Subscribes { .. } | Record::Members { .. } => {}
            }
        }
    }
    // Each of them happens often enough to mean something.
    for often in [granted, sent, past, paged, taken, refused] {
        assert!(often > SEEDS / 3, "{granted} {sent} {past} {paged} {taken} {refused}");
    }
}

#[test]
fn a_resume_without_the_check_and_a_right_that_outlives_its_token_are_found() {
    for mutation in [Mutation::ResumeUnchecked, Mutation::RightOutlivesToken] {
        let mut found = (0..SEEDS).filter_map(|seed| run(seed, Some(mutation)).verdict.err());
        assert!(found.any(|violation| violation.promise == Promise::Allowed), "{mutation:?}");
    }
}

fn pattern(text: &str) -> Pattern {
    Pattern::parse(text).unwrap()
}

fn granted(subscribe: &str, history: &str, until: u64) -> Record {
    let list = |text: &str| vec![pattern(text)];
    let covers = Covers {
        publish: list("a"),
        subscribe: list(subscribe),
        presence: list("a"),
        history: list(history),
    };
    Record::Granted { wire: 1, covers, until }
}

fn sent(topic: &str, offset: Option<u64>) -> Record {
    let topic = Topic::parse(topic).unwrap();
    Record::Sent { wire: 1, topic, subscriptions: vec![7], offset }
}

fn verdict(records: &[Record]) -> Result<(), Promise> {
    let records: Vec<_> = (0..).zip(records.iter().cloned()).collect();
    check(&records).map_err(|violation| violation.promise)
}

#[test]
fn the_checker_sees_each_way_to_break_it() {
    let subscribes = |pattern_text: &str| {
        let pattern = pattern(pattern_text);
        Record::Subscribes { wire: 1, subscription: 7, pattern, head: 5 }
    };
    let start = [granted("a", "b", 9), subscribes("a")];
    let then = |record: Record| verdict(&[&start[..], &[record]].concat());
    assert_eq!(then(sent("a", None)), Ok(()));
    assert_eq!(then(sent("a", Some(6))), Ok(()));
    assert_eq!(then(sent("a", Some(5))), Err(Promise::Allowed), "it is from before");
    assert_eq!(then(sent("c", None)), Err(Promise::Allowed));
    let topic = |text| Topic::parse(text).unwrap();
    assert_eq!(then(Record::Paged { wire: 1, topic: topic("b") }), Ok(()));
    assert_eq!(then(Record::Paged { wire: 1, topic: topic("a") }), Err(Promise::Allowed));
    assert_eq!(then(Record::Members { wire: 1, topic: topic("c") }), Err(Promise::Allowed));
    assert_eq!(then(Record::Taken { wire: 1, topic: topic("c") }), Err(Promise::Allowed));
    assert_eq!(verdict(&[sent("a", None)]), Err(Promise::Allowed), "before a grant");
    let ended = [granted("a", "a", 1), sent("a", None)];
    assert_eq!(verdict(&ended), Err(Promise::Allowed), "after its end");
    let narrower = [granted("a", "a", 9), granted("b", "b", 9), sent("a", None)];
    assert_eq!(verdict(&narrower), Err(Promise::Allowed));
    let refused = Record::Refused { wire: 1, subscription: 7 };
    assert_eq!(then(refused.clone()), Ok(()), "it may not read the past");
    let covered = [granted("a", "a", 9), subscribes("a"), refused];
    assert_eq!(verdict(&covered), Err(Promise::Read));
}
