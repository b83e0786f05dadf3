//! Breaking things, at the moment that the plan wants or as soon after as there is one.

use super::{Happening, World};
use crate::fault::{Coverage, Fault, Phase};
use crate::history::Record;
use crate::wire::Parcel;

/// A fault that waits for a tab to do something.
#[derive(Debug)]
pub(super) struct Armed {
    fault: Fault,
    phase: Phase,
}

impl World {
    /// Breaks something as soon as a tab is in this phase.
    pub(super) fn arm(&mut self, fault: Fault, phase: Phase) {
        if self.healed || Coverage::impossible(fault, phase).is_some() {
            return;
        }
        let first = self.random.below(self.tabs.len() as u64) as usize;
        let tabs = (0..self.tabs.len()).map(|tab| (first + tab) % self.tabs.len());
        match tabs.into_iter().find(|tab| self.phase(*tab) == Some(phase)) {
            Some(tab) => self.break_at(fault, tab),
            None => self.armed.push(Armed { fault, phase }),
        }
    }

    /// A tab has done something: what waits for its phase breaks now.
    pub(super) fn fire_armed(&mut self, tab: usize) {
        if self.healed || self.armed.is_empty() {
            return;
        }
        let Some(phase) = self.phase(tab) else { return };
        if let Some(at) = self.armed.iter().position(|armed| armed.phase == phase) {
            let armed = self.armed.swap_remove(at);
            self.break_at(armed.fault, tab);
        }
    }

    fn break_at(&mut self, fault: Fault, tab: usize) {
        let Some(phase) = self.phase(tab) else { return };
        self.say(|| format!("---- {fault:?} while tab {tab} is {phase:?}"));
        self.faults += 1;
        self.coverage.add(fault, phase);
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
                self.relay.store.full = true;
                let wait = self.random.between(200, 3_000);
                self.after(wait, Happening::DiskHasRoom);
            }
            Fault::Trim => {
                let left = self.random.below(30);
                let up_to = self.relay.store.trim(left);
                self.record(Record::Trimmed { up_to });
            }
            Fault::Forgotten => self.forget(tab),
            Fault::ClockJump => {
                self.tabs[tab].ahead += self.random.between(1_000, 600_000);
                self.with_tab(tab, |machine, now| machine.tick(now));
            }
            Fault::Reload => {
                self.unload(tab);
                let wait = self.random.between(20, 2_000);
                self.after(wait, Happening::TabLoads(tab));
            }
            Fault::WallClock => {
                let ahead = self.random.below(1_200_000) as i64;
                self.tabs[tab].wall += ahead - 600_000;
                self.set_clock(tab);
            }
            Fault::OutboxFails => {
                let profile = self.tabs[tab].profile;
                self.profiles[profile].fails = true;
                self.record(Record::Doubted { profile: profile as u32 });
                let wait = self.random.between(200, 10_000);
                self.after(wait, Happening::DiskWorks(profile));
            }
            Fault::Cloned => {
                self.clone_profile(self.tabs[tab].profile);
                self.doubt_all();
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
                self.doubt_all();
            }
            Fault::Freeze => {
                self.tabs[tab].frozen_until = self.now + self.random.between(500, 70_000);
            }
        }
    }

    fn break_link(&mut self, fault: Fault, tab: usize) {
        let Some(number) = self.tabs[tab].wire else { return };
        let (soon, late) = (self.random.between(50, 1_500), self.random.between(2_000, 20_000));
        let wire = &mut self.wires[number];
        match fault {
            Fault::Cut | Fault::CutLate => {
                if fault == Fault::CutLate {
                    wire.up.stalled_until = self.now + late;
                }
                self.send_up(number, Parcel::Closed(1006));
                self.closed_at_tab(number, 1006);
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

    /// The relay forgets a client, which must not be connected then. One that two profiles share is not
    /// forgotten: only the first of them to come back would be told, and the log may not know the other's events
    /// any more.
    fn forget(&mut self, tab: usize) {
        let Some(id) = self.tabs[tab].machine.as_ref().map(|machine| machine.id()) else { return };
        let sharing = self.profiles.iter().filter(|profile| profile.client() == id).count();
        if sharing > 1 {
            return;
        }
        for wire in self.relay.wires_of(&id) {
            self.hang_up(wire);
            self.send_down(wire, Parcel::Closed(1006));
        }
        self.relay.store.forget(&id);
        self.doubt_all();
    }

    /// The process dies. Its machine says so to the other ends, or dies with it.
    fn kill_relay(&mut self) {
        let is_told = !self.random.once_in(3);
        for wire in self.relay.die() {
            if is_told {
                self.send_down(wire, Parcel::Closed(1006));
            } else {
                self.wires[wire].down.is_dead = true;
            }
        }
        let wait = self.random.between(50, 4_000);
        self.after(wait, Happening::RelayStarts);
    }

    fn lose_tail(&mut self) {
        let epoch = self.relay.store.head().epoch + 1;
        let full = self.relay.store.full;
        self.relay.store = self.relay.older.clone();
        self.relay.store.full = full;
        self.relay.store.recovered(epoch);
        self.relay.older = self.relay.store.clone();
        let head = self.relay.store.head();
        self.doubt_all();
        self.record(Record::TailLost { epoch: head.epoch, head: head.offset });
    }

    /// Profiles that are copies of each other are in doubt together; which they are is not followed.
    fn doubt_all(&mut self) {
        for profile in 0..self.profiles.len() as u32 {
            self.record(Record::Doubted { profile });
        }
    }

    fn restart_relay(&mut self) {
        let wires: Vec<_> = self.relay.connections.keys().copied().collect();
        for wire in wires {
            self.with_server(wire, |server, _| server.shut_down("the relay restarts"));
        }
        self.relay.die();
        let wait = self.random.between(50, 2_000);
        self.after(wait, Happening::RelayStarts);
    }

    /// From now on links hold.
    pub(super) fn heal(&mut self) {
        self.healed = true;
        let missing = super::plan::PUBLISHES.saturating_sub(self.publishes);
        self.publish_some(missing);
        self.armed.clear();
        self.relay.store.full = false;
        for profile in &mut self.profiles {
            profile.fails = false;
        }
    }
}
