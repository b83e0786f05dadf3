//! Attacks on the protocol: numbers, names, sources, queries and JSON.

use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use session::{
    Body, CloseCode, Extension, FromClient, FromPeer, Position, Publish, RejectCode, Start, Stream,
    Subscribe, Unsubscribe,
};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Client, PATIENCE, Process, assert_serves, hello, publish};
use crate::texts::Texts;

impl Texts {
    /// Publishes with these members, and returns the answer.
    async fn publish(&mut self, id: &str, members: Value) -> Value {
        let mut event = json!({ "specversion": "1.0", "id": id, "source": "s", "type": "a" });
        for (name, value) in members.as_object().unwrap() {
            event[name] = value.clone();
        }
        self.send(event.to_string()).await;
        let answer = self.receive().await;
        assert_eq!(answer["data"]["id"], *id, "{answer}");
        answer
    }

    async fn is_illegal(&mut self, members: Value) {
        let answer = self.publish("illegal", members.clone()).await;
        let said = (&answer["type"], &answer["data"]["code"]);
        assert_eq!(said, (&json!("$link.reject"), &json!("illegal_event")), "{members}");
    }
}

fn with_body(number: u64, body: &Body) -> FromClient {
    let (topic, name) = (0, Some("a".to_owned()));
    FromClient::Publish(Publish {
        number: Some(number),
        topic,
        name,
        body: body.encode(),
        lowest: None,
    })
}

async fn reject_code(client: &mut Client) -> RejectCode {
    match client.frame().await {
        FromPeer::Reject(reject) => reject.code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a01_a_number_beyond_2_to_the_53_ends_its_connection_and_others_publishes_are_all_acked() {
    let data = tempfile::tempdir().unwrap();
    let mut relay = Process::start(data.path());
    let mut other = Client::welcomed(&relay, 2, 1).await;
    let mut acked = 0;
    let mut fence = 1;
    for _ in 0..2 {
        for number in [1 << 53, u64::MAX, u64::MAX - 1] {
            let mut attacker = Client::welcomed(&relay, 1, fence).await;
            fence += 1;
            let mut frames = vec![publish(number, "a", "bad")];
            frames.extend((0..4).map(|more| publish(number.wrapping_add(more), "a", "bad")));
            attacker.send(&frames).await;
            for _ in 0..5 {
                acked += 1;
                other.send(&[publish(acked, "a", &format!("e{acked}"))]).await;
                assert_eq!(other.ack().await.number, acked);
            }
            assert_eq!(attacker.close_code().await, CloseCode::ProtocolError.code(), "{number}");
        }
        for (fence, lowest) in [(u64::MAX, 1), (fence, u64::MAX), (1 << 53, 1)] {
            let mut attacker = Client::connect(&relay).await;
            attacker.send(&[hello(1, fence, lowest)]).await;
            assert_eq!(attacker.close_code().await, CloseCode::ProtocolError.code());
        }
        // Nothing of it remains, and the attacker's own client continues too.
        let mut own = Client::welcomed(&relay, 1, fence).await;
        fence += 1;
        own.send(&[publish(fence, "b", &format!("own{fence}"))]).await;
        assert_eq!(own.ack().await.number, fence);
        relay.kill();
        relay = Process::start(data.path());
        other = Client::welcomed(&relay, 2, fence).await;
    }
    assert_serves(&relay).await;
}

#[tokio::test]
async fn a15_a_connection_that_says_nothing_valid_for_ten_seconds_is_closed_whatever_it_pings() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    let mut listener = Texts::connect(&relay).await;
    let subscribe = json!({
        "specversion": "1.0", "id": "1", "source": "s", "type": "$link.subscribe", "data": { "pattern": "a" },
    });
    listener.send(subscribe.to_string()).await;
    assert_eq!(listener.receive().await["type"], "$link.subscribed");
    let silent = async |mut client: Client| {
        let began = Instant::now();
        loop {
            let _ = client.socket.send(Message::Ping(Vec::new().into())).await;
            match timeout(Duration::from_secs(1), client.socket.next()).await {
                Ok(Some(Ok(Message::Close(frame)))) => {
                    return (u16::from(frame.unwrap().code), began.elapsed());
                }
                Ok(Some(Ok(_))) | Err(_) => assert!(began.elapsed() < PATIENCE),
                other => panic!("{other:?}"),
            }
        }
    };
    let (texts, frames) =
        tokio::join!(silent(Texts::connect(&relay).await.0), silent(Client::connect(&relay).await));
    for (code, after) in [texts, frames] {
        assert_eq!(code, CloseCode::Silent.code());
        assert!(after >= Duration::from_secs(9), "{after:?}");
    }
    // A client that has subscribed is left alone.
    let mut publisher = Client::welcomed(&relay, 1, 1).await;
    publisher.send(&[publish(1, "a", "e")]).await;
    assert_eq!(listener.receive().await["id"], "e");
}

#[tokio::test]
async fn a16_what_only_the_relay_says_is_an_illegal_event_on_both_wires() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    let mut frames = Client::welcomed(&relay, 1, 1).await;
    let mut texts = Texts::connect(&relay).await;
    let names = ["authid", "authtype", "dssematerial", "data", "time", "stream", "sequence"];
    for (number, name) in (1..).zip(names) {
        let extensions = vec![(name.to_owned(), Extension::Text("x".to_owned()))];
        let body = Body { id: "e".to_owned(), extensions, ..Body::default() };
        frames.send(&[with_body(number, &body)]).await;
        assert_eq!(reject_code(&mut frames).await, RejectCode::IllegalEvent, "{name}");
        if !matches!(name, "data" | "time") {
            texts.is_illegal(json!({ name: "x" })).await;
        }
    }
    frames.send(&[publish(99, "a", "fine")]).await;
    frames.ack().await;
    assert_eq!(texts.publish("fine", json!({})).await["type"], "$link.ack");
}

#[tokio::test]
async fn a17_a_source_leads_nowhere_but_below_its_own_client() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    let mut victim = Client::welcomed(&relay, 2, 1).await;
    victim.subscribe("a", Start::Latest).await;
    let mut frames = Client::welcomed(&relay, 1, 1).await;
    let mut texts = Texts::connect(&relay).await;
    let victims = "02".repeat(16);
    for (number, source) in (1..).zip([
        "../x".to_owned(),
        format!("../../clients/{victims}"),
        "%2e%2e/x".to_owned(),
        format!("//clients/{victims}"),
        "a//b".to_owned(),
        "a?b".to_owned(),
        "a#b".to_owned(),
        "a\u{7}".to_owned(),
    ]) {
        texts.is_illegal(json!({ "source": source })).await;
        let body = Body { id: "e".to_owned(), source, ..Body::default() };
        frames.send(&[with_body(number, &body)]).await;
        assert_eq!(reject_code(&mut frames).await, RejectCode::IllegalEvent);
    }
    // The victim's name becomes part of the attacker's own source.
    for (number, source) in (100..).zip([victims.clone(), format!("/clients/{victims}")]) {
        let body = Body { id: format!("f{number}"), source: source.clone(), ..Body::default() };
        frames.send(&[with_body(number, &body)]).await;
        texts.publish(&format!("t{number}"), json!({ "source": source })).await;
        for _ in 0..2 {
            let event = victim.event().await;
            let source = Body::decode(&event.body).unwrap().source;
            let own = format!("/clients/{}/", "01".repeat(16));
            assert!(source.starts_with(&own) || source.starts_with("/guests/"), "{source}");
        }
    }
}

#[tokio::test]
async fn a18_the_same_source_and_id_of_two_guests_are_two_events() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    let (mut one, mut two) = (Texts::connect(&relay).await, Texts::connect(&relay).await);
    let first = one.publish("order-1", json!({ "source": "/shop", "data": 1 })).await;
    let second = two.publish("order-1", json!({ "source": "/shop", "data": 2 })).await;
    assert_eq!((&first["data"]["offset"], &second["data"]["offset"]), (&json!("1"), &json!("2")));
    // A repeat is recognised on its connection,
    let repeat = one.publish("order-1", json!({ "source": "/shop", "data": 1 })).await;
    assert_eq!(repeat["data"], first["data"]);
    // and on another one by a secret.
    let mut positions = Vec::new();
    for secret in [
        "0123456789abcdef0123456789abcdef",
        "0123456789abcdef0123456789abcdef",
        "other-0123456789-abcdefghij",
    ] {
        let mut guest = Texts::connect(&relay).await;
        let hello = json!({
            "specversion": "1.0", "id": "h", "source": "s", "type": "$link.hello", "data": { "guest": secret },
        });
        guest.send(hello.to_string()).await;
        let welcome = guest.receive().await;
        assert_eq!(welcome["type"], "$link.welcome");
        assert!(!welcome["data"]["source"].as_str().unwrap().contains(secret));
        let answer = guest.publish("order-1", json!({ "source": "/shop", "data": 3 })).await;
        positions.push(answer["data"]["offset"].clone());
    }
    assert_eq!(positions, ["3", "3", "4"]);
}

#[tokio::test]
async fn a26_subscribing_and_unsubscribing_takes_no_memory() {
    const MESSAGES: u32 = 300;
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    assert_serves(&relay).await;
    let before = relay.memory();
    let Client { socket, .. } = Client::welcomed(&relay, 1, 1).await;
    let (mut up, mut down) = socket.split();
    let last = tokio::spawn(async move {
        while let Some(Ok(message)) = down.next().await {
            if let Message::Binary(bytes) = message
                && FromPeer::decode(&bytes).any(|it| matches!(it, Ok(FromPeer::Pong(_))))
            {
                return true;
            }
        }
        false
    });
    // Each message is a mebibyte: 64 positions with long ids, or a huge number of them.
    let place = |at: u64, id: usize| Position {
        stream: Stream::named("s"),
        offset: at,
        id: Some("x".repeat(id)),
        ..Position::start_of(7)
    };
    let long = Start::After((0..64).map(|at| place(at, 16_000)).collect());
    let many = Start::After((0..40_000).map(|at| place(at, 1)).collect());
    let mut most = 0;
    for subscription in 0..MESSAGES {
        let start = if subscription % 2 == 0 { long.clone() } else { many.clone() };
        let pattern = format!("a.{subscription}");
        let mut bytes = Vec::new();
        FromClient::Subscribe(Subscribe { subscription, pattern, start, credit: None })
            .encode(&mut bytes);
        up.send(Message::Binary(bytes.into())).await.unwrap();
        if subscription % 3 == 0 {
            let mut bytes = Vec::new();
            FromClient::Unsubscribe(Unsubscribe { subscription }).encode(&mut bytes);
            up.send(Message::Binary(bytes.into())).await.unwrap();
        }
        most = most.max(relay.memory());
    }
    let mut bytes = Vec::new();
    FromClient::Ping(session::Ping { number: 1 }).encode(&mut bytes);
    up.send(Message::Binary(bytes.into())).await.unwrap();
    assert!(timeout(4 * PATIENCE, last).await.unwrap().unwrap());
    let more = most.max(relay.memory()).saturating_sub(before);
    assert!(more < 64 << 20, "{more} bytes more");
    assert_serves(&relay).await;
}

#[tokio::test]
async fn a28_the_last_however_many_come_at_once() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    let mut publisher = Client::welcomed(&relay, 1, 1).await;
    for number in 1..=300 {
        publisher.send(&[publish(number, "a", &format!("e{number}"))]).await;
    }
    for _ in 0..300 {
        publisher.ack().await;
    }
    for count in [1 << 53, u64::MAX] {
        let mut fastest = Duration::MAX;
        for fence in 1..=5 {
            let mut reader = Client::welcomed(&relay, 2, fence + count % 2 * 5).await;
            let began = Instant::now();
            reader.subscribe("a", Start::Last(count)).await;
            assert_eq!(reader.event().await.offset, Some(1));
            fastest = fastest.min(began.elapsed());
        }
        assert!(fastest < Duration::from_millis(50), "{fastest:?}");
    }
    for digits in ["18446744073709551615", "18446744073709551616"] {
        let mut texts = Texts::connect(&relay).await;
        let data = format!(r#"{{"pattern":"a","from":{{"last":{digits}}}}}"#);
        let text = format!(
            r#"{{"specversion":"1.0","id":"1","source":"s","type":"$link.subscribe","data":{data}}}"#
        );
        texts.send(text).await;
        assert_eq!(texts.receive().await["type"], "$link.subscribed");
        assert_eq!(texts.receive().await["sequence"], "1");
    }
}

#[tokio::test]
async fn a37_json_that_nests_too_deep_or_says_a_member_twice_is_an_illegal_event() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    let mut texts = Texts::connect(&relay).await;
    let deep = |depth: usize| format!(r#""data":{}{}"#, "[".repeat(depth), "]".repeat(depth));
    for members in [
        deep(50_000),
        deep(65),
        r#""data":1,"data":2"#.to_owned(),
        r#""data":1,"data":null"#.to_owned(),
    ] {
        let text = format!(r#"{{"specversion":"1.0","id":"e","source":"s","type":"a",{members}}}"#);
        texts.send(text).await;
        let answer = texts.receive().await;
        let said = (&answer["type"], &answer["data"]["id"], &answer["data"]["code"]);
        assert_eq!(said, (&json!("$link.reject"), &json!("e"), &json!("illegal_event")));
    }
    // A CBOR client, whose bytes are opaque to the relay. JSON readers get them as bytes.
    let subscribe = json!({
        "specversion": "1.0", "id": "1", "source": "s", "type": "$link.subscribe", "data": { "pattern": "a" },
    });
    texts.send(subscribe.to_string()).await;
    assert_eq!(texts.receive().await["type"], "$link.subscribed");
    let mut frames = Client::welcomed(&relay, 1, 1).await;
    let data = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000)).into_bytes();
    frames.send(&[with_body(1, &Body { id: "deep".to_owned(), data, ..Body::default() })]).await;
    let event = texts.receive().await;
    assert_eq!((&event["id"], event.get("data")), (&json!("deep"), None));
    assert!(event["data_base64"].is_string());
    assert_eq!(
        texts.publish("fine", json!({ "type": "b", "data": [[[]]] })).await["type"],
        "$link.ack"
    );
}

#[tokio::test]
async fn an_event_without_a_time_near_now_has_that_of_its_arrival() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    let mut texts = Texts::connect(&relay).await;
    let mut reader = Client::welcomed(&relay, 1, 1).await;
    reader.subscribe("a", Start::Latest).await;
    let now =
        || u64::try_from(std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
    for (number, time) in
        (1..).zip([None, Some("1970-01-01T00:00:00Z"), Some("9999-12-31T23:59:59.999Z")])
    {
        let began = now();
        texts.publish(&format!("e{number}"), json!({ "time": time })).await;
        let event = reader.event().await;
        let said = Body::decode(&event.body).unwrap().time.unwrap();
        assert!((began..=now()).contains(&said), "{time:?} became {said}");
    }
}
