//! Backups, made and restored by an operator.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use session::Start;

use crate::support::{Client, Process, id_of, publish};

fn backup(data: &Path, to: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_event-relay"));
    command.arg("backup").arg("--data").arg(data).arg("--to").arg(to).output().unwrap()
}

fn reported(output: &Output) -> String {
    String::from_utf8_lossy(&[&*output.stdout, &*output.stderr].concat()).into_owned()
}

#[tokio::test]
async fn a_running_relay_is_backed_up_and_what_is_restored_is_a_new_epoch_with_all_its_events() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    let mut client = Client::welcomed(&relay, 1, 1).await;
    for number in 1..=20 {
        client.send(&[publish(number, "a", &format!("e{number}"))]).await;
        client.ack().await;
    }
    let copies = tempfile::tempdir().unwrap();
    let copy = copies.path().join("monday.redb");
    let output = backup(data.path(), &copy);
    assert!(output.status.success(), "{}", reported(&output));
    assert!(reported(&output).contains("20 events"), "{}", reported(&output));
    // It is not replaced.
    let output = backup(data.path(), &copy);
    assert_eq!(output.status.code(), Some(1));
    assert!(reported(&output).contains("another name"), "{}", reported(&output));
    // The relay kept running.
    client.send(&[publish(21, "a", "e21")]).await;
    let lost = client.ack().await.position;

    // Without a relay, and with its socket left behind, the command opens the store.
    relay.kill();
    let tuesday = copies.path().join("tuesday.redb");
    let output = backup(data.path(), &tuesday);
    assert!(
        output.status.success() && reported(&output).contains("21 events"),
        "{}",
        reported(&output)
    );

    let restored = tempfile::tempdir().unwrap();
    fs::copy(&copy, restored.path().join("events.redb")).unwrap();
    let relay = Process::start(restored.path());
    let mut reader = Client::welcomed(&relay, 2, 1).await;
    let again = reader.subscribe("a", Start::After(vec![lost.clone()])).await;
    assert!(again.reset && again.head.epoch != lost.epoch);
    let mut reader = Client::welcomed(&relay, 3, 1).await;
    reader.subscribe("a", Start::Earliest).await;
    for number in 1..=20 {
        assert_eq!(id_of(&reader.event().await), format!("e{number}"));
    }
    // A client that never learned the outcome of its last event sends it again.
    let mut client = Client::connect(&relay).await;
    assert_eq!(client.hello(1, 2, 21).await.highest, 20);
    client.send(&[publish(21, "a", "e21")]).await;
    let position = client.ack().await.position;
    assert_eq!((position.offset, position.epoch), (21, again.head.epoch));
}

#[test]
fn what_is_no_store_is_not_backed_up_and_not_made() {
    let data = tempfile::tempdir().unwrap();
    let output = backup(data.path(), &data.path().join("copy.redb"));
    assert_eq!(output.status.code(), Some(1));
    assert!(reported(&output).contains("--data"), "{}", reported(&output));
    assert_eq!(fs::read_dir(data.path()).unwrap().count(), 0);
}
