//! Requests that have one answer: pages of history, deletes, and counts. A request survives reconnects: it is sent
//! again until it is answered or cancelled. An answer of another kind, or one that does not follow the grammar, answers
//! nothing: the peer has broken the protocol, and the next connection asks again.

use topic::Pattern;

use super::{Client, Effect, RequestError, RequestId, history};
use crate::wire::frame::{
    Delete, Deleted, FromClient, History, HistoryPage, Tallied, Tally, TallyTopic,
};
use crate::{FrameKind, Millis, Position, RejectCode};

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
    asked: Asked,
    /// Its number on this connection, once it was sent.
    number: Option<u32>,
}

/// What is requested.
#[derive(Debug)]
pub(super) enum Asked {
    History { pattern: Pattern, before: Option<Position>, limit: u32 },
    Delete(Position),
    Tally(Vec<TallyTopic>),
}

/// The maximum number of outstanding requests of one tab. A peer allows a few for all tabs together.
const UNDER_WAY: usize = 4;
/// The delay before asking again a peer that has too many requests, in milliseconds.
const RETRY: Millis = 1_000;

impl Client {
    /// Requests a page of at most `limit` events before a position, or of the newest events.
    /// [`Effect::History`](super::Effect::History) brings it when the link is up; the peer may return fewer events.
    /// Paging goes through one stream after the other, beginning with the main one.
    pub fn history(&mut self, pattern: Pattern, before: Option<Position>, limit: u32) -> RequestId {
        self.request(Asked::History { pattern, before, limit })
    }

    /// Deletes an event of the log. [`Effect::Deleted`] reports the outcome. Allowed to the event's author, and with
    /// the right to moderate its topic.
    pub fn delete(&mut self, position: Position) -> RequestId {
        self.request(Asked::Delete(position))
    }

    /// Counts the events of at most [`MAX_TALLIED`](crate::MAX_TALLIED) topics, of each after a position.
    /// [`Effect::Tallied`] brings the answer when the link is up. Each topic needs the right to read its past.
    pub fn tally(&mut self, topics: Vec<TallyTopic>) -> RequestId {
        self.request(Asked::Tally(topics))
    }

    /// Cancels a request. If it was sent, it may still take effect, which is not reported.
    pub fn forget_request(&mut self, id: RequestId) {
        self.requests.all.retain(|request| request.id != id);
        // One that waits may take its place.
        self.send_requests();
    }

    pub(super) fn request(&mut self, asked: Asked) -> RequestId {
        self.requests.last += 1;
        let id = RequestId(self.requests.last);
        self.requests.all.push(Request { id, asked, number: None });
        self.send_requests();
        id
    }

    pub(super) fn send_requests(&mut self) {
        if !self.is_online() || self.requests.retry.is_some() {
            return;
        }
        self.refuse_unsupported();
        let under_way = self.requests.all.iter().filter(|it| it.number.is_some()).count();
        for _ in under_way..UNDER_WAY {
            let mut waiting = self.requests.all.iter_mut();
            let Some(next) = waiting.find(|it| it.number.is_none()) else { return };
            let request = self.subscriptions.next_number();
            next.number = Some(request);
            let frame = match &next.asked {
                Asked::History { pattern, before, limit } => FromClient::History(History {
                    request,
                    pattern: pattern.to_string(),
                    before: before.as_ref().map(|position| position.offset),
                    limit: *limit,
                    stream: before.as_ref().map(|it| it.stream.clone()).unwrap_or_default(),
                }),
                Asked::Tally(topics) => {
                    FromClient::Tally(Tally { request, topics: topics.clone() })
                }
                Asked::Delete(position) => {
                    FromClient::Delete(Delete { request, position: position.clone() })
                }
            };
            self.send(&frame);
        }
    }

    /// Answers the requests that the peer would skip.
    fn refuse_unsupported(&mut self) {
        let takes = |kind: FrameKind| self.takes(kind.number());
        let (deletes, tallies) = (takes(FrameKind::Delete), takes(FrameKind::Tally));
        let is_unsupported = |it: &mut Request| match it.asked {
            Asked::History { .. } => false,
            Asked::Delete(_) => !deletes,
            Asked::Tally(_) => !tallies,
        };
        let refused = self.requests.all.extract_if(.., is_unsupported);
        let refused = refused.map(|Request { id, asked, .. }| match asked {
            Asked::Tally(_) => Effect::Tallied(id, Err(RequestError::NotAvailable)),
            _ => Effect::Deleted(id, Err(RequestError::NotAvailable)),
        });
        self.effects.extend(refused);
    }

    pub(super) fn retry_requests(&mut self) {
        self.requests.retry = None;
        self.send_requests();
    }

    pub(super) fn page(&mut self, page: HistoryPage, now: Millis) {
        let Some(at) = self.requests.at(page.request) else { return };
        let Asked::History { before, .. } = &self.requests.all[at].asked else {
            return self.out_of_step(now);
        };
        if page.refused == Some(RejectCode::TooMany) {
            return self.ask_again(at, now + RETRY);
        }
        let Some(read) = history::read(page, before.as_ref()) else {
            return self.out_of_step(now);
        };
        let id = self.requests.all.remove(at).id;
        self.effects.push_back(Effect::History(id, read));
        self.send_requests();
    }

    pub(super) fn deleted(&mut self, deleted: Deleted, now: Millis) {
        let Some(at) = self.requests.at(deleted.request) else { return };
        let Asked::Delete(_) = &self.requests.all[at].asked else {
            return self.out_of_step(now);
        };
        if let Some(retry) = deleted.retry {
            return self.ask_again(at, now + Millis::from(retry));
        }
        let id = self.requests.all.remove(at).id;
        let outcome = deleted.outcome.map_err(RequestError::Refused);
        self.effects.push_back(Effect::Deleted(id, outcome));
        self.send_requests();
    }

    pub(super) fn tallied(&mut self, tallied: Tallied, now: Millis) {
        let Some(at) = self.requests.at(tallied.request) else { return };
        let Asked::Tally(asked) = &self.requests.all[at].asked else {
            return self.out_of_step(now);
        };
        match &tallied.topics {
            Err(RejectCode::TooMany) => return self.ask_again(at, now + RETRY),
            Ok(topics) if topics.len() != asked.len() => return self.out_of_step(now),
            _ => {}
        }
        let id = self.requests.all.remove(at).id;
        let topics = tallied.topics.map_err(RequestError::Refused);
        self.effects.push_back(Effect::Tallied(id, topics));
        self.send_requests();
    }

    fn ask_again(&mut self, at: usize, when: Millis) {
        self.requests.all[at].number = None;
        self.requests.retry = Some(when);
    }
}

impl Requests {
    /// The index of the request with this number.
    fn at(&self, number: u32) -> Option<usize> {
        self.all.iter().position(|it| it.number == Some(number))
    }

    pub(super) fn disconnected(&mut self) {
        self.retry = None;
        for request in &mut self.all {
            request.number = None;
        }
    }
}
