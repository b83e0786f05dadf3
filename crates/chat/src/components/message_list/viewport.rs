//! Which part of the list is in the page, and where it is scrolled to.
//!
//! While the reader is at the end, the list stays scrolled to it. Else a row is the anchor: it stays where it is on the
//! screen, whatever is added, removed or resized around it. The browser's own anchoring is switched off: not all
//! browsers have it, and none knows about the spacers.

use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::rc::Rc;

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Element, HtmlElement, ResizeObserver};
use yew::prelude::*;

use super::frames::Frames;
use crate::effect::use_effect_with;
use crate::model::timeline::Chunk;
use crate::model::window;
use crate::state::use_memo;

/// Within this distance, in CSS pixels, the reader counts as being at the end.
const NEAR: i32 = 48;
/// An anchor that has moved less was not moved by the reader. Keeping it keeps rounding errors from adding up.
const STILL: f64 = 1.0;

/// The scrolling element with its state, which does not affect what is rendered.
#[derive(Default)]
pub struct Viewport {
    pub scroller: NodeRef,
    /// The elements in the scrolling element: all of them, the chunks, and the spacers above and below the chunks.
    pub content: NodeRef,
    pub list: NodeRef,
    pub above: NodeRef,
    pub below: NodeRef,
    /// Whether the list stays scrolled to its end.
    is_at_end: Cell<bool>,
    /// Whether the newest message is drawn, so that the list has an end.
    has_end: Cell<bool>,
    /// A render has changed the page, and the list is not in its place yet. Another render may begin meanwhile.
    is_unsettled: Cell<bool>,
    /// Where the list was scrolled to when this was last looked at or changed.
    scroll_top: Cell<i32>,
    anchor: RefCell<Option<Anchor>>,
    /// The row to keep in the middle of the screen until the reader scrolls: what is around it may still be on its way.
    target: RefCell<Option<Rc<str>>>,
    /// The keys of the first and the last chunk that the reader sees, and of those that are drawn.
    seen: Cell<Option<(u64, u64)>>,
    drawn: Cell<Option<(u64, u64)>>,
}

struct Anchor {
    element: Element,
    id: String,
    /// Its distance from the top of the scrolling element.
    top: f64,
}

/// How much the reader can still scroll, in heights of the scrolling element.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Left {
    pub above: f64,
    pub below: f64,
}

#[hook]
pub fn use_viewport(frames: &Rc<Frames>) -> Rc<Viewport> {
    let viewport = use_memo((), |()| {
        let viewport = Viewport::default();
        viewport.is_at_end.set(true);
        Rc::new(viewport)
    });
    let watched = (*viewport).clone();
    let frames = frames.clone();
    // Sizes also change without a render, for example when a phone's keyboard opens or the window narrows.
    use_effect_with((), move |()| {
        let elements = [&watched.scroller, &watched.content].map(NodeRef::cast::<Element>);
        let on_resize = Closure::<dyn FnMut()>::new(move || {
            if watched.settle() {
                frames.render();
            }
        });
        let observer = ResizeObserver::new(on_resize.as_ref().unchecked_ref()).ok();
        if let Some(observer) = &observer {
            elements.iter().flatten().for_each(|element| observer.observe(element));
        }
        move || {
            if let Some(observer) = observer {
                observer.disconnect();
            }
            drop(on_resize);
        }
    });
    (*viewport).clone()
}

impl Viewport {
    /// Keeps the list scrolled to its end from the next render on.
    pub fn stick_to_end(&self) {
        self.is_at_end.set(true);
        self.target.take();
    }

    pub fn is_at_end(&self) -> bool {
        self.is_at_end.get()
    }

    /// The key of the first chunk that is drawn.
    pub fn first_drawn(&self) -> Option<u64> {
        self.drawn.get().map(|(first, _)| first)
    }

    /// Scrolls to the row with this id, in the chunk with this key, after the next render.
    pub fn show(&self, chunk: u64, id: Rc<str>) {
        self.is_at_end.set(false);
        self.anchor.take();
        self.seen.set(Some((chunk, chunk)));
        self.target.replace(Some(id));
    }

    /// The chunks to draw. Called before a render changes the page. `goes_on` says that newer messages than these
    /// exist.
    pub fn before_render(&self, chunks: &[Rc<Chunk>], goes_on: bool) -> Range<usize> {
        if !self.is_unsettled.replace(true) {
            self.look();
        }
        let index = |key: u64| chunks.iter().position(|chunk| chunk.key == key);
        let range = |keys: Option<(u64, u64)>| {
            let (first, last) = keys?;
            Some(index(first)?..index(last)? + 1)
        };
        let end = chunks.len().saturating_sub(1)..chunks.len();
        let seen = if self.is_at_end.get() { None } else { range(self.seen.get()) };
        let drawn = range(self.drawn.get()).unwrap_or(0..0);
        let drawn = window::drawn(chunks, seen.unwrap_or(end), drawn);
        let keys = chunks[drawn.clone()].first().zip(chunks[drawn.clone()].last());
        self.drawn.set(keys.map(|(first, last)| (first.key, last.key)));
        self.has_end.set(!goes_on && drawn.end == chunks.len());
        drawn
    }

    /// Sizes the spacers and puts the list into its place. Returns whether other chunks are seen now than those that
    /// were drawn around.
    pub fn after_render(&self, chunks: &[Rc<Chunk>], drawn: &Range<usize>) -> bool {
        let Some(list) = self.list.cast::<Element>() else { return false };
        let children = list.children();
        for (at, chunk) in chunks[drawn.clone()].iter().enumerate() {
            if let Some(element) = children.item(at as u32) {
                chunk.height.set(element.get_bounding_client_rect().height());
            }
        }
        size(&self.above, window::height(chunks, 0..drawn.start));
        size(&self.below, window::height(chunks, drawn.end..chunks.len()));
        self.is_unsettled.set(false);
        self.settle();
        self.see(chunks, drawn)
    }

    /// The reader has scrolled, or the list was scrolled here. Returns whether other chunks must be drawn.
    pub fn scrolled(&self, chunks: &[Rc<Chunk>]) -> bool {
        if self.is_unsettled.get() {
            return false;
        }
        self.look();
        self.see(chunks, &self.drawn_range(chunks))
    }

    /// Moves the focus to a row, if it is drawn.
    pub fn focus(&self, id: &str) {
        if let Some(row) = self.row(id).and_then(|row| row.dyn_into::<HtmlElement>().ok()) {
            // Fails only if the element has been removed.
            let _ = row.focus();
        }
    }

    /// How much the reader can still scroll.
    pub fn left(&self) -> Left {
        let Some(scroller) = self.scroller.cast::<Element>() else {
            return Left { above: f64::MAX, below: f64::MAX };
        };
        let height = f64::from(scroller.client_height().max(1));
        let (top, whole) = (f64::from(scroller.scroll_top()), f64::from(scroller.scroll_height()));
        Left { above: top / height, below: (whole - top) / height - 1.0 }
    }

    fn drawn_range(&self, chunks: &[Rc<Chunk>]) -> Range<usize> {
        let Some((first, last)) = self.drawn.get() else { return 0..0 };
        let index = |key: u64| chunks.iter().position(|chunk| chunk.key == key);
        index(first).zip(index(last)).map_or(0..0, |(first, last)| first..last + 1)
    }

    /// Notes which chunks the reader sees. Returns whether others must be drawn.
    fn see(&self, chunks: &[Rc<Chunk>], drawn: &Range<usize>) -> bool {
        let (Some(scroller), Some(above)) =
            (self.scroller.cast::<Element>(), self.above.cast::<Element>())
        else {
            return false;
        };
        let frame = scroller.get_bounding_client_rect();
        let top = frame.top() - above.get_bounding_client_rect().top();
        let seen = window::between(chunks, top, top + frame.height());
        let keys = chunks[seen.clone()].first().zip(chunks[seen.clone()].last());
        self.seen.set(keys.map(|(first, last)| (first.key, last.key)));
        window::drawn(chunks, seen, drawn.clone()) != *drawn
    }

    /// If the reader has scrolled, notes whether the list is at its end, and which row is the anchor.
    fn look(&self) {
        let Some(scroller) = self.scroller.cast::<Element>() else { return };
        let scroll_top = scroller.scroll_top();
        // The browser itself rounds the position after a layout.
        let is_moved = scroll_top.abs_diff(self.scroll_top.get()) > 1;
        if is_moved {
            self.scroll_top.set(scroll_top);
            self.target.take();
            let below = scroller.scroll_height() - scroll_top - scroller.client_height();
            self.is_at_end.set(below < NEAR && self.has_end.get());
        }
        // At the end, none is needed.
        let is_needed = is_moved || self.anchor.borrow().is_none();
        if is_needed && !self.is_at_end.get() {
            let found = self.first_on_screen(&scroller);
            let mut anchor = self.anchor.borrow_mut();
            let is_still = |(known, found): (&Anchor, &Anchor)| {
                known.element == found.element && (known.top - found.top).abs() < STILL
            };
            if !anchor.as_ref().zip(found.as_ref()).is_some_and(is_still) {
                *anchor = found;
            }
        }
    }

    /// The first row that begins on the screen: what is above its beginning may grow. Else the row that fills the
    /// screen.
    fn first_on_screen(&self, scroller: &Element) -> Option<Anchor> {
        let frame = scroller.get_bounding_client_rect();
        let chunk = first_below(&self.list.cast::<Element>()?, frame.top())?;
        let first = first_below(&chunk, frame.top())?;
        let next = first
            .next_element_sibling()
            .or_else(|| chunk.next_element_sibling().and_then(|chunk| chunk.first_element_child()));
        let top = |element: &Element| element.get_bounding_client_rect().top();
        let element = match next {
            Some(next) if top(&first) < frame.top() && top(&next) < frame.bottom() => next,
            _ => first,
        };
        let id = element.get_attribute("data-id").unwrap_or_default();
        let top = top(&element) - frame.top();
        Some(Anchor { element, id, top })
    }

    /// The id of the last row that ends on the screen.
    pub fn last_on_screen(&self) -> Option<String> {
        let bottom = self.scroller.cast::<Element>()?.get_bounding_client_rect().bottom();
        let list = self.list.cast::<Element>()?;
        let (chunk, last) = match first_below(&list, bottom) {
            Some(chunk) => {
                let row =
                    first_below(&chunk, bottom).and_then(|row| row.previous_element_sibling());
                (chunk.previous_element_sibling(), row)
            }
            None => (list.last_element_child(), None),
        };
        last.or_else(|| chunk?.last_element_child())?.get_attribute("data-id")
    }

    /// Scrolls to the end, to the target, or so that the anchor is where it was. Returns whether it has found no
    /// anchor.
    fn settle(&self) -> bool {
        let Some(scroller) = self.scroller.cast::<Element>() else { return false };
        let frame = scroller.get_bounding_client_rect();
        let mut is_lost = false;
        if self.is_at_end.get() {
            scroller.set_scroll_top(scroller.scroll_height());
            self.anchor.take();
        } else if let Some(element) = self.target.borrow().as_ref().and_then(|id| self.row(id)) {
            let place = element.get_bounding_client_rect();
            // In the middle; a message that does not fit begins at the top.
            let top = ((frame.height() - place.height()) / 2.0).max(0.0);
            scroller.scroll_by_with_x_and_y(0.0, place.top() - frame.top() - top);
            let id = element.get_attribute("data-id").unwrap_or_default();
            let top = element.get_bounding_client_rect().top() - frame.top();
            self.anchor.replace(Some(Anchor { element, id, top }));
        } else if let Some(anchor) = &mut *self.anchor.borrow_mut() {
            if !anchor.element.is_connected()
                && let Some(element) = self.row(&anchor.id)
            {
                anchor.element = element;
            }
            is_lost = !anchor.element.is_connected();
            if !is_lost {
                let place = anchor.element.get_bounding_client_rect();
                scroller.scroll_by_with_x_and_y(0.0, place.top() - frame.top() - anchor.top);
            }
        }
        self.scroll_top.set(scroller.scroll_top());
        if is_lost {
            self.anchor.take();
        }
        is_lost
    }

    /// The element of a row that is drawn.
    fn row(&self, id: &str) -> Option<Element> {
        let chunks = self.list.cast::<Element>()?.children();
        let chunks = (0..chunks.length()).filter_map(|at| chunks.item(at));
        let mut rows = chunks.flat_map(|chunk| {
            let rows = chunk.children();
            (0..rows.length()).filter_map(move |at| rows.item(at))
        });
        rows.find(|row| row.get_attribute("data-id").is_some_and(|other| other == id))
    }
}

/// The first child that ends below this height of the screen.
fn first_below(parent: &Element, y: f64) -> Option<Element> {
    let children = parent.children();
    let (mut low, mut high) = (0, children.length());
    while low < high {
        let middle = low.midpoint(high);
        if children.item(middle)?.get_bounding_client_rect().bottom() > y {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    children.item(low)
}

/// By the browser's interface: the page's policy forbids style attributes.
fn size(spacer: &NodeRef, height: f64) {
    if let Some(spacer) = spacer.cast::<HtmlElement>() {
        // Fails only for a name or value that is not CSS.
        let _ = spacer.style().set_property("height", &[&*height.to_string(), "px"].concat());
    }
}
