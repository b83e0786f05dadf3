//! The component that provides the bus to the components in it.

use yew::prelude::*;

use crate::Bus;

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
