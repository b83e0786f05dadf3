//! The messages of the room. It subscribes with echo, so that the user's own messages appear at once, and publishes
//! failed messages again on request.

mod history;
mod stick_to_end;
mod today;

use std::rc::Rc;

use event_driven_kit::hooks::{use_bus, use_subscription, use_subscription_with_echo};
use event_driven_kit::{DataError, Delivery, Event, Stage};
use yew::prelude::*;

use super::{MessageRow, Origin};
use crate::clock;
use crate::events::{Person, Room, TextError, TextSuccess};
use crate::model::text;
use crate::model::timeline::{Change, Row, Seen, State, Timeline};
use history::use_history_is_over;
use stick_to_end::use_stick_to_end;
use today::use_today;

#[derive(Properties, PartialEq)]
pub struct MessageListProps {
    pub room: Room,
    pub me: Person,
    pub origin: Origin,
}

impl Reducible for Timeline {
    type Action = Change;

    fn reduce(self: Rc<Self>, change: Change) -> Rc<Self> {
        let mut timeline = Rc::unwrap_or_clone(self);
        timeline.apply(change);
        Rc::new(timeline)
    }
}

#[component]
pub fn MessageList(props: &MessageListProps) -> Html {
    let timeline = use_timeline(&props.room, &props.origin);
    let history_is_over = use_history_is_over(&props.room);
    let today = use_today();
    let end = use_stick_to_end(&timeline);
    let on_retry = use_retry(&props.room, timeline.dispatcher());

    let mut before: Option<&Rc<Row>> = None;
    let rows = timeline.rows().iter().map(|row| {
        let follows = before.is_some_and(|before| row.follows(before));
        before = Some(row);
        html! {
            <MessageRow
                key={row.key()}
                row={row.clone()}
                own={row.is_by(&props.me.id)}
                {follows}
                {today}
                on_retry={on_retry.clone()}
            />
        }
    });
    let rows: Html = rows.collect();

    html! {
        <div class="board">
            <div
                ref={end.scroller}
                class="log"
                role="log"
                tabindex="0"
                aria-label="Messages"
                // Screen readers do not announce the history.
                aria-live={if history_is_over { "polite" } else { "off" }}
                aria-busy={if history_is_over { "false" } else { "true" }}
                onscroll={end.onscroll}
            >
                if history_is_over && timeline.rows().is_empty() {
                    <p class="empty">{ "Nobody has said anything here yet." }</p>
                }
                <ol ref={end.content} class="messages">{ rows }</ol>
            </div>
            if end.has_newer {
                <div class="newer">
                    <button type="button" onclick={end.jump}>{ "New messages ↓" }</button>
                </div>
            }
        </div>
    }
}

#[hook]
fn use_timeline(room: &Room, origin: &Origin) -> UseReducerHandle<Timeline> {
    let timeline = use_reducer(Timeline::default);
    let fold = timeline.dispatcher();
    let origin = origin.clone();
    use_subscription_with_echo(room.text_message.as_str(), move |event| {
        if let Some(change) = change(event, &origin)? {
            fold.dispatch(change);
        }
        Ok(())
    });
    let fold = timeline.dispatcher();
    use_subscription(room.text_success.as_str(), move |event| {
        let success = event.data::<TextSuccess>()?;
        if let Ok(offset) = success.offset.parse() {
            let id = success.id.as_str().into();
            fold.dispatch(Change::Succeeded { id, offset });
        }
        Ok(())
    });
    let fold = timeline.dispatcher();
    use_subscription(room.text_error.as_str(), move |event| {
        let error = event.data::<TextError>()?;
        let id = error.id.as_str().into();
        let reason = error.message.clone();
        fold.dispatch(Change::Failed { id, reason });
        Ok(())
    });
    timeline
}

/// The change to the timeline that an event of the room's text causes. `TEXT_ERROR` reports refused messages. Events
/// that are neither durable nor from this browser are ignored.
fn change(event: &Event, origin: &Origin) -> Result<Option<Change>, DataError> {
    let id = || event.id().into();
    let seen = |message| Seen {
        id: id(),
        client: origin.client(event).into(),
        message,
        time_ms: clock::sane(event.time().unwrap_or_default()),
    };
    Ok(match event.delivery() {
        Delivery::Pending(stage) => {
            let state = if *stage == Stage::Sent { State::Sent } else { State::Queued };
            Some(Change::Pending { seen: seen(event.data()?), state })
        }
        Delivery::Stored(position) => {
            let (epoch, offset) = (position.epoch, position.offset);
            let message = text::shown(event.data()?);
            message.map(|message| Change::Stored { seen: seen(message), epoch, offset })
        }
        // `TEXT_ERROR` reports those that were published since the page was loaded.
        Delivery::Rejected(rejection) => {
            Some(Change::Failed { id: id(), reason: rejection.message.clone() })
        }
        _ => None,
    })
}

/// Publishes a failed message again as a new event and removes the failed one. If publishing fails, the message stays
/// with the reason.
#[hook]
fn use_retry(room: &Room, fold: UseReducerDispatcher<Timeline>) -> Callback<Rc<Row>> {
    let bus = use_bus();
    use_callback(room.text_message.clone(), move |row: Rc<Row>, topic| {
        let id = row.id.clone();
        fold.dispatch(match bus.publish(topic.clone(), row.message.as_ref().clone()) {
            Ok(_receipt) => Change::Retried { id },
            Err(error) => Change::Failed { id, reason: error.to_string() },
        });
    })
}
