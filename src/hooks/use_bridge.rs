//! The hook that returns the bridge of a component.

use std::rc::Rc;

use yew::prelude::*;

use crate::Bridge;

/// The bridge of the nearest [`BridgeProvider`](crate::hooks::BridgeProvider) above, if any.
#[hook]
pub fn use_bridge() -> Option<Rc<Bridge>> {
    use_context::<Option<Rc<Bridge>>>().flatten()
}
