//! Deletes on both wires: what is on the disk and in the relay's memory, what live readers get, and after a kill.

use serde_json::json;
use session::{
    Body, Delete, Deleted, FrameKind, FromClient, FromPeer, Position, RejectCode, Start,
};

use crate::support::{Client, Process, publish};
use crate::texts::Texts;

fn delete(request: u32, position: &Position) -> FromClient {
    FromClient::Delete(Delete { request, position: Position { id: None, ..position.clone() } })
}

/// Deletes an event, and waits for the answer.
async fn answer(client: &mut Client, request: u32, position: &Position) -> Deleted {
    client.send(&[delete(request, position)]).await;
    loop {
        match client.frame().await {
            FromPeer::Deleted(deleted) if deleted.request == request => return deleted,
            FromPeer::Event(_) | FromPeer::CaughtUp(_) | FromPeer::Ping(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

async fn body(client: &mut Client) -> (u64, Body) {
    let event = client.event().await;
    (event.offset.unwrap(), Body::decode(&event.body).unwrap())
}

#[tokio::test]
async fn a_deleted_event_is_empty_for_live_readers_new_ones_and_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Process::start(folder.path());
    let mut reader = Client::welcomed(&relay, 2, 1).await;
    reader.subscribe("a", Start::Latest).await;
    let mut author = Client::connect(&relay).await;
    let welcome = author.hello(1, 1, 1).await;
    assert!(welcome.kinds.contains(&FrameKind::Delete.number()));
    author.send(&[publish(1, "a", "first"), publish(2, "a", "second")]).await;
    let first = author.ack().await.position;
    let second = author.ack().await.position;
    // A stranger.
    let refused = answer(&mut reader, 7, &second).await;
    assert_eq!(refused.outcome, Err(RejectCode::NotAllowed));
    let deleted = answer(&mut author, 8, &first).await;
    let deletion = deleted.outcome.unwrap();
    assert_eq!((deletion.offset, deleted.retry), (3, None));

    // The reader learns of it, and later readers get it from the relay's memory, and then from its disk.
    let mut reported = Vec::new();
    while reported.last().is_none_or(|(offset, _)| *offset < 3) {
        reported.push(body(&mut reader).await);
    }
    assert_eq!(reported.last().unwrap().1.deletes(), Some(1));
    let expected = [(1, true, None, Some(3)), (2, false, None, None), (3, true, Some(1), None)];
    assert_eq!(read_all(&relay, 3).await, expected);
    relay.kill();
    let relay = Process::start(folder.path());
    assert_eq!(read_all(&relay, 4).await, expected);
    // A repeat of the event and of the delete.
    let mut author = Client::welcomed(&relay, 1, 2).await;
    author.send(&[publish(1, "a", "first")]).await;
    assert_eq!(author.ack().await.position.offset, 1);
    assert_eq!(answer(&mut author, 1, &first).await.outcome.unwrap().offset, 3);
    assert_eq!(read_all(&relay, 5).await, expected);
}

/// The offset of each event, whether it is empty, what it deletes, and by what it was deleted.
async fn read_all(relay: &Process, id: u8) -> Vec<(u64, bool, Option<u64>, Option<u64>)> {
    let mut reader = Client::welcomed(relay, id, 1).await;
    reader.subscribe("a", Start::Earliest).await;
    let mut all = Vec::new();
    while all.len() < 3 {
        let (offset, body) = body(&mut reader).await;
        all.push((offset, body.data.is_empty(), body.deletes(), body.deleted()));
    }
    all
}

#[tokio::test]
async fn a_json_guest_deletes_what_it_published_under_its_secret() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Process::start(folder.path());
    let secret = json!({ "guest": "0123456789abcdef0123456789abcdef" });
    let mut author = Texts::connect(&relay).await;
    author.ask("$link.hello", secret.clone()).await;
    author.receive().await;
    author.ask("a.b", json!("secret")).await;
    let mut position = author.receive().await["data"].clone();
    assert_eq!(position["offset"], "1");
    drop(author);

    let mut stranger = Texts::connect(&relay).await;
    stranger.ask("$link.delete", position.clone()).await;
    // The id of the ack is that of another event.
    assert_eq!(stranger.receive().await["data"]["code"], "not_allowed");
    let mut author = Texts::connect(&relay).await;
    author.ask("$link.hello", secret).await;
    author.receive().await;
    author.ask("$link.delete", position.clone()).await;
    let ack = author.receive().await;
    assert_eq!((&ack["type"], &ack["data"]["offset"]), (&json!("$link.ack"), &json!("2")));
    author.ask("$link.subscribe", json!({ "pattern": "a.b", "from": "earliest" })).await;
    author.receive().await;
    let (emptied, deletion) = (author.receive().await, author.receive().await);
    assert_eq!((&emptied["id"], &emptied["deleted"]), (&json!("a.b"), &json!("2")));
    assert!(emptied.get("data").is_none(), "{emptied}");
    assert_eq!((&deletion["type"], &deletion["deletes"]), (&json!("a.b"), &json!("1")));
    position["offset"] = json!("9");
    author.ask("$link.delete", position).await;
    assert_eq!(author.receive().await["data"]["code"], "not_found");
}
