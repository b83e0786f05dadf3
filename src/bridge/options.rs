//! The options of a bridge.

use std::fmt;
use std::pin::Pin;
use std::rc::Rc;

#[cfg(feature = "trust")]
use js_sys::Function;
#[cfg(feature = "trust")]
use wasm_bindgen::{JsCast, JsValue};

use crate::Cause;
#[cfg(feature = "trust")]
use crate::keys::call;
use crate::link::LinkOptions;

/// Asks the application for a credential.
pub(super) type Fetch = Rc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<String, Cause>>>>>;

/// How a bridge connects.
#[derive(Clone)]
pub struct BridgeOptions {
    pub(super) link: LinkOptions,
    pub(super) fetch: Option<Fetch>,
    #[cfg(feature = "trust")]
    pub(super) trust: crate::trust::Trust,
    #[cfg(feature = "trust")]
    pub(super) certify: Option<Function>,
}

impl BridgeOptions {
    /// Connects to `url`: `ws:` or `wss:`.
    pub fn new(url: impl Into<String>) -> Self {
        let link = LinkOptions {
            url: url.into(),
            subprotocol: true,
            identity: String::new(),
            in_memory: false,
            credentials: false,
            #[cfg(feature = "trust")]
            has_key: false,
        };
        Self {
            link,
            fetch: None,
            #[cfg(feature = "trust")]
            trust: crate::trust::Trust::default(),
            #[cfg(feature = "trust")]
            certify: None,
        }
    }

    /// Names the user of the bridge. Each identity has a client and an outbox of its own: if users sign in and out on
    /// a page, one does not send the events that another has left in the outbox.
    pub fn identity(mut self, name: impl Into<String>) -> Self {
        self.link.identity = name.into();
        self
    }

    /// Keeps the outbox in memory: it is gone with the page, and no other tab shares it.
    pub fn in_memory(mut self) -> Self {
        self.link.in_memory = true;
        self
    }

    /// Does not ask for the subprotocol `event-driven-kit.v1`, and assumes that the peer speaks it. For a proxy that
    /// asks the peer for the subprotocol but drops it from the response, as `trunk serve` does. Browsers refuse such a
    /// response if they have asked for a subprotocol.
    pub fn without_subprotocol(mut self) -> Self {
        self.link.subprotocol = false;
        self
    }

    /// Shows the peer's authority a credential (a token). `fetch` is called before each connection, and again when the
    /// peer says that the credential is about to expire. It may take its time, until a user has signed in.
    ///
    /// An error is reported on [`ERROR_TOPIC`](crate::ERROR_TOPIC), and the bridge tries again as if it had not reached
    /// the peer. A credential that the peer refuses stops the link, with
    /// [`CredentialRefused`](crate::bridge::CloseCode::CredentialRefused), until
    /// [`Bridge::reconnect`](crate::Bridge::reconnect). Of tabs that share a link, only the leader is asked.
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
        self.link.credentials = true;
        self.fetch = Some(Rc::new(move || Box::pin(fetch())));
        self
    }

    /// Verifies signed events by the certificates of these issuers, before the bus carries them. Events whose signature
    /// is wrong are withheld, and reported on [`UNTRUSTED_TOPIC`](crate::trust::UNTRUSTED_TOPIC).
    /// [`Event::trust`](crate::Event::trust) names the signer of an event.
    #[cfg(feature = "trust")]
    pub fn trust(mut self, trust: crate::trust::Trust) -> Self {
        self.trust = trust;
        self
    }

    /// Gives this device a key, which proves its identity to the peer. `fetch` gets the public key as a JSON Web Key
    /// (RFC 7517), and returns a certificate of it by an issuer: see
    /// [`Bridge::send_certificate`](crate::Bridge::send_certificate).
    ///
    /// The key is in the outbox's database, and no script can read it. A page that is not secure has no key.
    #[cfg(feature = "trust")]
    pub fn certify<F>(self, fetch: impl Fn(String) -> F + 'static) -> Self
    where
        F: Future<Output = Result<String, Cause>> + 'static,
    {
        let fetch = call(move |jwk| {
            let fetching = fetch(jwk.as_string().unwrap_or_default());
            async move { fetching.await.map(JsValue::from).map_err(Cause::into_value) }
        });
        self.certify_by(fetch.into_js_value().unchecked_into())
    }

    /// The same by a function of JavaScript, which gets the key as a text.
    #[cfg(feature = "trust")]
    pub(crate) fn certify_by(mut self, fetch: Function) -> Self {
        self.link.has_key = crate::keys::is_available();
        self.certify = Some(fetch);
        self
    }
}

impl fmt::Debug for BridgeOptions {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("BridgeOptions")
            .field("url", &self.link.url)
            .field("identity", &self.link.identity)
            .finish_non_exhaustive()
    }
}
