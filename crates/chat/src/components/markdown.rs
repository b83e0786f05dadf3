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
    let children = children.into_iter().map(draw);
    match tag {
        // A label may look like another address.
        "a" => html! {
            <a href={value.clone()} title={value} target="_blank" rel="noopener noreferrer">{ for children }</a>
        },
        "ol" => html! { <ol start={value}>{ for children }</ol> },
        // Also in a sentence that is written from right to left.
        "code" => html! { <code dir="ltr">{ for children }</code> },
        _ => {
            let mut element = VTag::new(tag);
            element.add_children(children);
            element.into()
        }
    }
}
