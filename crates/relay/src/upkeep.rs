//! Maintains the store while the relay runs: drops what is no longer kept, and ends the relay if the store stays
//! unusable.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use store::{Maintained, Store, StoreError};

use crate::border::Border;
use crate::hub::Hub;
use crate::relay::RunError;

/// How often the store is checked.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often the store is maintained.
const MAINTAIN_EVERY: Duration = Duration::from_secs(10);
/// The pause between two steps of maintenance, in which the writer has its turn.
const BREATH: Duration = Duration::from_millis(10);

/// Runs until there is a reason to end the relay, and returns it. A store that can only be read is no reason.
pub(crate) async fn run(
    store: &Arc<dyn Store>,
    hub: &Weak<Hub>,
    border: &Border,
    give_up: Duration,
    writer_has_ended: impl Fn() -> bool,
) -> RunError {
    let mut failing: Option<Instant> = None;
    let mut maintained: Option<Instant> = None;
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
        if maintained.is_none_or(|maintained| maintained.elapsed() >= MAINTAIN_EVERY) {
            maintained = Some(Instant::now());
            border.forget_stale();
            loop {
                match on_a_thread(store, |store| store.maintain(store::now())).await {
                    Ok(Maintained { more, superseded }) => {
                        if let Some(hub) = hub.upgrade() {
                            hub.supersede(&superseded);
                        }
                        if !more {
                            break;
                        }
                        tokio::time::sleep(BREATH).await;
                    }
                    Err(error) => {
                        tracing::error!(%error, "the maintenance of the store failed and is tried again");
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
