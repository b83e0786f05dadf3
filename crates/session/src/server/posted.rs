//! Events that come without a connection of their own, such as in the body of an HTTP request.
//!
//! They pass the same checks as those of a connection, and get the same identity. A server that takes them is of
//! [`Wire::Json`](super::Wire), and is used for one request.

use super::{Append, Ephemeral, Refusal, Server};
use crate::Body;

/// What is to be done with a posted event.
#[derive(Debug, Clone, PartialEq)]
pub enum Posted {
    /// Log it. The outcome is the answer to the client.
    Append(Box<Append>),
    /// Send it to the connections.
    Forward(Ephemeral),
}

impl Server {
    /// Identifies a guest by its secret, as in `$link.hello`, so that its repeats are recognised. An account keeps its
    /// own identity.
    pub fn set_guest_secret(&mut self, secret: &str) {
        if self.credential.account().is_none() {
            self.name_guest(secret);
        }
    }

    /// Checks an event that came without a connection. An owner with an authority calls [`Server::granted`] first.
    ///
    /// # Errors
    /// A [`Refusal`] if the event is invalid or too large, or the client has no right to publish it.
    pub fn post(
        &mut self,
        topic: &str,
        mut body: Body,
        is_ephemeral: bool,
    ) -> Result<Posted, Refusal> {
        let topic = self.admitted(topic, &mut body, usize::MAX)?;
        if is_ephemeral {
            return Ok(Posted::Forward(Self::ephemeral(topic, &body)));
        }
        let ticket = self.ticket();
        let append = Append { ticket, client: None, event: Ok((topic, body)) };
        Ok(Posted::Append(Box::new(append)))
    }
}
