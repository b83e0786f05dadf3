//! Presence and history in tabs that share a link: the leader requests them from the peer for all tabs.

use std::cell::RefCell;
use std::rc::Rc;

use event_driven_kit::bridge::Occupants;
use event_driven_kit::{Bridge, Bus, Subscription};
use wasm_bindgen_futures::spawn_local;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::fake_socket as socket;
use crate::peer::Peer;
use crate::sharing::{new_user, until};
use crate::{Log, TabOf, two};

/// The occupants of the lobby at each change that this tab receives.
fn lobby(bus: &Bus) -> (Subscription, Log) {
    let reported = Log::default();
    let kept = reported.clone();
    let subscription = bus.subscriber("$bus.presence.lobby").replay(move |event| {
        let Occupants { present, .. } = &*event.data()?;
        let keys: Vec<_> = present.iter().map(|one| one.key.as_str()).collect();
        kept.borrow_mut().push(keys.join(" "));
        Ok(())
    });
    (subscription.unwrap(), reported)
}

fn newest(log: &Log) -> String {
    log.borrow().last().cloned().unwrap_or_default()
}

#[wasm_bindgen_test]
async fn tabs_that_share_a_link_are_one_presence_until_the_last_of_them_has_left() {
    let (user, mut peer) = (new_user(), Peer::default());
    let (leader, follower) = two(&user, &mut peer).await;
    let (_one, of_leader) = lobby(&leader.bus);
    let (_other, of_follower) = lobby(&follower.bus);
    let both = |keys: &str| newest(&of_leader) == keys && newest(&of_follower) == keys;

    peer.join(77, "lobby", "bob", "1");
    let _watched = [&leader, &follower].map(|tab| tab.bridge.watch("lobby").unwrap());
    until("bob", &mut peer, |_| both("bob")).await;
    let first = follower.bridge.join("lobby", "ann", ()).unwrap();
    until("ann", &mut peer, |_| both("bob ann")).await;
    let second = leader.bridge.join("lobby", "ann", ()).unwrap();
    drop(first);
    // Earlier messages of the follower have reached the leader too.
    follower.say("after");
    until("what was said", &mut peer, |peer| peer.log().len() == 1).await;
    peer.join(78, "lobby", "cleo", "2");
    until("cleo", &mut peer, |_| both("bob ann cleo")).await;
    drop(second);
    until("the last leave", &mut peer, |_| both("bob cleo")).await;
    assert_eq!(socket::count(), 1);
}

#[wasm_bindgen_test]
async fn a_tab_that_stops_watching_takes_nothing_from_the_others() {
    let (user, mut peer) = (new_user(), Peer::default());
    let (leader, follower) = two(&user, &mut peer).await;
    let (_one, of_leader) = lobby(&leader.bus);
    let (_other, of_follower) = lobby(&follower.bus);
    let watched = leader.bridge.watch("lobby").unwrap();
    let _stays = follower.bridge.watch("lobby").unwrap();
    peer.join(77, "lobby", "bob", "1");
    until("bob", &mut peer, |_| newest(&of_leader) == "bob" && newest(&of_follower) == "bob").await;
    drop(watched);
    peer.join(78, "lobby", "cleo", "2");
    until("cleo", &mut peer, |_| newest(&of_follower) == "bob cleo").await;
    assert_eq!(newest(&of_leader), "bob");
}

/// Reads pages of two events to the end, and collects the numbers on each page.
fn read(tab: &Rc<Bridge>) -> Rc<RefCell<Vec<Vec<u32>>>> {
    let pages = Rc::new(RefCell::new(Vec::new()));
    let (reported, bridge) = (pages.clone(), tab.clone());
    spawn_local(async move {
        let mut before = None;
        loop {
            let page = bridge.history("chat.*", before, 2).await.unwrap();
            let numbers = page.events.iter().map(|event| *event.data::<u32>().unwrap());
            reported.borrow_mut().push(numbers.collect());
            before = page.next;
            if before.is_none() {
                break;
            }
        }
    });
    pages
}

/// A peer with five events in its log, and two tabs as bridges.
async fn with_a_past() -> (Peer, [Rc<Bridge>; 2]) {
    let (user, mut peer) = (new_user(), Peer::default());
    for number in 1..=5 {
        peer.append("chat.a", &format!("id{number}"), &number.to_string());
    }
    let (leader, follower) = two(&user, &mut peer).await;
    (peer, [leader, follower].map(|TabOf { bridge, .. }| Rc::new(bridge)))
}

#[wasm_bindgen_test]
async fn each_tab_reads_its_own_pages_of_the_past_over_the_one_connection() {
    let (mut peer, [leader, follower]) = with_a_past().await;
    // Both at once, because their requests may have the same numbers.
    let pages = [read(&follower), read(&leader)];
    until("the pages", &mut peer, |_| pages.iter().all(|pages| pages.borrow().len() == 3)).await;
    for pages in pages {
        assert_eq!(*pages.borrow(), [vec![5, 4], vec![3, 2], vec![1]]);
    }
    assert_eq!(socket::count(), 1);
}

#[wasm_bindgen_test]
async fn a_page_that_is_waited_for_when_the_leader_closes_comes_through_the_next_one() {
    let (mut peer, [leader, follower]) = with_a_past().await;
    let pages = read(&follower);
    // There is no response before the leader ends.
    socket::sleep(20).await;
    assert!(pages.borrow().is_empty());
    drop(leader);
    until("the pages", &mut peer, |_| pages.borrow().len() == 3).await;
    assert_eq!(*pages.borrow(), [vec![5, 4], vec![3, 2], vec![1]]);
    assert_eq!(socket::count(), 2);
}
