//! The name of a message's author, with a mark that says how the author is known: in words, not by colour alone.

use yew::prelude::*;

use crate::language::t_html;
use crate::model::identity::Identity;
use crate::model::timeline::Seen;

/// The name and the mark.
pub fn author(seen: &Seen) -> Html {
    let name = html! { <bdi>{ seen.name() }</bdi> };
    match seen.identity() {
        Identity::Own => name,
        Identity::Guest => t_html("{name} (guest)", &[("name", name)]),
        Identity::SignedIn => t_html("{name} · signed in", &[("name", name)]),
    }
}
