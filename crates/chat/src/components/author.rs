//! The name of a message's author, with a mark that says how the author is known: in words, not by colour alone.

use yew::prelude::*;

use crate::language::t_html;
use crate::model::identity::Identity;
use crate::model::timeline::Row;

/// The name and the mark.
pub fn author(row: &Row) -> Html {
    let name = html! { <bdi>{ row.seen.name() }</bdi> };
    match row.identity() {
        Identity::Own => name,
        Identity::Guest => t_html("{name} (guest)", &[("name", name)]),
        Identity::Verified => t_html("{name} ✓ verified", &[("name", name)]),
        Identity::SignedIn => t_html("{name} · signed in", &[("name", name)]),
    }
}
