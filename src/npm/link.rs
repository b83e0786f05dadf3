//! Bridges made from JavaScript: kept by a number until they are closed.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::prelude::*;

use super::{fail, kept};
use crate::payload::Told;
use crate::{Bridge, BridgeError, BridgeOptions, Bus, LinkState, Rule, RuleGuard, StartFrom};

/// A bridge behind the object that JavaScript holds.
#[derive(Debug)]
#[wasm_bindgen(skip_typescript)]
pub struct Link {
    open: RefCell<Option<Rc<Open>>>,
    number: u32,
}

#[derive(Debug)]
struct Open {
    /// Before the bridge, so that they go first.
    rules: RefCell<Vec<RuleGuard>>,
    bridge: Bridge,
}

pub(super) fn connect(bus: &Bus, url: &str) -> Result<Link, JsValue> {
    let bridge = Bridge::connect(bus, BridgeOptions::new(url)).map_err(|error| thrown(&error))?;
    let open = Rc::new(Open { rules: RefCell::default(), bridge });
    let number = kept::keep(open.clone());
    Ok(Link { open: RefCell::new(Some(open)), number })
}

#[wasm_bindgen]
impl Link {
    /// Puts a rule in force while the link is. `start` is `latest`, `earliest` or `last`.
    ///
    /// # Errors
    /// An `Error` if the rule is none.
    #[wasm_bindgen(skip_typescript)]
    pub fn rule(
        &self,
        pattern: &str,
        direction: &str,
        durable: bool,
        start: &str,
        last: f64,
    ) -> Result<(), JsValue> {
        let rule = match direction {
            "in" => Rule::inbound(pattern),
            "out" => Rule::outbound(pattern),
            _ => Rule::both(pattern),
        };
        let rule = if durable { rule.durable() } else { rule.ephemeral() };
        let rule = rule.from(match start {
            "earliest" => StartFrom::Earliest,
            "last" => StartFrom::Last(last as u64),
            _ => StartFrom::Latest,
        });
        let open = self.open.borrow().clone();
        if let Some(open) = open {
            let guard = open.bridge.rule(rule).map_err(|error| thrown(&error))?;
            open.rules.borrow_mut().push(guard);
        }
        Ok(())
    }

    /// The link's state, as events on `$bus.link` have it.
    #[wasm_bindgen(skip_typescript)]
    pub fn state(&self) -> JsValue {
        let open = self.open.borrow().clone();
        let state = open.map_or_else(
            || LinkState::Stopped { code: 1_000, reason: "the link was closed".to_owned() },
            |open| open.bridge.state(),
        );
        state.to_js()
    }

    /// Closes the link. A second time nothing happens.
    #[wasm_bindgen(skip_typescript)]
    pub fn close(&self) {
        if let Some(open) = self.open.take() {
            kept::release(self.number);
            drop(open);
        }
    }
}

fn thrown(error: &BridgeError) -> JsValue {
    let code = match error {
        BridgeError::Address(_) => "illegal_address",
        BridgeError::NoRandomness => "no_randomness",
        BridgeError::Pattern(_) => "illegal_topic",
        BridgeError::SystemPattern(_) => "system_topic",
    };
    fail(code, &error.to_string())
}
