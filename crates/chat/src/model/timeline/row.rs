//! One message of a timeline.

use std::rc::Rc;

use super::{Author, Fold, Place};
use crate::events::TextMessage;
use crate::model::refusal::Refusal;

/// Two messages of one sender within this time, in milliseconds, are grouped.
const TURN_MS: u64 = 5 * 60 * 1_000;

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The unique key of the row, which stays the same when the message moves into the log.
    pub key: Rc<str>,
    /// What its event says.
    pub seen: Seen,
    /// Its state.
    pub state: State,
    /// Where it stands.
    pub place: Place,
    /// What later events have changed about it.
    pub fold: Option<Rc<Fold>>,
}

/// A message from an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The id of its event. Clients choose ids, so two clients may use the same.
    pub id: Rc<str>,
    /// The author.
    pub author: Author,
    /// The text, and the author according to the client. A deleted message has an empty text.
    pub message: Rc<TextMessage>,
    /// When it was published, in milliseconds since 1970 by its sender's clock, if known.
    pub time_ms: Option<u64>,
    /// The [day](crate::clock::day_of) on which it was published, by the user's time zone. 0 if it is not known, or is
    /// past tomorrow.
    pub day: i32,
}

/// The state of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It waits for the link.
    Queued,
    /// It was sent and is not acked yet.
    Sent,
    /// It is in the log.
    Stored,
    /// It was refused.
    Failed(Refusal),
}

impl State {
    /// The state in one word, for style and tests.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Stored => "stored",
            Self::Failed(_) => "failed",
        }
    }
}

impl Row {
    pub(super) fn new(seen: Seen, state: State, place: Place, fold: Option<Rc<Fold>>) -> Self {
        let key = match &*seen.author.client {
            "" => seen.id.clone(),
            client => [client, &*seen.id].concat().into(),
        };
        Self { key, seen, state, place, fold }
    }

    /// The text as its author has last written it.
    pub fn text(&self) -> &str {
        let edit = self.fold.as_ref().and_then(|fold| fold.edit(&self.seen.author));
        edit.unwrap_or(&self.seen.message.text)
    }

    /// Whether the author's device has signed the text.
    pub fn is_verified(&self) -> bool {
        let author = &self.seen.author;
        let edit = self.fold.as_ref().and_then(|fold| fold.editor(author));
        author.is_verified && edit.is_none_or(|editor| editor.is_verified)
    }

    /// Whether its author has changed the text.
    pub fn is_edited(&self) -> bool {
        self.fold.as_ref().is_some_and(|fold| fold.edit(&self.seen.author).is_some())
    }

    /// Whether an edit or a reaction of the user is not in the log yet.
    pub fn waits(&self) -> bool {
        self.fold.as_ref().is_some_and(|fold| fold.waits())
    }

    /// The emoji with the people who react with them, unless it was deleted.
    pub fn reactions(&self) -> Vec<(Rc<str>, Vec<Author>)> {
        let fold = self.fold.as_ref().filter(|_| !self.is_deleted());
        fold.map(|fold| fold.reactions()).unwrap_or_default()
    }

    /// Whether it was deleted.
    pub fn is_deleted(&self) -> bool {
        self.state == State::Stored
            && (self.seen.message.text.is_empty()
                || self.fold.as_ref().is_some_and(|fold| fold.is_deleted()))
    }

    /// Whether it continues `before`, so that the sender is not named again.
    pub fn follows(&self, before: &Row) -> bool {
        let (one, other) = (&self.seen, &before.seen);
        let pause = one.time_ms.zip(other.time_ms).map(|(one, other)| one.abs_diff(other));
        // A message that was deleted does not name its author.
        let is_unnamed = one.message.sender.id.is_empty() && one.author.is(&other.author);
        let is_same = one.is_by_author_of(other) && self.is_verified() == before.is_verified();
        (is_unnamed || is_same) && pause.is_none_or(|pause| pause < TURN_MS)
    }

    /// Whether this browser's user has written it, independent of any claims.
    pub fn is_by(&self, me: &str) -> bool {
        let Seen { author, message, .. } = &self.seen;
        author.client.is_empty()
            && (author.account.is_some() || [me, ""].contains(&&*message.sender.id))
    }

    /// Its offset in the log, if it is in the log.
    pub fn offset(&self) -> Option<u64> {
        match self.place {
            Place::InLog { offset, after: 0, .. } => Some(offset),
            _ => None,
        }
    }

    /// Whether it is not in the log.
    pub(super) fn is_pending(&self) -> bool {
        self.state != State::Stored
    }

    /// The bytes that it needs, about.
    pub(super) fn bytes(&self) -> usize {
        400 + self.seen.message.text.len() + self.fold.as_ref().map_or(0, |fold| fold.bytes())
    }
}
