//! The relay is killed again and again while it writes.

use std::time::{Duration, Instant};

use session::{FromClient, FromPeer, Publish, Start};

use crate::support::{Client, Process, id_of, publish};

const EVENTS: u64 = 3_000;
/// The number of events in flight.
const WINDOW: u64 = 200;

/// An event that says which answers are no longer needed.
fn numbered(number: u64, lowest: u64) -> FromClient {
    match publish(number, "a.b", &format!("e{number}")) {
        FromClient::Publish(publish) => {
            FromClient::Publish(Publish { lowest: Some(lowest), ..publish })
        }
        other => other,
    }
}

#[tokio::test]
async fn a_relay_that_is_killed_while_it_writes_keeps_what_it_acked_once_and_in_order() {
    let data = tempfile::tempdir().unwrap();
    let (mut answered, mut fence, mut offsets) = (0, 0, Vec::new());
    let mut slowest = Duration::ZERO;
    while answered < EVENTS {
        let began = Instant::now();
        let relay = Process::start(data.path());
        slowest = slowest.max(began.elapsed());
        fence += 1;
        let mut client = Client::connect(&relay).await;
        let welcome = client.hello(1, fence, answered + 1).await;
        assert!(welcome.highest >= answered);
        let mut sent = answered;
        // A different time for each life, from before its first commit to many commits later.
        let life = Duration::from_micros(700 * fence * fence);
        let end = tokio::time::Instant::now() + life;
        while answered < EVENTS {
            let until = (answered + WINDOW).min(EVENTS);
            let more: Vec<_> = (sent + 1..=until).map(|n| numbered(n, answered + 1)).collect();
            sent = until;
            if !more.is_empty() {
                client.send(&more).await;
            }
            match tokio::time::timeout_at(end, client.frame()).await {
                Ok(FromPeer::Ack(ack)) => {
                    answered += 1;
                    assert_eq!(ack.number, answered);
                    offsets.push(ack.position.offset);
                }
                Ok(other) => panic!("{other:?}"),
                Err(_) => break,
            }
        }
        relay.kill();
    }
    println!("killed {fence} times, and never took longer than {slowest:?} to start");
    assert!(fence > 5, "{fence}");
    assert_eq!(offsets, (1..=EVENTS).collect::<Vec<_>>());
    let relay = Process::start(data.path());
    let mut reader = Client::welcomed(&relay, 2, 1).await;
    assert_eq!(reader.subscribe(">", Start::Earliest).await.head.offset, EVENTS);
    for number in 1..=EVENTS {
        let event = reader.event().await;
        assert_eq!((event.offset, id_of(&event)), (Some(number), format!("e{number}")));
    }
}
