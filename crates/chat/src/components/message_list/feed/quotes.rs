//! The messages that others reply to. Those that are not in the list are read from the log one after the other.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::super::changes;
use super::Feed;
use crate::events::Reference;
use crate::model::timeline::{self, Change, Row, Timeline};

/// The most messages that wait to be read. The oldest are dropped; they are asked for again when they are drawn again.
const MAX_WAITING: usize = 100;
/// The most messages of which it is remembered that they are gone.
const MAX_GONE: usize = 1_000;

/// The message that another one replies to.
#[derive(Clone, PartialEq)]
pub enum Quote {
    /// It is being read.
    Reading,
    /// The log does not have it.
    Gone,
    /// This message.
    Row(Rc<Row>),
}

/// Messages that are quoted but not in the list.
#[derive(Default)]
pub struct Quotes {
    /// What was read. It has no order that matters: it is never drawn.
    read: RefCell<Option<Timeline>>,
    waiting: RefCell<Vec<timeline::Reference>>,
    gone: RefCell<Vec<(u64, u64)>>,
    is_reading: Cell<bool>,
}

impl Quotes {
    /// A quoted message was edited or deleted.
    pub fn apply(&self, change: &Change) {
        if let Some(read) = &mut *self.read.borrow_mut() {
            read.apply(change.clone());
        }
    }
}

impl Feed {
    /// The messages to which those of a chunk reply, in the order of the replies.
    pub fn quotes_of(&self, rows: &[Rc<Row>]) -> Vec<Quote> {
        let replies = rows.iter().filter_map(|row| row.seen.message.reply_to.as_ref());
        replies.map(|about| self.quote(about)).collect()
    }

    fn quote(&self, about: &Reference) -> Quote {
        let Some(about) = changes::reference(about) else { return Quote::Gone };
        let find = |timeline: &Timeline| timeline.target(&about).cloned();
        let read = || self.quotes.read.borrow().as_ref().and_then(find);
        if let Some(row) = self.look(find).or_else(|| find(&self.live.borrow())).or_else(read) {
            return Quote::Row(row);
        }
        if self.quotes.gone.borrow().contains(&(about.epoch, about.offset)) {
            return Quote::Gone;
        }
        let mut waiting = self.quotes.waiting.borrow_mut();
        if !waiting.iter().any(|other| other.id == about.id) {
            if waiting.len() >= MAX_WAITING {
                waiting.remove(0);
            }
            waiting.push(about);
        }
        Quote::Reading
    }

    /// Reads the messages that are drawn and not known yet, the newest first.
    pub fn read_quotes(&self) {
        let is_idle = self.is_ready() && !self.quotes.waiting.borrow().is_empty();
        if !is_idle || self.quotes.is_reading.replace(true) {
            return;
        }
        self.spawn(async |feed| {
            loop {
                let next = feed.quotes.waiting.borrow().last().cloned();
                let Some(about) = next else { break };
                feed.read_quote(&about).await;
                feed.quotes.waiting.borrow_mut().retain(|other| other.id != about.id);
                feed.frames.render();
            }
            feed.quotes.is_reading.set(false);
            Some(())
        });
    }

    async fn read_quote(&self, about: &timeline::Reference) {
        let page = match self.position(about.epoch, about.offset.saturating_add(1)) {
            Some(before) => {
                self.history(self.room.text_message.as_str(), Some(before), 1).await.ok()
            }
            None => None,
        };
        let empty = || self.live.borrow_mut().separate();
        if let Some(page) = page {
            let days = |times: Vec<_>| {
                self.quotes.read.borrow_mut().get_or_insert_with(empty).unread_days(times)
            };
            let part = self.read(page, &days).await;
            if let Some(read) = &mut *self.quotes.read.borrow_mut() {
                part.add_to(read);
                read.trim(None);
            }
        }
        let is_there =
            self.quotes.read.borrow().as_ref().is_some_and(|read| read.target(about).is_some());
        if !is_there {
            let mut gone = self.quotes.gone.borrow_mut();
            if gone.len() >= MAX_GONE {
                gone.clear();
            }
            gone.push((about.epoch, about.offset));
        }
    }
}
