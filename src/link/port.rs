//! The port: what a link reports to its owner.

use std::pin::Pin;

use session::Body;
use session::client::{self, Effect};
use topic::Topic;

/// Resolves to a credential, or to `None` if the application has none now.
pub(crate) type Fetching = Pin<Box<dyn Future<Output = Option<String>>>>;

/// The owner of a link. Its methods are called with nothing borrowed, so that they may call the link again.
pub(crate) trait Port {
    /// The state of the link has changed.
    fn state_changed(&self, state: client::ConnectionState);

    /// Carries out an effect that concerns the application: not the socket, the store, or the state of the link.
    fn effect(&self, effect: Effect);

    /// Another tab has published an event, which is either local or ephemeral.
    fn shared(&self, topic: Topic, body: Body, ephemeral: bool);

    /// Asks the application for a credential.
    fn fetch_credential(&self) -> Option<Fetching>;

    /// The outbox has failed, for this reason.
    fn outbox_failed(&self, reason: String);

    /// Called when all effects are carried out. The link's role, storage or outbox may have changed.
    fn idle(&self);

    /// The link has ended, and the store has written what it was given.
    fn ended(&self);
}
