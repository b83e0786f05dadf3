//! Attacks on clients that belong to a device key.

use session::{CloseCode, FromClient, FromPeer, Hello};

use crate::support::{Client, Device, Process, assert_serves, hello, publish};

/// The host of the tests' URLs.
const HOST: &str = "127.0.0.1";

async fn says(relay: &Process, hello: FromClient) -> Client {
    let mut client = Client::connect(relay).await;
    client.send(&[hello]).await;
    client
}

async fn welcomed(relay: &Process, hello: FromClient) -> Client {
    let mut client = says(relay, hello).await;
    let welcome = client.frame().await;
    assert!(matches!(welcome, FromPeer::Welcome(_)), "{welcome:?}");
    client
}

async fn assert_refused(relay: &Process, hello: FromClient, code: CloseCode) {
    assert_eq!(says(relay, hello).await.close_code().await, code.code());
}

fn changed(hello: &FromClient, change: impl FnOnce(&mut Hello)) -> FromClient {
    let FromClient::Hello(hello) = hello else { unreachable!() };
    let mut hello = hello.clone();
    change(&mut hello);
    FromClient::Hello(hello)
}

#[tokio::test]
async fn a20_a_hello_that_is_replayed_for_another_host_or_by_another_key_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    let (owner, thief) = (Device::new(), Device::new());
    let first = owner.prove(hello(1, 1, 1), HOST);
    let mut link = welcomed(&relay, first.clone()).await;
    for fence in 2..=6 {
        // Overheard.
        assert_refused(&relay, first.clone(), CloseCode::Fenced).await;
        let raised = changed(&first, |hello| hello.fence = fence);
        assert_refused(&relay, raised, CloseCode::Unauthorized).await;
        let of_other = changed(&first, |hello| hello.client = [fence as u8; 16]);
        assert_refused(&relay, of_other, CloseCode::Unauthorized).await;
        // Made for a relay of the thief, which passes it on.
        let elsewhere = owner.prove(hello(1, fence, 1), "evil.example");
        assert_refused(&relay, elsewhere, CloseCode::Unauthorized).await;
        // With the owner's secret, which is of no use.
        let by_other = thief.prove(hello(1, fence, 1), HOST);
        assert_refused(&relay, by_other, CloseCode::OtherKey).await;
        assert_refused(&relay, hello(1, fence, 1), CloseCode::OtherKey).await;
        let unsigned = changed(&first, |hello| (hello.fence, hello.proof) = (fence, Some([0; 64])));
        assert_refused(&relay, unsigned, CloseCode::Unauthorized).await;
    }
    // The owner has noticed nothing.
    link.send(&[publish(1, "a", "e1")]).await;
    link.ack().await;
    welcomed(&relay, owner.prove(hello(1, 2, 1), HOST)).await;
    assert_serves(&relay).await;
}

#[tokio::test]
async fn a20_the_hello_of_a_client_that_only_reads_cannot_be_replayed_either() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    let first = Device::new().prove(hello(1, 1, 1), HOST);
    let reading = changed(&first, |hello| hello.reading = true);
    drop(welcomed(&relay, reading.clone()).await);
    assert_refused(&relay, reading, CloseCode::Fenced).await;
}

#[tokio::test]
async fn a_known_client_takes_a_key_once_and_keeps_it_when_the_relay_restarts() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    let (owner, thief) = (Device::new(), Device::new());
    let mut link = Client::welcomed(&relay, 1, 1).await;
    link.send(&[publish(1, "a", "e1")]).await;
    link.ack().await;
    // Only the owner of the secret can bring a key.
    let FromClient::Hello(without) = owner.prove(hello(1, 2, 1), HOST) else { unreachable!() };
    let without = FromClient::Hello(Hello { secret: None, ..without });
    assert_refused(&relay, without, CloseCode::OtherKey).await;
    let wrong = changed(&thief.prove(hello(1, 2, 1), HOST), |it| it.secret = Some([9; 32]));
    assert_refused(&relay, wrong, CloseCode::Unauthorized).await;
    let mut known = says(&relay, owner.prove(hello(1, 2, 1), HOST)).await;
    match known.frame().await {
        FromPeer::Welcome(welcome) => assert_eq!(welcome.highest, 1, "it is the same client"),
        other => panic!("{other:?}"),
    }
    relay.kill();
    let relay = Process::start(data.path());
    assert_refused(&relay, hello(1, 3, 1), CloseCode::OtherKey).await;
    assert_refused(&relay, thief.prove(hello(1, 3, 1), HOST), CloseCode::OtherKey).await;
    welcomed(&relay, owner.prove(hello(1, 3, 1), HOST)).await;
    // From now on the secret is not needed.
    let alone = changed(&owner.prove(hello(1, 4, 1), HOST), |hello| hello.secret = None);
    welcomed(&relay, alone).await;
}

#[tokio::test]
async fn a_proof_is_for_a_host_of_the_command_line_and_not_for_that_of_the_request() {
    let data = tempfile::tempdir().unwrap();
    let options = ["--host", "example.org", "--host", "127.0.0.1"];
    let relay = Process::start_with(data.path(), &options);
    let device = Device::new();
    for (id, host, is_own) in
        [(1, "example.org", true), (2, "127.0.0.1", true), (3, "localhost", false)]
    {
        let hello = device.prove(hello(id, 1, 1), host);
        match is_own {
            true => drop(welcomed(&relay, hello).await),
            false => assert_refused(&relay, hello, CloseCode::Unauthorized).await,
        }
    }
}
