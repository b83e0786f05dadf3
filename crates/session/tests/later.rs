//! A fictional later version on one end, and this version on the other. The link works, and what is new is skipped,
//! refused or replaced by the nearest known value.

mod dialogue;
mod peer;
mod raw;

use dialogue::Dialogue;
use peer::{Peer, caught_up};
use raw::{bytes, frame, number, position, text};
use session::client::{ConnectionState, Effect, HistoryError, Outcome};
use session::*;
use topic::{Pattern, Topic};

/// Frames of unknown kinds, with what a later grammar may have in place of the map.
fn new_frames() -> Vec<Vec<u8>> {
    vec![
        frame(98, &[]),
        frame(97, &[(0, vec![1]), (1, position(1, 2))]),
        // Unbounded numbers, text keys, no map at all, more than two items.
        frame(200, &[(0, number(u64::MAX)), (9, text("new"))]),
        [&[0x82, 0x18, 99, 0xa1][..], &text("key"), &[0xf6]].concat(),
        [&[0x82, 0x18, 99][..], &text("no map")].concat(),
        vec![0x81, 0x18, 99],
        vec![0x84, 0x19, 0x40, 0x00, 0x80, 0xa0, 0xf5],
        [&[0x82][..], &number(u64::MAX), &[0xa0]].concat(),
        vec![0x9f, 0x18, 98, 0xbf, 0xff, 0xff],
    ]
}

#[test]
fn frames_of_unknown_kinds_are_skipped_by_both_ends() {
    let ping = frame(13, &[(0, vec![7])]);
    for new in new_frames() {
        let message = [&new[..], &ping, &new, &new, &ping].concat();
        let ping = || Ping { number: 7 };
        let up: Vec<_> = FromClient::decode(&message).collect();
        assert_eq!(up, [Ok(FromClient::Ping(ping())), Ok(FromClient::Ping(ping()))], "{new:x?}");
        let down: Vec<_> = FromPeer::decode(&message).collect();
        assert_eq!(down, [Ok(FromPeer::Ping(ping())), Ok(FromPeer::Ping(ping()))], "{new:x?}");
        for end in 1..new.len() {
            assert!(
                FromPeer::decode(&new[..end]).all(|frame| frame.is_err()),
                "{new:x?} up to {end}"
            );
        }
    }
}

#[test]
fn a_newer_client_is_served() {
    let mut peer = Peer::new(2);
    let hello = [
        (0, [&[0x50][..], &[1; 16]].concat()),
        (1, bytes(&[2; 32])),
        (2, vec![1]),
        (3, vec![1]),
        (20, bytes(&[4; 65])),
        (9, text("new")),
    ];
    let message = new_frames().into_iter().chain([frame(0, &hello)]).collect::<Vec<_>>().concat();
    peer.server.received(&message, 0);
    let frames = peer.run();
    let [FromPeer::Welcome(welcome)] = &frames[..] else { panic!("{frames:?}") };
    // What the client may send beyond version 1. Later kinds are added at the end.
    assert!(welcome.kinds.starts_with(&[28, 30]), "{:?}", welcome.kinds);

    for new in new_frames() {
        peer.server.received(&new, 0);
    }
    let unknown_starts = [
        vec![0x81, 0x04],
        [&[0x83, 9][..], &text("since"), &[0xf6]].concat(),
        [&[0x82][..], &number(u64::MAX), &[0]].concat(),
        [&[0xa1, 0][..], &text("map")].concat(),
    ];
    for (subscription, start) in (1..).zip(&unknown_starts) {
        let fields =
            [(0, vec![subscription]), (1, text("a")), (2, start.clone()), (9, text("new"))];
        peer.server.received(&frame(2, &fields), 0);
        let frames = peer.run();
        let [FromPeer::Refused(refused)] = &frames[..] else { panic!("{frames:?}") };
        let expected = (u32::from(subscription), RejectCode::IllegalEvent);
        assert_eq!((refused.subscription, refused.code), expected);
    }
    let known = [(0, vec![9]), (1, text("a")), (2, vec![0x83, 1, 2, 3]), (9, text("new"))];
    peer.server.received(&frame(2, &known), 0);
    assert_eq!(caught_up(&peer.run()), 1);
    assert_eq!(peer.closed, None);
}

/// A long message is fed in parts, and skipped frames belong to it.
#[test]
fn a_long_message_of_a_newer_client_is_read_to_its_end() {
    let mut peer = Peer::welcomed(0);
    let mut message = Vec::new();
    for number in 1..=100 {
        message.extend(new_frames().concat());
        let body = Body { data: vec![b'1'; 1_000], ..peer::body(&number.to_string()) }.encode();
        let (topic, name) = (0, Some("a".to_owned()));
        FromClient::Publish(Publish { number: Some(number), topic, name, body, lowest: None })
            .encode(&mut message);
    }
    message.extend(new_frames().concat());
    peer.server.received(&message, 0);
    let mut appended = 0;
    while let Some(effect) = peer.server.poll() {
        match effect {
            session::server::Effect::Append(_) => appended += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(appended, 100);
}

/// A client welcomed by a peer that supports more than version 1.
fn with_newer_peer() -> Dialogue {
    let mut dialogue = Dialogue::new(client::Options::default());
    let kinds = [&[0x82, 0x18, 98][..], &number(MAX_NUMBER)].concat();
    let welcome = [
        (0, text("peer")),
        (1, vec![0]),
        (3, vec![0x19, 0x4e, 0x20]),
        (4, vec![0x1a, 0, 0x10, 0, 0]),
        (6, text("ann")),
        (7, vec![0xa0]),
        (8, kinds),
        (10, vec![0x80]),
    ];
    hear(&mut dialogue, &frame(1, &welcome));
    dialogue.heard();
    dialogue
}

fn hear(dialogue: &mut Dialogue, message: &[u8]) {
    dialogue.client.received(message, dialogue.now);
    dialogue.run();
}

fn publish(dialogue: &mut Dialogue, id: &str) {
    let body = Body { id: id.to_owned(), ..Body::default() };
    dialogue.client.publish(Topic::parse("a").unwrap(), &body, dialogue.now).unwrap();
    dialogue.run();
}

fn settled(dialogue: &Dialogue) -> Vec<(&str, &Outcome)> {
    let settled = dialogue.effects.iter().filter_map(|effect| match effect {
        Effect::Settled { id, outcome, .. } => Some((id.as_str(), outcome)),
        _ => None,
    });
    settled.collect()
}

#[test]
fn a_client_knows_what_its_peer_takes_beyond_version_1() {
    let mut dialogue = with_newer_peer();
    for (kind, takes) in
        [(2, true), (26, true), (27, false), (28, false), (98, true), (MAX_NUMBER, true)]
    {
        assert_eq!(dialogue.client.takes(kind), takes, "{kind}");
    }
    assert_eq!(dialogue.client.subject(), Some("ann"));
    // A peer of another version may answer the next attempt.
    dialogue.reconnect();
    assert!(dialogue.client.takes(17) && !dialogue.client.takes(98));
    dialogue.close(1_006);
    assert!(!dialogue.client.takes(17));
}

#[test]
fn what_a_newer_peer_says_does_not_break_the_link() {
    let mut dialogue = with_newer_peer();
    let pattern = Pattern::parse("a").unwrap();
    let subscription = dialogue.client.subscribe(pattern.clone(), Start::Earliest);
    let number = match &dialogue.heard()[..] {
        [FromClient::Subscribe(subscribe)] => u8::try_from(subscribe.subscription).unwrap(),
        other => panic!("{other:?}"),
    };
    let event = [
        (0, vec![0]),
        (1, text("a")),
        (2, vec![0x81, 0x83, number, 0xf6, 7]),
        (3, vec![1]),
        (4, bytes(&Body { id: "e".into(), ..Body::default() }.encode())),
        (9, text("new")),
    ];
    let subscribed = frame(3, &[(0, vec![number]), (1, position(1, 0))]);
    let message =
        new_frames().into_iter().chain([subscribed, frame(9, &event)]).chain(new_frames());
    hear(&mut dialogue, &message.collect::<Vec<_>>().concat());
    let delivered =
        |it: &Effect| matches!(it, Effect::Deliver(it) if it.subscriptions == [subscription]);
    assert!(dialogue.effects.iter().any(delivered), "{:?}", dialogue.effects);

    // A refusal for an unknown reason is a refusal.
    hear(&mut dialogue, &frame(4, &[(0, vec![number]), (1, vec![0x18, 99]), (2, text("new"))]));
    let refused = Effect::Refused(subscription, RejectCode::Unknown, "new".to_owned());
    assert!(dialogue.effects.contains(&refused));
    let request = dialogue.client.history(pattern, None, 1);
    let asked = match &dialogue.heard()[..] {
        [FromClient::History(history)] => u8::try_from(history.request).unwrap(),
        other => panic!("{other:?}"),
    };
    hear(&mut dialogue, &frame(23, &[(0, vec![asked]), (4, vec![0x18, 99])]));
    let no_page = Err(HistoryError::Refused(RejectCode::Unknown));
    assert!(dialogue.effects.contains(&Effect::History(request, no_page)));
    assert_eq!(dialogue.opened, 1);
}

#[test]
fn an_unknown_durability_counts_as_the_highest_known_one() {
    let mut dialogue = with_newer_peer();
    publish(&mut dialogue, "one");
    hear(&mut dialogue, &frame(7, &[(0, vec![1]), (1, position(1, 1)), (2, vec![9])]));
    let settled = settled(&dialogue);
    assert!(
        matches!(settled[..], [("one", Outcome::Stored(_, Durability::Replicated))]),
        "{settled:?}"
    );
}

#[test]
fn an_unknown_reject_is_retried_if_it_says_when_and_final_if_not() {
    let mut dialogue = with_newer_peer();
    publish(&mut dialogue, "one");
    dialogue.heard();
    let reject = [(0, vec![1]), (1, vec![0x18, 99]), (2, text("later")), (3, vec![0x18, 50])];
    hear(&mut dialogue, &frame(8, &reject));
    assert_eq!(settled(&dialogue), []);
    dialogue.now = 50;
    dialogue.client.tick(50);
    let again = dialogue.heard();
    assert!(matches!(&again[..], [FromClient::Publish(it)] if it.number == Some(1)), "{again:?}");
    hear(&mut dialogue, &frame(8, &reject[..3]));
    let rejected = Outcome::Rejected(RejectCode::Unknown, "later".to_owned());
    assert_eq!(settled(&dialogue), [("one", &rejected)]);
    assert_eq!(dialogue.opened, 1);
}

#[test]
fn an_unknown_close_code_is_known_by_its_range() {
    for (code, stops) in
        [(4_007, false), (4_499, false), (4_509, true), (4_999, true), (1_006, false)]
    {
        for with_bye in [false, true] {
            let mut dialogue = with_newer_peer();
            if with_bye {
                dialogue.say(FromPeer::Bye(Bye { code, message: "new".into(), retry: None }));
            } else {
                dialogue.close(code);
            }
            let stopped = |it: &Effect| matches!(it, Effect::Link(ConnectionState::Stopped { code: said, .. }) if *said == code);
            assert_eq!(dialogue.effects.iter().any(stopped), stops, "{code}");
            assert_eq!(dialogue.client.deadline().is_some(), !stops, "{code}");
        }
    }
}

#[cfg(feature = "json")]
#[test]
fn a_newer_client_is_served_in_json() {
    use session::server::{Effect, Options, Server, SocketMessage, Wire};

    let mut server = Server::new(Options::default().into(), Wire::Json, &[0], 0);
    let mut say = |kind: &str, data: &str| {
        let text = format!(
            r#"{{"specversion":"1.0","id":"e","source":"py","type":"{kind}","newattribute":"x","data":{data}}}"#
        );
        server.received_text(&text, 0);
        let mut said = Vec::new();
        while let Some(effect) = server.poll() {
            match effect {
                Effect::Send(SocketMessage::Texts(texts)) => {
                    said.extend(texts.iter().map(str::to_owned))
                }
                Effect::Close(code, reason) => panic!("{code:?}: {reason}"),
                other => said.push(format!("{other:?}")),
            }
        }
        said.concat()
    };
    let guest = r#"{"guest":"0123456789abcdef0123456789abcdef","token":"t","proof":[1,{"a":2}]}"#;
    assert!(say("$link.hello", guest).contains("$link.welcome"));
    assert!(say("$link.rename", r#"{"id":"e"}"#).contains("illegal_event"));
    assert!(
        say("$link.subscribe", r#"{"pattern":"a","from":{"since":"yesterday"}}"#)
            .contains("illegal_event")
    );
    assert!(say("$link.subscribe", r#"{"pattern":"a","from":["new"]}"#).contains("illegal_event"));
    assert!(
        say("$link.subscribe", r#"{"pattern":"a","from":{"last":1,"new":2},"credit":9}"#)
            .contains("Locate")
    );
    assert!(say("a.b", "1").contains("Append"));
}
