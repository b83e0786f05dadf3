//! What comes before an event's turn: the checks that may change or stop it, and the room that the
//! queue of turns has. A publish to a bus without either never comes here.

use std::any::Any;
use std::rc::Rc;

use super::{CHECKED, Check, Core, PROBED, Probe, Stop, Turn};
use crate::request::Asked;
use crate::{MAX_QUEUED, Payload, PublishError, Published, Topic};

impl<P: Payload> Core<P> {
    /// Delivers an event as [`Core::publish`] does: a request, inside a handler, or with checks.
    #[cold]
    #[inline(never)]
    pub(crate) fn publish_otherwise(
        &self,
        topic: Topic,
        payload: P,
        asked: Option<Rc<dyn Asked<P>>>,
    ) -> Result<Published, PublishError<P>> {
        let checks = self.checks.borrow().clone();
        self.publish_past(checks, topic, payload, asked)
    }

    /// The same again for what found no room: only the checks that come last see it a second time.
    pub(crate) fn publish_again(
        &self,
        topic: Topic,
        payload: P,
    ) -> Result<Published, PublishError<P>> {
        let last =
            self.checks.borrow().iter().filter(|check| check.comes_last()).cloned().collect();
        self.publish_past(last, topic, payload, None)
    }

    /// Whether no check would refuse an event of `topic` for lack of room.
    pub(crate) fn has_room(&self, topic: &Topic) -> bool {
        let checks = self.checks.borrow().clone();
        checks.iter().all(|check| check.has_room(topic))
    }

    /// The same for what cannot be refused.
    pub(crate) fn publish_held(
        &self,
        topic: Topic,
        payload: P,
        held: Option<Box<dyn Any>>,
    ) -> Result<Published, PublishError<P>> {
        if self.is_full() {
            return Err(PublishError::QueueFull(topic, payload));
        }
        let (checks, mut held) = (self.checks.borrow().clone(), Vec::from_iter(held));
        checks.iter().for_each(|check| check.let_pass(&topic, &mut held));
        let turn = Turn::Event { topic, payload, asked: None, held };
        Ok(self.take_turn(turn).map_or(Published::Queued, Published::Delivered))
    }

    #[inline]
    fn publish_past(
        &self,
        checks: Rc<[Rc<dyn Check<P>>]>,
        topic: Topic,
        payload: P,
        asked: Option<Rc<dyn Asked<P>>>,
    ) -> Result<Published, PublishError<P>> {
        if self.is_full() {
            return Err(PublishError::QueueFull(topic, payload));
        }
        let (mut payload, mut held) = (payload, Vec::new());
        for check in checks.iter() {
            payload = match check.check(&topic, payload, &mut held) {
                Ok(payload) => payload,
                Err(Stop::Dropped) => return Ok(Published::Dropped),
                Err(Stop::Denied(payload, why)) => {
                    return Err(PublishError::Denied(topic, payload, why));
                }
                Err(Stop::NoRoom(payload)) => return Err(PublishError::NoRoom(topic, payload)),
            };
        }
        // Checks may have published; those events are older.
        let turn = Turn::Event { topic, payload, asked, held };
        Ok(self.take_turn(turn).map_or(Published::Queued, Published::Delivered))
    }

    pub(crate) fn add_check(&self, check: Rc<dyn Check<P>>) {
        let before = self.checks.borrow().clone();
        let at = before.partition_point(|other| !other.comes_last() || check.comes_last());
        let (first, last) = before.split_at_checked(at).unwrap_or_default();
        let checks = first.iter().chain([&check]).chain(last).cloned().collect();
        self.replace_checks(checks);
    }

    pub(crate) fn remove_check(&self, check: &Rc<dyn Check<P>>) {
        let before = self.checks.borrow().clone();
        let others = before.iter().filter(|other| !Rc::ptr_eq(other, check)).cloned().collect();
        self.replace_checks(others);
    }

    fn replace_checks(&self, checks: Rc<[Rc<dyn Check<P>>]>) {
        let bit = if checks.is_empty() { 0 } else { CHECKED };
        self.state.set(self.state.get() & !CHECKED | bit);
        let before = self.checks.replace(checks);
        drop(before);
    }

    pub(crate) fn set_probe(&self, probe: Option<Rc<dyn Probe<P>>>) {
        let bit = if probe.is_some() { PROBED } else { 0 };
        self.state.set(self.state.get() & !PROBED | bit);
        let before = self.probe.replace(probe);
        drop(before);
    }

    pub(super) fn is_full(&self) -> bool {
        self.turns.borrow().len() >= MAX_QUEUED
    }
}
