//! Presence through the relay.

use session::{AtTopic, Attendee, FromClient, FromPeer, Join, RejectCode};

use crate::support::{Client, Process};

fn join(key: &str, data: &[u8]) -> FromClient {
    let (topic, key) = ("lobby".to_owned(), key.to_owned());
    FromClient::Join(Join { topic, key, data: data.to_vec() })
}

fn lobby() -> AtTopic {
    AtTopic { topic: "lobby".to_owned() }
}

async fn state(client: &mut Client) -> Vec<Attendee> {
    match client.frame().await {
        FromPeer::Present(present) => present.entries,
        other => panic!("{other:?}"),
    }
}

async fn difference(client: &mut Client) -> (Vec<Attendee>, Vec<u64>) {
    match client.frame().await {
        FromPeer::Presence(presence) => (presence.joined, presence.left),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn watchers_see_the_occupants_joins_and_leaves_and_no_reload() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    let mut watcher = Client::welcomed(&relay, 1, 1).await;
    watcher.send(&[FromClient::Watch(lobby())]).await;
    assert_eq!(state(&mut watcher).await, []);

    let mut ann = Client::welcomed(&relay, 2, 1).await;
    ann.send(&[join("ann", b"1")]).await;
    let (joined, left) = difference(&mut watcher).await;
    let [Attendee { id, key, .. }] = &joined[..] else { panic!("{joined:?}") };
    assert_eq!((key.as_str(), left.len()), ("ann", 0));

    // A reload: another connection of the same client. No change is reported before bob joins.
    drop(ann);
    let mut ann = Client::welcomed(&relay, 2, 2).await;
    ann.send(&[join("ann", b"1")]).await;
    let mut bob = Client::welcomed(&relay, 3, 1).await;
    bob.send(&[join("bob", b"2"), FromClient::Watch(lobby())]).await;
    let (joined, left) = difference(&mut watcher).await;
    assert_eq!((joined.len(), joined[0].key.as_str(), left.len()), (1, "bob", 0));
    let keys: Vec<String> = state(&mut bob).await.into_iter().map(|it| it.key).collect();
    assert_eq!(keys, ["ann", "bob"]);

    ann.send(&[join("ann", b"away")]).await;
    let (joined, _) = difference(&mut watcher).await;
    assert_eq!((joined[0].id, joined[0].data.as_slice()), (*id, &b"away"[..]));
    ann.send(&[FromClient::Leave(lobby())]).await;
    assert_eq!(difference(&mut watcher).await, (vec![], vec![*id]));
}

#[tokio::test]
async fn a_join_at_an_invalid_topic_is_denied() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    let mut client = Client::welcomed(&relay, 1, 1).await;
    client.send(&[FromClient::Watch(AtTopic { topic: "a.*".to_owned() })]).await;
    match client.frame().await {
        FromPeer::NotPresent(denied) => assert_eq!(denied.code, RejectCode::IllegalTopic),
        other => panic!("{other:?}"),
    }
}
