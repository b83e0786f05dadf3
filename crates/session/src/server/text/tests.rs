use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};
use topic::Topic;

use crate::rights::{PatternLists, Subject};
use crate::server::sending::MESSAGE_BYTES;
use crate::server::{
    Answer, Effect, Ephemeral, Granted, Located, Logged, Options, Query, Server, SocketMessage,
    StartPoint, Texts, Wire,
};
use crate::{Body, CloseCode, Position};

const EPOCH: u64 = 7;

/// A connection that has subscribed to `t` and is live after the offset `head`.
fn subscribed(head: u64) -> Server {
    let mut server = Server::new(Arc::new(Options::default()), Wire::Json, &[head], 0);
    let data = json!({ "pattern": "t" });
    let text = json!({ "specversion": "1.0", "id": "s", "source": "x", "type": "$link.subscribe", "data": data });
    server.received_text(&text.to_string(), 0);
    let Some(Effect::Query(ticket, Query::Locate { .. })) = server.poll() else {
        panic!("it is not located")
    };
    let head = Position { offset: head, ..Position::start_of(EPOCH) };
    let place = StartPoint { next: head.offset + 1, previous: None, head, gap: None };
    server.answer(ticket, Answer::Located(Located::At(vec![place])));
    let said = sent(&mut server).concat();
    assert!(matches!(&said[..], [text] if text.contains("$link.subscribed")), "{said:?}");
    server
}

/// The texts of each effect.
fn sent(server: &mut Server) -> Vec<Vec<String>> {
    let texts = |effect| match effect {
        Effect::Send(SocketMessage::Texts(texts)) => texts.iter().map(str::to_owned).collect(),
        other => panic!("{other:?}"),
    };
    std::iter::from_fn(|| server.poll()).map(texts).collect()
}

fn topic() -> Topic {
    Topic::parse("t").unwrap()
}

fn encoded(id: &str, bytes: usize) -> Arc<[u8]> {
    let data = format!("\"{}\"", "x".repeat(bytes)).into_bytes();
    Body { id: id.to_owned(), data, ..Body::default() }.encode().into()
}

fn logged(offset: u64) -> Arc<Logged> {
    Arc::new(Logged::new(0, offset, topic(), encoded(&offset.to_string(), 1)))
}

fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn receivers_share_a_text_in_which_each_finds_its_own_place() {
    let (mut early, mut late) = (subscribed(1), subscribed(2));
    let events: Vec<_> = (2..5).map(logged).collect();
    early.committed(&events);
    late.committed(&events);
    let (early, late) = (sent(&mut early).concat(), sent(&mut late).concat());
    let place = |text: &String| {
        let event = read(text);
        let of = |name: &str| event[name].as_str().map(|it| it.parse::<u64>().unwrap());
        assert_eq!((of("epoch"), &event["stream"]), (Some(EPOCH), &json!("main")));
        (of("sequence").unwrap(), of("prev"))
    };
    let places = |texts: &[String]| texts.iter().map(place).collect::<Vec<_>>();
    assert_eq!(places(&early), [(2, Some(1)), (3, Some(2)), (4, Some(3))]);
    assert_eq!(places(&late), [(3, Some(2)), (4, Some(3))]);
    assert_eq!(early[1..], late);
}

#[test]
fn an_ephemeral_event_is_one_text_for_all() {
    let event = Ephemeral::new(topic(), "k".into(), encoded("e", 3));
    let mut texts = Vec::new();
    for _ in 0..3 {
        let mut server = subscribed(0);
        // The second one is sent as the first.
        server.forwarded(&event);
        server.forwarded(&event);
        let sent = sent(&mut server);
        assert_eq!((sent.len(), sent[0].len()), (1, 2));
        texts.extend(sent.concat());
    }
    texts.dedup();
    assert_eq!(texts.len(), 1);
    let event = read(&texts[0]);
    assert_eq!((&event["ephemeral"], &event["data"]), (&json!(true), &json!("xxx")));
    assert!(event.get("sequence").is_none() && event.get("prev").is_none(), "{event}");
}

#[test]
fn a_run_of_texts_is_the_same_for_all_receivers_and_has_a_bound() {
    let events: Vec<_> = (0..100)
        .map(|id| Ephemeral::new(topic(), "k".into(), encoded(&id.to_string(), 4_000)))
        .collect();
    let (mut one, mut other) = (subscribed(0), subscribed(0));
    for server in [&mut one, &mut other] {
        assert_eq!(server.beginning(&events[0]), None);
        server.forwarded(&events[0]);
        assert_eq!(server.beginning(&events[1]), Some(&[][..]));
    }
    let (frames, count) = one.encode_run(events[1..].iter());
    assert!((40..50).contains(&count) && frames.len() < 190_000, "{count}: {}", frames.len());
    events[1..=count].iter().for_each(|event| other.forwarded(event));
    let mut alone = Vec::new();
    while let Some(effect) = other.poll() {
        let Effect::Send(SocketMessage::Texts(texts)) = effect else { panic!("{effect:?}") };
        alone.extend_from_slice(texts.frames());
    }
    let first = Texts::one(&sent(&mut one).concat()[0]);
    assert_eq!(alone, [first.frames(), &frames].concat());
}

#[test]
fn a_burst_is_few_messages_of_bounded_size_and_a_ping_comes_after_it() {
    let mut server = subscribed(0);
    for number in 0..100 {
        server.forwarded(&Ephemeral::new(topic(), "k".into(), encoded(&number.to_string(), 4_000)));
    }
    let heartbeat = Options::default().heartbeat;
    server.tick(heartbeat);
    let (mut ids, mut pinged) = (Vec::new(), false);
    while let Some(effect) = server.poll() {
        match effect {
            Effect::Send(SocketMessage::Texts(texts)) => {
                assert!(!pinged && texts.frames().len() < MESSAGE_BYTES + 5_000);
                ids.extend(texts.iter().map(|text| read(text)["id"].clone()));
            }
            Effect::Send(SocketMessage::Ping) => pinged = true,
            other => panic!("{other:?}"),
        }
    }
    assert!(pinged);
    assert_eq!(ids, (0..100).map(|number| json!(number.to_string())).collect::<Vec<_>>());
}

proptest! {
    #[test]
    fn what_is_rendered_once_says_to_each_what_rendering_for_it_alone_says(
        (id, data) in ("[ -~é]{1,9}", proptest::collection::vec(any::<u8>(), 0..40)),
        content_type in prop::sample::select(vec![None, Some("text/plain"), Some("image/png")]),
        (stream, offset) in ("[a-z]{1,5}", 1..u64::MAX),
        receivers in proptest::collection::vec((any::<u64>(), any::<Option<u64>>()), 1..4),
    ) {
        let content_type = content_type.map(str::to_owned);
        let body = Body { id, data, content_type, ..Body::default() };
        let stream = crate::Stream::named(&stream);
        let shared = crate::json::Text::new(&topic(), &body, Some((&stream, offset)));
        for (epoch, previous) in receivers {
            let mut text = Vec::new();
            shared.write(Some((epoch, previous)), &mut text);
            let place = crate::json::EventPosition { stream: &stream, epoch, offset, previous };
            let alone = crate::json::event(&topic(), &body, Some(place));
            prop_assert_eq!(std::str::from_utf8(&text).unwrap(), alone.as_str());
            let event = read(&alone);
            prop_assert_eq!(&event["sequence"], &json!(offset.to_string()));
            prop_assert_eq!(&event["epoch"], &json!(epoch.to_string()));
            let previous = previous.map_or(Value::Null, |previous| json!(previous.to_string()));
            prop_assert_eq!(event.get("prev").unwrap_or(&Value::Null), &previous);
        }
    }
}

/// Feeds a control event or another one, and returns the texts and the other effects.
fn say(server: &mut Server, kind: &str, data: Value) -> (Vec<Value>, Vec<Effect>) {
    let text =
        json!({ "specversion": "1.0", "id": "e", "source": "x", "type": kind, "data": data });
    server.received_text(&text.to_string(), 0);
    effects(server)
}

fn effects(server: &mut Server) -> (Vec<Value>, Vec<Effect>) {
    let (mut texts, mut others) = (Vec::new(), Vec::new());
    while let Some(effect) = server.poll() {
        match effect {
            Effect::Send(SocketMessage::Texts(sent)) => texts.extend(sent.iter().map(read)),
            other => others.push(other),
        }
    }
    (texts, others)
}

fn granted(account: Option<&str>, publish: &str, subscribe: &str) -> Granted {
    let list = |pattern: &str| Some(vec![pattern.to_owned()]);
    let lists = PatternLists {
        publish: list(publish),
        subscribe: list(subscribe),
        ..PatternLists::default()
    };
    let account = account.map(|name| Subject::account(name).unwrap());
    Granted { account, rights: lists.parse().unwrap(), expires_in: None, key: None }
}

/// A connection to a peer with an authority.
fn unknown() -> Server {
    let options = Options { has_authority: true, ..Options::default() };
    let mut server = Server::new(Arc::new(options), Wire::Json, &[0], 0);
    server.set_guest([0xab; 16]);
    server
}

#[test]
fn a_client_signs_in_with_its_hello_and_is_named_in_the_source_and_the_welcome() {
    let mut server = unknown();
    let (texts, others) = say(&mut server, "a", json!(1));
    assert_eq!((&texts[0]["data"]["code"], others), (&json!("not_allowed"), vec![]));
    assert!(texts[0]["data"]["message"].as_str().unwrap().contains("sign in first"));
    let (texts, others) = say(&mut server, "$link.hello", json!({ "token": "t" }));
    assert_eq!((texts, others), (vec![], vec![Effect::Refresh("t".to_owned())]));
    server.granted(granted(Some("a/b"), "chat.*", "person.{sub}"), 0);
    let (texts, _) = effects(&mut server);
    let data = &texts[0]["data"];
    assert_eq!((&texts[0]["type"], &data["subject"]), (&json!("$link.welcome"), &json!("a/b")));
    assert_eq!(data["source"], "/users/a%2Fb");
    let person = json!(["person.a/b"]);
    let rights = json!({
        "publish": ["chat.*"], "subscribe": person, "presence": person, "history": person, "moderate": [],
    });
    assert_eq!(data["rights"], rights);
    // It is known, so that silence is counted by the heartbeat from here on.
    assert_eq!(server.deadline(), Options::default().heartbeat);
    let (_, others) = say(&mut server, "chat.x", json!(1));
    let [Effect::Append(append)] = &others[..] else { panic!("{others:?}") };
    let (_, body) = append.event.as_ref().unwrap();
    assert_eq!((&*body.source, body.authid.as_deref()), ("/users/a%2Fb/x", Some("a/b")));
    let (texts, _) = say(&mut server, "$link.hello", json!({ "token": "t" }));
    assert_eq!(texts[0]["data"]["code"], "illegal_event", "only once");
}

#[test]
fn a_refresh_that_changes_the_rights_is_answered_by_the_new_ones() {
    let mut server = unknown();
    say(&mut server, "$link.hello", json!({ "token": "t" }));
    server.granted(granted(Some("ann"), "chat.*", "a"), 0);
    let kinds = |texts: Vec<Value>| -> Vec<Value> {
        texts.into_iter().map(|text| text["type"].clone()).collect()
    };
    assert_eq!(kinds(effects(&mut server).0), ["$link.welcome"], "which has the first rights");
    server.granted(granted(Some("ann"), "chat.*", "a"), 0);
    assert_eq!(kinds(effects(&mut server).0), [""; 0], "nothing has changed");
    server.granted(granted(Some("ann"), "chat.{sub}", "a"), 0);
    let texts = effects(&mut server).0;
    assert_eq!(texts[0]["data"]["rights"]["publish"], json!(["chat.ann"]));
    assert_eq!(kinds(texts), ["$link.rights"]);
}

#[test]
fn what_a_client_may_publish_to_is_decided_again_when_its_rights_change() {
    let mut server = unknown();
    let mut may = |rights: &str, topics: &[String]| -> Vec<bool> {
        server.granted(granted(Some("ann"), rights, "a"), 0);
        let _rights = effects(&mut server);
        let mut publish = |topic: &String| match &say(&mut server, topic, json!(1)).1[..] {
            [Effect::Append(append)] => append.event.is_ok(),
            _ => false,
        };
        topics.iter().map(&mut publish).collect()
    };
    // More than are remembered, and each of them twice.
    let topics: Vec<_> = (0..40).map(|number| format!("chat.{}", number % 20)).collect();
    assert_eq!(may("chat.*", &topics), [true; 40]);
    let is_one: Vec<_> = topics.iter().map(|topic| topic == "chat.1").collect();
    assert_eq!(may("chat.1", &topics), is_one);
}

#[test]
fn a_client_that_does_not_sign_in_is_closed_whatever_it_says() {
    let mut server = unknown();
    for _ in 0..3 {
        say(&mut server, "a", json!(1));
        say(&mut server, "$link.hello", json!({}));
    }
    let until = Options::default().hello_within;
    assert_eq!(server.deadline(), until);
    server.tick(until);
    let closed = |it: &Effect| matches!(it, Effect::Close(CloseCode::CredentialRefused, _));
    assert!(effects(&mut server).1.iter().any(closed));
}

#[test]
fn a_guest_may_become_an_account_and_an_account_no_other() {
    let mut server = unknown();
    server.granted(granted(None, "guests.{sub}", "a"), 0);
    let secret = "0123456789abcdef0123456789abcdef";
    let (texts, _) = say(&mut server, "$link.hello", json!({ "guest": secret }));
    let subject = texts[0]["data"]["subject"].as_str().unwrap().to_owned();
    let id = subject.strip_prefix("~json-").expect("no client with a hello can have the name");
    assert_eq!(texts[0]["data"]["rights"]["publish"], json!([format!("guests.{subject}")]));
    assert!(texts[0]["data"]["source"].as_str().unwrap().contains(id));

    let mut server = unknown();
    server.granted(granted(None, "a", "a"), 0);
    say(&mut server, "$link.hello", json!({ "token": "t" }));
    server.granted(granted(Some("ann"), "a", "a"), 0);
    let (texts, _) = effects(&mut server);
    assert_eq!(texts[0]["data"]["source"], "/users/ann");

    let (_, others) = say(&mut server, "$link.refresh", json!({ "token": "u" }));
    assert_eq!(others, [Effect::Refresh("u".to_owned())]);
    server.granted(granted(Some("bob"), "a", "a"), 0);
    let closed = |it: &Effect| matches!(it, Effect::Close(CloseCode::CredentialRefused, _));
    assert!(effects(&mut server).1.iter().any(closed));

    // The upgrade's credential decides, not a later one of another account.
    let mut server = unknown();
    server.granted(granted(Some("ann"), "a", "a"), 0);
    say(&mut server, "$link.hello", json!({ "token": "t" }));
    server.granted(granted(Some("bob"), "a", "a"), 0);
    assert!(effects(&mut server).1.iter().any(closed));
}

#[test]
fn a_subscription_without_the_right_is_refused_by_its_pattern_and_so_is_one_that_loses_it() {
    let mut server = unknown();
    let grant =
        |pattern| Granted { expires_in: Some(100_000), ..granted(Some("ann"), "a", pattern) };
    server.granted(grant("chat.>"), 0);
    let refused = |texts: &[Value], pattern: &str| {
        let data = &texts[0]["data"];
        let said = (&texts[0]["type"], &data["pattern"], &data["code"]);
        assert_eq!(said, (&json!("$link.refused"), &json!(pattern), &json!("not_allowed")));
    };
    let (texts, others) = say(&mut server, "$link.subscribe", json!({ "pattern": ">" }));
    refused(&texts, ">");
    assert_eq!(others, []);
    let (_, others) = say(&mut server, "$link.subscribe", json!({ "pattern": "chat.a" }));
    assert!(matches!(others[..], [Effect::Query(..)]));
    // Its credential ends soon, and the next one allows less.
    server.tick(50_000);
    let (texts, _) = effects(&mut server);
    let expiring = texts.iter().find(|it| it["type"] == "$link.expiring").unwrap();
    assert_eq!(expiring["data"]["milliseconds"], 50_000);
    server.granted(grant("chat.b"), 50_000);
    let (texts, _) = effects(&mut server);
    assert_eq!(texts[0]["type"], "$link.rights");
    refused(&texts[1..], "chat.a");
    assert_eq!(server.subscribed().0, 0);
}
