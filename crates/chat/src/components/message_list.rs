//! The messages of the room. It subscribes with echo, so that the user's own messages appear at once. It sends refused
//! messages again, and takes waiting ones back, on request. It shows the message that `ui.jump` or the address names,
//! and publishes what was seen.
//!
//! When `ui.edit_last` asks for the user's newest message, it publishes that message as `ui.edit`.
//!
//! Only a part of the messages is in the page: [`viewport`] decides which, and keeps what is read in its place.

mod actions;
mod changes;
mod chunk;
mod feed;
mod frames;
mod keys;
mod pages;
mod seen;
mod today;
mod viewport;

use std::rc::Rc;

use event_driven_kit::bridge::{GAP_TOPIC, Gap, LINK_TOPIC};
use event_driven_kit::hooks::{use_bus, use_subscription, use_subscription_with_echo};
use yew::prelude::*;

use super::refused::{forget, kept};
use super::{EmojiPicker, Origin, invite, leaves};
use crate::effect::use_effect_with;
use crate::events::{
    EDIT, EDIT_LAST, JUMP, Person, Reference, Room, TextError, TextMessage, TextSuccess,
};
use crate::language::{t, t_html};
use crate::model::refusal::{CANCELLED, Refusal};
use crate::model::refused::Refused;
use crate::model::timeline::{Author, Change, Seen, State, Timeline};
use crate::state::{use_memo, use_state_eq};
use crate::{address, clock};
use actions::{notify, react, use_actions};
use chunk::{ChunkView, Shared};
pub use feed::Quote;
use feed::{Feed, Paging};
use frames::{Frames, use_frames};
pub use pages::stored_at;
use seen::use_seen;
use today::use_today;
use viewport::{Viewport, use_viewport};

/// Within this distance from the first or the last message, in heights of the list, the next page is read.
const NEAR: f64 = 2.0;

#[derive(Properties, PartialEq)]
pub struct MessageListProps {
    pub room: Room,
    pub me: Person,
    pub origin: Origin,
    /// Whether the newest page of the history is there.
    pub is_live: bool,
    /// Whether the room is open. Else its messages are only kept.
    pub is_open: bool,
    /// The offset of the message to show.
    pub offset: Option<u64>,
    /// The offset after which the messages were new when the room was entered.
    pub new_after: Option<u64>,
}

#[component]
pub fn MessageList(props: &MessageListProps) -> Html {
    let bus = use_bus();
    let frames = use_frames();
    let viewport = use_viewport(&frames);
    let feed = use_feed(props, &frames, &viewport);
    let is_offline = use_is_offline(&props.origin);
    let today = use_today();
    let seen = use_seen(&props.room, &feed, &viewport, props.is_open);
    let on_action = use_actions(&props.room, &props.me.id, &props.origin, &feed);

    let chunks = feed.look(|timeline| timeline.chunks().to_vec());
    let gaps = feed.look(|timeline| timeline.gaps().clone());
    let is_open = props.is_open;
    let drawn = if is_open { viewport.before_render(&chunks, feed.goes_on()) } else { 0..0 };
    let (highlighted, active) = (feed.highlighted(), feed.active());
    let earlier = chunks[..drawn.start].iter().map(|chunk| chunk.newest_day()).max();
    let mut newest_day = earlier.unwrap_or(today as i32);
    let mut before = chunks[..drawn.start].last().and_then(|chunk| chunk.rows.last().cloned());
    let views = chunks[drawn.clone()].iter().map(|chunk| {
        let has = |id: &Rc<str>| chunk.rows.iter().any(|row| row.seen.id == *id);
        let waits = is_offline && chunk.rows.iter().any(|row| row.state == State::Queued);
        let view = html! {
            <ChunkView
                key={chunk.key.to_string()}
                chunk={Shared(chunk.clone())}
                before={before.clone()}
                {newest_day}
                gaps={gaps.clone()}
                room={props.room.clone()}
                me={props.me.clone()}
                {today}
                is_offline={waits}
                new_after={props.new_after}
                highlighted={highlighted.clone().filter(has)}
                active={active.clone().filter(has)}
                quotes={feed.quotes_of(&chunk.rows)}
                on_action={on_action.clone()}
            />
        };
        newest_day =
            if before.is_none() { chunk.newest_day() } else { newest_day.max(chunk.newest_day()) };
        before = chunk.rows.last().cloned();
        view
    });
    let views: Html = views.collect();
    let is_empty = props.is_live && feed.is_ready() && chunks.is_empty();

    let looked = (feed.clone(), viewport.clone(), frames.clone());
    let scrolled = seen.clone();
    use_effect(move || {
        let (feed, viewport, frames) = looked;
        if !is_open {
            return;
        }
        if viewport.after_render(&chunks, &drawn) {
            frames.render();
        }
        read_more(&feed, &viewport);
        seen.look_soon();
        feed.read_quotes();
    });
    let onscroll = {
        let (feed, viewport, seen) = (feed.clone(), viewport.clone(), scrolled);
        Callback::from(move |_: web_sys::Event| {
            if feed.look(|timeline| viewport.scrolled(timeline.chunks())) {
                frames.render();
            }
            feed.is_at_newest();
            read_more(&feed, &viewport);
            seen.look_soon();
        })
    };
    let to_newest = {
        let feed = feed.clone();
        Callback::from(move |_: MouseEvent| {
            feed.go_to_newest();
            address::forget_message();
        })
    };

    // Not `pointerover`, which also happens when messages move below a pointer at rest.
    let onpointermove = {
        let feed = feed.clone();
        Callback::from(move |event: PointerEvent| keys::activate(&feed, &event))
    };
    let onfocusin = {
        let feed = feed.clone();
        Callback::from(move |event: FocusEvent| keys::activate(&feed, &event))
    };
    let onkeydown = {
        let bus = bus.clone();
        Callback::from(move |event: KeyboardEvent| keys::press(&bus, &event))
    };
    let picker = feed.reacting.borrow().clone().map(|row| {
        let (picked, closed) = (feed.clone(), feed.clone());
        let (bus, me) = (bus.clone(), props.me.id.clone());
        let on_pick = Callback::from(move |emoji: String| {
            picked.stop_reacting();
            react(&bus, &picked, &row, &emoji, &me);
        });
        let on_close = Callback::from(move |()| closed.stop_reacting());
        html! { <EmojiPicker {on_pick} {on_close} /> }
    });
    let onfocusout = {
        let feed = feed.clone();
        Callback::from(move |event: FocusEvent| {
            if leaves(&event) && feed.reacting.take().is_some() {
                feed.frames.render();
            }
        })
    };

    html! {
        <div class="board">
            <div
                ref={viewport.scroller.clone()}
                class="log"
                role="region"
                tabindex="0"
                aria-label={t("Messages")}
                {onscroll}
                {onpointermove}
                {onfocusin}
                {onkeydown}
            >
                <div ref={viewport.content.clone()}>
                    if is_empty {
                        <div class="empty">
                            <p>{ t("Nobody has said anything here yet.") }</p>
                            <div class="invite">{ invite(&bus, None) }</div>
                        </div>
                    } else {
                        { beginning(&feed) }
                    }
                    <div ref={viewport.above.clone()} />
                    <div ref={viewport.list.clone()} class="list">{ views }</div>
                    <div ref={viewport.below.clone()} />
                </div>
            </div>
            <div class="reacting" {onfocusout}>{ picker.unwrap_or_default() }</div>
            if feed.has_newer() || feed.goes_on() {
                <div class="newer">
                    <button onclick={to_newest}>
                        { if feed.has_newer() { t("New messages") } else { t("Back to the newest") } }{ " ↓" }
                    </button>
                </div>
            }
        </div>
    }
}

/// What stands above the first message.
fn beginning(feed: &Rc<Feed>) -> Html {
    let again = feed.clone();
    let onclick = Callback::from(move |_: MouseEvent| again.read_older());
    let is_first = feed.look(Timeline::is_first);
    let name = html! { <bdi>{ feed.room.name.clone() }</bdi> };
    html! {
        <div class="beginning">
            if is_first {
                <p>{ t_html("Beginning of #{room}", &[("room", name)]) }</p>
            } else if feed.paging() == Paging::Waiting {
                <p>{ t("Loading…") }</p>
            } else if feed.paging() == Paging::Failed {
                <p>{ t("Earlier messages could not be loaded.") }</p>
                <button {onclick}>{ t("Try again") }</button>
            }
        </div>
    }
}

/// Reads more when the reader is near the beginning or the end of what is there.
fn read_more(feed: &Feed, viewport: &Viewport) {
    let left = viewport.left();
    if left.above < NEAR && feed.paging() == Paging::Idle {
        feed.read_older();
    }
    if left.below < NEAR {
        feed.read_newer();
    }
}

#[hook]
fn use_feed(props: &MessageListProps, frames: &Rc<Frames>, viewport: &Rc<Viewport>) -> Rc<Feed> {
    let MessageListProps { room, me, origin, is_live, offset, .. } = props;
    let bus = use_bus();
    let feed = use_memo((), |()| {
        let refused = kept(room).into_iter().map(|refused| restored(refused, me));
        let timeline = Timeline::with_refused(refused);
        Feed::new(room, origin, (frames, viewport), timeline, move |text| notify(&bus, text))
    });
    let feed = (*feed).clone();
    feed.set_origin(origin);
    let heard = feed.clone();
    use_subscription_with_echo(room.text_message.as_str(), move |event| heard.hear_message(event));
    let heard = feed.clone();
    use_subscription_with_echo(&room.relations(), move |event| heard.hear_relation(event));
    let heard = feed.clone();
    use_subscription(room.text_success.as_str(), move |event| {
        let success = event.data::<TextSuccess>()?;
        if let Ok(offset) = success.offset.parse() {
            let id = success.id.as_str().into();
            heard.apply(Change::Succeeded { id, offset });
        }
        Ok(())
    });
    let heard = feed.clone();
    use_subscription(room.text_error.as_str(), move |event| {
        let error = event.data::<TextError>()?;
        let id = error.id.as_str().into();
        heard.apply(match &*error.code {
            CANCELLED => Change::Removed { id },
            code => Change::Failed { id, refusal: Refusal::new(code) },
        });
        Ok(())
    });
    let (heard, pattern) = (feed.clone(), room.text_message.clone());
    use_subscription(GAP_TOPIC, move |event| {
        let gap = event.data::<Gap>()?;
        if gap.pattern == pattern.as_str()
            && let (Ok(from), Ok(to)) = (gap.from.parse(), gap.to.parse())
        {
            heard.apply(Change::Gap { from, to });
        }
        Ok(())
    });
    let heard = feed.clone();
    let is_open = props.is_open;
    use_subscription(JUMP, move |event| {
        if is_open && let Some(message) = changes::reference(&*event.data::<Reference>()?) {
            heard.jump(Some(message.epoch), message.offset);
        }
        Ok(())
    });
    let (heard, me, key) = (feed.clone(), me.id.clone(), room.key.clone());
    let bus = use_bus();
    use_subscription(EDIT_LAST, move |event| {
        if *event.data::<String>()? != *key {
            return Ok(());
        }
        let last = heard.look(|timeline| timeline.last_by(&me).cloned());
        if let Some(subject) = last.and_then(|row| heard.subject(&row)) {
            bus.publish(EDIT, subject)?;
        }
        Ok(())
    });
    let heard = feed.clone();
    use_effect_with(*is_live, move |is_live| {
        if *is_live {
            heard.has_caught_up();
        }
    });
    let heard = feed.clone();
    use_effect_with(*offset, move |offset| {
        if let Some(offset) = *offset {
            heard.jump(None, offset);
        }
    });
    use_forgetting(room, feed.refused());
    feed
}

fn restored(refused: Refused, me: &Person) -> (Seen, Refusal) {
    let Refused { id, time_ms, refusal, message } = refused;
    let message = Rc::new(TextMessage { sender: me.clone(), ..message });
    let (author, day) = (Author::default(), clock::day_of(time_ms));
    (Seen { id: id.into(), author, message, time_ms, day }, refusal)
}

/// Forgets the messages that are no longer refused.
#[hook]
fn use_forgetting(room: &Room, refused: Vec<Rc<str>>) {
    let before = use_mut_ref(Vec::<Rc<str>>::new);
    use_effect_with((room.clone(), refused), move |(room, refused)| {
        let before = before.replace(refused.clone());
        before.iter().filter(|id| !refused.contains(id)).for_each(|id| forget(room, id));
    });
}

/// Whether messages wait for the link.
#[hook]
fn use_is_offline(origin: &Origin) -> bool {
    let is_offline = use_state_eq(|| origin.is_offline());
    let (set, origin) = (is_offline.setter(), origin.clone());
    use_subscription(LINK_TOPIC, move |_| {
        set.set(origin.is_offline());
        Ok(())
    });
    *is_offline
}
