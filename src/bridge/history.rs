//! Pages of the peer's log, backwards.

use std::rc::Weak;

use bus::{Pattern, Topic};
use session::client;
use session::{Body, Position, RejectCode};

use super::body::received;
use super::requests::{Answer, request};
use super::{Bridge, Endpoint};
#[cfg(feature = "trust")]
use crate::keys::result_of;
use crate::{Delivery, Event, TopicError};

/// A page of the peer's log.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct HistoryPage {
    /// The events, newest first, without those that an interceptor refuses or whose signature is wrong: it may be empty
    /// although there is a next page.
    pub events: Vec<Event>,
    /// Where the next page begins, or `None` if this is the last one.
    pub next: Option<Position>,
}

/// Why a page was not returned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// The pattern is not valid.
    #[error("invalid pattern: {0}")]
    Pattern(#[from] TopicError),
    /// The position belongs to another log, or to an earlier epoch of this one.
    #[error("the position belongs to another log: ask for the newest page again")]
    Reset,
    /// The peer has refused the request, for this reason.
    #[error("the peer refused the page: {}", .0.name())]
    Refused(RejectCode),
    /// The bridge was dropped.
    #[error("the bridge is closed")]
    Closed,
}

impl Bridge {
    /// A page of the peer's log: the newest events whose topic `pattern` matches, or those before a position, which a
    /// page has as its [next](HistoryPage::next). At most `limit` events; the peer may return fewer.
    ///
    /// It waits while the link is down; [`LINK_TOPIC`](crate::bridge::LINK_TOPIC) reports the state. Dropping the
    /// future cancels the request.
    ///
    /// ```no_run
    /// use event_driven_kit::bridge::HistoryError;
    /// use event_driven_kit::{Bridge, Event};
    ///
    /// async fn everything(bridge: &Bridge) -> Result<Vec<Event>, HistoryError> {
    ///     let (mut all, mut before) = (Vec::new(), None);
    ///     loop {
    ///         let page = bridge.history("chat.lobby.*", before, 100).await?;
    ///         all.extend(page.events);
    ///         match page.next {
    ///             None => return Ok(all),
    ///             next => before = next,
    ///         }
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// A [`HistoryError`].
    pub fn history(
        &self,
        pattern: &str,
        before: Option<Position>,
        limit: u32,
    ) -> impl Future<Output = Result<HistoryPage, HistoryError>> + use<> {
        let (pattern, endpoint) = (Pattern::parse(pattern), self.endpoint.this.clone());
        async move {
            let pattern = pattern?;
            let Some(Answer::Page(page)) =
                request(&endpoint, |link| link.history(pattern, before, limit)).await
            else {
                return Err(HistoryError::Closed);
            };
            let older = page.map_err(|error| match error {
                client::HistoryError::Refused(code) => HistoryError::Refused(code),
                _ => HistoryError::Reset,
            })?;
            let admitted = Endpoint::admit_read(&endpoint, older.events).await;
            let events = admitted.ok_or(HistoryError::Closed)?.into_iter().flatten().collect();
            Ok(HistoryPage { events, next: older.next })
        }
    }
}

impl Endpoint {
    /// Verifies events of the log that no subscription brings. Returns each as the application gets it, or `None` if it
    /// is withheld or refused.
    pub(super) async fn admit_read(
        this: &Weak<Self>,
        events: Vec<(Position, Topic, Body)>,
    ) -> Option<Vec<Option<Event>>> {
        #[cfg(feature = "trust")]
        let verdicts = result_of(this.upgrade()?.judge_page(&events)).await;
        let this = this.upgrade()?;
        #[cfg(feature = "trust")]
        let mut judged = 0..;
        let admitted = events.into_iter().map(|(position, topic, body)| {
            #[cfg(feature = "trust")]
            let verdict = this.verdict_at(&verdicts, judged.next()?)?;
            #[cfg(feature = "trust")]
            if verdict.is_string() {
                this.withhold(&topic, &body, verdict);
                return None;
            }
            let event = received(topic, body, None, Delivery::Stored(position));
            #[cfg(feature = "trust")]
            let event = event.verified(verdict);
            this.bus.admit(event)
        });
        Some(admitted.collect())
    }
}
