//! Reads parts of the room's log that its rules do not bring: older pages, the relations of their messages, and the
//! messages around one that the reader jumps to.

use std::rc::Rc;

use event_driven_kit::bridge::{HistoryError, HistoryPage, Position, StartFrom};
use event_driven_kit::{Delivery, Event, Rule};

use super::changes;
use super::feed::{Feed, Older, Paging};
use crate::boxed::{after, spawn};
use crate::events::{EDITED, PAGE};
use crate::language::t;
use crate::model::read_back::{Of, read_back};
use crate::model::timeline::{Change, Timeline};

/// How many relations are read at a time.
pub(super) const RELATIONS: u32 = 256;
/// How many messages are shown before the one that the reader jumps to.
const BEFORE: u32 = 32;
/// How many bytes the peer sends ahead of a reader who reads forward.
const WINDOW_BYTES: u32 = 1 << 20;
/// How long a message that the reader has jumped to is highlighted, in milliseconds.
const HIGHLIGHT_MS: u32 = 3_000;

impl Feed {
    /// The rule has brought the newest page. It is shown once the relations of its messages are there.
    pub fn has_caught_up(&self) {
        let Some((times, oldest)) =
            self.held.borrow().as_ref().map(|first| (times(&first.changes), first.oldest))
        else {
            return;
        };
        let mut days = self.live.borrow_mut().unread_days(times);
        self.spawn(async move |feed| {
            let relations = feed.relations(&mut days, oldest).await;
            let first = feed.held.take()?;
            {
                let mut live = feed.live.borrow_mut();
                first.changes.into_iter().chain(relations).for_each(|change| live.apply(change));
                live.has_read_days(&days);
                live.begins_at(first.oldest, first.events < PAGE);
                live.apply(Change::Live);
            }
            feed.frames.render();
            let (epoch, offset) = feed.wanted.take()?;
            feed.jump(epoch, offset);
            Some(())
        });
    }

    /// Reads the page before those that are shown, unless one is on its way.
    pub fn read_older(&self) {
        if self.paging.get() == Paging::Waiting || !self.is_ready() {
            return;
        }
        let (oldest, is_first) = self.look(|timeline| (timeline.oldest(), timeline.is_first()));
        let Some((epoch, offset)) = oldest.filter(|_| !is_first) else { return };
        let Some(before) = self.position(epoch, offset) else { return };
        self.paging.set(Paging::Waiting);
        self.frames.render();
        let generation = self.generation.get();
        self.spawn(async move |feed| {
            let page = feed.history(feed.room.text_message.as_str(), Some(before), PAGE).await;
            if feed.generation.get() != generation {
                return None;
            }
            let days = |times: Vec<_>| feed.change(|timeline| timeline.unread_days(times));
            let read = match page {
                Ok(page) => Some(feed.read(page, &days).await),
                // A new log has no older events.
                Err(HistoryError::Reset) => Some(Part::default()),
                Err(_) => None,
            };
            if feed.generation.get() != generation {
                return None;
            }
            feed.paging.set(if read.is_some() { Paging::Idle } else { Paging::Failed });
            // If the part has changed meanwhile, the page may not be the one before it.
            if feed.look(|timeline| timeline.oldest() == oldest)
                && let Some(part) = read
            {
                feed.change(|timeline| part.add_to(timeline));
                feed.split_overfull();
            }
            feed.frames.render();
            Some(())
        });
    }

    /// Shows a message, and highlights it for some seconds. Without an epoch, it is a message of the newest one.
    pub fn jump(&self, epoch: Option<u64>, offset: u64) {
        if !self.is_ready() {
            return self.wanted.set(Some((epoch, offset)));
        }
        let jump = self.jumps.get() + 1;
        self.jumps.set(jump);
        if self.show(epoch, offset) {
            return;
        }
        let Some(newest) = self.newest.borrow().clone() else { return self.is_gone() };
        if epoch.is_some_and(|epoch| epoch != newest.epoch) {
            // The log begins with the newest epoch: the offset is that of another message now.
            return self.is_gone();
        }
        if offset <= newest.offset && self.live.borrow_mut().covers(newest.epoch, offset) {
            // What the log has there is shown already: a page would bring no more.
            self.show_part(None);
            return self.show_nearest(offset);
        }
        let before = Position { offset: offset.saturating_add(1), id: None, ..newest };
        self.spawn(async move |feed| {
            let topic = feed.room.text_message.as_str();
            let page = feed.history(topic, Some(before), BEFORE + 1).await.ok();
            if feed.jumps.get() != jump {
                return None;
            }
            let Some(page) = page.filter(|page| !page.events.is_empty()) else {
                feed.is_gone();
                return Some(());
            };
            let days = |times: Vec<_>| feed.live.borrow_mut().unread_days(times);
            let part = feed.read(page, &days).await;
            if feed.jumps.get() != jump {
                return None;
            }
            let (epoch, newest) = part.newest?;
            // The page may reach into the newest messages: then both are one piece.
            let is_live = feed.live.borrow_mut().covers(epoch, newest);
            if is_live {
                part.add_to(&mut feed.live.borrow_mut());
                feed.show_part(None);
            } else {
                let mut timeline = feed.live.borrow_mut().separate();
                part.add_to(&mut timeline);
                feed.read_on(timeline);
            }
            feed.show_nearest(offset);
            feed.frames.render();
            Some(())
        });
    }

    /// Shows a message, or the nearest one if it is not there.
    fn show_nearest(&self, offset: u64) {
        if !self.show(None, offset) {
            self.is_gone();
            if let Some(nearest) = self.look(|timeline| timeline.nearest(offset)) {
                self.show(None, nearest);
            }
        }
    }

    /// Scrolls to a message of the shown ones.
    fn show(&self, epoch: Option<u64>, offset: u64) -> bool {
        let Some((chunk, row)) = self.row(epoch, offset) else { return false };
        let id = row.seen.id.clone();
        self.viewport.show(chunk, id.clone());
        self.highlighted.replace(Some(id.clone()));
        let this = self.this.clone();
        after(HIGHLIGHT_MS, move || {
            if let Some(this) = this.upgrade()
                && this.highlighted.borrow().as_ref() == Some(&id)
            {
                this.highlighted.take();
                this.frames.render();
            }
        })
        .forget();
        self.frames.render();
        true
    }

    fn is_gone(&self) {
        (self.notify)(&t("This message is not there."));
    }

    /// Shows a part of its own, and reads on after its newest message.
    pub(super) fn read_on(&self, timeline: Timeline) {
        let after = timeline.end().and_then(|(epoch, offset)| self.position(epoch, offset));
        let rule = Rule::inbound(self.room.messages_again()).window(PAGE, WINDOW_BYTES);
        let bridge = self.origin.borrow().0.clone();
        // First the old rule ends: both would be the same subscription.
        self.show_part(None);
        let rule = bridge
            .zip(after)
            .and_then(|(bridge, after)| bridge.rule(rule.from(StartFrom::After(vec![after]))).ok());
        let (holds, waiting) = (Vec::new(), Vec::new());
        let older =
            Older { timeline, _rule: rule, holds, waiting, is_reading: false, is_complete: false };
        self.show_part(Some(older));
    }

    /// An event that is older than the newest messages: from the rule that reads forward.
    pub(super) fn read_forward(&self, event: &Event, change: Option<Change>) {
        if let Some(older) = &mut *self.older.borrow_mut() {
            older.holds.extend(event.hold());
            older.waiting.extend(change);
        }
        self.add_waiting();
    }

    /// The rule that reads forward has reached the newest messages.
    pub(super) fn reach_newest(&self) {
        if let Some(older) = &mut *self.older.borrow_mut() {
            older.is_complete = true;
        }
        self.add_waiting();
    }

    /// The reader is near the end of what is shown.
    pub fn read_newer(&self) {
        let holds = match &mut *self.older.borrow_mut() {
            Some(older) if !older.is_reading => std::mem::take(&mut older.holds),
            _ => return,
        };
        // Without a borrow: the next events may come at once.
        drop(holds);
    }

    /// Shows what has arrived, once the relations of its messages are there.
    fn add_waiting(&self) {
        let is_new = self
            .older
            .borrow_mut()
            .as_mut()
            .is_some_and(|older| !std::mem::replace(&mut older.is_reading, true));
        if !is_new {
            return;
        }
        let generation = self.generation.get();
        self.spawn(async move |feed| {
            loop {
                let (changes, mut days) = {
                    let mut older = feed.older_of(generation)?;
                    let changes = std::mem::take(&mut older.waiting);
                    if changes.is_empty() {
                        older.is_reading = false;
                        break;
                    }
                    let days = older.timeline.unread_days(times(&changes));
                    (changes, days)
                };
                let relations = feed.relations(&mut days, oldest(&changes)).await;
                let mut older = feed.older_of(generation)?;
                let timeline = &mut older.timeline;
                changes.into_iter().chain(relations).for_each(|change| timeline.apply(change));
                timeline.has_read_days(&days);
                timeline.trim(feed.viewport.first_drawn());
                drop(older);
                feed.frames.render();
            }
            let is_complete = feed.older.borrow().as_ref().is_some_and(|older| older.is_complete);
            if is_complete && let Some(older) = feed.older.take() {
                feed.live.borrow_mut().join(older.timeline);
                feed.frames.render();
            }
            Some(())
        });
    }

    /// A reader at the beginning of too many messages no longer sees those in the middle.
    fn split_overfull(&self) {
        let older = self.change(|timeline| timeline.is_overfull().then(|| timeline.split()));
        if let Some(older) = older {
            self.read_on(older);
        }
    }

    pub(super) async fn history(
        &self,
        pattern: &str,
        before: Option<Position>,
        limit: u32,
    ) -> Result<HistoryPage, HistoryError> {
        let bridge = self.origin.borrow().0.clone().ok_or(HistoryError::Closed)?;
        let page = bridge.history(pattern, before, limit);
        // The page outlives the room that is open.
        drop(bridge);
        page.await
    }

    /// What a page of messages changes, with the relations of its messages.
    pub(super) async fn read(
        &self,
        page: HistoryPage,
        unread_days: &dyn Fn(Vec<Option<u64>>) -> Vec<u32>,
    ) -> Part {
        let positions = || page.events.iter().filter_map(stored_at);
        let (first, last) = (positions().map(at).min(), positions().map(at).max());
        let stream = positions().next().map(|position| position.stream.clone());
        // Other streams have no messages of this room.
        let next = page.next.filter(|next| stream.is_none_or(|stream| stream == next.stream));
        let mut changes: Vec<Change> = Vec::new();
        for event in &page.events {
            // What can't be read is no message.
            changes.extend(changes::of_message(event, &self.origin.borrow()).ok().flatten());
        }
        let mut days = unread_days(times(&changes));
        changes.extend(self.relations(&mut days, first).await);
        let oldest = next.as_ref().map(at).or(first);
        Part { changes, days, oldest, newest: last, is_first: next.is_none() }
    }

    /// The relations of the messages of these days, of which it keeps those that were read completely. Of many days it
    /// reads all relations since `oldest`.
    async fn relations(&self, days: &mut Vec<u32>, oldest: Option<(u64, u64)>) -> Vec<Change> {
        let page = async |of: Of, before| {
            let (pattern, oldest) = match of {
                Of::Day(day) => (self.room.relations_of(day, "*"), None),
                Of::Edits(day) => (self.room.relations_of(day, EDITED), None),
                Of::All => (self.room.relations(), oldest),
            };
            // Without its relations a message is shown as it was written.
            let page = self.history(&pattern, before, RELATIONS).await.ok()?;
            let change = |event| changes::of_relation(event, &self.origin.borrow()).ok().flatten();
            let changes: Vec<Change> = page.events.iter().filter_map(change).collect();
            let last = page.events.last().and_then(stored_at).map(at);
            let goes_on = oldest.is_none_or(|oldest| last.is_none_or(|last| last > oldest));
            Some((changes, page.next.filter(|_| goes_on)))
        };
        read_back(days, page).await
    }

    /// A position in the stream of the room's messages.
    pub(super) fn position(&self, epoch: u64, offset: u64) -> Option<Position> {
        let newest = self.newest.borrow().clone()?;
        Some(Position { epoch, offset, id: None, ..newest })
    }

    pub(super) fn spawn(&self, task: impl AsyncFnOnce(Rc<Self>) -> Option<()> + 'static) {
        if let Some(this) = self.this.upgrade() {
            spawn(async move {
                task(this).await;
            });
        }
    }
}

/// What a page changes.
#[derive(Default)]
pub(super) struct Part {
    changes: Vec<Change>,
    /// The days of which it has all relations.
    days: Vec<u32>,
    /// The epoch and the offset from which on all is known.
    oldest: Option<(u64, u64)>,
    newest: Option<(u64, u64)>,
    is_first: bool,
}

impl Part {
    pub(super) fn add_to(self, timeline: &mut Timeline) {
        let is_first = self.is_first || self.oldest.is_none();
        self.changes.into_iter().for_each(|change| timeline.apply(change));
        timeline.has_read_days(&self.days);
        timeline.begins_at(self.oldest, is_first);
    }
}

/// The position of an event in the log, if it is there.
pub fn stored_at(event: &Event) -> Option<&Position> {
    match event.delivery() {
        Delivery::Stored(position) => Some(position),
        _ => None,
    }
}

fn at(position: &Position) -> (u64, u64) {
    (position.epoch, position.offset)
}

/// When the messages were published.
fn times(changes: &[Change]) -> Vec<Option<u64>> {
    let time = |change: &Change| match change {
        Change::Stored { seen, .. } => Some(seen.time_ms),
        _ => None,
    };
    changes.iter().filter_map(time).collect()
}

/// Where the oldest message is in the log.
fn oldest(changes: &[Change]) -> Option<(u64, u64)> {
    let at = |change: &Change| match change {
        Change::Stored { epoch, offset, .. } => Some((*epoch, *offset)),
        _ => None,
    };
    changes.iter().filter_map(at).min()
}
