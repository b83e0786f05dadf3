//! Handles the store's responses, and updates the outbox accordingly.

use super::publishing::{CLONED, UNWRITTEN, dropped_because};
use super::store::{OutboxRow, SavedState, StoreFailed, StoreRequest, StoreResponse};
use super::{Client, Effect, Identity};
use crate::{Body, Millis, RejectCode};

/// The delay before a failed request is repeated, in milliseconds.
const RETRY: Millis = 5_000;

/// The outstanding requests of a client to its store.
#[derive(Debug, Default)]
pub(super) struct StoreRequests {
    /// The number of outstanding requests for a fencing token. Only the last one is for this connection.
    pub(super) fences: usize,
    /// Whether a load is outstanding.
    loading: bool,
    /// Whether to load again, because the outstanding load may be too old.
    load_again: bool,
    /// When to repeat the requests that failed.
    pub(super) retry: Option<Millis>,
    /// The new identity that the store could not write.
    renew: Option<StoreRequest>,
}

impl Client {
    /// The response to an [`Effect::Store`]. Answer each effect once, in order.
    pub fn answer(&mut self, answer: Result<StoreResponse, StoreFailed>, now: Millis) {
        match answer {
            Ok(answer) => self.answered(answer, now),
            Err(failed) => self.store_failed(failed, now),
        }
        self.pump(now);
    }

    fn answered(&mut self, answer: StoreResponse, now: Millis) {
        match answer {
            StoreResponse::Kept { client, first } if client == self.identity.client => {
                self.kept(first);
                if self.outbox.has_hole() {
                    self.load();
                }
            }
            StoreResponse::Kept { first, .. } => {
                // Another tab has renewed the client, so the rows have numbers of the new one.
                for (number, row) in (first..).zip(self.outbox.take_keeping()) {
                    self.effects.push_back(Effect::Kept(row.id.clone()));
                    match self.outcome(&row.id) {
                        Some(outcome) => self.tell_outcome(row, outcome),
                        None => self.renumbered.push(OutboxRow { number, leaving: false, ..row }),
                    }
                }
                self.load();
            }
            StoreResponse::Marked(numbers) => {
                if !self.outbox.marked(|number| numbers.contains(&number), now) {
                    // They may have been dropped. The store has the reason.
                    self.load();
                }
            }
            StoreResponse::Erased => self.outbox.erased(true),
            StoreResponse::Dropped { dropped, leaving } => {
                for (row, why) in self.outbox.dropped(&dropped, &leaving, now) {
                    self.reject(row.id, why, dropped_because(why));
                }
            }
            StoreResponse::Renewed(saved) => {
                self.restore(saved, now);
                self.renewed(now);
            }
            StoreResponse::Fence(fence) => {
                self.store_requests.fences = self.store_requests.fences.saturating_sub(1);
                self.fence(fence);
            }
            StoreResponse::Loaded(saved) => {
                self.store_requests.loading = false;
                let is_stale = std::mem::take(&mut self.store_requests.load_again);
                self.restore(saved, now);
                if is_stale || self.outbox.has_hole() {
                    self.load();
                }
                if !is_stale {
                    self.loaded(now);
                }
            }
        }
    }

    fn kept(&mut self, first: u64) {
        let (ids, cancelled) = self.outbox.kept(first);
        for id in ids {
            self.effects.push_back(Effect::Kept(id.clone()));
            // Another tab may have sent it before this one, which slept, learned that it is kept.
            if let Some(outcome) = self.outcome(&id)
                && let Some(number) = self.outbox.find(&id).map(|entry| entry.row.number)
                && let Some(row) = self.erase_known(number, &outcome)
            {
                self.tell_outcome(row, outcome);
            }
        }
        self.drop_rows(cancelled, RejectCode::Cancelled);
    }

    fn store_failed(&mut self, failed: StoreFailed, now: Millis) {
        let StoreFailed { asked, error } = failed;
        self.effects.push_back(Effect::StoreFailed(error));
        if matches!(
            asked,
            StoreRequest::Erase { .. } | StoreRequest::Load | StoreRequest::Renew { .. }
        ) {
            self.store_requests.retry = Some(now + RETRY);
        }
        match asked {
            StoreRequest::Keep { .. } => {
                for row in self.outbox.take_keeping() {
                    self.reject(row.id, RejectCode::Unavailable, UNWRITTEN);
                }
            }
            // Without the mark a reload would take it for a row that was never sent: it could expire, or be sent
            // under another identity, although it is in the log.
            StoreRequest::Mark { .. } => {
                self.outbox.not_marked();
                self.connection.hold_until = Some(now + RETRY);
            }
            StoreRequest::Erase { .. } => self.outbox.erased(false),
            StoreRequest::Drop { .. } => self.outbox.not_dropped(),
            StoreRequest::Renew { .. } => {
                self.store_requests.renew = Some(asked);
                self.read_as_stranger(now);
            }
            StoreRequest::TakeFence { .. } => {
                self.store_requests.fences = self.store_requests.fences.saturating_sub(1);
                let fence = self.identity.fence + 1;
                self.fence(fence);
            }
            StoreRequest::Load => {
                (self.store_requests.loading, self.store_requests.load_again) = (false, true);
                self.read_as_stranger(now);
            }
        }
    }

    /// Loads the store, again if the outstanding load may be too old.
    pub(crate) fn load(&mut self) {
        if self.store_requests.loading {
            self.store_requests.load_again = true;
        } else {
            (self.store_requests.loading, self.store_requests.load_again) = (true, false);
            self.ask_store(StoreRequest::Load);
        }
    }

    /// Takes over what the store holds.
    pub(super) fn restore(&mut self, mut saved: SavedState, now: Millis) {
        let same = saved.client == self.identity.client;
        // While the store cannot write a new identity, the old one is of no use.
        let is_known_again = self.store_requests.renew.is_none() && self.stranger.take().is_some();
        if !same {
            self.identity = Identity::of(&saved);
        }
        if !same || is_known_again {
            self.other_client(now);
        }
        self.identity.fence = self.identity.fence.max(saved.fence);
        let dropped: Vec<OutboxRow> =
            saved.rows.extract_if(.., |row| row.dropped.is_some()).collect();
        for row in &dropped {
            self.tell_dropped(row);
        }
        let (new, gone) = self.outbox.load(saved, same, now);
        for row in dropped {
            self.outbox.erase_dropped(row);
        }
        for row in std::mem::take(&mut self.renumbered) {
            self.outbox.miss(row, now);
        }
        for id in gone {
            self.reject(id, RejectCode::Uncertain, CLONED);
        }
        for (number, id) in new {
            match self.outcome(&id) {
                None => self.tell_pending(&id),
                // The tab that got the answer could no longer delete the row.
                Some(outcome) => _ = self.erase_known(number, &outcome),
            }
        }
    }

    /// The store reports that an event will not be sent. The tab that dropped it may have ended without reporting it.
    fn tell_dropped(&mut self, row: &OutboxRow) {
        let is_known = self.forget_row(&row.id).is_some();
        if self.outcome(&row.id).is_some() {
            return;
        }
        if !is_known {
            self.push_pending(row);
        }
        let why = row.dropped.unwrap_or(RejectCode::Uncertain);
        self.reject(row.id.clone(), why, dropped_because(why));
    }

    /// Reports an event that another page has published.
    pub(super) fn tell_pending(&mut self, id: &str) {
        if let Some(row) = self.outbox.find(id).map(|entry| entry.row.clone()) {
            self.push_pending(&row);
        }
    }

    fn push_pending(&mut self, row: &OutboxRow) {
        if row.owner != self.options.tab
            && let Ok(body) = Body::decode(&row.body)
        {
            self.effects.push_back(Effect::Pending { topic: row.topic.clone(), body });
        }
    }

    pub(super) fn ask_store(&mut self, asked: StoreRequest) {
        self.effects.push_back(Effect::Store(asked));
    }

    /// Requests what can wait until there is nothing else to do, so that it is batched.
    pub(super) fn ask_store_for_the_rest(&mut self) {
        // The link of a follower's leader may be another client's. A peer that has decided an event has recorded its
        // client.
        let is_recorded = match self.following {
            true => self.connection.client == self.identity.client && self.outbox.decided().0 > 0,
            false => !self.connection.is_reading,
        };
        let leaving = self.is_online() && self.stranger.is_none() && is_recorded;
        if let Some(keep) = self.outbox.keep(self.identity.client, leaving) {
            self.ask_store(keep);
        }
        if self.store_requests.retry.is_none()
            && let Some(erase) = self.outbox.erase(self.identity.client)
        {
            self.ask_store(erase);
        }
    }

    /// Repeats the requests that failed.
    pub(super) fn retry_store(&mut self) {
        self.store_requests.retry = None;
        if let Some(renew) = self.store_requests.renew.take() {
            self.ask_store(renew);
        }
        if std::mem::take(&mut self.store_requests.load_again) {
            self.load();
        }
    }
}
