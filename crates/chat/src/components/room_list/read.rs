//! Publishes how far the user has read: at most one event of all rooms' positions per three seconds, and one more when
//! the page is hidden.

use super::{ROOMS, RoomList};
use crate::boxed::after;
use crate::events::Reference;
use crate::model::rooms::At;
use crate::storage;

/// How often read positions are published, in milliseconds.
const EVERY_MS: u32 = 3_000;

impl RoomList {
    /// The user has read up to this message. Its id is empty if it is not known.
    pub(super) fn has_read(&self, key: &str, id: &str, (epoch, offset): At) {
        let [epoch, offset] = [epoch, offset].map(|number| number.to_string());
        let read = Reference { id: id.to_owned(), epoch, offset };
        let mut due = self.due.borrow_mut();
        match due.iter_mut().find(|(known, _)| *known == key) {
            Some((_, position)) => *position = read,
            None => due.push((key.to_owned().into(), read)),
        }
        drop(due);
        if self.timer.borrow().is_none() {
            self.wait();
            self.publish_read();
        }
    }

    /// Publishes the positions that have changed.
    pub(super) fn publish_read(&self) {
        let Some(me) = self.me().filter(|_| self.is_attested.get()) else { return };
        let due = self.due.take();
        if due.is_empty() {
            return;
        }
        storage::write(ROOMS, &self.rooms.borrow().to_text());
        for (key, position) in due {
            self.publish(&me.read(&key), position);
        }
    }

    fn wait(&self) {
        let this = self.this.clone();
        let timer = after(EVERY_MS, move || {
            let Some(this) = this.upgrade() else { return };
            let is_due = !this.due.borrow().is_empty();
            drop(this.timer.take());
            if is_due {
                this.wait();
                this.publish_read();
            }
        });
        self.timer.replace(Some(timer));
    }
}
