//! Credentials: fetched before each connection, and again when the one that the peer knows is about to expire.

use session::tabs::Lane;

use super::{Link, Port};
use crate::js::{monotonic, spawn};

impl Link {
    pub(super) fn fetch_credential(&self, lane: Lane, port: &dyn Port) {
        let Some(fetching) = port.fetch_credential() else { return };
        let link = self.this.clone();
        spawn(async move {
            let credential = fetching.await;
            let Some(link) = link.upgrade() else { return };
            if let Some(client) = link.tab.borrow_mut().client_on(lane, monotonic()) {
                client.credential(credential, monotonic());
            }
            link.drive();
        });
    }
}
