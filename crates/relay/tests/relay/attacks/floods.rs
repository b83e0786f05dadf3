//! Floods: an address that floods slows only itself, and its memory is bounded.

use std::time::{Duration, Instant};

use futures_util::SinkExt;
use session::{Body, CloseCode, FromClient, FromPeer, Publish, Start, Subscribe};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{
    Client, PATIENCE, Process, assert_serves, publish, publish_alone, publish_sized, tcp_from,
};

fn ephemeral(topic: &str, bytes: usize) -> FromClient {
    let body = Body { id: "e".to_owned(), data: vec![b'1'; bytes], ..Body::default() }.encode();
    let name = Some(topic.to_owned());
    FromClient::Publish(Publish { number: None, topic: 0, name, body, lowest: None })
}

/// A connection from `127.0.0.host` that sends raw bytes after the handshake.
pub async fn bare(relay: &Process, host: u8) -> TcpStream {
    let mut socket = tcp_from(relay, host).await.unwrap();
    let request = format!(
        "GET /ws HTTP/1.1\r\nhost: {}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         sec-websocket-protocol: event-driven-kit.v1\r\n\r\n",
        relay.address
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(socket.read_u8().await.unwrap());
    }
    socket
}

/// The header of a masked binary frame of `bytes`, whose mask is zero.
pub fn header(bytes: u64) -> Vec<u8> {
    let mut header = vec![0x82, 0x80 | 127];
    header.extend(bytes.to_be_bytes());
    header.extend([0; 4]);
    header
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn unfinished_messages_share_a_bound_and_those_without_room_are_sent_away() {
    const COUNT: usize = 60;
    let data = tempfile::tempdir().unwrap();
    let options = [
        "--raise-limits",
        "1",
        "--memory",
        "16MiB",
        "--message-timeout",
        "6s",
        "--rate-bytes",
        "0",
    ];
    let relay = Process::start_with(data.path(), &options);
    let mut victim = Client::welcomed(&relay, 1, 1).await;
    // Ephemeral, so that the store's memory does not count.
    let large = |number| [ephemeral("a", 200 << 10), publish_alone(number, "a")];
    victim.send(&large(1)).await;
    victim.ack().await;
    let before = relay.memory();
    let mut attackers = Vec::new();
    for _ in 0..COUNT {
        let mut socket = bare(&relay, 2).await;
        attackers.push(tokio::spawn(async move {
            let mut message = header(2 << 20);
            message.resize((2 << 20) - 1, 0);
            // Part of the unread data stays in the kernel.
            let _ = socket.write_all(&message).await;
            let mut answer = Vec::new();
            let _ = socket.read_to_end(&mut answer).await;
            answer
        }));
    }
    let began = Instant::now();
    let (mut number, mut most) = (2, 0);
    while began.elapsed() < Duration::from_secs(3) {
        victim.send(&large(number)).await;
        victim.ack().await;
        number += 1;
        most = most.max(relay.memory());
    }
    let grown = most.saturating_sub(before);
    let bound = (16 << 20) + COUNT as u64 * (100 << 10);
    assert!(grown <= bound, "{grown} bytes more, at most {bound}");
    for attacker in attackers {
        let answer = attacker.await.unwrap();
        // A close frame with a code after which a client reconnects.
        let codes =
            [CloseCode::Overloaded, CloseCode::Silent].map(|code| code.code().to_be_bytes());
        let closes = |code: &[u8; 2]| answer.windows(2).any(|two| two == code);
        assert!(codes.iter().any(closes), "{answer:?}");
    }
    assert_serves(&relay).await;
}

#[tokio::test]
async fn a_message_for_which_there_is_no_memory_ends_with_a_time_to_come_again() {
    let data = tempfile::tempdir().unwrap();
    // 1 MiB for unfinished messages, a quarter for each address. The buffer of a message can be twice as large as what
    // has arrived. A message waits one second for memory.
    let options = ["--raise-limits", "1", "--memory", "2MiB", "--message-timeout", "6s"];
    let relay = Process::start_with(data.path(), &options);
    let began = |bytes: usize| {
        let mut message = header(1 << 20);
        message.resize(message.len() + bytes, 0);
        message
    };
    let mut holder = bare(&relay, 2).await;
    // The first fragment of a message, and a ping: once the pong is there, the relay has read the fragment.
    let mut fragment = header(120 << 10);
    fragment[0] = 0x02;
    fragment.resize(fragment.len() + (120 << 10), 0);
    fragment.extend([0x89, 0x80, 0, 0, 0, 0]);
    holder.write_all(&fragment).await.unwrap();
    assert_eq!([holder.read_u8().await.unwrap(), holder.read_u8().await.unwrap()], [0x8a, 0]);
    let mut starved = bare(&relay, 2).await;
    let sent = Instant::now();
    starved.write_all(&began(64 << 10)).await.unwrap();
    // Another address has its own memory.
    let mut other = Client::welcomed_from(&relay, 3, 1).await;
    other.send(&[ephemeral("a", 80 << 10), publish(1, "a", "e")]).await;
    other.ack().await;

    let mut answer = Vec::new();
    let read = starved.read_to_end(&mut answer);
    // Unread data resets the connection after the close frame.
    let _ = tokio::time::timeout(Duration::from_secs(30), read).await.expect("an end in time");
    assert!(sent.elapsed() >= Duration::from_secs(1), "{:?}", sent.elapsed());
    let code = CloseCode::Overloaded.code();
    assert!(answer[0] == 0x82 && answer[1] < 126, "{answer:?}");
    let (bye, close) = answer[2..].split_at(answer[1].into());
    match FromPeer::decode(bye).next() {
        Some(Ok(FromPeer::Bye(bye))) => assert!(bye.code == code && bye.retry > Some(0), "{bye:?}"),
        other => panic!("{other:?}"),
    }
    assert_eq!((close[0], &close[2..4]), (0x88, &code.to_be_bytes()[..]));

    drop(holder);
    let mut again = Client::welcomed_from(&relay, 2, 2).await;
    again.send(&[ephemeral("a", 80 << 10), publish(1, "a", "e")]).await;
    again.ack().await;
}

#[tokio::test]
async fn subscriptions_beyond_an_addresss_memory_end_the_connection_that_asks_for_them() {
    let data = tempfile::tempdir().unwrap();
    // 512 KiB for everything but unfinished messages, a quarter for each address.
    let relay = Process::start_with(data.path(), &["--raise-limits", "1", "--memory", "1MiB"]);
    let subscribe = |number: u32| {
        let (pattern, start) = (format!("{}.{number}", "x".repeat(200)), Start::Latest);
        FromClient::Subscribe(Subscribe { subscription: number, pattern, start, credit: None })
    };
    let subscribes = async |client: &mut Client, numbers: std::ops::Range<u32>| {
        let mut left = numbers.len();
        client.send(&numbers.map(subscribe).collect::<Vec<_>>()).await;
        while left > 0 {
            match client.frame().await {
                FromPeer::CaughtUp(_) => left -= 1,
                FromPeer::Subscribed(_) | FromPeer::Ping(_) => {}
                FromPeer::Bye(bye) => return Some(bye),
                other => panic!("{other:?}"),
            }
        }
        None
    };
    let mut client = Client::welcomed_from(&relay, 2, 1).await;
    assert_eq!(subscribes(&mut client, 1..100).await, None);
    // Returned memory can be used again.
    for number in 1..100 {
        client
            .send(&[FromClient::Unsubscribe(session::Unsubscribe { subscription: number })])
            .await;
    }
    assert_eq!(subscribes(&mut client, 100..250).await, None);
    let bye = subscribes(&mut client, 250..1_000).await.expect("too many for its share");
    assert!(bye.code == CloseCode::Overloaded.code() && bye.retry > Some(0), "{bye:?}");
    // Another address has its own memory, and a connection's first bytes are free.
    let mut other = Client::welcomed_from(&relay, 3, 2).await;
    assert_eq!(subscribes(&mut other, 1..100).await, None);
    let mut few = Client::welcomed_from(&relay, 2, 3).await;
    assert_eq!(subscribes(&mut few, 1..10).await, None);
    assert_serves(&relay).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn large_durable_events_take_no_more_memory_than_the_clients_and_the_caches_may() {
    const EVENT: usize = 250 << 10;
    const ALL: usize = 224 << 20;
    // What all clients together may fill, the cache of the log's file, and the newest durable events.
    const MOST: u64 = (64 + 32 + 16) << 20;
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start_with(data.path(), &["--raise-limits", "1", "--rate-bytes", "0"]);
    let before = relay.memory();
    let mut clients = Vec::new();
    for id in 1..=8 {
        clients.push((Client::welcomed_from(&relay, 2, id).await, 0));
    }
    let (mut sent, mut most) = (0, 0);
    while sent < ALL {
        for (client, number) in &mut clients {
            *number += 1;
            let FromClient::Publish(publish) = publish_sized(*number, "a", EVENT) else { panic!() };
            let publish = Publish { lowest: Some(*number), ..publish };
            client.send(&[FromClient::Publish(publish)]).await;
        }
        for (client, _) in &mut clients {
            client.ack().await;
        }
        sent += clients.len() * EVENT;
        most = most.max(relay.memory());
    }
    let connections = clients.len() as u64 * (100 << 10);
    let (grown, bound) = (most.saturating_sub(before), MOST + connections);
    assert!(grown <= bound, "{grown} bytes more, at most {bound}");
    // jemalloc, with which the relay is shipped, returns what was freed within some ten seconds.
    let (began, bound) = (Instant::now(), (64 << 20) + connections);
    let (client, number) = &mut clients[0];
    loop {
        let grown = relay.memory().saturating_sub(before);
        if grown <= bound {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{grown} bytes more are kept, at most {bound}");
        *number += 1;
        client.send(&[publish_alone(*number, "a")]).await;
        client.ack().await;
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_large_message_leaves_no_large_buffer_behind() {
    const COUNT: u8 = 60;
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    let mut clients = Vec::new();
    for id in 0..COUNT {
        clients.push(Client::welcomed_from(&relay, 2, id).await);
    }
    let before = relay.memory();
    for client in &mut clients {
        // Ephemeral, so that the store's memory does not count.
        let large = || ephemeral("a", 250 << 10);
        client.send(&[large(), large(), large(), publish(1, "a", "e")]).await;
        client.ack().await;
    }
    let grown = relay.memory().saturating_sub(before);
    let bound = (8 << 20) + u64::from(COUNT) * (100 << 10);
    assert!(grown <= bound, "{grown} bytes more, at most {bound}");
}

#[tokio::test]
async fn a_flood_of_bytes_is_slowed_to_its_rate() {
    let data = tempfile::tempdir().unwrap();
    let options = ["--raise-limits", "1", "--rate-bytes", "256KiB:512KiB"];
    let relay = Process::start_with(data.path(), &options);
    let mut reader = Client::welcomed(&relay, 1, 1).await;
    reader.subscribe("flood", Start::Latest).await;
    let mut flooder = Client::welcomed_from(&relay, 2, 2).await;
    let flooding = tokio::spawn(async move {
        let mut message = Vec::new();
        ephemeral("flood", 100 << 10).encode(&mut message);
        while flooder.socket.send(Message::Binary(message.clone().into())).await.is_ok() {}
    });
    let began = Instant::now();
    let mut events = 0_u64;
    while began.elapsed() < Duration::from_secs(3) {
        let event = tokio::time::timeout(Duration::from_secs(1), reader.event()).await;
        events += u64::from(event.is_ok());
    }
    flooding.abort();
    // A burst, three seconds, and one in flight. It is a flood nevertheless.
    let most = (512 + 4 * 256) / 100 + 1;
    assert!((5..=most).contains(&events), "{events} events");
    assert_serves(&relay).await;
}

#[tokio::test]
async fn publishes_beyond_the_rate_wait_and_the_client_hears_that_the_relay_is_there() {
    let data = tempfile::tempdir().unwrap();
    let options = ["--raise-limits", "1", "--rate-publishes", "40:20"];
    let relay = Process::start_with(data.path(), &options);
    let mut client = Client::welcomed_from(&relay, 2, 1).await;
    let began = Instant::now();
    let all: Vec<_> = (1..=200).map(|number| publish(number, "a", &format!("e{number}"))).collect();
    client.send(&all).await;
    let (mut acked, mut signs, mut last) = (0, 0, 0);
    while acked < 200 {
        match client.frame().await {
            FromPeer::Ack(ack) => {
                acked += 1;
                assert!(std::mem::replace(&mut last, ack.position.offset) < ack.position.offset);
            }
            FromPeer::Ping(_) => signs += 1,
            other => panic!("{other:?}"),
        }
        if acked == 100 {
            assert_serves(&relay).await;
        }
    }
    // The last part waits for room: 128 less a burst, at 40 per second.
    assert!(began.elapsed() >= Duration::from_millis(2_500), "{:?}", began.elapsed());
    assert!(signs >= 1);
    // The client is slower, but not locked out.
    client.send(&[publish(201, "a", "last")]).await;
    client.ack().await;
}
