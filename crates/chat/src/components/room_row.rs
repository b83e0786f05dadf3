//! A joined room in the list: its name, its newest message, and how much is unread.

use yew::prelude::*;

use crate::events::Room;
use crate::language::t;
use crate::letters::upper;
use crate::model::rooms::Entry;
use crate::{address, clock};

/// The row of a room, which opens it.
pub fn room_row(room: &Room, title: AttrValue, entry: &Entry, is_open: bool) -> Html {
    let class = classes!(
        "room-row",
        entry.membership.is_muted.then_some("muted"),
        entry.membership.is_pinned.then_some("pinned"),
    );
    let time = entry.newest.as_ref().map(|newest| {
        html! { <time datetime={clock::iso(newest.time_ms)}>{ clock::brief(newest.time_ms, clock::today()) }</time> }
    });
    html! {
        <li key={room.key.to_string()}>
            <a href={address::hash(&room.path)} {class} aria-current={is_open.then_some("page")}>
                { place(room, &title) }
                <span class="name"><bdi>{ title.clone() }</bdi></span>
                { for time }
                { preview(entry) }
                { badge(entry) }
            </a>
        </li>
    }
}

/// A sign in the colour of the room: a hash, or the first letter of the other person's name.
pub fn place(room: &Room, title: &str) -> Html {
    let sum =
        room.key.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    let tone = ["tone-", &(sum % 8).to_string()].concat();
    let sign = match room.other() {
        Some(_) => title.chars().next().map(|first| upper(first.encode_utf8(&mut [0; 4]))),
        None => Some("#".to_owned()),
    };
    let class = classes!("place", tone, room.other().map(|_| "person"));
    html! { <span {class} aria-hidden="true">{ sign }</span> }
}

fn preview(entry: &Entry) -> Html {
    let Some(newest) = &entry.newest else {
        return html! { <span class="preview">{ t("No messages yet") }</span> };
    };
    let name = match &*newest.name {
        "" => t("You"),
        name => name.to_owned().into(),
    };
    let text: AttrValue = match &*newest.text {
        "" => t("This message was deleted."),
        text => text.to_owned().into(),
    };
    html! {
        <span class="preview"><bdi>{ name }</bdi>{ ": " }<bdi>{ text }</bdi></span>
    }
}

fn badge(entry: &Entry) -> Html {
    let Some(shown) = entry.unread.shown() else { return Html::default() };
    let has_mention = entry.unread.has_mention();
    html! {
        <span class={classes!("badge", has_mention.then_some("mention"))}>
            if has_mention {
                <span aria-hidden="true">{ "@" }</span>
                <span class="aside">{ t("You are mentioned.") }</span>
            }
            <span class="count">{ shown }</span>
            <span class="aside">{ t("unread") }</span>
        </span>
    }
}
