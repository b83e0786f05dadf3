//! The states of tabs, as observed from outside.

use super::World;
use super::disks::Profile;
use super::links::Link;
use super::machine::Machine;
use super::reading::Reader;
use super::tabs::Tab;
use crate::fault::{FaultState, Phase, Role};

impl World {
    /// Whether a tab is in this state.
    pub(super) fn is_in(&mut self, tab: usize, state: FaultState) -> bool {
        match state {
            FaultState::Link(phase) => self.phase(tab) == Some(phase),
            FaultState::Part(role) => self.role(tab) == Some(role),
        }
    }

    /// The phase of a tab's link. `None` while its page loads or is suspended, or if another tab has the link.
    pub(super) fn phase(&mut self, number: usize) -> Option<Phase> {
        let tab = &mut self.tabs[number];
        let caught_up = tab.has_caught_up();
        let machine = tab.machine.as_mut().filter(|machine| machine.has_link())?;
        Some(match tab.link {
            Link::Unknown => return None,
            Link::Stopped => Phase::Stopped,
            Link::Waiting => Phase::Waiting,
            Link::Opening if tab.wire.is_some_and(|wire| self.wires[wire].up.last > 0) => {
                // The socket is open, so hello was sent.
                Phase::Greeting
            }
            Link::Opening => Phase::Opening,
            Link::Online if !caught_up => Phase::CatchingUp,
            Link::Online if machine.outbox_len() > 0 => Phase::Unanswered,
            Link::Online => Phase::Idle,
        })
    }

    /// The role of a tab among those of its profile. `None` while its page loads, or if it is single.
    pub(super) fn role(&self, number: usize) -> Option<Role> {
        let tab = &self.tabs[number];
        let Some(Machine::Sharing(machine)) = &tab.machine else { return None };
        if tab.memory.is_some() {
            return None;
        }
        let has_lock = self.profiles[tab.profile].lock.is_held_by(number);
        Some(match (machine.leads(), tab.link) {
            _ if tab.is_away => Role::Away,
            (true, _) if !has_lock => Role::Deposed,
            (true, Link::Unknown) => Role::TakingOver,
            (true, _) => Role::Leader,
            (false, Link::Online) => Role::LinkedFollower,
            (false, _) => Role::Follower,
        })
    }

    /// Whether everything is settled: no tab waits for an ack or an event, or sends into a broken wire.
    pub(super) fn is_quiet(&mut self) -> bool {
        self.relay.has_reported_all()
            && self.presence_is_reported()
            && self.profiles.iter().all(Profile::is_quiet)
            && (0..self.tabs.len()).all(|tab| self.is_at_rest(tab))
    }

    fn is_at_rest(&mut self, number: usize) -> bool {
        // A page with its outbox in memory leaves the rows of its profile's disk to the next page.
        let waits = self.stands_still(number).is_some() || self.tabs[number].memory.is_some();
        let tab = &mut self.tabs[number];
        let reads_on = !tab.readers.iter().all(Reader::has_taken_all)
            || !tab.scrolls.is_empty()
            || !tab.deletes.is_empty();
        let hears_more = !tab.has_caught_up() || reads_on || !tab.shared.is_quiet();
        let Some(machine) = &mut tab.machine else { return false };
        if waits || hears_more || machine.outbox_len() > 0 {
            return false;
        }
        if machine.has_link() {
            self.phase(number) == Some(Phase::Idle) && self.has_good_wire(number)
        } else {
            self.role(number) == Some(Role::LinkedFollower)
        }
    }

    fn has_good_wire(&self, tab: usize) -> bool {
        self.tabs[tab].wire.is_some_and(|wire| self.wires[wire].holds() && self.relay.serves(wire))
    }
}

impl Tab {
    fn has_caught_up(&self) -> bool {
        self.readers.iter().all(|reader| reader.is_caught_up)
    }
}
