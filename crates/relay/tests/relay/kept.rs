//! Retention and limits by options, and the behaviour with a full disk.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use session::{CloseCode, FromPeer, Position, RejectCode, SUBPROTOCOL, Start};

use crate::support::{Client, Process, connect, hello, id_of, publish};

#[tokio::test]
async fn a_subscriber_that_resumes_in_a_trimmed_range_learns_it_and_reads_on_after_it() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start_with(data.path(), &["--keep-events", "10"]);
    let mut client = Client::welcomed(&relay, 1, 1).await;
    let mut position = Position::start_of(0);
    for number in 1..=50 {
        client.send(&[publish(number, "a", &format!("e{number}"))]).await;
        let ack = client.ack().await;
        if number == 5 {
            position = ack.position;
        }
    }
    let mut reader = Client::welcomed(&relay, 2, 1).await;
    assert!(!reader.subscribe("a", Start::After(vec![position])).await.reset);
    match reader.frame().await {
        FromPeer::Gap(gap) => assert_eq!((gap.from, gap.to), (6, 40)),
        other => panic!("{other:?}"),
    }
    for number in 41..=50 {
        assert_eq!(id_of(&reader.event().await), format!("e{number}"));
    }
}

#[tokio::test]
async fn an_address_that_makes_too_many_clients_is_closed_with_a_time_to_stay_away() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start_with(
        data.path(),
        &["--behind-proxy", "127.0.0.1", "--new-clients", "2", "--raise-limits", "1"],
    );
    let from = async |address: &str, id| {
        let headers = [("sec-websocket-protocol", SUBPROTOCOL), ("x-forwarded-for", address)];
        let mut client = connect(&relay, &headers).await.unwrap();
        client.send(&[hello(id, 1, 1)]).await;
        client
    };
    for (address, id) in [("192.0.2.1", 1), ("10.0.0.1, 192.0.2.1", 2), ("192.0.2.2", 3)] {
        let mut client = from(address, id).await;
        assert!(matches!(client.frame().await, FromPeer::Welcome(_)), "{address}");
    }
    let mut fourth = from("192.0.2.1", 4).await;
    match fourth.frame().await {
        FromPeer::Bye(bye) => {
            assert_eq!(bye.code, CloseCode::Overloaded.code());
            assert!(bye.retry.is_some_and(|retry| (1_000_000..=1_800_000).contains(&retry)));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(fourth.close_code().await, CloseCode::Overloaded.code());
}

/// A tmpfs. Where mounting is not allowed, only the store's own tests, on a disk in memory, cover this.
struct Mount(tempfile::TempDir);

impl Mount {
    fn new(size: &str) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", size, "tmpfs"]).arg(directory.path());
        if mount.output().is_ok_and(|mount| mount.status.success()) {
            return Some(Self(directory));
        }
        assert!(std::env::var_os("CI").is_none(), "CI must be allowed to mount");
        eprintln!("not run: no filesystem can be mounted here");
        None
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // The relay's last files may still be open for a moment.
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

fn large(number: u64) -> session::FromClient {
    let session::FromClient::Publish(mut publish) = publish(number, "a", "") else {
        unreachable!()
    };
    let (id, data) = (format!("e{number}"), vec![b'x'; 50_000]);
    publish.body = session::Body { id, data, ..Default::default() }.encode();
    session::FromClient::Publish(publish)
}

#[tokio::test]
async fn a_full_disk_rejects_until_it_has_room_and_is_read_meanwhile() {
    let Some(disk) = Mount::new("size=16m") else { return };
    let filler = disk.path().join("filler");
    fs::write(&filler, vec![0; 6 << 20]).unwrap();
    let relay = Process::start_with(&disk.path().join("data"), &["--reserve", "4MiB"]);
    let mut client = Client::welcomed(&relay, 1, 1).await;
    let mut number = 1;
    loop {
        client.send(&[large(number)]).await;
        match client.frame().await {
            FromPeer::Ack(_) => number += 1,
            FromPeer::Reject(reject) => {
                assert_eq!((reject.number, reject.code), (number, RejectCode::DiskFull));
                assert!(reject.retry.is_some());
                break;
            }
            other => panic!("{other:?}"),
        }
        assert!(number < 1_000);
    }
    // It is held back silently until the lower number was retried.
    client.send(&[large(number + 1)]).await;
    assert!(number > 20, "{number}");
    let mut reader = Client::welcomed(&relay, 2, 1).await;
    reader.subscribe("a", Start::Earliest).await;
    for stored in 1..number {
        assert_eq!(reader.event().await.offset, Some(stored));
    }
    fs::remove_file(&filler).unwrap();
    for number in number..number + 5 {
        client.send(&[large(number)]).await;
        assert_eq!(client.ack().await.position.offset, number);
        assert_eq!(reader.event().await.offset, Some(number));
    }
}

#[tokio::test]
async fn a_commit_that_fails_is_not_announced_and_the_relay_goes_on_when_there_is_room() {
    let Some(disk) = Mount::new("size=12m") else { return };
    let filler = disk.path().join("filler");
    fs::write(&filler, vec![0; 6 << 20]).unwrap();
    let relay = Process::start_with(&disk.path().join("data"), &["--reserve", "0"]);
    let mut client = Client::welcomed(&relay, 1, 1).await;
    let mut number = 1;
    let code = loop {
        client.send(&[large(number)]).await;
        match client.frame().await {
            FromPeer::Ack(_) => number += 1,
            FromPeer::Reject(reject) => break (reject.code, reject.retry.is_some()),
            other => panic!("{other:?}"),
        }
        assert!(number < 1_000);
    };
    assert_eq!(code, (RejectCode::Unavailable, true));
    let mut reader = Client::connect(&relay).await;
    fs::remove_file(&filler).unwrap();
    reader.hello(2, 1, 1).await;
    reader.subscribe("a", Start::Earliest).await;
    for stored in 1..number {
        assert_eq!(reader.event().await.offset, Some(stored));
    }
    client.send(&[large(number)]).await;
    assert_eq!(client.ack().await.position.offset, number);
    assert_eq!(reader.event().await.offset, Some(number));
}

#[tokio::test]
async fn a_relay_whose_store_stays_out_of_use_ends_and_says_why() {
    let Some(disk) = Mount::new("size=12m") else { return };
    let data = disk.path().join("data");
    let mut child = Command::new(env!("CARGO_BIN_EXE_event-relay"))
        .args(["--listen", "127.0.0.1:0", "--reserve", "0", "--give-up", "2s", "--data"])
        .arg(&data)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut errors = child.stderr.take().unwrap();
    let mut relay = Process::of(child);
    let mut client = Client::welcomed(&relay, 1, 1).await;
    client.send(&[large(1)]).await;
    client.ack().await;
    // The file is gone and the disk is full: the next commit fails, and the store cannot be opened again.
    fs::rename(data.join("events.redb"), data.join("elsewhere")).unwrap();
    fs::create_dir(data.join("events.redb")).unwrap();
    let _ = fs::write(disk.path().join("filler"), vec![0; 16 << 20]);
    for number in 2..100 {
        client.send(&[large(number)]).await;
        if let FromPeer::Reject(reject) = client.frame().await {
            assert!(reject.retry.is_some());
            break;
        }
    }
    assert_eq!(relay.wait().code(), Some(1));
    let mut reported = String::new();
    errors.read_to_string(&mut reported).unwrap();
    let last = reported.lines().last().unwrap();
    assert!(last.contains("so the relay ends") && last.contains("events.redb"), "{reported}");
}
