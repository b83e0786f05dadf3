//! What a relay does for its store while it runs: it drops what is not to be kept any more, and ends the
//! relay when the store stays out of use.

use std::sync::Arc;
use std::time::{Duration, Instant};

use store::{Store, StoreError};

use crate::border::Border;
use crate::relay::RunError;

/// The store is looked at so often,
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// and tended so often;
const TEND_EVERY: Duration = Duration::from_secs(10);
/// where there is much to drop, the writer has its turn in between.
const BREATH: Duration = Duration::from_millis(10);

/// Runs until there is a reason to end the relay, and says which.
///
/// A store that refuses to write is no such reason: it is read from.
pub(crate) async fn run(
    store: &Arc<dyn Store>,
    border: &Border,
    give_up: Duration,
    writer_has_ended: impl Fn() -> bool,
) -> RunError {
    let mut failing: Option<Instant> = None;
    let mut tended: Option<Instant> = None;
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        if writer_has_ended() {
            return RunError::Writer;
        }
        match on_a_thread(store, |store| store.heads().map(drop)).await {
            Ok(()) => failing = None,
            Err(error) => {
                let since = failing.get_or_insert_with(Instant::now).elapsed();
                if since >= give_up {
                    return RunError::Store { since, error };
                }
                continue;
            }
        }
        if tended.is_none_or(|tended| tended.elapsed() >= TEND_EVERY) {
            tended = Some(Instant::now());
            border.forget_stale();
            loop {
                match on_a_thread(store, |store| store.maintain(store::now())).await {
                    Ok(true) => tokio::time::sleep(BREATH).await,
                    Ok(false) => break,
                    Err(error) => {
                        tracing::error!(%error, "what is not to be kept could not be dropped; it is tried again");
                        break;
                    }
                }
            }
        }
    }
}

async fn on_a_thread<T: Send + 'static>(
    store: &Arc<dyn Store>,
    work: impl FnOnce(&dyn Store) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let store = Arc::clone(store);
    match tokio::task::spawn_blocking(move || work(&*store)).await {
        Ok(done) => done,
        Err(error) => Err(StoreError::Closed(error.to_string())),
    }
}
