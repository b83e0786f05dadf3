//! The outbox of a bridge in the browser's own database: what survives a reload, and what is reported when nothing can
//! be stored. Dropping bus and bridge and creating new ones stands for a reload.
#![cfg(all(target_arch = "wasm32", feature = "bridge"))]

#[path = "outbox/failing.rs"]
mod failing;
#[path = "bridge/fake_socket.rs"]
mod fake_socket;
#[path = "bridge/peer.rs"]
#[allow(dead_code)] // the tests of one bridge use the rest
mod peer;
#[path = "bridge/shown.rs"]
mod shown;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use event_driven_kit::bridge::{
    CloseCode, LINK_TOPIC, LinkState, LinkStatus, OutboxStorage, RejectCode, Role, UNCERTAIN_TOPIC,
    Uncertain,
};
use event_driven_kit::{
    Bridge, BridgeOptions, Bus, ERROR_TOPIC, Failure, Receipt, Rule, Status, Subscription,
};
use fake_socket::{self as socket, sleep};
use peer::Peer;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen(module = "/tests/bridge/database.js")]
extern "C" {
    #[wasm_bindgen(js_name = refuseDatabases)]
    fn refuse_databases() -> js_sys::Function;
    #[wasm_bindgen(js_name = agreeToPersist)]
    fn agree_to_persist();
    /// No row is written until the returned function is called.
    #[wasm_bindgen(js_name = useUpQuota)]
    fn use_up_quota() -> js_sys::Function;
}

type Log = Rc<RefCell<Vec<String>>>;

/// One life of the page, from one load to the next.
struct Page {
    bus: Bus,
    bridge: Bridge,
    echo: Log,
    _rule: event_driven_kit::bridge::RuleGuard,
    _echo: Subscription,
}

/// A unique identity with its own outbox.
fn new_user() -> BridgeOptions {
    thread_local!(static COUNT: std::cell::Cell<u32> = const { std::cell::Cell::new(0) });
    socket::install();
    let number = COUNT.replace(COUNT.get() + 1);
    let name = format!("{} {number}", js_sys::Date::now());
    BridgeOptions::new("ws://peer.test/ws").identity(name)
}

fn load(options: &BridgeOptions) -> Page {
    let bus = Bus::new();
    let (_echo, echo) = listen(&bus);
    let bridge = Bridge::connect(&bus, options.clone()).unwrap();
    let _rule = bridge.rule(Rule::both("chat.>").durable()).unwrap();
    Page { bus, bridge, echo, _rule, _echo }
}

/// A page that is online, and whose client the peer has recorded: it has rejected an event. So the next event is sent
/// without a wait for another welcome.
async fn load_recorded(options: &BridgeOptions, peer: &mut Peer) -> Page {
    let page = load(options);
    page.say("to be rejected");
    peer.refuses = true;
    accept(peer, 0).await;
    page.holds(0).await;
    peer.refuses = false;
    page
}

/// A page with an event that the peer has stored, and died before it sent the ack.
async fn unanswered(options: &BridgeOptions, peer: &mut Peer) -> (Page, Receipt) {
    let page = load_recorded(options, peer).await;
    peer.dies = true;
    let receipt = page.say("hi");
    until("the frame", || receipt.status() == Status::Sent).await;
    peer.serve().await;
    (page, receipt)
}

fn listen(bus: &Bus) -> (Subscription, Log) {
    let log = Log::default();
    let kept = log.clone();
    let subscription = bus.subscriber("chat.>").echo().handle(move |event| {
        kept.borrow_mut().push(shown::line(event)?);
        Ok(())
    });
    (subscription.unwrap(), log)
}

impl Page {
    fn say(&self, text: &str) -> Receipt {
        self.bus.publish("chat.a", text.to_owned()).unwrap()
    }

    /// Waits until the outbox has this number of rows.
    async fn holds(&self, outbox: usize) {
        until("the outbox", || self.bridge.status().outbox == outbox).await;
    }
}

async fn until(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..400 {
        if done() {
            return;
        }
        sleep(10).await;
    }
    panic!("{what}: not in four seconds");
}

/// Accepts the next connection and serves it.
async fn accept(peer: &mut Peer, sockets: u32) {
    until("a connection", || socket::count() > sockets).await;
    peer.accept();
    // A transaction takes the fencing token before the hello.
    for _ in 0..20 {
        peer.serve().await;
        sleep(5).await;
    }
}

#[wasm_bindgen_test]
async fn what_was_kept_is_shown_again_after_a_reload_and_leaves_once() {
    let (user, mut peer) = (new_user(), Peer::default());
    let page = load(&user);
    let receipts = [page.say("one"), page.say("two")];
    assert_eq!(receipts[0].status(), Status::Queued);
    for receipt in &receipts {
        assert_eq!(receipt.kept().await, Ok(true));
        assert_eq!(receipt.status(), Status::Kept);
    }
    drop(page);

    let sockets = socket::count();
    let page = load(&user);
    page.holds(2).await;
    assert_eq!(*page.echo.borrow(), ["one kept", "two kept"]);
    let (_late, late) = listen(&page.bus);
    assert!(late.borrow().is_empty(), "never inside the call");
    sleep(0).await;
    assert_eq!(*late.borrow(), ["one kept", "two kept"]);

    accept(&mut peer, sockets).await;
    page.holds(0).await;
    assert_eq!(peer.log().len(), 2);
    for log in [&page.echo, &late] {
        let endings = ["one sent", "two sent", "one stored 1", "two stored 2"];
        assert_eq!(log.borrow()[2..], endings);
    }
    drop(page);

    let page = load(&user);
    until("the store", || socket::count() > sockets + 1).await;
    assert_eq!((page.bridge.status().outbox, page.echo.borrow().len()), (0, 0));
}

#[wasm_bindgen_test]
async fn what_was_sent_and_not_answered_before_a_reload_lands_once() {
    let (user, mut peer) = (new_user(), Peer::default());
    let (page, _) = unanswered(&user, &mut peer).await;
    assert_eq!(peer.log().len(), 1);
    let sockets = socket::count();
    drop(page);

    let page = load(&user);
    accept(&mut peer, sockets).await;
    page.holds(0).await;
    assert_eq!(peer.log().len(), 1);
    assert_eq!(page.echo.borrow().first().unwrap(), "hi kept");
    assert_eq!(page.echo.borrow().last().unwrap(), "hi stored 1");
}

#[wasm_bindgen_test]
async fn the_first_event_of_an_online_page_goes_out_when_the_peer_has_recorded_its_client() {
    let (user, mut peer) = (new_user(), Peer::default());
    let page = load(&user);
    accept(&mut peer, 0).await;
    let receipt = page.say("hi");
    receipt.kept().await.unwrap();
    assert_eq!(receipt.status(), Status::Kept);
    until("the answer", || {
        peer.step();
        matches!(receipt.status(), Status::Stored(_))
    })
    .await;
    assert_eq!(*page.echo.borrow(), ["hi queued", "hi kept", "hi sent", "hi stored 1"]);
    assert_eq!(socket::count(), 1);
}

#[wasm_bindgen_test]
async fn what_was_published_just_before_the_bridge_is_dropped_is_kept() {
    let user = new_user();
    let page = load(&user);
    let receipts = ["one", "two", "three"].map(|text| page.say(text));
    drop(page);
    for receipt in receipts {
        assert_eq!(receipt.kept().await, Ok(true));
    }
    let page = load(&user);
    page.holds(3).await;
}

#[wasm_bindgen_test]
async fn a_cancel_that_succeeds_means_that_the_event_never_leaves() {
    let (user, mut peer) = (new_user(), Peer::default());
    let page = load(&user);
    let (one, two, three) = (page.say("one"), page.say("two"), page.say("three"));
    one.kept().await.unwrap();
    assert!(one.cancel());
    assert_eq!(one.settled().await.unwrap_err().code, RejectCode::Cancelled);
    assert!(!one.cancel());
    drop(page);

    let sockets = socket::count();
    let page = load(&user);
    page.holds(2).await;
    assert!(page.bridge.cancel(three.id()), "by its id it is cancelled after a reload, too");
    page.holds(1).await;
    accept(&mut peer, sockets).await;
    page.holds(0).await;
    assert_eq!(peer.log().len(), 1);
    assert!(!two.cancel());
}

#[wasm_bindgen_test]
async fn what_has_not_left_in_its_time_expires_also_after_a_reload() {
    let user = new_user();
    let page = load(&user);
    let hundred = Duration::from_millis(100);
    let receipt = page.bus.publish_within("chat.a", "now".to_owned(), hundred).unwrap();
    assert_eq!(receipt.settled().await.unwrap_err().code, RejectCode::Expired);
    let later = page.bus.publish_within("chat.a", "later".to_owned(), hundred).unwrap();
    later.kept().await.unwrap();
    drop(page);
    sleep(150).await;

    let page = load(&user);
    until("the end", || page.echo.borrow().len() == 2).await;
    assert_eq!(*page.echo.borrow(), ["later kept", "later rejected expired"]);
}

#[wasm_bindgen_test]
async fn the_state_of_link_and_outbox_is_retained() {
    let (user, mut peer) = (new_user(), Peer::default());
    let page = load(&user);
    page.say("one").kept().await.unwrap();
    let newest: Rc<RefCell<Option<LinkStatus>>> = Rc::default();
    let kept = newest.clone();
    let _late = page.bus.subscriber(LINK_TOPIC).replay(move |event| {
        kept.replace(Some(LinkStatus::clone(&*event.data()?)));
        Ok(())
    });
    sleep(0).await;
    let notices = newest.borrow().clone().unwrap();
    assert_eq!(notices, page.bridge.status());
    assert_eq!((notices.outbox, notices.storage), (1, OutboxStorage::IndexedDb));
    assert_eq!((notices.last_acked, notices.state), (None, LinkState::Connecting));

    accept(&mut peer, 0).await;
    page.holds(0).await;
    let notices = newest.borrow().clone().unwrap();
    assert_eq!((notices.outbox, notices.state), (0, LinkState::Online));
    let acked = notices.last_acked.unwrap();
    assert_eq!((acked.offset.as_str(), acked.stream.as_str()), ("1", "main"));
}

#[wasm_bindgen_test]
async fn the_browser_is_asked_to_keep_the_storage_and_its_answer_is_reported() {
    agree_to_persist();
    let page = load(&new_user());
    assert_eq!(page.bridge.status().persisted, None);
    page.say("one").kept().await.unwrap();
    until("an answer", || page.bridge.status().persisted == Some(true)).await;
}

#[wasm_bindgen_test]
async fn uncertain_events_are_reported_also_to_later_subscribers() {
    let (user, mut peer) = (new_user(), Peer::default());
    let (page, receipt) = unanswered(&user, &mut peer).await;
    // Its successor knows no clients.
    let mut peer = Peer::default();
    accept(&mut peer, 1).await;
    assert_eq!(receipt.settled().await.unwrap_err().code, RejectCode::Uncertain);
    let notices: Rc<RefCell<Vec<Uncertain>>> = Rc::default();
    let kept = notices.clone();
    let _late = page.bus.subscriber(UNCERTAIN_TOPIC).replay(move |event| {
        kept.borrow_mut().push(Uncertain::clone(&*event.data()?));
        Ok(())
    });
    sleep(0).await;
    assert_eq!((notices.borrow().len(), &*notices.borrow()[0].topic), (1, "chat.a"));
    assert_eq!(notices.borrow()[0].id, receipt.id());
    assert_eq!(page.echo.borrow().last().unwrap(), "hi rejected uncertain");
}

#[wasm_bindgen_test]
async fn a_page_that_is_put_away_holds_nothing_and_comes_back() {
    let (user, mut peer) = (new_user(), Peer::default());
    let page = load_recorded(&user, &mut peer).await;
    let window = web_sys::window().unwrap();
    let tell = |event| window.dispatch_event(&web_sys::Event::new(event).unwrap()).unwrap();
    tell("pagehide");
    assert_eq!(socket::closed_with(0), Some(CloseCode::GoingAway.code()));
    // All pages of these tests receive the events, but only this one has an open socket.
    sleep(20).await;
    assert_eq!(socket::count(), 1);
    tell("pageshow");
    accept(&mut peer, 1).await;
    assert_eq!(page.bridge.state(), LinkState::Online);
    let receipt = page.say("hi");
    until("the frame", || receipt.status() == Status::Sent).await;
    peer.serve().await;
    assert_eq!(receipt.settled().await.unwrap().unwrap().offset, 1);
}

#[wasm_bindgen_test]
async fn a_socket_that_does_not_send_is_given_no_more_until_it_has() {
    let (user, mut peer) = (new_user(), Peer::default());
    let page = load_recorded(&user, &mut peer).await;
    socket::set_buffered(0, (1 << 20) + 1);
    let receipt = page.say("hi");
    until("the frame", || receipt.status() == Status::Sent).await;
    assert!(socket::take_sent(0).is_none());
    socket::set_buffered(0, 0);
    until("the answer", || {
        peer.step();
        !peer.log().is_empty()
    })
    .await;
}
