//! Pages of the peer's log, backwards.

use std::future::poll_fn;
use std::rc::Weak;
use std::task::{Poll, Waker};

use bus::Pattern;
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

type Answer = Result<Older, client::HistoryError>;

/// Who waits for a page.
pub(super) struct Reader {
    id: RequestId,
    page: Option<Answer>,
    waker: Option<Waker>,
}

/// A page that is waited for; dropped, it is not asked for any more.
struct PageRequest<'a> {
    link: &'a Weak<Link>,
    id: RequestId,
}

impl Bridge {
    /// The newest events of the peer's log whose topic `pattern` matches, at most `limit` of them; or those before
    /// a place, which a page names as its [next](HistoryPage::next). The peer may give fewer than `limit`.
    ///
    /// It waits for the link: [`LINK_TOPIC`](crate::bridge::LINK_TOPIC) tells how that is. Dropped before it is done, it is
    /// not asked for any more.
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
        let (pattern, link) = (Pattern::parse(pattern), self.link.this.clone());
        async move {
            let id = {
                let link = link.upgrade().ok_or(HistoryError::Closed)?;
                link.ask_for_page(pattern?, before, limit)
            };
            let wanted = PageRequest { link: &link, id };
            let page = poll_fn(|context| match link.upgrade() {
                Some(link) => link.poll_page(id, context.waker()),
                None => Poll::Ready(None),
            });
            let page = page.await.ok_or(HistoryError::Closed)?;
            drop(wanted);
            let older = page.map_err(|error| match error {
                client::HistoryError::Refused(code) => HistoryError::Refused(code),
                _ => HistoryError::Reset,
            })?;
            Ok(link.upgrade().ok_or(HistoryError::Closed)?.page(older))
        }
    }
}

impl Link {
    fn ask_for_page(&self, pattern: Pattern, before: Option<Position>, limit: u32) -> RequestId {
        let id = self.tab.borrow_mut().client().history(pattern, before, limit);
        self.readers.borrow_mut().push(Reader { id, page: None, waker: None });
        self.drive();
        id
    }

    /// The answer to a request.
    pub(super) fn paged(&self, id: RequestId, page: Answer) {
        let waker = {
            let mut readers = self.readers.borrow_mut();
            let Some(reader) = readers.iter_mut().find(|reader| reader.id == id) else { return };
            reader.page = Some(page);
            reader.waker.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }

    /// None, if the link has ended.
    fn poll_page(&self, id: RequestId, waker: &Waker) -> Poll<Option<Answer>> {
        let mut readers = self.readers.borrow_mut();
        let Some(reader) = readers.iter_mut().find(|reader| reader.id == id) else {
            return Poll::Ready(None);
        };
        match reader.page.take() {
            Some(page) => Poll::Ready(Some(page)),
            None => {
                reader.waker = Some(waker.clone());
                Poll::Pending
            }
        }
    }

    /// Nobody gets a page any more.
    pub(super) fn end_reading(&self) {
        let readers = self.readers.take();
        readers.into_iter().filter_map(|reader| reader.waker).for_each(Waker::wake);
    }

    fn page(&self, older: Older) -> HistoryPage {
        let events = older.events.into_iter().filter_map(|(position, topic, body)| {
            let payload = Payload::from_bytes(content(body.content_type, body.data));
            let (time, stored) = (body.time, Delivery::Stored(position));
            self.bus().admit(Event::inbound(topic, payload, &body.id, &body.source, time, stored))
        });
        HistoryPage { events: events.collect(), next: older.next }
    }
}

impl Drop for PageRequest<'_> {
    fn drop(&mut self) {
        if let Some(link) = self.link.upgrade() {
            link.tab.borrow_mut().client().forget_history(self.id);
            link.readers.borrow_mut().retain(|reader| reader.id != self.id);
        }
    }
}
