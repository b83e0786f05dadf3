//! Streams of a relay: each has its order, its offsets and its retention.

use std::path::Path;
use std::process::Command;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use session::{FromPeer, Gap, Position, Start, Stream, Subscribed};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Client, Process, connect, id_of, publish};

const SPLIT: [&str; 2] = ["--stream", "orders=shop.*.order,paid.>"];

fn orders() -> Stream {
    Stream::named("orders")
}

/// Publishes `e{number}` as a welcomed client, and returns its position.
async fn log(client: &mut Client, number: u64, topic: &str) -> Position {
    client.send(&[publish(number, topic, &format!("e{number}"))]).await;
    client.ack().await.position
}

/// The next events for a subscription, by their streams.
async fn take(reader: &mut Client, count: usize) -> Vec<(Stream, u64, String)> {
    let mut events = Vec::new();
    while events.len() < count {
        let event = reader.event().await;
        events.push((event.stream.clone(), event.offset.unwrap(), id_of(&event)));
    }
    events.sort_by(|(a, at, _), (b, other, _)| (a.as_str(), at).cmp(&(b.as_str(), other)));
    events
}

fn expected(events: &[(&str, u64, &str)]) -> Vec<(Stream, u64, String)> {
    let event = |(stream, offset, id): &(&str, u64, &str)| {
        (Stream::named(stream), *offset, (*id).to_owned())
    };
    events.iter().map(event).collect()
}

#[tokio::test]
async fn each_stream_has_its_offsets_and_a_reader_resumes_in_all_of_them() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start_with(data.path(), &SPLIT);
    let mut client = Client::welcomed(&relay, 1, 1).await;
    let mut places = Vec::new();
    for (number, topic) in (1..).zip(["a", "shop.1.order", "shop.1.other", "paid.x.y"]) {
        let position = log(&mut client, number, topic).await;
        places.push((position.stream.clone(), position.offset));
    }
    let main = Stream::MAIN;
    assert_eq!(places, [(main.clone(), 1), (orders(), 1), (main, 2), (orders(), 2)]);

    let mut reader = Client::welcomed(&relay, 2, 1).await;
    let Subscribed { head, others, .. } = reader.subscribe(">", Start::Earliest).await;
    assert_eq!((head.offset, head.id.as_deref()), (2, Some("e3")));
    assert_eq!((others[0].stream.clone(), others[0].offset), (orders(), 2));
    let all = [("main", 1, "e1"), ("main", 2, "e3"), ("orders", 1, "e2"), ("orders", 2, "e4")];
    assert_eq!(take(&mut reader, 4).await, expected(&all));
    log(&mut client, 5, "a").await;
    log(&mut client, 6, "paid.x").await;
    let live = [("main", 3, "e5"), ("orders", 3, "e6")];
    assert_eq!(take(&mut reader, 2).await, expected(&live));

    // After a kill too: positions, offsets and the answers to repeats are the same.
    relay.kill();
    let relay = Process::start_with(data.path(), &SPLIT);
    let mut client = Client::welcomed(&relay, 1, 2).await;
    assert_eq!(log(&mut client, 4, "paid.x.y").await.stream, orders());
    assert_eq!(log(&mut client, 7, "shop.2.order").await.offset, 4);
    let mut reader = Client::welcomed(&relay, 2, 2).await;
    let positions = vec![Position { offset: 1, id: None, ..head }, others[0].clone()];
    assert!(!reader.subscribe(">", Start::After(positions)).await.reset);
    let rest = [("main", 2, "e3"), ("main", 3, "e5"), ("orders", 3, "e6"), ("orders", 4, "e7")];
    assert_eq!(take(&mut reader, 4).await, expected(&rest));
}

#[tokio::test]
async fn each_stream_has_its_own_retention_and_its_own_gaps() {
    let data = tempfile::tempdir().unwrap();
    let keep = ["--keep-events", "100", "--keep-events", "orders=2"];
    let relay = Process::start_with(data.path(), &[&SPLIT[..], &keep[..]].concat());
    let mut client = Client::welcomed(&relay, 1, 1).await;
    let mut first = Vec::new();
    for number in 1..=6 {
        let main = log(&mut client, 2 * number, "a").await;
        let order = log(&mut client, 2 * number + 1, "paid.x").await;
        if number == 1 {
            first = vec![main, order];
        }
    }
    let mut reader = Client::welcomed(&relay, 2, 1).await;
    reader.subscribe(">", Start::After(first)).await;
    let (mut gaps, mut offsets) = (Vec::new(), Vec::new());
    while offsets.len() < 7 {
        match reader.frame().await {
            FromPeer::Gap(gap) => gaps.push(gap),
            FromPeer::Event(event) => offsets.push((event.stream.clone(), event.offset.unwrap())),
            FromPeer::CaughtUp(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(gaps, [Gap { subscription: 1, from: 2, to: 4, stream: orders() }]);
    let of = |stream: Stream| -> Vec<u64> {
        offsets.iter().filter(|(it, _)| *it == stream).map(|(_, offset)| *offset).collect()
    };
    assert_eq!((of(Stream::MAIN), of(orders())), (vec![2, 3, 4, 5, 6], vec![5, 6]));
}

#[tokio::test]
async fn a_stream_of_last_values_has_no_gap_and_its_superseded_positions_are_resumed_after() {
    let data = tempfile::tempdir().unwrap();
    let keep = ["--stream", "state=person.>", "--keep-topic", "state=1"];
    let mut relay = Process::start_with(data.path(), &keep);
    let mut client = Client::welcomed(&relay, 1, 1).await;
    let mut live = Client::welcomed(&relay, 2, 1).await;
    live.subscribe("person.*", Start::Latest).await;
    let mut positions = Vec::new();
    for (number, topic) in (1..).zip(["person.a", "person.b", "person.a", "person.c", "person.a"]) {
        positions.push(log(&mut client, number, topic).await);
    }
    let all = ["e1", "e2", "e3", "e4", "e5"];
    let all: Vec<_> = (1..).zip(all).map(|(at, id)| ("state", at, id)).collect();
    assert_eq!(take(&mut live, 5).await, expected(&all));

    // Once from memory, and once from the store.
    for fence in 2..4 {
        let mut reader = Client::welcomed(&relay, 3, fence).await;
        assert!(!reader.subscribe("person.*", Start::Earliest).await.reset);
        let values = [("state", 2, "e2"), ("state", 4, "e4"), ("state", 5, "e5")];
        assert_eq!(take(&mut reader, 3).await, expected(&values));
        for (position, values) in positions.iter().zip([&values[..], &values[1..], &values[1..]]) {
            let mut reader = Client::welcomed(&relay, 4, 3 * fence + position.offset).await;
            let start = Start::After(vec![position.clone()]);
            assert!(!reader.subscribe("person.*", start).await.reset);
            assert_eq!(take(&mut reader, values.len()).await, expected(values));
            assert!(matches!(reader.frame().await, FromPeer::CaughtUp(_)));
        }
        // A repeat has its first answer, and supersedes nothing.
        let mut client = Client::welcomed(&relay, 1, fence).await;
        assert_eq!(log(&mut client, 3, "person.a").await.offset, 3);
        relay.kill();
        relay = Process::start_with(data.path(), &keep);
    }
}

#[tokio::test]
async fn a_topic_that_has_another_stream_now_is_read_from_where_it_was_too() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    let mut client = Client::welcomed(&relay, 1, 1).await;
    let before = log(&mut client, 1, "paid.x").await;
    assert_eq!(before.stream, Stream::MAIN);
    drop(relay);

    let relay = Process::start_with(data.path(), &SPLIT);
    let mut client = Client::welcomed(&relay, 1, 2).await;
    assert_eq!(log(&mut client, 1, "paid.x").await, Position { id: None, ..before.clone() });
    assert_eq!(log(&mut client, 2, "paid.x").await.stream, orders());
    let mut reader = Client::welcomed(&relay, 2, 1).await;
    // It read before the stream existed, and misses nothing of it.
    reader.subscribe("paid.x", Start::After(vec![before])).await;
    assert_eq!(take(&mut reader, 1).await, expected(&[("orders", 1, "e2")]));
    drop(relay);

    // The stream has no patterns now, but its events can still be read.
    let relay = Process::start(data.path());
    let mut client = Client::welcomed(&relay, 1, 3).await;
    log(&mut client, 3, "paid.x").await;
    let mut reader = Client::welcomed(&relay, 2, 2).await;
    reader.subscribe("paid.*", Start::Earliest).await;
    let all = [("main", 1, "e1"), ("main", 2, "e3"), ("orders", 1, "e2")];
    assert_eq!(take(&mut reader, 3).await, expected(&all));
}

#[tokio::test]
async fn a_restored_backup_is_another_life_of_all_streams() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start_with(data.path(), &SPLIT);
    let mut client = Client::welcomed(&relay, 1, 1).await;
    let main = log(&mut client, 1, "a").await;
    let order = log(&mut client, 2, "paid.x").await;
    let copy = data.path().join("copy.redb");
    let backup = |command: &mut Command| command.status().unwrap().success();
    let mut command = Command::new(env!("CARGO_BIN_EXE_event-relay"));
    assert!(backup(command.args(["backup", "--data"]).arg(data.path()).arg("--to").arg(&copy)));
    drop(relay);

    let restored = tempfile::tempdir().unwrap();
    std::fs::copy(&copy, restored.path().join("events.redb")).unwrap();
    let relay = Process::start(restored.path());
    for (fence, position) in (1..).zip([main, order]) {
        let mut reader = Client::welcomed(&relay, 2, fence).await;
        let stream = position.stream.clone();
        let subscribed = reader.subscribe(">", Start::After(vec![position])).await;
        assert!(subscribed.reset);
        assert_eq!((subscribed.head.stream, subscribed.others), (stream, vec![]));
    }
    let mut reader = Client::welcomed(&relay, 3, 1).await;
    reader.subscribe(">", Start::Earliest).await;
    assert_eq!(take(&mut reader, 2).await, expected(&[("main", 1, "e1"), ("orders", 1, "e2")]));
}

fn refused(data: &Path, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_event-relay"))
        .args(["--listen", "127.0.0.1:0", "--data"])
        .arg(data)
        .args(arguments)
        .output()
        .unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn what_is_said_of_a_stream_that_is_not_there_is_refused_at_the_start() {
    let data = tempfile::tempdir().unwrap();
    let error = refused(data.path(), &["--keep-age", "order=7d", "--stream", "orders=paid.>"]);
    assert!(error.contains("no stream `order`"), "{error}");
    let error = refused(data.path(), &["--keep-topic", "main=0"]);
    assert!(error.contains("from 1 to 1000"), "{error}");
    let error = refused(data.path(), &["--stream", "orders=paid..x"]);
    assert!(error.contains("`paid..x` is not a pattern"), "{error}");
}

/// A client of `cloudevents.json`.
struct Json(Client);

impl Json {
    async fn connect(relay: &Process) -> Self {
        let headers = [("sec-websocket-protocol", "cloudevents.json")];
        Self(connect(relay, &headers).await.unwrap())
    }

    async fn say(&mut self, id: &str, topic: &str, data: Value) {
        let event = json!({
            "specversion": "1.0", "id": id, "source": "test", "type": topic, "data": data,
        });
        self.0.socket.send(Message::text(event.to_string())).await.unwrap();
    }

    async fn hear(&mut self, topic: &str) -> Value {
        loop {
            if let Message::Text(text) = self.0.socket.next().await.unwrap().unwrap() {
                let event: Value = serde_json::from_str(&text).unwrap();
                if event["type"] == topic {
                    return event;
                }
            }
        }
    }

    /// Publishes, and returns the data of the acknowledgement.
    async fn log(&mut self, id: &str, topic: &str) -> Value {
        self.say(id, topic, json!(1)).await;
        self.hear("$link.ack").await["data"].take()
    }
}

#[tokio::test]
async fn json_names_the_stream_of_each_event_and_resumes_after_a_position_in_each() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start_with(data.path(), &SPLIT);
    let mut client = Json::connect(&relay).await;
    let main = client.log("1", "a").await;
    let order = client.log("2", "paid.x").await;
    assert_eq!((&main["stream"], &main["offset"]), (&json!("main"), &json!("1")));
    assert_eq!((&order["stream"], &order["offset"]), (&json!("orders"), &json!("1")));
    assert_eq!(client.log("2", "paid.x").await, order, "a repeat has its place");
    client.log("3", "paid.x").await;
    client.log("4", "a").await;

    let mut reader = Json::connect(&relay).await;
    reader.say("s", "$link.subscribe", json!({ "pattern": ">", "from": [main, order] })).await;
    let head = &reader.hear("$link.subscribed").await["data"]["head"];
    let places: Vec<_> = head.as_array().unwrap().iter().map(|it| &it["stream"]).collect();
    assert_eq!(places, [&json!("main"), &json!("orders")]);
    for (topic, stream, id) in [("a", "main", "4"), ("paid.x", "orders", "3")] {
        let event = reader.hear(topic).await;
        let place = ["id", "stream", "epoch", "sequence", "prev"].map(|name| &event[name]);
        let (epoch, id, stream) = (&main["epoch"], json!(id), json!(stream));
        assert_eq!(place, [&id, &stream, epoch, &json!("2"), &json!("1")]);
    }
}
