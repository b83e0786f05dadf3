//! Components that provide the bus and the bridge to the components in them.

use std::rc::Rc;

use yew::prelude::*;

use crate::{Bridge, Bus};

/// The properties of [`BusProvider`].
#[derive(Debug, Properties, PartialEq)]
pub struct BusProviderProps {
    /// The bus that the hooks of the components in it use.
    pub bus: Bus,
    /// The components in it.
    #[prop_or_default]
    pub children: Html,
}

/// Provides a bus to the hooks of the components in it.
#[component]
pub fn BusProvider(props: &BusProviderProps) -> Html {
    html! {
        <ContextProvider<Bus> context={props.bus.clone()}>
            { props.children.clone() }
        </ContextProvider<Bus>>
    }
}

/// The properties of [`BridgeProvider`].
#[derive(Debug, Properties, PartialEq)]
pub struct BridgeProviderProps {
    /// The bridge that the hooks of the components in it use, once it exists.
    pub bridge: Option<Rc<Bridge>>,
    /// The components in it.
    #[prop_or_default]
    pub children: Html,
}

/// Provides a bridge to the hooks of the components in it, for history and presence.
#[component]
pub fn BridgeProvider(props: &BridgeProviderProps) -> Html {
    html! {
        <ContextProvider<Option<Rc<Bridge>>> context={props.bridge.clone()}>
            { props.children.clone() }
        </ContextProvider<Option<Rc<Bridge>>>>
    }
}
