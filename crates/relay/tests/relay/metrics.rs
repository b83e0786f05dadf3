//! What `GET /metrics` says of a relay in this process.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use relay::limits::{Limits, Rate};
use relay::{Config, Relay};
use session::{
    AtTopic, Body, CloseCode, Credit, FromClient, FromPeer, History, Join, Publish, Start, Stream,
};
use store::{Keep, Route, Settings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use crate::support::{Client, PATIENCE, hello, publish, publish_sized};

/// The families that the scenario below cannot move. The tests of the hub move them, except the version.
const ELSEWHERE: [&str; 5] = [
    "event_relay_build",
    "event_relay_commit_failures",
    "event_relay_queued_bytes",
    "event_relay_queued_jobs",
    "event_relay_store_up",
];

/// What one answer says.
#[derive(Debug)]
struct Scrape {
    /// The families with their types.
    families: BTreeMap<String, String>,
    /// The values by name and labels.
    samples: BTreeMap<String, f64>,
}

impl Scrape {
    async fn of(address: SocketAddr) -> Self {
        let text = get(address, "/metrics").await;
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert!(head.contains("content-type: application/openmetrics-text"), "{head}");
        assert!(body.ends_with("# EOF\n"), "{body}");
        let (mut families, mut samples) = (BTreeMap::new(), BTreeMap::new());
        for line in body.lines() {
            if let Some(of_type) = line.strip_prefix("# TYPE ") {
                let (name, of_type) = of_type.split_once(' ').unwrap();
                families.insert(name.to_owned(), of_type.to_owned());
            } else if !line.starts_with('#') {
                let (sample, value) = line.rsplit_once(' ').unwrap();
                samples.insert(sample.to_owned(), value.parse().unwrap());
            }
        }
        Self { families, samples }
    }

    fn value(&self, sample: &str) -> f64 {
        self.samples.get(sample).copied().unwrap_or_else(|| panic!("no {sample} in {self:#?}"))
    }

    /// The family of a sample.
    fn family(&self, sample: &str) -> &str {
        let name = sample.split('{').next().unwrap();
        let ends = ["", "_total", "_info", "_bucket", "_sum", "_count"];
        let found = ends.iter().find_map(|end| {
            let name = name.strip_suffix(end)?;
            self.families.get_key_value(name)
        });
        found.unwrap_or_else(|| panic!("{sample} belongs to no family")).0
    }

    /// The families with a value that differs from an earlier one.
    fn moved_since(&self, before: &Self) -> impl Iterator<Item = String> {
        let differs = |(sample, value): &(&String, &f64)| before.samples[*sample] != **value;
        self.samples.iter().filter(differs).map(|(sample, _)| self.family(sample).to_owned())
    }
}

async fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Scrapes until the condition holds.
async fn until(address: SocketAddr, holds: impl Fn(&Scrape) -> bool) -> Scrape {
    let scraped = async {
        loop {
            let scrape = Scrape::of(address).await;
            if holds(&scrape) {
                return scrape;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, scraped).await.expect("the metrics in time")
}

/// Starts a relay. Returns its address, that of its metrics, and a guard that stops it.
async fn start(data: &std::path::Path) -> (SocketAddr, SocketAddr, oneshot::Sender<()>) {
    let mut config = Config::new(data.to_owned());
    config.metrics = Some(([127, 0, 0, 1], 0).into());
    let keep = Keep { events: 5, ..Keep::default() };
    let state = Stream::named("state");
    let patterns = vec!["state.>".try_into().unwrap()];
    let routes = vec![Route { stream: state.clone(), patterns }];
    let keep_of = vec![(state, Keep { topic: Some(1), ..Keep::default() })];
    config.store = Settings { keep, routes, keep_of, ..Settings::default() };
    let rate = Rate::new(0, 0);
    let histories = Rate::new(5, 1);
    config.limits = Limits { publishes: rate, kibibytes: rate, histories, ..Limits::default() };
    let relay = Relay::start(config).await.unwrap();
    let (address, metrics) = (relay.address(), relay.metrics_address().unwrap());
    let (stop, stopped) = oneshot::channel();
    tokio::spawn(relay.run(async { drop(stopped.await) }));
    (address, metrics, stop)
}

fn ephemeral(topic: &str, bytes: usize) -> FromClient {
    let body = Body { id: "e".to_owned(), data: vec![b'1'; bytes], ..Body::default() }.encode();
    let name = Some(topic.to_owned());
    FromClient::Publish(Publish { number: None, topic: 0, name, body, lowest: None })
}

/// A WebSocket connection without a hello that has sent the start of a message of 1 MiB.
async fn unfinished(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET /ws HTTP/1.1\r\nhost: {address}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         sec-websocket-protocol: event-driven-kit.v1\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut message = vec![0x82, 0xff];
    message.extend((1_u64 << 20).to_be_bytes());
    message.resize(message.len() + 4 + (200 << 10), 0);
    stream.write_all(&message).await.unwrap();
    stream
}

#[tokio::test]
async fn every_family_moves_and_gauges_fall_back_when_clients_leave() {
    let data = tempfile::tempdir().unwrap();
    let (address, metrics, _stop) = start(data.path()).await;
    let url = format!("ws://{address}/ws");
    let before = Scrape::of(metrics).await;
    let mut moved = BTreeSet::new();

    let mut publisher = Client::connect_to(&url).await;
    publisher.hello(1, 1, 1).await;
    for number in 1..=12 {
        publisher.send(&[publish_sized(number, "a", 200 << 10)]).await;
        publisher.ack().await;
    }
    publisher.send(&[publish(13, "$bus.a", "e13")]).await;
    assert!(matches!(publisher.frame().await, FromPeer::Reject(_)));
    let mut thief = Client::connect_to(&url).await;
    let FromClient::Hello(stolen) = hello(1, 2, 1) else { unreachable!() };
    thief.send(&[FromClient::Hello(session::Hello { secret: Some([9; 32]), ..stolen })]).await;
    assert_eq!(thief.close_code().await, CloseCode::Unauthorized.code());
    let mut reader = Client::connect_to(&url).await;
    reader.hello(2, 1, 1).await;
    reader.subscribe("a", Start::Earliest).await;
    for _ in 0..5 {
        reader.event().await;
    }
    let mut setter = Client::connect_to(&url).await;
    setter.hello(4, 1, 1).await;
    for number in 1..=3 {
        setter.send(&[publish(number, "state.a", &format!("s{number}"))]).await;
        setter.ack().await;
    }
    drop(setter);
    let scrape = until(metrics, |scrape| {
        scrape.value(r#"event_relay_deliveries_total{kind="durable"}"#) == 5.0
    })
    .await;
    let expected = [
        (r#"event_relay_publishes_total{kind="durable",outcome="stored"}"#, 15.0),
        (r#"event_relay_publishes_total{kind="durable",outcome="rejected"}"#, 1.0),
        (r#"event_relay_rejects_total{code="illegal_topic"}"#, 1.0),
        (r#"event_relay_refusals_total{reason="secret"}"#, 1.0),
        (r#"event_relay_closes_total{code="4504"}"#, 1.0),
        (r#"event_relay_sessions_total{client="new"}"#, 3.0),
        (r#"event_relay_handshakes_total{protocol="event-driven-kit.v1"}"#, 4.0),
        (r#"event_relay_stream_head_offset{stream="main"}"#, 12.0),
        (r#"event_relay_stream_lag_events{stream="main"}"#, 0.0),
        ("event_relay_commit_events_sum", 15.0),
        ("event_relay_superseded_events_total", 2.0),
        (r#"event_relay_stream_events{stream="state"}"#, 1.0),
        ("event_relay_subscriptions", 1.0),
        ("event_relay_store_up", 1.0),
    ];
    for (sample, value) in expected {
        assert_eq!(scrape.value(sample), value, "{sample}");
    }
    let kept = scrape.value(r#"event_relay_stream_events{stream="main"}"#);
    let trimmed = scrape.value(r#"event_relay_trimmed_events_total{stream="main"}"#);
    assert!(kept >= 5.0 && kept + trimmed == 12.0, "{kept} kept, {trimmed} trimmed");
    moved.extend(scrape.moved_since(&before));

    let (limit, before_offset) = (1, None);
    let history = |request| History {
        request,
        pattern: "a".to_owned(),
        before: before_offset,
        limit,
        stream: Stream::MAIN,
    };
    let topic = "lobby".to_owned();
    let join = Join { topic: topic.clone(), key: "ann".to_owned(), data: vec![1] };
    let all = [
        FromClient::History(history(1)),
        FromClient::History(history(2)),
        FromClient::Join(join),
        FromClient::Watch(AtTopic { topic }),
    ];
    reader.send(&all).await;
    let open = unfinished(address).await;
    let scrape = until(metrics, |scrape| {
        scrape.value("event_relay_presence_watches") == 1.0
            && scrape.value("event_relay_presence_members") == 1.0
            && scrape.value(r#"event_relay_requests_total{kind="history"}"#) == 2.0
            && scrape.value(r#"event_relay_rate_limited_total{kind="histories"}"#) == 1.0
            && scrape.value(r#"event_relay_budget_used_bytes{part="unfinished"}"#) > 0.0
    })
    .await;
    moved.extend(scrape.moved_since(&before));

    // A client that reads nothing, from here on.
    let mut stalled = Client::connect_to(&url).await;
    stalled.hello(3, 1, 1).await;
    stalled.subscribe("flood", Start::Latest).await;
    for _ in 0..100 {
        publisher.send(&[ephemeral("flood", 200 << 10)]).await;
    }
    until(metrics, |scrape| scrape.value("event_relay_stalled_readers") == 1.0).await;
    let many: Vec<_> = (0..1_100).map(|_| ephemeral("flood", 1)).collect();
    publisher.send(&many).await;
    publisher.send(&[publish(14, "a", "e14")]).await;
    publisher.ack().await;
    let scrape = until(metrics, |scrape| {
        scrape.value("event_relay_stalled_readers") == 1.0
            && scrape.value("event_relay_dropped_events_total") > 0.0
            && scrape.value(r#"event_relay_stream_lag_events{stream="main"}"#) == 1.0
            && scrape.value(r#"event_relay_publishes_total{kind="ephemeral",outcome="forwarded"}"#)
                == 1_200.0
    })
    .await;
    moved.extend(scrape.moved_since(&before));
    moved.extend(ELSEWHERE.map(str::to_owned));
    let all: BTreeSet<_> = scrape.families.keys().cloned().collect();
    assert!(all.len() >= 25, "{all:?}");
    assert_eq!(moved, all);

    drop((publisher, reader, setter, stalled, open));
    // Presence waits for the same client to come again.
    until(metrics, |scrape| {
        let gauges = [
            "event_relay_connections",
            r#"event_relay_websockets{protocol="event-driven-kit.v1"}"#,
            "event_relay_subscriptions",
            "event_relay_stalled_readers",
            "event_relay_presence_watches",
            r#"event_relay_budget_used_bytes{part="unfinished"}"#,
            r#"event_relay_stream_lag_events{stream="main"}"#,
        ];
        gauges.iter().all(|gauge| scrape.value(gauge) == 0.0)
    })
    .await;
}

#[tokio::test]
async fn an_ephemeral_event_counts_once_for_each_connection_that_receives_it() {
    const EVENTS: usize = 50;
    let data = tempfile::tempdir().unwrap();
    let (address, metrics, _stop) = start(data.path()).await;
    let url = format!("ws://{address}/ws");
    let mut readers = Vec::new();
    for id in 1..=3 {
        let mut reader = Client::connect_to(&url).await;
        reader.hello(id, 1, 1).await;
        reader.subscribe("a", Start::Latest).await;
        readers.push(reader);
    }
    let mut publisher = Client::connect_to(&url).await;
    publisher.hello(9, 1, 1).await;
    // The first one is sent to each alone; the others may be runs that the readers share.
    for count in [1, EVENTS - 1] {
        let events: Vec<_> = (0..count).map(|_| ephemeral("a", 10)).collect();
        publisher.send(&events).await;
        for reader in &mut readers {
            for _ in 0..count {
                reader.event().await;
            }
        }
    }
    let all = (readers.len() * EVENTS) as f64;
    let sample = r#"event_relay_deliveries_total{kind="ephemeral"}"#;
    let scrape = until(metrics, |scrape| scrape.value(sample) >= all).await;
    assert_eq!(scrape.value(sample), all);
}

#[tokio::test]
async fn the_lag_is_that_of_the_slowest_subscription_until_it_has_read_on() {
    const LAG: &str = r#"event_relay_stream_lag_events{stream="main"}"#;
    let data = tempfile::tempdir().unwrap();
    let (address, metrics, _stop) = start(data.path()).await;
    let url = format!("ws://{address}/ws");
    let mut publisher = Client::connect_to(&url).await;
    publisher.hello(1, 1, 1).await;
    for number in 1..=5 {
        publisher.send(&[publish(number, "a", &format!("e{number}"))]).await;
        publisher.ack().await;
    }
    let mut reader = Client::connect_to(&url).await;
    reader.hello(2, 1, 1).await;
    reader.subscribe_with("a", Start::Earliest, Some((1, 1 << 20))).await;
    reader.event().await;
    until(metrics, |scrape| scrape.value(LAG) == 4.0).await;
    // What comes meanwhile counts too.
    publisher.send(&[publish(6, "a", "e6")]).await;
    publisher.ack().await;
    until(metrics, |scrape| scrape.value(LAG) == 5.0).await;
    let credit = Credit { subscription: 1, events: 100, bytes: 1 << 20 };
    reader.send(&[FromClient::Credit(credit)]).await;
    until(metrics, |scrape| scrape.value(LAG) == 0.0).await;
}

#[tokio::test]
async fn the_readme_lists_every_family_with_its_type_and_labels() {
    let data = tempfile::tempdir().unwrap();
    let (_, metrics, _stop) = start(data.path()).await;
    let scrape = Scrape::of(metrics).await;
    let named = |(name, of_type): (&String, &String)| {
        let end = match of_type.as_str() {
            "counter" => "_total",
            "info" => "_info",
            _ => "",
        };
        let samples = scrape.samples.keys().filter(|sample| scrape.family(sample) == name);
        let labels: BTreeSet<_> = samples
            .flat_map(|sample| sample.split(['{', ',']).skip(1))
            .filter_map(|label| label.split_once('=').map(|(label, _)| label))
            .filter(|label| *label != "le")
            .map(|label| format!("`{label}`"))
            .collect();
        let labels = labels.into_iter().collect::<Vec<_>>().join(", ");
        format!("| `{name}{end}` | {of_type} | {labels}")
    };
    let served: BTreeSet<_> = scrape.families.iter().map(named).collect();
    let rows =
        include_str!("../../README.md").lines().filter(|row| row.starts_with("| `event_relay_"));
    let listed: BTreeSet<_> = rows
        .map(|row| row.split('|').take(4).collect::<Vec<_>>().join("|").trim_end().to_owned())
        .collect();
    let served: BTreeSet<_> = served.iter().map(|row| row.trim_end().to_owned()).collect();
    assert_eq!(listed, served);
}

#[tokio::test]
async fn the_metrics_have_an_address_of_their_own() {
    let data = tempfile::tempdir().unwrap();
    let (address, metrics, _stop) = start(data.path()).await;
    assert!(get(metrics, "/").await.starts_with("HTTP/1.1 404"));
    assert!(get(metrics, "/healthz").await.starts_with("HTTP/1.1 404"));
    let relays = get(address, "/metrics").await;
    assert!(!relays.starts_with("HTTP/1.1 200") && !relays.contains("event_relay_"), "{relays}");
    // A page whose name leads to this machine.
    let mut stream = TcpStream::connect(metrics).await.unwrap();
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 421"), "{answer}");
    // HTTP/2 has no timeouts.
    let mut stream = TcpStream::connect(metrics).await.unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    let mut ended = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut ended)).await.expect("an end");
    // No address, no metrics.
    let other = tempfile::tempdir().unwrap();
    let relay = Relay::start(Config::new(other.path().to_owned())).await.unwrap();
    assert_eq!(relay.metrics_address(), None);
}
