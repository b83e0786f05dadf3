//! Attacks on what the relay stores and shares: rows, fencing tokens, secrets, patterns, queries, presence.

use std::path::Path;
use std::time::{Duration, Instant};

use session::{
    AtTopic, Body, CloseCode, FromClient, FromPeer, Hello, History, Join, Ping, Publish,
    RejectCode, Start, Stream, Subscribe, Unsubscribe,
};
use store::fuzzing::put_client;

use crate::support::{Client, Process, assert_serves, hello, id_of, publish};

/// Replaces a client's row while no relay runs.
fn put_row(data: &Path, client: u8, row: &[u8]) {
    put_client(data, [client; 16], row).unwrap();
}

/// The row of a relay that accepted the number 2^64-1.
fn poisoned(client: u8) -> Vec<u8> {
    use sha2::{Digest, Sha256};
    let mut outcomes = vec![0xff; 9];
    outcomes.extend([1, 1, 1, 5]);
    let mut row = minicbor::Encoder::new(Vec::new());
    row.map(5).unwrap();
    row.u8(0).unwrap().bytes(&Sha256::digest([client; 32])).unwrap();
    row.u8(1).unwrap().u64(1).unwrap();
    row.u8(2).unwrap().u64(u64::MAX).unwrap();
    row.u8(3).unwrap().str("poison").unwrap();
    row.u8(6).unwrap().bytes(&outcomes).unwrap();
    row.into_writer()
}

fn hello_with(client: u8, secret: u8, fence: u64) -> FromClient {
    let FromClient::Hello(hello) = hello(client, fence, 1) else { unreachable!() };
    FromClient::Hello(Hello { secret: Some([secret; 32]), ..hello })
}

/// A relay's answer to a hello that it refuses.
async fn refused(relay: &Process, hello: FromClient) -> u16 {
    let mut client = Client::connect(relay).await;
    client.send(&[hello]).await;
    client.close_code().await
}

#[tokio::test]
async fn a02_a_row_of_random_bytes_refuses_its_client_only_and_a_poisoned_one_starts_over() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    for id in 1..=3 {
        let mut client = Client::welcomed(&relay, id, 1).await;
        client.send(&[publish(1, "a", "e1")]).await;
        client.ack().await;
    }
    relay.kill();
    put_row(data.path(), 1, b"\x9f\x03\xff random");
    put_row(data.path(), 2, &poisoned(2));
    for _ in 0..2 {
        let relay = Process::start(data.path());
        let mut other = Client::connect(&relay).await;
        let fence = u64::from(next_fence());
        assert_eq!(other.hello(3, fence, 1).await.highest_id.as_deref(), Some("e1"));
        for _ in 0..5 {
            let code = refused(&relay, hello(1, u64::from(next_fence()), 1)).await;
            assert_eq!(code, CloseCode::Unauthorized.code());
        }
        // Only the owner of the poisoned row returns under its name.
        let code = refused(&relay, hello_with(2, 9, u64::from(next_fence()))).await;
        assert_eq!(code, CloseCode::Unauthorized.code());
        let mut owner = Client::welcomed(&relay, 2, u64::from(next_fence())).await;
        owner.send(&[publish(2, "a", "e2")]).await;
        let place = owner.ack().await.position.offset;
        assert_eq!(place, 4, "once, also after a restart");
        // What was acknowledged stays acknowledged.
        other.send(&[publish(1, "a", "e1")]).await;
        assert_eq!(other.ack().await.position.offset, 3);
        relay.kill();
    }
    assert_serves(&Process::start(data.path())).await;
}

#[tokio::test]
async fn a18_the_same_source_and_id_of_two_clients_are_two_events_on_any_topic() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    let order = |number, topic: &str| {
        let body = Body { id: "order-1".to_owned(), source: "/shop".to_owned(), ..Body::default() };
        let (name, body) = (Some(topic.to_owned()), body.encode());
        let number = Some(number);
        FromClient::Publish(Publish { number, topic: 0, name, body, lowest: None })
    };
    let mut squatter = Client::welcomed(&relay, 1, 1).await;
    squatter.send(&[order(1, "elsewhere"), order(2, "orders")]).await;
    assert_eq!(squatter.ack().await.position.offset, 1);
    assert_eq!(squatter.ack().await.position.offset, 1, "its own repeat is one");
    let mut shop = Client::welcomed(&relay, 2, 1).await;
    shop.send(&[order(1, "orders")]).await;
    assert_eq!(shop.ack().await.position.offset, 2);
    let mut reader = Client::welcomed(&relay, 3, 1).await;
    reader.subscribe("orders", Start::Earliest).await;
    let event = reader.event().await;
    let source = Body::decode(&event.body).unwrap().source;
    assert_eq!(source, format!("/clients/{}/shop", "02".repeat(16)));
}

#[tokio::test]
async fn a21_the_highest_fencing_token_is_refused_and_the_owner_comes_again() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    drop(Client::welcomed(&relay, 1, 1).await);
    // With the owner's secret.
    for fence in [u64::MAX, 1 << 53, (1 << 53) - 1, 2 + (1 << 32)] {
        let code = refused(&relay, hello(1, fence, 1)).await;
        assert_eq!(code, CloseCode::ProtocolError.code(), "{fence}");
    }
    let mut owner = Client::welcomed(&relay, 1, 2).await;
    owner.send(&[publish(1, "a", "e1")]).await;
    owner.ack().await;
}

#[tokio::test]
async fn a_hello_with_anothers_name_that_is_cut_before_its_answer_does_not_end_the_others_link() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    let mut owner = Client::welcomed(&relay, 1, 7).await;
    for _ in 0..50 {
        let mut attacker = Client::connect(&relay).await;
        attacker.send(&[hello_with(1, 9, 7)]).await;
        drop(attacker);
    }
    for number in 1..=20 {
        let code = refused(&relay, hello_with(1, 9, 7)).await;
        assert_eq!(code, CloseCode::Unauthorized.code());
        owner.send(&[publish(number, "a", &format!("e{number}"))]).await;
        assert_eq!(owner.ack().await.number, number);
    }
}

#[tokio::test]
async fn a27_toggling_one_of_4096_patterns_does_not_hold_up_others_ephemeral_events() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    let mut attacker = Client::welcomed(&relay, 1, 1).await;
    let subscribe = |subscription: u32| {
        let pattern = format!("chat.*.n{subscription}.typing");
        let (start, credit) = (Start::Latest, None);
        FromClient::Subscribe(Subscribe { subscription, pattern, start, credit })
    };
    let all: Vec<_> = (1..=4_096).map(subscribe).collect();
    attacker.send(&all).await;
    let mut subscribed = 0;
    while subscribed < 4_096 {
        subscribed += usize::from(matches!(attacker.frame().await, FromPeer::Subscribed(_)));
    }
    let mut receiver = Client::welcomed(&relay, 2, 1).await;
    receiver.subscribe("chat.lobby.typing", Start::Latest).await;
    assert!(matches!(receiver.frame().await, FromPeer::CaughtUp(_)));
    let mut sender = Client::welcomed(&relay, 3, 1).await;
    // Each toggle took 135 ms, during which no ephemeral event was forwarded.
    let toggles: Vec<_> = (0..500_u32)
        .flat_map(|at| {
            let unsubscribe = Unsubscribe { subscription: 1 + at % 4_096 };
            [FromClient::Unsubscribe(unsubscribe), subscribe(1 + at % 4_096)]
        })
        .collect();
    for some in toggles.chunks(50) {
        attacker.send(some).await;
    }
    let began = Instant::now();
    for number in 0..100 {
        let FromClient::Publish(event) = publish(0, "chat.lobby.typing", &number.to_string())
        else {
            unreachable!()
        };
        sender.send(&[FromClient::Publish(Publish { number: None, ..event })]).await;
        assert_eq!(id_of(&receiver.event().await), number.to_string());
    }
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a28_the_newest_of_all_and_a_page_over_many_topics_are_there_at_once() {
    const EVENTS: u64 = 4_000;
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    let mut client = Client::welcomed(&relay, 1, 1).await;
    for first in (1..=EVENTS).step_by(500) {
        let event = |number: u64| {
            let event = publish(number, &format!("user.{number}.a"), &format!("e{number}"));
            let FromClient::Publish(event) = event else { unreachable!() };
            FromClient::Publish(Publish { lowest: Some(first), ..event })
        };
        let some: Vec<_> = (first..first + 500).map(event).collect();
        client.send(&some).await;
        for _ in &some {
            client.ack().await;
        }
    }
    let mut reader = Client::welcomed(&relay, 2, 1).await;
    reader.subscribe("user.*.a", Start::Last((1 << 53) - 1)).await;
    for number in 1..=EVENTS {
        assert_eq!(id_of(&reader.event().await), format!("e{number}"));
    }
    let mut other = Client::welcomed(&relay, 3, 1).await;
    other.subscribe("user.*.a", Start::Last(EVENTS - 3)).await;
    assert_eq!(id_of(&other.event().await), "e4");

    let mut reader = Client::welcomed(&relay, 4, 1).await;
    let (mut before, mut read) = (None, Vec::new());
    loop {
        let history = History {
            request: 1,
            pattern: "user.*.a".to_owned(),
            before,
            limit: 128,
            stream: Stream::MAIN,
        };
        reader.send(&[FromClient::History(history)]).await;
        let page = loop {
            match reader.frame().await {
                FromPeer::Page(page) => break page,
                FromPeer::Ping(_) => {}
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(page.refused, None);
        read.extend(page.entries.iter().map(|entry| entry.offset));
        before = page.next.map(|(_, next)| next);
        if before.is_none() {
            break;
        }
    }
    assert_eq!(read, (1..=EVENTS).rev().collect::<Vec<_>>());
}

fn join(key: &str, bytes: usize) -> FromClient {
    let (topic, key, data) = ("lobby".to_owned(), key.to_owned(), vec![0; bytes]);
    FromClient::Join(Join { topic, key, data })
}

#[tokio::test]
async fn a30_two_hundred_guests_of_an_address_fill_a_quarter_of_a_room_and_others_get_in() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    let (mut guests, mut refused) = (Vec::new(), 0);
    for id in 1..=200 {
        let mut guest = Client::welcomed_from(&relay, 2, id).await;
        guest.send(&[join("k", 4_000)]).await;
        // The response comes before the answer to the second of two pings.
        let mut is_refused = false;
        for number in 1..=2 {
            guest.send(&[FromClient::Ping(Ping { number })]).await;
            loop {
                match guest.frame().await {
                    FromPeer::NotPresent(answer) => {
                        assert_eq!(answer.code, RejectCode::TooMany);
                        is_refused = true;
                    }
                    FromPeer::Pong(_) => break,
                    other => panic!("{other:?}"),
                }
            }
        }
        refused += usize::from(is_refused);
        guests.push(guest);
    }
    assert_eq!(refused, 200 - 32);
    let mut other = Client::welcomed_from(&relay, 3, 201).await;
    let watch = AtTopic { topic: "lobby".to_owned() };
    other.send(&[join("other", 4_000), FromClient::Watch(watch)]).await;
    match other.frame().await {
        FromPeer::Present(present) => {
            assert_eq!(present.entries.len(), 33);
            assert!(present.entries.iter().any(|one| one.key == "other"));
        }
        answer => panic!("{answer:?}"),
    }
}

#[tokio::test]
async fn a39_wrong_secrets_keep_no_client_from_its_acks() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    let mut owner = Client::welcomed(&relay, 1, 1).await;
    for number in 1..=50 {
        for fence in [1, 2, 1 << 40] {
            let code = refused(&relay, hello_with(1, 9, fence)).await;
            assert_eq!(code, CloseCode::Unauthorized.code());
        }
        owner.send(&[publish(number, "a", &format!("e{number}"))]).await;
        assert_eq!(owner.ack().await.number, number);
    }
}

fn next_fence() -> u32 {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(2);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}
