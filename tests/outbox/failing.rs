//! What a bridge does where its database cannot be opened or written.

use super::*;

#[wasm_bindgen_test]
async fn where_no_database_is_allowed_the_bridge_goes_on_in_memory_and_says_so() {
    let (user, mut peer) = (new_user(), Peer::default());
    let allow = refuse_databases();
    let page = load(&user);
    let receipt = page.say("hi");
    accept(&mut peer, 0).await;
    allow.call0(&JsValue::NULL).unwrap();
    assert_eq!(receipt.settled().await.unwrap().unwrap().offset, 1);
    let status = page.bridge.status();
    assert_eq!((status.storage, status.role), (OutboxStorage::Memory, Role::Alone));
    assert_eq!(status.persisted, None);
}

#[wasm_bindgen_test]
async fn an_event_that_cannot_be_written_goes_out_from_memory_and_the_failure_is_reported_once() {
    let (user, mut peer) = (new_user(), Peer::default());
    let page = load(&user);
    let errors = Log::default();
    let kept = errors.clone();
    let _errors = page.bus.subscribe(ERROR_TOPIC, move |event| {
        let failure = event.data::<Failure>()?;
        kept.borrow_mut().push(format!("{} {}", failure.label, failure.message));
        Ok(())
    });
    accept(&mut peer, 0).await;
    let free = use_up_quota();
    let receipts = ["one", "two", "three"].map(|text| page.say(text));
    until("the error", || !errors.borrow().is_empty()).await;
    assert!(errors.borrow()[0].starts_with("outbox the browser's storage is full"));
    receipts[2].kept().await.unwrap();
    let status = page.bridge.status();
    assert_eq!((status.storage, status.outbox), (OutboxStorage::Failing, 3));
    accept(&mut peer, 1).await;
    for (offset, receipt) in (1..).zip(receipts) {
        assert_eq!(receipt.settled().await.unwrap().unwrap().offset, offset);
    }
    let fourth = page.say("four");
    until("the frame", || fourth.status() == Status::Sent).await;
    peer.serve().await;
    assert_eq!(fourth.settled().await.unwrap().unwrap().offset, 4);
    page.holds(0).await;
    let ends = ["one stored 1", "two stored 2", "three stored 3", "four stored 4"];
    let stored = page
        .echo
        .borrow()
        .iter()
        .filter(|line| line.contains("stored"))
        .cloned()
        .collect::<Vec<_>>();
    assert_eq!((stored, errors.borrow().len()), (ends.map(str::to_owned).to_vec(), 1));

    free.call0(&JsValue::NULL).unwrap();
    page.say("again").kept().await.unwrap();
    let status = page.bridge.status();
    assert_eq!((status.storage, status.outbox), (OutboxStorage::IndexedDb, 1));
    assert_eq!(socket::closed_with(1), Some(CloseCode::GoingAway.code()));
}

#[wasm_bindgen_test]
async fn what_waits_in_memory_when_the_bridge_is_dropped_is_uncertain() {
    let user = new_user();
    let page = load(&user);
    let kept = page.say("kept");
    kept.kept().await.unwrap();
    let free = use_up_quota();
    let receipt = page.say("hi");
    receipt.kept().await.unwrap();
    drop(page);
    free.call0(&JsValue::NULL).unwrap();
    assert_eq!(receipt.settled().await.unwrap_err().code, RejectCode::Uncertain);
    assert_eq!(kept.status(), Status::Kept);
    let page = load(&user);
    page.holds(1).await;
}
