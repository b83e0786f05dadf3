//! Pages of the peer's log, backwards.

use std::future::poll_fn;
use std::rc::Weak;
use std::task::{Poll, Waker};

use bus::Pattern;
use session::client::{self, Older, RequestId};
use session::{Position, RejectCode};

use super::body::content;
use super::{Bridge, Endpoint};
use crate::{Delivery, Event, Payload, TopicError};

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

type Answer = Result<Older, client::HistoryError>;

/// A request for a page.
pub(super) struct Reader {
    id: RequestId,
    page: Option<Answer>,
    waker: Option<Waker>,
}

/// Cancels a request when it is dropped.
struct PageRequest<'a> {
    endpoint: &'a Weak<Endpoint>,
    id: RequestId,
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
            let older = Endpoint::read_page(&endpoint, pattern?, before, limit).await?;
            #[cfg(feature = "trust")]
            let verdicts = Endpoint::verify_page(&endpoint, &older).await;
            #[cfg(not(feature = "trust"))]
            let verdicts = ();
            Ok(endpoint.upgrade().ok_or(HistoryError::Closed)?.page(older, verdicts))
        }
    }
}

/// What the events of a page show about their authors.
#[cfg(feature = "trust")]
type Verdicts = Vec<super::checking::Verdict>;
#[cfg(not(feature = "trust"))]
type Verdicts = ();

impl Endpoint {
    /// Reads a page of the peer's log, without checking its events.
    pub(super) async fn read_page(
        this: &Weak<Self>,
        pattern: Pattern,
        before: Option<Position>,
        limit: u32,
    ) -> Result<Older, HistoryError> {
        let id = {
            let endpoint = this.upgrade().ok_or(HistoryError::Closed)?;
            endpoint.request_page(pattern, before, limit)
        };
        let wanted = PageRequest { endpoint: this, id };
        let page = poll_fn(|context| match this.upgrade() {
            Some(endpoint) => endpoint.poll_page(id, context.waker()),
            None => Poll::Ready(None),
        });
        let page = page.await.ok_or(HistoryError::Closed)?;
        drop(wanted);
        page.map_err(|error| match error {
            client::HistoryError::Refused(code) => HistoryError::Refused(code),
            _ => HistoryError::Reset,
        })
    }

    fn request_page(&self, pattern: Pattern, before: Option<Position>, limit: u32) -> RequestId {
        let id = self.link.history(pattern, before, limit);
        self.readers.borrow_mut().push(Reader { id, page: None, waker: None });
        self.link.drive();
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

    /// Resolves to `None` if the bridge has been dropped.
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

    /// Ends all requests.
    pub(super) fn end_reading(&self) {
        let readers = self.readers.take();
        readers.into_iter().filter_map(|reader| reader.waker).for_each(Waker::wake);
    }

    fn page(&self, older: Older, verdicts: Verdicts) -> HistoryPage {
        #[cfg(feature = "trust")]
        let mut verdicts = verdicts.into_iter();
        #[cfg(not(feature = "trust"))]
        let () = verdicts;
        let events = older.events.into_iter().filter_map(|(position, topic, body)| {
            #[cfg(feature = "trust")]
            let verified = match verdicts.next()? {
                Ok(verified) => verified,
                Err(reason) => {
                    self.withhold(&topic, &body, reason);
                    return None;
                }
            };
            let payload = Payload::from_bytes(content(body.content_type, body.data));
            let (time, stored) = (body.time, Delivery::Stored(position));
            let event = Event::inbound(topic, payload, &body.id, &body.source, time, stored);
            let event = event.by(body.authid);
            #[cfg(feature = "trust")]
            let event = event.verified(verified);
            self.bus.admit(event)
        });
        HistoryPage { events: events.collect(), next: older.next }
    }
}

impl Drop for PageRequest<'_> {
    fn drop(&mut self) {
        if let Some(endpoint) = self.endpoint.upgrade() {
            endpoint.link.forget_history(self.id);
            endpoint.readers.borrow_mut().retain(|reader| reader.id != self.id);
        }
    }
}
