//! The hook that returns the bus of a component.

use yew::prelude::*;

use crate::Bus;

/// The bus of the nearest [`BusProvider`](crate::hooks::BusProvider) above, or the singleton `app` without one.
#[hook]
pub fn use_bus() -> Bus {
    use_context::<Bus>().unwrap_or_else(|| Bus::singleton("app"))
}
