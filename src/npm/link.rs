//! Bridges created from JavaScript, kept by number until they are closed.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Array, Function, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::{fail, kept};
use crate::bridge::{BridgeError, LinkState, LinkStatus, Right, Rights, StartFrom};
use crate::js::object;
use crate::trust::Trust;
use crate::{Bridge, BridgeOptions, Bus, Cause, Rule};

/// The bridge behind JavaScript's object.
#[derive(Debug)]
#[wasm_bindgen(skip_typescript)]
pub struct Link {
    open: RefCell<Option<Rc<Open>>>,
    number: u32,
}

#[derive(Debug)]
pub(super) struct Open {
    pub(super) bus: Bus,
    pub(super) bridge: Bridge,
}

pub(super) fn connect(
    bus: &Bus,
    url: &str,
    identity: &str,
    storage: &str,
    credentials: Option<Function>,
    certify: Option<Function>,
    issuers: Option<Array>,
) -> Result<Link, JsValue> {
    let mut options = BridgeOptions::new(url).identity(identity);
    if storage == "memory" {
        options = options.in_memory();
    }
    if let Some(fetch) = credentials {
        options = options.credentials(move || text(fetch.call0(&JsValue::UNDEFINED)));
    }
    if let Some(fetch) = certify {
        options = options.certify_by(fetch);
    }
    options = options.trust(Trust { issuers });
    let bridge = Bridge::connect(bus, options).map_err(|error| thrown(&error))?;
    Ok(Link::of(Rc::new(Open { bus: bus.clone(), bridge })))
}

/// The result of an application's function: a string, or a promise of one.
async fn text(returned: Result<JsValue, JsValue>) -> Result<String, Cause> {
    let text = JsFuture::from(Promise::resolve(&returned?)).await?;
    text.as_string()
        .ok_or_else(|| "a credential or a certificate must be a string: return one".into())
}

impl Link {
    fn of(open: Rc<Open>) -> Self {
        let number = kept::keep(open.clone());
        Self { open: RefCell::new(Some(open)), number }
    }

    /// `None` once it was closed.
    pub(super) fn open(&self) -> Option<Rc<Open>> {
        self.open.borrow().clone()
    }
}

#[wasm_bindgen]
impl Link {
    /// Another handle of this link. The link closes with its last handle.
    #[wasm_bindgen(skip_typescript)]
    pub fn share(&self) -> Link {
        match self.open() {
            Some(open) => Self::of(open),
            None => Self { open: RefCell::default(), number: u32::MAX },
        }
    }

    /// Puts a rule in force until `leave`. It starts with the `last` events: none, all, or a number of them.
    ///
    /// # Errors
    /// An `Error` if the rule is invalid.
    #[wasm_bindgen(skip_typescript)]
    #[allow(clippy::too_many_arguments)] // JavaScript's options, one by one
    pub fn rule(
        &self,
        pattern: &str,
        inbound: bool,
        outbound: bool,
        durable: bool,
        signed: bool,
        last: f64,
        events: Option<u32>,
        bytes: Option<u32>,
    ) -> Result<u32, JsValue> {
        let rule = match (inbound, outbound) {
            (true, false) => Rule::inbound(pattern),
            (false, true) => Rule::outbound(pattern),
            _ => Rule::both(pattern),
        };
        let rule = if durable { rule.durable() } else { rule.ephemeral() };
        let rule = if signed { rule.signed() } else { rule };
        let rule = rule.from(if last == 0.0 {
            StartFrom::Latest
        } else if last.is_infinite() {
            StartFrom::Earliest
        } else {
            StartFrom::Last(last as u64)
        });
        let rule = match (events, bytes) {
            (None, None) => rule,
            _ => rule.window(events.unwrap_or(1_024), bytes.unwrap_or(1 << 20)),
        };
        let Some(open) = self.open() else { return Ok(kept::keep(())) };
        Ok(kept::keep(open.bridge.rule(rule).map_err(|error| thrown(&error))?))
    }

    /// Fetches a certificate of this device, and sends it. Rejects with an `Error` if the peer does not take it.
    /// Undefined if certificates are not available.
    #[wasm_bindgen(skip_typescript)]
    pub fn certify(&self) -> Option<Promise> {
        self.open()?.bridge.certify()
    }

    /// The state of the link, as in events on `$bus.link`.
    #[wasm_bindgen(skip_typescript)]
    pub fn state(&self) -> JsValue {
        let open = self.open();
        let status = open.map_or_else(
            || LinkStatus {
                state: LinkState::Stopped { code: 1_000, reason: "the link was closed".to_owned() },
                ..LinkStatus::new()
            },
            |open| open.bridge.status(),
        );
        status.to_js()
    }

    /// What the peer lets this client do: for each right a list of patterns. Undefined while the link is down.
    #[wasm_bindgen(skip_typescript)]
    pub fn rights(&self) -> JsValue {
        let rights = self.open().and_then(|open| open.bridge.rights());
        rights.map_or(JsValue::UNDEFINED, |rights| {
            object(&Right::ALL.map(|right| (right.name(), patterns(&rights, right).into())))
        })
    }

    /// Closes the link. Closing it again does nothing.
    #[wasm_bindgen(skip_typescript)]
    pub fn close(&self) {
        if let Some(open) = self.open.take() {
            kept::release(self.number);
            drop(open);
        }
    }
}

fn patterns(rights: &Rights, right: Right) -> Array {
    match rights.patterns(right) {
        Some(patterns) => patterns.iter().map(|it| JsValue::from(it.as_str())).collect(),
        None if right == Right::Moderate => Array::new(),
        None => Array::of1(&">".into()),
    }
}

pub(super) fn thrown(error: &BridgeError) -> JsValue {
    let code = match error {
        BridgeError::Address(_) => "illegal_address",
        BridgeError::Connected(_) => "already_connected",
        BridgeError::Sealed => "sealed",
        BridgeError::NoRandomness => "no_randomness",
        BridgeError::Pattern(_) => "illegal_topic",
        BridgeError::SystemPattern(_) => "system_topic",
        BridgeError::Data(_) => "illegal_data",
    };
    fail(code, &error.to_string())
}
