//! Queries to the store: on threads that may block, one at a time for each connection, so that pages do not pile up.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use session::server::{Answer, Logged, Older, Page, Query, Ticket};
use session::{CloseCode, Position};
use store::{Search, Store, StoreError};
use tokio::sync::Semaphore;
use topic::Topic;

use super::Connection;

/// What one step of a query will have given.
pub(super) type Reading = Pin<Box<dyn Future<Output = Result<Step, StoreError>> + Send>>;

/// A query of the machine, and how far its search has come.
#[derive(Clone)]
pub(super) struct Asked {
    ticket: Ticket,
    query: Query,
    search: Search,
}

/// What one step gives.
pub(super) enum Step {
    Answer(Ticket, Answer),
    /// Its search goes on.
    More(Asked),
    /// The runtime ends.
    Nothing,
}

impl Asked {
    pub(super) fn new(ticket: Ticket, query: Query) -> Self {
        Self { ticket, query, search: Search::default() }
    }

    fn step(&self, store: &dyn Store) -> Result<Step, StoreError> {
        let answer = match &self.query {
            Query::Locate { pattern, start } => {
                let mut search = self.search.clone();
                match store.locate(pattern, start, &mut search)? {
                    Some(located) => Answer::Located(located),
                    None => return Ok(Step::More(Self { search, ..self.clone() })),
                }
            }
            Query::Read { stream, pattern, from, limit } => {
                Answer::Page(store.read(*stream, pattern, *from, *limit)?)
            }
            Query::History { stream, pattern, before, limit } => {
                Answer::Older(store.history(*stream, pattern, *before, *limit)?)
            }
            Query::Tally(topics) => {
                let count =
                    |(topic, after): &(Topic, Option<Position>)| store.tally(topic, after.as_ref());
                Answer::Counts(topics.iter().map(count).collect::<Result<_, _>>()?)
            }
        };
        Ok(Step::Answer(self.ticket, answer))
    }
}

/// The pause before a failed query is tried again.
const PAUSE: Duration = Duration::from_millis(500);
/// How often it is tried again.
const PAUSES: u32 = 20;

/// Stands where `select!` wants a future in a branch that is off.
pub(super) fn none() -> Reading {
    Box::pin(std::future::pending())
}

/// The bytes of the bodies in an answer.
fn bytes_of(answer: &Answer) -> usize {
    let all = |events: &[Arc<Logged>]| events.iter().map(|event| event.body.len()).sum();
    match answer {
        Answer::Located(_) => 0,
        Answer::Page(Page { events, .. }) | Answer::Older(Older { events, .. }) => all(events),
        Answer::Counts(counts) => {
            counts.iter().filter_map(|it| Some(it.newest.as_ref()?.body.len())).sum()
        }
    }
}

impl Connection {
    /// Answers the next query from the newest events; `false` if only the store can.
    pub(super) async fn read_newest(&mut self) -> bool {
        let Some(Asked { ticket, query, .. }) = self.queries.front() else { return false };
        let hub = &self.shared.hub;
        let answer = match query {
            Query::Locate { pattern, start } => hub.locate(pattern, start).map(Answer::Located),
            // What was trimmed is kept in memory a little longer.
            Query::Read { stream, pattern, from, limit }
                if *from >= self.shared.store.first(*stream) =>
            {
                hub.page(*stream, pattern, *from, *limit).map(Answer::Page)
            }
            Query::Read { .. } | Query::History { .. } | Query::Tally(_) => None,
        };
        let (ticket, Some(answer)) = (*ticket, answer) else { return false };
        self.shared.metrics.events.queried(query, true);
        self.next_query();
        self.found(Ok(Step::Answer(ticket, answer))).await;
        true
    }

    /// Begins the next step of the next query.
    pub(super) fn next_read(&mut self) -> Option<Reading> {
        let asked = self.next_query()?;
        if !asked.search.has_begun() {
            self.shared.metrics.events.queried(&asked.query, false);
        }
        let turns = asked.search.has_begun().then(|| self.shared.hub.long_searches());
        Some(self.blocking(turns, asked))
    }

    fn next_query(&mut self) -> Option<Asked> {
        let asked = self.queries.pop_front();
        if self.queries.is_empty() {
            // Most connections read only when they begin.
            self.queries = VecDeque::new();
        }
        asked
    }

    /// Reads on a thread that may block, when it has its turn. While the store cannot be used the reading pauses:
    /// it is tried again for a while before the connection ends for it.
    fn blocking(&self, turns: Option<Arc<Semaphore>>, asked: Asked) -> Reading {
        let (store, asked) = (Arc::clone(&self.shared.store), Arc::new(asked));
        Box::pin(async move {
            let mut pauses = 0;
            loop {
                let turn = match &turns {
                    Some(turns) => Arc::clone(turns).acquire_owned().await.ok(),
                    None => None,
                };
                let (store, asked) = (Arc::clone(&store), Arc::clone(&asked));
                let task = tokio::task::spawn_blocking(move || {
                    let found = asked.step(&*store);
                    drop(turn);
                    found
                });
                // A task is cancelled only when the runtime ends.
                match task.await.unwrap_or(Ok(Step::Nothing)) {
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

    /// Takes what a step gave.
    pub(super) async fn found(&mut self, found: Result<Step, StoreError>) {
        match found {
            Ok(Step::Answer(ticket, answer)) => {
                self.make_room(bytes_of(&answer)).await;
                self.server.answer(ticket, answer);
                self.meter.read();
            }
            Ok(Step::More(asked)) => self.queries.push_front(asked),
            Ok(Step::Nothing) => {}
            Err(error) => {
                tracing::error!(%error, "a connection ends because it cannot be served");
                self.server.close(CloseCode::Unavailable, "the store cannot be used now");
            }
        }
    }
}
