//! A relay in this process whose clients need a credential.

use std::io::Write;
use std::sync::{Arc, Mutex};

use relay::authority::{Admitted, Authority, Granted, Guests, Refused};
use relay::{Config, Relay};
use session::rights::{PatternLists, Rights, Subject};
use session::{AtTopic, CloseCode, FromClient, FromPeer, Join, Refresh};
use tokio::sync::oneshot;

use crate::support::{Client, hello};

/// Accepts `name` or `name:milliseconds`.
#[derive(Debug)]
struct ByName;

impl Authority for ByName {
    fn check(&self, token: Option<&str>) -> Result<Admitted, Refused> {
        let token = token.ok_or_else(|| Refused("show a credential".to_owned()))?;
        let (name, expires_in) = match token.split_once(':') {
            Some((name, milliseconds)) => (name, milliseconds.parse().ok()),
            None => (token, None),
        };
        if name == "mallory" {
            return Err(Refused("not you".to_owned()));
        }
        let account = Subject::account(name).map_err(|error| Refused(error.to_string()))?;
        Ok(Granted { account: Some(account), expires_in, ..Granted::default() }.into())
    }
}

/// The relay's address, and a guard that stops it.
async fn start(data: &std::path::Path) -> (String, oneshot::Sender<()>) {
    start_with(data, ByName).await
}

async fn start_with(
    data: &std::path::Path,
    authority: impl Authority,
) -> (String, oneshot::Sender<()>) {
    let mut config = Config::new(data.to_owned());
    config.authority = Some(Arc::new(authority));
    let relay = Relay::start(config);
    let relay = relay.await.unwrap();
    let url = format!("ws://{}/ws", relay.address());
    let (stop, stopped) = oneshot::channel();
    tokio::spawn(relay.run(async { drop(stopped.await) }));
    (url, stop)
}

async fn say_hello(url: &str, id: u8, token: Option<&str>) -> Client {
    let FromClient::Hello(mut hello) = hello(id, 1, 1) else { unreachable!() };
    hello.token = token.map(str::to_owned);
    let mut client = Client::connect_to(url).await;
    client.send(&[FromClient::Hello(hello)]).await;
    client
}

#[tokio::test]
async fn a_hello_without_a_credential_that_is_taken_ends_with_a_stop_code() {
    let data = tempfile::tempdir().unwrap();
    let (url, _stop) = start(data.path()).await;
    for token in [None, Some("mallory")] {
        let mut client = say_hello(&url, 1, token).await;
        assert_eq!(client.close_code().await, CloseCode::CredentialRefused.code());
    }
    // Nothing was written for these, so the client's id is free.
    let mut client = say_hello(&url, 1, Some("ann")).await;
    assert!(matches!(client.frame().await, FromPeer::Welcome(_)));
}

/// The log of this thread, on which a test's relay also runs.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_refused_credential_is_in_the_audit_log_and_what_it_says_is_not() {
    let log = Log::default();
    let writer = log.clone();
    let lines = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone());
    let _log = tracing::subscriber::set_default(lines.finish());
    let data = tempfile::tempdir().unwrap();
    let (url, _stop) = start(data.path()).await;
    let code = CloseCode::CredentialRefused.code();
    let refuse = async || {
        let mut client = say_hello(&url, 1, Some("mallory")).await;
        assert_eq!(client.close_code().await, code);
    };
    // Other tests have no log. If one of them logs a line for the first time while this log is being installed,
    // `tracing` caches that the line has no subscriber. After the first refusal, the cache is rebuilt.
    refuse().await;
    tracing::callsite::rebuild_interest_cache();
    log.0.lock().unwrap().clear();
    refuse().await;
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let audit: Vec<_> = text.lines().filter(|line| line.contains(" audit: ")).collect();
    let [line] = audit[..] else { panic!("one line: {text}") };
    for part in ["refused=\"credential\"", "address=127.0.0.1", &format!("code={code}")] {
        assert!(line.contains(part), "{part} in {line}");
    }
    assert!(!text.contains("mallory") && !text.contains("not you"), "{text}");
}

#[tokio::test]
async fn a_credential_is_refreshed_in_time_or_the_connection_ends() {
    let data = tempfile::tempdir().unwrap();
    let (url, _stop) = start(data.path()).await;
    let mut client = say_hello(&url, 1, Some("ann:800")).await;
    assert!(matches!(client.frame().await, FromPeer::Welcome(_)));
    assert!(matches!(client.frame().await, FromPeer::Expiring(it) if it.milliseconds <= 400));
    client.send(&[FromClient::Refresh(Refresh { token: "ann:600".to_owned() })]).await;
    assert!(matches!(client.frame().await, FromPeer::Expiring(it) if it.milliseconds <= 300));
    assert_eq!(client.close_code().await, CloseCode::CredentialRefused.code());
}

/// The key under which a client that joins as `bob` is shown.
async fn key_of_bob(client: &mut Client) -> String {
    assert!(matches!(client.frame().await, FromPeer::Welcome(_)));
    let topic = "lobby".to_owned();
    let (key, data) = ("bob".to_owned(), Vec::new());
    client.send(&[FromClient::Join(Join { topic: topic.clone(), key, data })]).await;
    client.send(&[FromClient::Watch(AtTopic { topic })]).await;
    match client.frame().await {
        FromPeer::Present(present) => present.entries[0].key.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_client_is_present_under_the_name_that_the_authority_says() {
    let data = tempfile::tempdir().unwrap();
    let (url, _stop) = start(data.path()).await;
    assert_eq!(key_of_bob(&mut say_hello(&url, 1, Some("ann")).await).await, "ann");
    // A guest with limited rights could otherwise take the name of an account.
    let data = tempfile::tempdir().unwrap();
    let lists = PatternLists { subscribe: Some(vec![">".to_owned()]), ..PatternLists::default() };
    let (url, _stop) = start_with(data.path(), Guests(lists.parse().unwrap())).await;
    let key = key_of_bob(&mut say_hello(&url, 1, None).await).await;
    assert!(key.starts_with('~') && key.len() == 33, "{key}");
}

#[tokio::test]
async fn where_all_are_guests_with_all_rights_they_choose_their_names() {
    let data = tempfile::tempdir().unwrap();
    let (url, _stop) = start_with(data.path(), Guests(Rights::all())).await;
    assert_eq!(key_of_bob(&mut say_hello(&url, 1, None).await).await, "bob");
}
