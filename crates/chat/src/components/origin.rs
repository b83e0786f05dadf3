//! What the message list asks the bridge: above all for the sender of an event, as the relay attests it. An event's own
//! claim about its sender proves nothing.

use std::rc::Rc;

use event_driven_kit::bridge::LinkState;
use event_driven_kit::{Bridge, Event};

use crate::model::text;
use crate::profile;

/// Knows the client ids of this browser, and the user's account.
#[derive(Clone, PartialEq)]
pub struct Origin(pub Option<Rc<Bridge>>);

impl Origin {
    /// The client that has sent `event`, or an empty text for this browser and for other devices of the user's account.
    pub fn client<'e>(&self, event: &'e Event) -> &'e str {
        let client = client_of(event.source());
        if client.is_empty() || profile::is_own_client(client) {
            return "";
        }
        if self.0.as_ref().is_some_and(|bridge| bridge.is_own(event)) {
            profile::remember_client(client);
            return "";
        }
        if event.account().is_some() && event.account() == self.subject().as_deref() {
            return "";
        }
        client
    }

    /// The account that has sent `event`. The relay has not attested an event of this page yet, so it is the user's
    /// own.
    pub fn account(&self, event: &Event) -> Option<Rc<str>> {
        let is_own = || self.0.as_ref().is_some_and(|bridge| bridge.is_own(event));
        match event.account() {
            None if is_own() => self.subject().map(Into::into),
            account => account.map(Into::into),
        }
    }

    /// The name to show for the sender of `event`, given the claimed one.
    pub fn name(&self, event: &Event, claimed: &str) -> String {
        text::shown_name(event.account().unwrap_or(claimed))
    }

    /// The user's account, if the link is up and the user is not a guest.
    fn subject(&self) -> Option<String> {
        let subject = self.0.as_ref()?.subject()?;
        (!subject.starts_with('~')).then_some(subject)
    }

    /// Whether events wait for the link.
    pub fn is_offline(&self) -> bool {
        self.0.as_ref().is_some_and(|bridge| bridge.state() != LinkState::Online)
    }

    /// Cancels an event of this browser, and returns whether it has certainly not been sent.
    pub fn cancel(&self, id: &str) -> bool {
        self.0.as_ref().is_some_and(|bridge| bridge.cancel(id))
    }
}

/// The part of `/clients/<id>/what-the-client-says` that the relay has written: the first two segments, for all kinds
/// of senders.
fn client_of(source: &str) -> &str {
    let end = source.match_indices('/').nth(2);
    end.map_or(source, |(end, _)| &source[..end])
}

#[cfg(test)]
mod tests {
    use super::client_of;

    #[test]
    fn a_client_is_what_the_relay_wrote_and_not_what_the_client_added() {
        for (source, client) in [
            ("", ""),
            ("/clients/7f", "/clients/7f"),
            ("/clients/7f/clients/42", "/clients/7f"),
            ("/guests/../clients/7f", "/guests/.."),
            ("/guests", "/guests"),
        ] {
            assert_eq!(client_of(source), client, "{source}");
        }
    }
}
