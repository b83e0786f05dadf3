//! The store in a browser's database: atomic operations, unique numbers, and what survives a reload.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use session::client::{OutboxRow, SavedState, Secret, StoreError, StoreRequest, StoreResponse};
use session::{Durability, RejectCode};
use topic::Topic;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

use super::{Answered, Outbox};
use crate::js::random_id;

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen(module = "/tests/bridge/database.js")]
extern "C" {
    /// Resolves when the database is deleted.
    #[wasm_bindgen(js_name = deleteDatabase)]
    async fn delete_database(name: &str) -> JsValue;
    /// Opening a database fails until the returned function is called.
    #[wasm_bindgen(js_name = refuseDatabases)]
    fn refuse_databases() -> js_sys::Function;
    /// The next `put` in a transaction throws an error with this name.
    #[wasm_bindgen(js_name = failNextPut)]
    fn fail_next_put(error: &str);
    /// The durability of each transaction that was started since the last call.
    #[wasm_bindgen(js_name = takeDurabilities)]
    fn take_durabilities() -> Vec<String>;
    async fn sleep(ms: u32);
}

/// A store with its answers.
struct Store {
    outbox: Rc<Outbox>,
    answers: Rc<RefCell<VecDeque<Answered>>>,
}

fn fresh() -> String {
    format!("test {}", random_id())
}

impl Store {
    fn open(name: &str) -> Self {
        let answers: Rc<RefCell<VecDeque<Answered>>> = Rc::default();
        let kept = answers.clone();
        let answer = Box::new(move |answered| kept.borrow_mut().push_back(answered));
        Self { outbox: Outbox::new(Some(name.to_owned()), answer), answers }
    }

    async fn run(&self, asked: StoreRequest) -> Answered {
        self.outbox.run(asked);
        self.answer().await
    }

    async fn answer(&self) -> Answered {
        for _ in 0..1_000 {
            if let Some(answered) = self.answers.borrow_mut().pop_front() {
                return answered;
            }
            sleep(5).await;
        }
        panic!("the store does not answer");
    }

    async fn load(&self) -> SavedState {
        match self.run(StoreRequest::Load).await {
            Ok(StoreResponse::Loaded(saved)) => saved,
            other => panic!("{other:?}"),
        }
    }

    async fn keep(&self, ids: &[&str]) -> u64 {
        match self.run(keep(ids)).await {
            Ok(StoreResponse::Kept { first, .. }) => first,
            other => panic!("{other:?}"),
        }
    }
}

fn keep(ids: &[&str]) -> StoreRequest {
    StoreRequest::Keep {
        client: [0; 16],
        rows: ids.iter().map(|id| row(id)).collect(),
        at_least: 0,
    }
}

fn row(id: &str) -> OutboxRow {
    OutboxRow {
        number: 0,
        id: id.to_owned(),
        topic: Topic::parse("chat.a").unwrap(),
        body: vec![0, 1, 255],
        expires: (id == "expires").then_some(1_700_000_000_000),
        durability: Durability::Disk,
        leaving: false,
        dropped: None,
        owner: [9; 16],
        sign_by: (id == "signed").then_some(1_800_000_000_000),
    }
}

fn reported(saved: &SavedState) -> Vec<(u64, &str, bool)> {
    saved.rows.iter().map(|row| (row.number, row.id.as_str(), row.leaving)).collect()
}

#[wasm_bindgen_test]
async fn kept_rows_survive_a_reload() {
    let name = fresh();
    let store = Store::open(&name);
    let made = store.load().await;
    assert_eq!((made.next, made.fence, made.rows.len()), (1, 0, 0));
    assert_eq!(store.keep(&["a", "expires", "signed"]).await, 1);
    drop(store);

    let found = Store::open(&name).load().await;
    assert_eq!((found.client, found.secret, found.next), (made.client, made.secret, 4));
    let rows = ["a", "expires", "signed"].map(row);
    let rows: Vec<OutboxRow> =
        (1..).zip(rows).map(|(number, row)| OutboxRow { number, ..row }).collect();
    assert_eq!(found.rows, rows);
}

#[wasm_bindgen_test]
async fn two_connections_that_write_at_once_never_take_the_same_number() {
    let name = fresh();
    let stores = [Store::open(&name), Store::open(&name)];
    for _ in 0..20 {
        for store in &stores {
            store.outbox.run(keep(&["one", "two"]));
        }
    }
    let mut firsts = Vec::new();
    for store in &stores {
        for _ in 0..20 {
            match store.answer().await {
                Ok(StoreResponse::Kept { first, .. }) => firsts.push(first),
                other => panic!("{other:?}"),
            }
        }
    }
    firsts.sort_unstable();
    assert_eq!(firsts, (0..40).map(|n| 2 * n + 1).collect::<Vec<u64>>());
    let [one, two] = [stores[0].load().await, stores[1].load().await];
    assert_eq!((one.client, one.rows.len()), (two.client, 80));
}

#[wasm_bindgen_test]
async fn a_number_that_the_client_knows_to_be_taken_is_not_given_again() {
    let store = Store::open(&fresh());
    let client = store.load().await.client;
    let asked = StoreRequest::Keep { client, rows: vec![row("a")], at_least: 7 };
    assert!(matches!(store.run(asked).await, Ok(StoreResponse::Kept { first: 7, .. })));
    assert_eq!(store.keep(&["b"]).await, 8);
}

#[wasm_bindgen_test]
async fn marks_erases_and_drops_change_only_the_rows_they_name() {
    let name = fresh();
    let store = Store::open(&name);
    let client = store.load().await.client;
    store.keep(&["a", "b", "c", "d", "e"]).await;
    let marked = store.run(StoreRequest::Mark { client, numbers: vec![1, 2, 4, 9] }).await;
    assert_eq!(marked, Ok(StoreResponse::Marked(vec![1, 2, 4])));
    let dropped = store
        .run(StoreRequest::Drop { client, numbers: vec![3, 4], why: RejectCode::Expired })
        .await;
    assert_eq!(dropped, Ok(StoreResponse::Dropped { dropped: vec![3], leaving: vec![4] }));
    let decided = (1, "a".to_owned());
    let erase = StoreRequest::Erase { client, numbers: vec![1], decided: decided.clone() };
    assert_eq!(store.run(erase).await, Ok(StoreResponse::Erased));
    assert_eq!(store.run(StoreRequest::TakeFence { used: 0 }).await, Ok(StoreResponse::Fence(1)));
    assert_eq!(store.run(StoreRequest::TakeFence { used: 0 }).await, Ok(StoreResponse::Fence(2)));

    let found = Store::open(&name).load().await;
    assert_eq!(
        reported(&found),
        [(2, "b", true), (3, "c", false), (4, "d", true), (5, "e", false)]
    );
    let dropped: Vec<_> = found.rows.iter().filter_map(|row| row.dropped).collect();
    assert_eq!(dropped, [RejectCode::Expired]);
    assert_eq!((found.next, found.fence, found.decided), (6, 2, decided));
}

#[wasm_bindgen_test]
async fn a_new_identity_renumbers_the_rows() {
    let name = fresh();
    let store = Store::open(&name);
    let from = store.load().await.client;
    store.keep(&["a", "b", "c", "d"]).await;
    let marked = store.run(StoreRequest::Mark { client: from, numbers: vec![2] }).await;
    assert!(marked.is_ok());
    let renew = StoreRequest::Renew { from, highest: 0, client: [1; 16], secret: Secret([2; 32]) };
    let Ok(StoreResponse::Renewed(saved)) = store.run(renew.clone()).await else {
        panic!("not renewed");
    };
    let found = Store::open(&name).load().await;
    assert_eq!(found, saved);
    assert_eq!(
        reported(&found),
        [(1, "a", false), (2, "b", true), (3, "c", false), (4, "d", false)]
    );
    assert_eq!(found.rows[1].dropped, Some(RejectCode::Uncertain));
    assert_eq!((found.client, found.secret, found.next), ([1; 16], Secret([2; 32]), 5));

    // Another tab that requests the same comes too late.
    assert_eq!(store.run(renew).await, Ok(StoreResponse::Renewed(found)));
}

#[wasm_bindgen_test]
async fn every_transaction_requests_strict_durability() {
    let store = Store::open(&fresh());
    take_durabilities();
    store.load().await;
    store.keep(&["a"]).await;
    assert_eq!(take_durabilities(), ["strict", "strict"]);
}

#[wasm_bindgen_test]
async fn a_failed_operation_is_given_back_and_has_no_effect() {
    let name = fresh();
    let store = Store::open(&name);
    store.keep(&["a"]).await;
    for (thrown, expected) in
        [("QuotaExceededError", StoreError::Full), ("UnknownError", StoreError::Unavailable)]
    {
        fail_next_put(thrown);
        let failed = store.run(keep(&["b", "c"])).await.unwrap_err();
        assert_eq!((failed.error, failed.asked), (expected, keep(&["b", "c"])));
    }
    let found = store.load().await;
    assert_eq!((reported(&found).len(), found.next), (1, 2));
    assert_eq!(store.keep(&["d"]).await, 2);
}

#[wasm_bindgen_test]
async fn the_store_is_in_memory_if_the_browser_refuses_a_database() {
    let allow = refuse_databases();
    let store = Store::open(&fresh());
    store.outbox.run(StoreRequest::Load);
    store.outbox.run(keep(&["a"]));
    assert!(matches!(store.answer().await, Ok(StoreResponse::Loaded(_))));
    assert!(matches!(store.answer().await, Ok(StoreResponse::Kept { first: 1, .. })));
    assert!(store.outbox.is_memory());
    allow.call0(&JsValue::NULL).unwrap();
    assert_eq!(store.load().await.rows.len(), 1);
}

#[wasm_bindgen_test]
async fn the_next_operation_reopens_a_closed_database() {
    let store = Store::open(&fresh());
    store.keep(&["a"]).await;
    store.outbox.run(keep(&["b"]));
    store.outbox.close();
    assert!(matches!(store.answer().await, Ok(StoreResponse::Kept { first: 2, .. })));
    assert_eq!(store.keep(&["c"]).await, 3);

    store.outbox.close();
    let allow = refuse_databases();
    let failed = store.run(keep(&["d"])).await.unwrap_err();
    assert_eq!(failed.error, StoreError::Unavailable);
    assert!(!store.outbox.is_memory(), "the rows on disk are not forgotten");
    allow.call0(&JsValue::NULL).unwrap();
    assert_eq!(store.keep(&["e"]).await, 4);
}

#[wasm_bindgen_test]
async fn a_database_that_another_page_deletes_is_closed_and_created_again() {
    let name = fresh();
    let store = Store::open(&name);
    let client = store.load().await.client;
    store.keep(&["a"]).await;
    delete_database(&name).await;
    let found = store.load().await;
    assert_ne!(found.client, client);
    assert_eq!((found.rows.len(), found.next), (0, 1));
}
