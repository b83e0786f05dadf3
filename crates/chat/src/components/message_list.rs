//! The messages of the room. It subscribes with echo, so that the user's own messages appear at once. It sends refused
//! messages again, and takes waiting ones back, on request.

mod stick_to_end;
mod today;

use std::rc::Rc;

use event_driven_kit::bridge::LINK_TOPIC;
use event_driven_kit::hooks::{use_bus, use_subscription, use_subscription_with_echo};
use event_driven_kit::{Bus, DataError, Delivery, Event, Stage};
use yew::prelude::*;

use super::refused::{forget, kept};
use super::{Action, MessageRow, Origin, invite};
use crate::clock;
use crate::events::{COMPOSE, NOTICE, Person, Room, TextError, TextMessage, TextSuccess};
use crate::model::refusal::{CANCELLED, Refusal, unpublished};
use crate::model::refused::Refused;
use crate::model::text;
use crate::model::timeline::{Change, Row, Seen, State, Timeline};
use stick_to_end::use_stick_to_end;
use today::use_today;

#[derive(Properties, PartialEq)]
pub struct MessageListProps {
    pub room: Room,
    pub me: Person,
    pub origin: Origin,
    /// Whether the history has been replayed.
    pub is_live: bool,
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
    let MessageListProps { is_live, .. } = *props;
    let bus = use_bus();
    let timeline = use_timeline(props);
    let is_offline = use_is_offline(&props.origin);
    let today = use_today();
    let end = use_stick_to_end(&timeline);
    let on_action = use_actions(props, timeline.dispatcher());

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
                is_waiting={is_offline && row.state == State::Queued}
                on_action={on_action.clone()}
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
                aria-live={if is_live { "polite" } else { "off" }}
                aria-busy={if is_live { "false" } else { "true" }}
                onscroll={end.onscroll}
            >
                if is_live && timeline.rows().is_empty() {
                    <div class="empty">
                        <p>{ "Nobody has said anything here yet." }</p>
                        <div class="invite">{ invite(&bus, None) }</div>
                    </div>
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
fn use_timeline(props: &MessageListProps) -> UseReducerHandle<Timeline> {
    let MessageListProps { room, me, origin, is_live } = props;
    let timeline = use_reducer(|| {
        Timeline::with_refused(kept(room).into_iter().map(|refused| restored(refused, me)))
    });
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
        fold.dispatch(match &*error.code {
            CANCELLED => Change::Removed { id },
            code => Change::Failed { id, refusal: Refusal::new(code, &error.message) },
        });
        Ok(())
    });
    let fold = timeline.dispatcher();
    use_effect_with(*is_live, move |is_live| {
        if *is_live {
            fold.dispatch(Change::Live);
        }
    });
    use_forgetting(room, timeline.refused());
    timeline
}

fn restored(refused: Refused, me: &Person) -> (Seen, Refusal) {
    let Refused { id, time_ms, refusal, text } = refused;
    let message = Rc::new(TextMessage { sender: me.clone(), text });
    (Seen { id: id.into(), client: "".into(), message, time_ms }, refusal)
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

/// The change to the timeline that an event of the room's text causes. `TEXT_ERROR` reports refused messages. Events
/// that are neither durable nor from this browser are ignored.
fn change(event: &Event, origin: &Origin) -> Result<Option<Change>, DataError> {
    let seen = |message| Seen {
        id: event.id().into(),
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
        _ => None,
    })
}

/// Does what the user asks for a message of their own: sends it again as a new event, puts its text into the composer,
/// removes it, or takes it back. The focus goes to the composer, because the button that had it is gone.
#[hook]
fn use_actions(
    props: &MessageListProps,
    fold: UseReducerDispatcher<Timeline>,
) -> Callback<(Action, Rc<Row>)> {
    let bus = use_bus();
    let deps = (props.room.text_message.clone(), props.origin.clone());
    use_callback(deps, move |(action, row): (Action, Rc<Row>), (topic, origin)| {
        let id = row.id.clone();
        let mut text = "";
        match action {
            Action::Retry => match bus.publish(topic.clone(), row.message.as_ref().clone()) {
                Ok(_receipt) => fold.dispatch(Change::Removed { id }),
                Err(error) => return notify(&bus, &unpublished(&error)),
            },
            Action::TakeBack if !origin.cancel(&id) => {
                return notify(&bus, "This message may have been sent already.");
            }
            // The echo of the cancelled event removes it.
            Action::TakeBack => text = &row.message.text,
            Action::Edit => {
                text = &row.message.text;
                fold.dispatch(Change::Removed { id });
            }
            Action::Delete => fold.dispatch(Change::Removed { id }),
        }
        // Nothing limits the number of events on this topic.
        let _ = bus.publish(COMPOSE, text.to_owned());
    })
}

fn notify(bus: &Bus, text: &str) {
    // Nothing limits the number of events on this topic.
    let _ = bus.publish(NOTICE, text.to_owned());
}
