//! Against a list: random writes, repeats, clocks, crashes of the process and bounds of what is kept.

use super::disk::{Crash, Disk};
use super::*;

/// An event of the list: its topic, id, bytes, and when it was logged.
#[derive(Debug, Clone)]
struct Listed {
    topic: Topic,
    id: u8,
    bytes: u64,
    at: u64,
}

#[derive(Debug, Clone)]
enum Step {
    Write(Vec<(u8, u8)>),
    Pass(u16),
    Maintain,
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => proptest::collection::vec((0..5_u8, 0..60_u8), 1..10).prop_map(Step::Write),
        2 => (0..9_000_u16).prop_map(Step::Pass),
        1 => Just(Step::Maintain),
        1 => Just(Step::Crash),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_trimmed_log_is_the_end_of_a_list_and_no_more_is_gone_than_has_to_be(
        steps in proptest::collection::vec(step(), 1..25),
        events in 1..40_u64,
        bytes in 60..1_500_u64,
        age in proptest::option::of(1..20_u64),
        limit in 1..7_usize,
        count in 0..9_u64,
    ) {
        let keep = Keep { events, bytes, age: age.map(Duration::from_secs), topic: None };
        let settings = Settings { keep, ..Settings::default() };
        let (mut disk, mut now) = (Disk::default(), 1_000_000);
        disk.set_clock(now);
        let mut store = Embedded::on(Box::new(disk.clone()), settings.clone()).unwrap();
        let mut list: Vec<Listed> = Vec::new();
        for step in steps {
            match step {
                Step::Write(batch) => write(&store, &batch, now, &mut list)?,
                Step::Pass(milliseconds) => {
                    now += u64::from(milliseconds);
                    disk.set_clock(now);
                }
                Step::Maintain => while store.maintain_now().unwrap() {},
                Step::Crash => {
                    disk = disk.crashed(Crash::CutClean);
                    store = Embedded::on(Box::new(disk.clone()), settings.clone()).unwrap();
                }
            }
            // A commit leaves nothing that is over a bound of these lists, which are short.
            let head = store.heads().unwrap()[0];
            prop_assert_eq!(head, list.len() as u64);
            let first = first(&store, head);
            for pattern in [">", "a", "a.*", "a.>", "*.c", "z"] {
                check(&store, pattern, &list, first, limit, count)?;
            }
        }
        while store.maintain_now().unwrap() {}
        let first = first(&store, list.len() as u64);
        let kept = &list[first as usize - 1..];
        let total = |events: &[Listed]| events.iter().map(|event| event.bytes).sum::<u64>();
        prop_assert!(kept.len() as u64 <= events);
        prop_assert!(total(kept) <= bytes || kept.len() == 1);
        let age = age.map(|age| age * 1_000);
        if let (Some(age), Some(oldest)) = (age, kept.first()) {
            prop_assert!(oldest.at + age + 2_000 > now, "too old: {oldest:?} at {now}");
        }
        if let Some(last_gone) = list[..first as usize - 1].last() {
            let with_it = &list[first as usize - 2..];
            let was_over = with_it.len() as u64 > events || total(with_it) > bytes;
            let was_old = age.is_some_and(|age| last_gone.at + age < now);
            prop_assert!(was_over || was_old, "{last_gone:?} should be there at {now}");
        }
    }
}

fn first(store: &Embedded, head: u64) -> u64 {
    let place = place(locate(store, ">", &Start::Earliest));
    assert!((1..=head + 1).contains(&place.next) && place.gap.is_none(), "{place:?}");
    place.next
}

/// Repeats keep the place that the log has for them; where it has none, they are new.
fn write(
    store: &Embedded,
    batch: &[(u8, u8)],
    now: u64,
    list: &mut Vec<Listed>,
) -> Result<(), TestCaseError> {
    let first = first(store, list.len() as u64);
    let writes: Vec<_> = batch.iter().map(|&(topic, id)| append(topic, id, None)).collect();
    let written = store.write(&writes).unwrap();
    for ((write, &(topic_index, id)), outcome) in writes.iter().zip(batch).zip(&written.outcomes) {
        let place = (first..).zip(&list[first as usize - 1..]).find(|(_, event)| event.id == id);
        let place = match place {
            Some((place, _)) => place,
            None => {
                let bytes = write.bytes();
                list.push(Listed { topic: self::topic(topic_index), id, bytes, at: now });
                list.len() as u64
            }
        };
        prop_assert_eq!(offset(outcome), Some(place));
    }
    Ok(())
}

/// Reading forwards, backwards and from the newest events returns the end of the list.
fn check(
    store: &Embedded,
    pattern: &str,
    list: &[Listed],
    first: u64,
    limit: usize,
    count: u64,
) -> Result<(), TestCaseError> {
    let pattern = Pattern::parse(pattern).unwrap();
    let head = list.len() as u64;
    let matching: Vec<u64> = (first..)
        .zip(&list[first as usize - 1..])
        .filter(|(_, event)| pattern.matches(&event.topic))
        .map(|(offset, _)| offset)
        .collect();
    let (mut read, mut next) = (Vec::new(), 1);
    while next <= head {
        let page = store.read(0, &pattern, next, limit).unwrap();
        prop_assert_eq!(page.gap, (next < first).then(|| (next, first - 1)));
        prop_assert!(page.next > next && page.events.len() <= limit);
        read.extend(page.events.iter().map(|event| event.offset));
        next = page.next;
    }
    prop_assert_eq!(&read, &matching);
    let (mut back, mut before) = (Vec::new(), Some(None));
    while let Some(place) = before {
        let older = store.history(0, &pattern, place, limit).unwrap();
        back.extend(older.events.iter().map(|event| event.offset));
        before = older.next.map(Some);
    }
    back.reverse();
    prop_assert_eq!(&back, &matching);
    let newest = matching.len().saturating_sub(count as usize);
    let StartPoint { next, previous, gap, .. } =
        place(locate(store, &pattern, &Start::Last(count)));
    let before = matching.iter().filter(|offset| **offset < next).count();
    prop_assert_eq!((before, previous, gap), (newest, None, None));
    Ok(())
}
