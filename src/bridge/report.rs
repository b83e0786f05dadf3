//! The status of a link, as the bus reports it and retains it for later subscribers.

use std::cell::{Cell, RefCell};
use std::num::NonZeroUsize;

use session::Position;
use session::rights::Rights;

use super::state::{Acked, LinkStatus};
use super::{LINK_TOPIC, LinkState, UNCERTAIN_TOPIC};
use crate::bus::Retention;
use crate::js::monotonic;
use crate::link::Link;
use crate::{Bus, Payload};

/// The newest status, and whether it has been published.
pub(super) struct Report {
    status: RefCell<LinkStatus>,
    /// When the state was entered, in milliseconds of the monotonic clock.
    since: Cell<u64>,
    is_news: Cell<bool>,
    /// The rights at the last update. The status does not contain them: if they change, it is published again, so that
    /// applications ask for them.
    rights: RefCell<Rights>,
    _retained: Vec<Retention>,
}

/// The number of uncertain events that are retained.
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
            rights: RefCell::new(Rights::all()),
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

    /// Updates what the link and the rules know better.
    pub(super) fn update(&self, link: &Link, have_rules_caught_up: bool) {
        self.change(|status| &mut status.outbox, link.unanswered());
        self.change(|status| &mut status.storage, link.storage());
        self.change(|status| &mut status.persisted, link.is_persisted());
        self.change(|status| &mut status.role, link.role());
        self.change(|status| &mut status.subject, link.subject());
        let rights = link.rights();
        if self.rights.replace(rights.clone()) != rights {
            self.is_news.set(true);
        }
        let is_online = self.status.borrow().state == LinkState::Online;
        self.change(|status| &mut status.caught_up, is_online && have_rules_caught_up);
    }

    /// The state of the link has changed.
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

    /// Counts a gap.
    pub(super) fn found_gap(&self) {
        let gaps = self.status.borrow().gaps + 1;
        self.change(|status| &mut status.gaps, gaps);
    }

    /// Counts an uncertain event.
    pub(super) fn found_uncertain(&self) {
        let uncertain = self.status.borrow().uncertain + 1;
        self.change(|status| &mut status.uncertain, uncertain);
    }

    fn change<T: PartialEq>(&self, field: impl FnOnce(&mut LinkStatus) -> &mut T, value: T) {
        let mut status = self.status.borrow_mut();
        let field = field(&mut status);
        if *field != value {
            *field = value;
            self.is_news.set(true);
        }
    }

    /// The payload to publish, if the status has changed since the last call.
    pub(super) fn news(&self) -> Option<Payload> {
        self.is_news.replace(false).then(|| Payload::from_js(self.status().to_js()))
    }
}
