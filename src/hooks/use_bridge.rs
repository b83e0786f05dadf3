//! The hook that answers the bridge of a component.

use std::rc::Rc;

use yew::prelude::*;

use crate::Bridge;

/// The bridge of the nearest [`BridgeProvider`](crate::hooks::BridgeProvider) above, if there is one.
#[hook]
pub fn use_bridge() -> Option<Rc<Bridge>> {
    use_context::<Option<Rc<Bridge>>>().flatten()
}
