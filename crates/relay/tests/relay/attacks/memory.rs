//! Everything that an address can fill shares one bound of memory.

use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use session::{FromClient, Join, Publish};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::Message;

use super::floods::{bare, header};
use crate::support::{Client, Process, assert_serves, publish, publish_sized};

const UNFINISHED: usize = 30;
const WRITERS: u8 = 8;
const GUESTS: u8 = 60;

/// Publishes durable events as fast as the relay reads them, and reads the answers.
async fn flood(client: Client) {
    let (mut up, mut down) = client.socket.split();
    let answers = async { while let Some(Ok(_)) = down.next().await {} };
    let events = async {
        for number in 1_u64.. {
            let FromClient::Publish(publish) = publish_sized(number, "a", 200 << 10) else {
                return;
            };
            let lowest = Some(number.saturating_sub(500).max(1));
            let mut message = Vec::new();
            FromClient::Publish(Publish { lowest, ..publish }).encode(&mut message);
            if up.send(Message::Binary(message.into())).await.is_err() {
                return;
            }
        }
    };
    tokio::join!(answers, events);
}

#[tokio::test]
async fn a25_unfinished_messages_queued_writes_and_presence_at_once_share_a_bound() {
    let data = tempfile::tempdir().unwrap();
    let rates = ["--rate-bytes", "0", "--rate-publishes", "0", "--rate-joins", "0"];
    let relay = Process::start_with(data.path(), &[&["--raise-limits", "1"], &rates[..]].concat());
    let mut victim = Client::welcomed(&relay, 100, 1).await;
    victim.send(&[publish(1, "b", "e1")]).await;
    victim.ack().await;
    let before = relay.memory();
    let mut attackers = Vec::new();
    for _ in 0..UNFINISHED {
        let mut socket = bare(&relay, 2).await;
        attackers.push(tokio::spawn(async move {
            let mut message = header(2 << 20);
            message.resize((2 << 20) - 1, 0);
            let _ = socket.write_all(&message).await;
            let _ = socket.read_to_end(&mut Vec::new()).await;
        }));
    }
    for id in 0..WRITERS {
        let client = Client::welcomed_from(&relay, 2, id).await;
        attackers.push(tokio::spawn(flood(client)));
    }
    for id in 0..GUESTS {
        let mut guest = Client::welcomed_from(&relay, 2, 101 + id).await;
        attackers.push(tokio::spawn(async move {
            for number in 0..64 {
                let (topic, key) = (format!("room.{number}"), format!("key{id}"));
                let join = Join { topic, key, data: vec![0; 4_000] };
                guest.send(&[FromClient::Join(join)]).await;
            }
            while let Some(Ok(_)) = guest.socket.next().await {}
        }));
    }
    let (began, mut number, mut most) = (Instant::now(), 2, 0);
    while began.elapsed() < Duration::from_secs(4) {
        let FromClient::Publish(next) = publish(number, "b", &format!("e{number}")) else {
            panic!()
        };
        // A fast machine passes the number of answers that the relay keeps.
        let next = Publish { lowest: Some(number), ..next };
        victim.send(&[FromClient::Publish(next)]).await;
        victim.ack().await;
        number += 1;
        most = most.max(relay.memory());
    }
    attackers.iter().for_each(tokio::task::JoinHandle::abort);
    let connections = attackers.len() as u64;
    let grown = most.saturating_sub(before);
    let bound = (64 << 20) + connections * (100 << 10);
    assert!(grown <= bound, "{grown} bytes more, at most {bound}");
    assert_serves(&relay).await;
}
