//! Pages of the peer's log, backwards.

use bus::Pattern;
use session::client::{self, Older};
use session::{Position, RejectCode};

use super::body::received;
use super::requests::{Answer, request};
use super::{Bridge, Endpoint};
use crate::{Delivery, Event, TopicError};

/// A page of the peer's log.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct HistoryPage {
    /// The events, newest first, without those that an interceptor refuses: it may be empty although there is a next
    /// page.
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
    /// It waits while the link is down; [`LINK_TOPIC`](crate::bridge::LINK_TOPIC) reports the state. Dropping the future
    /// cancels the request.
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
            Ok(endpoint.upgrade().ok_or(HistoryError::Closed)?.page(older))
        }
    }
}

impl Endpoint {
    fn page(&self, older: Older) -> HistoryPage {
        let events = older.events.into_iter().filter_map(|(position, topic, body)| {
            self.bus.admit(received(topic, body, None, Delivery::Stored(position)))
        });
        HistoryPage { events: events.collect(), next: older.next }
    }
}
