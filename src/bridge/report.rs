//! What a link tells of itself on the bus, and keeps there for who comes later.

use std::cell::{Cell, RefCell};
use std::num::NonZeroUsize;
use std::rc::Weak;

use js_sys::Promise;
use session::Position;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::link::Link;
use super::state::{Acked, LinkStatus, OutboxStorage, Role};
use super::{LINK_TOPIC, LinkState, UNCERTAIN_TOPIC};
use crate::bus::Retention;
use crate::js::{monotonic, spawn};
use crate::{Bus, Payload};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = ["navigator", "storage"])]
    fn persist() -> Result<JsValue, JsValue>;
}

/// The newest status, and whether it has been told.
pub(super) struct Report {
    status: RefCell<LinkStatus>,
    /// When the state was entered, in milliseconds of the clock that never goes back.
    since: Cell<u64>,
    is_news: Cell<bool>,
    asked_to_persist: Cell<bool>,
    _retained: Vec<Retention>,
}

/// Uncertain events that are told again to who subscribes later.
const UNCERTAIN_KEPT: usize = 100;

impl Report {
    pub(super) fn new(bus: &Bus) -> Self {
        let keep = |topic, events| {
            let (events, one) = (NonZeroUsize::new(events)?, NonZeroUsize::MIN);
            bus.retain(topic, events, one).ok()
        };
        let retained = [keep(LINK_TOPIC, 1), keep(UNCERTAIN_TOPIC, UNCERTAIN_KEPT)];
        Self {
            status: RefCell::new(LinkStatus::new()),
            since: Cell::new(0),
            is_news: Cell::new(true),
            asked_to_persist: Cell::new(false),
            _retained: retained.into_iter().flatten().collect(),
        }
    }

    pub(super) fn status(&self) -> LinkStatus {
        let mut status = self.status.borrow().clone();
        if let LinkState::Offline { retry_in_ms } = &mut status.state {
            *retry_in_ms = (*retry_in_ms - (monotonic() - self.since.get()) as f64).max(0.0);
        }
        status
    }

    pub(super) fn is_online(&self) -> bool {
        self.status.borrow().state == LinkState::Online
    }

    /// The link has changed.
    pub(super) fn enter(&self, state: LinkState) {
        self.since.set(monotonic());
        self.change(|status| &mut status.state, state);
    }

    /// The peer has stored an event of this client.
    pub(super) fn acked(&self, id: &str, position: &Position) {
        let acked = Acked {
            id: id.to_owned(),
            offset: position.offset.to_string(),
            epoch: position.epoch.to_string(),
            stream: position.stream.as_str().to_owned(),
        };
        self.change(|status| &mut status.last_acked, Some(acked));
    }

    pub(super) fn plays(&self, role: Role) {
        self.change(|status| &mut status.role, role);
    }

    /// The store is where it is, and has carried out the last operation or has not.
    /// Whether that is news.
    pub(super) fn stores(&self, storage: OutboxStorage) -> bool {
        let before = self.status.borrow().storage;
        self.change(|status| &mut status.storage, storage);
        before != storage
    }

    /// The store has not taken the last that was to be written.
    pub(super) fn is_failing(&self) -> bool {
        self.status.borrow().storage == OutboxStorage::Failing
    }

    pub(super) fn catches_up(&self, is_so: bool) {
        self.change(|status| &mut status.caught_up, is_so);
    }

    /// Events that were asked for are gone.
    pub(super) fn found_gap(&self) {
        let gaps = self.status.borrow().gaps + 1;
        self.change(|status| &mut status.gaps, gaps);
    }

    /// Nobody knows what became of an event.
    pub(super) fn is_uncertain(&self) {
        let uncertain = self.status.borrow().uncertain + 1;
        self.change(|status| &mut status.uncertain, uncertain);
    }

    pub(super) fn holds(&self, outbox: usize) {
        self.change(|status| &mut status.outbox, outbox);
    }

    fn change<T: PartialEq>(&self, field: impl FnOnce(&mut LinkStatus) -> &mut T, value: T) {
        let mut status = self.status.borrow_mut();
        let field = field(&mut status);
        if *field != value {
            *field = value;
            self.is_news.set(true);
        }
    }

    /// What is to be told, if there is something new.
    pub(super) fn news(&self) -> Option<Payload> {
        self.is_news.replace(false).then(|| Payload::from_js(self.status().to_js()))
    }

    /// Asks the browser, once and when there is something to lose, not to clear this origin's storage when
    /// it runs out of space.
    pub(super) fn ask_to_persist(&self, link: &Weak<Link>) {
        if self.asked_to_persist.replace(true) {
            return;
        }
        let link = link.clone();
        spawn(async move {
            // A worker, a page that is not secure and some engines have nobody to ask.
            let asked = persist().ok().and_then(|asked| asked.dyn_into::<Promise>().ok());
            let granted = match asked {
                Some(asked) => JsFuture::from(asked).await.ok(),
                None => None,
            };
            let granted = granted.and_then(|granted| granted.as_bool());
            if let Some(link) = link.upgrade() {
                link.report.change(|status| &mut status.persisted, granted);
                link.tell();
            }
        });
    }
}
