//! Pages of the peer's log, backwards.

use bus::Pattern;
use futures_channel::oneshot;
use session::client::{self, Older, RequestId};
use session::{Position, RejectCode};

use super::Bridge;
use super::inbound::content;
use super::link::Link;
use crate::{Delivery, Event, Payload, TopicError};

/// Some events of the peer's log.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct HistoryPage {
    /// The newest first. Without those that an interceptor refuses, so that there may be none although there is
    /// a next page.
    pub events: Vec<Event>,
    /// Where the next page begins; none if there is no more.
    pub next: Option<Position>,
}

/// Why there is no page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// What was to be the pattern is none.
    #[error("this is no pattern: {0}")]
    Pattern(#[from] TopicError),
    /// The position is of another log, or of another life of this one.
    #[error("the peer's log is not the one of that position: ask for the newest page again")]
    Reset,
    /// The peer refuses, for that reason.
    #[error("the peer gives no page: {}", .0.name())]
    Refused(RejectCode),
    /// The bridge was dropped.
    #[error("the bridge is closed")]
    Closed,
}

/// Who waits for which page.
pub(super) type Readers = Vec<(RequestId, oneshot::Sender<Result<Older, client::HistoryError>>)>;

/// A page that is waited for; dropped, it is not asked for any more.
struct Wanted<'a> {
    link: &'a std::rc::Weak<Link>,
    id: RequestId,
}

impl Bridge {
    /// The newest events of the peer's log whose topic `pattern` matches, at most `limit` of them; or those before
    /// a place, which a page names as its [next](HistoryPage::next). The peer may give fewer than `limit`.
    ///
    /// It waits for the link: [`LINK_TOPIC`](crate::LINK_TOPIC) tells how that is. Dropped before it is done, it is
    /// not asked for any more.
    ///
    /// ```no_run
    /// use event_driven_kit::{Bridge, Event, HistoryError};
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
        let (pattern, link) = (Pattern::parse(pattern), self.link.this.clone());
        async move {
            let (asked, answer) = {
                let link = link.upgrade().ok_or(HistoryError::Closed)?;
                link.ask_for_page(pattern?, before, limit)
            };
            let wanted = Wanted { link: &link, id: asked };
            let older = answer.await.map_err(|_| HistoryError::Closed)?;
            drop(wanted);
            let older = older.map_err(|error| match error {
                client::HistoryError::Refused(code) => HistoryError::Refused(code),
                _ => HistoryError::Reset,
            })?;
            Ok(link.upgrade().ok_or(HistoryError::Closed)?.page(older))
        }
    }
}

impl Link {
    fn ask_for_page(
        &self,
        pattern: Pattern,
        before: Option<Position>,
        limit: u32,
    ) -> (RequestId, oneshot::Receiver<Result<Older, client::HistoryError>>) {
        let id = self.tab.borrow_mut().client().history(pattern, before, limit);
        let (sender, receiver) = oneshot::channel();
        self.readers.borrow_mut().push((id, sender));
        self.drive();
        (id, receiver)
    }

    /// The answer to a request.
    pub(super) fn paged(&self, id: RequestId, page: Result<Older, client::HistoryError>) {
        let reader = {
            let mut readers = self.readers.borrow_mut();
            let at = readers.iter().position(|(asked, _)| *asked == id);
            at.map(|at| readers.swap_remove(at).1)
        };
        if let Some(reader) = reader {
            let _nobody_waits = reader.send(page);
        }
    }

    fn page(&self, older: Older) -> HistoryPage {
        let events = older.events.into_iter().filter_map(|(position, topic, body)| {
            let payload = Payload::from_bytes(content(body.content_type, body.data));
            let (time, stored) = (body.time.unwrap_or_default() as f64, Delivery::Stored(position));
            self.bus().admit(Event::inbound(topic, payload, &body.id, &body.source, time, stored))
        });
        HistoryPage { events: events.collect(), next: older.next }
    }
}

impl Drop for Wanted<'_> {
    fn drop(&mut self) {
        if let Some(link) = self.link.upgrade() {
            link.tab.borrow_mut().client().forget_history(self.id);
            link.readers.borrow_mut().retain(|(id, _)| *id != self.id);
        }
    }
}
