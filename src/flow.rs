//! Flow control: unfinished events slow down the peer.

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::rc::{Rc, Weak};

/// Occupies room in the window of a rule until it is dropped; see [`Event::hold`](crate::Event::hold).
#[must_use = "the hold ends when this is dropped"]
pub struct Hold {
    _claim: Rc<dyn Any>,
}

/// An event's part in the flow control of a link. Empty for an event that did not arrive over a link.
#[derive(Default)]
pub(crate) struct Flow {
    /// The event counts as finished when this is dropped.
    claim: Option<Weak<dyn Any>>,
    /// Set for an event that waits in a batch or a queue.
    kept: RefCell<Option<Hold>>,
}

impl Flow {
    #[cfg(feature = "bridge")]
    pub(crate) fn of(claim: &Rc<dyn Any>) -> Self {
        Self { claim: Some(Rc::downgrade(claim)), kept: RefCell::default() }
    }

    pub(crate) fn hold(&self) -> Option<Hold> {
        let claim = self.claim.as_ref()?.upgrade()?;
        Some(Hold { _claim: claim })
    }

    /// The flow of a waiting copy. Empty if there is nothing to hold.
    pub(crate) fn kept(&self) -> Option<Self> {
        let hold = self.hold()?;
        Some(Self { claim: self.claim.clone(), kept: RefCell::new(Some(hold)) })
    }

    /// The copy no longer waits.
    pub(crate) fn let_go(&self) {
        let hold = self.kept.take();
        drop(hold);
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Hold").finish_non_exhaustive()
    }
}
