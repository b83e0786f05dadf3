//! Against the store that the simulation proves: the same commands and queries, with failures and crashes, give the same
//! answers.

use std::ops::RangeInclusive;

use session::server::{Answer, Query, Refusal};
use session::{Position, RejectCode};
use simulation::store::Store as Model;

use super::disk::{Crash, Disk};
use super::*;

const PATTERNS: [&str; 8] = [">", "a", "a.*", "b.>", "*.a", "b.a", "c", "z"];
const DAY: u64 = 24 * 60 * 60 * 1_000;

/// What a client asks for.
#[derive(Debug, Clone)]
enum Ask {
    Open {
        client: u8,
        secret: u8,
        fence: u64,
        lowest: u64,
        returning: bool,
    },
    /// An event with a topic and an id, or one that breaks the rules.
    Append {
        client: u8,
        fence: u64,
        number: u64,
        lowest: u64,
        event: Option<(u8, u8)>,
    },
}

/// Whether the disk has room, and what is asked for together.
type Asked = (bool, Vec<Ask>);

#[derive(Debug, Clone)]
enum Step {
    /// Commands of one call.
    Apply(Vec<Asked>),
    /// The same, while an operation of the disk fails; then the process or the machine stops.
    Fail(Vec<Asked>, u64, Crash),
    Crash(Crash),
    /// No client comes for a hundred days.
    Forget,
}

/// A start by numbers that are small beside a log.
#[derive(Debug, Clone)]
enum Begin {
    Latest,
    Earliest,
    Last(u64),
    /// Offsets in the two streams, whether the epoch is another one, and the id.
    After([Option<u64>; 2], bool, Option<u8>),
}

fn ask() -> impl Strategy<Value = Ask> {
    let fence = || 1..5_u64;
    let open = (1..4_u8, prop::bool::weighted(0.1), fence(), 1..8_u64, any::<bool>()).prop_map(
        |(client, is_wrong, fence, lowest, returning)| {
            let secret = if is_wrong { 9 } else { 2 };
            Ask::Open { client, secret, fence, lowest, returning }
        },
    );
    let event = prop::option::weighted(0.9, (0..6_u8, 0..20_u8));
    let append = (1..4_u8, fence(), 1..14_u64, 0..10_u64, event).prop_map(
        |(client, fence, number, lowest, event)| Ask::Append {
            client,
            fence,
            number,
            lowest,
            event,
        },
    );
    prop_oneof![1 => open, 4 => append]
}

fn commands() -> impl Strategy<Value = Vec<Asked>> {
    let command = (prop::bool::weighted(0.9), prop::collection::vec(ask(), 1..5));
    prop::collection::vec(command, 1..4)
}

fn crash() -> impl Strategy<Value = Crash> {
    prop_oneof![Just(Crash::Kill), Just(Crash::CutClean), any::<u64>().prop_map(Crash::CutTorn)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => commands().prop_map(Step::Apply),
        2 => (commands(), 0..12_u64, crash()).prop_map(|(it, at, crash)| Step::Fail(it, at, crash)),
        1 => crash().prop_map(Step::Crash),
        1 => Just(Step::Forget),
    ]
}

fn from() -> impl Strategy<Value = Begin> {
    let offset = || prop::option::of(0..30_u64);
    prop_oneof![
        Just(Begin::Latest),
        Just(Begin::Earliest),
        (0..12_u64).prop_map(Begin::Last),
        (offset(), offset(), prop::bool::weighted(0.1), prop::option::of(0..20_u8))
            .prop_map(|(main, side, other, id)| Begin::After([main, side], other, id)),
    ]
}

fn write_of(ask: &Ask) -> Result<Hello, Box<Append>> {
    match *ask {
        Ask::Open { client, secret, fence, lowest, returning } => {
            let (client, secret) = ([client; 16], [secret; 32]);
            Ok(Hello { client, secret, fence, lowest, returning, token: None })
        }
        Ask::Append { client, fence, number, lowest, event } => {
            let client = Some(Numbered { client: [client; 16], fence, number, lowest });
            let event = match event {
                Some((topic, id)) => {
                    let topic = ["a", "a.b", "b.a", "b.b", "b.a.c", "c"][usize::from(topic)];
                    let (id, source) = (id.to_string(), "s".to_owned());
                    Ok((Topic::parse(topic).unwrap(), Body { id, source, ..Body::default() }))
                }
                None => {
                    let (code, message) = (RejectCode::IllegalEvent, "no".to_owned());
                    Err(Refusal { code, message, id: Some("refused".to_owned()) })
                }
            };
            Err(Box::new(Append { ticket: ticket(), client, event }))
        }
    }
}

/// What must be equal of the two: a reason's words and the id of a position may differ.
#[derive(Debug, PartialEq)]
enum Said {
    Opened(Opened),
    Stored(Position),
    Rejected(RejectCode, Option<u32>),
    Fenced,
}

fn said(outcome: Outcome) -> Said {
    match outcome {
        Outcome::Opened(opened) => Said::Opened(opened),
        Outcome::Decided(Decided::Stored(position, _)) => {
            Said::Stored(Position { id: None, ..position })
        }
        Outcome::Decided(Decided::Rejected { code, retry, .. }) => Said::Rejected(code, retry),
        Outcome::Decided(Decided::Fenced) => Said::Fenced,
        other => panic!("{other:?}"),
    }
}

/// The outcomes of a command, the stream and offset of what it logged, and the heads after it.
type Done = (Vec<Said>, Vec<(StreamNo, u64)>, Vec<u64>);

fn apply(store: &Embedded, commands: &[Asked], now: u64) -> Result<Vec<Done>, StoreError> {
    let write = |ask: &Ask| match write_of(ask) {
        Ok(hello) => Write::Open { hello, may_be_new: true },
        Err(append) => Write::Append((*append).into()),
    };
    let writes: Vec<Vec<Write>> =
        commands.iter().map(|(_, asks)| asks.iter().map(write).collect()).collect();
    let commands: Vec<_> = (commands.iter().zip(&writes))
        .map(|((has_room, _), writes)| Command { time: now.into(), has_room: *has_room, writes })
        .collect();
    let done = |written: Written| {
        let logged = written.logged.iter().map(|event| (event.stream, event.offset)).collect();
        (written.outcomes.into_iter().map(said).collect(), logged, written.heads)
    };
    Ok(store.apply(&commands)?.into_iter().map(done).collect())
}

fn apply_to_model(model: &mut Model, commands: &[Asked], keep: u64) -> Vec<Done> {
    let mut all = Vec::new();
    for (has_room, asks) in commands {
        model.full = !has_room;
        let (mut outcomes, mut new) = (Vec::new(), Vec::new());
        for ask in asks {
            outcomes.push(said(match write_of(ask) {
                Ok(hello) => Outcome::Opened(model.open(&hello)),
                Err(append) => {
                    let (decided, logged) = model.decide(&append, true);
                    new.extend(logged.map(|event| (event.stream, event.offset)));
                    Outcome::Decided(decided)
                }
            }));
        }
        let heads = model.heads().iter().map(|head| head.offset).collect();
        // Only a stream with new events is trimmed.
        for stream in [0, 1] {
            if new.iter().any(|(changed, _)| *changed == stream) {
                model.trim(stream, keep);
            }
        }
        all.push((outcomes, new, heads));
    }
    all
}

fn answer(store: &Embedded, query: &Query) -> Answer {
    match query {
        Query::Locate { pattern, start } => Answer::Located(locate(store, pattern.clone(), start)),
        Query::Read { stream, pattern, from, limit } => {
            Answer::Page(store.read(*stream, pattern, *from, *limit).unwrap())
        }
        Query::History { stream, pattern, before, limit } => {
            Answer::Older(store.history(*stream, pattern, *before, *limit).unwrap())
        }
    }
}

/// What a subscriber and a reader of history get from a store.
#[derive(Debug, PartialEq)]
struct Seen {
    located: Located,
    /// What each stream holds from the start on, and what it lacks of that.
    read: Vec<(Vec<Event>, Vec<RangeInclusive<u64>>)>,
    history: Vec<Vec<Event>>,
}

type Event = (u64, Topic, Vec<u8>);

fn events(logged: &[Arc<Logged>]) -> impl Iterator<Item = Event> {
    logged.iter().map(|it| (it.offset, it.topic.clone(), it.body.to_vec()))
}

/// Asks all that there is to ask about a pattern, page by page.
fn seen(ask: impl Fn(Query) -> Answer, pattern: &Pattern, start: Start, limit: usize) -> Seen {
    let read = |stream, mut from: u64, head: u64| {
        let (mut all, mut gaps) = (Vec::new(), Vec::new());
        while from <= head {
            let query = Query::Read { stream, pattern: pattern.clone(), from, limit };
            let Answer::Page(page) = ask(query) else { panic!() };
            assert!(page.events.len() <= limit && page.next > from, "{page:?} from {from}");
            gaps.extend(page.gap.map(|(first, last)| first..=last));
            all.extend(events(&page.events));
            from = page.next;
        }
        (all, gaps)
    };
    let history = |stream| {
        let (mut all, mut before) = (Vec::new(), Some(None));
        while let Some(offset) = before {
            let query = Query::History { stream, pattern: pattern.clone(), before: offset, limit };
            let Answer::Older(older) = ask(query) else { panic!() };
            assert!(older.events.len() <= limit);
            all.extend(events(&older.events));
            before = older.next.map(Some);
        }
        all
    };
    let query = Query::Locate { pattern: pattern.clone(), start };
    let Answer::Located(mut located) = ask(query) else { panic!() };
    let mut read_all = vec![read(0, 1, 0), read(1, 1, 0)];
    if let Located::At(places) = &mut located {
        read_all.clear();
        for (stream, place) in places.iter_mut().enumerate() {
            read_all.push(read(stream, place.next, place.head.offset));
            // A store may skip what does not match.
            let first = read_all[stream].0.first();
            place.next = first.map_or(place.head.offset + 1, |(offset, ..)| *offset);
        }
    }
    Seen { located, read: read_all, history: vec![history(0), history(1)] }
}

fn start(from: &Begin, epoch: u64) -> Start {
    match from {
        Begin::Latest => Start::Latest,
        Begin::Earliest => Start::Earliest,
        Begin::Last(count) => Start::Last(*count),
        Begin::After(offsets, is_other, id) => {
            let names = [Stream::MAIN, Stream::named("side")].into_iter();
            let positions = names.zip(offsets).filter_map(|(stream, offset)| {
                let epoch = epoch + u64::from(*is_other);
                let id = id.map(|id| id.to_string());
                Some(Position { stream, epoch, offset: (*offset)?, id })
            });
            Start::After(positions.collect())
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_store_answers_as_the_one_that_the_simulation_proves(
        steps in prop::collection::vec(step(), 1..25),
        from in prop::collection::vec(from(), 1..3),
        keep in 1..15_u64,
        limit in 1..6_usize,
    ) {
        let side = Route { stream: Stream::named("side"), patterns: vec!["b.>".try_into().unwrap()] };
        let keep_events = Keep { events: keep, ..Keep::default() };
        let settings = Settings { routes: vec![side], keep: keep_events, ..Settings::default() };
        let (mut disk, mut now) = (Disk::default(), 1_000 * DAY);
        disk.set_clock(now);
        let open = |disk: &Disk| Embedded::on(Box::new(disk.clone()), settings.clone()).unwrap();
        let mut store = open(&disk);
        let epoch = place(locate(&store, ">", &Start::Latest)).head.epoch;
        let mut model = Model::new(store.streams(), None);
        [0, 1].into_iter().for_each(|stream| model.recovered(stream, epoch));
        // What may have happened: a commit that failed may be there or not.
        let mut models = vec![model];
        for step in &steps {
            match step {
                Step::Apply(commands) => {
                    let done = apply(&store, commands, now).unwrap();
                    models.retain_mut(|model| apply_to_model(model, commands, keep) == done);
                }
                Step::Fail(commands, at, crash) => {
                    let operation = disk.operations() + at;
                    disk.fail(operation..operation + 1);
                    let done = apply(&store, commands, now);
                    let mut others = models.clone();
                    match done {
                        Ok(done) => models.retain_mut(|it| apply_to_model(it, commands, keep) == done),
                        Err(_) => {
                            others.iter_mut().for_each(|it| _ = apply_to_model(it, commands, keep));
                            models.extend(others);
                        }
                    }
                    drop(store);
                    disk = disk.crashed(*crash);
                    store = open(&disk);
                }
                Step::Crash(crash) => {
                    drop(store);
                    disk = disk.crashed(*crash);
                    store = open(&disk);
                }
                Step::Forget => {
                    now += 100 * DAY;
                    disk.set_clock(now);
                    while store.maintain(now).unwrap() {}
                    for model in &mut models {
                        for client in model.clients() {
                            model.forget(&client);
                        }
                    }
                }
            }
            prop_assert!(!models.is_empty(), "no model explains {step:?}");
            for (pattern, from) in PATTERNS.iter().zip(from.iter().cycle()) {
                let pattern = Pattern::parse(pattern).unwrap();
                let start = start(from, epoch);
                let found = seen(|query| answer(&store, &query), &pattern, start.clone(), limit);
                let expected = |model: &Model| {
                    seen(|query| model.answer(&query, usize::MAX), &pattern, start.clone(), limit)
                };
                let first = expected(&models[0]);
                models.retain(|model| expected(model) == found);
                prop_assert!(!models.is_empty(), "{found:?} after {start:?} is not {first:?}");
            }
        }
    }
}
