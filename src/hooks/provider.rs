//! The component that names the bus of those below it.

use yew::prelude::*;

use crate::Bus;

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
