use std::task::{Context, Poll};

use topic::Topic;

use super::mailbox::TAKEN;
use super::*;

fn patterns(texts: &[&str]) -> Vec<Pattern> {
    texts.iter().map(|text| Pattern::parse(text).unwrap()).collect()
}

fn forward(hub: &Mailboxes, from: u64, to: &str, body: &[u8]) {
    keyed(hub, from, to, &body.escape_ascii().to_string(), body);
}

fn keyed(hub: &Mailboxes, from: u64, to: &str, key: &str, body: &[u8]) {
    let topic = Topic::parse(to).unwrap();
    let event = Ephemeral::new(topic, key.into(), body.into());
    hub.forward(Forwarded { from, event });
}

fn first(mailbox: &Mailbox) -> Option<First> {
    match mailbox.poll_first(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(first) => Some(first),
        Poll::Pending => None,
    }
}

fn taken(mailbox: &Mailbox) -> Vec<Vec<u8>> {
    let mut taken = VecDeque::new();
    while first(mailbox).is_some() {
        mailbox.take(&mut taken);
    }
    taken.iter().map(|forwarded| forwarded.event.body.to_vec()).collect()
}

#[test]
fn an_event_waits_once_for_each_connection_that_wants_it_and_not_for_its_own() {
    let hub = Arc::new(Mailboxes::default());
    let [one, two, three] = [1, 2, 3].map(|number| hub.join(number));
    one.want(&patterns(&["a.>"]), &[]);
    two.want(&patterns(&["a.*", "a.b", "a.b"]), &[]);
    three.want(&patterns(&["b"]), &[]);
    forward(&hub, 1, "a.b", b"x");
    assert_eq!(taken(&one), Vec::<Vec<u8>>::new());
    assert_eq!(taken(&two), [b"x"]);
    assert_eq!(taken(&three), Vec::<Vec<u8>>::new());
}

#[test]
fn a_topic_finds_new_receivers_and_misses_gone_ones_since_it_was_last_used() {
    let hub = Arc::new(Mailboxes::default());
    let one = hub.join(1);
    forward(&hub, 0, "a", b"0");
    one.want(&patterns(&["a"]), &[]);
    forward(&hub, 0, "a", b"1");
    let two = hub.join(2);
    two.want(&patterns(&["*"]), &[]);
    forward(&hub, 0, "a", b"2");
    one.want(&patterns(&["b"]), &patterns(&["a"]));
    forward(&hub, 0, "a", b"3");
    drop(two);
    forward(&hub, 0, "a", b"4");
    assert_eq!(taken(&one), [b"1", b"2"]);
    assert!(hub.lock().routes.len() == 1 && hub.lock().boxes.len() == 1);
}

#[test]
fn a_connection_that_takes_nothing_skips_the_oldest_and_the_one_beside_it_does_not() {
    let hub = Arc::new(Mailboxes::default());
    let (slow, fast) = (hub.join(1), hub.join(2));
    slow.want(&patterns(&["a"]), &[]);
    fast.want(&patterns(&["a"]), &[]);
    for number in 0..3 * WAITING {
        forward(&hub, 0, "a", &number.to_be_bytes());
        assert_eq!(taken(&fast), [number.to_be_bytes()]);
    }
    let kept = taken(&slow);
    assert!((REMAINING..=WAITING).contains(&kept.len()), "{}", kept.len());
    assert_eq!(kept.last().unwrap()[..], (3 * WAITING - 1).to_be_bytes());
    assert!(kept.is_sorted());
}

#[test]
fn under_pressure_the_newest_of_each_key_remains() {
    let hub = Arc::new(Mailboxes::default());
    let slow = hub.join(1);
    slow.want(&patterns(&[">"]), &[]);
    keyed(&hub, 0, "cursor", "once", b"once");
    for number in 0..WAITING {
        keyed(&hub, 0, "cursor", ["ann", "bob"][number % 2], &number.to_be_bytes());
    }
    let kept = taken(&slow);
    let newest = |back: usize| (WAITING - back).to_be_bytes().to_vec();
    assert_eq!(kept, [b"once".to_vec(), newest(3), newest(2), newest(1)]);
}

#[test]
fn what_is_kept_for_all_is_bounded_in_bytes() {
    let hub = Arc::new(Mailboxes::default());
    let slow = hub.join(1);
    slow.want(&patterns(&["a"]), &[]);
    for _ in 0..100 {
        keyed(&hub, 0, "a", "k", &vec![0; 256 << 10]);
    }
    assert!(hub.lock().recent.bytes <= BYTES);
    assert_eq!(taken(&slow).len(), BYTES / (257 << 10));
}

#[test]
fn a_connection_takes_little_at_a_time_and_misses_nothing() {
    let hub = Arc::new(Mailboxes::default());
    let mailbox = hub.join(1);
    mailbox.want(&patterns(&["a"]), &[]);
    for number in 0..100_u8 {
        keyed(&hub, 0, "a", "k", &[number; 10 << 10]);
    }
    let mut all = Vec::new();
    while first(&mailbox).is_some() {
        let mut taken = VecDeque::new();
        mailbox.take(&mut taken);
        let bytes: usize = taken.iter().map(|forwarded| cost(&forwarded.event)).sum();
        assert!(bytes < TAKEN + (11 << 10), "{bytes}");
        all.extend(taken.iter().map(|forwarded| forwarded.event.body[0]));
    }
    assert_eq!(all, (0..100).collect::<Vec<_>>());
}

#[test]
fn a_run_is_encoded_by_one_and_taken_by_those_for_whom_it_is_the_same() {
    let hub = Arc::new(Mailboxes::default());
    let [one, same, other, late] = [1, 2, 3, 4].map(|number| hub.join(number));
    for mailbox in [&one, &same, &other] {
        mailbox.want(&patterns(&["a"]), &[]);
    }
    forward(&hub, 0, "a", b"1");
    // Of another topic, and from one of them.
    forward(&hub, 0, "b", b"2");
    forward(&hub, 3, "a", b"3");
    late.want(&patterns(&["a"]), &[]);
    forward(&hub, 0, "a", b"4");
    forward(&hub, 0, "a", b"5");

    let begins = first(&one).unwrap();
    assert!(begins.is_shared);
    assert!(one.take_run(&begins, b"x").is_none());
    let mut waiting = one.waiting(&begins);
    assert_eq!(waiting.len(), 4);
    waiting.truncate(3);
    let frames = Arc::new(b"1 3 4".to_vec());
    one.sent(&waiting, b"x", &frames);
    assert_eq!(taken(&one), [b"5"]);

    let begins = first(&same).unwrap();
    assert!(same.take_run(&begins, b"y").is_none());
    assert_eq!(same.take_run(&begins, b"x"), Some((frames, 3)));
    assert_eq!(taken(&same), [b"5"]);
    // Three lacks its own event, and four came later.
    for (mailbox, left) in [(&other, ["1", "4", "5"].as_slice()), (&late, &["4", "5"])] {
        assert!(mailbox.take_run(&first(mailbox).unwrap(), b"x").is_none());
        assert_eq!(taken(mailbox), left.iter().map(|it| it.as_bytes()).collect::<Vec<_>>());
    }
}

#[test]
fn an_event_for_one_connection_is_not_shared() {
    let hub = Arc::new(Mailboxes::default());
    let [one, two] = [1, 2].map(|number| hub.join(number));
    one.want(&patterns(&["a", "b"]), &[]);
    two.want(&patterns(&["b"]), &[]);
    for topic in ["a", "b"] {
        forward(&hub, 0, topic, b"");
    }
    let mut shared = Vec::new();
    while let Some(begins) = first(&one) {
        shared.push(begins.is_shared);
        one.sent(&one.waiting(&begins)[..1], b"", &Arc::default());
    }
    assert_eq!(shared, [false, true]);
}

#[test]
fn a_waiting_connection_is_woken_once_for_all_that_comes() {
    let hub = Arc::new(Mailboxes::default());
    let mailbox = hub.join(1);
    mailbox.want(&patterns(&["a"]), &[]);
    assert!(taken(&mailbox).is_empty());
    assert!(hub.lock().boxes[mailbox.key].waker.is_some());
    forward(&hub, 0, "a", b"1");
    assert!(hub.lock().boxes[mailbox.key].waker.is_none());
    forward(&hub, 0, "a", b"2");
    assert_eq!(taken(&mailbox), [b"1", b"2"]);
}
