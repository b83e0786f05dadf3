//! The hook that answers the bus of a component.

use yew::prelude::*;

use crate::Bus;

/// The bus of the nearest [`BusProvider`](crate::hooks::BusProvider) above; without one, the singleton `app`.
#[hook]
pub fn use_bus() -> Bus {
    use_context::<Bus>().unwrap_or_else(|| Bus::singleton("app"))
}
