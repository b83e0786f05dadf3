//! The links. Frames arrive in order, late, or not at all.

use session::client::Client;

use super::{Happening, World};
use crate::wire::{Parcel, Wire, WireNo};

impl World {
    /// A tab opens a socket.
    pub(super) fn dial(&mut self, tab: usize, is_fallback: bool) {
        let wire = self.wires.len();
        self.wires.push(Wire::new(tab, self.tabs[tab].life, is_fallback));
        *self.tabs[tab].wire_of(is_fallback) = Some(wire);
        let opens = self.relay.is_up && (self.healed || !self.random.once_in(12));
        // A socket that fails to open is refused or gets no response.
        if opens || self.healed || !self.random.once_in(4) {
            let wait = self.random.between(5, 150);
            self.after(wait, Happening::Socket(wire, opens));
        }
    }

    /// A socket has opened, or was refused.
    pub(super) fn socket(&mut self, wire: WireNo, opens: bool) {
        if let Some(wait) = self.stands_still(self.wires[wire].tab) {
            return self.after(wait, Happening::Socket(wire, opens));
        }
        if opens && self.relay.is_up {
            if self.wires[wire].is_open {
                self.accept(wire);
                self.with_client_of(wire, Client::opened);
            }
        } else {
            self.closed_at_tab(wire, 1006);
        }
    }

    pub(super) fn send_up(&mut self, wire: WireNo, parcel: Parcel) {
        let latency = self.latency();
        let at = self.wires[wire].up.send(parcel, self.now, latency);
        self.after(at - self.now, Happening::Up(wire));
    }

    pub(super) fn send_down(&mut self, wire: WireNo, parcel: Parcel) {
        let latency = self.latency();
        let at = self.wires[wire].down.send(parcel, self.now, latency);
        self.after(at - self.now, Happening::Down(wire));
    }

    fn latency(&mut self) -> u64 {
        if self.random.once_in(20) {
            self.random.between(50, 400)
        } else {
            self.random.between(1, 30)
        }
    }

    pub(super) fn arrives_up(&mut self, wire: WireNo) {
        let flow = &mut self.wires[wire].up;
        if flow.stalled_until > self.now {
            let wait = flow.stalled_until - self.now;
            return self.after(wait, Happening::Up(wire));
        }
        let Some(parcel) = flow.parcels.pop_front() else { return };
        if flow.is_dead {
            return;
        }
        match parcel {
            Parcel::Message(message) => self.relay_received(wire, &message),
            Parcel::Closed(_) => self.hang_up(wire),
        }
    }

    pub(super) fn arrives_down(&mut self, wire: WireNo) {
        let tab = &self.tabs[self.wires[wire].tab];
        let until = self.wires[wire].down.stalled_until.max(tab.still_until);
        if until > self.now {
            return self.after(until - self.now, Happening::Down(wire));
        }
        let flow = &mut self.wires[wire].down;
        let Some(parcel) = flow.parcels.pop_front() else { return };
        if flow.is_dead {
            return;
        }
        match parcel {
            Parcel::Message(message) => {
                self.with_client_of(wire, |client, now| client.received(&message, now));
            }
            Parcel::Closed(code) => self.closed_at_tab(wire, code),
        }
    }

    /// The tab sees its socket close.
    pub(super) fn closed_at_tab(&mut self, wire: WireNo, code: u16) {
        self.with_client_of(wire, |client, now| client.closed(code, "", now));
        self.wires[wire].is_open = false;
    }

    /// The tab closes its socket: what it has sent still arrives.
    pub(super) fn close_at_tab(&mut self, wire: WireNo) {
        if std::mem::take(&mut self.wires[wire].is_open) {
            self.send_up(wire, Parcel::Closed(1000));
        }
    }
}
