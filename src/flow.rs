//! How an application slows a peer: what it has not done with an event holds back what would follow.

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::rc::{Rc, Weak};

/// Keeps the peer from sending more, until it is dropped; see [`Event::hold`](crate::Event::hold).
#[must_use = "dropped, it holds nothing back"]
pub struct Hold {
    _claim: Rc<dyn Any>,
}

/// An event's part in the flow of a link: that of one which did not come over a link is none.
#[derive(Default)]
pub(crate) struct Flow {
    /// Dropped, the event counts as taken.
    claim: Option<Weak<dyn Any>>,
    /// Of an event that waits in a batch or a queue.
    kept: RefCell<Option<Hold>>,
}

impl Flow {
    pub(crate) fn of(claim: &Rc<dyn Any>) -> Self {
        Self { claim: Some(Rc::downgrade(claim)), kept: RefCell::default() }
    }

    pub(crate) fn hold(&self) -> Option<Hold> {
        let claim = self.claim.as_ref()?.upgrade()?;
        Some(Hold { _claim: claim })
    }

    /// The flow of a copy that waits; none, if there is nothing to hold.
    pub(crate) fn kept(&self) -> Option<Self> {
        let hold = self.hold()?;
        Some(Self { claim: self.claim.clone(), kept: RefCell::new(Some(hold)) })
    }

    /// The copy waits no more.
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
