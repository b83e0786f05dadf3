//! The text field of the composer.

use gloo_events::EventListener;
use web_sys::{Event, HtmlTextAreaElement};
use yew::NodeRef;

use crate::boxed;

/// The text in the field.
pub fn value(field: &NodeRef) -> String {
    area(field).map(|area| area.value()).unwrap_or_default()
}

/// Replaces the text, with the caret at the end.
pub fn set(field: &NodeRef, text: &str) {
    if let Some(area) = area(field) {
        area.set_value(text);
    }
}

/// Lets the field keep its height.
pub fn set_long(field: &NodeRef) {
    if let Some(area) = area(field) {
        area.set_class_name("long");
    }
}

/// Calls `handler` with events of the field, until the returned listener is dropped.
pub fn listen(
    field: &NodeRef,
    kind: &'static str,
    handler: impl FnMut(&Event) + 'static,
) -> Option<EventListener> {
    Some(boxed::listen(&area(field)?.into(), kind, handler))
}

/// Moves the focus into the field.
pub fn focus(field: &NodeRef) {
    if let Some(area) = area(field) {
        // Fails only if the element has been removed.
        let _ = area.focus();
    }
}

/// Puts `text` after what is in the field.
pub fn add(field: &NodeRef, text: &str) {
    match (&*value(field), text) {
        (_, "") => {}
        ("", text) => set(field, text),
        (before, text) => set(field, &[before, "\n", text].concat()),
    }
}

/// The text before the caret.
pub fn before_caret(field: &NodeRef) -> String {
    let mut text = value(field);
    let mut left = area(field).map_or(0, |area| caret(area.selection_start())) as usize;
    let end = text.char_indices().find(|(_, character)| {
        let is_end = left == 0;
        left = left.saturating_sub(character.len_utf16());
        is_end
    });
    if let Some((end, _)) = end {
        text.truncate(end);
    }
    text
}

/// Inserts `text` at the caret. Replaces the selection, and this many UTF-16 units before it.
pub fn insert(field: &NodeRef, text: &str, before: u32) {
    let Some(area) = area(field) else { return };
    let (start, end) = (caret(area.selection_start()), caret(area.selection_end()));
    let start = start.saturating_sub(before);
    // Fails only if the start is after the end, which is impossible for a caret.
    let _ = area.set_range_text_with_start_and_end_and_mode(text, start, end, "end");
}

fn caret<E>(at: Result<Option<u32>, E>) -> u32 {
    at.ok().flatten().unwrap_or(u32::MAX)
}

fn area(field: &NodeRef) -> Option<HtmlTextAreaElement> {
    field.cast()
}
