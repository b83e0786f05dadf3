//! Hellos, and the answers of the store's writer.

use session::Hello;
use session::server::Opened;
use store::Write;

use super::Connection;
use crate::hub::{Answer, Greeting};
use crate::metrics::SessionOf;

impl Connection {
    /// Asks the store to admit a client.
    pub(super) fn open(&mut self, hello: Hello) {
        let subject = self.server.subject().map(str::to_owned);
        self.writes.push(Write::Open { hello, subject, may_be_new: false });
    }

    /// Handles the answer to the hello. Only now it is certain that the client is not an impostor with another client's
    /// id.
    fn admitted(&mut self, greeting: Greeting, opened: Opened) -> Opened {
        let session = match opened {
            Opened::Welcome { new: false, .. } => SessionOf::Known,
            Opened::Welcome { new: true, .. } | Opened::Reader => SessionOf::New,
            _ => return opened,
        };
        let (client, fence) = (greeting.client, greeting.fence);
        match self.shared.hub.arrive(greeting, opened == Opened::Reader) {
            Ok(end) => self.fenced = Some(end),
            Err(refused) => return refused,
        }
        self.shared.metrics.connections.session(session);
        self.client = Some((client, fence));
        self.is_known = true;
        opened
    }

    pub(super) fn answered(&mut self, answer: Answer) {
        match answer {
            Answer::Opened(opened) => {
                let opened = match self.greeting.take() {
                    Some(greeting) => self.admitted(greeting, opened),
                    None => opened,
                };
                self.server.opened(opened);
                self.end_if_revoked();
            }
            Answer::Decided(ticket, decided) => self.server.decided(ticket, decided),
            Answer::Deleted(ticket, decided) => {
                self.audit_delete(&decided);
                self.server.decided(ticket, decided);
            }
        }
    }
}
