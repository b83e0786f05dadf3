mod failing;
mod superseded;

use futures_util::FutureExt;
use session::server::{Effect, Options, Server, Wire};
use session::{Body, FromClient, Hello, Position, Publish, RejectCode, Start};
use store::{Embedded, Keep, Search, Settings};
use topic::Pattern;

use super::*;
use failing::Failing;

fn metrics() -> Arc<Metrics> {
    Arc::new(Metrics::new(&[]))
}

/// A hub over a store whose commits can fail, in a folder that lasts as long as the test.
fn start(
    new_clients_per_hour: u32,
    metrics: Arc<Metrics>,
) -> (tempfile::TempDir, Arc<Failing>, Arc<Hub>, JoinHandle<()>) {
    let directory = tempfile::tempdir().unwrap();
    let inner = Embedded::open(directory.path(), Settings::default()).unwrap();
    let store = Arc::new(Failing::new(inner));
    let (hub, writer) =
        Hub::start(Arc::clone(&store) as Arc<dyn Store>, new_clients_per_hour, metrics).unwrap();
    (directory, store, hub, writer)
}

fn writes(numbers: &[u64]) -> (Write, Vec<Write>) {
    writes_of([1; 16], numbers)
}

/// The writes that a client's frames ask for.
pub(super) fn writes_of(client: [u8; 16], numbers: &[u64]) -> (Write, Vec<Write>) {
    let mut server = Server::new(Arc::new(Options::default()), Wire::Frames, &[0], 0);
    let secret = [2; 32];
    let mut say = |frame: FromClient| {
        let mut bytes = Vec::new();
        frame.encode(&mut bytes);
        server.received(&bytes, 0);
        let effect = server.poll();
        if matches!(effect, Some(Effect::Open(_))) {
            server.opened(Opened::Welcome { highest: 0, highest_id: None, new: true });
            server.poll();
        }
        effect
    };
    let hello = Hello::new(client, secret, 1);
    let Some(Effect::Open(hello)) = say(FromClient::Hello(hello)) else { panic!() };
    let appends = numbers.iter().map(|&number| {
        let body = Body { id: number.to_string(), ..Body::default() }.encode();
        let name = Some("t".to_owned());
        let publish = Publish { number: Some(number), topic: 0, name, body, lowest: None };
        match say(FromClient::Publish(publish)) {
            Some(Effect::Append(append)) => Write::Append(append.into()),
            other => panic!("{other:?}"),
        }
    });
    let appends = appends.collect();
    (Write::Open { hello, subject: None, may_be_new: false }, appends)
}

/// The one write of a job: a client's hello.
fn hello(client: u8, fence: u64) -> Vec<Write> {
    let Write::Open { hello, subject, may_be_new } = writes_of([client; 16], &[]).0 else {
        panic!()
    };
    vec![Write::Open { hello: Hello { fence, ..hello }, subject, may_be_new }]
}

async fn decided(answers: &mut mpsc::UnboundedReceiver<Vec<Answer>>) -> Result<u64, RejectCode> {
    match answers.recv().await.unwrap().remove(0) {
        Answer::Decided(_, Decided::Stored(position, _)) => Ok(position.offset),
        Answer::Decided(_, Decided::Rejected { code, retry: Some(_), .. }) => Err(code),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_commit_that_fails_acknowledges_nothing_and_no_higher_number_overtakes_it() {
    let (_directory, store, hub, thread) = start(0, metrics());
    let (answer, mut answers) = mpsc::unbounded_channel();
    let (hello, appends) = writes(&[1, 2, 3]);
    hub.write(vec![hello], None, &answer, Charge::default()).await;
    assert!(matches!(answers.recv().await.unwrap()[..], [Answer::Opened(Opened::Welcome { .. })]));

    let heads = hub.heads();
    store.fails.store(true, Ordering::SeqCst);
    let mut appends = appends.into_iter();
    hub.write(vec![appends.next().unwrap()], None, &answer, Charge::default()).await;
    assert_eq!(decided(&mut answers).await, Err(RejectCode::Unavailable));
    // The store is well again, but these were on their way before their connection heard of it.
    for append in appends {
        hub.write(vec![append], None, &answer, Charge::default()).await;
        assert_eq!(decided(&mut answers).await, Err(RejectCode::HeldBack));
    }
    assert_eq!((heads.borrow()[0], hub.recent(0, 1)), (0, Recent::Older));

    let (_, again) = writes(&[1, 2, 3]);
    for (append, offset) in again.into_iter().zip(1..) {
        hub.write(vec![append], None, &answer, Charge::default()).await;
        assert_eq!(decided(&mut answers).await, Ok(offset));
    }
    assert_eq!(heads.borrow()[0], 3);
    drop(hub);
    thread.join().unwrap();
}

#[tokio::test]
async fn neither_an_answer_nor_an_event_comes_before_the_commit() {
    let (_directory, store, hub, _thread) = start(0, metrics());
    let (answer, mut answers) = mpsc::unbounded_channel();
    let (hello, appends) = writes(&[1, 2, 3, 4]);
    hub.write(vec![hello], None, &answer, Charge::default()).await;
    answers.recv().await.unwrap();
    let mut heads = hub.heads();
    {
        let gate = store.gate.lock().unwrap();
        for append in appends {
            hub.jobs
                .try_send(Job {
                    writes: vec![append],
                    from: None,
                    answer: answer.clone(),
                    charge: Charge::default(),
                })
                .unwrap();
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
        assert!(answers.try_recv().is_err());
        assert_eq!((heads.borrow_and_update()[0], hub.recent(0, 1)), (0, Recent::Older));
        drop(gate);
    }
    for offset in 1..=4 {
        assert_eq!(decided(&mut answers).await, Ok(offset));
    }
    assert!(matches!(hub.recent(0, 1), Recent::Events(events) if events.len() == 4));
    assert_eq!(heads.borrow()[0], 4);
}

#[tokio::test]
async fn what_a_repeat_finds_in_the_log_is_shown_to_all_though_its_commit_seemed_to_fail() {
    let (_directory, store, hub, _thread) = start(0, metrics());
    let (answer, mut answers) = mpsc::unbounded_channel();
    let (hello, appends) = writes(&[1, 2]);
    hub.write(vec![hello], None, &answer, Charge::default()).await;
    answers.recv().await.unwrap();
    let mut appends = appends.into_iter();
    hub.write(vec![appends.next().unwrap()], None, &answer, Charge::default()).await;
    assert_eq!(decided(&mut answers).await, Ok(1));
    store.fails_after.store(true, Ordering::SeqCst);
    hub.write(vec![appends.next().unwrap()], None, &answer, Charge::default()).await;
    assert_eq!(decided(&mut answers).await, Err(RejectCode::Unavailable));
    assert_eq!(hub.heads().borrow()[0], 1);

    let (_, again) = writes(&[1, 2]);
    for append in again.into_iter().skip(1) {
        hub.write(vec![append], None, &answer, Charge::default()).await;
        assert_eq!(decided(&mut answers).await, Ok(2));
    }
    assert_eq!(hub.heads().borrow()[0], 2);
    // It is the store that has it.
    assert_eq!(hub.recent(0, 2), Recent::Older);
    assert_eq!(store.read(0, &Pattern::parse(">").unwrap(), 2, 9).unwrap().events.len(), 1);
}

/// The answer to a hello that was the one write of its job.
async fn opened(answers: &mut mpsc::UnboundedReceiver<Vec<Answer>>) -> Opened {
    match answers.recv().await.unwrap().remove(0) {
        Answer::Opened(opened) => opened,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn new_clients_of_an_address_are_limited_and_known_ones_are_not() {
    let (_directory, store, hub, _thread) = start(3, metrics());
    let (from, elsewhere) = ("192.0.2.1".parse().ok(), "192.0.2.2".parse().ok());
    let asked = [(1, 1), (1, 2), (2, 1), (2, u64::MAX), (3, 1), (4, 1), (1, 3), (3, 2)];
    let mut one_by_one = Vec::new();
    for (client, fence) in asked {
        let (answer, mut answers) = mpsc::unbounded_channel();
        hub.write(hello(client, fence), from, &answer, Charge::default()).await;
        one_by_one.push(opened(&mut answers).await);
    }
    let waiting = {
        let _gate = store.gate.lock().unwrap();
        asked.map(|(client, fence)| {
            let (answer, answers) = mpsc::unbounded_channel();
            let (writes, charge) = (hello(100 + client, fence), Charge::default());
            hub.jobs.try_send(Job { writes, from: elsewhere, answer, charge }).unwrap();
            answers
        })
    };
    let mut together = Vec::new();
    for mut answers in waiting {
        together.push(opened(&mut answers).await);
    }
    for found in [one_by_one, together] {
        let is_welcome = |it: &Opened| matches!(it, Opened::Welcome { .. });
        let welcome: Vec<_> = found.iter().map(is_welcome).collect();
        assert_eq!(welcome, [true, true, true, false, true, false, true, true], "{found:?}");
        let Opened::Limited { retry } = found[5] else { panic!("{found:?}") };
        assert!((1_190_000..=1_200_001).contains(&retry), "{retry}");
    }
    // A client that only reads has no row.
    let reader = |hello: Write| match hello {
        Write::Open { hello, subject, may_be_new } => {
            Write::Open { hello: Hello { reading: true, ..hello }, subject, may_be_new }
        }
        other => other,
    };
    let (answer, mut answers) = mpsc::unbounded_channel();
    let writes = hello(50, 1).into_iter().map(reader).collect();
    hub.write(writes, from, &answer, Charge::default()).await;
    assert_eq!(opened(&mut answers).await, Opened::Reader);
    // Without an address there is no limit.
    let (answer, mut answers) = mpsc::unbounded_channel();
    hub.write(hello(200, 1), None, &answer, Charge::default()).await;
    assert!(matches!(opened(&mut answers).await, Opened::Welcome { new: true, .. }));
}

#[tokio::test]
async fn a_hello_takes_one_pass_of_the_writer_whether_its_client_is_new_known_or_limited() {
    let (_directory, store, hub, _thread) = start(1, metrics());
    let (answer, mut answers) = mpsc::unbounded_channel();
    let from = "192.0.2.1".parse().ok();
    for (client, fence, passes) in [(1, 1, 1), (1, 2, 2), (2, 1, 3)] {
        hub.write(hello(client, fence), from, &answer, Charge::default()).await;
        let opened = opened(&mut answers).await;
        assert_eq!(matches!(opened, Opened::Limited { .. }), client == 2, "{opened:?}");
        assert_eq!(store.passes.load(Ordering::SeqCst), passes);
    }
}

#[tokio::test]
async fn the_metrics_say_what_waits_for_the_store_and_how_many_commits_failed() {
    let metrics = metrics();
    let (_directory, store, hub, _thread) = start(0, Arc::clone(&metrics));
    let (answer, mut answers) = mpsc::unbounded_channel();
    let (hello, appends) = writes(&[1, 2, 3]);
    hub.write(vec![hello], None, &answer, Charge::default()).await;
    answers.recv().await.unwrap();
    let mut appends = appends.into_iter();
    let mut next = || vec![appends.next().unwrap()];
    let says = |line: &str| {
        let text = metrics.render(None, 0, [0, 0], hub.queued(), (0, 0)).unwrap();
        assert!(text.lines().any(|it| it == line), "no {line} in {text}");
    };
    let (first, second) = (next(), next());
    let bytes: u64 = first.iter().chain(&second).map(Write::bytes).sum();
    {
        let _gate = store.gate.lock().unwrap();
        let queue = |writes| {
            hub.write(writes, None, &answer, Charge::default()).now_or_never().expect("room");
        };
        queue(first);
        while store.passes.load(Ordering::SeqCst) < 2 {
            std::thread::yield_now();
        }
        queue(second);
        says("event_relay_queued_jobs 1");
        says(&format!("event_relay_queued_bytes {bytes}"));
    }
    for offset in [1, 2] {
        assert_eq!(decided(&mut answers).await, Ok(offset));
    }
    says("event_relay_queued_jobs 0");
    says("event_relay_queued_bytes 0");
    says("event_relay_commit_failures_total 0");
    store.fails.store(true, Ordering::SeqCst);
    hub.write(next(), None, &answer, Charge::default()).await;
    assert_eq!(decided(&mut answers).await, Err(RejectCode::Unavailable));
    says("event_relay_commit_failures_total 1");
    says("event_relay_rejects_total{code=\"unavailable\"} 1");
    says("event_relay_publishes_total{kind=\"durable\",outcome=\"deferred\"} 1");
    says("event_relay_store_up 0");
}

#[tokio::test]
async fn an_invalid_hello_takes_nothing_from_the_share_of_its_address() {
    let (_directory, _store, hub, _thread) = start(1, metrics());
    let (answer, mut answers) = mpsc::unbounded_channel();
    let from = "192.0.2.1".parse().ok();
    for fence in [u64::MAX, 1] {
        hub.write(hello(1, fence), from, &answer, Charge::default()).await;
        let opened = opened(&mut answers).await;
        assert_eq!(matches!(opened, Opened::Welcome { .. }), fence == 1, "{opened:?}");
    }
}

#[tokio::test]
async fn a_subscription_starts_where_the_store_says_without_asking_it() {
    let directory = tempfile::tempdir().unwrap();
    let keep = Keep { events: 3, ..Keep::default() };
    let store = Embedded::open(directory.path(), Settings { keep, ..Settings::default() }).unwrap();
    let store: Arc<dyn Store> = Arc::new(store);
    let (hub, _thread) = Hub::start(Arc::clone(&store), 0, metrics()).unwrap();
    let (exact, all) = (Pattern::parse("t").unwrap(), Pattern::parse(">").unwrap());
    assert_eq!(hub.locate(&exact, &Start::Latest), None);

    let (answer, mut answers) = mpsc::unbounded_channel();
    let (hello, appends) = writes(&[1, 2, 3, 4, 5, 6]);
    hub.write(vec![hello], None, &answer, Charge::default()).await;
    answers.recv().await.unwrap();
    for append in appends {
        hub.write(vec![append], None, &answer, Charge::default()).await;
        decided(&mut answers).await.unwrap();
    }
    let first = store.first(0);
    assert!((2..6).contains(&first), "{first}");

    let from_store = |pattern, start: &Start| {
        store.locate(pattern, start, &mut Search::default()).unwrap().expect("one step")
    };
    let position = |epoch, offset, id: Option<u64>| {
        let id = id.map(|id| id.to_string());
        Start::After(vec![Position { offset, id, ..Position::start_of(epoch) }])
    };
    let epoch = store.epoch();
    let mut starts = vec![Start::Latest, Start::Earliest, Start::Last(2), Start::After(Vec::new())];
    for offset in 0..9 {
        starts.push(position(epoch, offset, None));
        starts.push(position(epoch, offset, Some(offset)));
        starts.push(position(epoch, offset, Some(77)));
        starts.push(position(epoch + 1, offset, None));
    }
    for start in &starts {
        for pattern in [&exact, &all] {
            if let Some(located) = hub.locate(pattern, start) {
                assert_eq!(located, from_store(pattern, start), "{start:?}");
            }
        }
    }
    let known = |start: &Start| hub.locate(&all, start).is_some();
    assert!(known(&Start::Latest) && known(&position(epoch, 6, Some(6))));
    assert!((first..=6).all(|offset| known(&position(epoch, offset, Some(offset)))));
    assert!(!known(&position(epoch, 6, Some(77))) && !known(&position(epoch, 7, None)));
}
