//! What a client cannot do to its peer: overflowing numbers, endless queries, silence, and names that are not its
//! own.

#[cfg(feature = "json")]
#[path = "hostile/json.rs"]
mod json;
mod peer;
mod raw;

use peer::{Peer, body, hello, subscribe};
use raw::{bytes, frame, number, position, text};
use session::server::{Answer, Effect, Located, Query};
use session::*;

const BEYOND: [u64; 2] = [1 << 53, u64::MAX];

/// The close that follows these bytes.
fn closed_after(message: &[u8]) -> Option<CloseCode> {
    let mut peer = Peer::welcomed(3);
    peer.server.received(message, 0);
    peer.run();
    peer.closed
}

#[test]
fn numbers_beyond_2_to_the_53_end_the_connection_that_says_them() {
    let publish = |number_, lowest: Option<u64>| {
        let mut fields = vec![(0, number(number_)), (1, vec![0]), (2, text("a"))];
        fields.push((3, bytes(&body("e").encode())));
        fields.extend(lowest.map(|lowest| (4, number(lowest))));
        frame(6, &fields)
    };
    let resume = |epoch, offset| {
        let start = [&[0x82, 3][..], &position(epoch, offset)].concat();
        frame(2, &[(0, vec![1]), (1, text("a")), (2, start)])
    };
    let wrong = Some(CloseCode::ProtocolError);
    for beyond in BEYOND {
        assert_eq!(closed_after(&publish(beyond, None)), wrong, "{beyond}");
        assert_eq!(closed_after(&publish(1, Some(beyond))), wrong, "{beyond}");
        assert_eq!(closed_after(&resume(1, beyond)), wrong, "{beyond}");
        assert_eq!(
            closed_after(&frame(12, &[(0, vec![1]), (1, number(beyond)), (2, vec![1])])),
            wrong
        );
        assert_eq!(closed_after(&frame(13, &[(0, number(beyond))])), wrong);
        // An epoch is random and only compared. Under an unknown key anything is allowed.
        assert_eq!(closed_after(&resume(beyond, MAX_NUMBER)), None, "{beyond}");
        assert_eq!(closed_after(&frame(13, &[(0, vec![1]), (22, number(beyond))])), None);
        for (fence, lowest) in [(beyond, 1), (1, beyond)] {
            let mut peer = Peer::new(0);
            let fields = [
                (0, [&[0x50][..], &[1; 16]].concat()),
                (1, bytes(&[2; 32])),
                (2, number(fence)),
                (3, number(lowest)),
            ];
            peer.server.received(&frame(0, &fields), 0);
            assert!(peer.run().iter().all(|it| matches!(it, FromPeer::Bye(_))));
            assert_eq!(peer.closed, wrong, "fence {fence}, lowest {lowest}");
        }
    }
    assert_eq!(closed_after(&publish(MAX_NUMBER, Some(MAX_NUMBER))), None);
}

#[test]
fn a_client_takes_no_number_beyond_2_to_the_53_from_a_peer() {
    let place = position(u64::MAX, 1);
    let some_head = |offset| position(7, offset);
    for beyond in BEYOND {
        for wrong in [
            frame(1, &[(0, text("p")), (1, number(beyond)), (3, vec![1]), (4, vec![1])]),
            frame(3, &[(0, vec![1]), (1, some_head(beyond))]),
            frame(7, &[(0, number(beyond)), (1, place.clone()), (2, vec![1])]),
            frame(7, &[(0, vec![1]), (1, some_head(beyond)), (2, vec![1])]),
            frame(10, &[(0, vec![1]), (1, number(beyond)), (2, place.clone())]),
            frame(11, &[(0, vec![1]), (1, vec![1]), (2, number(beyond))]),
            frame(25, &[(0, text("t")), (2, [&[0x81][..], &number(beyond)].concat())]),
        ] {
            assert!(FromPeer::decode(&wrong).all(|frame| frame.is_err()), "{wrong:x?}");
        }
        // An earlier version's way to say "from the head".
        let page = frame(23, &[(0, vec![1]), (1, number(beyond)), (3, number(beyond))]);
        let Some(Ok(FromPeer::Page(page))) = FromPeer::decode(&page).next() else { panic!() };
        assert_eq!((page.epoch, page.next), (beyond, Some((Stream::MAIN, MAX_NUMBER))));
    }
    let ack = frame(7, &[(0, vec![1]), (1, place), (2, vec![1])]);
    assert!(matches!(FromPeer::decode(&ack).next(), Some(Ok(FromPeer::Ack(_)))));
}

#[test]
fn the_last_however_many_events_are_at_most_all() {
    for count in [MAX_NUMBER, 1 << 53, u64::MAX] {
        let mut peer = Peer::welcomed(3);
        let start = [&[0x82, 2][..], &number(count)].concat();
        peer.server.received(&frame(2, &[(0, vec![1]), (1, text("a")), (2, start)]), 0);
        let mut asked = None;
        while let Some(effect) = peer.server.poll() {
            if let Effect::Query(_, Query::Locate { start, .. }) = effect {
                asked = Some(start);
            }
        }
        assert_eq!(asked, Some(Start::Last(MAX_NUMBER)), "{count}");
        let history = frame(
            17,
            &[(0, vec![1]), (1, text("a")), (2, number(count)), (3, number(u32::MAX.into()))],
        );
        let mut peer = Peer::welcomed(3);
        peer.server.received(&history, 0);
        let Some(FromPeer::Page(page)) = peer.run().pop() else { panic!() };
        assert_eq!(page.entries.len(), 3, "{count}");
    }
}

#[test]
fn a_subscription_starts_after_at_most_64_positions() {
    let after = |count: usize| {
        let place = |at: usize| Position {
            stream: Stream::named(&format!("s{at}")),
            ..Position::start_of(7)
        };
        Start::After((0..count).map(place).collect())
    };
    for (count, is_refused) in [(64, false), (65, true), (10_000, true)] {
        let mut peer = Peer::welcomed(1);
        peer.say(subscribe(1, "a", after(count), None), 0);
        assert!(peer.server.query_bytes() < 64 << 10);
        let frames = peer.run();
        let refused = frames
            .iter()
            .any(|it| matches!(it, FromPeer::Refused(it) if it.code == RejectCode::TooMany));
        assert_eq!(refused, is_refused, "{count}: {frames:?}");
        assert_eq!(peer.closed, None);
    }
}

/// Attack 26: queries that are no longer wanted cost nothing, and a client with too many open queries is not read.
#[test]
fn questions_to_the_store_are_bounded() {
    let place = Position { id: Some("x".repeat(1_000)), ..Position::start_of(7) };
    let positions = vec![place; MAX_POSITIONS];
    let mut peer = Peer::welcomed(1);
    for number in 0..100_000 {
        peer.say(subscribe(number, "a", Start::After(positions[..1].to_vec()), None), 0);
        peer.say(FromClient::Unsubscribe(Unsubscribe { subscription: number }), 0);
    }
    assert_eq!((peer.server.query_bytes(), peer.server.is_full()), (0, false));

    let mut asked = 0;
    while !peer.server.is_full() {
        peer.say(subscribe(100_000 + asked, "a", Start::After(positions.clone()), None), 0);
        asked += 1;
    }
    assert!((3..6).contains(&asked), "{asked}");
    assert!(peer.server.query_bytes() < 512 << 10);
    // The client is not to blame for not being read.
    for hour in 1..5 {
        peer.server.tick(hour * 3_600_000);
    }
    assert_eq!(peer.closed, None);
    let frames = peer.run();
    assert_eq!(peer::caught_up(&frames), asked as usize);
    assert_eq!((peer.server.query_bytes(), peer.server.is_full()), (0, false));
}

#[test]
fn queries_are_asked_one_at_a_time_and_cancelled_ones_are_not_asked() {
    let mut peer = Peer::welcomed(1);
    for number in 1..=3 {
        peer.say(subscribe(number, "a", Start::Earliest, None), 0);
    }
    let Some(Effect::Query(ticket, Query::Locate { .. })) = peer.server.poll() else { panic!() };
    assert_eq!(peer.server.poll(), None);
    for number in [1, 2] {
        peer.say(FromClient::Unsubscribe(Unsubscribe { subscription: number }), 0);
    }
    peer.server.answer(ticket, Answer::Located(Located::Unavailable));
    let frames = peer.run();
    let reported: Vec<u32> = frames
        .iter()
        .filter_map(
            |it| if let FromPeer::Subscribed(it) = it { Some(it.subscription) } else { None },
        )
        .collect();
    assert_eq!((reported, peer.closed), (vec![3], None));
}

#[test]
fn a_client_without_a_hello_for_ten_seconds_is_closed_whatever_it_pings() {
    let mut peer = Peer::new(0);
    for second in 1..10 {
        peer.server.heard(second * 1_000);
        peer.server.tick(second * 1_000);
        peer.run();
        assert_eq!((peer.closed, peer.server.deadline()), (None, 10_000));
    }
    peer.server.heard(9_999);
    peer.server.tick(10_000);
    peer.run();
    assert_eq!(peer.closed, Some(CloseCode::Silent));

    let mut peer = Peer::new(0);
    peer.say(hello(None), 9_999);
    peer.run();
    peer.server.tick(10_000);
    peer.run();
    assert_eq!((peer.closed, peer.server.deadline()), (None, 29_999));
}

/// The body that is logged, or the reason why none is.
fn logged(peer: &mut Peer, body: &Body) -> Result<Body, RejectCode> {
    let (topic, name) = (0, Some("a".to_owned()));
    peer.asked.clear();
    peer.say(
        FromClient::Publish(Publish {
            number: Some(1),
            topic,
            name,
            body: body.encode(),
            lowest: None,
        }),
        peer_now(),
    );
    peer.run();
    match peer.asked.pop() {
        Some(Effect::Append(append)) => append.event.map(|(_, body)| body).map_err(|it| it.code),
        other => panic!("{other:?}"),
    }
}

/// Ten minutes on the peer's clock.
fn peer_now() -> Millis {
    600_000
}

#[test]
fn what_only_a_peer_says_is_an_illegal_event() {
    for name in [
        "data",
        "datacontenttype",
        "dataschema",
        "id",
        "source",
        "specversion",
        "time",
        "type",
        "authid",
        "authtype",
        "dssematerial",
        "stream",
        "epoch",
        "sequence",
        "prev",
        "ephemeral",
    ] {
        let extensions = vec![(name.to_owned(), Extension::Text("1".to_owned()))];
        let said = logged(&mut Peer::welcomed(0), &Body { extensions, ..body("e") });
        assert_eq!(said, Err(RejectCode::IllegalEvent), "{name}");
    }
    for name in ["partitionkey", "subject", "traceparent", "datax"] {
        let extensions = vec![(name.to_owned(), Extension::Text("1".to_owned()))];
        assert!(
            logged(&mut Peer::welcomed(0), &Body { extensions, ..body("e") }).is_ok(),
            "{name}"
        );
    }
}

#[test]
fn a_source_that_leads_elsewhere_is_an_illegal_event_and_another_names_its_client_first() {
    for source in [
        "../clients/02020202020202020202020202020202",
        "a/%2e%2e/b",
        "//host",
        "a//b",
        "a?b",
        "a\n",
    ] {
        let said = logged(&mut Peer::welcomed(0), &Body { source: source.to_owned(), ..body("e") });
        assert_eq!(said, Err(RejectCode::IllegalEvent), "{source}");
    }
    let own = "/clients/01010101010101010101010101010101";
    for (source, expected) in [
        ("", own.to_owned()),
        ("/", own.to_owned()),
        ("/a/b", format!("{own}/a/b")),
        ("02020202020202020202020202020202", format!("{own}/02020202020202020202020202020202")),
        ("https://example.org/a", format!("{own}/https://example.org/a")),
    ] {
        let said = logged(&mut Peer::welcomed(0), &Body { source: source.to_owned(), ..body("e") });
        assert_eq!(said.unwrap().source, expected);
    }
}

#[test]
fn an_event_has_the_time_of_its_arrival_if_it_has_none_near_it() {
    let wall = 1_795_424_400_000;
    let arrival = wall + peer_now();
    let day = 24 * 3_600_000;
    for (time, expected) in [
        (None, arrival),
        (Some(0), arrival),
        (Some(arrival - 32 * day), arrival),
        (Some(arrival - 30 * day), arrival - 30 * day),
        (Some(arrival + 9 * 60_000), arrival + 9 * 60_000),
        (Some(arrival + 11 * 60_000), arrival),
        (Some(u64::MAX), arrival),
    ] {
        let mut peer = Peer::welcomed(0);
        peer.server.set_clock(0, wall);
        let said = logged(&mut peer, &Body { time, nanoseconds: 7, ..body("e") }).unwrap();
        let nanoseconds = if time == Some(expected) { 7 } else { 0 };
        assert_eq!((said.time, said.nanoseconds), (Some(expected), nanoseconds), "{time:?}");
        // Without a clock the time stays unchanged.
        let said = logged(&mut Peer::welcomed(0), &Body { time, ..body("e") }).unwrap();
        assert_eq!(said.time, time.map(|time| time.min(MAX_NUMBER)));
    }
}

#[test]
fn an_ephemeral_event_has_the_time_of_its_arrival_too() {
    let mut peer = Peer::welcomed(0);
    peer.server.set_clock(0, 1_795_424_400_000);
    let (topic, name) = (0, Some("a".to_owned()));
    peer.say(
        FromClient::Publish(Publish {
            number: None,
            topic,
            name,
            body: body("e").encode(),
            lowest: None,
        }),
        5,
    );
    peer.run();
    let Some(Effect::Forward(event)) = peer.asked.pop() else { panic!() };
    assert_eq!(Body::decode(&event.body).unwrap().time, Some(1_795_424_400_005));
}
