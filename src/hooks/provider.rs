//! The components that name the bus and the bridge of those below them.

use std::rc::Rc;

use yew::prelude::*;

use crate::{Bridge, Bus};

/// What [`BusProvider`] takes.
#[derive(Debug, Properties, PartialEq)]
pub struct BusProviderProps {
    /// The bus that the hooks of all components below use.
    pub bus: Bus,
    /// Those components.
    #[prop_or_default]
    pub children: Html,
}

/// Names the bus that the hooks of the components in it use.
#[component]
pub fn BusProvider(props: &BusProviderProps) -> Html {
    html! {
        <ContextProvider<Bus> context={props.bus.clone()}>
            { props.children.clone() }
        </ContextProvider<Bus>>
    }
}

/// What [`BridgeProvider`] takes.
#[derive(Debug, Properties, PartialEq)]
pub struct BridgeProviderProps {
    /// The bridge that the hooks of all components below use, as soon as there is one.
    pub bridge: Option<Rc<Bridge>>,
    /// Those components.
    #[prop_or_default]
    pub children: Html,
}

/// Names the bridge whose history and presence the components in it use.
#[component]
pub fn BridgeProvider(props: &BridgeProviderProps) -> Html {
    html! {
        <ContextProvider<Option<Rc<Bridge>>> context={props.bridge.clone()}>
            { props.children.clone() }
        </ContextProvider<Option<Rc<Bridge>>>>
    }
}
