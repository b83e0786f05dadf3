//! Owns the bridge to the relay for as long as the page is open, and lends it to who sets rules.

use std::rc::Rc;

use event_driven_kit::{Bridge, BridgeOptions, use_bus};
use yew::prelude::*;

use crate::address;

/// The bridge, once it is there.
#[derive(Debug, Clone, Default)]
pub struct Link(Option<Rc<Bridge>>);

impl Link {
    pub fn bridge(&self) -> Option<&Bridge> {
        self.0.as_deref()
    }
}

impl PartialEq for Link {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(one), Some(two)) => Rc::ptr_eq(one, two),
            (None, None) => true,
            _ => false,
        }
    }
}

#[derive(Properties, PartialEq)]
pub struct UplinkProps {
    pub children: Html,
}

/// Connects in its first effect: by then all that shows the link's state has subscribed.
#[component]
pub fn Uplink(props: &UplinkProps) -> Html {
    let bus = use_bus();
    let link = use_state(Link::default);
    let problem = use_state(|| None);
    {
        let (link, problem) = (link.setter(), problem.setter());
        use_effect_with((), move |()| {
            match Bridge::connect(&bus, BridgeOptions::new(address::peer())) {
                Ok(bridge) => link.set(Link(Some(Rc::new(bridge)))),
                Err(error) => problem.set(Some(error.to_string())),
            }
        });
    }
    html! {
        <ContextProvider<Link> context={(*link).clone()}>
            { props.children.clone() }
            if let Some(problem) = &*problem {
                <p class="problem" role="alert">{ problem.clone() }</p>
            }
        </ContextProvider<Link>>
    }
}
