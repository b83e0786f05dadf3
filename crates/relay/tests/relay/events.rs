//! `POST /events`: backends that publish by HTTP. Those with an account are tested in `accounts/backends.rs`.

mod unfinished;

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};
use session::{Body, Extension, Start};

use crate::support::{Client, PATIENCE, Process, assert_serves};
use crate::texts::Texts;

pub const STRUCTURED: (&str, &str) = ("content-type", "application/cloudevents+json");
pub const BATCHED: (&str, &str) = ("content-type", "application/cloudevents-batch+json");

/// The answer to a request.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HashMap<String, String>,
    pub body: Value,
}

impl Answer {
    /// Asserts that it is a problem with this status and code.
    pub fn is_problem(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.body["code"].as_str()), (status, Some(code)), "{self:?}");
        assert_eq!(self.body["status"], status);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(self.headers["cache-control"], "no-store");
    }

    pub fn offset(&self) -> u64 {
        assert_eq!((self.status, &self.body["durability"]), (200, &json!("disk")), "{self:?}");
        self.body["offset"].as_str().unwrap().parse().unwrap()
    }
}

/// Sends a body with these headers.
pub fn post(relay: &Process, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Answer {
    let body = body.as_ref();
    let length = body.len().to_string();
    send(relay, &[headers, &[("content-length", &length)]].concat(), body)
}

/// The same without a length. The relay may answer before it has all of the body.
pub fn send(relay: &Process, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut socket = TcpStream::connect(&relay.address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut head = format!("POST /events HTTP/1.1\r\nhost: {}\r\n", relay.address);
    head.push_str("connection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    socket.write_all(head.as_bytes()).unwrap();
    let _ = socket.write_all(body);
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines.map(|line| line.split_once(": ").unwrap());
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Answer { status, headers, body: serde_json::from_str(body).unwrap_or_default() }
}

pub fn event(id: &str, topic: &str) -> Value {
    json!({ "specversion": "1.0", "id": id, "source": "/shop", "type": topic, "data": { "n": 1 } })
}

fn relay(options: &[&str]) -> (tempfile::TempDir, Process) {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start_with(data.path(), options);
    (data, relay)
}

/// The topics and bodies of the log, from its first event on.
async fn logged(relay: &Process, count: usize) -> Vec<(String, Body)> {
    let mut client = Client::welcomed(relay, 1, 1).await;
    client.subscribe(">", Start::Earliest).await;
    let mut events = Vec::new();
    while events.len() < count {
        let event = client.event().await;
        let topic = event.name.expect("each topic occurs once");
        events.push((topic, Body::decode(&event.body).unwrap()));
    }
    events
}

#[tokio::test]
async fn a_structured_event_is_stored_before_it_is_answered_and_reaches_subscribers() {
    let (_data, relay) = relay(&[]);
    let mut texts = Texts::connect(&relay).await;
    texts.ask("$link.subscribe", json!({ "pattern": "shop.*" })).await;
    assert_eq!(texts.receive().await["type"], "$link.subscribed");
    let answer = post(&relay, &[STRUCTURED], event("7", "shop.order").to_string());
    assert_eq!(answer.offset(), 1);
    assert_eq!(answer.headers["content-type"], "application/json");
    let delivered = texts.receive().await;
    for (name, of_answer) in [("id", "id"), ("source", "source"), ("sequence", "offset")] {
        assert_eq!(delivered[name], answer.body[of_answer]);
    }
    assert_eq!(
        (&delivered["data"], &delivered["epoch"]),
        (&json!({ "n": 1 }), &answer.body["epoch"])
    );
    let source = delivered["source"].as_str().unwrap();
    assert!(source.starts_with("/guests/") && source.ends_with("/shop"), "{source}");
    assert_eq!(
        (&delivered["authtype"], &delivered["stream"]),
        (&json!("unauthenticated"), &json!("main"))
    );
}

#[tokio::test]
async fn a_binary_event_has_its_attributes_in_headers() {
    let (_data, relay) = relay(&[]);
    let headers = [
        ("content-type", "text/plain; charset=latin1"),
        ("CE-SpecVersion", "1.0"),
        ("ce-id", "caf%C3%A9%201"),
        ("ce-source", "\"/a shop\""),
        ("ce-type", "shop.note"),
        ("ce-time", "2999-01-01T00:00:00Z"),
        ("ce-subject", "100%25"),
    ];
    let answer = post(&relay, &headers, b"caf\xe9");
    assert_eq!((answer.offset(), &answer.body["id"]), (1, &json!("café 1")));
    let (topic, body) = logged(&relay, 1).await.remove(0);
    assert_eq!((topic.as_str(), body.id.as_str()), ("shop.note", "café 1"));
    assert!(body.source.ends_with("/a shop"), "{}", body.source);
    assert_eq!(body.content_type.as_deref(), Some("text/plain; charset=latin1"));
    assert_eq!(body.data, b"caf\xe9");
    assert_eq!(body.extensions, [("subject".to_owned(), Extension::Text("100%".to_owned()))]);
    assert!(body.time.unwrap() < 32_000_000_000_000, "the relay replaces a time of the far future");
    for (name, value) in
        [("ce-id", "%C0%A0"), ("ce-x-y", "1"), ("ce-datacontenttype", "a/b"), ("ce-authid", "ann")]
    {
        let wrong = [
            &headers[..2],
            &headers[3..5],
            &[("ce-id", "2"), (name, value)][usize::from(name == "ce-id")..],
        ]
        .concat();
        post(&relay, &wrong, "x").is_problem(400, "illegal_event");
    }
    post(&relay, &headers[..4], "x").is_problem(400, "illegal_event");
}

#[tokio::test]
async fn a_batch_is_published_in_its_order_and_completely_or_not_at_all() {
    let (_data, relay) = relay(&[]);
    let batch = json!([event("1", "a"), event("2", "b"), event("3", "c")]);
    let answer = post(&relay, &[BATCHED], batch.to_string());
    let offsets: Vec<_> =
        answer.body.as_array().unwrap().iter().map(|ack| &ack["offset"]).collect();
    assert_eq!(offsets, ["1", "2", "3"], "{answer:?}");
    let invalid = json!([event("4", "d"), event("5", "e..f"), event("6", "g")]);
    let refused = post(&relay, &[BATCHED], invalid.to_string());
    refused.is_problem(400, "illegal_topic");
    assert_eq!(refused.body["id"], "5");
    let invalid = json!([event("4", "d"), { "id": "5" }]);
    let refused = post(&relay, &[BATCHED], invalid.to_string());
    refused.is_problem(400, "illegal_event");
    assert_eq!(refused.body["id"], "5");
    let control = json!([event("4", "d"), { "specversion": "1.0", "id": "5", "source": "s", "type": "$link.subscribe", "data": { "pattern": "a" } }]);
    post(&relay, &[BATCHED], control.to_string()).is_problem(400, "illegal_event");
    let many: Vec<_> = (0..1_025).map(|id| event(&id.to_string(), "a")).collect();
    post(&relay, &[BATCHED], json!(many).to_string()).is_problem(413, "too_many");
    let empty = post(&relay, &[BATCHED], "[]");
    assert_eq!((empty.status, empty.body), (200, json!([])));
    assert_eq!(post(&relay, &[STRUCTURED], event("9", "last").to_string()).offset(), 4);
    let topics: Vec<_> = logged(&relay, 4).await.into_iter().map(|(topic, _)| topic).collect();
    assert_eq!(topics, ["a", "b", "c", "last"]);
}

#[test]
fn a_repeat_is_recognised_if_the_guest_is() {
    let (_data, relay) = relay(&[]);
    let secret = ("edk-guest", "0123456789abcdef0123456789abcdef");
    let text = event("7", "a").to_string();
    let first = post(&relay, &[STRUCTURED, secret], &text);
    assert_eq!(first.offset(), 1);
    assert_eq!(post(&relay, &[STRUCTURED, secret], &text).body, first.body);
    // The same by another mode, twice in one batch, and by a guest that cannot be recognised.
    let binary = [
        ("ce-specversion", "1.0"),
        ("ce-id", "7"),
        ("ce-source", "/shop"),
        ("ce-type", "a"),
        secret,
    ];
    assert_eq!(post(&relay, &binary, "").offset(), 1);
    let twice = post(&relay, &[BATCHED, secret], format!("[{0},{0}]", event("8", "a")));
    assert_eq!((&twice.body[0]["offset"], &twice.body[1]["offset"]), (&json!("2"), &json!("2")));
    assert_eq!(post(&relay, &[STRUCTURED], &text).offset(), 3);
    post(&relay, &[STRUCTURED, ("edk-guest", "short")], &text).is_problem(400, "illegal_event");
}

#[tokio::test]
async fn an_ephemeral_event_reaches_connections_and_is_not_stored() {
    let (_data, relay) = relay(&[]);
    let mut texts = Texts::connect(&relay).await;
    texts.ask("$link.subscribe", json!({ "pattern": "a" })).await;
    assert_eq!(texts.receive().await["type"], "$link.subscribed");
    let mut now = event("1", "a");
    now["ephemeral"] = json!(true);
    let answer = post(&relay, &[STRUCTURED], now.to_string());
    assert_eq!((answer.status, answer.body), (202, json!({ "id": "1", "ephemeral": true })));
    assert_eq!(texts.receive().await["id"], "1");
    let headers = [
        ("ce-specversion", "1.0"),
        ("ce-id", "2"),
        ("ce-source", "s"),
        ("ce-type", "a"),
        ("ce-ephemeral", "true"),
    ];
    assert_eq!(post(&relay, &headers, "x").status, 202);
    let delivered = texts.receive().await;
    assert_eq!((&delivered["id"], &delivered["ephemeral"]), (&json!("2"), &json!(true)));
    let both = post(&relay, &[BATCHED], json!([now, event("3", "b")]).to_string());
    assert_eq!((both.status, &both.body[1]["offset"]), (200, &json!("1")));
    assert_eq!(logged(&relay, 1).await[0].0, "b");
}

#[test]
fn foreign_pages_and_hosts_and_other_methods_are_refused() {
    let (_data, relay) = relay(&["--allow-origin", "https://shop.example"]);
    let text = event("1", "a").to_string();
    post(&relay, &[STRUCTURED, ("origin", "https://evil.example")], &text)
        .is_problem(403, "foreign_origin");
    assert_eq!(post(&relay, &[STRUCTURED, ("origin", "https://shop.example")], &text).offset(), 1);
    assert_eq!(post(&relay, &[STRUCTURED, ("host", "evil.example")], &text).status, 421);
    let mut socket = TcpStream::connect(&relay.address).unwrap();
    let address = &relay.address;
    write!(socket, "GET /events HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 405 ") && answer.contains("allow: POST"), "{answer}");
}

#[test]
fn what_is_not_a_cloudevent_is_refused() {
    let (_data, relay) = relay(&[]);
    for (headers, body) in [
        (&[][..], "{}"),
        (&[("content-type", "application/json")], "{}"),
        (&[("content-type", "application/cloudevents+avro")], "x"),
        (&[("content-type", "application/cloudevents+json; charset=utf-16")], "{}"),
        (&[STRUCTURED, ("content-encoding", "gzip")], "x"),
    ] {
        post(&relay, headers, body).is_problem(415, "unsupported_media_type");
    }
    for body in ["", "{", "[]", "{\"id\":\"1\"}", "\u{ff}"] {
        post(&relay, &[STRUCTURED], body).is_problem(400, "illegal_event");
    }
    post(&relay, &[STRUCTURED], b"\xff").is_problem(400, "illegal_event");
    post(&relay, &[STRUCTURED], event("1", "$bus.link").to_string())
        .is_problem(400, "illegal_topic");
}

#[tokio::test]
async fn too_large_and_too_slow_bodies_are_refused() {
    let (_data, relay) = relay(&["--message-timeout", "1s"]);
    let mut large = event("1", "a");
    large["data"] = json!("x".repeat(256 << 10));
    let refused = post(&relay, &[STRUCTURED], large.to_string());
    refused.is_problem(413, "too_large");
    assert_eq!(refused.body["id"], "1");
    large["data"] = json!("x".repeat(250 << 10));
    assert_eq!(post(&relay, &[STRUCTURED], large.to_string()).offset(), 1);
    // By its length, before a byte of it has come.
    send(&relay, &[STRUCTURED, ("content-length", "1048577")], b"").is_problem(413, "too_large");
    // In chunks, without a length.
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(64 << 10));
    let chunked = [STRUCTURED, ("transfer-encoding", "chunked")];
    send(&relay, &chunked, chunk.repeat(17).as_bytes()).is_problem(413, "too_large");
    send(&relay, &[STRUCTURED, ("content-length", "9")], b"{").is_problem(408, "timeout");
    assert_serves(&relay).await;
}

#[test]
fn more_than_the_rate_is_refused_until_later() {
    let (_data, relay) = relay(&["--rate-publishes", "1:2", "--raise-limits", "1"]);
    let batch = json!([event("1", "a"), event("2", "a"), event("3", "a")]);
    post(&relay, &[BATCHED], batch.to_string()).is_problem(413, "too_many");
    let pair = json!([event("1", "a"), event("2", "a")]).to_string();
    assert_eq!(post(&relay, &[BATCHED], &pair).status, 200);
    let refused = post(&relay, &[BATCHED], &pair);
    refused.is_problem(429, "too_fast");
    assert_eq!(refused.headers["retry-after"], "2");
}

#[test]
fn a_full_disk_is_reported_and_may_be_retried() {
    let (_data, relay) = relay(&["--reserve", "1000000000MiB"]);
    let refused = post(&relay, &[STRUCTURED], event("1", "a").to_string());
    refused.is_problem(507, "disk_full");
    assert_eq!(refused.headers["retry-after"], "1");
}
