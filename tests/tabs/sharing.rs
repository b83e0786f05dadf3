//! Helpers for the tests of tabs.

use crate::fake_socket::{self as socket, sleep};
use crate::peer::Peer;

pub const URL: &str = "ws://peer.test/ws";

/// A unique identity.
pub fn new_user() -> String {
    thread_local!(static COUNT: std::cell::Cell<u32> = const { std::cell::Cell::new(0) });
    socket::install();
    let number = COUNT.replace(COUNT.get() + 1);
    format!("tabs {} {number}", js_sys::Date::now())
}

/// Serves and accepts connections until the condition is true.
pub async fn until(what: &str, peer: &mut Peer, mut done: impl FnMut(&Peer) -> bool) {
    for _ in 0..1_200 {
        if done(peer) {
            return;
        }
        let last = socket::count();
        if last > 0 && socket::state(last - 1) == 0 {
            peer.accept();
        }
        peer.step();
        sleep(5).await;
    }
    panic!("{what}: not in six seconds");
}
