//! How long a store takes to open after it was killed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::*;

/// Opens what a kill would leave of the store now; whether the engine walked the whole file, and how
/// long that took.
fn killed(directory: &Path) -> (bool, Duration) {
    let copy = tempfile::tempdir().unwrap();
    let path = copy.path().join("events.redb");
    std::fs::copy(directory.join("events.redb"), &path).unwrap();
    let walked = Arc::new(AtomicBool::new(false));
    let (began, seen) = (Instant::now(), Arc::clone(&walked));
    let mut builder = redb::Database::builder();
    builder.set_repair_callback(move |_| seen.store(true, Ordering::SeqCst));
    drop(builder.open(&path).unwrap());
    (walked.load(Ordering::SeqCst), began.elapsed())
}

#[test]
fn a_store_that_was_killed_when_it_had_been_quiet_opens_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    for commit in 0..20 {
        let ids = commit * 500..(commit + 1) * 500;
        let batch: Vec<_> = ids.map(|id| event(&format!("e{id}"), 200, None)).collect();
        store.write(&batch).unwrap();
    }
    let (walked, busy) = killed(directory.path());
    assert!(walked);
    assert!(!store.maintain_now().unwrap());
    let (walked, quiet) = killed(directory.path());
    assert!(!walked);
    println!("opened after a kill: {busy:?} with 10,000 events when busy, {quiet:?} when quiet");
    // Nothing was written since: there is nothing to do.
    let length = || directory.path().join("events.redb").metadata().unwrap().modified().unwrap();
    let before = length();
    store.maintain_now().unwrap();
    assert_eq!(length(), before);
}
