//! Counts of the events of topics, and the newest of each.

use topic::Topic;

use super::{Query, Server, Ticket, TopicCount};
use crate::rights::Right;
use crate::wire::frame::{FromPeer, Tallied, Tally, TallyTopic, TopicTally};
use crate::{MAX_TALLIED, Position, RejectCode};

/// This number of topics costs as much as a page of history.
const TOPICS: u32 = 8;

/// An outstanding request.
#[derive(Debug)]
pub(super) struct TallyRequest {
    ticket: Ticket,
    waiting: TallyFor,
    /// In the order of the request: the topics that the store counts, and why it does not count the others.
    topics: Vec<Result<Topic, RejectCode>>,
}

/// The request that the answer is for.
#[derive(Debug)]
pub(super) enum TallyFor {
    Request(u32),
    /// An id in JSON, and the topics as they were named.
    #[cfg(feature = "json")]
    Id(String, Vec<String>),
}

impl Server {
    pub(super) fn tally(&mut self, tally: Tally) {
        self.tally_for(TallyFor::Request(tally.request), tally.topics);
    }

    pub(super) fn tally_for(&mut self, waiting: TallyFor, topics: Vec<TallyTopic>) {
        let cost = u32::try_from(topics.len()).unwrap_or(u32::MAX).div_ceil(TOPICS);
        self.costs.histories = self.costs.histories.saturating_add(cost.max(1));
        if topics.len() > MAX_TALLIED {
            return self.tallied(waiting, Err(RejectCode::IllegalEvent));
        }
        if self.has_too_many_requests() {
            return self.tallied(waiting, Err(RejectCode::TooMany));
        }
        let mut wanted: Vec<(Topic, Option<Position>)> = Vec::new();
        let topics = topics.into_iter().map(|TallyTopic { topic, after }| {
            let topic = Topic::parse(&topic).map_err(|_| RejectCode::IllegalTopic)?;
            if !self.credential.rights.allow(Right::History, &topic) {
                self.denials += 1;
                return Err(RejectCode::NotAllowed);
            }
            wanted.push((topic.clone(), after));
            Ok(topic)
        });
        let topics: Vec<Result<Topic, RejectCode>> = topics.collect();
        let ticket = self.ticket();
        self.tallies.push(TallyRequest { ticket, waiting, topics });
        if wanted.is_empty() {
            return self.counted(ticket, Vec::new());
        }
        self.queries.push(ticket, Query::Tally(wanted));
    }

    /// The store has counted.
    pub(super) fn counted(&mut self, ticket: Ticket, counts: Vec<TopicCount>) {
        let at = self.tallies.iter().position(|it| it.ticket == ticket);
        let Some(at) = at else { return };
        let TallyRequest { waiting, topics, .. } = self.tallies.swap_remove(at);
        let mut counts = counts.into_iter();
        let tallies = topics.into_iter().map(|topic| {
            let refused = |code| TopicTally { refused: Some(code), ..TopicTally::default() };
            let topic = match topic {
                Ok(topic) => topic,
                Err(code) => return refused(code),
            };
            let TopicCount { count, head, newest } = counts.next().unwrap_or_default();
            // The rights may have changed meanwhile.
            if !self.credential.rights.allow(Right::History, &topic) {
                self.denials += 1;
                return refused(RejectCode::NotAllowed);
            }
            let newest = newest.map(|event| (event.offset, event.body.to_vec()));
            TopicTally { count, head, newest, refused: None }
        });
        let tallies = tallies.collect();
        self.tallied(waiting, Ok(tallies));
    }

    fn tallied(&mut self, waiting: TallyFor, topics: Result<Vec<TopicTally>, RejectCode>) {
        match waiting {
            TallyFor::Request(request) => {
                self.send(&FromPeer::Tallied(Tallied { request, topics }));
            }
            #[cfg(feature = "json")]
            TallyFor::Id(id, names) => self.tallied_text(&id, &names, topics),
        }
    }
}
