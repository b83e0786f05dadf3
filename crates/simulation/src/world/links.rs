//! The state of each tab's link, and the user who continues a stopped one.

use session::client::ConnectionState;

use super::machine::Machine;
use super::{Happening, World};

/// The last known state of a tab's link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    /// Nothing since it has joined.
    Unknown,
    Waiting,
    Opening,
    Online,
    Stopped,
}

impl World {
    pub(super) fn link(&mut self, number: usize, state: &ConnectionState) {
        self.say(|| format!("tab {number}: {state:?}"));
        let tab = &mut self.tabs[number];
        tab.link = match state {
            ConnectionState::Connecting if tab.link == Link::Unknown => Link::Unknown,
            ConnectionState::Connecting => Link::Opening,
            ConnectionState::Online => Link::Online,
            ConnectionState::Offline { .. } => Link::Waiting,
            ConnectionState::Stopped { .. } => Link::Stopped,
        };
        if tab.link != Link::Online {
            for reader in &mut tab.readers {
                reader.is_caught_up = false;
            }
        }
        match tab.link {
            Link::Online if tab.wire.is_some() => self.admitted(number),
            Link::Stopped => self.says_go_on(number),
            _ => {}
        }
    }

    /// A link was stopped. The user notices and continues.
    pub(super) fn says_go_on(&mut self, number: usize) {
        let wait = self.random.between(500, 5_000);
        self.after(wait, Happening::Continues { tab: number });
    }

    /// The application makes a stopped machine continue.
    pub(super) fn connect(&mut self, number: usize) {
        if let Some(wait) = self.stands_still(number) {
            return self.after(wait, Happening::Continues { tab: number });
        }
        self.with_machine(number, Machine::connect);
    }
}
