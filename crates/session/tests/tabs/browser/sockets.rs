//! What happens on the sockets of tabs.

use session::tabs::Lane;

use super::Browser;
use crate::socket::Happened;

impl Browser {
    pub(super) fn run_fallback(&mut self, tab: usize) -> bool {
        let page = &mut self.tabs[tab];
        let Some(socket) = &mut page.fallback else { return false };
        let happened = socket.run(&mut self.peer, self.now);
        let fallback = page.tab.fallback().unwrap();
        match happened {
            Happened::Nothing => return false,
            Happened::AtThePeer => {}
            Happened::Received(message) => fallback.received(&message, self.now),
            Happened::Closed(code) => {
                page.fallback = None;
                fallback.closed(code, "", self.now);
            }
        }
        true
    }

    pub(super) fn run_socket(&mut self, tab: usize) -> bool {
        let page = &mut self.tabs[tab];
        let Some(socket) = &mut page.socket else { return false };
        match socket.run(&mut self.peer, self.now) {
            Happened::Nothing => false,
            Happened::AtThePeer => true,
            Happened::Received(message) => {
                if let Some(client) = page.tab.client_on(Lane::Shared, self.now) {
                    client.received(&message, self.now);
                }
                true
            }
            Happened::Closed(code) => {
                page.socket = None;
                if let Some(client) = page.tab.client_on(Lane::Shared, self.now) {
                    client.closed(code, "", self.now);
                }
                true
            }
        }
    }
}
