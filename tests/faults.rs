//! Failing storage never stops a page. Whatever IndexedDB, Web Locks and BroadcastChannel do, the link is up within a
//! second, publishes and reads from memory, and reports that.
#![cfg(all(target_arch = "wasm32", feature = "bridge"))]

#[path = "bridge/fake_socket.rs"]
mod fake_socket;
#[path = "bridge/peer.rs"]
#[allow(dead_code)] // the tests of one bridge use the rest
mod peer;

use std::cell::RefCell;
use std::rc::Rc;

use event_driven_kit::bridge::{LinkState, OutboxStorage, Role, RuleGuard};
use event_driven_kit::{Bridge, BridgeOptions, Bus, Receipt, Rule, Status, Subscription};
use fake_socket::{self as socket, sleep};
use js_sys::{Date, Function};
use peer::Peer;
use session::Body;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen(module = "/tests/bridge/faults.js")]
extern "C" {
    fn names() -> Vec<String>;
    #[wasm_bindgen(js_name = breakBrowser)]
    fn break_browser(name: &str) -> Function;
    #[wasm_bindgen(js_name = openElsewhere)]
    async fn open_elsewhere(name: &str, version: Option<u32>, stays: bool) -> JsValue;
    #[wasm_bindgen(js_name = countOpens)]
    fn count_opens() -> Function;
    #[wasm_bindgen(js_name = countErrors)]
    fn count_errors() -> Function;
}

#[wasm_bindgen(module = "/tests/bridge/database.js")]
extern "C" {
    #[wasm_bindgen(js_name = deleteDatabase)]
    async fn delete_database(name: &str) -> JsValue;
}

const URL: &str = "ws://peer.test/ws";
/// In milliseconds: one second, plus the same for each delay of a busy machine.
const WITHIN: f64 = 4_000.0;

/// A page that publishes and reads.
struct Page {
    bus: Bus,
    bridge: Bridge,
    stored: Rc<RefCell<Vec<String>>>,
    _rule: RuleGuard,
    _stored: Subscription,
}

/// A unique identity, and the name of its database.
fn new_user() -> (BridgeOptions, String) {
    thread_local!(static COUNT: std::cell::Cell<u32> = const { std::cell::Cell::new(0) });
    let number = COUNT.replace(COUNT.get() + 1);
    let user = format!("faults {} {number}", Date::now());
    (BridgeOptions::new(URL).identity(&*user), format!("event-driven-kit v1 {URL} {user}"))
}

fn mend(undo: &Function) -> JsValue {
    undo.call0(&JsValue::NULL).unwrap()
}

impl Page {
    fn open(options: &BridgeOptions) -> Self {
        let bus = Bus::new();
        let stored = Rc::new(RefCell::new(Vec::new()));
        let kept = stored.clone();
        let _stored = bus.subscribe("chat.>", move |event| {
            kept.borrow_mut().push(event.data::<String>()?.as_ref().clone());
            Ok(())
        });
        let bridge = Bridge::connect(&bus, options.clone()).unwrap();
        let _rule = bridge.rule(Rule::both("chat.>").durable()).unwrap();
        Self { bus, bridge, stored, _rule, _stored: _stored.unwrap() }
    }

    fn say(&self, text: &str) -> Receipt {
        self.bus.publish("chat.a", text.to_owned()).unwrap()
    }

    fn has_read(&self, text: &str) -> bool {
        self.stored.borrow().iter().any(|read| read == text)
    }

    fn is_online(&self) -> bool {
        self.bridge.state() == LinkState::Online
    }
}

/// Serves and accepts connections until the condition is true.
async fn until(what: &str, peer: &mut Peer, mut done: impl FnMut(&Peer) -> bool) {
    let begun = Date::now();
    while !done(peer) {
        assert!(Date::now() - begun < WITHIN, "{what}: not in time");
        peer.accept_all();
        peer.step();
        sleep(5).await;
    }
}

/// The page receives the events of another page, and its own events are stored once.
async fn goes_on(what: &str, page: &Page, peer: &mut Peer) {
    let before = peer.log().len();
    let (mine, theirs) = (format!("mine {before}"), format!("theirs {before}"));
    until(what, peer, |_| page.bridge.status().caught_up).await;
    peer.append("chat.a", &theirs, &format!("{theirs:?}"));
    let receipt = page.say(&mine);
    until(what, peer, |_| {
        let is_stored = matches!(receipt.status(), Status::Stored(_));
        is_stored && page.has_read(&theirs) && page.has_read(&mine)
    })
    .await;
    let is_mine = |body: &[u8]| Body::decode(body).is_ok_and(|body| body.id == receipt.id());
    assert_eq!(peer.log().iter().filter(|event| is_mine(&event.body)).count(), 1, "{what}");
}

#[wasm_bindgen_test]
async fn whatever_the_browser_refuses_at_the_first_visit_the_link_goes_on_in_memory() {
    for name in names() {
        socket::install();
        let (mut peer, (user, _)) = (Peer::default(), new_user());
        let undo = break_browser(&name);
        let (opens, errors) = (count_opens(), count_errors());
        let page = Page::open(&user);
        // Also publishes before the link is up.
        let first = page.say("first");
        goes_on(&name, &page, &mut peer).await;
        until(&name, &mut peer, |_| matches!(first.status(), Status::Stored(_))).await;
        let status = page.bridge.status();
        assert_eq!((status.storage, status.role), (OutboxStorage::Memory, Role::Alone), "{name}");
        assert!(mend(&opens).as_f64().unwrap() <= 4.0, "{name}");
        assert_eq!(mend(&errors).as_f64(), Some(0.0), "{name}: uncaught errors");
        mend(&undo);
    }
}

#[wasm_bindgen_test]
async fn a_database_that_another_script_made_is_given_its_store() {
    socket::install();
    let (mut peer, (user, database)) = (Peer::default(), new_user());
    open_elsewhere(&database, None, false).await;
    let page = Page::open(&user);
    let opens = count_opens();
    page.say("kept").kept().await.unwrap();
    assert_eq!(page.bridge.status().storage, OutboxStorage::IndexedDb);
    assert!(mend(&opens).as_f64().unwrap() <= 2.0);
    drop(page);
    // It is still there after a reload.
    let page = Page::open(&user);
    until("the outbox", &mut peer, |peer| peer.log().len() == 1).await;
    goes_on("made", &page, &mut peer).await;
    assert_eq!(page.bridge.status().storage, OutboxStorage::IndexedDb);
}

#[wasm_bindgen_test]
async fn a_database_of_another_form_or_in_use_without_a_store_is_left_alone() {
    for (version, stays) in [(Some(2), false), (Some(9), false), (None, true)] {
        socket::install();
        let (mut peer, (user, database)) = (Peer::default(), new_user());
        let close = open_elsewhere(&database, version, stays).await;
        let page = Page::open(&user);
        goes_on("elsewhere", &page, &mut peer).await;
        let status = page.bridge.status();
        assert_eq!((status.storage, status.role), (OutboxStorage::Memory, Role::Alone));
        mend(close.unchecked_ref());
    }
}

#[wasm_bindgen_test]
async fn what_is_published_after_the_site_data_was_cleared_is_stored_once() {
    socket::install();
    let (mut peer, (user, database)) = (Peer::default(), new_user());
    let page = Page::open(&user);
    goes_on("before", &page, &mut peer).await;
    for text in ["one", "two"] {
        delete_database(&database).await;
        goes_on(text, &page, &mut peer).await;
    }
    assert_eq!(page.bridge.status().storage, OutboxStorage::IndexedDb);
    // In a single tab, and in several.
    let other = Page::open(&user);
    until("a follower", &mut peer, |_| other.is_online()).await;
    delete_database(&database).await;
    goes_on("the follower's", &other, &mut peer).await;
    goes_on("the leader's", &page, &mut peer).await;
    assert_eq!(page.bridge.status().uncertain, 0);
}

#[wasm_bindgen_test]
async fn a_database_that_fails_later_stops_neither_reading_nor_publishing() {
    for name in ["open throws", "transactions throw", "transactions never end", "reads throw"] {
        socket::install();
        let (mut peer, (user, database)) = (Peer::default(), new_user());
        let (leader, follower) = (Page::open(&user), Page::open(&user));
        goes_on(name, &leader, &mut peer).await;
        goes_on(name, &follower, &mut peer).await;
        if name == "open throws" {
            delete_database(&database).await;
        }
        let undo = break_browser(name);
        let opens = count_opens();
        goes_on(name, &leader, &mut peer).await;
        assert_eq!(leader.bridge.status().storage, OutboxStorage::Failing, "{name}");
        for round in 0..20 {
            let receipt = leader.say(&round.to_string());
            until(name, &mut peer, |_| matches!(receipt.status(), Status::Stored(_))).await;
        }
        let opens = mend(&opens).as_f64().unwrap();
        assert!(opens <= 24.0, "{name}: opened {opens} times");
        // First another connection, then another leader.
        peer.hang_up(1006, "");
        until(name, &mut peer, |_| !leader.is_online()).await;
        goes_on(name, &leader, &mut peer).await;
        drop(leader);
        until(name, &mut peer, |_| follower.bridge.status().role == Role::Leader).await;
        goes_on(name, &follower, &mut peer).await;
        mend(&undo);
    }
}

#[wasm_bindgen_test]
async fn a_page_that_fails_leaves_what_was_kept_before_to_the_next_one() {
    socket::install();
    let (mut peer, (user, _)) = (Peer::default(), new_user());
    let page = Page::open(&user);
    page.say("kept").kept().await.unwrap();
    drop(page);
    for name in ["locks reject", "locks never answer", "channels throw", "reads throw"] {
        let mut peer = Peer::default();
        socket::install();
        let undo = break_browser(name);
        let page = Page::open(&user);
        // Before the page knows that it must not use the database.
        let early = page.say("early");
        goes_on(name, &page, &mut peer).await;
        until(name, &mut peer, |_| matches!(early.status(), Status::Stored(_))).await;
        assert_eq!((page.bridge.status().uncertain, peer.log().len()), (0, 3), "{name}");
        mend(&undo);
    }
    socket::install();
    let page = Page::open(&user);
    until("the outbox", &mut peer, |peer| peer.log().len() == 1).await;
    goes_on("the next page", &page, &mut peer).await;
    assert_eq!(peer.log().len(), 3, "only what was kept before waited for it");
}
