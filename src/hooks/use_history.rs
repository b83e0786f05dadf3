//! The hook that pages back through the peer's log.

use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use super::use_bridge;
use crate::Event;
use crate::bridge::{HistoryError, HistoryPage, Position};

/// The part of the history that a component has read.
pub struct UseHistory {
    read: UseStateHandle<Rc<Read>>,
    more: Callback<()>,
}

#[derive(Default, Clone)]
struct Read {
    /// The bridge, pattern and limit. Pages for other values are discarded.
    edition: u32,
    /// Oldest first.
    events: Vec<Event>,
    next: Option<Position>,
    is_waiting: bool,
    is_complete: bool,
    error: Option<HistoryError>,
}

impl UseHistory {
    /// Requests the next older page. Has no effect while a page is loading, or at the beginning of the log.
    pub fn more(&self) {
        self.more.emit(());
    }

    /// The events read so far, oldest first.
    pub fn events(&self) -> &[Event] {
        &self.read.events
    }

    /// Whether a page is loading.
    pub fn is_waiting(&self) -> bool {
        self.read.is_waiting
    }

    /// Whether the whole history has been read.
    pub fn is_complete(&self) -> bool {
        self.read.is_complete
    }

    /// Why the last page failed to load.
    pub fn error(&self) -> Option<&HistoryError> {
        self.read.error.as_ref()
    }
}

impl std::fmt::Debug for UseHistory {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("UseHistory").field("events", &self.read.events.len()).finish()
    }
}

/// Reads the history of a pattern in pages of at most `limit` events, one per call of [`UseHistory::more`],
/// through the bridge of the [`BridgeProvider`](crate::hooks::BridgeProvider) above.
///
/// ```
/// use event_driven_kit::hooks::use_history;
/// use yew::prelude::*;
///
/// #[component]
/// fn Past() -> Html {
///     let history = use_history("chat.lobby.*", 50);
///     let earlier = history.events().iter().map(|event| html! { <li>{ event.id() }</li> });
///     let list = html! { <ul>{ for earlier }</ul> };
///     let done = history.is_complete();
///     html! { <>{ list }<button disabled={done} onclick={move |_| history.more()}>{ "earlier" }</button></> }
/// }
/// ```
#[hook]
pub fn use_history(pattern: &str, limit: u32) -> UseHistory {
    let bridge = use_bridge();
    let read = use_state(|| Rc::new(Read::default()));
    let newest = use_mut_ref(|| Rc::new(Read::default()));
    let deps = (bridge, pattern.to_owned(), limit);
    let (set, kept) = (read.setter(), newest);
    let more = use_memo(deps, move |(bridge, pattern, limit)| {
        let edition = kept.borrow().edition + 1;
        let begin = Rc::new(Read { edition, ..Read::default() });
        kept.replace(begin.clone());
        if edition > 1 {
            set.set(begin);
        }
        let (bridge, pattern, limit) = (bridge.clone(), pattern.clone(), *limit);
        Callback::from(move |()| {
            let (Some(bridge), now) = (&bridge, kept.borrow().clone()) else { return };
            if now.edition != edition || now.is_waiting || now.is_complete {
                return;
            }
            let page = bridge.history(&pattern, now.next.clone(), limit);
            let asked = Rc::new(Read { is_waiting: true, error: None, ..Read::clone(&now) });
            kept.replace(asked.clone());
            set.set(asked);
            let (kept, set) = (kept.clone(), set.clone());
            spawn_local(async move {
                let page = page.await;
                let now = kept.borrow().clone();
                if now.edition == edition {
                    let now = Rc::new(now.with(page));
                    kept.replace(now.clone());
                    set.set(now);
                }
            });
        })
    });
    UseHistory { read, more: (*more).clone() }
}

impl Read {
    fn with(&self, page: Result<HistoryPage, HistoryError>) -> Self {
        let mut read = Self { is_waiting: false, ..self.clone() };
        match page {
            Ok(HistoryPage { events, next, .. }) => {
                let older = events.into_iter().rev();
                read.events = older.chain(read.events).collect();
                (read.is_complete, read.next) = (next.is_none(), next);
            }
            // The log was replaced: the events read so far belong to the old one.
            Err(HistoryError::Reset) => {
                read = Self { edition: read.edition, ..Self::default() };
                read.error = Some(HistoryError::Reset);
            }
            Err(error) => read.error = Some(error),
        }
        read
    }
}
