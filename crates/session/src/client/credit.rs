//! Flow control of a subscription: the peer may send as much as the application has room for, and gets more credit as
//! the application takes events. Without credit the peer keeps only a position, so a slow reader costs both ends
//! almost nothing.

/// How much of a subscription may be in flight to the application, or wait there.
///
/// The peer sends an event while both parts are above zero, so an event larger than the remaining bytes still gets
/// through. The default of 1,024 events and 1 MiB keeps a link of 100 ms busy with ten thousand events per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Events; at least one.
    pub events: u32,
    /// Bytes of bodies; at least one.
    pub bytes: u32,
}

impl Default for Window {
    fn default() -> Self {
        Self { events: 1_024, bytes: 1 << 20 }
    }
}

/// The credit of one subscription.
#[derive(Debug, Default)]
pub(super) struct Credit {
    window: Window,
    /// What the peer may still send on this connection. Below zero after an event larger than the rest.
    left: Amount,
    /// What the application has not taken yet, over all connections.
    held: Amount,
}

/// Events and bytes.
type Amount = [i64; 2];

impl Credit {
    pub(super) fn new(window: Window) -> Self {
        let Window { events, bytes } = window;
        let window = Window { events: events.max(1), bytes: bytes.max(1) };
        Self { window, ..Self::default() }
    }

    /// The credit to subscribe with on a new connection.
    pub(super) fn begin(&mut self) -> (u32, u32) {
        self.left = [0; 2];
        self.grant()
    }

    /// Counts an event. The application must take it if it is `held`.
    pub(super) fn spend(&mut self, bytes: usize, held: bool) {
        let amount = [1, amount(bytes)];
        for (at, amount) in amount.into_iter().enumerate() {
            self.left[at] -= amount;
            self.held[at] += if held { amount } else { 0 };
        }
    }

    /// The application has taken an event.
    pub(super) fn take(&mut self, bytes: usize) {
        for (held, amount) in self.held.iter_mut().zip([1, amount(bytes)]) {
            *held = (*held - amount).max(0);
        }
    }

    /// The credit to grant, once it is at least half of the window.
    pub(super) fn top_up(&mut self) -> Option<(u32, u32)> {
        let is_due =
            self.owed().into_iter().zip(self.window()).any(|(owed, most)| 2 * owed >= most);
        is_due.then(|| self.grant())
    }

    /// What the peer may still send, and the whole window.
    pub(super) fn state(&self) -> (Window, Window) {
        let [events, bytes] = self.left.map(|left| left.clamp(0, u32::MAX.into()) as u32);
        (Window { events, bytes }, self.window)
    }

    fn grant(&mut self) -> (u32, u32) {
        let [events, bytes] = self.owed().map(|owed| owed.max(0));
        self.left = [self.left[0] + events, self.left[1] + bytes];
        [events, bytes].map(|owed| u32::try_from(owed).unwrap_or(u32::MAX)).into()
    }

    /// The part of the window that neither the peer nor the application holds.
    fn owed(&self) -> Amount {
        let [events, bytes] = self.window();
        [events - self.left[0] - self.held[0], bytes - self.left[1] - self.held[1]]
    }

    fn window(&self) -> Amount {
        [self.window.events.into(), self.window.bytes.into()]
    }
}

fn amount(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
