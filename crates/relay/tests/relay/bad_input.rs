//! Bad input gets the documented answer, and others are served meanwhile.

use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use session::{CloseCode, FromClient, FromPeer, RejectCode, SUBPROTOCOL, Start, Subscribe};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::support::{Client, Process, assert_serves, connect, hello, publish};

/// Sends these messages after the welcome, and returns the close code.
async fn close_code_after(messages: Vec<Message>) -> u16 {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    let mut client = Client::welcomed(&relay, 1, 1).await;
    for message in messages {
        client.socket.send(message).await.unwrap();
    }
    let code = client.close_code().await;
    assert_serves(&relay).await;
    code
}

fn encoded(frame: &FromClient) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame.encode(&mut bytes);
    bytes
}

#[tokio::test]
async fn garbage_is_a_protocol_error() {
    let garbage = Message::Binary(vec![0xff; 100].into());
    assert_eq!(close_code_after(vec![garbage]).await, CloseCode::ProtocolError.code());
}

#[tokio::test]
async fn a_truncated_frame_is_a_protocol_error() {
    let mut bytes = encoded(&publish(1, "a", "e1"));
    bytes.pop();
    let code = close_code_after(vec![Message::Binary(bytes.into())]).await;
    assert_eq!(code, CloseCode::ProtocolError.code());
}

#[tokio::test]
async fn text_where_frames_are_spoken_is_a_protocol_error() {
    let code = close_code_after(vec![Message::text("hello")]).await;
    assert_eq!(code, CloseCode::ProtocolError.code());
}

#[tokio::test]
async fn a_message_over_the_bound_is_too_large() {
    for bytes in [(1 << 20) + 1, 3 << 20] {
        let code = close_code_after(vec![Message::Binary(vec![0; bytes].into())]).await;
        assert_eq!(code, CloseCode::MessageTooLarge.code(), "{bytes}");
    }
}

#[tokio::test]
async fn a_large_message_over_the_bound_is_answered_at_once() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    let mut quickest = Duration::MAX;
    // A busy machine is slow now and then.
    for id in 1..=3 {
        let mut client = Client::welcomed(&relay, id, 1).await;
        let began = Instant::now();
        client.socket.send(Message::Binary(vec![0; 4 << 20].into())).await.unwrap();
        assert_eq!(client.close_code().await, CloseCode::MessageTooLarge.code());
        // Browsers report the code once the relay has ended the connection.
        while client.socket.next().await.is_some() {}
        quickest = quickest.min(began.elapsed());
    }
    assert!(quickest < Duration::from_secs(1), "{quickest:?}");
    assert_serves(&relay).await;
}

#[tokio::test]
async fn a_second_hello_is_unexpected() {
    let message = Message::Binary(encoded(&hello(1, 2, 1)).into());
    assert_eq!(close_code_after(vec![message]).await, CloseCode::UnexpectedHello.code());
}

#[tokio::test]
async fn subscriptions_beyond_the_bound_are_refused_and_the_others_stand() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start_with(data.path(), &["--max-subscriptions", "20"]);
    let mut client = Client::welcomed(&relay, 1, 1).await;
    let flood = (0..1_000).map(|subscription| {
        let pattern = format!("t.{subscription}");
        let (start, credit) = (Start::Earliest, None);
        FromClient::Subscribe(Subscribe { subscription, pattern, start, credit })
    });
    client.send(&flood.collect::<Vec<_>>()).await;
    let (mut refused, mut made) = (0, 0);
    while refused + made < 1_000 {
        match client.frame().await {
            FromPeer::Refused(frame) if frame.code == RejectCode::TooMany => refused += 1,
            FromPeer::Subscribed(_) => made += 1,
            FromPeer::CaughtUp(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((refused, made), (980, 20));
    client.send(&[publish(1, "t.7", "e")]).await;
    assert_eq!(client.event().await.recipients[0].subscription, 7);
}

#[tokio::test]
async fn an_illegal_topic_is_rejected_and_the_connection_goes_on() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    let mut client = Client::welcomed(&relay, 1, 1).await;
    for (number, topic) in (1..).zip(["", "a..b", "a b", "a.*", "a.\u{7}", "$bus.error"]) {
        client.send(&[publish(number, topic, "e")]).await;
        match client.frame().await {
            FromPeer::Reject(reject) => {
                let answer = (reject.number, reject.code, reject.retry);
                assert_eq!(answer, (number, RejectCode::IllegalTopic, None), "{topic:?}");
            }
            other => panic!("{other:?}"),
        }
    }
    client.send(&[publish(9, "a.b", "e")]).await;
    assert_eq!(client.ack().await.position.offset, 1);
    assert_serves(&relay).await;
}

#[tokio::test]
async fn an_unknown_subprotocol_or_none_is_closed_with_its_code() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    for headers in [&[][..], &[("sec-websocket-protocol", "mqtt")]] {
        let mut client = connect(&relay, headers).await.unwrap();
        assert_eq!(client.close_code().await, CloseCode::UnsupportedSubprotocol.code());
    }
    assert_serves(&relay).await;
}

#[tokio::test]
async fn a_page_of_another_origin_may_not_connect_unless_it_is_allowed() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start_with(data.path(), &["--allow-origin", "https://friend.example"]);
    let own = format!("http://{}", relay.address);
    let status = async |origin: &str| {
        let headers = [("sec-websocket-protocol", SUBPROTOCOL), ("origin", origin)];
        match connect(&relay, &headers).await {
            Ok(_) => 101,
            Err(Error::Http(response)) => response.status().as_u16(),
            Err(other) => panic!("{other}"),
        }
    };
    assert_eq!(status(&own).await, 101);
    assert_eq!(status("https://friend.example").await, 101);
    for foreign in ["https://evil.example", "null", "https://friend.example.evil.example"] {
        assert_eq!(status(foreign).await, 403, "{foreign}");
    }
    assert_serves(&relay).await;
}

#[tokio::test]
async fn text_that_is_no_event_closes_and_an_event_that_is_wrong_is_rejected() {
    use futures_util::StreamExt;
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    let mut client =
        connect(&relay, &[("sec-websocket-protocol", "cloudevents.json")]).await.unwrap();
    let wrong = r#"{"specversion":"0.2","id":"7","source":"s","type":"t"}"#;
    client.socket.send(Message::text(wrong)).await.unwrap();
    let answer = client.socket.next().await.unwrap().unwrap().into_text().unwrap();
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["type"], "$link.reject");
    assert_eq!(
        (&answer["data"]["id"], &answer["data"]["code"]),
        (&"7".into(), &"illegal_event".into())
    );
    client.socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(client.close_code().await, CloseCode::ProtocolError.code());
    assert_serves(&relay).await;
}
