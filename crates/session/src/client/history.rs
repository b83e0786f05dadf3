//! Pages of history, backwards from a position. A request survives reconnects: it is sent again until it is answered
//! or cancelled.

use topic::{Pattern, Topic};

use super::{Client, Effect, HistoryError, Older, RequestId};
use crate::wire::frame::{FromClient, History, HistoryPage};
use crate::{Body, MAX_NUMBER, Millis, Position, RejectCode};

#[derive(Debug, Default)]
pub(super) struct Requests {
    /// In the order in which they were made.
    all: Vec<Request>,
    last: u64,
    /// When to ask again, after the peer had no room for another request.
    pub(super) retry: Option<Millis>,
}

#[derive(Debug)]
struct Request {
    id: RequestId,
    pattern: Pattern,
    before: Option<Position>,
    limit: u32,
    /// Its number on this connection, once it was sent.
    number: Option<u32>,
}

/// The maximum number of outstanding requests of one tab. A peer allows a few for all tabs together.
const UNDER_WAY: usize = 4;
/// The delay before asking again a peer that has too many requests, in milliseconds.
const RETRY: Millis = 1_000;

impl Client {
    /// Requests a page of at most `limit` events before a position, or of the newest events. [`Effect::History`]
    /// brings it when the link is up; the peer may return fewer events. Paging goes through one stream after the
    /// other, beginning with the main one.
    pub fn history(&mut self, pattern: Pattern, before: Option<Position>, limit: u32) -> RequestId {
        self.requests.last += 1;
        let id = RequestId(self.requests.last);
        self.requests.all.push(Request { id, pattern, before, limit, number: None });
        self.send_requests();
        id
    }

    /// Cancels the request for a page.
    pub fn forget_history(&mut self, id: RequestId) {
        self.requests.all.retain(|request| request.id != id);
    }

    pub(super) fn send_requests(&mut self) {
        if !self.is_online() || self.requests.retry.is_some() {
            return;
        }
        let under_way = self.requests.all.iter().filter(|it| it.number.is_some()).count();
        for _ in under_way..UNDER_WAY {
            let mut waiting = self.requests.all.iter_mut();
            let Some(next) = waiting.find(|it| it.number.is_none()) else { return };
            let request = self.subscriptions.next_number();
            next.number = Some(request);
            let (pattern, limit) = (next.pattern.to_string(), next.limit);
            let before = next.before.as_ref().map(|position| position.offset);
            let stream = next.before.as_ref().map(|position| position.stream.clone());
            let stream = stream.unwrap_or_default();
            self.send(&FromClient::History(History { request, pattern, before, limit, stream }));
        }
    }

    pub(super) fn retry_requests(&mut self) {
        self.requests.retry = None;
        self.send_requests();
    }

    pub(super) fn page(&mut self, page: HistoryPage, now: Millis) {
        let mut all = self.requests.all.iter();
        let Some(at) = all.position(|it| it.number == Some(page.request)) else { return };
        if page.refused == Some(RejectCode::TooMany) {
            self.requests.all[at].number = None;
            self.requests.retry = Some(now + RETRY);
            return;
        }
        let Request { id, before, .. } = self.requests.all.remove(at);
        let Some(read) = read(page, before.as_ref()) else { return self.out_of_step(now) };
        self.effects.push_back(Effect::History(id, read));
        self.send_requests();
    }
}

impl Requests {
    pub(super) fn disconnected(&mut self) {
        self.retry = None;
        for request in &mut self.all {
            request.number = None;
        }
    }
}

/// Returns `None` if the page does not follow the grammar.
fn read(page: HistoryPage, before: Option<&Position>) -> Option<Result<Older, HistoryError>> {
    if let Some(code) = page.refused {
        return Some(Err(HistoryError::Refused(code)));
    }
    let epoch = page.epoch;
    if before.is_some_and(|before| before.epoch != epoch && before.offset < MAX_NUMBER) {
        return Some(Err(HistoryError::Reset));
    }
    let stream = before.map(|before| before.stream.clone()).unwrap_or_default();
    let mut events = Vec::with_capacity(page.entries.len());
    for entry in page.entries {
        let (topic, body) = (Topic::parse(&entry.topic).ok()?, Body::decode(&entry.body).ok()?);
        let (stream, id) = (stream.clone(), Some(body.id.clone()));
        let position = Position { stream, epoch, offset: entry.offset, id };
        events.push((position, topic, body));
    }
    let next = page.next.map(|(stream, offset)| Position { stream, epoch, offset, id: None });
    Some(Ok(Older { events, next }))
}
