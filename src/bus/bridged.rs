//! What bridges do with a bus: attach to it as outlets, and deliver events that it has not published.

use std::any::Any;
use std::rc::Rc;

use super::{Bus, Outlet, PublishError};
use crate::Event;
use crate::flow::Flow;

impl Bus {
    pub(crate) fn attach(&self, outlet: Rc<dyn Outlet>) {
        self.0.outlets.borrow_mut().push(outlet);
    }

    pub(crate) fn has_outlet_to(&self, url: &str) -> bool {
        self.0.outlets.borrow().iter().any(|outlet| outlet.url() == url)
    }

    pub(crate) fn detach(&self, outlet: &Rc<dyn Outlet>) {
        let mut detached = None;
        {
            let mut outlets = self.0.outlets.borrow_mut();
            if let Some(at) = outlets.iter().position(|one| Rc::ptr_eq(one, outlet)) {
                detached = Some(outlets.remove(at));
            }
        }
        drop(detached);
    }

    /// Passes an event from a bridge through the interceptors.
    pub(crate) fn admit(&self, event: Event) -> Option<Event> {
        match self.0.judges.get() {
            Some(judges) => judges.admit(event),
            None => Some(event),
        }
    }

    /// Delivers the current stage of a durable event of this bus to subscribers with echo.
    pub(crate) fn echo(&self, event: Event) {
        self.0.bus.echo(event.topic().clone(), event, None);
    }

    /// Delivers an event from a bridge, which cannot be refused.
    pub(crate) fn bring(&self, event: Event) -> Result<(), PublishError> {
        self.0.bus.publish_regardless(event.topic().clone(), event)?;
        Ok(())
    }

    /// The same, and drops the event's claim once its handlers have returned and no hold of it exists.
    pub(crate) fn bring_held(&self, event: Event, claim: Rc<dyn Any>) -> Result<(), PublishError> {
        let event = event.in_flow(Flow::of(&claim));
        self.0.bus.publish_held(event.topic().clone(), event, Some(Box::new(claim)))?;
        Ok(())
    }

    /// Delivers an event of the runtime itself.
    pub(crate) fn announce(&self, event: Event) {
        self.0.bus.announce(event.topic().clone(), event);
    }
}
