//! What begins and ends: the link, its rules, and the bridge itself.

use super::*;

#[wasm_bindgen_test]
async fn the_state_of_the_link_is_an_event() {
    socket::install();
    let (bus, mut peer) = (Bus::new(), Peer::default());
    let states: Rc<RefCell<Vec<LinkState>>> = Rc::default();
    let kept = states.clone();
    let _link = bus.subscribe(LINK_TOPIC, move |event| {
        kept.borrow_mut().push((*event.data::<LinkState>()?).clone());
        Ok(())
    });
    let bridge = connect(&bus);
    peer.accept();
    peer.serve().await;
    peer.hang_up(4503, "another tab has taken over");
    sleep(0).await;
    let reason = "another tab has taken over".to_owned();
    let stopped = LinkState::Stopped { code: 4503, reason };
    assert_eq!(*states.borrow(), [LinkState::Connecting, LinkState::Online, stopped.clone()]);
    assert_eq!(bridge.state(), stopped);
    sleep(700).await;
    assert_eq!(socket::count(), 1, "a stop is a stop");
}

#[wasm_bindgen_test]
async fn dropping_the_bridge_closes_all_and_settles_what_has_no_answer() {
    let (bus, bridge, _peer) = online([Rule::both("a").durable()]).await;
    let (_echo, echo) = listen(&bus, "a", true);
    let receipts = ["one", "two"].map(|text| say(&bus, "a", text));
    echo.take();
    drop(bridge);
    assert_eq!(*echo.borrow(), ["one rejected uncertain", "two rejected uncertain"]);
    for receipt in receipts {
        assert_eq!(receipt.settled().await.unwrap_err().code, RejectCode::Uncertain);
    }
    assert_eq!(socket::closed_with(0), Some(CloseCode::GoingAway.code()));
    say(&bus, "a", "later");
    assert_eq!(echo.borrow().last().unwrap(), "later local");
    let window = web_sys::window().unwrap();
    window.dispatch_event(&web_sys::Event::new("online").unwrap()).unwrap();
    sleep(700).await;
    assert_eq!(socket::count(), 1, "no further connection is made");
}

#[wasm_bindgen_test]
async fn a_dropped_guard_ends_its_rule_and_no_other_with_that_pattern() {
    let (bus, bridge, mut peer) = online([]).await;
    let (_plain, plain) = listen(&bus, "a", false);
    let [one, two] = [(), ()].map(|()| bridge.rule(Rule::both("a").durable()).unwrap());
    peer.serve().await;
    drop(one);
    peer.append("a", "1", "\"one\"");
    peer.serve().await;
    drop(two);
    peer.append("a", "2", "\"two\"");
    peer.serve().await;
    say(&bus, "a", "mine");
    assert_eq!(*plain.borrow(), ["one stored 1", "mine local"]);
}

#[wasm_bindgen_test]
async fn what_cannot_be_bridged_is_an_error() {
    let (bus, bridge, _peer) = online([]).await;
    let system = bridge.rule(Rule::both("$bus.>"));
    assert!(matches!(system, Err(BridgeError::SystemPattern(_))));
    assert!(matches!(bridge.rule(Rule::both("a..b")), Err(BridgeError::Pattern(_))));
    let nowhere = Bridge::connect(&bus, BridgeOptions::new("gopher://x"));
    assert!(matches!(nowhere, Err(BridgeError::Address(_))));
}
