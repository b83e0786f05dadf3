//! What rights do not cover is refused, on both wires.

use session::{
    AtTopic, Body, History, Join, Publish, Refresh, RejectCode, Start, Stream, Subscribe,
};

use super::*;
use crate::support::id_of;

const CODE: RejectCode = RejectCode::NotAllowed;

fn subscribe(subscription: u32, pattern: &str, start: Start) -> FromClient {
    let pattern = pattern.to_owned();
    FromClient::Subscribe(Subscribe { subscription, pattern, start, credit: None })
}

/// The next frame that matters here.
async fn next(client: &mut Client) -> FromPeer {
    loop {
        match client.frame().await {
            FromPeer::CaughtUp(_) | FromPeer::ChangedRights(_) => {}
            frame => return frame,
        }
    }
}

/// Subscribes on both wires with these rights, and asserts that it is refused.
async fn is_refused(rights: &str, pattern: &str, start: Start, from: Value) {
    let accounts = Accounts::start(&[]);
    let token = accounts.token("ann", rights);
    let mut client = accounts.welcomed(1, &token).await;
    client.send(&[subscribe(7, pattern, start)]).await;
    match next(&mut client).await {
        FromPeer::Refused(refused) => assert_eq!((refused.subscription, refused.code), (7, CODE)),
        other => panic!("{other:?}"),
    }
    let mut texts = accounts.bearer(&token).await;
    texts.ask("$link.subscribe", json!({ "pattern": pattern, "from": from })).await;
    let refused = texts.receive().await;
    assert_eq!(refused["type"], "$link.refused", "{refused}");
    assert_eq!(refused["data"]["pattern"], pattern);
    assert_eq!(refused["data"]["code"], "not_allowed");
    accounts.serves().await;
}

#[tokio::test]
async fn a09_a_subscription_to_more_than_the_rights_is_refused() {
    is_refused("sub=chat.lobby.*", ">", Start::Latest, json!("latest")).await;
}

#[tokio::test]
async fn a10_a_wildcard_in_place_of_a_name_of_the_rights_is_refused() {
    is_refused("sub=chat.lobby.>", "chat.*.x", Start::Latest, json!("latest")).await;
}

#[tokio::test]
async fn a11_the_past_is_refused_without_the_right_to_history() {
    let rights = "sub=chat.>;hst=news.>";
    is_refused(rights, "chat.a", Start::Earliest, json!("earliest")).await;
    is_refused(rights, "chat.a", Start::Last(1), json!({ "last": 1 })).await;
    let accounts = Accounts::start(&[]);
    let mut client = accounts.welcomed(1, &accounts.token("ann", rights)).await;
    let history = |request, pattern: &str| {
        let (pattern, stream) = (pattern.to_owned(), Stream::MAIN);
        FromClient::History(History { request, pattern, before: None, limit: 9, stream })
    };
    client.send(&[history(1, "chat.a"), history(2, ">"), history(3, "news.a")]).await;
    for (request, refused) in [(1, Some(CODE)), (2, Some(CODE)), (3, None)] {
        match next(&mut client).await {
            FromPeer::Page(page) => assert_eq!((page.request, page.refused), (request, refused)),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a12_an_event_for_another_topic_is_refused_durable_or_not_and_never_delivered() {
    let accounts = Accounts::start(&[]);
    let token = accounts.token("ann", "pub=chat.{sub}.>;sub=chat.>");
    let mut reader = accounts.welcomed(2, &accounts.token("bob", "sub=>")).await;
    reader.subscribe(">", Start::Earliest).await;
    let mut client = accounts.welcomed(1, &token).await;
    client.send(&[publish(1, "chat.bob.x", "durable")]).await;
    match next(&mut client).await {
        FromPeer::Reject(reject) => {
            assert_eq!((reject.number, reject.code, reject.retry), (1, CODE, None));
        }
        other => panic!("{other:?}"),
    }
    let body = Body { id: "ephemeral".to_owned(), ..Body::default() }.encode();
    let (topic, name) = (5, Some("chat.bob.x".to_owned()));
    client
        .send(&[FromClient::Publish(Publish { number: None, topic, name, body, lowest: None })])
        .await;
    match next(&mut client).await {
        FromPeer::Denied(denied) => assert_eq!((denied.topic, denied.code), (5, CODE)),
        other => panic!("{other:?}"),
    }
    let mut texts = accounts.bearer(&token).await;
    for ephemeral in [false, true] {
        let mut event =
            json!({ "specversion": "1.0", "id": "json", "source": "s", "type": "chat.bob.x" });
        if ephemeral {
            event["ephemeral"] = true.into();
        }
        texts.send(event.to_string()).await;
        let reject = texts.receive().await;
        assert_eq!(reject["type"], "$link.reject", "{reject}");
        assert_eq!(
            (&reject["data"]["id"], &reject["data"]["code"]),
            (&json!("json"), &json!("not_allowed"))
        );
    }
    client.send(&[publish(2, "chat.ann.x", "own")]).await;
    client.ack().await;
    assert_eq!(id_of(&reader.event().await), "own");
}

#[tokio::test]
async fn a13_presence_elsewhere_is_refused_and_a_key_is_the_accounts_own() {
    let accounts = Accounts::start(&[]);
    let mut client = accounts.welcomed(1, &accounts.token("ann", "prs=chat.lobby")).await;
    let (elsewhere, lobby) = ("chat.other".to_owned(), "chat.lobby".to_owned());
    let join = |topic: &str| {
        let (topic, key) = (topic.to_owned(), "bob".to_owned());
        FromClient::Join(Join { topic, key, data: Vec::new() })
    };
    client.send(&[join(&elsewhere), FromClient::Watch(AtTopic { topic: elsewhere.clone() })]).await;
    for _ in 0..2 {
        match next(&mut client).await {
            FromPeer::NotPresent(refused) => {
                assert_eq!((&refused.topic, refused.code), (&elsewhere, CODE));
            }
            other => panic!("{other:?}"),
        }
    }
    client.send(&[join(&lobby), FromClient::Watch(AtTopic { topic: lobby.clone() })]).await;
    match next(&mut client).await {
        FromPeer::Present(present) => {
            let keys: Vec<_> = present.entries.iter().map(|entry| entry.key.as_str()).collect();
            assert_eq!((&present.topic, &keys[..]), (&lobby, &["ann"][..]));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a14_a_refresh_with_fewer_rights_ends_what_they_do_not_cover() {
    let accounts = Accounts::start(&[]);
    let (wide, narrow) = ("pub=>;sub=>", "pub=>;sub=b");
    let token = accounts.token("ann", wide);
    let narrower = accounts.token("ann", narrow);
    let mut client = accounts.welcomed(1, &token).await;
    client.subscribe("a", Start::Latest).await;
    client.send(&[subscribe(2, "b", Start::Latest)]).await;
    assert!(matches!(next(&mut client).await, FromPeer::Subscribed(_)));
    let mut texts = accounts.bearer(&token).await;
    for pattern in ["a", "b"] {
        texts.ask("$link.subscribe", json!({ "pattern": pattern })).await;
        assert_eq!(texts.receive().await["type"], "$link.subscribed");
    }
    client.send(&[FromClient::Refresh(Refresh { token: narrower.clone() })]).await;
    match next(&mut client).await {
        FromPeer::Refused(refused) => assert_eq!((refused.subscription, refused.code), (1, CODE)),
        other => panic!("{other:?}"),
    }
    texts.ask("$link.refresh", json!({ "token": narrower })).await;
    let changed = texts.receive().await;
    assert_eq!(
        (&changed["type"], &changed["data"]["rights"]["subscribe"]),
        (&json!("$link.rights"), &json!(["b"]))
    );
    let refused = texts.receive().await;
    assert_eq!(
        (&refused["type"], &refused["data"]["pattern"]),
        (&json!("$link.refused"), &json!("a"))
    );
    let mut other = accounts.welcomed(2, &accounts.token("bob", "pub=>")).await;
    other.send(&[publish(1, "a", "hidden"), publish(2, "b", "shown")]).await;
    assert_eq!(id_of(&client.event().await), "shown");
    assert_eq!(texts.receive().await["id"], "shown");
    // Nor can it be subscribed to again.
    client.send(&[subscribe(3, "a", Start::Latest)]).await;
    assert!(matches!(next(&mut client).await, FromPeer::Refused(refused) if refused.code == CODE));
}

#[tokio::test]
async fn guests_have_the_rights_that_the_option_lists_and_accounts_have_theirs() {
    let accounts = Accounts::start(&["--anonymous", "sub=news.>,of.{sub}"]);
    let mut guest = accounts.frames(1, 1, None).await;
    let FromPeer::Welcome(_) = next(&mut guest).await else { panic!("no welcome") };
    guest.subscribe("news.>", Start::Latest).await;
    guest.send(&[publish(1, "news.a", "e")]).await;
    assert!(matches!(next(&mut guest).await, FromPeer::Reject(it) if it.code == CODE));
    guest.send(&[subscribe(2, "chat.a", Start::Latest)]).await;
    assert!(matches!(next(&mut guest).await, FromPeer::Refused(it) if it.code == CODE));
    let mut texts = Texts::connect(&accounts.relay).await;
    texts.ask("$link.subscribe", json!({ "pattern": "news.x" })).await;
    assert_eq!(texts.receive().await["type"], "$link.subscribed");
    texts.ask("$link.subscribe", json!({ "pattern": "chat.x" })).await;
    assert_eq!(texts.receive().await["type"], "$link.refused");
    let mut editor = accounts.welcomed(2, &accounts.token("ann", "pub=news.>")).await;
    editor.send(&[publish(1, "news.a", "e")]).await;
    editor.ack().await;
    assert_eq!(id_of(&guest.event().await), "e");
}
