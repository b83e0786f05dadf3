//! The component that provides a bridge to the components in it.

use std::rc::Rc;

use yew::prelude::*;

use crate::Bridge;

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
