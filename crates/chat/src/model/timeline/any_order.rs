//! Any order of arrival gives the same timeline.

use proptest::prelude::*;

use super::tests::seen;
use super::*;

/// The number of days and messages of a log.
const DAYS: u64 = 3;

#[derive(Debug, Clone)]
enum Entry {
    Message {
        author: u8,
        day: u64,
    },
    Edited {
        author: u8,
        message: usize,
        epoch: u64,
        day: u64,
        text: u8,
    },
    Reacted {
        author: u8,
        message: usize,
        epoch: u64,
        day: u64,
        emoji: u8,
        is_on: bool,
    },
    Deleted {
        message: usize,
    },
    /// More edits by guests than a message needs, and a reaction by each.
    Flooded {
        message: usize,
        guest: u8,
    },
}

fn entry() -> impl Strategy<Value = Entry> {
    let (author, message, day) = (|| 0..3_u8, || 0..8_usize, || 0..DAYS);
    // The log has the epoch 7; others are made up.
    let epoch = || prop_oneof![6 => Just(7_u64), 1 => 8..10_u64];
    prop_oneof![
        4 => (author(), day()).prop_map(|(author, day)| Entry::Message { author, day }),
        4 => (author(), message(), epoch(), day(), any::<u8>()).prop_map(
            |(author, message, epoch, day, text)| Entry::Edited { author, message, epoch, day, text }
        ),
        4 => (author(), message(), epoch(), day(), 0..3_u8, any::<bool>()).prop_map(
            |(author, message, epoch, day, emoji, is_on)| {
                Entry::Reacted { author, message, epoch, day, emoji, is_on }
            }
        ),
        1 => message().prop_map(|message| Entry::Deleted { message }),
        1 => (message(), any::<u8>()).prop_map(|(message, guest)| Entry::Flooded { message, guest }),
    ]
}

/// Author 0 is this browser's user; author 2 has an account and several clients.
fn author(number: u8, offset: u64) -> Author {
    match number {
        0 => Author::default(),
        1 => guest("bob"),
        _ => Author {
            client: format!("/clients/{}", offset % 2).into(),
            account: Some("carol".into()),
            is_verified: offset.is_multiple_of(2),
        },
    }
}

fn guest(name: &str) -> Author {
    Author { client: format!("/clients/{name}").into(), ..Author::default() }
}

fn day_of(day: u64) -> u32 {
    utc_day(Some(day * 86_400_000))
}

/// The changes that the entries of a log cause, with the echoes of the user's own messages.
fn changes(log: &[Entry]) -> Vec<Change> {
    let offsets = (100..).step_by(101);
    let messages: Vec<(u64, u8, u64)> = log
        .iter()
        .zip(offsets.clone())
        .filter_map(|(entry, offset)| match entry {
            Entry::Message { author, day } => Some((offset, *author, *day)),
            _ => None,
        })
        .collect();
    let mut changes = Vec::new();
    for (entry, offset) in log.iter().zip(offsets) {
        let about = |message: usize, epoch| {
            let (offset, ..) = *messages.get(message % messages.len().max(1))?;
            Some(Reference { id: offset.to_string().into(), epoch, offset })
        };
        let right_day =
            |message: usize| messages.get(message % messages.len().max(1)).map(|it| it.2);
        let related = |number, about, day: u64, relation| {
            let (day, author) = (day_of(day), author(number, offset));
            let (event, at) = (offset.to_string().into(), Some((7, offset)));
            Change::Related { event, about, day, author, at, relation: Some(relation) }
        };
        match entry {
            Entry::Message { author: number, day } => {
                let mut seen = seen(&offset.to_string());
                (seen.author, seen.time_ms) = (author(*number, offset), Some(day * 86_400_000));
                if *number == 0 {
                    changes.push(Change::Pending { seen: seen.clone(), state: State::Queued });
                    changes.push(Change::Pending { seen: seen.clone(), state: State::Sent });
                    changes.push(Change::Succeeded { id: seen.id.clone(), offset });
                }
                changes.push(Change::Stored { seen, epoch: 7, offset });
            }
            Entry::Edited { author, message, epoch, day, text } => {
                // Most edits are on the right topic.
                let day = right_day(*message).filter(|_| text % 4 > 0).unwrap_or(*day);
                let text = text.to_string().into();
                let relation = Relation::Edited { text };
                let about = about(*message, *epoch);
                changes.extend(about.map(|it| related(*author, it, day, relation)));
            }
            Entry::Reacted { author, message, epoch, day, emoji, is_on } => {
                let day = right_day(*message).filter(|_| emoji % 3 > 0).unwrap_or(*day);
                let relation = Relation::Reacted { emoji: emoji.to_string().into(), is_on: *is_on };
                let about = about(*message, *epoch);
                changes.extend(about.map(|it| related(*author, it, day, relation)));
            }
            Entry::Flooded { message, guest: first } => {
                let Some((about, day)) = about(*message, 7).zip(right_day(*message)) else {
                    continue;
                };
                for (number, at) in (offset + 1..offset + 10).enumerate() {
                    let author = guest(&(usize::from(*first) + number).to_string());
                    let text: Rc<str> = at.to_string().into();
                    for (at, relation) in [
                        (at, Relation::Edited { text: text.clone() }),
                        (at + 10, Relation::Reacted { emoji: "0".into(), is_on: true }),
                    ] {
                        let (about, author) = (about.clone(), author.clone());
                        let (event, at) = (at.to_string().into(), Some((7, at)));
                        let (day, relation) = (day_of(day), Some(relation));
                        changes.push(Change::Related { event, about, day, author, at, relation });
                    }
                }
            }
            Entry::Deleted { message } => {
                let deleted =
                    about(*message, 7).map(|it| Change::Deleted { epoch: 7, offset: it.offset });
                changes.extend(deleted);
            }
        }
    }
    changes
}

/// All that is shown of a timeline.
fn shown(timeline: &Timeline) -> Vec<String> {
    let row = |row: &Rc<Row>| {
        let reactions = row.fold.as_ref().map(|fold| fold.reactions()).unwrap_or_default();
        let (text, deleted) = (row.text(), row.is_deleted());
        format!("{} {text} {deleted} {reactions:?} {}", row.key, row.state.word())
    };
    timeline.chunks.rows().map(row).collect()
}

fn shuffled<T: Clone>(all: &[T], order: u64) -> Vec<T> {
    let mut all = all.to_vec();
    let mut random = order | 1;
    for at in (1..all.len()).rev() {
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        all.swap(at, (random >> 33) as usize % (at + 1));
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn events_in_any_order_give_the_same_timeline(
        log in proptest::collection::vec(entry(), 0..24),
        order in any::<u64>(),
    ) {
        let in_order = changes(&log);
        let shuffled = shuffled(&in_order, order);
        let fold = |changes: &[Change]| {
            let mut timeline = Timeline::default();
            changes.iter().cloned().for_each(|change| timeline.apply(change));
            timeline
        };
        let (expected, folded) = (fold(&in_order), fold(&shuffled));
        prop_assert_eq!(shown(&folded), shown(&expected));
        let offsets: Vec<_> = folded.chunks.rows().filter_map(|row| row.offset()).collect();
        prop_assert!(offsets.is_sorted());
        prop_assert!(folded.epochs.iter().all(|epoch| *epoch == 7));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn more_reactions_than_are_kept_leave_the_same_ones_in_any_order(
        reactions in proptest::collection::vec((0..30_u8, 0..60_u8, any::<bool>()), 500..1_500),
        order in any::<u64>(),
    ) {
        let said = |(at, (person, emoji, is_on)): (usize, &(u8, u8, bool))| {
            // Half of them are one person's.
            let author = guest(&person.saturating_sub(15).to_string());
            let (event, place) = (at.to_string().into(), Place::in_log(0, at as u64));
            let relation = Relation::Reacted { emoji: emoji.to_string().into(), is_on: *is_on };
            Said { event, author, place, relation: Some(relation) }
        };
        let said: Vec<Said> = reactions.iter().enumerate().map(said).collect();
        let fold = |all: Vec<Said>| {
            let mut fold = Fold::default();
            all.into_iter().for_each(|said| fold.add(said, None));
            fold.reactions()
        };
        prop_assert_eq!(fold(shuffled(&said, order)), fold(said));
    }
}
