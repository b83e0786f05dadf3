//! Against the store that the simulation proves: the same commands and queries, with failures and crashes, give the
//! same answers.

mod cases;

use std::ops::RangeInclusive;

use ::model::{Bug, Outcome, Store as Model, Write as Asks};
use proptest::test_runner::{TestError, TestRunner};
use session::rights::PatternLists;
use session::server::{Answer, Deletion, Query, Refusal};
use session::{Position, RejectCode};

use super::disk::{Crash, Disk};
use super::*;
use cases::{Ask, Asked, Begin, Case, Step, case};

const PATTERNS: [&str; 8] = [">", "a", "a.*", "b.>", "*.a", "b.a", "c", "z"];
const DAY: u64 = 24 * 60 * 60 * 1_000;

/// What a client asks of a log in this epoch.
fn write_of(ask: &Ask, epoch: u64) -> Asks {
    match *ask {
        Ask::Open { client, secret, key, fence, lowest, returning, reading } => {
            let secret = secret.map(|secret| [secret; 32]);
            let (key, proof) = (key.map(|key| [key; 65]), key.map(|_| [0; 64]));
            let hello = Hello::new([client; 16], [0; 32], fence);
            Asks::Open(Hello { secret, key, proof, lowest, returning, reading, ..hello })
        }
        Ask::Append { client, fence, number, lowest, event } => {
            let client = Some(Numbered { client: [client; 16], fence, number, lowest });
            let event = match event {
                Some((topic, id)) => {
                    let topic = ["a", "a.b", "b.a", "b.b", "b.a.c", "c"][usize::from(topic)];
                    let (id, source) = (id.to_string(), "s".to_owned());
                    let data = id.clone().into_bytes();
                    Ok((Topic::parse(topic).unwrap(), Body { id, source, data, ..Body::default() }))
                }
                None => {
                    let (code, message) = (RejectCode::IllegalEvent, "no".to_owned());
                    Err(Refusal { code, message, id: Some("refused".to_owned()) })
                }
            };
            Asks::Append(Append { ticket: ticket(), client, event })
        }
        Ask::Delete { client, is_side, offset, is_other_epoch } => {
            let epoch = epoch + u64::from(is_other_epoch);
            let stream = if is_side { Stream::named("side") } else { Stream::MAIN };
            let target = Position { stream, epoch, offset, id: None };
            let account = client.is_none().then(|| "moderator".to_owned());
            let moderate = Some(vec!["b.>".to_owned()]);
            let lists = PatternLists { moderate, ..PatternLists::default() };
            Asks::Delete(Deletion {
                ticket: ticket(),
                stream: is_side.into(),
                event: Body::deletion("p", &target, account.as_deref(), None),
                target,
                // The third client is a stranger.
                sources: vec![if client == Some(3) { "other" } else { "s" }.to_owned()],
                account,
                rights: lists.parse().unwrap(),
            })
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

fn said(outcome: WriteOutcome) -> Said {
    match outcome {
        WriteOutcome::Opened(opened) => Said::Opened(opened),
        WriteOutcome::Decided(Decided::Stored(position, _)) => {
            Said::Stored(Position { id: None, ..position })
        }
        WriteOutcome::Decided(Decided::Rejected { code, retry, .. }) => Said::Rejected(code, retry),
        WriteOutcome::Decided(Decided::Fenced) => Said::Fenced,
        other => panic!("{other:?}"),
    }
}

/// The outcomes of a command, the stream and offset of what it logged, and the heads after it.
type Done = (Vec<Said>, Vec<(StreamNo, u64)>, Vec<u64>);

fn apply(
    store: &Embedded,
    commands: &[Asked],
    now: u64,
    epoch: u64,
) -> Result<Vec<Done>, StoreError> {
    let write = |ask: &Ask| match write_of(ask, epoch) {
        Asks::Open(hello) => Write::Open { hello, subject: None, may_be_new: true },
        Asks::Append(append) => Write::Append(append.into()),
        Asks::Delete(deletion) => Write::Delete(deletion),
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

fn apply_to_model(model: &mut Model, commands: &[Asked], keep: u64, epoch: u64) -> Vec<Done> {
    let mut all = Vec::new();
    for (has_room, asks) in commands {
        model.full = !has_room;
        let (mut outcomes, mut new) = (Vec::new(), Vec::new());
        for ask in asks {
            let (outcome, logged) = model.write(&write_of(ask, epoch), true);
            new.extend(logged.map(|event| (event.stream, event.offset)));
            outcomes.push(said(match outcome {
                Outcome::Opened(opened) => WriteOutcome::Opened(opened),
                Outcome::Decided(_, decided) => WriteOutcome::Decided(decided),
            }));
        }
        let heads = model.last_offsets().collect();
        // Only a stream with new events is trimmed.
        for stream in [0, 1] {
            if new.iter().any(|(changed, _)| *changed == stream) {
                model.supersede(stream);
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
        Query::Tally(topics) => {
            let count = |(topic, after): &(Topic, Option<Position>)| {
                store.tally(topic, after.as_ref()).unwrap()
            };
            Answer::Counts(topics.iter().map(count).collect())
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
    tally: Option<Answer>,
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
    let tally = pattern.as_topic().map(|topic| {
        let positions = match &start {
            Start::After(positions) => positions.clone(),
            _ => Vec::new(),
        };
        let after = positions.into_iter().map(Some).chain([None]);
        ask(Query::Tally(after.map(|after| (topic.clone(), after)).collect()))
    });
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
    Seen { located, read: read_all, history: vec![history(0), history(1)], tally }
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

/// The store, and all that the model may be: a commit that failed may be there or not.
struct Pair {
    disk: Disk,
    settings: Settings,
    now: u64,
    store: Embedded,
    epoch: u64,
    models: Vec<Model>,
}

impl Pair {
    fn new(keep: u64, keep_topic: Option<usize>, bug: Option<Bug>) -> Self {
        let patterns = vec!["b.>".try_into().unwrap()];
        let side = Route { stream: Stream::named("side"), patterns };
        let keep = Keep { events: keep, ..Keep::default() };
        let last = Keep { topic: keep_topic, ..keep.clone() };
        let keep_of = vec![(Stream::named("side"), last)];
        let settings = Settings { routes: vec![side], keep, keep_of, ..Settings::default() };
        let (disk, now) = (Disk::default(), 1_000 * DAY);
        disk.set_clock(now);
        let store = Embedded::on(Box::new(disk.clone()), settings.clone()).unwrap();
        let epoch = place(locate(&store, ">", &Start::Latest)).head.epoch;
        let mut model = Model::new(store.streams());
        keep_topic.into_iter().for_each(|count| model.keep_last(1, count));
        model.bug = bug;
        [0, 1].into_iter().for_each(|stream| model.recovered(stream, epoch));
        Self { disk, settings, now, store, epoch, models: vec![model] }
    }

    fn step(&mut self, step: &Step) {
        let (keep, epoch) = (self.settings.keep.events, self.epoch);
        match step {
            Step::Apply(commands) => {
                let done = apply(&self.store, commands, self.now, epoch).unwrap();
                self.models
                    .retain_mut(|model| apply_to_model(model, commands, keep, epoch) == done);
            }
            Step::Fail(commands, at, crash) => {
                let operation = self.disk.operations() + at;
                self.disk.fail(operation..operation + 1);
                match apply(&self.store, commands, self.now, epoch) {
                    Ok(done) => self
                        .models
                        .retain_mut(|it| apply_to_model(it, commands, keep, epoch) == done),
                    Err(_) => {
                        let mut others = self.models.clone();
                        others
                            .iter_mut()
                            .for_each(|it| _ = apply_to_model(it, commands, keep, epoch));
                        self.models.extend(others);
                    }
                }
                self.crash(*crash);
            }
            Step::Crash(crash) => self.crash(*crash),
            Step::Forget => {
                self.now += 100 * DAY;
                self.disk.set_clock(self.now);
                while self.store.maintain(self.now).unwrap().more {}
                for model in &mut self.models {
                    model.clients().iter().for_each(|client| model.forget(client));
                }
            }
        }
    }

    fn crash(&mut self, crash: Crash) {
        self.disk = self.disk.crashed(crash);
        self.store = Embedded::on(Box::new(self.disk.clone()), self.settings.clone()).unwrap();
    }
}

/// Runs a case. Fails if there is no model that explains what the store says.
fn run(case: &Case, bug: Option<Bug>) -> Result<(), TestCaseError> {
    let mut pair = Pair::new(case.keep, case.keep_topic, bug);
    for step in &case.steps {
        pair.step(step);
        prop_assert!(!pair.models.is_empty(), "no model explains {step:?}");
        for (pattern, begin) in PATTERNS.iter().zip(case.starts.iter().cycle()) {
            let (pattern, start) = (Pattern::parse(pattern).unwrap(), start(begin, pair.epoch));
            let ask = |query| answer(&pair.store, &query);
            let found = seen(ask, &pattern, start.clone(), case.limit);
            let expected = |model: &Model| {
                seen(|query| model.answer(&query, usize::MAX), &pattern, start.clone(), case.limit)
            };
            let first = expected(&pair.models[0]);
            pair.models.retain(|model| expected(model) == found);
            prop_assert!(!pair.models.is_empty(), "{found:?} after {start:?} is not {first:?}");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_store_answers_as_the_one_that_the_simulation_proves(case in case()) {
        run(&case, None)?;
    }
}

#[test]
fn a_store_that_is_wrong_on_purpose_answers_otherwise() {
    for bug in [
        Bug::NoDedupe,
        Bug::NoFence,
        Bug::RejectAnsweredAsStored,
        Bug::OtherStream,
        Bug::PageSkipsOne,
        Bug::DeletesNothing,
        Bug::DeletesTwice,
        Bug::DropsNewestValue,
    ] {
        let config = ProptestConfig {
            failure_persistence: None,
            max_shrink_iters: 0,
            ..ProptestConfig::with_cases(200)
        };
        let found = TestRunner::new(config).run(&case(), |case| run(&case, Some(bug)));
        assert!(matches!(found, Err(TestError::Fail(..))), "{bug:?} is not found: {found:?}");
    }
}
