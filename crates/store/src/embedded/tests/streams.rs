//! Several streams in one file.

use super::disk::{Crash, Disk};
use super::*;
use session::Position;

fn patterns(texts: &[&str]) -> Vec<Pattern> {
    texts.iter().map(|text| Pattern::parse(text).unwrap()).collect()
}

/// `b` and what is below `a` have streams of their own.
fn split() -> Settings {
    let route = |name: &str, texts: &[&str]| Route {
        stream: Stream::named(name),
        patterns: patterns(texts),
    };
    let routes = vec![route("below", &["a.*"]), route("b", &["b", "a.c"])];
    Settings { routes, ..Settings::default() }
}

fn on(disk: &Disk, settings: Settings) -> Embedded {
    Embedded::on(Box::new(disk.clone()), settings).unwrap()
}

/// Logs events on these topics with these ids, and answers the streams and offsets where they stand.
fn log(store: &Embedded, events: &[(u8, u8)]) -> Vec<(String, u64)> {
    let writes: Vec<_> = events.iter().map(|&(topic, id)| append(topic, id, None)).collect();
    let outcomes = store.write(&writes).unwrap().outcomes;
    let place = |outcome| match outcome {
        WriteOutcome::Decided(Decided::Stored(position, _)) => {
            (position.stream.as_str().to_owned(), position.offset)
        }
        other => panic!("{other:?}"),
    };
    outcomes.into_iter().map(place).collect()
}

fn places(expected: &[(&str, u64)]) -> Vec<(String, u64)> {
    expected.iter().map(|(stream, offset)| ((*stream).to_owned(), *offset)).collect()
}

fn offsets(store: &Embedded, stream: usize) -> Vec<u64> {
    let page = store.read(stream, &Pattern::parse(">").unwrap(), 1, 1_000).unwrap();
    assert!(page.events.iter().all(|event| event.stream == stream));
    page.events.iter().map(|event| event.offset).collect()
}

#[test]
fn a_topic_goes_to_the_first_stream_that_takes_it_and_the_rest_to_main() {
    let store = on(&Disk::default(), split());
    let names: Vec<_> = store.streams().iter().map(Stream::as_str).collect();
    assert_eq!(names, ["main", "below", "b"]);
    // On `a`, `a.b`, `a.c`, `ab.c` and `b`.
    let stand = log(&store, &[(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)]);
    let expected = [("main", 1), ("below", 1), ("below", 2), ("main", 2), ("b", 1)];
    assert_eq!(stand, places(&expected));
    assert_eq!(store.heads().unwrap(), [2, 2, 1]);
    assert_eq!([0, 1, 2].map(|stream| offsets(&store, stream).len()), [2, 2, 1]);
}

#[test]
fn a_repeat_has_its_place_also_where_its_topic_has_another_stream_now() {
    let mut disk = Disk::default();
    assert_eq!(log(&on(&disk, Settings::default()), &[(1, 1)]), places(&[("main", 1)]));
    disk = disk.crashed(Crash::CutClean);
    let store = on(&disk, split());
    let stand = log(&store, &[(1, 1), (1, 2)]);
    assert_eq!(stand, places(&[("main", 1), ("below", 1)]));
    drop(store);
    // A stream that takes no topics keeps what it holds.
    disk = disk.crashed(Crash::CutClean);
    let store = on(&disk, Settings::default());
    assert_eq!(
        log(&store, &[(1, 1), (1, 2), (1, 3)]),
        places(&[("main", 1), ("below", 1), ("main", 2)])
    );
    assert_eq!((offsets(&store, 0), offsets(&store, 1)), (vec![1, 2], vec![1]));
}

#[test]
fn each_stream_is_trimmed_as_is_said_of_it() {
    let keep = |events| Keep { events, ..Keep::default() };
    let keep_of = vec![(Stream::named("below"), keep(2)), (Stream::MAIN, keep(4))];
    let settings = Settings { keep: keep(1), keep_of, ..split() };
    let store = on(&Disk::default(), settings);
    for id in 0..8 {
        log(&store, &[(0, 3 * id), (1, 3 * id + 1), (4, 3 * id + 2)]);
    }
    while store.maintain_now().unwrap() {}
    assert_eq!(offsets(&store, 0), [5, 6, 7, 8]);
    assert_eq!(offsets(&store, 1), [7, 8]);
    assert_eq!(offsets(&store, 2), [8]);
    let all = Pattern::parse(">").unwrap();
    let gone = |stream| store.read(stream, &all, 3, 9).unwrap().gap;
    assert_eq!([0, 1, 2].map(gone), [Some((3, 4)), Some((3, 6)), Some((3, 7))]);
}

#[test]
fn a_start_is_a_place_in_each_stream_and_one_of_other_topics_is_not_walked() {
    let store = on(&Disk::default(), split());
    log(&store, &[(0, 1), (1, 2), (1, 3), (3, 4), (4, 5)]);
    let reset = std::cell::RefCell::new(Vec::new());
    let locate = |pattern: &str, start: &Start| match super::locate(&store, pattern, start) {
        Located::At(places) => places.iter().map(|place| place.next).collect::<Vec<_>>(),
        Located::Reset(heads) => {
            reset.replace(heads.into_iter().map(|head| head.stream).collect());
            Vec::new()
        }
        Located::Unavailable => panic!(),
    };
    assert_eq!(locate(">", &Start::Earliest), [1, 1, 1]);
    assert_eq!(locate(">", &Start::Latest), [3, 3, 2]);
    assert_eq!(locate(">", &Start::Last(1)), [2, 2, 1]);
    assert_eq!(locate("a.*", &Start::Earliest), [3, 1, 2]);
    let epoch = place(super::locate(&store, ">", &Start::Latest)).head.epoch;
    let at = |stream: &str, offset| Position {
        stream: Stream::named(stream),
        offset,
        ..Position::start_of(epoch)
    };
    let after = |positions: &[Position]| locate(">", &Start::After(positions.to_vec()));
    assert_eq!(after(&[at("main", 1), at("below", 2), at("b", 1)]), [2, 3, 2]);
    // One that is not named has come since.
    assert_eq!(after(&[at("main", 1), at("b", 1)]), [2, 1, 2]);
    // Only where a position is strange it is worth nothing.
    for name in ["below", "elsewhere"] {
        assert!(after(&[at("main", 1), at(name, 3)]).is_empty());
        assert_eq!(reset.take(), [Stream::named(name)]);
    }
}

#[test]
fn a_stream_that_is_not_there_and_one_too_many_are_refused() {
    let disk = Disk::default();
    let keep_of = vec![(Stream::named("nowhere"), Keep::default())];
    let error = Embedded::on(Box::new(disk.clone()), Settings { keep_of, ..split() }).unwrap_err();
    assert!(matches!(&error, StoreError::NoStream(name) if name == "nowhere"), "{error}");
    let many = |count: usize| {
        let route = |number| Route {
            stream: Stream::named(&format!("s{number}")),
            patterns: patterns(&["a"]),
        };
        Settings { routes: (0..count).map(route).collect(), ..Settings::default() }
    };
    let disk = Disk::default();
    let error = Embedded::on(Box::new(disk.clone()), many(MAX_STREAMS)).unwrap_err();
    assert!(matches!(error, StoreError::TooManyStreams), "{error}");
    assert_eq!(on(&disk, many(MAX_STREAMS - 1)).streams().len(), MAX_STREAMS);
}
