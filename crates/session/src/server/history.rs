//! Pages of history, backwards from a position.

use topic::Pattern;

use super::{Older, Query, Server, StreamNo, Ticket};
use crate::rights::Right;
use crate::wire::encode;
use crate::wire::frame::{FromPeer, History, HistoryPage};
use crate::{MAX_NUMBER, RejectCode};

/// The maximum number of outstanding requests of a connection.
const REQUESTS: usize = 8;

/// An outstanding request.
#[derive(Debug)]
pub(super) struct HistoryRequest {
    ticket: Ticket,
    /// Its number.
    request: u32,
    stream: StreamNo,
    pattern: Pattern,
}

impl Server {
    pub(super) fn history(&mut self, history: History) {
        let History { request, pattern, before, limit, stream } = history;
        let Ok(pattern) = Pattern::parse(&pattern) else {
            return self.no_page(request, Some(RejectCode::IllegalTopic));
        };
        if !self.credential.rights.cover(Right::History, &pattern) {
            self.denials += 1;
            return self.no_page(request, Some(RejectCode::NotAllowed));
        }
        if self.has_too_many_requests() {
            return self.no_page(request, Some(RejectCode::TooMany));
        }
        let Some(stream) = self.options.streams.iter().position(|other| *other == stream) else {
            // An empty page.
            return self.no_page(request, None);
        };
        let ticket = self.ticket();
        let limit = usize::try_from(limit).unwrap_or(usize::MAX).clamp(1, self.options.page);
        self.requests.push(HistoryRequest { ticket, request, stream, pattern: pattern.clone() });
        self.queries.push(ticket, Query::History { stream, pattern, before, limit });
    }

    /// Whether the connection may have no further request for history or counts now.
    pub(super) fn has_too_many_requests(&self) -> bool {
        self.requests.len() + self.tallies.len() >= REQUESTS
    }

    pub(super) fn older(&mut self, ticket: Ticket, older: &Older) {
        let mut requests = self.requests.iter();
        let Some(at) = requests.position(|it| it.ticket == ticket) else { return };
        let HistoryRequest { request, stream, pattern, .. } = self.requests.swap_remove(at);
        if self.is_closed() {
            return;
        }
        // The rights may have changed meanwhile.
        if !self.credential.rights.cover(Right::History, &pattern) {
            self.denials += 1;
            return self.no_page(request, Some(RejectCode::NotAllowed));
        }
        let entries = older.events.iter().map(|it| (it.offset, it.topic.as_str(), &*it.body));
        let streams = &self.options.streams;
        let next = match older.next {
            Some(next) => Some((&streams[stream], next)),
            // From the head of the next stream.
            None => streams.get(stream + 1).map(|stream| (stream, MAX_NUMBER)),
        };
        encode::page(&mut self.message, request, older.epoch, entries, next, None);
        self.cut();
    }

    fn no_page(&mut self, request: u32, refused: Option<RejectCode>) {
        self.send(&FromPeer::Page(HistoryPage {
            request,
            epoch: 0,
            entries: Vec::new(),
            next: None,
            refused,
        }));
    }
}
