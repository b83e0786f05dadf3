//! Reads of the store: on threads that may block, one at a time for each connection, so that pages do not
//! pile up.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use session::CloseCode;
use session::server::{Located, Older, Page, StreamNo, Ticket};
use tokio::sync::Semaphore;
use topic::Pattern;

use super::Connection;
use crate::store::{Search, Store, StoreError};

/// What one will have found.
pub(super) type Reading = Pin<Box<dyn Future<Output = Result<Found, StoreError>> + Send>>;

/// A read that the store is to do.
pub(super) enum Lookup {
    Locate(Ticket, Pattern, session::Start, Search),
    Read(Ticket, StreamNo, Pattern, u64, usize),
    History(Ticket, StreamNo, Pattern, Option<u64>, usize),
}

/// What a read found.
pub(super) enum Found {
    Located(Ticket, Located),
    Page(Ticket, Page),
    Older(Ticket, Older),
    /// Not yet what it looks for: it goes on.
    More(Lookup),
    Nothing,
}

/// A read that fails is tried again after so long,
const PAUSE: Duration = Duration::from_millis(500);
/// and so many times.
const PAUSES: u32 = 20;

/// Stands where `select!` wants a future in a branch that is off.
pub(super) fn none() -> Reading {
    Box::pin(std::future::pending())
}

impl Connection {
    /// Answers the next lookup from the newest events; false if only the store can.
    pub(super) async fn read_newest(&mut self) -> bool {
        let hub = &self.shared.hub;
        let found = match self.lookups.front() {
            Some(Lookup::Locate(ticket, pattern, start, _)) => {
                hub.locate(pattern, start).map(|located| Found::Located(*ticket, located))
            }
            // What was trimmed is kept in memory a little longer.
            Some(Lookup::Read(ticket, stream, pattern, from, limit))
                if *from >= self.shared.store.first(*stream) =>
            {
                let page = hub.page(*stream, pattern, *from, *limit);
                page.map(|page| Found::Page(*ticket, page))
            }
            _ => None,
        };
        let Some(found) = found else { return false };
        self.lookups.pop_front();
        if self.lookups.is_empty() {
            self.lookups = VecDeque::new();
        }
        self.found(Ok(found)).await;
        true
    }

    /// The next thing to read.
    pub(super) fn next_read(&mut self) -> Option<Reading> {
        let lookup = self.lookups.pop_front()?;
        if self.lookups.is_empty() {
            // Most connections read only when they begin.
            self.lookups = VecDeque::new();
        }
        Some(match lookup {
            Lookup::Locate(ticket, pattern, start, search) => {
                let turns = search.has_begun().then(|| self.shared.hub.long_searches());
                self.blocking(turns, move |store| {
                    let mut search = search.clone();
                    Ok(match store.locate(&pattern, &start, &mut search)? {
                        Some(located) => Found::Located(ticket, located),
                        None => {
                            let (pattern, start) = (pattern.clone(), start.clone());
                            Found::More(Lookup::Locate(ticket, pattern, start, search))
                        }
                    })
                })
            }
            Lookup::Read(ticket, stream, pattern, from, limit) => {
                self.blocking(None, move |store| {
                    store.read(stream, &pattern, from, limit).map(|page| Found::Page(ticket, page))
                })
            }
            Lookup::History(ticket, stream, pattern, before, limit) => {
                self.blocking(None, move |store| {
                    let older = store.history(stream, &pattern, before, limit)?;
                    Ok(Found::Older(ticket, older))
                })
            }
        })
    }

    /// Reads on a thread that may block, when it has its turn. While the store cannot be used the reading pauses:
    /// it is tried again for a while before the connection ends for it.
    fn blocking(
        &self,
        turns: Option<Arc<Semaphore>>,
        work: impl Fn(&dyn Store) -> Result<Found, StoreError> + Send + Sync + 'static,
    ) -> Reading {
        let store = Arc::clone(&self.shared.store);
        let work = Arc::new(work);
        Box::pin(async move {
            let mut pauses = 0;
            loop {
                let turn = match &turns {
                    Some(turns) => Arc::clone(turns).acquire_owned().await.ok(),
                    None => None,
                };
                let (store, work) = (Arc::clone(&store), Arc::clone(&work));
                let task = tokio::task::spawn_blocking(move || {
                    let found = work(&*store);
                    drop(turn);
                    found
                });
                // A task is cancelled only when the runtime ends.
                match task.await.unwrap_or(Ok(Found::Nothing)) {
                    Err(StoreError::Engine(_) | StoreError::Closed(_) | StoreError::File(..))
                        if pauses < PAUSES =>
                    {
                        pauses += 1;
                        tokio::time::sleep(PAUSE).await;
                    }
                    found => return found,
                }
            }
        })
    }

    pub(super) async fn found(&mut self, found: Result<Found, StoreError>) {
        if let Ok(Found::Page(_, Page { events, .. }) | Found::Older(_, Older { events, .. })) =
            &found
        {
            self.make_room(events.iter().map(|event| event.body.len()).sum()).await;
        }
        match found {
            Ok(Found::Located(ticket, located)) => self.server.located(ticket, located),
            Ok(Found::Page(ticket, page)) => self.server.page(ticket, &page),
            Ok(Found::Older(ticket, older)) => self.server.older(ticket, &older),
            Ok(Found::More(lookup)) => self.lookups.push_front(lookup),
            Ok(Found::Nothing) => {}
            Err(error) => {
                tracing::error!(%error, "a connection ends because it cannot be served");
                self.server.close(CloseCode::Unavailable, "the store cannot be used now");
            }
        }
    }
}
