//! Shows a short text for some seconds, such as the outcome of a click.

use std::rc::Rc;

use event_driven_kit::hooks::use_subscription;
use event_driven_kit::trust::UNTRUSTED_TOPIC;
use yew::prelude::*;

use crate::boxed::after;
use crate::effect::use_effect_with;
use crate::events::NOTICE;
use crate::language::t;
use crate::state::use_state_eq;

/// How long a notice is shown, in milliseconds.
const SHOWN_MS: u32 = 6_000;

/// The place of the newest notice. It is always rendered, so that screen readers announce its text.
#[hook]
pub fn use_notice() -> Html {
    let notice = use_state_eq(|| None);
    let set = notice.setter();
    use_subscription(NOTICE, move |event| {
        set.set(Some((event.id().to_owned(), event.data::<String>()?)));
        Ok(())
    });
    let set = notice.setter();
    use_subscription(UNTRUSTED_TOPIC, move |event| {
        let text = t("A message was withheld: it could not be verified.").to_string();
        set.set(Some((event.id().to_owned(), Rc::new(text))));
        Ok(())
    });
    let set = notice.setter();
    use_effect_with((*notice).clone(), move |notice| {
        let timer = notice.is_some().then(|| after(SHOWN_MS, move || set.set(None)));
        move || drop(timer)
    });
    let text = notice.as_ref().map(|(_, text)| text.to_string());
    html! { <p class="toast" role="status">{ text }</p> }
}
