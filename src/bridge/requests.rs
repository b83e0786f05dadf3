//! Requests that have one answer: pages of the peer's log, deletes, and counts.

use std::pin::Pin;
use std::rc::Weak;
use std::task::{Context, Poll, Waker};

use session::client::{self, Older, RequestId};
use session::{Position, TopicTally};

use super::Endpoint;
use crate::js::spawn;
use crate::link::Link;

/// The answer to a request.
pub(super) enum Answer {
    Page(Result<Older, client::HistoryError>),
    Deleted(Result<Position, client::RequestError>),
    Tallied(Result<Vec<TopicTally>, client::RequestError>),
}

/// A request without an answer, or whose answer was not taken yet.
pub(super) struct Request {
    id: RequestId,
    answer: Option<Answer>,
    waker: Option<Waker>,
}

/// The answer to a request. Cancels the request when it is dropped.
pub(super) struct Requested<'a> {
    endpoint: &'a Weak<Endpoint>,
    /// `None` if the bridge was dropped before the request.
    id: Option<RequestId>,
}

/// Makes a request. Its answer is `None` if the bridge is dropped.
pub(super) fn request(
    endpoint: &Weak<Endpoint>,
    ask: impl FnOnce(&Link) -> RequestId,
) -> Requested<'_> {
    let id = endpoint.upgrade().map(|endpoint| {
        let id = ask(&endpoint.link);
        endpoint.requests.borrow_mut().push(Request { id, answer: None, waker: None });
        endpoint.link.drive();
        id
    });
    Requested { endpoint, id }
}

impl Future for Requested<'_> {
    type Output = Option<Answer>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Answer>> {
        match (self.endpoint.upgrade(), self.id) {
            (Some(endpoint), Some(id)) => endpoint.poll_answer(id, context.waker()),
            _ => Poll::Ready(None),
        }
    }
}

impl Endpoint {
    /// A request was answered.
    pub(super) fn answered(&self, id: RequestId, answer: Answer) {
        let waker = {
            let mut requests = self.requests.borrow_mut();
            let Some(request) = requests.iter_mut().find(|it| it.id == id) else { return };
            request.answer = Some(answer);
            request.waker.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }

    /// Resolves to `None` if the bridge has been dropped.
    fn poll_answer(&self, id: RequestId, waker: &Waker) -> Poll<Option<Answer>> {
        let mut requests = self.requests.borrow_mut();
        let Some(request) = requests.iter_mut().find(|it| it.id == id) else {
            return Poll::Ready(None);
        };
        match request.answer.take() {
            Some(answer) => Poll::Ready(Some(answer)),
            None => {
                request.waker = Some(waker.clone());
                Poll::Pending
            }
        }
    }

    /// Ends all requests.
    pub(super) fn end_requests(&self) {
        let requests = self.requests.take();
        requests.into_iter().filter_map(|request| request.waker).for_each(Waker::wake);
    }
}

impl Drop for Requested<'_> {
    fn drop(&mut self) {
        if let (Some(endpoint), Some(id)) = (self.endpoint.upgrade(), self.id) {
            endpoint.link.forget_request(id);
            endpoint.requests.borrow_mut().retain(|request| request.id != id);
            // Another request may be sent now. Not at once: no handler may run where a future is dropped.
            let this = self.endpoint.clone();
            spawn(async move {
                if let Some(endpoint) = this.upgrade() {
                    endpoint.link.drive();
                }
            });
        }
    }
}
