//! Counts of the peer's events by topic, and the newest of each.

use bus::Topic;
use session::client;
use session::{MAX_TALLIED, Position, RejectCode, TallyTopic};

use super::requests::{Answer, request};
use super::{Bridge, Endpoint};
use crate::Event;

/// What the peer's log holds of a topic.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TopicTally {
    /// The topic.
    pub topic: String,
    /// The number of events after the position, at most 1,000. Deleted events count, and so do deletions.
    pub count: u64,
    /// The position of the newest event, if there is one.
    pub head: Option<Position>,
    /// The newest event that was not deleted and is no deletion. `None` if its data is large, if it is not among the
    /// newest few, if an interceptor refuses it, or if it is withheld: it cannot be verified.
    pub newest: Option<Event>,
    /// Why the topic was not counted: [`RejectCode::NotAllowed`] without the right to read its past.
    pub refused: Option<RejectCode>,
}

/// Why nothing was counted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TallyError {
    /// The peer cannot count events, or the tab that has the link cannot, because it runs an older version.
    #[error("the peer cannot count events")]
    NotAvailable,
    /// The peer has refused the request, for this reason.
    #[error("the peer refused to count events: {}", .0.name())]
    Refused(RejectCode),
    /// The bridge was dropped.
    #[error("the bridge is closed")]
    Closed,
}

impl Bridge {
    /// Counts the stored events of each topic after a position, and brings the newest one: for lists of rooms with
    /// previews and unread counts. Without a position, or with one of another log, all events count. Returns one tally
    /// for each topic, in their order.
    ///
    /// It waits while the link is down. Dropping the future cancels the request.
    ///
    /// ```no_run
    /// use event_driven_kit::bridge::{Position, TallyError};
    /// use event_driven_kit::Bridge;
    ///
    /// async fn is_unread(bridge: &Bridge, room: &str, read: Position) -> Result<bool, TallyError> {
    ///     let tallies = bridge.tally(vec![(format!("chat.{room}.TEXT_MESSAGE"), Some(read))]).await?;
    ///     Ok(tallies.iter().any(|tally| tally.count > 0))
    /// }
    /// ```
    ///
    /// # Errors
    /// A [`TallyError`].
    pub fn tally(
        &self,
        topics: Vec<(String, Option<Position>)>,
    ) -> impl Future<Output = Result<Vec<TopicTally>, TallyError>> + use<> {
        let topics: Vec<TallyTopic> =
            topics.into_iter().map(|(topic, after)| TallyTopic { topic, after }).collect();
        let endpoint = self.endpoint.this.clone();
        async move {
            let mut all = Vec::with_capacity(topics.len());
            for some in topics.chunks(MAX_TALLIED) {
                let Some(Answer::Tallied(tallies)) =
                    request(&endpoint, |link| link.tally(some.to_vec())).await
                else {
                    return Err(TallyError::Closed);
                };
                let tallies = tallies.map_err(|error| match error {
                    client::RequestError::Refused(code) => TallyError::Refused(code),
                    _ => TallyError::NotAvailable,
                })?;
                let newest: Vec<_> = some.iter().zip(&tallies).map(newest).collect();
                let has_newest: Vec<_> = newest.iter().map(Option::is_some).collect();
                let events = newest.into_iter().flatten().collect();
                let admitted = Endpoint::admit_read(&endpoint, events).await;
                let mut admitted = admitted.ok_or(TallyError::Closed)?.into_iter();
                for ((of, tally), has_newest) in some.iter().zip(tallies).zip(has_newest) {
                    let session::TopicTally { count, head, refused, .. } = tally;
                    let newest = if has_newest { admitted.next().flatten() } else { None };
                    all.push(TopicTally { topic: of.topic.clone(), count, head, newest, refused });
                }
            }
            Ok(all)
        }
    }
}

/// The newest event of a topic, not verified yet.
fn newest(
    (of, tally): (&TallyTopic, &session::TopicTally),
) -> Option<(Position, Topic, session::Body)> {
    let (head, (offset, body)) = tally.head.as_ref().zip(tally.newest.as_ref())?;
    let (topic, body) = (Topic::parse(&of.topic).ok()?, session::Body::decode(body).ok()?);
    let position = Position { offset: *offset, id: Some(body.id.clone()), ..head.clone() };
    Some((position, topic, body))
}
