//! Tabs that share a link. Several buses and bridges in one page stand for tabs; locks, channels and the database are
//! the browser's own, and the peer is behind a fake WebSocket class.
#![cfg(all(target_arch = "wasm32", feature = "bridge"))]

#[path = "bridge/fake_socket.rs"]
mod fake_socket;
#[path = "bridge/peer.rs"]
#[allow(dead_code)] // the tests of one bridge use the rest
mod peer;
#[path = "tabs/people.rs"]
mod people;
#[path = "tabs/sharing.rs"]
mod sharing;
#[path = "bridge/shown.rs"]
mod shown;

use std::cell::RefCell;
use std::rc::Rc;

use event_driven_kit::bridge::{LinkState, OutboxStorage, Role, RuleGuard};
use event_driven_kit::{Bridge, BridgeOptions, Bus, Receipt, Rule, Status, Subscription};
use fake_socket::{self as socket, sleep};
use peer::Peer;
use sharing::{URL, new_user, until};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen(module = "/tests/bridge/locks.js")]
extern "C" {
    /// Steals every lock with this name and releases it at once.
    #[wasm_bindgen(js_name = stealLock)]
    async fn steal_lock(name: &str);
    /// The number of tabs that hold or request a lock with this name.
    #[wasm_bindgen(js_name = lockUsers)]
    async fn lock_users(name: &str) -> JsValue;
}

#[wasm_bindgen(module = "/tests/bridge/database.js")]
extern "C" {
    /// No row is written until the returned function is called.
    #[wasm_bindgen(js_name = useUpQuota)]
    fn use_up_quota() -> js_sys::Function;
}

type Log = Rc<RefCell<Vec<String>>>;

struct TabOf {
    bus: Bus,
    bridge: Bridge,
    log: Log,
    _rules: Vec<RuleGuard>,
    _log: Subscription,
}

fn open(user: &str) -> TabOf {
    let bus = Bus::new();
    let log = Log::default();
    let kept = log.clone();
    let _log = bus.subscriber(">").echo().handle(move |event| {
        kept.borrow_mut().push(shown::line(event)?);
        Ok(())
    });
    let bridge = Bridge::connect(&bus, BridgeOptions::new(URL).identity(user)).unwrap();
    let rules =
        [Rule::both("chat.>").durable(), Rule::both("typing").ephemeral(), Rule::tabs("theme")];
    let _rules = rules.into_iter().map(|rule| bridge.rule(rule).unwrap()).collect();
    TabOf { bus, bridge, log, _rules, _log: _log.unwrap() }
}

impl TabOf {
    fn say(&self, text: &str) -> Receipt {
        self.bus.publish("chat.a", text.to_owned()).unwrap()
    }

    fn role(&self) -> Role {
        self.bridge.status().role
    }

    fn is_online(&self) -> bool {
        self.bridge.state() == LinkState::Online
    }

    /// The events from the log in order.
    fn stored(&self) -> Vec<String> {
        let log = self.log.borrow();
        log.iter().filter(|line| line.contains(" stored ")).cloned().collect()
    }
}

/// Waits until this number of tabs hold or request a lock with this name.
async fn lock_has(users: f64, name: &str) {
    for _ in 0..200 {
        if lock_users(name).await.as_f64() == Some(users) {
            return;
        }
        sleep(5).await;
    }
    panic!("{:?} instead of {users} tabs hold or want the lock", lock_users(name).await);
}

/// A leader and a follower, both online.
async fn two(user: &str, peer: &mut Peer) -> (TabOf, TabOf) {
    let leader = open(user);
    until("a leader", peer, |_| leader.role() == Role::Leader && leader.is_online()).await;
    let follower = open(user);
    until("a follower", peer, |_| follower.is_online()).await;
    assert_eq!((leader.role(), follower.role()), (Role::Leader, Role::Follower));
    (leader, follower)
}

#[wasm_bindgen_test]
async fn tabs_share_one_connection_and_see_one_order() {
    let (user, mut peer) = (new_user(), Peer::default());
    let (leader, follower) = two(&user, &mut peer).await;
    assert_eq!(socket::count(), 1);
    peer.serve().await;
    let receipts = [leader.say("one"), follower.say("two"), leader.say("three")];
    until("the log", &mut peer, |peer| peer.log().len() == 3).await;
    until("the answers", &mut peer, |_| {
        receipts.iter().all(|receipt| matches!(receipt.status(), Status::Stored(_)))
            && leader.stored().len() == 3
            && follower.stored().len() == 3
    })
    .await;
    assert_eq!(leader.stored(), follower.stored());
    peer.append("chat.a", "x", "\"theirs\"");
    until("theirs", &mut peer, |_| follower.stored().len() == 4).await;
    assert_eq!(leader.stored(), follower.stored());
    assert_eq!(socket::count(), 1);
    assert_eq!((leader.bridge.status().outbox, follower.bridge.status().outbox), (0, 0));
}

#[wasm_bindgen_test]
async fn what_a_tab_publishes_is_echoed_in_the_others_until_it_is_stored() {
    let (user, mut peer) = (new_user(), Peer::default());
    let (leader, follower) = two(&user, &mut peer).await;
    // Subscriptions exist before the first publish.
    peer.serve().await;
    sleep(20).await;
    peer.serve().await;
    leader.say("hi").kept().await.unwrap();
    until("the echo", &mut peer, |_| !follower.log.borrow().is_empty()).await;
    assert_eq!(follower.log.borrow()[0], "hi kept");
    until("the end", &mut peer, |_| follower.log.borrow().last().unwrap() == "hi stored 1").await;
    assert_eq!(follower.stored().len(), 1);
}

#[wasm_bindgen_test]
async fn while_the_database_takes_no_writes_the_events_of_all_tabs_go_out_from_memory() {
    let (user, mut peer) = (new_user(), Peer::default());
    let (leader, follower) = two(&user, &mut peer).await;
    peer.serve().await;
    let free = use_up_quota();
    let (one, two) = (follower.say("one"), follower.say("two"));
    until("the follower's", &mut peer, |_| leader.stored().len() == 2).await;
    let three = leader.say("three");
    until("the leader's", &mut peer, |_| follower.stored().len() == 3).await;
    until("the answers", &mut peer, |_| {
        [&one, &two, &three].iter().all(|receipt| matches!(receipt.status(), Status::Stored(_)))
    })
    .await;
    assert_eq!(follower.stored(), ["one stored 1", "two stored 2", "three stored 3"]);
    assert_eq!(leader.stored(), follower.stored());
    assert_eq!(peer.log().len(), 3);
    for tab in [&leader, &follower] {
        let status = tab.bridge.status();
        assert_eq!((status.storage, status.outbox), (OutboxStorage::Failing, 0));
    }
    assert_eq!((leader.role(), follower.role()), (Role::Leader, Role::Follower));

    free.call0(&JsValue::NULL).unwrap();
    let again = follower.say("again");
    until("the database", &mut peer, |_| matches!(again.status(), Status::Stored(_))).await;
    assert_eq!(follower.bridge.status().storage, OutboxStorage::IndexedDb);
    until("the echo", &mut peer, |_| leader.log.borrow().iter().any(|line| line == "again kept"))
        .await;
}

#[wasm_bindgen_test]
async fn when_the_leader_closes_another_tab_takes_over_and_nothing_is_lost_or_doubled() {
    let (user, mut peer) = (new_user(), Peer::default());
    let (leader, follower) = two(&user, &mut peer).await;
    peer.serve().await;
    // In the log, but not acked when the leader ends.
    peer.dies = true;
    let last = leader.say("of the leader");
    last.kept().await.unwrap();
    let mine = follower.say("of the follower");
    mine.kept().await.unwrap();
    for _ in 0..20 {
        peer.step();
        sleep(5).await;
    }
    drop(leader);
    until("another leader", &mut peer, |_| follower.role() == Role::Leader && follower.is_online())
        .await;
    let later = follower.say("later");
    until("all", &mut peer, |peer| {
        peer.log().len() == 3 && matches!(later.status(), Status::Stored(_))
    })
    .await;
    assert!(matches!(mine.status(), Status::Stored(_)));
    until("an empty outbox", &mut peer, |_| follower.bridge.status().outbox == 0).await;
    let mut stored: Vec<String> =
        follower.stored().iter().map(|line| line.split(" stored").next().unwrap().into()).collect();
    stored.sort();
    assert_eq!(stored, ["later", "of the follower", "of the leader"]);
    assert_eq!(peer.log().len(), 3);
}

#[wasm_bindgen_test]
async fn a_leader_whose_lock_is_stolen_is_deposed_and_one_leads_again() {
    let (user, mut peer) = (new_user(), Peer::default());
    let (one, two) = two(&user, &mut peer).await;
    steal_lock(&format!("event-driven-kit v1 {URL} {user}")).await;
    until("one leader", &mut peer, |_| {
        let roles = [one.role(), two.role()];
        roles.contains(&Role::Leader)
            && roles.contains(&Role::Follower)
            && one.is_online()
            && two.is_online()
            && socket::count() > 1
    })
    .await;
    assert_eq!(socket::state(0), 3, "the deposed leader has closed its socket");
    one.say("one");
    two.say("two");
    until("both", &mut peer, |_| one.stored().len() == 2 && two.stored().len() == 2).await;
    assert_eq!(one.stored(), two.stored());
    assert_eq!(peer.log().len(), 2);
}

#[wasm_bindgen_test]
async fn ephemeral_and_shared_local_events_reach_other_tabs_once() {
    let (user, mut peer) = (new_user(), Peer::default());
    let (leader, follower) = two(&user, &mut peer).await;
    peer.serve().await;
    follower.bus.publish("typing", "ann".to_owned()).unwrap();
    follower.bus.publish("theme", "dark".to_owned()).unwrap();
    follower.bus.publish("private", "mine".to_owned()).unwrap();
    until("both", &mut peer, |peer| leader.log.borrow().len() == 2 && peer.ephemeral.len() == 1)
        .await;
    sleep(20).await;
    assert_eq!(*leader.log.borrow(), ["ann ephemeral", "dark local"]);
    assert_eq!(*follower.log.borrow(), ["ann ephemeral", "dark local", "mine local"]);
}

#[wasm_bindgen_test]
async fn a_tab_that_opens_late_sees_what_waits_in_the_outbox_and_its_end() {
    let (user, mut peer) = (new_user(), Peer::default());
    let early = open(&user);
    early.say("hi").kept().await.unwrap();
    let late = open(&user);
    for _ in 0..200 {
        if !late.log.borrow().is_empty() {
            break;
        }
        sleep(5).await;
    }
    assert_eq!(*late.log.borrow(), ["hi kept"]);
    until("the end", &mut peer, |_| {
        late.log.borrow().last().unwrap() == "hi stored 1" && early.stored().len() == 1
    })
    .await;
    assert_eq!((late.stored().len(), peer.log().len()), (1, 1));
}

#[wasm_bindgen_test]
async fn tabs_that_have_closed_hold_and_want_no_lock() {
    let (user, mut peer) = (new_user(), Peer::default());
    let (leader, follower) = two(&user, &mut peer).await;
    let name = format!("event-driven-kit v1 {URL} {user}");
    // The browser reports its locks with a delay.
    lock_has(2.0, &name).await;
    drop((leader, follower));
    lock_has(0.0, &name).await;
}

#[wasm_bindgen_test]
async fn identities_share_nothing() {
    let mut peer = Peer::default();
    let (one, other) = (open(&new_user()), open(&format!("{} other", new_user())));
    until("two leaders", &mut peer, |_| one.role() == Role::Leader && other.role() == Role::Leader)
        .await;
}
