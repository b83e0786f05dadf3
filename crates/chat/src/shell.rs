//! The page before the program has loaded: index.html shows the join screen at once. This reads what the user has done
//! there meanwhile, before the program replaces it.

use wasm_bindgen::JsCast;
use web_sys::{Document, HtmlInputElement};

/// What the user has typed into the join screen of index.html.
#[derive(Debug, Clone, PartialEq)]
pub struct Typed {
    pub name: String,
    pub room: String,
    /// Whether the field of the room has the focus.
    pub is_in_room: bool,
    /// Whether the user has pressed Join.
    pub asked: bool,
}

/// Reads the join screen. `None` if the page shows none.
pub fn typed(document: &Document) -> Option<Typed> {
    document.query_selector("main.join:not([hidden])").ok()??;
    let value = |id| {
        let field: HtmlInputElement = document.get_element_by_id(id)?.dyn_into().ok()?;
        Some(field.value())
    };
    Some(Typed {
        name: value("name")?,
        room: value("room")?,
        is_in_room: document.active_element().is_some_and(|element| element.id() == "room"),
        asked: document.query_selector("form[data-asked]").ok()?.is_some(),
    })
}
