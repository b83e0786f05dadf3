//! The hooks that call a handler for each event of a pattern.

use std::cell::RefCell;
use std::rc::Rc;

use bus::Topic;
use yew::prelude::*;

use super::use_bus;
use crate::{Bus, Cause, Event, HandlerResult, Subscription};

/// Calls `handler` for each event whose topic `pattern` matches, while the component is mounted.
///
/// The handler of the newest render is called, so it sees the newest props and state. Another pattern or bus
/// makes a new subscription. An invalid pattern is reported on [`ERROR_TOPIC`](crate::ERROR_TOPIC).
///
/// The subscription's [label](crate::Subscriber::label) is its pattern. With the feature `inspect`, the label begins
/// with the name of the component or hook that calls this.
#[hook]
pub fn use_subscription(pattern: &str, handler: impl Fn(&Event) -> HandlerResult + 'static) {
    let component = component_of(&handler);
    use_handler(pattern, Echo::Without, component, Rc::new(handler));
}

/// Like [`use_subscription`], and also receives durable events of this page before the peer has stored them; see
/// [`Subscriber::echo`](crate::Subscriber::echo).
#[hook]
pub fn use_subscription_with_echo(
    pattern: &str,
    handler: impl Fn(&Event) -> HandlerResult + 'static,
) {
    let component = component_of(&handler);
    use_handler(pattern, Echo::With, component, Rc::new(handler));
}

type Handler = Rc<dyn Fn(&Event) -> HandlerResult>;

#[derive(Clone, Copy, PartialEq)]
enum Echo {
    With,
    Without,
}

#[hook]
fn use_handler(pattern: &str, echo: Echo, component: &'static str, handler: Handler) {
    let bus = use_bus();
    let newest = {
        let handler = handler.clone();
        use_memo((), move |()| RefCell::new(handler))
    };
    // Dropped without a borrow, because it is user code.
    let outdated = newest.replace(handler);
    drop(outdated);
    use_memo((bus, pattern.to_owned(), echo), move |(bus, pattern, echo)| {
        subscribe(bus, pattern, *echo, component, move |event| {
            let handler = newest.borrow().clone();
            handler(event)
        })
    });
}

fn subscribe(
    bus: &Bus,
    pattern: &str,
    echo: Echo,
    component: &str,
    handler: impl Fn(&Event) -> HandlerResult + 'static,
) -> Option<Subscription> {
    let label = [component, pattern].join(" ");
    let subscriber = bus.subscriber(pattern).label(label.trim_start());
    let subscriber = if echo == Echo::With { subscriber.echo() } else { subscriber };
    subscriber.handle(handler).map_err(|error| report(bus, "$bus.subscribe", pattern, error)).ok()
}

/// The name of the component or hook whose closure this is, for developer tools. Empty in builds without them.
fn component_of<H>(_: &H) -> &'static str {
    if cfg!(feature = "inspect") { component_in(std::any::type_name::<H>()) } else { "" }
}

/// The name before that of a closure, such as `<app::LinkBar as ..>::run::{{closure}}` or
/// `app::use_outlet::{{closure}}`.
fn component_in(name: &'static str) -> &'static str {
    let path = name.trim_start_matches('<').split([' ', '{', '<']).next().unwrap_or_default();
    // Yew's macro puts the body of a hook into `inner_fn`.
    let path = path.trim_end_matches(':').trim_end_matches("::inner_fn");
    path.rsplit(':').next().unwrap_or_default()
}

/// Reports an error that a rendering component cannot receive.
pub(super) fn report(bus: &Bus, topic: &str, label: &str, cause: impl Into<Cause>) {
    if let Ok(topic) = Topic::parse(topic) {
        bus.fail(topic, label, cause);
    }
}

#[cfg(test)]
mod tests {
    use super::component_in;

    #[test]
    fn a_closure_names_its_component_or_hook() {
        for (name, component) in [
            (
                "<chat::link_bar::LinkBar as yew::functional::FunctionProvider>::run::{{closure}}",
                "LinkBar",
            ),
            ("chat::outlet::use_outlet::inner_fn::{{closure}}", "use_outlet"),
            ("chat::outlet::report::{{closure}}::{{closure}}", "report"),
            ("chat::list::use_feed<alloc::string::String>::{{closure}}", "use_feed"),
            ("", ""),
        ] {
            assert_eq!(component_in(name), component, "{name}");
        }
    }
}
