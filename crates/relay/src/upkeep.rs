//! Maintenance of the store while the relay runs: drops what exceeds the retention limits, and ends the relay if the
//! store stays unusable.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::border::Border;
use crate::relay::RunError;
use crate::store::{self, Store, StoreError};

/// The interval of health checks,
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// and of maintenance.
const TEND_EVERY: Duration = Duration::from_secs(10);
/// The pause between steps when there is a lot to drop, in which the writer runs.
const BREATH: Duration = Duration::from_millis(10);

/// Runs until there is a reason to end the relay, and returns it.
///
/// A store that only refuses writes is not a reason, because it can still be read.
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
                        tracing::error!(%error, "old events could not be dropped; this is tried again");
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
