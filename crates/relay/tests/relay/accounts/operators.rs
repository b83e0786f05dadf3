//! Operators of a running relay: long requests, and operators that are slow.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;

use relay::{Config, Relay};
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use trust::Thumbprint;

use super::certificates::{Device, certify, issuing, lines, revoke};
use super::*;
use crate::support::PATIENCE;

/// The thumbprints of this number of keys.
fn thumbprints(count: u16) -> Vec<String> {
    (0..count)
        .map(|number| {
            let mut digest = [0; 32];
            digest[..2].copy_from_slice(&number.to_be_bytes());
            Thumbprint(digest).to_string()
        })
        .collect()
}

fn arguments(keys: &[String]) -> Vec<&str> {
    keys.iter().flat_map(|key| ["--key", key]).collect()
}

/// An operator.
fn connect(accounts: &Accounts) -> UnixStream {
    UnixStream::connect(accounts._folder.path().join("data/admin.sock")).unwrap()
}

/// An operator that sends a request and does not read yet.
fn ask(accounts: &Accounts, request: &str) -> UnixStream {
    let mut socket = connect(accounts);
    socket.write_all(request.as_bytes()).unwrap();
    socket.shutdown(Shutdown::Write).unwrap();
    socket
}

#[tokio::test]
async fn operators_can_connect_before_the_relay_says_that_it_listens() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(Config::new(folder.path().to_owned())).await.unwrap();
    let socket = folder.path().join("admin.sock");
    let mut early = UnixStream::connect(&socket).unwrap();
    early.write_all(b"revoke {}\n").unwrap();
    early.shutdown(Shutdown::Write).unwrap();
    let (stop, stopped) = oneshot::channel();
    let running = tokio::spawn(relay.run(async { drop(stopped.await) }));
    let answered = spawn_blocking(move || {
        let mut answer = String::new();
        early.read_to_string(&mut answer).map(|_| answer)
    });
    let answer = timeout(PATIENCE, answered).await.expect("an answer").unwrap().unwrap();
    assert!(answer.starts_with("failed "), "{answer}");
    stop.send(()).unwrap();
    running.await.unwrap().unwrap();
    assert!(!socket.exists());
    // A relay that never runs leaves no socket behind either.
    drop(Relay::start(Config::new(folder.path().to_owned())).await.unwrap());
    assert!(!socket.exists());
}

#[test]
fn a_revocation_of_many_keys_is_taken_as_a_whole_or_refused_with_what_to_do() {
    let (accounts, _folder) = issuing(&[]);
    let (device, token) = (Device::new(), accounts.token("ann", "sub=a"));
    assert_eq!(certify(&accounts, &token, &device.jwk()).0, 200);
    let mut keys = thumbprints(300);
    keys.push(device.thumbprint().to_string());
    let output = revoke(&accounts, &arguments(&keys));
    assert!(output.status.success(), "{output:?}");
    let (status, _, why) = certify(&accounts, &token, &device.jwk());
    assert_eq!(status, 403, "{why}");
    let output = revoke(&accounts, &arguments(&thumbprints(6_000)));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("fewer keys at a time"), "{said}");
}

#[test]
fn a_request_that_is_not_valid_is_answered() {
    let (accounts, _folder) = issuing(&[]);
    let nothing = format!("revoke {}\n", json!({ "keys": [] }));
    for request in ["", "\n", "backup", "revoke {}", "revoke x\n", "new-in-version-9 x\n", &nothing]
    {
        let mut answer = String::new();
        ask(&accounts, request).read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("failed ") && answer.ends_with('\n'), "{request:?} {answer:?}");
    }
}

#[tokio::test]
async fn an_operator_that_neither_writes_nor_reads_holds_up_no_other() {
    let (mut accounts, _folder) = issuing(&[]);
    let silent: Vec<_> = (0..8).map(|_| connect(&accounts)).collect();
    // The answer is larger than the buffer of a socket.
    let request = format!("revoke {}\n", json!({ "keys": thumbprints(5_000) }));
    let deaf = ask(&accounts, &request);
    lines(&mut accounts.log, |line| line.contains("an operator has asked"));
    let revoked = spawn_blocking(move || {
        let output = revoke(&accounts, &["--sub", "ann"]);
        (accounts, output)
    });
    let (accounts, output) = timeout(PATIENCE, revoked).await.expect("it waits").unwrap();
    assert!(output.status.success(), "{output:?}");
    accounts.refuses(&accounts.token("ann", "sub=a")).await;
    drop((silent, deaf));
}
