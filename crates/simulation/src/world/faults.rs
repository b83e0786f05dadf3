//! Faults. They occur at their planned time, or as soon as possible after it.

use super::machine::Machine;
use super::plan::Step;
use super::{Happening, World};
use crate::coverage::Coverage;
use crate::fault::{Fault, FaultState};
use crate::history::{LifeNo, Record};
use crate::wire::Parcel;

/// A fault that waits until a tab is in a certain state.
#[derive(Debug)]
pub(super) struct Armed {
    fault: Fault,
    state: FaultState,
}

impl World {
    /// Injects a fault as soon as a suitable tab is in this state.
    pub(super) fn arm(&mut self, fault: Fault, state: FaultState) {
        if self.healed || Coverage::impossible(fault, state).is_some() {
            return;
        }
        let count = self.tabs.len();
        let first = self.random.below(count as u64) as usize;
        let mut tabs = (first..count).chain(0..first);
        let armed = Armed { fault, state };
        match tabs.find(|tab| self.suits(&armed, *tab)) {
            Some(tab) => self.break_at(fault, tab),
            None => self.armed.push(armed),
        }
    }

    fn suits(&mut self, armed: &Armed, tab: usize) -> bool {
        // A tab with late messages gets the time to receive them.
        let until = self.tabs[tab].shared.deaf_until;
        let hears = until == 0 || until + 1_000 <= self.now;
        self.is_in(tab, armed.state)
            && (hears || !matches!(armed.fault, Fault::Deaf | Fault::ClockJump))
            && (!armed.fault.is_of_tabs() || self.profiles[self.tabs[tab].profile].shares)
    }

    /// A tab's state has changed: injects the faults that wait for it.
    pub(super) fn fire_armed(&mut self, tab: usize) {
        if self.healed || self.armed.is_empty() {
            return;
        }
        let waiting = std::mem::take(&mut self.armed);
        let at = waiting.iter().position(|armed| self.suits(armed, tab));
        self.armed = waiting;
        if let Some(at) = at {
            let armed = self.armed.swap_remove(at);
            self.break_at(armed.fault, tab);
        }
    }

    fn break_at(&mut self, fault: Fault, tab: usize) {
        let met = [self.phase(tab).map(FaultState::Link), self.role(tab).map(FaultState::Part)];
        let met: Vec<FaultState> = met.into_iter().flatten().collect();
        self.say(|| format!("---- {fault:?} while tab {tab} is {met:?}"));
        self.faults += 1;
        for state in met {
            self.coverage.add(fault, state);
        }
        match fault {
            Fault::Cut
            | Fault::CutLate
            | Fault::HalfOpenUp
            | Fault::HalfOpenDown
            | Fault::Stall => {
                self.break_link(fault, tab);
            }
            Fault::RelayCrash => self.kill_relay(),
            Fault::TailLost => {
                self.kill_relay();
                self.lose_tail();
            }
            Fault::RelayRestart => self.restart_relay(),
            Fault::DiskFull => {
                self.relay.peer.store.full = true;
                let wait = self.random.between(200, 3_000);
                self.after(wait, Happening::DiskHasRoom);
            }
            Fault::Trim => {
                let left = self.random.below(30);
                let stream = self.random.below(self.relay.streams().len() as u64) as usize;
                let up_to = self.relay.peer.store.trim(stream, left);
                self.record(Record::Trimmed { stream: stream as u8, up_to });
            }
            Fault::Forgotten => self.forget(tab),
            Fault::ClockJump => {
                self.tabs[tab].ahead += self.random.between(1_000, 600_000);
                if self.stands_still(tab).is_none() {
                    self.with_machine(tab, Machine::tick);
                }
            }
            Fault::Reload => {
                // Some pages are notified before they end, others crash.
                if self.random.once_in(2) && self.stands_still(tab).is_none() {
                    self.leave(tab);
                }
                self.reload(tab);
            }
            Fault::WallClock => {
                let ahead = self.random.below(1_200_000) as i64;
                self.tabs[tab].wall += ahead - 600_000;
                self.set_clock(tab);
            }
            Fault::OutboxFails | Fault::OutboxThrows | Fault::OutboxHangs => {
                self.break_disk(fault, tab);
            }
            Fault::OutboxDeleted => self.delete(self.tabs[tab].profile),
            Fault::OutboxRefused => {
                self.tabs[tab].is_refused = true;
                self.reload(tab);
            }
            Fault::OutboxFullAtFirst => {
                self.delete(self.tabs[tab].profile);
                self.break_disk(fault, tab);
                self.reload(tab);
            }
            Fault::Cloned => {
                let profile = self.tabs[tab].profile;
                let copy = self.clone_profile(profile);
                self.doubt_state(profile);
                self.doubt_state(copy);
            }
            Fault::Restored => {
                let profile = self.tabs[tab].profile;
                for tab in 0..self.tabs.len() {
                    if self.tabs[tab].profile == profile {
                        self.unload(tab);
                        let wait = self.random.between(500, 5_000);
                        self.after(wait, Happening::TabLoads(tab));
                    }
                }
                self.restore(profile);
                self.doubt_state(profile);
            }
            Fault::Freeze => {
                let until = self.now + self.random.between(500, 70_000);
                self.tabs[tab].still_until = self.tabs[tab].still_until.max(until);
            }
            Fault::Rest => {
                let wait = self.random.between(300, 40_000);
                self.rest(tab, wait);
            }
            Fault::Deaf => {
                self.tabs[tab].shared.deaf_until = self.now + self.random.between(500, 8_000);
            }
        }
    }

    fn reload(&mut self, tab: usize) {
        self.unload(tab);
        let wait = self.random.between(20, 2_000);
        self.after(wait, Happening::TabLoads(tab));
    }

    /// A user tolerates a page without its disk only for a limited time.
    pub(super) fn leave_memory(&mut self, tab: usize, life: LifeNo) {
        if self.tabs[tab].life == life {
            self.reload(tab);
        }
    }

    fn break_disk(&mut self, fault: Fault, tab: usize) {
        let number = self.tabs[tab].profile;
        let profile = &mut self.profiles[number];
        match fault {
            Fault::OutboxThrows => profile.throws = true,
            Fault::OutboxHangs => profile.hangs = true,
            _ => profile.fails = true,
        }
        let wait = self.random.between(200, 10_000);
        self.after(wait, Happening::DiskWorks(number));
    }

    fn break_link(&mut self, fault: Fault, tab: usize) {
        let Some(mut number) = self.tabs[tab].wire else { return };
        if let Some(fallback) = self.tabs[tab].fallback_wire
            && self.random.once_in(2)
        {
            number = fallback;
        }
        let (soon, late) = (self.random.between(50, 1_500), self.random.between(2_000, 20_000));
        let wire = &mut self.wires[number];
        match fault {
            Fault::Cut | Fault::CutLate => {
                if fault == Fault::CutLate {
                    wire.up.stalled_until = self.now + late;
                }
                self.send_up(number, Parcel::Closed(1006));
                if self.stands_still(tab).is_some() {
                    self.send_down(number, Parcel::Closed(1006));
                } else {
                    self.closed_at_tab(number, 1006);
                }
            }
            Fault::HalfOpenUp => wire.up.is_dead = true,
            Fault::HalfOpenDown => wire.down.is_dead = true,
            _ => {
                wire.up.stalled_until = self.now + soon;
                wire.down.stalled_until = self.now + soon;
            }
        }
        if matches!(fault, Fault::HalfOpenUp | Fault::HalfOpenDown) {
            self.after(late, Happening::BothDead(number));
        }
    }

    /// The relay forgets a client, which must be disconnected. Clients that two profiles share are not forgotten: only
    /// the first profile to return would learn of it, and the log may no longer have the other's events.
    fn forget(&mut self, tab: usize) {
        let Some(machine) = &mut self.tabs[tab].machine else { return };
        let id = machine.client().id();
        let sharing = self.profiles.iter().filter(|profile| profile.client() == id).count();
        if sharing > 1 {
            return;
        }
        for wire in self.relay.wires_of(&id) {
            self.hang_up(wire);
            self.send_down(wire, Parcel::Closed(1006));
        }
        self.relay.peer.store.forget(&id);
        let client = self.client_no(id);
        self.record(Record::Forgot { client });
        self.doubt_forgotten(&[id]);
    }

    /// The process crashes. Its machine closes the connections, or crashes with it.
    fn kill_relay(&mut self) {
        let is_reported = !self.random.once_in(3);
        for wire in self.relay.die() {
            if is_reported {
                self.send_down(wire, Parcel::Closed(1006));
            } else {
                self.wires[wire].down.is_dead = true;
            }
        }
        let wait = self.random.between(50, 4_000);
        self.after(wait, Happening::RelayStarts);
    }

    fn lose_tail(&mut self) {
        let known = self.relay.peer.store.clients();
        let before = self.relay.peer.store.heads();
        let full = self.relay.peer.store.full;
        self.relay.peer.store = self.relay.older.clone();
        self.relay.peer.store.full = full;
        let knows_what = self.random.once_in(2);
        for (stream, before) in before.into_iter().enumerate() {
            // A relay that knows that it has lost nothing may keep its epoch.
            let has_lost = self.relay.peer.store.heads()[stream] != before;
            if has_lost || !knows_what {
                self.relay.peer.store.recovered(stream, before.epoch + 1);
                let head = &self.relay.peer.store.heads()[stream];
                let (epoch, head) = (head.epoch, head.offset);
                self.record(Record::TailLost { stream: stream as u8, epoch, head });
            }
        }
        self.relay.older = self.relay.peer.store.clone();
        self.doubt_forgotten(&known);
        self.doubt_strange();
    }

    /// The relay stops a client, whose application needs a new credential.
    pub(super) fn refuse_some(&mut self) {
        let wires = self.relay.wires();
        if self.healed || wires.is_empty() {
            return;
        }
        let wire = *self.random.of(&wires);
        self.with_server(wire, |server, _| server.credential_refused("it has ended"));
    }

    fn restart_relay(&mut self) {
        let wires = self.relay.wires();
        for wire in wires {
            self.with_server(wire, |server, _| server.shut_down("the relay restarts"));
        }
        self.relay.die();
        let wait = self.random.between(50, 2_000);
        self.after(wait, Happening::RelayStarts);
    }

    /// Makes links stable from now on.
    pub(super) fn heal(&mut self) {
        self.healed = true;
        let missing = super::plan::PUBLISHES.saturating_sub(self.publishes);
        self.after(0, Happening::Planned(Step::Publish(missing)));
        self.armed.clear();
        self.take_what_was_withheld();
        self.relay.peer.store.full = false;
        for profile in &mut self.profiles {
            profile.works();
        }
        self.certify_all();
    }
}
