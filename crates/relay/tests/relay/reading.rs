//! Reading under credit, backwards, and past trimmed ranges.

use session::{
    Credit, FromClient, FromPeer, History, HistoryPage, Ping, Position, Start, Stream, Subscribe,
};

use crate::support::{Client, Process, id_of, publish, publish_sized};

async fn events(relay: &Process, count: u64, topics: u64) -> (Client, u64) {
    let mut client = Client::welcomed(relay, 1, 1).await;
    let mut epoch = 0;
    for number in 1..=count {
        let topic = format!("room.{}.text", number % topics);
        client.send(&[publish(number, &topic, &format!("e{number}"))]).await;
        epoch = client.ack().await.position.epoch;
    }
    (client, epoch)
}

#[tokio::test]
async fn a_subscriber_without_credit_is_sent_nothing_and_catches_up_when_it_has_some() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    let (mut publisher, _) = events(&relay, 5, 1).await;
    let mut slow = Client::welcomed(&relay, 2, 1).await;
    slow.subscribe_with("room.>", Start::Earliest, Some((3, 1 << 20))).await;
    for offset in 1..=3 {
        assert_eq!(slow.event().await.offset, Some(offset));
    }
    for number in 6..=300 {
        publisher.send(&[publish(number, "room.0.text", &format!("e{number}"))]).await;
        publisher.ack().await;
    }
    slow.send(&[FromClient::Ping(Ping { number: 1 })]).await;
    assert_eq!(slow.frame().await, FromPeer::Pong(Ping { number: 1 }));
    slow.send(&[FromClient::Credit(Credit { subscription: 1, events: 400, bytes: 0 })]).await;
    let mut previous = Some(3);
    for offset in 4..=300 {
        let event = slow.event().await;
        assert_eq!((event.offset, event.recipients[0].previous), (Some(offset), previous));
        previous = event.offset;
    }
    publisher.send(&[publish(301, "room.0.text", "live")]).await;
    assert_eq!(id_of(&slow.event().await), "live");
}

async fn page(client: &mut Client, pattern: &str, before: Option<u64>) -> HistoryPage {
    let (pattern, limit, stream) = (pattern.to_owned(), 4, Stream::MAIN);
    let ask = History { request: 3, pattern, before, limit, stream };
    client.send(&[FromClient::History(ask)]).await;
    match client.frame().await {
        FromPeer::Page(page) => page,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn history_is_paged_backwards_for_one_topic_and_for_many() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    let (mut client, epoch) = events(&relay, 30, 3).await;
    for (pattern, step) in [("room.0.text", 3), ("room.*.text", 1), (">", 1), ("*.0.*", 3)] {
        let (mut offsets, mut before) = (Vec::new(), None);
        loop {
            let page = page(&mut client, pattern, before).await;
            assert_eq!((page.request, page.epoch, page.refused), (3, epoch, None));
            offsets.extend(page.entries.iter().map(|entry| entry.offset));
            before = page.next.map(|(_, before)| before);
            if before.is_none() {
                break;
            }
        }
        let expected: Vec<u64> = (1..=30).rev().filter(|offset| offset % step == 0).collect();
        assert_eq!(offsets, expected, "{pattern}");
    }
    assert_eq!(page(&mut client, "nothing", None).await.entries, []);
}

#[tokio::test]
async fn a_subscriber_that_resumes_into_a_trimmed_range_learns_it() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start_with(data.path(), &["--keep-events", "3"]);
    let (mut client, epoch) = events(&relay, 10, 1).await;
    let mut late = Client::welcomed(&relay, 2, 1).await;
    let start = Start::After(vec![Position { offset: 1, ..Position::start_of(epoch) }]);
    late.subscribe("room.>", start).await;
    match late.frame().await {
        FromPeer::Gap(gap) => assert_eq!((gap.from, gap.to), (2, 7)),
        other => panic!("{other:?}"),
    }
    let event = late.event().await;
    assert_eq!((event.offset, event.recipients[0].previous), (Some(8), Some(7)));
    // A subscription that waited for credit while the log was trimmed.
    let mut slow = Client::welcomed(&relay, 3, 1).await;
    slow.subscribe_with("room.>", Start::Earliest, Some((1, 1 << 20))).await;
    assert_eq!(slow.event().await.offset, Some(8));
    for number in 11..=20 {
        client.send(&[publish(number, "room.0.text", &format!("e{number}"))]).await;
        client.ack().await;
    }
    slow.send(&[FromClient::Credit(Credit { subscription: 1, events: 9, bytes: 0 })]).await;
    match slow.frame().await {
        FromPeer::Gap(gap) => assert_eq!((gap.from, gap.to), (9, 17)),
        other => panic!("{other:?}"),
    }
    let event = slow.event().await;
    assert_eq!((event.offset, event.recipients[0].previous), (Some(18), Some(17)));
}

#[tokio::test]
async fn a_final_reject_is_an_outcome_that_is_kept() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    let mut client = Client::welcomed(&relay, 1, 1).await;
    client.send(&[publish(1, "a..b", "e1"), publish(2, "a", "e2")]).await;
    let FromPeer::Reject(first) = client.frame().await else { panic!() };
    assert_eq!((first.number, first.retry), (1, None));
    assert_eq!(client.ack().await.number, 2);
    relay.kill();
    let relay = Process::start(data.path());
    let mut client = Client::connect(&relay).await;
    assert_eq!(client.hello(1, 2, 1).await.highest, 2);
    // Not decided again: the event that has that number now does not matter.
    client.send(&[publish(1, "a", "e1")]).await;
    assert_eq!(client.frame().await, FromPeer::Reject(first));
}

#[tokio::test]
async fn a_reader_that_takes_nothing_catches_up_from_the_log_on_each_subscription() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    let mut reader = Client::welcomed(&relay, 2, 1).await;
    for (subscription, pattern) in [(1, "big"), (2, "*")] {
        let (pattern, start) = (pattern.to_owned(), Start::Latest);
        let subscribe = Subscribe { subscription, pattern, start, credit: None };
        reader.send(&[FromClient::Subscribe(subscribe)]).await;
        assert!(matches!(reader.frame().await, FromPeer::Subscribed(_)));
        assert!(matches!(reader.frame().await, FromPeer::CaughtUp(_)));
    }
    // More than the sockets hold, and more than the relay keeps in memory.
    let mut publisher = Client::welcomed(&relay, 1, 1).await;
    let count = 160;
    for number in 1..=count {
        let topic = if number % 8 == 0 { "small" } else { "big" };
        publisher.send(&[publish_sized(number, topic, 200 << 10)]).await;
        publisher.ack().await;
    }
    let (mut big, mut all) = (vec![Some(0)], vec![Some(0)]);
    let mut lagged = false;
    while all.len() as u64 <= count || big.len() as u64 <= count / 8 * 7 {
        let event = reader.event().await;
        // A live event is sent once for both.
        lagged |= matches!(event.recipients[..], [head] if head.subscription == 1);
        for head in event.recipients {
            let reported = if head.subscription == 1 { &mut big } else { &mut all };
            assert_eq!(head.previous, *reported.last().unwrap(), "a hole");
            reported.push(event.offset);
        }
    }
    assert!(all.iter().copied().eq((0..=count).map(Some)));
    assert!(lagged, "the relay had it all at hand");
    publisher.send(&[publish(count + 1, "big", "live")]).await;
    let live = reader.event().await;
    assert_eq!((id_of(&live).as_str(), live.recipients.len()), ("live", 2));
}
