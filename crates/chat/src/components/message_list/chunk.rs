//! Some rows that follow each other. Renders again only when one of them has changed.

use std::rc::Rc;

use yew::prelude::*;

use super::super::{Action, MessageRow};
use super::feed::Quote;
use crate::clock;
use crate::events::{Person, Room};
use crate::language::t;
use crate::model::timeline::{Chunk, Gap, Mark, Row, State, marks};

#[derive(Properties, PartialEq)]
pub struct ChunkViewProps {
    pub chunk: Shared,
    /// The row before the first one.
    pub before: Option<Rc<Row>>,
    /// The newest day of all messages before.
    pub newest_day: i32,
    pub gaps: Rc<Vec<Gap>>,
    pub room: Room,
    pub me: Person,
    /// The [day](clock::today).
    pub today: f64,
    /// Whether messages wait for the link.
    pub is_offline: bool,
    /// The offset after which the messages were new when the room was entered.
    pub new_after: Option<u64>,
    /// The id of the message to highlight, if it is among these.
    pub highlighted: Option<Rc<str>>,
    /// The id of the message whose buttons are drawn, if it is among these.
    pub active: Option<Rc<str>>,
    /// The messages to which these reply, in the order of the replies.
    pub quotes: Vec<Quote>,
    /// Called when the user presses a button of a message.
    pub on_action: Callback<(Action, Rc<Row>)>,
}

/// A chunk, which is equal to itself only: chunks that have not changed are shared.
#[derive(Clone)]
pub struct Shared(pub Rc<Chunk>);

impl PartialEq for Shared {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

#[component]
pub fn ChunkView(props: &ChunkViewProps) -> Html {
    let ChunkViewProps { chunk, gaps, room, me, today, is_offline, on_action, .. } = props;
    let is = |id: &Option<Rc<str>>, row: &Row| id.as_ref() == Some(&row.seen.id);
    let mut quotes = props.quotes.iter();
    let mut newest_day = props.newest_day;
    let mut before = props.before.as_ref();
    let mut rows: Vec<Html> = Vec::with_capacity(chunk.0.rows.len());
    for row in &chunk.0.rows {
        let marks = marks(before.map(|before| &**before), row, newest_day, gaps);
        let is_first_new = props.new_after.is_some_and(|after| {
            let is_new = |row: &Row| row.place.offset().is_some_and(|offset| offset > after);
            is_new(row) && !before.is_some_and(|before| is_new(before))
        });
        let follows =
            marks.is_empty() && !is_first_new && before.is_some_and(|before| row.follows(before));
        newest_day = if before.is_none() { row.seen.day } else { newest_day.max(row.seen.day) };
        before = Some(row);
        rows.extend(marks.into_iter().map(|mark| line(mark, row)));
        if is_first_new {
            rows.push(html! { <li key="new" class="mark new"><span>{ t("New") }</span></li> });
        }
        rows.push(html! {
            <MessageRow
                key={row.key.clone()}
                row={row.clone()}
                own={row.is_by(&me.id)}
                {follows}
                room={room.path.clone()}
                today={*today}
                is_waiting={*is_offline && row.state == State::Queued}
                is_highlighted={is(&props.highlighted, row)}
                is_active={is(&props.active, row)}
                quote={row.seen.message.reply_to.as_ref().and_then(|_| quotes.next().cloned())}
                on_action={on_action.clone()}
            />
        });
    }
    html! { <ol class="messages">{ for rows }</ol> }
}

/// A line before a message.
fn line(mark: Mark, row: &Row) -> Html {
    let (kind, text) = match mark {
        Mark::NewLog => {
            ("new-log", t("The server has started a new log. Its last messages may be missing."))
        }
        Mark::Gap => ("gap", t("Some messages are no longer on the server.")),
        Mark::Day => ("day", clock::day_in_words(row.seen.time_ms.unwrap_or_default()).into()),
    };
    html! { <li key={[kind, &*row.key].concat()} class={classes!("mark", kind)}>{ text }</li> }
}
