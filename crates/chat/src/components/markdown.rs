//! Draws the text of a message: its Markdown as elements. Markup of the text itself is never parsed by the browser.

use yew::prelude::*;
use yew::virtual_dom::VTag;

use crate::model::markdown::{Node, parse};

/// The text as elements.
pub fn markdown(text: &str) -> Html {
    parse(text).into_iter().map(draw).collect()
}

fn draw(node: Node) -> Html {
    let Node::Element { tag, value, children } = node else {
        let Node::Text(text) = node else { return Html::default() };
        return text.into();
    };
    let mut element = VTag::new(tag);
    match tag {
        "a" => {
            element.add_attribute("href", value.clone());
            // A label may look like another address.
            element.add_attribute("title", value);
            element.add_attribute("target", "_blank");
            element.add_attribute("rel", "noopener noreferrer");
        }
        "ol" => element.add_attribute("start", value),
        // Also in a sentence that is written from right to left.
        "code" => element.add_attribute("dir", "ltr"),
        _ => {}
    }
    element.add_children(children.into_iter().map(draw));
    element.into()
}
