//! Credentials: asked of the application before each connection, and when the one that the peer knows is
//! about to end.

use std::pin::Pin;
use std::rc::Rc;

use session::tabs::Lane;

use super::BridgeOptions;
use super::link::Link;
use crate::Cause;
use crate::js::{monotonic, spawn};

/// Asks the application.
pub(super) type Fetch = Rc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<String, Cause>>>>>;

impl BridgeOptions {
    /// Shows the peer's authority a credential (a token): `fetch` is asked for one before each connection, and
    /// again when the peer says that it is about to end. It may take its time, until a user has signed in.
    ///
    /// An error is told on [`ERROR_TOPIC`](crate::ERROR_TOPIC), and the bridge tries again as if it had not reached
    /// the peer. A credential that the peer refuses stops the link, with
    /// [`CredentialRefused`](crate::bridge::CloseCode::CredentialRefused), until [`Bridge::reconnect`](crate::Bridge::reconnect).
    /// Of tabs that share a link the one that leads is asked.
    ///
    /// ```no_run
    /// use event_driven_kit::{BridgeOptions, Cause};
    ///
    /// async fn sign_in() -> Result<String, Cause> {
    ///     Ok("a token of our authority".to_owned())
    /// }
    ///
    /// let options = BridgeOptions::new("wss://events.example/ws").credentials(sign_in);
    /// ```
    pub fn credentials<F>(mut self, fetch: impl Fn() -> F + 'static) -> Self
    where
        F: Future<Output = Result<String, Cause>> + 'static,
    {
        self.credentials = Some(Rc::new(move || Box::pin(fetch())));
        self
    }
}

impl Link {
    pub(super) fn fetch_credential(&self, lane: Lane) {
        let Some(fetch) = self.options.credentials.clone() else { return };
        let (fetching, link) = (fetch(), self.this.clone());
        spawn(async move {
            let fetched = fetching.await;
            let Some(link) = link.upgrade() else { return };
            let credential = fetched.map_err(|cause| link.complain("credentials", cause)).ok();
            if let Some(client) = link.tab.borrow_mut().client_on(lane, monotonic()) {
                client.credential(credential, monotonic());
            }
            link.drive();
        });
    }
}
