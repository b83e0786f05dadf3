//! Requests that have one answer: pages of the peer's log, deletes, and counts.

use std::future::poll_fn;
use std::rc::Weak;
use std::task::{Poll, Waker};

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

/// Cancels a request when it is dropped.
struct Asked<'a> {
    endpoint: &'a Weak<Endpoint>,
    id: RequestId,
}

/// Makes a request, and waits for its answer. Resolves to `None` if the bridge is dropped. Dropping the future cancels
/// the request.
pub(super) async fn request(
    endpoint: &Weak<Endpoint>,
    ask: impl FnOnce(&Link) -> RequestId,
) -> Option<Answer> {
    let id = {
        let endpoint = endpoint.upgrade()?;
        let id = ask(&endpoint.link);
        endpoint.requests.borrow_mut().push(Request { id, answer: None, waker: None });
        endpoint.link.drive();
        id
    };
    let _asked = Asked { endpoint, id };
    poll_fn(|context| match endpoint.upgrade() {
        Some(endpoint) => endpoint.poll_answer(id, context.waker()),
        None => Poll::Ready(None),
    })
    .await
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

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        if let Some(endpoint) = self.endpoint.upgrade() {
            endpoint.link.forget_request(self.id);
            endpoint.requests.borrow_mut().retain(|request| request.id != self.id);
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
