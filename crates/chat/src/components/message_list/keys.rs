//! The keyboard in the message list: it is one tab stop. Up and Down move between messages, Left and Right between the
//! buttons of a message and its link, and Escape goes to the composer.

use event_driven_kit::Bus;
use wasm_bindgen::JsCast;
use web_sys::{Element, Event, HtmlElement, KeyboardEvent, PointerEvent};

use super::feed::Feed;
use crate::events::COMPOSE;

/// Draws the buttons of the message in which the event happens. A finger has to tap on it.
pub fn activate(feed: &Feed, event: &Event) {
    if event.dyn_ref::<PointerEvent>().is_some_and(|event| event.pointer_type() == "touch") {
        return;
    }
    let id = target(event).and_then(|at| row(&at)).and_then(|row| row.get_attribute("data-id"));
    if let Some(id) = id {
        feed.activate(&id);
    }
}

/// Moves the focus.
pub fn press(bus: &Bus, event: &KeyboardEvent) {
    let Some(at) = target(event) else { return };
    let row = row(&at);
    let next = match (&*event.key(), &row) {
        ("ArrowUp", Some(row)) => beside(row, false),
        ("ArrowDown", Some(row)) => beside(row, true),
        ("ArrowUp", None) => last_seen(&at),
        ("ArrowRight", Some(row)) => button(row, &at, 1),
        ("ArrowLeft", Some(row)) => button(row, &at, -1),
        ("Enter", Some(row)) if *row == at => button(row, &at, 1),
        ("Escape", _) => {
            // Nothing limits the number of events on this topic. Without a text it only moves the focus.
            let _ = bus.publish(COMPOSE, String::new());
            None
        }
        _ => return,
    };
    event.prevent_default();
    if let Some(next) = next.and_then(|next| next.dyn_into::<HtmlElement>().ok()) {
        // Fails only if the element has been removed.
        let _ = next.focus();
    }
}

fn target(event: &Event) -> Option<Element> {
    event.target()?.dyn_into().ok()
}

fn row(at: &Element) -> Option<Element> {
    at.closest(".message").ok()?
}

/// The message after or before another one.
fn beside(row: &Element, is_after: bool) -> Option<Element> {
    let step = |at: &Element| {
        if is_after { at.next_element_sibling() } else { at.previous_element_sibling() }
    };
    let edge = |chunk: Element| {
        if is_after { chunk.first_element_child() } else { chunk.last_element_child() }
    };
    let mut next = row.clone();
    loop {
        let chunk = next.parent_element();
        next = step(&next).or_else(|| step(&chunk?).and_then(edge))?;
        if next.has_attribute("data-id") {
            return Some(next);
        }
    }
}

/// The last message that begins on the screen.
fn last_seen(log: &Element) -> Option<Element> {
    let bottom = log.get_bounding_client_rect().bottom();
    let rows = log.query_selector_all(".message").ok()?;
    let rows = (0..rows.length()).rev().filter_map(|at| rows.item(at)?.dyn_into().ok());
    let mut rows = rows.map(|row: Element| (row.get_bounding_client_rect().top() < bottom, row));
    rows.find(|(is_seen, _)| *is_seen).map(|(_, row)| row)
}

/// What Left and Right go to in a message: its buttons and the link to it.
const STOPS: &str = "button:not(.more), .meta a";

/// A button of the message or its link, counted from the focused element.
fn button(row: &Element, at: &Element, by: i32) -> Option<Element> {
    let buttons = row.query_selector_all(STOPS).ok()?;
    let count = buttons.length() as i32;
    let element = |index: i32| buttons.item(index as u32)?.dyn_into::<Element>().ok();
    let now = (0..count).find(|index| element(*index).as_ref() == Some(at));
    let next = now.map_or(if by > 0 { 0 } else { count - 1 }, |now| now + by);
    element(next.rem_euclid(count.max(1)))
}
