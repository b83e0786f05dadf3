//! The hook that folds the events of a pattern into a state.

use std::cell::RefCell;
use std::rc::Rc;

use yew::prelude::*;

use super::per_frame::PerFrame;
use super::{use_bus, use_subscription};
use crate::{Event, HandlerResult};

/// The state that `fold` computes from the events that `pattern` matches since the component has subscribed. It
/// starts with `init`, and starts again when the pattern or the bus changes.
///
/// `fold` is called for each event at its turn. The component renders again at most once per animation frame.
///
/// ```
/// use event_driven_kit::hooks::use_topic_with;
/// use yew::prelude::*;
///
/// #[component]
/// fn LastFive() -> Html {
///     let prices = use_topic_with("prices.*", Vec::new, |prices: &mut Vec<f64>, event| {
///         prices.push(*event.data()?);
///         prices.drain(..prices.len().saturating_sub(5));
///         Ok(())
///     });
///     html! { <ul>{ for prices.iter().map(|price| html! { <li>{ *price }</li> }) }</ul> }
/// }
/// ```
#[hook]
pub fn use_topic_with<S: Clone + 'static>(
    pattern: &str,
    init: impl Fn() -> S + 'static,
    fold: impl Fn(&mut S, &Event) -> HandlerResult + 'static,
) -> Rc<S> {
    let render = use_force_update();
    let bus = use_bus();
    let folded = use_memo((bus, pattern.to_owned()), move |_| Folded {
        state: RefCell::new(None),
        frames: PerFrame::new(render),
    });
    let state = folded.state.borrow().clone();
    let state = state.unwrap_or_else(|| Rc::new(init()));
    folded.state.replace(Some(state.clone()));
    use_subscription(pattern, move |event| {
        // Taken out and not borrowed, because `fold` is user code.
        let taken = folded.state.take();
        let mut state = taken.unwrap_or_else(|| Rc::new(init()));
        let result = fold(Rc::make_mut(&mut state), event);
        folded.state.replace(Some(state));
        folded.frames.render();
        result
    });
    state
}

struct Folded<S> {
    /// `None` before the first render and while `fold` runs.
    state: RefCell<Option<Rc<S>>>,
    frames: Rc<PerFrame>,
}
