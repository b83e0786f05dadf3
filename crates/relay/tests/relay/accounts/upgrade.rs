//! The store and the client of an older version go on with this one, first without accounts and then with them, and
//! lose nothing.
//!
//! `tests/upgrade` has what commit 0615cfc left behind: the store after a guest of `cloudevents.json` published `g1`
//! and a client published `e1` to `e5`, where the answer to `e5` was lost; and the messages of that client on its next
//! connection, one in a line: its hello, its subscription and `e5` to `e7`.

use std::path::Path;
use std::time::Instant;

use futures_util::{SinkExt, StreamExt};
use session::client::{self, Effect, Entropy, MemoryOutbox, Outcome, SavedState};
use session::{Body, Hello, Position, Start};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use topic::Topic;

use super::*;
use crate::support::{PATIENCE, id_of};

/// The streams of the older relay.
const STREAMS: [&str; 2] = ["--stream", "orders=shop.*"];
const STORE: &[u8] = include_bytes!("../../upgrade/events.redb");
const MESSAGES: &str = include_str!("../../upgrade/client.hex");
/// All events, by stream.
const EVENTS: [&str; 2] = ["g1 e1 e2 e4 e5 e7", "e3 e6"];

/// A folder whose `data` is the store of the older relay.
fn older() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("events.redb"), STORE).unwrap();
    folder
}

fn without_accounts(folder: &Path) -> Process {
    Process::start_with(&folder.join("data"), &STREAMS)
}

/// The messages of the older client.
fn messages() -> Vec<Vec<u8>> {
    let line = |line: &str| {
        let digits = |at| u8::from_str_radix(&line[at..at + 2], 16).unwrap();
        (0..line.len()).step_by(2).map(digits).collect()
    };
    MESSAGES.lines().map(line).collect()
}

/// The hello of the older client.
fn older_hello() -> Hello {
    match FromClient::decode(&messages()[0]).next() {
        Some(Ok(FromClient::Hello(hello))) => hello,
        other => panic!("{other:?}"),
    }
}

/// Sends the messages of the older client. Returns the numbers that are acked, and the positions.
async fn replay(relay: &Process) -> Vec<(u64, Position)> {
    let mut client = Client::connect(relay).await;
    let mut messages = messages().into_iter();
    client.socket.send(Message::Binary(messages.next().unwrap().into())).await.unwrap();
    match client.frame().await {
        FromPeer::Welcome(welcome) => {
            assert_eq!((welcome.highest, welcome.highest_id.as_deref()), (5, Some("e5")));
            assert!(!welcome.forgotten);
        }
        other => panic!("{other:?}"),
    }
    for message in messages {
        client.socket.send(Message::Binary(message.into())).await.unwrap();
    }
    let (mut acks, mut events) = (Vec::new(), Vec::new());
    while acks.len() < 3 || events.len() < 3 {
        match client.frame().await {
            FromPeer::Ack(ack) => acks.push((ack.number, ack.position)),
            FromPeer::Event(event) => events.push(id_of(&event)),
            FromPeer::Subscribed(subscribed) => assert!(!subscribed.reset),
            FromPeer::CaughtUp(_) => {}
            other => panic!("{other:?}"),
        }
    }
    events.sort_unstable();
    // It continues after what it has read.
    assert_eq!(events, ["e5", "e6", "e7"]);
    acks
}

/// The ids of all events, by stream and in their order.
async fn logged(mut reader: Client, count: usize) -> [String; 2] {
    reader.subscribe(">", Start::Earliest).await;
    let mut ids = [Vec::new(), Vec::new()];
    for _ in 0..count {
        let event = reader.event().await;
        ids[usize::from(event.stream.as_str() == "orders")].push(id_of(&event));
    }
    ids.map(|ids| ids.join(" "))
}

#[tokio::test]
async fn the_store_and_the_client_of_an_older_version_go_on_without_accounts_and_then_with_them() {
    let folder = older();
    let relay = without_accounts(folder.path());
    let acks = replay(&relay).await;
    let offset = |number: u64| acks.iter().find(|(it, _)| *it == number).unwrap().1.offset;
    assert_eq!([5, 6, 7].map(offset), [5, 2, 6]);
    assert_eq!(logged(Client::welcomed(&relay, 1, 1).await, 8).await, EVENTS);
    relay.kill();

    let accounts = Accounts::start_in(folder, &STREAMS);
    let older = older_hello();
    // Without a token the client is refused and keeps its outbox.
    let come = async |fence: u64, token: Option<String>| {
        let mut client = Client::connect(&accounts.relay).await;
        client.send(&[FromClient::Hello(Hello { fence, token, ..older.clone() })]).await;
        client
    };
    let mut refused = come(older.fence + 1, None).await;
    assert_eq!(refused.close_code().await, REFUSED.code());
    let ann = accounts.token("ann", "pub=>;sub=>");
    let mut client = come(older.fence + 1, Some(ann.clone())).await;
    match client.frame().await {
        FromPeer::Welcome(welcome) => {
            assert_eq!((welcome.highest, welcome.highest_id.as_deref()), (7, Some("e7")));
            assert!(!welcome.forgotten);
        }
        other => panic!("{other:?}"),
    }
    // The answer to a repeat is the same, and the next event follows.
    client.send(&[publish(7, "a.c", "e7"), publish(8, "a", "e8")]).await;
    assert_eq!([client.ack().await, client.ack().await].map(|ack| ack.position.offset), [6, 7]);
    let bob = accounts.token("bob", "pub=>;sub=>");
    let mut thief = come(older.fence + 2, Some(bob)).await;
    assert_eq!(thief.close_code().await, CloseCode::Unauthorized.code());
    let [main, orders] = EVENTS;
    let all = [format!("{main} e8"), orders.to_owned()];
    assert_eq!(logged(accounts.welcomed(2, &ann).await, 9).await, all);
}

/// A page: the client's machine with its outbox, and a socket.
struct Page {
    client: client::Client,
    store: MemoryOutbox,
    url: String,
    token: Option<String>,
    socket: Option<Client>,
    began: Instant,
    stored: Vec<(String, u64)>,
}

impl Page {
    fn new(store: MemoryOutbox, url: String, token: Option<String>) -> Self {
        let entropy: Entropy = Box::new(|bytes| getrandom::fill(bytes).unwrap());
        let options =
            client::Options { credentials: token.is_some(), ..client::Options::default() };
        let client = client::Client::new(options, entropy, store.saved().clone());
        let (socket, stored) = (None, Vec::new());
        Self { client, store, url, token, socket, began: Instant::now(), stored }
    }

    fn now(&self) -> u64 {
        self.began.elapsed().as_millis() as u64
    }

    async fn publish(&mut self, id: &str, topic: &str) {
        let body = Body { id: id.to_owned(), source: "/page".to_owned(), ..Body::default() };
        let now = self.now();
        self.client.publish(Topic::parse(topic).unwrap(), &body, now).unwrap();
        self.run().await;
    }

    /// Runs until `count` events are stored.
    async fn until_stored(&mut self, count: usize) -> &[(String, u64)] {
        self.client.connect(self.now());
        self.run().await;
        while self.stored.len() < count {
            let socket = self.socket.as_mut().expect("a connection");
            let message = timeout(PATIENCE, socket.socket.next()).await.unwrap().unwrap().unwrap();
            if let Message::Binary(bytes) = message {
                self.client.received(&bytes, self.now());
            }
            self.run().await;
        }
        &self.stored
    }

    async fn run(&mut self) {
        while let Some(effect) = self.client.poll() {
            let now = self.now();
            match effect {
                Effect::Open => {
                    self.socket = Some(Client::connect_to(&self.url).await);
                    self.client.opened(now);
                }
                Effect::FetchCredential => self.client.credential(self.token.clone(), now),
                Effect::Store(request) => {
                    let response = self.store.run(request);
                    self.client.answer(Ok(response), now);
                }
                Effect::Send(message) => {
                    let socket = self.socket.as_mut().expect("a connection");
                    socket.socket.send(Message::Binary(message.into())).await.unwrap();
                }
                Effect::Settled { id, outcome: Outcome::Stored(position, _), .. } => {
                    self.stored.push((id, position.offset));
                }
                Effect::Settled { .. } | Effect::Close(_) => panic!("{effect:?}"),
                _ => {}
            }
        }
    }
}

#[tokio::test]
async fn a_page_that_has_a_secret_goes_on_without_accounts_and_then_with_a_token() {
    let folder = older();
    let relay = without_accounts(folder.path());
    let older = older_hello();
    // What the older page has left in its outbox.
    let mut entropy: Entropy = Box::new(|bytes| getrandom::fill(bytes).unwrap());
    let mut saved = SavedState::new(&mut entropy);
    (saved.client, saved.secret) = (older.client, client::Secret(older.secret.unwrap()));
    (saved.next, saved.fence, saved.decided) = (5, older.fence, (4, "e4".to_owned()));
    let mut page = Page::new(MemoryOutbox::new(saved), relay.url(), None);
    for (id, topic) in [("e5", "a"), ("e6", "shop.order"), ("e7", "a.c")] {
        page.publish(id, topic).await;
    }
    let stored = page.until_stored(3).await;
    let expected = [("e5", 5), ("e6", 2), ("e7", 6)].map(|(id, at)| (id.to_owned(), at));
    assert_eq!(stored, expected);
    relay.kill();
    let Page { store, .. } = page;

    let accounts = Accounts::start_in(folder, &STREAMS);
    let ann = accounts.token("ann", "pub=>;sub=>");
    let mut page = Page::new(store, accounts.relay.url(), Some(ann.clone()));
    page.publish("e8", "a").await;
    assert_eq!(page.until_stored(1).await, [("e8".to_owned(), 7)]);
    assert_eq!((page.client.id(), page.client.subject()), (older.client, Some("ann")));
    assert_eq!(page.store.saved().rows, []);
    let [main, orders] = EVENTS;
    let all = [format!("{main} e8"), orders.to_owned()];
    assert_eq!(logged(accounts.welcomed(2, &ann).await, 9).await, all);
}
