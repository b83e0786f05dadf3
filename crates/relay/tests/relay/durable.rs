//! Acknowledged events stay in the log, once and in one order.

use session::{CloseCode, FromClient, FromPeer, Hello, Position, Publish, RejectCode, Start};

use crate::support::{Client, Process, hello, id_of, publish};

#[tokio::test]
async fn a_repeat_gets_the_same_answer_also_after_the_relay_was_killed() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    let mut client = Client::welcomed(&relay, 1, 1).await;
    client.send(&[publish(1, "a.b", "e1"), publish(2, "a.b", "e2")]).await;
    let (first, second) = (client.ack().await, client.ack().await);
    assert_eq!((first.position.offset, second.position.offset), (1, 2));
    client.send(&[publish(1, "a.b", "e1")]).await;
    let again = client.ack().await;
    assert_eq!((again.number, again.position.offset), (1, 1));
    relay.kill();

    let relay = Process::start(data.path());
    let mut client = Client::connect(&relay).await;
    let welcome = client.hello(1, 2, 1).await;
    assert_eq!((welcome.highest, welcome.highest_id.as_deref()), (2, Some("e2")));
    client.send(&[publish(1, "a.b", "e1"), publish(2, "a.b", "e2"), publish(3, "a.b", "e3")]).await;
    for offset in 1..=3 {
        let ack = client.ack().await;
        let place = (ack.number, ack.position.offset, ack.position.epoch);
        assert_eq!(place, (offset, offset, first.position.epoch));
    }
    // The same event under another number is the same event.
    client.send(&[publish(4, "a.b", "e1")]).await;
    assert_eq!(client.ack().await.position.offset, 1);
}

#[tokio::test]
async fn a_client_that_only_reads_is_fenced_and_leaves_no_record() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    let reads = async |relay: &Process, fence| {
        let mut client = Client::connect(relay).await;
        let hello = Hello { reading: true, ..Hello::new([1; 16], [1; 32], fence) };
        client.send(&[FromClient::Hello(hello)]).await;
        let frame = client.frame().await;
        assert!(matches!(&frame, FromPeer::Welcome(it) if it.reading), "{frame:?}");
        client
    };
    let mut first = reads(&relay, 3).await;
    let mut newest = reads(&relay, 4).await;
    assert_eq!(first.close_code().await, CloseCode::Fenced.code());
    let mut late = Client::connect(&relay).await;
    let hello_late = Hello { reading: true, ..Hello::new([1; 16], [1; 32], 2) };
    late.send(&[FromClient::Hello(hello_late)]).await;
    assert_eq!(late.close_code().await, CloseCode::Fenced.code());
    newest.subscribe("a", Start::Latest).await;
    relay.kill();

    let relay = Process::start(data.path());
    let mut client = reads(&relay, 1).await;
    client.send(&[hello(1, 1, 1)]).await;
    assert!(matches!(client.frame().await, FromPeer::Welcome(it) if !it.reading));
    client.send(&[publish(1, "a", "e1")]).await;
    assert_eq!(client.ack().await.position.offset, 1);
    let mut again = Client::connect(&relay).await;
    let hello = Hello { reading: true, ..Hello::new([1; 16], [9; 32], 2) };
    again.send(&[FromClient::Hello(hello)]).await;
    assert_eq!(again.close_code().await, CloseCode::Unauthorized.code(), "it has a record");
}

#[tokio::test]
async fn what_was_acknowledged_before_a_kill_is_read_after_it_once_and_in_order() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    let mut client = Client::welcomed(&relay, 1, 1).await;
    let sent: Vec<_> = (1..=400).map(|n| publish(n, "a.b", &format!("e{n}"))).collect();
    client.send(&sent).await;
    let mut acknowledged = 0;
    while acknowledged < 100 {
        acknowledged = client.ack().await.number;
    }
    relay.kill();

    let relay = Process::start(data.path());
    let mut client = Client::connect(&relay).await;
    let highest = client.hello(1, 2, 1).await.highest;
    assert!(highest >= acknowledged);
    client.send(&sent).await;
    for number in 1..=400 {
        assert_eq!(client.ack().await.position.offset, number);
    }
    let mut reader = Client::welcomed(&relay, 2, 1).await;
    reader.subscribe(">", Start::Earliest).await;
    for number in 1..=400 {
        assert_eq!(id_of(&reader.event().await), format!("e{number}"));
    }
}

#[tokio::test]
async fn a_subscriber_resumes_after_its_position_and_learns_when_that_is_of_another_log() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    let mut client = Client::welcomed(&relay, 1, 1).await;
    client.send(&[publish(1, "a", "e1"), publish(2, "b", "x"), publish(3, "a", "e3")]).await;
    let first = client.ack().await.position;
    client.ack().await;
    client.ack().await;

    let mut reader = Client::welcomed(&relay, 2, 1).await;
    let head = reader.subscribe("a", Start::After(vec![first.clone()])).await.head;
    assert_eq!((head.offset, head.id.as_deref()), (3, Some("e3")));
    let event = reader.event().await;
    assert_eq!((id_of(&event).as_str(), event.recipients[0].previous), ("e3", Some(1)));

    let epoch = first.epoch;
    for strange in [
        Position { epoch: epoch ^ 1, ..first.clone() },
        Position { offset: 9, ..first.clone() },
        Position { id: Some("other".to_owned()), ..first.clone() },
    ] {
        let mut reader = Client::welcomed(&relay, 3, u64::from(next_fence())).await;
        assert!(reader.subscribe("a", Start::After(vec![strange])).await.reset);
    }
}

#[tokio::test]
async fn the_newest_events_of_a_pattern_are_replayed_before_the_live_ones() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    let mut client = Client::welcomed(&relay, 1, 1).await;
    for number in 1..=30 {
        let topic = format!("room.{}.text", number % 3);
        client.send(&[publish(number, &topic, &format!("e{number}"))]).await;
        client.ack().await;
    }
    let mut one = Client::welcomed(&relay, 2, 1).await;
    one.subscribe("room.1.text", Start::Last(2)).await;
    let mut all = Client::welcomed(&relay, 3, 1).await;
    all.subscribe("room.*.text", Start::Last(2)).await;
    client.send(&[publish(31, "room.1.text", "e31")]).await;
    for expected in ["e25", "e28", "e31"] {
        assert_eq!(id_of(&one.event().await), expected);
    }
    for expected in ["e29", "e30", "e31"] {
        assert_eq!(id_of(&all.event().await), expected);
    }
}

#[tokio::test]
async fn two_clients_that_publish_at_once_see_one_order() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    let mut clients = [Client::welcomed(&relay, 1, 1).await, Client::welcomed(&relay, 2, 1).await];
    for client in &mut clients {
        client.subscribe("a.>", Start::Latest).await;
    }
    for number in 1..=100 {
        for (name, client) in clients.iter_mut().enumerate() {
            client.send(&[publish(number, "a.b", &format!("{name}.{number}"))]).await;
        }
    }
    let mut orders = [Vec::new(), Vec::new()];
    for (client, order) in clients.iter_mut().zip(&mut orders) {
        for _ in 0..200 {
            let event = client.event().await;
            order.push((event.offset, id_of(&event)));
        }
    }
    assert_eq!(orders[0], orders[1]);
    let offsets: Vec<_> = orders[0].iter().map(|(offset, _)| offset.unwrap()).collect();
    assert_eq!(offsets, (1..=200).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_ephemeral_event_reaches_the_others_and_not_the_log() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    let mut sender = Client::welcomed(&relay, 1, 1).await;
    let mut other = Client::welcomed(&relay, 2, 1).await;
    sender.subscribe("a", Start::Latest).await;
    other.subscribe("a", Start::Latest).await;
    // Before this durable event arrives, the subscriptions may not be live yet.
    sender.send(&[publish(1, "a", "durable")]).await;
    assert_eq!(id_of(&sender.event().await), "durable");
    assert_eq!(id_of(&other.event().await), "durable");
    let FromClient::Publish(ephemeral) = publish(0, "a", "typing") else { unreachable!() };
    sender.send(&[FromClient::Publish(Publish { number: None, ..ephemeral })]).await;
    let event = other.event().await;
    assert_eq!((id_of(&event).as_str(), event.offset), ("typing", None));
    sender.send(&[publish(2, "a", "after")]).await;
    assert_eq!(id_of(&sender.event().await), "after");
}

#[tokio::test]
async fn a_newer_connection_of_a_client_ends_the_older_and_needs_the_secret() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    let mut older = Client::welcomed(&relay, 1, 1).await;
    let mut newer = Client::welcomed(&relay, 1, 2).await;
    assert_eq!(older.close_code().await, CloseCode::Fenced.code());
    let mut stale = Client::connect(&relay).await;
    stale.send(&[hello(1, 2, 1)]).await;
    assert_eq!(stale.close_code().await, CloseCode::Fenced.code());
    let FromClient::Hello(mut forged) = hello(1, 3, 1) else { unreachable!() };
    forged.secret = Some([9; 32]);
    let mut thief = Client::connect(&relay).await;
    thief.send(&[FromClient::Hello(forged)]).await;
    assert_eq!(thief.close_code().await, CloseCode::Unauthorized.code());
    newer.send(&[publish(1, "a", "e1")]).await;
    newer.ack().await;
}

#[tokio::test]
async fn a_number_whose_outcome_is_forgotten_is_rejected_as_stale() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    let mut client = Client::welcomed(&relay, 1, 1).await;
    client.send(&[publish(1, "a", "e1"), publish(2, "a", "e2")]).await;
    client.ack().await;
    client.ack().await;
    let mut client = Client::connect(&relay).await;
    client.hello(1, 2, 2).await;
    client.send(&[publish(1, "a", "e1")]).await;
    match client.frame().await {
        FromPeer::Reject(reject) => {
            assert_eq!((reject.code, reject.retry), (RejectCode::StaleNumber, None));
        }
        other => panic!("{other:?}"),
    }
    client.send(&[publish(2, "a", "e2")]).await;
    assert_eq!(client.ack().await.position.offset, 2);
}

#[tokio::test]
async fn a_relay_that_is_stopped_closes_with_a_code_to_reconnect() {
    let data = tempfile::tempdir().unwrap();
    let mut relay = Process::start(data.path());
    let mut client = Client::welcomed(&relay, 1, 1).await;
    relay.terminate();
    assert_eq!(client.close_code().await, CloseCode::GoingAway.code());
    drop(client);
    assert!(relay.wait().success());
}

#[test]
fn a_relay_that_is_stopped_as_soon_as_it_listens_ends_in_order() {
    let data = tempfile::tempdir().unwrap();
    for _ in 0..20 {
        let mut relay = Process::start(data.path());
        relay.terminate();
        let status = relay.wait();
        assert!(status.success(), "{status}");
    }
}

/// Fencing tokens that ascend.
fn next_fence() -> u32 {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
